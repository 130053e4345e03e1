// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/agent/session_slots.h"
#include "dataplane/worker/worker.h"

#define MAIL_MARGIN    64u // places of a mailbox kept for what no command asked for
#define EVENTS_A_TURN  1024u
#define WALK_A_TICK    4096u
#define DEFAULT_CLOCK  8000u
#define BIT(leg, part) (1u << ((leg)*2 + (part)))

enum purpose {
	ORDER_ADD,
	ORDER_UPDATE,
	ORDER_QUERY,  // reply with a report
	ORDER_DELETE, // reply with a report; then the session rests
	ORDER_SWEEP,  // nobody waits; then the session rests
	ORDER_HOP,    // nobody waits
};

struct order {
	struct dp_mail mail; // first: a mail that comes back is its order
	struct order *next;
	uint64_t ticket;
	uint32_t slot;
	uint8_t purpose;
	uint16_t release[2][2]; // next hops that no leg names any more when it is back
};

struct sessions {
	struct sessions_config c;
	struct slots slots;
	struct order *spare;
	uint32_t generation;  // of the control plane
	uint64_t sweep_at_us; // 0: not asked for
	uint32_t sweep_next;  // slot
	uint32_t walk_next;   // slot to reroute next
	bool walking, walk_again;
};

static struct region *region_of(const struct sessions *s)
{
	return s->c.region;
}

static struct abi_session_entry *entry_of(const struct sessions *s, uint32_t slot)
{
	return &s->c.region->directory[slot];
}

int sessions_new(struct sessions **out, const struct sessions_config *config)
{
	struct sessions *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->c = *config;
	if (slots_create(&s->slots, config->region, config->count, config->rest_us)) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	for (uint32_t w = 0; w < s->c.worker_count; w++) {
		struct dp_mail *mail;

		while ((mail = dp_worker_reply(s->c.workers[w])))
			free(mail);
	}
	while (s->spare) {
		struct order *next = s->spare->next;

		free(s->spare);
		s->spare = next;
	}
	slots_destroy(&s->slots);
	free(s);
}

bool sessions_room(const struct sessions *s)
{
	for (uint32_t w = 0; w < s->c.worker_count; w++)
		if (dp_worker_out(s->c.workers[w]) >= DP_MAIL_SLOTS - MAIL_MARGIN)
			return false;
	return true;
}

// ---- orders ---------------------------------------------------------------------------------------

static struct order *order_new(
	struct sessions *s, enum purpose purpose, enum dp_mail_type type, uint32_t slot)
{
	struct order *order = s->spare;

	if (order)
		s->spare = order->next;
	else
		order = malloc(sizeof(*order));
	if (!order)
		return NULL;
	memset(order, 0, sizeof(*order));
	memset(order->release, 0xff, sizeof(order->release));
	order->mail.type = type;
	order->purpose = purpose;
	order->slot = slot;
	order->ticket = OUTBOX_NONE;
	return order;
}

static void order_free(struct sessions *s, struct order *order)
{
	order->next = s->spare;
	s->spare = order;
}

static int order_send(struct sessions *s, struct order *order)
{
	return dp_worker_send(s->c.workers[entry_of(s, order->slot)->worker], &order->mail);
}

static struct dp_leg *leg_of(const struct sessions *s, uint32_t slot, unsigned leg)
{
	const struct abi_leg_ports *ports = &entry_of(s, slot)->ports[leg];

	return dp_table_leg(&s->c.table->endpoint[ports->endpoint], ports->rtp_port);
}

// An order that only names the session. 0, -ENOMEM or -EBUSY.
static int order_target(struct sessions *s, enum purpose purpose, enum dp_mail_type type,
	uint32_t slot, uint64_t ticket)
{
	struct order *order = order_new(s, purpose, type, slot);
	int err;

	if (!order)
		return -ENOMEM;
	order->ticket = ticket;
	order->mail.target.slot = slot;
	order->mail.target.generation = entry_of(s, slot)->generation;
	order->mail.target.legs = entry_of(s, slot)->legs;
	for (unsigned i = 0; i < entry_of(s, slot)->legs; i++)
		order->mail.target.leg[i] = leg_of(s, slot, i);
	err = order_send(s, order);
	if (err)
		order_free(s, order);
	return err;
}

