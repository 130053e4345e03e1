// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/control/wire.h"
#include "controlplane/counters.h"
#include "controlplane/log.h"
#include "controlplane/peer_metrics.h"
#include "controlplane/privilege.h"
#include "controlplane/process_private.h"
#include "controlplane/publish.h"
#include "controlplane/reload.h"
#include "dataplane/abi/notify.h"
#include "dataplane/abi/shm.h"
#include "sip/message.h"
#include "sip/screen.h"

#define BEAT_MS 500u
#define STOP_MS 3000u // that the BYEs of a stop may take

// ---- time ------------------------------------------------------------------------------------------


void process_tick(struct process *p)
{
	p->now_us = abi_now_us();
	cp_phones_tick(p->phones, p->now_us);
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_tick(p->shards[i], p->now_us);
}

static void on_wheel(uv_timer_t *timer)
{
	struct process *p = timer->data;

	process_tick(p);
	if (cp_shm_next(p->shm) <= p->now_us)
		cp_shm_process(p->shm, p->now_us);
	process_rearm(p);
}

// The end of a pass. One timer for the shards and the client, whichever is due first.
void process_rearm(struct process *p)
{
	uint64_t next = cp_shm_next(p->shm), now;

	cp_phones_settle(p->phones);
	cp_survive_settle(p->survive, p->shards, p->shard_count, p->now_us, false);
	now = abi_now_us();
	for (unsigned i = 0; i < p->shard_count; i++) {
		uint64_t due = cp_shard_next(p->shards[i]);

		if (due < next)
			next = due;
	}
	if (next == UINT64_MAX) {
		uv_timer_stop(&p->wheel);
		return;
	}
	uv_update_time(&p->loop);
	uv_timer_start(&p->wheel, on_wheel, next > now ? (next - now + 999) / 1000 : 0, 0);
}

size_t process_calls(const struct process *p)
{
	size_t count = 0;

	for (unsigned i = 0; i < p->shard_count; i++)
		count += cp_shard_calls(p->shards[i]);
	return count;
}

static void publish_peers(struct process *p)
{
	abi_atomic64 *own = cp_tregion_counters(p->tregion, p->shard_count);
	unsigned alarms = cp_peer_metrics_publish(p->policy, p->accounts, own + CP_COUNTERS,
		p->peer_counters, p->now_us + abi_realtime_offset_us());

	if (alarms)
		abi_add64(&own[CP_C_FRAUD_ALARMS], alarms);
}

static void on_beat(uv_timer_t *timer)
{
	struct process *p = timer->data;
	struct cp_gate_counters gate;

	process_tick(p);
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_publish(p->shards[i]);
	publish_peers(p);
	cp_publish(cp_tregion_counters(p->tregion, p->shard_count), p->transport, p->gate);
	cp_phones_publish(p->phones, p->shards[0]);
	cp_gate_count(p->gate, &gate);
	cp_feedback_window(p->feedback, p->now_us, gate.overload.admitted,
		gate.overload.shed + gate.overload.shed_rate);
	cp_tregion_heartbeat(p->tregion, p->now_us, cp_shm_attached(p->shm, NULL));
	cp_survive_settle(p->survive, p->shards, p->shard_count, p->now_us, true);
	process_secure_beat(p);
	process_tick_cdrs(p);
	if (++p->beats % 2 == 0)
		process_spent_keep(p);
	abi_notify_alive(p->now_us);
	if ((p->stopping || p->draining) && process_calls(p) == 0)
		uv_stop(&p->loop);
	process_rearm(p);
}

// ---- the wire --------------------------------------------------------------------------------------

// The shard that owns a Call-ID: ours begin with its letter, others are spread.
static struct cp_shard *shard_of(struct process *p, struct sip_slice call_id)
{
	uint32_t hash = 2166136261u;

	if (p->shard_count == 1 || !call_id.n)
		return p->shards[0];
	if (call_id.p[0] >= 'a' && call_id.p[0] < (char)('a' + p->shard_count))
		return p->shards[call_id.p[0] - 'a'];
	for (size_t i = 0; i < call_id.n; i++)
		hash = (hash ^ (uint8_t)call_id.p[i]) * 16777619u;
	return p->shards[hash % p->shard_count];
}

static void wire_wake(void *ctx)
{
	process_tick(ctx);
}

