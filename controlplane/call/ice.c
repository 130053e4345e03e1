// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/ice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/call/call.h"
#include "controlplane/call/media.h"
#include "controlplane/secure/binding.h"
#include "sip/sdp/frag.h"

#define TA_MS       50u  // RFC 8445 14.2
#define RTO_MS      500u // RFC 8489 6.2.1
#define TRIES       7u
#define PATIENCE_MS 500u      // for a better pair than the first that answers
#define CONSENT_MS  5000u     // RFC 7675 5.1, a fifth more or less
#define CONSENT_US  30000000u // so long an answer holds
#define NOBODY      UINT8_MAX

// RFC 8445 5.1.2: of a peer-reflexive candidate, the only kind that a check can find.
#define PRIORITY ((110u << 24) + (65535u << 8) + 255u)

enum pair_state {
	PAIR_CHECKED, // it is asked
	PAIR_VALID,   // it has answered
	PAIR_IN_USE,  // it is nominated, or asked for consent
	PAIR_FAILED,
};

struct pair {
	struct abi_addr remote;
	uint32_t priority; // as the party says
	uint8_t component; // 0 RTP, 1 RTCP
	uint8_t state;
	uint8_t tries; // of this transaction
	bool use;      // it nominates
	uint8_t id[CP_BINDING_ID];
	uint64_t due_ms; // of its next check; 0: none is due
};

struct component {
	uint8_t in_use; // pair; NOBODY
	bool nominated; // it has answered to that
	bool lost;      // was told
	uint64_t decide_ms; // a valid pair is taken then, whatever may come; 0: there is none
	uint64_t answered_us;
};

struct cp_ice {
	struct sip_timer timer;
	struct cp_session *session;
	uint8_t leg;
	uint8_t pairs;
	uint64_t sent_ms; // the last check
	struct pair pair[2 * SDP_CANDIDATES]; // the best first
	struct component component[2];
	struct cp_binding binding;
	char username[ABI_ICE_UFRAG + SDP_UFRAG + 96];
	char password[257]; // RFC 8839 5.4
	char mid[32];
};

static uint64_t now_ms(const struct cp_ice *a)
{
	return sip_layer_now(a->session->call->shard->layer);
}

// ---- one check ------------------------------------------------------------------------------------

static void begin(struct cp_ice *a, struct pair *p, bool use, unsigned in_ms)
{
	struct cp_shard *shard = a->session->call->shard;

	shard->ops->random(shard->ctx, p->id, sizeof(p->id));
	p->tries = 0;
	p->use = use;
	p->due_ms = now_ms(a) + in_ms;
}

// Half a second, one, two, ...: as a transaction of STUN over UDP is sent again.
static unsigned wait_of(const struct pair *p)
{
	return RTO_MS << (p->tries < 4 ? p->tries - 1 : 3);
}

static void send_check(struct cp_ice *a, struct pair *p)
{
	struct cp_session *s = a->session;
	struct cp_shard *shard = s->call->shard;
	struct abi_punt packet = {.kind = ABI_PUNT_STUN};

	memcpy(a->binding.id, p->id, sizeof(p->id));
	a->binding.use = p->use;
	packet.slot = s->slot;
	packet.generation = s->generation;
	packet.leg = a->leg;
	packet.component = p->component;
	packet.remote = p->remote;
	packet.length = (uint16_t)cp_binding_request(&a->binding, packet.data, sizeof(packet.data));
	p->tries++;
	p->due_ms = now_ms(a) + wait_of(p);
	a->sent_ms = now_ms(a);
	if (packet.length && shard->ops->inject)
		shard->ops->inject(shard->ctx, &packet);
}

// ---- the list -------------------------------------------------------------------------------------

static unsigned count_of(const struct cp_ice *a, unsigned component)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->pairs; i++)
		n += a->pair[i].component == component;
	return n;
}

static void use(struct cp_ice *a, unsigned i)
{
	a->component[a->pair[i].component].in_use = (uint8_t)i;
	a->pair[i].state = PAIR_IN_USE;
	begin(a, &a->pair[i], true, 1);
}

