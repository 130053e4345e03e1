// SPDX-License-Identifier: BSD-3-Clause
// Writes a capture for net_pcap's infinite_rx=1: RTP packets to the ports of a file of flows.
//
//   rtp_pcap --flows FILE --packets N --output FILE [--random SEED] [--relay-mac MAC] [--checksum]
//            [--every N] [--step N]
//
// In order, packet i belongs to flow i modulo their number; with --random every round over all
// flows has an order of its own, so that no look-up can be foreseen. --every 2 takes each second
// flow of the file only (one direction of each call). Sequence numbers of a flow grow by --step,
// default 1: with 32 packets a flow and steps of 2048 the capture can be sent again and again and
// its sequence numbers still go on, as far as RFC 3550 A.1 is concerned.
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/rtp_frame.h"

struct options {
	const char *flows;
	const char *output;
	uint64_t packets;
	uint64_t seed; // 0: in order
	uint8_t relay_mac[6];
	uint32_t every;
	uint32_t step;
	bool checksum;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void shuffle(uint32_t *order, size_t count, uint64_t *state)
{
	for (size_t i = count - 1; i > 0; i--) {
		size_t j = next_random(state) % (i + 1);
		uint32_t kept = order[i];

		order[i] = order[j];
		order[j] = kept;
	}
}

static bool write_packets(FILE *out, const struct options *options, const struct flow *flows,
	size_t count, uint32_t *order)
{
	static const uint8_t source_mac[6] = {2, 0, 0, 0, 0, 2};
	uint8_t frame[FRAME_SIZE];
	uint64_t state = options->seed;

	for (uint64_t i = 0; i < options->packets; i++) {
		uint32_t header[4] = {
			(uint32_t)(i / 1000000), (uint32_t)(i % 1000000), FRAME_SIZE, FRAME_SIZE};
		uint32_t flow;

		if (options->seed && i % count == 0)
			shuffle(order, count, &state);
		flow = order[i % count];
		frame_build(frame, &flows[flow], flow, source_mac, options->relay_mac);
		frame_serial(frame, (uint32_t)(i / count) * options->step);
		if (options->checksum)
			frame_checksum(frame);
		if (fwrite(header, sizeof(header), 1, out) != 1 ||
			fwrite(frame, sizeof(frame), 1, out) != 1)
			return false;
	}
	return true;
}

static bool parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"flows", required_argument, NULL, 'f'},
		{"output", required_argument, NULL, 'o'},
		{"packets", required_argument, NULL, 'n'},
		{"random", required_argument, NULL, 'r'},
		{"relay-mac", required_argument, NULL, 'm'},
		{"checksum", no_argument, NULL, 'c'},
		{"every", required_argument, NULL, 'e'},
		{"step", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'f':
			options->flows = optarg;
			break;
		case 'o':
			options->output = optarg;
			break;
		case 'n':
			options->packets = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			options->seed = strtoull(optarg, NULL, 10);
			break;
		case 'm':
			if (!mac_parse(options->relay_mac, optarg))
				return false;
			break;
		case 'e':
			options->every = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			options->step = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			options->checksum = true;
			break;
		default:
			return false;
		}
	}
	return options->flows && options->output && options->packets && options->every;
}

int main(int argc, char **argv)
{
	static const uint32_t head[6] = {0xa1b2c3d4u, 2u | 4u << 16, 0, 0, 65535, 1};
	struct options options = {.relay_mac = {2, 0, 0, 0, 0, 1}, .every = 1, .step = 1};
	struct flow *flows = NULL;
	uint32_t *order = NULL;
	FILE *out = NULL;
	size_t count = 0;
	int code = 1;

	if (!parse(&options, argc, argv)) {
		fprintf(stderr, "usage: rtp_pcap --flows FILE --packets N --output FILE "
				"[--random SEED] [--relay-mac MAC] [--checksum] "
				"[--every N] [--step N]\n");
		return 2;
	}
	flows = flows_read(options.flows, &count);
	if (!flows || !count)
		goto out;
	order = malloc(count * sizeof(*order));
	out = fopen(options.output, "w");
	if (!order || !out)
		goto out;
	count = (count + options.every - 1) / options.every;
	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i * options.every;
	if (fwrite(head, sizeof(head), 1, out) == 1 &&
		write_packets(out, &options, flows, count, order))
		code = 0;
out:
	if (out && fclose(out) != 0)
		code = 1;
	if (code)
		perror("rtp_pcap");
	free(order);
	free(flows);
	return code;
}
