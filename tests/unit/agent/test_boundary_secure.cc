// SPDX-License-Identifier: BSD-3-Clause
// Keys, ICE, what was learned, and injected packets: one good one of each, and each way to spoil it.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "dataplane/agent/boundary.h"

namespace
{
struct Secure : testing::Test {
	abi_session_entry directory[3] = {};
	abi_endpoint endpoints[2] = {};
	boundary b;
	boundary_refusal refusal = {};

	Secure()
	{
		endpoints[0].family = 4;
		endpoints[1].family = 6;
		for (auto &e : directory) {
			e.generation = 5;
			e.state = ABI_SESSION_ACTIVE;
			e.legs = 2;
			e.ports[1].endpoint = 1;
		}
		directory[1].legs = 1;
		directory[2].state = ABI_SESSION_ALLOCATED;
		b = {directory, 3, endpoints, 2, 2};
	}

	template <class T> int check(uint16_t type, const T &payload, uint32_t slot = 0)
	{
		abi_msg m;

		abi_msg_init(&m, type, 1, slot, 5);
		memcpy(m.payload, &payload, sizeof(payload));
		return boundary_check(&b, &m, &refusal);
	}

	void keys(abi_field field, const std::function<void(abi_leg_keys &)> &spoil,
		uint32_t slot = 0)
	{
		abi_leg_keys k = {};

		k.leg = 1;
		k.directions = 3;
		for (auto &key : k.key) {
			key.suite = ABI_SRTP_AES_CM_128_HMAC_SHA1_80;
			memset(key.key, 7, 16);
			memset(key.salt, 9, 14);
			key.mki_length = 2;
			key.mki[1] = 1;
		}
		k.resume[2].used = 1;
		k.resume[2].ssrc = 1;
		if (slot == 1)
			k.leg = 0;
		spoil(k);
		EXPECT_EQ(field ? -EINVAL : 0, check(ABI_LEG_KEYS, k, slot));
		EXPECT_EQ(field, refusal.field)
			<< abi_field_name(field) << " " << abi_field_name(refusal.field);
	}

	void ice(abi_field field, const std::function<void(abi_leg_ice &)> &spoil)
	{
		abi_leg_ice i = {};

		i.role = ABI_ICE_LITE;
		i.local_ufrag_length = 4;
		memcpy(i.local_ufrag, "aB1+", 4);
		i.local_pwd_length = 22;
		memcpy(i.local_pwd, "0123456789012345678901", 22);
		i.remote_ufrag_length = 4;
		memcpy(i.remote_ufrag, "wxyz", 4);
		spoil(i);
		EXPECT_EQ(field ? -EINVAL : 0, check(ABI_LEG_ICE, i));
		EXPECT_EQ(field, refusal.field)
			<< abi_field_name(field) << " " << abi_field_name(refusal.field);
	}
};

abi_addr at(uint8_t family, uint8_t first, uint16_t port)
{
	abi_addr a = {};

	a.family = family;
	a.port = port;
	a.ip[0] = first;
	a.ip[3] = 1;
	return a;
}
} // namespace

