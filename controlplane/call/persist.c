// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/persist.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>

#include "controlplane/call/persist_record.h"
#include "controlplane/call/media.h"
#include "sip/siphash.h"
#include "sip/tape.h"

#define MAGIC 0x4c435748u // "HWCL"

// ---- the description -----------------------------------------------------------------------------

static void tape_addr(struct sip_tape *t, struct sip_addr *a)
{
	sip_tape_u8(t, &a->family);
	sip_tape_u16(t, &a->port);
	sip_tape_u32(t, &a->scope);
	sip_tape_bytes(t, a->ip, sizeof(a->ip));
	sip_tape_check(t, a->family == 4 || a->family == 6);
}

static void tape_flow(struct sip_tape *t, struct kept_flow *f)
{
	tape_addr(t, &f->remote);
	tape_addr(t, &f->local);
	sip_tape_u8(t, &f->transport);
	sip_tape_check(t, f->transport <= SIP_WSS);
}

// A part of a header: what could end the line is not in it.
static void tape_part(struct sip_tape *t, struct sip_slice *s, bool needed)
{
	sip_tape_slice(t, &s->p, &s->n);
	for (size_t i = 0; i < s->n && !t->bad; i++)
		sip_tape_check(t, (unsigned char)s->p[i] >= 0x20 && s->p[i] != 0x7f);
	sip_tape_check(t, s->n || !needed);
}

static void tape_dialog(struct sip_tape *t, struct kept_leg *leg)
{
	struct sip_dialog_view *d = &leg->dialog;

	sip_tape_bool(t, &d->is_uac);
	sip_tape_bool(t, &d->secure);
	tape_part(t, &d->call_id, true);
	tape_part(t, &d->local_tag, true);
	tape_part(t, &d->remote_tag, false);
	tape_part(t, &d->local, true);
	tape_part(t, &d->remote, true);
	tape_part(t, &d->target, true);
	tape_part(t, &d->routes, false);
	sip_tape_u32(t, &d->local_cseq);
	sip_tape_u32(t, &d->remote_cseq);
	sip_tape_bool(t, &d->has_remote_cseq);
	tape_flow(t, &leg->flow);
	sip_tape_slice(t, &d->ok.p, &d->ok.n);
	if (!d->ok.n)
		return;
	sip_tape_u32(t, &d->ok_cseq);
	tape_flow(t, &leg->ok_flow);
}

static void tape_timer(struct sip_tape *t, struct kept_leg *leg)
{
	sip_tape_bool(t, &leg->allows_update);
	sip_tape_bool(t, &leg->stale);
	sip_tape_u8(t, &leg->refresher);
	sip_tape_check(t, leg->refresher <= SIP_ST_THEM);
	if (leg->refresher == SIP_ST_NOBODY)
		return;
	sip_tape_u32(t, &leg->session.interval);
	sip_tape_u32(t, &leg->session.floor);
	sip_tape_bool(t, &leg->session.peer_supports);
	sip_tape_u64(t, &leg->due);
	sip_tape_check(t, leg->session.interval >= SIP_ST_MIN);
}

static void tape_leg(struct sip_tape *t, struct kept_leg *leg)
{
	sip_tape_text(t, leg->peer, sizeof(leg->peer));
	tape_addr(t, &leg->signalling);
	tape_flow(t, &leg->listener);
	sip_tape_u64(t, &leg->start);
	sip_tape_u64(t, &leg->ring);
	sip_tape_u64(t, &leg->answer);
	tape_timer(t, leg);
	tape_dialog(t, leg);
}

static void tape_total(struct sip_tape *t, struct cp_media_total *m)
{
	sip_tape_bool(t, &m->any);
	if (!m->any)
		return;
	sip_tape_u64(t, &m->packets);
	sip_tape_u64(t, &m->octets);
	sip_tape_u64(t, &m->sent_packets);
	sip_tape_u64(t, &m->sent_octets);
	sip_tape_u32(t, &m->lost);
	sip_tape_u32(t, &m->duplicate);
	sip_tape_u32(t, &m->out_of_order);
	sip_tape_u32(t, &m->dropped);
	sip_tape_u32(t, &m->strangers);
	sip_tape_u32(t, &m->jitter_us);
	sip_tape_bytes(t, &m->remote, sizeof(m->remote));
	sip_tape_u8(t, &m->learned);
}

