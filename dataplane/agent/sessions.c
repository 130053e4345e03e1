// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/agent/session_media.h"

#define MAIL_MARGIN   64u // places of a mailbox kept for what no command asked for
#define EVENTS_A_TURN 1024u
#define WALK_A_TICK   4096u

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

void sessions_set_times(struct sessions *s, uint64_t rest_us, uint64_t grace_us)
{
	s->c.rest_us = s->slots.rest_us = rest_us;
	s->c.grace_us = grace_us;
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	for (uint32_t w = 0; w < s->c.worker_count; w++) {
		struct dp_mail *mail;

		while ((mail = dp_worker_reply(s->c.workers[w]))) {
			secure_free_mail(mail);
			free(mail);
		}
	}
	while (s->spare) {
		struct order *next = s->spare->next;

		free(s->spare);
		s->spare = next;
	}
	for (uint32_t slot = 0; slot < s->slots.fresh; slot++) {
		media_end(s, slot);
		secure_free(&s->slots.session[slot]);
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

// Packets to the ports are looked at, or no more.
static void open_ports(
	struct sessions *s, const struct abi_leg_ports *ports, unsigned legs, bool open)
{
	for (unsigned i = 0; i < legs; i++) {
		if (ports[i].kind == ABI_LEG_MUX && ports[i].rtp_port % 2)
			dp_table_mux(s->c.table, ports[i].endpoint, ports[i].rtp_port, open);
		dp_table_open(s->c.table, ports[i].endpoint, ports[i].rtp_port, open);
		dp_table_open(s->c.table, ports[i].endpoint, ports[i].rtcp_port, open);
	}
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
			reply_failure(s, ticket, -EINVAL, ABI_FIELD_TRANSACTION, 0);
			return;
		}
		region_count(region_of(s), AGENT_ALLOCATIONS_AGAIN);
		slots_own(&s->slots, slot, s->generation);
		reply_ports(s, ticket, slot);
		return;
	}
	if (s->slots.used == s->slots.count) {
		region_count(region_of(s), AGENT_NO_SLOTS);
		reply_failure(s, ticket, -ENFILE, ABI_FIELD_NONE, 0);
		return;
	}
	worker = take_ports(s, &alloc, now_us, new.ports);
	if (worker < 0) {
		count_no_ports(s, worker);
		if (worker == -ENOSPC && s->sweep_at_us)
			s->sweep_at_us = now_us; // who is here comes before who is gone
		reply_failure(
			s, ticket, worker, worker == -EINVAL ? ABI_FIELD_PORT : ABI_FIELD_NONE, 0);
		return;
	}
	new.call = alloc.call;
	new.worker = (uint8_t)worker;
	new.legs = alloc.legs;
	if (touch(s, new.ports, new.legs)) {
		dp_ports_give(s->c.ports, new.ports, new.legs, now_us);
		reply_failure(s, ticket, -ENOMEM, ABI_FIELD_NONE, 0);
		return;
	}
	open_ports(s, new.ports, new.legs, true);
	slot = slots_take(&s->slots, &new, now_us);
	region_count(region_of(s), AGENT_ALLOCATIONS);
	reply_ports(s, ticket, slot);
}

// ---- the end of a session -------------------------------------------------------------------------

static void finish(struct sessions *s, uint32_t slot, uint64_t now_us)
{
	struct abi_session_entry *entry = entry_of(s, slot);

	plan_put_hops(s, s->slots.session[slot].adjacency);
	media_end(s, slot);
	secure_free(&s->slots.session[slot]);
	open_ports(s, entry->ports, entry->legs, false);
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
		reply_failure(s, ticket, err, ABI_FIELD_NONE, 0);
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
		reply_failure(s, ticket, err, ABI_FIELD_NONE, 0);
}

// ---- a control plane comes back -------------------------------------------------------------------

static void tell_timeout(struct sessions *s, uint32_t slot, unsigned leg, uint64_t last_us)
{
	struct abi_event_timeout event = {.last_us = last_us, .leg = (uint8_t)leg};

	session_tell(s, ABI_MEDIA_TIMEOUT, slot, &event, sizeof(event));
}

