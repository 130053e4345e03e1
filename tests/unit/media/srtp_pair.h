// SPDX-License-Identifier: BSD-3-Clause
// Keys, packets and an independent implementation (libsrtp2) for tests of SRTP.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <srtp2/srtp.h>

#include "dataplane/media/srtp.h"

using Bytes = std::vector<uint8_t>;

inline Bytes hex(const std::string &text)
{
	Bytes out;
	int high = -1;

	for (char c : text) {
		int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (v < 0)
			continue;
		if (high < 0) {
			high = v;
		} else {
			out.push_back((uint8_t)(high << 4 | v));
			high = -1;
		}
	}
	return out;
}

inline abi_srtp_key make_key(unsigned suite, uint32_t seed, const Bytes &mki = {})
{
	std::mt19937 random(seed);
	const abi_suite *s = abi_suite_of(suite);
	abi_srtp_key k = {};

	k.suite = (uint8_t)suite;
	for (unsigned i = 0; i < s->key; i++)
		k.key[i] = (uint8_t)random();
	for (unsigned i = 0; i < s->salt; i++)
		k.salt[i] = (uint8_t)random();
	k.mki_length = (uint8_t)mki.size();
	memcpy(k.mki, mki.data(), mki.size());
	return k;
}

inline Bytes rtp(
	uint16_t seq, uint32_t ssrc, unsigned payload, unsigned csrcs = 0, unsigned extension = 0)
{
	Bytes p(12 + csrcs * 4 + (extension ? 4 + extension * 4 : 0) + payload);

	p[0] = (uint8_t)(0x80 | csrcs | (extension ? 0x10 : 0));
	p[1] = 8;
	p[2] = (uint8_t)(seq >> 8);
	p[3] = (uint8_t)seq;
	p[4] = (uint8_t)(seq * 3);
	for (int i = 0; i < 4; i++)
		p[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	if (extension) {
		p[12 + csrcs * 4] = 0xbe;
		p[12 + csrcs * 4 + 1] = 0xde;
		p[12 + csrcs * 4 + 3] = (uint8_t)extension;
	}
	for (size_t i = p.size() - payload; i < p.size(); i++)
		p[i] = (uint8_t)(i * 7 + seq);
	return p;
}

inline Bytes rtcp(uint32_t ssrc, unsigned words = 6)
{
	Bytes p(4 + words * 4);

	p[0] = 0x80;
	p[1] = 200;
	p[3] = (uint8_t)words;
	for (int i = 0; i < 4; i++)
		p[4 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	for (size_t i = 8; i < p.size(); i++)
		p[i] = (uint8_t)i;
	return p;
}

// One context of ours, one packet at a time or many.
class Ours
{
      public:
	Ours(const srtp_backend *backend, const abi_srtp_key &key, abi_direction direction)
	    : backend_(backend), engine_(backend->open())
	{
		EXPECT_EQ(0, srtp_new(&context, backend, &key, direction));
	}
	~Ours()
	{
		srtp_free(context);
		backend_->close(engine_);
	}
	srtp_context *context = nullptr;

	srtp_verdict run(std::vector<Bytes> &packets, std::vector<srtp_verdict> *verdicts,
		bool is_rtcp = false)
	{
		std::vector<srtp_packet> all(packets.size());
		srtp_verdict worst = SRTP_OK;

		for (size_t i = 0; i < packets.size(); i++) {
			all[i].context = context;
			all[i].length = (uint16_t)packets[i].size();
			packets[i].resize(packets[i].size() + SRTP_TAIL);
			all[i].data = packets[i].data();
			all[i].rtcp = is_rtcp;
		}
		if (context->direction == ABI_OUT)
			srtp_burst_protect(engine_, all.data(), (unsigned)all.size());
		else
			srtp_burst_unprotect(engine_, all.data(), (unsigned)all.size());
		for (size_t i = 0; i < packets.size(); i++) {
			packets[i].resize(all[i].length);
			if (verdicts)
				verdicts->push_back((srtp_verdict)all[i].verdict);
			if (all[i].verdict)
				worst = (srtp_verdict)all[i].verdict;
		}
		return worst;
	}

	srtp_verdict one(Bytes &packet, bool is_rtcp = false)
	{
		std::vector<Bytes> packets = {packet};
		srtp_verdict verdict = run(packets, nullptr, is_rtcp);

		packet = packets[0];
		return verdict;
	}

      private:
	const srtp_backend *backend_;
	srtp_engine *engine_;
};

// The same by libsrtp2.
class Theirs
{
      public:
	Theirs(const abi_srtp_key &key, abi_direction direction, uint32_t ssrc = 0)
	    : direction_(direction), mki_(key.mki_length != 0)
	{
		static bool ready = srtp_init() == srtp_err_status_ok;
		srtp_policy_t p = {};
		const abi_suite *s = abi_suite_of(key.suite);

		EXPECT_TRUE(ready);
		switch (key.suite) {
		case ABI_SRTP_AES_CM_128_HMAC_SHA1_80:
			srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p.rtp);
			break;
		case ABI_SRTP_AES_CM_128_HMAC_SHA1_32:
			srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&p.rtp);
			break;
		case ABI_SRTP_AES_192_CM_HMAC_SHA1_80:
			srtp_crypto_policy_set_aes_cm_192_hmac_sha1_80(&p.rtp);
			break;
		case ABI_SRTP_AES_192_CM_HMAC_SHA1_32:
			srtp_crypto_policy_set_aes_cm_192_hmac_sha1_32(&p.rtp);
			break;
		case ABI_SRTP_AES_256_CM_HMAC_SHA1_80:
			srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&p.rtp);
			break;
		case ABI_SRTP_AES_256_CM_HMAC_SHA1_32:
			srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&p.rtp);
			break;
		case ABI_SRTP_AEAD_AES_128_GCM:
			srtp_crypto_policy_set_aes_gcm_128_16_auth(&p.rtp);
			break;
		default:
			srtp_crypto_policy_set_aes_gcm_256_16_auth(&p.rtp);
		}
		p.rtcp = p.rtp;
		if (!s->aead)
			p.rtcp.auth_tag_len = 10;
		memcpy(master_, key.key, s->key);
		memcpy(master_ + s->key, key.salt, s->salt);
		p.key = master_;
		p.window_size = 128;
		p.ssrc.type = ssrc                   ? ssrc_specific
			      : direction == ABI_OUT ? ssrc_any_outbound
						     : ssrc_any_inbound;
		p.ssrc.value = ssrc;
		memcpy(mki_bytes_, key.mki, key.mki_length);
		master.key = master_;
		master.mki_id = mki_bytes_;
		master.mki_size = key.mki_length;
		if (mki_) {
			p.key = nullptr;
			p.keys = &list;
			p.num_master_keys = 1;
		}
		EXPECT_EQ(srtp_err_status_ok, srtp_create(&session, &p));
	}
	~Theirs()
	{
		srtp_dealloc(session);
	}
	srtp_t session = nullptr;
	srtp_err_status_t status = srtp_err_status_ok;

	bool one(Bytes &packet, bool is_rtcp = false)
	{
		int length = (int)packet.size();

		packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN + 16);
		if (direction_ == ABI_OUT)
			status = is_rtcp ? srtp_protect_rtcp_mki(
						   session, packet.data(), &length, mki_, 0)
					 : srtp_protect_mki(
						   session, packet.data(), &length, mki_, 0);
		else
			status =
				is_rtcp ? srtp_unprotect_rtcp_mki(
						  session, packet.data(), &length, mki_)
					: srtp_unprotect_mki(session, packet.data(), &length, mki_);
		packet.resize((size_t)length);
		return status == srtp_err_status_ok;
	}

      private:
	abi_direction direction_;
	bool mki_;
	uint8_t master_[64], mki_bytes_[16];
	srtp_master_key_t master = {}, *list = &master;
};

inline std::vector<const srtp_backend *> backends()
{
	std::vector<const srtp_backend *> all = {&srtp_ssl};

	if (srtp_best() != &srtp_ssl)
		all.push_back(srtp_best());
	return all;
}