// All candidates of a component from the beginning.
static void check_all(struct cp_ice *a, unsigned component)
{
	bool alone = count_of(a, component) == 1;

	a->component[component].in_use = NOBODY;
	a->component[component].nominated = false;
	a->component[component].decide_ms = 0;
	for (unsigned i = 0; i < a->pairs; i++) {
		if (a->pair[i].component != component)
			continue;
		a->pair[i].state = PAIR_CHECKED;
		begin(a, &a->pair[i], false, 1); // behind the plan, which hawse-media needs first
		if (alone)
			use(a, i);
	}
}

static void tell_lost(struct cp_ice *a, unsigned component)
{
	struct component *c = &a->component[component];
	bool nominated = c->nominated;

	if (c->lost)
		return;
	c->lost = true;
	cp_secure_lost(a->session, a->leg, component, nominated);
}

// Nominates what there is, if that is to be; or begins anew when there is nothing.
static void decide(struct cp_ice *a, unsigned component)
{
	struct component *c = &a->component[component];
	unsigned best = NOBODY, open = NOBODY;

	if (c->in_use != NOBODY)
		return;
	for (unsigned i = a->pairs; i-- > 0;) {
		if (a->pair[i].component != component)
			continue;
		if (a->pair[i].state == PAIR_VALID)
			best = i;
		if (a->pair[i].state == PAIR_CHECKED)
			open = i;
	}
	if (best != NOBODY) {
		if (open > best || now_ms(a) >= c->decide_ms)
			use(a, best);
	} else if (open == NOBODY && count_of(a, component)) {
		tell_lost(a, component);
		check_all(a, component);
	}
}

// It has not answered at all.
static void give_up(struct cp_ice *a, unsigned i)
{
	struct pair *p = &a->pair[i];
	struct component *c = &a->component[p->component];

	if (p->state == PAIR_IN_USE && (c->nominated || count_of(a, p->component) == 1)) {
		if (!c->nominated)
			tell_lost(a, p->component);
		begin(a, p, true, 0);
		return;
	}
	if (p->state == PAIR_IN_USE)
		c->in_use = NOBODY;
	p->state = PAIR_FAILED;
	p->due_ms = 0;
}

static void mind_consent(struct cp_ice *a, unsigned component)
{
	struct component *c = &a->component[component];

	if (!c->nominated || a->session->call->shard->now_us - c->answered_us <= CONSENT_US)
		return;
	tell_lost(a, component);
	check_all(a, component);
}

// ---- time -----------------------------------------------------------------------------------------

static struct pair *first_due(struct cp_ice *a)
{
	struct pair *first = NULL;

	for (unsigned i = 0; i < a->pairs; i++)
		if (a->pair[i].due_ms && (!first || a->pair[i].due_ms < first->due_ms))
			first = &a->pair[i];
	return first;
}

static void schedule(struct cp_ice *a)
{
	const struct pair *first = first_due(a);
	uint64_t at = first ? first->due_ms : UINT64_MAX;

	if (at < a->sent_ms + TA_MS)
		at = a->sent_ms + TA_MS;
	for (unsigned i = 0; i < 2; i++)
		if (a->component[i].in_use == NOBODY && a->component[i].decide_ms &&
			a->component[i].decide_ms < at)
			at = a->component[i].decide_ms;
	if (at != UINT64_MAX)
		sip_timer_start(
			sip_layer_wheel(a->session->call->shard->layer), &a->timer, at);
}

static void fire(struct sip_timer *timer, void *ctx)
{
	struct cp_ice *a = (struct cp_ice *)((char *)timer - offsetof(struct cp_ice, timer));
	struct pair *p;

	for (unsigned i = 0; i < 2; i++)
		mind_consent(a, i);
	for (unsigned i = 0; i < a->pairs; i++)
		if (a->pair[i].due_ms && a->pair[i].due_ms <= now_ms(a) &&
			a->pair[i].tries == TRIES)
			give_up(a, i);
	for (unsigned i = 0; i < 2; i++)
		decide(a, i);
	p = first_due(a);
	if (p && p->due_ms <= now_ms(a))
		send_check(a, p);
	schedule(a);
}

// ---- from the SDP ---------------------------------------------------------------------------------

