// SPDX-License-Identifier: BSD-3-Clause
// fmtp lines of every codec: what is read can be checked, opened by its numbers, printed and read again.
// Input: a row of the table, then the line.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/codec/format/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct codec_format format, before, again;
	unsigned rows = 0;
	char *line, printed[300];
	int err, n;

	if (!size)
		return 0;
	while (codec_name_at(rows))
		rows++;
	codec_format_init(&format, codec_name_at(data[0] % rows));
	before = again = format;
	line = malloc(size); // exact, no terminator
	if (!line)
		return 0;
	memcpy(line, data + 1, size - 1);
	err = codec_format_fmtp(&format, line, size - 1);
	if (err) {
		promise(err == -EINVAL || err == -EOPNOTSUPP);
		promise(memcmp(&format, &before, sizeof(format)) == 0);
		free(line);
		return 0;
	}
	format.ptime = (uint8_t)codec_format_ptime(&format, format.ptime);
	promise(codec_format_check(&format) == 0);
	n = codec_format_print(&format, printed, sizeof(printed));
	promise(n >= 0 && (size_t)n < sizeof(printed) && printed[n] == '\0');
	promise(codec_format_fmtp(&again, printed, (size_t)n) == 0);
	promise(again.mode_set == format.mode_set && again.bitrate == format.bitrate);
	(void)codec_by_rtpmap(line, size - 1);
	free(line);
	return 0;
}
