// SPDX-License-Identifier: BSD-3-Clause
// Inside controlplane/shm: the two rings of packets of one attachment. One thread owns them.
#pragma once

#include "dataplane/abi/ring.h"
#include "dataplane/abi/shm.h"

struct cp_punt {
	struct abi_shm punt, inject; // theirs, ours
	struct abi_consumer in;
	struct abi_producer out;
	bool open;
};

void cp_punt_init(struct cp_punt *p);
// Takes both descriptors over, also on error. Without any (-1, -1) there is no punting: 0.
int cp_punt_open(struct cp_punt *p, int punt_fd, int inject_fd);
void cp_punt_close(struct cp_punt *p);
// 1 and a packet whose length, leg, component and kind are in range; 0; -EPROTO.
// *bad counts those that were not and were skipped.
int cp_punt_take(struct cp_punt *p, struct abi_punt *packet, uint32_t sessions, uint64_t *bad);