// ---- replies --------------------------------------------------------------------------------------

static void fail(struct sessions *s, uint64_t ticket, int err, enum abi_field field, unsigned leg)
{
	if (err == -ENOMEM)
		err = -EBUSY; // it may be there next time
	if (err == -EBUSY)
		region_count(region_of(s), AGENT_BUSY);
	outbox_fail(s->c.outbox, ticket, err, field, leg);
}

static void reply_ports(struct sessions *s, uint64_t ticket, uint32_t slot)
{
	const struct abi_session_entry *entry = entry_of(s, slot);
	struct abi_msg *msg = outbox_reply(s->c.outbox, ticket);
	struct abi_ports ports = {
		.worker = entry->worker, .legs = entry->legs, .state = entry->state};

	if (!msg)
		return;
	for (unsigned i = 0; i < entry->legs; i++) {
		const struct abi_leg_ports *from = &entry->ports[i];
		const struct abi_endpoint *endpoint = &region_of(s)->endpoints[from->endpoint];
		struct abi_leg_local *to = &ports.leg[i];

		memcpy(to->ip, endpoint->ip, sizeof(to->ip));
		to->family = endpoint->family;
		to->interface_index = endpoint->interface_index;
		to->rtp_port = from->rtp_port;
		to->rtcp_port = from->rtcp_port;
		to->kind = from->kind;
	}
	msg->slot = slot;
	msg->generation = entry->generation;
	memcpy(msg->payload, &ports, sizeof(ports));
	outbox_done(s->c.outbox, ticket);
}

static void reply_report(
	struct sessions *s, uint64_t ticket, const struct abi_leg_stats *stats, unsigned legs)
{
	struct abi_msg *msg = outbox_reply(s->c.outbox, ticket);

	if (!msg)
		return;
	memcpy(msg->payload, stats, sizeof(*stats) * legs);
	outbox_done(s->c.outbox, ticket);
}

// The numbers that region A has of a session; zeros when it never forwarded.
static void published(const struct sessions *s, uint32_t slot, struct abi_leg_stats stats[2])
{
	memset(stats, 0, sizeof(*stats) * 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct abi_leg_slot *from = &region_of(s)->legs[(size_t)slot * 2 + i];
		struct abi_leg_slot copy;

		if (abi_read_record(&copy, from, sizeof(copy), &from->sequence) &&
			copy.generation == entry_of(s, slot)->generation)
			stats[i] = copy.stats;
	}
}

static void reply_published(struct sessions *s, uint64_t ticket, uint32_t slot)
{
	struct abi_leg_stats stats[2];

	published(s, slot, stats);
	reply_report(s, ticket, stats, 2);
}

static void tell(struct sessions *s, uint16_t type, uint32_t slot, const void *payload, size_t size)
{
	struct abi_msg msg;

	abi_msg_init(&msg, type, 0, slot, entry_of(s, slot)->generation);
	if (size)
		memcpy(msg.payload, payload, size);
	if (outbox_event(s->c.outbox, &msg))
		region_count(region_of(s), AGENT_EVENTS);
	else if (outbox_is_open(s->c.outbox))
		region_count(region_of(s), AGENT_EVENTS_LOST);
}

// ---- PORT_ALLOC -----------------------------------------------------------------------------------

static uint64_t digest(const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	uint64_t h = 0xcbf29ce484222325ull;

	while (size--)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}

static int wanted_worker(const struct sessions *s, const struct abi_port_alloc *alloc)
{
	const struct abi_session_entry *entry;

	if (alloc->affinity == ABI_NO_SLOT)
		return -1;
	entry = entry_of(s, alloc->affinity);
	if (entry->state != ABI_SESSION_ALLOCATED && entry->state != ABI_SESSION_ACTIVE)
		return -1;
	return entry->worker;
}

static int take_ports(struct sessions *s, const struct abi_port_alloc *alloc, uint64_t now_us,
	struct abi_leg_ports got[2])
{
	struct dp_port_want want[2] = {{0}};
	int worker = wanted_worker(s, alloc), got_worker;

