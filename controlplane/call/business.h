// SPDX-License-Identifier: BSD-3-Clause
// The part of call.h that an operator's business is about: where calls go, how many there may be, which trunks are
// well, and what is left for the bill. Included by call.h, which has the structs.
//
// Thread: its shard's.
#pragma once

#include "controlplane/call/call.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- route.c: which way a number goes, and how each side writes it

// The peers for this request of `caller`. 0, or the status that it is refused by.
int cp_route_call(struct cp_shard *shard, const struct sip_message *m, const struct cp_peer *caller,
	const char *asserted, struct cp_choice *choice);
// Another target can be tried after this one.
bool cp_route_has_more(const struct cp_call *call);
// The request's number as the target writes it: sets the user part of `uri`, whose text is in `text`.
int cp_route_called(const struct cp_call *call, struct sip_uri *uri, char text[CP_USER]);
// The prices of the call as it goes now.
void cp_route_price(struct cp_call *call);
// What a leg costs (1) or is charged (0) when it was answered for so long: micro-units; -1: no price is
// known.
int64_t cp_call_cost(const struct cp_call *call, unsigned leg, uint64_t duration_ms);

// ---- limit.c: places in the accounts of peers and users

// False: the caller has none left, and the call has ended, or may be gone.
bool cp_limit_caller(struct cp_call *call);
// The same for another account of the caller's: a user's. Its place is to be given back.
bool cp_limit_account(struct cp_call *call, const char *name, const struct cfg_limits *limits,
	struct cp_place *place);
// The same for the user who calls.
bool cp_limit_user(struct cp_call *call, const struct cfg_user *user);
// A place for leg 1 at this peer; the one that leg 1 had is given back.
enum cp_limit_why cp_limit_target(struct cp_call *call, const struct cp_peer *peer);
// And one for the user of it who is called; NULL: nobody's.
enum cp_limit_why cp_limit_called(
	struct cp_call *call, const struct cp_peer *peer, const struct cfg_user *user);
// Ends a call for which no peer had one, `last` being the last that was tried.
void cp_limit_none(struct cp_call *call, const struct cp_peer *last, enum cp_limit_why why);
void cp_limit_answered(struct cp_call *call);
void cp_limit_release(struct cp_call *call, unsigned leg);
void cp_limit_restore(struct cp_call *call);
uint64_t cp_shard_unix_us(const struct cp_shard *shard);
// NULL: no memory.
struct cp_account *cp_peer_account(struct cp_shard *shard, const struct cp_peer *peer);

// ---- health.c: which trunks are well

// Puts those that are not last, or takes them out. False: none is left.
bool cp_health_order(struct cp_shard *shard, struct cp_choice *choice);
// What the target of the call has said, or 408 and 503 when it said nothing.
void cp_health_target(struct cp_call *call, int status);
// Pings of the shard's policy.
void cp_health_start(struct cp_shard *shard);
void cp_health_stop(struct cp_shard *shard);
void cp_health_response(struct cp_exchange *x, int status);
void cp_health_failed(struct cp_exchange *x);
void cp_health_unreachable(struct cp_shard *shard, const struct sip_flow *to);

// ---- record.c: CDRs

// Writes the final CDR of one leg, as it stands.
void cp_call_record(struct cp_call *call, unsigned leg);
// The leg begins: before anything of it is sent, so that it is recorded whatever happens to the process.
void cp_record_open(struct cp_call *call, unsigned leg);
// The final CDR of an INVITE of `caller` that was refused before it was a call.
void cp_record_refused(struct cp_shard *shard, const struct sip_message *m,
	const struct cp_peer *caller, int status, const char *phrase);
// The call is up: interim records from now on, if wanted.
void cp_record_up(struct cp_call *call);
// The URIs of From and of the request, as the target is told.
void cp_record_sent(struct cp_call *call, const char *from, const char *to);
// Adds what a hawse-media that is gone has counted for this session.
void cp_record_old_media(struct cp_session *s);

#ifdef __cplusplus
}
#endif
