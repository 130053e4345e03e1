// SPDX-License-Identifier: BSD-3-Clause
//
// Lists in header values, and parameters.
#include <errno.h>

#include "sip/chars.h"
#include "sip/message.h"

struct sip_walk sip_walk(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_walk w = {.m = m, .rest = {"", 0}, .next = m->first[id]};
	return w;
}

// Up to the next comma that is neither in quotes nor in <>. Broken quotes run to the end: whoever
// reads the element refuses it.
static size_t element_len(struct sip_slice s)
{
	bool in_angle = false;

	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '"': {
			size_t quoted = in_angle ? 1 : sip_quoted_len(sip_slice_from(s, i));
			if (quoted == 0)
				return s.n;
			i += quoted - 1;
			break;
		}
		case '<':
			in_angle = true;
			break;
		case '>':
			in_angle = false;
			break;
		case ',':
			if (!in_angle)
				return i;
		}
	}
	return s.n;
}

bool sip_walk_next(struct sip_walk *w, struct sip_slice *element)
{
	while (w->rest.n == 0) {
		if (w->next == 0)
			return false;
		w->rest = sip_header_value_of(w->m, w->next - 1);
		w->next = w->m->headers[w->next - 1].next;
		if (w->rest.n == 0) {
			*element = w->rest;
			return true;
		}
	}
	size_t n = element_len(w->rest);
	*element = sip_slice_trim(sip_slice(w->rest.p, n));
	if (n + 1 == w->rest.n) {
		// A comma at the end: leave an empty element behind it, which no reader accepts.
		w->rest = sip_slice(" ", 1);
	} else {
		w->rest = sip_slice_from(w->rest, n + 1);
	}
	return true;
}

bool sip_message_lists(const struct sip_message *m, enum sip_header_id id, const char *token)
{
	struct sip_walk w = sip_walk(m, id);
	struct sip_slice element;

	while (sip_walk_next(&w, &element))
		if (sip_slice_iis(element, token))
			return true;
	return false;
}

// token, host (with the brackets of IPv6) or quoted string; and what people put there besides: the
// values of Contact's +sip.instance and of RFC 3966 hold ':' and '/'.
static size_t param_value_len(struct sip_slice s)
{
	size_t n = 0;

	if (s.n > 0 && s.p[0] == '"')
		return sip_quoted_len(s);
	while (n < s.n && (sip_char_is(s.p[n], SIP_C_TOKEN | SIP_C_PARAM) || s.p[n] == '@' ||
				  s.p[n] == '=' || s.p[n] == '?' || (uint8_t)s.p[n] >= 0x80))
		n++;
	return n;
}

int sip_param_next(struct sip_slice *params, struct sip_slice *name, struct sip_slice *value)
{
	struct sip_slice s = sip_skip_lws(*params);
	size_t n = 0;

	if (s.n == 0)
		return 0;
	if (s.p[0] == ';')
		s = sip_skip_lws(sip_slice_from(s, 1));
	while (n < s.n && sip_char_is(s.p[n], SIP_C_TOKEN))
		n++;
	if (n == 0)
		return -EBADMSG;
	*name = sip_slice(s.p, n);
	*value = sip_slice(s.p + n, 0);
	s = sip_skip_lws(sip_slice_from(s, n));
	if (s.n > 0 && s.p[0] == '=') {
		s = sip_skip_lws(sip_slice_from(s, 1));
		n = param_value_len(s);
		if (n == 0)
			return -EBADMSG;
		*value = sip_slice(s.p, n);
		s = sip_skip_lws(sip_slice_from(s, n));
	}
	if (s.n > 0 && s.p[0] != ';')
		return -EBADMSG;
	*params = s;
	return 1;
}

bool sip_param_find(struct sip_slice params, const char *name, struct sip_slice *value)
{
	struct sip_slice n, v;

	while (sip_param_next(&params, &n, &v) == 1) {
		if (sip_slice_iis(n, name)) {
			if (value)
				*value = v;
			return true;
		}
	}
	return false;
}
