// SPDX-License-Identifier: BSD-3-Clause
// The file of the CDRs. It is the truth: whole lines are appended to it, it is rotated between two lines, and after a
// restart its end says which legs have their final record already.
//
// A line that cannot be written (a full disk) waits in memory and is written as soon as that works again; what was
// written of it is taken back. A line that a dying process left unfinished is cut off.
//
// stats.sync says when it reaches the disk: `always` before the next message is looked at, "1s" within that
// time, `never` when the kernel likes. Without a power cut they are all the same.
//
// Rotation (stats.rotate): "cdr.jsonl" becomes "cdr.jsonl.20260131T120000Z", made anew at once. SIGHUP opens it by
// name again, for those who rotate it themselves. Nothing is ever deleted.
//
// Thread: the one of the loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controlplane/config/config.h"

// So much of the end of the file is looked at after a restart: all that a dying process may have
// written since it last told its journal.
#define CP_CDR_TAIL    (16u << 20)
#define CP_CDR_WAITING (8u << 20) // bytes of lines that may wait for a disk

struct cp_cdr_file {
	int fd;      // -1: none
	bool failed; // said once, until it works again
	bool dirty;  // written since the last sync
	uint64_t size, opened_s, synced_us;
	char *waiting; // malloc
	size_t waiting_n;
	struct cfg_cdr how;
	char path[256];
};

struct cp_cdr_key { // of a leg
	uint64_t call;
	uint8_t leg;      // 0 or 1
	uint16_t attempt; // 0 of leg a
};

struct cp_cdr_seen {
	uint64_t call;
	unsigned legs; // bit n: leg n
};

struct cp_cdr_list {
	struct cp_cdr_seen *calls; // malloc, those that are over
	size_t count, room;
	struct cp_cdr_key *finals; // malloc, every final record
	size_t final_count, final_room;
};

#ifdef __cplusplus
extern "C" {
#endif

void cp_cdr_file_init(struct cp_cdr_file *f);
// Opens `path`, made if need be, in the place of what was open; empty: keeps what is. 0 or -errno, a line in
// `why`.
int cp_cdr_file_open(struct cp_cdr_file *f, const char *path, char *why, size_t size);
// How it is synced and rotated from now on.
void cp_cdr_file_set(struct cp_cdr_file *f, const struct cfg_cdr *how);
void cp_cdr_file_close(struct cp_cdr_file *f);
// Whole lines. 0, also when no file is wanted, or when they wait; or -errno: they are lost.
int cp_cdr_file_write(struct cp_cdr_file *f, const char *line, size_t n);
// Twice a second: writes what waits, rotates. True when it should be synced now; whoever does that says
// so by cp_cdr_file_synced() beforehand.
bool cp_cdr_file_tick(struct cp_cdr_file *f, uint64_t now_us, uint64_t unix_s);
void cp_cdr_file_synced(struct cp_cdr_file *f, uint64_t now_us);

// ---- what is in it

// The final records in the last CP_CDR_TAIL bytes of the file, and of the one rotated last when it is shorter;
// none when there is no such file. 0, -ENOMEM or what the system says.
int cp_cdr_list_read(struct cp_cdr_list *list, const char *path);
// The same from bytes: those of complete lines that are CDRs of ours.
int cp_cdr_list_parse(struct cp_cdr_list *list, const uint8_t *bytes, size_t n);
unsigned cp_cdr_list_legs(const struct cp_cdr_list *list, uint64_t call);
bool cp_cdr_list_has(const struct cp_cdr_list *list, const struct cp_cdr_key *key);
void cp_cdr_list_free(struct cp_cdr_list *list);

// Of a line (without its newline) whose record is of this kind.
bool cp_cdr_key_of_line(const char *line, size_t n, const char *record, struct cp_cdr_key *key);
// "0123456789abcdef-a", "...-b2".
bool cp_cdr_key_parse(const char *id, size_t n, struct cp_cdr_key *key);
int cp_cdr_key_compare(const struct cp_cdr_key *a, const struct cp_cdr_key *b);

#ifdef __cplusplus
}
#endif
