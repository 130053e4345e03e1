// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/config/config.h"

#define NAME 256u

static void name_of(const struct cp_history *h, unsigned n, const char *end, char name[NAME])
{
	snprintf(name, NAME, "%s/%06u.%s", h->directory, n, end);
}

static unsigned number_of(const char *file)
{
	unsigned n;
	int used = 0;

	return sscanf(file, "%6u.json%n", &n, &used) == 1 && used && !file[used] ? n : 0;
}

int cp_history_open(struct cp_history *h, const char *state)
{
	struct dirent *e;
	DIR *d;
	int err;

	*h = (struct cp_history){0};
	if (!state[0])
		return 0;
	if (mkdir(state, 0750) < 0 && errno != EEXIST)
		return -errno;
	snprintf(h->directory, sizeof(h->directory), "%s/history", state);
	d = mkdir(h->directory, 0750) == 0 || errno == EEXIST ? opendir(h->directory) : NULL;
	if (!d) {
		err = -errno;
		h->directory[0] = '\0';
		return err;
	}
	while ((e = readdir(d)))
		if (number_of(e->d_name) > h->last)
			h->last = number_of(e->d_name);
	closedir(d);
	return 0;
}

int cp_history_own(const struct cp_history *h, uid_t uid, gid_t gid)
{
	return h->directory[0] && chown(h->directory, uid, gid) < 0 ? -errno : 0;
}

// Whole or not at all.
static int write_file(const char *name, const char *text, size_t size)
{
	char temporary[NAME + 8];
	int fd, err = 0;

	snprintf(temporary, sizeof(temporary), "%s.new", name);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	for (size_t n = 0; n < size && !err;) {
		ssize_t k = write(fd, text + n, size - n);

		if (k < 0 && errno != EINTR)
			err = -errno;
		n += k > 0 ? (size_t)k : 0;
	}
	if (!err && fsync(fd) < 0)
		err = -errno;
	close(fd);
	if (!err && rename(temporary, name) < 0)
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

static int write_note(
	const struct cp_history *h, unsigned n, size_t size, const struct cp_history_note *note)
{
	char name[NAME], when[32];
	time_t now = time(NULL);
	json_t *root;
	struct tm tm;
	char *text;
	int err;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:I}", "number", (int)n, "time", when,
		"who", note->who, "how", note->how, "file", note->file, "changes",
		(int)note->changes, "bytes", (json_int_t)size);
	text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	if (!text)
		return -ENOMEM;
	name_of(h, n, "json", name);
	err = write_file(name, text, strlen(text));
	free(text);
	return err;
}

static void forget(const struct cp_history *h, unsigned n)
{
	char name[NAME];

	name_of(h, n, "json", name);
	unlink(name);
	name_of(h, n, "yaml", name);
	unlink(name);
}

static bool is_newest(const struct cp_history *h, const char *text, size_t size)
{
	size_t there;
	char *newest;
	bool same;

	if (!h->last || cp_history_read(h, h->last, &newest, &there))
		return false;
	same = there == size && memcmp(newest, text, size) == 0;
	free(newest);
	return same;
}

int cp_history_add(
	struct cp_history *h, const char *text, size_t size, const struct cp_history_note *note)
{
	unsigned n = h->last + 1;
	char name[NAME];
	int err;

	if (!h->directory[0] || is_newest(h, text, size))
		return 0;
	name_of(h, n, "yaml", name);
	err = write_file(name, text, size);
	if (!err)
		err = write_note(h, n, size, note);
	if (err) {
		unlink(name);
		return err;
	}
	h->last = n;
	if (n > CP_HISTORY_KEPT)
		forget(h, n - CP_HISTORY_KEPT);
	return 0;
}

int cp_history_read(const struct cp_history *h, unsigned n, char **text, size_t *size)
{
	struct cfg_error error;
	char name[NAME];

	name_of(h, n, "json", name);
	if (!h->directory[0] || access(name, F_OK) < 0)
		return -ENOENT;
	name_of(h, n, "yaml", name);
	return cfg_read(name, text, size, &error);
}

json_t *cp_history_list(const struct cp_history *h)
{
	json_t *list = json_array();
	char name[NAME];

	if (!list || !h->directory[0])
		return list;
	for (unsigned n = h->last; n && n + CP_HISTORY_KEPT > h->last; n--) {
		json_t *one;

		name_of(h, n, "json", name);
		one = json_load_file(name, 0, NULL);
		if (json_is_object(one))
			json_array_append_new(list, one);
		else
			json_decref(one);
	}
	return list;
}
