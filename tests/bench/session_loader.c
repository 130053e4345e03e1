// SPDX-License-Identifier: BSD-3-Clause
// A control plane without SIP: attaches to hawse-media, installs as many sessions as asked, and then
// takes orders from standard input, one a line, each answered by one line of JSON:
//
//   session_loader --socket RUN/media.sock --sessions N --flows FILE [--both] [--mux]
//                  [--caller IP] [--callee IP] [--strict]
//   session_loader --socket RUN/media.sock --exact FILE [--strict] [--srtp SUITE,SUITE[,SUITE,SUITE]]
//
//   churn RATE SECONDS   adds and deletes RATE sessions a second each, beside the installed ones
//   rekey                gives all installed legs that have SRTP other keys
//   stats                what all installed legs received and sent, from their reports
//   counters             every counter of region A, summed over its blocks
//   quit                 leaves (so does the end of input); the sessions stay
//
// Session i has a caller at caller_ip + i / 25000, port 10000 + 2 * (i % 25000), and a callee the same
// way. FILE gets one line for each flow, as rtp_frame.h says: caller to callee, with --both the other
// way too. With --exact the ports are not hawse-media's choice: FILE holds both flows of each session
// and is obeyed. --srtp: numbers of enum abi_srtp_suite of caller and callee, 0 for RTP, and of what comes from
// them when that differs; keys as srtp_keys.h says. --strict: only the signalled source is accepted, nothing is learned.
// Talks to the rings itself instead of by the control plane's client: a bench must keep
// thousands of commands in flight, and must not measure a queue of its own.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/session_loader.h"
#include "tests/bench/srtp_keys.h"

static const char usage[] =
	"usage: session_loader --socket PATH --sessions N --flows FILE [--both] [--mux] "
	"[--caller IP] [--callee IP]\n";

// ---- rings --------------------------------------------------------------------------------------

static int attach(struct loader *l)
{
	int rc = abi_attach(&l->attached, l->socket_path, ABI_ROLE_CONTROL, "session_loader", 5000);

	if (rc)
		return rc;
	rc = abi_shm_map(&l->a_shm, l->attached.fds[ABI_FD_A], ABI_HEADER_SIZE, false);
	l->attached.fds[ABI_FD_A] = -1;
	if (!rc)
		rc = abi_shm_map(&l->b_shm, l->attached.fds[ABI_FD_B],
			ABI_HEADER_SIZE + ABI_COMMAND_SLOTS * ABI_MSG_SIZE, true);
	l->attached.fds[ABI_FD_B] = -1;
	if (!rc)
		rc = abi_check_a(l->a_shm.base, l->a_shm.size);
	if (rc)
		return rc;
	l->a = l->a_shm.base;
	l->b = l->b_shm.base;
	abi_producer_init(&l->commands, (uint8_t *)l->b + ABI_HEADER_SIZE, ABI_COMMAND_SLOTS,
		ABI_MSG_SIZE, &l->b->command_producer, &l->a->command_consumer);
	abi_consumer_init(&l->events, (const uint8_t *)l->a + l->a->event_offset, l->a->event_slots,
		ABI_MSG_SIZE, &l->b->event_consumer, &l->a->event_producer);
	return 0;
}

static void broken(const char *what)
{
	fprintf(stderr, "session_loader: %s\n", what);
	exit(1);
}

static struct pending *submit(
	struct loader *l, struct abi_msg *msg, struct session *session, uint32_t number)
{
	struct pending *p = &l->pending[msg->transaction & (IN_FLIGHT * 2 - 1)];
	int rc;

	msg->sequence = l->sequence++;
	rc = abi_produce(&l->commands, msg);
	if (rc)
		broken(rc == -EAGAIN ? "the command ring is full" : "the command ring is broken");
	*p = (struct pending){
		.transaction = msg->transaction,
		.sent_us = abi_now_us(),
		.session = session,
		.number = number,
		.type = msg->type,
	};
	l->in_flight++;
	return p;
}

static void ring_bell(struct loader *l)
{
	abi_doorbell_ring(&l->a->sleeping, l->attached.fds[ABI_FD_COMMAND_BELL]);
}

// ---- commands -----------------------------------------------------------------------------------

