// SPDX-License-Identifier: BSD-3-Clause
//
// A REGISTER, from screening to its 200 (RFC 3261 10.3, in its order).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "controlplane/log.h"
#include "controlplane/registrar/private.h"
#include "sip/q.h"

#define MOST      32u // Contacts in one request
#define PATH_MOST 1024u

struct wanted {
	struct sip_slice uri, instance;
	uint32_t expires, reg_id;
	uint16_t q;
	struct cp_contact *old;   // the binding that it is
	struct cp_contact *fresh; // what it becomes; NULL: it goes
};

struct request {
	struct cp_registrar *r;
	struct sip_transaction *tx;
	const struct sip_message *m;
	const struct cp_peer *peer;
	const struct cfg_user *user;
	struct cp_aor *aor;
	uint32_t cseq;
	bool star, path, outbound, gruu;
	char paths[PATH_MOST];
	size_t paths_n;
	struct wanted wanted[MOST];
	unsigned count;
};

static void answer(struct request *q, int status, const char *lines)
{
	q->r->counters.refused++;
	sip_respond_simple(q->tx, status, lines);
}

// ---- reading ----------------------------------------------------------------------------------------

// 10.2.1.1: what cannot be read counts as 3600.
static uint32_t read_expires(struct request *q, struct sip_slice params)
{
	const struct cfg_access *a = q->peer->cfg->access;
	struct sip_slice text;
	uint32_t n;

	if (sip_param_find(params, "expires", &text))
		return sip_slice_u32(text, UINT32_MAX, &n) == -ERANGE ? UINT32_MAX
		       : sip_slice_u32(text, UINT32_MAX, &n)          ? 3600
								      : n;
	if (sip_message_has(q->m, SIP_H_EXPIRES))
		return sip_message_number(q->m, SIP_H_EXPIRES, &n) ? 3600 : n;
	return a->expires_default;
}

static struct sip_slice unquoted(struct sip_slice s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return sip_slice(s.p + 1, s.n - 2);
	return s;
}

static bool usable(const struct sip_uri *uri)
{
	return uri->scheme == SIP_URI_SIP || uri->scheme == SIP_URI_SIPS;
}

static bool read_contact(struct request *q, struct sip_slice element)
{
	const struct cfg_access *access = q->peer->cfg->access;
	struct wanted *w = &q->wanted[q->count];
	struct sip_address a;
	struct sip_slice s;

	if (sip_address_parse(element, &a)) {
		answer(q, 400, NULL);
		return false;
	}
	if (a.star) {
		q->star = true;
		return true;
	}
	if (!usable(&a.uri) || a.uri_text.n > 400) {
		answer(q, 400,
			"Warning: 399 hawse \"Contact is no SIP URI that can be called\"\r\n");
		return false;
	}
	if (q->count == MOST) {
		cp_log(CP_LOG_WARNING, "registrar", 0,
			"%s: %s registers more than %u contacts at once", q->peer->cfg->name,
			q->user->name, MOST);
		answer(q, 403, "Warning: 399 hawse \"too many contacts\"\r\n");
		return false;
	}
	*w = (struct wanted){.uri = a.uri_text, .q = sip_param_q(a.params)};
	w->expires = read_expires(q, a.params);
	if (sip_param_find(a.params, "+sip.instance", &s) && s.n < 256)
		w->instance = unquoted(s);
	if (q->outbound && w->instance.n && sip_param_find(a.params, "reg-id", &s) &&
		sip_slice_u32(s, INT32_MAX, &w->reg_id))
		w->reg_id = 0;
	if (w->expires && w->expires < access->expires_min && w->expires < 3600) {
		char line[48];

		snprintf(line, sizeof(line), "Min-Expires: %u\r\n", access->expires_min);
		answer(q, 423, line);
		return false;
	}
	if (w->expires > access->expires_max)
		w->expires = access->expires_max;
	q->count++;
	return true;
}

