// SPDX-License-Identifier: BSD-3-Clause
#include "stats/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Length of the UTF-8 sequence at `in`, 0 when it is none (RFC 3629). *code is the character.
static size_t utf8(const uint8_t *in, size_t n, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = in[0] < 0x80             ? 1
			: (in[0] & 0xe0) == 0xc0 ? 2
			: (in[0] & 0xf0) == 0xe0 ? 3
			: (in[0] & 0xf8) == 0xf0 ? 4
						 : 0;

	if (!length || length > n)
		return 0;
	*code = length == 1 ? in[0] : in[0] & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if ((in[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (in[i] & 0x3f);
	}
	if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

// Characters that move the cursor, switch the direction of writing or show nothing.
static bool steers(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

size_t st_clean(char *out, size_t size, const char *in, size_t n, enum st_clean how)
{
	size_t used = 0;

	for (size_t i = 0; i < n;) {
		uint32_t code = 0;
		size_t length = utf8((const uint8_t *)in + i, n - i, &code);
		const char *from = in + i;

		i += length ? length : 1;
		if (how == ST_LINES && length && code == '\r' && i < n && in[i] == '\n')
			continue;
		if (!length && how == ST_BYTES) {
			from = "\xef\xbf\xbd"; // U+FFFD
			length = 3;
		} else if (!length ||
			   (how != ST_BYTES && steers(code) &&
				   !(how == ST_LINES && (code == '\n' || code == '\t')))) {
			from = "?";
			length = 1;
		}
		if (used + length >= size)
			break;
		memcpy(out + used, from, length);
		used += length;
	}
	if (size)
		out[used] = '\0';
	return used;
}

void st_addr(char out[ST_ADDR_TEXT], const uint8_t ip[16], uint8_t family, uint16_t port)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (family != 4 && family != 6) {
		strcpy(out, "-");
		return;
	}
	inet_ntop(family == 4 ? AF_INET : AF_INET6, ip, host, sizeof(host));
	if (!port)
		snprintf(out, ST_ADDR_TEXT, "%s", host);
	else
		snprintf(out, ST_ADDR_TEXT, family == 4 ? "%s:%u" : "[%s]:%u", host, port);
}

void st_clock(char out[ST_TIME_TEXT], uint64_t time_us, uint64_t realtime_offset_us)
{
	uint64_t unix_us = time_us + realtime_offset_us;
	time_t seconds = (time_t)(unix_us / 1000000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm)) {
		strcpy(out, "-");
		return;
	}
	snprintf(out, ST_TIME_TEXT, "%02d:%02d:%02d.%03u", tm.tm_hour % 100, tm.tm_min % 100,
		tm.tm_sec % 100, (unsigned)(unix_us / 1000 % 1000));
}

void st_duration(char out[ST_TIME_TEXT], uint64_t from_us, uint64_t to_us)
{
	uint64_t s = (to_us - from_us) / 1000000;

	if (from_us == 0 || to_us < from_us)
		strcpy(out, "-");
	else if (s < 3600)
		snprintf(out, ST_TIME_TEXT, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
	else
		snprintf(out, ST_TIME_TEXT, "%llu:%02u:%02u", (unsigned long long)(s / 3600),
			(unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

// ---- tables

#define COLUMNS 24u

struct st_table {
	unsigned columns;
	bool right[COLUMNS];
	size_t width[COLUMNS];
	char **cells;
	size_t count, room;
	bool lost;
};

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void add(struct st_table *t, const char *text, size_t n)
{
	char *cell = malloc(3 * n + 1);
	unsigned column = (unsigned)(t->count % t->columns);

	if (cell && t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 64;
		char **cells = realloc(t->cells, room * sizeof(*cells));

		if (!cells) {
			free(cell);
			cell = NULL;
		} else {
			t->cells = cells;
			t->room = room;
		}
	}
	if (!cell) {
		t->lost = true;
		return;
	}
	st_clean(cell, 3 * n + 1, text, n, ST_LINE);
	t->cells[t->count++] = cell;
	if (width_of(cell) > t->width[column])
		t->width[column] = width_of(cell);
}

struct st_table *st_table_new(const char *columns)
{
	struct st_table *t = calloc(1, sizeof(*t));
	const char *end;

	if (!t)
		return NULL;
	for (const char *p = columns; *p; p++)
		t->columns += *p == '|';
	t->columns++;
	for (unsigned i = 0; i < t->columns && i < COLUMNS; i++, columns = end + 1) {
		end = columns + strcspn(columns, "|");
		t->right[i] = *columns == '>';
		columns += t->right[i];
		add(t, columns, (size_t)(end - columns));
	}
	return t;
}

void st_cell(struct st_table *table, const char *format, ...)
{
	char text[256];
	va_list ap;
	int n;

	if (!table)
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	add(table, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void print_cell(const struct st_table *t, size_t i, FILE *out)
{
	unsigned column = (unsigned)(i % t->columns);
	int fill = (int)(t->width[column] - width_of(t->cells[i]));
	bool last = column + 1 == t->columns;

	if (t->right[column])
		fprintf(out, "%*s%s%s", fill, "", t->cells[i], last ? "\n" : "  ");
	else
		fprintf(out, "%s%*s%s", t->cells[i], last ? 0 : fill, "", last ? "\n" : "  ");
}

void st_table_free(struct st_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

int st_table_print(struct st_table *table, FILE *out)
{
	int err;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++)
		print_cell(table, i, out);
	err = table->lost ? -ENOMEM : 0;
	st_table_free(table);
	return err;
}