static void tape_secure(struct sip_tape *t, struct kept_session *s)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		sip_tape_bool(t, &s->secured[leg]);
		if (s->secured[leg])
			cp_secure_tape(t, &s->secure[leg]);
	}
}

static void tape_session(struct sip_tape *t, struct kept_session *s)
{
	sip_tape_u64(t, &s->epoch);
	sip_tape_u32(t, &s->slot);
	sip_tape_u32(t, &s->generation);
	sip_tape_u8(t, &s->state);
	sip_tape_u8(t, &s->stream);
	sip_tape_bytes(t, s->local, sizeof(s->local));
	sip_tape_bytes(t, s->remote, sizeof(s->remote));
	sip_tape_bytes(t, &s->plan, sizeof(s->plan));
	tape_secure(t, s);
	sip_tape_check(t, s->stream < SDP_MAX_MEDIA && (s->state == CP_SESSION_ALLOCATED ||
							       s->state == CP_SESSION_ACTIVE));
}

#define RATE_MOST 10000000000ll // micro-units: ten thousand a minute

// What the call began with; price lists may have changed since.
static void tape_rate(struct sip_tape *t, bool *priced, struct cp_rate *rate)
{
	uint64_t minute = (uint64_t)rate->minute, connect = (uint64_t)rate->connect;

	sip_tape_bool(t, priced);
	if (!*priced)
		return;
	sip_tape_u64(t, &minute);
	sip_tape_u64(t, &connect);
	sip_tape_u32(t, &rate->first);
	sip_tape_u32(t, &rate->next);
	sip_tape_check(t, minute <= (uint64_t)RATE_MOST && connect <= (uint64_t)RATE_MOST && rate->first && rate->next);
	rate->minute = (int64_t)minute;
	rate->connect = (int64_t)connect;
}

static void tape_call(struct sip_tape *t, struct kept_call *k)
{
	sip_tape_u64(t, &k->id);
	sip_tape_u8(t, &k->held);
	sip_tape_bool(t, &k->unsettled);
	sip_tape_bool(t, &k->hidden);
	sip_tape_bool(t, &k->shy);
	sip_tape_u64(t, &k->moved_from);
	sip_tape_check(t, k->held <= 3);
	sip_tape_text(t, k->from, sizeof(k->from));
	sip_tape_text(t, k->to, sizeof(k->to));
	for (unsigned i = 0; i < 2; i++)
		sip_tape_text(t, k->codec[i], sizeof(k->codec[i]));
	sip_tape_text(t, k->codec_why, sizeof(k->codec_why));
	sip_tape_bool(t, &k->transcoded);
	sip_tape_bool(t, &k->look);
	sip_tape_u8(t, &k->fax);
	sip_tape_u16(t, &k->fax_pages);
	sip_tape_check(t, k->fax <= CP_FAX_GATEWAY);
	cp_recording_tape(t, &k->recordings);
	sip_tape_text(t, k->from_sent, sizeof(k->from_sent));
	sip_tape_text(t, k->to_sent, sizeof(k->to_sent));
	sip_tape_text(t, k->route_name, sizeof(k->route_name));
	sip_tape_u8(t, &k->attempt);
	for (unsigned i = 0; i < 2; i++)
		tape_rate(t, &k->priced[i], &k->rate[i]);
	for (unsigned i = 0; i < 2; i++) {
		tape_total(t, &k->total[i]);
		tape_leg(t, &k->leg[i]);
	}
	sip_tape_u8(t, &k->sessions);
	sip_tape_check(t, k->sessions <= CP_SESSIONS);
	for (unsigned i = 0; i < k->sessions && !t->bad; i++)
		tape_session(t, &k->session[i]);
}

// ---- records -------------------------------------------------------------------------------------

struct header {
	uint32_t magic;
	uint16_t version, reserved;
	uint32_t size, plain;
	uint64_t digest;
};

_Static_assert(sizeof(struct header) == CP_PERSIST_HEADER, "a record's header is not padded");

