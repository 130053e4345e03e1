// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/shm/secure.h"

#include <string.h>

static int submit(struct cp_shm *c, uint16_t type, uint32_t slot, uint32_t generation,
	const void *payload, size_t size, cp_shm_reply_fn *done, void *user, uint64_t now_us)
{
	unsigned flags = abi_msg_secret(type) ? CP_SHM_SECRET : 0;
	struct abi_msg msg;
	int err;

	abi_msg_init(&msg, type, 0, slot, generation);
	memcpy(msg.payload, payload, size);
	err = cp_shm_submit(c, &msg, flags, done, user, now_us);
	explicit_bzero(&msg, sizeof(msg));
	return err;
}

int cp_shm_keys(struct cp_shm *c, uint32_t slot, uint32_t generation,
	const struct abi_leg_keys *keys, cp_shm_reply_fn *done, void *user, uint64_t now_us)
{
	return submit(c, ABI_LEG_KEYS, slot, generation, keys, sizeof(*keys), done, user, now_us);
}

int cp_shm_ice(struct cp_shm *c, uint32_t slot, uint32_t generation, const struct abi_leg_ice *ice,
	cp_shm_reply_fn *done, void *user, uint64_t now_us)
{
	return submit(c, ABI_LEG_ICE, slot, generation, ice, sizeof(*ice), done, user, now_us);
}

int cp_shm_learned(struct cp_shm *c, uint32_t slot, uint32_t generation,
	const struct abi_session_resume *resume, cp_shm_reply_fn *done, void *user, uint64_t now_us)
{
	return submit(c, ABI_SESSION_RESUME, slot, generation, resume, sizeof(*resume), done, user,
		now_us);
}

void cp_shm_resume_keys(const struct abi_leg_resume *from, struct abi_leg_keys *keys)
{
	for (unsigned i = 0; i < ABI_SRTP_STREAMS; i++) {
		unsigned direction = i < ABI_SRTP_STREAMS / 2 ? ABI_IN : ABI_OUT;
		struct abi_srtp_stream s = from->srtp[i];

		// The record is of another process: only what the command may say is taken.
		memset(&keys->resume[i], 0, sizeof(keys->resume[i]));
		if (s.used != 1 || !(keys->directions & 1u << direction))
			continue;
		s.reserved = 0;
		if (s.srtcp_index > 0x80000000u)
			s.srtcp_index = 0x80000000u;
		keys->resume[i] = s;
	}
}

static struct abi_addr address(const struct abi_addr *from)
{
	struct abi_addr a = {0};

	if ((from->family != 4 && from->family != 6) || !from->port)
		return a;
	a.family = from->family;
	a.port = from->port;
	memcpy(a.ip, from->ip, from->family == 4 ? 4 : 16);
	return a;
}

void cp_shm_resume_learned(
	const struct abi_leg_resume *from, unsigned leg, struct abi_session_resume *to)
{
	to->leg[leg] = (struct abi_leg_learned){
		.rtp = address(&from->rtp),
		.rtcp = address(&from->rtcp),
		.ssrc = from->rx_ssrc,
		.seq = from->rx_seq,
	};
}
