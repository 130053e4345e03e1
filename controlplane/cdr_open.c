// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cdr_open.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/call/cdr.h"
#include "controlplane/log.h"

#define CLOSED_MOST 65536u     // bytes that wait
#define SMALL       (1u << 20) // such a file is left alone
#define FILE_MOST   (1u << 30)

struct leg {
	struct cp_cdr_key key;
	size_t at, n; // of its line
	bool open;
};

void cp_cdr_open_init(struct cp_cdr_open *o)
{
	*o = (struct cp_cdr_open){.fd = -1};
}

int cp_cdr_open_start(struct cp_cdr_open *o, const char *state)
{
	int err;

	if (!state[0])
		return 0;
	o->closed = malloc(CLOSED_MOST);
	if (!o->closed)
		return -ENOMEM;
	snprintf(o->path, sizeof(o->path), "%s/legs", state);
	o->enough = SMALL;
	o->fd = open(o->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (o->fd >= 0)
		return 0;
	err = -errno;
	cp_log(CP_LOG_ERROR, "cdr", 0,
		"%s cannot be opened: %s; calls that are being set up would leave no CDR if "
		"hawse-sip "
		"were killed",
		o->path, strerror(-err));
	return err;
}

int cp_cdr_open_own(const struct cp_cdr_open *o, uid_t uid, gid_t gid)
{
	return o->fd >= 0 && fchown(o->fd, uid, gid) < 0 ? -errno : 0;
}

static void append(struct cp_cdr_open *o, const char *bytes, size_t n)
{
	ssize_t k = o->fd >= 0 ? write(o->fd, bytes, n) : (ssize_t)n;

	if (k == (ssize_t)n) {
		o->size += n;
		o->failed = false;
		return;
	}
	if (k > 0 && ftruncate(o->fd, (off_t)o->size) < 0)
		o->size += (size_t)k; // a torn line, which no reader believes
	if (!o->failed)
		cp_log(CP_LOG_ERROR, "cdr", 0, "%s cannot be written: %s", o->path,
			k < 0 ? strerror(errno) : "short write");
	o->failed = true;
}

static void write_closed(struct cp_cdr_open *o)
{
	if (o->closed_n)
		append(o, o->closed, o->closed_n);
	o->closed_n = 0;
}

void cp_cdr_opened(struct cp_cdr_open *o, const char *line, size_t n)
{
	if (o->fd < 0)
		return;
	append(o, line, n);
}

void cp_cdr_closed(struct cp_cdr_open *o, const char *id)
{
	if (o->fd < 0)
		return;
	if (o->closed_n + CP_CDR_ID + 4 > CLOSED_MOST)
		write_closed(o);
	o->closed_n +=
		(size_t)snprintf(o->closed + o->closed_n, CLOSED_MOST - o->closed_n, "D %s\n", id);
}

// ---- reading it ------------------------------------------------------------------------------------

static int by_key(const void *a, const void *b)
{
	return cp_cdr_key_compare(&((const struct leg *)a)->key, &((const struct leg *)b)->key);
}

// The later of two lines about one leg comes behind.
static int by_key_and_place(const void *a, const void *b)
{
	const struct leg *x = a, *y = b;
	int order = by_key(a, b);

	return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

static bool read_leg(const char *p, size_t n, struct leg *leg)
{
	if (n > 2 && p[0] == 'D' && p[1] == ' ') {
		leg->open = false;
		return cp_cdr_key_parse(p + 2, n - 2, &leg->key);
	}
	leg->open = true;
	return cp_cdr_key_of_line(p, n, "open", &leg->key);
}

// The last word about each leg, sorted.
static int read_legs(const char *text, size_t size, struct leg **legs, size_t *count)
{
	const char *p = text, *end = text + size, *newline;
	size_t room = 0, n = 0, kept = 0;

	*legs = NULL;
	*count = 0;
	for (; p < end && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1) {
		struct leg leg = {.at = (size_t)(p - text), .n = (size_t)(newline + 1 - p)};

		if (!read_leg(p, (size_t)(newline - p), &leg))
			continue;
		if (n == room) {
			void *more = realloc(*legs, (room = room ? room * 2 : 1024) * sizeof(leg));

			if (!more) {
				free(*legs);
				*legs = NULL;
				return -ENOMEM;
			}
			*legs = more;
		}
		(*legs)[n++] = leg;
	}
	if (n)
		qsort(*legs, n, sizeof(**legs), by_key_and_place);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || by_key(&(*legs)[i], &(*legs)[i + 1]) != 0)
			(*legs)[kept++] = (*legs)[i];
	*count = kept;
	return 0;
}

static int read_file(struct cp_cdr_open *o, char **text, size_t *size)
{
	struct stat st;
	ssize_t n;

	*text = NULL;
	*size = 0;
	if (fstat(o->fd, &st) < 0)
		return -errno;
	if (st.st_size > (off_t)FILE_MOST)
		return -EFBIG;
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	for (size_t at = 0; at < (size_t)st.st_size; at += (size_t)n) {
		n = pread(o->fd, *text + at, (size_t)st.st_size - at, (off_t)at);
		if (n <= 0) {
			free(*text);
			*text = NULL;
			return n < 0 ? -errno : -EIO;
		}
	}
	*size = (size_t)st.st_size;
	return 0;
}

// The file anew, with the lines of legs that are open.
static int begin_anew(struct cp_cdr_open *o, const char *text, const struct leg *legs, size_t count)
{
	char path[sizeof(o->path) + 8];
	size_t n = 0;
	char *all;
	int fd, err = 0;

	for (size_t i = 0; i < count; i++)
		n += legs[i].open ? legs[i].n : 0;
	all = malloc(n + 1);
	if (!all)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < count; i++) {
		if (!legs[i].open)
			continue;
		memcpy(all + n, text + legs[i].at, legs[i].n);
		n += legs[i].n;
	}
	snprintf(path, sizeof(path), "%s.new", o->path);
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0 || write(fd, all, n) != (ssize_t)n || rename(path, o->path) < 0)
		err = errno ? -errno : -EIO;
	free(all);
	if (err) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	close(o->fd);
	o->fd = fd;
	o->size = n;
	o->enough = n * 2 > SMALL ? n * 2 : SMALL;
	return 0;
}

