// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void abi_notify(const char *state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	int fd;

	if (length == 0 || length >= sizeof(un.sun_path))
		return;
	memcpy(un.sun_path, path, length);
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

// Meant for this process, and not for the one that started it.
static uint64_t watchdog_us(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!us || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(us, NULL, 10);
}

void abi_notify_alive(uint64_t now_us)
{
	static _Thread_local uint64_t every, next;

	if (!every) {
		every = watchdog_us() / 2;
		if (!every)
			every = UINT64_MAX;
	}
	if (every == UINT64_MAX || now_us < next)
		return;
	next = now_us + every;
	abi_notify("WATCHDOG=1");
}
