// SPDX-License-Identifier: BSD-3-Clause
// What hawsectl asks hawse-sip to do, by the control channel (controlplane/control/wire.h), and how it prints
// the answer. One thread.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "stats/show.h"

#define ST_ASK_MS   30000
#define ST_ASK_MOST (256u << 20) // bytes of an answer

struct st_order_call {
	const struct st_order *order;
	const char *run; // directory of the sockets
	char *const *words;
	int count; // of words, those of the order's name included
	int used;  // that are its name
	bool json, trial;
	FILE *out, *err;
};

struct st_order {
	const char *name;     // as hawse-sip knows it: "call hangup"
	const char *usage;    // of its arguments
	unsigned least, most; // arguments
	// NULL: st_print_answer(). Called for answers that are "ok", and without --json. An exit code.
	int (*print)(const json_t *answer, FILE *out);
	const char *done; // printed when the answer says nothing else, or NULL
	// Instead of all this: for what is more than a question and its answer. An exit code.
	int (*run)(const struct st_order_call *call);
};

#ifdef __cplusplus
extern "C" {
#endif

// The orders that hawsectl knows; ends with a NULL name.
extern const struct st_order st_orders[];
// The order that these words begin with, and how many words its name has. NULL: none.
const struct st_order *st_order_find(char *const *words, int count, int *used);

// Asks the hawse-sip of this directory. 0 with *answer, or -errno with a line in `why`.
int st_ask(const char *run, const char *const *words, unsigned count, json_t **answer, char *why,
	size_t size);
// Members as "name  value", lists of objects as tables; what `ok` says is left out.
int st_print_answer(const json_t *answer, FILE *out);
// Asks, prints, answers an exit code.
int st_order_run(const struct st_order_call *call);
// The same with words of one's own; *answer (NULL: is not wanted) stays with the caller when the code is
// ST_EXIT_OK. What is refused was told.
int st_order_ask(const struct st_order_call *call, const char *const *words, unsigned count,
	json_t **answer);

// Has it drain, and waits until it has ended (with --json: does not).
int st_drain(const struct st_order_call *call);

// ---- config_order.c

int st_config_check(const struct st_order_call *call);
int st_config_diff(const struct st_order_call *call);
int st_config_load(const struct st_order_call *call);
int st_config_rollback(const struct st_order_call *call);
int st_config_show(const struct st_order_call *call);

#ifdef __cplusplus
}
#endif
