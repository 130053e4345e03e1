// SPDX-License-Identifier: BSD-3-Clause
// What a session has when hawse-media looks into its media: the codecs of its plan, the transcoder that serves
// it, what plays, and what is recorded. Plain sessions never have one.
//
// A plan with codecs is served in one of two ways:
//   relay    the forwarding path does all there is to do: the same codec on both sides, or G.711 of both laws;
//            payload types are renumbered
//   thread   a transcoder. Also while something plays or digits are sent, which makes a relay a thread until
//            the next plan
#pragma once

#include "dataplane/agent/session_state.h"
#include "dataplane/agent/transcoders.h"

enum media_way {
	MEDIA_PLAIN = 0, // no codec: the worker relays
	MEDIA_RELAY = 1,
	MEDIA_THREAD = 2,
};

struct session_media {
	struct abi_session_plan plan;   // the last one that was carried out
	uint64_t repeated[ABI_REPEATS]; // transactions
	unsigned repeat_next;
	uint8_t way; // enum media_way
	uint8_t transcoder;
	uint8_t playing[2];          // orders that are under way, by leg
	uint32_t rate[2];            // Hz of what a leg's party may be played
	uint32_t cost;               // that the transcoder was charged with
	struct dp_tc_order *leaving; // THREAD: the order by which it will end, so that it can
	uint32_t recording;          // id of the recorder's, 0: none
	uint8_t recorded;            // legs of it
};

// What a plan will change, worked out before anything is changed.
struct media_change {
	struct session_media *media; // NULL: the session has and needs none
	bool fresh;                  // it is not the session's yet
	uint8_t way;
	uint8_t transcoder;
	uint32_t cost;
	struct dp_tc_order *order; // SET for a transcoder, or NULL
};

// session_types.c: a party that answered other payload types than it was offered is seen to send by its own, too.
// Those, where they can mean nothing else; 0: none.
uint8_t media_also_codec(const struct abi_leg_plan *leg, const struct abi_codec_terms *terms);
uint8_t media_also_events(const struct abi_leg_plan *leg, const struct abi_codec_terms *terms);
// What may come to a leg with a codec, and under which number the relay sends it on.
void media_fill_types(
	const struct abi_session_plan *plan, unsigned way, unsigned leg, struct abi_leg_plan *out);

// session_media.c
// 0, -ENOMEM, -EOPNOTSUPP or -ENOSPC.
int media_prepare(struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	struct media_change *change);
// Into the plan that the worker gets.
void media_fill(const struct media_change *change, uint8_t recorded,
	const struct abi_session_plan *plan, struct dp_plan *out);
// The worker has its mail: the rest follows. Or it has not, and nothing has happened.
void media_adopt(struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	struct media_change *change);
void media_forget(struct media_change *change);
// A place at a transcoder, and its order. As media_prepare.
int media_thread(struct sessions *s, uint32_t slot, const struct abi_session_plan *plan,
	struct media_change *change);
// The session ends.
void media_end(struct sessions *s, uint32_t slot);
// Flags of a leg that do not come from its plan.
struct dp_leg_media media_of_leg(const struct abi_session_plan *plan, unsigned way,
	unsigned transcoder, unsigned recorded, unsigned leg);

// session_play.c: PLAY, PLAY_STOP, DTMF_SEND, and what transcoders say. Returns how much there was.
void media_command(struct sessions *s, const struct abi_msg *command, uint64_t ticket);
unsigned media_collect(struct sessions *s);
// True when the command was carried out already; else it is noted. It failed: it may be tried again.
bool media_repeated(struct session_media *media, uint64_t transaction);
void media_forget_repeat(struct session_media *media);

// session_record.c: RECORD, RECORD_STOP, and what the recorder says. media_record_end: the session ends.
void media_record(struct sessions *s, const struct abi_msg *command, uint64_t ticket);
void media_record_end(struct sessions *s, uint32_t slot);
unsigned media_record_collect(struct sessions *s);

// session_codec.c: from plans to paths.
// T.38 on one leg, G.711 on the other.
bool media_is_fax(const struct abi_session_plan *plan);
enum media_way media_way_of(const struct abi_session_plan *plan, unsigned legs);
uint32_t media_cost(const struct abi_session_plan *plan, unsigned legs);
// 0 or -EOPNOTSUPP.
int media_format(const struct abi_leg_plan *leg, const struct abi_codec_terms *t,
	struct codec_format *format);
// 0, -EOPNOTSUPP, -ENOMEM.
int media_open(const struct abi_session_plan *plan, unsigned legs, struct dp_tc_set *set);
