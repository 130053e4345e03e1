// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/log.h"
#include "controlplane/process_private.h"

// ---- what a shard asks for -------------------------------------------------------------------------

static int on_cdr(void *ctx, const char *line, size_t n)
{
	return cp_cdr_file_write(&((struct process *)ctx)->cdr, line, n);
}

static void on_opened(void *ctx, const char *line, size_t n)
{
	cp_cdr_opened(&((struct process *)ctx)->legs, line, n);
}

static void on_closed(void *ctx, const char *id)
{
	cp_cdr_closed(&((struct process *)ctx)->legs, id);
}

static int on_stats(void *ctx, uint64_t epoch, uint32_t slot, uint32_t generation, unsigned leg,
	struct abi_leg_stats *stats)
{
	return cp_shm_stats(((struct process *)ctx)->shm, epoch, slot, generation, leg, stats);
}

const struct cp_shard_ops process_billing = {
	.cdr = on_cdr,
	.cdr_opened = on_opened,
	.cdr_closed = on_closed,
	.stats = on_stats,
};

// ---- life ------------------------------------------------------------------------------------------

int process_open_cdrs(struct process *p, char why[PROCESS_WHY])
{
	const struct cfg *cfg = p->policy->cfg;
	int err = cp_cdr_file_open(&p->cdr, cfg->stats.cdr, why, PROCESS_WHY);

	cp_cdr_file_set(&p->cdr, &cfg->stats.how);
	if (!err && cfg->stats.cdr[0])
		cp_cdr_open_start(&p->legs, cfg->state); // says itself what is wrong
	return err;
}

struct live {
	uint64_t call;
	unsigned attempt;
};

struct lives {
	struct live *all;
	size_t count;
};

static void add_live(void *ctx, uint64_t call, unsigned attempt)
{
	struct lives *l = ctx;

	l->all[l->count++] = (struct live){call, attempt};
}

static int by_call(const void *a, const void *b)
{
	const struct live *x = a, *y = b;

	return x->call < y->call ? -1 : x->call > y->call;
}

static bool lives(void *ctx, uint64_t call, unsigned leg, unsigned attempt)
{
	const struct lives *l = ctx;
	const struct live key = {.call = call};
	const struct live *found =
		l->count ? bsearch(&key, l->all, l->count, sizeof(key), by_call) : NULL;

	return found && (leg == 0 || attempt == found->attempt);
}

static void settle_legs(struct process *p, const struct cp_cdr_list *recorded)
{
	struct lives l = {.all = calloc(process_calls(p) + 1, sizeof(*l.all))};
	int settled = -ENOMEM;

	if (l.all) {
		for (unsigned i = 0; i < p->shard_count; i++)
			cp_shard_each(p->shards[i], add_live, &l);
		qsort(l.all, l.count, sizeof(*l.all), by_call);
		settled = cp_cdr_open_settle(&p->legs, recorded, &p->cdr, lives, &l);
	}
	free(l.all);
	if (settled < 0)
		cp_log(CP_LOG_ERROR, "cdr", 0, "%s cannot be read: %s; some legs have no CDR",
			p->legs.path, strerror(-settled));
	else if (settled)
		cp_log(CP_LOG_INFO, "cdr", 0,
			"%d legs had begun when hawse-sip was killed; they have their CDR now",
			settled);
}

void process_restore(struct process *p, cp_survive_shard_fn *shard_of)
{
	const char *file = p->policy->cfg->stats.cdr;
	struct cp_cdr_list recorded;
	int err = cp_cdr_list_read(&recorded, file);

	if (err)
		cp_log(CP_LOG_WARNING, "cdr", 0,
			"%s cannot be read: %s; calls that are in it may be recorded twice", file,
			strerror(-err));
	cp_survive_restore(p->survive, &recorded, shard_of, p);
	settle_legs(p, &recorded);
	cp_cdr_list_free(&recorded);
}

// A disk may take its time: a thread of libuv's waits for it, with a descriptor of its own.
static void on_synced(uv_fs_t *sync)
{
	struct process *p = sync->data;

	uv_fs_req_cleanup(sync);
	close(p->syncing);
	p->syncing = -1;
}

void process_tick_cdrs(struct process *p)
{
	struct timespec now;
	bool wanted;

	clock_gettime(CLOCK_REALTIME, &now);
	cp_cdr_open_tick(&p->legs);
	wanted = cp_cdr_file_tick(&p->cdr, p->now_us, (uint64_t)now.tv_sec);
	if (!wanted || p->syncing >= 0)
		return;
	p->syncing = fcntl(p->cdr.fd, F_DUPFD_CLOEXEC, 3);
	if (p->syncing < 0)
		return;
	cp_cdr_file_synced(&p->cdr, p->now_us);
	p->sync.data = p;
	if (uv_fs_fdatasync(&p->loop, &p->sync, p->syncing, on_synced) < 0) {
		close(p->syncing);
		p->syncing = -1;
	}
}

void process_close_cdrs(struct process *p)
{
	cp_cdr_file_close(&p->cdr);
	cp_cdr_open_end(&p->legs);
}
