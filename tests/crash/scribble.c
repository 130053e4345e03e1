// SPDX-License-Identifier: BSD-3-Clause
// A hostile control plane: attaches to hawse-media as hawse-sip does, and writes whatever it likes to the memory that it
// may write to, for a while. It must not be able to hurt anybody but itself.
//
//     scribble MEDIA.SOCK SECONDS [SEED]
//
// Ways, drawn at random: single words and whole stretches of regions B, PUNT's consumer and INJECT, indices far away and
// just beside the right ones, well-formed commands with random contents, right commands of every kind for sessions that
// are there (plans with codecs, keys, resumed addresses, prompts, digits, recordings) with and without one octet changed,
// right packets to inject and spoiled ones, floods of doorbells, junk on the socket instead of a hello. When it is thrown out it attaches again. Prints one JSON object.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/hello.h"
#include "dataplane/abi/layout.h"
#include "dataplane/abi/message.h"
#include "dataplane/abi/shm.h"

struct scribbler {
	const char *path;
	struct abi_attached at;
	struct abi_shm a, b, inject;
	uint64_t random;
	uint32_t producer, sequence; // as an honest one would have them
	uint32_t packets;            // producer of INJECT
	uint32_t events_seen;
	uint64_t plays, recordings, transcoded; // that hawse-media began
	uint64_t attaches, refused, hangups, scribbles, commands, answers, junk_hellos;
};

static uint32_t draw(struct scribbler *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (uint32_t)(s->random >> 16);
}

static void fill(struct scribbler *s, void *to, size_t n)
{
	uint8_t *p = to;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)draw(s);
}

static struct abi_region_b *region_b(struct scribbler *s)
{
	return s->b.base;
}

static uint64_t count_of(const struct abi_counter_table *t, const char *name)
{
	for (uint32_t i = 0; i < t->count; i++) {
		struct abi_counter d;
		abi_counters_describe(t, i, &d);
		if (strcmp(d.name, name) == 0)
			return abi_counters_value(t, i, t->blocks - 1);
	}
	return 0;
}

// What of the right commands was carried out, by its own counters.
static void look(struct scribbler *s)
{
	const struct abi_region_a *a = s->a.base;
	struct abi_counter_table t;
	if (abi_counters_open(&t, (const uint8_t *)s->a.base + a->counter_offset, a->counter_size,
		    a->counters, a->workers + 1))
		return;
	s->plays = count_of(&t, "media_plays_total");
	s->recordings = count_of(&t, "media_recordings_total");
	if (s->transcoded < abi_load32(&a->transcode_sessions))
		s->transcoded = abi_load32(&a->transcode_sessions);
}

static void let_go(struct scribbler *s)
{
	abi_shm_close(&s->a);
	abi_shm_close(&s->b);
	abi_shm_close(&s->inject);
	abi_detach(&s->at);
}

static int map(
	struct scribbler *s, struct abi_shm *shm, enum abi_fd_kind kind, size_t least, bool rw)
{
	int fd = s->at.fds[kind];
	s->at.fds[kind] = -1;
	return abi_shm_map(shm, fd, least, rw);
}

static int attach(struct scribbler *s)
{
	s->a.fd = s->b.fd = s->inject.fd = -1;
	int e = abi_attach(&s->at, s->path, ABI_ROLE_CONTROL, "scribble", 2000);
	if (e < 0) {
		s->refused++;
		return e;
	}
	e = map(s, &s->a, ABI_FD_A, sizeof(struct abi_region_a), false);
	if (!e)
		e = map(s, &s->b, ABI_FD_B, sizeof(struct abi_region_b), true);
	if (!e)
		e = map(s, &s->inject, ABI_FD_INJECT, sizeof(struct abi_region_p), true);
	if (e < 0) {
		let_go(s);
		return e;
	}
	s->attaches++;
	s->producer = region_b(s)->command_producer;
	s->packets = ((struct abi_region_p *)s->inject.base)->producer;
	s->sequence = 0;
	s->events_seen = ((struct abi_region_a *)s->a.base)->event_producer;
	return 0;
}

