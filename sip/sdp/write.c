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

void sdp_put(struct sdp_writer *w, const char *fmt, ...)
{
	char piece[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(piece, sizeof(piece), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(piece)) {
		w->overflow = true;
		return;
	}
	sdp_put_str(w, (struct sdp_str){piece, (uint32_t)n});
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
