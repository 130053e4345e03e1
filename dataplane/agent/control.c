// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/control.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

void control_init(struct control *c)
{
	c->attached = false;
	c->socket = c->command_bell = c->event_bell = -1;
	c->b.fd = c->punt.fd = c->inject.fd = -1;
	c->b.base = c->punt.base = c->inject.base = NULL;
}

static int create_b(struct abi_shm *shm, uint32_t generation)
{
	size_t size = ABI_HEADER_SIZE + (size_t)ABI_COMMAND_SLOTS * ABI_MSG_SIZE;
	struct abi_region_b *b;
	int err = abi_shm_create(shm, "hawse-b", size, false);

	if (err)
		return err;
	// Each slot comes to be used: better all of them now than one page fault after the other under calls.
	(void)madvise(shm->base, size, MADV_POPULATE_WRITE);
	b = shm->base;
	b->magic = ABI_MAGIC_B;
	b->major = ABI_MAJOR;
	b->minor = ABI_MINOR;
	b->header_size = ABI_HEADER_SIZE;
	b->size = size;
	b->generation = generation;
	b->command_slots = ABI_COMMAND_SLOTS;
	return 0;
}

static int create_p(
	struct abi_shm *shm, const char *name, uint64_t magic, bool ours, uint32_t generation)
{
	size_t size = ABI_HEADER_SIZE + (size_t)ABI_PUNT_SLOTS * ABI_PUNT_SIZE;
	struct abi_region_p *p;
	int err = abi_shm_create(shm, name, size, ours);

	if (err)
		return err;
	p = shm->base;
	p->magic = magic;
	p->major = ABI_MAJOR;
	p->minor = ABI_MINOR;
	p->header_size = ABI_HEADER_SIZE;
	p->size = size;
	p->generation = generation;
	p->slots = ABI_PUNT_SLOTS;
	return 0;
}

