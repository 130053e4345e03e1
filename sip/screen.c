// SPDX-License-Identifier: BSD-3-Clause
#include "sip/screen.h"

#include <errno.h>

#include "sip/chars.h"

struct verdict {
	enum sip_refusal refusal;
	uint16_t status;
	const char *text;
};

static const struct verdict fine;

static struct verdict bad(enum sip_refusal refusal, const char *text)
{
	struct verdict v = {refusal, 400, text};
	return v;
}

static struct verdict check_defects(const struct sip_message *m)
{
	uint32_t d = m->defects;

	if (d & SIP_DEFECT_LONG)
		return (struct verdict){SIP_REFUSE_TOO_LONG, 513, "Message Too Large"};
	if (d & SIP_DEFECT_VERSION)
		return (struct verdict){SIP_REFUSE_VERSION, 505, "Version Not Supported"};
	if (d & SIP_DEFECT_START_LINE)
		return bad(SIP_REFUSE_GARBAGE, "Malformed Request-Line");
	if (d & SIP_DEFECT_METHOD)
		return bad(SIP_REFUSE_METHOD, "Malformed Method");
	if (d & SIP_DEFECT_STATUS)
		return bad(SIP_REFUSE_STATUS, "Malformed Status-Code");
	if (d & SIP_DEFECT_CONTROL)
		return bad(SIP_REFUSE_CONTROL, "Control Character In Header");
	if (d & SIP_DEFECT_HEADER)
		return bad(SIP_REFUSE_HEADER_LINE, "Malformed Header Line");
	if (d & SIP_DEFECT_MANY)
		return bad(SIP_REFUSE_HEADER_COUNT, "Too Many Header Lines");
	if (d & SIP_DEFECT_NO_BLANK)
		return bad(SIP_REFUSE_BLANK_LINE, "Missing Blank Line");
	return fine;
}

static struct verdict check_singletons(const struct sip_message *m)
{
	static const uint8_t once[] = {SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ,
		SIP_H_MAX_FORWARDS, SIP_H_CONTENT_LENGTH, SIP_H_CONTENT_TYPE,
		SIP_H_CONTENT_DISPOSITION, SIP_H_MIME_VERSION, SIP_H_EXPIRES, SIP_H_MIN_EXPIRES,
		SIP_H_SESSION_EXPIRES, SIP_H_MIN_SE, SIP_H_DATE, SIP_H_TIMESTAMP, SIP_H_RACK,
		SIP_H_RSEQ, SIP_H_RETRY_AFTER, SIP_H_REPLACES, SIP_H_REFER_TO, SIP_H_EVENT,
		SIP_H_SUBSCRIPTION_STATE};

	for (size_t i = 0; i < sizeof(once); i++) {
		unsigned at = m->first[once[i]];
		if (at && m->headers[at - 1].next)
			return bad(SIP_REFUSE_DOUBLED, "Header Given Twice");
	}
	return fine;
}

static struct verdict check_presence(const struct sip_message *m)
{
	if (!sip_message_has(m, SIP_H_VIA))
		return bad(SIP_REFUSE_MISSING, "Missing Via Header");
	if (!sip_message_has(m, SIP_H_FROM))
		return bad(SIP_REFUSE_MISSING, "Missing From Header");
	if (!sip_message_has(m, SIP_H_TO))
		return bad(SIP_REFUSE_MISSING, "Missing To Header");
	if (!sip_message_has(m, SIP_H_CALL_ID))
		return bad(SIP_REFUSE_MISSING, "Missing Call-ID Header");
	if (!sip_message_has(m, SIP_H_CSEQ))
		return bad(SIP_REFUSE_MISSING, "Missing CSeq Header");
	return fine;
}

// callid = word [ "@" word ]
static bool is_call_id(struct sip_slice s)
{
	const char *at = s.n ? memchr(s.p, '@', s.n) : NULL;
	if (!at)
		return sip_all(s, SIP_C_WORD);
	size_t n = (size_t)(at - s.p);
	return sip_all(sip_slice(s.p, n), SIP_C_WORD) &&
	       sip_all(sip_slice_from(s, n + 1), SIP_C_WORD);
}

static struct verdict check_vias(const struct sip_message *m)
{
	struct sip_walk w = sip_walk(m, SIP_H_VIA);
	struct sip_slice value;
	struct sip_via via;

