// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/transcoders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/agent/prompts.h"

#define SECOND_US 1000000u
#define COUNTED   50000u // us of charged work a second, from which on measuring says something
#define USUAL     10000u // us a second: a session that is not a cheap one
#define LEAST     0.5    // how far the table of costs may be wrong
#define MOST      4.0

struct one {
	struct dp_transcoder *thread;
	struct dp_tc_order *first, *last; // that wait for room
	uint64_t charged;                 // us a second
	uint64_t measured;                // the same
	uint32_t sessions;
};

struct transcoders {
	struct transcoders_config c;
	struct one *one;
	unsigned next; // whose replies are looked at first
	double scale;  // measured to charged
	uint64_t measured_us;
};

int transcoders_new(struct transcoders **out, const struct transcoders_config *config)
{
	struct transcoders *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->c = *config;
	t->scale = 1;
	t->one = calloc(config->count ? config->count : 1, sizeof(*t->one));
	if (!t->one) {
		free(t);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < config->count; i++)
		t->one[i].thread = config->all[i];
	*out = t;
	return 0;
}

void transcoders_dispose(struct dp_tc_order *order)
{
	if (order->type == DP_TC_SET || order->type == DP_TC_DROP) {
		for (unsigned i = 0; i < 2; i++)
			codec_path_close(order->set.path[i]);
		fax_close(order->set.fax);
		free(order->set.session);
	} else if (order->type == DP_TC_PLAY) {
		clip_player_close(order->play.sound.player);
		if (order->play.owner)
			prompts_put(NULL, order->play.owner);
	}
	free(order);
}

void transcoders_free(struct transcoders *t)
{
	struct dp_tc_order *order;

	if (!t)
		return;
	while ((order = transcoders_reply(t)))
		transcoders_dispose(order);
	for (unsigned i = 0; i < t->c.count; i++)
		while ((order = t->one[i].first)) {
			t->one[i].first = order->next;
			transcoders_dispose(order);
		}
	free(t->one);
	free(t);
}

unsigned transcoders_count(const struct transcoders *t)
{
	return t ? t->c.count : 0;
}

// ---- what a session costs

struct cost {
	uint16_t decode, encode; // us a second of speech
};

// As measured on one core of 2.6 GHz (tests/bench/RESULTS.md, transcode); only the ratios matter.
static const struct cost costs[ABI_CODECS] = {
	[ABI_CODEC_NONE] = {0, 0},
	[ABI_CODEC_PCMU] = {20, 20},
	[ABI_CODEC_PCMA] = {20, 20},
	[ABI_CODEC_G722] = {320, 460},
	[ABI_CODEC_OPUS] = {1750, 4900},
	[ABI_CODEC_G729] = {850, 3900},
	[ABI_CODEC_L16] = {30, 30},
	[ABI_CODEC_GSM] = {500, 1000},
	[ABI_CODEC_G726_16] = {900, 900},
	[ABI_CODEC_G726_24] = {900, 900},
	[ABI_CODEC_G726_32] = {900, 900},
	[ABI_CODEC_G726_40] = {900, 900},
	[ABI_CODEC_AAL2_G726_16] = {900, 900},
	[ABI_CODEC_AAL2_G726_24] = {900, 900},
	[ABI_CODEC_AAL2_G726_32] = {900, 900},
	[ABI_CODEC_AAL2_G726_40] = {900, 900},
	[ABI_CODEC_SPEEX] = {900, 4300},
	[ABI_CODEC_AMR] = {1200, 4600},
	[ABI_CODEC_AMR_WB] = {3100, 14800},
};

#define PATH_COST 120u // of packets, order, resampling

#define FAX_COST 25000u // of a gateway: modems both ways

uint32_t transcoders_fax_cost(void)
{
	return FAX_COST;
}

uint32_t transcoders_cost(unsigned from, unsigned to)
{
	return PATH_COST + costs[from % ABI_CODECS].decode + costs[to % ABI_CODECS].encode;
}

static uint64_t busy(const struct transcoders *t, unsigned i, int64_t more)
{
	const struct one *one = &t->one[i];
	double charged = (double)((int64_t)one->charged + more) * t->scale;
	double measured = (double)one->measured + (double)more * t->scale;

	return (uint64_t)(charged > measured ? charged : measured > 0 ? measured : 0);
}

static bool fits(const struct transcoders *t, unsigned i, int64_t more)
{
	return busy(t, i, more) <= (uint64_t)t->c.limit * (SECOND_US / 1000);
}

int transcoders_choose(const struct transcoders *t, uint32_t cost, int now, uint32_t charged)
{
	int best = -ENOSPC;

	// What gets cheaper, or costs the same, is never refused.
	if (now >= 0 && (cost <= charged || fits(t, (unsigned)now, (int64_t)cost - charged)))
		return now;
	for (unsigned i = 0; i < t->c.count; i++) {
		if (!fits(t, i, cost))
			continue;
		if (best < 0 || busy(t, i, 0) < busy(t, (unsigned)best, 0))
			best = (int)i;
	}
	return best;
}

