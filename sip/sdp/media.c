// SPDX-License-Identifier: BSD-3-Clause
//
// The reader's media half: m= and the lines below it.
#include "sip/sdp/parse.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	enum sdp_attr attr;
} attributes[] = {
	{"rtpmap", SDP_A_RTPMAP},
	{"fmtp", SDP_A_FMTP},
	{"ptime", SDP_A_PTIME},
	{"maxptime", SDP_A_MAXPTIME},
	{"sendrecv", SDP_A_SENDRECV},
	{"sendonly", SDP_A_SENDONLY},
	{"recvonly", SDP_A_RECVONLY},
	{"inactive", SDP_A_INACTIVE},
	{"rtcp", SDP_A_RTCP},
	{"rtcp-mux", SDP_A_RTCP_MUX},
	{"rtcp-mux-only", SDP_A_RTCP_MUX_ONLY},
	{"rtcp-fb", SDP_A_RTCP_FB},
	{"rtcp-rsize", SDP_A_RTCP_RSIZE},
	{"rtcp-xr", SDP_A_RTCP_XR},
	{"crypto", SDP_A_CRYPTO},
	{"fingerprint", SDP_A_FINGERPRINT},
	{"setup", SDP_A_SETUP},
	{"tls-id", SDP_A_TLS_ID},
	{"candidate", SDP_A_CANDIDATE},
	{"remote-candidates", SDP_A_REMOTE_CANDIDATES},
	{"end-of-candidates", SDP_A_END_OF_CANDIDATES},
	{"ice-ufrag", SDP_A_ICE_UFRAG},
	{"ice-pwd", SDP_A_ICE_PWD},
	{"ice-lite", SDP_A_ICE_LITE},
	{"ice-options", SDP_A_ICE_OPTIONS},
	{"ice-mismatch", SDP_A_ICE_MISMATCH},
	{"ice-pacing", SDP_A_ICE_PACING},
	{"mid", SDP_A_MID},
	{"group", SDP_A_GROUP},
	{"bundle-only", SDP_A_BUNDLE_ONLY},
	{"msid", SDP_A_MSID},
	{"msid-semantic", SDP_A_MSID_SEMANTIC},
	{"ssrc", SDP_A_SSRC},
	{"ssrc-group", SDP_A_SSRC_GROUP},
	{"extmap", SDP_A_EXTMAP},
	{"extmap-allow-mixed", SDP_A_EXTMAP_ALLOW_MIXED},
	{"connection", SDP_A_CONNECTION},
	{"tool", SDP_A_TOOL},
	{"cat", SDP_A_CAT},
	{"keywds", SDP_A_KEYWDS},
	{"type", SDP_A_TYPE},
	{"charset", SDP_A_CHARSET},
	{"sdplang", SDP_A_SDPLANG},
	{"lang", SDP_A_LANG},
	{"framerate", SDP_A_FRAMERATE},
	{"quality", SDP_A_QUALITY},
	{"orient", SDP_A_ORIENT},
	{"imageattr", SDP_A_IMAGEATTR},
	{"label", SDP_A_LABEL},
	{"content", SDP_A_CONTENT},
};

enum sdp_attr sdp_attr_find(struct sdp_str name)
{
	for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		if (attributes[i].name[0] == name.ptr[0] && sdp_str_is(name, attributes[i].name))
			return attributes[i].attr;
	}
	return SDP_A_OTHER;
}

bool sdp_attr_direction(enum sdp_attr attr, enum sdp_direction *direction)
{
	switch (attr) {
	case SDP_A_SENDRECV:
		*direction = SDP_SENDRECV;
		return true;
	case SDP_A_SENDONLY:
		*direction = SDP_SENDONLY;
		return true;
	case SDP_A_RECVONLY:
		*direction = SDP_RECVONLY;
		return true;
	case SDP_A_INACTIVE:
		*direction = SDP_INACTIVE;
		return true;
	default:
		return false;
	}
}

static enum sdp_kind find_kind(struct sdp_str text)
{
	static const char *const names[] = {[SDP_AUDIO] = "audio",
		[SDP_VIDEO] = "video",
		[SDP_IMAGE] = "image",
		[SDP_TEXT] = "text",
		[SDP_APPLICATION] = "application",
		[SDP_MESSAGE] = "message"};

