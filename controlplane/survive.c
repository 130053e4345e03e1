// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/survive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/call/journal.h"
#include "controlplane/call/persist.h"
#include "controlplane/cdr_file.h"
#include "controlplane/counters.h"
#include "controlplane/log.h"
#include "dataplane/abi/shm.h"

#define RETRY_US   10000000u
#define CALL_BYTES 16384u // of the file, for each call: its record, twice while it is replaced
#define LEAST      (16u << 20)

struct cp_survive {
	struct cp_journal *journal;
	struct cp_survive_config config;
	char path[512], directory[256];
	bool made;   // the directory, by us
	bool broken; // nothing was written since retry_us - RETRY_US
	uint64_t retry_us;
	// While calls are restored: those that are not to be.
	bool restoring;
	uint64_t *gone; // malloc
	size_t gone_count, gone_room;
};

// ---- life ------------------------------------------------------------------------------------------

static const char *const parts[] = {"", "-lock", ".pid"};

static int open_journal(struct cp_survive *s, char *why, size_t size)
{
	int moved, err;

	s->made = mkdir(s->directory, 0750) == 0;
	err = cp_journal_open(
		&s->journal, s->path, LEAST + s->config.calls * (size_t)CALL_BYTES, &moved);
	if (err == -EBUSY)
		snprintf(why, size,
			"%s: another hawse-sip keeps its calls there; stop it or give this one "
			"another `state`",
			s->path);
	else if (err && err != -ENOMEM)
		cp_log(CP_LOG_ERROR, "journal", 0,
			"%s cannot be opened: %s; calls will not survive a restart of hawse-sip",
			s->path, strerror(-err));
	if (!err && moved)
		cp_log(CP_LOG_ERROR, "journal", 0,
			"%s cannot be read and lies in %s.broken now; its calls are lost", s->path,
			s->path);
	return err;
}

int cp_survive_open(
	struct cp_survive **out, const struct cp_survive_config *config, char *why, size_t size)
{
	struct cp_survive *s;
	int err;

	*out = NULL;
	if (!config->directory[0])
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->config = *config;
	snprintf(s->directory, sizeof(s->directory), "%s", config->directory);
	snprintf(s->path, sizeof(s->path), "%s/calls", s->directory);
	err = open_journal(s, why, size);
	if (err) {
		free(s);
		return err == -EBUSY || err == -ENOMEM ? err : 0;
	}
	abi_store64(&config->counters[CP_C_JOURNAL], 1);
	*out = s;
	return 0;
}

int cp_survive_own(struct cp_survive *s, uid_t uid, gid_t gid)
{
	char path[sizeof(s->path) + 8];

	if (!s)
		return 0;
	if (s->made && chown(s->directory, uid, gid) < 0)
		return -errno;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", s->path, parts[i]);
		if (chown(path, uid, gid) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int found_one(void *user, uint64_t id, const void *record, size_t size)
{
	return 1;
}

void cp_survive_close(struct cp_survive *s)
{
	char path[sizeof(s->path) + 8];
	bool empty;

	if (!s)
		return;
	cp_journal_commit(s->journal);
	empty = cp_journal_each(s->journal, found_one, NULL) == 0;
	cp_journal_close(s->journal);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]) && empty; i++) {
		snprintf(path, sizeof(path), "%s%s", s->path, parts[i]);
		unlink(path);
	}
	free(s->gone);
	free(s);
}

// ---- every pass ------------------------------------------------------------------------------------

// Not now: it is in the midst of being read.
static int put_off(struct cp_survive *s, uint64_t id)
{
	if (s->gone_count == s->gone_room) {
		size_t room = s->gone_room ? s->gone_room * 2 : 64;
		void *more = realloc(s->gone, room * sizeof(*s->gone));

		if (!more)
			return -ENOMEM;
		s->gone = more;
		s->gone_room = room;
	}
	s->gone[s->gone_count++] = id;
	return 0;
}

int cp_survive_keep(struct cp_survive *s, uint64_t id, const uint8_t *record, size_t n)
{
	return s->broken ? 0 : cp_journal_put(s->journal, id, record, n);
}

int cp_survive_drop(struct cp_survive *s, uint64_t id)
{
	if (s->restoring)
		return put_off(s, id);
	return s->broken ? 0 : cp_journal_delete(s->journal, id);
}

static bool keep_all(struct cp_shard *const *shards, unsigned count, bool all)
{
	bool now = all;

	for (unsigned i = 0; i < count; i++)
		now |= cp_shard_keep(shards[i], all);
	return now;
}