	for (unsigned i = 0; i < alloc->legs; i++) {
		want[i].interface_index = alloc->leg[i].interface_index;
		want[i].family = alloc->leg[i].family;
		want[i].kind = alloc->leg[i].kind;
		want[i].rtp_port = alloc->leg[i].rtp_port;
		memcpy(want[i].ip, alloc->leg[i].ip, sizeof(want[i].ip));
	}
	got_worker = dp_ports_take(s->c.ports, want, alloc->legs, worker, now_us, got);
	if (got_worker == -ENOSPC && worker >= 0) // another worker's is better than none
		got_worker = dp_ports_take(s->c.ports, want, alloc->legs, -1, now_us, got);
	return got_worker;
}

static void mux_odd(
	struct sessions *s, const struct abi_leg_ports *ports, unsigned legs, bool muxed)
{
	for (unsigned i = 0; i < legs; i++)
		if (ports[i].kind == ABI_LEG_MUX && ports[i].rtp_port % 2)
			dp_table_mux(s->c.table, ports[i].endpoint, ports[i].rtp_port, muxed);
}

static int touch(struct sessions *s, const struct abi_leg_ports *ports, unsigned legs)
{
	int err = 0;

	for (unsigned i = 0; i < legs && !err; i++)
		err = dp_table_touch(s->c.table, ports[i].endpoint, ports[i].rtp_port);
	return err;
}

static void count_no_ports(struct sessions *s, int err)
{
	region_count(region_of(s), err == -ENOSPC         ? AGENT_NO_PORTS
				   : err == -EAFNOSUPPORT ? AGENT_NO_ADDRESS
							  : AGENT_BUSY);
}

static void alloc_ports(
	struct sessions *s, const struct abi_msg *command, uint64_t ticket, uint64_t now_us)
{
	struct slots_new new = {.transaction = command->transaction, .owner = s->generation};
	uint32_t slot = slots_find(&s->slots, command->transaction);
	struct abi_port_alloc alloc;
	int worker;

	memcpy(&alloc, command->payload, sizeof(alloc));
	new.wish = digest(&alloc, sizeof(alloc));
	if (slot != ABI_NO_SLOT) {
		if (s->slots.session[slot].wish != new.wish) {
			fail(s, ticket, -EINVAL, ABI_FIELD_TRANSACTION, 0);
			return;
		}
		region_count(region_of(s), AGENT_ALLOCATIONS_AGAIN);
		slots_own(&s->slots, slot, s->generation);
		reply_ports(s, ticket, slot);
		return;
	}
	if (s->slots.used == s->slots.count) {
		region_count(region_of(s), AGENT_NO_SLOTS);
		fail(s, ticket, -ENFILE, ABI_FIELD_NONE, 0);
		return;
	}
	worker = take_ports(s, &alloc, now_us, new.ports);
	if (worker < 0) {
		count_no_ports(s, worker);
		fail(s, ticket, worker, worker == -EINVAL ? ABI_FIELD_PORT : ABI_FIELD_NONE, 0);
		return;
	}
	new.call = alloc.call;
	new.worker = (uint8_t)worker;
	new.legs = alloc.legs;
	if (touch(s, new.ports, new.legs)) {
		dp_ports_give(s->c.ports, new.ports, new.legs, now_us);
		fail(s, ticket, -ENOMEM, ABI_FIELD_NONE, 0);
		return;
	}
	mux_odd(s, new.ports, new.legs, true);
	slot = slots_take(&s->slots, &new, now_us);
	region_count(region_of(s), AGENT_ALLOCATIONS);
	reply_ports(s, ticket, slot);
}

// ---- plans ----------------------------------------------------------------------------------------

// Where one component of a leg will send to.
struct aim {
	bool any;
	bool learned;
	uint8_t ip[16];
};

static bool keeps_learned(const struct session *session, unsigned leg, unsigned part,
	const struct abi_leg_plan *want, const uint8_t *signalled)
{
	if (!(session->learned & BIT(leg, part)) || (want->flags & ABI_LEG_RELEARN))
		return false;
	return want->source_policy == ABI_SOURCE_ANY ||
	       (want->source_policy == ABI_SOURCE_ADDRESS &&
		       memcmp(signalled, session->remote_ip[leg][part], 16) == 0);
}

