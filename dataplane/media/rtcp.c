// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/media/rtcp.h"

#include "dataplane/media/rtp.h"

// Checks the packet at `data`; its size in *used.
static enum rtcp_verdict check_one(const uint8_t *data, size_t size, size_t *used)
{
	size_t length;

	if (size < 4)
		return RTCP_BAD_LENGTH;
	if (data[0] >> 6 != 2)
		return RTCP_BAD_VERSION;
	if ((data[1] & 0xe0) != 0xc0)
		return RTCP_BAD_TYPE;
	length = ((size_t)rtp_read16(data + 2) + 1) * 4;
	if (length > size)
		return RTCP_BAD_LENGTH;
	if (data[0] & 0x20) {
		uint8_t padding = data[length - 1];

		// Only the last packet is padded, by whole words, and not over its header.
		if (length != size || padding == 0 || padding % 4 || padding > length - 4)
			return RTCP_BAD_PADDING;
	}
	*used = length;
	return RTCP_GOOD;
}

enum rtcp_verdict rtcp_parse(struct rtcp_view *view, const uint8_t *data, size_t size)
{
	struct rtcp_view v = {0};
	size_t at = 0;

	if (size < 8)
		return RTCP_BAD_SHORT;
	while (at < size) {
		size_t used = 0;
		enum rtcp_verdict verdict = check_one(data + at, size - at, &used);

		if (verdict != RTCP_GOOD)
			return verdict;
		v.bye |= data[at + 1] == RTCP_BYE;
		v.packets++;
		at += used;
	}
	v.type = data[1];
	v.ssrc = rtp_read32(data + 4);
	*view = v;
	return RTCP_GOOD;
}
