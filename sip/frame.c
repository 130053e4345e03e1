// SPDX-License-Identifier: BSD-3-Clause
//
// Looks at bytes that have not been indexed: framing a stream, and the peek.
#include <errno.h>

#include "sip/chars.h"
#include "sip/screen.h"

// One line from the front of *s, without its line end.
struct sip_slice sip_cut_line(struct sip_slice *s)
{
	const char *end = memchr(s->p, '\n', s->n);
	size_t n = end ? (size_t)(end - s->p) : s->n;
	struct sip_slice line = sip_slice(s->p, n);

	*s = sip_slice(s->p + n + (end ? 1 : 0), s->n - n - (end ? 1 : 0));
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

bool sip_cut_header(struct sip_slice *s, struct sip_slice *name, struct sip_slice *value)
{
	size_t n = 0;

	if (s->n == 0)
		return false;
	struct sip_slice line = sip_cut_line(s);
	if (line.n == 0)
		return false;
	while (s->n > 0 && (*s->p == ' ' || *s->p == '\t')) {
		struct sip_slice more = sip_cut_line(s);
		line.n = (size_t)(more.p + more.n - line.p);
	}
	while (n < line.n && sip_char_is(line.p[n], SIP_C_TOKEN))
		n++;
	*name = sip_slice(line.p, n);
	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
		n++;
	if (n < line.n && line.p[n] == ':')
		*value = sip_slice_trim(sip_slice(line.p + n + 1, line.n - n - 1));
	else
		name->n = 0;
	return true;
}

static int content_length(struct sip_slice head, uint32_t *out)
{
	struct sip_slice name, value;
	bool seen = false;

	*out = 0;
	sip_cut_line(&head);
	while (sip_cut_header(&head, &name, &value)) {
		if (!sip_slice_iis(name, "Content-Length") && !sip_slice_iis(name, "l"))
			continue;
		if (seen || sip_slice_u32(value, SIP_MESSAGE_MAX, out))
			return -EBADMSG;
		seen = true;
	}
	return 0;
}

int sip_screen_frame(const uint8_t *data, size_t n, size_t *skip, size_t *length)
{
	const char *p = (const char *)data;
	size_t at = 0;
	uint32_t body;

	while (at < n && (p[at] == '\r' || p[at] == '\n'))
		at++;
	*skip = at;
	*length = 0;
	const char *end = memmem(p + at, n - at, "\r\n\r\n", 4);
	if (!end)
		return n - at > SIP_MESSAGE_MAX ? -EBADMSG : -EAGAIN;
	size_t head = (size_t)(end - p) + 4 - at;
	if (content_length(sip_slice(p + at, head), &body) || head + body > SIP_MESSAGE_MAX)
		return -EBADMSG;
	if (head + body > n - at)
		return -EAGAIN;
	*length = head + body;
	return 0;
}

static void peek_via(struct sip_slice value, struct sip_peek *out)
{
	// Up to the first comma; a branch is a token, so no comma can hide in it.
	const char *comma = value.n ? memchr(value.p, ',', value.n) : NULL;
	if (comma)
		value.n = (size_t)(comma - value.p);
	const char *semicolon = value.n ? memchr(value.p, ';', value.n) : NULL;
	if (!semicolon)
		return;
	value = sip_slice_from(value, (size_t)(semicolon - value.p));
	sip_param_find(value, "branch", &out->branch);
}

static int peek_start(struct sip_slice line, struct sip_peek *out)
{
	uint32_t status;
	const char *space = line.n ? memchr(line.p, ' ', line.n) : NULL;

	if (!space)
		return -EBADMSG;
	size_t n = (size_t)(space - line.p);
	if (n == 7 && strncasecmp(line.p, "SIP/2.0", 7) == 0) {
		if (line.n < 11 || sip_slice_u32(sip_slice(space + 1, 3), 699, &status))
			return -EBADMSG;
		out->status = (uint16_t)status;
		return 0;
	}
	out->is_request = true;
	out->method = sip_method_lookup(sip_slice(line.p, n));
	return sip_is_token(sip_slice(line.p, n)) ? 0 : -EBADMSG;
}

// The start line; the rest of the message in *s.
static int peek_first(const uint8_t *data, size_t n, struct sip_slice *s, struct sip_peek *out)
{
	*s = sip_slice((const char *)data, n);
	*out = (struct sip_peek){0};
	while (s->n > 0 && (*s->p == '\r' || *s->p == '\n'))
		*s = sip_slice(s->p + 1, s->n - 1);
	return s->n == 0 || peek_start(sip_cut_line(s), out) ? -EBADMSG : 0;
}

int sip_peek_call(const uint8_t *data, size_t n, struct sip_peek *out)
{
	struct sip_slice s, name, value;

	if (peek_first(data, n, &s, out))
		return -EBADMSG;
	while (s.n > 0) {
		if ((*s.p | 0x20) != 'c' && (*s.p | 0x20) != 'i') {
			if (sip_cut_line(&s).n == 0)
				break;
			continue;
		}
		if (!sip_cut_header(&s, &name, &value))
			break;
		if (sip_header_lookup(name) != SIP_H_CALL_ID)
			continue;
		out->call_id = value;
		break;
	}
	return 0;
}

int sip_peek(const uint8_t *data, size_t n, struct sip_peek *out)
{
	struct sip_slice s, name, value;
	bool via = false;

	if (peek_first(data, n, &s, out))
		return -EBADMSG;
	while (sip_cut_header(&s, &name, &value)) {
		switch (sip_header_lookup(name)) {
		case SIP_H_VIA:
			if (!via)
				peek_via(value, out);
			via = true;
			break;
		case SIP_H_CALL_ID:
			if (out->call_id.n == 0)
				out->call_id = value;
			break;
		case SIP_H_TO:
			if (out->to.n == 0)
				out->to = value;
			break;
		case SIP_H_CSEQ:
			if (out->cseq.n == 0)
				out->cseq = value;
			break;
		default:
			continue;
		}
		if (via && out->call_id.n && out->to.n && out->cseq.n)
			break;
	}
	return 0;
}