static void wire_receive(
	void *ctx, const struct sip_flow *source, uint64_t waited, const uint8_t *data, size_t n)
{
	struct process *p = ctx;
	struct cp_gate_packet packet = {source, data, n, p->now_us, waited};
	struct sip_slice answer;
	struct cp_shard *shard;

	if (!cp_phones_admits(p->phones, source) || cp_gate_muted(p->gate, p->now_us, source))
		return;
	packet.peeked = sip_peek(data, n, &packet.peek) == 0;
	packet.peer = cp_transport_peer(p->transport, p->policy, source) != NULL ||
		      cp_registrar_knows(cp_phones_registrar(p->phones), &source->remote);
	shard = shard_of(p, packet.peek.call_id);
	packet.known_call =
		packet.peek.method == SIP_INVITE && cp_shard_knows(shard, packet.peek.call_id);
	if (packet.peeked && !packet.peek.is_request && packet.peer)
		cp_feedback_receive(p->feedback, p->now_us, source, data, n);
	switch (cp_gate_check(p->gate, &packet, &answer)) {
	case CP_GATE_PASS:
		cp_shard_receive(shard, source, data, n);
		break;
	case CP_GATE_ANSWER:
		process_send(p, source, (const uint8_t *)answer.p, answer.n);
		break;
	case CP_GATE_DROP:
		break;
	}
}

static void wire_rest(void *ctx)
{
	process_rearm(ctx);
}

static void wire_unreachable(void *ctx, const struct sip_flow *to, int error)
{
	struct process *p = ctx;

	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_unreachable(p->shards[i], to, error);
}

static void wire_closed(void *ctx, const struct sip_flow *flow, int error)
{
	struct process *p = ctx;

	cp_registrar_closed(cp_phones_registrar(p->phones), flow);
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_closed(p->shards[i], flow, error);
}

static const struct cp_transport_ops transport_ops = {
	.wake = wire_wake,
	.receive = wire_receive,
	.rest = wire_rest,
	.unreachable = wire_unreachable,
	.closed = wire_closed,
};

static int open_transport(struct process *p, char why[PROCESS_WHY])
{
	char error[CP_TRANSPORT_ERROR];
	int err = cp_gate_new(&p->gate, p->policy);

	p->feedback = cp_feedback_new(p->now_us);
	if (!err && !p->feedback)
		err = -ENOMEM;
	if (err) {
		snprintf(why, PROCESS_WHY, "limits: %s", strerror(-err));
		return err;
	}
	err = cp_transport_new(&p->transport, &p->loop, p->policy, &transport_ops, p, error);
	if (err)
		snprintf(why, PROCESS_WHY, "%s", error);
	return err;
}

// ---- hawse-media -----------------------------------------------------------------------------------

static void shm_attached(void *user, const struct cp_shm_info *info)
{
	struct process *p = user;

	cp_log(CP_LOG_INFO, "media", 0, "attached to hawse-media, process %u, %s", info->pid,
		info->first       ? "for the first time"
		: info->same_boot ? "which kept our sessions"
				  : "started anew");
	p->unreconciled = p->shard_count;
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_attached(p->shards[i], info);
}

static void shm_detached(void *user, int error)
{
	struct process *p = user;

	cp_log(CP_LOG_WARNING, "media", 0,
		"hawse-media is gone (%s); new calls get 503 until it is back", strerror(-error));
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_detached(p->shards[i]);
}

static void shm_event(void *user, const struct abi_msg *event)
{
	struct process *p = user;

	for (unsigned i = 0; i < p->shard_count; i++)
		if (cp_shard_event(p->shards[i], event))
			return;
}

static void shm_punt(void *user, const struct abi_punt *packet)
{
	process_punt(user, packet);
}

static const struct cp_shm_ops shm_ops = {.attached = shm_attached,
	.detached = shm_detached,
	.event = shm_event,
	.punt = shm_punt};

static void on_shm(uv_poll_t *poll, int status, int events)
{
	struct process *p = poll->data;

	process_tick(p);
	cp_shm_process(p->shm, p->now_us);
	process_rearm(p);
}

static void on_tregion(uv_poll_t *poll, int status, int events)
{
	cp_tregion_process(((struct process *)poll->data)->tregion);
}

