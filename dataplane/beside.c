// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/beside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/log.h"

#define SHARED_NICE 5

// The CPUs that no worker and no agent was given by name.
static void others(const struct cfg_dataplane *d, const cpu_set_t *may, cpu_set_t *out)
{
	*out = *may;
	for (unsigned i = 0; i < d->core_count; i++)
		CPU_CLR((unsigned)d->cores[i], out);
	if (d->agent_core >= 0)
		CPU_CLR((unsigned)d->agent_core, out);
	if (!CPU_COUNT(out))
		*out = *may;
}

static unsigned usual(const struct cfg_dataplane *d, const cpu_set_t *may)
{
	int left = CPU_COUNT(may) - (int)d->workers - 1;

	return left < 1 ? 1 : left > (int)DP_TRANSCODERS ? DP_TRANSCODERS : (unsigned)left;
}

void beside_choose(struct beside *b, const struct cfg *cfg, const cpu_set_t *may)
{
	const struct cfg_dataplane *d = &cfg->dataplane;
	bool written = d->transcoders >= 0;

	b->count = written ? (unsigned)d->transcoders : usual(d, may);
	others(d, may, &b->cpus);
	if (d->transcoder_core_count) {
		CPU_ZERO(&b->cpus);
		for (unsigned i = 0; i < d->transcoder_core_count; i++)
			CPU_SET((unsigned)d->transcoder_cores[i], &b->cpus);
	}
	b->shared = !d->transcoder_core_count && CPU_COUNT(may) < (int)(d->workers + 1 + b->count);
	if (!b->count)
		dp_log(DP_INFO, "transcoder", "no transcoders: calls want a common codec");
	else
		dp_log(DP_INFO, "transcoder", "%u transcoder%s, %s%s", b->count,
			b->count == 1 ? "" : "s",
			b->shared ? "sharing cores with workers, at a lower priority"
				  : "with cores of their own",
			written ? "" : "; dataplane.transcoders says otherwise");
}

static int no_memory(char why[BESIDE_WHY])
{
	snprintf(why, BESIDE_WHY, "out of memory");
	return -ENOMEM;
}

int beside_rings(struct beside *b, const struct cfg *cfg, unsigned workers, char why[BESIDE_WHY])
{
	b->workers = workers;
	for (unsigned w = 0; w < workers; w++) {
		b->tape[w] = cfg->recordings[0] ? dp_side_new() : NULL;
		if (cfg->recordings[0] && !b->tape[w])
			return no_memory(why);
		for (unsigned t = 0; t < b->count; t++) {
			b->in[w][t] = dp_side_new();
			b->out[w][t] = dp_side_new();
			if (!b->in[w][t] || !b->out[w][t])
				return no_memory(why);
		}
	}
	return 0;
}

void beside_worker(const struct beside *b, unsigned worker, struct dp_worker_config *config)
{
	config->recorder = b->tape[worker];
	config->transcoders = b->count;
	for (unsigned t = 0; t < b->count; t++) {
		config->to_transcoder[t] = b->in[worker][t];
		config->from_transcoder[t] = b->out[worker][t];
	}
}

static void nudge(void *ctx, unsigned worker)
{
	const struct beside *b = ctx;

	dp_worker_nudge(b->worker[worker]);
}

static int start_one(
	struct beside *b, unsigned index, uint32_t sessions, int bell, const abi_atomic32 *asleep)
{
	struct dp_transcoder_config c = {
		.index = index,
		.workers = b->workers,
		.sessions = sessions,
		.nudge = nudge,
		.ctx = b,
		.nice = b->shared ? SHARED_NICE : 0,
		.agent_bell = bell,
		.agent_sleeping = asleep,
	};
	int err;

	for (unsigned w = 0; w < b->workers; w++) {
		c.in[w] = b->in[w][index];
		c.out[w] = b->out[w][index];
	}
	err = dp_transcoder_create(&b->transcoder[index], &c);
	return err ? err : dp_transcoder_start(b->transcoder[index], &b->cpus, sizeof(b->cpus));
}

static void left_out(const char *file, const char *why)
{
	dp_log(DP_WARNING, "prompts", "%s is left out: %s", file, why);
}

