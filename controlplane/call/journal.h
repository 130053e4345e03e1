// SPDX-License-Identifier: BSD-3-Clause
// The journal: calls that survive a restart of hawse-sip.
//
// One LMDB file, from the call's id to an opaque record. Changes of one pass of the event loop are
// one LMDB transaction, written to the page cache by cp_journal_commit() without a sync to disk: a killed
// process loses nothing that was committed, a machine that loses power loses its calls anyway.
// A later put or delete of the same id in the same pass replaces the earlier one at no cost.
//
// Thread: that of the shard that owns it. Refuses a file that another living process has open
// (-EBUSY), and records above CP_JOURNAL_RECORD bytes (-EMSGSIZE). When the map is full puts fail
// with -ENOSPC: the call goes on, and is lost only if the process dies.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CP_JOURNAL_RECORD 65536u

struct cp_journal;

#ifdef __cplusplus
extern "C" {
#endif

// Opens or creates `path` (a file; a lock file lies beside it) with room for `size` bytes. A file that cannot be
// read as LMDB is moved aside to `path`.broken and a new one begun: *moved says so. 0 or -errno.
int cp_journal_open(struct cp_journal **journal, const char *path, size_t size, int *moved);

// Commits what is pending, and closes.
void cp_journal_close(struct cp_journal *journal);

int cp_journal_put(struct cp_journal *journal, uint64_t id, const void *record, size_t size);
int cp_journal_delete(struct cp_journal *journal, uint64_t id); // 0 also when there was none

// Ends the pass. 0 or -errno; on error the changes of the pass are not in the journal.
int cp_journal_commit(struct cp_journal *journal);

// Every committed record, in the order of the ids. `each` returns 0 to go on; what it returns else is
// returned. It must not change the journal.
int cp_journal_each(struct cp_journal *journal,
	int (*each)(void *user, uint64_t id, const void *record, size_t size), void *user);

// Forgets every record.
int cp_journal_clear(struct cp_journal *journal);

#ifdef __cplusplus
}
#endif
