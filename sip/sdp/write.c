// SPDX-License-Identifier: BSD-3-Clause
#include "sip/sdp/sdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sdp_put_str(struct sdp_writer *w, struct sdp_str s)
{
	if (w->overflow || s.len > w->size - w->len) {
		w->overflow = true;
		return;
	}
	if (s.len != 0)
		memcpy(w->buf + w->len, s.ptr, s.len);
	w->len += s.len;
}

static void put_bytes(struct sdp_writer *w, const char *p, size_t n)
{
	sdp_put_str(w, (struct sdp_str){p, (uint32_t)n});
}

static void put_number(struct sdp_writer *w, unsigned long long value)
{
	char digits[20];
	unsigned n = sizeof(digits);

	do
		digits[--n] = (char)('0' + value % 10);
	while (value /= 10);
	put_bytes(w, digits + n, sizeof(digits) - n);
}

static void put_formatted(struct sdp_writer *w, const char *fmt, va_list ap)
{
	char piece[512];
	int n = vsnprintf(piece, sizeof(piece), fmt, ap);

	if (n < 0 || (size_t)n >= sizeof(piece))
		w->overflow = true;
	else
		put_bytes(w, piece, (size_t)n);
}

// What stands at a '%' in all that this room writes. 0: something else.
static unsigned specifier(const char *p)
{
	static const char *const known[] = {"%u", "%s", "%c", "%.*s", "%llu"};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(p, known[i], strlen(known[i])) == 0)
			return (unsigned)strlen(known[i]);
	return 0;
}

static void put_argument(struct sdp_writer *w, const char *spec, va_list *ap)
{
	const char *text;
	char letter;
	int n;

	switch (spec[1]) {
	case 'u':
		put_number(w, va_arg(*ap, unsigned));
		break;
	case 'l':
		put_number(w, va_arg(*ap, unsigned long long));
		break;
	case 'c':
		letter = (char)va_arg(*ap, int);
		put_bytes(w, &letter, 1);
		break;
	case 's':
		text = va_arg(*ap, const char *);
		put_bytes(w, text, strlen(text));
		break;
	case '.':
		n = va_arg(*ap, int);
		text = va_arg(*ap, const char *);
		put_bytes(w, text, (size_t)n);
		break;
	}
}

// A description is some 50 of these, and printf was a tenth of what a call cost.
void sdp_put(struct sdp_writer *w, const char *fmt, ...)
{
	const char *p = fmt, *mark;
	va_list ap;

	for (mark = fmt; (mark = strchr(mark, '%')) != NULL; mark++)
		if (specifier(mark) == 0)
			break;
	va_start(ap, fmt);
	if (mark != NULL) {
		put_formatted(w, fmt, ap);
		va_end(ap);
		return;
	}
	while ((mark = strchr(p, '%')) != NULL) {
		put_bytes(w, p, (size_t)(mark - p));
		put_argument(w, mark, &ap);
		p = mark + specifier(mark);
	}
	va_end(ap);
	put_bytes(w, p, strlen(p));
}

void sdp_put_line(struct sdp_writer *w, const struct sdp_line *line)
{
	sdp_put(w, "%c=", line->letter);
	sdp_put_str(w, sdp_line_text(line));
	sdp_put(w, "\r\n");
}

void sdp_put_ip(struct sdp_writer *w, unsigned family, const uint8_t ip[16])
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(family == 6 ? AF_INET6 : AF_INET, ip, text, sizeof(text)) == NULL)
		w->overflow = true;
	else
		sdp_put(w, "%s", text);
}

void sdp_put_addr(struct sdp_writer *w, unsigned family, const uint8_t ip[16])
{
	sdp_put(w, "IP%u ", family == 6 ? 6 : 4);
	sdp_put_ip(w, family, ip);
}

int sdp_write(const struct sdp_session *session, char *buf, size_t size, size_t *len)
{
	struct sdp_writer w;

	sdp_writer_init(&w, buf, size);
	for (unsigned i = 0; i < session->n_session_lines; i++)
		sdp_put_line(&w, &session->lines[i]);
	for (unsigned m = 0; m < session->n_media; m++) {
		const struct sdp_media *media = &session->media[m];

		sdp_put(&w, "m=");
		sdp_put_str(&w, media->m_text);
		sdp_put(&w, "\r\n");
		for (unsigned i = 0; i < media->n_lines; i++)
			sdp_put_line(&w, &session->lines[media->first_line + i]);
	}
	if (w.overflow)
		return -ENOSPC;
	*len = w.len;
	return 0;
}