static bool same_addr(const struct abi_addr *a, const struct abi_addr *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

// Into the list, by its priority. False: it is there already, or there are too many.
static bool add_pair(struct cp_ice *a, const struct sdp_candidate *from)
{
	struct pair p = {.priority = from->priority, .component = (uint8_t)(from->component - 1)};
	unsigned at = a->pairs;

	p.remote.family = from->family;
	p.remote.port = from->port;
	memcpy(p.remote.ip, from->ip, sizeof(p.remote.ip));
	if (a->pairs == sizeof(a->pair) / sizeof(a->pair[0]))
		return false;
	for (unsigned i = 0; i < a->pairs; i++)
		if (a->pair[i].component == p.component && same_addr(&a->pair[i].remote, &p.remote))
			return false;
	while (at > 0 && a->pair[at - 1].priority < p.priority) {
		a->pair[at] = a->pair[at - 1];
		at--;
	}
	a->pair[at] = p;
	a->pairs++;
	for (unsigned i = 0; i < 2; i++)
		if (a->component[i].in_use != NOBODY && a->component[i].in_use >= at)
			a->component[i].in_use++;
	return true;
}

// The address of the m-line, which a lite party's candidates have among them.
static struct sdp_candidate whole_line(const struct sdp_plan_leg *in)
{
	struct sdp_candidate c = {
		.component = 1, .family = in->rtp.family, .port = in->rtp.port};

	memcpy(c.ip, in->rtp.ip, sizeof(c.ip));
	return c;
}

static bool add_all(struct cp_ice *a, const struct sdp_plan_leg *in)
{
	const struct sdp_candidate line = whole_line(in);
	bool added = false;

	for (unsigned i = 0; i < in->secure.candidates; i++) {
		const struct sdp_candidate *c = &in->secure.candidate[i];

		if (c->family == in->local.family && (c->component == 1 || !in->rtcp_mux))
			added |= add_pair(a, c);
	}
	if (!count_of(a, 0) && line.family && line.port)
		added |= add_pair(a, &line);
	return added;
}

static struct cp_ice *agent_new(struct cp_session *s, unsigned leg, uint64_t tie_breaker)
{
	struct cp_ice *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	s->secure[leg]->agent = a;
	a->timer.fire = fire;
	a->session = s;
	a->leg = (uint8_t)leg;
	a->component[0].in_use = a->component[1].in_use = NOBODY;
	a->binding.username = a->username;
	a->binding.password = a->password;
	a->binding.priority = PRIORITY;
	a->binding.tie_breaker = tie_breaker;
	return a;
}

// More candidates, or the first ones.
static void check_more(struct cp_ice *a)
{
	for (unsigned i = 0; i < 2; i++)
		if (count_of(a, i) && !a->component[i].nominated)
			check_all(a, i);
	schedule(a);
}

int cp_ice_check(
	struct cp_session *s, unsigned leg, const struct sdp_plan_leg *in, uint64_t tie_breaker)
{
	const struct sdp_plan_secure *p = &in->secure;
	struct cp_ice *a = s->secure[leg]->agent, fresh = {.pairs = 0};
	bool restart, added;

	if (p->remote_ufrag.len > 96 || p->remote_pwd.len >= sizeof(fresh.password))
		return 0; // none that it could answer
	snprintf(fresh.username, sizeof(fresh.username), "%.*s:%s", (int)p->remote_ufrag.len,
		p->remote_ufrag.ptr, p->ufrag);
	snprintf(fresh.password, sizeof(fresh.password), "%.*s", (int)p->remote_pwd.len,
		p->remote_pwd.ptr);
	restart = !a || strcmp(a->username, fresh.username) != 0 ||
		  strcmp(a->password, fresh.password) != 0;
	if (restart) {
		cp_ice_stop(s, leg);
		a = agent_new(s, leg, tie_breaker);
	}
	if (a && restart) {
		memcpy(a->username, fresh.username, sizeof(a->username));
		memcpy(a->password, fresh.password, sizeof(a->password));
		snprintf(a->mid, sizeof(a->mid), "%.*s", (int)p->mid.len, p->mid.len ? p->mid.ptr : "");
	}
	explicit_bzero(&fresh, sizeof(fresh));
	if (!a)
		return -ENOMEM;
	added = add_all(a, in);
	if (added)
		check_more(a);
	return 0;
}

unsigned cp_ice_add(struct cp_session *s, unsigned leg, const struct sdp_frag *frag)
{
	struct cp_ice *a = s->secure[leg] ? s->secure[leg]->agent : NULL;
	size_t n = frag->ufrag.len;
	unsigned added = 0;

	if (!a || strncmp(a->username, frag->ufrag.ptr, n) != 0 || a->username[n] != ':')
		return 0;
	for (unsigned i = 0; i < frag->count; i++) {
		const struct sdp_str *mid = &frag->item[i].mid;
		const struct sdp_candidate *c = &frag->item[i].candidate;

		if (c->family == s->plan.leg[leg].family && (c->component == 1 || count_of(a, 1)) &&
			(!mid->len || sdp_str_is(*mid, a->mid)))
			added += add_pair(a, c);
	}
	if (added)
		check_more(a);
	return added;
}

void cp_ice_stop(struct cp_session *s, unsigned leg)
{
	struct cp_ice *a = s->secure[leg]->agent;

	if (!a)
		return;
	sip_timer_stop(sip_layer_wheel(s->call->shard->layer), &a->timer);
	explicit_bzero(a, sizeof(*a));
	free(a);
	s->secure[leg]->agent = NULL;
}

// ---- answers --------------------------------------------------------------------------------------

static void answered(struct cp_ice *a, unsigned i)
{
	struct pair *p = &a->pair[i];
	struct component *c = &a->component[p->component];
	bool first = !c->nominated;

	if (p->state != PAIR_IN_USE) {
		p->state = PAIR_VALID;
		p->due_ms = 0;
		if (!c->decide_ms)
			c->decide_ms = now_ms(a) + PATIENCE_MS;
		decide(a, p->component);
		schedule(a);
		return;
	}
	c->nominated = true;
	c->lost = false;
	c->answered_us = a->session->call->shard->now_us;
	begin(a, p, true, 0);
	p->due_ms += CONSENT_MS * 4 / 5 + CONSENT_MS * 2 / 5 * p->id[0] / 255;
	for (unsigned k = 0; k < a->pairs && first; k++) // what else there is has lost
		if (a->pair[k].component == p->component && k != i)
			a->pair[k].due_ms = 0;
	schedule(a);
	if (first)
		cp_secure_nominated(a->session, a->leg, p->component, &p->remote);
}

bool cp_ice_punt(struct cp_session *s, const struct abi_punt *packet)
{
	struct cp_ice *a = s->secure[packet->leg]->agent;

	for (unsigned i = 0; a && i < a->pairs; i++) {
		struct pair *p = &a->pair[i];

		// RFC 8445 7.2.5.2.1: from where the check went, or it proves nothing.
		if (p->component == packet->component && p->tries && p->due_ms &&
			same_addr(&p->remote, &packet->remote) &&
			cp_binding_accepted(packet->data, packet->length, p->id, a->password)) {
			answered(a, i);
			return true;
		}
	}
	return false;
}

// ---- after a restart ------------------------------------------------------------------------------

int cp_ice_restore(struct cp_call *call)
{
	struct sdp_plan *plan = &call->shard->plan;
	struct sdp_oa copy;
	bool lite = false;
	int err;

	for (unsigned k = 0; k < 2 * CP_SESSIONS; k++) {
		const struct cp_session *s = call->session[k / 2];
		const struct cp_secure *c = s ? s->secure[k % 2] : NULL;

		lite |= c && c->ice && c->credentials.role == ABI_ICE_CONTROLLING;
	}
	if (!lite)
		return 0;
	// Whoever takes the plan next compares it with the last one taken: that is not this one.
	sdp_oa_clone(&copy, &call->oa);
	err = sdp_oa_plan(&copy, cp_scratch(call->shard), plan);
	for (unsigned k = 0; k < 2 * CP_SESSIONS && !err; k++) {
		struct cp_session *s = call->session[k / 2];
		const struct cp_secure *c = s ? s->secure[k % 2] : NULL;

		if (c && c->ice && c->credentials.role == ABI_ICE_CONTROLLING &&
			s->stream < plan->n_streams)
			err = cp_ice_check(s, k % 2, &plan->stream[s->stream].leg[k % 2],
				c->credentials.tie_breaker);
	}
	sdp_oa_fini(&copy);
	return err == -ENOMEM ? err : 0;
}
