// SPDX-License-Identifier: BSD-3-Clause
#include "sip/uri.h"

#include <arpa/inet.h>
#include <errno.h>

#include "sip/chars.h"

#define PARAM_CHARS  SIP_C_PARAM
#define HEADER_CHARS SIP_C_HEADER

// "[2001:db8::1]". The grammar of RFC 3261 allowed ":::" before an embedded IPv4 address; RFC 5118
// 4.10 asks to accept that.
static bool is_v6_reference(struct sip_slice s)
{
	char text[64];
	struct in6_addr ip;
	size_t n = 0;

	if (s.n < 4 || s.n - 2 >= sizeof(text) || s.p[s.n - 1] != ']')
		return false;
	for (size_t i = 1; i < s.n - 1; i++) {
		char c = s.p[i];
		if (sip_hex_digit(c) < 0 && c != ':' && c != '.')
			return false;
		if (c == ':' && n >= 2 && text[n - 1] == ':' && text[n - 2] == ':' &&
			memchr(s.p + i, '.', s.n - i))
			continue;
		text[n++] = c;
	}
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &ip) == 1;
}

// Host and port at the front of s; what follows is left in *rest.
int sip_hostport_parse(
	struct sip_slice s, struct sip_slice *host, uint16_t *port, struct sip_slice *rest)
{
	size_t n = 0;
	uint32_t number;

	*port = 0;
	if (s.n > 0 && s.p[0] == '[') {
		const char *end = memchr(s.p, ']', s.n);
		if (!end)
			return -EINVAL;
		n = (size_t)(end - s.p) + 1;
		if (!is_v6_reference(sip_slice(s.p, n)))
			return -EINVAL;
	} else {
		while (n < s.n && sip_char_is(s.p[n], SIP_C_HOST))
			n++;
		if (n == 0)
			return -EINVAL;
	}
	*host = sip_slice(s.p, n);
	*rest = sip_slice_from(s, n);
	if (rest->n == 0 || rest->p[0] != ':')
		return 0;
	n = 1;
	while (n < rest->n && sip_char_is(rest->p[n], SIP_C_DIGIT))
		n++;
	if (sip_slice_u32(sip_slice(rest->p + 1, n - 1), 65535, &number) || number == 0)
		return -EINVAL;
	*port = (uint16_t)number;
	*rest = sip_slice_from(*rest, n);
	return 0;
}

// The next ";name[=value]" of params that are written without white space.
static bool next_param(struct sip_slice *params, struct sip_slice *name, struct sip_slice *value)
{
	if (params->n == 0)
		return false;
	const char *end = memchr(params->p, ';', params->n);
	struct sip_slice one = sip_slice(params->p, end ? (size_t)(end - params->p) : params->n);
	const char *equal = one.n ? memchr(one.p, '=', one.n) : NULL;

	*name = sip_slice(one.p, equal ? (size_t)(equal - one.p) : one.n);
	*value = equal ? sip_slice_from(one, name->n + 1) : sip_slice(one.p + one.n, 0);
	*params = end ? sip_slice_from(*params, one.n + 1) : sip_slice(params->p + params->n, 0);
	return true;
}

static int check_params(struct sip_slice params)
{
	struct sip_slice rest = params, name, value, other, ignored;

	if (params.n > 0 && params.p[params.n - 1] == ';')
		return -EINVAL;
	while (next_param(&rest, &name, &value)) {
		if (name.n == 0 || !sip_all_escaped(name, PARAM_CHARS) ||
			!sip_all_escaped(value, PARAM_CHARS))
			return -EINVAL;
		struct sip_slice after = rest;
		while (next_param(&after, &other, &ignored))
			if (sip_slice_ieq(name, other))
				return -EINVAL;
	}
	return 0;
}

static int check_headers(struct sip_slice headers)
{
	while (headers.n > 0) {
		const char *end = memchr(headers.p, '&', headers.n);
		size_t n = end ? (size_t)(end - headers.p) : headers.n;
		const char *equal = memchr(headers.p, '=', n);
		if (!equal || equal == headers.p)
			return -EINVAL;
		size_t name = (size_t)(equal - headers.p);
		if (!sip_all_escaped(sip_slice(headers.p, name), HEADER_CHARS) ||
			!sip_all_escaped(sip_slice(equal + 1, n - name - 1), HEADER_CHARS))
			return -EINVAL;
		if (end && n + 1 == headers.n)
			return -EINVAL;
		headers = sip_slice_from(headers, n + (end ? 1 : 0));
	}
	return 0;
}

static int parse_userinfo(struct sip_slice info, struct sip_uri *out)
{
	const char *colon = memchr(info.p, ':', info.n);

	out->user = sip_slice(info.p, colon ? (size_t)(colon - info.p) : info.n);
	if (colon)
		out->password = sip_slice_from(info, out->user.n + 1);
	out->has_user = true;
	if (out->user.n == 0 || !sip_all_escaped(out->user, SIP_C_USER) ||
		!sip_all_escaped(out->password, SIP_C_PASSWORD))
		return -EINVAL;
	return 0;
}

