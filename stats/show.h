// SPDX-License-Identifier: BSD-3-Clause
// The topics of hawsectl: each reads the regions through a reader that was polled, and prints a table
// or JSON. Each answers an exit code. One thread.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "stats/reader.h"

enum st_exit {
	ST_EXIT_OK = 0,
	ST_EXIT_NOT_FOUND = 1, // what was asked for does not exist
	ST_EXIT_USAGE = 2,
	ST_EXIT_NOT_RUNNING = 3, // a process that is needed is not there
	ST_EXIT_FAILED = 4,      // out of memory, or nothing can be written
};

struct st_show {
	const struct st_reader *r;
	FILE *out;
	FILE *err;
	uint64_t now_us;
	bool json;
	bool all;      // drops: also what never happened; calls: nothing more
	bool stages;   // workers
	bool messages; // call
	const char *id;
};

#ifdef __cplusplus
extern "C" {
#endif

int st_show_calls(const struct st_show *s);
int st_show_call(const struct st_show *s);
int st_show_workers(const struct st_show *s);
int st_show_transcoders(const struct st_show *s);
int st_show_drops(const struct st_show *s);
int st_show_ports(const struct st_show *s);
int st_show_sessions(const struct st_show *s);

// ---- shared by topics

// Says why the process is not there; ST_EXIT_NOT_RUNNING.
int st_not_running(const struct st_show *s, const struct st_link *link, const char *process);
// Prints and lets go of `root`; NULL means that memory ran out.
int st_print_json(const struct st_show *s, json_t *root);
// A string from outside: valid UTF-8, whatever it was.
json_t *st_json_text(const char *text, size_t n);
json_t *st_json_string(const char *text);
json_t *st_json_addr(const uint8_t ip[16], uint8_t family, uint16_t port);
// "0123456789abcdef"
#define ST_ID_TEXT 17
void st_id(char out[ST_ID_TEXT], uint64_t id);

struct abi_call;
json_t *st_json_call(const struct abi_call *call, uint64_t now_us, uint64_t realtime_offset_us);

#ifdef __cplusplus
}
#endif