	for (unsigned i = SDP_AUDIO; i <= SDP_MESSAGE; i++) {
		if (sdp_str_is_nocase(text, names[i]))
			return (enum sdp_kind)i;
	}
	return SDP_KIND_OTHER;
}

static enum sdp_proto find_proto(struct sdp_str text)
{
	static const char *const names[] = {[SDP_RTP_AVP] = "RTP/AVP",
		[SDP_RTP_AVPF] = "RTP/AVPF",
		[SDP_RTP_SAVP] = "RTP/SAVP",
		[SDP_RTP_SAVPF] = "RTP/SAVPF",
		[SDP_DTLS_SAVP] = "UDP/TLS/RTP/SAVP",
		[SDP_DTLS_SAVPF] = "UDP/TLS/RTP/SAVPF",
		[SDP_UDPTL] = "udptl"};

	for (unsigned i = SDP_RTP_AVP; i <= SDP_UDPTL; i++) {
		if (sdp_str_is_nocase(text, names[i]))
			return (enum sdp_proto)i;
	}
	return SDP_PROTO_OTHER;
}

const struct sdp_format *sdp_format_by_pt(const struct sdp_media *media, unsigned pt)
{
	for (unsigned i = 0; i < media->n_formats; i++) {
		if (media->formats[i].pt == pt)
			return &media->formats[i];
	}
	return NULL;
}

bool sdp_format_same_codec(const struct sdp_format *a, const struct sdp_format *b)
{
	return a->name.len != 0 && a->rate == b->rate && a->channels == b->channels &&
	       sdp_str_equal_nocase(a->name, b->name);
}

// ---- m= -----------------------------------------------------------------------------------------

static int read_port(struct sdp_parse *p, unsigned line, struct sdp_str text, struct sdp_media *m)
{
	const char *slash = text.len != 0 ? memchr(text.ptr, '/', text.len) : NULL;
	struct sdp_str port = text;
	uint64_t value = 1;

	if (slash != NULL) {
		port.len = (uint32_t)(slash - text.ptr);
		text.ptr = slash + 1;
		text.len -= port.len + 1;
		if (!sdp_str_number(text, UINT16_MAX, &value) || value == 0)
			return sdp_bad(p, line, "number of ports is not a number of 1-65535");
	}
	m->port_count = (uint16_t)value;
	if (!sdp_str_number(port, UINT16_MAX, &value))
		return sdp_bad(p, line, "port is not a number of 0-65535");
	m->port = (uint16_t)value;
	return 0;
}

static void fill_static(struct sdp_format *f)
{
	const struct sdp_codec_info *info = sdp_codec_static(f->pt);

	f->channels = 1;
	if (info == NULL)
		return;
	f->name = (struct sdp_str){info->name, (uint32_t)strlen(info->name)};
	f->rate = info->rate;
	f->channels = info->channels;
}

static int read_format(struct sdp_parse *p, unsigned line, struct sdp_str text)
{
	struct sdp_media *m = p->media;
	struct sdp_format *f = &m->formats[m->n_formats];
	uint64_t pt;

	f->text = text;
	if (sdp_proto_is_rtp(m->proto)) {
		if (!sdp_str_number(text, 127, &pt))
			return sdp_bad(p, line, "payload type is not a number of 0-127");
		if (sdp_format_by_pt(m, (unsigned)pt) != NULL)
			return 0; // said twice
		f->pt = (uint8_t)pt;
		fill_static(f);
	}
	m->n_formats++;
	return 0;
}

static int read_formats(struct sdp_parse *p, unsigned line, struct sdp_str rest)
{
	struct sdp_media *m = p->media;
	struct sdp_str count_in = rest;
	unsigned n = 0;

	while (sdp_str_token(&count_in).len != 0)
		n++;
	if (n > SDP_MAX_FORMATS)
		return sdp_fail(
			p->err, -EMSGSIZE, 399, line, "more than %d formats", SDP_MAX_FORMATS);
	if (n == 0 && m->port != 0)
		return sdp_bad(p, line, "m= without a format");
	m->formats = sdp_arena_take(p->arena, n * sizeof(*m->formats));
	if (m->formats == NULL)
		return sdp_fail(p->err, -ENOMEM, 399, 0, "out of memory");
	while (n-- != 0) {
		int rc = read_format(p, line, sdp_str_token(&rest));

		if (rc != 0)
			return rc;
	}
	return 0;
}