void beside_reload(struct beside *b, const struct cfg *cfg, struct region *region)
{
	int err;

	if (!b->prompts || !cfg->prompts[0])
		return;
	err = prompts_read(b->prompts, cfg->prompts, left_out);
	if (err)
		dp_log(DP_ERROR, "prompts", "prompts: cannot read the directory %s: %s",
			cfg->prompts, strerror(-err));
	else
		dp_log(DP_INFO, "prompts", "%u prompts in memory, of %s", prompts_count(b->prompts),
			cfg->prompts);
	abi_store32(&region->a->prompts, prompts_count(b->prompts));
}

static int make_prompts(
	struct beside *b, const struct cfg *cfg, struct region *region, char why[BESIDE_WHY])
{
	int err;

	if (!cfg->prompts[0])
		return 0;
	err = prompts_new(&b->prompts);
	if (err)
		return no_memory(why);
	beside_reload(b, cfg, region);
	return 0;
}

static int no_directory(const struct cfg *cfg, int err, char why[BESIDE_WHY])
{
	snprintf(why, BESIDE_WHY, "recordings: cannot write to the directory %.150s: %s",
		cfg->recordings, strerror(-err));
	return err;
}

static int make_recorder(struct beside *b, const struct cfg *cfg, int bell,
	const abi_atomic32 *asleep, char why[BESIDE_WHY])
{
	struct dp_recorder_config c = {
		.directory = cfg->recordings,
		.workers = b->workers,
		.sessions = cfg->dataplane.sessions,
		.agent_bell = bell,
		.agent_sleeping = asleep,
	};
	int err;

	if (!cfg->recordings[0])
		return 0;
	memcpy(c.in, b->tape, sizeof(c.in));
	err = dp_recorder_create(&b->recorder, &c);
	if (!err)
		err = dp_recorder_start(b->recorder, &b->cpus, sizeof(b->cpus));
	return err ? no_directory(cfg, err, why) : 0;
}

int beside_check(const struct beside *b, const struct cfg *cfg, char why[BESIDE_WHY])
{
	int err = b->recorder ? dp_recorder_check(b->recorder) : 0;

	return err ? no_directory(cfg, err, why) : 0;
}

int beside_start(struct beside *b, const struct cfg *cfg, struct dp_worker *const *workers,
	struct region *region, int bell, const abi_atomic32 *asleep, char why[BESIDE_WHY])
{
	struct transcoders_config c = {
		.all = b->transcoder,
		.count = b->count,
		.limit = b->shared ? TRANSCODERS_LIMIT_SHARED : TRANSCODERS_LIMIT,
		.region = region,
	};
	int err = 0;

	b->worker = workers;
	for (unsigned i = 0; i < b->count && !err; i++)
		err = start_one(b, i, cfg->dataplane.sessions, bell, asleep);
	if (err) {
		snprintf(why, BESIDE_WHY, "cannot start the transcoders: %s%s", strerror(-err),
			err == -EINVAL ? "; dataplane.transcoder_cores names a core that this "
					 "process may not use"
				       : "");
		return err;
	}
	if (transcoders_new(&b->transcoders, &c))
		return no_memory(why);
	region->a->codecs = b->count ? codec_built() : 0;
	err = make_recorder(b, cfg, bell, asleep, why);
	return err ? err : make_prompts(b, cfg, region, why);
}

void beside_stop(struct beside *b)
{
	for (unsigned i = 0; i < b->count; i++)
		dp_transcoder_stop(b->transcoder[i]);
	dp_recorder_stop(b->recorder);
}

void beside_free(struct beside *b)
{
	transcoders_free(b->transcoders);
	for (unsigned i = 0; i < b->count; i++)
		dp_transcoder_free(b->transcoder[i]);
	prompts_free(b->prompts);
	dp_recorder_free(b->recorder);
	for (unsigned w = 0; w < b->workers; w++) {
		dp_side_free(b->tape[w]);
		for (unsigned t = 0; t < b->count; t++) {
			dp_side_free(b->in[w][t]);
			dp_side_free(b->out[w][t]);
		}
	}
}
