// SPDX-License-Identifier: BSD-3-Clause
// What a call asks of hawse-media: ports and plans (media.c), all of it again after a restart (media_replay.c).
// One command of a session is in flight at a time. Private to controlplane/call and shard.c. Thread: the shard's.
#pragma once

#include "controlplane/call/call.h"

#ifdef __cplusplus
extern "C" {
#endif

// Asks for ports for every stream that wants some. Number of commands sent, or -errno when none
// could be sent.
int cp_media_alloc(struct cp_call *call, const struct sdp_oa_need *need);
// Installs the plan of `oa`. `final`: the answer stands, silence is watched. 0 or -errno.
int cp_media_apply(struct cp_call *call, struct sdp_oa *oa, bool final);
// The same with what is agreed, when something else than the descriptions has changed. 0 or -errno.
int cp_media_again(struct cp_call *call);
// Installs the plan of our own early answer to the caller (sdp_oa_answer_early()). 0 or -errno.
int cp_media_early(struct cp_call *call);
// This error of a plan is about its codecs: the session is as it was before.
bool cp_media_is_codec_error(int error);
bool cp_media_busy(const struct cp_call *call);
bool cp_media_waits_for_ports(const struct cp_call *call);
// Deletes sessions whose ports the call does not use any more.
void cp_media_sweep(struct cp_call *call);
// Deletes all.
void cp_media_release(struct cp_call *call);
// Without a word; the call is being freed.
void cp_media_drop(struct cp_call *call);
// There is more to say: of its security, or an order.
void cp_media_more(struct cp_session *s);
bool cp_media_gone(const struct cp_call *call);
// One more session of the call, without ports. 0, -EMFILE, -ENOMEM.
int cp_media_session(struct cp_call *call, unsigned stream, struct cp_session **out);
// Events of its slot find it.
void cp_media_index(struct cp_session *s);
// Claims or makes again what `replay` says, a window at a time, and then says that it is done.
void cp_media_replay(struct cp_shard *shard);

// Between the files ----------------------------------------------------------------------------------

#define CP_MEDIA_TRIES 4u

// Sends its plan. 0 or -errno.
int cp_media_send_plan(struct cp_session *s);
void cp_media_unindex(struct cp_session *s);
void cp_media_free_session(struct cp_session *s);
// Nobody waits any more for what hawse-media says to a claim.
void cp_media_end_replay(struct cp_session *s);

#ifdef __cplusplus
}
#endif