int sdp_read_media(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_session *s = p->session;
	struct sdp_str rest = sdp_line_text(line);
	struct sdp_media *m = &s->media[s->n_media++];
	struct sdp_str port;
	int rc;

	p->media = m;
	m->number = line->number;
	m->first_line = s->n_lines;
	m->m_text = rest;
	m->direction = s->direction;
	m->kind_text = sdp_str_token(&rest);
	port = sdp_str_token(&rest);
	m->proto_text = sdp_str_token(&rest);
	if (m->proto_text.len == 0)
		return sdp_bad(p, line->number, "m= has fewer than 4 fields");
	m->kind = find_kind(m->kind_text);
	m->proto = find_proto(m->proto_text);
	rc = read_port(p, line->number, port, m);
	return rc != 0 ? rc : read_formats(p, line->number, rest);
}

// ---- Below m= -----------------------------------------------------------------------------------

// The format that "<payload type> ..." is about; NULL when the m-line does not list it. *rest becomes
// what follows.
static int find_format(struct sdp_parse *p, const struct sdp_line *line, struct sdp_str *rest,
	struct sdp_format **f)
{
	uint64_t pt;

	*rest = sdp_line_value(line);
	if (!sdp_str_number(sdp_str_token(rest), 127, &pt))
		return sdp_bad(p, line->number, "payload type is not a number of 0-127");
	*f = (struct sdp_format *)sdp_format_by_pt(p->media, (unsigned)pt);
	while (rest->len != 0 && *rest->ptr == ' ') {
		rest->ptr++;
		rest->len--;
	}
	return 0;
}

// Up to the next slash.
static struct sdp_str cut_slash(struct sdp_str *rest)
{
	const char *slash = rest->len != 0 ? memchr(rest->ptr, '/', rest->len) : NULL;
	struct sdp_str piece = *rest;

	if (slash == NULL) {
		rest->len = 0;
		return piece;
	}
	piece.len = (uint32_t)(slash - piece.ptr);
	rest->ptr = slash + 1;
	rest->len -= piece.len + 1;
	return piece;
}

// <payload type> <name>/<clock>[/<channels>]
static int read_rtpmap(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_format *f;
	struct sdp_str rest, what, name, channels_text;
	uint64_t rate, channels = 1;
	int rc = find_format(p, line, &rest, &f);

	if (rc != 0)
		return rc;
	what = sdp_str_token(&rest);
	name = cut_slash(&what);
	if (name.len == 0)
		return sdp_bad(p, line->number, "rtpmap without an encoding");
	// RFC 4475's own messages leave the clock out. Such a line says nothing, and breaks nothing.
	if (what.len == 0)
		return 0;
	if (!sdp_str_number(cut_slash(&what), UINT32_MAX, &rate) || rate == 0)
		return sdp_bad(p, line->number, "rtpmap clock is not a number above 0");
	channels_text = cut_slash(&what);
	if (channels_text.len != 0 &&
		(!sdp_str_number(channels_text, UINT8_MAX, &channels) || channels == 0))
		return sdp_bad(p, line->number, "rtpmap channels is not a number of 1-255");
	if (f != NULL) {
		f->name = name;
		f->rate = (uint32_t)rate;
		f->channels = (uint8_t)channels;
	}
	return 0;
}

static int read_fmtp(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_format *f;
	struct sdp_str rest;
	int rc = find_format(p, line, &rest, &f);

	if (rc == 0 && f != NULL && f->fmtp.len == 0)
		f->fmtp = rest;
	return rc;
}

