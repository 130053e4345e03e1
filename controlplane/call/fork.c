// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/fork.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/identity.h"
#include "controlplane/call/redirect.h"
#include "controlplane/registrar/registrar.h"

enum fork_state {
	WAITS, // its turn has not come
	RINGS,
	OVER,
};

struct fork {
	struct cp_exchange x; // must be first
	uint8_t state;        // enum fork_state
	struct cp_ring ring;
};

struct cp_forks {
	struct sip_timer timer; // of this group, while others wait
	struct cp_call *call;
	const struct cfg_user *user; // of the call's policy
	int status; // the best failure yet, 0: none
	char phrase[64];
	char contact[CP_URI]; // of a redirection
	unsigned count;
	struct fork fork[];
};

// ---- whom -------------------------------------------------------------------------------------------

struct found {
	struct cp_ring *list; // CP_RING of them
	unsigned count;
	const struct cfg_user *user;
};

static int ring(struct cp_call *call, const struct cp_peer *peer, const struct sip_uri *uri,
	struct found *out)
{
	int err = cp_registrar_ring(
		call->shard->registrar, call->policy, peer, uri, out->list, &out->count);

	out->user = err ? NULL : cp_registrar_user(call->policy, peer, uri);
	return err;
}

// By the number that the route says, by what was dialled when that is another, or by a GRUU.
static int look_up(struct cp_call *call, const struct cp_peer *peer, struct found *out)
{
	struct sip_message *m = &call->shard->message;
	struct sip_uri said, uri = {.scheme = SIP_URI_SIP, .has_user = true};
	struct sip_slice gr;
	int err;

	if (sip_message_index(m, call->saved, call->saved_size) ||
		sip_message_request_uri(m, &said))
		return -EBADMSG;
	if (said.scheme != SIP_URI_TEL && sip_uri_param(&said, "gr", &gr))
		return ring(call, peer, &said, out);
	uri.user = sip_str(call->choice->number);
	err = ring(call, peer, &uri, out);
	return err == -ENOENT && !call->redialled ? ring(call, peer, &said, out) : err;
}

// RFC 5630: sips to the last hop.
static int keep_secure(struct cp_ring *list, unsigned *count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < *count; i++)
		if (list[i].flow.transport == SIP_TLS || list[i].flow.transport == SIP_WSS)
			list[kept++] = list[i];
	*count = kept;
	return kept ? 0 : -EHOSTUNREACH;
}

// One offer is made to all that ring together, and it names one address: phones of another IP version ring
// as a group of their own.
static void split_families(struct cp_ring *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i].flow.remote.family != list[0].flow.remote.family && list[i].q)
			list[i].q--;
}

const struct cfg_user *cp_fork_user(const struct cp_call *call)
{
	return call->forks ? call->forks->user : NULL;
}

int cp_fork_choose(struct cp_call *call, const struct cp_peer *peer)
{
	struct found found = {0};
	struct cp_forks *f;
	int err;

	if (!call->shard->registrar || !call->choice)
		return 480;
	found.list = calloc(CP_RING, sizeof(*found.list));
	if (!found.list)
		return 500;
	err = look_up(call, peer, &found);
	if (!err && cp_is_secure(call))
		err = keep_secure(found.list, &found.count);
	f = err ? NULL : calloc(1, sizeof(*f) + found.count * sizeof(f->fork[0]));
	if (!f) {
		free(found.list);
		return err == -ENOENT ? 404 : err == -EHOSTUNREACH ? 480 : 500;
	}
	split_families(found.list, found.count);
	f->call = call;
	f->user = found.user;
	f->count = found.count;
	for (unsigned i = 0; i < found.count; i++) {
		f->fork[i].ring = found.list[i];
		f->fork[i].x.call = call;
		f->fork[i].x.kind = CP_X_FORK;
	}
	free(found.list);
	cp_fork_end(call);
	call->forks = f;
	call->hop = f->fork[0].ring.flow;
	call->leg[1].signalling = call->hop.remote;
	call->leg[1].socket = call->hop.socket;
	return 0;
}

