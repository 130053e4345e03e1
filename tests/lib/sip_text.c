// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/sip_text.h"

#include "tests/lib/rtp_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name, *compact;
} compacts[] = {
	{"Via", "v"},
	{"From", "f"},
	{"To", "t"},
	{"Call-ID", "i"},
	{"Contact", "m"},
	{"Content-Type", "c"},
	{"Content-Length", "l"},
	{"Supported", "k"},
	{"Subject", "s"},
};

static void copy(char *out, size_t size, const char *from, size_t n)
{
	if (n >= size)
		n = size - 1;
	memcpy(out, from, n);
	out[n] = 0;
}

static const char *line_end(const char *p)
{
	const char *e = strpbrk(p, "\r\n");
	return e ? e : p + strlen(p);
}

static const char *next_line(const char *p)
{
	p = strchr(p, '\n');
	return p ? p + 1 : NULL;
}

static bool name_is(const char *line, size_t n, const char *name)
{
	if (strlen(name) == n && strncasecmp(line, name, n) == 0)
		return true;
	for (size_t i = 0; i < sizeof(compacts) / sizeof(compacts[0]); i++)
		if (strcmp(compacts[i].name, name) == 0)
			return n == 1 && strncasecmp(line, compacts[i].compact, 1) == 0;
	return false;
}

bool sip_header(const char *message, const char *name, int index, char *out, size_t size)
{
	for (const char *p = next_line(message); p && *p != '\r' && *p != '\n' && *p;
		p = next_line(p)) {
		const char *end = line_end(p), *colon = memchr(p, ':', (size_t)(end - p));
		if (!colon)
			continue;
		size_t n = (size_t)(colon - p);
		while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
			n--;
		if (!name_is(p, n, name) || index-- > 0)
			continue;
		colon++;
		while (*colon == ' ' || *colon == '\t')
			colon++;
		copy(out, size, colon, (size_t)(end - colon));
		return true;
	}
	return false;
}

bool sip_read(const char *message, struct sip_line *out)
{
	char cseq[64];
	memset(out, 0, sizeof(*out));
	if (!sip_header(message, "CSeq", 0, cseq, sizeof(cseq)) ||
		!sip_header(message, "Call-ID", 0, out->call_id, sizeof(out->call_id)))
		return false;
	out->cseq = (unsigned)strtoul(cseq, NULL, 10);
	if (strncmp(message, "SIP/2.0 ", 8) == 0) {
		out->code = atoi(message + 8);
		const char *m = strchr(cseq, ' ');
		if (m)
			copy(out->method, sizeof(out->method), m + 1, strlen(m + 1));
		return out->code >= 100 && out->code <= 699;
	}
	const char *a = strchr(message, ' '), *b = a ? strchr(a + 1, ' ') : NULL;
	if (!a || !b || b > line_end(message))
		return false;
	out->request = true;
	copy(out->method, sizeof(out->method), message, (size_t)(a - message));
	copy(out->uri, sizeof(out->uri), a + 1, (size_t)(b - a - 1));
	return true;
}

const char *sip_body(const char *message)
{
	const char *p = strstr(message, "\r\n\r\n");
	return p ? p + 4 : "";
}

bool sip_parameter(const char *value, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);
	const char *p = strchr(value, '>');
	for (p = strchr(p ? p : value, ';'); p; p = strchr(p + 1, ';')) {
		if (strncasecmp(p + 1, name, n) != 0 || p[1 + n] != '=')
			continue;
		p += n + 2;
		copy(out, size, p, strcspn(p, ";,> \t"));
		return true;
	}
	return false;
}

bool sip_uri_of(const char *value, char *out, size_t size)
{
	const char *p = strchr(value, '<');
	p = p ? p + 1 : value;
	size_t n = strcspn(p, strchr(value, '<') ? ">" : ";, \t");
	copy(out, size, p, n);
	return n > 0;
}

bool sip_uri_address(const char *uri, struct sockaddr_storage *out)
{
	char host[96];
	const char *p = strncasecmp(uri, "sip:", 4) == 0 ? uri + 4 : NULL;
	if (!p)
		return false;
	const char *at = strchr(p, '@');
	p = at ? at + 1 : p;
	copy(host, sizeof(host), p, strcspn(p, ";?>"));
	return rtp_parse_address(host, 5060, out) == 0;
}

