// SPDX-License-Identifier: BSD-3-Clause
//
// What is in a file of CDRs.
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/cdr_file.h"

int cp_cdr_key_compare(const struct cp_cdr_key *a, const struct cp_cdr_key *b)
{
	if (a->call != b->call)
		return a->call < b->call ? -1 : 1;
	if (a->leg != b->leg)
		return a->leg < b->leg ? -1 : 1;
	return a->attempt < b->attempt ? -1 : a->attempt > b->attempt;
}

// 16 hexadecimal digits, small letters.
static bool parse_call(const char *text, uint64_t *call)
{
	*call = 0;
	for (unsigned i = 0; i < 16; i++) {
		char c = text[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		*call = *call << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

bool cp_cdr_key_parse(const char *id, size_t n, struct cp_cdr_key *key)
{
	unsigned attempt = 0;

	if (n < 18 || id[16] != '-' || !parse_call(id, &key->call))
		return false;
	key->leg = id[17] == 'b';
	key->attempt = 0;
	if (id[17] == 'a')
		return n == 18;
	if (id[17] != 'b' || n < 19 || n > 22)
		return false;
	for (size_t i = 18; i < n; i++) {
		if (id[i] < '0' || id[i] > '9')
			return false;
		attempt = attempt * 10 + (unsigned)(id[i] - '0');
	}
	key->attempt = (uint16_t)attempt;
	return true;
}

// {"call":"0123456789abcdef","leg":"b","attempt":1,"record":"final","id":"0123456789abcdef-b1", and so on to the
// end of the line.
bool cp_cdr_key_of_line(const char *line, size_t n, const char *record, struct cp_cdr_key *key)
{
	static const char begin[] = "{\"call\":\"", id[] = "\",\"id\":\"",
			  kind[] = ",\"record\":\"";
	const char *end = line + n, *p, *quote;
	size_t k = strlen(record);

	if (n < 64 || memcmp(line, begin, sizeof(begin) - 1) != 0 || line[n - 1] != '}')
		return false;
	// Within the fixed part, before anything that a peer wrote.
	p = memmem(line, 64, kind, sizeof(kind) - 1);
	if (!p || (size_t)(end - p) < sizeof(kind) - 1 + k + sizeof(id) - 1)
		return false;
	p += sizeof(kind) - 1;
	if (memcmp(p, record, k) != 0 || memcmp(p + k, id, sizeof(id) - 1) != 0)
		return false;
	p += k + sizeof(id) - 1;
	quote = memchr(p, '"', (size_t)(end - p));
	return quote && cp_cdr_key_parse(p, (size_t)(quote - p), key);
}

// ---- lists -----------------------------------------------------------------------------------------

static int grow(void **all, size_t count, size_t *room, size_t each)
{
	size_t more = *room ? *room * 2 : 256;
	void *p;

	if (count < *room)
		return 0;
	p = realloc(*all, more * each);
	if (!p)
		return -ENOMEM;
	*all = p;
	*room = more;
	return 0;
}

// Leg a is written when the call is over, and leg b right after it. Before, b may have been written for
// targets that did not take the call. Other writers may come between, but not many.
static int note(struct cp_cdr_list *list, const struct cp_cdr_key *key)
{
	int err = grow((void **)&list->finals, list->final_count, &list->final_room,
		sizeof(*list->finals));

	if (!err && key->leg == 0)
		err = grow((void **)&list->calls, list->count, &list->room, sizeof(*list->calls));
	if (err)
		return err;
	list->finals[list->final_count++] = *key;
	if (key->leg == 0)
		list->calls[list->count++] = (struct cp_cdr_seen){key->call, 1};
	for (size_t i = list->count; key->leg && i-- > 0 && list->count - i <= 64;)
		if (list->calls[i].call == key->call)
			list->calls[i].legs |= 2;
	return 0;
}

static int by_call(const void *a, const void *b)
{
	const struct cp_cdr_seen *x = a, *y = b;

	return x->call < y->call ? -1 : x->call > y->call;
}

static int by_key(const void *a, const void *b)
{
	return cp_cdr_key_compare(a, b);
}

static int parse_lines(struct cp_cdr_list *list, const char *p, size_t n)
{
	const char *end = p + n, *newline;
	struct cp_cdr_key key;
	int err = 0;

	for (; p < end && !err && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1)
		if (cp_cdr_key_of_line(p, (size_t)(newline - p), "final", &key))
			err = note(list, &key);
	return err;
}

static int finish(struct cp_cdr_list *list, int err)
{
	if (err) {
		cp_cdr_list_free(list);
		return err;
	}
	if (list->count)
		qsort(list->calls, list->count, sizeof(*list->calls), by_call);
	if (list->final_count)
		qsort(list->finals, list->final_count, sizeof(*list->finals), by_key);
	return 0;
}

int cp_cdr_list_parse(struct cp_cdr_list *list, const uint8_t *bytes, size_t n)
{
	*list = (struct cp_cdr_list){0};
	return finish(list, parse_lines(list, (const char *)bytes, n));
}

// The end of one file; *left is what may still be read of others.
static int read_end(struct cp_cdr_list *list, const char *path, size_t *left)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	struct stat st;
	size_t want;
	char *bytes;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return 0;
	}
	want = (size_t)st.st_size < *left ? (size_t)st.st_size : *left;
	*left -= want;
	bytes = malloc(want + 1);
	n = bytes ? pread(fd, bytes, want, st.st_size - (off_t)want) : -1;
	err = !bytes ? -ENOMEM : n < 0 ? -errno : parse_lines(list, bytes, (size_t)n);
	free(bytes);
	close(fd);
	return err;
}

// The one that was rotated last: their names sort by time. Empty: none.
static void last_rotated(const char *path, char *out, size_t size)
{
	char pattern[320];
	glob_t found;

	out[0] = '\0';
	snprintf(pattern, sizeof(pattern), "%.256s.[0-9]*Z*", path);
	if (glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc)
		snprintf(out, size, "%s", found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
}

int cp_cdr_list_read(struct cp_cdr_list *list, const char *path)
{
	size_t left = CP_CDR_TAIL;
	char rotated[320];
	int err = 0;

	*list = (struct cp_cdr_list){0};
	if (!path[0])
		return 0;
	last_rotated(path, rotated, sizeof(rotated));
	if (rotated[0]) {
		size_t half = CP_CDR_TAIL / 2;

		err = read_end(list, rotated, &half);
	}
	if (!err)
		err = read_end(list, path, &left);
	return finish(list, err);
}

unsigned cp_cdr_list_legs(const struct cp_cdr_list *list, uint64_t call)
{
	const struct cp_cdr_seen key = {.call = call};
	const struct cp_cdr_seen *found =
		list->count ? bsearch(&key, list->calls, list->count, sizeof(key), by_call) : NULL;

	return found ? found->legs : 0;
}

bool cp_cdr_list_has(const struct cp_cdr_list *list, const struct cp_cdr_key *key)
{
	return list->final_count &&
	       bsearch(key, list->finals, list->final_count, sizeof(*key), by_key) != NULL;
}

void cp_cdr_list_free(struct cp_cdr_list *list)
{
	free(list->calls);
	free(list->finals);
	*list = (struct cp_cdr_list){0};
}