	while (sip_walk_next(&w, &value))
		if (sip_via_parse(value, &via))
			return bad(SIP_REFUSE_VIA, "Malformed Via Header");
	return fine;
}

static struct verdict check_core(const struct sip_message *m)
{
	struct sip_address a;
	struct sip_cseq cseq;
	struct verdict v = check_vias(m);

	if (v.refusal)
		return v;
	if (sip_message_from(m, &a) || a.star)
		return bad(SIP_REFUSE_FROM, "Malformed From Header");
	if (sip_message_to(m, &a) || a.star)
		return bad(SIP_REFUSE_TO, "Malformed To Header");
	if (!is_call_id(sip_message_call_id(m)))
		return bad(SIP_REFUSE_CALL_ID, "Malformed Call-ID Header");
	if (sip_message_cseq(m, &cseq))
		return bad(SIP_REFUSE_CSEQ, "Malformed CSeq Header");
	if (m->is_request && !sip_slice_eq(cseq.method_text, m->method_text)) {
		// RFC 4475 3.1.2.18: a method nobody knows is 501 rather than 400.
		if (m->method == SIP_M_OTHER)
			return (struct verdict){SIP_REFUSE_CSEQ_METHOD, 501, "Not Implemented"};
		return bad(SIP_REFUSE_CSEQ_METHOD, "CSeq Method Differs");
	}
	return fine;
}

static struct verdict check_numbers(const struct sip_message *m)
{
	static const uint8_t numbers[] = {SIP_H_MAX_FORWARDS, SIP_H_EXPIRES, SIP_H_MIN_EXPIRES,
		SIP_H_SESSION_EXPIRES, SIP_H_MIN_SE, SIP_H_RSEQ, SIP_H_RETRY_AFTER};
	uint32_t ignored;

	for (size_t i = 0; i < sizeof(numbers); i++)
		if (sip_message_number(m, numbers[i], &ignored) == -EBADMSG)
			return bad(SIP_REFUSE_NUMBER, "Malformed Number");
	return fine;
}

// Content-Length against what is there (18.3). On UDP bytes behind the body are cut off.
static struct verdict check_length(struct sip_message *m, enum sip_transport transport)
{
	uint32_t have = m->length - m->body, length;

	switch (sip_message_number(m, SIP_H_CONTENT_LENGTH, &length)) {
	case -ENOENT:
		if (transport != SIP_UDP)
			m->length = m->body;
		return fine;
	case 0:
		if (length > have)
			return bad(SIP_REFUSE_CONTENT_LENGTH, "Body Shorter Than Content-Length");
		m->length = m->body + length;
		return fine;
	default:
		return bad(SIP_REFUSE_CONTENT_LENGTH, "Malformed Content-Length");
	}
}

static bool expires_is_fine(const struct sip_address *a)
{
	struct sip_slice value;
	uint32_t seconds;
	return !sip_param_find(a->params, "expires", &value) ||
	       sip_slice_u32(value, UINT32_MAX, &seconds) == 0;
}

// "*" stands alone, and only in REGISTER (10.2.2).
static struct verdict check_contacts(const struct sip_message *m)
{
	struct sip_walk w = sip_walk(m, SIP_H_CONTACT);
	struct sip_slice value;
	struct sip_address a;
	unsigned count = 0;
	bool star = false;

	while (sip_walk_next(&w, &value)) {
		if (sip_address_parse(value, &a) || !expires_is_fine(&a))
			return bad(SIP_REFUSE_CONTACT, "Malformed Contact Header");
		star |= a.star;
		count++;
	}
	if (star && (count > 1 || m->method != SIP_REGISTER))
		return bad(SIP_REFUSE_CONTACT, "Misplaced Contact Wildcard");
	return fine;
}

// Route and Record-Route take a URI only in <> (20.30).
static struct verdict check_routes(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_walk w = sip_walk(m, id);
	struct sip_slice value;
	struct sip_address a;

	while (sip_walk_next(&w, &value))
		if (sip_address_parse(value, &a) || a.star || a.uri_text.p[-1] != '<')
			return bad(SIP_REFUSE_ROUTE, "Malformed Route Header");
	return fine;
}

static struct verdict check_request_uri(const struct sip_message *m)
{
	struct sip_uri uri;

