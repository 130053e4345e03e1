// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/registrar/enrol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/log.h"
#include "sip/digest.h"

#define DNS_MS 1000u // until a name that nobody has resolved yet is looked for again

enum state {
	TRYING,
	REGISTERED,
	FAILED,
	WITHDRAWN, // the operator has disabled the trunk
};

struct cp_enrol {
	struct cp_exchange x; // must be first; x.call is NULL
	struct cp_enrol *next;
	struct cp_shard *shard;
	struct cp_policy *policy; // held
	const struct cp_peer *peer;
	struct sip_timer timer;
	uint8_t state; // enum state
	bool said;     // its failure is in the log
	bool leaving;  // the REGISTER under way takes it back
	uint8_t hop, hops;
	struct sip_flow list[CP_HOPS];
	unsigned failures, waits;
	int status;
	uint32_t cseq, expires;
	uint32_t connection; // that it was registered over
	uint64_t until_ms;   // registered until then
	char reason[64];
	char call_id[SIP_ID_TEXT], tag[SIP_ID_TEXT];
};

// ---- when -------------------------------------------------------------------------------------------

static uint32_t random_below(struct cp_shard *shard, uint32_t n)
{
	uint32_t random;

	shard->ops->random(shard->ctx, &random, sizeof(random));
	return n ? random % n : 0;
}

static void on_timer(struct sip_timer *timer, void *ctx);

static bool is_disabled(const struct cp_enrol *e)
{
	const struct cp_shard *shard = e->shard;

	return shard->ops->disabled && shard->ops->disabled(shard->ctx, e->peer);
}

static void wait_ms(struct cp_enrol *e, uint64_t ms)
{
	struct sip_layer *layer = e->shard->layer;

	e->timer.fire = on_timer;
	sip_timer_start(sip_layer_wheel(layer), &e->timer, sip_layer_now(layer) + ms);
}

// In good time, and not all trunks together.
static void wait_refresh(struct cp_enrol *e, uint32_t expires)
{
	uint64_t ms = expires * 1000ull;

	wait_ms(e, ms * 3 / 4 + random_below(e->shard, (uint32_t)(ms / 8 + 1)));
}

static void wait_retry(struct cp_enrol *e, uint32_t at_least_s)
{
	unsigned doubled = e->failures < 5 ? e->failures : 5;
	uint64_t ms = e->peer->cfg->reg->retry * 1000ull << (doubled ? doubled - 1 : 0);

	ms = ms / 2 + random_below(e->shard, (uint32_t)(ms / 2 + 1));
	if (ms < at_least_s * 1000ull)
		ms = at_least_s * 1000ull + random_below(e->shard, 1000);
	wait_ms(e, ms);
}

// Taken back, or not to be had back: what is left of it expires.
static void withdrawn(struct cp_enrol *e)
{
	if (e->state == REGISTERED)
		cp_log(CP_LOG_INFO, "register", 0, "%s: not registered while it is disabled",
			e->peer->cfg->name);
	e->leaving = e->said = false;
	e->state = WITHDRAWN;
	e->until_ms = 0;
	e->failures = e->waits = 0;
	e->status = 0;
	e->reason[0] = '\0';
	if (!is_disabled(e)) // meanwhile
		wait_ms(e, 0);
}

// ---- what happened ----------------------------------------------------------------------------------

static void fail(struct cp_enrol *e, int status, struct sip_slice why, uint32_t at_least_s)
{
	uint64_t now = sip_layer_now(e->shard->layer);

	if (e->leaving) {
		withdrawn(e);
		return;
	}
	e->failures++;
	e->status = status;
	e->state = e->until_ms > now ? REGISTERED : FAILED;
	snprintf(e->reason, sizeof(e->reason), "%.*s", (int)(why.n < 63 ? why.n : 63),
		why.n ? why.p : "");
	if (!e->said)
		cp_log(CP_LOG_WARNING, "register", 0, "%s: not registered: %d %s; tried again",
			e->peer->cfg->name, status, e->reason);
	e->said = true;
	cp_count(e->shard, CP_C_ENROL_FAILURES);
	wait_retry(e, at_least_s);
}

