// SPDX-License-Identifier: BSD-3-Clause
// What a transcoder keeps; for worker/transcoder*.c only. All of it is the thread's unless it says
// otherwise.
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "dataplane/media/stats.h"
#include "dataplane/worker/transcoder.h"

#define DP_TC_WHEEL  1024u // slots of a millisecond each; a power of two
#define DP_TC_TICK   1000u // us
#define DP_TC_PACKET 1500u // bytes of RTP that are sent, at most

// In the list of the millisecond in which it is due, or in none (next NULL).
struct dp_tc_timer {
	struct dp_tc_timer *next, **link;
	uint64_t due_us;
	uint8_t kind; // enum dp_tc_timer_kind
	uint8_t leg;
	uint8_t reserved[6];
};

enum dp_tc_timer_kind {
	DP_TC_PATH = 0,
	DP_TC_RTCP = 1,
	DP_TC_TIMERS,
};

// What a transcoder keeps of the stream that comes from a leg's party.
struct dp_tc_received {
	struct rtp_stats stats;
	struct rtp_stats_rare more;
	uint32_t expected_before, lost_before; // as of the last report
	uint32_t sr_middle;                    // middle bits of the NTP time of the last SR
	uint64_t sr_us;                        // when it came; 0: none did
};

// And of the one that is sent to it.
struct dp_tc_sent {
	uint32_t packets, octets; // since it began
	uint32_t timestamp;       // of the last packet
	uint64_t last_us;
	uint16_t unsent; // numbers of packets that there were for a party that was sent nothing
	bool resumes;    // the next one is the first behind them
};

struct dp_tc_leg {
	struct codec_path *path; // from this leg to the other one
	uint64_t path_us;        // the time that it was last told; it never goes back
	struct dp_tc_terms terms;
	struct dp_tc_received received;
	struct dp_tc_sent sent;
	struct codec_path_stats told; // of the path's counters: already in the transcoder's
	struct dp_tc_order *play;     // what its party hears
	struct dp_tc_timer timer[DP_TC_TIMERS];
};

struct dp_tc_session {
	uint32_t slot;
	uint32_t generation;
	unsigned worker;
	uint8_t fax_leg;
	bool fax_over;   // its end was told
	struct fax *fax; // NULL: none
	struct dp_tc_leg leg[2];
};

struct dp_tc_ring { // of orders, one producer and one consumer
	uint32_t head ABI_LINE;
	uint32_t tail ABI_LINE;
	struct dp_tc_order *slot[DP_TC_ORDERS] ABI_LINE;
};

struct dp_tc_event_ring {
	uint32_t head ABI_LINE;
	uint32_t tail ABI_LINE;
	struct dp_tc_event slot[DP_TC_EVENTS] ABI_LINE;
};

struct dp_transcoder {
	struct dp_transcoder_config c;
	pthread_t thread;
	bool started;
	int bell;
	struct dp_tc_session **table; // by slot
	struct dp_tc_session **all;   // those that are here, for the end
	uint32_t count;
	struct dp_tc_timer *wheel[DP_TC_WHEEL];
	uint64_t wheel_ms; // the wheel was run up to here
	uint64_t now_us;
	uint64_t told; // bit n: worker n has something
	uint64_t load_from_us, load_busy_us;
	uint64_t random;
	char cname[24];
	bool agent_told;
	uint64_t quiet_since_us;
	struct dp_tc_counters counters ABI_LINE;
	abi_atomic32 load;
	abi_atomic32 stop;     // agent: rw
	abi_atomic32 sleeping; // thread: rw, agent: ro
	uint32_t out;          // agent's: orders that have not come back
	struct dp_tc_ring orders;
	struct dp_tc_ring replies;
	struct dp_tc_event_ring events;
};

static inline void dp_tc_count(struct dp_transcoder *t, abi_atomic64 *counter, uint64_t by)
{
	(void)t;
	abi_add64(counter, by);
}

static inline struct dp_tc_session *dp_tc_of_timer(struct dp_tc_timer *timer)
{
	struct dp_tc_leg *leg = (struct dp_tc_leg *)(void *)((char *)(timer - timer->kind) -
							     offsetof(struct dp_tc_leg, timer));

	return (struct dp_tc_session *)(void *)((char *)(leg - timer->leg) -
						offsetof(struct dp_tc_session, leg));
}

// transcoder_wheel.c
void dp_tc_wheel_start(struct dp_transcoder *t);
// To be looked at then; UINT64_MAX: never. Moves it when it was due at another time.
void dp_tc_due(struct dp_transcoder *t, struct dp_tc_timer *timer, uint64_t due_us);
// Those that are due, one after the other; NULL: no more. It is in no list then.
struct dp_tc_timer *dp_tc_expired(struct dp_transcoder *t);

// transcoder_session.c
void dp_tc_carry_out(struct dp_transcoder *t, struct dp_tc_order *order);
void dp_tc_packet(struct dp_transcoder *t, unsigned worker, struct dp_side *s);
void dp_tc_fire(struct dp_transcoder *t, struct dp_tc_timer *timer);
// Everything that a session has; the session itself too.
void dp_tc_destroy(struct dp_transcoder *t, struct dp_tc_session *session);

// transcoder_play.c: what a leg's party hears.
void dp_tc_play(struct dp_transcoder *t, struct dp_tc_session *s, struct dp_tc_order *order);
void dp_tc_play_stop(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg, uint32_t id,
	enum abi_play_cause cause);
// The path goes on with what plays, or has ended it.
void dp_tc_play_on(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg);
void dp_tc_play_look(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg);
// The path that leads to the leg's party. NULL: none.
static inline struct codec_path *dp_tc_towards(struct dp_tc_session *s, unsigned leg)
{
	return s->leg[!leg].path;
}
// Sends what a path has to send, and looks when it has next.
void dp_tc_run(struct dp_transcoder *t, struct dp_tc_session *s, unsigned from);

// transcoder_fax.c: T.38. Where `fax` is, the session's packets of fax_leg go there, and what the path to it makes.
void dp_tc_fax_start(struct dp_transcoder *t, struct dp_tc_session *s);
// A fax machine was heard of this leg's party, or the gateway has come to its end.
void dp_tc_fax_look(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg);
void dp_tc_fax_heard(struct dp_transcoder *t, struct dp_tc_session *s, const struct codec_out *out);
void dp_tc_fax_read(struct dp_transcoder *t, struct dp_tc_session *s, const uint8_t *p, size_t size);

// transcoder_rtcp.c
void dp_tc_rtcp_read(struct dp_transcoder *t, struct dp_tc_leg *leg, const uint8_t *p, size_t size);
void dp_tc_rtcp_send(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg);

// transcoder.c
uint8_t *dp_tc_place(struct dp_transcoder *t, struct dp_tc_session *s, unsigned leg, unsigned kind,
	size_t size, struct dp_side **record);
void dp_tc_commit(struct dp_transcoder *t, struct dp_tc_session *s, struct dp_side *record);
// The next event for the agent; NULL: it does not take them in time. To be told by dp_tc_tell().
struct dp_tc_event *dp_tc_event(struct dp_transcoder *t, const struct dp_tc_session *s, uint16_t type);
void dp_tc_tell(struct dp_transcoder *t);
void dp_tc_return(struct dp_transcoder *t, struct dp_tc_order *order);
uint32_t dp_tc_random(struct dp_transcoder *t);
