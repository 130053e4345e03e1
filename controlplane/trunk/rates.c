// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/rates.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/trunk/csv.h"
#include "controlplane/trunk/prefix.h"

#define SEEN 4096u // rates that were seen lately: tables repeat few of them

struct cp_rates {
	struct cp_prefixes *prefixes; // to an index of rates
	struct cp_rate *rates;
	uint32_t entries, count, size;
};

struct loader {
	struct cp_csv csv;
	struct cp_rates *rates;
	struct cp_prefix *list;
	uint32_t *lines;
	uint32_t *rate_of;   // of each entry
	uint32_t seen[SEEN]; // 1 + index
	struct cfg_error *error;
};

static int read_seconds(struct loader *l, unsigned field, const char *what, uint32_t *to)
{
	const char *text = l->csv.fields > field ? l->csv.field[field] : "";
	unsigned long n = 0;

	if (!*text)
		return 0;
	for (const char *p = text; *p; p++) {
		if (!isdigit((unsigned char)*p) || n > 100000)
			return cp_csv_fail(&l->csv, l->error,
				"%s: expected seconds from 1 to 86400, found \"%.40s\"", what,
				text);
		n = n * 10 + (unsigned)(*p - '0');
	}
	if (n < 1 || n > 86400)
		return cp_csv_fail(&l->csv, l->error,
			"%s: expected seconds from 1 to 86400, found \"%.40s\"", what, text);
	*to = (uint32_t)n;
	return 0;
}

static int read_money(struct loader *l, unsigned field, const char *what, int64_t *to)
{
	const char *text = l->csv.field[field];

	if (cfg_micro_parse(text, to))
		return cp_csv_fail(&l->csv, l->error,
			"%s: expected an amount of money such as 0.0125, found \"%.40s\"", what,
			text);
	return 0;
}

static int read_prefix(struct loader *l, struct cp_prefix *p)
{
	const char *text = l->csv.field[0];

	if (*text == '+')
		text++;
	p->text = text;
	p->length = (uint32_t)strlen(text);
	if (p->length < 1 || p->length > 18 || strspn(text, "0123456789") != p->length ||
		*text == '0')
		return cp_csv_fail(&l->csv, l->error,
			"prefix: expected the first digits of an E.164 number such as 4930, found "
			"\"%.40s\"",
			l->csv.field[0]);
	return 0;
}

static int add_rate(struct cp_rates *r, const struct cp_rate *rate)
{
	if (r->count == r->size) {
		uint32_t size = r->size ? r->size * 2 : 256;
		struct cp_rate *rates = realloc(r->rates, size * sizeof(*rates));

		if (!rates)
			return -ENOMEM;
		r->rates = rates;
		r->size = size;
	}
	r->rates[r->count++] = *rate;
	return 0;
}

static int take_rate(struct loader *l, const struct cp_rate *rate, uint32_t *index)
{
	uint64_t h = ((uint64_t)rate->minute * 0x9e3779b97f4a7c15ull) ^
		     ((uint64_t)rate->connect * 0xc2b2ae3d27d4eb4full) ^ rate->first * 31u ^
		     rate->next;
	uint32_t *seen = &l->seen[(h ^ h >> 29) % SEEN];
	int err;

	if (*seen && memcmp(&l->rates->rates[*seen - 1], rate, sizeof(*rate)) == 0) {
		*index = *seen - 1;
		return 0;
	}
	err = add_rate(l->rates, rate);
	*index = l->rates->count - 1;
	*seen = l->rates->count;
	return err;
}

static int read_line(struct loader *l)
{
	struct cp_rates *r = l->rates;
	struct cp_rate rate = {.first = 1, .next = 1};
	struct cp_prefix *p = &l->list[r->entries];
	int err;

	if (l->csv.fields < 2 || l->csv.fields > 5)
		return cp_csv_fail(&l->csv, l->error,
			"expected prefix,rate[,connect[,first[,next]]], found %u fields",
			l->csv.fields);
	err = read_prefix(l, p);
	if (!err)
		err = read_money(l, 1, "rate", &rate.minute);
	if (!err && l->csv.fields > 2 && *l->csv.field[2])
		err = read_money(l, 2, "connect", &rate.connect);
	if (!err)
		err = read_seconds(l, 3, "first", &rate.first);
	if (!err)
		err = read_seconds(l, 4, "next", &rate.next);
	if (!err)
		err = take_rate(l, &rate, &l->rate_of[r->entries]);
	p->value = r->entries;
	l->lines[r->entries++] = l->csv.line;
	return err;
}

