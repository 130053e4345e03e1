// SPDX-License-Identifier: BSD-3-Clause
// Calls whose two sides have different codecs: each party sends real packets of its codec, 50 a second, and what
// arrives for it is counted.
//
//   transcode_load --interface l0 --flows FILE --relay-mac MAC --party-mac MAC --codecs A:TYPE,B:TYPE --seconds S
//                  [--warmup S] [--cpu-of PID] [--srtp SUITE,SUITE]
//
// Flows of even number are the callers', who have codec A, those of odd number the callees' (rtp_frame.h). One
// thread sends by AF_PACKET, a twentieth of the flows each millisecond, and counts what the relay sends. Parties with a
// suite (numbers of enum abi_srtp_suite, 0: none) send SRTP under the keys of srtp_keys.h. CPU time
// is that of the process --cpu-of, and apart that of its threads named transcoder-*. Prints one JSON object.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/codec/codec.h"
#include "dataplane/media/srtp.h"
#include "tests/bench/rtp_frame.h"
#include "tests/bench/srtp_keys.h"

#define PACKETS  200u
#define SLICES   20u // of a packet time
#define BATCH    64u
#define SNAP     128u
#define FIRST    10000u
#define MAX_CALL 20000u
#define ROOM     (FRAME_PAYLOAD + 512u + SRTP_TAIL)

struct party {
	unsigned codec, type, duration, suite, tag;
	uint16_t length[PACKETS];
	uint8_t payload[PACKETS][512];
};

struct options {
	const char *interface, *flows;
	uint8_t relay_mac[6], party_mac[6];
	double seconds, warmup;
	int cpu_of;
};

struct load {
	struct options o;
	struct party party[2];
	struct flow *flows;
	size_t count;
	int send, receive;
	uint8_t *frames; // ROOM each
	struct srtp_engine *engine;
	struct srtp_context **keys; // of each flow; NULL: RTP
	uint32_t serial;
	uint64_t sent[2], received[2], octets[2], gaps[2], refused;
	uint16_t *last_seq;
	uint8_t *seen;
	bool measuring;
};

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "transcode_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// ---- what parties say

static void make_party(struct party *p)
{
	const struct codec_name *name = codec_by_id(p->codec);
	int16_t pcm[CODEC_MAX_PCM];
	struct codec_encoder *encoder;
	struct codec_format format;
	double phase = 0;
	unsigned samples;

	if (!name)
		give_up("no such codec");
	codec_format_init(&format, name);
	format.ptime = 20;
	if (codec_encoder_open(&encoder, &format, format.sample_rate))
		give_up("a codec cannot be opened");
	samples = format.sample_rate / 50;
	p->duration = format.rtp_clock / 50;
	for (unsigned i = 0; i < PACKETS; i++) {
		int n;

		for (unsigned k = 0; k < samples; k++) {
			double t = (double)(i * samples + k) / format.sample_rate, v = 0;

			phase += 2 * M_PI * (120 + 30 * sin(4.4 * t)) / format.sample_rate;
			for (unsigned h = 1; h < 12; h++)
				v += sin(h * phase) / h;
			pcm[k] = (int16_t)(5000 * fabs(sin(10.7 * t)) * v);
		}
		n = codec_encode(encoder, pcm, samples, p->payload[i], sizeof(p->payload[i]));
		p->length[i] = (uint16_t)(n < 0 ? 0 : n);
	}
	codec_encoder_close(encoder);
}

// ---- packets

static uint16_t ip_sum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

static size_t fill(struct load *l, size_t flow)
{
	const struct party *p = &l->party[flow % 2];
	uint8_t *f = l->frames + flow * ROOM;
	unsigned at = l->serial % PACKETS, size = p->length[at] + p->tag;
	uint16_t ip_length = htons((uint16_t)(40 + size)), udp_length = htons((uint16_t)(20 + size)),
		 seq = htons((uint16_t)l->serial), sum;
	uint32_t timestamp = htonl(l->serial * p->duration);

	memcpy(f + FRAME_IP + 2, &ip_length, 2);
	memset(f + FRAME_IP + 10, 0, 2);
	sum = ip_sum(f + FRAME_IP);
	memcpy(f + FRAME_IP + 10, &sum, 2);
	memcpy(f + FRAME_UDP + 4, &udp_length, 2);
	f[FRAME_RTP + 1] = (uint8_t)p->type;
	memcpy(f + FRAME_RTP + 2, &seq, 2);
	memcpy(f + FRAME_RTP + 4, &timestamp, 4);
	memcpy(f + FRAME_PAYLOAD, p->payload[at], p->length[at]);
	if (l->keys[flow]) {
		struct srtp_packet packet = {.context = l->keys[flow],
			.data = f + FRAME_RTP,
			.length = (uint16_t)(FRAME_PAYLOAD - FRAME_RTP + p->length[at])};

		srtp_burst_protect(l->engine, &packet, 1);
		if (packet.verdict != SRTP_OK || packet.length != FRAME_PAYLOAD - FRAME_RTP + size)
			give_up("SRTP");
	}
	return FRAME_PAYLOAD + size;
}

