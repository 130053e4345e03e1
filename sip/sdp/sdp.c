// SPDX-License-Identifier: BSD-3-Clause
//
// The reader's session half: lines, v=, o=, c= and what holds for all m-lines.
#include "sip/sdp/parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

struct sdp_str sdp_line_name(const struct sdp_line *line)
{
	return (struct sdp_str){line->text, line->name_len};
}

struct sdp_str sdp_line_value(const struct sdp_line *line)
{
	uint32_t skip = line->name_len;

	if (skip < line->len)
		skip++; // the colon
	return (struct sdp_str){line->text + skip, line->len - skip};
}

const struct sdp_line *sdp_find(const struct sdp_session *session, const struct sdp_media *media,
	enum sdp_attr attr, const struct sdp_line *after)
{
	const struct sdp_line *line = session->lines + (media != NULL ? media->first_line : 0);
	const struct sdp_line *end =
		line + (media != NULL ? media->n_lines : session->n_session_lines);

	for (line = after != NULL ? after + 1 : line; line < end; line++) {
		if (line->letter == 'a' && line->attr == attr)
			return line;
	}
	return NULL;
}

struct sdp_str sdp_value(
	const struct sdp_session *session, const struct sdp_media *media, enum sdp_attr attr)
{
	const struct sdp_line *line = sdp_find(session, media, attr, NULL);

	if (line == NULL && media != NULL)
		line = sdp_find(session, NULL, attr, NULL);
	return line != NULL ? sdp_line_value(line) : (struct sdp_str){NULL, 0};
}

const char *sdp_direction_name(enum sdp_direction d)
{
	static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

	return names[d & 3];
}

// ---- Addresses ----------------------------------------------------------------------------------

bool sdp_addr_is_hold(const struct sdp_addr *addr)
{
	static const uint8_t zero[16];
	static const char invalid[] = ".invalid";
	const size_t n = sizeof(invalid) - 1;

	if (addr->count == 0)
		return false;
	if (addr->family != 0)
		return memcmp(addr->ip, zero, addr->family == 4 ? 4 : 16) == 0;
	return addr->type != 0 && addr->host.len > n &&
	       strncasecmp(addr->host.ptr + addr->host.len - n, invalid, n) == 0;
}

bool sdp_addr_is_multicast(const struct sdp_addr *addr)
{
	if (addr->family == 4)
		return (addr->ip[0] & 0xf0) == 0xe0;
	return addr->family == 6 && addr->ip[0] == 0xff;
}

// Cuts "/n" off the end of *text's front part: "224.2.1.1/127/3" gives parts[0] = 127, parts[1] = 3.
static int split_range(struct sdp_str *text, uint64_t parts[2], unsigned *n_parts)
{
	const char *end = text->ptr + text->len;
	const char *slash = memchr(text->ptr, '/', text->len);

	*n_parts = 0;
	if (slash == NULL)
		return 0;
	text->len = (uint32_t)(slash - text->ptr);
	while (slash != NULL) {
		const char *start = slash + 1;
		struct sdp_str number;

		slash = memchr(start, '/', (size_t)(end - start));
		number.ptr = start;
		number.len = (uint32_t)((slash != NULL ? slash : end) - start);
		if (*n_parts == 2 || !sdp_str_number(number, UINT16_MAX, &parts[*n_parts]))
			return -EBADMSG;
		(*n_parts)++;
	}
	return 0;
}

static bool is_host_name(struct sdp_str s)
{
	for (uint32_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (!isalnum(c) && c != '.' && c != '-' && c != '_')
			return false;
	}
	return s.len != 0 && s.len <= 255;
}

// Digits and dots, or anything with a colon: meant to be a number, so it has to be one.
static bool is_numeric(struct sdp_str s)
{
	if (memchr(s.ptr, ':', s.len) != NULL)
		return true;
	for (uint32_t i = 0; i < s.len; i++) {
		if (!isdigit((unsigned char)s.ptr[i]) && s.ptr[i] != '.')
			return false;
	}
	return true;
}

static int read_ip(struct sdp_parse *p, unsigned line, struct sdp_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (!is_numeric(addr->host)) {
		if (!is_host_name(addr->host))
			return sdp_bad(p, line, "address is neither a number nor a host name");
		return 0;
	}
	if (addr->host.len < sizeof(text)) {
		memcpy(text, addr->host.ptr, addr->host.len);
		text[addr->host.len] = '\0';
		if (inet_pton(addr->type == 4 ? AF_INET : AF_INET6, text, addr->ip) == 1) {
			addr->family = addr->type;
			return 0;
		}
	}
	memset(addr->ip, 0, sizeof(addr->ip));
	return sdp_bad(p, line, "not an IPv%u address", addr->type);
}