TEST_F(Secure, Keys)
{
	keys(ABI_FIELD_NONE, [](auto &) {});
	keys(
		ABI_FIELD_NONE, [](auto &) {}, 1);
	keys(ABI_FIELD_NONE, [](auto &k) { // a direction loses its key
		k.key[1] = abi_srtp_key{};
		k.resume[2] = abi_srtp_stream{};
	});
	keys(ABI_FIELD_LEG, [](auto &k) { k.leg = 2; });
	keys(
		ABI_FIELD_LEG, [](auto &k) { k.leg = 1; }, 1);
	keys(ABI_FIELD_LEG, [](auto &k) { k.directions = 0; });
	keys(ABI_FIELD_LEG, [](auto &k) { k.directions = 4; });
	keys(ABI_FIELD_LEG, [](auto &k) { // a key for a direction that is not meant
		k.directions = 1;
		k.resume[2] = abi_srtp_stream{};
	});
	keys(ABI_FIELD_SUITE, [](auto &k) { k.key[0].suite = ABI_SRTP_SUITES; });
	keys(ABI_FIELD_SUITE, [](auto &k) { k.key[0].suite = ABI_SRTP_NONE; });
	keys(ABI_FIELD_SUITE, [](auto &k) { k.key[0].key[16] = 1; });
	keys(ABI_FIELD_SUITE, [](auto &k) { k.key[1].suite = ABI_SRTP_AEAD_AES_128_GCM; });
	keys(ABI_FIELD_MKI, [](auto &k) { k.key[0].mki_length = 17; });
	keys(ABI_FIELD_MKI, [](auto &k) { k.key[0].mki[2] = 1; });
	keys(ABI_FIELD_RESERVED, [](auto &k) { k.key[1].reserved0[1] = 1; });
	keys(ABI_FIELD_RESERVED, [](auto &k) { k.key[1].reserved1[0] = 1; });
	keys(ABI_FIELD_RESERVED, [](auto &k) { k.reserved0[0] = 1; });
	keys(ABI_FIELD_RESERVED, [](auto &k) { k.reserved1[7] = 1; });
	keys(ABI_FIELD_STREAM, [](auto &k) { k.resume[2].used = 2; });
	keys(ABI_FIELD_STREAM, [](auto &k) { k.resume[1].ssrc = 2; });
	keys(ABI_FIELD_STREAM, [](auto &k) { k.resume[2].srtcp_index = 0x80000001; });
	keys(ABI_FIELD_STREAM, [](auto &k) { // of a direction that gets no key
		k.directions = 1;
		k.key[1] = abi_srtp_key{};
	});
	EXPECT_EQ(-EINVAL, check(ABI_LEG_KEYS, abi_leg_keys{}, 2));
	EXPECT_EQ(ABI_FIELD_STATE, refusal.field);
}

TEST_F(Secure, Ice)
{
	ice(ABI_FIELD_NONE, [](auto &) {});
	ice(ABI_FIELD_NONE, [](auto &i) { i = abi_leg_ice{}; });
	ice(ABI_FIELD_NONE, [](auto &i) {
		i.role = ABI_ICE_CONTROLLING;
		i.tie_breaker = 5;
		i.priority = 100;
	});
	ice(ABI_FIELD_LEG, [](auto &i) { i.leg = 2; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.role = 4; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.role = ABI_ICE_OFF; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.tie_breaker = 1; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.local_ufrag_length = 3; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.local_ufrag_length = 33; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.local_pwd_length = 21; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.local_pwd_length = 65; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.remote_ufrag_length = 33; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.local_ufrag[1] = ':'; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.local_ufrag[5] = 'a'; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.local_pwd[22] = 'a'; });
	ice(ABI_FIELD_ICE, [](auto &i) { i.remote_ufrag[4] = 'a'; });
	ice(ABI_FIELD_RESERVED, [](auto &i) { i.reserved0[2] = 1; });
	ice(ABI_FIELD_RESERVED, [](auto &i) { i.reserved1 = 1; });
	ice(ABI_FIELD_RESERVED, [](auto &i) { i.reserved2[71] = 1; });
}

TEST_F(Secure, Resume)
{
	abi_session_resume good = {}, r;

	good.leg[0].rtp = at(4, 192, 4000);
	good.leg[1].rtcp = at(6, 0x20, 4001);
	EXPECT_EQ(0, check(ABI_SESSION_RESUME, good));
	r = good;
	r.leg[1].rtp = at(4, 192, 4000); // of the other family
	EXPECT_EQ(-EINVAL, check(ABI_SESSION_RESUME, r));
	EXPECT_EQ(ABI_FIELD_ADDRESS, refusal.field);
	EXPECT_EQ(1u, refusal.leg);
	r = good;
	r.leg[0].rtp.port = 0;
	EXPECT_EQ(-EINVAL, check(ABI_SESSION_RESUME, r));
	r = good;
	r.leg[0].rtp.ip[0] = 224;
	EXPECT_EQ(-EINVAL, check(ABI_SESSION_RESUME, r));
	r = good;
	r.leg[0].rtcp.port = 1; // nothing, and yet something
	EXPECT_EQ(-EINVAL, check(ABI_SESSION_RESUME, r));
	r = good;
	r.leg[0].reserved[0] = 1;
	EXPECT_EQ(-EINVAL, check(ABI_SESSION_RESUME, r));
	EXPECT_EQ(-EINVAL, check(ABI_SESSION_RESUME, good, 1));
	EXPECT_EQ(ABI_FIELD_RESERVED, refusal.field);
}

