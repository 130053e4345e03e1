// SPDX-License-Identifier: BSD-3-Clause
// The file of the CDRs: lines are appended to it, and after a restart it says which calls are in it already, so
// that no call is recorded twice.
//
// Thread: the one of the loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// So much of the end of the file is looked at after a restart: all that a dying process may have
// written since it last told its journal.
#define CP_CDR_TAIL (16u << 20)

struct cp_cdr_file {
	int fd;      // -1: none
	bool failed; // said once, until it works again
	char path[256];
};

struct cp_cdr_seen {
	uint64_t call;
	unsigned legs; // bit n: leg n
};

struct cp_cdr_list {
	struct cp_cdr_seen *calls; // malloc
	size_t count, room;
};

#ifdef __cplusplus
extern "C" {
#endif

void cp_cdr_file_init(struct cp_cdr_file *f);
// Opens `path`, made if need be, in the place of what was open; empty: keeps what is. 0 or -errno, a line in
// `why`. A line that a dying process left unfinished is ended.
int cp_cdr_file_open(struct cp_cdr_file *f, const char *path, char *why, size_t size);
void cp_cdr_file_close(struct cp_cdr_file *f);
// Whole lines, whatever other writers do. 0, also when no file is wanted, or -errno.
int cp_cdr_file_write(struct cp_cdr_file *f, const char *line, size_t n);

// The calls that ended for good in the last CP_CDR_TAIL bytes of the file; none when there is no such file.
// 0, -ENOMEM or what the system says.
int cp_cdr_list_read(struct cp_cdr_list *list, const char *path);
// The same from bytes: those of complete lines that are CDRs of ours.
int cp_cdr_list_parse(struct cp_cdr_list *list, const uint8_t *bytes, size_t n);
unsigned cp_cdr_list_legs(const struct cp_cdr_list *list, uint64_t call);
void cp_cdr_list_free(struct cp_cdr_list *list);

#ifdef __cplusplus
}
#endif
