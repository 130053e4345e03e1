// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/control/control.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/control/wire.h"
#include "dataplane/abi/hello.h"

#define GROUPS 64u

struct client {
	int fd; // -1: free
	uid_t uid;
	pid_t pid;
	uint64_t since; // number of its connection: the smallest is the oldest
	uint8_t *in;    // malloc, of what the head announced
	size_t have, want;
	uint8_t head[sizeof(struct cp_wire_head)];
	char *out; // malloc
	size_t sent, size;
	bool waits; // its command is not done yet
};

struct cp_control {
	const struct cp_control_command *commands;
	void *ctx;
	int epoll, listener;
	char path[128];
	uint64_t connections;
	struct client clients[CP_CONTROL_CLIENTS];
};

// ---- commands --------------------------------------------------------------------------------------

// How many words of the request are this command's name; 0: it is another.
static unsigned match(const char *name, const char *const *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t n = strlen(words[i]);

		if (!n || strncmp(name, words[i], n) != 0)
			return 0;
		if (!name[n])
			return i + 1;
		if (name[n] != ' ')
			return 0;
		name += n + 1;
	}
	return 0;
}

static const struct cp_control_command *find(
	const struct cp_control *c, const char *const *words, unsigned count, unsigned *used)
{
	const struct cp_control_command *found = NULL;

	*used = 0;
	for (const struct cp_control_command *k = c->commands; k->name; k++) {
		unsigned n = match(k->name, words, count);

		if (n > *used) {
			*used = n;
			found = k;
		}
	}
	return found;
}

static void say_who(uid_t uid, char *text, size_t size)
{
	char memory[1024];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, memory, sizeof(memory), &found) == 0 && found)
		snprintf(text, size, "%s", pw.pw_name);
	else
		snprintf(text, size, "uid %u", (unsigned)uid);
}

static int run(struct cp_control *c, const char *const *words, unsigned count,
	struct cp_control_call *call)
{
	unsigned used;
	const struct cp_control_command *command = find(c, words, count, &used);

	if (!command) {
		snprintf(call->why, sizeof(call->why), "unknown command %.64s%s%.64s", words[0],
			count > 1 ? " " : "", count > 1 ? words[1] : "");
		return -ENOSYS;
	}
	call->words = words + used;
	call->count = count - used;
	if (call->count < command->least || call->count > command->most) {
		snprintf(call->why, sizeof(call->why), "usage: %s %s", command->name,
			command->usage);
		return -EINVAL;
	}
	return command->run(c->ctx, call);
}

