// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/prompts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/abi/message.h"

#define DEEPEST  8u
#define MAX_FILE (256u << 20)
#define WHY      160

struct prompt {
	struct codec_clip *clip;
	unsigned users; // the list is one
	char name[ABI_FILE];
};

struct list {
	struct prompt **all; // by name
	unsigned count;
	size_t bytes;
	prompts_say *say;
};

struct prompts {
	struct list list;
};

int prompts_new(struct prompts **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void prompts_put(struct prompts *p, struct prompt *prompt)
{
	(void)p;
	if (--prompt->users)
		return;
	codec_clip_free(prompt->clip);
	free(prompt);
}

static void let_go(struct prompts *p, struct list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		prompts_put(p, list->all[i]);
	free(list->all);
	*list = (struct list){0};
}

void prompts_free(struct prompts *p)
{
	if (!p)
		return;
	let_go(p, &p->list);
	free(p);
}

unsigned prompts_count(const struct prompts *p)
{
	return p ? p->list.count : 0;
}

static int by_name(const void *a, const void *b)
{
	const struct prompt *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

struct prompt *prompts_get(struct prompts *p, const char *name)
{
	struct prompt key, *k = &key, **found;

	snprintf(key.name, sizeof(key.name), "%s", name);
	found = p->list.count ? bsearch(&k, p->list.all, p->list.count, sizeof(k), by_name) : NULL;
	if (!found)
		return NULL;
	(*found)->users++;
	return *found;
}

const struct codec_clip *prompts_clip(const struct prompt *prompt)
{
	return prompt->clip;
}

// ---- reading a directory

static int add(struct list *list, const char *name, struct codec_clip *clip)
{
	struct prompt *prompt = calloc(1, sizeof(*prompt));

	if (!prompt)
		return -ENOMEM;
	prompt->clip = clip;
	prompt->users = 1;
	snprintf(prompt->name, sizeof(prompt->name), "%s", name);
	list->all[list->count++] = prompt;
	list->bytes += (size_t)clip->samples * sizeof(*clip->pcm);
	return 0;
}

static int read_all(int fd, size_t size, uint8_t **bytes)
{
	size_t got = 0;

	*bytes = malloc(size ? size : 1);
	while (*bytes && got < size) {
		ssize_t n = read(fd, *bytes + got, size - got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (!*bytes)
		return -ENOMEM;
	if (got == size)
		return 0;
	free(*bytes);
	return -EIO;
}

// 0, also when the file was left out; -ENOMEM.
static int read_file(struct list *list, int fd, size_t size, const char *name)
{
	struct codec_clip *clip;
	char why[WHY] = "";
	uint8_t *bytes;
	int err;

	if (size > MAX_FILE || list->count == PROMPTS_MOST || list->bytes >= PROMPTS_BYTES) {
		list->say(name, "too much: what plays has to fit into memory");
		return 0;
	}
	err = read_all(fd, size, &bytes);
	if (err == -EIO)
		list->say(name, "it cannot be read");
	if (err)
		return err == -EIO ? 0 : err;
	err = codec_clip_read(&clip, bytes, size, why, sizeof(why));
	free(bytes);
	if (err == -EINVAL)
		list->say(name, why);
	if (err)
		return err == -EINVAL ? 0 : err;
	err = add(list, name, clip);
	if (err)
		codec_clip_free(clip);
	return err;
}

static int read_directory(struct list *list, int fd, const char *prefix, unsigned depth);

static int read_entry(
	struct list *list, int directory, const char *entry, const char *prefix, unsigned depth)
{
	char name[ABI_FILE] = "";
	struct stat st;
	int fd, err = 0;

	if (entry[0] == '.')
		return 0;
	if (snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "", entry) >=
			(int)sizeof(name) ||
		!abi_file_name(name)) {
		list->say(entry, "its name is too long, or has other than letters, digits and ._-");
		return 0;
	}
	fd = openat(directory, entry, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		list->say(name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return depth < DEEPEST ? read_directory(list, fd, name, depth + 1) : (close(fd), 0);
	if (S_ISREG(st.st_mode))
		err = read_file(list, fd, (size_t)st.st_size, name);
	close(fd);
	return err;
}

// Closes `fd`.
static int read_directory(struct list *list, int fd, const char *prefix, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int err = 0;

	if (!dir) {
		err = -errno;
		close(fd);
		return err == -ENOMEM ? err : 0;
	}
	while (!err && (entry = readdir(dir)))
		err = read_entry(list, dirfd(dir), entry->d_name, prefix, depth);
	closedir(dir);
	return err;
}

int prompts_read(struct prompts *p, const char *directory, prompts_say *say)
{
	struct list list = {.say = say, .all = calloc(PROMPTS_MOST, sizeof(*list.all))};
	int fd, err;

	if (!list.all)
		return -ENOMEM;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? -errno : read_directory(&list, fd, "", 0);
	if (err) {
		let_go(p, &list);
		return err;
	}
	qsort(list.all, list.count, sizeof(*list.all), by_name);
	let_go(p, &p->list);
	p->list = list;
	return 0;
}
