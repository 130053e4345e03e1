// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as an RTCP datagram. A good one can be walked packet by packet to its end by its own lengths.
#include <stdlib.h>

#include "dataplane/media/demux.h"
#include "dataplane/media/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_view view;
	size_t at = 0, packets = 0, bye = 0;

	if (rtcp_parse(&view, data, size) != RTCP_GOOD)
		return 0;
	while (at < size) {
		if (media_demux(data[at], data[at + 1]) != MEDIA_RTCP)
			abort();
		bye |= data[at + 1] == RTCP_BYE;
		at += ((size_t)data[at + 2] << 8 | data[at + 3]) * 4 + 4;
		packets++;
	}
	if (at != size || packets != view.packets || bye != view.bye || view.type != data[1])
		abort();
	return 0;
}