static int create_memory(struct control *c, uint32_t generation)
{
	int err = create_b(&c->b, generation);

	if (!err)
		err = create_p(&c->punt, "hawse-punt", ABI_MAGIC_PUNT, true, generation);
	if (!err)
		err = create_p(&c->inject, "hawse-inject", ABI_MAGIC_INJECT, false, generation);
	if (err)
		return err;
	c->command_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->event_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->command_bell < 0 || c->event_bell < 0 ? -errno : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void release(struct control *c)
{
	abi_shm_close(&c->b);
	abi_shm_close(&c->punt);
	abi_shm_close(&c->inject);
	close_fd(&c->command_bell);
	close_fd(&c->event_bell);
}

static int welcome(struct control *c, int socket, uint64_t features, uint32_t generation)
{
	const int fds[] = {c->region->shm.fd, c->b.fd, c->punt.fd, c->inject.fd, c->command_bell,
		c->event_bell};
	struct abi_welcome w = {
		.features = features & ABI_FEATURES,
		.boot_epoch = c->region->a->boot_epoch,
		.generation = generation,
		.fd_count = sizeof(fds) / sizeof(fds[0]),
		.fd_kind = {ABI_FD_A, ABI_FD_B, ABI_FD_PUNT, ABI_FD_INJECT, ABI_FD_COMMAND_BELL,
			ABI_FD_EVENT_BELL},
	};

	return abi_welcome_send(socket, &w, fds);
}

static void open_packets(struct control *c)
{
	struct abi_region_p *ours = c->punt.base, *theirs = c->inject.base;

	abi_producer_init(&c->punts, (uint8_t *)ours + ABI_HEADER_SIZE, ABI_PUNT_SLOTS,
		ABI_PUNT_SIZE, &ours->producer, &theirs->consumer);
	abi_consumer_init(&c->injects, (uint8_t *)theirs + ABI_HEADER_SIZE, ABI_PUNT_SLOTS,
		ABI_PUNT_SIZE, &ours->consumer, &theirs->producer);
}

int control_attach(struct control *c, int socket, uint64_t features)
{
	struct abi_region_a *a = c->region->a;
	uint32_t generation = abi_load32(&a->generation) + 1;
	struct abi_region_b *b;
	int err = create_memory(c, generation);

	if (err)
		goto fail;
	// Both rings begin at 0 for each control plane, and so do the sequence numbers.
	abi_store32(&a->command_consumer, 0);
	abi_store32(&a->event_producer, 0);
	abi_store32(&a->generation, generation);
	b = c->b.base;
	abi_consumer_init(&c->commands, (uint8_t *)b + ABI_HEADER_SIZE, ABI_COMMAND_SLOTS,
		ABI_MSG_SIZE, &a->command_consumer, &b->command_producer);
	open_packets(c);
	outbox_open(c->outbox, generation, c->region->events, &a->event_producer,
		&b->event_consumer, &b->sleeping, c->event_bell);
	err = welcome(c, socket, features, generation);
	if (err)
		goto fail;
	c->socket = socket;
	c->sequence = 0;
	c->refused = 0;
	c->attached = true;
	abi_store32(&a->attached, 1);
	region_count(c->region, AGENT_ATTACHES);
	region_gauge(c->region, AGENT_ATTACHED, 1);
	sessions_attached(c->sessions, generation);
	return 0;
fail:
	outbox_close(c->outbox);
	release(c);
	return err;
}

const char *control_why(enum control_end why)
{
	switch (why) {
	case CONTROL_BROKEN_RING:
		return "its ring indices make no sense";
	case CONTROL_BROKEN_SEQUENCE:
		return "its commands are out of sequence";
	case CONTROL_FLOOD:
		return "it sends malformed commands without end";
	case CONTROL_REPLACED:
		return "another one has attached";
	default:
		return "it hung up";
	}
}

void control_detach(struct control *c, enum control_end why)
{
	static const uint8_t counter[] = {
		[CONTROL_BROKEN_RING] = AGENT_BROKEN_RING,
		[CONTROL_BROKEN_SEQUENCE] = AGENT_BROKEN_SEQUENCE,
		[CONTROL_FLOOD] = AGENT_FLOOD,
		[CONTROL_HANGUP] = AGENT_DETACHES,
		[CONTROL_REPLACED] = AGENT_DETACHES,
	};

	if (!c->attached)
		return;
	c->attached = false;
	abi_store32(&c->region->a->attached, 0);
	region_count(c->region, counter[why]);
	region_gauge(c->region, AGENT_ATTACHED, 0);
	outbox_close(c->outbox);
	if (why != CONTROL_HANGUP && why != CONTROL_REPLACED)
		sessions_misbehaved(c->sessions);
	release(c);
	close_fd(&c->socket);
}

static bool floods(struct control *c, uint64_t now_us)
{
	if (now_us / 1000000 != c->second) {
		c->second = now_us / 1000000;
		c->refused = 0;
	}
	return ++c->refused > CONTROL_REFUSED_A_SECOND;
}

// One command, copied out of its memory already.
static enum control_end carry_out(struct control *c, const struct abi_msg *copy, uint64_t now_us)
{
	struct boundary_refusal refusal;
	uint64_t ticket;
	int err;

	if (copy->sequence != c->sequence++)
		return CONTROL_BROKEN_SEQUENCE;
	region_count(c->region, AGENT_COMMANDS);
	ticket = outbox_expect(c->outbox, copy);
	err = boundary_check(&c->boundary, copy, &refusal);
	if (!err) {
		sessions_command(c->sessions, copy, ticket, now_us);
		return CONTROL_ON;
	}
	outbox_fail(c->outbox, ticket, err, refusal.field, refusal.leg);
	if (err == -ENOENT) {
		region_count(c->region, AGENT_NO_SESSION);
		return CONTROL_ON;
	}
	region_count(c->region, AGENT_REFUSED + refusal.field);
	return floods(c, now_us) ? CONTROL_FLOOD : CONTROL_ON;
}

enum control_end control_commands(struct control *c, uint64_t now_us, bool *more)
{
	struct abi_msg copy;

	*more = false;
	for (unsigned n = 0; c->attached && n < CONTROL_COMMANDS_A_TURN; n++) {
		enum control_end end;
		int got;

		if (!outbox_room(c->outbox) || !sessions_room(c->sessions))
			return CONTROL_ON; // replies will wake us
		got = abi_consume(&c->commands, &copy);
		if (got <= 0)
			return got < 0 ? CONTROL_BROKEN_RING : CONTROL_ON;
		end = carry_out(c, &copy, now_us);
		if (abi_msg_secret(copy.type))
			explicit_bzero(&copy, sizeof(copy));
		if (end)
			return end;
	}
	*more = c->attached;
	return CONTROL_ON;
}

// What legs got. Without a control plane it is thrown away: both protocols send again.
static enum control_end punt_some(struct control *c)
{
	const struct abi_region_b *b = c->b.base;
	struct abi_punt packet;
	unsigned sent = 0;

	for (unsigned n = 0; n < CONTROL_PACKETS_A_TURN && sessions_punt(c->sessions, &packet);
		n++) {
		int err = c->attached ? abi_produce(&c->punts, &packet) : -EAGAIN;

		if (err == -EPROTO)
			return CONTROL_BROKEN_RING;
		region_count(c->region, err ? AGENT_PUNTS_LOST : AGENT_PUNTS);
		sent += err == 0;
	}
	if (sent)
		abi_doorbell_ring(&b->sleeping, c->event_bell);
	return CONTROL_ON;
}

enum control_end control_packets(struct control *c, uint64_t now_us, bool *more)
{
	enum control_end end = punt_some(c);
	struct abi_punt copy;

	*more = false;
	for (unsigned n = 0; !end && c->attached && n < CONTROL_PACKETS_A_TURN; n++) {
		int got;

		if (!sessions_room(c->sessions))
			return CONTROL_ON;
		got = abi_consume(&c->injects, &copy);
		if (got <= 0)
			return got < 0 ? CONTROL_BROKEN_RING : CONTROL_ON;
		if (!boundary_inject(&c->boundary, &copy)) {
			region_count(c->region, AGENT_INJECTS_REFUSED);
			if (floods(c, now_us))
				return CONTROL_FLOOD;
			continue;
		}
		region_count(c->region, sessions_inject(c->sessions, &copy, now_us)
						? AGENT_INJECTS
						: AGENT_INJECTS_LOST);
	}
	*more = !end && c->attached;
	return end;
}

enum control_end control_flush(struct control *c)
{
	unsigned replies;

	if (!c->attached)
		return CONTROL_ON;
	if (outbox_flush(c->outbox, &replies) < 0)
		return CONTROL_BROKEN_RING;
	abi_add64(&c->region->mine[AGENT_REPLIES], replies);
	return CONTROL_ON;
}
