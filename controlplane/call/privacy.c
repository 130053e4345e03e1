// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/privacy.h"

#include <errno.h>
#include <stdio.h>

// ---- Privacy ------------------------------------------------------------------------------------------

static void note_value(struct cp_privacy *p, struct sip_slice token)
{
	bool *const flag = sip_slice_iis(token, "id")         ? &p->id
			   : sip_slice_iis(token, "header")   ? &p->header
			   : sip_slice_iis(token, "user")     ? &p->user
			   : sip_slice_iis(token, "history")  ? &p->history
			   : sip_slice_iis(token, "session")  ? &p->session
			   : sip_slice_iis(token, "none")     ? &p->none
			   : sip_slice_iis(token, "critical") ? &p->critical
							      : &p->unknown;

	if (token.n)
		*flag = true;
}

static void note_values(struct cp_privacy *p, struct sip_slice value)
{
	while (value.n) {
		size_t n = 0;

		// ';' by the grammar; commas and spaces as some write it.
		while (n < value.n && !strchr(";, \t", value.p[n]))
			n++;
		note_value(p, sip_slice(value.p, n));
		value = sip_slice_from(value, n + 1);
	}
}

struct cp_privacy cp_privacy_of(const struct sip_message *m)
{
	struct cp_privacy p = {0};
	struct sip_slice value;
	unsigned at = 0;

	if (!sip_message_has(m, SIP_H_PRIVACY))
		return p;
	while (sip_message_find(m, "Privacy", &at, &value))
		note_values(&p, value);
	return p;
}

static bool wants_hiding(const struct cp_privacy *p)
{
	return !p->none && (p->id || p->header || p->user);
}

bool cp_privacy_asked(const struct sip_message *m)
{
	struct cp_privacy p = cp_privacy_of(m);

	return wants_hiding(&p);
}

bool cp_identity_hides(const struct cp_peer *to, const struct sip_message *m)
{
	struct cp_privacy p;

	if (to->cfg->identity.privacy == CFG_PRIVACY_CARRY || !sip_message_has(m, SIP_H_PRIVACY))
		return false;
	p = cp_privacy_of(m);
	return wants_hiding(&p);
}

bool cp_privacy_impossible(const struct sip_message *m)
{
	struct cp_privacy p = cp_privacy_of(m);

	return p.critical && p.unknown && !p.none;
}

// ---- the asserted identity ----------------------------------------------------------------------------

struct identity {
	struct sip_slice display;
	struct sip_uri uri;
};

static void put_one(struct sip_build *b, const struct cp_carry *c, struct identity *id,
	bool request, bool private)
{
	const struct cfg_identity *to = &c->to->cfg->identity;
	char uri[CP_URI], user[CP_USER];

	if (id->uri.scheme == SIP_URI_OTHER ||
		cp_carry_number(c->from, c->to, CFG_OF_CALLER, &id->uri, user) ||
		cp_carry_identity_uri(&id->uri, c->listener->host, uri) < 0)
		return;
	if (to->show & CFG_SHOW_PAI)
		sip_build_address(
			b, "P-Asserted-Identity", id->display, sip_str(uri), sip_str(NULL));
	if (!(to->show & CFG_SHOW_RPID) || b->n < 2)
		return;
	sip_build_address(b, "Remote-Party-ID", id->display, sip_str(uri), sip_str(NULL));
	b->n -= b->n > 2 ? 2 : 0; // its CRLF: parameters follow
	sip_build_raw(b, sip_str(";party="));
	sip_build_raw(b, sip_str(request ? "calling" : "called"));
	sip_build_raw(b, sip_str(private ? ";screen=yes;privacy=full\r\n"
					 : ";screen=yes;privacy=off\r\n"));
}

// All values of a header. How many.
static unsigned put_all(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m,
	enum sip_header_id id, bool private)
{
	struct sip_walk walk = sip_walk(m, id);
	struct sip_slice element;
	struct sip_address a;
	unsigned n = 0;

	while (sip_walk_next(&walk, &element)) {
		if (sip_address_parse(element, &a))
			continue;
		put_one(b, c, &(struct identity){a.display, a.uri}, m->is_request, private);
		n++;
	}
	return n;
}

// The older header of the same purpose: believed only when its own network screened it.
static void put_rpid(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m,
	bool private)
{
	struct sip_slice value, screen, privacy;
	struct sip_address a;
	unsigned at = 0;

	if (!sip_message_find(m, "Remote-Party-ID", &at, &value) || sip_address_parse(value, &a))
		return;
	if (sip_param_find(a.params, "screen", &screen) && !sip_slice_iis(screen, "yes"))
		return;
	private = private || (sip_param_find(a.params, "privacy", &privacy) && privacy.n &&
				     !sip_slice_iis(privacy, "off"));
	if (private && c->to->cfg->identity.privacy != CFG_PRIVACY_CARRY)
		return;
	put_one(b, c, &(struct identity){a.display, a.uri}, m->is_request, private);
}

// RFC 3325 9.2: what a peer prefers to be, and else what it says it is.
static void put_preferred(struct sip_build *b, const struct cp_carry *c,
	const struct sip_message *m, bool private)
{
	struct sip_address a;

	if (put_all(b, c, m, SIP_H_P_PREFERRED_IDENTITY, private) || !m->is_request ||
		sip_message_from(m, &a) || !a.uri.user.n ||
		sip_slice_iis(a.uri.host, "anonymous.invalid") ||
		sip_slice_iis(a.uri.user, "anonymous"))
		return;
	put_one(b, c, &(struct identity){a.display, a.uri}, true, private);
}

