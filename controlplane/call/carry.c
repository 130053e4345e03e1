// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/carry.h"
#include "controlplane/call/privacy.h"

#include <errno.h>
#include <stdio.h>

#include "controlplane/trunk/rules.h"

enum how {
	COPY,     // every value, as it is
	NUMBER,   // the number it begins with, without comment
	IDENTITY, // a list of addresses: display and user carried, host ours
	ASSERTED, // by privacy.c
	HISTORY,
	PRIVACY, // what is left to be done by others
	REASON,   // protocol, cause and text
	WARNING,  // code and text, agent ours
	ALERT,    // what names a tone and no host
};

enum trust {
	ALWAYS,
	OPENLY,    // not from a caller who wants to be anonymous
	DIVERSION, // as identity.diversion says, and openly
	TRUNKS,    // between trunks only
};

// The list. Of everything else nothing is carried.
static const struct row {
	const char *name; // as it is written on the other side
	uint8_t id;       // enum sip_header_id; SIP_H_OTHER: looked up by name
	uint8_t how;
	uint8_t trust;
	uint16_t what;
} table[] = {
	{"Subject", SIP_H_SUBJECT, COPY, OPENLY, CP_IN_INVITE},
	{"Priority", SIP_H_PRIORITY, COPY, ALWAYS, CP_IN_INVITE},
	{"Privacy", SIP_H_PRIVACY, PRIVACY, ALWAYS,
		CP_IN_INVITE | CP_IN_PROVISIONAL | CP_IN_SUCCESS},
	{"P-Asserted-Identity", SIP_H_OTHER, ASSERTED, ALWAYS,
		CP_IN_INVITE | CP_IN_REINVITE | CP_IN_PROVISIONAL | CP_IN_SUCCESS},
	{"Diversion", SIP_H_DIVERSION, IDENTITY, DIVERSION, CP_IN_INVITE},
	{"History-Info", SIP_H_HISTORY_INFO, HISTORY, ALWAYS,
		CP_IN_INVITE | CP_IN_PROVISIONAL | CP_IN_SUCCESS},
	{"Identity", SIP_H_IDENTITY, COPY, TRUNKS, CP_IN_INVITE},
	{"Date", SIP_H_DATE, COPY, TRUNKS, CP_IN_INVITE}, // Identity signs it
	{"P-Early-Media", SIP_H_OTHER, COPY, TRUNKS, CP_IN_INVITE | CP_IN_PROVISIONAL},
	{"User-to-User", SIP_H_USER_TO_USER, COPY, ALWAYS,
		CP_IN_INVITE | CP_IN_BYE | CP_IN_PROVISIONAL | CP_IN_SUCCESS | CP_IN_FAILURE},
	{"Alert-Info", SIP_H_ALERT_INFO, ALERT, ALWAYS,
		CP_IN_INVITE | CP_IN_REINVITE | CP_IN_PROVISIONAL},
	{"Reason", SIP_H_REASON, REASON, ALWAYS, CP_IN_BYE | CP_IN_PROVISIONAL | CP_IN_FAILURE},
	{"Retry-After", SIP_H_RETRY_AFTER, NUMBER, ALWAYS, CP_IN_FAILURE},
	{"Warning", SIP_H_WARNING, WARNING, ALWAYS, CP_IN_FAILURE},
	// RFC 6086: what each side takes, and what one is.
	{"Recv-Info", SIP_H_OTHER, COPY, ALWAYS,
		CP_IN_INVITE | CP_IN_REINVITE | CP_IN_PROVISIONAL | CP_IN_SUCCESS | CP_IN_FAILURE},
	{"Info-Package", SIP_H_OTHER, COPY, ALWAYS, CP_IN_RELAY},
	{"Referred-By", SIP_H_REFERRED_BY, IDENTITY, OPENLY, CP_IN_INVITE | CP_IN_SUBSCRIPTION},
	{"Refer-Sub", SIP_H_OTHER, COPY, ALWAYS, CP_IN_SUBSCRIPTION},
	{"Expires", SIP_H_EXPIRES, NUMBER, ALWAYS, CP_IN_SUBSCRIPTION},
	{"Accept", SIP_H_ACCEPT, COPY, ALWAYS, CP_IN_SUBSCRIPTION},
	{"Allow-Events", SIP_H_ALLOW_EVENTS, COPY, ALWAYS, CP_IN_SUBSCRIPTION | CP_IN_FAILURE},
	{"Content-Type", SIP_H_CONTENT_TYPE, COPY, ALWAYS, CP_IN_BODY},
	{"Content-Disposition", SIP_H_CONTENT_DISPOSITION, COPY, ALWAYS, CP_IN_BODY},
	{"Content-Language", SIP_H_CONTENT_LANGUAGE, COPY, ALWAYS, CP_IN_BODY},
	{"MIME-Version", SIP_H_MIME_VERSION, COPY, ALWAYS, CP_IN_BODY},
};

