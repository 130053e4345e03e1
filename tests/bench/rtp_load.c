// SPDX-License-Identifier: BSD-3-Clause
// Sends the RTP of many calls through a relay and takes it in again on the same interface: what was
// lost, what came doubled or changed its way, and how long each packet took.
//
//   rtp_load --interface l0 --flows FILE --relay-mac MAC --rate PPS --seconds S
//            [--warmup S] [--batch N] [--linger S] [--fifo PRIORITY] [--blast] [--sleepy]
//            [--cpu-of PID] [--junk FILE --junk-ratio N]
//
// One thread sends by AF_PACKET past the queueing discipline and empties a memory-mapped receive
// ring between two bursts. The time of arrival is the kernel's, taken when the packet reaches this
// interface, so that this thread's own scheduling does not count as the relay's delay. Party
// addresses are not set on the interface: the kernel drops what the ring has seen.
//
// With --junk FILE flows of that file are sent in turn with the others, as many as --junk-ratio
// says for each good packet. --cpu-of PID adds the CPU time of that process while it measured. --blast sends as fast as it can, --sleepy sleeps between packets. Prints "begin" and "end" around the
// measured time, for the one who counts CPU seconds, and then one JSON object.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/rtp_frame.h"

#define BATCH_MAX   64u
#define RING_FRAME  512u
#define RING_FRAMES 65536u
#define RING_BLOCK  (1u << 20)
#define SUB_BITS    6u // histogram: 64 steps to a power of two, 1.6 % wide
#define BUCKETS     (40u << SUB_BITS)

#define STALL_NS       100000u
#define SLEEP_LEAST_NS 80000u
#define SLEEP_EARLY_NS 20000u // spin for the rest: a timer is not that exact

struct options {
	const char *interface;
	const char *flows;
	const char *junk;
	uint8_t relay_mac[6];
	uint64_t rate; // packets a second over all flows, junk included
	double seconds;
	double warmup;
	double linger;
	unsigned batch;
	unsigned junk_ratio;
	int fifo;
	int cpu_of; // process, 0: none
	bool blast;
	bool sleepy;
};

struct load {
	struct options options;
	struct flow *flows;
	size_t flow_count;
	uint8_t *frames; // flow_count * FRAME_SIZE
	uint32_t *serials;
	struct flow *junk;
	size_t junk_count;
	uint8_t *junk_frames;

	int send_socket;
	int receive_socket;
	uint8_t *ring;
	size_t ring_size;
	unsigned ring_next;

	size_t next_flow;
	size_t next_junk;
	uint64_t turn; // packets built, junk included
	uint32_t phase;
	uint32_t magic; // of this run: what an earlier one left in the relay's queues is foreign

	uint64_t stalls;   // sends during which this thread lost its core
	uint64_t relay_ns; // CPU time of --cpu-of in phase 1
	uint64_t sent[2];  // by phase
	uint64_t junk_sent[2];
	uint64_t refused; // by the socket: ENOBUFS
	uint64_t send_ns; // CPU time in the kernel's send, softirq work for the receiver included
	uint64_t received[2];
	uint64_t wrong;     // to another party than the flow's
	uint64_t foreign;   // UDP without our mark
	uint64_t disorder;  // came after a later one of its flow, or twice
	uint64_t ring_lost; // by our own receive ring
	uint32_t *expected;
	uint64_t *histogram;
	uint64_t least_ns;
	uint64_t most_ns;
	double sum_ns;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// CPU time of all threads of a process so far.
static uint64_t process_ns(int pid)
{
	char path[320];
	struct dirent *entry;
	uint64_t total = 0, one;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = pid ? opendir(path) : NULL;
	if (!tasks)
		return 0;
	while ((entry = readdir(tasks))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fscanf(file, "%" SCNu64, &one) == 1)
			total += one;
		fclose(file);
	}
	closedir(tasks);
	return total;
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns < (1u << SUB_BITS))
		return (unsigned)ns;
	shift = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
	if (shift > 32)
		shift = 32;
	return ((shift + 1) << SUB_BITS) + (unsigned)((ns >> shift) & ((1u << SUB_BITS) - 1));
}

static double bucket_us(unsigned bucket) // its middle
{
	unsigned shift = bucket >> SUB_BITS;
	uint64_t low = bucket & ((1u << SUB_BITS) - 1);

	if (!shift)
		return (double)low / 1000;
	shift--;
	low = (low | 1u << SUB_BITS) << shift;
	return ((double)low + (double)(1ull << shift) / 2) / 1000;
}

// ---- receiving ----------------------------------------------------------------------------------