// ---- our INVITEs ------------------------------------------------------------------------------------

static struct fork *first_in(struct cp_forks *f, enum fork_state state)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->fork[i].state == state)
			return &f->fork[i];
	return NULL;
}

static int send_one(struct cp_exchange *x, struct fork *fork, struct sip_request *r,
	const struct sip_message *invite)
{
	struct cp_call *call = x->call;
	char lines[CP_LINES + sizeof(fork->ring.route) + 16];
	struct sip_slice own;
	int n;

	call->leg[1].socket = fork->ring.flow.socket;
	own = cp_lines(call, 1, CP_LINE_CONTACT | CP_LINE_REQUEST | (r->body.n ? CP_LINE_SDP : 0),
		invite, CP_IN_INVITE);
	n = snprintf(lines, sizeof(lines), "%s%s%s%.*s", fork->ring.route[0] ? "Route: " : "",
		fork->ring.route, fork->ring.route[0] ? "\r\n" : "", SIP_PRI(own));
	r->lines = sip_slice(lines, n > 0 && (size_t)n < sizeof(lines) ? (size_t)n : 0);
	r->uri = sip_str(fork->ring.uri);
	r->from_tag = sip_slice(NULL, 0);
	return sip_request_send(
		call->shard->dialogs, &fork->ring.flow, r, &fork->x, &fork->x.client);
}

static void group_timeout(struct sip_timer *timer, void *ctx)
{
	struct cp_forks *f = (struct cp_forks *)((char *)timer - offsetof(struct cp_forks, timer));

	for (unsigned i = 0; i < f->count; i++) {
		struct fork *fork = &f->fork[i];

		if (fork->state != RINGS)
			continue;
		if (fork->x.client) {
			sip_client_cancel(fork->x.client, sip_slice(NULL, 0));
			cp_exchange_release(&fork->x);
		}
		fork->state = OVER;
	}
	cp_call_event(f->call, 1, "nobody answered; the next phones ring");
	cp_target_ask(&f->call->invite);
}

int cp_fork_send(struct cp_exchange *x, struct sip_request *r, const struct sip_message *invite)
{
	struct cp_call *call = x->call;
	struct cp_forks *f = call->forks;
	struct sip_layer *layer = call->shard->layer;
	struct fork *first = first_in(f, WAITS);
	uint16_t q = first ? first->ring.q : 0;
	int err = -ENOENT;
	unsigned sent = 0;

	for (unsigned i = 0; first && i < f->count; i++) {
		struct fork *fork = &f->fork[i];
		int rc;

		if (fork->state != WAITS || fork->ring.q != q)
			continue;
		rc = send_one(x, fork, r, invite);
		fork->state = rc ? OVER : RINGS;
		if (rc)
			err = rc;
		sent += !rc;
	}
	if (!sent)
		return err;
	cp_call_event(call, 1, "%u phone%s of %s ring%s", sent, sent > 1 ? "s" : "", call->to,
		sent > 1 ? "" : "s");
	if (first_in(f, WAITS)) {
		f->timer.fire = group_timeout;
		sip_timer_start(
			sip_layer_wheel(layer), &f->timer, sip_layer_now(layer) + CP_GROUP_MS);
	}
	return 0;
}

// ---- what they say ----------------------------------------------------------------------------------

// RFC 3261 16.7 6, with what says more before what says less.
static unsigned rank(int status)
{
	if (status >= 600)
		return 0;
	if (status == 486)
		return 1;
	if (status == 408 || status == 503)
		return 6;
	if (status == 480)
		return 4;
	return status >= 500 ? 5 : status >= 400 ? 2 : 3;
}

static void note(struct cp_forks *f, int status, struct sip_slice phrase)
{
	if (f->status && rank(f->status) <= rank(status))
		return;
	f->status = status;
	snprintf(f->phrase, sizeof(f->phrase), "%.*s", (int)(phrase.n < 63 ? phrase.n : 63),
		phrase.n ? phrase.p : "");
}