static struct aim aim_at(
	const struct session *session, unsigned leg, unsigned part, const struct abi_leg_plan *want)
{
	bool own = part == 1 && want->remote_rtcp_port && !(want->flags & ABI_LEG_RTCP_MUX);
	const uint8_t *ip = own ? want->remote_rtcp_ip : want->remote_rtp_ip;
	struct aim aim = {.any = own || want->remote_rtp_port};

	aim.learned = keeps_learned(session, leg, part, want, ip);
	aim.any |= aim.learned;
	memcpy(aim.ip, aim.learned ? session->remote_ip[leg][part] : ip, 16);
	return aim;
}

// The next hop of one component; DP_ADJACENCY_NONE when it needs none. 0 or -EHOSTUNREACH.
static int find_hop(struct sessions *s, const struct abi_leg_ports *ports, const struct aim *aim,
	uint64_t now_us, uint16_t *index)
{
	const struct abi_endpoint *endpoint = &region_of(s)->endpoints[ports->endpoint];
	int err;

	*index = DP_ADJACENCY_NONE;
	if (!aim->any)
		return 0;
	// Our own media addresses are not behind any wire.
	if (dp_table_find(s->c.table, aim->ip, endpoint->family) != DP_NO_ENDPOINT)
		return -EHOSTUNREACH;
	err = hops_get(
		s->c.hops, endpoint->interface_index, endpoint->family, aim->ip, now_us, index);
	if (err == -ENOSPC)
		region_count(region_of(s), AGENT_HOPS_EXHAUSTED);
	return err ? -EHOSTUNREACH : 0;
}

struct aims {
	struct aim aim[2][2];
	uint16_t adjacency[2][2];
};

static void put_all(struct sessions *s, uint16_t adjacency[2][2])
{
	for (unsigned i = 0; i < 4; i++) {
		hops_put(s->c.hops, adjacency[i / 2][i % 2]);
		adjacency[i / 2][i % 2] = DP_ADJACENCY_NONE;
	}
}

// Looks up the way to all remotes of a plan. A source that is to be learned may be unreachable as
// signalled: a phone behind NAT says its private address. *leg: which one has no route.
static int find_hops(struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	uint64_t now_us, struct aims *aims, unsigned *leg)
{
	const struct abi_session_entry *entry = entry_of(s, slot);

	memset(aims, 0, sizeof(*aims));
	memset(aims->adjacency, 0xff, sizeof(aims->adjacency));
	for (*leg = 0; *leg < entry->legs; (*leg)++) {
		const struct abi_leg_plan *want = &plan->leg[*leg];

		for (unsigned part = 0; part < 2; part++) {
			struct aim *aim = &aims->aim[*leg][part];
			int err;

			*aim = aim_at(&s->slots.session[slot], *leg, part, want);
			err = find_hop(
				s, &entry->ports[*leg], aim, now_us, &aims->adjacency[*leg][part]);
			if (err && want->source_policy != ABI_SOURCE_ANY) {
				put_all(s, aims->adjacency);
				return err;
			}
		}
	}
	return 0;
}

static void fill_plan(const struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	const struct aims *aims, struct dp_plan *out)
{
	const struct abi_session_entry *entry = entry_of(s, slot);

	out->slot = slot;
	out->generation = entry->generation;
	out->timeout_ms = plan->timeout_ms;
	out->clock_rate = plan->clock_rate ? plan->clock_rate : DEFAULT_CLOCK;
	out->legs = entry->legs;
	for (unsigned i = 0; i < entry->legs; i++) {
		struct dp_leg_plan *leg = &out->leg[i];

		leg->leg = leg_of(s, slot, i);
		leg->ports = entry->ports[i];
		memcpy(leg->local_ip, s->c.region->endpoints[entry->ports[i].endpoint].ip, 16);
		leg->want = plan->leg[i];
		leg->adjacency[0] = aims->adjacency[i][0];
		leg->adjacency[1] = aims->adjacency[i][1];
	}
	dp_plan_prepare(out);
}