	if (sip_uri_parse(m->uri_text, &uri))
		return bad(SIP_REFUSE_REQUEST_URI, "Malformed Request-URI");
	// 19.1.1: neither headers nor the method parameter belong into a Request-URI; the former
	// would inject into what is sent on.
	if (uri.headers.n)
		return bad(SIP_REFUSE_REQUEST_URI, "Headers In Request-URI");
	return fine;
}

static struct verdict check_request(const struct sip_message *m)
{
	struct verdict v = check_request_uri(m);
	struct sip_content_type type;

	if (!v.refusal)
		v = check_contacts(m);
	if (!v.refusal)
		v = check_routes(m, SIP_H_ROUTE);
	if (!v.refusal)
		v = check_routes(m, SIP_H_RECORD_ROUTE);
	if (!v.refusal && sip_message_content_type(m, &type) == -EBADMSG)
		v = bad(SIP_REFUSE_VALUE, "Malformed Content-Type Header");
	return v;
}

static struct verdict check(struct sip_message *m, enum sip_transport transport)
{
	struct verdict v = check_defects(m);

	if (!v.refusal)
		v = check_presence(m);
	if (!v.refusal)
		v = check_singletons(m);
	if (!v.refusal)
		v = check_core(m);
	if (!v.refusal)
		v = check_numbers(m);
	if (!v.refusal)
		v = check_length(m, transport);
	if (!v.refusal && m->is_request)
		v = check_request(m);
	return v;
}

// Something that claims to be SIP and says where its response belongs.
static bool can_be_answered(const struct sip_message *m)
{
	return m->is_request && m->method != SIP_ACK && m->version.n > 4 &&
	       strncasecmp(m->version.p, "SIP/", 4) == 0 && sip_message_has(m, SIP_H_VIA);
}

struct sip_screened sip_screen(
	struct sip_message *m, const uint8_t *data, size_t n, enum sip_transport transport)
{
	struct sip_screened s = {.verdict = SIP_SCREEN_ACCEPT};

	sip_message_index(m, data, n);
	if (m->length == 0) {
		s.verdict = SIP_SCREEN_DROP;
		s.refusal = SIP_REFUSE_KEEPALIVE;
		return s;
	}
	struct verdict v = check(m, transport);
	if (!v.refusal)
		return s;
	s.refusal = v.refusal;
	s.status = v.status;
	s.text = v.text;
	s.verdict = can_be_answered(m) ? SIP_SCREEN_REPLY : SIP_SCREEN_DROP;
	return s;
}

const char *sip_refusal_name(enum sip_refusal r)
{
	static const char *const names[SIP_REFUSE_COUNT] = {
		[SIP_REFUSE_NONE] = "none",
		[SIP_REFUSE_KEEPALIVE] = "keepalive",
		[SIP_REFUSE_GARBAGE] = "garbage",
		[SIP_REFUSE_TOO_LONG] = "too_long",
		[SIP_REFUSE_VERSION] = "version",
		[SIP_REFUSE_METHOD] = "method",
		[SIP_REFUSE_STATUS] = "status",
		[SIP_REFUSE_HEADER_LINE] = "header_line",
		[SIP_REFUSE_HEADER_COUNT] = "header_count",
		[SIP_REFUSE_CONTROL] = "control_byte",
		[SIP_REFUSE_BLANK_LINE] = "blank_line",
		[SIP_REFUSE_CONTENT_LENGTH] = "content_length",
		[SIP_REFUSE_NUMBER] = "number",
		[SIP_REFUSE_DOUBLED] = "doubled_header",
		[SIP_REFUSE_MISSING] = "missing_header",
		[SIP_REFUSE_VIA] = "via",
		[SIP_REFUSE_FROM] = "from",
		[SIP_REFUSE_TO] = "to",
		[SIP_REFUSE_CALL_ID] = "call_id",
		[SIP_REFUSE_CSEQ] = "cseq",
		[SIP_REFUSE_CSEQ_METHOD] = "cseq_method",
		[SIP_REFUSE_REQUEST_URI] = "request_uri",
		[SIP_REFUSE_CONTACT] = "contact",
		[SIP_REFUSE_ROUTE] = "route",
		[SIP_REFUSE_VALUE] = "value",
		[SIP_REFUSE_SCHEME] = "scheme",
		[SIP_REFUSE_VIA_COUNT] = "via_count",
	};
	return r < SIP_REFUSE_COUNT ? names[r] : "unknown";
}
