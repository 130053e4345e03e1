// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/refer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/carry.h"
#include "controlplane/call/join.h"
#include "controlplane/call/replaces.h"

#define LINES 2048u

static const struct sip_slice nothing;

// ---- NOTIFY -------------------------------------------------------------------------------------------

static void finish(struct cp_transfer *t)
{
	struct cp_call *call = t->call;
	unsigned leg = t->from;

	if (t->notify.client || !t->over || t->made || t->awaits)
		return;
	call->transfer = NULL;
	free(t);
	if (call->state == ABI_CALL_ENDING)
		cp_end_acked(call, leg);
}

static struct sip_slice notify_lines(const struct cp_transfer *t, char out[LINES])
{
	struct cp_call *call = t->call;
	struct sip_slice own = cp_lines(call, t->from, CP_LINE_CONTACT | CP_LINE_REQUEST, NULL, 0);
	char id[24] = "", state[48];
	int n;

	// RFC 3515 2.4.6: the first REFER of a dialog needs none, and old phones know none.
	if (t->has_id)
		snprintf(id, sizeof(id), ";id=%u", t->id);
	if (t->due >= 200)
		snprintf(state, sizeof(state), "terminated;reason=noresource");
	else
		snprintf(state, sizeof(state), "active;expires=%u",
			call->policy->cfg->sip.ring_timeout);
	n = snprintf(out, LINES,
		"%.*sEvent: refer%s\r\nSubscription-State: %s\r\n"
		"Content-Type: message/sipfrag;version=2.0\r\n",
		SIP_PRI(own), id, state);
	return sip_slice(out, (size_t)n < LINES ? (size_t)n : 0);
}

static void send_notify(struct cp_transfer *t)
{
	struct sip_dialog *d = t->call->leg[t->from].dialog;
	char lines[LINES], body[96];
	int n, err;

	if (t->quiet || !t->due || t->notify.client || !d)
		return;
	n = snprintf(body, sizeof(body), "SIP/2.0 %u %s\r\n", t->due, sip_reason_phrase(t->due));
	t->notify = (struct cp_exchange){.call = t->call, .kind = CP_X_NOTIFY, .from = t->from};
	err = sip_dialog_send(d, SIP_NOTIFY, notify_lines(t, lines), sip_slice(body, (size_t)n),
		&t->notify, &t->notify.client);
	t->said = t->due;
	t->due = 0;
	if (err)
		t->quiet = true;
}

void cp_refer_tell(struct cp_transfer *t, int status)
{
	if (t->over || status == t->said)
		return;
	t->over = status >= 200;
	t->due = (uint16_t)status;
	if (status != 100)
		cp_call_event(t->call, t->from, "transfer: %d %s", status,
			sip_reason_phrase(status));
	send_notify(t);
	finish(t);
}

void cp_refer_notified(struct cp_exchange *x, int status)
{
	struct cp_transfer *t = x->call->transfer;

	if (!t || x != &t->notify)
		return;
	cp_exchange_release(x);
	// Who has no subscription is told nothing more (RFC 6665 4.2.2).
	if (status >= 300)
		t->quiet = true;
	send_notify(t);
	finish(t);
}

bool cp_refer_speaks(const struct cp_call *call, unsigned leg)
{
	return call->transfer && call->transfer->from == leg && call->transfer->notify.client;
}

bool cp_refer_subscribe(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m)
{
	struct cp_transfer *t = call->transfer;
	struct sip_slice event = sip_message_value(m, SIP_H_EVENT);
	char lines[LINES];
	struct sip_slice own;
	uint32_t expires = 60;

	if (!t || t->from != leg || t->over || event.n < 5 || strncasecmp(event.p, "refer", 5) != 0)
		return false;
	sip_message_number(m, SIP_H_EXPIRES, &expires);
	if (expires > call->policy->cfg->sip.ring_timeout)
		expires = call->policy->cfg->sip.ring_timeout;
	own = cp_lines(call, leg, CP_LINE_CONTACT, NULL, 0);
	snprintf(lines, sizeof(lines), "%.*sExpires: %u\r\n", SIP_PRI(own), expires);
	sip_respond_simple(tx, 200, lines);
	if (!t->notify.client && !t->due)
		t->due = t->said;
	send_notify(t);
	t->quiet = t->quiet || expires == 0;
	return true;
}

