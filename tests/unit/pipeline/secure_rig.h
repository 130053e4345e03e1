// SPDX-License-Identifier: BSD-3-Clause
// A rig with SRTP: contexts of the other side of each leg, and the mails that bring keys.
#pragma once

#include <cstring>

#include "dataplane/session/secure.h"
#include "tests/unit/pipeline/rig.h"

inline abi_srtp_key suite_key(unsigned suite, uint8_t seed)
{
	const abi_suite *s = abi_suite_of(suite);
	abi_srtp_key k = {};

	k.suite = (uint8_t)suite;
	memset(k.key, seed, s->key);
	memset(k.salt, seed + 1, s->salt);
	return k;
}

// The party's own end: it protects what it sends and reads what it gets.
class Party
{
      public:
	Party(const abi_srtp_key &sends, const abi_srtp_key &gets) : engine_(srtp_ssl.open())
	{
		EXPECT_EQ(0, srtp_new(&out, &srtp_ssl, &sends, ABI_OUT));
		EXPECT_EQ(0, srtp_new(&in, &srtp_ssl, &gets, ABI_IN));
	}
	~Party()
	{
		srtp_free(in);
		srtp_free(out);
		srtp_ssl.close(engine_);
	}
	Bytes protect(Bytes p, bool rtcp = false)
	{
		srtp_packet job = {out, nullptr, (uint16_t)p.size(), rtcp, 0};

		p.resize(p.size() + SRTP_TAIL);
		job.data = p.data();
		srtp_burst_protect(engine_, &job, 1);
		EXPECT_EQ(SRTP_OK, job.verdict);
		p.resize(job.length);
		return p;
	}
	// Empty when it does not authenticate.
	Bytes read(Bytes p, bool rtcp = false)
	{
		srtp_packet job = {in, p.data(), (uint16_t)p.size(), rtcp, 0};

		srtp_burst_unprotect(engine_, &job, 1);
		p.resize(job.verdict == SRTP_OK ? job.length : 0);
		return p;
	}
	srtp_context *in = nullptr, *out = nullptr;

      private:
	srtp_engine *engine_;
};

class SecureRig : public Rig
{
      public:
	explicit SecureRig(bool partial = false,
		const std::function<void(struct dp_worker_config &)> &prepare = {})
	    : Rig(1, DP_POLL_BUSY, partial, false, 0, prepare)
	{
		secure = (dp_secure *)aligned_alloc(64, sizeof(*secure));
		memset(secure, 0, sizeof(*secure));
	}
	~SecureRig()
	{
		for (auto &leg : secure->leg)
			for (unsigned d = 0; d < 2; d++) {
				srtp_free(leg.key[d]);
				srtp_free(leg.rtcp[d]);
			}
		free(secure);
	}
	dp_secure *secure;

	int send_secure(dp_mail &m, unsigned leg)
	{
		m.secure.slot = 0;
		m.secure.generation = 1;
		m.secure.secure = secure;
		m.secure.leg = (uint8_t)leg;
		EXPECT_EQ(0, dp_worker_send(workers[0], &m));
		turn();
		EXPECT_EQ(&m, dp_worker_reply(workers[0]));
		return m.result;
	}
	// Keys of one leg, of what its party sends and gets.
	int keys(unsigned leg, const abi_srtp_key *sends, const abi_srtp_key *gets,
		unsigned component = 0)
	{
		dp_mail m = {};

		m.type = DP_MAIL_KEYS;
		m.keys.component = component;
		if (sends) {
			m.keys.directions |= 1u << ABI_IN;
			EXPECT_EQ(0, srtp_new(&m.keys.context[ABI_IN], srtp_best(), sends, ABI_IN));
		}
		if (gets) {
			m.keys.directions |= 1u << ABI_OUT;
			EXPECT_EQ(
				0, srtp_new(&m.keys.context[ABI_OUT], srtp_best(), gets, ABI_OUT));
		}
		int result = send_secure(m, leg);
		for (auto *c : m.keys.context)
			srtp_free(c);
		return result;
	}
	int ice(unsigned leg, uint8_t role, const char *ufrag = "abcd",
		const char *pwd = "0123456789012345678901")
	{
		abi_leg_ice from = {};
		dp_mail m = {};

		from.role = role;
		from.local_ufrag_length = 4;
		memcpy(from.local_ufrag, ufrag, 4);
		from.local_pwd_length = 22;
		memcpy(from.local_pwd, pwd, 22);
		m.type = DP_MAIL_ICE;
		stun_ice_set(&m.ice.ice, &from);
		return send_secure(m, leg);
	}
	bool event(uint32_t type, dp_event *found)
	{
		while (dp_worker_event(workers[0], found))
			if (found->type == type)
				return true;
		return false;
	}
};