// All have said no. Phones that are not there are a user who is not.
static void give_up(struct cp_call *call, int status, const char *text)
{
	struct cp_exchange *x = &call->invite;
	char phrase[64], contact[CP_URI];
	int carried = status == 408 || status == 503 ? 480 : cp_cause_carried(status);

	snprintf(phrase, sizeof(phrase), "%s", text);
	memcpy(contact, call->forks->contact, sizeof(contact));
	cp_target_leave(x, NULL);
	if (contact[0] && cp_redirect(x, status, sip_str(phrase), contact))
		return;
	if (cp_target_next(x, status, sip_str(phrase)))
		return;
	cp_call_result(call, cp_cause_result(carried));
	cp_call_end(call, CP_BY_CALLEE, carried,
		carried == status ? sip_str(phrase) : sip_slice(NULL, 0), NULL);
}

static void one_over(struct fork *fork)
{
	struct cp_call *call = fork->x.call;
	struct cp_forks *f = call->forks;

	fork->state = OVER;
	if (f->status < 600 && first_in(f, RINGS))
		return;
	sip_timer_stop(sip_layer_wheel(call->shard->layer), &f->timer);
	if (f->status < 600 && first_in(f, WAITS))
		cp_target_ask(&call->invite);
	else
		give_up(call, f->status, f->phrase);
}

static void refused(struct fork *fork, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_forks *f = fork->x.call->forks;
	struct sip_dialog *d = NULL;

	sip_dialog_on_response(fork->x.call->shard->dialogs, tx, m, &d);
	cp_exchange_release(&fork->x);
	note(f, m->status, m->reason_text);
	if (f->contact[0] == '\0' && !cp_redirect_contact(m, f->contact))
		f->contact[0] = '\0';
	one_over(fork);
}

// From here on the call has one callee.
static void answered(struct fork *fork, struct sip_transaction *tx, const struct sip_message *m)
{
	struct cp_call *call = fork->x.call;
	struct cp_exchange *x = &call->invite;

	call->hop = fork->ring.flow;
	call->leg[1].signalling = call->hop.remote;
	call->leg[1].socket = call->hop.socket;
	fork->x.client = NULL;
	fork->state = OVER;
	cp_fork_end(call);
	x->client = tx;
	sip_tx_set_user(tx, x);
	cp_setup_response(x, tx, m);
}

void cp_fork_response(
	struct cp_exchange *x, struct sip_transaction *tx, const struct sip_message *m)
{
	struct fork *fork = (struct fork *)x;

	if (m->status >= 300)
		refused(fork, tx, m);
	else if (m->status >= 200)
		answered(fork, tx, m);
	else
		cp_setup_response(&x->call->invite, tx, m);
}

void cp_fork_failed(struct cp_exchange *x, int status, const char *why)
{
	struct fork *fork = (struct fork *)x;

	note(x->call->forks, status, sip_str(why));
	one_over(fork);
}

void cp_fork_unreachable(struct cp_call *call, const struct sip_flow *to)
{
	struct cp_forks *f = call->forks;

	for (unsigned i = 0; f && i < f->count; i++) {
		struct fork *fork = &f->fork[i];

		if (fork->state != RINGS || !fork->x.client ||
			sip_tx_state(fork->x.client) != SIP_TX_CALLING ||
			!sip_addr_equal(&sip_tx_flow(fork->x.client)->remote, &to->remote))
			continue;
		sip_client_cancel(fork->x.client, sip_slice(NULL, 0));
		cp_exchange_release(&fork->x);
		note(f, 503, sip_str("cannot be reached"));
		one_over(fork); // may have ended the call
		return;
	}
}

void cp_fork_end(struct cp_call *call)
{
	struct cp_forks *f = call->forks;

	if (!f)
		return;
	call->forks = NULL;
	sip_timer_stop(sip_layer_wheel(call->shard->layer), &f->timer);
	for (unsigned i = 0; i < f->count; i++) {
		struct cp_exchange *x = &f->fork[i].x;

		if (x->client && !sip_tx_is_final(x->client))
			sip_client_cancel(x->client, cp_reason(call));
		cp_exchange_release(x);
	}
	free(f);
}