static int index_prefixes(struct loader *l)
{
	struct cp_rates *r = l->rates;
	uint32_t twice[2] = {0, 0};
	int err = cp_prefixes_new(&r->prefixes, l->list, r->entries, NULL, twice);

	if (err == -EEXIST) {
		l->csv.line = l->lines[twice[1]];
		return cp_csv_fail(&l->csv, l->error,
			"prefix: expected each once, found %s in line %u too",
			l->list[twice[1]].text, l->lines[twice[0]]);
	}
	if (!err)
		cp_prefixes_translate(r->prefixes, l->rate_of);
	return err;
}

static int load(struct loader *l)
{
	size_t lines = cp_csv_lines(&l->csv);
	int err;

	l->list = malloc((lines + 1) * sizeof(*l->list));
	l->lines = malloc((lines + 1) * sizeof(*l->lines));
	l->rate_of = malloc((lines + 1) * sizeof(*l->rate_of));
	if (!l->list || !l->lines || !l->rate_of)
		return -ENOMEM;
	while ((err = cp_csv_next(&l->csv, l->error)) > 0) {
		err = read_line(l);
		if (err)
			break;
	}
	return err ? err : index_prefixes(l);
}

// Takes l->csv over.
static int finish(struct loader *l, struct cp_rates **out)
{
	int err = -ENOMEM;

	l->rates = calloc(1, sizeof(*l->rates));
	if (l->rates)
		err = load(l);
	if (err == -ENOMEM)
		snprintf(l->error->text, sizeof(l->error->text), "%.200s: no memory left for it",
			l->csv.file);
	cp_csv_close(&l->csv);
	free(l->list);
	free(l->lines);
	free(l->rate_of);
	if (err)
		cp_rates_free(l->rates);
	else
		*out = l->rates;
	free(l);
	return err;
}

static struct loader *loader_new(const char *file, struct cfg_error *error)
{
	struct loader *l = calloc(1, sizeof(*l));

	if (l)
		l->error = error;
	else
		snprintf(error->text, sizeof(error->text), "%.200s: no memory left for it", file);
	return l;
}

int cp_rates_load(struct cp_rates **out, const char *file, struct cfg_error *error)
{
	struct loader *l = loader_new(file, error);
	int err = l ? cp_csv_open(&l->csv, file, error) : -ENOMEM;

	if (!err)
		return finish(l, out);
	free(l);
	return err;
}

int cp_rates_parse(struct cp_rates **out, const char *file, const void *text, size_t size,
	struct cfg_error *error)
{
	struct loader *l = loader_new(file, error);
	int err = l ? cp_csv_parse(&l->csv, file, text, size, error) : -ENOMEM;

	if (!err)
		return finish(l, out);
	free(l);
	return err;
}

void cp_rates_free(struct cp_rates *rates)
{
	if (!rates)
		return;
	cp_prefixes_free(rates->prefixes);
	free(rates->rates);
	free(rates);
}

const struct cp_rate *cp_rates_find(const struct cp_rates *rates, struct sip_slice number)
{
	uint32_t at;

	if (!rates || !number.n)
		return NULL;
	// Without "+" it may be an international number written plainly; one with a national prefix or a
	// short code is not.
	if (number.p[0] == '+')
		number = sip_slice_from(number, 1);
	else if (number.n < 8)
		return NULL;
	at = cp_prefixes_longest(rates->prefixes, number.p, number.n);
	return at == CP_PREFIX_NONE ? NULL : &rates->rates[at];
}

int64_t cp_rate_cost(const struct cp_rate *rate, uint64_t duration_ms)
{
	uint64_t seconds = duration_ms / 1000 + (duration_ms % 1000 != 0), billed = rate->first;

	if (!duration_ms)
		return 0;
	if (seconds > rate->first)
		billed += (seconds - rate->first + rate->next - 1) / rate->next * rate->next;
	return rate->connect + (rate->minute * (int64_t)billed + 30) / 60;
}

size_t cp_rates_count(const struct cp_rates *rates)
{
	return rates->entries;
}

size_t cp_rates_bytes(const struct cp_rates *rates)
{
	return sizeof(*rates) + cp_prefixes_bytes(rates->prefixes) +
	       rates->size * sizeof(*rates->rates);
}
