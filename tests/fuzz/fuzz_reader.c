// SPDX-License-Identifier: BSD-3-Clause
// Regions A and T whose writer has gone mad: the input scribbles over good ones, and every reader there
// is looks at what is left. Nothing may crash or read outside, and JSON stays JSON.
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/prometheus.h"
#include "stats/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSIONS 8u
#define COUNTERS 3u
#define TRACE    4096u

// Offsets of region A; the event ring, which readers never read, lies at the end.
enum {
	A_ENDPOINTS = ABI_HEADER_SIZE,
	A_DIRECTORY = A_ENDPOINTS + 2 * 64,
	A_LEGS = A_DIRECTORY + SESSIONS * 64,
	A_RESUME = A_LEGS + SESSIONS * 256,
	A_COUNTERS = A_RESUME + SESSIONS * 256,
	A_EVENTS = A_COUNTERS + COUNTERS * 256 + 2 * 64,
	A_SIZE = A_EVENTS + ABI_EVENT_SLOTS * ABI_MSG_SIZE,
	T_COUNTERS = ABI_HEADER_SIZE,
	T_CALLS = T_COUNTERS + COUNTERS * 256 + 2 * 64,
	T_TRACE = T_CALLS + 4 * 512,
	T_SIZE = T_TRACE + TRACE,
};

static const struct abi_counter counters[COUNTERS] = {
	{"media_drops_total", "reason=\"stranger\"", "Help", ABI_COUNTER, ABI_SCOPE_WORKER, {0}},
	{"stage_calls_total", "stage=\"rx\"", "Help", ABI_COUNTER, ABI_SCOPE_WORKER, {0}},
	{"media_readers", "", "Help", ABI_GAUGE, ABI_SCOPE_AGENT, {0}},
};

static void make_a(uint8_t *bytes)
{
	struct abi_region_a *a = (struct abi_region_a *)(void *)bytes;

	memset(bytes, 0, A_EVENTS);
	a->magic = ABI_MAGIC_A;
	a->major = ABI_MAJOR;
	a->header_size = ABI_HEADER_SIZE;
	a->size = A_SIZE;
	a->sessions = SESSIONS;
	a->workers = 1;
	a->endpoints = 2;
	a->event_slots = ABI_EVENT_SLOTS;
	a->counters = COUNTERS;
	a->endpoint_offset = A_ENDPOINTS;
	a->directory_offset = A_DIRECTORY;
	a->leg_offset = A_LEGS;
	a->resume_offset = A_RESUME;
	a->event_offset = A_EVENTS;
	a->counter_offset = A_COUNTERS;
	a->counter_size = A_EVENTS - A_COUNTERS;
	abi_counters_init(bytes + A_COUNTERS, counters, COUNTERS, 2);
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct abi_session_entry *e =
			(struct abi_session_entry *)(void *)(bytes + A_DIRECTORY) + i;

		*e = (struct abi_session_entry){
			.generation = 1, .state = i % 4, .legs = 2, .call = 1};
		e->ports[0] = (struct abi_leg_ports){0, 20000, 20001, ABI_LEG_PAIR, 0};
		e->ports[1] = (struct abi_leg_ports){1, 20002, 20002, ABI_LEG_MUX, 0};
		((struct abi_leg_slot *)(void *)(bytes + A_LEGS))[i].generation = 1;
	}
}

static void make_t(uint8_t *bytes)
{
	static const char text[] =
		"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\nc: application/sdp\r\n\r\nv=0\r\n";
	struct abi_region_t *t = (struct abi_region_t *)(void *)bytes;
	struct abi_call *call = (struct abi_call *)(void *)(bytes + T_CALLS);
	struct abi_trace *record = (struct abi_trace *)(void *)(bytes + T_TRACE);

	memset(bytes, 0, T_SIZE);
	t->magic = ABI_MAGIC_T;
	t->major = ABI_MAJOR;
	t->header_size = ABI_HEADER_SIZE;
	t->size = T_SIZE;
	t->shards = 1;
	t->calls = 4;
	t->counters = COUNTERS;
	t->counter_offset = T_COUNTERS;
	t->counter_size = T_CALLS - T_COUNTERS;
	t->call_offset = T_CALLS;
	t->trace_offset = T_TRACE;
	t->trace_size = TRACE;
	abi_counters_init(bytes + T_COUNTERS, counters, COUNTERS, 2);
	call->id = 1;
	call->state = ABI_CALL_UP;
	call->streams = 1;
	call->media_slot[0] = 2;
	call->media_generation[0] = 1;
	record->size = sizeof(text) - 1;
	record->length = (uint32_t)((sizeof(*record) + sizeof(text) - 1 + 7) & ~(size_t)7);
	record->call = 1;
	record->kind = ABI_TRACE_RECEIVED;
	memcpy(record + 1, text, sizeof(text) - 1);
	t->trace[0].head = record->length;
}

// The input is a list of writes: region, offset, length, bytes.
static void scribble(uint8_t *a, uint8_t *t, const uint8_t *data, size_t size)
{
	while (size > 4) {
		uint8_t *region = data[0] & 1 ? t : a;
		size_t limit = data[0] & 1 ? (size_t)T_SIZE : (size_t)A_EVENTS;
		size_t offset = ((size_t)data[1] | (size_t)data[2] << 8) % limit;
		size_t n = data[3];

		data += 4;
		size -= 4;
		n = n > size ? size : n;
		n = n > limit - offset ? limit - offset : n;
		memcpy(region + offset, data, n);
		data += n;
		size -= n;
	}
}

static void show(const struct st_show *base, int (*topic)(const struct st_show *s))
{
	struct st_show s = *base;
	char *text = NULL;
	size_t size = 0;
	json_t *root;

	topic(&s);
	s.json = true;
	s.out = open_memstream(&text, &size);
	if (!s.out)
		return;
	if (topic(&s) == ST_EXIT_OK) {
		fflush(s.out);
		root = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
		if (!root)
			abort();
		json_decref(root);
	}
	fclose(s.out);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const topics[])(const struct st_show *s) = {st_show_calls, st_show_call,
		st_show_workers, st_show_drops, st_show_ports, st_show_sessions};
	static FILE *null;
	struct st_reader r = {.media = {.socket = -1}, .sip = {.socket = -1}};
	struct st_show s = {.r = &r,
		.now_us = 60000000,
		.all = true,
		.stages = true,
		.messages = true,
		.id = "1"};
	static uint8_t *a, *t;

	if (!null) {
		null = fopen("/dev/null", "w");
		a = aligned_alloc(64, A_SIZE);
		t = aligned_alloc(64, T_SIZE);
		if (!null || !a || !t)
			abort();
		memset(a + A_EVENTS, 0, A_SIZE - A_EVENTS);
	}
	make_a(a);
	make_t(t);
	scribble(a, t, data, size);
	r.a.shm = (struct abi_shm){.fd = -1, .base = a, .size = A_SIZE};
	r.t.shm = (struct abi_shm){.fd = -1, .base = t, .size = T_SIZE};
	// A descriptor that stands for "attached": never read here.
	r.media.socket = st_a_view(&r.a) ? -1 : 0;
	r.sip.socket = st_t_view(&r.t) ? -1 : 0;
	s.out = s.err = null;
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		show(&s, topics[i]);
	st_prometheus_write(&r, s.now_us, null);
	return 0;
}