static int open_shm(struct process *p, char why[PROCESS_WHY])
{
	const struct cfg *cfg = p->policy->cfg;
	char path[CFG_PATH];
	const struct cp_shm_config config = {
		.path = path, .name = "hawse-sip", .ops = &shm_ops, .user = p};
	int err;

	snprintf(path, sizeof(path), "%s/media.sock", cfg->run);
	err = cp_shm_new(&p->shm, &config);
	if (err)
		snprintf(why, PROCESS_WHY, "%s: %s", path, strerror(-err));
	return err;
}

static int open_tregion(struct process *p, char why[PROCESS_WHY])
{
	const struct cfg *cfg = p->policy->cfg;
	struct abi_counter *counters;
	struct cp_tregion_config config = {
		.shards = p->shard_count,
		.calls = cfg->sip.max_calls,
		.trace_bytes = (size_t)cfg->sip.trace << 20,
	};
	char path[CFG_PATH];
	int err;

	p->peer_counters = cp_peer_metrics_count(cfg);
	config.counter_count = CP_COUNTERS + p->peer_counters;
	config.counters = counters = calloc(config.counter_count, sizeof(*counters));
	if (!counters) {
		snprintf(why, PROCESS_WHY, "region T: no memory left");
		return -ENOMEM;
	}
	cp_counters_describe(counters);
	cp_peer_metrics_describe(p->policy, counters + CP_COUNTERS, p->peer_counters);
	err = cp_tregion_new(&p->tregion, &config);
	free(counters);
	if (err) {
		snprintf(why, PROCESS_WHY, "region T: %s", strerror(-err));
		return err;
	}
	if (mkdir(cfg->run, 0755) < 0 && errno != EEXIST) {
		err = -errno;
		snprintf(why, PROCESS_WHY, "run: directory %s cannot be made: %s", cfg->run,
			strerror(errno));
		return err;
	}
	snprintf(path, sizeof(path), "%s/sip.sock", cfg->run);
	err = cp_tregion_serve(p->tregion, path);
	if (err == -EADDRINUSE)
		snprintf(why, PROCESS_WHY,
			"%s: another hawse-sip is running; stop it or give this one another `run`",
			path);
	else if (err)
		snprintf(why, PROCESS_WHY, "%s: %s", path, strerror(-err));
	return err;
}

// ---- hawsectl --------------------------------------------------------------------------------------

static void on_control(uv_poll_t *poll, int status, int events)
{
	struct process *p = poll->data;

	process_tick(p);
	cp_control_process(p->control);
	process_rearm(p);
}

static int open_control(struct process *p, char why[PROCESS_WHY])
{
	char path[CFG_PATH];
	int err = cp_control_new(&p->control, process_commands, p);

	snprintf(path, sizeof(path), "%s/" CP_WIRE_SOCKET, p->policy->cfg->run);
	if (!err)
		err = cp_control_serve(p->control, path);
	if (err)
		snprintf(why, PROCESS_WHY, "%s: %s", path, strerror(-err));
	return err;
}

// ---- the journal -----------------------------------------------------------------------------------

static int open_journal(struct process *p, char why[PROCESS_WHY])
{
	const struct cfg *cfg = p->policy->cfg;
	const struct cp_survive_config config = {
		.directory = cfg->state,
		.calls = cfg->sip.max_calls,
		.counters = cp_tregion_counters(p->tregion, p->shard_count),
	};

	int err = cp_history_open(&p->history, cfg->state);

	if (cp_disabled_open(&p->disabled, cfg->state))
		cp_log(CP_LOG_WARNING, "trunk", 0, "%s cannot be read: nobody is disabled",
			p->disabled.path);

	process_spent_open(p);
	if (err)
		cp_log(CP_LOG_WARNING, "config", 0, "no history is kept in %s/history: %s",
			cfg->state, strerror(-err));
	return cp_survive_open(&p->survive, &config, why, PROCESS_WHY);
}

static int open_phones(struct process *p, char why[PROCESS_WHY])
{
	const struct cp_phones_config config = {
		.policy = p->policy,
		.now_us = p->now_us,
		.realtime_offset_us = abi_realtime_offset_us(),
		.random = process_random,
		.ctx = p,
		.counters = cp_tregion_counters(p->tregion, p->shard_count),
	};

	return cp_phones_new(&p->phones, &config, why, PROCESS_WHY);
}

static struct cp_shard *call_shard(void *ctx, struct sip_slice call_id)
{
	return shard_of(ctx, call_id);
}

// ---- configuration ---------------------------------------------------------------------------------

