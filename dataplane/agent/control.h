// SPDX-License-Identifier: BSD-3-Clause
// The attached control plane: its memory (a fresh region B and P for each attach), its doorbells, and
// reading its commands.
//
// Whatever it writes into its memory costs it the attachment at most: a ring index that cannot be, a
// message out of sequence, or refused commands without end detach it. Media goes on.
//
// Agent thread. Errors: 0 or -errno.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/hello.h"
#include "dataplane/abi/ring.h"
#include "dataplane/abi/shm.h"
#include "dataplane/agent/boundary.h"
#include "dataplane/agent/outbox.h"
#include "dataplane/agent/region.h"
#include "dataplane/agent/sessions.h"

#define CONTROL_COMMANDS_A_TURN  512u
#define CONTROL_PACKETS_A_TURN   128u
#define CONTROL_REFUSED_A_SECOND 2000u // malformed ones, before it is cut off

struct control {
	struct region *region;
	struct outbox *outbox;
	struct sessions *sessions;
	struct boundary boundary;
	bool attached;
	int socket;
	struct abi_shm b, punt, inject;
	int command_bell, event_bell;
	struct abi_consumer commands;
	struct abi_producer punts;
	struct abi_consumer injects;
	uint32_t sequence; // of the next command
	uint32_t refused;  // in this second
	uint64_t second;
};

enum control_end { // why a control plane is cut off
	CONTROL_ON = 0,
	CONTROL_BROKEN_RING,
	CONTROL_BROKEN_SEQUENCE,
	CONTROL_FLOOD,
	CONTROL_HANGUP,
	CONTROL_REPLACED,
};

// Never attached yet.
void control_init(struct control *control);

// Makes the new control plane's memory and sends the welcome. Takes `socket` over on success.
int control_attach(struct control *control, int socket, uint64_t features);

// Lets it go; counts why. `socket` is closed.
void control_detach(struct control *control, enum control_end why);
const char *control_why(enum control_end why);

// Reads and carries out a bounded number of commands. *more: there may be more at once.
enum control_end control_commands(struct control *control, uint64_t now_us, bool *more);

// Carries packets between legs and the control plane, a bounded number of them. *more: as above.
enum control_end control_packets(struct control *control, uint64_t now_us, bool *more);

// Sends replies and events.
enum control_end control_flush(struct control *control);