// The worker has the order: what the session sends to is what the plan says.
static void adopt(struct session *session, struct order *order, const struct aims *aims)
{
	memcpy(order->release, session->adjacency, sizeof(order->release));
	memcpy(session->adjacency, aims->adjacency, sizeof(session->adjacency));
	session->remote = session->learned = 0;
	for (unsigned leg = 0; leg < 2; leg++) {
		for (unsigned part = 0; part < 2; part++) {
			const struct aim *aim = &aims->aim[leg][part];

			memcpy(session->remote_ip[leg][part], aim->ip, 16);
			session->remote |= (uint8_t)(aim->any ? BIT(leg, part) : 0);
			session->learned |= (uint8_t)(aim->learned ? BIT(leg, part) : 0);
		}
	}
}

// The same plan again changes nothing and gets the same kind of answer.
static void plan_again(struct sessions *s, const struct abi_msg *command, uint64_t ticket)
{
	int err;

	if (command->type == ABI_SESSION_ADD) {
		outbox_done(s->c.outbox, ticket);
		return;
	}
	err = order_target(s, ORDER_QUERY, DP_MAIL_QUERY, command->slot, ticket);
	if (err)
		fail(s, ticket, err, ABI_FIELD_NONE, 0);
}

static void plan_session(
	struct sessions *s, const struct abi_msg *command, uint64_t ticket, uint64_t now_us)
{
	struct session *session = &s->slots.session[command->slot];
	bool report = command->type == ABI_SESSION_UPDATE;
	struct abi_session_plan plan;
	struct order *order;
	struct aims aims;
	unsigned leg;
	int err;

	if (session->deleting) {
		region_count(region_of(s), AGENT_NO_SESSION);
		fail(s, ticket, -ENOENT, ABI_FIELD_STATE, 0);
		return;
	}
	slots_own(&s->slots, command->slot, s->generation);
	if (session->known && session->plan_transaction == command->transaction) {
		plan_again(s, command, ticket);
		return;
	}
	memcpy(&plan, command->payload, sizeof(plan));
	err = find_hops(s, command->slot, &plan, now_us, &aims, &leg);
	if (err) {
		region_count(region_of(s), AGENT_NO_ROUTE);
		fail(s, ticket, err, ABI_FIELD_ADDRESS, leg);
		return;
	}
	order = order_new(s, report ? ORDER_UPDATE : ORDER_ADD,
		session->known ? DP_MAIL_UPDATE : DP_MAIL_ADD, command->slot);
	err = order ? 0 : -ENOMEM;
	if (order) {
		order->ticket = ticket;
		fill_plan(s, command->slot, &plan, &aims, &order->mail.plan);
		err = order_send(s, order);
	}
	if (err) {
		put_all(s, aims.adjacency);
		if (order)
			order_free(s, order);
		fail(s, ticket, err, ABI_FIELD_NONE, 0);
		return;
	}
	adopt(session, order, &aims);
	session->plan_transaction = command->transaction;
	session->known = true;
	slots_state(&s->slots, command->slot, ABI_SESSION_ACTIVE);
}

// ---- the end of a session -------------------------------------------------------------------------

static void finish(struct sessions *s, uint32_t slot, uint64_t now_us)
{
	struct abi_session_entry *entry = entry_of(s, slot);

	put_all(s, s->slots.session[slot].adjacency);
	mux_odd(s, entry->ports, entry->legs, false);
	dp_ports_give(s->c.ports, entry->ports, entry->legs, now_us);
	slots_rest(&s->slots, slot, now_us);
}

static void delete_session(struct sessions *s, uint32_t slot, uint64_t ticket, uint64_t now_us)
{
	struct session *session = &s->slots.session[slot];
	int err;

	if (entry_of(s, slot)->state == ABI_SESSION_QUARANTINE) {
		reply_published(s, ticket, slot);
		return;
	}
	if (!session->known) {
		finish(s, slot, now_us);
		reply_published(s, ticket, slot);
		return;
	}
	// A second DELETE waits behind the first at the worker, and finds its numbers in region A.
	if (session->deleting)
		err = order_target(s, ORDER_QUERY, DP_MAIL_QUERY, slot, ticket);
	else
		err = order_target(s, ORDER_DELETE, DP_MAIL_DELETE, slot, ticket);
	if (err)
		fail(s, ticket, err, ABI_FIELD_NONE, 0);
	else
		session->deleting = true;
}

