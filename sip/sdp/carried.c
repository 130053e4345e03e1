// SPDX-License-Identifier: BSD-3-Clause
//
// The lines of one leg's body that the other leg is shown: which of them, and with which payload types.
#include "sip/sdp/show.h"

#include <string.h>

static unsigned map_number(const uint8_t map[128], struct sdp_str digits, bool *known)
{
	uint64_t pt;

	*known = sdp_str_number(digits, 127, &pt) && map[pt] != SDP_PT_NONE;
	return *known ? map[pt] : 0;
}

// Parameters that name other payload types: "apt=96" of rtx (RFC 4588), "111/111" of red (RFC 2198).
static void put_params(
	struct sdp_writer *w, struct sdp_str params, const uint8_t map[128], bool red)
{
	uint32_t i = 0;

	while (i < params.len) {
		struct sdp_str digits = {params.ptr + i, 0};
		bool apt = i >= 4 && memcmp(params.ptr + i - 4, "apt=", 4) == 0;
		bool known = false;
		unsigned pt;

		while (i < params.len && params.ptr[i] >= '0' && params.ptr[i] <= '9') {
			digits.len++;
			i++;
		}
		pt = map_number(map, digits, &known);
		if (known && (red || apt)) {
			sdp_put(w, "%u", pt);
			continue;
		}
		if (digits.len == 0) {
			digits.len = 1;
			i++;
		}
		sdp_put_str(w, digits);
	}
}

// rtpmap, fmtp, rtcp-fb, imageattr: "<payload type or *> ...".
static void put_pt_line(
	const struct sdp_shown_body *b, const struct sdp_shown_media *m, const struct sdp_line *line)
{
	struct sdp_str rest = sdp_line_value(line);
	struct sdp_str number = sdp_str_token(&rest);
	bool known = false;
	const struct sdp_format *f;
	uint64_t pt;

	if (sdp_str_is(number, "*")) {
		sdp_put_line(b->w, line);
		return;
	}
	map_number(m->map, number, &known);
	if (!known || !sdp_str_number(number, 127, &pt))
		return;
	f = sdp_format_by_pt(m->source, (unsigned)pt);
	sdp_put(b->w, "a=");
	sdp_put_str(b->w, sdp_line_name(line));
	sdp_put(b->w, ":%u", m->map[pt]);
	if (line->attr == SDP_A_FMTP && sdp_str_is_nocase(f->name, "rtx"))
		put_params(b->w, rest, m->map, false);
	else if (line->attr == SDP_A_FMTP && sdp_str_is_nocase(f->name, "red"))
		put_params(b->w, rest, m->map, true);
	else
		sdp_put_str(b->w, rest);
	sdp_put(b->w, "\r\n");
}

// What becomes of an attribute on the way to the other leg. Everything that belongs to one hop only
// (addresses, ICE, keys, bundling, SSRCs with their CNAME) and everything that describes the sender
// stays behind.
static bool is_browsers(const struct sdp_shown_media *m, const struct sdp_line *line)
{
	switch (line->attr) {
	case SDP_A_EXTMAP:
	case SDP_A_EXTMAP_ALLOW_MIXED:
	case SDP_A_RTCP_RSIZE:
		return true;
	case SDP_A_RTCP_FB:
		return sdp_str_is_nocase(m->kind, "audio");
	default:
		return false;
	}
}

void sdp_carry_attribute(
	const struct sdp_shown_body *b, const struct sdp_shown_media *m, const struct sdp_line *line)
{
	if (m != NULL ? m->plain && is_browsers(m, line) : b->plain && line->attr != SDP_A_OTHER)
		return;
	switch (line->attr) {
	case SDP_A_CRYPTO:
		if (m != NULL && m->pass)
			sdp_put_line(b->w, line);
		break;
	case SDP_A_RTPMAP:
	case SDP_A_FMTP:
	case SDP_A_RTCP_FB:
	case SDP_A_IMAGEATTR:
		if (m != NULL && !sdp_secrets_in_known(&b->secrets, sdp_line_text(line)))
			put_pt_line(b, m, line);
		break;
	case SDP_A_EXTMAP:
	case SDP_A_EXTMAP_ALLOW_MIXED:
	case SDP_A_RTCP_XR:
		if (!sdp_secrets_in_known(&b->secrets, sdp_line_text(line)))
			sdp_put_line(b->w, line);
		break;
	case SDP_A_PTIME:
	case SDP_A_MAXPTIME:
		if (m != NULL && m->recoded)
			break;
		// fallthrough
	case SDP_A_FRAMERATE:
	case SDP_A_QUALITY:
	case SDP_A_ORIENT:
	case SDP_A_RTCP_RSIZE:
	case SDP_A_SDPLANG:
	case SDP_A_LANG:
	case SDP_A_LABEL:
	case SDP_A_CONTENT:
	case SDP_A_OTHER:
		if (m != NULL && !sdp_secrets_in_unknown(&b->secrets, sdp_line_text(line)))
			sdp_put_line(b->w, line);
		break;
	default:
		break;
	}
}

void sdp_carry_bandwidth(const struct sdp_shown_body *b, const struct sdp_line *line)
{
	if (line->letter == 'b' && !sdp_secrets_in_unknown(&b->secrets, sdp_line_text(line)))
		sdp_put_line(b->w, line);
}