static void send_alloc(struct loader *l, struct session *session, uint32_t number)
{
	struct abi_port_alloc *want;
	struct abi_msg msg;

	abi_msg_init(&msg, ABI_PORT_ALLOC, ++l->transaction, ABI_NO_SLOT, 0);
	want = (struct abi_port_alloc *)msg.payload;
	want->affinity = ABI_NO_SLOT;
	want->legs = 2;
	want->call = number + 1;
	for (unsigned leg = 0; leg < 2; leg++) {
		want->leg[leg].interface_index = 255;
		want->leg[leg].family = 4;
		want->leg[leg].kind = l->mux ? ABI_LEG_MUX : ABI_LEG_PAIR;
		if (!l->exact || number >= l->count)
			continue;
		want->leg[leg].rtp_port = l->exact[number * 2 + leg].relay_port;
		memcpy(want->leg[leg].ip, &l->exact[number * 2 + leg].relay_ip, 4);
	}
	submit(l, &msg, session, number);
}

void loader_party(
	const struct loader *l, unsigned leg, uint32_t number, uint8_t ip[16], uint16_t *port)
{
	uint32_t address = htonl((leg ? l->callee : l->caller) + number / PORTS_PER_IP);

	memset(ip, 0, 16);
	if (l->exact && number < l->count) {
		memcpy(ip, &l->exact[number * 2 + leg].source_ip, 4);
		*port = l->exact[number * 2 + leg].source_port;
		return;
	}
	memcpy(ip, &address, 4);
	*port = (uint16_t)(FIRST_PORT + 2 * (number % PORTS_PER_IP));
}

static void send_add(struct loader *l, struct session *session, uint32_t number)
{
	struct abi_session_plan *plan;
	struct abi_msg msg;

	abi_msg_init(&msg, ABI_SESSION_ADD, ++l->transaction, session->slot, session->generation);
	plan = (struct abi_session_plan *)msg.payload;
	plan->clock_rate = 8000;
	for (unsigned leg = 0; leg < 2; leg++) {
		struct abi_leg_plan *p = &plan->leg[leg];

		loader_party(l, leg, number, p->remote_rtp_ip, &p->remote_rtp_port);
		memcpy(p->remote_rtcp_ip, p->remote_rtp_ip, 16);
		p->remote_rtcp_port = (uint16_t)(p->remote_rtp_port + !l->mux);
		p->family = 4;
		p->source_policy = l->strict ? ABI_SOURCE_EXACT : ABI_SOURCE_ANY;
		p->dscp = 46;
		p->flags = ABI_LEG_RECEIVE | ABI_LEG_SEND | ABI_LEG_RTCP |
			   (l->mux ? ABI_LEG_RTCP_MUX : 0);
		p->payload_types[0] = 1u << 0 | 1u << 8;
		p->payload_types[1] = 1ull << (101 - 64);
		p->dtmf_type = 101;
		p->flags |= l->suite[leg][ABI_IN] ? ABI_LEG_SRTP_IN : 0;
		p->flags |= l->suite[leg][ABI_OUT] ? ABI_LEG_SRTP_OUT : 0;
		if (!l->codec[0])
			continue;
		p->codec = (uint8_t)l->codec[leg];
		p->codec_type = plan->terms[leg].type_in = (uint8_t)l->codec_type[leg];
		p->ptime_ms = 20;
		plan->terms[leg].dtmf_out = 101;
	}
	submit(l, &msg, session, number);
}

static void send_keys(struct loader *l, struct session *session, uint32_t number)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		const unsigned *suite = l->suite[leg];
		struct abi_leg_keys *keys;
		struct abi_msg msg;

		if (!suite[ABI_IN] && !suite[ABI_OUT])
			continue;
		abi_msg_init(
			&msg, ABI_LEG_KEYS, ++l->transaction, session->slot, session->generation);
		keys = (struct abi_leg_keys *)msg.payload;
		keys->leg = (uint8_t)leg;
		for (unsigned d = 0; d < 2; d++) {
			keys->directions |= (uint8_t)(suite[d] ? 1u << d : 0);
			keys->key[d] = bench_key(suite[d], number + l->keys);
		}
		submit(l, &msg, session, number);
	}
}

static void send_simple(struct loader *l, uint16_t type, struct session *session, uint32_t number)
{
	struct abi_msg msg;

	abi_msg_init(&msg, type, ++l->transaction, session->slot, session->generation);
	submit(l, &msg, session, number);
}

// ---- replies ------------------------------------------------------------------------------------

