// SPDX-License-Identifier: BSD-3-Clause
// The state of one end: client.c (attach, answers, time, commands) and read.c (what others ask of it).
#pragma once

#include "controlplane/shm/client.h"
#include "controlplane/shm/commands.h"
#include "controlplane/shm/punt.h"
#include "controlplane/shm/region_a.h"
#include "dataplane/abi/hello.h"

#define OLD_REGIONS 4u

struct cp_shm {
	char path[108];
	char name[24];
	const struct cp_shm_ops *ops;
	void *user;
	uint32_t queue;
	uint64_t timeout_us, retry_max_us;

	int epoll;
	bool attached, broken, more;
	bool ever; // was attached before
	int error;
	uint64_t retry_us, retry_at_us, heartbeat_at_us;
	uint64_t lost_at_us; // 0: never was one
	uint64_t transaction;
	uint64_t push_at_us; // when the patient ones that wait have waited enough; 0: there are none

	struct abi_attached link; // the socket and both doorbells
	struct cp_region_a a;     // of the attached one, or of the last when detached
	struct cp_region_a old[OLD_REGIONS];
	unsigned old_count;
	struct abi_shm b;
	struct cp_punt punt;
	struct abi_producer commands;
	struct abi_consumer events;
	uint32_t command_sequence, event_sequence;
	bool sequence_known;

	struct cp_commands pending;
	struct cp_shm_info info;
	struct cp_shm_counters counters;
};
