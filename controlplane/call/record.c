// SPDX-License-Identifier: BSD-3-Clause
//
// What a call leaves behind for the bill: the records of its legs (cdr.h). A leg is told of when it begins, so that a
// killed process leaves a record of it all the same (cdr_open.h), every now and then while it is up, and when
// it has ended.
#include <stdio.h>

#include "controlplane/call/call.h"
#include "controlplane/call/carry.h"
#include "controlplane/call/recording.h"

#define MOST_US (10ull * 366 * 86400 * 1000000) // ten years: no price overflows

static uint64_t unix_time(const struct cp_call *call, uint64_t us)
{
	return us ? us + call->shard->realtime_offset_us : 0;
}

// So far, or to its end; 0: it was not answered.
static uint64_t duration_ms(const struct cp_leg *l, uint64_t now_us)
{
	uint64_t end = l->end_us ? l->end_us : now_us;

	if (!l->answer_us || end <= l->answer_us)
		return 0;
	return end - l->answer_us < MOST_US ? (end - l->answer_us) / 1000 : MOST_US / 1000;
}

static const char *name_of(const struct cp_peer *peer)
{
	return peer ? peer->cfg->name : "";
}

// What both kinds of record of a leg say: whose it is, and how the call came there.
static struct cp_cdr cdr_of(struct cp_call *call, unsigned leg)
{
	return (struct cp_cdr){
		.call = call->id,
		.leg = leg,
		.attempt = call->attempt + 1u,
		.peer = name_of(call->leg[leg].peer),
		.caller_peer = name_of(call->leg[0].peer),
		.callee_peer = name_of(call->leg[1].peer),
		.route = call->route_name,
		.from = call->from,
		.to = call->to,
		.from_sent = call->from_sent,
		.to_sent = call->to_sent,
		.codec = "",
		.codec_why = "",
		.start_us = unix_time(call, call->leg[leg].start_us),
		.cost = -1,
		.reason = "",
	};
}

static int write_line(struct cp_call *call, unsigned leg, enum cp_cdr_record record,
	const struct cp_media_total *media, char line[CP_CDR_LINE])
{
	static const struct cp_media_total none;
	static const char *const fax[] = {
		[CP_FAX_PASSED] = "passed", [CP_FAX_GATEWAY] = "gateway"};
	const struct cp_leg *l = &call->leg[leg];
	struct cp_cdr cdr = cdr_of(call, leg);
	uint16_t pages;

	cdr.record = record;
	if (l->answer_us) {
		cdr.codec = call->codec[leg];
		cdr.codec_why = call->codec_why;
	}
	cdr.transcoded = call->transcoded;
	cdr.fax = fax[cp_fax_had(call, &pages)];
	cdr.fax_pages = pages;
	cdr.recordings = call->recordings;
	cdr.srtp = cp_secure_suite(call, leg);
	cdr.keying = cp_secure_keying(call, leg);
	cdr.call_id = cp_leg_call_id(call, leg);
	cdr.ring_us = unix_time(call, l->ring_us);
	cdr.answer_us = unix_time(call, l->answer_us);
	cdr.end_us = record == CP_CDR_FINAL ? unix_time(call, l->end_us) : 0;
	cdr.now_us = unix_time(call, call->shard->now_us);
	cdr.cause = &call->cause;
	if (call->late)
		cdr.reason = call->late->reason;
	cdr.media = call->showing ? media : &none;
	cdr.moved_from = call->moved_from;
	cdr.moved_to = call->moved_to;
	if (record != CP_CDR_OPEN)
		cdr.cost = cp_call_cost(call, leg, duration_ms(l, call->shard->now_us));
	return cp_cdr_write(&cdr, line, CP_CDR_LINE);
}

void cp_call_record(struct cp_call *call, unsigned leg)
{
	struct cp_shard *shard = call->shard;
	char line[CP_CDR_LINE], id[CP_CDR_ID];
	const struct cp_media_total total = cp_call_total(call, leg);
	int n = write_line(call, leg, CP_CDR_FINAL, &total, line);

	if (n < 0 || shard->ops->cdr(shard->ctx, line, (size_t)n) < 0) {
		cp_count(shard, CP_C_CDR_FAILED);
		return;
	}
	if (!shard->ops->cdr_closed)
		return;
	cp_cdr_id(call->id, leg, call->attempt + 1u, id);
	shard->ops->cdr_closed(shard->ctx, id);
}

void cp_call_record_fork(struct cp_call *call, const struct sip_dialog *d, uint64_t ring_us,
	const struct cp_cause *cause)
{
	static const struct cp_media_total none;
	struct cp_shard *shard = call->shard;
	struct sip_dialog_view view;
	char line[CP_CDR_LINE];
	struct cp_cdr cdr = cdr_of(call, 1);
	int n;

	sip_dialog_view(d, &view);
	cdr.call_id = view.call_id;
	cdr.fork = view.remote_tag;
	cdr.ring_us = unix_time(call, ring_us);
	cdr.end_us = unix_time(call, shard->now_us);
	cdr.cause = cause;
	cdr.media = &none;
	n = cp_cdr_write(&cdr, line, sizeof(line));
	if (n < 0 || shard->ops->cdr(shard->ctx, line, (size_t)n) < 0)
		cp_count(shard, CP_C_CDR_FAILED);
}

