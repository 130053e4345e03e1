// SPDX-License-Identifier: BSD-3-Clause
// Single producer, single consumer rings over shared memory of two mutually distrusting processes.
//
// Only the two free-running indices are shared, each on a cache line of its writer's region. Mask,
// size and slot address are private to each side, so no value that the other side writes is ever
// used to compute an address. A peer whose index moves by more than the ring holds is broken:
// the functions answer -EPROTO from then on and the owner detaches and counts it.
//
// Not thread-safe: one thread owns each end.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/sync.h"

struct abi_producer {
	uint8_t *slots;
	uint32_t mask; // slots - 1
	uint32_t slot_size;
	uint32_t next;                // our index
	uint32_t seen;                // the consumer's index when last looked at
	abi_atomic32 *index;          // ours, shared
	const abi_atomic32 *consumer; // theirs, shared
	bool broken;
};

struct abi_consumer {
	const uint8_t *slots;
	uint32_t mask;
	uint32_t slot_size;
	uint32_t next;
	uint32_t seen;
	abi_atomic32 *index;
	const abi_atomic32 *producer;
	bool broken;
};

#ifdef __cplusplus
extern "C" {
#endif

// `count` is a power of two. The ring starts where our own shared index stands.
void abi_producer_init(struct abi_producer *ring, void *slots, uint32_t count, uint32_t slot_size,
	abi_atomic32 *index, const abi_atomic32 *consumer);
void abi_consumer_init(struct abi_consumer *ring, const void *slots, uint32_t count,
	uint32_t slot_size, abi_atomic32 *index, const abi_atomic32 *producer);

// Copies one slot in and publishes it. 0, -EAGAIN when full, -EPROTO when the peer is broken.
int abi_produce(struct abi_producer *ring, const void *slot);

// Copies one slot out, once, and frees it. 1, 0 when empty, -EPROTO when the peer is broken.
int abi_consume(struct abi_consumer *ring, void *slot);

// Free slots as seen now. A broken ring has none.
uint32_t abi_room(struct abi_producer *ring);

// Overwrites the slot that was published `back` messages ago (1: the last one) with zeros, as the
// writer of keys must when the answer has come.
void abi_wipe(struct abi_producer *ring, uint32_t back);

// Doorbells. The consumer says that it will sleep, then looks once more; the producer rings only
// then. `sleeping` lies in the consumer's own region.
void abi_doorbell_arm(abi_atomic32 *sleeping);
void abi_doorbell_disarm(abi_atomic32 *sleeping);
// After abi_produce: writes to `eventfd` if the peer sleeps. Never blocks.
void abi_doorbell_ring(const abi_atomic32 *sleeping, int eventfd);
void abi_doorbell_clear(int eventfd);

#ifdef __cplusplus
}
#endif