// ---- life ---------------------------------------------------------------------------------------------

static void stop_waiting(struct cp_transfer *t)
{
	if (t->awaits)
		t->awaits->awaited_by = NULL;
	t->awaits = NULL;
}

static void disown(struct cp_transfer *t)
{
	if (t->made && t->made->join)
		t->made->join->transfer = NULL;
	t->made = NULL;
}

void cp_refer_call_ended(struct cp_call *call)
{
	struct cp_transfer *t = call->transfer, *waiting = call->awaited_by;

	if (t && !t->over) {
		stop_waiting(t);
		disown(t);
		t->over = t->quiet = true;
		finish(t);
	}
	if (waiting) {
		struct cp_call *from = waiting->call;
		unsigned leg = waiting->from;

		stop_waiting(waiting);
		cp_refer_tell(waiting, call->cause.status >= 300 ? call->cause.status : 487);
		if (from->leg[leg].over)
			cp_call_end(from, (enum cp_ended_by)leg, 200, nothing, NULL);
	}
}

void cp_refer_drop(struct cp_call *call)
{
	struct cp_transfer *t = call->transfer;

	if (call->awaited_by)
		stop_waiting(call->awaited_by);
	if (!t)
		return;
	stop_waiting(t);
	disown(t);
	cp_exchange_release(&t->notify);
	call->transfer = NULL;
	free(t);
}

bool cp_refer_bye(struct cp_call *call, unsigned leg)
{
	struct cp_transfer *t = call->transfer;

	if (!t || t->over || t->from != leg || call->state != ABI_CALL_UP)
		return false;
	t->quiet = true;
	cp_exchange_release(&t->notify);
	return true;
}

// ---- carried out here ---------------------------------------------------------------------------------

static struct cp_call *new_call(struct cp_call *from, unsigned leg)
{
	struct cp_shard *shard = from->shard;
	struct sip_flow flow = *sip_dialog_flow(from->leg[leg].dialog);
	struct cp_call *call;
	uint64_t id = 0;

	while (!id)
		shard->ops->random(shard->ctx, &id, sizeof(id));
	call = cp_call_new(shard, from->leg[leg].peer, &flow, id);
	if (!call)
		return NULL;
	call->leg[0].start_us = 0; // when the party is there
	return call;
}

static const char *user_of(const struct cp_call *call, unsigned leg)
{
	return leg ? call->to : call->from;
}

// The call from the party that stays, as its own INVITE would ask for it.
static int invite_of(struct cp_transfer *t, const struct sip_address *to,
	const struct sip_message *refer, char *buffer, size_t size)
{
	struct cp_call *call = t->call;
	struct sip_dialog_view remains, asks;
	struct sip_slice by = sip_message_value(refer, SIP_H_REFERRED_BY);
	struct sip_build b = sip_build(buffer, size);
	int n;

	sip_dialog_view(call->leg[cp_other(t->from)].dialog, &remains);
	sip_dialog_view(call->leg[t->from].dialog, &asks);
	sip_build_request(&b, sip_str("INVITE"), to->uri_text);
	sip_build_header(&b, "From", remains.remote);
	sip_build_address(&b, "To", to->display, to->uri_text, nothing);
	sip_build_header(&b, "Call-ID", sip_str("transfer"));
	sip_build_header(&b, "CSeq", sip_str("1 INVITE"));
	if (call->shy && t->from == 1) // it is the caller who is moved
		sip_build_header(&b, "Privacy", sip_str("id"));
	if (!(call->shy && t->from == 0))
		sip_build_header(&b, "Referred-By", by.n ? by : asks.remote);
	n = sip_build_end(&b, nothing);
	if (n < 0)
		return n;
	return sip_message_index(&call->shard->message, (uint8_t *)b.p, (size_t)n);
}