static bool read_contacts(struct request *q)
{
	struct sip_walk walk = sip_walk(q->m, SIP_H_CONTACT);
	struct sip_slice element;
	unsigned all = 0;
	uint32_t expires;

	for (; sip_walk_next(&walk, &element); all++)
		if (!read_contact(q, element))
			return false;
	if (q->star && (all != 1 || sip_message_number(q->m, SIP_H_EXPIRES, &expires) || expires)) {
		answer(q, 400, NULL);
		return false;
	}
	return true;
}

// RFC 3327. Who does not say that it knows Path is served all the same, and not told.
static bool read_path(struct request *q)
{
	struct sip_build b = sip_build(q->paths, sizeof(q->paths));
	struct sip_walk walk = sip_walk(q->m, SIP_H_PATH);
	struct sip_slice element;
	struct sip_address a;

	q->path = sip_message_lists(q->m, SIP_H_SUPPORTED, "path");
	while (sip_walk_next(&walk, &element)) {
		if (sip_address_parse(element, &a) || a.star || !usable(&a.uri)) {
			answer(q, 400, NULL);
			return false;
		}
		if (b.n)
			sip_build_raw(&b, sip_str(", "));
		sip_build_value(&b, element);
	}
	if (sip_build_check(&b)) {
		answer(q, 400, "Warning: 399 hawse \"Path is too long\"\r\n");
		return false;
	}
	q->paths_n = b.n;
	return true;
}

// RFC 5626 6: outbound works when the flow ends here, or the edge proxy says ";ob" in its Path.
static bool read_outbound(struct request *q)
{
	struct sip_walk vias = sip_walk(q->m, SIP_H_VIA), paths = sip_walk(q->m, SIP_H_PATH);
	struct sip_walk contacts;
	struct sip_slice element, last = {0}, value;
	struct sip_address a;
	unsigned hops = 0;
	bool asked = sip_message_lists(q->m, SIP_H_SUPPORTED, "outbound");

	while (sip_walk_next(&vias, &element))
		hops++;
	while (sip_walk_next(&paths, &element))
		last = element;
	q->gruu = sip_message_lists(q->m, SIP_H_SUPPORTED, "gruu");
	q->outbound = asked && (hops == 1 || (last.n && sip_address_parse(last, &a) == 0 &&
						     sip_uri_param(&a.uri, "ob", &value)));
	if (!asked || q->outbound)
		return true;
	contacts = sip_walk(q->m, SIP_H_CONTACT);
	while (sip_walk_next(&contacts, &element))
		if (sip_address_parse(element, &a) == 0 &&
			sip_param_find(a.params, "reg-id", &value)) {
			answer(q, 439, NULL);
			return false;
		}
	return true;
}

// ---- against what is bound --------------------------------------------------------------------------

static bool same_binding(const struct cp_contact *c, const struct wanted *w)
{
	struct sip_uri a, b;

	if (w->reg_id || c->reg_id)
		return w->reg_id == c->reg_id && sip_slice_eq(w->instance, c->instance);
	return sip_uri_parse(c->uri, &a) == 0 && sip_uri_parse(w->uri, &b) == 0 &&
	       sip_uri_equal(&a, &b);
}

// The flow is part of it: behind one NAT two phones may say the same private address. Then the user part, the instance
// or the Call-ID tells them apart, or nothing does and the later one has it.
static struct cp_contact *find_binding(struct request *q, const struct wanted *w)
{
	for (struct cp_contact *c = q->aor ? q->aor->contacts : NULL; c; c = c->next)
		if (same_binding(c, w))
			return c;
	return NULL;
}

static bool in_order(struct request *q, const struct cp_contact *c)
{
	return !sip_slice_eq(c->call_id, sip_message_call_id(q->m)) || q->cseq > c->cseq;
}

static bool is_nat(const struct request *q, const struct wanted *w)
{
	const struct sip_flow *flow = sip_tx_flow(q->tx);
	struct sip_addr said;
	struct sip_uri uri;

	if (sip_uri_parse(w->uri, &uri) ||
		sip_addr_parse(uri.host, uri.port ? uri.port : 5060, &said))
		return false;
	return !sip_addr_equal(&said, &flow->remote);
}

