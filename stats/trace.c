// SPDX-License-Identifier: BSD-3-Clause
#include "stats/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct walk {
	uint64_t call;
	uint32_t shard;
	void (*take)(void *user, const struct st_record *record);
	void *user;
};

// Bytes to go on, 0 when this is no record.
static uint64_t record_length(const struct abi_trace *head, uint64_t left)
{
	uint64_t whole = (sizeof(*head) + (uint64_t)head->size + 7) & ~7ull;

	if (head->length % 8 || head->length > left)
		return 0;
	if (head->kind == ABI_TRACE_PAD)
		return head->length >= 8 ? head->length : 0;
	return head->kind <= ABI_TRACE_EVENT && head->length == whole ? whole : 0;
}

// The records of `size` bytes that begin with one. False when it met something else.
static bool cut(const struct walk *w, const uint8_t *bytes, uint64_t size)
{
	uint64_t at = 0;

	while (size - at >= sizeof(struct abi_trace)) {
		struct st_record r = {.shard = w->shard};
		uint64_t length;

		memcpy(&r.head, bytes + at, sizeof(r.head));
		length = record_length(&r.head, size - at);
		if (!length)
			return false;
		r.text = (const char *)bytes + at + sizeof(r.head);
		if (r.head.kind != ABI_TRACE_PAD && (!w->call || r.head.call == w->call))
			w->take(w->user, &r);
		at += length;
	}
	return true;
}

// Where the oldest segment begins that the writer is not at work in. It works in the segment that
// holds `head`, whose place in the ring is that of the one `trace_size` earlier.
static uint64_t oldest(const struct st_t *t, uint64_t head)
{
	const uint64_t segment = t->trace_size / ABI_TRACE_SEGMENTS;

	if (head > 1ull << 62) // nobody has written so much
		return UINT64_MAX;
	return head >= t->trace_size ? head / segment * segment + segment - t->trace_size : 0;
}

int st_trace_walk(const struct st_t *t, uint32_t shard, uint64_t call,
	void (*take)(void *user, const struct st_record *record), void *user, unsigned *broken)
{
	const uint64_t segment = t->trace_size / ABI_TRACE_SEGMENTS;
	const struct walk w = {.call = call, .shard = shard, .take = take, .user = user};
	const uint8_t *ring;
	uint64_t head, at;
	uint8_t *copy;

	if (shard >= t->shards)
		return 0;
	ring = (const uint8_t *)t->shm.base + t->trace_offset + t->trace_size * shard;
	copy = malloc(segment);
	if (!copy)
		return -ENOMEM;
	head = st_t_head(t, shard);
	at = oldest(t, head);
	for (; at < head; at += segment) {
		uint64_t size = head - at < segment ? head - at : segment;

		memcpy(copy, ring + (at & (t->trace_size - 1)), size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (oldest(t, st_t_head(t, shard)) > at)
			continue;
		if (!cut(&w, copy, size) && broken)
			(*broken)++;
	}
	free(copy);
	return 0;
}
