// SPDX-License-Identifier: BSD-3-Clause
//
// The part of a response that mirrors its request.
#include <errno.h>

#include "sip/chars.h"
#include "sip/mirror.h"

#define PUT(b, literal) sip_build_raw(b, sip_slice(literal, sizeof(literal) - 1))

static void put_port(struct sip_build *b, uint16_t port)
{
	char digits[8];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + port % 10);
		port /= 10;
	} while (port);
	sip_build_raw(b, sip_slice(digits + n, sizeof(digits) - n));
}

// What was seen (RFC 3261 18.2.1, RFC 3581 4): rport is filled in when it was asked for.
static void put_seen(struct sip_build *b, const struct sip_via *via, const struct sip_flow *source)
{
	char text[SIP_ADDR_TEXT];
	struct sip_addr host;

	if (via->has_rport) {
		PUT(b, ";rport=");
		put_port(b, source->remote.port);
	}
	bool same = sip_addr_parse(via->host, 0, &host) == 0 &&
		    sip_addr_same_host(&host, &source->remote);
	if (!same || via->has_rport) {
		PUT(b, ";received=");
		sip_build_raw(b, sip_slice(text, sip_addr_host(&source->remote, false, text)));
	}
}

// The top Via without whatever received and rport its sender wrote.
static void put_top_via(struct sip_build *b, struct sip_slice value, const struct sip_flow *source)
{
	struct sip_slice params, name, v;
	struct sip_via via;

	if (sip_via_parse(value, &via)) {
		sip_build_header(b, "Via", value);
		return;
	}
	PUT(b, "Via: SIP/2.0/");
	sip_build_value(b, via.transport);
	PUT(b, " ");
	sip_build_value(b, via.host);
	if (via.port) {
		PUT(b, ":");
		put_port(b, via.port);
	}
	params = via.params;
	while (sip_param_next(&params, &name, &v) == 1) {
		if (sip_slice_iis(name, "received") || sip_slice_iis(name, "rport"))
			continue;
		PUT(b, ";");
		sip_build_value(b, name);
		if (v.n) {
			PUT(b, "=");
			sip_build_value(b, v);
		}
	}
	put_seen(b, &via, source);
	PUT(b, "\r\n");
}

static void put_vias(
	struct sip_build *b, const struct sip_message *m, const struct sip_flow *source)
{
	unsigned at = m->first[SIP_H_VIA];
	struct sip_walk w = sip_walk(m, SIP_H_VIA);
	struct sip_slice top;

	if (!at || !sip_walk_next(&w, &top))
		return;
	put_top_via(b, top, source);
	// What stood behind the top one on the same line goes on a line of its own.
	struct sip_slice rest = sip_skip_lws(w.rest);
	if (rest.n)
		sip_build_header(b, "Via", rest);
	while ((at = m->headers[at - 1].next) != 0)
		sip_build_header(b, "Via", sip_header_value_of(m, at - 1));
}

void sip_build_mirror(struct sip_build *b, const struct sip_message *request,
	const struct sip_flow *source, struct sip_mirror *out)
{
	size_t start = b->n;

	put_vias(b, request, source);
	sip_build_copy(b, request, SIP_H_FROM);
	sip_build_copy(b, request, SIP_H_TO);
	bool has_to = sip_message_has(request, SIP_H_TO) && !b->overflow;
	out->has_tag = !has_to || sip_message_to_tag(request).n > 0;
	out->to = (uint32_t)(b->n - start - (has_to ? 2 : 0));
	sip_build_copy(b, request, SIP_H_CALL_ID);
	sip_build_copy(b, request, SIP_H_CSEQ);
	out->cseq = (uint32_t)(b->n - start);
	switch (request->method) {
	case SIP_INVITE:
	case SIP_SUBSCRIBE:
	case SIP_REFER:
	case SIP_NOTIFY:
		sip_build_copy(b, request, SIP_H_RECORD_ROUTE);
	}
	out->routes = (uint32_t)(b->n - start);
	sip_build_copy(b, request, SIP_H_TIMESTAMP);
	out->end = (uint32_t)(b->n - start);
}