static void commit(struct cp_survive *s, uint64_t now_us)
{
	bool was = s->broken;
	int err = cp_journal_commit(s->journal);

	s->broken = err != 0;
	if (err) {
		s->retry_us = now_us + RETRY_US;
		abi_add64(&s->config.counters[CP_C_JOURNAL_FAILED], 1);
	}
	if (was == s->broken)
		return;
	abi_store64(&s->config.counters[CP_C_JOURNAL], !s->broken);
	if (err)
		cp_log(CP_LOG_ERROR, "journal", 0,
			"%s cannot be written: %s; until it can, calls will not survive a restart",
			s->path, strerror(-err));
	else
		cp_log(CP_LOG_INFO, "journal", 0, "%s is written again", s->path);
}

// From the beginning, with every call that there is now.
static void begin_anew(
	struct cp_survive *s, struct cp_shard *const *shards, unsigned count, uint64_t now_us)
{
	s->broken = false;
	if (cp_journal_clear(s->journal)) {
		s->broken = true;
		s->retry_us = now_us + RETRY_US;
		return;
	}
	for (unsigned i = 0; i < count; i++)
		cp_shard_keep_again(shards[i]);
	keep_all(shards, count, true);
	s->broken = true; // until the commit says otherwise
	commit(s, now_us);
}

void cp_survive_settle(struct cp_survive *s, struct cp_shard *const *shards, unsigned count,
	uint64_t now_us, bool all)
{
	if (!s)
		return;
	if (!s->broken) {
		if (keep_all(shards, count, all))
			commit(s, now_us);
	} else if (all) {
		keep_all(shards, count, true);
		if (now_us >= s->retry_us)
			begin_anew(s, shards, count, now_us);
	}
}

// ---- after a restart -------------------------------------------------------------------------------

struct restore {
	struct cp_survive *s;
	cp_survive_shard_fn *shard_of;
	void *ctx;
	const struct cp_cdr_list *recorded;
	struct cp_persist_scratch *scratch;
	unsigned restored, lost;
};

static int restore_one(void *user, uint64_t id, const void *record, size_t size)
{
	struct restore *r = user;
	unsigned recorded = cp_cdr_list_legs(r->recorded, id);
	struct sip_slice ids[2];
	struct cp_shard *shard = r->shard_of(r->ctx, sip_slice(NULL, 0));
	int err = 0;

	// What cannot be read is counted by the first shard.
	if (cp_persist_call_ids(r->scratch, record, size, ids) == 0) {
		shard = r->shard_of(r->ctx, ids[0]);
		if (shard != r->shard_of(r->ctx, ids[1])) {
			cp_log(CP_LOG_WARNING, "journal", id,
				"the call is lost: sip.shards has changed");
			err = -EXDEV;
		}
	}
	if (!err && recorded != 3)
		err = cp_shard_restore(shard, id, record, size, recorded);
	r->restored += !err && recorded != 3;
	r->lost += err != 0;
	if (err || recorded == 3)
		put_off(r->s, id);
	return 0;
}

static void forget_gone(struct cp_survive *s)
{
	s->restoring = false;
	for (size_t i = 0; i < s->gone_count; i++)
		cp_journal_delete(s->journal, s->gone[i]);
	free(s->gone);
	s->gone = NULL;
	s->gone_count = s->gone_room = 0;
}

void cp_survive_restore(
	struct cp_survive *s, const struct cp_cdr_list *recorded, cp_survive_shard_fn *shard_of,
	void *ctx)
{
	struct restore r = {.s = s, .shard_of = shard_of, .ctx = ctx, .recorded = recorded};
	uint64_t begin = abi_now_us();
	int err;

	if (!s || cp_journal_each(s->journal, found_one, NULL) == 0)
		return;
	s->restoring = true;
	r.scratch = cp_persist_scratch_new();
	err = r.scratch ? cp_journal_each(s->journal, restore_one, &r) : -ENOMEM;
	cp_persist_scratch_free(r.scratch);
	if (err)
		cp_log(CP_LOG_ERROR, "journal", 0, "%s cannot be read to its end: %s", s->path,
			strerror(-err));
	forget_gone(s);
	cp_log(CP_LOG_INFO, "journal", 0, "%u calls go on, %u are lost; read in %u ms", r.restored,
		r.lost, (unsigned)((abi_now_us() - begin) / 1000));
}
