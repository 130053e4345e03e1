// SPDX-License-Identifier: BSD-3-Clause
// Looks up numbers in a table of prefixes: ours, and a sorted array with binary search, on the same numbers in
// the same order, in turn. Prints one JSON object.
//
//     route_bench PREFIXES ROUNDS DIRECTORY
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/trunk/rates.h"
#include "controlplane/trunk/route.h"

#define NUMBERS (1u << 20)
#define LOOKS   2000000u
#define DIGITS  16u

struct entry {
	char prefix[DIGITS];
	int32_t parent; // the longest shorter prefix of it, -1: none
};

static uint64_t seed = 88172645463325252ull;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); // other work shares the core
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t resident(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %zu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

// As numbering plans are: a country, an area, a block, some of them cut finer than others.
static unsigned draw_digits(char *out, unsigned least, unsigned spread)
{
	static const char *const countries[] = {"1", "44", "49", "33", "39", "7", "86", "91", "55",
		"61", "81", "34", "48", "420", "353", "971", "254"};
	const char *country = countries[draw() % (sizeof(countries) / sizeof(countries[0]))];
	unsigned n = (unsigned)strlen(country), length = n + least + (unsigned)(draw() % spread);

	memcpy(out, country, n);
	for (; n < length; n++)
		out[n] = (char)('0' + draw() % 10);
	out[n] = 0;
	return n;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->prefix, ((const struct entry *)b)->prefix);
}

static size_t make(struct entry *table, size_t wanted)
{
	size_t n = 0;

	while (n < wanted) {
		for (; n < wanted; n++)
			draw_digits(table[n].prefix, 4, 6);
		qsort(table, n, sizeof(*table), compare);
		wanted = n;
		n = 0;
		for (size_t i = 0; i < wanted; i++)
			if (!n || strcmp(table[n - 1].prefix, table[i].prefix) != 0)
				table[n++] = table[i];
		if (n > wanted * 99 / 100)
			break;
	}
	return n;
}

static bool is_prefix(const char *prefix, const char *of)
{
	return strncmp(prefix, of, strlen(prefix)) == 0;
}

static void link_parents(struct entry *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int32_t p = (int32_t)i - 1;

		while (p >= 0 && !is_prefix(table[p].prefix, table[i].prefix))
			p = table[p].parent;
		table[i].parent = p;
	}
}

static int32_t search(const struct entry *table, size_t n, const char *number)
{
	size_t low = 0, high = n;
	int32_t p;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(table[middle].prefix, number) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (p = (int32_t)low - 1; p >= 0 && !is_prefix(table[p].prefix, number);)
		p = table[p].parent;
	return p;
}

static int write_table(const struct entry *table, size_t n, const char *file, const char *what)
{
	FILE *f = fopen(file, "w");

	if (!f)
		return -1;
	fprintf(f, "prefix,%s\n", what);
	for (size_t i = 0; i < n; i++)
		if (strcmp(what, "peer") == 0)
			fprintf(f, "+%s,%s\n", table[i].prefix, i % 3 ? "a" : "b");
		else
			fprintf(f, "%s,%u.%04u\n", table[i].prefix, (unsigned)(i % 2),
				(unsigned)(i * 7 % 5000));
	return fclose(f);
}

static struct cp_routes *load_routes(const char *file, struct cfg **cfg, double *seconds)
{
	static const char head[] = "media: {m: {device: e, address: 192.0.2.1}}\n"
				   "sip: {listen: [udp:192.0.2.1]}\npeers:\n"
				   "  office: {kind: trunk, address: 10.0.0.1}\n"
				   "  a: {kind: trunk, address: 10.0.0.2}\n"
				   "  b: {kind: trunk, address: 10.0.0.3}\nroutes:\n";
	struct cfg_error error;
	struct cp_routes *routes;
	char text[1024];
	double begin;