static void send_some(struct load *l, size_t first, size_t end)
{
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];

	while (first < end) {
		unsigned n = 0;
		int done;

		for (; n < BATCH && first + n < end; n++) {
			parts[n] = (struct iovec){
				.iov_base = l->frames + (first + n) * ROOM,
				.iov_len = fill(l, first + n)};
			messages[n] = (struct mmsghdr){
				.msg_hdr = {.msg_iov = &parts[n], .msg_iovlen = 1}};
		}
		done = sendmmsg(l->send, messages, n, 0);
		if (done <= 0) {
			l->refused++;
			if (errno != ENOBUFS && errno != EAGAIN)
				give_up("send");
			return;
		}
		for (int i = 0; i < done && l->measuring; i++)
			l->sent[(first + (size_t)i) % 2]++;
		first += (size_t)done;
	}
}

static void count(struct load *l, const uint8_t *f, size_t size)
{
	unsigned port, leg, call;
	uint16_t seq;
	size_t flow;

	if (size < FRAME_PAYLOAD || memcmp(f, l->o.party_mac, 6) != 0 || f[FRAME_IP + 9] != 17)
		return;
	port = (unsigned)f[FRAME_UDP + 2] << 8 | f[FRAME_UDP + 3];
	leg = f[FRAME_IP + 18] == 2; // 10.98.2.x are callees
	if (port < FIRST || (port - FIRST) % 2)
		return; // RTCP
	call = (port - FIRST) / 2;
	flow = call * 2 + leg;
	if (flow >= l->count)
		return;
	seq = (uint16_t)(f[FRAME_RTP + 2] << 8 | f[FRAME_RTP + 3]);
	if (l->measuring) {
		l->received[leg]++;
		l->octets[leg] += size - FRAME_PAYLOAD;
		if (l->seen[flow] && (uint16_t)(seq - l->last_seq[flow]) != 1)
			l->gaps[leg]++;
	}
	l->seen[flow] = 1;
	l->last_seq[flow] = seq;
}

static void take(struct load *l)
{
	static uint8_t bytes[BATCH][SNAP];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	int n;

	do {
		for (unsigned i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = SNAP};
			messages[i] = (struct mmsghdr){
				.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
		}
		n = recvmmsg(l->receive, messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
		for (int i = 0; i < n; i++)
			count(l, bytes[i], messages[i].msg_len < SNAP ? messages[i].msg_len : SNAP);
	} while (n == (int)BATCH);
}

// ---- CPU time of a process: all of it, and its transcoders'

static void cpu_of(int pid, uint64_t *all, uint64_t *transcoders)
{
	char path[320], name[32];
	unsigned long long ns;
	struct dirent *entry;
	DIR *tasks;

	*all = *transcoders = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid, entry->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%llu", &ns) != 1)
			ns = 0;
		fclose(f);
		*all += ns;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", pid, entry->d_name);
		f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && strncmp(name, "transcoder", 10) == 0)
			*transcoders += ns;
		if (f)
			fclose(f);
	}
	if (tasks)
		closedir(tasks);
}

// ---- set-up

static int open_socket(const char *interface, int protocol)
{
	int fd = socket(AF_PACKET, SOCK_RAW, htons((uint16_t)protocol)), much = 64 << 20, one = 1;
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)protocol),
		.sll_ifindex = (int)if_nametoindex(interface)};

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		give_up(interface);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &much, sizeof(much));
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	return fd;
}