static bool is_zero(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

// One line within the first audio stream, or before any m= line.
static void read_sdp_line(const char *p, size_t n, struct sdp_audio *out, char *host, bool in_media)
{
	static const char *directions[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
	if (n > 9 && (strncmp(p, "c=IN IP4 ", 9) == 0 || strncmp(p, "c=IN IP6 ", 9) == 0)) {
		copy(host, 64, p + 9, strcspn(p + 9, "/ \r\n"));
	} else if (!in_media && strncmp(p, "o=", 2) == 0) {
		const char *v = strchr(p, ' ');
		v = v ? strchr(v + 1, ' ') : NULL;
		out->version = v ? (unsigned)strtoul(v + 1, NULL, 10) : 0;
	} else if (strncmp(p, "a=crypto:", 9) == 0) {
		if (in_media && out->crypto_count < 12)
			copy(out->crypto[out->crypto_count++], sizeof(out->crypto[0]), p + 9, n - 9);
	} else if (strncmp(p, "a=rtcp:", 7) == 0) {
		out->rtcp_port = (uint16_t)atoi(p + 7);
	} else if (strncmp(p, "a=rtcp-mux", 10) == 0 && n == 10) {
		out->mux = true;
	} else {
		for (int i = 0; i < 4; i++)
			if (n == strlen(directions[i]) + 2 && strncmp(p, "a=", 2) == 0 &&
				strncmp(p + 2, directions[i], n - 2) == 0)
				copy(out->direction, sizeof(out->direction), p + 2, n - 2);
	}
}

bool sdp_read(const char *body, struct sdp_audio *out)
{
	char host[64] = "";
	bool found = false;
	int port = 0;
	memset(out, 0, sizeof(*out));
	strcpy(out->direction, "sendrecv");
	for (const char *p = body; p && *p; p = next_line(p)) {
		size_t n = (size_t)(line_end(p) - p);
		if (strncmp(p, "m=", 2) == 0) {
			if (found)
				break;
			out->fax = strncmp(p, "m=image ", 8) == 0;
			if (strncmp(p, "m=audio ", 8) != 0 && !out->fax)
				continue;
			found = true;
			port = atoi(p + 8);
			const char *type = strchr(p + 8, ' ');
			if (type)
				copy(out->profile, sizeof(out->profile), type + 1,
					strcspn(type + 1, " \r\n"));
			type = type ? strchr(type + 1, ' ') : NULL;
			out->payload_type = type && type < p + n ? atoi(type + 1) : -1;
		} else {
			read_sdp_line(p, n, out, host, found);
		}
	}
	if (!found || !host[0] || rtp_parse_address(host, (uint16_t)port, &out->rtp) != 0)
		return false;
	if (is_zero(host))
		strcpy(out->direction, "zero");
	if (!out->rtcp_port)
		out->rtcp_port = (uint16_t)(port + 1);
	return true;
}

size_t sdp_write(const struct sdp_shape *s, char *out, size_t size)
{
	static const char usual[] = "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
				    "a=fmtp:101 0-15\r\na=ptime:20\r\n";
	char host[64];
	bool v6 = s->local->ss_family == AF_INET6, zero = strcmp(s->direction, "zero") == 0;
	rtp_host_text(s->local, host, sizeof(host));
	if (s->fax) {
		int m = snprintf(out, size,
			"v=0\r\no=peer %lu %u IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n"
			"m=image %u udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n"
			"a=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n",
			s->session, s->version, v6 ? "IP6" : "IP4", host, v6 ? "IP6" : "IP4", host,
			rtp_port_of(s->local));
		return m < 0 ? 0 : (size_t)m;
	}
	int n = snprintf(out, size,
		"v=0\r\no=peer %lu %u IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n"
		"m=audio %u %s %s\r\n%s%s%sa=%s\r\n",
		s->session, s->version, v6 ? "IP6" : "IP4", host, v6 ? "IP6" : "IP4",
		zero ? (v6 ? "::" : "0.0.0.0") : host, rtp_port_of(s->local), s->profile, s->codecs,
		s->lines ? s->lines : usual, s->crypto, s->mux ? "a=rtcp-mux\r\n" : "", zero ? "sendrecv" : s->direction);
	return n < 0 ? 0 : (size_t)n;
}
