// SPDX-License-Identifier: BSD-3-Clause
//
// A call from its record.
#include <errno.h>
#include <stdlib.h>

#include "controlplane/call/media.h"
#include "controlplane/call/ice.h"
#include "controlplane/call/persist_record.h"

// The last requests before the end may have gone out without having been kept; CSeq has room.
#define CSEQ_GAP 16u

int cp_persist_call_ids(struct cp_persist_scratch *scratch, const uint8_t *record, size_t size,
	struct sip_slice out[2])
{
	struct kept_call k;
	int err = cp_persist_open(scratch, record, size, &k);

	if (err)
		return -EBADMSG;
	for (unsigned leg = 0; leg < 2; leg++)
		out[leg] = k.leg[leg].dialog.call_id;
	return 0;
}

static uint64_t from_unix(const struct cp_shard *shard, uint64_t us)
{
	return us ? us - shard->realtime_offset_us : 0;
}

// The listener with this address and transport, else one that can take its place.
static int find_flow(const struct cp_shard *shard, const struct kept_flow *f, struct sip_flow *out)
{
	const struct cp_policy *policy = shard->policy;
	int found = -1;

	for (unsigned i = 0; i < policy->listener_count; i++) {
		const struct cp_listener *l = &policy->listeners[i];

		if (l->transport != f->transport || l->local.family != f->local.family)
			continue;
		if (sip_addr_equal(&l->local, &f->local)) {
			found = (int)i;
			break;
		}
		if (found < 0)
			found = (int)i;
	}
	if (found < 0)
		return -EADDRNOTAVAIL;
	*out = (struct sip_flow){
		.remote = f->remote, .socket = (uint16_t)found, .transport = f->transport};
	return 0;
}

// A peer that the configuration does not have any more, trusted with nothing.
static const struct cp_peer *ghost_of(struct cp_shard *shard, const char *name)
{
	struct cp_ghost *g = shard->ghosts;

	while (g && strcmp(g->cfg.name, name) != 0)
		g = g->next;
	if (g)
		return &g->peer;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	memcpy(g->cfg.name, name, strnlen(name, sizeof(g->cfg.name) - 1));
	g->cfg.kind = CFG_ACCESS;
	g->cfg.dscp = 46;
	g->cfg.session_timer = (struct cfg_session_timer){.expires = 1800, .minimum = 90};
	g->cfg.identity.assert_ = CFG_ASSERT_STRIP;
	g->cfg.identity.privacy = CFG_PRIVACY_APPLY;
	g->peer.cfg = &g->cfg;
	cp_codecs_policy(&g->cfg, &g->peer.codecs);
	g->peer.index = UINT16_MAX;
	g->next = shard->ghosts;
	shard->ghosts = g;
	return &g->peer;
}

static const struct cp_peer *find_peer(struct cp_shard *shard, const char *name)
{
	const struct cfg *cfg = shard->policy->cfg;

	for (unsigned i = 0; i < cfg->peer_count; i++)
		if (strcmp(cfg->peers[i].name, name) == 0)
			return cp_peers_at(shard->policy->peers, i);
	return ghost_of(shard, name);
}

static int load_leg(struct cp_call *call, unsigned i, struct kept_leg *from)
{
	struct cp_shard *shard = call->shard;
	struct cp_leg *leg = &call->leg[i];
	struct sip_dialog_view *d = &from->dialog;
	struct sip_flow listener;
	int err = find_flow(shard, &from->flow, &d->flow);

	if (!err && d->ok.n)
		err = find_flow(shard, &from->ok_flow, &d->ok_flow);
	if (!err)
		err = find_flow(shard, &from->listener, &listener);
	if (err)
		return err;
	leg->peer = find_peer(shard, from->peer);
	if (!leg->peer)
		return -ENOMEM;
	leg->signalling = from->signalling;
	leg->socket = listener.socket;
	leg->start_us = from_unix(shard, from->start);
	leg->ring_us = from_unix(shard, from->ring);
	leg->answer_us = from_unix(shard, from->answer);
	cp_timer_init(call, i);
	leg->allows_update = from->allows_update;
	leg->stale = from->stale;
	leg->session.refresher = (enum sip_st_refresher)from->refresher;
	leg->session.interval = from->session.interval;
	leg->session.peer_supports = from->session.peer_supports;
	if (from->session.floor > leg->session.floor)
		leg->session.floor = from->session.floor;
	if (i == 1 && d->call_id.n < sizeof(leg->call_id))
		memcpy(leg->call_id, d->call_id.p, d->call_id.n);
	d->state = SIP_DIALOG_CONFIRMED;
	d->local_cseq += d->local_cseq < INT32_MAX ? CSEQ_GAP : 0;
	err = sip_dialog_restore(shard->dialogs, d, call, &leg->dialog);
	if (!err)
		cp_label_set(
			shard, d->call_id, call->id, (uint8_t)i, sip_str(i == 1 ? call->to : ""));
	return err == -EINVAL ? -EBADMSG : err;
}

