// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct cp_journal {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn; // of this pass, NULL when nothing changed yet
	int guard;    // locked as long as we live
	int failed;   // first error of the pass
};

static int to_errno(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_BAD_VALSIZE:
		return -EMSGSIZE;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_VERSION_MISMATCH:
	case MDB_PANIC:
		return -EBADMSG;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

// LMDB lets several processes write in turn; two hawse-sip must not share one journal.
static int guard(const char *path)
{
	char lock[512];
	int fd, err;

	if (snprintf(lock, sizeof(lock), "%s.pid", path) >= (int)sizeof(lock))
		return -ENAMETOOLONG;
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int open_env(struct cp_journal *journal, const char *path, size_t size)
{
	const unsigned flags = MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS;
	MDB_txn *txn;
	int rc = mdb_env_create(&journal->env);

	if (rc)
		return to_errno(rc);
	rc = mdb_env_set_mapsize(journal->env, size);
	if (rc == 0)
		rc = mdb_env_open(journal->env, path, flags, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(journal->env, NULL, 0, &txn);
	if (rc == 0) {
		rc = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &journal->dbi);
		if (rc)
			mdb_txn_abort(txn);
		else
			rc = mdb_txn_commit(txn);
	}
	if (rc) {
		mdb_env_close(journal->env);
		journal->env = NULL;
	}
	return to_errno(rc);
}

static int set_aside(const char *path)
{
	char broken[512];

	if (snprintf(broken, sizeof(broken), "%s.broken", path) >= (int)sizeof(broken))
		return -ENAMETOOLONG;
	return rename(path, broken) < 0 ? -errno : 0;
}

int cp_journal_open(struct cp_journal **out, const char *path, size_t size, int *moved)
{
	struct cp_journal *journal = calloc(1, sizeof(*journal));
	int err;

	*moved = 0;
	if (!journal)
		return -ENOMEM;
	journal->guard = err = guard(path);
	if (err < 0)
		goto fail;
	err = open_env(journal, path, size);
	if (err == -EBADMSG || err == -EINVAL) {
		err = set_aside(path);
		if (err == 0) {
			*moved = 1;
			err = open_env(journal, path, size);
		}
	}
	if (err)
		goto fail;
	*out = journal;
	return 0;
fail:
	if (journal->guard >= 0)
		close(journal->guard);
	free(journal);
	return err;
}

void cp_journal_close(struct cp_journal *journal)
{
	if (!journal)
		return;
	cp_journal_commit(journal);
	mdb_env_close(journal->env);
	close(journal->guard);
	free(journal);
}

static int begin(struct cp_journal *journal)
{
	return journal->txn ? 0 : to_errno(mdb_txn_begin(journal->env, NULL, 0, &journal->txn));
}

int cp_journal_put(struct cp_journal *journal, uint64_t id, const void *record, size_t size)
{
	MDB_val key = {sizeof(id), &id};
	MDB_val value = {size, (void *)(uintptr_t)record};
	int err;

	if (size > CP_JOURNAL_RECORD)
		return -EMSGSIZE;
	err = begin(journal);
	if (err)
		return err;
	err = to_errno(mdb_put(journal->txn, journal->dbi, &key, &value, 0));
	if (err && !journal->failed)
		journal->failed = err;
	return err;
}

int cp_journal_delete(struct cp_journal *journal, uint64_t id)
{
	MDB_val key = {sizeof(id), &id};
	int rc, err = begin(journal);

	if (err)
		return err;
	rc = mdb_del(journal->txn, journal->dbi, &key, NULL);
	if (rc == MDB_NOTFOUND)
		return 0;
	err = to_errno(rc);
	if (err && !journal->failed)
		journal->failed = err;
	return err;
}

int cp_journal_commit(struct cp_journal *journal)
{
	MDB_txn *txn = journal->txn;
	int err = journal->failed;

	if (!txn)
		return 0;
	journal->txn = NULL;
	journal->failed = 0;
	// A transaction in which a call failed cannot be committed by LMDB's rules.
	if (err) {
		mdb_txn_abort(txn);
		return err;
	}
	return to_errno(mdb_txn_commit(txn));
}

int cp_journal_each(struct cp_journal *journal,
	int (*each)(void *user, uint64_t id, const void *record, size_t size), void *user)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = 0;
	int rc = mdb_txn_begin(journal->env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return to_errno(rc);
	rc = mdb_cursor_open(txn, journal->dbi, &cursor);
	if (rc) {
		mdb_txn_abort(txn);
		return to_errno(rc);
	}
	while (result == 0 && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		uint64_t id;

		if (key.mv_size != sizeof(id))
			continue;
		memcpy(&id, key.mv_data, sizeof(id));
		result = each(user, id, value.mv_data, value.mv_size);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	if (result)
		return result;
	return rc == MDB_NOTFOUND ? 0 : to_errno(rc);
}

int cp_journal_clear(struct cp_journal *journal)
{
	int err = begin(journal);

	if (err)
		return err;
	return to_errno(mdb_drop(journal->txn, journal->dbi, 0));
}
