// SPDX-License-Identifier: BSD-3-Clause
// The sessions of a transcoder: orders about them, packets that came, and what goes out.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/media/rtp.h"
#include "dataplane/worker/transcoder_state.h"

#define SECOND_US 1000000u

struct dp_tc_session *dp_tc_session_new(void)
{
	return calloc(1, sizeof(struct dp_tc_session));
}

static struct dp_tc_session *find(const struct dp_transcoder *t, uint32_t slot, uint32_t generation)
{
	struct dp_tc_session *s = slot < t->c.sessions ? t->table[slot] : NULL;

	return s && s->generation == generation ? s : NULL;
}

// ---- what paths count

static void add(abi_atomic64 *counter, uint64_t now, uint64_t told)
{
	if (now != told)
		abi_add64(counter, now - told);
}

static void tell_counts(struct dp_transcoder *t, struct dp_tc_leg *leg)
{
	const struct codec_path_stats *now;

	if (!leg->path)
		return;
	now = codec_path_counts(leg->path);
	add(&t->counters.concealed_ms, now->concealed_ms, leg->told.concealed_ms);
	add(&t->counters.late, now->late, leg->told.late);
	add(&t->counters.refused, (uint64_t)now->corrupt + now->too_long,
		(uint64_t)leg->told.corrupt + leg->told.too_long);
	add(&t->counters.wrong_type, now->wrong_type, leg->told.wrong_type);
	add(&t->counters.too_fast, now->too_fast, leg->told.too_fast);
	leg->told = *now;
}

// ---- out

static void send(
	struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg, const struct codec_out *out)
{
	struct dp_tc_leg *to = &s->leg[leg];
	uint32_t ssrc = __builtin_bswap32(to->terms.ssrc);
	uint32_t timestamp = __builtin_bswap32(out->timestamp);
	uint16_t seq = __builtin_bswap16((uint16_t)(out->seq - to->sent.unsent));
	bool marker = out->marker || to->sent.resumes;
	struct dp_side *record;
	uint8_t *p;

	if (to->terms.mute) {
		to->sent.unsent++;
		to->sent.resumes = true;
		return;
	}
	to->sent.resumes = false;
	p = dp_tc_place(t, s, leg, DP_SIDE_RTP, RTP_HEADER + (size_t)out->length, &record);
	to->sent.timestamp = out->timestamp;
	to->sent.last_us = t->now_us;
	if (!p)
		return;
	p[0] = 0x80;
	p[1] = (uint8_t)((marker ? 0x80 : 0) | out->type);
	memcpy(p + 2, &seq, 2);
	memcpy(p + 4, &timestamp, 4);
	memcpy(p + 8, &ssrc, 4);
	memcpy(p + RTP_HEADER, out->payload, out->length);
	dp_tc_commit(t, s, record);
	to->sent.packets++;
	to->sent.octets += out->length;
	abi_add64(&t->counters.packets_out, 1);
}

static void tell_digit(struct dp_transcoder *t, const struct dp_tc_session *s, unsigned leg,
	const struct codec_event *event)
{
	uint32_t ms = event->duration_ms < UINT16_MAX ? event->duration_ms : UINT16_MAX;
	struct dp_tc_event *e = event->event > ABI_DTMF_FLASH ? NULL : dp_tc_event(t, s, ABI_DTMF);

	if (!e)
		return;
	e->digit = (struct abi_event_dtmf){
		.time_us = t->now_us - event->duration_ms * 1000ull,
		.duration_ms = (uint16_t)ms,
		.leg = (uint8_t)leg,
		.digit = event->event,
		.how = s->leg[leg].terms.how,
		.volume = event->volume,
	};
	dp_tc_tell(t);
}

static void take_digits(struct dp_transcoder *t, struct dp_tc_session *s, unsigned from)
{
	struct codec_event event;

	while (codec_path_event(s->leg[from].path, &event)) {
		if (event.phase != CODEC_EVENT_END)
			continue;
		abi_add64(&t->counters.digits, 1);
		if (s->leg[from].terms.report)
			tell_digit(t, s, from, &event);
	}
}

static void run_at(struct dp_transcoder *t, struct dp_tc_session *s, unsigned from, uint64_t at_us)
{
	struct codec_path *path = s->leg[from].path;
	struct codec_out out;

	s->leg[from].path_us = at_us;
	while (codec_path_pull(path, at_us, &out)) {
		if (s->fax && from != s->fax_leg)
			dp_tc_fax_heard(t, s, &out);
		else
			send(t, s, !from, &out);
	}
	take_digits(t, s, from);
	dp_tc_fax_look(t, s, from);
	dp_tc_play_look(t, s, !from);
	dp_tc_due(t, &s->leg[from].timer[DP_TC_PATH], codec_path_wake(path));
}

