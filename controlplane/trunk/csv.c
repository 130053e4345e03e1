// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST ((size_t)1 << 30)

static int cannot(const char *file, int err, struct cfg_error *error)
{
	error->line = 0;
	snprintf(error->text, sizeof(error->text), "%.200s: cannot be read: %s", file,
		strerror(-err));
	return err;
}

static int read_all(int fd, struct cp_csv *csv)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if ((size_t)st.st_size > MOST)
		return -EFBIG;
	csv->text = malloc((size_t)st.st_size + 1);
	if (!csv->text)
		return -ENOMEM;
	while (csv->size < (size_t)st.st_size) {
		ssize_t n = read(fd, csv->text + csv->size, (size_t)st.st_size - csv->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		csv->size += (size_t)n;
	}
	csv->text[csv->size] = 0;
	return 0;
}

// A byte order mark is what spreadsheets write.
static void skip_mark(struct cp_csv *csv)
{
	if (csv->size >= 3 && memcmp(csv->text, "\xef\xbb\xbf", 3) == 0)
		csv->at = 3;
}

int cp_csv_open(struct cp_csv *csv, const char *file, struct cfg_error *error)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

	*csv = (struct cp_csv){.file = file};
	if (fd < 0)
		return cannot(file, -errno, error);
	err = read_all(fd, csv);
	close(fd);
	if (err) {
		cp_csv_close(csv);
		return cannot(file, err, error);
	}
	skip_mark(csv);
	return 0;
}

int cp_csv_parse(struct cp_csv *csv, const char *file, const void *text, size_t size,
	struct cfg_error *error)
{
	*csv = (struct cp_csv){.file = file, .size = size};
	csv->text = malloc(size + 1);
	if (!csv->text)
		return cannot(file, -ENOMEM, error);
	if (size)
		memcpy(csv->text, text, size);
	csv->text[size] = 0;
	skip_mark(csv);
	return 0;
}

void cp_csv_close(struct cp_csv *csv)
{
	free(csv->text);
	csv->text = NULL;
	csv->size = csv->at = 0;
}

int cp_csv_fail(const struct cp_csv *csv, struct cfg_error *error, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error->line = csv->line;
	snprintf(error->text, sizeof(error->text), "%.200s:%u: %s", csv->file, csv->line, text);
	return -EINVAL;
}

size_t cp_csv_lines(const struct cp_csv *csv)
{
	size_t lines = 1;

	for (const char *p = csv->text + csv->at, *end = csv->text + csv->size; p < end; lines++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			break;
		p++;
	}
	return lines;
}

static char *trim(char *from, char *to)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
		to--;
	if (to - from >= 2 && *from == '"' && to[-1] == '"') {
		from++;
		to--;
	}
	*to = 0;
	return from;
}

static bool is_blank(const char *from, const char *to)
{
	while (from < to && (*from == ' ' || *from == '\t' || *from == '\r'))
		from++;
	return from == to || *from == '#';
}

static int split(struct cp_csv *csv, char *from, char *to, struct cfg_error *error)
{
	csv->fields = 0;
	for (;;) {
		char *end = from;

		while (end < to && *end != ',' && *end != ';')
			end++;
		if (csv->fields == CP_CSV_FIELDS)
			return cp_csv_fail(csv, error, "expected at most %u fields, found more",
				CP_CSV_FIELDS);
		csv->field[csv->fields++] = trim(from, end);
		if (end == to)
			return 1;
		from = end + 1;
	}
}

int cp_csv_next(struct cp_csv *csv, struct cfg_error *error)
{
	while (csv->at < csv->size) {
		char *from = csv->text + csv->at;
		char *to = memchr(from, '\n', csv->size - csv->at);
		bool first = csv->line == 0;
		int rc;

		if (!to)
			to = csv->text + csv->size;
		csv->at = (size_t)(to - csv->text) + 1;
		csv->line++;
		if (is_blank(from, to))
			continue;
		if (memchr(from, 0, (size_t)(to - from)))
			return cp_csv_fail(csv, error, "expected text, found a NUL");
		rc = split(csv, from, to, error);
		if (rc < 0 || !first || strcasecmp(csv->field[0], "prefix") != 0)
			return rc;
	}
	return 0;
}
