// SPDX-License-Identifier: BSD-3-Clause
// Overload feedback between neighbours (RFC 7339, algorithm "loss").
//
// As a server: a request whose top Via says that its sender understands (`oc` without a value) is answered
// with how much of what it sends it should keep back, in that Via: `oc=30;oc-algo="loss";
// oc-validity=1000;oc-seq=...`. The share follows what the gate had to shed: it grows until the gate
// sheds no more, and then gives way a little every half second.
// As a client: our requests offer it, and what a neighbour asks for is done: so many of a hundred new calls
// to it are not sent while that is valid. What is within a dialog, and emergency calls, always are.
//
// Reads and writes nothing but the top Via of whole messages. Sans clock. Thread: the process's loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/flow.h"
#include "sip/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

// What the offer adds to a request.
#define CP_FEEDBACK_OFFER ";oc;oc-algo=\"loss\""

struct cp_feedback;

// NULL: no memory.
struct cp_feedback *cp_feedback_new(uint64_t now_us);
void cp_feedback_free(struct cp_feedback *f);

// Every half second or so: how many new requests were taken and shed since the process began.
void cp_feedback_window(struct cp_feedback *f, uint64_t now_us, uint64_t admitted, uint64_t shed);
// Per cent of new requests that neighbours are asked to keep back.
unsigned cp_feedback_loss(const struct cp_feedback *f);

// A message of ours on its way: itself, or with another Via, in memory that holds until the next call.
struct sip_slice cp_feedback_send(struct cp_feedback *f, const uint8_t *bytes, size_t n);

// A message of a known neighbour. Does nothing but for responses that bring feedback.
void cp_feedback_receive(struct cp_feedback *f, uint64_t now_us, const struct sip_flow *source,
	const uint8_t *bytes, size_t n);
// May a new call be sent there? `lot` is random, the same for all attempts of one call.
bool cp_feedback_admits(
	const struct cp_feedback *f, uint64_t now_us, const struct sip_flow *to, uint32_t lot);

#ifdef __cplusplus
}
#endif