void dp_tc_run(struct dp_transcoder *t, struct dp_tc_session *s, unsigned from)
{
	if (s->leg[from].path)
		run_at(t, s, from, t->now_us);
}

// When a packet came: a thread that had to wait for its core finds many at once, which did not come at once.
static uint64_t came_at(
	const struct dp_transcoder *t, const struct dp_tc_leg *leg, const struct dp_side *record)
{
	uint64_t us = record->time * 15625 >> 14;

	us = us < leg->path_us ? leg->path_us : us;
	return us < t->now_us ? us : t->now_us;
}

// ---- in

static void take_rtp(struct dp_transcoder *t, struct dp_tc_session *s, struct dp_side *record)
{
	struct dp_tc_leg *leg = &s->leg[record->leg];
	const uint8_t *p = dp_side_bytes(record);
	struct rtp_view view;
	struct codec_in in;
	uint64_t at;

	if (rtp_parse(&view, p, record->size) != RTP_GOOD)
		return;
	abi_add64(&t->counters.packets_in, 1);
	rtp_stats_update(&leg->received.stats, &leg->received.more, view.type, view.seq,
		view.timestamp, view.ssrc, record->size, record->time);
	if (!leg->path)
		return;
	in = (struct codec_in){
		.payload = p + view.header,
		.length = (uint16_t)view.payload,
		.seq = view.seq,
		.timestamp = view.timestamp,
		.ssrc = view.ssrc,
		.type = view.type,
		.marker = view.marker,
	};
	at = came_at(t, leg, record);
	codec_path_push(leg->path, &in, at);
	run_at(t, s, record->leg, at);
}

void dp_tc_packet(struct dp_transcoder *t, unsigned worker, struct dp_side *record)
{
	struct dp_tc_session *s = find(t, record->slot, record->generation);

	if (!s || record->leg > 1 || s->worker != worker) {
		abi_add64(&t->counters.unknown, 1);
		return;
	}
	if (s->fax && record->leg == s->fax_leg) {
		dp_tc_fax_read(t, s, dp_side_bytes(record), record->size);
		return;
	}
	if (record->kind == DP_SIDE_RTP) {
		take_rtp(t, s, record);
		return;
	}
	abi_add64(&t->counters.rtcp_in, 1);
	dp_tc_rtcp_read(t, &s->leg[record->leg], dp_side_bytes(record), record->size);
}

void dp_tc_fire(struct dp_transcoder *t, struct dp_tc_timer *timer)
{
	struct dp_tc_session *s = dp_tc_of_timer(timer);

	if (timer->kind == DP_TC_PATH) {
		dp_tc_run(t, s, timer->leg);
		return;
	}
	tell_counts(t, &s->leg[timer->leg]);
	dp_tc_rtcp_send(t, s, timer->leg);
}

// ---- orders

static void start_leg(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg)
{
	struct dp_tc_leg *l = &s->leg[leg];

	for (unsigned kind = 0; kind < DP_TC_TIMERS; kind++)
		l->timer[kind] = (struct dp_tc_timer){.kind = (uint8_t)kind, .leg = (uint8_t)leg};
	l->terms.ssrc = dp_tc_random(t);
}

// The session's terms; its streams keep their SSRCs.
static void set_terms(
	struct dp_transcoder *t, struct dp_tc_leg *leg, const struct dp_tc_terms *terms)
{
	uint32_t ssrc = leg->terms.ssrc, clock = leg->terms.clock;

	leg->terms = *terms;
	leg->terms.ssrc = ssrc;
	if (!clock && terms->clock)
		rtp_stats_init(&leg->received.stats, &leg->received.more, terms->clock);
	else if (terms->clock)
		rtp_stats_clock(&leg->received.stats, terms->clock);
	(void)t;
}

// Another path from the leg; the one before goes back in its place.
static void set_path(
	struct dp_transcoder *t, struct dp_tc_session *s, unsigned from, struct codec_path **path)
{
	struct codec_path *before = s->leg[from].path;

	tell_counts(t, &s->leg[from]);
	dp_tc_due(t, &s->leg[from].timer[DP_TC_PATH], UINT64_MAX);
	if (*path && before)
		codec_path_continue(*path, before, t->now_us);
	else if (*path && s->leg[!from].sent.packets)
		// What was sent before cannot be gone on with: a stream of its own.
		s->leg[!from].terms.ssrc = dp_tc_random(t);
	if (!*path)
		dp_tc_play_stop(t, s, !from, 0, ABI_PLAY_GONE);
	s->leg[from].path = *path;
	s->leg[from].path_us = t->now_us;
	memset(&s->leg[from].told, 0, sizeof(s->leg[from].told));
	if (*path && before)
		s->leg[from].told = *codec_path_counts(*path);
	*path = before;
}