// Parameters of a telephone number that travel with it (RFC 3966, 4694, 2806); tgrp, trunk-context
// and other names of the sender's network do not.
static const char *const user_params[] = {
	"npdi", "rn", "cic", "isub", "ext", "postd", "phone-context", "rn-context", "cic-context"};

// Parameters of a Diversion (RFC 5806 9).
static const char *const diversion_params[] = {"reason", "counter", "limit", "privacy", "screen"};

// ---- user parts -------------------------------------------------------------------------------------

struct text {
	char *p;
	size_t size, n;
	bool full;
};

static void add(struct text *t, struct sip_slice s)
{
	if (s.n >= t->size - t->n) {
		t->full = true;
		return;
	}
	memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
	t->p[t->n] = 0;
}

static void add_str(struct text *t, const char *z)
{
	add(t, sip_str(z));
}

static struct sip_slice cut(struct sip_slice *rest, char at)
{
	const char *p = rest->n ? memchr(rest->p, at, rest->n) : NULL;
	struct sip_slice head = *rest;

	if (p) {
		head.n = (size_t)(p - rest->p);
		*rest = sip_slice_from(*rest, head.n + 1);
	} else {
		*rest = sip_slice(rest->p + rest->n, 0);
	}
	return head;
}

// A context is a global prefix ("+49") or a domain name, which says whose network it was.
static bool is_carried(struct sip_slice param)
{
	struct sip_slice value = param, name = cut(&value, '=');

	for (size_t i = 0; i < sizeof(user_params) / sizeof(user_params[0]); i++) {
		if (!sip_slice_iis(name, user_params[i]))
			continue;
		return !strstr(user_params[i], "context") || (value.n && value.p[0] == '+');
	}
	return false;
}

static void add_user(struct text *t, struct sip_slice user, struct sip_slice params)
{
	add(t, cut(&user, ';'));
	while (user.n) {
		struct sip_slice param = cut(&user, ';');

		if (is_carried(param)) {
			add_str(t, ";");
			add(t, param);
		}
	}
	// tel: has them as parameters of the URI.
	while (params.n) {
		struct sip_slice param = cut(&params, ';');

		if (is_carried(param)) {
			add_str(t, ";");
			add(t, param);
		}
	}
}

int cp_carry_uri(const struct sip_uri *uri, const char *host, uint16_t port, char out[CP_URI])
{
	struct text t = {out, CP_URI, 0, false};
	bool tel = uri->scheme == SIP_URI_TEL;
	struct sip_slice phone;
	char digits[8];

	add_str(&t, "sip:");
	if (uri->user.n) {
		add_user(&t, uri->user, tel ? uri->params : sip_slice(NULL, 0));
		add_str(&t, "@");
	}
	add_str(&t, host);
	if (port) {
		snprintf(digits, sizeof(digits), ":%u", port);
		add_str(&t, digits);
	}
	if (tel || (uri->scheme == SIP_URI_SIP && sip_uri_param(uri, "user", &phone) &&
			   sip_slice_iis(phone, "phone")))
		add_str(&t, ";user=phone");
	return t.full ? -ENOBUFS : (int)t.n;
}