static void succeed(struct cp_enrol *e, uint32_t expires)
{
	if (e->said || !e->until_ms)
		cp_log(CP_LOG_INFO, "register", 0, "%s: registered for %u s", e->peer->cfg->name,
			expires);
	e->said = false;
	e->failures = 0;
	e->status = 200;
	e->reason[0] = '\0';
	e->state = REGISTERED;
	e->until_ms = sip_layer_now(e->shard->layer) + expires * 1000ull;
	if (is_disabled(e)) // meanwhile
		wait_ms(e, 0);
	else
		wait_refresh(e, expires);
}

// ---- our REGISTER -----------------------------------------------------------------------------------

static struct sip_slice write_lines(struct cp_enrol *e, const struct sip_flow *flow)
{
	struct cp_shard *shard = e->shard;
	struct sip_build b = sip_build(shard->lines, sizeof(shard->lines));
	const struct cp_listener *l = &e->policy->listeners[flow->socket];
	const char *agent = e->policy->cfg->sip.user_agent;
	uint32_t expires = e->leaving ? 0 : e->expires;

	sip_build_format(&b, "Contact", "<sip:%s@%s>;expires=%u", e->peer->cfg->reg->contact,
		l->contact, expires);
	sip_build_number(&b, "Expires", expires);
	sip_build_header_str(&b, "Allow", CP_ALLOW);
	sip_build_header_str(&b, "Supported", "path");
	if (agent[0])
		sip_build_header_str(&b, "User-Agent", agent);
	return sip_slice(b.p, sip_build_check(&b) ? 0 : b.n);
}

static int send_register(struct cp_enrol *e, const struct sip_flow *flow)
{
	const struct cfg_register *reg = e->peer->cfg->reg;
	char aor[400], uri[300];
	struct sip_request r = {.method = SIP_REGISTER};

	snprintf(uri, sizeof(uri), "sip:%s", reg->domain);
	snprintf(aor, sizeof(aor), "sip:%s@%s", reg->user, reg->domain);
	r.uri = sip_str(uri);
	r.from_uri = r.to_uri = sip_str(aor);
	r.from_tag = sip_str(e->tag);
	r.call_id = sip_str(e->call_id);
	r.cseq = ++e->cseq;
	r.lines = write_lines(e, flow);
	return sip_request_send(e->shard->dialogs, flow, &r, &e->x, &e->x.client);
}

static void try_hop(struct cp_enrol *e)
{
	int err = send_register(e, &e->list[e->hop]);

	if (err)
		fail(e, 503, sip_str(strerror(-err)), 0);
}

static unsigned locate(struct cp_enrol *e)
{
	struct cp_shard *shard = e->shard;

	if (shard->ops->locate)
		return shard->ops->locate(shard->ctx, e->policy, e->peer, e->list);
	e->list[0] = (struct sip_flow){.remote = e->peer->remote,
		.socket = e->peer->socket,
		.transport = e->peer->transport};
	return e->peer->remote.family ? 1 : 0;
}

static void on_timer(struct sip_timer *timer, void *ctx)
{
	struct cp_enrol *e = (struct cp_enrol *)((char *)timer - offsetof(struct cp_enrol, timer));

	if (e->x.client)
		return;
	e->leaving = is_disabled(e);
	if (e->leaving && e->until_ms <= sip_layer_now(e->shard->layer)) {
		withdrawn(e);
		return;
	}
	if (e->state == WITHDRAWN)
		e->state = TRYING;
	e->hop = 0;
	// A disabled trunk is nowhere; it is taken back where it was had.
	if (!e->leaving || !e->hops)
		e->hops = (uint8_t)locate(e);
	if (e->hops) {
		e->waits = 0;
		try_hop(e);
	} else if (e->waits++ < 5) {
		wait_ms(e, DNS_MS); // the name is being asked for
	} else {
		fail(e, 503, sip_str("its name cannot be resolved"), 0);
	}
}