struct cp_persist_scratch *cp_persist_scratch_new(void)
{
	struct cp_persist_scratch *scratch = malloc(sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->state = LZ4_createStream();
	if (scratch->state)
		return scratch;
	free(scratch);
	return NULL;
}

void cp_persist_scratch_free(struct cp_persist_scratch *scratch)
{
	if (scratch)
		LZ4_freeStream(scratch->state);
	free(scratch);
}

static uint64_t digest_of(const uint8_t *record, size_t size)
{
	static const struct sip_hash_key key; // against accidents, not against malice
	struct sip_hash h;

	sip_hash_start(&h, &key);
	sip_hash_bytes(&h, record + CP_PERSIST_HEADER, size - CP_PERSIST_HEADER);
	// 0 stands for no record.
	return sip_hash_end(&h).a | 1;
}

uint64_t cp_persist_digest(const uint8_t *record)
{
	struct header h;

	memcpy(&h, record, sizeof(h));
	return h.digest;
}

int cp_persist_pack(struct cp_persist_scratch *scratch, const uint8_t *plain, size_t n,
	uint8_t *out, size_t size)
{
	struct header h = {.magic = MAGIC, .version = CP_PERSIST_VERSION, .plain = (uint32_t)n};
	int packed;

	if (size < sizeof(h) || size > INT32_MAX || n > CP_PERSIST_PLAIN)
		return -ENOBUFS;
	// A record of its own, without clearing the 16 kB of the stream's tables.
	LZ4_resetStream_fast(scratch->state);
	packed = LZ4_compress_fast_continue(scratch->state, (const char *)plain,
		(char *)out + sizeof(h), (int)n, (int)(size - sizeof(h)), 1);
	if (packed <= 0)
		return -ENOBUFS;
	h.size = (uint32_t)(sizeof(h) + (size_t)packed);
	h.digest = digest_of(out, h.size);
	memcpy(out, &h, sizeof(h));
	return (int)h.size;
}

int cp_persist_unpack(struct cp_persist_scratch *scratch, const uint8_t *record, size_t size)
{
	struct header h;
	int n;

	if (size < sizeof(h) || size > INT32_MAX)
		return -EBADMSG;
	memcpy(&h, record, sizeof(h));
	if (h.magic != MAGIC)
		return -EBADMSG;
	if (h.version != CP_PERSIST_VERSION)
		return -EPROTONOSUPPORT;
	if (h.size != size || h.reserved || h.plain > CP_PERSIST_PLAIN ||
		h.digest != digest_of(record, size))
		return -EBADMSG;
	n = LZ4_decompress_safe((const char *)record + sizeof(h), (char *)scratch->plain,
		(int)(size - sizeof(h)), (int)h.plain);
	return n < 0 || (uint32_t)n != h.plain ? -EBADMSG : n;
}

// The call's parts stay slices of the scratch.
int cp_persist_open(
	struct cp_persist_scratch *scratch, const uint8_t *record, size_t size, struct kept_call *k)
{
	int n = cp_persist_unpack(scratch, record, size);
	struct sip_tape t;

