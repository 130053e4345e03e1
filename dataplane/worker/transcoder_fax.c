// SPDX-License-Identifier: BSD-3-Clause
// A session with T.38 on one leg and G.711 on the other: the gateway (codec/fax.h) between the two. What comes
// in audio goes through a playout buffer, since a modem bears no gaps; what it says is played by the path to the
// other party, whose clock it follows.
#include <string.h>

#include "dataplane/codec/fax_ear.h"
#include "dataplane/codec/udptl.h"
#include "dataplane/media/rtp.h"
#include "dataplane/worker/transcoder_state.h"

#define MOST_SAMPLES 480u // 60 ms

// Datagrams that the gateway has ready.
static void send_all(struct dp_transcoder *t, struct dp_tc_session *s)
{
	uint8_t datagram[UDPTL_MAX];
	struct dp_side *record;
	size_t size;

	while ((size = fax_to_t38(s->fax, datagram, sizeof(datagram)))) {
		uint8_t *p = dp_tc_place(t, s, s->fax_leg, DP_SIDE_RTP, size, &record);

		if (!p)
			continue; // it repeats what is lost
		memcpy(p, datagram, size);
		dp_tc_commit(t, s, record);
		abi_add64(&t->counters.packets_out, 1);
	}
}

void dp_tc_fax_start(struct dp_transcoder *t, struct dp_tc_session *s)
{
	struct codec_path *path = s->leg[s->fax_leg].path; // towards the audio
	struct codec_source source = {.read = fax_to_audio, .context = s->fax};

	if (s->fax && path)
		codec_path_play(path, &source, t->now_us);
}

static void tell(struct dp_transcoder *t, const struct dp_tc_session *s, unsigned leg,
	enum abi_fax_news news, const struct fax_stats *stats)
{
	struct dp_tc_event *e = dp_tc_event(t, s, ABI_FAX);

	if (!e)
		return;
	e->fax = (struct abi_event_fax){.leg = (uint8_t)leg, .news = (uint8_t)news};
	if (stats) {
		e->fax.pages = (uint16_t)(stats->pages < UINT16_MAX ? stats->pages : UINT16_MAX);
		e->fax.bit_rate = stats->bit_rate;
	}
	dp_tc_tell(t);
}

void dp_tc_fax_look(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg)
{
	struct fax_stats stats;
	unsigned heard;

	if (!s->fax && s->leg[leg].path && s->leg[leg].terms.fax) {
		heard = codec_path_fax(s->leg[leg].path);
		if (heard & FAX_ANSWERS)
			tell(t, s, leg, ABI_FAX_ANSWERS, NULL);
		else if (heard & FAX_CALLS)
			tell(t, s, leg, ABI_FAX_CALLS, NULL);
	}
	if (!s->fax || s->fax_over || !s->leg[s->fax_leg].terms.fax)
		return;
	fax_counts(s->fax, &stats);
	s->fax_over = stats.over;
	if (stats.over)
		tell(t, s, s->fax_leg, ABI_FAX_OVER, &stats);
}

void dp_tc_fax_heard(struct dp_transcoder *t, struct dp_tc_session *s, const struct codec_out *out)
{
	int16_t pcm[MOST_SAMPLES];
	unsigned samples = out->length / 2 < MOST_SAMPLES ? out->length / 2 : MOST_SAMPLES;

	for (unsigned i = 0; i < samples; i++)
		pcm[i] = (int16_t)rtp_read16(out->payload + 2 * i);
	fax_from_audio(s->fax, pcm, samples);
	send_all(t, s);
}

void dp_tc_fax_read(struct dp_transcoder *t, struct dp_tc_session *s, const uint8_t *p, size_t size)
{
	abi_add64(&t->counters.packets_in, 1);
	if (fax_from_t38(s->fax, p, size))
		abi_add64(&t->counters.refused, 1);
	send_all(t, s);
}