static void query_session(struct sessions *s, uint32_t slot, uint64_t ticket)
{
	int err;

	if (!s->slots.session[slot].known) {
		reply_published(s, ticket, slot);
		return;
	}
	err = order_target(s, ORDER_QUERY, DP_MAIL_QUERY, slot, ticket);
	if (err)
		fail(s, ticket, err, ABI_FIELD_NONE, 0);
}

// ---- a control plane comes back -------------------------------------------------------------------

static void tell_timeout(struct sessions *s, uint32_t slot, unsigned leg, uint64_t last_us)
{
	struct abi_event_timeout event = {.last_us = last_us, .leg = (uint8_t)leg};

	tell(s, ABI_MEDIA_TIMEOUT, slot, &event, sizeof(event));
}

// What happened while nobody listened: a leg fell silent and still is.
static void claim_session(struct sessions *s, uint32_t slot, uint64_t ticket)
{
	struct session *session = &s->slots.session[slot];
	struct abi_leg_stats stats[2];

	if (session->deleting) {
		fail(s, ticket, -ENOENT, ABI_FIELD_STATE, 0);
		return;
	}
	slots_own(&s->slots, slot, s->generation);
	reply_ports(s, ticket, slot);
	published(s, slot, stats);
	for (unsigned i = 0; i < 2; i++)
		if (session->timeout_us[i] && stats[i].last_us < session->timeout_us[i])
			tell_timeout(s, slot, i, stats[i].last_us);
}

void sessions_attached(struct sessions *s, uint32_t generation)
{
	s->generation = generation;
	s->sweep_at_us = 0;
}

// One slot: sweeps it when nobody has claimed it. False when a mailbox is full.
static bool sweep(struct sessions *s, uint32_t slot, uint64_t now_us)
{
	const struct abi_session_entry *entry = entry_of(s, slot);
	struct session *session = &s->slots.session[slot];

	if ((entry->state != ABI_SESSION_ALLOCATED && entry->state != ABI_SESSION_ACTIVE) ||
		entry->owner == s->generation || session->deleting)
		return true;
	if (session->known) {
		if (order_target(s, ORDER_SWEEP, DP_MAIL_DELETE, slot, OUTBOX_NONE))
			return false;
		session->deleting = true;
		return true;
	}
	tell(s, ABI_SWEPT, slot, NULL, 0);
	region_count(region_of(s), AGENT_SWEPT);
	finish(s, slot, now_us);
	return true;
}

static bool sweep_some(struct sessions *s, uint64_t now_us)
{
	if (s->sweep_at_us == 0 || now_us < s->sweep_at_us)
		return false;
	for (unsigned n = 0; n < WALK_A_TICK && s->sweep_next < s->slots.fresh; n++) {
		if (!sessions_room(s) || !sweep(s, s->sweep_next, now_us))
			return true;
		s->sweep_next++;
	}
	if (s->sweep_next < s->slots.fresh)
		return true;
	s->sweep_at_us = 0;
	return false;
}

// ---- next hops while calls run --------------------------------------------------------------------

// Mails a leg its new next hops. False when that must be tried again.
static bool change_hops(
	struct sessions *s, uint32_t slot, unsigned leg, const uint16_t adjacency[2])
{
	struct session *session = &s->slots.session[slot];
	struct order *order = order_new(s, ORDER_HOP, DP_MAIL_HOP, slot);

