// SPDX-License-Identifier: BSD-3-Clause
// Text for terminals: what came from the network made harmless, addresses and times written out, and
// tables whose columns are aligned. No state, any thread; a table belongs to who made it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/abi/layout.h"

enum st_clean {
	ST_LINE,  // one line: every control character becomes '?'
	ST_LINES, // several: CR LF becomes LF, tabs stay
	ST_BYTES, // as it is, but valid UTF-8 (for JSON, which escapes the rest)
};

#define ST_ADDR_TEXT 64
#define ST_TIME_TEXT 32

#ifdef __cplusplus
extern "C" {
#endif

// At most size - 1 bytes and a NUL: valid UTF-8, without what would steer a terminal. Returns the
// length. 3 * n + 1 bytes always are enough.
size_t st_clean(char *out, size_t size, const char *in, size_t n, enum st_clean how);

// "192.0.2.1:5060", "[2001:db8::1]:5060"; without a port when it is 0; "-" for no family.
void st_addr(char out[ST_ADDR_TEXT], const uint8_t ip[16], uint8_t family, uint16_t port);
// "17:04:05.123", local time, of a CLOCK_MONOTONIC time.
void st_clock(char out[ST_TIME_TEXT], uint64_t time_us, uint64_t realtime_offset_us);
// "0:42", "1:02:03"; "-" for what is not in order.
void st_duration(char out[ST_TIME_TEXT], uint64_t from_us, uint64_t to_us);

// ---- tables

struct st_table;

// `columns`: names split by '|'; one that begins with '>' is aligned to the right. NULL: no memory.
struct st_table *st_table_new(const char *columns);
// One cell after the other, row by row. Cells are cleaned as ST_LINE.
void st_cell(struct st_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Prints and frees. 0 or -ENOMEM when a cell was lost.
int st_table_print(struct st_table *table, FILE *out);
void st_table_free(struct st_table *table);

#ifdef __cplusplus
}
#endif
