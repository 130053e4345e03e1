// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/notify.h"
#include "dataplane/agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dataplane/abi/shm.h"
#include "dataplane/abi/sync.h"
#include "dataplane/agent/steering.h"
#include "dataplane/log.h"
#include "dataplane/pipeline/stages.h"

#define MAX_PEERS  64u
#define EVENTS     32
#define TICK_US    100000u
#define BUSY_MS    1 // until a piece of work that could not be finished is tried again
#define HELLO_US   2000000u
#define INTERFACES 32u // media interfaces, at most
#define ACCEPTS    8u  // in one turn
#define ATTACHES   20u // in a second; each makes memory
#define SECOND_US  1000000u
#define MUCH       256u // answers and events in one turn: there may be more
#define LINE       256
#define LINES      20u // in the log, a second

enum source { // what epoll tells us about; peers follow
	ON_LISTENER,
	ON_SIGNAL,
	ON_WORKERS,
	ON_NETLINK,
	ON_COMMANDS,
	ON_PEERS,
};

enum peer_state {
	PEER_NONE,
	PEER_NEW, // has not said hello
	PEER_READER,
	PEER_CONTROL,
};

enum link_state {
	LINK_UP = 0, // as expected at start
	LINK_DOWN,
	LINK_GONE,
};

struct peer {
	enum peer_state state;
	int fd;
	uid_t uid;
	pid_t pid;
	uint64_t since_us;
	char name[24];
};

struct agent {
	struct agent_config c;
	struct control control;
	unsigned control_peer; // index, when attached
	int epoll, signals;
	struct peer peers[MAX_PEERS];
	unsigned readers;
	uint64_t next_tick_us, next_second_us;
	unsigned attaches;                 // in this second
	unsigned lines;                    // logged or left out in this second
	enum link_state links[INTERFACES]; // by media interface
	bool steering_open;                // traffic has not said yet whether devices steer
	bool hurry;                        // something is left to be done
	int stopped_by;
};

// Who connects decides how often this is called, so only so many lines a second are written.
static void say(struct agent *a, enum dp_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(struct agent *a, enum dp_level level, const char *format, ...)
{
	char line[LINE];
	va_list args;

	if (++a->lines > LINES)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	dp_log(level, "agent", "%s", line);
}

static int watch(struct agent *a, int fd, uint64_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};

	return epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

// Of a bell only the ring counts: that epoll tells of each write (EPOLLET) saves reading it.
static int watch_bell(struct agent *a, int fd, uint64_t what)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = what};

	return epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int agent_new(struct agent **out, const struct agent_config *config)
{
	struct agent *a = calloc(1, sizeof(*a));
	sigset_t signals;
	int err = -ENOMEM;

	*out = NULL;
	if (!a)
		return err;
	a->c = *config;
	a->steering_open = config->unproved > 0;
	control_init(&a->control);
	a->control.region = config->region;
	a->control.outbox = config->outbox;
	a->control.sessions = config->sessions;
	a->control.boundary = (struct boundary){
		.directory = config->region->directory,
		.sessions = config->sessions_capacity,
		.endpoints = config->region->endpoints,
		.endpoint_count = config->endpoint_count,
		.interfaces = config->port_count,
	};
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	a->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = a->signals < 0 || a->epoll < 0 ? -errno : 0;
	if (!err)
		err = watch(a, a->signals, ON_SIGNAL);
	if (!err)
		err = watch(a, config->listener, ON_LISTENER);
	if (!err)
		err = watch_bell(a, config->worker_bell, ON_WORKERS);
	if (!err)
		err = watch(a, neighbour_fd(config->neighbour), ON_NETLINK);
	if (err)
		agent_free(a);
	else
		*out = a;
	return err;
}

static void drop_peer(struct agent *a, unsigned i)
{
	struct peer *peer = &a->peers[i];

	if (peer->state == PEER_READER)
		region_gauge(a->c.region, AGENT_READERS, --a->readers);
	// The control plane's socket is closed by control_detach.
	if (peer->state == PEER_NEW || peer->state == PEER_READER)
		close(peer->fd);
	peer->state = PEER_NONE;
}