	if (!order)
		return false;
	order->mail.hop.slot = slot;
	order->mail.hop.generation = entry_of(s, slot)->generation;
	order->mail.hop.leg = leg_of(s, slot, leg);
	memcpy(order->mail.hop.adjacency, adjacency, sizeof(order->mail.hop.adjacency));
	if (order_send(s, order)) {
		order_free(s, order);
		return false;
	}
	memcpy(order->release[0], session->adjacency[leg], sizeof(order->release[0]));
	memcpy(session->adjacency[leg], adjacency, sizeof(session->adjacency[leg]));
	region_count(region_of(s), AGENT_HOP_CHANGES);
	return true;
}

// Looks whether the leg's remotes are still reached as they were. False: to be tried again.
static bool reroute_leg(struct sessions *s, uint32_t slot, unsigned leg, uint64_t now_us)
{
	const struct abi_leg_ports *ports = &entry_of(s, slot)->ports[leg];
	const struct abi_endpoint *endpoint = &region_of(s)->endpoints[ports->endpoint];
	struct session *session = &s->slots.session[slot];
	uint16_t fresh[2];
	bool same = true;

	for (unsigned part = 0; part < 2; part++)
		if (session->remote & BIT(leg, part))
			same &= hops_same(s->c.hops, endpoint->interface_index, endpoint->family,
				session->remote_ip[leg][part], session->adjacency[leg][part]);
	if (same)
		return true;
	for (unsigned part = 0; part < 2; part++) {
		struct aim aim = {.any = session->remote & BIT(leg, part)};

		memcpy(aim.ip, session->remote_ip[leg][part], 16);
		find_hop(s, ports, &aim, now_us, &fresh[part]);
	}
	if (memcmp(fresh, session->adjacency[leg], sizeof(fresh)) != 0 &&
		change_hops(s, slot, leg, fresh))
		return true;
	same = memcmp(fresh, session->adjacency[leg], sizeof(fresh)) == 0;
	hops_put(s->c.hops, fresh[0]);
	hops_put(s->c.hops, fresh[1]);
	return same;
}

void sessions_reroute(struct sessions *s)
{
	s->walk_again = s->walking;
	if (!s->walking)
		s->walk_next = 0;
	s->walking = true;
}

static bool reroute_some(struct sessions *s, uint64_t now_us)
{
	for (unsigned n = 0; s->walking && n < WALK_A_TICK; n++) {
		uint32_t slot = s->walk_next;

		if (slot >= s->slots.fresh) {
			s->walking = s->walk_again;
			s->walk_again = false;
			s->walk_next = 0;
			continue;
		}
		if (s->slots.session[slot].known && !s->slots.session[slot].deleting)
			for (unsigned i = 0; i < entry_of(s, slot)->legs; i++)
				if (!sessions_room(s) || !reroute_leg(s, slot, i, now_us))
					return true;
		s->walk_next++;
	}
	return s->walking;
}

// ---- what workers say -----------------------------------------------------------------------------

static void answered(struct sessions *s, struct order *order, uint64_t now_us)
{
	const struct dp_mail *mail = &order->mail;
	bool again = order->purpose == ORDER_QUERY && mail->result == -ENOENT;

	put_all(s, order->release);
	if (mail->result && !again)
		region_count(region_of(s), AGENT_WORKER_ERRORS);
	switch (order->purpose) {
	case ORDER_DELETE:
	case ORDER_SWEEP:
		reply_report(s, order->ticket, mail->stats, 2);
		if (order->purpose == ORDER_SWEEP) {
			tell(s, ABI_SWEPT, order->slot, NULL, 0);
			region_count(region_of(s), AGENT_SWEPT);
		}
		finish(s, order->slot, now_us);
		break;
	case ORDER_UPDATE:
	case ORDER_QUERY:
		if (again)
			reply_published(s, order->ticket, order->slot);
		else if (mail->result)
			fail(s, order->ticket, mail->result, ABI_FIELD_STATE, 0);
		else
			reply_report(s, order->ticket, mail->stats, 2);
		break;
	case ORDER_ADD:
		if (mail->result)
			fail(s, order->ticket, mail->result, ABI_FIELD_STATE, 0);
		else
			outbox_done(s->c.outbox, order->ticket);
		break;
	}
	order_free(s, order);
}