static struct cp_contact *make(struct request *q, const struct wanted *w)
{
	struct cp_contact parts = {
		.expires = cp_location_unix(q->r->location) + w->expires,
		.since = w->old ? w->old->since : cp_location_unix(q->r->location),
		.cseq = q->cseq,
		.reg_id = w->reg_id,
		.q = w->q,
		.gruu = q->gruu && w->instance.n,
		.nat = is_nat(q, w),
		.flow = *sip_tx_flow(q->tx),
		.uri = w->uri,
		.call_id = sip_message_call_id(q->m),
		.path = sip_slice(q->paths, q->paths_n),
		.instance = w->instance,
		.agent = sip_message_value(q->m, SIP_H_USER_AGENT),
	};

	if (parts.agent.n > 128)
		parts.agent.n = 128;
	if (w->old && sip_slice_eq(w->old->call_id, parts.call_id)) {
		parts.epoch = w->old->epoch;
		parts.temps = w->old->temps;
	} else {
		q->r->ops->random(q->r->ctx, &parts.epoch, sizeof(parts.epoch));
	}
	return cp_contact_new(&parts);
}

static void forget_fresh(struct request *q)
{
	for (unsigned i = 0; i < q->count; i++)
		free(q->wanted[i].fresh);
}

// How many would be bound.
static unsigned bound_after(const struct request *q)
{
	unsigned n = q->aor ? q->aor->count : 0;

	for (unsigned i = 0; i < q->count; i++) {
		n += q->wanted[i].fresh && !q->wanted[i].old;
		n -= !q->wanted[i].fresh && q->wanted[i].old;
	}
	return n;
}

static bool is_old(const struct request *q, const struct cp_contact *c)
{
	for (unsigned i = 0; i < q->count; i++)
		if (q->wanted[i].old == c)
			return true;
	return false;
}

// A phone that started anew with another port leaves its old binding behind; that one makes room first.
static void make_room(struct request *q)
{
	struct cp_contact *next;

	for (unsigned i = 0; i < q->count; i++)
		for (struct cp_contact *c = q->aor ? q->aor->contacts : NULL; c; c = next) {
			next = c->next;
			if (q->wanted[i].fresh && !q->wanted[i].old && q->wanted[i].instance.n &&
				!q->wanted[i].reg_id && !c->reg_id && !is_old(q, c) &&
				sip_slice_eq(c->instance, q->wanted[i].instance) &&
				!sip_slice_eq(c->call_id, q->wanted[i].fresh->call_id))
				cp_location_remove(q->r->location, c, "replaced");
		}
}

static bool prepare(struct request *q)
{
	for (unsigned i = 0; i < q->count; i++) {
		struct wanted *w = &q->wanted[i];

		for (unsigned k = 0; k < i; k++) {
			struct sip_uri a, b;

			if (w->reg_id == q->wanted[k].reg_id && sip_uri_parse(w->uri, &a) == 0 &&
				sip_uri_parse(q->wanted[k].uri, &b) == 0 && sip_uri_equal(&a, &b)) {
				answer(q, 400, NULL); // the same twice
				return false;
			}
		}
		w->old = find_binding(q, w);
		if (w->old && !in_order(q, w->old)) {
			answer(q, 500,
				"Warning: 399 hawse \"CSeq is not above that of before\"\r\n");
			return false;
		}
		if (!w->expires)
			continue;
		w->fresh = make(q, w);
		if (!w->fresh) {
			answer(q, 503, "Retry-After: 5\r\n");
			return false;
		}
	}
	return true;
}

static bool within_limit(struct request *q)
{
	unsigned most = q->user->contacts ? q->user->contacts : q->peer->cfg->access->contacts;

	if (bound_after(q) <= most)
		return true;
	make_room(q);
	if (bound_after(q) <= most)
		return true;
	cp_log(CP_LOG_WARNING, "registrar", 0, "%s: %s wants more than %u contacts",
		q->peer->cfg->name, q->user->name, most);
	answer(q, 403, "Warning: 399 hawse \"too many contacts\"\r\n");
	return false;
}

