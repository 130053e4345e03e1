// SPDX-License-Identifier: BSD-3-Clause
// What goes to the control plane: replies in the order of their commands, and events.
//
// A command takes its place here before anything is done about it (outbox_expect); its reply is
// filled in when the worker has confirmed, and leaves when all before it have left. A control plane
// that does not read fills its ring; replies then wait here, and when all places are taken the agent
// reads no more commands (outbox_room), so that nothing grows. Events wait too, up to a limit.
//
// Agent thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/message.h"
#include "dataplane/abi/ring.h"

#define OUTBOX_REPLIES 4096u // a power of two
#define OUTBOX_EVENTS  4096u // a power of two
#define OUTBOX_NONE    UINT64_MAX

struct outbox;

#ifdef __cplusplus
extern "C" {
#endif

struct outbox *outbox_new(void); // NULL: out of memory
void outbox_free(struct outbox *box);

// A control plane has attached: forgets what the last one was owed. `sleeping` and `consumer` lie in
// its region B, `bell` is its doorbell.
void outbox_open(struct outbox *box, uint32_t generation, void *slots, abi_atomic32 *producer,
	const abi_atomic32 *consumer, const abi_atomic32 *sleeping, int bell);
void outbox_close(struct outbox *box);
bool outbox_is_open(const struct outbox *box);

// True when another command may be read.
bool outbox_room(const struct outbox *box);

// Takes the next place for the reply to `command` and prepares it: type, transaction, slot,
// generation, result 0. The ticket stays good until the reply has left or the control plane has gone.
uint64_t outbox_expect(struct outbox *box, const struct abi_msg *command);
// The reply of a ticket, to be filled in. NULL when nobody waits for it any more.
struct abi_msg *outbox_reply(struct outbox *box, uint64_t ticket);
// It is complete.
void outbox_done(struct outbox *box, uint64_t ticket);
// It is a failure: carries struct abi_reply.
void outbox_fail(
	struct outbox *box, uint64_t ticket, int result, enum abi_field field, uint32_t leg);

// Puts an event in line. False when there was no room, or nobody to tell.
bool outbox_event(struct outbox *box, const struct abi_msg *event);

// Sends what can be sent. The number of messages, or -EPROTO: the peer's ring is broken.
// *replies: how many of them were replies.
int outbox_flush(struct outbox *box, unsigned *replies);
// True when the last flush left something behind because the peer's ring was full: it will not tell
// when there is room.
bool outbox_blocked(const struct outbox *box);

#ifdef __cplusplus
}
#endif