// What happened while nobody listened: a leg fell silent and still is.
static void claim_session(struct sessions *s, uint32_t slot, uint64_t ticket)
{
	struct session *session = &s->slots.session[slot];
	struct abi_leg_stats stats[2];

	if (session->deleting) {
		reply_failure(s, ticket, -ENOENT, ABI_FIELD_STATE, 0);
		return;
	}
	slots_own(&s->slots, slot, s->generation);
	reply_ports(s, ticket, slot);
	session_published(s, slot, stats);
	for (unsigned i = 0; i < 2; i++)
		if (session->timeout_us[i] && stats[i].last_us < session->timeout_us[i])
			tell_timeout(s, slot, i, stats[i].last_us);
}

void sessions_attached(struct sessions *s, uint32_t generation)
{
	s->generation = generation;
	s->sweep_at_us = 0;
}

void sessions_misbehaved(struct sessions *s)
{
	s->purging = true;
	s->purge_next = 0;
}

// Gives back what control planes before this one have taken and never used. True: more is to be done.
static bool purge_some(struct sessions *s, uint64_t now_us)
{
	for (unsigned n = 0; s->purging && n < WALK_A_TICK; n++) {
		const struct abi_session_entry *entry = entry_of(s, s->purge_next);

		if (s->purge_next >= s->slots.fresh)
			s->purging = false;
		else if (entry->state == ABI_SESSION_ALLOCATED &&
			 (entry->owner != s->generation || !outbox_is_open(s->c.outbox)))
			// Nobody was sent there: as if they had rested already.
			finish(s, s->purge_next, now_us - s->c.rest_us);
		s->purge_next++;
	}
	return s->purging;
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
	session_tell(s, ABI_SWEPT, slot, NULL, 0);
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

// ---- what workers say -----------------------------------------------------------------------------

static void answered(struct sessions *s, struct order *order, uint64_t now_us)
{
	const struct dp_mail *mail = &order->mail;
	bool again = order->purpose == ORDER_QUERY && mail->result == -ENOENT;
	bool minor = again || order->purpose == ORDER_INJECT;

	plan_put_hops(s, order->release);
	if (mail->result && !minor)
		region_count(region_of(s), AGENT_WORKER_ERRORS);
	switch (order->purpose) {
	case ORDER_DELETE:
	case ORDER_SWEEP:
		reply_report(s, order->ticket, mail->stats, 2);
		if (order->purpose == ORDER_SWEEP) {
			session_tell(s, ABI_SWEPT, order->slot, NULL, 0);
			region_count(region_of(s), AGENT_SWEPT);
		}
		finish(s, order->slot, now_us);
		break;
	case ORDER_UPDATE:
	case ORDER_QUERY:
		if (again)
			reply_published(s, order->ticket, order->slot);
		else if (mail->result)
			reply_failure(s, order->ticket, mail->result, ABI_FIELD_STATE, 0);
		else
			reply_report(s, order->ticket, mail->stats, 2);
		break;
	case ORDER_SECURE:
		secure_answered(s, order);
		break;
	case ORDER_HOP:
	case ORDER_MEDIA:
		break;
	case ORDER_INJECT:
		secure_free_mail(&order->mail);
		break;
	case ORDER_ADD:
		if (mail->result)
			reply_failure(s, order->ticket, mail->result, ABI_FIELD_STATE, 0);
		else
			outbox_done(s->c.outbox, order->ticket);
		break;
	}
	order_free(s, order);
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
		plan_learned(s, event, now_us);
	} else if (event->type == DP_EVENT_TIMEOUT) {
		session->timeout_us[event->leg] = now_us;
		region_count(region_of(s), AGENT_TIMEOUTS);
		tell_timeout(s, event->slot, event->leg, event->last_us);
	} else {
		secure_event(s, event, now_us);
	}
}

unsigned sessions_collect(struct sessions *s, uint64_t now_us)
{
	unsigned found = media_collect(s) + media_record_collect(s);

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
	case ABI_LEG_KEYS:
	case ABI_LEG_ICE:
	case ABI_SESSION_RESUME:
		secure_command(s, command, ticket);
		break;
	case ABI_DTMF_SEND:
	case ABI_PLAY:
	case ABI_PLAY_STOP:
		media_command(s, command, ticket);
		break;
	case ABI_RECORD:
	case ABI_RECORD_STOP:
		media_record(s, command, ticket);
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
	bool more = purge_some(s, now_us);

	more |= sweep_some(s, now_us);
	more |= plan_reroute_some(s, now_us);
	slots_tick(&s->slots, now_us);
	dp_ports_tick(s->c.ports, now_us);
	transcoders_tick(s->c.transcoders, now_us);
	gauge(s);
	return more;
}
