// SPDX-License-Identifier: BSD-3-Clause
#include "sip/inspect.h"

#include <stdio.h>

#include "sip/build.h"
#include "sip/chars.h"

// Is `word` in a ", "-separated list?
static bool listed(const char *list, struct sip_slice word, bool fold)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		struct sip_slice item = sip_slice_trim(sip_slice(list, n));
		if (fold ? sip_slice_ieq(item, word) : sip_slice_eq(item, word))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static void refuse(struct sip_inspected *out, int status, const char *name, struct sip_slice value)
{
	struct sip_build b = sip_build(out->lines, sizeof(out->lines) - 1);

	out->status = status;
	out->lines[0] = '\0';
	if (!name)
		return;
	sip_build_header(&b, name, value);
	out->lines[sip_build_check(&b) == 0 ? b.n : 0] = '\0';
}

static bool check_method(
	const struct sip_message *m, const struct sip_capabilities *c, struct sip_inspected *out)
{
	if (!c->methods || listed(c->methods, m->method_text, false))
		return true;
	refuse(out, m->method == SIP_M_OTHER ? 501 : 405, "Allow", sip_str(c->methods));
	return false;
}

// 8.2.2.3. The tags we lack, as many as fit.
static bool check_require(
	const struct sip_message *m, const struct sip_capabilities *c, struct sip_inspected *out)
{
	struct sip_walk w = sip_walk(m, SIP_H_REQUIRE);
	struct sip_slice tag;
	char lacking[SIP_INSPECT_LINES - 32];
	size_t n = 0;

	if (!c->options)
		return true;
	while (sip_walk_next(&w, &tag)) {
		if (listed(c->options, tag, true) || !sip_is_token(tag))
			continue;
		if (n + tag.n + 3 > sizeof(lacking))
			break;
		n += (size_t)snprintf(
			lacking + n, sizeof(lacking) - n, "%s%.*s", n ? ", " : "", SIP_PRI(tag));
	}
	if (n == 0)
		return true;
	refuse(out, 420, "Unsupported", sip_slice(lacking, n));
	return false;
}

static bool check_encoding(
	const struct sip_message *m, const struct sip_capabilities *c, struct sip_inspected *out)
{
	struct sip_walk w = sip_walk(m, SIP_H_CONTENT_ENCODING);
	struct sip_slice coding;

	if (!c->encodings)
		return true;
	while (sip_walk_next(&w, &coding)) {
		if (sip_slice_iis(coding, "identity") || listed(c->encodings, coding, true))
			continue;
		refuse(out, 415, "Accept-Encoding",
			sip_str(c->encodings[0] ? c->encodings : "identity"));
		return false;
	}
	return true;
}

static bool check_body(
	const struct sip_message *m, const struct sip_capabilities *c, struct sip_inspected *out)
{
	struct sip_content_type t;
	struct sip_slice whole;

	if (m->length == m->body || sip_message_body_is_optional(m))
		return true;
	if (!check_encoding(m, c, out))
		return false;
	if (!c->content_types)
		return true;
	if (sip_message_content_type(m, &t) == 0) {
		whole = sip_slice(t.type.p, (size_t)(t.subtype.p + t.subtype.n - t.type.p));
		if (listed(c->content_types, whole, true))
			return true;
	}
	refuse(out, 415, "Accept", sip_str(c->content_types));
	return false;
}

// "application/sdp", "application/*" or "*/*" of an Accept against the types we would answer with.
static bool accepts_ours(struct sip_slice range, const char *types)
{
	const char *end = range.n ? memchr(range.p, ';', range.n) : NULL;

	if (end)
		range.n = (size_t)(end - range.p);
	range = sip_slice_trim(range);
	if (sip_slice_is(range, "*/*") || listed(types, range, true))
		return true;
	if (range.n < 2 || range.p[range.n - 1] != '*')
		return false;
	while (*types) {
		size_t n = strcspn(types, ",");
		if (n >= range.n && strncasecmp(types, range.p, range.n - 1) == 0)
			return true;
		types += n + (types[n] == ',');
		types += strspn(types, " ");
	}
	return false;
}

// An INVITE whose Accept rules out every body that we could answer with (RFC 4475 3.3.15).
static bool check_accept(
	const struct sip_message *m, const struct sip_capabilities *c, struct sip_inspected *out)
{
	struct sip_walk w = sip_walk(m, SIP_H_ACCEPT);
	struct sip_slice range;

	if (m->method != SIP_INVITE || !c->content_types || !sip_message_has(m, SIP_H_ACCEPT))
		return true;
	while (sip_walk_next(&w, &range))
		if (accepts_ours(range, c->content_types))
			return true;
	refuse(out, 406, NULL, sip_str(NULL));
	return false;
}

// RFC 5031: "urn:service:sos" and its like may be called.
static bool is_service(struct sip_slice uri)
{
	static const char urn[] = "urn:service:";

	return uri.n > sizeof(urn) - 1 && strncasecmp(uri.p, urn, sizeof(urn) - 1) == 0;
}

void sip_inspect(
	const struct sip_message *m, const struct sip_capabilities *c, struct sip_inspected *out)
{
	struct sip_uri uri;

	out->status = 0;
	out->lines[0] = '\0';
	if (!check_method(m, c, out))
		return;
	if (sip_message_request_uri(m, &uri) ||
		(uri.scheme == SIP_URI_OTHER && !is_service(uri.whole))) {
		refuse(out, 416, NULL, sip_str(NULL));
		return;
	}
	if (check_require(m, c, out) && check_body(m, c, out))
		check_accept(m, c, out);
}