static void ring_bell(struct scribbler *s)
{
	uint64_t value = draw(s) % 8 ? 1 : 0xfffffffffffffffeull;
	if (write(s->at.fds[ABI_FD_COMMAND_BELL], &value, sizeof(value)) < 0)
		s->refused += errno != EAGAIN;
}

// A command in the next slot, published as an honest control plane does.
static void publish(struct scribbler *s, struct abi_msg *m)
{
	struct abi_region_b *b = region_b(s);
	uint8_t *slots = (uint8_t *)b + ABI_HEADER_SIZE;
	m->sequence = s->sequence++;
	memcpy(slots + (size_t)(s->producer % ABI_COMMAND_SLOTS) * ABI_MSG_SIZE, m, sizeof(*m));
	s->producer++;
	__atomic_store_n(&b->command_producer, s->producer, __ATOMIC_RELEASE);
	s->commands++;
	ring_bell(s);
}

static void right_alloc(struct scribbler *s, struct abi_msg *m)
{
	struct abi_port_alloc alloc = {
		.affinity = ABI_NO_SLOT,
		.legs = 2,
		.call = draw(s),
		.leg = {{.interface_index = 0, .family = 4, .kind = ABI_LEG_PAIR},
			{.interface_index = 255, .family = 4, .kind = ABI_LEG_MUX}},
	};
	abi_msg_init(m, ABI_PORT_ALLOC, ((uint64_t)draw(s) << 32) | draw(s), ABI_NO_SLOT, 0);
	memcpy(m->payload, &alloc, sizeof(alloc));
}

// Some session that holds ports, as region A shows it.
static bool some_session(struct scribbler *s, uint32_t *slot, uint32_t *generation)
{
	const struct abi_region_a *a = s->a.base;
	const struct abi_session_entry *all =
		(const void *)((const uint8_t *)s->a.base + a->directory_offset);
	for (unsigned tries = 0; tries < 32; tries++) {
		*slot = draw(s) % (a->sessions < 256 ? a->sessions : 256);
		*generation = all[*slot].generation;
		if (all[*slot].state == ABI_SESSION_ALLOCATED ||
			all[*slot].state == ABI_SESSION_ACTIVE)
			return true;
	}
	return false;
}

static void right_leg(struct scribbler *s, struct abi_leg_plan *leg, struct abi_codec_terms *terms)
{
	*leg = (struct abi_leg_plan){
		.remote_rtp_ip = {10, 99, (uint8_t)draw(s), 1 + (uint8_t)(draw(s) % 250)},
		.remote_rtp_port = 4000,
		.family = 4,
		.source_policy = ABI_SOURCE_ANY,
		.flags = ABI_LEG_RECEIVE | ABI_LEG_SEND | ABI_LEG_RTCP,
		.payload_types = {0x101, 1ull << 37},
		.dtmf_type = 101,
	};
	if (draw(s) % 4 == 0)
		return;
	leg->codec = (uint8_t)(1 + draw(s) % (ABI_CODECS - 1));
	leg->codec_type = terms->type_in = 96;
	leg->ptime_ms = draw(s) % 2 ? 20 : 40;
	terms->dtmf_out = 101;
	terms->dtmf = (uint8_t)(draw(s) % 4);
	terms->cn_type = draw(s) % 4 ? 0 : 13;
}

static void right_plan(struct scribbler *s, struct abi_msg *m)
{
	struct abi_session_plan plan = {.clock_rate = 8000};
	for (unsigned i = 0; i < 2; i++)
		right_leg(s, &plan.leg[i], &plan.terms[i]);
	memcpy(m->payload, &plan, sizeof(plan));
}

static void right_media(struct scribbler *s, struct abi_msg *m)
{
	struct abi_dtmf_send digits = {.leg = (uint8_t)(draw(s) % 2), .count = 2, .digit = {1, 11}};
	struct abi_play play = {.leg = (uint8_t)(draw(s) % 2),
		.kind = ABI_PLAY_TONE,
		.tones = 1,
		.loops = draw(s) % 3,
		.tone = {{{425, 0}, 200, 200}}};
	struct abi_record record = {.kind = (uint8_t)(1 + draw(s) % 2), .legs = 3};
	if (draw(s) % 4 == 0) {
		play = (struct abi_play){.kind = ABI_PLAY_FILE};
		snprintf(play.file, sizeof(play.file), "prompt-%u.wav", draw(s) % 4);
	}
	snprintf(record.file, sizeof(record.file), "d%u/r-%u", draw(s) % 4, draw(s));
	if (m->type == ABI_DTMF_SEND)
		memcpy(m->payload, &digits, sizeof(digits));
	else if (m->type == ABI_PLAY)
		memcpy(m->payload, &play, sizeof(play));
	else if (m->type == ABI_RECORD)
		memcpy(m->payload, &record, sizeof(record));
}

