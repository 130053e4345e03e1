// SPDX-License-Identifier: BSD-3-Clause
#include "sip/build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "sip/chars.h"

struct sip_build sip_build(char *buffer, size_t size)
{
	struct sip_build b = {.p = buffer, .size = size};
	return b;
}

static bool room(struct sip_build *b, size_t n)
{
	if (b->overflow || b->size - b->n < n) {
		b->overflow = true;
		return false;
	}
	return true;
}

static void put(struct sip_build *b, const char *p, size_t n)
{
	if (n > 0 && room(b, n)) {
		memcpy(b->p + b->n, p, n);
		b->n += n;
	}
}

#define PUT(b, literal) put(b, literal, sizeof(literal) - 1)

static void put_str(struct sip_build *b, const char *z)
{
	put(b, z, strlen(z));
}

static void put_u32(struct sip_build *b, uint32_t v)
{
	char digits[10];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(b, digits + n, sizeof(digits) - n);
}

// Copy a value, a fold becoming one space. Whatever else would break out of the line is refused;
// other control bytes may only follow a backslash, as in the quoted strings they came in.
static void put_value(struct sip_build *b, struct sip_slice s)
{
	size_t plain = 0;

	while (plain < s.n && sip_char_is(s.p[plain], SIP_C_TEXT))
		plain++;
	put(b, s.p, plain);
	for (size_t i = plain; i < s.n; i++) {
		char c = s.p[i];
		bool fold = c == '\r' && s.n - i > 2 && s.p[i + 1] == '\n' &&
			    (s.p[i + 2] == ' ' || s.p[i + 2] == '\t');
		if (fold) {
			PUT(b, " ");
			i += 2;
		} else if (c == '\r' || c == '\n') {
			b->refused = true;
		} else if (!sip_char_is(c, SIP_C_TEXT) && (i == 0 || s.p[i - 1] != '\\')) {
			b->refused = true;
		} else {
			put(b, &c, 1);
		}
	}
}

static void put_name(struct sip_build *b, const char *name)
{
	put_str(b, name);
	PUT(b, ": ");
}

void sip_build_request(struct sip_build *b, struct sip_slice method, struct sip_slice uri)
{
	if (!sip_is_token(method) || uri.n == 0 || memchr(uri.p, ' ', uri.n))
		b->refused = true;
	put(b, method.p, method.n);
	PUT(b, " ");
	put_value(b, uri);
	PUT(b, " SIP/2.0\r\n");
}

void sip_build_status(struct sip_build *b, int status, struct sip_slice reason)
{
	if (status < 100 || status > 699)
		b->refused = true;
	PUT(b, "SIP/2.0 ");
	put_u32(b, (uint32_t)status);
	PUT(b, " ");
	put_value(b, reason.n ? reason : sip_str(sip_reason_phrase(status)));
	PUT(b, "\r\n");
}

void sip_build_header(struct sip_build *b, const char *name, struct sip_slice value)
{
	put_name(b, name);
	put_value(b, value);
	PUT(b, "\r\n");
}

void sip_build_header_str(struct sip_build *b, const char *name, const char *value)
{
	sip_build_header(b, name, sip_str(value));
}

void sip_build_number(struct sip_build *b, const char *name, uint32_t value)
{
	put_name(b, name);
	put_u32(b, value);
	PUT(b, "\r\n");
}

void sip_build_format(struct sip_build *b, const char *name, const char *format, ...)
{
	va_list args;

	put_name(b, name);
	if (b->overflow)
		return;
	size_t left = b->size - b->n;
	va_start(args, format);
	int n = vsnprintf(b->p + b->n, left, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= left) {
		b->overflow = true;
		return;
	}
	for (int i = 0; i < n; i++)
		if (!sip_char_is(b->p[b->n + (size_t)i], SIP_C_TEXT))
			b->refused = true;
	b->n += (size_t)n;
	PUT(b, "\r\n");
}

void sip_build_via(struct sip_build *b, uint8_t transport, struct sip_slice sent_by,
	struct sip_slice branch, bool rport)
{
	PUT(b, "Via: SIP/2.0/");
	put_str(b, sip_transport_name(transport));
	PUT(b, " ");
	put_value(b, sent_by);
	PUT(b, ";branch=");
	put_value(b, branch);
	if (rport)
		PUT(b, ";rport");
	PUT(b, "\r\n");
}

static void put_display(struct sip_build *b, struct sip_slice display)
{
	PUT(b, "\"");
	for (size_t i = 0; i < display.n; i++) {
		char c = display.p[i];
		// What was read out of quotes still has its escapes; a backslash that escapes
		// nothing, or a quote of its own, gets one.
		if (c == '\\' && i + 1 < display.n) {
			put_value(b, sip_slice(display.p + i, 2));
			i++;
			continue;
		}
		if (c == '"' || c == '\\')
			PUT(b, "\\");
		if (c == '\r' || c == '\n')
			c = ' ';
		put_value(b, sip_slice(&c, 1));
	}
	PUT(b, "\" ");
}

void sip_build_address(struct sip_build *b, const char *name, struct sip_slice display,
	struct sip_slice uri, struct sip_slice tag)
{
	if (uri.n && (memchr(uri.p, '>', uri.n) || memchr(uri.p, '<', uri.n)))
		b->refused = true;
	put_name(b, name);
	if (display.n)
		put_display(b, display);
	PUT(b, "<");
	put_value(b, uri);
	PUT(b, ">");
	if (tag.n) {
		PUT(b, ";tag=");
		put_value(b, tag);
	}
	PUT(b, "\r\n");
}

void sip_build_cseq(struct sip_build *b, uint32_t number, struct sip_slice method)
{
	PUT(b, "CSeq: ");
	put_u32(b, number);
	PUT(b, " ");
	put_value(b, method);
	PUT(b, "\r\n");
}

void sip_build_copy(struct sip_build *b, const struct sip_message *m, enum sip_header_id id)
{
	for (unsigned at = m->first[id]; at; at = m->headers[at - 1].next)
		sip_build_header(b, sip_header_name(id), sip_header_value_of(m, at - 1));
}

void sip_build_copy_at(struct sip_build *b, const struct sip_message *m, unsigned i)
{
	struct sip_slice name = sip_header_name_of(m, i);

	put(b, name.p, name.n);
	PUT(b, ": ");
	put_value(b, sip_header_value_of(m, i));
	PUT(b, "\r\n");
}

void sip_build_lines(struct sip_build *b, struct sip_slice lines)
{
	struct sip_slice rest = lines;

	while (rest.n > 0) {
		const char *end = memmem(rest.p, rest.n, "\r\n", 2);
		if (!end || end == rest.p) {
			b->refused = true;
			return;
		}
		rest = sip_slice_from(rest, (size_t)(end - rest.p) + 2);
	}
	put(b, lines.p, lines.n);
}

void sip_build_value(struct sip_build *b, struct sip_slice part)
{
	put_value(b, part);
}

void sip_build_raw(struct sip_build *b, struct sip_slice bytes)
{
	put(b, bytes.p, bytes.n);
}

int sip_build_check(const struct sip_build *b)
{
	if (b->refused)
		return -EINVAL;
	return b->overflow ? -ENOBUFS : 0;
}

int sip_build_end(struct sip_build *b, struct sip_slice body)
{
	sip_build_number(b, "Content-Length", (uint32_t)body.n);
	PUT(b, "\r\n");
	put(b, body.p, body.n);
	int err = sip_build_check(b);
	return err ? err : (int)b->n;
}
