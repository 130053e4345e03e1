// SPDX-License-Identifier: BSD-3-Clause
// The control channel: hawsectl tells hawse-sip what to do (control/wire.h says how). A connection brings
// one request; the words of its command are looked up in the caller's table, the command runs to its
// end, and its JSON goes back.
//
// Who may: root, the user that hawse-sip runs as, and the members of the socket's group; the socket
// has mode 0660, and SO_PEERCRED and SO_PEERGROUPS are checked beside it.
//
// Bounds: CP_CONTROL_CLIENTS connections (the one that said nothing for longest makes room), the bytes of
// wire.h, and nothing is ever waited for.
//
// Needs no libuv: cp_control_fd() is to be polled for reading, cp_control_process() then called.
// Thread: one.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CP_CONTROL_CLIENTS 16u
#define CP_CONTROL_WHY     512u

struct cp_control;

struct cp_control_call {
	unsigned count; // arguments, behind the command's words
	const char *const *words;
	uid_t uid;
	pid_t pid;
	const char *who;          // "root", "hawse (uid 992)", for logs and history
	json_t *answer;           // an object, to be filled
	char why[CP_CONTROL_WHY]; // on failure: one line for the operator
};

struct cp_control_command {
	const char *name;     // "call hangup"
	unsigned least, most; // arguments
	const char *usage;    // "ID"
	// 0 or -errno with `why` (else strerror's words are taken). -EINPROGRESS: not yet; it is run again by
	// cp_control_again(), and its client waits so long.
	int (*run)(void *ctx, struct cp_control_call *call);
};

#ifdef __cplusplus
extern "C" {
#endif

// `commands` ends with a NULL name and must outlive it. 0 or -errno.
int cp_control_new(struct cp_control **out, const struct cp_control_command *commands, void *ctx);
void cp_control_free(struct cp_control *c); // takes the socket's file away
// Listens at `path`. 0 or -errno; -EADDRINUSE: another process serves it.
int cp_control_serve(struct cp_control *c, const char *path);
// Gives the socket to this user; for a process that becomes one. 0 or -errno.
int cp_control_own(struct cp_control *c, uid_t uid, gid_t gid);
int cp_control_fd(const struct cp_control *c); // the same for its whole life
void cp_control_process(struct cp_control *c);
// What commands waited for has come. NULL is fine.
void cp_control_again(struct cp_control *c);

// Carries out one request as said by its words: the answer, which the caller lets go of. NULL: no memory.
json_t *cp_control_run(
	struct cp_control *c, const char *const *words, unsigned count, uid_t uid, pid_t pid);

#ifdef __cplusplus
}
#endif
