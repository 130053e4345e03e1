// SPDX-License-Identifier: BSD-3-Clause
// Secured media over a client of the shared memory: SRTP keys, ICE credentials, what was learned before
// a restart, and packets that hawse-media punts and sends for us (DTLS, ICE with an agent of ours).
// What each command means stands in dataplane/abi/secure.h.
//
// Thread: the client's. Callbacks as those of client.h: from inside cp_shm_process() only. Packets that
// threads of others made (DTLS handshakes) are handed to the client's thread first.
#pragma once

#include "controlplane/shm/client.h"

#ifdef __cplusplus
extern "C" {
#endif

// Each is cp_shm_submit() of one command with a transaction of its own: the same errors, and exactly one
// `done`, which may be NULL. Keys and credentials are wiped from the ring and from the client when they
// are answered; the caller wipes its own copy.
int cp_shm_keys(struct cp_shm *c, uint32_t slot, uint32_t generation,
	const struct abi_leg_keys *keys, cp_shm_reply_fn *done, void *user, uint64_t now_us);
int cp_shm_ice(struct cp_shm *c, uint32_t slot, uint32_t generation, const struct abi_leg_ice *ice,
	cp_shm_reply_fn *done, void *user, uint64_t now_us);
int cp_shm_learned(struct cp_shm *c, uint32_t slot, uint32_t generation,
	const struct abi_session_resume *resume, cp_shm_reply_fn *done, void *user,
	uint64_t now_us);

// Fills what the resume record of one leg says into the commands that bring it back; leaves all else
// of them alone. `keys->directions` decides which streams are taken.
void cp_shm_resume_keys(const struct abi_leg_resume *from, struct abi_leg_keys *keys);
void cp_shm_resume_learned(
	const struct abi_leg_resume *from, unsigned leg, struct abi_session_resume *to);

// A packet to be sent from a media port, behind all commands that were submitted before it and fit into
// their ring. 0, -ENOTCONN, -EINVAL (length, kind, leg), or -EAGAIN: the ring is full, the packet is
// lost as the network may lose it. hawse-media drops and counts what it may not send.
int cp_shm_inject(struct cp_shm *c, const struct abi_punt *packet);

#ifdef __cplusplus
}
#endif
