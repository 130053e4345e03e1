// SPDX-License-Identifier: BSD-3-Clause
#include "sip/message.h"

#include <errno.h>

#include "sip/chars.h"

struct reader {
	struct sip_message *m;
	const char *p, *end;
};

// To the end of the line that starts at r->p: the text without its line end; r->p goes behind it.
// A bare CR or LF and other control bytes are noted, but a bare LF still ends the line.
static struct sip_slice read_line(struct reader *r)
{
	const char *start = r->p, *p = r->p;

	for (; p < r->end; p++) {
		if (sip_char_is(*p, SIP_C_TEXT))
			continue;
		if (*p == '\n')
			break;
		if (*p == '\r') {
			if (p + 1 < r->end && p[1] == '\n')
				break;
			r->m->defects |= SIP_DEFECT_CONTROL;
		} else if (p == start || p[-1] != '\\') {
			// Escaped control bytes are legal inside quoted strings.
			r->m->defects |= SIP_DEFECT_CONTROL;
		}
	}
	if (p == r->end) {
		r->m->defects |= SIP_DEFECT_NO_BLANK;
		r->p = p;
	} else if (*p == '\n') {
		r->m->defects |= SIP_DEFECT_CONTROL;
		r->p = p + 1;
	} else {
		r->p = p + 2;
	}
	return sip_slice(start, (size_t)(p - start));
}

// "SIP/2.0" in any case. 0; 1 when it is another version of SIP; -1 when it is no version at all.
static int check_version(struct sip_slice v)
{
	if (v.n == 7 && strncasecmp(v.p, "SIP/2.0", 7) == 0)
		return 0;
	if (v.n < 7 || strncasecmp(v.p, "SIP/", 4) != 0)
		return -1;
	const char *dot = memchr(v.p + 4, '.', v.n - 4);
	if (!dot || !sip_all(sip_slice(v.p + 4, (size_t)(dot - v.p - 4)), SIP_C_DIGIT) ||
		!sip_all(sip_slice_from(v, (size_t)(dot - v.p) + 1), SIP_C_DIGIT))
		return -1;
	return 1;
}

static void note_version(struct sip_message *m)
{
	int bad = check_version(m->version);
	if (bad)
		m->defects |= bad > 0 ? SIP_DEFECT_VERSION : SIP_DEFECT_START_LINE;
}

// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase
static void read_status_line(struct sip_message *m, struct sip_slice line)
{
	const char *space = memchr(line.p, ' ', line.n);
	uint32_t status;

	m->is_request = false;
	m->version = sip_slice(line.p, space ? (size_t)(space - line.p) : line.n);
	note_version(m);
	line = sip_slice_from(line, m->version.n + 1);
	const char *after = line.n ? memchr(line.p, ' ', line.n) : NULL;
	struct sip_slice code = sip_slice(line.p, after ? (size_t)(after - line.p) : line.n);
	m->reason_text = sip_slice_from(line, code.n + 1);
	// The space after the code is compulsory, but a phrase that is empty often loses it.
	if (code.n != 3 || sip_slice_u32(code, 699, &status) || status < 100)
		m->defects |= SIP_DEFECT_STATUS;
	else
		m->status = (uint16_t)status;
}

// Request-Line = Method SP Request-URI SP SIP-Version. The version is looked for from the end, so
// that a Request-URI with white space in it is kept whole, to be refused as such.
static void read_request_line(struct sip_message *m, struct sip_slice line)
{
	const char *first = line.n ? memchr(line.p, ' ', line.n) : NULL;
	struct sip_slice tail = line;

	m->is_request = true;
	if (!first) {
		m->defects |= SIP_DEFECT_START_LINE;
		return;
	}
	m->method_text = sip_slice(line.p, (size_t)(first - line.p));
	while (tail.n > 0 && sip_char_is(tail.p[tail.n - 1], SIP_C_LWS))
		tail.n--;
	if (tail.n != line.n)
		m->defects |= SIP_DEFECT_START_LINE;
	const char *last = memrchr(tail.p, ' ', tail.n);
	if (!last || last <= first) {
		m->defects |= SIP_DEFECT_START_LINE;
		return;
	}
	m->version = sip_slice(last + 1, (size_t)(tail.p + tail.n - last) - 1);
	m->uri_text = sip_slice(first + 1, (size_t)(last - first) - 1);
	note_version(m);
	if (!sip_is_token(m->method_text))
		m->defects |= SIP_DEFECT_METHOD;
	if (m->uri_text.n == 0)
		m->defects |= SIP_DEFECT_START_LINE;
	m->method = (uint8_t)sip_method_lookup(m->method_text);
}

