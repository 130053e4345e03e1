// SPDX-License-Identifier: BSD-3-Clause
//
// What a body is to a call (RFC 5621): its session description, alone or as one of several parts, and whether
// anything in it must be understood that is not.
#include <string.h>

#include "sip/chars.h"
#include "sip/message.h"

#define DEPTH 3u // of parts that have parts

struct entity {
	struct sip_content_type type;
	struct sip_slice disposition, encoding, body;
	bool has_type;
};

static bool is_type(const struct entity *e, const char *type, const char *subtype)
{
	return e->has_type && sip_slice_iis(e->type.type, type) &&
	       (!subtype || sip_slice_iis(e->type.subtype, subtype));
}

// Of a Content-Disposition. Empty: it does not say.
static struct sip_slice handling_of(struct sip_slice disposition)
{
	const char *semicolon = disposition.n ? memchr(disposition.p, ';', disposition.n) : NULL;
	struct sip_slice handling = {0};

	if (!semicolon ||
		!sip_param_find(sip_slice_from(disposition, (size_t)(semicolon - disposition.p)),
			"handling", &handling))
		return sip_slice(NULL, 0);
	return handling;
}

// A line without its end. False: there is none.
static bool next_line(struct sip_slice *rest, struct sip_slice *line)
{
	const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n = end ? (size_t)(end - rest->p) : rest->n;

	if (!rest->n)
		return false;
	*line = sip_slice(rest->p, n && rest->p[n - 1] == '\r' ? n - 1 : n);
	*rest = sip_slice_from(*rest, end ? n + 1 : n);
	return true;
}

static bool is_header(struct sip_slice line, const char *name, struct sip_slice *value)
{
	const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
	size_t n = colon ? (size_t)(colon - line.p) : 0;

	if (!colon || !sip_slice_iis(sip_slice_trim(sip_slice(line.p, n)), name))
		return false;
	*value = sip_slice_trim(sip_slice_from(line, n + 1));
	return true;
}

static void read_part(struct sip_slice part, struct entity *e)
{
	struct sip_slice line, value;

	memset(e, 0, sizeof(*e));
	while (next_line(&part, &line) && line.n) {
		if (is_header(line, "Content-Type", &value))
			e->has_type = sip_content_type_parse(value, &e->type) == 0;
		else if (is_header(line, "Content-Disposition", &value))
			e->disposition = value;
		else if (is_header(line, "Content-Transfer-Encoding", &value) ||
			 is_header(line, "Content-Encoding", &value))
			e->encoding = value;
	}
	e->body = part;
}

// The next line that is "--boundary". Before it: what ends there; *rest: what follows that line. False: none.
static bool next_delimiter(
	struct sip_slice *rest, struct sip_slice boundary, struct sip_slice *before, bool *last)
{
	struct sip_slice at = *rest, line;
	const char *start = rest->p;

	while (next_line(&at, &line)) {
		struct sip_slice tail;

		if (line.n < boundary.n + 2 || memcmp(line.p, "--", 2) != 0 ||
			memcmp(line.p + 2, boundary.p, boundary.n) != 0)
			continue;
		tail = sip_slice_from(line, boundary.n + 2);
		*last = tail.n >= 2 && memcmp(tail.p, "--", 2) == 0;
		if (sip_slice_trim(*last ? sip_slice_from(tail, 2) : tail).n)
			continue;
		before->p = start;
		before->n = (size_t)(line.p - start);
		// The line end before a delimiter belongs to it.
		if (before->n && before->p[before->n - 1] == '\n')
			before->n--;
		if (before->n && before->p[before->n - 1] == '\r')
			before->n--;
		*rest = at;
		return true;
	}
	return false;
}

struct found {
	struct sip_slice sdp;
	bool has_sdp;
	bool lacking; // a part says that it must be understood, and is not
};

static void look(const struct entity *e, unsigned depth, struct found *f);

static void look_into_parts(const struct entity *e, unsigned depth, struct found *f)
{
	bool alternative = sip_slice_iis(e->type.subtype, "alternative"), last = false;
	struct sip_slice boundary, rest = e->body, part;
	struct found first = {0};

	if (!sip_param_find(e->type.params, "boundary", &boundary))
		return;
	if (boundary.n >= 2 && boundary.p[0] == '"')
		boundary = sip_slice(boundary.p + 1, boundary.n - 2);
	if (!boundary.n || boundary.n > 70 || !next_delimiter(&rest, boundary, &part, &last))
		return;
	while (!last) {
		struct found here = {0};
		struct entity inner;

		// A last delimiter that is missing is made up for: the whole has a length of its own.
		if (!next_delimiter(&rest, boundary, &part, &last)) {
			part = rest;
			last = true;
		}
		read_part(part, &inner);
		look(&inner, depth + 1, &here);
		first.lacking |= here.lacking;
		// Of alternatives the last is the best.
		if (here.has_sdp && (!first.has_sdp || alternative)) {
			first.has_sdp = true;
			first.sdp = here.sdp;
		}
	}
	f->has_sdp = first.has_sdp;
	f->sdp = first.sdp;
	f->lacking |= first.lacking && !alternative;
}

static bool is_plain(struct sip_slice encoding)
{
	return !encoding.n || sip_slice_iis(encoding, "binary") ||
	       sip_slice_iis(encoding, "8bit") || sip_slice_iis(encoding, "7bit") ||
	       sip_slice_iis(encoding, "identity");
}

static void look(const struct entity *e, unsigned depth, struct found *f)
{
	if (is_type(e, "multipart", NULL) && depth < DEPTH)
		look_into_parts(e, depth, f);
	if (is_type(e, "application", "sdp") && is_plain(e->encoding) && e->body.n) {
		f->has_sdp = true;
		f->sdp = e->body;
	}
	if (depth && !f->has_sdp && sip_slice_iis(handling_of(e->disposition), "required"))
		f->lacking = true;
}

static void look_at(const struct sip_message *m, struct found *f)
{
	struct entity e = {.body = sip_message_body(m)};

	memset(f, 0, sizeof(*f));
	if (!e.body.n)
		return;
	e.has_type = sip_message_content_type(m, &e.type) == 0;
	look(&e, 0, f);
}

bool sip_message_has_sdp(const struct sip_message *m)
{
	struct found f;

	look_at(m, &f);
	return f.has_sdp;
}

struct sip_slice sip_message_sdp(const struct sip_message *m)
{
	struct found f;

	look_at(m, &f);
	return f.sdp;
}

bool sip_message_body_is_optional(const struct sip_message *m)
{
	return sip_slice_iis(
		handling_of(sip_message_value(m, SIP_H_CONTENT_DISPOSITION)), "optional");
}

bool sip_message_body_serves(const struct sip_message *m)
{
	struct found f;

	look_at(m, &f);
	return !sip_message_body(m).n || (f.has_sdp ? !f.lacking : sip_message_body_is_optional(m));
}
