// SPDX-License-Identifier: BSD-3-Clause
//
// Descriptions that are used once more, in another call: a party that goes on in a call of its own after
// a transfer, or comes back to the one that it was in.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/sdp/oa.h"

void sdp_oa_continue(
	struct sdp_oa *oa, enum sdp_leg leg, const struct sdp_oa *before, enum sdp_leg before_leg)
{
	oa->session_id[leg] = before->session_id[before_leg];
	oa->version[leg] = before->version[before_leg];
	oa->origin[leg] = before->origin[before_leg];
}

unsigned sdp_oa_streams(const struct sdp_oa *oa)
{
	return sdp_oa_view(oa)->n_streams;
}

static bool is_line(struct sdp_str line, const char *text)
{
	size_t n = strlen(text);

	return line.len == n && memcmp(line.ptr, text, n) == 0;
}

static bool is_direction(struct sdp_str line)
{
	return is_line(line, "a=sendonly") || is_line(line, "a=recvonly") ||
	       is_line(line, "a=inactive") || is_line(line, "a=sendrecv");
}

static struct sdp_str next_line(struct sdp_str *rest)
{
	const char *end = memchr(rest->ptr, '\n', rest->len);
	struct sdp_str line = {rest->ptr, end ? (uint32_t)(end - rest->ptr) : rest->len};
	uint32_t step = end ? line.len + 1 : line.len;

	rest->ptr += step;
	rest->len -= step;
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

int sdp_oa_offer_again(const struct sdp_oa *oa, enum sdp_leg leg, unsigned streams, char *out,
	size_t size)
{
	struct sdp_str rest = sdp_oa_said(oa, leg);
	struct sdp_writer w;
	unsigned media = 0;

	if (!rest.len)
		return -EINVAL;
	sdp_writer_init(&w, out, size);
	while (rest.len) {
		struct sdp_str line = next_line(&rest);

		if (is_direction(line))
			continue;
		media += line.len > 2 && line.ptr[0] == 'm' && line.ptr[1] == '=';
		sdp_put_str(&w, line);
		sdp_put(&w, "\r\n");
	}
	// An offer never has fewer m-lines than its reader saw before (RFC 3264 8).
	for (; media < streams; media++)
		sdp_put(&w, "m=audio 0 RTP/AVP 0\r\n");
	return w.overflow ? -ENOBUFS : (int)w.len;
}

int sdp_oa_show_again(
	struct sdp_oa *oa, enum sdp_leg leg, uint32_t version, struct sdp_str *text)
{
	struct sdp_blob **slot = &oa->agreed.shown[leg], *blob;
	struct sdp_str old = *slot ? (struct sdp_str){(*slot)->text, (*slot)->len}
				   : (struct sdp_str){NULL, 0};
	char number[16], was[16], *buf;
	const char *at;
	size_t head, tail;

	if (oa->state != SDP_OA_STABLE || !old.len)
		return -EINVAL;
	// Ours: "v=0\r\no=- <id> <version> IN ..."
	snprintf(was, sizeof(was), " %u IN ", (*slot)->version);
	snprintf(number, sizeof(number), " %u IN ", version);
	at = memmem(old.ptr, old.len, was, strlen(was));
	if (!at)
		return -EINVAL;
	head = (size_t)(at - old.ptr);
	tail = old.len - head - strlen(was);
	buf = malloc(old.len + sizeof(number));
	if (!buf)
		return -ENOMEM;
	memcpy(buf, old.ptr, head);
	memcpy(buf + head, number, strlen(number));
	memcpy(buf + head + strlen(number), at + strlen(was), tail);
	blob = sdp_blob_make(
		(struct sdp_str){buf, (uint32_t)(head + strlen(number) + tail)}, version);
	free(buf);
	if (!blob)
		return -ENOMEM;
	sdp_blob_put(*slot);
	*slot = blob;
	oa->version[leg] = version;
	*text = (struct sdp_str){blob->text, blob->len};
	return 0;
}

// May what an m-line was offered be the answer to what it answered? Formats beyond those of the offer are allowed
// (RFC 3264 6.1); several keys to choose from, or a role that is still open, are not.
static bool fits(const struct sdp_media *said, const struct sdp_media *shown)
{
	unsigned back = (said->direction & SDP_SENDONLY ? SDP_RECVONLY : 0u) |
			(said->direction & SDP_RECVONLY ? SDP_SENDONLY : 0u);

	if (said->port == 0)
		return shown->port == 0;
	return shown->port != 0 && sdp_proto_is_rtp(shown->proto) &&
	       !sdp_proto_is_secure(shown->proto) && !shown->ice &&
	       (shown->direction & ~back) == 0;
}

int sdp_oa_repeat_answer(struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg,
	const uint8_t *body, size_t len, struct sdp_str *text)
{
	const struct sdp_blob *last = oa->agreed.from[leg];
	struct sdp_blob *shown = oa->agreed.shown[leg];
	const size_t mark = scratch->used;
	struct sdp_session *said_tree, *shown_tree;
	int rc = -EINVAL;

	if (oa->state != SDP_OA_STABLE || !oa->agreed_once || oa->agreed.offerer == leg || !last ||
		!shown || last->len != len || memcmp(last->text, body, len) != 0)
		return -EINVAL;
	if (sdp_oa_tree(scratch, oa->agreed.from[leg], &said_tree) == 0 &&
		sdp_oa_tree(scratch, shown, &shown_tree) == 0 && said_tree && shown_tree &&
		said_tree->n_media == shown_tree->n_media)
		rc = 0;
	for (unsigned i = 0; rc == 0 && i < said_tree->n_media; i++)
		rc = fits(&said_tree->media[i], &shown_tree->media[i]) ? 0 : -EINVAL;
	scratch->used = mark;
	*text = (struct sdp_str){shown->text, shown->len};
	return rc;
}