int process_source(void *ctx, const struct sip_addr *to, struct sip_addr *from)
{
	struct sockaddr_storage ss;
	socklen_t n = sip_addr_to_sockaddr(to, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	// Connecting a UDP socket sends nothing.
	if (connect(fd, (struct sockaddr *)&ss, n) < 0)
		err = -errno;
	n = sizeof(ss);
	if (!err && getsockname(fd, (struct sockaddr *)&ss, &n) < 0)
		err = -errno;
	if (!err)
		err = sip_addr_from_sockaddr((struct sockaddr *)&ss, n, from);
	close(fd);
	return err;
}

// ---- signals ---------------------------------------------------------------------------------------

static void on_stop_timeout(uv_timer_t *timer)
{
	struct process *p = timer->data;

	cp_log(CP_LOG_WARNING, "main", 0, "%zu calls did not end in time", process_calls(p));
	uv_stop(&p->loop);
}

void process_stop(struct process *p, const char *why)
{
	if (p->stopping) {
		uv_stop(&p->loop);
		return;
	}
	p->stopping = true;
	cp_log(CP_LOG_INFO, "main", 0, "%s: ending %zu calls", why, process_calls(p));
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_stop(p->shards[i]);
	if (process_calls(p) == 0)
		uv_stop(&p->loop);
	uv_timer_start(&p->stop, on_stop_timeout, STOP_MS, 0);
	uv_timer_start(&p->beat, on_beat, 20, 20);
	process_rearm(p);
}

void process_drain(struct process *p, const char *why, bool drain)
{
	if (p->stopping || p->draining == drain)
		return;
	p->draining = drain;
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_drain(p->shards[i], drain);
	if (drain)
		cp_log(CP_LOG_INFO, "main", 0, "%s: no new calls; ends with the last of %zu", why,
			process_calls(p));
	else
		cp_log(CP_LOG_INFO, "main", 0, "%s: new calls again", why);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct process *p = handle->data;

	process_tick(p);
	if (number == SIGHUP) {
		process_hangup(p);
		process_rearm(p);
		return;
	}
	if (number == SIGUSR1) {
		process_drain(p, strsignal(number), true);
		return;
	}
	process_stop(p, strsignal(number));
}

// ---- life ------------------------------------------------------------------------------------------

static int open_shards(struct process *p, char why[PROCESS_WHY])
{
	p->ops = process_shard_ops;
	process_secure_ops(&p->ops);
	p->ops.cdr = process_billing.cdr;
	p->ops.cdr_opened = process_billing.cdr_opened;
	p->ops.cdr_closed = process_billing.cdr_closed;
	p->ops.stats = process_billing.stats;
	if (!p->survive)
		p->ops.keep = NULL;
	for (unsigned i = 0; i < p->shard_count; i++) {
		const struct cp_shard_config config = {
			.ops = &p->ops,
			.ctx = p,
			.tregion = p->tregion,
			.index = i,
			.policy = p->policy,
			.registrar = cp_phones_registrar(p->phones),
			.now_us = p->now_us,
			.realtime_offset_us = abi_realtime_offset_us(),
			.accounts = p->accounts,
		};
		int err = cp_shard_new(&config, &p->shards[i]);

		if (err) {
			p->shard_count = i;
			snprintf(why, PROCESS_WHY, "a shard cannot be made: %s", strerror(-err));
			return err;
		}
	}
	return 0;
}

static void start_handles(struct process *p)
{
	uv_signal_t *signals[] = {&p->term, &p->interrupt, &p->hangup, &p->drain};
	const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

	for (unsigned i = 0; i < 4; i++) {
		signals[i]->data = p;
		uv_signal_init(&p->loop, signals[i]);
		uv_signal_start(signals[i], on_signal, numbers[i]);
	}
	p->wheel.data = p->beat.data = p->stop.data = p->shm_poll.data = p->tregion_poll.data =
		p->control_poll.data = p;
	uv_timer_init(&p->loop, &p->wheel);
	uv_timer_init(&p->loop, &p->beat);
	uv_timer_init(&p->loop, &p->stop);
	uv_timer_start(&p->beat, on_beat, BEAT_MS, BEAT_MS);
	uv_poll_init(&p->loop, &p->shm_poll, cp_shm_fd(p->shm));
	uv_poll_start(&p->shm_poll, UV_READABLE, on_shm);
	uv_poll_init(&p->loop, &p->tregion_poll, cp_tregion_fd(p->tregion));
	uv_poll_start(&p->tregion_poll, UV_READABLE, on_tregion);
	uv_poll_init(&p->loop, &p->control_poll, cp_control_fd(p->control));
	uv_poll_start(&p->control_poll, UV_READABLE, on_control);
}

int process_start(
	struct process **out, struct cp_policy *policy, const char *file, char why[PROCESS_WHY])
{
	struct process *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (!p || uv_loop_init(&p->loop)) {
		snprintf(why, PROCESS_WHY, "no memory left");
		cp_policy_release(policy);
		free(p);
		return err;
	}
	p->policy = policy;
	p->file = realpath(file, NULL); // hawsectl looks from elsewhere
	if (!p->file)
		p->file = strdup(file);
	cp_cdr_file_init(&p->cdr);
	cp_cdr_open_init(&p->legs);
	p->syncing = -1;
	p->shard_count = policy->cfg->sip.shards;
	p->now_us = abi_now_us();
	err = cp_accounts_new(&p->accounts);
	if (err)
		snprintf(why, PROCESS_WHY, "no memory left");
	if (!err)
		err = open_tregion(p, why);
	if (!err)
		err = open_control(p, why);
	if (!err)
		err = open_journal(p, why);
	if (!err)
		err = open_phones(p, why);
	if (!err)
		err = open_shards(p, why);
	if (!err)
		err = open_transport(p, why);
	if (!err)
		err = process_open_cdrs(p, why);
	if (!err)
		err = cp_drop_privileges(policy->cfg->user, p->cdr.fd, p->legs.fd, p->tregion,
			p->control, p->survive, p->phones, &p->history, why, PROCESS_WHY);
	if (!err)
		err = process_secure_open(p, why);
	if (!err)
		err = open_shm(p, why);
	if (err) {
		process_free(p);
		return err;
	}
	cp_phones_start(p->phones, p->transport, p->shards[0]);
	start_handles(p);
	process_tick(p);
	process_restore(p, call_shard);
	cp_shm_process(p->shm, p->now_us);
	process_note_start(p);
	on_beat(&p->beat);
	*out = p;
	return 0;
}

int process_run(struct process *p)
{
	process_rearm(p);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	return 0;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void process_free(struct process *p)
{
	if (!p)
		return;
	process_prepare_forget(p);
	cp_survive_settle(p->survive, p->shards, p->shard_count, p->now_us, true);
	// None may fire when the loop runs once more below.
	uv_timer_stop(&p->wheel);
	uv_timer_stop(&p->beat);
	uv_timer_stop(&p->stop);
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_free(p->shards[i]);
	if (p->accounts && p->transport)
		process_spent_keep(p);
	cp_accounts_free(p->accounts);
	cp_survive_close(p->survive);
	cp_phones_free(p->phones);
	process_secure_free(p);
	cp_transport_free(p->transport);
	cp_gate_free(p->gate);
	cp_feedback_free(p->feedback);
	// Sockets close their own handles; give them their turn before the rest.
	uv_run(&p->loop, UV_RUN_NOWAIT);
	uv_walk(&p->loop, close_handle, NULL);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	uv_loop_close(&p->loop);
	if (p->shm)
		cp_shm_free(p->shm);
	if (p->tregion)
		cp_tregion_free(p->tregion);
	cp_control_free(p->control);
	process_close_cdrs(p);
	cp_disabled_close(&p->disabled);
	cp_policy_release(p->policy);
	free(p->file);
	free(p);
}

void process_summary(const struct process *p, char *out, size_t size)
{
	const struct cfg *cfg = p->policy->cfg;
	size_t n = (size_t)snprintf(out, size, "ready on");

	for (unsigned i = 0; i < p->policy->listener_count && n < size; i++) {
		static const char *const names[] = {"udp", "tcp", "tls", "ws", "wss"};
		const struct cp_listener *l = &p->policy->listeners[i];

		n += (size_t)snprintf(out + n, size - n, "%s %s:%s:%u", i ? "," : "",
			names[l->transport], l->host, l->local.port);
	}
	if (n < size)
		snprintf(out + n, size - n, "; %u peers, %u routes; hawse-media %s",
			cfg->peer_count, cfg->route_count,
			cp_shm_attached(p->shm, NULL) ? "attached"
						      : "not there yet, calls get 503");
}