// -EBUSY: a worker's mailbox is full. The same again.
static void send_again(struct loader *l, const struct pending *p)
{
	l->busy++;
	if (p->type == ABI_PORT_ALLOC)
		send_alloc(l, p->session, p->number);
	else if (p->type == ABI_LEG_KEYS)
		send_keys(l, p->session, p->number);
	else if (p->type == ABI_SESSION_ADD)
		send_add(l, p->session, p->number);
	else
		send_simple(l, p->type, p->session, p->number);
}

static void failed(struct loader *l, const struct abi_msg *reply, struct pending *p)
{
	if (!l->failed) {
		l->first_error = reply->result;
		l->first_error_type = p->type;
		l->first_error_field = ((const struct abi_reply *)reply->payload)->field;
	}
	l->failed++;
}

static void answered(struct loader *l, const struct abi_msg *reply)
{
	struct pending *p = &l->pending[reply->transaction & (IN_FLIGHT * 2 - 1)];
	struct session *session = p->session;

	if (p->transaction != reply->transaction || !p->transaction)
		broken("a reply to a command that was never sent");
	p->transaction = 0;
	l->in_flight--;
	if (l->latencies < LATENCIES)
		l->latency_us[l->latencies++] = (uint32_t)(abi_now_us() - p->sent_us);
	if (reply->result == -EBUSY) {
		struct pending again = *p;

		send_again(l, &again);
		return;
	}
	if (reply->result) {
		failed(l, reply, p);
		return;
	}
	switch (p->type) {
	case ABI_PORT_ALLOC: {
		const struct abi_ports *ports = (const struct abi_ports *)reply->payload;

		session->slot = reply->slot;
		session->generation = reply->generation;
		for (unsigned leg = 0; leg < 2; leg++) {
			session->port[leg] = ports->leg[leg].rtp_port;
			memcpy(session->ip[leg], ports->leg[leg].ip, 4);
		}
		send_add(l, session, p->number);
		break;
	}
	case ABI_SESSION_ADD:
		l->added++;
		send_keys(l, session, p->number);
		if (l->live)
			l->live[l->live_head++ & l->live_mask] = *session;
		break;
	case ABI_SESSION_DELETE:
		l->deleted++;
		break;
	case ABI_SESSION_QUERY:
		loader_add_stats(l, (const struct abi_session_report *)reply->payload);
		break;
	default:
		break;
	}
}

// Takes what has been answered. With `wait` it sleeps up to 10 ms when there is nothing.
static unsigned take_replies(struct loader *l, bool wait)
{
	struct abi_msg msg;
	unsigned taken = 0;
	int rc;

	abi_store64(&l->b->heartbeat_us, abi_now_us());
	while ((rc = abi_consume(&l->events, &msg)) > 0) {
		if (msg.type & ABI_REPLY)
			answered(l, &msg);
		taken++;
	}
	if (rc < 0)
		broken("the event ring is broken");
	if (taken || !wait)
		return taken;
	abi_doorbell_arm(&l->b->sleeping);
	if (abi_load32(&l->a->event_producer) == l->events.next) {
		struct pollfd bells[2] = {
			{.fd = l->attached.fds[ABI_FD_EVENT_BELL], .events = POLLIN},
			{.fd = l->attached.socket, .events = POLLIN},
		};

		poll(bells, 2, 10);
		if (bells[1].revents)
			broken("hawse-media hung up");
	}
	abi_doorbell_disarm(&l->b->sleeping);
	abi_doorbell_clear(l->attached.fds[ABI_FD_EVENT_BELL]);
	return 0;
}

static void settle(struct loader *l)
{
	uint64_t last = abi_now_us();

	ring_bell(l);
	while (l->in_flight) {
		if (take_replies(l, true)) {
			last = abi_now_us();
			ring_bell(l); // an answer may have caused the next command
		}
		if (abi_now_us() - last > 5000000)
			broken("no reply for five seconds");
	}
}

// ---- what it is told to do ----------------------------------------------------------------------

static void install(struct loader *l)
{
	uint64_t start = abi_now_us();
	uint32_t sent = 0;
	double seconds;

	while (sent < l->count) {
		while (sent < l->count && l->in_flight < IN_FLIGHT) {
			send_alloc(l, &l->sessions[sent], sent);
			sent++;
		}
		ring_bell(l);
		take_replies(l, l->in_flight >= IN_FLIGHT);
		if (l->failed)
			break;
	}
	settle(l);
	seconds = (double)(abi_now_us() - start) / 1e6;
	printf("{\"sessions\": %u, \"seconds\": %.6f, \"adds_a_second\": %.0f", l->added, seconds,
		l->added / seconds);
	loader_print_failures(l);
	loader_print_latencies(l);
	printf("}\n");
}