static void right_resume(struct scribbler *s, struct abi_msg *m)
{
	struct abi_session_resume resume = {0};
	for (unsigned i = 0; i < 2; i++)
		resume.leg[i].rtp = (struct abi_addr){.ip = {10, 99, 1, 1 + (uint8_t)i},
			.port = (uint16_t)(1 + draw(s)),
			.family = 4};
	memcpy(m->payload, &resume, sizeof(resume));
}

// A command that an honest control plane might send to a session that is there. False: there is none.
static bool right_command(struct scribbler *s, struct abi_msg *m, uint16_t type)
{
	uint32_t slot, generation;
	if (type == ABI_PORT_ALLOC || type == ABI_RECONCILE_DONE || type == ABI_PING ||
		!some_session(s, &slot, &generation))
		return false;
	abi_msg_init(m, type, ((uint64_t)draw(s) << 32) | draw(s) | 1, slot, generation);
	if (type == ABI_SESSION_ADD || type == ABI_SESSION_UPDATE)
		right_plan(s, m);
	else if (type == ABI_SESSION_RESUME)
		right_resume(s, m);
	else
		right_media(s, m);
	return true;
}

// A packet to inject, right or spoiled, published as an honest control plane does, or nearly.
static void inject(struct scribbler *s)
{
	struct abi_region_p *p = s->inject.base;
	struct abi_punt *slot = (struct abi_punt *)(void *)((uint8_t *)p + ABI_HEADER_SIZE) +
				s->packets % ABI_PUNT_SLOTS;
	struct abi_punt packet = {.kind = (uint8_t)(1 + draw(s) % 2),
		.leg = (uint8_t)(draw(s) % 2),
		.component = (uint8_t)(draw(s) % 2),
		.length = (uint16_t)(20 + draw(s) % 1400),
		.remote = {.ip = {10, 99, 1, 2}, .port = 4000, .family = 4}};
	some_session(s, &packet.slot, &packet.generation);
	fill(s, packet.data, packet.length);
	packet.data[0] = packet.kind == ABI_PUNT_DTLS ? 22 : 0;
	if (draw(s) % 2)
		((uint8_t *)&packet)[draw(s) % 48] = (uint8_t)draw(s);
	memcpy(slot, &packet, sizeof(packet));
	s->packets += draw(s) % 64 ? 1 : draw(s);
	__atomic_store_n(&p->producer, s->packets, __ATOMIC_RELEASE);
	if (draw(s) % 16 == 0) // and what was punted was taken, or not, or never was there
		__atomic_store_n(
			&p->consumer, draw(s) % 2 ? p->consumer + 1 : draw(s), __ATOMIC_RELEASE);
	ring_bell(s);
}

static void command(struct scribbler *s)
{
	struct abi_msg m;
	uint16_t type = (uint16_t)(1 + draw(s) % (ABI_COMMANDS - 1));
	right_alloc(s, &m);
	if (draw(s) % 2 && right_command(s, &m, type)) {
		if (draw(s) % 4)
			publish(s, &m);
		if (draw(s) % 4)
			return;
	} else if (draw(s) % 4) {
		abi_msg_init(&m, type, draw(s) % 3 ? draw(s) : 0, draw(s) % 64, draw(s) % 4);
		int n = abi_msg_payload(type, 0);
		if (n > 0 && draw(s) % 2)
			fill(s, m.payload, (size_t)n);
	}
	if (draw(s) % 4 == 0)
		fill(s, (uint8_t *)&m + draw(s) % sizeof(m), 1);
	publish(s, &m);
}