// By the rights of who asks, not of who is moved. 0, or the status that refuses.
static int route_of(struct cp_transfer *t, struct cp_choice *choice)
{
	struct cp_shard *shard = t->call->shard;
	const struct cp_peer *asks =
		cp_join_peer(shard->policy, t->call->leg[t->from].peer);

	return asks ? cp_route_call(shard, &shard->message, asks, NULL, choice) : 403;
}

// Without headers: those of a Refer-To are for us.
static int target_of(const struct sip_address *to, struct sip_address *out, char uri[CP_URI])
{
	size_t n = to->uri_text.n - (to->uri.headers.n ? to->uri.headers.n + 1 : 0);

	*out = *to;
	if (n >= CP_URI)
		return -ENOBUFS;
	memcpy(uri, to->uri_text.p, n);
	out->uri_text = sip_slice(uri, n);
	return sip_uri_parse(out->uri_text, &out->uri);
}

// The call that comes of it has its parties, or it comes to nothing.
static bool has_parties(struct cp_transfer *t, struct cp_call *made, int err)
{
	if (err) {
		cp_call_end(made, CP_BY_HAWSE, 500, nothing, NULL);
		cp_refer_tell(t, 500);
		return false;
	}
	made->join->transfer = t;
	t->made = made;
	return true;
}

static void blind(struct cp_transfer *t, const struct sip_address *to, const struct sip_message *m)
{
	struct cp_call *call = t->call, *made;
	unsigned remains = cp_other(t->from);
	struct sip_address target;
	struct cp_choice choice;
	char uri[CP_URI], buffer[4096];
	int err = target_of(to, &target, uri), status = 400;

	if (!err)
		err = invite_of(t, &target, m, buffer, sizeof(buffer));
	if (!err)
		status = route_of(t, &choice);
	made = status ? NULL : new_call(call, remains);
	if (!made) {
		cp_refer_tell(t, status ? status : 500);
		return;
	}
	err = cp_setup_keep(made, &call->shard->message, &choice);
	if (!err)
		err = cp_join_take(made, 0, call, remains);
	if (!has_parties(t, made, err))
		return;
	cp_call_event(call, t->from, "transfers the %s to %s", remains ? "callee" : "caller",
		made->to);
	if (cp_target_choose(made))
		cp_join_start(made);
}

static void attended(struct cp_transfer *t, struct cp_call *other, unsigned other_leg)
{
	struct cp_call *call = t->call, *made;
	unsigned remains = cp_other(t->from), far = cp_other(other_leg);
	int err;

	made = new_call(call, remains);
	if (!made) {
		cp_refer_tell(t, 500);
		return;
	}
	made->counted = true; // both have been as calls of their own
	snprintf(made->from, sizeof(made->from), "%s", user_of(call, remains));
	snprintf(made->to, sizeof(made->to), "%s", user_of(other, far));
	err = cp_join_take(made, 0, call, remains);
	if (!err)
		err = cp_join_take(made, 1, other, far);
	if (!has_parties(t, made, err))
		return;
	cp_call_event(call, t->from, "transfers the %s to a party of call %016llx",
		remains ? "callee" : "caller", (unsigned long long)other->id);
	cp_join_start(made);
}

void cp_refer_up(struct cp_call *call)
{
	struct cp_transfer *t = call->awaited_by;

	if (!t)
		return;
	stop_waiting(t);
	attended(t, call, t->awaits_leg);
}

// What Replaces names: the other call of who asks, which may still ring at its callee.
static void with(struct cp_transfer *t, const struct cp_replaces *r)
{
	struct cp_call *call = t->call, *other;
	const struct cp_peer *asks = call->leg[t->from].peer;
	unsigned leg = 0;

	other = cp_replaces_find(call->shard, r, &leg);
	if (!other || other == call || other->state == ABI_CALL_ENDING ||
		strcmp(other->leg[leg].peer->cfg->name, asks->cfg->name) != 0) {
		cp_refer_tell(t, 481);
	} else if (other->state == ABI_CALL_UP) {
		attended(t, other, leg);
	} else if (leg == 0 && !other->awaited_by) {
		t->awaits = other;
		t->awaits_leg = 0;
		other->awaited_by = t;
	} else {
		cp_refer_tell(t, 486);
	}
}

