// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/ring.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void abi_producer_init(struct abi_producer *ring, void *slots, uint32_t count, uint32_t slot_size,
	abi_atomic32 *index, const abi_atomic32 *consumer)
{
	*ring = (struct abi_producer){
		.slots = slots,
		.mask = count - 1,
		.slot_size = slot_size,
		.next = abi_load32(index),
		.seen = abi_load32(index),
		.index = index,
		.consumer = consumer,
	};
}

void abi_consumer_init(struct abi_consumer *ring, const void *slots, uint32_t count,
	uint32_t slot_size, abi_atomic32 *index, const abi_atomic32 *producer)
{
	*ring = (struct abi_consumer){
		.slots = slots,
		.mask = count - 1,
		.slot_size = slot_size,
		.next = abi_load32(index),
		.seen = abi_load32(index),
		.index = index,
		.producer = producer,
	};
}

// The consumer may only have come closer to us: it stands in [seen, next].
static bool look_at_consumer(struct abi_producer *ring)
{
	uint32_t now = abi_load32(ring->consumer);

	if (ring->next - now > ring->next - ring->seen) {
		ring->broken = true;
		return false;
	}
	ring->seen = now;
	return true;
}

uint32_t abi_room(struct abi_producer *ring)
{
	if (ring->broken || !look_at_consumer(ring))
		return 0;
	return ring->mask + 1 - (ring->next - ring->seen);
}

int abi_produce(struct abi_producer *ring, const void *slot)
{
	if (ring->broken)
		return -EPROTO;
	if (ring->next - ring->seen > ring->mask) {
		if (!look_at_consumer(ring))
			return -EPROTO;
		if (ring->next - ring->seen > ring->mask)
			return -EAGAIN;
	}
	memcpy(ring->slots + (size_t)(ring->next & ring->mask) * ring->slot_size, slot,
		ring->slot_size);
	ring->next++;
	abi_store32(ring->index, ring->next);
	return 0;
}

int abi_consume(struct abi_consumer *ring, void *slot)
{
	if (ring->broken)
		return -EPROTO;
	if (ring->seen == ring->next) {
		uint32_t now = abi_load32(ring->producer);

		if (now - ring->next > ring->mask + 1) {
			ring->broken = true;
			return -EPROTO;
		}
		ring->seen = now;
		if (now == ring->next)
			return 0;
	}
	memcpy(slot, ring->slots + (size_t)(ring->next & ring->mask) * ring->slot_size,
		ring->slot_size);
	ring->next++;
	abi_store32(ring->index, ring->next);
	return 1;
}

void abi_wipe(struct abi_producer *ring, uint32_t back)
{
	if (back == 0 || back > ring->mask + 1)
		return;
	explicit_bzero(ring->slots + (size_t)((ring->next - back) & ring->mask) * ring->slot_size,
		ring->slot_size);
}

void abi_doorbell_arm(abi_atomic32 *sleeping)
{
	__atomic_store_n(sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void abi_doorbell_disarm(abi_atomic32 *sleeping)
{
	__atomic_store_n(sleeping, 0, __ATOMIC_RELEASE);
}

void abi_doorbell_ring(const abi_atomic32 *sleeping, int eventfd)
{
	uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(sleeping, __ATOMIC_RELAXED) == 0)
		return;
	// A full eventfd (EAGAIN) is one that the peer has not read: it will wake anyway.
	ssize_t n = write(eventfd, &one, sizeof(one));
	(void)n;
}

void abi_doorbell_clear(int eventfd)
{
	uint64_t count;
	ssize_t n = read(eventfd, &count, sizeof(count));
	(void)n;
}
