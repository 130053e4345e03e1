// SPDX-License-Identifier: BSD-3-Clause
// A leg's numbers and what a restart needs, written to region A. Threads: the worker while the leg
// is open; the agent before that and after.
#include "dataplane/session/secure.h"
#include "dataplane/worker/state.h"

void dp_publish(const struct dp_worker *w, const struct dp_leg *leg, uint64_t now_ticks,
	struct abi_leg_stats *stats)
{
	struct abi_leg_slot *s;

	dp_leg_stats(leg, now_ticks, stats);
	if (leg->slot >= w->slots)
		return;
	s = &w->leg_slots[leg->slot * 2 + leg->index];
	abi_write_begin(&s->sequence);
	s->generation = leg->generation;
	s->stats = *stats;
	abi_write_end(&s->sequence);
}

void dp_publish_resume(const struct dp_worker *w, const struct dp_leg *leg)
{
	const struct latch *rtp = &leg->latch[0], *rtcp = &leg->latch[1];
	struct abi_leg_resume *r;

	if (leg->slot >= w->slots)
		return;
	r = &w->resumes[leg->slot * 2 + leg->index];
	abi_write_begin(&r->sequence);
	r->generation = leg->generation;
	r->rtp = r->rtcp = (struct abi_addr){0};
	if (rtp->state == LATCH_CONFIRMED)
		r->rtp = latch_to_abi(&rtp->learned);
	if (rtcp->state == LATCH_CONFIRMED)
		r->rtcp = latch_to_abi(&rtcp->learned);
	r->rx_ssrc = leg->stats.ssrc;
	r->rx_seq = (uint16_t)leg->stats.highest;
	memset(r->srtp, 0, sizeof(r->srtp));
	for (unsigned d = 0; leg->secure && d < 2; d++) {
		struct abi_srtp_stream *streams = &r->srtp[d * (ABI_SRTP_STREAMS / 2)];

		if (leg->secure->key[d])
			srtp_publish(leg->secure->key[d], streams);
		if (leg->secure->rtcp[d])
			srtp_publish_rtcp(leg->secure->rtcp[d], streams);
	}
	abi_write_end(&r->sequence);
}