void cp_record_refused(struct cp_shard *shard, const struct sip_message *m,
	const struct cp_peer *caller, int status, const char *phrase)
{
	static const struct cp_media_total none;
	uint64_t now = shard->now_us + shard->realtime_offset_us;
	struct cp_cause cause = {.by = 2, .known = true, .status = (uint16_t)status};
	char line[CP_CDR_LINE], from[64] = "", to[64] = "";
	struct sip_address address;
	struct sip_uri uri;
	struct cp_cdr cdr = {
		.call = shard->fresh,
		.attempt = 1,
		.peer = name_of(caller),
		.caller_peer = name_of(caller),
		.callee_peer = "",
		.route = "",
		.from = from,
		.to = to,
		.from_sent = "",
		.to_sent = "",
		.codec = "",
		.call_id = sip_message_call_id(m),
		.start_us = now,
		.end_us = now,
		.cost = -1,
		.cause = &cause,
		.reason = "",
		.media = &none,
	};
	int n;

	while (!cdr.call)
		shard->ops->random(shard->ctx, &cdr.call, sizeof(cdr.call));
	// Should it come again, it is another one.
	shard->fresh = 0;
	cp_label_set(shard, sip_message_call_id(m), cdr.call, 0, sip_str(""));
	snprintf(cause.phrase, sizeof(cause.phrase), "%s", phrase);
	if (sip_message_from(m, &address) == 0)
		cp_carry_user_text(&address.uri, from, sizeof(from));
	if (sip_message_request_uri(m, &uri) == 0)
		cp_carry_user_text(&uri, to, sizeof(to));
	n = cp_cdr_write(&cdr, line, sizeof(line));
	if (n < 0 || shard->ops->cdr(shard->ctx, line, (size_t)n) < 0)
		cp_count(shard, CP_C_CDR_FAILED);
}

void cp_record_open(struct cp_call *call, unsigned leg)
{
	struct cp_shard *shard = call->shard;
	struct cp_media_total total;
	char line[CP_CDR_LINE];
	int n;

	if (!shard->ops->cdr_opened)
		return;
	total = cp_call_total(call, leg);
	n = write_line(call, leg, CP_CDR_OPEN, &total, line);
	if (n > 0)
		shard->ops->cdr_opened(shard->ctx, line, (size_t)n);
}

// ---- numbers as they were sent ---------------------------------------------------------------------

static void copy_user(const char *uri, char *out, size_t size)
{
	struct sip_uri u;

	out[0] = '\0';
	if (sip_uri_parse(sip_str(uri), &u) == 0)
		cp_carry_user_text(&u, out, size);
}

void cp_record_sent(struct cp_call *call, const char *from, const char *to)
{
	copy_user(from, call->from_sent, sizeof(call->from_sent));
	copy_user(to, call->to_sent, sizeof(call->to_sent));
}

// ---- media -----------------------------------------------------------------------------------------

void cp_record_old_media(struct cp_session *s)
{
	struct cp_call *call = s->call;
	struct cp_shard *shard = call->shard;
	struct abi_leg_stats stats;

	for (unsigned leg = 0; leg < 2 && shard->ops->stats; leg++)
		if (shard->ops->stats(shard->ctx, s->epoch, s->slot, s->generation, leg, &stats) ==
			0)
			cp_call_count(call, leg, &stats);
}

// What was counted so far, sessions that run included.
static struct cp_media_total total_now(struct cp_call *call, unsigned leg)
{
	struct cp_media_total total = cp_call_total(call, leg);
	struct cp_shard *shard = call->shard;
	struct abi_leg_stats stats;

	for (unsigned i = 0; i < CP_SESSIONS && shard->ops->stats; i++) {
		const struct cp_session *s = call->session[i];

		if (s && s->state == CP_SESSION_ACTIVE &&
			shard->ops->stats(
				shard->ctx, s->epoch, s->slot, s->generation, leg, &stats) == 0)
			cp_media_total_add(&total, &stats);
	}
	return total;
}

// ---- interim ---------------------------------------------------------------------------------------

static void interim(struct sip_timer *timer, void *ctx)
{
	struct cp_call *call =
		(struct cp_call *)((char *)timer - offsetof(struct cp_call, interim));
	char line[CP_CDR_LINE];

	if (call->state != ABI_CALL_UP)
		return;
	for (unsigned leg = 0; leg < 2; leg++) {
		struct cp_media_total total = total_now(call, leg);
		int n = write_line(call, leg, CP_CDR_INTERIM, &total, line);

		if (n < 0 || call->shard->ops->cdr(call->shard->ctx, line, (size_t)n) < 0)
			cp_count(call->shard, CP_C_CDR_FAILED);
	}
	cp_record_up(call);
}

void cp_record_up(struct cp_call *call)
{
	struct sip_layer *layer = call->shard->layer;
	unsigned seconds = call->policy->cfg->stats.interim;

	if (!seconds)
		return;
	call->interim.fire = interim;
	sip_timer_start(
		sip_layer_wheel(layer), &call->interim, sip_layer_now(layer) + seconds * 1000ull);
}
