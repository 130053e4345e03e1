// SPDX-License-Identifier: BSD-3-Clause
//
// Headers with small grammars of their own: CSeq, numbers, Content-Type, Reason.
#include <errno.h>

#include "sip/chars.h"
#include "sip/message.h"

int sip_cseq_parse(struct sip_slice value, struct sip_cseq *out)
{
	size_t n = 0;

	*out = (struct sip_cseq){0};
	while (n < value.n && sip_char_is(value.p[n], SIP_C_DIGIT))
		n++;
	// 8.1.1.5: less than 2**31
	if (sip_slice_u32(sip_slice(value.p, n), 0x7fffffff, &out->number))
		return -EBADMSG;
	struct sip_slice rest = sip_slice_from(value, n);
	out->method_text = sip_slice_trim(rest);
	if (out->method_text.n == rest.n || !sip_is_token(out->method_text))
		return -EBADMSG;
	out->method = sip_method_lookup(out->method_text);
	return 0;
}

int sip_message_cseq(const struct sip_message *m, struct sip_cseq *out)
{
	if (!sip_message_has(m, SIP_H_CSEQ))
		return -ENOENT;
	return sip_cseq_parse(sip_message_value(m, SIP_H_CSEQ), out);
}

// The greatest number each header may hold.
static uint32_t limit_of(enum sip_header_id id)
{
	switch (id) {
	case SIP_H_MAX_FORWARDS:
		return 255;
	case SIP_H_CONTENT_LENGTH:
		return 0x7fffffff;
	default:
		return UINT32_MAX;
	}
}

// What may stand behind the number: parameters, and in Retry-After a comment.
static bool tail_is_fine(enum sip_header_id id, struct sip_slice tail)
{
	tail = sip_skip_lws(tail);
	if (tail.n == 0)
		return true;
	switch (id) {
	case SIP_H_SESSION_EXPIRES:
	case SIP_H_MIN_SE:
		return tail.p[0] == ';';
	case SIP_H_RETRY_AFTER:
		return tail.p[0] == ';' || tail.p[0] == '(';
	default:
		return false;
	}
}

int sip_message_number(const struct sip_message *m, enum sip_header_id id, uint32_t *out)
{
	struct sip_slice value = sip_message_value(m, id);
	size_t n = 0;

	if (!sip_message_has(m, id))
		return -ENOENT;
	while (n < value.n && sip_char_is(value.p[n], SIP_C_DIGIT))
		n++;
	if (sip_slice_u32(sip_slice(value.p, n), limit_of(id), out) ||
		!tail_is_fine(id, sip_slice_from(value, n)))
		return -EBADMSG;
	return 0;
}

int sip_message_content_type(const struct sip_message *m, struct sip_content_type *out)
{
	*out = (struct sip_content_type){0};
	if (!sip_message_has(m, SIP_H_CONTENT_TYPE))
		return -ENOENT;
	return sip_content_type_parse(sip_message_value(m, SIP_H_CONTENT_TYPE), out);
}

int sip_content_type_parse(struct sip_slice s, struct sip_content_type *out)
{
	struct sip_slice name, value;
	int more;

	*out = (struct sip_content_type){0};
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	if (!slash)
		return -EBADMSG;
	out->type = sip_slice_trim(sip_slice(s.p, (size_t)(slash - s.p)));
	s = sip_slice_from(s, (size_t)(slash - s.p) + 1);
	const char *semicolon = s.n ? memchr(s.p, ';', s.n) : NULL;
	size_t n = semicolon ? (size_t)(semicolon - s.p) : s.n;
	out->subtype = sip_slice_trim(sip_slice(s.p, n));
	out->params = s = sip_slice_from(s, n);
	if (!sip_is_token(out->type) || !sip_is_token(out->subtype))
		return -EBADMSG;
	while ((more = sip_param_next(&s, &name, &value)) == 1)
		;
	return more;
}

int sip_reason_parse(struct sip_slice value, struct sip_reason *out)
{
	struct sip_slice s = sip_skip_lws(value), name, v;
	size_t n = 0;
	int more;

	*out = (struct sip_reason){0};
	while (n < s.n && sip_char_is(s.p[n], SIP_C_TOKEN))
		n++;
	out->protocol = sip_slice(s.p, n);
	s = sip_skip_lws(sip_slice_from(s, n));
	if (n == 0 || (s.n > 0 && s.p[0] != ';'))
		return -EBADMSG;
	while ((more = sip_param_next(&s, &name, &v)) == 1) {
		if (sip_slice_iis(name, "cause") && sip_slice_u32(v, 9999, &out->cause))
			return -EBADMSG;
		if (sip_slice_iis(name, "text"))
			out->text = v.n >= 2 && v.p[0] == '"' ? sip_slice(v.p + 1, v.n - 2) : v;
	}
	return more;
}
