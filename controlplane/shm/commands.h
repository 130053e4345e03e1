// SPDX-License-Identifier: BSD-3-Clause
// Inside controlplane/shm: the commands in flight. A command waits (the ring is full), is sent, and
// then answered, or late: its owner was told -ETIMEDOUT or forgot it, and the answer may still come.
// All commands have one time-out, so each list is in the order of its deadlines.
// One thread owns them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/shm/client.h"
#include "dataplane/abi/ring.h"

#define CP_COMMAND_BUCKETS 4096u
// At most so many unanswered commands: their answers fill half of the event ring at worst.
#define CP_COMMANDS_SENT (ABI_EVENT_SLOTS / 2)

enum cp_command_place {
	CP_WAITING,
	CP_SENT,
	CP_LATE,
	CP_PLACES,
};

struct cp_command {
	struct cp_command *next, *previous; // in its list
	struct cp_command *chain;           // in its bucket
	struct abi_msg msg;
	cp_shm_reply_fn *done;
	void *user;
	uint64_t deadline_us;
	uint32_t ring_index; // where it was put, when sent
	uint8_t place;       // enum cp_command_place
	uint8_t flags;
};

struct cp_command_list {
	struct cp_command *first, *last;
	uint32_t count;
};

struct cp_commands {
	struct cp_command_list list[CP_PLACES];
	struct cp_command *buckets[CP_COMMAND_BUCKETS];
	struct cp_command *spare; // freed ones, kept
	uint32_t spares;
};

struct cp_command *cp_command_find(const struct cp_commands *all, uint64_t transaction);
// A copy of `msg` at the end of the waiting ones; NULL: no memory.
struct cp_command *cp_command_add(struct cp_commands *all, const struct abi_msg *msg);
void cp_command_move(
	struct cp_commands *all, struct cp_command *command, enum cp_command_place place);
// Takes it out of its list and bucket and frees it. A secret one is wiped, in the ring too if that
// slot still is its own; `ring` may be NULL.
void cp_command_drop(
	struct cp_commands *all, struct cp_command *command, struct abi_producer *ring);
void cp_commands_free(struct cp_commands *all, struct abi_producer *ring);

// True when `reply`, whose transaction is that of `command`, is one that it can have.
bool cp_reply_fits(const struct abi_msg *command, const struct abi_msg *reply, uint32_t sessions);
// True when the event is one of ours and its fields are within what they can be.
bool cp_event_fits(const struct abi_msg *event, uint32_t sessions);