void transcoders_charge(struct transcoders *t, unsigned index, int32_t cost)
{
	struct one *one = &t->one[index];

	one->charged = (uint64_t)((int64_t)one->charged + cost);
}

// ---- orders

static void flush(struct one *one)
{
	while (one->first) {
		struct dp_tc_order *order = one->first, *next = order->next;

		if (dp_transcoder_send(one->thread, order))
			return;
		one->first = next;
	}
	one->last = NULL;
}

void transcoders_send(struct transcoders *t, unsigned index, struct dp_tc_order *order)
{
	struct one *one = &t->one[index];

	order->next = NULL;
	order->result = 0;
	if (one->first)
		one->last->next = order;
	else
		one->first = order;
	one->last = order;
	if (order->type == DP_TC_SET)
		one->sessions += order->set.session != NULL;
	if (order->type == DP_TC_DROP)
		one->sessions--;
	flush(one);
}

struct dp_tc_order *transcoders_reply(struct transcoders *t)
{
	for (unsigned n = 0; n < t->c.count; n++) {
		struct one *one = &t->one[(t->next + n) % t->c.count];
		struct dp_tc_order *order = dp_transcoder_reply(one->thread);

		if (order)
			return order;
		if (one->first)
			flush(one);
	}
	t->next++;
	return NULL;
}

bool transcoders_event(struct transcoders *t, struct dp_tc_event *event)
{
	for (unsigned i = 0; i < t->c.count; i++)
		if (dp_transcoder_event(t->one[i].thread, event))
			return true;
	return false;
}

// ---- what is measured

static void measure(struct transcoders *t)
{
	uint64_t charged = 0, measured = 0;

	for (unsigned i = 0; i < t->c.count; i++) {
		struct one *one = &t->one[i];

		one->measured = (uint64_t)dp_transcoder_load(one->thread) * (SECOND_US / 1000);
		charged += one->charged;
		measured += one->measured;
	}
	if (charged < COUNTED)
		return;
	// Sessions that do not speak yet are not cheap ones: slowly down, quickly up.
	if ((double)measured > t->scale * (double)charged)
		t->scale += ((double)measured / (double)charged - t->scale) * 0.5;
	else
		t->scale += ((double)measured / (double)charged - t->scale) * 0.02;
	t->scale = t->scale < LEAST ? LEAST : t->scale > MOST ? MOST : t->scale;
}

static void show(struct transcoders *t)
{
	struct abi_region_a *a = t->c.region->a;
	uint64_t least = UINT64_MAX;
	uint32_t sessions = 0, load;

	for (unsigned i = 0; i < t->c.count; i++) {
		uint64_t b = busy(t, i, 0);

		least = b < least ? b : least;
		sessions += t->one[i].sessions;
	}
	load = t->c.count ? (uint32_t)(least / t->c.limit * 1000 / (SECOND_US / 1000)) : 0;
	abi_store32(&a->transcode_load, load);
	abi_store32(&a->transcode_full, t->c.count && transcoders_choose(t, USUAL, -1, 0) < 0);
	abi_store32(&a->transcode_sessions, sessions);
}

static void count(struct transcoders *t, unsigned i)
{
	const struct dp_tc_counters *c = dp_transcoder_counters(t->one[i].thread);
	abi_atomic64 *to = region_transcoder_counters(t->c.region, i);
	const abi_atomic64 *from[] = {
		[TRANSCODER_PACKETS_IN] = &c->packets_in,
		[TRANSCODER_PACKETS_OUT] = &c->packets_out,
		[TRANSCODER_RTCP_OUT] = &c->rtcp_out,
		[TRANSCODER_CONCEALED] = &c->concealed_ms,
		[TRANSCODER_LATE] = &c->late,
		[TRANSCODER_REFUSED] = &c->refused,
		[TRANSCODER_WRONG_TYPE] = &c->wrong_type,
		[TRANSCODER_TOO_FAST] = &c->too_fast,
		[TRANSCODER_UNKNOWN] = &c->unknown,
		[TRANSCODER_OUT_FULL] = &c->out_full,
		[TRANSCODER_DIGITS] = &c->digits,
		[TRANSCODER_EVENTS_LOST] = &c->events_late,
		[TRANSCODER_TICKS] = &c->ticks,
		[TRANSCODER_LATE_TICKS] = &c->late_ticks,
		[TRANSCODER_BUSY] = &c->busy_us,
	};

	for (unsigned k = 0; k < sizeof(from) / sizeof(from[0]); k++)
		abi_store64(&to[k], abi_load64(from[k]));
	abi_store64(&to[TRANSCODER_SESSIONS], t->one[i].sessions);
	abi_store64(&to[TRANSCODER_LOAD], dp_transcoder_load(t->one[i].thread));
	abi_store64(&to[TRANSCODER_CHARGED], busy(t, i, 0) / (SECOND_US / 1000));
}

void transcoders_tick(struct transcoders *t, uint64_t now_us)
{
	if (!t || !t->c.count)
		return;
	for (unsigned i = 0; i < t->c.count; i++)
		count(t, i);
	if (now_us - t->measured_us >= SECOND_US) {
		t->measured_us = now_us;
		measure(t);
	}
	show(t);
}