// It may say again what the client said, which need not be UTF-8.
static json_t *error_text(char *why)
{
	json_t *text = json_string(why);

	for (char *p = why; !text && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return text ? text : json_string(why);
}

static json_t *execute(struct cp_control *c, const char *const *words, unsigned count, uid_t uid,
	pid_t pid, bool *waits)
{
	struct cp_control_call call = {.uid = uid, .pid = pid, .answer = json_object()};
	char who[64];
	int err;

	if (!call.answer)
		return NULL;
	say_who(uid, who, sizeof(who));
	call.who = who;
	err = run(c, words, count, &call);
	*waits = err == -EINPROGRESS;
	if (err && !call.why[0])
		snprintf(call.why, sizeof(call.why), "%s", strerror(-err));
	if (json_object_set_new(call.answer, "ok", json_boolean(!err)) ||
		(err && (json_object_set_new(call.answer, "code", json_integer(err)) ||
				json_object_set_new(call.answer, "error", error_text(call.why))))) {
		json_decref(call.answer);
		return NULL;
	}
	return call.answer;
}

json_t *cp_control_run(
	struct cp_control *c, const char *const *words, unsigned count, uid_t uid, pid_t pid)
{
	bool waits;

	return execute(c, words, count, uid, pid, &waits);
}

// ---- who -------------------------------------------------------------------------------------------

static bool in_group(int fd, gid_t group)
{
	gid_t groups[GROUPS];
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 && cred.gid == group)
		return true;
	n = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (size_t i = 0; i < n / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool may(const struct cp_control *c, int fd, uid_t uid)
{
	struct stat st;

	return uid == 0 || uid == geteuid() || (stat(c->path, &st) == 0 && in_group(fd, st.st_gid));
}

// ---- connections -----------------------------------------------------------------------------------

static void drop(struct client *k)
{
	if (k->fd >= 0)
		close(k->fd);
	free(k->in);
	free(k->out);
	*k = (struct client){.fd = -1};
}

static struct client *find_place(struct cp_control *c)
{
	struct client *oldest = &c->clients[0];

	for (unsigned i = 0; i < CP_CONTROL_CLIENTS; i++) {
		struct client *k = &c->clients[i];

		if (k->fd < 0)
			return k;
		if (k->since < oldest->since)
			oldest = k;
	}
	drop(oldest);
	return oldest;
}

static int watch(struct cp_control *c, int fd, uint32_t number, uint32_t events, int what)
{
	struct epoll_event event = {.events = events, .data.u32 = number};

	return epoll_ctl(c->epoll, what, fd, &event) ? -errno : 0;
}

static void answer(struct cp_control *c, struct client *k, json_t *root)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	free(k->in);
	k->in = NULL;
	k->out = text;
	k->size = text ? strlen(text) : 0;
	// The newline takes the place of the NUL, which nobody needs.
	if (text)
		text[k->size++] = '\n';
	else
		drop(k);
	if (k->fd >= 0 &&
		watch(c, k->fd, (uint32_t)(k - c->clients), EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD))
		drop(k);
}

static void refuse(struct cp_control *c, struct client *k, int err, const char *why)
{
	answer(c, k, json_pack("{s:b, s:i, s:s}", "ok", 0, "code", err, "error", why));
}

static void take_one(struct cp_control *c, int fd, uid_t uid, pid_t pid)
{
	struct client *k = find_place(c);
	uint32_t number = (uint32_t)(k - c->clients);

	*k = (struct client){.fd = fd, .uid = uid, .pid = pid, .since = ++c->connections};
	if (watch(c, fd, number, EPOLLIN, EPOLL_CTL_ADD))
		drop(k);
	else if (!may(c, fd, uid))
		refuse(c, k, -EACCES, "only root, the user of hawse-sip and its group may");
}

static void take(struct cp_control *c)
{
	uid_t uid;
	pid_t pid;
	int fd;

	while ((fd = abi_accept(c->listener, &uid, &pid)) >= 0)
		take_one(c, fd, uid, pid);
}

static void carry_out(struct cp_control *c, struct client *k)
{
	struct cp_wire_request request;
	json_t *root;

	k->waits = false;
	if (cp_wire_parse(k->in, k->want, &request)) {
		refuse(c, k, -EPROTO, "this is no request");
		return;
	}
	root = execute(c, request.words, request.count, k->uid, k->pid, &k->waits);
	if (k->waits)
		json_decref(root);
	else
		answer(c, k, root);
}

void cp_control_again(struct cp_control *c)
{
	for (unsigned i = 0; c && i < CP_CONTROL_CLIENTS; i++)
		if (c->clients[i].fd >= 0 && c->clients[i].waits)
			carry_out(c, &c->clients[i]);
}

// One packet, or a piece of one that brings the head and more.
static int keep(struct client *k, const uint8_t *bytes, size_t n)
{
	long size;

	if (!k->in) {
		size_t more = sizeof(k->head) - k->have < n ? sizeof(k->head) - k->have : n;

		memcpy(k->head + k->have, bytes, more);
		k->have += more;
		bytes += more;
		n -= more;
		size = cp_wire_size(k->head, k->have);
		if (size <= 0)
			return (int)size;
		k->want = (size_t)size;
		k->in = malloc(k->want);
		if (!k->in)
			return -ENOMEM;
		memcpy(k->in, k->head, k->have);
	}
	if (n > k->want - k->have)
		return -EPROTO;
	memcpy(k->in + k->have, bytes, n);
	k->have += n;
	return 0;
}

static void receive(struct cp_control *c, struct client *k)
{
	static uint8_t packet[CP_WIRE_PACKET]; // one thread
	ssize_t n = recv(k->fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
	int err;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	// After its request a client has nothing more to say.
	if (n <= 0 || k->out) {
		drop(k);
		return;
	}
	err = n > (ssize_t)sizeof(packet) ? -EPROTO : keep(k, packet, (size_t)n);
	if (err)
		refuse(c, k, err, "this is no request");
	else if (k->in && k->have == k->want)
		carry_out(c, k);
}

static void send_some(struct client *k)
{
	while (k->sent < k->size) {
		size_t left = k->size - k->sent;
		ssize_t n = send(k->fd, k->out + k->sent,
			left < CP_WIRE_PACKET ? left : CP_WIRE_PACKET, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			break;
		k->sent += (size_t)n;
	}
	drop(k);
}

void cp_control_process(struct cp_control *c)
{
	struct epoll_event events[CP_CONTROL_CLIENTS + 1];
	int n = epoll_wait(c->epoll, events, CP_CONTROL_CLIENTS + 1, 0);

	for (int i = 0; i < n; i++) {
		uint32_t number = events[i].data.u32;
		struct client *k = &c->clients[number < CP_CONTROL_CLIENTS ? number : 0];

		if (number == CP_CONTROL_CLIENTS) {
			take(c);
			continue;
		}
		if (k->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
			!(k->out && (events[i].events & EPOLLOUT)))
			receive(c, k);
		if (k->fd >= 0 && k->out)
			send_some(k);
	}
}

// ---- life ------------------------------------------------------------------------------------------

int cp_control_new(struct cp_control **out, const struct cp_control_command *commands, void *ctx)
{
	struct cp_control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->commands = commands;
	c->ctx = ctx;
	c->listener = -1;
	for (unsigned i = 0; i < CP_CONTROL_CLIENTS; i++)
		c->clients[i].fd = -1;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll < 0) {
		err = -errno;
		free(c);
		return err;
	}
	*out = c;
	return 0;
}

int cp_control_serve(struct cp_control *c, const char *path)
{
	int err;

	if (strlen(path) >= sizeof(c->path))
		return -ENAMETOOLONG;
	c->listener = abi_listen(path, 0660);
	if (c->listener < 0)
		return c->listener;
	strcpy(c->path, path);
	err = watch(c, c->listener, CP_CONTROL_CLIENTS, EPOLLIN, EPOLL_CTL_ADD);
	if (err) {
		close(c->listener);
		c->listener = -1;
	}
	return err;
}

int cp_control_own(struct cp_control *c, uid_t uid, gid_t gid)
{
	if (!c || c->listener < 0)
		return 0;
	return chown(c->path, uid, gid) ? -errno : 0;
}

int cp_control_fd(const struct cp_control *c)
{
	return c->epoll;
}

void cp_control_free(struct cp_control *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CP_CONTROL_CLIENTS; i++)
		drop(&c->clients[i]);
	if (c->listener >= 0) {
		unlink(c->path);
		close(c->listener);
	}
	close(c->epoll);
	free(c);
}
