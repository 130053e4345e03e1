// SPDX-License-Identifier: BSD-3-Clause
//
// Private to sdp.c and media.c: what the two halves of the reader share.
#pragma once

#include "sip/sdp/sdp.h"

// One parse. Lives on the stack of sdp_parse().
struct sdp_parse {
	struct sdp_arena *arena;
	struct sdp_session *session;
	struct sdp_media *media; // being read, NULL before the first m=
	struct sdp_error *err;
};

// "line N: ..." as -EBADMSG, warn-code 399.
#define sdp_bad(p, line, ...) sdp_fail((p)->err, -EBADMSG, 399, (line), __VA_ARGS__)

// media.c: one m= line, and one attribute or b= below it.
int sdp_read_media(struct sdp_parse *p, const struct sdp_line *line);
int sdp_read_media_line(struct sdp_parse *p, const struct sdp_line *line);
enum sdp_attr sdp_attr_find(struct sdp_str name);
bool sdp_attr_direction(enum sdp_attr attr, enum sdp_direction *direction);

// sdp.c: "<nettype> <addrtype> <address>", with /ttl/count if range says that they may stand.
int sdp_read_addr(
	struct sdp_parse *p, unsigned line, struct sdp_str text, bool range, struct sdp_addr *addr);