static void detach(struct agent *a, enum control_end why)
{
	const struct peer *peer = &a->peers[a->control_peer];

	if (!a->control.attached)
		return;
	say(a, why == CONTROL_HANGUP || why == CONTROL_REPLACED ? DP_INFO : DP_WARNING,
		"control plane %s (pid %d) is detached: %s; media goes on", peer->name,
		(int)peer->pid, control_why(why));
	// The other side still holds the eventfd: closing ours would not take it out of epoll.
	epoll_ctl(a->epoll, EPOLL_CTL_DEL, a->control.command_bell, NULL);
	control_detach(&a->control, why);
	drop_peer(a, a->control_peer);
}

void agent_free(struct agent *a)
{
	if (!a)
		return;
	detach(a, CONTROL_HANGUP);
	for (unsigned i = 0; i < MAX_PEERS; i++)
		if (a->peers[i].state != PEER_NONE)
			drop_peer(a, i);
	if (a->signals >= 0)
		close(a->signals);
	if (a->epoll >= 0)
		close(a->epoll);
	free(a);
}

// ---- media.sock -----------------------------------------------------------------------------------

static void refuse(struct agent *a, unsigned i, int err, const char *why)
{
	struct abi_welcome welcome = {.status = err};
	struct peer *peer = &a->peers[i];

	region_count(a->c.region, AGENT_ATTACH_REFUSED);
	say(a, DP_WARNING, "refused a connection of pid %d, uid %d: %s", (int)peer->pid,
		(int)peer->uid, why);
	abi_welcome_send(peer->fd, &welcome, NULL);
	drop_peer(a, i);
}

static void welcome_reader(struct agent *a, unsigned i)
{
	struct abi_welcome welcome = {
		.boot_epoch = a->c.region->a->boot_epoch,
		.generation = abi_load32(&a->c.region->a->generation),
		.fd_count = 1,
		.fd_kind = {ABI_FD_A},
	};

	if (abi_welcome_send(a->peers[i].fd, &welcome, &a->c.region->shm.fd)) {
		drop_peer(a, i);
		return;
	}
	a->peers[i].state = PEER_READER;
	region_gauge(a->c.region, AGENT_READERS, ++a->readers);
}

static void welcome_control(struct agent *a, unsigned i, const struct abi_hello *hello)
{
	struct peer *peer = &a->peers[i];
	int err;

	if (peer->uid != 0 && peer->uid != geteuid() && peer->uid != a->c.user) {
		refuse(a, i, -EACCES, "its user may not control media");
		return;
	}
	if (++a->attaches > ATTACHES) {
		refuse(a, i, -EBUSY, "too many attach in a second");
		return;
	}
	detach(a, CONTROL_REPLACED);
	err = control_attach(&a->control, peer->fd, hello->features);
	if (err) {
		refuse(a, i, err, strerror(-err));
		return;
	}
	peer->state = PEER_CONTROL;
	a->control_peer = i;
	watch_bell(a, a->control.command_bell, ON_COMMANDS);
	say(a, DP_INFO, "control plane %s (pid %d) is attached, generation %u", peer->name,
		(int)peer->pid, abi_load32(&a->c.region->a->generation));
}

static void on_hello(struct agent *a, unsigned i)
{
	struct peer *peer = &a->peers[i];
	struct abi_hello hello;
	int err = abi_hello_read(peer->fd, &hello);

	if (err == -EAGAIN)
		return;
	if (err == -EPROTONOSUPPORT) {
		refuse(a, i, err, "it speaks another version; build both of one release");
		return;
	}
	if (err) {
		if (err != -EPIPE)
			region_count(a->c.region, AGENT_ATTACH_REFUSED);
		drop_peer(a, i);
		return;
	}
	for (unsigned n = 0; hello.name[n]; n++) // goes into the log
		if (hello.name[n] < ' ' || hello.name[n] > '~')
			hello.name[n] = '?';
	memcpy(peer->name, hello.name, sizeof(peer->name));
	if (hello.role == ABI_ROLE_CONTROL)
		welcome_control(a, i, &hello);
	else if (hello.role == ABI_ROLE_READER)
		welcome_reader(a, i);
	else
		refuse(a, i, -EPROTO, "unknown role");
}