static void take_packet(struct load *load, const uint8_t *frame, uint32_t size, uint64_t arrived_ns)
{
	struct frame_mark mark;
	const struct flow *flow;
	uint32_t ip;
	uint16_t port;
	uint64_t took;

	if (size < FRAME_SIZE) {
		load->foreign++;
		return;
	}
	memcpy(&mark, frame + FRAME_PAYLOAD, sizeof(mark));
	if (mark.magic != load->magic || mark.flow >= load->flow_count || mark.phase > 1) {
		load->foreign++;
		return;
	}
	flow = &load->flows[mark.flow];
	memcpy(&ip, frame + FRAME_IP + 16, 4);
	memcpy(&port, frame + FRAME_UDP + 2, 2);
	if (ip != flow->receiver_ip || ntohs(port) != flow->receiver_port) {
		load->wrong++;
		return;
	}
	load->received[mark.phase]++;
	if (mark.serial < load->expected[mark.flow])
		load->disorder++;
	else
		load->expected[mark.flow] = mark.serial + 1;
	if (!mark.phase)
		return;
	took = arrived_ns > mark.sent_ns ? arrived_ns - mark.sent_ns : 0;
	load->histogram[bucket_of(took)]++;
	load->sum_ns += (double)took;
	if (took < load->least_ns)
		load->least_ns = took;
	if (took > load->most_ns)
		load->most_ns = took;
}

// Empties the ring, at most `most` packets. How many there were.
static unsigned drain(struct load *load, unsigned most)
{
	unsigned taken = 0;

	while (taken < most) {
		struct tpacket2_hdr *head =
			(void *)(load->ring + (size_t)load->ring_next * RING_FRAME);

		if (!(__atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		take_packet(load, (uint8_t *)head + head->tp_mac, head->tp_snaplen,
			(uint64_t)head->tp_sec * 1000000000u + head->tp_nsec);
		__atomic_store_n(&head->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		load->ring_next = (load->ring_next + 1) % RING_FRAMES;
		taken++;
	}
	return taken;
}

static int open_receive(struct load *load, int index)
{
	// UDP over IPv4 without options; whole packet. The rest is not ours to count.
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), (struct sock_filter *)code};
	struct tpacket_req ring = {
		.tp_block_size = RING_BLOCK,
		.tp_block_nr = RING_FRAMES / (RING_BLOCK / RING_FRAME),
		.tp_frame_size = RING_FRAME,
		.tp_frame_nr = RING_FRAMES,
	};
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = index};
	int version = TPACKET_V2, one = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ||
		setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
		setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
		setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)))
		return -errno;
	load->ring_size = (size_t)RING_FRAME * RING_FRAMES;
	load->ring = mmap(
		NULL, load->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (load->ring == MAP_FAILED || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	load->receive_socket = fd;
	return 0;
}

// ---- sending ------------------------------------------------------------------------------------

static int open_send(struct load *load, int index, uint8_t mac[6])
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = index};
	struct ifreq request = {0};
	int one = 1, room = 64 << 20, fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, load->options.interface, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request) ||
		setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) ||
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	load->send_socket = fd;
	return 0;
}

static uint8_t *next_frame(struct load *load)
{
	struct frame_mark mark = {.magic = load->magic, .phase = load->phase};
	unsigned ratio = load->options.junk_ratio;
	uint8_t *frame;
	size_t flow;

	if (load->junk_count && load->turn++ % (ratio + 1) != 0) {
		frame = load->junk_frames + load->next_junk * FRAME_SIZE;
		load->next_junk = (load->next_junk + 1) % load->junk_count;
		load->junk_sent[load->phase]++;
		return frame;
	}
	flow = load->next_flow;
	load->next_flow = (flow + 1) % load->flow_count;
	frame = load->frames + flow * FRAME_SIZE;
	mark.flow = (uint32_t)flow;
	mark.serial = load->serials[flow]++;
	mark.sent_ns = now_ns(CLOCK_REALTIME);
	frame_serial(frame, mark.serial);
	memcpy(frame + FRAME_PAYLOAD, &mark, sizeof(mark));
	load->sent[load->phase]++;
	return frame;
}

