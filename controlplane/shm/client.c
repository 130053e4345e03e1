// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/shm/client_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/shm/secure.h"
#include "dataplane/abi/shm.h"

#define HEARTBEAT_US   250000u
#define FIRST_RETRY_US 10000u
#define HASTE_US       5000000u // so long after a loss, calls wait for the next hawse-media:
#define HASTE_RETRY_US 20000u   // it is looked for that often
#define WELCOME_MS     100
#define PATIENT_MOST   256u  // commands that wait for company
#define LATE_FACTOR    10u   // a late answer is waited for so many time-outs
#define EVENTS_A_CALL  8192u // that one cp_shm_process() takes at most

int cp_shm_new(struct cp_shm **out, const struct cp_shm_config *config)
{
	struct cp_shm *c;

	if (!config->path || !config->name || !config->ops || !config->ops->attached ||
		!config->ops->detached || !config->ops->event)
		return -EINVAL;
	if (strlen(config->path) >= sizeof(c->path))
		return -ENAMETOOLONG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	strcpy(c->path, config->path);
	strncpy(c->name, config->name, sizeof(c->name) - 1);
	c->ops = config->ops;
	c->user = config->user;
	c->queue = config->queue ? config->queue : 16384;
	c->timeout_us = (config->timeout_ms ? config->timeout_ms : 2000u) * 1000ull;
	c->retry_max_us = (config->retry_ms ? config->retry_ms : 500u) * 1000ull;
	c->retry_us = FIRST_RETRY_US;
	c->link.socket = -1;
	for (unsigned i = 0; i <= ABI_MAX_FDS; i++)
		c->link.fds[i] = -1;
	c->a.shm.fd = c->b.fd = -1;
	cp_punt_init(&c->punt);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll < 0 || getrandom(&c->transaction, sizeof(c->transaction), 0) !=
				    (ssize_t)sizeof(c->transaction)) {
		int err = -errno;

		cp_shm_free(c);
		return err;
	}
	*out = c;
	return 0;
}

// Lets go of what belongs to one attachment; region A stays.
static void drop_link(struct cp_shm *c)
{
	c->attached = false;
	c->push_at_us = 0;
	abi_detach(&c->link); // closing takes them out of the epoll set
	abi_shm_close(&c->b);
	cp_punt_close(&c->punt);
}

void cp_shm_free(struct cp_shm *c)
{
	if (!c)
		return;
	cp_commands_free(&c->pending, c->attached ? &c->commands : NULL);
	drop_link(c);
	cp_region_a_close(&c->a);
	while (c->old_count)
		cp_region_a_close(&c->old[--c->old_count]);
	if (c->epoll >= 0)
		close(c->epoll);
	free(c);
}

// ---- attach

static int take_fd(struct cp_shm *c, enum abi_fd_kind kind)
{
	int fd = c->link.fds[kind];

	c->link.fds[kind] = -1;
	return fd;
}

static int open_b(struct cp_shm *c)
{
	size_t size = ABI_HEADER_SIZE + (size_t)ABI_COMMAND_SLOTS * ABI_MSG_SIZE;
	const struct abi_region_b *b;
	int err = abi_shm_map(&c->b, take_fd(c, ABI_FD_B), size, true);

	if (err)
		return err;
	b = c->b.base;
	if (b->magic != ABI_MAGIC_B || b->major != ABI_MAJOR || b->header_size != ABI_HEADER_SIZE ||
		b->command_slots != ABI_COMMAND_SLOTS)
		return -EPROTO;
	// Each slot comes to be used: no call shall wait for its page.
	(void)madvise(c->b.base, size, MADV_POPULATE_WRITE);
	return 0;
}

