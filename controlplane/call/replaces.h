// SPDX-License-Identifier: BSD-3-Clause
// Replaces (RFC 3891): the name of a dialog, in a header of an INVITE or hidden in a Refer-To.
//
// Thread: pure functions, but for the look-up, which belongs to the shard.
#pragma once

#include "sip/message.h"

struct cp_shard;
struct cp_call;
struct sip_transaction;

#define CP_REPLACES 512u

struct cp_replaces {
	struct sip_slice call_id, to_tag, from_tag;
	bool early_only;
};

#ifdef __cplusplus
extern "C" {
#endif

// The value of a Replaces header. 0 or -EBADMSG: not one call-id, one to-tag and one from-tag.
int cp_replaces_parse(struct sip_slice value, struct cp_replaces *out);
// From the headers part of a URI ("Replaces=a%40b%3Bto-tag%3D1..."), unescaped into `text`. 0, -ENOENT: it
// has none, -EBADMSG.
int cp_replaces_in_uri(
	struct sip_slice headers, char text[CP_REPLACES], struct cp_replaces *out);
// The call whose dialog this is, as who is on the other end of it names it: to-tag is ours. NULL: none.
struct cp_call *cp_replaces_find(
	struct cp_shard *shard, const struct cp_replaces *r, unsigned *leg);

// An INVITE with Replaces: takes over the place of a party, or is refused. False when it has no such
// header.
bool cp_replaces_invite(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m);

#ifdef __cplusplus
}
#endif
