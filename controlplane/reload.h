// SPDX-License-Identifier: BSD-3-Clause
// Another configuration for a running hawse-sip, as a transaction: read whole, checked whole (the file by the
// code of both processes, certificates and the files it names as well), compared with the running one, then
// swapped at once; or refused with file, line and key, and nothing has changed.
//
// New calls see the new one; running calls and registrations keep the policy that they began with. What can
// not change while calls run is refused: it is CFG_BOTH_RESTART and CFG_LISTENERS in config/diff.h. What
// waits for a restart is taken over and told.
//
// It is read on a thread of libuv's pool: a million prices take half a second, and calls go on meanwhile.
//
// Thread: the one of the loop.
#pragma once

#include <jansson.h>

#include "controlplane/process.h"

struct cp_control_call;

struct process_load {
	const char *file; // named in errors, and in the history
	const char *text; // NULL: is read from the file
	size_t size;
	const char *who, *how;
	bool only_check;
};

#ifdef __cplusplus
extern "C" {
#endif

// `answer` (NULL: nobody asks) gets "file" and "differences". 0 or -errno with `why`; -EINPROGRESS: it is being
// read, to be called again with the same (process_prepare()).
int process_load(
	struct process *p, const struct process_load *load, json_t *answer, char why[PROCESS_WHY]);
// SIGHUP: its own file again. What is wrong is logged, and what happened.
void process_hangup(struct process *p);
// The configuration that a start began with goes to the history.
void process_note_start(struct process *p);

// Commands: see commands.c.
int process_config_check(void *ctx, struct cp_control_call *call);
int process_config_diff(void *ctx, struct cp_control_call *call);
int process_config_load(void *ctx, struct cp_control_call *call);
int process_config_reload(void *ctx, struct cp_control_call *call);
int process_config_history(void *ctx, struct cp_control_call *call);
int process_config_rollback(void *ctx, struct cp_control_call *call);
int process_config_show(void *ctx, struct cp_control_call *call);

#ifdef __cplusplus
}
#endif
