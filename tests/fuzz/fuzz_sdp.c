// SPDX-License-Identifier: BSD-3-Clause
//
// Any bytes as an SDP body: read, written, read again. What was accepted once has to be accepted again
// and to be written the same; every slice has to lie in the body; a smaller arena may only say ENOMEM.
#include "sip/sdp/sdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[2 * SDP_MAX_TREE];
static char first[2 * SDP_MAX_BODY], second[2 * SDP_MAX_BODY];

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_slice(struct sdp_str s, const uint8_t *data, size_t size)
{
	const char *begin = (const char *)data, *end = begin + size;

	require(s.len == 0 || (s.ptr >= begin && s.ptr + s.len <= end));
}

static void check_tree(const struct sdp_session *tree, const uint8_t *data, size_t size)
{
	require(tree->n_media <= SDP_MAX_MEDIA && tree->n_lines <= SDP_MAX_LINES);
	for (unsigned i = 0; i < tree->n_lines; i++)
		check_slice(sdp_line_text(&tree->lines[i]), data, size);
	for (unsigned m = 0; m < tree->n_media; m++) {
		const struct sdp_media *media = &tree->media[m];

		require(media->first_line + media->n_lines <= tree->n_lines);
		require(media->n_formats <= SDP_MAX_FORMATS);
		require(media->port == 0 || media->conn.count != 0);
		check_slice(media->conn.host, data, size);
		check_slice(media->mid, data, size);
		for (unsigned f = 0; f < media->n_formats; f++) {
			check_slice(media->formats[f].text, data, size);
			check_slice(media->formats[f].fmtp, data, size);
			require(media->formats[f].pt < 128);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp_arena arena;
	struct sdp_session *tree, *again;
	struct sdp_error err = {0};
	size_t used, len, len2;
	int rc;

	sdp_arena_init(&arena, memory, SDP_MAX_TREE);
	rc = sdp_parse(&arena, data, size, &tree, &err);
	require(rc == 0 || rc == -EBADMSG ||
		rc == -EMSGSIZE); // never ENOMEM: SDP_MAX_TREE suffices
	if (rc != 0) {
		require(err.text[0] != '\0' && err.warning >= 300 && arena.used == 0);
		return 0;
	}
	check_tree(tree, data, size);
	used = arena.used;
	require(sdp_write(tree, first, sizeof(first), &len) == 0);
	sdp_arena_init(&arena, memory + SDP_MAX_TREE, SDP_MAX_TREE);
	rc = sdp_parse(&arena, (const uint8_t *)first, len, &again, &err);
	if (rc == -EMSGSIZE && len > SDP_MAX_BODY)
		return 0; // CRLF for LF made it too long
	require(rc == 0);
	require(sdp_write(again, second, sizeof(second), &len2) == 0);
	require(len == len2 && memcmp(first, second, len) == 0);
	sdp_arena_init(&arena, memory, used * (data[size / 2]) / 256);
	rc = sdp_parse(&arena, data, size, &tree, &err);
	require(rc == -ENOMEM && arena.used == 0);
	return 0;
}