// ---- the request --------------------------------------------------------------------------------------

struct refer {
	struct sip_address to;
	bool has_replaces;
	struct cp_replaces replaces;
	char text[CP_REPLACES];
};

// 0, or the status that refuses it.
static int read_refer(const struct sip_message *m, struct refer *out)
{
	struct sip_walk walk = sip_walk(m, SIP_H_REFER_TO);
	struct sip_slice value, second, method;
	int err;

	// RFC 3515 2.1: exactly one.
	if (!sip_walk_next(&walk, &value) || sip_walk_next(&walk, &second) ||
		sip_address_parse(value, &out->to) || out->to.star)
		return 400;
	if (out->to.uri.scheme == SIP_URI_OTHER)
		return 416;
	if (sip_uri_param(&out->to.uri, "method", &method) && !sip_slice_is(method, "INVITE"))
		return 603;
	err = cp_replaces_in_uri(out->to.uri.headers, out->text, &out->replaces);
	out->has_replaces = err == 0;
	return err == -EBADMSG ? 400 : 0;
}

static bool wants_no_subscription(const struct sip_message *m)
{
	struct sip_slice value;
	unsigned at = 0;

	return sip_message_find(m, "Refer-Sub", &at, &value) && value.n >= 5 &&
	       strncasecmp(value.p, "false", 5) == 0;
}

static struct cp_transfer *new_transfer(
	struct cp_call *call, unsigned leg, const struct sip_message *m)
{
	struct cp_transfer *t = calloc(1, sizeof(*t));
	struct sip_cseq cseq;

	if (!t || sip_message_cseq(m, &cseq)) {
		free(t);
		return NULL;
	}
	t->call = call;
	t->from = (uint8_t)leg;
	t->id = cseq.number;
	t->has_id = call->leg[leg].referred;
	call->leg[leg].referred = true;
	t->quiet = wants_no_subscription(m);
	call->transfer = t;
	return t;
}

static void here(struct cp_call *call, unsigned leg, struct sip_transaction *tx,
	const struct sip_message *m, const struct refer *r)
{
	struct sip_slice own;
	struct cp_transfer *t;
	char lines[LINES];

	if (call->state != ABI_CALL_UP || call->transfer || call->borrower ||
		call->leg[cp_other(leg)].over) {
		sip_respond_simple(tx, 491, NULL);
		return;
	}
	t = new_transfer(call, leg, m);
	if (!t) {
		sip_respond_simple(tx, 500, "Retry-After: 1\r\n");
		return;
	}
	own = cp_lines(call, leg, CP_LINE_CONTACT, NULL, 0);
	snprintf(lines, sizeof(lines), "%.*s%s", SIP_PRI(own),
		t->quiet ? "Refer-Sub: false\r\n" : "");
	sip_respond_simple(tx, 202, lines);
	cp_refer_tell(t, 100);
	if (r->has_replaces)
		with(t, &r->replaces);
	else
		blind(t, &r->to, m);
}

static enum cfg_transfer policy(const struct cp_call *call, unsigned leg)
{
	enum cfg_transfer asks = call->leg[leg].peer->cfg->transfer,
			  told = call->leg[cp_other(leg)].peer->cfg->transfer;

	return asks == CFG_TRANSFER_REFUSE ? asks : told;
}

void cp_refer_request(
	struct cp_call *call, unsigned leg, struct sip_transaction *tx, const struct sip_message *m)
{
	struct refer r = {0};
	int status = read_refer(m, &r);

	if (!status && policy(call, leg) == CFG_TRANSFER_REFUSE)
		status = 603;
	if (status)
		sip_respond_simple(tx, status, NULL);
	else if (policy(call, leg) != CFG_TRANSFER_PASS || !cp_pass_refer(call, leg, tx, m))
		here(call, leg, tx, m, &r);
}