static void scribble_bytes(struct scribbler *s, struct abi_shm *shm)
{
	size_t n = draw(s) % 16 ? 1 + draw(s) % 64 : 1 + draw(s) % 65536;
	size_t at = draw(s) % 4 ? draw(s) % shm->size : draw(s) % 320;
	if (n > shm->size - at)
		n = shm->size - at;
	fill(s, (uint8_t *)shm->base + at, n);
}

static void scribble_indices(struct scribbler *s)
{
	struct abi_region_b *b = region_b(s);
	uint32_t wrong[] = {draw(s), s->producer + 4097, s->producer - 1, s->producer + 1, 0,
		UINT32_MAX, s->producer + 4096};
	abi_atomic32 *which[] = {&b->command_producer, &b->event_consumer, &b->sleeping};
	__atomic_store_n(which[draw(s) % 3], wrong[draw(s) % 7], __ATOMIC_RELEASE);
}

// Somebody who connects and says anything but hello.
static void junk_hello(struct scribbler *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	uint8_t junk[512];
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", s->path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	fill(s, junk, sizeof(junk));
	if (draw(s) % 2) // begins as a hello does
		*(uint64_t *)(void *)junk = ABI_HELLO_MAGIC;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		send(fd, junk, draw(s) % sizeof(junk), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		s->junk_hellos++;
	close(fd);
}

static void count_answers(struct scribbler *s)
{
	uint32_t now = __atomic_load_n(
		&((struct abi_region_a *)s->a.base)->event_producer, __ATOMIC_ACQUIRE);
	s->answers += now - s->events_seen;
	s->events_seen = now;
	// Eaten, so that the ring does not fill up.
	__atomic_store_n(&region_b(s)->event_consumer, now, __ATOMIC_RELEASE);
}

static bool hung_up(struct scribbler *s)
{
	struct pollfd p = {.fd = s->at.socket, .events = POLLIN | POLLRDHUP};
	return poll(&p, 1, 0) > 0;
}

static void act(struct scribbler *s)
{
	uint32_t way = draw(s) % 64;
	s->scribbles++;
	if (way < 40)
		command(s);
	else if (way < 46)
		ring_bell(s);
	else if (way < 50)
		inject(s);
	else if (way < 56)
		scribble_bytes(s, &s->inject);
	else if (way < 59)
		scribble_bytes(s, &s->b);
	else if (way < 61)
		scribble_indices(s);
	else if (way < 63)
		junk_hello(s);
	else
		usleep(1000);
	count_answers(s);
}

int main(int argc, char **argv)
{
	struct scribbler s = {.random = 0x9e3779b97f4a7c15ull};
	if (argc < 3) {
		fprintf(stderr, "scribble MEDIA.SOCK SECONDS [SEED]\n");
		return 2;
	}
	s.path = argv[1];
	if (argc > 3)
		s.random ^= strtoull(argv[3], NULL, 0);
	uint64_t end = abi_now_us() + strtoull(argv[2], NULL, 0) * 1000000;
	unsigned failures = 0;
	while (abi_now_us() < end) {
		int e = attach(&s);
		if (e < 0) {
			if (++failures == 200) {
				fprintf(stderr, "scribble: cannot attach: %s\n", strerror(-e));
				return 1;
			}
			usleep(20000);
			continue;
		}
		failures = 0;
		// An honest stretch first, so that there is something to break.
		for (unsigned i = draw(&s) % 200; i; i--)
			command(&s);
		while (!hung_up(&s) && abi_now_us() < end)
			act(&s);
		s.hangups += hung_up(&s);
		look(&s);
		let_go(&s);
	}
	printf("{\"attaches\": %llu, \"hangups\": %llu, \"refused\": %llu, \"scribbles\": %llu, "
	       "\"commands\": %llu, \"answers\": %llu, \"junk_hellos\": %llu, \"plays\": %llu, "
	       "\"recordings\": %llu, \"transcoded\": %llu}\n",
		(unsigned long long)s.attaches, (unsigned long long)s.hangups,
		(unsigned long long)s.refused, (unsigned long long)s.scribbles,
		(unsigned long long)s.commands, (unsigned long long)s.answers,
		(unsigned long long)s.junk_hellos, (unsigned long long)s.plays,
		(unsigned long long)s.recordings, (unsigned long long)s.transcoded);
	return 0;
}
