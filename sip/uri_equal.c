// SPDX-License-Identifier: BSD-3-Clause
#include <arpa/inet.h>

#include "sip/chars.h"
#include "sip/flow.h"
#include "sip/uri.h"

// One character of an escaped string; an escaped character of the reserved set is not the same as
// the character itself (RFC 3261 19.1.4), so it comes out above 255.
static int next_char(struct sip_slice *s)
{
	uint8_t c = *s->p;
	if (c == '%' && s->n >= 3) {
		c = (uint8_t)(sip_hex_digit(s->p[1]) << 4 | sip_hex_digit(s->p[2]));
		*s = sip_slice_from(*s, 3);
		return sip_char_is(c, SIP_C_RESERVED) || c == '%' ? c + 256 : c;
	}
	*s = sip_slice_from(*s, 1);
	return c;
}

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool same_escaped(struct sip_slice a, struct sip_slice b, bool fold)
{
	while (a.n > 0 && b.n > 0) {
		int x = next_char(&a), y = next_char(&b);
		if (fold ? lower(x) != lower(y) : x != y)
			return false;
	}
	return a.n == b.n;
}

static bool next_of(
	struct sip_slice *list, char separator, struct sip_slice *name, struct sip_slice *value)
{
	if (list->n == 0)
		return false;
	const char *end = memchr(list->p, separator, list->n);
	size_t n = end ? (size_t)(end - list->p) : list->n;
	const char *equal = memchr(list->p, '=', n);

	*name = sip_slice(list->p, equal ? (size_t)(equal - list->p) : n);
	*value = equal ? sip_slice(equal + 1, n - name->n - 1) : sip_slice(list->p + n, 0);
	*list = sip_slice_from(*list, end ? n + 1 : n);
	return true;
}

static bool find_of(
	struct sip_slice list, char separator, struct sip_slice wanted, struct sip_slice *value)
{
	struct sip_slice name;
	while (next_of(&list, separator, &name, value))
		if (same_escaped(name, wanted, true))
			return true;
	return false;
}

// Parameters that make a difference even when only one side has them. RFC 3261's text names user,
// ttl, method and maddr; its examples count transport too, and a transport does change where a
// request goes.
static bool matters_alone(struct sip_slice name)
{
	static const char *const names[] = {"user", "ttl", "method", "maddr", "transport"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (sip_slice_iis(name, names[i]))
			return true;
	return false;
}

// Every parameter of a is in b with the same value, or does not matter.
static bool params_within(struct sip_slice a, struct sip_slice b, bool all)
{
	struct sip_slice name, value, other;

	while (next_of(&a, ';', &name, &value)) {
		if (find_of(b, ';', name, &other)) {
			if (!same_escaped(value, other, true))
				return false;
		} else if (all || matters_alone(name)) {
			return false;
		}
	}
	return true;
}

static bool headers_within(struct sip_slice a, struct sip_slice b)
{
	struct sip_slice name, value, other;

	while (next_of(&a, '&', &name, &value))
		if (!find_of(b, '&', name, &other) || !same_escaped(value, other, false))
			return false;
	return true;
}

// IPv6 has many spellings of one address; names differ in case only.
static bool same_host(struct sip_slice a, struct sip_slice b)
{
	struct sip_addr x, y;

	if (sip_slice_ieq(a, b))
		return true;
	return a.n && a.p[0] == '[' && b.n && b.p[0] == '[' && !sip_addr_parse(a, 0, &x) &&
	       !sip_addr_parse(b, 0, &y) && sip_addr_same_host(&x, &y);
}

static bool same_number(struct sip_slice a, struct sip_slice b)
{
	static const char visual[] = "-.()";
	for (;;) {
		while (a.n && memchr(visual, *a.p, 4))
			a = sip_slice_from(a, 1);
		while (b.n && memchr(visual, *b.p, 4))
			b = sip_slice_from(b, 1);
		if (a.n == 0 || b.n == 0)
			return a.n == b.n;
		if (lower(*a.p) != lower(*b.p))
			return false;
		a = sip_slice_from(a, 1);
		b = sip_slice_from(b, 1);
	}
}

bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	switch (a->scheme) {
	case SIP_URI_TEL:
		return same_number(a->user, b->user) && params_within(a->params, b->params, true) &&
		       params_within(b->params, a->params, true);
	case SIP_URI_OTHER:
		return sip_slice_ieq(a->scheme_text, b->scheme_text) &&
		       sip_slice_eq(a->rest, b->rest);
	default:
		return a->has_user == b->has_user && same_escaped(a->user, b->user, false) &&
		       same_escaped(a->password, b->password, false) &&
		       same_host(a->host, b->host) && a->port == b->port &&
		       params_within(a->params, b->params, false) &&
		       params_within(b->params, a->params, false) &&
		       headers_within(a->headers, b->headers) &&
		       headers_within(b->headers, a->headers);
	}
}
