// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cdr_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/log.h"

void cp_cdr_file_init(struct cp_cdr_file *f)
{
	*f = (struct cp_cdr_file){.fd = -1};
}

// The last byte of a regular file is not the end of a line.
static bool is_torn(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char last = '\n';
	bool known = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		     pread(fd, &last, 1, st.st_size - 1) == 1;

	if (fd >= 0)
		close(fd);
	return known && last != '\n';
}

int cp_cdr_file_open(struct cp_cdr_file *f, const char *path, char *why, size_t size)
{
	int fd, err;

	if (!path[0])
		return 0;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0) {
		err = -errno;
		snprintf(why, size, "stats.cdr: %s: %s", path, strerror(-err));
		return err;
	}
	cp_cdr_file_close(f);
	f->fd = fd;
	snprintf(f->path, sizeof(f->path), "%s", path);
	return is_torn(path) ? cp_cdr_file_write(f, "\n", 1) : 0;
}

void cp_cdr_file_close(struct cp_cdr_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

int cp_cdr_file_write(struct cp_cdr_file *f, const char *line, size_t n)
{
	ssize_t written;

	if (f->fd < 0)
		return f->path[0] ? -EBADF : 0;
	written = write(f->fd, line, n); // O_APPEND
	if (written == (ssize_t)n) {
		f->failed = false;
		return 0;
	}
	if (!f->failed)
		cp_log(CP_LOG_ERROR, "cdr", 0, "%s cannot be written: %s", f->path,
			written < 0 ? strerror(errno) : "short write");
	f->failed = true;
	return -EIO;
}

// ---- what is in it ---------------------------------------------------------------------------------

// {"call":"0123456789abcdef","leg":"a", and so on to the end of the line.
static int parse_line(const char *line, size_t n, uint64_t *call)
{
	static const char begin[] = "{\"call\":\"", middle[] = "\",\"leg\":\"";
	const size_t id = sizeof(begin) - 1, leg = id + 16 + sizeof(middle) - 1;

	if (n < leg + 3 || memcmp(line, begin, id) != 0 ||
		memcmp(line + id + 16, middle, sizeof(middle) - 1) != 0 || line[n - 1] != '}')
		return -1;
	*call = 0;
	for (size_t i = id; i < id + 16; i++) {
		char c = line[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return -1;
		*call = *call << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return line[leg] == 'a' ? 0 : line[leg] == 'b' ? 1 : -1;
}

static int add(struct cp_cdr_list *list, uint64_t call)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 256;
		void *more = realloc(list->calls, room * sizeof(*list->calls));

		if (!more)
			return -ENOMEM;
		list->calls = more;
		list->room = room;
	}
	list->calls[list->count++] = (struct cp_cdr_seen){call, 1};
	return 0;
}

// Leg a is written when the call is over, and leg b right after it. Before, b may have been written for
// targets that did not take the call. Other writers may come between, but not many.
static int note(struct cp_cdr_list *list, uint64_t call, int leg)
{
	if (leg == 0)
		return add(list, call);
	for (size_t i = list->count; i-- > 0 && list->count - i <= 64;)
		if (list->calls[i].call == call)
			list->calls[i].legs |= 2;
	return 0;
}

static int by_call(const void *a, const void *b)
{
	const struct cp_cdr_seen *x = a, *y = b;

	return x->call < y->call ? -1 : x->call > y->call;
}

int cp_cdr_list_parse(struct cp_cdr_list *list, const uint8_t *bytes, size_t n)
{
	const char *p = (const char *)bytes, *end = p + n, *newline;
	uint64_t call;
	int err = 0;

	*list = (struct cp_cdr_list){0};
	for (; p < end && !err && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1) {
		int leg = parse_line(p, (size_t)(newline - p), &call);

		if (leg >= 0)
			err = note(list, call, leg);
	}
	if (err)
		cp_cdr_list_free(list);
	else if (list->count)
		qsort(list->calls, list->count, sizeof(*list->calls), by_call);
	return err;
}

int cp_cdr_list_read(struct cp_cdr_list *list, const char *path)
{
	int fd = path[0] ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1, err = 0;
	struct stat st;
	uint8_t *bytes;
	off_t from;
	ssize_t n;

	*list = (struct cp_cdr_list){0};
	if (fd < 0)
		return path[0] && errno != ENOENT ? -errno : 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return 0;
	}
	from = st.st_size > (off_t)CP_CDR_TAIL ? st.st_size - (off_t)CP_CDR_TAIL : 0;
	bytes = malloc((size_t)(st.st_size - from) + 1);
	n = bytes ? pread(fd, bytes, (size_t)(st.st_size - from), from) : -1;
	err = !bytes ? -ENOMEM : n < 0 ? -errno : cp_cdr_list_parse(list, bytes, (size_t)n);
	free(bytes);
	close(fd);
	return err;
}

unsigned cp_cdr_list_legs(const struct cp_cdr_list *list, uint64_t call)
{
	const struct cp_cdr_seen key = {.call = call};
	const struct cp_cdr_seen *found =
		list->count ? bsearch(&key, list->calls, list->count, sizeof(key), by_call) : NULL;

	return found ? found->legs : 0;
}

void cp_cdr_list_free(struct cp_cdr_list *list)
{
	free(list->calls);
	*list = (struct cp_cdr_list){0};
}
