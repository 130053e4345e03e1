// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/disabled.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add(struct cp_disabled *d, const char *name)
{
	void *more;

	if (d->count == CP_DISABLED_MOST)
		return -ENOSPC;
	more = realloc(d->names, (d->count + 1) * sizeof(*d->names));
	if (!more)
		return -ENOMEM;
	d->names = more;
	snprintf(d->names[d->count++], sizeof(*d->names), "%s", name);
	return 0;
}

int cp_disabled_open(struct cp_disabled *d, const char *state)
{
	char line[CFG_NAME + 2];
	FILE *in;
	int err = 0;

	*d = (struct cp_disabled){0};
	if (!state[0])
		return 0;
	snprintf(d->path, sizeof(d->path), "%s/disabled", state);
	in = fopen(d->path, "re");
	if (!in)
		return errno == ENOENT ? 0 : -errno;
	while (!err && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && strlen(line) < CFG_NAME && !cp_disabled_is(d, line))
			err = add(d, line);
	}
	if (!err && ferror(in))
		err = -EIO;
	fclose(in);
	return err;
}

void cp_disabled_close(struct cp_disabled *d)
{
	free(d->names);
	*d = (struct cp_disabled){0};
}

static unsigned find(const struct cp_disabled *d, const char *name)
{
	unsigned i = 0;

	while (i < d->count && strcmp(d->names[i], name) != 0)
		i++;
	return i;
}

bool cp_disabled_is(const struct cp_disabled *d, const char *name)
{
	return find(d, name) < d->count;
}

static int keep(const struct cp_disabled *d)
{
	char path[sizeof(d->path) + 8];
	FILE *out;
	bool bad = false;

	if (!d->path[0])
		return 0;
	if (!d->count)
		return unlink(d->path) < 0 && errno != ENOENT ? -errno : 0;
	snprintf(path, sizeof(path), "%s.new", d->path);
	out = fopen(path, "we");
	if (!out)
		return -errno;
	for (unsigned i = 0; i < d->count; i++)
		bad |= fprintf(out, "%s\n", d->names[i]) < 0;
	bad |= fclose(out) != 0;
	if (bad || rename(path, d->path) < 0) {
		int err = errno ? -errno : -EIO;

		unlink(path);
		return err;
	}
	return 0;
}

int cp_disabled_set(struct cp_disabled *d, const char *name, bool disabled)
{
	unsigned at = find(d, name);
	int err = 0;

	if ((at < d->count) == disabled)
		return 0;
	if (disabled)
		err = add(d, name);
	else
		memmove(d->names[at], d->names[--d->count], sizeof(*d->names));
	return err ? err : keep(d);
}
