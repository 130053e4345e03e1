// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/session_slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE        ABI_NO_SLOT
#define MOST_A_TICK 20000u

static uint32_t *bucket_of(const struct slots *slots, uint64_t transaction)
{
	uint64_t h = transaction * 0x9e3779b97f4a7c15ull;

	return &slots->hash[(h >> 32) & slots->hash_mask];
}

int slots_create(struct slots *slots, struct region *region, uint32_t count, uint64_t rest_us)
{
	uint32_t size = 64;

	while (size < count)
		size *= 2;
	*slots = (struct slots){
		.region = region,
		.count = count,
		.hash_mask = size - 1,
		.free = NONE,
		.rest_first = NONE,
		.rest_last = NONE,
		.rest_us = rest_us,
	};
	// calloc of this size is fresh memory of the kernel: pages appear as sessions do.
	slots->session = calloc(count, sizeof(*slots->session));
	slots->hash = malloc(size * sizeof(*slots->hash));
	if (!slots->session || !slots->hash) {
		slots_destroy(slots);
		return -ENOMEM;
	}
	memset(slots->hash, 0xff, size * sizeof(*slots->hash));
	return 0;
}

void slots_destroy(struct slots *slots)
{
	free(slots->session);
	free(slots->hash);
	slots->session = NULL;
	slots->hash = NULL;
}

uint32_t slots_find(const struct slots *slots, uint64_t transaction)
{
	uint32_t slot = *bucket_of(slots, transaction);

	while (slot != NONE && slots->region->directory[slot].transaction != transaction)
		slot = slots->session[slot].next;
	return slot;
}

static void set_state(struct slots *slots, struct abi_session_entry *entry, uint8_t state)
{
	abi_write_begin(&entry->sequence);
	entry->state = state;
	abi_write_end(&entry->sequence);
}

static void free_first_resting(struct slots *slots)
{
	uint32_t slot = slots->rest_first;

	slots->rest_first = slots->session[slot].next;
	if (slots->rest_first == NONE)
		slots->rest_last = NONE;
	set_state(slots, &slots->region->directory[slot], ABI_SESSION_FREE);
	slots->session[slot].next = slots->free;
	slots->free = slot;
}

static uint32_t any_slot(struct slots *slots)
{
	uint32_t slot;

	if (slots->free == NONE && slots->fresh < slots->count)
		return slots->fresh++;
	if (slots->free == NONE && slots->rest_first != NONE)
		free_first_resting(slots);
	slot = slots->free;
	if (slot != NONE)
		slots->free = slots->session[slot].next;
	return slot;
}

uint32_t slots_take(struct slots *slots, const struct slots_new *values, uint64_t now_us)
{
	uint32_t slot = any_slot(slots), *bucket;
	struct abi_session_entry *entry;
	struct session *session;

	if (slot == NONE)
		return NONE;
	entry = &slots->region->directory[slot];
	session = &slots->session[slot];
	bucket = bucket_of(slots, values->transaction);
	memset(session, 0, sizeof(*session));
	memset(session->adjacency, 0xff, sizeof(session->adjacency)); // DP_ADJACENCY_NONE
	session->wish = values->wish;
	session->next = *bucket;
	*bucket = slot;
	abi_write_begin(&entry->sequence);
	entry->generation++;
	entry->state = ABI_SESSION_ALLOCATED;
	entry->worker = values->worker;
	entry->legs = values->legs;
	entry->owner = values->owner;
	entry->transaction = values->transaction;
	entry->call = values->call;
	memcpy(entry->ports, values->ports, sizeof(entry->ports));
	entry->created_us = now_us;
	abi_write_end(&entry->sequence);
	slots->used++;
	abi_store32(&slots->region->a->sessions_used, slots->used);
	return slot;
}

void slots_state(struct slots *slots, uint32_t slot, enum abi_session_state state)
{
	set_state(slots, &slots->region->directory[slot], (uint8_t)state);
}

void slots_own(struct slots *slots, uint32_t slot, uint32_t owner)
{
	struct abi_session_entry *entry = &slots->region->directory[slot];

	abi_write_begin(&entry->sequence);
	entry->owner = owner;
	abi_write_end(&entry->sequence);
}

void slots_rest(struct slots *slots, uint32_t slot, uint64_t now_us)
{
	struct abi_session_entry *entry = &slots->region->directory[slot];
	struct session *session = &slots->session[slot];
	uint32_t *at = bucket_of(slots, entry->transaction);

	while (*at != slot)
		at = &slots->session[*at].next;
	*at = session->next;
	session->next = NONE;
	session->known = session->deleting = false;
	session->rest_until_us = now_us + slots->rest_us;
	if (slots->rest_last == NONE)
		slots->rest_first = slot;
	else
		slots->session[slots->rest_last].next = slot;
	slots->rest_last = slot;
	set_state(slots, entry, ABI_SESSION_QUARANTINE);
	slots->used--;
	abi_store32(&slots->region->a->sessions_used, slots->used);
}

void slots_tick(struct slots *slots, uint64_t now_us)
{
	for (unsigned n = 0; n < MOST_A_TICK && slots->rest_first != NONE; n++) {
		if (slots->session[slots->rest_first].rest_until_us > now_us)
			break;
		free_first_resting(slots);
	}
}
