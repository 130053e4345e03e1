// SPDX-License-Identifier: BSD-3-Clause
//
// ICE candidates in SDP (RFC 8839 5.1), and those that come later, in bodies of their own (RFC 8840).
#include "sip/sdp/frag.h"

#include <arpa/inet.h>
#include <string.h>

#include "sip/sdp/oa.h"

// "foundation component transport priority address port typ type ..."
bool sdp_candidate_parse(struct sdp_str value, struct sdp_candidate *out)
{
	uint64_t component, priority, port;
	char text[INET6_ADDRSTRLEN];
	struct sdp_str part[8];

	*out = (struct sdp_candidate){0};
	for (unsigned i = 0; i < 8; i++)
		part[i] = sdp_str_token(&value);
	if (!sdp_str_number(part[1], 2, &component) || component == 0 ||
		!sdp_str_is_nocase(part[2], "udp") ||
		!sdp_str_number(part[3], UINT32_MAX, &priority) ||
		!sdp_str_number(part[5], UINT16_MAX, &port) || port == 0 ||
		!sdp_str_is(part[6], "typ") || !part[7].len || part[4].len == 0 ||
		part[4].len >= sizeof(text))
		return false;
	memcpy(text, part[4].ptr, part[4].len);
	text[part[4].len] = '\0';
	if (inet_pton(AF_INET, text, out->ip) == 1)
		out->family = 4;
	else if (inet_pton(AF_INET6, text, out->ip) == 1)
		out->family = 6;
	else
		return false;
	out->component = (uint8_t)component;
	out->port = (uint16_t)port;
	out->priority = (uint32_t)priority;
	return true;
}

// ---- application/trickle-ice-sdpfrag ------------------------------------------------------------

static struct sdp_str take_line(struct sdp_str *rest)
{
	struct sdp_str line = {rest->ptr, 0};

	while (line.len < rest->len && rest->ptr[line.len] != '\r' && rest->ptr[line.len] != '\n')
		line.len++;
	rest->ptr += line.len;
	rest->len -= line.len;
	while (rest->len != 0 && (*rest->ptr == '\r' || *rest->ptr == '\n')) {
		rest->ptr++;
		rest->len--;
	}
	return line;
}

static bool is_attribute(struct sdp_str line, const char *name, struct sdp_str *value)
{
	size_t n = strlen(name);

	*value = (struct sdp_str){line.ptr + n, (uint32_t)(line.len >= n ? line.len - n : 0)};
	return line.len >= n && memcmp(line.ptr, name, n) == 0;
}

static bool take_ice_text(struct sdp_str value, struct sdp_str *out)
{
	if (value.len == 0 || value.len > 256)
		return false;
	*out = value;
	return true;
}

// What stands before the first m= is of all media.
static int take_attribute(struct sdp_frag *f, struct sdp_str line, struct sdp_str *mid)
{
	struct sdp_str value;

	if (is_attribute(line, "a=ice-ufrag:", &value))
		return take_ice_text(value, &f->ufrag) ? 0 : -EBADMSG;
	if (is_attribute(line, "a=ice-pwd:", &value))
		return take_ice_text(value, &f->pwd) ? 0 : -EBADMSG;
	if (is_attribute(line, "a=mid:", &value)) {
		*mid = value;
		return value.len ? 0 : -EBADMSG;
	}
	if (is_attribute(line, "a=end-of-candidates", &value)) {
		f->end = true;
		return 0;
	}
	if (!is_attribute(line, "a=candidate:", &value) || f->count == SDP_FRAG_CANDIDATES)
		return 0;
	f->item[f->count].mid = *mid;
	// What cannot be checked is passed over, as in a description.
	f->count += sdp_candidate_parse(value, &f->item[f->count].candidate);
	return 0;
}

int sdp_frag_parse(struct sdp_str body, struct sdp_frag *out)
{
	struct sdp_str mid = {NULL, 0};
	int err = 0;

	memset(out, 0, sizeof(*out));
	while (body.len != 0 && !err) {
		struct sdp_str line = take_line(&body);

		if (line.len == 0)
			continue;
		if (line.len < 2 || line.ptr[1] != '=' || line.ptr[0] < 'a' || line.ptr[0] > 'z')
			return -EBADMSG;
		if (line.ptr[0] == 'm')
			mid = (struct sdp_str){NULL, 0};
		if (line.ptr[0] == 'a')
			err = take_attribute(out, line, &mid);
	}
	// RFC 8840 4.4: which generation it is of has to be said.
	return err ? err : out->ufrag.len && out->pwd.len ? 0 : -EBADMSG;
}