static void remove_all(struct request *q)
{
	struct cp_contact *next;

	for (struct cp_contact *c = q->aor ? q->aor->contacts : NULL; c; c = next) {
		next = c->next;
		cp_location_remove(q->r->location, c, "unregistered");
	}
}

static bool may_remove_all(struct request *q)
{
	for (struct cp_contact *c = q->aor ? q->aor->contacts : NULL; c; c = c->next)
		if (!in_order(q, c)) {
			answer(q, 500, NULL);
			return false;
		}
	return true;
}

static void keep_open(struct request *q, struct cp_contact *c)
{
	uint64_t ms = cp_ping_interval(q->peer->cfg->access, c);

	if (ms)
		cp_location_ping(q->r->location, c, ms);
}

// Nothing fails from here on.
static void commit(struct request *q)
{
	for (unsigned i = 0; i < q->count; i++) {
		struct wanted *w = &q->wanted[i];

		if (w->old)
			cp_location_remove(
				q->r->location, w->old, w->fresh ? NULL : "unregistered");
		if (!w->fresh)
			continue;
		cp_location_insert(q->r->location, q->aor, w->fresh);
		keep_open(q, w->fresh);
		w->fresh = NULL;
	}
}

// ---- the answer -------------------------------------------------------------------------------------

static void write_contact(struct request *q, struct cp_contact *c, struct sip_build *b)
{
	uint64_t now = cp_location_unix(q->r->location);
	const struct cfg_access *a = q->peer->cfg->access;
	const char *domain = a->domain_count ? a->domain[0] : q->peer->host;
	char text[64];

	sip_build_raw(b, sip_str("Contact: <"));
	sip_build_value(b, c->uri);
	snprintf(text, sizeof(text), ">;expires=%llu",
		(unsigned long long)(c->expires > now ? c->expires - now : 0));
	sip_build_raw(b, sip_str(text));
	if (c->q != 1000) {
		snprintf(text, sizeof(text), ";q=0.%03u", c->q);
		sip_build_raw(b, sip_str(text));
	}
	if (c->instance.n) {
		sip_build_raw(b, sip_str(";+sip.instance=\""));
		sip_build_value(b, c->instance);
		sip_build_raw(b, sip_str("\""));
	}
	if (c->reg_id) {
		snprintf(text, sizeof(text), ";reg-id=%u", c->reg_id);
		sip_build_raw(b, sip_str(text));
	}
	if (q->gruu && c->gruu)
		cp_gruu_write(q->r, c, domain, b);
	sip_build_raw(b, sip_str("\r\n"));
}