void cp_carry_user_text(const struct sip_uri *uri, char *out, size_t size)
{
	struct sip_slice user = uri->user, head = cut(&user, ';');
	int n = sip_unescape(head, out, size - 1);

	if (n < 0) {
		n = (int)(head.n < size - 1 ? head.n : size - 1);
		if (n)
			memcpy(out, head.p, (size_t)n);
	}
	out[n] = 0;
	// It is shown to operators: what an escape hid must not reach a terminal.
	for (int i = 0; i < n; i++)
		if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
			out[i] = '?';
}

// ---- headers ----------------------------------------------------------------------------------------

static void put_diversion_params(struct sip_build *b, struct sip_slice params)
{
	for (size_t i = 0; i < sizeof(diversion_params) / sizeof(diversion_params[0]); i++) {
		struct sip_slice value;

		if (!sip_param_find(params, diversion_params[i], &value))
			continue;
		sip_build_raw(b, sip_str(";"));
		sip_build_raw(b, sip_str(diversion_params[i]));
		if (value.n) {
			sip_build_raw(b, sip_str("="));
			sip_build_value(b, value);
		}
	}
}

// A tel URI names no host; it stays one.
int cp_carry_identity_uri(const struct sip_uri *uri, const char *host, char out[CP_URI])
{
	struct text t = {out, CP_URI, 0, false};

	if (uri->scheme != SIP_URI_TEL)
		return cp_carry_uri(uri, host, 0, out);
	add_str(&t, "tel:");
	add_user(&t, uri->user, uri->params);
	return t.full ? -ENOBUFS : (int)t.n;
}

static void carry_identity(struct sip_build *b, const struct cp_carry *c, const struct row *row,
	const struct sip_message *m)
{
	struct sip_walk walk = sip_walk(m, (enum sip_header_id)row->id);
	struct sip_slice element;
	struct sip_address a;
	char uri[CP_URI], user[CP_USER];

	while (sip_walk_next(&walk, &element)) {
		if (sip_address_parse(element, &a) || a.uri.scheme == SIP_URI_OTHER ||
			cp_carry_number(c->from, c->to, CFG_OF_CALLER, &a.uri, user) ||
			cp_carry_identity_uri(&a.uri, c->listener->host, uri) < 0)
			continue;
		sip_build_address(b, row->name, a.display, sip_str(uri), sip_str(NULL));
		if (row->id != SIP_H_DIVERSION || b->n < 2)
			continue;
		b->n -= 2; // its CRLF: parameters follow
		put_diversion_params(b, a.params);
		sip_build_raw(b, sip_str("\r\n"));
	}
}

// A URN names a kind of tone, 127.0.0.1 is how Bellcore tones are written; other URIs name a host.
static void carry_alert(struct sip_build *b, const struct sip_message *m)
{
	struct sip_walk walk = sip_walk(m, SIP_H_ALERT_INFO);
	struct sip_slice element, info;

	while (sip_walk_next(&walk, &element)) {
		const char *end = element.n ? memchr(element.p, '>', element.n) : NULL;
		size_t n = end ? (size_t)(end - element.p) : 0;
		struct sip_slice uri = n ? sip_slice(element.p + 1, n - 1) : sip_slice(NULL, 0);

		if (!n || element.p[0] != '<')
			continue;
		if ((uri.n > 4 && strncasecmp(uri.p, "urn:", 4) == 0) ||
			(uri.n > 16 && strncasecmp(uri.p, "http://127.0.0.1", 16) == 0 &&
				(uri.n == 16 || uri.p[16] == '/')))
			sip_build_header(b, "Alert-Info", sip_slice(element.p, n + 1));
		else if (sip_param_find(sip_slice_from(element, n + 1), "info", &info))
			sip_build_format(
				b, "Alert-Info", "<http://127.0.0.1/>;info=%.*s", SIP_PRI(info));
	}
}

static void carry_reason(struct sip_build *b, const struct sip_message *m)
{
	struct sip_walk walk = sip_walk(m, SIP_H_REASON);
	struct sip_slice element;
	struct sip_reason reason;

	while (sip_walk_next(&walk, &element)) {
		if (sip_reason_parse(element, &reason))
			continue;
		if (reason.text.n)
			sip_build_format(b, "Reason", "%.*s;cause=%u;text=\"%.*s\"",
				SIP_PRI(reason.protocol), reason.cause, SIP_PRI(reason.text));
		else
			sip_build_format(b, "Reason", "%.*s;cause=%u", SIP_PRI(reason.protocol),
				reason.cause);
	}
}