static void read_start_line(struct reader *r)
{
	struct sip_message *m = r->m;
	struct sip_slice line = read_line(r);

	// A method may not hold a '/', so "SIP/" can only begin a status line.
	if (line.n >= 4 && strncasecmp(line.p, "SIP/", 4) == 0)
		read_status_line(m, line);
	else
		read_request_line(m, line);
}

static void link_header(struct sip_message *m, unsigned index, uint8_t last[SIP_H_COUNT])
{
	unsigned id = m->headers[index].id;
	if (id == SIP_H_OTHER)
		return;
	if (m->first[id])
		m->headers[last[id] - 1].next = (uint8_t)(index + 1);
	else
		m->first[id] = (uint8_t)(index + 1);
	last[id] = (uint8_t)(index + 1);
}

// One header with its folded lines. False when the line is none.
static bool read_header(struct reader *r, struct sip_slice line, struct sip_header *h)
{
	struct sip_message *m = r->m;
	const char *end = line.p + line.n;
	size_t n = 0;

	while (n < line.n && sip_char_is(line.p[n], SIP_C_TOKEN))
		n++;
	h->name = (uint32_t)(line.p - m->data);
	h->name_len = (uint16_t)n;
	size_t colon = n;
	while (colon < line.n && (line.p[colon] == ' ' || line.p[colon] == '\t'))
		colon++;
	if (n == 0 || colon == line.n || line.p[colon] != ':') {
		m->defects |= SIP_DEFECT_HEADER;
		return false;
	}
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t')) {
		struct sip_slice more = read_line(r);
		end = more.p + more.n;
	}
	const char *value = line.p + colon + 1;
	struct sip_slice v = sip_slice_trim(sip_slice(value, (size_t)(end - value)));
	h->value = v.n ? (uint32_t)(v.p - m->data) : (uint32_t)(end - m->data);
	h->value_len = (uint16_t)v.n;
	h->line_len = (uint16_t)(r->p - line.p);
	h->id = (uint8_t)sip_header_lookup(sip_slice(line.p, n));
	h->next = 0;
	return true;
}

static void read_headers(struct reader *r)
{
	struct sip_message *m = r->m;
	uint8_t last[SIP_H_COUNT];

	for (;;) {
		if (r->p == r->end) {
			m->defects |= SIP_DEFECT_NO_BLANK;
			return;
		}
		struct sip_slice line = read_line(r);
		if (line.n == 0)
			return;
		if (m->count == SIP_HEADERS_MAX) {
			m->defects |= SIP_DEFECT_MANY;
			continue;
		}
		if (read_header(r, line, &m->headers[m->count]))
			link_header(m, m->count++, last);
	}
}

int sip_message_index(struct sip_message *m, const uint8_t *data, size_t n)
{
	const char *bytes = n ? (const char *)data : "";
	struct reader r = {.m = m, .p = bytes, .end = bytes + n};

	memset(m, 0, offsetof(struct sip_message, headers));
	while (r.p < r.end && (*r.p == '\r' || *r.p == '\n'))
		r.p++;
	m->data = r.p;
	if (r.end - r.p > SIP_MESSAGE_MAX) {
		m->defects |= SIP_DEFECT_LONG;
		r.end = r.p + SIP_MESSAGE_MAX;
	}
	m->length = (uint32_t)(r.end - r.p);
	if (m->length == 0) {
		m->defects |= SIP_DEFECT_START_LINE | SIP_DEFECT_NO_BLANK;
		return -EBADMSG;
	}
	read_start_line(&r);
	read_headers(&r);
	m->body = (uint32_t)(r.p - m->data);
	if (!m->is_request) {
		struct sip_cseq cseq;
		if (sip_message_cseq(m, &cseq) == 0) {
			m->method_text = cseq.method_text;
			m->method = (uint8_t)cseq.method;
		}
	}
	return m->defects ? -EBADMSG : 0;
}

struct sip_slice sip_message_value(const struct sip_message *m, enum sip_header_id id)
{
	unsigned at = m->first[id];
	return at ? sip_header_value_of(m, at - 1) : sip_slice("", 0);
}

bool sip_message_find(
	const struct sip_message *m, const char *name, unsigned *at, struct sip_slice *value)
{
	struct sip_slice wanted = sip_str(name);
	enum sip_header_id id = sip_header_lookup(wanted);

	for (unsigned i = *at; i < m->count; i++) {
		if (m->headers[i].id != id)
			continue;
		if (id == SIP_H_OTHER && !sip_slice_ieq(sip_header_name_of(m, i), wanted))
			continue;
		*value = sip_header_value_of(m, i);
		*at = i + 1;
		return true;
	}
	*at = m->count;
	return false;
}
