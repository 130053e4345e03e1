// SPDX-License-Identifier: BSD-3-Clause
//
// name-addr and addr-spec (RFC 3261 20.10, 25.1), as in From, To, Contact and Route.
#include <errno.h>
#include "sip/q.h"

#include "sip/chars.h"
#include "sip/message.h"

// Unquoted display names are tokens and white space; bytes of UTF-8 come too often to refuse them.
static bool is_plain_display(struct sip_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!sip_char_is(s.p[i], SIP_C_TOKEN | SIP_C_LWS) && (uint8_t)s.p[i] < 0x80)
			return false;
	return true;
}

// The display name and the URI in <>; what follows is left in *s.
static int read_name_addr(struct sip_slice *s, const char *angle, struct sip_address *out)
{
	const char *close;

	out->display = sip_slice_trim(sip_slice(s->p, (size_t)(angle - s->p)));
	*s = sip_slice_from(*s, (size_t)(angle - s->p) + 1);
	close = s->n ? memchr(s->p, '>', s->n) : NULL;
	if (!close)
		return -EBADMSG;
	out->uri_text = sip_slice(s->p, (size_t)(close - s->p));
	*s = sip_slice_from(*s, out->uri_text.n + 1);
	return 0;
}

// Without <> a URI may hold neither ';' nor ',' nor '?': what follows the first are header
// parameters (20.10), the others are an error.
static int read_addr_spec(struct sip_slice *s, struct sip_address *out)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ';' && !sip_char_is(s->p[n], SIP_C_LWS))
		n++;
	out->uri_text = sip_slice(s->p, n);
	if (memchr(s->p, '?', n) || memchr(s->p, ',', n))
		return -EBADMSG;
	*s = sip_slice_from(*s, n);
	return 0;
}

static int read_front(struct sip_slice *s, struct sip_address *out)
{
	if (s->p[0] == '"') {
		size_t n = sip_quoted_len(*s);
		struct sip_slice after = sip_skip_lws(sip_slice_from(*s, n));
		if (n == 0 || after.n == 0 || after.p[0] != '<')
			return -EBADMSG;
		struct sip_slice quoted = *s;
		*s = after;
		if (read_name_addr(s, s->p, out))
			return -EBADMSG;
		out->display = sip_slice(quoted.p + 1, n - 2);
		return 0;
	}
	const char *angle = memchr(s->p, '<', s->n);
	if (!angle)
		return read_addr_spec(s, out);
	// A '<' inside a parameter's quotes is none of ours.
	const char *quote = memchr(s->p, '"', s->n);
	if (quote && quote < angle)
		return read_addr_spec(s, out);
	if (read_name_addr(s, angle, out) || !is_plain_display(out->display))
		return -EBADMSG;
	return 0;
}

static int parse(struct sip_slice value, bool first_tag, struct sip_address *out)
{
	struct sip_slice s = sip_slice_trim(value), name, v;
	int more;

	*out = (struct sip_address){0};
	if (s.n == 0)
		return -EBADMSG;
	if (s.n == 1 && s.p[0] == '*') {
		out->star = true;
		return 0;
	}
	if (read_front(&s, out) || sip_uri_parse(out->uri_text, &out->uri))
		return -EBADMSG;
	s = sip_skip_lws(s);
	out->params = s;
	if (s.n > 0 && s.p[0] != ';')
		return -EBADMSG;
	while ((more = sip_param_next(&s, &name, &v)) == 1) {
		if (!sip_slice_iis(name, "tag"))
			continue;
		if (!sip_is_token(v) || (out->tag.n && !first_tag))
			return -EBADMSG;
		if (!out->tag.n)
			out->tag = v;
	}
	return more;
}

int sip_address_parse(struct sip_slice value, struct sip_address *out)
{
	return parse(value, false, out);
}

static int address_of(const struct sip_message *m, enum sip_header_id id, struct sip_address *out)
{
	struct sip_walk w = sip_walk(m, id);
	struct sip_slice value;

	if (id == SIP_H_CONTACT ? !sip_walk_next(&w, &value) : !sip_message_has(m, id))
		return -ENOENT;
	// From and To are no lists: a comma in them is an error, not the end.
	if (id != SIP_H_CONTACT)
		value = sip_message_value(m, id);
	// Scripts add a tag to the To of every response; the first is that of the dialog.
	return parse(value, id == SIP_H_TO && !m->is_request, out);
}

int sip_message_from(const struct sip_message *m, struct sip_address *out)
{
	return address_of(m, SIP_H_FROM, out);
}

int sip_message_to(const struct sip_message *m, struct sip_address *out)
{
	return address_of(m, SIP_H_TO, out);
}

int sip_message_contact(const struct sip_message *m, struct sip_address *out)
{
	return address_of(m, SIP_H_CONTACT, out);
}

int sip_message_request_uri(const struct sip_message *m, struct sip_uri *out)
{
	if (!m->is_request)
		return -ENOENT;
	return sip_uri_parse(m->uri_text, out) ? -EBADMSG : 0;
}

// The parameters of an address, found without reading what is in front of them.
static struct sip_slice params_of(struct sip_slice s)
{
	if (s.n > 0 && s.p[0] == '"')
		s = sip_slice_from(s, sip_quoted_len(s));
	const char *angle = s.n ? memchr(s.p, '<', s.n) : NULL;
	const char *close = angle ? memchr(angle, '>', s.n - (size_t)(angle - s.p)) : NULL;
	if (close)
		s = sip_slice_from(s, (size_t)(close - s.p));
	const char *semicolon = s.n ? memchr(s.p, ';', s.n) : NULL;
	return semicolon ? sip_slice_from(s, (size_t)(semicolon - s.p)) : sip_slice("", 0);
}

static struct sip_slice tag_of(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_slice tag = {"", 0};
	sip_param_find(params_of(sip_message_value(m, id)), "tag", &tag);
	return tag;
}

struct sip_slice sip_message_from_tag(const struct sip_message *m)
{
	return tag_of(m, SIP_H_FROM);
}

struct sip_slice sip_message_to_tag(const struct sip_message *m)
{
	return tag_of(m, SIP_H_TO);
}

uint16_t sip_param_q(struct sip_slice params)
{
	struct sip_slice s;
	unsigned q = 0, scale = 100;

	if (!sip_param_find(params, "q", &s) || !s.n)
		return 1000;
	if (s.p[0] != '0')
		return 1000;
	for (size_t i = 2; i < s.n && scale; i++, scale /= 10) {
		if (s.p[1] != '.' || s.p[i] < '0' || s.p[i] > '9')
			return 1000;
		q += (unsigned)(s.p[i] - '0') * scale;
	}
	return (uint16_t)q;
}