static void send_burst(struct load *load, unsigned count)
{
	static uint8_t copies[BATCH_MAX][FRAME_SIZE];
	struct mmsghdr messages[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
	unsigned done = 0;
	uint64_t begin, wall;

	memset(messages, 0, count * sizeof(messages[0]));
	for (unsigned i = 0; i < count; i++) {
		// a flow may come twice in a burst
		memcpy(copies[i], next_frame(load), FRAME_SIZE);
		parts[i] = (struct iovec){copies[i], FRAME_SIZE};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	wall = now_ns(CLOCK_MONOTONIC);
	begin = now_ns(CLOCK_THREAD_CPUTIME_ID);
	while (done < count) {
		int sent = sendmmsg(load->send_socket, messages + done, count - done, 0);

		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			load->refused++; // the veth's ring is full: dropped, as a wire would
			done++;
		} else if (errno != EINTR) {
			perror("rtp_load: sendmmsg");
			exit(1);
		}
	}
	begin = now_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
	wall = now_ns(CLOCK_MONOTONIC) - wall;
	if (!load->phase)
		return;
	load->send_ns += begin;
	load->stalls += wall > begin + STALL_NS;
}

// Leaves the core to others while the next packet is far away: a spinning sender of real-time
// priority would starve them, and the kernel then takes its share back in slices of 50 ms.
static uint64_t sleep_until_due(
	const struct load *load, uint64_t begin, uint64_t built, uint64_t now)
{
	uint64_t due = begin + (uint64_t)((double)(built + 1) * 1e9 / (double)load->options.rate);
	struct timespec wake;

	if (due < now + SLEEP_LEAST_NS)
		return now;
	due -= SLEEP_EARLY_NS;
	wake = (struct timespec){(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL);
	return now_ns(CLOCK_MONOTONIC);
}

// Sends for so long at the rate, taking in what comes back. Returns the seconds that it took.
static double run_phase(struct load *load, double seconds)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC), now = begin, built = 0;
	uint64_t end = begin + (uint64_t)(seconds * 1e9);

	while (now < end) {
		uint64_t due = (uint64_t)((double)(now - begin) * (double)load->options.rate / 1e9);
		uint64_t count = due > built ? due - built : 0;

		if (load->options.blast || count > load->options.batch)
			count = load->options.batch;
		if (count) {
			send_burst(load, (unsigned)count);
			built += count;
		}
		drain(load, 256);
		now = now_ns(CLOCK_MONOTONIC);
		if (load->options.sleepy)
			now = sleep_until_due(load, begin, built, now);
	}
	return (double)(now - begin) / 1e9;
}

static void linger(struct load *load, double seconds)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);

	while (now_ns(CLOCK_MONOTONIC) < end) {
		if (!drain(load, 1024))
			usleep(50);
	}
}

// ---- reporting ----------------------------------------------------------------------------------

static double percentile_us(const struct load *load, double share)
{
	uint64_t total = load->received[1], seen = 0;
	uint64_t want = (uint64_t)(share * (double)total);

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += load->histogram[i];
		if (seen > want)
			return bucket_us(i);
	}
	return (double)load->most_ns / 1000;
}

static void print_report(struct load *load, double seconds)
{
	struct tpacket_stats stats = {0};
	socklen_t size = sizeof(stats);
	uint64_t received = load->received[1];
	const char *comma = "";

	getsockopt(load->receive_socket, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	load->ring_lost = stats.tp_drops;
	printf("{\"seconds\": %.6f, \"sent\": %" PRIu64 ", \"received\": %" PRIu64
	       ", \"lost\": %" PRId64 ", \"junk_sent\": %" PRIu64 ", \"refused\": %" PRIu64,
		seconds, load->sent[1], received, (int64_t)(load->sent[1] - received),
		load->junk_sent[1], load->refused);
	printf(", \"wrong\": %" PRIu64 ", \"foreign\": %" PRIu64 ", \"disorder\": %" PRIu64
	       ", \"ring_lost\": %" PRIu64
	       ", \"send_cpu\": %.6f, \"relay_cpu\": %.6f, \"stalls\": %" PRIu64
	       ", \"warmup_sent\": %" PRIu64 ", \"warmup_received\": %" PRIu64,
		load->wrong, load->foreign, load->disorder, load->ring_lost,
		(double)load->send_ns / 1e9, (double)load->relay_ns / 1e9, load->stalls,
		load->sent[0], load->received[0]);
	if (received) {
		printf(", \"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"p99.9\": %.3f, \"min\": "
		       "%.3f, \"max\": %.3f, \"mean\": %.3f",
			percentile_us(load, 0.5), percentile_us(load, 0.9),
			percentile_us(load, 0.99), percentile_us(load, 0.999),
			(double)load->least_ns / 1000, (double)load->most_ns / 1000,
			load->sum_ns / (double)received / 1000);
	}
	printf(", \"histogram_us\": [");
	for (unsigned i = 0; i < BUCKETS; i++) {
		if (!load->histogram[i])
			continue;
		printf("%s[%.3f, %" PRIu64 "]", comma, bucket_us(i), load->histogram[i]);
		comma = ", ";
	}
	printf("]}\n");
}

// ---- start --------------------------------------------------------------------------------------

static int set_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'i':
		options->interface = value;
		return 0;
	case 'f':
		options->flows = value;
		return 0;
	case 'j':
		options->junk = value;
		return 0;
	case 'J':
		options->junk_ratio = (unsigned)strtoul(value, NULL, 10);
		return 0;
	case 'm':
		return mac_parse(options->relay_mac, value) ? 0 : -EINVAL;
	case 'r':
		options->rate = strtoull(value, NULL, 10);
		return 0;
	case 's':
		options->seconds = strtod(value, NULL);
		return 0;
	case 'w':
		options->warmup = strtod(value, NULL);
		return 0;
	case 'l':
		options->linger = strtod(value, NULL);
		return 0;
	case 'b':
		options->batch = (unsigned)strtoul(value, NULL, 10);
		return options->batch && options->batch <= BATCH_MAX ? 0 : -EINVAL;
	case 'p':
		options->fifo = (int)strtol(value, NULL, 10);
		return 0;
	case 'c':
		options->cpu_of = (int)strtol(value, NULL, 10);
		return 0;
	case 'B':
		options->blast = true;
		return 0;
	case 'S':
		options->sleepy = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static bool parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"interface", required_argument, NULL, 'i'},
		{"flows", required_argument, NULL, 'f'},
		{"junk", required_argument, NULL, 'j'},
		{"junk-ratio", required_argument, NULL, 'J'},
		{"relay-mac", required_argument, NULL, 'm'},
		{"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{"warmup", required_argument, NULL, 'w'},
		{"linger", required_argument, NULL, 'l'},
		{"batch", required_argument, NULL, 'b'},
		{"fifo", required_argument, NULL, 'p'},
		{"cpu-of", required_argument, NULL, 'c'},
		{"blast", no_argument, NULL, 'B'},
		{"sleepy", no_argument, NULL, 'S'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (set_option(options, option, optarg))
			return false;
	}
	return options->interface && options->flows && (options->rate || options->blast) &&
	       options->seconds > 0;
}