void sip_build_mirrored(struct sip_build *b, const struct sip_mirror *mirror, const char *pieces,
	int status, struct sip_slice reason, struct sip_slice to_tag)
{
	sip_build_status(b, status, reason);
	sip_build_raw(b, sip_slice(pieces, mirror->to));
	if (!mirror->has_tag && to_tag.n && status > 100) {
		PUT(b, ";tag=");
		sip_build_value(b, to_tag);
	}
	sip_build_raw(b, sip_slice(pieces + mirror->to, mirror->cseq - mirror->to));
	if (status > 100 && status < 300)
		sip_build_raw(b, sip_slice(pieces + mirror->cseq, mirror->routes - mirror->cseq));
	if (status == 100)
		sip_build_raw(b, sip_slice(pieces + mirror->routes, mirror->end - mirror->routes));
}

void sip_build_response(struct sip_build *b, const struct sip_message *request,
	const struct sip_flow *source, int status, struct sip_slice reason, struct sip_slice to_tag)
{
	// The mirror is built at the end of the buffer's free part and moved behind the status line
	// piece by piece; a request is at most 64 kB, so the stack could not take it.
	struct sip_mirror mirror;
	size_t half = (b->size - b->n) / 2;
	struct sip_build tail = sip_build(b->p + b->n + half, b->size - b->n - half);
	struct sip_build head = sip_build(b->p + b->n, half);

	sip_build_mirror(&tail, request, source, &mirror);
	if (sip_build_check(&tail) == 0)
		sip_build_mirrored(&head, &mirror, tail.p, status, reason, to_tag);
	b->n += head.n;
	b->overflow |= head.overflow || tail.overflow;
	b->refused |= head.refused || tail.refused;
}

// ---- a refusal without an index --------------------------------------------------------------------

enum { VIA = 1, FROM = 2, TO = 4, CALL_ID = 8, CSEQ = 16, ALL = 31 };

static void put_to(struct sip_build *b, struct sip_slice value, struct sip_slice tag)
{
	PUT(b, "To: ");
	sip_build_value(b, value);
	PUT(b, ";tag=");
	sip_build_raw(b, tag);
	PUT(b, "\r\n");
}

// What of the five it is; 0: something else.
static unsigned mirrored(struct sip_slice name)
{
	switch (sip_header_lookup(name)) {
	case SIP_H_VIA:
		return VIA;
	case SIP_H_FROM:
		return FROM;
	case SIP_H_TO:
		return TO;
	case SIP_H_CALL_ID:
		return CALL_ID;
	case SIP_H_CSEQ:
		return CSEQ;
	default:
		return 0;
	}
}

static void put_mirrored(struct sip_build *b, unsigned what, bool first, struct sip_slice value,
	const struct sip_flow *source, struct sip_slice tag)
{
	switch (what) {
	case VIA:
		if (first)
			put_top_via(b, value, source);
		else
			sip_build_header(b, "Via", value);
		break;
	case FROM:
		sip_build_header(b, "From", value);
		break;
	case TO:
		put_to(b, value, tag);
		break;
	case CALL_ID:
		sip_build_header(b, "Call-ID", value);
		break;
	case CSEQ:
		sip_build_header(b, "CSeq", value);
		break;
	}
}

int sip_build_refusal(struct sip_build *b, const uint8_t *data, size_t n,
	const struct sip_flow *source, int status, struct sip_slice to_tag)
{
	struct sip_slice s = sip_slice((const char *)data, n), name, value;
	unsigned seen = 0;

	while (s.n > 0 && (*s.p == '\r' || *s.p == '\n'))
		s = sip_slice_from(s, 1);
	if (s.n == 0)
		return -EBADMSG;
	sip_cut_line(&s);
	sip_build_status(b, status, sip_str(NULL));
	while (sip_cut_header(&s, &name, &value)) {
		unsigned what = mirrored(name);

		if (!what)
			continue;
		// Several values on a line, and what stands there twice, want the whole reader.
		if ((seen & what & ~VIA) || value.n == 0 ||
			(what == VIA && memchr(value.p, ',', value.n)) ||
			(what == TO && memmem(value.p, value.n, "tag", 3)))
			return -EBADMSG;
		put_mirrored(b, what, !(seen & VIA), value, source, to_tag);
		seen |= what;
	}
	return seen == ALL ? sip_build_check(b) : -EBADMSG;
}