static void on_learned(struct sessions *s, const struct dp_event *event, uint64_t now_us)
{
	struct session *session = &s->slots.session[event->slot];
	struct abi_event_learned learned = {
		.remote = event->remote,
		.ssrc = event->ssrc,
		.leg = event->leg,
		.component = event->component,
	};

	tell(s, ABI_LEARNED, event->slot, &learned, sizeof(learned));
	for (unsigned part = event->component; part < 2; part++) {
		// RTCP follows RTP until it has been heard by itself.
		if (part != event->component && (session->learned & BIT(event->leg, part)))
			continue;
		memcpy(session->remote_ip[event->leg][part], event->remote.ip, 16);
		session->remote |= (uint8_t)BIT(event->leg, part);
	}
	session->learned |= (uint8_t)BIT(event->leg, event->component);
	if (!reroute_leg(s, event->slot, event->leg, now_us))
		sessions_reroute(s);
}

static void on_event(struct sessions *s, const struct dp_event *event, uint64_t now_us)
{
	struct session *session;

	if (event->slot >= s->slots.count || event->leg > 1 || event->component > 1)
		return;
	session = &s->slots.session[event->slot];
	if (entry_of(s, event->slot)->generation != event->generation || !session->known ||
		session->deleting)
		return;
	if (event->type == DP_EVENT_LEARNED) {
		on_learned(s, event, now_us);
	} else if (event->type == DP_EVENT_TIMEOUT) {
		session->timeout_us[event->leg] = now_us;
		region_count(region_of(s), AGENT_TIMEOUTS);
		tell_timeout(s, event->slot, event->leg, event->last_us);
	}
}

unsigned sessions_collect(struct sessions *s, uint64_t now_us)
{
	unsigned found = 0;

	for (uint32_t w = 0; w < s->c.worker_count; w++) {
		struct dp_worker *worker = s->c.workers[w];
		struct dp_event event;
		struct dp_mail *mail;

		// Both are bounded by the size of their rings.
		for (unsigned n = 0; n < EVENTS_A_TURN && dp_worker_event(worker, &event); n++) {
			on_event(s, &event, now_us);
			found++;
		}
		for (unsigned n = 0; n < DP_MAIL_SLOTS && (mail = dp_worker_reply(worker)); n++) {
			answered(s, (struct order *)mail, now_us);
			found++;
		}
	}
	return found;
}

// ---- the outside ----------------------------------------------------------------------------------

void sessions_command(
	struct sessions *s, const struct abi_msg *command, uint64_t ticket, uint64_t now_us)
{
	switch (command->type) {
	case ABI_PORT_ALLOC:
		alloc_ports(s, command, ticket, now_us);
		break;
	case ABI_SESSION_ADD:
	case ABI_SESSION_UPDATE:
		plan_session(s, command, ticket, now_us);
		break;
	case ABI_SESSION_DELETE:
		delete_session(s, command->slot, ticket, now_us);
		break;
	case ABI_SESSION_QUERY:
		query_session(s, command->slot, ticket);
		break;
	case ABI_SESSION_CLAIM:
		claim_session(s, command->slot, ticket);
		break;
	case ABI_RECONCILE_DONE:
		s->sweep_at_us = now_us + s->c.grace_us;
		s->sweep_next = 0;
		outbox_done(s->c.outbox, ticket);
		break;
	default: // ABI_PING
		outbox_done(s->c.outbox, ticket);
	}
}

static void gauge(struct sessions *s)
{
	struct dp_ports_info info;

	dp_ports_info(s->c.ports, &info);
	region_gauge(region_of(s), AGENT_SESSIONS, s->slots.used);
	region_gauge(region_of(s), AGENT_PORTS_TOTAL, info.total);
	region_gauge(region_of(s), AGENT_PORTS_USED, info.used);
	region_gauge(region_of(s), AGENT_PORTS_RESTING, info.resting);
	region_gauge(region_of(s), AGENT_HOPS, hops_count(s->c.hops));
}

bool sessions_tick(struct sessions *s, uint64_t now_us)
{
	bool more = sweep_some(s, now_us);

	more |= reroute_some(s, now_us);
	slots_tick(&s->slots, now_us);
	dp_ports_tick(s->c.ports, now_us);
	gauge(s);
	return more;
}