void cp_identity_carry(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m)
{
	struct cp_privacy p = cp_privacy_of(m);
	bool private = wants_hiding(&p);

	if (c->hidden || (private && c->to->cfg->identity.privacy != CFG_PRIVACY_CARRY))
		return;
	switch (c->from->cfg->identity.assert_) {
	case CFG_ASSERT_CARRY:
		if (!put_all(b, c, m, SIP_H_P_ASSERTED_IDENTITY, private))
			put_rpid(b, c, m, private);
		break;
	case CFG_ASSERT_PREFERRED:
		put_preferred(b, c, m, private);
		break;
	default:
		break;
	}
}

// ---- Diversion, History-Info --------------------------------------------------------------------------

bool cp_diversion_crosses(const struct cp_carry *c)
{
	return c->from->cfg->identity.diversion != CFG_CROSS_STRIP &&
	       c->to->cfg->identity.diversion != CFG_CROSS_STRIP &&
	       (c->from->cfg->identity.diversion == CFG_CROSS_CARRY ||
		       c->from->cfg->kind == CFG_TRUNK);
}

static bool history_crosses(const struct cp_carry *c)
{
	const struct cfg_peer *from = c->from->cfg, *to = c->to->cfg;

	if (from->identity.history == CFG_CROSS_STRIP || to->identity.history == CFG_CROSS_STRIP)
		return false;
	return (from->identity.history == CFG_CROSS_CARRY || from->kind == CFG_TRUNK) &&
	       (to->identity.history == CFG_CROSS_CARRY || to->kind == CFG_TRUNK);
}

// ?Reason=SIP%3Bcause%3D302: why it went on; ?Privacy=history: not for everybody.
static void read_headers(struct sip_slice headers, struct sip_reason *reason, char text[128],
	bool *private)
{
	*private = false;
	reason->protocol = sip_slice(NULL, 0);
	while (headers.n) {
		const char *amp = memchr(headers.p, '&', headers.n);
		struct sip_slice field =
			sip_slice(headers.p, amp ? (size_t)(amp - headers.p) : headers.n);
		int n;

		headers = sip_slice_from(headers, amp ? field.n + 1 : field.n);
		if (field.n > 8 && strncasecmp(field.p, "Privacy=", 8) == 0)
			*private = !sip_slice_iis(sip_slice_from(field, 8), "none");
		if (field.n <= 7 || strncasecmp(field.p, "Reason=", 7) != 0)
			continue;
		n = sip_unescape(sip_slice_from(field, 7), text, 128);
		if (n < 0 || sip_reason_parse(sip_slice(text, (size_t)n), reason))
			reason->protocol = sip_slice(NULL, 0);
	}
}

static void put_index(struct sip_build *b, struct sip_slice params)
{
	static const char *const known[] = {"index", "rc", "mp", "np"};
	struct sip_slice value;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		bool fine = sip_param_find(params, known[i], &value);

		for (size_t k = 0; k < value.n && fine; k++)
			fine = (value.p[k] >= '0' && value.p[k] <= '9') || value.p[k] == '.';
		if (!fine)
			continue;
		sip_build_raw(b, sip_str(";"));
		sip_build_raw(b, sip_str(known[i]));
		if (value.n) {
			sip_build_raw(b, sip_str("="));
			sip_build_value(b, value);
		}
	}
}

static void put_entry(
	struct sip_build *b, const struct cp_carry *c, struct sip_address *a, bool hidden)
{
	char uri[CP_URI], text[128], user[CP_USER];
	struct sip_reason reason;
	bool private;

	read_headers(a->uri.headers, &reason, text, &private);
	if ((private && c->to->cfg->identity.privacy != CFG_PRIVACY_CARRY) || hidden)
		snprintf(uri, sizeof(uri), "%s", CP_ANONYMOUS);
	else if (cp_carry_number(c->from, c->to, CFG_OF_CALLED, &a->uri, user) ||
		cp_carry_identity_uri(&a->uri, c->listener->host, uri) < 0)
		return;
	sip_build_raw(b, sip_str("History-Info: <"));
	sip_build_value(b, sip_str(uri));
	if (reason.protocol.n && reason.cause) {
		char why[64];

		snprintf(why, sizeof(why), "?Reason=%.*s%%3Bcause%%3D%u",
			(int)(reason.protocol.n < 16 ? reason.protocol.n : 16), reason.protocol.p,
			reason.cause);
		sip_build_value(b, sip_str(why));
	}
	if (private && !hidden && c->to->cfg->identity.privacy == CFG_PRIVACY_CARRY)
		sip_build_raw(b, sip_str(reason.protocol.n && reason.cause ? "&Privacy=history"
									  : "?Privacy=history"));
	sip_build_raw(b, sip_str(">"));
	put_index(b, a->params);
	sip_build_raw(b, sip_str("\r\n"));
}

void cp_history_carry(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m)
{
	struct sip_walk walk = sip_walk(m, SIP_H_HISTORY_INFO);
	struct cp_privacy p = cp_privacy_of(m);
	bool hidden = c->hidden || (c->to->cfg->identity.privacy != CFG_PRIVACY_CARRY && !p.none &&
					   (p.history || p.header || p.id || p.user));
	struct sip_slice element;
	struct sip_address a;

	if (!history_crosses(c))
		return;
	while (sip_walk_next(&walk, &element))
		if (sip_address_parse(element, &a) == 0 && a.uri.scheme != SIP_URI_OTHER)
			put_entry(b, c, &a, hidden);
}
