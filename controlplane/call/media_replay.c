// SPDX-License-Identifier: BSD-3-Clause
//
// The sessions of calls that go on after hawse-media was attached anew: claimed, or made again on the same ports.
#include <errno.h>

#include "controlplane/call/media.h"
#include "controlplane/call/order.h"
#include "controlplane/call/prompt.h"
#include "controlplane/call/recording.h"
#include "controlplane/log.h"

#define REPLAY_WINDOW 256u

static void replay_lost(struct cp_session *s, int error)
{
	struct cp_call *call = s->call;

	cp_count(call->shard, CP_C_REPLAY_FAILED);
	cp_log(CP_LOG_WARNING, "media", call->id, "session cannot be made again: %s",
		strerror(-error));
	cp_media_free_session(s);
	cp_reason_set(call, "Q.850", 41, "media lost");
	cp_call_end(call, CP_BY_HAWSE, 503, sip_str("Media Lost"), NULL);
}

// To its place with the hawse-media that is attached now.
static void place_session(struct cp_session *s, const struct abi_msg *reply)
{
	struct cp_shard *shard = s->call->shard;
	bool again;

	cp_media_unindex(s);
	if (s->epoch != shard->epoch) {
		cp_record_old_media(s); // the new one counts from nothing
		s->state = CP_SESSION_ALLOCATED;
		cp_secure_again(s);
	}
	again = s->epoch != shard->epoch;
	s->epoch = shard->epoch;
	s->slot = reply->slot;
	s->generation = reply->generation;
	cp_media_index(s);
	s->replay = false;
	s->tries = 0;
	if (again) {
		cp_recording_again(s);
		cp_prompt_again(s);
	}
	cp_call_touch(s->call, true);
}

static int send_replay(struct cp_session *s);

static void on_replay(void *user, const struct abi_msg *reply)
{
	struct cp_session *s = user;
	struct cp_shard *shard = s->call->shard;
	int err = reply->result;

	s->transaction = 0;
	cp_media_end_replay(s);
	if (err == -ECONNRESET)
		return;
	if ((err == -EBUSY || err == -ETIMEDOUT) && s->tries++ < CP_MEDIA_TRIES && send_replay(s) == 0)
		return;
	if (!err) {
		place_session(s, reply);
		cp_count(shard, CP_C_REPLAYED);
		if (s->planned && (s->again || s->state != CP_SESSION_ACTIVE))
			err = cp_media_send_plan(s);
	}
	if (err)
		replay_lost(s, err);
	cp_media_replay(shard);
}

static int send_replay(struct cp_session *s)
{
	struct cp_call *call = s->call;
	struct cp_shard *shard = call->shard;
	struct abi_port_alloc *want;
	struct abi_msg m;
	int err;

	if (s->epoch == shard->epoch) {
		abi_msg_init(&m, ABI_SESSION_CLAIM, 0, s->slot, s->generation);
	} else {
		abi_msg_init(&m, ABI_PORT_ALLOC, 0, ABI_NO_SLOT, 0);
		want = (struct abi_port_alloc *)m.payload;
		want->affinity = ABI_NO_SLOT;
		want->legs = 2;
		want->call = call->id;
		for (unsigned leg = 0; leg < 2; leg++) {
			want->leg[leg].interface_index = s->local[leg].interface_index;
			want->leg[leg].family = s->local[leg].family;
			want->leg[leg].kind = s->local[leg].kind;
			want->leg[leg].rtp_port = s->local[leg].rtp_port;
			memcpy(want->leg[leg].ip, s->local[leg].ip, sizeof(s->local[leg].ip));
		}
	}
	err = shard->ops->submit(shard->ctx, &m, on_replay, s);
	if (err)
		return err;
	s->transaction = m.transaction;
	s->replaying = true;
	shard->replays++;
	return 0;
}

void cp_media_replay(struct cp_shard *shard)
{
	while (shard->attached && shard->replaying && shard->replays < REPLAY_WINDOW) {
		struct cp_call *call = shard->replaying;
		int err = 0;

		shard->replaying = call->next;
		for (unsigned i = 0; i < CP_SESSIONS && !err; i++) {
			struct cp_session *s = call->session[i];

			if (s && s->replay && !s->transaction && s->state != CP_SESSION_DELETING)
				err = send_replay(s);
			if (err == -ENOTCONN)
				return;
			if (err)
				replay_lost(s, err);
		}
	}
	if (shard->attached && !shard->ready && !shard->replaying && !shard->replays) {
		shard->ready = true;
		shard->ops->reconciled(shard->ctx);
	}
}