// Sessions beside the installed ones: a new one for each turn, the oldest deleted when there are
// `lag` of them, so that each lives a while.
static void churn(struct loader *l, double rate, double seconds)
{
	struct session *fresh = calloc(IN_FLIGHT * 2, sizeof(*fresh));
	uint64_t start = abi_now_us(), end = start + (uint64_t)(seconds * 1e6), now = start;
	uint32_t turns = 0, deletes = 0, lag = 1024, most = 1u << 22;
	uint32_t added = l->added, deleted = l->deleted;

	l->live = malloc((size_t)most * sizeof(*l->live));
	if (!fresh || !l->live)
		broken("out of memory");
	l->live_head = l->live_tail = 0;
	l->live_mask = most - 1;
	while (now < end && !l->failed) {
		uint32_t due = (uint32_t)((double)(now - start) * rate / 1e6);

		// no more adds than deletes can follow: what is up at once stays bounded
		while (turns < due && turns - deletes < 2 * lag && l->in_flight < IN_FLIGHT) {
			send_alloc(l, &fresh[turns % (IN_FLIGHT * 2)], l->count + turns % 1000000);
			turns++;
		}
		while (l->live_head - l->live_tail > lag && deletes < due &&
			l->in_flight < IN_FLIGHT) {
			struct session *old = &l->live[l->live_tail++ & l->live_mask];

			send_simple(l, ABI_SESSION_DELETE, old, 0);
			deletes++;
		}
		ring_bell(l);
		take_replies(l, true);
		now = abi_now_us();
	}
	added = l->added - added;
	deleted = l->deleted - deleted;
	seconds = (double)(now - start) / 1e6;
	settle(l);
	while (l->live_tail != l->live_head) {
		if (l->in_flight == IN_FLIGHT)
			settle(l);
		send_simple(l, ABI_SESSION_DELETE, &l->live[l->live_tail++ & l->live_mask], 0);
	}
	settle(l);
	printf("{\"seconds\": %.6f, \"adds_a_second\": %.0f, \"deletes_a_second\": %.0f", seconds,
		added / seconds, deleted / seconds);
	loader_print_failures(l);
	loader_print_latencies(l);
	printf("}\n");
	free(fresh);
	free(l->live);
	l->live = NULL;
}

static void stats(struct loader *l)
{
	memset(l->total, 0, sizeof(l->total));
	l->silent_legs = 0;
	l->latencies = 0;
	for (uint32_t i = 0; i < l->count; i++) {
		if (l->in_flight == IN_FLIGHT)
			settle(l);
		if (l->sessions[i].generation)
			send_simple(l, ABI_SESSION_QUERY, &l->sessions[i], i);
	}
	settle(l);
	loader_print_totals(l);
	loader_print_failures(l);
	loader_print_latencies(l);
	printf("}\n");
}

static void rekey(struct loader *l)
{
	l->keys++;
	for (uint32_t i = 0; i < l->count; i++) {
		if (l->in_flight >= IN_FLIGHT)
			settle(l);
		send_keys(l, &l->sessions[i], i);
	}
	settle(l);
	printf("{\"rekeyed\": %u", l->count);
	loader_print_failures(l);
	printf("}\n");
}

// False at the end.
static bool obey(struct loader *l, const char *line)
{
	double rate, seconds;

	if (sscanf(line, "churn %lf %lf", &rate, &seconds) == 2)
		churn(l, rate, seconds);
	else if (!strncmp(line, "stats", 5))
		stats(l);
	else if (!strncmp(line, "rekey", 5))
		rekey(l);
	else if (!strncmp(line, "counters", 8)) {
		if (loader_print_counters(l))
			broken("the counter table makes no sense");
	} else if (!strncmp(line, "quit", 4))
		return false;
	else
		printf("{\"error\": \"churn RATE SECONDS, stats, rekey, counters or quit\"}\n");
	return true;
}

