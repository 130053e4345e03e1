// SPDX-License-Identifier: BSD-3-Clause
//
// A record of a call, as a journal that somebody else wrote may hold it: packed and whole, with any bytes
// in it. It is refused, or it is a call: that can be written again and read again, whose media are
// claimed, and that can be ended.
#include <errno.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/journal.h"
#include "controlplane/call/persist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RENEW 256u // inputs until everything is made anew

static const char config[] =
	"media:\n"
	"  a: {device: a0, address: [10.1.0.1, \"fd00:1::1\"], ports: 20000-20999}\n"
	"sip:\n"
	"  listen: [udp:10.1.0.1, \"udp:[fd00:1::1]\"]\n"
	"  max_calls: 16\n"
	"peers:\n"
	"  office: {kind: trunk, address: 10.1.0.2}\n"
	"  carrier: {kind: trunk, address: 10.2.0.2}\n";

static struct cp_shard *shard;
static struct cp_tregion *tregion;
static uint64_t now_us = 1000000000;
static uint8_t kept[CP_JOURNAL_RECORD];
static size_t kept_size;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int on_send(void *ctx, const struct sip_flow *to, const uint8_t *bytes, size_t n)
{
	require(n > 0);
	return 0;
}

// Nobody ever answers.
static int on_submit(void *ctx, struct abi_msg *command, cp_shm_reply_fn *done, void *user)
{
	static uint64_t transaction;

	require(command->length == abi_msg_payload(command->type, 0));
	command->transaction = ++transaction;
	return 0;
}

static void on_forget(void *ctx, uint64_t transaction)
{
}

static void on_reconciled(void *ctx)
{
}

static int on_cdr(void *ctx, const char *line, size_t n)
{
	require(n > 2 && line[n - 1] == '\n' && !memchr(line, '\n', n - 1));
	return 0;
}

static void on_random(void *ctx, void *out, size_t n)
{
	static uint8_t next;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)out)[i] = ++next;
}

static int on_keep(void *ctx, uint64_t id, const uint8_t *record, size_t n)
{
	memcpy(kept, record, n);
	kept_size = n;
	return 0;
}

static int on_drop(void *ctx, uint64_t id)
{
	return 0;
}

static const struct cp_shard_ops ops = {
	.send = on_send,
	.submit = on_submit,
	.forget = on_forget,
	.reconciled = on_reconciled,
	.cdr = on_cdr,
	.random = on_random,
	.keep = on_keep,
	.drop = on_drop,
};

static void open_shard(void)
{
	static struct abi_counter counters[CP_COUNTERS];
	struct cp_tregion_config t = {1, 16, 1 << 16, counters, CP_COUNTERS};
	struct cp_shard_config c = {
		.ops = &ops, .now_us = now_us, .realtime_offset_us = 1700000000000000ull};
	struct cp_shm_info info = {.sessions = 64, .first = true};
	struct cfg_error error;
	struct cfg *cfg;

	sip_init();
	cp_counters_describe(counters);
	require(cp_tregion_new(&tregion, &t) == 0);
	require(cfg_parse(&cfg, "fuzz", config, sizeof(config) - 1, &error) == 0);
	require(cp_policy_new(cfg, NULL, NULL, &c.policy, &error) == 0);
	c.tregion = tregion;
	require(cp_shard_new(&c, &shard) == 0);
	cp_policy_release(c.policy);
	cp_shard_attached(shard, &info);
}

static void close_shard(void)
{
	cp_shard_free(shard);
	cp_tregion_free(tregion);
	shard = NULL;
}

// The end, by the rules, or without a word.
static void end(struct cp_call *call, bool rules)
{
	struct cp_shm_info info = {.sessions = 64, .same_boot = true};

	if (!rules) {
		cp_call_free(call);
		return;
	}
	cp_shard_detached(shard);
	cp_shard_attached(shard, &info);
	cp_shard_stop(shard);
	for (unsigned i = 0; i < 80; i++) {
		now_us += 1000000;
		cp_shard_tick(shard, now_us);
	}
	cp_shard_detached(shard);
	close_shard();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t record[CP_JOURNAL_RECORD];
	static unsigned inputs;
	struct sip_slice ids[2];
	struct cp_call *call;
	uint64_t id = 0;
	int err, n;

	if (shard && inputs++ % RENEW == 0)
		close_shard();
	if (!shard)
		open_shard();
	if (size >= sizeof(id))
		memcpy(&id, data, sizeof(id));
	n = cp_persist_pack(shard->scratch, data, size, record, sizeof(record));
	if (n < 0)
		return 0;
	err = cp_persist_load(shard, id, record, (size_t)n, &call);
	if (err) {
		require(shard->count == 0);
		return 0;
	}
	require(cp_persist_call_ids(shard->scratch, record, (size_t)n, ids) == 0 && ids[0].n &&
		ids[1].n);
	kept_size = 0;
	cp_shard_keep_again(shard);
	cp_shard_keep(shard, true);
	require(kept_size != 0);
	end(call, size % 8 == 0);
	if (!shard)
		open_shard();
	require(cp_persist_load(shard, id, kept, kept_size, &call) == 0);
	end(call, false);
	return 0;
}
