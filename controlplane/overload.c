// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/overload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WAYS 4u // a source may lie in one of so many places

struct source { // 48 bytes
	uint8_t ip[16];
	uint8_t family;
	uint32_t muted_until; // ms
	uint32_t seen;        // ms
	float tokens;         // new requests
	float junk;           // refused messages that may still come
	uint32_t refilled;    // ms
};

struct cp_overload {
	struct cp_overload_config config;
	struct cp_overload_counters counters;
	double tokens;
	uint64_t refilled_us;
	uint64_t key; // a source must not choose its place
	uint32_t random;
	struct source table[];
};

int cp_overload_new(struct cp_overload **out, const struct cp_overload_config *config)
{
	uint32_t sources = config->sources ? config->sources : 16384;
	struct cp_overload *o;

	if (sources < WAYS || (sources & (sources - 1)))
		return -EINVAL;
	o = calloc(1, sizeof(*o) + sources * sizeof(struct source));
	if (!o)
		return -ENOMEM;
	o->config = *config;
	o->config.sources = sources;
	o->config.target_us = config->target_us ? config->target_us : 100000;
	o->config.junk_rate = config->junk_rate > 0 ? config->junk_rate : 20;
	o->config.mute_ms = config->mute_ms ? config->mute_ms : 10000;
	if (o->config.source_burst <= 0)
		o->config.source_burst = 2 * o->config.source_rate;
	o->tokens = config->rate_most < 1 ? 1 : config->rate_most;
	if (getrandom(&o->key, sizeof(o->key), 0) != sizeof(o->key) ||
		getrandom(&o->random, sizeof(o->random), 0) != sizeof(o->random)) {
		free(o);
		return -EIO;
	}
	o->random |= 1;
	*out = o;
	return 0;
}

void cp_overload_free(struct cp_overload *o)
{
	free(o);
}

// ---- the bound on new calls

static void refill(struct cp_overload *o, uint64_t now_us)
{
	double burst = o->config.rate_most < 1 ? 1 : o->config.rate_most;

	if (o->refilled_us == 0)
		o->refilled_us = now_us;
	o->tokens += o->config.rate_most * (double)(now_us - o->refilled_us) / 1e6;
	o->refilled_us = now_us;
	if (o->tokens > burst)
		o->tokens = burst;
}

// ---- sources

static struct source *place(struct cp_overload *o, const struct sip_addr *a)
{
	uint64_t half[2], x;

	// One IPv6 host has a /64 at its disposal, and would otherwise have as many buckets.
	memcpy(half, a->ip, sizeof(half));
	if (a->family == 6)
		half[1] = 0;
	x = (half[0] ^ o->key) * 0x9e3779b97f4a7c15ull + half[1];
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	return &o->table[(x & (o->config.sources - 1)) & ~(uint64_t)(WAYS - 1)];
}

static bool is(const struct source *s, const struct sip_addr *a)
{
	return s->family == a->family && memcmp(s->ip, a->ip, a->family == 6 ? 8 : 4) == 0;
}

static struct source *find(struct cp_overload *o, const struct sip_addr *a)
{
	struct source *set = place(o, a);

	for (unsigned i = 0; i < WAYS; i++)
		if (is(&set[i], a))
			return &set[i];
	return NULL;
}

// Finds or makes; the longest unseen of a full set has to go, but no muted one while another can.
static struct source *have(struct cp_overload *o, const struct sip_addr *a, uint32_t now_ms)
{
	struct source *s = find(o, a), *set = place(o, a);

	if (!s) {
		s = &set[0];
		for (unsigned i = 1; i < WAYS; i++) {
			bool muted = (int32_t)(set[i].muted_until - now_ms) > 0;
			bool worse = (int32_t)(s->muted_until - now_ms) > 0;

			if (set[i].family == 0 || (worse && !muted) ||
				(worse == muted && s->family &&
					(int32_t)(set[i].seen - s->seen) < 0))
				s = &set[i];
			if (s->family == 0)
				break;
		}
		memset(s, 0, sizeof(*s));
		memcpy(s->ip, a->ip, sizeof(s->ip));
		s->family = a->family;
		s->tokens = (float)o->config.source_burst;
		s->junk = (float)o->config.junk_rate;
		s->muted_until = now_ms;
		s->refilled = now_ms;
	}
	s->seen = now_ms;
	return s;
}

static void refill_source(const struct cp_overload *o, struct source *s, uint32_t now_ms)
{
	float seconds = (float)(now_ms - s->refilled) / 1000;

	s->refilled = now_ms;
	s->tokens += (float)o->config.source_rate * seconds;
	if (s->tokens > (float)o->config.source_burst)
		s->tokens = (float)o->config.source_burst;
	s->junk += (float)o->config.junk_rate * seconds;
	if (s->junk > (float)o->config.junk_rate)
		s->junk = (float)o->config.junk_rate;
}

bool cp_overload_muted(struct cp_overload *o, uint64_t now_us, const struct sip_addr *source)
{
	const struct source *s = find(o, source);

	if (!s || (int32_t)(s->muted_until - (uint32_t)(now_us / 1000)) <= 0)
		return false;
	o->counters.muted++;
	return true;
}

void cp_overload_junk(struct cp_overload *o, uint64_t now_us, const struct sip_addr *source)
{
	uint32_t now_ms = (uint32_t)(now_us / 1000);
	struct source *s = have(o, source, now_ms);

	refill_source(o, s, now_ms);
	s->junk -= 1;
	if (s->junk >= 0 || (int32_t)(s->muted_until - now_ms) > 0)
		return;
	s->muted_until = now_ms + o->config.mute_ms;
	s->junk = (float)o->config.junk_rate;
	o->counters.mutes++;
}

static bool source_may(struct cp_overload *o, uint64_t now_us, const struct sip_addr *source)
{
	uint32_t now_ms = (uint32_t)(now_us / 1000);
	struct source *s;

	if (o->config.source_rate <= 0)
		return true;
	s = have(o, source, now_ms);
	refill_source(o, s, now_ms);
	if (s->tokens < 1)
		return false;
	s->tokens -= 1;
	return true;
}

// ---- the question

static bool rate_may(struct cp_overload *o, uint64_t now_us)
{
	if (o->config.rate_most <= 0)
		return true;
	refill(o, now_us);
	if (o->tokens < 1)
		return false;
	o->tokens -= 1;
	return true;
}

enum cp_overload_verdict cp_overload_ask(struct cp_overload *o, uint64_t now_us, uint64_t age_us,
	const struct sip_addr *source, bool trusted, enum cp_overload_class class_)
{
	if (class_ == CP_CLASS_DIALOG)
		return CP_ADMIT;
	o->counters.age_us = age_us;
	if (!trusted && !source_may(o, now_us, source)) {
		o->counters.shed_source++;
		return CP_SHED_SOURCE;
	}
	if (class_ != CP_CLASS_EMERGENCY) {
		if (age_us > o->config.target_us) {
			o->counters.shed++;
			return CP_SHED;
		}
		if (!rate_may(o, now_us)) {
			o->counters.shed_rate++;
			return CP_SHED;
		}
	}
	o->counters.admitted++;
	return CP_ADMIT;
}

uint32_t cp_overload_retry_after(struct cp_overload *o)
{
	o->random ^= o->random << 13;
	o->random ^= o->random >> 17;
	o->random ^= o->random << 5;
	return 2 + o->random % 9;
}

const struct cp_overload_counters *cp_overload_counters(const struct cp_overload *o)
{
	return &o->counters;
}