static bool next_hop(struct cp_enrol *e)
{
	if (e->shard->ops->failed)
		e->shard->ops->failed(e->shard->ctx, &e->list[e->hop]);
	if (e->hop + 1u >= e->hops)
		return false;
	e->hop++;
	try_hop(e);
	return true;
}

// ---- the answer -------------------------------------------------------------------------------------

// What the registrar says of our Contact among all that it lists.
static uint32_t granted(struct cp_enrol *e, const struct sip_message *m)
{
	struct sip_walk walk = sip_walk(m, SIP_H_CONTACT);
	struct sip_slice element, value;
	struct sip_address a;
	uint32_t expires = e->expires, n;

	if (sip_message_number(m, SIP_H_EXPIRES, &n) == 0 && n)
		expires = n;
	while (sip_walk_next(&walk, &element))
		if (sip_address_parse(element, &a) == 0 && !a.star &&
			sip_slice_is(a.uri.user, e->peer->cfg->reg->contact) &&
			sip_param_find(a.params, "expires", &value) &&
			sip_slice_u32(value, UINT32_MAX, &n) == 0)
			expires = n;
	return expires > 86400 ? 86400 : expires;
}

static void too_brief(struct cp_enrol *e, const struct sip_message *m)
{
	uint32_t least;

	if (sip_message_number(m, SIP_H_MIN_EXPIRES, &least) || least <= e->expires ||
		least > 604800) {
		fail(e, 423, m->reason_text, 0);
		return;
	}
	e->expires = least;
	try_hop(e);
}

void cp_enrol_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_enrol *e = (struct cp_enrol *)x;
	uint32_t expires, after = 0;

	if (m->status < 200)
		return;
	sip_tx_set_user(tx, NULL);
	x->client = NULL;
	if (e->leaving) {
		withdrawn(e);
		return;
	}
	if (m->status < 300) {
		expires = granted(e, m);
		e->connection = sip_tx_flow(tx)->connection;
		if (expires)
			succeed(e, expires);
		else
			fail(e, m->status, sip_str("registered for no time"), 0);
		return;
	}
	if (m->status == 423) {
		too_brief(e, m);
		return;
	}
	if (m->status == 503 && next_hop(e))
		return;
	sip_message_number(m, SIP_H_RETRY_AFTER, &after);
	fail(e, m->status, m->reason_text, after > 86400 ? 86400 : after);
}

void cp_enrol_failed(struct cp_exchange *x, int status, const char *why)
{
	struct cp_enrol *e = (struct cp_enrol *)x;

	if (!next_hop(e))
		fail(e, status, sip_str(why), 0);
}

void cp_enrol_disabled(struct cp_shard *shard)
{
	for (struct cp_enrol *e = shard->enrols; e; e = e->next)
		if (is_disabled(e) != (e->state == WITHDRAWN))
			wait_ms(e, random_below(shard, 200));
}

void cp_enrol_closed(struct cp_shard *shard, const struct sip_flow *flow)
{
	for (struct cp_enrol *e = shard->enrols; e; e = e->next)
		if (e->connection && e->connection == flow->connection && !e->x.client) {
			e->connection = 0;
			wait_ms(e, 200 + random_below(shard, 800));
		}
}

void cp_enrol_unreachable(struct cp_shard *shard, const struct sip_flow *to)
{
	for (struct cp_enrol *e = shard->enrols; e; e = e->next) {
		struct sip_transaction *tx = e->x.client;

		if (!tx || sip_tx_status(tx) ||
			!sip_addr_equal(&sip_tx_flow(tx)->remote, &to->remote))
			continue;
		sip_tx_set_user(tx, NULL);
		e->x.client = NULL;
		cp_enrol_failed(&e->x, 503, "cannot be reached");
	}
}

// ---- which ------------------------------------------------------------------------------------------

static void free_one(struct cp_enrol *e)
{
	sip_timer_stop(sip_layer_wheel(e->shard->layer), &e->timer);
	if (e->x.client)
		sip_tx_set_user(e->x.client, NULL);
	cp_policy_release(e->policy);
	free(e);
}

