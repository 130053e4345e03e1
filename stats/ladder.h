// SPDX-License-Identifier: BSD-3-Clause
// The message ladder of one call: its records of the trace in the order of time, drawn between caller,
// Hawse and callee, or as JSON. One thread.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "stats/trace.h"

struct st_ladder_item {
	struct abi_trace head;
	char *text; // head.size bytes and a NUL
};

struct st_ladder {
	struct st_ladder_item *items;
	size_t count, room;
	bool lost; // memory ran out
	uint64_t realtime_offset_us;
};

#ifdef __cplusplus
extern "C" {
#endif

// Every record of the call. 0 or -ENOMEM. st_ladder_free() also after an error.
int st_ladder_read(struct st_ladder *ladder, const struct st_t *t, uint64_t call);
void st_ladder_free(struct st_ladder *ladder);

// "INVITE", "INVITE (SDP)", "200 OK (INVITE, SDP)": what the message is, in `size` bytes.
void st_message_label(const char *text, size_t n, char *label, size_t size);

void st_ladder_draw(const struct st_ladder *ladder, bool messages, FILE *out);
json_t *st_ladder_json(const struct st_ladder *ladder);

#ifdef __cplusplus
}
#endif