// ---- after a start ---------------------------------------------------------------------------------

int cp_cdr_open_final(const char *open, size_t n, uint64_t now_us, char *line, size_t size)
{
	json_t *root = json_loadb(open, n, 0, NULL);
	time_t seconds = (time_t)(now_us / 1000000);
	char end[40], date[32];
	struct tm tm;
	size_t used;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(end, sizeof(end), "%s.%03uZ", date, (unsigned)(now_us / 1000 % 1000));
	if (!json_is_object(root) || json_object_set_new(root, "record", json_string("final")) ||
		json_object_set_new(root, "end", json_string(end)) ||
		json_object_set_new(root, "ended_by", json_string("hawse")) ||
		json_object_set_new(root, "status", json_integer(503)) ||
		json_object_set_new(root, "cause", json_string("hawse-sip was killed")) ||
		json_object_set_new(root, "q850", json_integer(41))) {
		json_decref(root);
		return -EBADMSG;
	}
	used = json_dumpb(root, line, size - 1, JSON_COMPACT);
	json_decref(root);
	if (used > size - 1)
		return -ENOBUFS;
	line[used++] = '\n';
	return (int)used;
}

static bool settle_one(struct cp_cdr_file *file, const char *text, struct leg *leg)
{
	struct timespec now;
	char line[CP_CDR_LINE];
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	n = cp_cdr_open_final(text + leg->at, leg->n,
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000, line, sizeof(line));
	if (n > 0 && cp_cdr_file_write(file, line, (size_t)n) == 0)
		leg->open = false;
	return !leg->open;
}

int cp_cdr_open_settle(struct cp_cdr_open *o, const struct cp_cdr_list *recorded,
	struct cp_cdr_file *file, cp_cdr_lives_fn *lives, void *ctx)
{
	struct leg *legs = NULL;
	size_t count = 0, size;
	int settled = 0, err;
	char *text;

	if (o->fd < 0)
		return 0;
	write_closed(o); // of calls that ended as soon as they were restored
	err = read_file(o, &text, &size);
	if (!err)
		err = read_legs(text, size, &legs, &count);
	for (size_t i = 0; i < count; i++) {
		struct leg *leg = &legs[i];

		if (cp_cdr_list_has(recorded, &leg->key))
			leg->open = false;
		if (leg->open && !lives(ctx, leg->key.call, leg->key.leg, leg->key.attempt))
			settled += settle_one(file, text, leg);
	}
	if (!err)
		err = begin_anew(o, text, legs, count);
	free(legs);
	free(text);
	return err ? err : settled;
}

void cp_cdr_open_tick(struct cp_cdr_open *o)
{
	struct leg *legs;
	size_t count, size;
	char *text;

	if (o->fd < 0)
		return;
	write_closed(o);
	if (o->size < o->enough || o->failed || read_file(o, &text, &size))
		return;
	if (read_legs(text, size, &legs, &count) == 0) {
		if (begin_anew(o, text, legs, count))
			o->failed = true;
		free(legs);
	}
	free(text);
	malloc_trim(0); // megabytes that are not wanted for hours
}

void cp_cdr_open_end(struct cp_cdr_open *o)
{
	struct leg *legs = NULL;
	size_t count = 0, size;
	bool open = false;
	char *text = NULL;

	if (o->fd < 0)
		return;
	write_closed(o);
	if (read_file(o, &text, &size) || read_legs(text, size, &legs, &count))
		open = true;
	for (size_t i = 0; i < count; i++)
		open |= legs[i].open;
	if (!open)
		unlink(o->path);
	close(o->fd);
	free(legs);
	free(text);
	free(o->closed);
	cp_cdr_open_init(o);
}
