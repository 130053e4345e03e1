// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/phones.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/call/journal.h"
#include "controlplane/counters.h"
#include "controlplane/log.h"
#include "controlplane/registrar/enrol.h"
#include "sip/dialog.h"

#define MAP      (1ull << 30) // most bytes of the file; it is as long as it needs to be
#define SWEEP_US 5000000u

struct cp_phones {
	struct cp_phones_config config;
	struct cp_policy *policy;
	struct cp_registrar *registrar;
	struct cp_bans *bans;
	struct cp_journal *journal; // NULL: none
	struct cp_transport *transport;
	struct cp_shard *shard;
	uint64_t now_us, swept_us;
	uint64_t denied;
	bool failing; // the journal's failure is in the log
	char path[256];
};

// ---- the journal ------------------------------------------------------------------------------------

static int on_keep(void *ctx, uint64_t id, const void *record, size_t n)
{
	struct cp_phones *p = ctx;

	return p->journal ? cp_journal_put(p->journal, id, record, n) : 0;
}

static int on_drop(void *ctx, uint64_t id)
{
	struct cp_phones *p = ctx;

	return p->journal ? cp_journal_delete(p->journal, id) : 0;
}

static bool wanted(const struct cp_policy *policy)
{
	for (unsigned i = 0; i < policy->cfg->peer_count; i++)
		if (policy->cfg->peers[i].access)
			return true;
	return false;
}

static int restore_one(void *user, uint64_t id, const void *record, size_t n)
{
	struct cp_phones *p = user;
	int err = cp_registrar_restore(p->registrar, id, record, n);

	if (err == -EBADMSG)
		cp_log(CP_LOG_WARNING, "registrar", 0,
			"%s: a record cannot be read and is left out", p->path);
	return 0;
}

static int open_journal(struct cp_phones *p, char *why, size_t size)
{
	const char *state = p->policy->cfg->state;
	int moved, err;

	if (!state[0] || !wanted(p->policy))
		return 0;
	snprintf(p->path, sizeof(p->path), "%s/registrations", state);
	mkdir(state, 0750);
	err = cp_journal_open(&p->journal, p->path, MAP, &moved);
	if (err == -EBUSY) {
		snprintf(why, size,
			"%s: another hawse-sip keeps its registrations there; stop it or give this "
			"one "
			"another `state`",
			p->path);
		return err;
	}
	if (err) {
		cp_log(CP_LOG_ERROR, "registrar", 0,
			"%s cannot be opened: %s; registrations will not survive a restart of "
			"hawse-sip",
			p->path, strerror(-err));
		p->journal = NULL;
		return 0;
	}
	if (moved)
		cp_log(CP_LOG_ERROR, "registrar", 0,
			"%s cannot be read and lies in %s.broken now; phones have to register anew",
			p->path, p->path);
	cp_journal_each(p->journal, restore_one, p);
	cp_registrar_keep_key(p->registrar);
	return 0;
}