TEST_F(Secure, FlagsOfAPlan)
{
	abi_session_plan good = {}, p;
	auto says = [&](const abi_session_plan &plan) {
		return check(ABI_SESSION_UPDATE, plan) ? refusal.field : ABI_FIELD_NONE;
	};

	good.clock_rate = 8000;
	for (unsigned i = 0; i < 2; i++) {
		good.leg[i].family = i ? 6 : 4;
		good.leg[i].dtmf_type = 255;
		good.leg[i].flags = ABI_LEG_SRTP_IN | ABI_LEG_SRTP_OUT | ABI_LEG_DTLS;
	}
	EXPECT_EQ(ABI_FIELD_NONE, says(good));
	p = good;
	p.leg[0].flags = p.leg[1].flags = ABI_LEG_OPAQUE;
	EXPECT_EQ(ABI_FIELD_NONE, says(p));
	p.leg[1].flags = 0;
	EXPECT_EQ(ABI_FIELD_FLAGS, says(p));
	p.leg[1].flags = ABI_LEG_OPAQUE | ABI_LEG_SRTP_IN;
	EXPECT_EQ(ABI_FIELD_FLAGS, says(p));
	p.leg[1].flags = ABI_LEG_OPAQUE;
	p.leg[1].pt_maps = 1;
	EXPECT_EQ(ABI_FIELD_FLAGS, says(p));
	p = good;
	p.leg[0].flags |= ABI_LEG_FAX_REPORT << 1;
	EXPECT_EQ(ABI_FIELD_FLAGS, says(p));
}

TEST_F(Secure, InjectedPackets)
{
	abi_punt good = {};
	auto refused = [&](const std::function<void(abi_punt &)> &spoil) {
		abi_punt p = good;

		spoil(p);
		return !boundary_inject(&b, &p);
	};

	good.generation = 5;
	good.kind = ABI_PUNT_DTLS;
	good.length = 100;
	good.data[0] = 22;
	good.remote = at(4, 192, 4000);
	EXPECT_FALSE(refused([](auto &) {}));
	EXPECT_FALSE(refused([](auto &p) {
		p.kind = ABI_PUNT_STUN;
		p.data[0] = 1;
		p.leg = 1;
		p.remote = at(6, 0x20, 4000);
	}));
	EXPECT_TRUE(refused([](auto &p) { p.slot = 3; }));
	EXPECT_TRUE(refused([](auto &p) { p.slot = 2; }));
	EXPECT_TRUE(refused([](auto &p) { p.generation = 4; }));
	EXPECT_TRUE(refused([](auto &p) { p.leg = 2; }));
	EXPECT_TRUE(refused([](auto &p) { p.slot = p.leg = 1; }));
	EXPECT_TRUE(refused([](auto &p) { p.component = 2; }));
	EXPECT_TRUE(refused([](auto &p) { p.kind = 0; }));
	EXPECT_TRUE(refused([](auto &p) { p.kind = 3; }));
	EXPECT_TRUE(refused([](auto &p) { p.length = 0; }));
	EXPECT_TRUE(refused([](auto &p) { p.length = BOUNDARY_MAX_INJECT + 1; }));
	EXPECT_TRUE(refused([](auto &p) { p.data[0] = 0x80; })); // media
	EXPECT_TRUE(refused([](auto &p) { p.kind = ABI_PUNT_STUN; }));
	EXPECT_TRUE(refused([](auto &p) { p.remote = at(6, 0x20, 4000); }));
	EXPECT_TRUE(refused([](auto &p) { p.remote = abi_addr{}; }));
	EXPECT_TRUE(refused([](auto &p) { p.remote.ip[0] = 127; }));
	EXPECT_TRUE(refused([](auto &p) { p.remote.port = 0; }));
	EXPECT_TRUE(refused([](auto &p) { p.valid = 1; }));
}
