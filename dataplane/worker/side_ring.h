// SPDX-License-Identifier: BSD-3-Clause
// Packets on their way between a worker and a thread beside it (a transcoder, the recorder): a ring of
// bytes with one producer and one consumer, in private memory. Records are of any length, so that a packet
// of 20 octets does not take the room of one of 1,500.
//
// Nobody ever waits: what finds no room is the producer's to count and forget. A record never wraps; where
// it would, a filler takes the rest. A reader looks at the record in place and lets it go with the next
// call.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DP_SIDE_BYTES  (512u * 1024u) // a power of two
#define DP_SIDE_PACKET 1600u          // bytes of a packet, at most

enum dp_side_kind {
	DP_SIDE_FILLER = 0,
	DP_SIDE_RTP = 1,
	DP_SIDE_RTCP = 2,
};

struct dp_side {       // 24 bytes, then the packet, up to a multiple of 8
	uint16_t size; // of the packet
	uint8_t kind;  // enum dp_side_kind
	uint8_t leg;   // that it came from, or goes to
	uint32_t slot;
	uint32_t generation;
	uint16_t ip_size; // recorder: bytes of IP and UDP header before the packet's own
	uint16_t reserved;
	uint64_t time; // 2^-20 s of CLOCK_MONOTONIC
};

struct dp_side_ring {
	uint32_t head __attribute__((aligned(64))); // producer: bytes ever written
	uint32_t tail_seen;
	uint32_t tail __attribute__((aligned(64))); // consumer
	uint32_t head_seen;
	uint32_t reading; // bytes of the record that the consumer looks at
	uint8_t *bytes __attribute__((aligned(64)));
};

#ifdef __cplusplus
extern "C" {
#endif

// The memory is there at once, so that no first packet meets a page fault. NULL: out of memory.
struct dp_side_ring *dp_side_new(void);
void dp_side_free(struct dp_side_ring *ring);

#ifdef __cplusplus
}
#endif

static inline uint32_t dp_side_length(uint32_t size)
{
	return ((uint32_t)sizeof(struct dp_side) + size + 7u) & ~7u;
}

static inline bool dp_side_fits(struct dp_side_ring *r, uint32_t length)
{
	if (DP_SIDE_BYTES - (r->head - r->tail_seen) >= length)
		return true;
	r->tail_seen = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
	return DP_SIDE_BYTES - (r->head - r->tail_seen) >= length;
}

// Producer: a place for a packet of at most `size` bytes, whose header and bytes are then written;
// dp_side_commit publishes it. NULL: no room.
static inline struct dp_side *dp_side_place(struct dp_side_ring *r, uint32_t size)
{
	uint32_t length = dp_side_length(size), at = r->head % DP_SIDE_BYTES,
		 rest = DP_SIDE_BYTES - at;

	if (size > DP_SIDE_PACKET || !dp_side_fits(r, rest < length ? rest + length : length))
		return NULL;
	if (rest < length) {
		struct dp_side *filler = (struct dp_side *)(void *)(r->bytes + at);

		// What is left of the ring may be less than a header: then there is none, only its first word.
		memset(filler, 0, 8);
		__atomic_store_n(&r->head, r->head + rest, __ATOMIC_RELEASE);
		at = 0;
	}
	return (struct dp_side *)(void *)(r->bytes + at);
}

static inline uint8_t *dp_side_bytes(struct dp_side *s)
{
	return (uint8_t *)(s + 1);
}

// `s` with its size and kind set.
static inline void dp_side_commit(struct dp_side_ring *r, const struct dp_side *s)
{
	__atomic_store_n(&r->head, r->head + dp_side_length(s->size), __ATOMIC_RELEASE);
}

// Consumer: the next record, or NULL. The one before is let go.
static inline struct dp_side *dp_side_next(struct dp_side_ring *r)
{
	for (;;) {
		struct dp_side *s;

		if (r->reading) {
			__atomic_store_n(&r->tail, r->tail + r->reading, __ATOMIC_RELEASE);
			r->reading = 0;
		}
		if (r->tail == r->head_seen) {
			r->head_seen = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
			if (r->tail == r->head_seen)
				return NULL;
		}
		s = (struct dp_side *)(void *)(r->bytes + r->tail % DP_SIDE_BYTES);
		if (s->kind != DP_SIDE_FILLER) {
			r->reading = dp_side_length(s->size);
			return s;
		}
		r->reading = DP_SIDE_BYTES - r->tail % DP_SIDE_BYTES;
	}
}

static inline bool dp_side_empty(const struct dp_side_ring *r)
{
	return r->tail + r->reading == __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
}
