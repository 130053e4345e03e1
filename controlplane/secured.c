// SPDX-License-Identifier: BSD-3-Clause
// DTLS for the shards of this process: our certificates, the threads of the handshakes, and their packets to and
// from hawse-media.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "controlplane/log.h"
#include "controlplane/process_private.h"
#include "controlplane/shm/secure.h"

#define IDENTITIES 8u // that calls may still speak of after a new one was made

struct process_secure {
	struct cp_handshakes *handshakes;
	char file[CFG_PATH];
	struct cp_identity *identities[IDENTITIES]; // the newest first
};

// ---- what comes of handshakes

static void on_send(void *ctx, uint64_t id, const uint8_t *bytes, size_t n)
{
	struct process *p = ctx;

	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_dtls_send(p->shards[i], id, bytes, n);
}

static void on_ready(void *ctx, uint64_t id, const struct cp_dtls_keys *keys)
{
	struct process *p = ctx;

	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_dtls_ready(p->shards[i], id, keys);
}

static void on_failed(void *ctx, uint64_t id, const char *why)
{
	struct process *p = ctx;

	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_dtls_failed(p->shards[i], id, why);
}

static void on_news(uv_poll_t *poll, int status, int events)
{
	struct process *p = poll->data;

	process_tick(p);
	cp_handshakes_process(p->secure->handshakes);
	process_rearm(p);
}

// ---- what shards ask for

static struct cp_identity *identity_of(const struct process_secure *s, const char *fingerprint)
{
	for (unsigned i = 0; i < IDENTITIES && s->identities[i]; i++)
		if (strcmp(cp_identity_fingerprint(s->identities[i]), fingerprint) == 0)
			return s->identities[i];
	return NULL;
}

static int on_open(void *ctx, uint64_t id, bool active, const char *ours, const char *theirs,
	const struct abi_addr *remote)
{
	struct process *p = ctx;
	const struct cp_dtls_config config = {
		.identity = identity_of(p->secure, ours),
		.role = active ? CP_DTLS_ACTIVE : CP_DTLS_PASSIVE,
		.address = remote,
		.address_size = sizeof(*remote),
		.fingerprints = theirs,
	};

	return config.identity ? cp_handshakes_open(p->secure->handshakes, id, &config) : -ENOENT;
}

static void on_feed(void *ctx, uint64_t id, const uint8_t *bytes, size_t n)
{
	cp_handshakes_feed(((struct process *)ctx)->secure->handshakes, id, bytes, n);
}

static void on_close(void *ctx, uint64_t id)
{
	cp_handshakes_close(((struct process *)ctx)->secure->handshakes, id);
}

static int on_inject(void *ctx, const struct abi_punt *packet)
{
	return cp_shm_inject(((struct process *)ctx)->shm, packet);
}

static int on_resume(void *ctx, uint64_t epoch, uint32_t slot, uint32_t generation, unsigned leg,
	struct abi_leg_resume *resume)
{
	return cp_shm_resume(((struct process *)ctx)->shm, epoch, slot, generation, leg, resume);
}

void process_secure_ops(struct cp_shard_ops *ops)
{
	ops->dtls_open = on_open;
	ops->dtls_feed = on_feed;
	ops->dtls_close = on_close;
	ops->inject = on_inject;
	ops->resume = on_resume;
}

void process_punt(struct process *p, const struct abi_punt *packet)
{
	for (unsigned i = 0; i < p->shard_count; i++)
		if (cp_shard_punt(p->shards[i], packet))
			return;
}

// ---- certificates

static void show_identity(struct process *p)
{
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_set_fingerprint(
			p->shards[i], cp_identity_fingerprint(p->secure->identities[0]));
}

static bool add_identity(struct process_secure *s)
{
	bool saved = false;
	struct cp_identity *new =
		cp_identity_load(s->file[0] ? s->file : NULL, (int64_t)time(NULL), &saved);

	if (!new)
		return false;
	if (s->file[0] && !saved)
		cp_log(CP_LOG_WARNING, "dtls", 0,
			"%s cannot be written: after a restart browsers see another fingerprint",
			s->file);
	cp_identity_release(s->identities[IDENTITIES - 1]);
	memmove(s->identities + 1, s->identities, (IDENTITIES - 1) * sizeof(*s->identities));
	s->identities[0] = new;
	return true;
}

void process_secure_beat(struct process *p)
{
	struct process_secure *s = p->secure;

	if (!s || !cp_identity_is_old(s->identities[0], (int64_t)time(NULL)) || !add_identity(s))
		return;
	cp_log(CP_LOG_INFO, "dtls", 0, "new certificate, %s",
		cp_identity_fingerprint(s->identities[0]));
	show_identity(p);
}

// ---- life

int process_secure_open(struct process *p, char why[PROCESS_WHY])
{
	static const struct cp_handshakes_ops ops = {on_send, on_ready, on_failed};
	const struct cp_handshakes_config config = {.ops = &ops, .ctx = p};
	const struct cfg *cfg = p->policy->cfg;
	struct process_secure *s = calloc(1, sizeof(*s));
	int err = s ? cp_handshakes_new(&s->handshakes, &config) : -ENOMEM;

	p->secure = s;
	if (!err && cfg->state[0])
		snprintf(s->file, sizeof(s->file), "%s/dtls.pem", cfg->state);
	if (!err && !add_identity(s))
		err = -ENOMEM;
	if (err) {
		snprintf(why, PROCESS_WHY, "DTLS: %s", strerror(-err));
		return err;
	}
	show_identity(p);
	p->secure_poll.data = p;
	uv_poll_init(&p->loop, &p->secure_poll, cp_handshakes_fd(s->handshakes));
	uv_poll_start(&p->secure_poll, UV_READABLE, on_news);
	return 0;
}

void process_secure_free(struct process *p)
{
	struct process_secure *s = p->secure;

	if (!s)
		return;
	if (p->secure_poll.data)
		uv_poll_stop(&p->secure_poll);
	cp_handshakes_free(s->handshakes);
	for (unsigned i = 0; i < IDENTITIES; i++)
		cp_identity_release(s->identities[i]);
	free(s);
	p->secure = NULL;
}