// warning-value: warn-code SP warn-agent SP warn-text (RFC 3261 20.43)
static void carry_warning(struct sip_build *b, const struct sip_message *m)
{
	struct sip_walk walk = sip_walk(m, SIP_H_WARNING);
	struct sip_slice element;

	while (sip_walk_next(&walk, &element)) {
		struct sip_slice rest = element, code = cut(&rest, ' ');
		uint32_t number;

		cut(&rest, ' ');
		rest = sip_slice_trim(rest);
		if (sip_slice_u32(code, 999, &number) || code.n != 3 || rest.n < 2 ||
			rest.p[0] != '"' || rest.p[rest.n - 1] != '"')
			continue;
		sip_build_format(b, "Warning", "%u hawse %.*s", number, SIP_PRI(rest));
	}
}

static void carry_copy(struct sip_build *b, const struct row *row, const struct sip_message *m)
{
	struct sip_slice value;
	unsigned at = 0;

	if (row->id != SIP_H_OTHER) {
		sip_build_copy(b, m, (enum sip_header_id)row->id);
		return;
	}
	while (sip_message_find(m, row->name, &at, &value))
		sip_build_header(b, row->name, value);
}

static void carry_row(struct sip_build *b, const struct cp_carry *c, const struct row *row,
	const struct sip_message *m)
{
	uint32_t number;

	switch (row->how) {
	case COPY:
		carry_copy(b, row, m);
		break;
	case NUMBER:
		if (sip_message_number(m, (enum sip_header_id)row->id, &number) == 0)
			sip_build_number(b, row->name, number);
		break;
	case IDENTITY:
		carry_identity(b, c, row, m);
		break;
	case REASON:
		carry_reason(b, m);
		break;
	case WARNING:
		carry_warning(b, m);
		break;
	case ALERT:
		carry_alert(b, m);
		break;
	case ASSERTED:
		cp_identity_carry(b, c, m);
		break;
	case HISTORY:
		cp_history_carry(b, c, m);
		break;
	case PRIVACY:
		if (!cp_identity_hides(c->to, m))
			carry_copy(b, row, m);
		break;
	}
}

static bool is_allowed(const struct cp_carry *c, const struct row *row, bool hidden)
{
	switch (row->trust) {
	case OPENLY:
		return !hidden;
	case DIVERSION:
		return !hidden && cp_diversion_crosses(c);
	case TRUNKS:
		return c->from->cfg->kind == CFG_TRUNK && c->to->cfg->kind == CFG_TRUNK;
	default:
		return true;
	}
}

static bool is_listed(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcasecmp(table[i].name, name) == 0)
			return true;
	return false;
}

// What the operator lets through by a rule of his own. The Reason of a BYE has no room for it.
static void carry_passed(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m)
{
	const struct cfg_rules *rules = c->from->cfg->trunk.rules;

	for (unsigned i = 0; rules && !(c->what & CP_IN_BYE) && i < rules->count[CFG_IN]; i++) {
		const struct cfg_rule *rule = &rules->rule[CFG_IN][i];
		struct sip_slice value;
		unsigned at = 0;

		if (rule->kind != CFG_RULE_PASS || is_listed(rule->name) || !cp_rule_holds(rule, m))
			continue;
		while (sip_message_find(m, rule->name, &at, &value))
			sip_build_header(b, rule->name, value);
	}
}

void cp_carry(struct sip_build *b, const struct cp_carry *c, const struct sip_message *m)
{
	bool hidden = c->hidden || cp_identity_hides(c->to, m);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct row *row = &table[i];

		if (!(row->what & c->what) || !is_allowed(c, row, hidden))
			continue;
		if (row->id == SIP_H_OTHER || sip_message_has(m, (enum sip_header_id)row->id))
			carry_row(b, c, row, m);
	}
	carry_passed(b, c, m);
}

bool cp_carry_has_body(const struct sip_message *m)
{
	return sip_message_body(m).n && sip_message_has(m, SIP_H_CONTENT_TYPE) &&
	       !sip_message_has_sdp(m);
}
