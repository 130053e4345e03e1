// SPDX-License-Identifier: BSD-3-Clause
//
// An answer of our own to an offer that the other side has not answered yet: for what we play ourselves, ringback or
// an announcement. It names one codec, and whatever the other side answers later is made into that.
#include <errno.h>
#include <string.h>

#include "sip/sdp/oa.h"

// The one audio stream of the offer; -1: there is another one too, or none that we can speak in.
static int only_audio(const struct sdp_oa *oa, const struct sdp_session *offer)
{
	int found = -1;

	for (unsigned i = 0; i < offer->n_media; i++) {
		if (sdp_oa_refusal(&offer->media[i]) != SDP_ACCEPTED)
			continue;
		if (found >= 0 || offer->media[i].kind != SDP_AUDIO ||
			offer->media[i].keying == SDP_KEY_PASS ||
			sdp_oa_view_local(&oa->pending, (enum sdp_leg)oa->pending.offerer, i) == NULL)
			return -1;
		found = (int)i;
	}
	return found;
}

static int offered(const struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_session **offer)
{
	int rc = sdp_oa_tree(scratch, oa->pending.from[oa->pending.offerer], offer);

	if (rc == 0)
		sdp_oa_mark(oa, (enum sdp_leg)oa->pending.offerer, *offer);
	return rc;
}

void sdp_early_stream(const struct sdp_oa *oa, const struct sdp_session *offer, unsigned i,
	struct sdp_oa_stream *s)
{
	memset(s, 0, sizeof(*s));
	s->offer = &offer->media[i];
	s->main = (struct sdp_match){SDP_ADDED, SDP_ADDED, SDP_ADDED};
	s->events_far = s->cn_far = s->main;
	s->events_offer = s->cn_offer = SDP_ADDED;
	s->told = true;
	s->refusal = oa->pending.early[i] != 0 ? SDP_ACCEPTED : SDP_REFUSED_PORT_0;
	if (oa->pending.early[i] == 0)
		return;
	for (unsigned k = 0; k < s->offer->n_formats; k++)
		if (s->offer->formats[k].pt == oa->pending.early[i] - 1)
			s->main.offer = (uint8_t)k;
	s->offer_direction = sdp_oa_direction(s->offer);
	s->answer_direction = sdp_direction_turn(s->offer_direction);
	sdp_recode_early_events(oa, oa->pending.offerer, s);
}

int sdp_oa_answer_early(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_str *text)
{
	const size_t mark = scratch->used;
	struct sdp_session *offer;
	uint8_t pt = SDP_PT_NONE;
	int rc, i;

	if (oa->state != SDP_OA_OFFERED && oa->state != SDP_OA_SHOWN)
		return -EINVAL;
	rc = offered(oa, scratch, &offer);
	i = rc == 0 ? only_audio(oa, offer) : -1;
	if (i >= 0 && sdp_recode_can(oa))
		pt = sdp_recode_first(oa, oa->pending.offerer, &offer->media[i]);
	scratch->used = mark;
	if (rc != 0)
		return rc;
	if (pt == SDP_PT_NONE)
		return -EOPNOTSUPP;
	oa->pending.early[i] = (uint8_t)(pt + 1);
	rc = sdp_oa_show_early(oa, scratch, text);
	if (rc != 0)
		oa->pending.early[i] = 0;
	return rc;
}