static int prepare(struct load *load)
{
	int index = (int)if_nametoindex(load->options.interface);
	uint8_t mac[6];
	int rc;

	if (!index)
		return -errno;
	load->flows = flows_read(load->options.flows, &load->flow_count);
	if (!load->flows || !load->flow_count)
		return -EINVAL;
	load->frames = malloc(load->flow_count * FRAME_SIZE);
	load->serials = calloc(load->flow_count, sizeof(*load->serials));
	load->expected = calloc(load->flow_count, sizeof(*load->expected));
	load->histogram = calloc(BUCKETS, sizeof(*load->histogram));
	if (!load->frames || !load->serials || !load->expected || !load->histogram)
		return -ENOMEM;
	rc = open_send(load, index, mac);
	if (rc)
		return rc;
	for (size_t i = 0; i < load->flow_count; i++)
		frame_build(load->frames + i * FRAME_SIZE, &load->flows[i], (uint32_t)i, mac,
			load->options.relay_mac);
	if (load->options.junk) {
		load->junk = flows_read(load->options.junk, &load->junk_count);
		load->junk_frames = malloc(load->junk_count * FRAME_SIZE);
		if (!load->junk || !load->junk_count || !load->junk_frames)
			return -EINVAL;
		for (size_t i = 0; i < load->junk_count; i++)
			frame_build(load->junk_frames + i * FRAME_SIZE, &load->junk[i], UINT32_MAX,
				mac, load->options.relay_mac);
	}
	load->magic = FRAME_MAGIC ^ (uint32_t)getpid();
	load->least_ns = UINT64_MAX;
	return open_receive(load, index);
}

int main(int argc, char **argv)
{
	static struct load load = {
		.options = {.batch = 32, .linger = 0.5, .junk_ratio = 1},
	};
	double seconds;
	int rc;

	if (!parse(&load.options, argc, argv)) {
		fprintf(stderr, "usage: rtp_load --interface IF --flows FILE --relay-mac MAC "
				"(--rate PPS | --blast) --seconds S [--warmup S] [--linger S] "
				"[--batch N] [--fifo PRIORITY] [--sleepy] [--cpu-of PID] [--junk "
				"FILE --junk-ratio N]\n");
		return 2;
	}
	rc = prepare(&load);
	if (rc) {
		fprintf(stderr, "rtp_load: %s\n", strerror(-rc));
		return 1;
	}
	if (load.options.fifo) {
		struct sched_param how = {.sched_priority = load.options.fifo};

		if (sched_setscheduler(0, SCHED_FIFO, &how))
			perror("rtp_load: --fifo");
	}
	if (load.options.warmup > 0)
		run_phase(&load, load.options.warmup);
	printf("begin\n");
	fflush(stdout);
	load.phase = 1;
	load.relay_ns = process_ns(load.options.cpu_of);
	seconds = run_phase(&load, load.options.seconds);
	load.relay_ns = process_ns(load.options.cpu_of) - load.relay_ns;
	printf("end\n");
	fflush(stdout);
	linger(&load, load.options.linger);
	print_report(&load, seconds);
	return 0;
}