static void write_date(struct request *q, struct sip_build *b)
{
	time_t now = (time_t)cp_location_unix(q->r->location);
	struct tm tm;
	char text[48];

	if (gmtime_r(&now, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
		sip_build_header_str(b, "Date", text);
}

static void succeed(struct request *q)
{
	struct cp_registrar *r = q->r;
	struct sip_build b = sip_build(r->lines, sizeof(r->lines));
	struct sip_response response = {.status = 200};
	bool outbound = false;

	for (struct cp_contact *c = q->aor ? q->aor->contacts : NULL; c; c = c->next) {
		write_contact(q, c, &b);
		outbound |= c->reg_id != 0;
	}
	if (q->paths_n && q->path)
		sip_build_copy(&b, q->m, SIP_H_PATH);
	if (q->outbound && outbound) {
		sip_build_header_str(&b, "Require", "outbound");
		sip_build_header_str(&b, "Flow-Timer", "120");
	}
	write_date(q, &b);
	cp_access_info(r, q->peer, q->m, q->user, &b);
	response.lines = sip_slice(b.p, sip_build_check(&b) ? 0 : b.n);
	r->counters.registers++;
	sip_respond(q->tx, &response);
}

static void bind_contacts(struct request *q)
{
	struct cp_location *l = q->r->location;
	bool changes = q->star || q->count;

	q->aor = changes ? cp_location_open(l, q->peer->cfg->name, q->user->name)
			 : cp_location_find(l, q->peer->cfg->name, q->user->name);
	if (changes && !q->aor) {
		answer(q, 503, "Retry-After: 5\r\n");
		return;
	}
	if (q->star) {
		if (!may_remove_all(q))
			return;
		remove_all(q);
	} else if (prepare(q) && within_limit(q)) {
		commit(q);
	} else {
		forget_fresh(q);
		if (q->aor)
			cp_location_close(l, q->aor);
		return;
	}
	succeed(q);
	if (q->aor)
		cp_location_close(l, q->aor);
}

// ---- who --------------------------------------------------------------------------------------------

static bool take_token(struct cp_registrar *r, const struct sip_addr *source)
{
	struct sip_hash h;
	struct cp_bucket *b;
	uint64_t passed;

	sip_hash_start(&h, &r->bucket_key);
	sip_hash_bytes(&h, source->ip, sizeof(source->ip));
	b = &r->buckets[sip_hash_end(&h).a & (CP_BUCKETS - 1)];
	passed = r->now_us - b->filled_us;
	// RATE tokens a second are RATE thousandths a millisecond.
	if (!sip_addr_same_host(&b->source, source)) {
		if (b->filled_us && passed < 2000000 && b->tokens < CP_RATE * 1000)
			goto spend; // two that share a place share its tokens
		*b = (struct cp_bucket){*source, r->now_us, CP_BURST * 1000};
	} else {
		uint64_t more = passed / 1000 * CP_RATE;

		b->tokens = (uint32_t)(b->tokens + more > CP_BURST * 1000 ? CP_BURST * 1000
									  : b->tokens + more);
		b->filled_us += passed / 1000 * 1000;
	}
spend:
	if (b->tokens < 1000)
		return false;
	b->tokens -= 1000;
	return true;
}

static bool find_peer(struct request *q)
{
	const struct sip_addr *source = &sip_tx_flow(q->tx)->remote;
	struct sip_address to;
	struct sip_uri uri;

	// 10.3 1: whose registrar is asked; the address of record must be in the same domain.
	if (sip_message_request_uri(q->m, &uri) || sip_message_to(q->m, &to)) {
		answer(q, 400, NULL);
		return false;
	}
	q->peer = cp_access_of(q->r->policy, &to.uri);
	if (!q->peer || (cp_access_of(q->r->policy, &uri) != q->peer &&
				!cp_is_listener(q->r->policy, uri.host))) {
		if (q->r->ops->suspect && !cp_location_knows(q->r->location, source))
			q->r->ops->suspect(q->r->ctx, source, NULL);
		answer(q, q->peer ? 404 : 403, NULL);
		return false;
	}
	if (!cfg_acl_allows(&q->peer->cfg->acl, source->family, source->ip)) {
		answer(q, 403, NULL);
		return false;
	}
	return true;
}

// 10.3 3 and 4: a user registers his own address of record.
static bool authorize(struct request *q)
{
	struct sip_address to;

	if (cp_access_login(q->r, q->peer, q->tx, q->m, &q->user) != CP_LOGIN_OK)
		return false;
	if (sip_message_to(q->m, &to) == 0 &&
		cp_registrar_user(q->r->policy, q->peer, &to.uri) == q->user)
		return true;
	answer(q, 403, NULL);
	return false;
}

void cp_registrar_request(
	struct cp_registrar *r, struct sip_transaction *tx, const struct sip_message *m)
{
	struct request *q;
	struct sip_cseq cseq;

	// The layer knows the transaction; the silence of a flood costs no answer.
	if (!take_token(r, &sip_tx_flow(tx)->remote)) {
		r->counters.flooded++;
		sip_respond_simple(tx, 503, "Retry-After: 30\r\n");
		return;
	}
	q = calloc(1, sizeof(*q));
	if (!q) {
		sip_respond_simple(tx, 503, "Retry-After: 5\r\n");
		return;
	}
	q->r = r;
	q->tx = tx;
	q->m = m;
	if (sip_message_cseq(m, &cseq) == 0)
		q->cseq = cseq.number;
	if (find_peer(q) && authorize(q) && read_outbound(q) && read_path(q) && read_contacts(q))
		bind_contacts(q);
	free(q);
}
