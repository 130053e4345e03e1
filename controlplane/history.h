// SPDX-License-Identifier: BSD-3-Clause
// Which configurations have run: `<state>/history/NNNNNN.yaml`, and beside each one NNNNNN.json with the time, who
// loaded it and how. The newest CP_HISTORY_KEPT are kept. An entry is there when its .json is, which is
// written last and whole (a rename), so a killed process leaves no half of one.
//
// A history that cannot be written costs nothing but itself: it is said in the log.
//
// Thread: the one of the loop.
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

#define CP_HISTORY_KEPT 100u

struct cp_history {
	char directory[160]; // empty: none is kept
	unsigned last;       // number of the newest entry; 0: there is none
};

struct cp_history_note {
	const char *who; // "root"
	const char *how; // "start", "load", "SIGHUP", "rollback to 3"
	const char *file;
	unsigned changes; // to the one before
};

#ifdef __cplusplus
extern "C" {
#endif

// `state` empty: none. Makes the directory, looks for the newest entry. 0 or -errno; then none is kept.
int cp_history_open(struct cp_history *h, const char *state);
// For who the process becomes. 0 or -errno.
int cp_history_own(const struct cp_history *h, uid_t uid, gid_t gid);
// Another entry, unless the newest one holds the same text. 0 or -errno.
int cp_history_add(
	struct cp_history *h, const char *text, size_t size, const struct cp_history_note *note);
// The text of entry `n`, malloc. 0, -ENOENT, -errno.
int cp_history_read(const struct cp_history *h, unsigned n, char **text, size_t *size);
// What is noted of every entry, the newest first; NULL: no memory.
json_t *cp_history_list(const struct cp_history *h);

#ifdef __cplusplus
}
#endif
