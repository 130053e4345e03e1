// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cdr_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/log.h"

void cp_cdr_file_init(struct cp_cdr_file *f)
{
	*f = (struct cp_cdr_file){.fd = -1};
}

// What a dying process left unfinished goes; a pipe or device is left alone. The size that it has then.
static uint64_t cut_torn(int fd)
{
	char bytes[8192];
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	end = st.st_size;
	while (end > 0) {
		off_t from = end > (off_t)sizeof(bytes) ? end - (off_t)sizeof(bytes) : 0;
		ssize_t n = pread(fd, bytes, (size_t)(end - from), from);
		const char *newline = n > 0 ? memrchr(bytes, '\n', (size_t)n) : NULL;

		if (newline) {
			end = from + (newline + 1 - bytes);
			break;
		}
		if (n <= 0)
			return (uint64_t)st.st_size;
		end = from;
	}
	if (end != st.st_size && ftruncate(fd, end) == 0)
		cp_log(CP_LOG_WARNING, "cdr", 0, "cut off %lld bytes of an unfinished record",
			(long long)(st.st_size - end));
	return (uint64_t)end;
}

int cp_cdr_file_open(struct cp_cdr_file *f, const char *path, char *why, size_t size)
{
	struct timespec now;
	int fd, err;

	if (!path[0])
		return 0;
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
	if (fd < 0 && (errno == EACCES ||
			      errno == EINVAL)) // may be written only; a device that cannot be read
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0) {
		err = -errno;
		snprintf(why, size, "stats.cdr: %s: %s", path, strerror(-err));
		return err;
	}
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	f->size = cut_torn(fd);
	clock_gettime(CLOCK_REALTIME, &now);
	f->opened_s = (uint64_t)now.tv_sec;
	if (f->path != path)
		snprintf(f->path, sizeof(f->path), "%s", path);
	return 0;
}

void cp_cdr_file_set(struct cp_cdr_file *f, const struct cfg_cdr *how)
{
	f->how = *how;
}

// What still waits has its last chance.
void cp_cdr_file_close(struct cp_cdr_file *f)
{
	if (f->fd >= 0) {
		if (f->waiting_n && write(f->fd, f->waiting, f->waiting_n) < 0)
			cp_log(CP_LOG_ERROR, "cdr", 0, "%s: records are lost: %s", f->path,
				strerror(errno));
		if (f->how.sync_s != CFG_SYNC_NEVER)
			fdatasync(f->fd);
		close(f->fd);
	}
	free(f->waiting);
	f->waiting = NULL;
	f->waiting_n = 0;
	f->fd = -1;
}

// ---- writing ---------------------------------------------------------------------------------------

static void complain(struct cp_cdr_file *f, const char *why)
{
	if (!f->failed)
		cp_log(CP_LOG_ERROR, "cdr", 0, "%s cannot be written: %s; records wait", f->path,
			why);
	f->failed = true;
}

static int put(struct cp_cdr_file *f, const char *bytes, size_t n)
{
	ssize_t written = write(f->fd, bytes, n); // O_APPEND

	if (written == (ssize_t)n) {
		f->size += n;
		f->dirty = true;
		f->failed = false;
		return 0;
	}
	complain(f, written < 0 ? strerror(errno) : "short write");
	// A record is there whole or not at all.
	if (written > 0 && ftruncate(f->fd, (off_t)f->size) < 0)
		return -EIO;
	return -EAGAIN;
}

static int wait_for_disk(struct cp_cdr_file *f, const char *bytes, size_t n)
{
	char *more;

	if (f->waiting_n + n > CP_CDR_WAITING)
		return -ENOSPC;
	more = realloc(f->waiting, f->waiting_n + n);
	if (!more)
		return -ENOMEM;
	memcpy(more + f->waiting_n, bytes, n);
	f->waiting = more;
	f->waiting_n += n;
	return 0;
}

static int write_waiting(struct cp_cdr_file *f)
{
	int err = f->waiting_n ? put(f, f->waiting, f->waiting_n) : 0;

	if (err)
		return err;
	free(f->waiting);
	f->waiting = NULL;
	f->waiting_n = 0;
	return 0;
}

int cp_cdr_file_write(struct cp_cdr_file *f, const char *line, size_t n)
{
	if (f->fd < 0)
		return f->path[0] ? -EBADF : 0;
	// In their order, and one try a tick while the disk is full.
	if (f->waiting_n || put(f, line, n))
		return wait_for_disk(f, line, n);
	if (f->how.sync_s == CFG_SYNC_ALWAYS) {
		fdatasync(f->fd);
		f->dirty = false;
	}
	return 0;
}

// ---- rotation and sync -----------------------------------------------------------------------------

static bool wants_rotation(const struct cp_cdr_file *f, uint64_t unix_s)
{
	const struct cfg_cdr *how = &f->how;

	if (!f->size)
		return false;
	return (how->rotate_bytes && f->size >= how->rotate_bytes) ||
	       (how->rotate_s && unix_s / how->rotate_s > f->opened_s / how->rotate_s);
}

static void rotate(struct cp_cdr_file *f, uint64_t unix_s)
{
	char to[sizeof(f->path) + 40], why[320];
	time_t seconds = (time_t)unix_s;
	struct tm tm;
	size_t n;
	int fd = f->fd;

	gmtime_r(&seconds, &tm);
	n = (size_t)snprintf(to, sizeof(to), "%s.", f->path);
	n += strftime(to + n, sizeof(to) - n, "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 1; access(to, F_OK) == 0 && i < 1000; i++)
		snprintf(to + n, sizeof(to) - n, ".%u", i);
	if (rename(f->path, to) < 0) {
		complain(f, strerror(errno));
		return;
	}
	f->fd = -1;
	if (cp_cdr_file_open(f, f->path, why, sizeof(why))) {
		// On with the old one, under its new name, until it can be made.
		f->fd = fd;
		complain(f, why);
		return;
	}
	if (f->how.sync_s != CFG_SYNC_NEVER)
		fdatasync(fd);
	close(fd);
}

bool cp_cdr_file_tick(struct cp_cdr_file *f, uint64_t now_us, uint64_t unix_s)
{
	if (f->fd < 0)
		return false;
	write_waiting(f);
	if (wants_rotation(f, unix_s))
		rotate(f, unix_s);
	return f->dirty && f->how.sync_s != CFG_SYNC_NEVER &&
	       now_us - f->synced_us >= f->how.sync_s * 1000000ull;
}

void cp_cdr_file_synced(struct cp_cdr_file *f, uint64_t now_us)
{
	f->dirty = false;
	f->synced_us = now_us;
}