static int read_range(struct sdp_parse *p, unsigned line, bool allowed, struct sdp_addr *addr)
{
	uint64_t parts[2] = {0, 0};
	unsigned n;

	if (split_range(&addr->host, parts, &n) != 0 || (n != 0 && !allowed))
		return sdp_bad(p, line, "address range is malformed");
	if (n == 0)
		return 0;
	if (addr->type == 4) {
		if (parts[0] > UINT8_MAX)
			return sdp_bad(p, line, "ttl is not a number of 0-255");
		addr->ttl = (uint8_t)parts[0];
		parts[0] = n == 2 ? parts[1] : 1;
	} else if (n == 2) {
		return sdp_bad(p, line, "IPv6 addresses have no ttl");
	}
	if (parts[0] == 0)
		return sdp_bad(p, line, "address range is empty");
	addr->count = (uint16_t)parts[0];
	return 0;
}

int sdp_read_addr(
	struct sdp_parse *p, unsigned line, struct sdp_str text, bool range, struct sdp_addr *addr)
{
	struct sdp_str net = sdp_str_token(&text);
	struct sdp_str type = sdp_str_token(&text);
	int rc;

	memset(addr, 0, sizeof(*addr));
	addr->host = sdp_str_token(&text);
	addr->count = 1;
	if (addr->host.len == 0 || sdp_str_token(&text).len != 0)
		return sdp_bad(p, line, "expected network type, address type and address");
	if (!sdp_str_is_nocase(net, "IN"))
		return 0;
	if (sdp_str_is_nocase(type, "IP4"))
		addr->type = 4;
	else if (sdp_str_is_nocase(type, "IP6"))
		addr->type = 6;
	else
		return 0;
	rc = read_range(p, line, range, addr);
	return rc != 0 ? rc : read_ip(p, line, addr);
}

// ---- Session lines ------------------------------------------------------------------------------

// o=<user> <id> <version> <net> <type> <address>. Some phones put a name with spaces for the user, so
// the five last words count from the end.
static int read_origin(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_origin *o = &p->session->origin;
	struct sdp_str rest = sdp_line_text(line);
	struct sdp_str count_in = rest;
	unsigned words = 0;

	if (o->user.ptr != NULL)
		return sdp_bad(p, line->number, "second o=");
	while (sdp_str_token(&count_in).len != 0)
		words++;
	if (words < 6)
		return sdp_bad(p, line->number, "o= has %u of 6 fields", words);
	o->user = sdp_str_token(&rest);
	for (; words > 6; words--) {
		struct sdp_str word = sdp_str_token(&rest);

		o->user.len = (uint32_t)(word.ptr + word.len - o->user.ptr);
	}
	o->id_text = sdp_str_token(&rest);
	o->version_text = sdp_str_token(&rest);
	if (!sdp_str_number(o->id_text, UINT64_MAX, &o->id))
		return sdp_bad(p, line->number, "o= session id is not a 64-bit number");
	if (!sdp_str_number(o->version_text, UINT64_MAX, &o->version))
		return sdp_bad(p, line->number, "o= version is not a 64-bit number");
	return sdp_read_addr(p, line->number, rest, false, &o->addr);
}

static void read_time(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_str rest = sdp_line_text(line);
	uint64_t value;

	if (p->session->time.len == 0 && sdp_str_number(sdp_str_token(&rest), UINT64_MAX, &value) &&
		sdp_str_number(sdp_str_token(&rest), UINT64_MAX, &value) &&
		sdp_str_token(&rest).len == 0)
		p->session->time = sdp_line_text(line);
}

static int read_session_line(struct sdp_parse *p, const struct sdp_line *line)
{
	struct sdp_session *s = p->session;

	switch (line->letter) {
	case 'v':
		return line->number == 1 ? 0 : sdp_bad(p, line->number, "second v=");
	case 'o':
		return read_origin(p, line);
	case 's':
		if (s->name.ptr != NULL)
			return sdp_bad(p, line->number, "second s=");
		s->name = sdp_line_text(line);
		return 0;
	case 'c':
		if (s->conn.count != 0)
			return sdp_bad(p, line->number, "second c= of the session");
		return sdp_read_addr(p, line->number, sdp_line_text(line), true, &s->conn);
	case 't':
		read_time(p, line);
		return 0;
	case 'a':
		sdp_attr_direction(line->attr, &s->direction);
		return 0;
	default:
		return 0;
	}
}

// ---- Lines --------------------------------------------------------------------------------------

