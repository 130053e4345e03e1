// SPDX-License-Identifier: BSD-3-Clause
// The transcoders as the agent sees them: which one takes a session, when all are full, orders on their way
// and back, and what each counts.
//
// A session is charged with what its codecs cost by a table; how far the table is wrong on this machine is
// measured while the transcoders work, and a transcoder is as busy as the greater of what was measured and
// what it has taken on. So a hundred sessions that begin in one second are counted before the first of them
// speaks, and one that would push a transcoder over its limit is refused, and harms nobody.
//
// Agent thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/agent/region.h"
#include "dataplane/worker/transcoder.h"

#define TRANSCODERS_LIMIT        850u // thousandths of its time that a transcoder may be at work
#define TRANSCODERS_LIMIT_SHARED 700u // on a core that others use, too

struct transcoders;

struct transcoders_config {
	struct dp_transcoder **all; // the caller's, also after transcoders_free
	unsigned count;
	unsigned limit; // thousandths
	struct region *region;
};

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -ENOMEM.
int transcoders_new(struct transcoders **out, const struct transcoders_config *config);
// When the threads have ended. Closes what is on its way to them or back.
void transcoders_free(struct transcoders *t);

unsigned transcoders_count(const struct transcoders *t);

// Microseconds of work a second for what goes from a codec to another one, or from (to) nothing: ABI_CODEC_NONE.
uint32_t transcoders_cost(unsigned from, unsigned to);
// And for a session between T.38 and G.711.
uint32_t transcoders_fax_cost(void);

// The transcoder for a session of this cost; `now` is where it is, -1: nowhere, and then `charged` is what it
// costs there. A session stays where it is when it can. -ENOSPC: all are full.
int transcoders_choose(const struct transcoders *t, uint32_t cost, int now, uint32_t charged);
// Takes a session's cost on, or lets it go (negative).
void transcoders_charge(struct transcoders *t, unsigned index, int32_t cost);

// The order leaves now or when there is room.
void transcoders_send(struct transcoders *t, unsigned index, struct dp_tc_order *order);
// One that came back; NULL: none.
struct dp_tc_order *transcoders_reply(struct transcoders *t);
bool transcoders_event(struct transcoders *t, struct dp_tc_event *event);
// What comes back or never left: everything in it is closed and freed.
void transcoders_dispose(struct dp_tc_order *order);

// About ten times a second: load, region A, counters.
void transcoders_tick(struct transcoders *t, uint64_t now_us);

#ifdef __cplusplus
}
#endif
