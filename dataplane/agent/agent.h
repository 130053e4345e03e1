// SPDX-License-Identifier: BSD-3-Clause
// The agent: the one thread of hawse-media that does not forward. It serves media.sock, carries out
// commands, mirrors the kernel, and looks after sessions. One loop over epoll; nothing in it waits.
//
// Roles at the socket: a control plane must be root, this process's own user, or the configured one;
// who may connect at all may read statistics (the socket's mode is 0660).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dataplane/agent/control.h"
#include "dataplane/agent/hops.h"
#include "dataplane/agent/neighbour.h"
#include "dataplane/agent/sessions.h"

struct agent;

struct agent_config {
	int listener; // media.sock, of abi_listen
	uid_t user;   // besides root and ourselves; (uid_t)-1: nobody
	struct region *region;
	struct outbox *outbox;
	struct sessions *sessions;
	struct hops *hops;
	struct neighbour *neighbour;
	const struct port *ports;
	unsigned port_count;
	int worker_bell;            // eventfd that workers ring
	abi_atomic32 *asleep;       // what they look at before they do
	uint32_t sessions_capacity; // of the directory
	uint32_t endpoint_count;
	uint32_t workers;
	unsigned unproved; // interfaces told to steer that gave no probe packet back
	void (*hangup)(void *ctx); // SIGHUP
	void *hangup_ctx;
};

// 0 or -errno.
int agent_new(struct agent **out, const struct agent_config *config);
void agent_free(struct agent *agent);

// Runs until SIGTERM or SIGINT (which must be blocked in every thread, as SIGHUP must). Returns the signal, or
// -errno when it cannot go on.
int agent_run(struct agent *agent);
