// SPDX-License-Identifier: BSD-3-Clause
// Plans with codecs, on their way to a worker and a transcoder; and their end.
#include "dataplane/agent/session_media.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- what the worker is told

struct dp_leg_media media_of_leg(const struct abi_session_plan *plan, unsigned way,
	unsigned transcoder, unsigned recorded, unsigned leg)
{
	unsigned codec = plan->leg[leg].codec, other = plan->leg[!leg].codec;
	struct dp_leg_media m = {.codec_type = codec ? plan->terms[leg].type_in : 0};

	if (recorded >> leg & 1)
		m.flags |= DP_LEG_RECORD;
	if (way == MEDIA_THREAD) {
		m.flags |= DP_LEG_CODEC;
		m.transcoder = (uint8_t)transcoder;
	} else if (way == MEDIA_RELAY && codec != other) {
		m.flags |= codec == ABI_CODEC_PCMA ? DP_LEG_A_TO_U : DP_LEG_U_TO_A;
	}
	return m;
}

void media_fill(const struct media_change *change, uint8_t recorded,
	const struct abi_session_plan *plan, struct dp_plan *out)
{
	for (unsigned i = 0; i < out->legs; i++) {
		struct dp_leg_plan *leg = &out->leg[i];

		leg->media = media_of_leg(plan, change->way, change->transcoder, recorded, i);
		if (!plan->leg[i].codec)
			continue;
		leg->clock_rate = abi_codec_clock(plan->leg[i].codec, plan->terms[i].khz);
		media_fill_types(plan, change->way, i, &leg->want);
	}
}

// ---- what a transcoder is told

static struct dp_tc_order *make_order(struct sessions *s, uint32_t slot, bool begins,
	const struct abi_session_plan *plan, int *err)
{
	struct dp_tc_order *order = calloc(1, sizeof(*order));

	*err = order ? 0 : -ENOMEM;
	if (!order)
		return NULL;
	order->type = DP_TC_SET;
	order->slot = slot;
	order->generation = entry_of(s, slot)->generation;
	order->set.worker = entry_of(s, slot)->worker;
	if (begins)
		order->set.session = dp_tc_session_new();
	if (begins && !order->set.session)
		*err = -ENOMEM;
	if (!*err)
		*err = media_open(plan, entry_of(s, slot)->legs, &order->set);
	if (!*err)
		return order;
	transcoders_dispose(order);
	return NULL;
}

static bool can(const struct sessions *s, const struct abi_session_plan *plan)
{
	for (unsigned i = 0; i < 2; i++)
		if (plan->leg[i].codec && !(region_of(s)->a->codecs >> plan->leg[i].codec & 1))
			return false;
	return true;
}

// What a transcoder is told of a plan is the same: its codecs go on as they are, through hold and moved addresses.
static bool same_media(const struct abi_session_plan *a, const struct abi_session_plan *b)
{
	const uint32_t matter = ABI_LEG_SEND | ABI_LEG_RTCP | ABI_LEG_DTMF_REPORT | ABI_LEG_FAX_REPORT |
				ABI_LEG_UDPTL;

	for (unsigned i = 0; i < 2; i++) {
		const struct abi_leg_plan *x = &a->leg[i], *y = &b->leg[i];

		if (x->codec != y->codec || x->codec_type != y->codec_type ||
			x->ptime_ms != y->ptime_ms || x->codec_bits != y->codec_bits ||
			x->dtmf_type != y->dtmf_type || (x->flags ^ y->flags) & matter)
			return false;
	}
	return memcmp(a->terms, b->terms, sizeof(a->terms)) == 0;
}

int media_thread(struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	struct media_change *change)
{
	struct session_media *m = change->media;
	bool there = m->way == MEDIA_THREAD;
	int chosen, err;

	if (entry_of(s, slot)->legs != 2 || !transcoders_count(s->c.transcoders) || !can(s, plan))
		return -EOPNOTSUPP;
	if (there && same_media(&m->plan, plan)) {
		change->cost = m->cost;
		change->transcoder = m->transcoder;
		return 0;
	}
	if (!m->leaving)
		m->leaving = calloc(1, sizeof(*m->leaving));
	if (!m->leaving)
		return -ENOMEM;
	change->cost = media_cost(plan, 2);
	chosen = transcoders_choose(
		s->c.transcoders, change->cost, there ? m->transcoder : -1, m->cost);
	// Streams go on where they are: a session that grows moves only by ending there.
	if (chosen < 0 || (there && chosen != m->transcoder)) {
		region_count(region_of(s), AGENT_TRANSCODERS_FULL);
		return -ENOSPC;
	}
	change->transcoder = (uint8_t)chosen;
	change->order = make_order(s, slot, !there, plan, &err);
	return err;
}

int media_prepare(struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	struct media_change *change)
{
	struct session *session = &s->slots.session[slot];
	int err = 0;

	*change = (struct media_change){.media = session->media,
		.way = (uint8_t)media_way_of(plan, entry_of(s, slot)->legs)};
	if (!change->media && change->way == MEDIA_PLAIN)
		return 0;
	if (!change->media) {
		change->media = calloc(1, sizeof(*change->media));
		change->fresh = true;
		if (!change->media)
			return -ENOMEM;
	}
	// What plays goes on over a new plan.
	if (change->way == MEDIA_RELAY && (change->media->playing[0] || change->media->playing[1]))
		change->way = MEDIA_THREAD;
	if (change->way == MEDIA_THREAD)
		err = media_thread(s, slot, plan, change);
	if (err)
		media_forget(change);
	return err;
}

void media_forget(struct media_change *change)
{
	if (change->order)
		transcoders_dispose(change->order);
	if (change->fresh) {
		free(change->media->leaving);
		free(change->media);
	}
	*change = (struct media_change){0};
}

// The session leaves its transcoder. True when that could be asked for.
static void leave(struct sessions *s, uint32_t slot, struct session_media *m)
{
	struct dp_tc_order *order;

	if (m->way != MEDIA_THREAD)
		return;
	order = m->leaving;
	m->leaving = NULL;
	order->type = DP_TC_DROP;
	order->slot = slot;
	order->generation = entry_of(s, slot)->generation;
	transcoders_send(s->c.transcoders, m->transcoder, order);
	transcoders_charge(s->c.transcoders, m->transcoder, -(int32_t)m->cost);
	m->cost = 0;
}

// The session's order goes to its transcoder.
static void enter(struct sessions *s, struct session_media *m, const struct media_change *change)
{
	transcoders_charge(
		s->c.transcoders, change->transcoder, (int32_t)change->cost - (int32_t)m->cost);
	m->cost = change->cost;
	m->transcoder = change->transcoder;
	for (unsigned i = 0; i < 2; i++)
		m->rate[i] = change->order->set.path[!i]
				     ? codec_path_rate(change->order->set.path[!i])
				     : 0;
	transcoders_send(s->c.transcoders, m->transcoder, change->order);
}

void media_adopt(struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	struct media_change *change)
{
	struct session_media *m = change->media;

	if (!m)
		return;
	s->slots.session[slot].media = m;
	if (change->way == MEDIA_THREAD) {
		if (change->order)
			enter(s, m, change);
	} else {
		leave(s, slot, m);
	}
	m->way = change->way;
	m->plan = *plan;
	change->order = NULL;
	change->fresh = false;
}

void media_end(struct sessions *s, uint32_t slot)
{
	struct session *session = &s->slots.session[slot];

	if (!session->media)
		return;
	media_record_end(s, slot);
	leave(s, slot, session->media);
	free(session->media->leaving);
	free(session->media);
	session->media = NULL;
}
