// SPDX-License-Identifier: BSD-3-Clause
//
// What was used up today, over a restart: a line an account,
//
//   hawse accounts 1
//   office<TAB>day_start finished_in finished_out finished blocked_until span_at [place:spent]...
//
// numbers in microseconds of Unix time and micro-units of money. Calls that run are not in it: they take their
// places again when the journal brings them back.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/trunk/account_private.h"

#define HEAD "hawse accounts 1\n"

// ---- out --------------------------------------------------------------------------------------------

static bool is_empty(const struct cp_account *a)
{
	for (unsigned i = 0; i < SPANS; i++)
		if (a->guard.span[i])
			return false;
	return !a->meter[CFG_BOTH].finished_us && !a->guard.blocked_until_us;
}

static void write_one(const struct cp_account *a, FILE *out)
{
	fprintf(out, "%s\t%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
		a->name, a->day_start_us, a->meter[CFG_IN].finished_us,
		a->meter[CFG_OUT].finished_us, a->meter[CFG_BOTH].finished_us,
		a->guard.blocked_until_us, a->guard.span_at);
	for (unsigned i = 0; i < SPANS; i++)
		if (a->guard.span[i])
			fprintf(out, " %u:%" PRId64, i, a->guard.span[i]);
	fputc('\n', out);
}

static int write_all(struct cp_accounts *all, char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);
	int err;

	if (!out)
		return -ENOMEM;
	fputs(HEAD, out);
	pthread_mutex_lock(&all->lock);
	for (uint32_t i = 0; i <= all->mask; i++)
		for (const struct cp_account *a = all->buckets[i]; a; a = a->next)
			if (!is_empty(a))
				write_one(a, out);
	pthread_mutex_unlock(&all->lock);
	err = ferror(out) ? -ENOMEM : 0;
	return fclose(out) ? -ENOMEM : err;
}

// Whole or not at all: beside it, and then in its place.
static int put_file(const char *path, const char *text, size_t size)
{
	char beside[4096];
	int fd, err = 0;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size)
		err = errno ? -errno : -ENOSPC;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(beside, path))
		err = -errno;
	if (err)
		unlink(beside);
	return err;
}

static uint64_t digest_of(const char *text, size_t size)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < size; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3ull;
	return h ? h : 1;
}

int cp_accounts_save(struct cp_accounts *all, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	uint64_t digest;
	int err = write_all(all, &text, &size);

	digest = err ? 0 : digest_of(text, size);
	if (!err && digest != all->saved)
		err = put_file(path, text, size);
	if (!err)
		all->saved = digest;
	free(text);
	return err;
}

// ---- in ---------------------------------------------------------------------------------------------

// The next number of the line, a blank before it.
static bool take(char **at, uint64_t *out)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*out = strtoull(*at, &end, 10);
	*at = end + (*end == ' ');
	return !errno && (*end == ' ' || !*end || *end == ':');
}

static bool read_spans(char *at, int64_t span[SPANS])
{
	uint64_t place, money;

	while (*at) {
		if (!take(&at, &place) || place >= SPANS || *at++ != ':' || !take(&at, &money) ||
			money > INT64_MAX)
			return false;
		span[place] = (int64_t)money;
	}
	return true;
}

// False: the line is none of ours.
static bool read_one(struct cp_accounts *all, char *line)
{
	char *at = strchr(line, '\t');
	struct cp_account *a, kept = {0};

	if (!at || at == line)
		return false;
	*at++ = '\0';
	if (!take(&at, &kept.day_start_us) || !take(&at, &kept.meter[CFG_IN].finished_us) ||
		!take(&at, &kept.meter[CFG_OUT].finished_us) ||
		!take(&at, &kept.meter[CFG_BOTH].finished_us) ||
		!take(&at, &kept.guard.blocked_until_us) || !take(&at, &kept.guard.span_at) ||
		!read_spans(at, kept.guard.span))
		return false;
	a = cp_account_get(all, line);
	if (!a)
		return false;
	pthread_mutex_lock(&all->lock);
	a->day_start_us = kept.day_start_us;
	for (unsigned i = 0; i < 3; i++)
		a->meter[i].finished_us = kept.meter[i].finished_us;
	a->guard = kept.guard;
	pthread_mutex_unlock(&all->lock);
	return true;
}

int cp_accounts_load(struct cp_accounts *all, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int err = 0;

	if (!in)
		return errno == ENOENT ? 0 : -errno;
	if (getline(&line, &size, in) < 0 || strcmp(line, HEAD) != 0)
		err = -EBADMSG;
	while (!err && (n = getline(&line, &size, in)) > 0) {
		line[n - 1] = line[n - 1] == '\n' ? '\0' : line[n - 1];
		if (memchr(line, '\0', (size_t)n - 1) || !read_one(all, line))
			err = -EBADMSG;
	}
	free(line);
	fclose(in);
	return err;
}