static int watch(struct cp_shm *c, int fd, uint32_t more)
{
	struct epoll_event e = {.events = EPOLLIN | more, .data = {.fd = fd}};

	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static void open_rings(struct cp_shm *c)
{
	struct abi_region_b *b = c->b.base;
	const struct abi_region_a *a = cp_region_a_header(&c->a);

	abi_producer_init(&c->commands, (uint8_t *)c->b.base + ABI_HEADER_SIZE, ABI_COMMAND_SLOTS,
		ABI_MSG_SIZE, &b->command_producer, &a->command_consumer);
	abi_consumer_init(&c->events, (const uint8_t *)c->a.shm.base + c->a.event_offset,
		c->a.event_slots, ABI_MSG_SIZE, &b->event_consumer, &a->event_producer);
	c->command_sequence = 0;
	c->sequence_known = false;
	c->broken = false;
}

// The region of the hawse-media that died becomes an old one, unless it lives on.
static void replace_a(struct cp_shm *c, const struct cp_region_a *a)
{
	if (c->ever && c->a.boot_epoch != a->boot_epoch) {
		if (c->old_count == OLD_REGIONS) {
			cp_region_a_close(&c->old[0]);
			memmove(&c->old[0], &c->old[1], sizeof(c->old[0]) * --c->old_count);
		}
		c->old[c->old_count++] = c->a;
	} else if (c->ever) {
		cp_region_a_close(&c->a);
	}
	c->a = *a;
}

static int open_link(struct cp_shm *c, struct cp_region_a *a)
{
	int err = abi_attach(&c->link, c->path, ABI_ROLE_CONTROL, c->name, WELCOME_MS);

	if (err)
		return err;
	if (c->link.fds[ABI_FD_A] < 0 || c->link.fds[ABI_FD_B] < 0 ||
		c->link.fds[ABI_FD_COMMAND_BELL] < 0 || c->link.fds[ABI_FD_EVENT_BELL] < 0)
		return -EPROTO;
	err = cp_region_a_open(a, take_fd(c, ABI_FD_A));
	if (!err && a->boot_epoch != c->link.welcome.boot_epoch)
		err = -EPROTO;
	if (!err)
		err = open_b(c);
	if (!err)
		err = cp_punt_open(&c->punt, take_fd(c, ABI_FD_PUNT), take_fd(c, ABI_FD_INJECT));
	if (!err)
		err = watch(c, c->link.socket, EPOLLRDHUP);
	// A bell is told of at each ring, so that nobody has to read it.
	if (!err)
		err = watch(c, c->link.fds[ABI_FD_EVENT_BELL], EPOLLET);
	return err;
}

static bool can_transcode(const struct cp_shm *c, const struct cp_region_a *a)
{
	return (c->link.welcome.features & ABI_FEATURE_TRANSCODE) != 0 &&
	       cp_region_a_header(a)->transcoders != 0;
}

static uint64_t next_retry(const struct cp_shm *c, uint64_t now_us)
{
	uint64_t most = c->retry_max_us;

	if (c->lost_at_us && now_us - c->lost_at_us < HASTE_US && most > HASTE_RETRY_US)
		most = HASTE_RETRY_US;
	return c->retry_us * 2 < most ? c->retry_us * 2 : most;
}

static void attach(struct cp_shm *c, uint64_t now_us)
{
	struct cp_region_a a = {.shm = {.fd = -1}};
	int err = open_link(c, &a);

	if (err) {
		cp_region_a_close(&a);
		drop_link(c);
		c->error = err;
		c->counters.attach_failures++;
		c->retry_at_us = now_us + c->retry_us;
		c->retry_us = next_retry(c, now_us);
		return;
	}
	c->info = (struct cp_shm_info){
		.boot_epoch = a.boot_epoch,
		.generation = c->link.welcome.generation,
		.sessions = a.sessions,
		.workers = a.workers,
		.endpoints = a.endpoints,
		.pid = a.pid,
		.codecs = can_transcode(c, &a) ? cp_region_a_header(&a)->codecs : 0,
		.udptl = (c->link.welcome.features & ABI_FEATURE_TRANSCODE) != 0,
		.fax = (c->link.welcome.features & ABI_FEATURE_FAX) != 0,
		.first = !c->ever,
		.same_boot = c->ever && a.boot_epoch == c->a.boot_epoch,
	};
	replace_a(c, &a);
	open_rings(c);
	c->attached = c->ever = true;
	c->error = 0;
	c->retry_us = FIRST_RETRY_US;
	c->counters.attaches++;
	c->ops->attached(c->user, &c->info);
}

// ---- answers

static void answer(const struct cp_command *command, int result)
{
	struct abi_msg reply;

	if (!command->done)
		return;
	abi_msg_init(&reply, command->msg.type | ABI_REPLY, command->msg.transaction,
		command->msg.slot, command->msg.generation);
	reply.result = result;
	reply.length = (uint16_t)abi_msg_payload(reply.type, result);
	command->done(command->user, &reply);
}

// Ends a command: out of all lists first, so that its callback may do as it likes.
static void finish(
	struct cp_shm *c, struct cp_command *command, const struct abi_msg *reply, int result)
{
	struct cp_command copy = {.done = command->done, .user = command->user};

	copy.msg.type = command->msg.type;
	copy.msg.transaction = command->msg.transaction;
	copy.msg.slot = command->msg.slot;
	copy.msg.generation = command->msg.generation;
	cp_command_drop(&c->pending, command, c->attached ? &c->commands : NULL);
	if (!reply)
		answer(&copy, result);
	else if (copy.done)
		copy.done(copy.user, reply);
}

static void detach(struct cp_shm *c, int error, uint64_t now_us)
{
	// Secrets are wiped while B is mapped.
	for (unsigned place = 0; place < CP_PLACES; place++)
		for (struct cp_command *p = c->pending.list[place].first; p; p = p->next)
			if ((p->flags & CP_SHM_SECRET) && place != CP_WAITING)
				abi_wipe(&c->commands, c->commands.next - p->ring_index);
	drop_link(c);
	c->counters.detaches++;
	c->error = error;
	c->retry_us = FIRST_RETRY_US;
	c->retry_at_us = c->lost_at_us = now_us;
	// Late ones have no owner any more; those that wait were submitted last.
	while (c->pending.list[CP_LATE].first)
		cp_command_drop(&c->pending, c->pending.list[CP_LATE].first, NULL);
	while (c->pending.list[CP_SENT].first)
		finish(c, c->pending.list[CP_SENT].first, NULL, -ECONNRESET);
	while (c->pending.list[CP_WAITING].first)
		finish(c, c->pending.list[CP_WAITING].first, NULL, -ECONNRESET);
	c->ops->detached(c->user, error);
}

static void push(struct cp_shm *c)
{
	struct cp_command_list *waiting = &c->pending.list[CP_WAITING];
	bool any = false;

	c->push_at_us = 0;
	while (waiting->first && c->pending.list[CP_SENT].count + c->pending.list[CP_LATE].count <
					 CP_COMMANDS_SENT) {
		struct cp_command *p = waiting->first;
		int err;

		p->msg.sequence = c->command_sequence;
		p->ring_index = c->commands.next;
		err = abi_produce(&c->commands, &p->msg);
		if (err) {
			c->broken |= err == -EPROTO;
			break;
		}
		c->command_sequence++;
		cp_command_move(&c->pending, p, CP_SENT);
		any = true;
	}
	if (any)
		abi_doorbell_ring(
			&cp_region_a_header(&c->a)->sleeping, c->link.fds[ABI_FD_COMMAND_BELL]);
}

// Nobody wants this session any more.
static void delete_session(struct cp_shm *c, const struct abi_msg *reply, uint64_t now_us)
{
	struct abi_msg msg;

	abi_msg_init(&msg, ABI_SESSION_DELETE, 0, reply->slot, reply->generation);
	(void)cp_shm_submit(c, &msg, 0, NULL, NULL, now_us);
}

static void take_reply(struct cp_shm *c, const struct abi_msg *reply, uint64_t now_us)
{
	struct cp_command *p = cp_command_find(&c->pending, reply->transaction);
	bool unwanted;

	if (!p || p->place == CP_WAITING) {
		c->counters.bad_replies++;
		return;
	}
	if (!cp_reply_fits(&p->msg, reply, c->info.sessions)) {
		c->counters.bad_replies++;
		finish(c, p, NULL, -EPROTO);
		return;
	}
	c->counters.replies++;
	unwanted = p->place == CP_LATE;
	c->counters.late_replies += unwanted;
	if (unwanted && p->msg.type == ABI_PORT_ALLOC && reply->result == 0)
		delete_session(c, reply, now_us);
	finish(c, p, reply, 0);
}

static void take_event(struct cp_shm *c, const struct abi_msg *event)
{
	if (!cp_event_fits(event, c->info.sessions)) {
		c->counters.bad_events++;
		return;
	}
	c->counters.events++;
	c->ops->event(c->user, event);
}

// One message of the ring. 1, 0 when there is none, -EPROTO.
static int take_message(struct cp_shm *c, uint64_t now_us)
{
	struct abi_msg msg;
	int got = abi_consume(&c->events, &msg);

	if (got <= 0)
		return got;
	// The ring may have served a control plane before us; from the first message on no number
	// may be missing.
	if (c->sequence_known && msg.sequence != c->event_sequence)
		return -EPROTO;
	c->sequence_known = true;
	c->event_sequence = msg.sequence + 1;
	if (msg.type & ABI_REPLY)
		take_reply(c, &msg, now_us);
	else
		take_event(c, &msg);
	return 1;
}

// One punted packet. 1, 0 when there is none, -EPROTO.
static int take_packet(struct cp_shm *c)
{
	struct abi_punt packet;
	int got = cp_punt_take(&c->punt, &packet, c->info.sessions, &c->counters.bad_punts);

	if (got <= 0)
		return got;
	c->counters.punts++;
	if (c->ops->punt)
		c->ops->punt(c->user, &packet);
	return 1;
}

// Replies and events come before packets: what was asked for is known before a peer uses it.
static int take_any(struct cp_shm *c, uint64_t now_us)
{
	int got = take_message(c, now_us);

	return got ? got : take_packet(c);
}

static int take_messages(struct cp_shm *c, uint64_t now_us)
{
	struct abi_region_b *b = c->b.base;
	unsigned budget = EVENTS_A_CALL;
	int got;

	abi_doorbell_disarm(&b->sleeping);
	for (;;) {
		while (budget && (got = take_any(c, now_us)) == 1)
			budget--;
		if (!budget)
			break;
		if (got < 0)
			return got;
		// We will sleep: say so, then look once more.
		abi_doorbell_arm(&b->sleeping);
		got = take_any(c, now_us);
		if (got <= 0)
			return got;
		abi_doorbell_disarm(&b->sleeping);
	}
	c->more = true;
	return 0;
}

// ---- time

static void expire(struct cp_shm *c, uint64_t now_us)
{
	static const enum cp_command_place live[] = {CP_SENT, CP_WAITING};
	struct cp_command *p;

	for (unsigned i = 0; i < 2; i++) {
		while ((p = c->pending.list[live[i]].first) && p->deadline_us <= now_us) {
			struct cp_command told = *p;

			c->counters.timeouts++;
			if (live[i] == CP_WAITING) {
				// Never sent: nobody will ever answer it.
				finish(c, p, NULL, -ETIMEDOUT);
				continue;
			}
			p->done = NULL;
			p->deadline_us = now_us + c->timeout_us * LATE_FACTOR;
			cp_command_move(&c->pending, p, CP_LATE);
			answer(&told, -ETIMEDOUT);
			explicit_bzero(&told.msg, sizeof(told.msg));
		}
	}
	while ((p = c->pending.list[CP_LATE].first) && p->deadline_us <= now_us)
		cp_command_drop(&c->pending, p, c->attached ? &c->commands : NULL);
}

// Takes note of what rang. True when the socket did.
static bool socket_rang(struct cp_shm *c)
{
	struct epoll_event events[4];
	int n = epoll_wait(c->epoll, events, 4, 0);

	for (int i = 0; i < n; i++)
		if (events[i].data.fd == c->link.socket)
			return true;
	return n < 0; // interrupted: perhaps
}

// 0, or -EPIPE when hawse-media hung up, or -EPROTO when it talks where it should not.
static int look_at_socket(struct cp_shm *c)
{
	char byte;
	ssize_t n = recv(c->link.socket, &byte, sizeof(byte), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? -EPROTO : -EPIPE;
}

void cp_shm_process(struct cp_shm *c, uint64_t now_us)
{
	struct abi_region_b *b;
	bool rang;
	int err;

	c->more = false;
	if (!c->attached && now_us >= c->retry_at_us)
		attach(c, now_us);
	if (!c->attached)
		return;
	rang = socket_rang(c);
	// Answers that came before the hang-up still count.
	err = take_messages(c, now_us);
	c->counters.broken += err == -EPROTO;
	if (!err && rang)
		err = look_at_socket(c);
	if (!err && c->push_at_us <= now_us)
		push(c);
	if (!err && c->broken) {
		c->counters.broken++;
		err = -EPROTO;
	}
	if (err) {
		detach(c, err, now_us);
		return;
	}
	expire(c, now_us);
	b = c->b.base;
	abi_store64(&b->heartbeat_us, now_us);
	c->heartbeat_at_us = now_us + HEARTBEAT_US;
}

int cp_shm_fd(const struct cp_shm *c)
{
	return c->epoll;
}

uint64_t cp_shm_next(const struct cp_shm *c)
{
	uint64_t next = c->heartbeat_at_us;

	if (!c->attached)
		return c->retry_at_us;
	if (c->more || c->broken)
		return 0;
	if (c->push_at_us && c->push_at_us < next)
		next = c->push_at_us;
	for (unsigned place = 0; place < CP_PLACES; place++) {
		const struct cp_command *p = c->pending.list[place].first;

		if (p && p->deadline_us < next)
			next = p->deadline_us;
	}
	return next;
}

// ---- commands

uint64_t cp_shm_transaction(struct cp_shm *c)
{
	do
		c->transaction++;
	while (!c->transaction || cp_command_find(&c->pending, c->transaction));
	return c->transaction;
}

// The same command again while its first answer is late: that answer is this one's.
static int revive(struct cp_shm *c, struct cp_command *p, const struct abi_msg *command,
	cp_shm_reply_fn *done, void *user, uint64_t now_us)
{
	if (p->place != CP_LATE || p->msg.type != command->type || p->msg.slot != command->slot)
		return -EEXIST;
	p->done = done;
	p->user = user;
	p->deadline_us = now_us + c->timeout_us;
	cp_command_move(&c->pending, p, CP_SENT);
	return 0;
}

// A patient command, with none but patient ones before it.
static bool may_wait(struct cp_shm *c, const struct cp_command *p, uint64_t now_us)
{
	if (!(p->flags & CP_SHM_PATIENT) || c->pending.list[CP_WAITING].count > PATIENT_MOST ||
		(!c->push_at_us && p->previous))
		return false;
	if (!c->push_at_us)
		c->push_at_us = now_us + CP_SHM_PATIENCE_US;
	return true;
}

int cp_shm_submit(struct cp_shm *c, struct abi_msg *command, unsigned flags, cp_shm_reply_fn *done,
	void *user, uint64_t now_us)
{
	struct cp_command *p;

	if (command->type == 0 || command->type >= ABI_COMMANDS ||
		command->length != abi_msg_payload(command->type, 0))
		return -EINVAL;
	if (!c->attached)
		return -ENOTCONN;
	if (!command->transaction)
		command->transaction = cp_shm_transaction(c);
	p = cp_command_find(&c->pending, command->transaction);
	if (p)
		return revive(c, p, command, done, user, now_us);
	if (c->pending.list[CP_WAITING].count >= c->queue) {
		c->counters.queue_full++;
		return -ENOBUFS;
	}
	p = cp_command_add(&c->pending, command);
	if (!p)
		return -ENOMEM;
	p->flags = (uint8_t)flags;
	p->done = done;
	p->user = user;
	p->deadline_us = now_us + c->timeout_us;
	c->counters.commands++;
	if (!may_wait(c, p, now_us))
		push(c);
	return 0;
}

void cp_shm_forget(struct cp_shm *c, uint64_t transaction)
{
	struct cp_command *p = cp_command_find(&c->pending, transaction);

	if (!p)
		return;
	p->done = NULL;
	if (p->place == CP_WAITING) {
		cp_command_drop(&c->pending, p, NULL);
	} else if (p->place == CP_SENT) {
		// To the end of the late ones, whose deadlines are in order.
		const struct cp_command *last = c->pending.list[CP_LATE].last;

		p->deadline_us += c->timeout_us * (LATE_FACTOR - 1);
		if (last && last->deadline_us > p->deadline_us)
			p->deadline_us = last->deadline_us;
		cp_command_move(&c->pending, p, CP_LATE);
	}
}

int cp_shm_reconciled(struct cp_shm *c, uint64_t now_us)
{
	struct abi_msg msg;
	int err;

	abi_msg_init(&msg, ABI_RECONCILE_DONE, 0, ABI_NO_SLOT, 0);
	err = cp_shm_submit(c, &msg, 0, NULL, NULL, now_us);
	if (err)
		return err;
	while (c->old_count)
		cp_region_a_close(&c->old[--c->old_count]);
	return 0;
}

int cp_shm_inject(struct cp_shm *c, const struct abi_punt *packet)
{
	int err;

	if (packet->length == 0 || packet->length > ABI_PUNT_DATA || packet->leg > 1 ||
		packet->component > 1 ||
		(packet->kind != ABI_PUNT_DTLS && packet->kind != ABI_PUNT_STUN))
		return -EINVAL;
	if (!c->attached || !c->punt.open)
		return -ENOTCONN;
	err = abi_produce(&c->punt.out, packet);
	if (err == -EPROTO) {
		c->broken = true; // the next cp_shm_process() detaches
		return -ENOTCONN;
	}
	c->counters.injects_lost += err != 0;
	c->counters.injects += err == 0;
	if (!err)
		abi_doorbell_ring(
			&cp_region_a_header(&c->a)->sleeping, c->link.fds[ABI_FD_COMMAND_BELL]);
	return err;
}
