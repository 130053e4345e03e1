// SPDX-License-Identifier: BSD-3-Clause
// Legs that have begun and have no final CDR yet, in a file of their own, `<state>/legs`: so every leg
// gets exactly one, whenever the process is killed.
//
// Written before anything goes out: one line when a leg begins, as a CDR of it would look were it to end so
// (record "open"). When its final CDR is in the CDR file, "D <id>" follows, lazily: what of that is lost with
// a process is found in the end of the CDR file instead. A start compares the three: a leg that is neither
// closed, nor in the CDR file, nor goes on from the journal, gets its final CDR then.
//
// Writes go to the page cache: they survive the process, not a power cut; stats.sync is for the CDRs.
// A file that cannot be written costs no call; it is said in the log.
//
// Thread: the one of the loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "controlplane/cdr_file.h"

struct cp_cdr_open {
	int fd; // -1: none
	char path[256];
	size_t size;   // of the file
	size_t enough; // that big it begins anew
	char *closed;  // lines that are to be written
	size_t closed_n;
	bool failed; // said once
};

// Does this leg go on? `attempt` 0: of leg a.
typedef bool cp_cdr_lives_fn(void *ctx, uint64_t call, unsigned leg, unsigned attempt);

#ifdef __cplusplus
extern "C" {
#endif

void cp_cdr_open_init(struct cp_cdr_open *o);
// `state` empty, or no CDRs wanted: none. 0 or -errno; then there is none.
int cp_cdr_open_start(struct cp_cdr_open *o, const char *state);
// For who the process becomes. 0 or -errno.
int cp_cdr_open_own(const struct cp_cdr_open *o, uid_t uid, gid_t gid);
// After a start: final CDRs, with this cause, for legs that were left open. How many, or -errno.
int cp_cdr_open_settle(struct cp_cdr_open *o, const struct cp_cdr_list *recorded,
	struct cp_cdr_file *file, cp_cdr_lives_fn *lives, void *ctx);

void cp_cdr_opened(struct cp_cdr_open *o, const char *line, size_t n);
void cp_cdr_closed(struct cp_cdr_open *o, const char *id);
// Twice a second: writes what is closed, and begins the file anew when most of it is.
void cp_cdr_open_tick(struct cp_cdr_open *o);
// A file without open legs is taken away.
void cp_cdr_open_end(struct cp_cdr_open *o);

// The final CDR of an open leg: the line of `open` with its record, end and cause changed. Its length, or
// -EBADMSG, -ENOMEM, -ENOBUFS.
int cp_cdr_open_final(const char *open, size_t n, uint64_t now_us, char *line, size_t size);

#ifdef __cplusplus
}
#endif