// Sessions of streams that were only offered are not of the call; hawse-media sweeps them.
static bool is_agreed(const struct cp_call *call, const struct kept_session *s)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		const struct sdp_local *local =
			sdp_oa_local(&call->oa, (enum sdp_leg)leg, s->stream);

		if (!local || local->rtp_port != s->local[leg].rtp_port ||
			memcmp(local->ip, s->local[leg].ip, sizeof(local->ip)) != 0)
			return false;
	}
	return true;
}

static int load_session(struct cp_call *call, const struct kept_session *from)
{
	struct cp_session *s;
	int err;

	if (!is_agreed(call, from))
		return 0;
	err = cp_media_session(call, from->stream, &s);
	if (err)
		return err;
	s->epoch = from->epoch;
	s->slot = from->slot;
	s->generation = from->generation;
	s->state = from->state;
	s->planned = s->replay = true;
	s->looked_into = from->plan.leg[0].codec != 0;
	memcpy(s->local, from->local, sizeof(s->local));
	memcpy(s->remote, from->remote, sizeof(s->remote));
	s->plan = from->plan;
	for (unsigned leg = 0; leg < 2; leg++) {
		if (!from->secured[leg])
			continue;
		s->secure[leg] = malloc(sizeof(*s->secure[leg]));
		if (!s->secure[leg])
			return -ENOMEM;
		*s->secure[leg] = from->secure[leg];
	}
	return 0;
}

static int load_media(struct cp_call *call, const struct kept_call *k)
{
	struct cp_shard *shard = call->shard;
	int err;

	sdp_oa_fini(&call->oa);
	err = sdp_oa_load(&call->oa, cp_scratch(shard), (const uint8_t *)k->agreed, k->agreed_size);
	cp_bridge_policy(call, &call->oa);
	for (unsigned i = 0; i < k->sessions && !err; i++)
		err = load_session(call, &k->session[i]);
	if (!err)
		err = cp_ice_restore(call);
	// Back to what was agreed, should hawse-media have been told of more. Told when it is claimed.
	if (!err && k->unsettled && cp_media_apply(call, &call->oa, true))
		err = -EBADMSG;
	return err;
}

static int load_recordings(struct cp_call *call, const struct cp_recordings *r)
{
	if (!r->count)
		return 0;
	call->recordings = malloc(sizeof(*call->recordings));
	if (!call->recordings)
		return -ENOMEM;
	*call->recordings = *r;
	return 0;
}

static int load_call(struct cp_call *call, struct kept_call *k)
{
	int err = 0;

	memcpy(call->from, k->from, sizeof(call->from));
	memcpy(call->to, k->to, sizeof(call->to));
	memcpy(call->codec, k->codec, sizeof(call->codec));
	memcpy(call->codec_why, k->codec_why, sizeof(call->codec_why));
	call->transcoded = k->transcoded;
	call->look = k->look;
	err = cp_fax_restore(call, k->fax, k->fax_pages);
	if (!err)
		err = load_recordings(call, &k->recordings);
	memcpy(call->from_sent, k->from_sent, sizeof(call->from_sent));
	memcpy(call->to_sent, k->to_sent, sizeof(call->to_sent));
	memcpy(call->route_name, k->route_name, sizeof(call->route_name));
	call->attempt = k->attempt;
	if (!cp_late(call))
		return -ENOMEM;
	for (unsigned i = 0; i < 2; i++) {
		call->late->rate[i] = k->rate[i];
		call->rate[i] = k->priced[i] ? &call->late->rate[i] : NULL;
	}
	call->held = k->held;
	call->hidden = k->hidden;
	call->shy = k->shy;
	call->moved_from = k->moved_from;
	call->counted = call->showing = call->restored = true;
	call->shard->restored++;
	call->old_ok = k->leg[0].dialog.ok.n || k->leg[1].dialog.ok.n;
	for (unsigned leg = 0; leg < 2 && !err; leg++) {
		call->late->total[leg] = k->total[leg];
		err = load_leg(call, leg, &k->leg[leg]);
	}
	return err ? err : load_media(call, k);
}

static void show_start(struct cp_call *call)
{
	struct cp_tregion *t = call->shard->tregion;

	if (call->entry == CP_NO_CALL)
		return;
	cp_tregion_call_begin(t, call->entry)->start_us = call->leg[0].start_us;
	cp_tregion_call_end(t, call->entry);
}

int cp_persist_load(struct cp_shard *shard, uint64_t id, const uint8_t *record, size_t size,
	struct cp_call **out)
{
	static const struct sip_flow nowhere;
	struct kept_call k;
	struct cp_call *call;
	int err = cp_persist_open(shard->scratch, record, size, &k);

	if (err)
		return err;
	if (k.id != id || !id)
		return -EBADMSG;
	call = cp_call_new(shard, NULL, &nowhere, id);
	if (!call)
		return -ENOMEM;
	err = load_call(call, &k);
	if (err) {
		cp_call_free(call);
		return err;
	}
	show_start(call);
	cp_call_state(call, ABI_CALL_UP);
	for (unsigned leg = 0; leg < 2; leg++)
		cp_timer_restore(call, leg, from_unix(shard, k.leg[leg].due));
	*out = call;
	return 0;
}