static bool parse(struct load *l, int argc, char **argv)
{
	static const struct option names[] = {{"interface", required_argument, NULL, 'i'},
		{"flows", required_argument, NULL, 'f'},
		{"relay-mac", required_argument, NULL, 'r'},
		{"party-mac", required_argument, NULL, 'p'},
		{"codecs", required_argument, NULL, 'c'}, {"seconds", required_argument, NULL, 's'},
		{"warmup", required_argument, NULL, 'w'}, {"cpu-of", required_argument, NULL, 'C'},
		{"srtp", required_argument, NULL, 'S'},
		{NULL, 0, NULL, 0}};
	struct options *o = &l->o;
	bool ok = true;
	int c;

	o->seconds = 5;
	while (ok && (c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'i':
			o->interface = optarg;
			break;
		case 'f':
			o->flows = optarg;
			break;
		case 'r':
			ok = mac_parse(o->relay_mac, optarg);
			break;
		case 'p':
			ok = mac_parse(o->party_mac, optarg);
			break;
		case 'c':
			ok = sscanf(optarg, "%u:%u,%u:%u", &l->party[0].codec, &l->party[0].type,
				     &l->party[1].codec, &l->party[1].type) == 4;
			break;
		case 's':
			o->seconds = atof(optarg);
			break;
		case 'S':
			ok = sscanf(optarg, "%u,%u", &l->party[0].suite, &l->party[1].suite) == 2;
			break;
		case 'w':
			o->warmup = atof(optarg);
			break;
		case 'C':
			o->cpu_of = atoi(optarg);
			break;
		default:
			ok = false;
		}
	}
	for (unsigned i = 0; i < 2; i++)
		ok = ok && (!l->party[i].suite || abi_suite_of(l->party[i].suite));
	return ok && o->interface && o->flows;
}

static void make_keys(struct load *l)
{
	const struct srtp_backend *backend = srtp_best();

	l->engine = backend->open();
	l->keys = calloc(l->count, sizeof(struct srtp_context *));
	if (!l->engine || !l->keys)
		give_up("memory");
	for (unsigned i = 0; i < 2; i++)
		if (l->party[i].suite)
			l->party[i].tag = abi_suite_of(l->party[i].suite)->rtp_tag;
	for (size_t i = 0; i < l->count; i++) {
		struct abi_srtp_key key = bench_key(l->party[i % 2].suite, (unsigned)(i / 2));

		if (key.suite && srtp_new(&l->keys[i], backend, &key, ABI_OUT))
			give_up("SRTP keys");
	}
}

static void prepare(struct load *l)
{
	l->flows = flows_read(l->o.flows, &l->count);
	if (!l->flows || l->count > 2 * MAX_CALL)
		exit(1);
	for (unsigned i = 0; i < 2; i++)
		make_party(&l->party[i]);
	make_keys(l);
	l->frames = calloc(l->count, ROOM);
	l->last_seq = calloc(l->count, sizeof(*l->last_seq));
	l->seen = calloc(l->count, 1);
	if (!l->frames || !l->last_seq || !l->seen)
		give_up("memory");
	for (size_t i = 0; i < l->count; i++) {
		uint8_t frame[FRAME_SIZE];

		frame_build(frame, &l->flows[i], (uint32_t)i, l->o.party_mac, l->o.relay_mac);
		memcpy(l->frames + i * ROOM, frame, FRAME_PAYLOAD);
	}
	l->send = open_socket(l->o.interface, 0);
	l->receive = open_socket(l->o.interface, ETH_P_IP);
}

// So many packet times, each in slices.
static void run(struct load *l, double seconds)
{
	uint64_t next = now_ns(), end = next + (uint64_t)(seconds * 1e9);

	while (next < end) {
		for (unsigned slice = 0; slice < SLICES; slice++) {
			struct timespec at;

			send_some(l, l->count * slice / SLICES, l->count * (slice + 1) / SLICES);
			take(l);
			next += 1000000000u / 50 / SLICES;
			at = (struct timespec){
				(time_t)(next / 1000000000u), (long)(next % 1000000000u)};
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		}
		l->serial++;
	}
	take(l);
}

int main(int argc, char **argv)
{
	static struct load l;
	uint64_t before[2] = {0}, after[2] = {0};

	if (!parse(&l, argc, argv)) {
		fputs("transcode_load: see the head of tests/bench/transcode_load.c\n", stderr);
		return 2;
	}
	prepare(&l);
	run(&l, l.o.warmup);
	l.measuring = true;
	if (l.o.cpu_of)
		cpu_of(l.o.cpu_of, &before[0], &before[1]);
	run(&l, l.o.seconds);
	if (l.o.cpu_of)
		cpu_of(l.o.cpu_of, &after[0], &after[1]);
	printf("{\"calls\": %zu, \"sent\": [%llu, %llu], \"received\": [%llu, %llu], \"octets\": "
	       "[%llu, "
	       "%llu], \"gaps\": [%llu, %llu], \"refused\": %llu, \"cpu_s\": %.4f, "
	       "\"transcoder_cpu_s\": %.4f}\n",
		l.count / 2, (unsigned long long)l.sent[0], (unsigned long long)l.sent[1],
		(unsigned long long)l.received[0], (unsigned long long)l.received[1],
		(unsigned long long)l.octets[0], (unsigned long long)l.octets[1],
		(unsigned long long)l.gaps[0], (unsigned long long)l.gaps[1],
		(unsigned long long)l.refused, (double)(after[0] - before[0]) / 1e9,
		(double)(after[1] - before[1]) / 1e9);
	return 0;
}