static int parse_sip(struct sip_slice s, struct sip_uri *out)
{
	const char *at = s.n ? memchr(s.p, '@', s.n) : NULL;

	if (at) {
		size_t n = (size_t)(at - s.p);
		if (n == 0 || parse_userinfo(sip_slice(s.p, n), out))
			return -EINVAL;
		s = sip_slice_from(s, n + 1);
	}
	if (sip_hostport_parse(s, &out->host, &out->port, &s))
		return -EINVAL;
	if (s.n > 0 && s.p[0] == ';') {
		const char *mark = memchr(s.p, '?', s.n);
		size_t n = mark ? (size_t)(mark - s.p) : s.n;
		out->params = sip_slice(s.p + 1, n - 1);
		s = sip_slice_from(s, n);
		if (out->params.n == 0 || check_params(out->params))
			return -EINVAL;
	}
	if (s.n > 0 && s.p[0] == '?') {
		out->headers = sip_slice_from(s, 1);
		if (out->headers.n == 0 || check_headers(out->headers))
			return -EINVAL;
		return 0;
	}
	return s.n == 0 ? 0 : -EINVAL;
}

static bool is_visual(char c)
{
	return c == '-' || c == '.' || c == '(' || c == ')';
}

static int parse_tel(struct sip_slice s, struct sip_uri *out)
{
	const char *semicolon = s.n ? memchr(s.p, ';', s.n) : NULL;
	struct sip_slice number = sip_slice(s.p, semicolon ? (size_t)(semicolon - s.p) : s.n);
	bool global = number.n > 0 && number.p[0] == '+', digit = false;

	for (size_t i = global; i < number.n; i++) {
		char c = number.p[i];
		bool local = sip_char_is(c, SIP_C_HEX) || c == '*' || c == '#';
		if (global ? sip_char_is(c, SIP_C_DIGIT) : local)
			digit = true;
		else if (!is_visual(c))
			return -EINVAL;
	}
	if (!digit)
		return -EINVAL;
	out->user = number;
	out->has_user = true;
	if (!semicolon)
		return 0;
	out->params = sip_slice_from(s, number.n + 1);
	return out->params.n > 0 ? check_params(out->params) : -EINVAL;
}

// Anything that RFC 3986 could call a URI.
static int parse_other(struct sip_slice s, struct sip_uri *out)
{
	out->rest = s;
	for (size_t i = 0; i < s.n; i++) {
		unsigned ok = SIP_C_UNRESERVED | SIP_C_RESERVED;
		if (!sip_char_is(s.p[i], ok) && !strchr("%[]#", s.p[i]))
			return -EINVAL;
		if (s.p[i] == '\0')
			return -EINVAL;
	}
	return s.n > 0 ? 0 : -EINVAL;
}

int sip_uri_parse(struct sip_slice text, struct sip_uri *out)
{
	size_t n = 0;

	*out = (struct sip_uri){.whole = text};
	while (n < text.n && (sip_char_is(text.p[n], SIP_C_ALPHA | SIP_C_DIGIT) ||
				     (n > 0 && memchr("+-.", text.p[n], 3))))
		n++;
	if (n == 0 || n >= text.n || text.p[n] != ':' || !sip_char_is(text.p[0], SIP_C_ALPHA))
		return -EINVAL;
	out->scheme_text = sip_slice(text.p, n);
	text = sip_slice_from(text, n + 1);
	if (sip_slice_iis(out->scheme_text, "sip")) {
		out->scheme = SIP_URI_SIP;
		return parse_sip(text, out);
	}
	if (sip_slice_iis(out->scheme_text, "sips")) {
		out->scheme = SIP_URI_SIPS;
		return parse_sip(text, out);
	}
	if (sip_slice_iis(out->scheme_text, "tel")) {
		out->scheme = SIP_URI_TEL;
		return parse_tel(text, out);
	}
	out->scheme = SIP_URI_OTHER;
	return parse_other(text, out);
}

bool sip_uri_param(const struct sip_uri *u, const char *name, struct sip_slice *value)
{
	struct sip_slice rest = u->params, n, v;

	while (next_param(&rest, &n, &v)) {
		if (sip_slice_iis(n, name)) {
			if (value)
				*value = v;
			return true;
		}
	}
	return false;
}

bool sip_uri_is_loose(const struct sip_uri *u)
{
	return sip_uri_param(u, "lr", NULL);
}

int sip_uri_number(const struct sip_uri *u, char *out, size_t size)
{
	struct sip_slice s = u->user;
	const char *cut = s.n ? memchr(s.p, ';', s.n) : NULL;
	size_t n = 0;

	if (size == 0)
		return -ENOBUFS;
	out[0] = '\0';
	if (cut)
		s.n = (size_t)(cut - s.p);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (is_visual(c))
			continue;
		if (!sip_char_is(c, SIP_C_DIGIT) && c != '*' && c != '#' && !(c == '+' && i == 0)) {
			out[0] = '\0';
			return 0;
		}
		if (n + 1 >= size) {
			out[0] = '\0';
			return -ENOBUFS;
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return (int)n;
}

bool sip_number_is_e164(struct sip_slice number)
{
	return number.n >= 2 && number.n <= 16 && number.p[0] == '+' && number.p[1] != '0' &&
	       sip_all(sip_slice_from(number, 1), SIP_C_DIGIT);
}

int sip_unescape(struct sip_slice in, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];
		if (c == '%') {
			int high = i + 2 < in.n ? sip_hex_digit(in.p[i + 1]) : -1;
			int low = i + 2 < in.n ? sip_hex_digit(in.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (n + 1 >= size)
			return -ENOBUFS;
		out[n++] = c;
	}
	if (size == 0)
		return -ENOBUFS;
	out[n] = '\0';
	return (int)n;
}

int sip_escape_user(struct sip_slice in, char *out, size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];
		bool plain = sip_char_is(c, SIP_C_USER);
		if (n + (plain ? 1 : 3) >= size)
			return -ENOBUFS;
		if (plain) {
			out[n++] = c;
		} else {
			out[n++] = '%';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		}
	}
	if (size == 0)
		return -ENOBUFS;
	out[n] = '\0';
	return (int)n;
}