int cp_phones_own(struct cp_phones *p, uid_t uid, gid_t gid)
{
	static const char *const parts[] = {"", "-lock", ".pid"};
	char path[sizeof(p->path) + 8];

	for (unsigned i = 0; i < 3 && p->journal; i++) {
		snprintf(path, sizeof(path), "%s%s", p->path, parts[i]);
		if (chown(path, uid, gid) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

void cp_phones_settle(struct cp_phones *p)
{
	int err = 0;

	if (!cp_registrar_settle(p->registrar) || !p->journal)
		return;
	err = cp_journal_commit(p->journal);
	if (err && !p->failing)
		cp_log(CP_LOG_ERROR, "registrar", 0, "%s cannot be written: %s", p->path,
			strerror(-err));
	p->failing = err;
}

// ---- what the registrar asks for --------------------------------------------------------------------

static void on_random(void *ctx, void *out, size_t n)
{
	struct cp_phones *p = ctx;

	p->config.random(p->config.ctx, out, n);
}

static bool on_alive(void *ctx, const struct sip_flow *flow)
{
	struct cp_phones *p = ctx;

	return p->transport && cp_transport_alive(p->transport, flow);
}

static void on_ping(void *ctx, const struct cp_contact *contact)
{
	struct cp_phones *p = ctx;

	if (p->shard)
		cp_shard_ping(p->shard, &contact->flow, contact->uri);
}

static bool is_trusted(const struct cp_phones *p, const struct sip_addr *source)
{
	const struct sip_flow flow = {.remote = *source};

	return cp_peers_owner(p->policy->peers, source) ||
	       (p->transport && cp_transport_peer(p->transport, p->policy, &flow));
}

static void suspect(struct cp_phones *p, const struct sip_addr *source, const char *what)
{
	char host[SIP_ADDR_TEXT];

	if (is_trusted(p, source) || !cp_bans_fail(p->bans, p->now_us, source, what))
		return;
	sip_addr_host(source, true, host);
	cp_log(CP_LOG_WARNING, "ban", 0, "%s is not listened to for %u s: %s", host,
		p->policy->cfg->sip.ban.time, what);
}

static void on_suspect(void *ctx, const struct sip_addr *source, const char *what)
{
	struct cp_phones *p = ctx;

	if (what)
		suspect(p, source, what);
	else
		cp_phones_suspect(p, source, "asks for what is not here");
}

void cp_phones_suspect(struct cp_phones *p, const struct sip_addr *source, const char *what)
{
	if (wanted(p->policy) && !cp_registrar_knows(p->registrar, source))
		suspect(p, source, what);
}

static const struct cp_registrar_ops registrar_ops = {
	.random = on_random,
	.keep = on_keep,
	.drop = on_drop,
	.suspect = on_suspect,
	.alive = on_alive,
	.ping = on_ping,
};

// ---- life -------------------------------------------------------------------------------------------

int cp_phones_new(
	struct cp_phones **out, const struct cp_phones_config *config, char *why, size_t size)
{
	struct cp_phones *p = calloc(1, sizeof(*p));
	uint8_t key[16];
	int err;

	if (!p)
		return -ENOMEM;
	p->config = *config;
	p->policy = cp_policy_hold(config->policy);
	p->now_us = config->now_us;
	config->random(config->ctx, key, sizeof(key));
	err = cp_bans_new(&p->bans, &p->policy->cfg->sip.ban, key);
	if (!err)
		err = cp_registrar_new(&p->registrar, &registrar_ops, p, p->policy, config->now_us,
			config->realtime_offset_us);
	if (!err)
		err = open_journal(p, why, size);
	if (err)
		cp_phones_free(p);
	else
		*out = p;
	return err;
}

void cp_phones_start(struct cp_phones *p, struct cp_transport *transport, struct cp_shard *shard)
{
	p->transport = transport;
	p->shard = shard;
}

void cp_phones_free(struct cp_phones *p)
{
	if (!p)
		return;
	if (p->registrar)
		cp_phones_settle(p);
	cp_registrar_free(p->registrar);
	cp_bans_free(p->bans);
	cp_journal_close(p->journal);
	cp_policy_release(p->policy);
	free(p);
}

void cp_phones_set_policy(struct cp_phones *p, struct cp_policy *policy)
{
	char why[256];

	cp_policy_hold(policy);
	cp_policy_release(p->policy);
	p->policy = policy;
	cp_registrar_set_policy(p->registrar, policy);
	cp_bans_configure(p->bans, &policy->cfg->sip.ban);
	// The first phones of this process.
	if (!p->journal && open_journal(p, why, sizeof(why)))
		cp_log(CP_LOG_ERROR, "registrar", 0, "%s", why);
}

void cp_phones_tick(struct cp_phones *p, uint64_t now_us)
{
	p->now_us = now_us;
	cp_registrar_tick(p->registrar, now_us);
	if (now_us - p->swept_us < SWEEP_US)
		return;
	p->swept_us = now_us;
	cp_bans_sweep(p->bans, now_us);
}

bool cp_phones_admits(struct cp_phones *p, const struct sip_flow *source)
{
	if (cp_bans_check(p->bans, p->now_us, &source->remote))
		return false;
	if (cfg_acl_allows(&p->policy->cfg->sip.acl, source->remote.family, source->remote.ip))
		return true;
	p->denied++;
	return false;
}

struct cp_registrar *cp_phones_registrar(struct cp_phones *p)
{
	return p->registrar;
}

struct cp_bans *cp_phones_bans(struct cp_phones *p)
{
	return p->bans;
}

uint64_t cp_phones_now(const struct cp_phones *p)
{
	return p->now_us;
}

// Of the trunks that we register at.
static void count_trunks(struct cp_shard *shard, uint64_t *registered, uint64_t * not )
{
	struct cp_enrol_view view;

	*registered = *not = 0;
	for (unsigned i = 0; shard && cp_enrol_at(shard, i, &view); i++)
		(*(view.expires_s ? registered : not ))++;
}

void cp_phones_publish(struct cp_phones *p, struct cp_shard *first)
{
	const struct cp_registrar_counters *r = cp_registrar_counters(p->registrar);
	const struct cp_ban_counters *b = cp_bans_counters(p->bans);
	const struct cp_location *l = cp_registrar_location(p->registrar);
	uint64_t registered, not ;

	count_trunks(first, &registered, &not );
	const struct {
		enum cp_counter counter;
		uint64_t value;
	} values[] = {
		{CP_C_REGISTRATIONS, cp_location_contacts(l)},
		{CP_C_REGISTERED_USERS, cp_location_users(l)},
		{CP_C_REGISTERS, r->registers},
		{CP_C_REGISTERS_CHALLENGED, r->challenged},
		{CP_C_REGISTERS_STALE, r->stale + r->replayed},
		{CP_C_REGISTERS_FAILED, r->failed},
		{CP_C_REGISTERS_REFUSED, r->refused},
		{CP_C_REGISTERS_FLOODED, r->flooded},
		{CP_C_REGISTRATIONS_EXPIRED, r->expired},
		{CP_C_PHONE_PINGS, r->pings},
		{CP_C_REGISTRATIONS_LOST, r->kept_failed},
		{CP_C_BANS, b->current},
		{CP_C_BANNED, b->bans},
		{CP_C_DROP_BANNED, b->dropped},
		{CP_C_DROP_DENIED, p->denied},
		{CP_C_TRUNKS_REGISTERED, registered},
		{CP_C_TRUNKS_UNREGISTERED, not },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		abi_store64(&p->config.counters[values[i].counter], values[i].value);
}