// The gateway, or none any more; the one before goes back.
static void set_fax(struct dp_transcoder *t, struct dp_tc_session *s, struct dp_tc_set *set)
{
	struct fax *before = s->fax;

	s->fax = set->fax;
	s->fax_leg = set->fax_leg;
	s->fax_over = false;
	set->fax = before;
	dp_tc_fax_start(t, s);
}

static struct dp_tc_session *session_of(struct dp_transcoder *t, struct dp_tc_order *order)
{
	struct dp_tc_session *s = find(t, order->slot, order->generation);

	if (s || !order->set.session || order->slot >= t->c.sessions)
		return s;
	if (t->table[order->slot]) // its end is still to come
		return NULL;
	s = order->set.session;
	order->set.session = NULL;
	s->slot = order->slot;
	s->generation = order->generation;
	s->worker = order->set.worker;
	t->table[order->slot] = s;
	t->count++;
	for (unsigned i = 0; i < 2; i++)
		start_leg(t, s, i);
	return s;
}

static void set(struct dp_transcoder *t, struct dp_tc_order *order)
{
	struct dp_tc_session *s = session_of(t, order);

	if (!s) {
		order->result = -ENOENT;
		return;
	}
	// A path that goes on for another one plays on what that one played: not a gateway that leaves.
	if (s->fax && s->leg[s->fax_leg].path)
		codec_path_play(s->leg[s->fax_leg].path, NULL, t->now_us);
	for (unsigned i = 0; i < 2; i++)
		set_terms(t, &s->leg[i], &order->set.terms[i]);
	for (unsigned i = 0; i < 2; i++)
		set_path(t, s, i, &order->set.path[i]);
	set_fax(t, s, &order->set);
	for (unsigned i = 0; i < 2; i++)
		if (s->leg[i].path)
			codec_path_pair(s->leg[i].path, s->leg[!i].path);
	for (unsigned i = 0; i < 2; i++) {
		dp_tc_play_on(t, s, i);
		dp_tc_run(t, s, i);
		if (!s->leg[i].timer[DP_TC_RTCP].link)
			dp_tc_due(t, &s->leg[i].timer[DP_TC_RTCP],
				t->now_us + SECOND_US / 2 + dp_tc_random(t) % SECOND_US);
	}
}

static void drop(struct dp_transcoder *t, struct dp_tc_order *order)
{
	struct dp_tc_session *s = find(t, order->slot, order->generation);

	if (!s) {
		order->result = -ENOENT;
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		tell_counts(t, &s->leg[i]);
		dp_tc_play_stop(t, s, i, 0, ABI_PLAY_GONE);
		for (unsigned kind = 0; kind < DP_TC_TIMERS; kind++)
			dp_tc_due(t, &s->leg[i].timer[kind], UINT64_MAX);
		order->set.path[i] = s->leg[i].path;
		s->leg[i].path = NULL;
	}
	order->set.fax = s->fax;
	s->fax = NULL;
	t->table[s->slot] = NULL;
	t->count--;
	order->set.session = s;
}

static int digits(struct dp_transcoder *t, const struct dp_tc_order *order)
{
	const struct abi_dtmf_send *d = &order->digits;
	struct dp_tc_session *s = find(t, order->slot, order->generation);
	struct codec_path *path = s ? dp_tc_towards(s, d->leg) : NULL;
	int err = path ? 0 : -ENOENT;

	for (unsigned i = 0; !err && i < d->count; i++)
		err = codec_path_inject(path, d->digit[i], d->duration_ms ? d->duration_ms : 100,
			d->gap_ms ? d->gap_ms : 60, d->volume ? d->volume : 10, d->how);
	if (path)
		dp_tc_run(t, s, !d->leg);
	return err;
}

void dp_tc_carry_out(struct dp_transcoder *t, struct dp_tc_order *order)
{
	struct dp_tc_session *s;

	switch (order->type) {
	case DP_TC_SET:
		set(t, order);
		break;
	case DP_TC_DROP:
		drop(t, order);
		break;
	case DP_TC_PLAY:
		s = find(t, order->slot, order->generation);
		if (s && dp_tc_towards(s, order->play.leg)) {
			dp_tc_play(t, s, order);
			return; // comes back when it has played
		}
		order->result = -ENOENT;
		order->play.cause = ABI_PLAY_GONE;
		break;
	case DP_TC_PLAY_STOP:
		s = find(t, order->slot, order->generation);
		if (s)
			dp_tc_play_stop(t, s, order->stop.leg, order->stop.id, ABI_PLAY_STOPPED);
		break;
	case DP_TC_DIGITS:
		order->result = digits(t, order);
		break;
	}
	dp_tc_return(t, order);
}

void dp_tc_destroy(struct dp_transcoder *t, struct dp_tc_session *s)
{
	for (unsigned i = 0; i < 2; i++) {
		codec_path_close(s->leg[i].path);
		free(s->leg[i].play);
	}
	fax_close(s->fax);
	t->table[s->slot] = NULL;
	t->count--;
	free(s);
}