void cp_enrol_free(struct cp_shard *shard)
{
	while (shard->enrols) {
		struct cp_enrol *next = shard->enrols->next;

		free_one(shard->enrols);
		shard->enrols = next;
	}
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool same_hosts(const struct cfg_peer *a, const struct cfg_peer *b)
{
	if (a->by_name != b->by_name || a->transport != b->transport ||
		a->host_count != b->host_count || a->address_count != b->address_count)
		return false;
	for (unsigned i = 0; i < a->host_count; i++)
		if (!same_text(a->hosts[i].name, b->hosts[i].name) ||
			a->hosts[i].port != b->hosts[i].port)
			return false;
	return !a->address_count ||
	       memcmp(a->addresses, b->addresses, a->address_count * sizeof(*a->addresses)) == 0;
}

static bool same(const struct cfg_peer *a, const struct cfg_peer *b)
{
	const struct cfg_register *x = a->reg, *y = b->reg;

	return same_text(a->name, b->name) && same_text(x->domain, y->domain) &&
	       same_text(x->user, y->user) && same_text(x->auth_user, y->auth_user) &&
	       same_text(x->password, y->password) && same_text(x->contact, y->contact) &&
	       x->expires == y->expires && same_hosts(a, b);
}

static struct cp_enrol *take_same(struct cp_enrol **list, const struct cfg_peer *cfg)
{
	for (; *list; list = &(*list)->next) {
		struct cp_enrol *e = *list;

		if (!same(e->peer->cfg, cfg))
			continue;
		*list = e->next;
		return e;
	}
	return NULL;
}

static struct cp_enrol *make(struct cp_shard *shard, const struct cp_peer *peer)
{
	struct cp_enrol *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->shard = shard;
	e->x.kind = CP_X_REGISTER;
	e->policy = cp_policy_hold(shard->policy);
	e->peer = peer;
	e->expires = peer->cfg->reg->expires;
	sip_id_call_id(sip_layer_ids(shard->layer), e->call_id);
	sip_id_tag(sip_layer_ids(shard->layer), e->tag);
	wait_ms(e, random_below(shard, 200));
	return e;
}

static void keep_on(struct cp_enrol *e, struct cp_shard *shard, const struct cp_peer *peer)
{
	cp_policy_hold(shard->policy);
	cp_policy_release(e->policy);
	e->policy = shard->policy;
	e->peer = peer;
}

int cp_enrol_set_policy(struct cp_shard *shard)
{
	struct cp_enrol *old = shard->enrols, **end = &shard->enrols;
	int err = 0;

	shard->enrols = NULL;
	for (unsigned i = 0; i < shard->policy->cfg->peer_count && shard->index == 0; i++) {
		const struct cp_peer *peer = cp_peers_at(shard->policy->peers, i);
		struct cp_enrol *e;

		if (!peer->cfg->reg || peer->cfg->reg->calls_only)
			continue;
		e = take_same(&old, peer->cfg);
		if (e)
			keep_on(e, shard, peer);
		else
			e = make(shard, peer);
		if (!e) {
			err = -ENOMEM;
			continue;
		}
		e->next = NULL;
		*end = e;
		end = &e->next;
	}
	while (old) {
		struct cp_enrol *next = old->next;

		free_one(old);
		old = next;
	}
	return err;
}

bool cp_enrol_at(struct cp_shard *shard, unsigned index, struct cp_enrol_view *out)
{
	static const char *const names[] = {"trying", "registered", "failed", "disabled"};
	uint64_t now = sip_layer_now(shard->layer);
	struct cp_enrol *e = shard->enrols;

	while (e && index--)
		e = e->next;
	if (!e)
		return false;
	*out = (struct cp_enrol_view){
		.peer = e->peer->cfg->name,
		.state = e->state == REGISTERED && e->until_ms <= now ? "failed" : names[e->state],
		.status = e->status,
		.reason = e->reason,
		.expires_s = e->until_ms > now ? (e->until_ms - now) / 1000 : 0,
		.next_s = sip_timer_running(&e->timer) && e->timer.due > now
				  ? (e->timer.due - now) / 1000
				  : 0,
		.failures = e->failures,
	};
	snprintf(out->aor, sizeof(out->aor), "sip:%s@%s", e->peer->cfg->reg->user,
		e->peer->cfg->reg->domain);
	return true;
}

// ---- challenges -------------------------------------------------------------------------------------

// The trunk that this request of ours went to.
static const struct cp_peer *asked(const struct cp_exchange *x)
{
	switch (x->kind) {
	case CP_X_REGISTER:
		return ((const struct cp_enrol *)x)->peer;
	case CP_X_INVITE:
		return x->call->leg[1].peer;
	case CP_X_BYE:
		return x->call->leg[x->from].peer;
	case CP_X_REINVITE:
	case CP_X_UPDATE:
	case CP_X_RELAY:
		return x->call->leg[cp_other(x->from)].peer;
	default:
		return NULL;
	}
}

// RFC 8760 2.5: the first that we can answer. One realm is enough for a trunk.
static bool find_challenge(
	const struct sip_message *m, enum sip_header_id id, struct sip_challenge *out)
{
	for (unsigned i = m->first[id]; i; i = m->headers[i - 1].next)
		if (sip_challenge_parse(sip_header_value_of(m, i - 1), out) == 0)
			return true;
	return false;
}

// The same credentials would fail again; only a nonce that was too old is worth another try.
static bool was_tried(
	const struct sip_message *request, enum sip_header_id id, const struct sip_challenge *c)
{
	struct sip_credentials old;

	for (unsigned i = request->first[id]; i; i = request->headers[i - 1].next)
		if (sip_credentials_parse(sip_header_value_of(request, i - 1), &old) == 0 &&
			sip_slice_eq(old.realm, c->realm))
			return !c->stale || sip_slice_eq(old.nonce, c->nonce);
	return false;
}

static int write_credentials(struct cp_shard *shard, const struct cfg_register *reg,
	const struct sip_challenge *c, const struct sip_message *request, char *out, size_t size)
{
	struct sip_answer_request a = {
		.challenge = c,
		.user = reg->auth_user,
		.password = reg->password,
		.method = request->method_text,
		.uri = request->uri_text,
		.body = sip_message_body(request),
		.nc = 1,
	};
	uint8_t random[8];
	char cnonce[17];

	shard->ops->random(shard->ctx, random, sizeof(random));
	for (unsigned i = 0; i < 8; i++)
		snprintf(cnonce + 2 * i, 3, "%02x", random[i]);
	a.cnonce = cnonce;
	return sip_credentials_write(&a, out, size);
}

bool cp_enrol_challenged(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, struct sip_slice bytes)
{
	bool proxy = m->status == 407;
	enum sip_header_id asks = proxy ? SIP_H_PROXY_AUTHENTICATE : SIP_H_WWW_AUTHENTICATE;
	enum sip_header_id answers = proxy ? SIP_H_PROXY_AUTHORIZATION : SIP_H_AUTHORIZATION;
	struct cp_exchange *x = sip_tx_user(tx);
	const struct cp_peer *peer = x ? asked(x) : NULL;
	struct sip_message *request = &shard->message;
	struct sip_transaction *again;
	struct sip_challenge c;
	char value[1024], line[1100];

	if (!peer || !peer->cfg->reg || x->client != tx || !find_challenge(m, asks, &c) ||
		sip_message_index(request, (const uint8_t *)bytes.p, bytes.n) ||
		was_tried(request, answers, &c) ||
		write_credentials(shard, peer->cfg->reg, &c, request, value, sizeof(value)) < 0)
		return false;
	snprintf(line, sizeof(line), "%s: %s\r\n", sip_header_name(answers), value);
	if (sip_request_again(shard->dialogs, tx, bytes, sip_str(line), answers, &again))
		return false;
	x->client = again;
	if (x->kind == CP_X_REGISTER)
		((struct cp_enrol *)x)->cseq++;
	return true;
}