	snprintf(text, sizeof(text), "%s  - {from: office, table: %s}\n", head, file);
	if (cfg_parse(cfg, "bench", text, strlen(text), &error)) {
		fprintf(stderr, "%s\n", error.text);
		return NULL;
	}
	begin = now();
	if (cp_routes_new(*cfg, &routes, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return NULL;
	}
	*seconds = now() - begin;
	return routes;
}

static double measure_rates(const struct cp_rates *rates, char (*numbers)[DIGITS], uint64_t *sum)
{
	double begin = now();

	for (unsigned i = 0; i < LOOKS; i++) {
		const char *number = numbers[i % NUMBERS];
		const struct cp_rate *r = cp_rates_find(rates, sip_slice(number, strlen(number)));

		*sum += r ? (uint64_t)r->minute : 0;
	}
	return (now() - begin) / LOOKS * 1e9;
}

static double measure_peer(
	const struct entry *table, size_t n, char (*numbers)[DIGITS], uint64_t *sum)
{
	double begin = now();

	for (unsigned i = 0; i < LOOKS; i++) {
		int32_t at = search(table, n, numbers[i % NUMBERS] + 1);

		*sum += (uint64_t)(at + 1);
	}
	return (now() - begin) / LOOKS * 1e9;
}

static double measure_routes(const struct cp_routes *routes, char (*numbers)[DIGITS], uint64_t *sum)
{
	struct cp_route_query q = {.now = 1700000000};
	static struct cp_choice choice;
	double begin = now();

	for (unsigned i = 0; i < LOOKS / 4; i++) {
		const char *number = numbers[i % NUMBERS];

		q.number = sip_slice(number, strlen(number));
		cp_routes_choose(routes, &q, &choice, NULL, NULL);
		*sum += choice.count;
	}
	return (now() - begin) / (LOOKS / 4) * 1e9;
}

// The same answer from both, or the figures mean nothing.
static bool agree(
	const struct cp_rates *rates, const struct entry *table, size_t n, char (*numbers)[DIGITS])
{
	for (unsigned i = 0; i < 100000; i++) {
		const char *number = numbers[i];
		const struct cp_rate *r = cp_rates_find(rates, sip_slice(number, strlen(number)));
		int32_t at = search(table, n, number + 1);

		if ((r == NULL) != (at < 0))
			return false;
		if (r && r->minute != (int64_t)(at % 2) * 1000000 + (int64_t)at * 7 % 5000 * 100)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	size_t wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000, n, before;
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	const char *directory = argc > 3 ? argv[3] : "/tmp";
	struct entry *table = calloc(wanted, sizeof(*table));
	char(*numbers)[DIGITS] = calloc(NUMBERS, sizeof(*numbers));
	char rates_file[256], routes_file[256];
	double begin, load, routes_load = 0;
	struct cfg_error error;
	struct cp_routes *routes;
	struct cp_rates *rates;
	struct cfg *cfg;
	uint64_t sum = 0;

	snprintf(rates_file, sizeof(rates_file), "%s/rates.csv", directory);
	snprintf(routes_file, sizeof(routes_file), "%s/routes.csv", directory);
	if (!table || !numbers)
		return 1;
	n = make(table, wanted);
	link_parents(table, n);
	for (unsigned i = 0; i < NUMBERS; i++) {
		numbers[i][0] = '+';
		draw_digits(numbers[i] + 1, 9, 3);
	}
	if (write_table(table, n, rates_file, "rate") || write_table(table, n, routes_file, "peer"))
		return 1;
	before = resident();
	begin = now();
	if (cp_rates_load(&rates, rates_file, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	load = now() - begin;
	before = resident() - before;
	routes = load_routes(routes_file, &cfg, &routes_load);
	if (!routes || !agree(rates, table, n, numbers)) {
		fprintf(stderr, "the tables do not agree\n");
		return 1;
	}
	printf("{\"prefixes\": %zu, \"load_s\": %.3f, \"bytes\": %zu, \"resident\": %zu, "
	       "\"peer_bytes\": %zu, \"routes_load_s\": %.3f, \"rounds\": [",
		n, load, cp_rates_bytes(rates), before, n * sizeof(*table), routes_load);
	for (unsigned i = 0; i < rounds; i++)
		printf("%s{\"rates_ns\": %.1f, \"peer_ns\": %.1f, \"routes_ns\": %.1f}",
			i ? ", " : "", measure_rates(rates, numbers, &sum),
			measure_peer(table, n, numbers, &sum),
			measure_routes(routes, numbers, &sum));
	printf("], \"sum\": %" PRIu64 "}\n", sum);
	cp_routes_free(routes);
	cp_rates_free(rates);
	cfg_free(cfg);
	free(numbers);
	free(table);
	return 0;
}
