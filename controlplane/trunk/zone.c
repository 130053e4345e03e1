// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/zone.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST  (256u << 10)
#define DAY_S 86400

struct rule {      // of a change of the year, as POSIX's TZ writes it: M3.5.0/2
	char form; // 'M', 'J', 'n'
	int month, week, day;
	int32_t time;
};

struct cp_zone {
	int64_t *at;     // Unix time of each change,
	int32_t *offset; // and what holds from then on
	uint32_t count;
	int32_t before; // the first of all
	bool has_footer, has_summer;
	int32_t standard, summer;
	struct rule start, end;
};

// ---- days (proleptic Gregorian; Howard Hinnant's arithmetic of eras of 400 years)

static int64_t days_of(int year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void date_of(int64_t days, int *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static unsigned weekday_of(int64_t days) // 1 January 1970 was a Thursday
{
	return (unsigned)(((days + 3) % 7 + 7) % 7);
}

// ---- the footer: what holds after the last change that is written

static const char *skip_name(const char *p)
{
	if (*p == '<') {
		p = strchr(p, '>');
		return p ? p + 1 : NULL;
	}
	while (isalpha((unsigned char)*p))
		p++;
	return p;
}

static const char *read_number(const char *p, int *n)
{
	if (!p || !isdigit((unsigned char)*p))
		return NULL;
	for (*n = 0; isdigit((unsigned char)*p) && *n < 10000; p++)
		*n = *n * 10 + (*p - '0');
	return p;
}

// [+-]hh[:mm[:ss]]
static const char *read_time(const char *p, int32_t *seconds)
{
	int sign = 1, part = 0, unit = 3600;

	if (!p)
		return NULL;
	if (*p == '-' || *p == '+')
		sign = *p++ == '-' ? -1 : 1;
	p = read_number(p, &part);
	*seconds = part * unit;
	while (p && *p == ':' && unit > 1) {
		unit /= 60;
		p = read_number(p + 1, &part);
		*seconds += part * unit;
	}
	*seconds *= sign;
	return p;
}

static const char *read_rule(const char *p, struct rule *rule)
{
	if (!p || *p++ != ',')
		return NULL;
	*rule = (struct rule){.form = 'n', .time = 7200};
	if (*p == 'M') {
		rule->form = 'M';
		p = read_number(p + 1, &rule->month);
		p = p && *p == '.' ? read_number(p + 1, &rule->week) : NULL;
		p = p && *p == '.' ? read_number(p + 1, &rule->day) : NULL;
		if (rule->month < 1 || rule->month > 12 || rule->week < 1 || rule->week > 5 ||
			rule->day > 6)
			return NULL;
	} else {
		if (*p == 'J')
			rule->form = *p++;
		p = read_number(p, &rule->day);
		if (rule->day > 366)
			return NULL;
	}
	return p && *p == '/' ? read_time(p + 1, &rule->time) : p;
}

static void read_footer(struct cp_zone *z, const char *text)
{
	int32_t west;
	const char *p = read_time(skip_name(text), &west);

	if (!p || p == text)
		return;
	z->standard = -west;
	z->has_footer = true;
	if (!*p)
		return;
	z->summer = z->standard + 3600;
	p = skip_name(p);
	if (p && *p != ',') {
		p = read_time(p, &west);
		z->summer = -west;
	}
	p = read_rule(read_rule(p, &z->start), &z->end);
	z->has_summer = p && !*p;
	z->has_footer = z->has_summer;
}

static int64_t change_of(const struct rule *rule, int year)
{
	int64_t first, days;

	if (rule->form != 'M') {
		bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

		days = days_of(year, 1, 1) + rule->day;
		if (rule->form == 'J') // the 29th of February is never counted
			days += -1 + (leap && rule->day >= 60);
		return days * DAY_S + rule->time;
	}
	first = days_of(year, (unsigned)rule->month, 1);
	// POSIX counts from Sunday.
	days = first + (rule->day + 7 - (int)(weekday_of(first) + 1) % 7) % 7 +
	       (rule->week - 1) * 7;
	while (days >= (rule->month == 12 ? days_of(year + 1, 1, 1)
					  : days_of(year, (unsigned)rule->month + 1, 1)))
		days -= 7;
	return days * DAY_S + rule->time;
}

static int32_t footer_offset(const struct cp_zone *z, int64_t t)
{
	int64_t start, end;
	unsigned month, day;
	int year;

	if (!z->has_summer)
		return z->standard;
	date_of(floor_div(t + z->standard, DAY_S), &year, &month, &day);
	start = change_of(&z->start, year) - z->standard;
	end = change_of(&z->end, year) - z->summer;
	if (start < end)
		return t >= start && t < end ? z->summer : z->standard;
	return t >= end && t < start ? z->standard : z->summer;
}

// ---- the file

static int64_t big(const uint8_t *p, unsigned n)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

struct head {
	uint32_t utc, standard, leap, times, types, names;
};

static size_t body_size(const struct head *h, unsigned width)
{
	return (size_t)h->times * (width + 1) + (size_t)h->types * 6 + h->names +
	       (size_t)h->leap * (width + 4) + h->standard + h->utc;
}

static int read_head(const uint8_t *data, size_t n, struct head *h)
{
	uint32_t *to = &h->utc;

	if (n < 44 || memcmp(data, "TZif", 4) != 0 || data[4] < '2')
		return -EINVAL;
	for (unsigned i = 0; i < 6; i++) {
		int64_t v = big(data + 20 + 4 * i, 4);

		if (v < 0 || v > 100000)
			return -EINVAL;
		to[i] = (uint32_t)v;
	}
	return 0;
}

static int read_body(struct cp_zone *z, const uint8_t *p, const struct head *h)
{
	const uint8_t *type = p + (size_t)h->times * 8, *types = type + h->times;

	if (!h->types)
		return -EINVAL;
	z->at = calloc(h->times + 1u, sizeof(*z->at));
	z->offset = calloc(h->times + 1u, sizeof(*z->offset));
	if (!z->at || !z->offset)
		return -ENOMEM;
	z->before = (int32_t)big(types, 4);
	for (uint32_t i = 0; i < h->times; i++) {
		if (type[i] >= h->types)
			return -EINVAL;
		z->at[i] = big(p + (size_t)i * 8, 8);
		z->offset[i] = (int32_t)big(types + type[i] * 6u, 4);
		if (z->offset[i] < -93600 || z->offset[i] > 93600 ||
			(i && z->at[i] <= z->at[i - 1]))
			return -EINVAL;
	}
	z->count = h->times;
	return z->before < -93600 || z->before > 93600 ? -EINVAL : 0;
}

// The data of 64 bits stand behind those of 32, and the footer behind them.
static int parse(struct cp_zone *z, const uint8_t *data, size_t n)
{
	char footer[128];
	struct head h;
	size_t size, length;
	int err = read_head(data, n, &h);

	if (err)
		return err;
	size = 44 + body_size(&h, 4);
	if (size > n)
		return -EINVAL;
	data += size;
	n -= size;
	err = read_head(data, n, &h);
	if (err)
		return err;
	size = 44 + body_size(&h, 8);
	if (size > n)
		return -EINVAL;
	err = read_body(z, data + 44, &h);
	if (err)
		return err;
	data += size;
	n -= size;
	if (n < 3 || data[0] != '\n')
		return 0;
	for (length = 0; length + 1 < n && data[length + 1] != '\n';)
		length++;
	if (!length || length >= sizeof(footer))
		return 0;
	memcpy(footer, data + 1, length);
	footer[length] = 0;
	read_footer(z, footer);
	return 0;
}

int cp_zone_parse(struct cp_zone **out, const uint8_t *data, size_t n)
{
	struct cp_zone *z = calloc(1, sizeof(*z));
	int err = z ? parse(z, data, n) : -ENOMEM;

	if (err)
		cp_zone_free(z);
	else
		*out = z;
	return err;
}

int cp_zone_load(struct cp_zone **out, const char *name)
{
	char path[128];
	uint8_t *data;
	size_t used = 0;
	ssize_t n = 0;
	int fd, err;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
	fd = open(*name ? path : "/etc/localtime", O_RDONLY | O_CLOEXEC);
	if (fd < 0 && !*name) {
		*out = NULL; // UTC
		return 0;
	}
	if (fd < 0)
		return -errno;
	data = malloc(MOST);
	while (data && used < MOST && (n = read(fd, data + used, MOST - used)) > 0)
		used += (size_t)n;
	err = !data ? -ENOMEM : n < 0 ? -errno : 0;
	close(fd);
	if (!err)
		err = cp_zone_parse(out, data, used);
	free(data);
	return err;
}

void cp_zone_free(struct cp_zone *zone)
{
	if (!zone)
		return;
	free(zone->at);
	free(zone->offset);
	free(zone);
}

int32_t cp_zone_offset(const struct cp_zone *z, int64_t t)
{
	uint32_t low = 0, high;

	if (!z)
		return 0;
	high = z->count;
	if (z->has_footer && (!high || t >= z->at[high - 1]))
		return footer_offset(z, t);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (z->at[middle] <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? z->offset[low - 1] : z->before;
}

void cp_zone_local(const struct cp_zone *z, int64_t t, struct cp_local *out)
{
	int32_t offset = cp_zone_offset(z, t);
	int64_t days = floor_div(t + offset, DAY_S), start = days * DAY_S;

	date_of(days, &out->year, &out->month, &out->day);
	out->weekday = weekday_of(days);
	out->minute = (unsigned)((t + offset - start) / 60);
	// Midnight may have had another offset, on the day of a change.
	out->day_start = start - cp_zone_offset(z, start - offset);
}