// "a=sendonly " has to be a hold all the same.
static struct sdp_str trim_end(struct sdp_str s)
{
	while (s.len > 1 && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

static int fill_line(struct sdp_parse *p, struct sdp_line *line, const char *text, size_t len)
{
	if (memchr(text, '\0', len) != NULL)
		return sdp_bad(p, line->number, "NUL in the line");
	if (memchr(text, '\r', len) != NULL)
		return sdp_bad(p, line->number, "carriage return inside the line");
	if (len == 0)
		return sdp_bad(p, line->number, "empty line");
	if (len < 2 || text[0] < 'a' || text[0] > 'z' || text[1] != '=')
		return sdp_bad(p, line->number, "not a letter and an equals sign");
	line->letter = text[0];
	line->text = text + 2;
	line->len = (uint16_t)(len - 2);
	if (line->letter == 'a') {
		const char *colon = memchr(line->text, ':', line->len);

		line->name_len = colon != NULL ? (uint16_t)(colon - line->text) : line->len;
		if (line->name_len == 0)
			return sdp_bad(p, line->number, "attribute without a name");
		line->attr = (uint8_t)sdp_attr_find(trim_end(sdp_line_name(line)));
	}
	return 0;
}

static int read_line(struct sdp_parse *p, const char *text, size_t len, unsigned number)
{
	struct sdp_session *s = p->session;
	struct sdp_line line = {.number = (uint16_t)number};
	int rc = fill_line(p, &line, text, len);

	if (rc != 0)
		return rc;
	if (number == 1 && (line.letter != 'v' || !sdp_str_is(sdp_line_text(&line), "0")))
		return sdp_bad(p, 1, "does not begin with v=0");
	if (line.letter == 'm')
		return sdp_read_media(p, &line);
	s->lines[s->n_lines++] = line;
	if (p->media == NULL) {
		s->n_session_lines = s->n_lines;
		return read_session_line(p, &line);
	}
	p->media->n_lines++;
	return sdp_read_media_line(p, &line);
}

// Counts lines and m-lines, so that the tables are made once and in the right size.
static int make_tables(struct sdp_parse *p, const char *body, size_t len)
{
	struct sdp_session *s = p->session;
	size_t lines = 0, media = 0;

	for (const char *at = body, *end = body + len; at < end; lines++) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		media += *at == 'm';
		at = lf != NULL ? lf + 1 : end;
	}
	if (lines > SDP_MAX_LINES)
		return sdp_fail(p->err, -EMSGSIZE, 399, 0, "more than %d lines", SDP_MAX_LINES);
	if (media > SDP_MAX_MEDIA)
		return sdp_fail(p->err, -EMSGSIZE, 399, 0, "more than %d m-lines", SDP_MAX_MEDIA);
	s->lines = sdp_arena_take(p->arena, lines * sizeof(*s->lines));
	s->media = sdp_arena_take(p->arena, media * sizeof(*s->media));
	if (s->lines == NULL || s->media == NULL)
		return sdp_fail(p->err, -ENOMEM, 399, 0, "out of memory");
	return 0;
}

static int read_lines(struct sdp_parse *p, const char *body, size_t len)
{
	const char *end = body + len;
	unsigned number = 0;

	for (const char *at = body; at < end;) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *stop = lf != NULL ? lf : end;
		size_t n = (size_t)(stop - at);
		int rc;

		if (lf != NULL && n != 0 && stop[-1] == '\r')
			n--;
		rc = read_line(p, at, n, ++number);
		if (rc != 0)
			return rc;
		at = lf != NULL ? lf + 1 : end;
	}
	return 0;
}

// A media without its own c= or direction has the session's; only one that is not used may have no
// address at all.
static int inherit(struct sdp_parse *p)
{
	struct sdp_session *s = p->session;

	for (unsigned i = 0; i < s->n_media; i++) {
		struct sdp_media *m = &s->media[i];

		if (m->conn.count == 0)
			m->conn = s->conn;
		if (m->conn.count == 0 && m->port != 0)
			return sdp_bad(p, m->number, "no c= for this m-line");
	}
	return 0;
}

int sdp_parse(struct sdp_arena *arena, const uint8_t *body, size_t len,
	struct sdp_session **session, struct sdp_error *err)
{
	const char *text = (const char *)body;
	const size_t mark = arena->used;
	struct sdp_parse p = {.arena = arena, .err = err};
	int rc;

	// What follows the last line end is no line: mailers, gateways and people add blank ones.
	while (len >= 2 && text[len - 1] == '\n' &&
		(text[len - 2] == '\n' ||
			(text[len - 2] == '\r' && len >= 3 && text[len - 3] == '\n')))
		len -= text[len - 2] == '\n' ? 1 : 2;
	if (len > SDP_MAX_BODY)
		return sdp_fail(err, -EMSGSIZE, 399, 0, "more than %d octets", SDP_MAX_BODY);
	if (len == 0)
		return sdp_fail(err, -EBADMSG, 399, 0, "empty body");
	p.session = sdp_arena_take(arena, sizeof(*p.session));
	if (p.session == NULL)
		return sdp_fail(err, -ENOMEM, 399, 0, "out of memory");
	p.session->direction = SDP_SENDRECV;
	rc = make_tables(&p, text, len);
	if (rc == 0)
		rc = read_lines(&p, text, len);
	if (rc == 0 && p.session->origin.user.ptr == NULL)
		rc = sdp_bad(&p, 0, "no o=");
	if (rc == 0)
		rc = inherit(&p);
	if (rc != 0) {
		arena->used = mark;
		return rc;
	}
	*session = p.session;
	return 0;
}
