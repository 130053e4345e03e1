// SPDX-License-Identifier: BSD-3-Clause
// when: the times at which a route holds.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int cfg_read_zone(struct cfg_reader *r, const struct cfg_node *node, char *zone, size_t size)
{
	char path[96];
	int err = cfg_text(r, node, zone, size, "the name of a time zone, such as Europe/Berlin");

	if (err)
		return err;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	if (!zone[0] || zone[0] == '/' || strstr(zone, "..") || access(path, R_OK))
		return cfg_expected(r, node,
			"a time zone that this machine knows (package tzdata), such as "
			"Europe/Berlin");
	return 0;
}

// ---- days

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int day_of(const char *text, size_t n)
{
	for (unsigned i = 0; i < COUNT(day_names); i++)
		if (n >= 3 && strncasecmp(text, day_names[i], 3) == 0)
			return (int)i;
	return -1;
}

// "mon", "mon-fri", "sat-mon"
static int read_day(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] = "a weekday or a span of them, such as mon or mon-fri";
	struct cfg_when *w = to;
	const char *text = node->kind == CFG_NODE_TEXT ? node->text : "", *dash = strchr(text, '-');
	size_t n = dash ? (size_t)(dash - text) : strlen(text);
	int first = day_of(text, n), last = dash ? day_of(dash + 1, strlen(dash + 1)) : first;

	if (first < 0 || last < 0)
		return cfg_expected(r, node, expected);
	for (int d = first;; d = (d + 1) % 7) {
		w->days |= (uint8_t)(1u << d);
		if (d == last)
			return 0;
	}
}

static int read_days(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	((struct cfg_when *)to)->days = 0;
	return cfg_each(r, node, "a weekday or a list of them", read_day, to);
}

// ---- hours

static const char *minutes_of(const char *text, int16_t *minutes)
{
	unsigned hour, minute;

	for (unsigned i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : !isdigit((unsigned char)text[i]))
			return NULL;
	hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
	if (minute > 59 || hour > 24 || (hour == 24 && minute))
		return NULL;
	*minutes = (int16_t)(hour * 60 + minute);
	return text + 5;
}

static int read_hours(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char expected[] =
		"a span of the day, such as \"08:00-18:30\" or \"22:00-06:00\"";
	struct cfg_when *w = to;
	const char *text = node->kind == CFG_NODE_TEXT ? node->text : "";
	const char *p = minutes_of(text, &w->from);

	if (!p || *p != '-')
		return cfg_expected(r, node, expected);
	p = minutes_of(p + 1, &w->to);
	if (!p || *p || w->from == w->to)
		return cfg_expected(r, node, expected);
	return 0;
}

// ---- dates

// "2026-12-24" or, of every year, "12-24"
static int read_date(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_when *w = to;
	unsigned year = 0, month, day;
	int end = 0;
	const char *text = node->kind == CFG_NODE_TEXT ? node->text : "";
	bool ok = sscanf(text, "%4u-%2u-%2u%n", &year, &month, &day, &end) == 3 && end == 10;

	if (!ok) {
		year = 0;
		ok = sscanf(text, "%2u-%2u%n", &month, &day, &end) == 2 && end == 5;
	}
	if (!ok || text[end] || month < 1 || month > 12 || day < 1 || day > 31)
		return cfg_expected(r, node, "a date such as 2026-12-24, or 12-24 of every year");
	w->dates[w->date_count].year = (int16_t)year;
	w->dates[w->date_count].month = (uint8_t)month;
	w->dates[w->date_count++].day = (uint8_t)day;
	return 0;
}

static int read_dates(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_when *w = to;

	if (cfg_count(node) > COUNT(w->dates))
		return cfg_fail(r, node, "expected at most %zu dates, found %u", COUNT(w->dates),
			cfg_count(node));
	return cfg_each(r, node, "a date or a list of dates", read_date, w);
}

static int read_when_zone(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_when *w = to;

	return cfg_read_zone(r, node, w->zone, sizeof(w->zone));
}

static int read_one(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"days", read_days},
		{"hours", read_hours},
		{"dates", read_dates},
		{"zone", read_when_zone},
	};
	struct cfg_route *route = to;
	struct cfg_when *w = &route->when[route->when_count++];

	w->days = CFG_EVERY_DAY;
	w->line = node->line;
	w->to = 24 * 60;
	return cfg_map(r, node, keys, COUNT(keys), w);
}

int cfg_read_when(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_route *route = to;

	if (cfg_count(node) > 32)
		return cfg_fail(r, node, "expected at most 32 times, found %u", cfg_count(node));
	route->when = calloc(cfg_count(node) + 1u, sizeof(*route->when));
	if (!route->when)
		return -ENOMEM;
	return cfg_each(
		r, node, "a time such as {days: mon-fri, hours: \"08:00-18:00\"}", read_one, route);
}