static void serve(struct loader *l)
{
	char line[256];
	size_t used = 0;

	for (;;) {
		struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

		take_replies(l, false);
		if (poll(&input, 1, 50) < 1)
			continue;
		if (read(STDIN_FILENO, line + used, 1) != 1)
			return;
		if (line[used] != '\n') {
			used += used < sizeof(line) - 2;
			continue;
		}
		line[used] = '\0';
		used = 0;
		if (!obey(l, line))
			return;
		fflush(stdout);
	}
}

// ---- start --------------------------------------------------------------------------------------

static bool parse_ip(uint32_t *ip, const char *text)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return false;
	*ip = ntohl(address.s_addr);
	return true;
}

static bool parse_suites(struct loader *l, const char *text)
{
	unsigned out[2], in[2];
	int found = sscanf(text, "%u,%u,%u,%u", &out[0], &out[1], &in[0], &in[1]);

	for (unsigned leg = 0; leg < 2; leg++) {
		l->suite[leg][ABI_OUT] = out[leg];
		l->suite[leg][ABI_IN] = found == 4 ? in[leg] : out[leg];
	}
	return found == 2 || found == 4;
}

static bool parse(struct loader *l, int argc, char **argv)
{
	static const struct option names[] = {
		{"socket", required_argument, NULL, 's'},
		{"sessions", required_argument, NULL, 'n'},
		{"flows", required_argument, NULL, 'f'},
		{"caller", required_argument, NULL, 'a'},
		{"callee", required_argument, NULL, 'b'},
		{"both", no_argument, NULL, 'B'},
		{"mux", no_argument, NULL, 'm'},
		{"strict", no_argument, NULL, 'x'},
		{"exact", required_argument, NULL, 'e'},
		{"codecs", required_argument, NULL, 'c'}, // CODEC:TYPE,CODEC:TYPE
		{"srtp", required_argument, NULL, 'S'},   // SUITE,SUITE
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 's':
			l->socket_path = optarg;
			break;
		case 'n':
			l->count = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			l->flows = optarg;
			break;
		case 'a':
		case 'b':
			if (!parse_ip(option == 'a' ? &l->caller : &l->callee, optarg))
				return false;
			break;
		case 'B':
			l->both = true;
			break;
		case 'm':
			l->mux = true;
			break;
		case 'x':
			l->strict = true;
			break;
		case 'e':
			l->exact_file = optarg;
			break;
		case 'c':
			if (sscanf(optarg, "%u:%u,%u:%u", &l->codec[0], &l->codec_type[0],
				    &l->codec[1], &l->codec_type[1]) != 4)
				return false;
			break;
		case 'S':
			if (!parse_suites(l, optarg))
				return false;
			break;
		default:
			return false;
		}
	}
	return l->socket_path && (l->flows || l->exact_file) && l->count <= ABI_MAX_SESSIONS;
}

static int read_exact(struct loader *l)
{
	size_t count = 0;

	l->exact = flows_read(l->exact_file, &count);
	if (!l->exact || count < 2 || count / 2 > ABI_MAX_SESSIONS)
		return -EINVAL;
	l->count = (uint32_t)(count / 2);
	return 0;
}

int main(int argc, char **argv)
{
	static struct loader l = {
		.caller = 0x0a620101, .callee = 0x0a620201}; // 10.98.1.1, 10.98.2.1
	int rc;

	if (!parse(&l, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (l.exact_file && read_exact(&l))
		return 1;
	l.sessions = calloc(l.count ? l.count : 1, sizeof(*l.sessions));
	l.latency_us = malloc(LATENCIES * sizeof(*l.latency_us));
	if (!l.sessions || !l.latency_us) {
		fprintf(stderr, "session_loader: out of memory\n");
		return 1;
	}
	rc = attach(&l);
	if (rc) {
		fprintf(stderr, "session_loader: %s: %s\n", l.socket_path, strerror(-rc));
		return 1;
	}
	l.transaction = (uint64_t)l.attached.welcome.generation << 40;
	install(&l);
	rc = l.flows ? loader_write_flows(&l) : 0;
	if (rc) {
		fprintf(stderr, "session_loader: %s: %s\n", l.flows, strerror(-rc));
		return 1;
	}
	fflush(stdout);
	serve(&l);
	abi_shm_close(&l.a_shm);
	abi_shm_close(&l.b_shm);
	abi_detach(&l.attached);
	free(l.sessions);
	free(l.latency_us);
	free(l.exact);
	return 0;
}