	if (n < 0)
		return n;
	t = sip_tape_reader(scratch->plain, (size_t)n);
	memset(k, 0, sizeof(*k));
	tape_call(&t, k);
	if (t.bad)
		return -EBADMSG;
	k->agreed = (const char *)scratch->plain + t.at;
	k->agreed_size = (size_t)n - t.at;
	return 0;
}

// ---- writing -------------------------------------------------------------------------------------

static uint64_t to_unix(const struct cp_call *call, uint64_t us)
{
	return us ? us + call->shard->realtime_offset_us : 0;
}

static void keep_flow(const struct cp_call *call, const struct sip_addr *remote, unsigned socket,
	unsigned transport, struct kept_flow *out)
{
	const struct cp_policy *policy = call->policy;

	out->remote = *remote;
	out->local = policy->listeners[socket < policy->listener_count ? socket : 0].local;
	out->transport = (uint8_t)transport;
}

static void keep_leg(const struct cp_call *call, unsigned i, struct kept_leg *out)
{
	const struct cp_leg *leg = &call->leg[i];
	struct sip_dialog_view *d = &out->dialog;

	memcpy(out->peer, leg->peer->cfg->name, sizeof(out->peer));
	out->signalling = leg->signalling;
	out->start = to_unix(call, leg->start_us);
	out->ring = to_unix(call, leg->ring_us);
	out->answer = to_unix(call, leg->answer_us);
	out->allows_update = leg->allows_update;
	out->stale = leg->stale;
	out->session = leg->session;
	out->refresher = (uint8_t)leg->session.refresher;
	out->due = to_unix(call, leg->due_us);
	sip_dialog_view(leg->dialog, d);
	keep_flow(call, &d->flow.remote, leg->socket, cp_leg_listener(call, i)->transport,
		&out->listener);
	keep_flow(call, &d->flow.remote, d->flow.socket, d->flow.transport, &out->flow);
	if (d->ok.n)
		keep_flow(call, &d->ok_flow.remote, d->ok_flow.socket, d->ok_flow.transport,
			&out->ok_flow);
}

static void keep_session(const struct cp_session *s, struct kept_session *out)
{
	*out = (struct kept_session){
		.epoch = s->epoch,
		.slot = s->slot,
		.generation = s->generation,
		.state = s->state,
		.stream = s->stream,
		.local = {s->local[0], s->local[1]},
		.remote = {s->remote[0], s->remote[1]},
		.plan = s->plan,
	};
	for (unsigned leg = 0; leg < 2; leg++) {
		out->secured[leg] = s->secure[leg] != NULL;
		if (s->secure[leg])
			out->secure[leg] = *s->secure[leg];
	}
}

// Fills all but what a tape leaves out when it is not there.
static void keep_call(const struct cp_call *call, struct kept_call *k)
{
	k->id = call->id;
	k->held = call->held;
	k->hidden = call->hidden;
	k->shy = call->shy;
	k->moved_from = call->moved_from;
	k->unsettled = call->offer || cp_media_busy(call);
	memcpy(k->from, call->from, sizeof(k->from));
	memcpy(k->to, call->to, sizeof(k->to));
	memcpy(k->codec, call->codec, sizeof(k->codec));
	memcpy(k->codec_why, call->codec_why, sizeof(k->codec_why));
	k->transcoded = call->transcoded;
	k->look = call->look;
	k->fax = (uint8_t)cp_fax_had(call, &k->fax_pages);
	k->recordings = call->recordings ? *call->recordings : (struct cp_recordings){0};
	memcpy(k->from_sent, call->from_sent, sizeof(k->from_sent));
	memcpy(k->to_sent, call->to_sent, sizeof(k->to_sent));
	memcpy(k->route_name, call->route_name, sizeof(k->route_name));
	k->attempt = call->attempt;
	for (unsigned i = 0; i < 2; i++) {
		const struct cp_rate *rate = call->rate[i];

		k->priced[i] = rate && rate->minute <= RATE_MOST && rate->connect <= RATE_MOST;
		if (rate)
			k->rate[i] = *rate;
	}
	k->sessions = 0;
	for (unsigned i = 0; i < 2; i++) {
		k->total[i] = cp_call_total(call, i);
		keep_leg(call, i, &k->leg[i]);
	}
	for (unsigned i = 0; i < CP_SESSIONS; i++) {
		const struct cp_session *s = call->session[i];

		if (s && s->planned &&
			(s->state == CP_SESSION_ALLOCATED || s->state == CP_SESSION_ACTIVE))
			keep_session(s, &k->session[k->sessions++]);
	}
}

static bool can_go_on(const struct cp_call *call)
{
	if (call->state != ABI_CALL_UP || !call->oa.agreed_once)
		return false;
	for (unsigned leg = 0; leg < 2; leg++)
		if (!call->leg[leg].dialog || call->leg[leg].over ||
			sip_dialog_state(call->leg[leg].dialog) != SIP_DIALOG_CONFIRMED)
			return false;
	return true;
}

int cp_persist_save(const struct cp_call *call, uint8_t *out, size_t size)
{
	struct cp_persist_scratch *scratch = call->shard->scratch;
	struct sip_tape t = sip_tape_writer(scratch->plain, sizeof(scratch->plain));
	struct kept_call k;
	int n;

	if (!can_go_on(call))
		return -EAGAIN;
	keep_call(call, &k);
	tape_call(&t, &k);
	if (t.bad)
		return -ENOBUFS;
	n = sdp_oa_save(&call->oa, scratch->plain + t.at, sizeof(scratch->plain) - t.at);
	if (n < 0)
		return n;
	return cp_persist_pack(scratch, scratch->plain, t.at + (size_t)n, out, size);
}
