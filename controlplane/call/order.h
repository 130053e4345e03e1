// SPDX-License-Identifier: BSD-3-Clause
// What a media session is told besides its plan and its keys: digits to send, prompts to play, recordings. Orders
// of a session go out one after the other, behind the plan that they need. An order that fails is told to whoever
// gave it, and is the failure of nothing else.
//
// Private to controlplane/call. Thread: the shard's.
#pragma once

#include "controlplane/call/call.h"

struct cp_order {
	struct cp_order *next;
	struct abi_msg command; // slot and generation are filled in when it goes out
	bool sent;
	// NULL: nobody wants to know. `error`: 0 or -errno.
	void (*done)(struct cp_session *s, const struct abi_msg *command, int error);
};

#ifdef __cplusplus
extern "C" {
#endif

// The command's payload is copied. 0 or -ENOMEM.
int cp_order_give(struct cp_session *s, uint16_t type, const void *payload, size_t size,
	void (*done)(struct cp_session *s, const struct abi_msg *command, int error));
// The next one to send. False: there is none.
bool cp_order_next(struct cp_session *s, struct abi_msg *command);
// The one that was sent was answered, or could not be sent.
void cp_order_answered(struct cp_session *s, int error);
bool cp_order_is(uint16_t command_type);
void cp_orders_free(struct cp_session *s);
// The session of the first audio stream of the call that hawse-media carries. NULL: none.
struct cp_session *cp_order_session(const struct cp_call *call);

#ifdef __cplusplus
}
#endif
