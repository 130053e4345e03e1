// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/session_loader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/abi/counters.h"

void loader_add_stats(struct loader *l, const struct abi_session_report *report)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		const struct abi_leg_stats *s = &report->leg[leg];
		struct abi_leg_stats *t = &l->total[leg];

		t->packets += s->packets;
		t->octets += s->octets;
		t->sent_packets += s->sent_packets;
		t->lost += s->lost;
		t->duplicate += s->duplicate;
		t->out_of_order += s->out_of_order;
		t->dropped += s->dropped;
		t->strangers += s->strangers;
		l->silent_legs += !s->packets;
	}
}

void loader_print_totals(const struct loader *l)
{
	printf("{");
	for (unsigned leg = 0; leg < 2; leg++) {
		const struct abi_leg_stats *t = &l->total[leg];

		printf("\"leg%u\": {\"packets\": %" PRIu64 ", \"octets\": %" PRIu64
		       ", \"sent\": %" PRIu64 ", \"lost\": %u, \"duplicate\": %u, "
		       "\"out_of_order\": %u, \"dropped\": %u, \"strangers\": %u}, ",
			leg, t->packets, t->octets, t->sent_packets, t->lost, t->duplicate,
			t->out_of_order, t->dropped, t->strangers);
	}
	printf("\"silent_legs\": %u", l->silent_legs);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void loader_print_latencies(struct loader *l)
{
	uint32_t n = l->latencies;

	if (!n)
		return;
	qsort(l->latency_us, n, sizeof(*l->latency_us), compare_u32);
	printf(", \"reply_us\": {\"p50\": %u, \"p99\": %u, \"p99.9\": %u, \"max\": %u}",
		l->latency_us[n / 2], l->latency_us[(uint64_t)n * 99 / 100],
		l->latency_us[(uint64_t)n * 999 / 1000], l->latency_us[n - 1]);
	l->latencies = 0;
}

void loader_print_failures(struct loader *l)
{
	printf(", \"busy\": %u, \"failed\": %u", l->busy, l->failed);
	if (l->failed)
		printf(", \"first_error\": \"%s: %s, field %s\"", abi_msg_name(l->first_error_type),
			strerror(-l->first_error), abi_field_name(l->first_error_field));
	l->failed = l->busy = 0;
}

static void write_flow(FILE *out, const struct loader *l, uint32_t number, unsigned leg)
{
	const struct session *s = &l->sessions[number];
	char from[16], relay[16], to[16];
	uint8_t source[16], receiver[16];
	uint16_t source_port, receiver_port;

	loader_party(l, leg, number, source, &source_port);
	loader_party(l, !leg, number, receiver, &receiver_port);
	inet_ntop(AF_INET, source, from, sizeof(from));
	inet_ntop(AF_INET, s->ip[leg], relay, sizeof(relay));
	inet_ntop(AF_INET, receiver, to, sizeof(to));
	fprintf(out, "%s %u %s %u %s %u\n", from, source_port, relay, s->port[leg], to,
		receiver_port);
}

int loader_write_flows(const struct loader *l)
{
	FILE *out = fopen(l->flows, "w");

	if (!out)
		return -errno;
	for (uint32_t i = 0; i < l->count; i++) {
		if (!l->sessions[i].generation)
			continue;
		write_flow(out, l, i, 0);
		if (l->both)
			write_flow(out, l, i, 1);
	}
	return fclose(out) ? -errno : 0;
}

int loader_print_counters(const struct loader *l)
{
	struct abi_counter_table table;
	const char *comma = "";

	if (abi_counters_open(&table, (const uint8_t *)l->a + l->a->counter_offset,
		    l->a->counter_size, l->a->counters, l->a->workers + 1))
		return -EPROTO;
	printf("{");
	for (uint32_t i = 0; i < table.count; i++) {
		struct abi_counter c;
		uint64_t sum = 0;

		abi_counters_describe(&table, i, &c);
		for (uint32_t block = 0; block < table.blocks; block++) {
			bool agent = block == table.blocks - 1;

			if (agent == (c.scope == ABI_SCOPE_AGENT))
				sum += abi_counters_value(&table, i, block);
		}
		for (char *at = c.label; *at; at++) {
			if (*at == '"')
				*at = '\'';
		}
		printf("%s\"%s%s%s%s\": %" PRIu64, comma, c.name, *c.label ? "{" : "", c.label,
			*c.label ? "}" : "", sum);
		comma = ", ";
	}
	printf("}\n");
	return 0;
}