// Nobody has anything to say after hello: what can be read is the hang-up, or noise.
static void on_peer(struct agent *a, unsigned i)
{
	struct peer *peer = &a->peers[i];
	char byte;
	ssize_t n;

	if (peer->state == PEER_NEW) {
		on_hello(a, i);
		return;
	}
	if (peer->state == PEER_NONE)
		return;
	n = recv(peer->fd, &byte, 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (peer->state == PEER_CONTROL)
		detach(a, CONTROL_HANGUP);
	else
		drop_peer(a, i);
}

static unsigned free_peer(const struct agent *a)
{
	unsigned i = 0;

	while (i < MAX_PEERS && a->peers[i].state != PEER_NONE)
		i++;
	return i;
}

static void on_connection(struct agent *a, uint64_t now_us)
{
	for (unsigned n = 0; n < ACCEPTS; n++) {
		unsigned i = free_peer(a);
		uid_t uid;
		pid_t pid;
		int fd = abi_accept(a->c.listener, &uid, &pid);

		if (fd < 0)
			return;
		if (i == MAX_PEERS || watch(a, fd, ON_PEERS + i)) {
			region_count(a->c.region, AGENT_ATTACH_REFUSED);
			close(fd);
			continue;
		}
		a->peers[i] = (struct peer){
			.state = PEER_NEW, .fd = fd, .uid = uid, .pid = pid, .since_us = now_us};
		on_hello(a, i);
	}
}

static void drop_silent(struct agent *a, uint64_t now_us)
{
	for (unsigned i = 0; i < MAX_PEERS; i++)
		if (a->peers[i].state == PEER_NEW && now_us - a->peers[i].since_us > HELLO_US)
			drop_peer(a, i);
}

// ---- the loop -------------------------------------------------------------------------------------

// Says when a media interface goes down, comes back, or is gone for good.
static void say_links(struct agent *a)
{
	for (unsigned i = 0; i < a->c.port_count; i++) {
		const struct port *port = &a->c.ports[i];
		const struct neighbour_link *link;
		enum link_state now;

		if (port->kind == NIC_OTHER)
			continue;
		link = neighbour_link(a->c.neighbour, port->ifindex);
		now = !link ? LINK_GONE : link->up ? LINK_UP : LINK_DOWN;
		if (now == a->links[i])
			continue;
		a->links[i] = now;
		if (now == LINK_UP)
			say(a, DP_INFO, "media.%s: %s is up", port->media->name, port->interface);
		else if (now == LINK_DOWN)
			say(a, DP_WARNING,
				"media.%s: %s is down; what should leave by it is dropped",
				port->media->name, port->interface);
		else
			say(a, DP_ERROR,
				"media.%s: %s does not exist any more; when it is back, "
				"restart hawse-media",
				port->media->name, port->interface);
	}
}

static void on_netlink(struct agent *a)
{
	int changes = neighbour_poll(a->c.neighbour);

	if (changes < 0)
		return; // tried again at the next second
	if (changes & NEIGHBOUR_LINKS) {
		say_links(a);
		hops_links(a->c.hops);
	}
	if (changes & (NEIGHBOUR_ROUTES | NEIGHBOUR_LINKS))
		sessions_reroute(a->c.sessions, abi_now_us());
}

static void on_signal(struct agent *a)
{
	struct signalfd_siginfo info;

	if (read(a->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP)
		a->stopped_by = (int)info.ssi_signo;
	else if (a->c.hangup)
		a->c.hangup(a->c.hangup_ctx);
}

static void judge_steering(struct agent *a)
{
	uint64_t received = 0, handed = 0;
	enum steering_verdict verdict;

	for (uint32_t w = 0; w < a->c.workers; w++) {
		const abi_atomic64 *counters = region_worker_counters(a->c.region, w);

		received += abi_load64(&counters[DP_COUNT_RX]);
		handed += abi_load64(&counters[DP_COUNT_HANDED]);
	}
	verdict = steering_judge(received, handed);
	if (verdict == STEERING_OPEN)
		return;
	a->steering_open = false;
	if (verdict == STEERING_PROVED)
		region_gauge(a->c.region, AGENT_STEERING_PROVED,
			abi_load64(&a->c.region->mine[AGENT_STEERING_PROVED]) + a->c.unproved);
	dp_log(verdict == STEERING_PROVED ? DP_INFO : DP_WARNING, "agent",
		"steering: %s; of %llu packets %llu came to another worker's queue and were handed "
		"over",
		verdict == STEERING_PROVED ? "proved by traffic"
					   : "a device does not steer as it was told",
		(unsigned long long)received, (unsigned long long)handed);
}

static void every_second(struct agent *a)
{
	static const struct {
		enum xdp_media_count from;
		enum agent_counter to;
	} counts[] = {
		{XDP_MEDIA_FRAGMENT, AGENT_XDP_FRAGMENTS},
		{XDP_MEDIA_MALFORMED, AGENT_XDP_MALFORMED},
		{XDP_MEDIA_NO_SOCKET, AGENT_XDP_NO_SOCKET},
		{XDP_MEDIA_CLOSED, AGENT_XDP_CLOSED},
	};
	struct neighbour_stats stats;

	on_netlink(a);
	stats = neighbour_stats(a->c.neighbour);
	region_gauge(a->c.region, AGENT_NETLINK_UPDATES, stats.updates);
	region_gauge(a->c.region, AGENT_NETLINK_RESYNCS, stats.resyncs);
	region_gauge(a->c.region, AGENT_NEIGHBOUR_USES, stats.uses);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint64_t sum = 0;

		for (unsigned p = 0; p < a->c.port_count; p++)
			sum += xdp_count(&a->c.ports[p].xdp, counts[i].from);
		region_gauge(a->c.region, counts[i].to, sum);
	}
	if (a->steering_open)
		judge_steering(a);
	a->attaches = 0;
	if (a->lines > LINES)
		dp_log(DP_WARNING, "agent", "%u more lines like these in the last second",
			a->lines - LINES);
	a->lines = 0;
}

static void tick(struct agent *a, uint64_t now_us)
{
	a->hurry = sessions_tick(a->c.sessions, now_us);
	hops_tick(a->c.hops, now_us);
	drop_silent(a, now_us);
	abi_store64(&a->c.region->a->heartbeat_us, now_us);
	if (now_us >= a->next_second_us) {
		a->next_second_us = now_us + SECOND_US;
		abi_notify_alive(now_us);
		every_second(a);
	}
	a->next_tick_us = now_us + (a->hurry ? BUSY_MS * 1000 : TICK_US);
}

// What does not come through a descriptor: commands, and what workers say; those that sleep have
// answered when control_commands() returns. True: there is more than one turn takes.
static bool work(struct agent *a, uint64_t now_us)
{
	enum control_end end;
	unsigned found;
	bool more, packets = false;

	end = control_commands(&a->control, now_us, &more);
	found = sessions_collect(a->c.sessions, now_us);
	if (!end)
		end = control_packets(&a->control, now_us, &packets);
	if (!end)
		end = control_flush(&a->control);
	if (end)
		detach(a, end);
	return found >= MUCH || ((more || packets) && !end);
}

static void handle(struct agent *a, const struct epoll_event *event, uint64_t now_us)
{
	switch (event->data.u64) {
	case ON_LISTENER:
		on_connection(a, now_us);
		break;
	case ON_SIGNAL:
		on_signal(a);
		break;
	case ON_WORKERS: // work() will see why
	case ON_COMMANDS:
		break;
	case ON_NETLINK:
		on_netlink(a);
		break;
	default:
		on_peer(a, (unsigned)(event->data.u64 - ON_PEERS));
	}
}

static int patience(const struct agent *a, uint64_t now_us)
{
	if (now_us >= a->next_tick_us)
		return 0;
	if (outbox_blocked(a->c.outbox))
		return BUSY_MS;
	return (int)((a->next_tick_us - now_us + 999) / 1000);
}

int agent_run(struct agent *a)
{
	struct epoll_event events[EVENTS];

	on_netlink(a); // what has changed since the mirror was opened
	say_links(a);
	while (!a->stopped_by) {
		uint64_t now_us = abi_now_us();
		bool again;
		int n;

		if (now_us >= a->next_tick_us)
			tick(a, now_us);
		again = work(a, now_us);
		if (!again) {
			// Say that we sleep, then look once more.
			abi_doorbell_arm(&a->c.region->a->sleeping);
			abi_doorbell_arm(a->c.asleep);
			again = work(a, now_us);
		}
		n = epoll_wait(a->epoll, events, EVENTS, again ? 0 : patience(a, now_us));
		abi_doorbell_disarm(&a->c.region->a->sleeping);
		abi_doorbell_disarm(a->c.asleep);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			handle(a, &events[i], now_us);
	}
	return a->stopped_by;
}