// Milliseconds, perhaps with a fraction (RFC 8866 6.4), which counts as one more.
static int read_ms(struct sdp_parse *p, const struct sdp_line *line, uint16_t *out)
{
	struct sdp_str rest = sdp_line_value(line);
	struct sdp_str whole = sdp_str_token(&rest);
	const char *dot = whole.len != 0 ? memchr(whole.ptr, '.', whole.len) : NULL;
	uint64_t ms, fraction = 0;

	if (dot != NULL) {
		struct sdp_str digits = {dot + 1, (uint32_t)(whole.ptr + whole.len - (dot + 1))};

		whole.len = (uint32_t)(dot - whole.ptr);
		if (!sdp_str_number(digits, UINT64_MAX, &fraction))
			return sdp_bad(p, line->number, "not a number of milliseconds");
	}
	if (!sdp_str_number(whole, UINT16_MAX - 1, &ms) || sdp_str_token(&rest).len != 0)
		return sdp_bad(p, line->number, "not a number of milliseconds");
	*out = (uint16_t)(ms + (fraction != 0));
	return 0;
}

// a=rtcp:<port> [<net> <type> <address>]
static int read_rtcp(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_media *m = p->media;
	struct sdp_str rest = sdp_line_value(line);
	uint64_t port;

	if (!sdp_str_number(sdp_str_token(&rest), UINT16_MAX, &port))
		return sdp_bad(p, line->number, "rtcp port is not a number of 0-65535");
	m->rtcp_port = (uint16_t)port;
	if (sdp_str_token(&(struct sdp_str){rest.ptr, rest.len}).len == 0)
		return 0;
	return sdp_read_addr(p, line->number, rest, false, &m->rtcp_addr);
}

static int read_bandwidth(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_str text = sdp_line_text(line);
	const char *colon = text.len != 0 ? memchr(text.ptr, ':', text.len) : NULL;
	struct sdp_str type = text, number;
	uint64_t value;
	uint32_t *out;

	if (colon == NULL)
		return sdp_bad(p, line->number, "b= without a colon");
	type.len = (uint32_t)(colon - text.ptr);
	number.ptr = colon + 1;
	number.len = text.len - type.len - 1;
	if (sdp_str_is(type, "AS"))
		out = &p->media->b_as;
	else if (sdp_str_is(type, "TIAS"))
		out = &p->media->b_tias;
	else
		return 0;
	if (!sdp_str_number(sdp_str_token(&number), UINT32_MAX, &value))
		return sdp_bad(p, line->number, "bandwidth is not a 32-bit number");
	*out = (uint32_t)value;
	return 0;
}

static int read_rtp_attribute(struct sdp_parse *p, const struct sdp_line *line)
{
	switch (line->attr) {
	case SDP_A_RTPMAP:
		return read_rtpmap(p, line);
	case SDP_A_FMTP:
		return read_fmtp(p, line);
	case SDP_A_PTIME:
		return read_ms(p, line, &p->media->ptime);
	case SDP_A_MAXPTIME:
		return read_ms(p, line, &p->media->maxptime);
	case SDP_A_RTCP:
		return read_rtcp(p, line);
	case SDP_A_RTCP_MUX:
		p->media->rtcp_mux = true;
		return 0;
	case SDP_A_RTCP_MUX_ONLY:
		p->media->rtcp_mux_only = true;
		return 0;
	default:
		return 0;
	}
}

static int read_attribute(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_media *m = p->media;

	if (sdp_attr_direction(line->attr, &m->direction))
		return 0;
	if (line->attr == SDP_A_MID)
		m->mid = sdp_line_value(line);
	if (line->attr == SDP_A_BUNDLE_ONLY)
		m->bundle_only = true;
	return sdp_proto_is_rtp(m->proto) ? read_rtp_attribute(p, line) : 0;
}

int sdp_read_media_line(struct sdp_parse *p, const struct sdp_line *line)
{
	switch (line->letter) {
	case 'a':
		return read_attribute(p, line);
	case 'b':
		return read_bandwidth(p, line);
	case 'c':
		// Several are the layers of a multicast session (RFC 8866 5.7); the first is the base.
		if (p->media->conn.count != 0)
			return 0;
		return sdp_read_addr(p, line->number, sdp_line_text(line), true, &p->media->conn);
	case 'v':
	case 'o':
	case 's':
		return sdp_bad(p, line->number, "second %c=", line->letter);
	default:
		return 0;
	}
}
