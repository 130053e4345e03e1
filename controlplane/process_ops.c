// SPDX-License-Identifier: BSD-3-Clause
//
// What shards ask the process for.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "controlplane/counters.h"
#include "controlplane/log.h"
#include "controlplane/process_private.h"
#include "sip/message.h"

int process_send(void *ctx, const struct sip_flow *to, const uint8_t *bytes, size_t n)
{
	struct process *p = ctx;
	struct sip_slice out = cp_feedback_send(p->feedback, bytes, n);

	return cp_transport_send(p->transport, to, (const uint8_t *)out.p, out.n);
}

static int on_submit(void *ctx, struct abi_msg *command, cp_shm_reply_fn *done, void *user)
{
	struct process *p = ctx;
	unsigned flags = abi_msg_secret(command->type) ? CP_SHM_SECRET : 0;

	if (command->type == ABI_SESSION_DELETE)
		flags |= CP_SHM_PATIENT;
	return cp_shm_submit(p->shm, command, flags, done, user, p->now_us);
}

static void on_forget(void *ctx, uint64_t transaction)
{
	cp_shm_forget(((struct process *)ctx)->shm, transaction);
}

static void on_reconciled(void *ctx)
{
	struct process *p = ctx;
	int err;

	if (p->unreconciled == 0 || --p->unreconciled)
		return;
	err = cp_shm_reconciled(p->shm, p->now_us);
	if (err)
		cp_log(CP_LOG_WARNING, "media", 0, "RECONCILE_DONE cannot be sent: %s",
			strerror(-err));
}

static int on_keep(void *ctx, uint64_t id, const uint8_t *record, size_t n)
{
	return cp_survive_keep(((struct process *)ctx)->survive, id, record, n);
}

static int on_drop(void *ctx, uint64_t id)
{
	return cp_survive_drop(((struct process *)ctx)->survive, id);
}

void process_random(void *ctx, void *out, size_t n)
{
	struct process *p = ctx;
	uint8_t *to = out;

	while (n) {
		size_t k = n < p->random_left ? n : p->random_left;

		if (!k) {
			// Blocks at boot only, and is not interrupted for so few bytes.
			while (getrandom(p->random, PROCESS_RANDOM, 0) != PROCESS_RANDOM)
				;
			p->random_left = PROCESS_RANDOM;
			continue;
		}
		p->random_left -= k;
		memcpy(to, p->random + p->random_left, k);
		memset(p->random + p->random_left, 0, k);
		to += k;
		n -= k;
	}
}

static int on_heard(void *ctx, uint64_t epoch, uint32_t slot, uint32_t generation, unsigned leg,
	uint64_t *last_us)
{
	struct process *p = ctx;
	struct abi_leg_stats stats;
	int err = cp_shm_stats(p->shm, epoch, slot, generation, leg, &stats);

	if (!err)
		*last_us = stats.last_us;
	return err;
}

static bool on_disabled(void *ctx, const struct cp_peer *peer)
{
	return cp_disabled_is(&((struct process *)ctx)->disabled, peer->cfg->name);
}

// Of new calls. Nowhere: the route goes on to its next target.
static unsigned on_locate(void *ctx, const struct cp_policy *policy, const struct cp_peer *peer,
	struct sip_flow list[CP_HOPS])
{
	if (on_disabled(ctx, peer))
		return 0;
	return cp_transport_locate(((struct process *)ctx)->transport, policy, peer, list);
}

static int on_route(void *ctx, struct sip_flow *flow, size_t n)
{
	return cp_transport_route(((struct process *)ctx)->transport, flow,
		n ? n + sizeof(CP_FEEDBACK_OFFER) - 1 : 0);
}

static void on_failed(void *ctx, const struct sip_flow *flow)
{
	cp_transport_failed(((struct process *)ctx)->transport, flow);
}

static const struct cp_peer *on_who(
	void *ctx, const struct cp_policy *policy, const struct sip_flow *flow)
{
	const struct cp_peer *peer =
		cp_transport_peer(((struct process *)ctx)->transport, policy, flow);

	return peer && cfg_acl_allows(&peer->cfg->acl, flow->remote.family, flow->remote.ip) ? peer
											     : NULL;
}

static void on_suspect(void *ctx, const struct sip_addr *source, const char *what)
{
	cp_phones_suspect(((struct process *)ctx)->phones, source, what);
}

static bool on_owns(void *ctx, const struct cp_policy *policy, const struct cp_peer *peer,
	const struct sip_addr *addr)
{
	return cp_transport_owns(((struct process *)ctx)->transport, policy, peer, addr);
}

static void on_trunk_down(void *ctx, const char *name)
{
	struct process *p = ctx;

	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_trunk_down(p->shards[i], name);
}

static void on_junk(void *ctx, const struct sip_flow *source)
{
	struct process *p = ctx;

	if (!cp_transport_peer(p->transport, p->policy, source))
		cp_gate_junk(p->gate, p->now_us, source);
}

static bool on_admits(void *ctx, const struct sip_flow *to, struct sip_slice uri)
{
	struct process *p = ctx;
	uint32_t lot;

	if (cp_gate_is_emergency(p->gate, uri))
		return true;
	process_random(p, &lot, sizeof(lot));
	return cp_feedback_admits(p->feedback, p->now_us, to, lot);
}

static bool on_transcoders_full(void *ctx)
{
	return cp_shm_transcoders_full(((struct process *)ctx)->shm);
}

const struct cp_shard_ops process_shard_ops = {
	.send = process_send,
	.submit = on_submit,
	.forget = on_forget,
	.reconciled = on_reconciled,
	.random = process_random,
	.keep = on_keep,
	.drop = on_drop,
	.disabled = on_disabled,
	.locate = on_locate,
	.route = on_route,
	.trunk_down = on_trunk_down,
	.failed = on_failed,
	.who = on_who,
	.owns = on_owns,
	.admits = on_admits,
	.junk = on_junk,
	.suspect = on_suspect,
	.heard = on_heard,
	.transcoders_full = on_transcoders_full,
};
