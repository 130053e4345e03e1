// SPDX-License-Identifier: BSD-3-Clause
// One good message of each kind, and each way to spoil it.
#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <cstring>
#include <functional>

#include "dataplane/agent/boundary.h"

namespace
{
struct Boundary : testing::Test {
	abi_session_entry directory[4] = {};
	abi_endpoint endpoints[2] = {};
	boundary b;
	boundary_refusal refusal = {};

	Boundary()
	{
		endpoints[0].family = 4;
		endpoints[1].family = 6;
		directory[0] = entry(ABI_SESSION_ALLOCATED, 2);
		directory[1] = entry(ABI_SESSION_ACTIVE, 2);
		directory[2] = entry(ABI_SESSION_QUARANTINE, 1);
		directory[3] = entry(ABI_SESSION_FREE, 0);
		b = {directory, 4, endpoints, 2, 2};
	}

	static abi_session_entry entry(uint8_t state, uint8_t legs)
	{
		abi_session_entry e = {};

		e.generation = 5;
		e.state = state;
		e.legs = legs;
		e.ports[1].endpoint = 1;
		return e;
	}

	int check(const abi_msg &m)
	{
		return boundary_check(&b, &m, &refusal);
	}

	void refuses(abi_msg m, abi_field field, int err = -EINVAL)
	{
		EXPECT_EQ(err, check(m)) << abi_field_name(field);
		EXPECT_EQ(field, refusal.field)
			<< abi_field_name(field) << " " << abi_field_name(refusal.field);
	}
};

abi_msg bare(uint16_t type, uint32_t slot = ABI_NO_SLOT, uint32_t generation = 0)
{
	abi_msg m;

	abi_msg_init(&m, type, 1, slot, generation);
	return m;
}

abi_msg alloc(const std::function<void(abi_port_alloc &)> &spoil)
{
	abi_msg m = bare(ABI_PORT_ALLOC);
	abi_port_alloc a = {};

	a.affinity = ABI_NO_SLOT;
	a.legs = 2;
	for (auto &leg : a.leg) {
		leg.interface_index = 255;
		leg.family = 4;
		leg.kind = ABI_LEG_PAIR;
	}
	spoil(a);
	memcpy(m.payload, &a, sizeof(a));
	return m;
}

void remote(abi_leg_plan &leg, const char *ip, uint8_t family)
{
	memset(leg.remote_rtp_ip, 0, 16);
	inet_pton(family == 4 ? AF_INET : AF_INET6, ip, leg.remote_rtp_ip);
}

abi_msg plan(const std::function<void(abi_session_plan &)> &spoil, uint32_t slot = 0,
	uint16_t type = ABI_SESSION_ADD)
{
	abi_msg m = bare(type, slot, 5);
	abi_session_plan p = {};

	p.clock_rate = 8000;
	for (unsigned i = 0; i < 2; i++) {
		p.leg[i].family = i ? 6 : 4;
		p.leg[i].remote_rtp_port = 4000;
		p.leg[i].dtmf_type = 255;
		remote(p.leg[i], i ? "2001:db8::1" : "192.0.2.1", p.leg[i].family);
	}
	spoil(p);
	memcpy(m.payload, &p, sizeof(p));
	return m;
}
} // namespace

TEST_F(Boundary, LetsGoodMessagesThrough)
{
	EXPECT_EQ(0, check(alloc([](auto &) {})));
	EXPECT_EQ(0, check(plan([](auto &) {})));
	EXPECT_EQ(0, check(plan([](auto &) {}, 1, ABI_SESSION_UPDATE)));
	EXPECT_EQ(0, check(bare(ABI_SESSION_DELETE, 1, 5)));
	EXPECT_EQ(0, check(bare(ABI_SESSION_DELETE, 2, 5)));
	EXPECT_EQ(0, check(bare(ABI_SESSION_QUERY, 0, 5)));
	EXPECT_EQ(0, check(bare(ABI_SESSION_CLAIM, 1, 5)));
	EXPECT_EQ(0, check(bare(ABI_RECONCILE_DONE)));
	EXPECT_EQ(0, check(bare(ABI_PING)));
}

TEST_F(Boundary, RefusesWhatIsNoCommand)
{
	for (unsigned type : {0u, (unsigned)ABI_COMMANDS, ABI_COMMANDS + 1u, 0x4001u, 0x8001u, 0xffffu}) {
		abi_msg m = bare(ABI_PING);

		m.type = (uint16_t)type;
		refuses(m, ABI_FIELD_TYPE);
	}
}

TEST_F(Boundary, RefusesHeaders)
{
	abi_msg m = bare(ABI_PING);

	m.length = 1;
	refuses(m, ABI_FIELD_LENGTH);
	m = bare(ABI_PING);
	m.transaction = 0;
	refuses(m, ABI_FIELD_TRANSACTION);
	m = bare(ABI_PING);
	m.result = -1;
	refuses(m, ABI_FIELD_RESERVED);
	m = bare(ABI_PING);
	m.reserved = 1;
	refuses(m, ABI_FIELD_RESERVED);
	m = bare(ABI_PING);
	m.payload[sizeof(m.payload) - 1] = 1;
	refuses(m, ABI_FIELD_RESERVED);
	m = alloc([](auto &) {});
	m.payload[sizeof(abi_port_alloc)] = 1;
	refuses(m, ABI_FIELD_RESERVED);
	refuses(bare(ABI_PING, 1), ABI_FIELD_SLOT);
	refuses(bare(ABI_PING, ABI_NO_SLOT, 1), ABI_FIELD_GENERATION);
}

TEST_F(Boundary, FindsNoSession)
{
	refuses(bare(ABI_SESSION_QUERY, 4, 5), ABI_FIELD_SLOT, -ENOENT);
	refuses(bare(ABI_SESSION_QUERY, ABI_NO_SLOT, 5), ABI_FIELD_SLOT, -ENOENT);
	refuses(bare(ABI_SESSION_QUERY, 3, 5), ABI_FIELD_SLOT, -ENOENT);
	refuses(bare(ABI_SESSION_QUERY, 1, 4), ABI_FIELD_GENERATION, -ENOENT);
	refuses(bare(ABI_SESSION_CLAIM, 2, 5), ABI_FIELD_STATE, -ENOENT);
	refuses(plan([](auto &) {}, 0, ABI_SESSION_UPDATE), ABI_FIELD_STATE);
	refuses(plan([](auto &) {}, 2), ABI_FIELD_STATE, -ENOENT);
}

TEST_F(Boundary, RefusesAllocations)
{
	auto bad = [this](abi_field field, const std::function<void(abi_port_alloc &)> &spoil) {
		refuses(alloc(spoil), field);
	};

	bad(ABI_FIELD_LEGS, [](auto &a) { a.legs = 0; });
	bad(ABI_FIELD_LEGS, [](auto &a) { a.legs = 3; });
	bad(ABI_FIELD_RESERVED, [](auto &a) { a.legs = 1; });
	bad(ABI_FIELD_RESERVED, [](auto &a) { a.reserved0[2] = 1; });
	bad(ABI_FIELD_SLOT, [](auto &a) { a.affinity = 4; });
	bad(ABI_FIELD_INTERFACE, [](auto &a) { a.leg[1].interface_index = 2; });
	EXPECT_EQ(1u, refusal.leg);
	bad(ABI_FIELD_FAMILY, [](auto &a) { a.leg[0].family = 5; });
	bad(ABI_FIELD_KIND, [](auto &a) { a.leg[0].kind = ABI_LEG_NONE; });
	bad(ABI_FIELD_KIND, [](auto &a) { a.leg[0].kind = 3; });
	bad(ABI_FIELD_RESERVED, [](auto &a) { a.leg[0].reserved1[9] = 1; });
	bad(ABI_FIELD_ADDRESS, [](auto &a) { a.leg[0].ip[0] = 10; });
	bad(ABI_FIELD_ADDRESS, [](auto &a) { a.leg[0].rtp_port = 2000; });
	bad(ABI_FIELD_PORT, [](auto &a) {
		a.leg[0].rtp_port = 2001;
		a.leg[0].ip[0] = 10;
	});
}

TEST_F(Boundary, RefusesPlans)
{
	auto bad = [this](abi_field field, const std::function<void(abi_session_plan &)> &spoil) {
		refuses(plan(spoil), field);
	};

	bad(ABI_FIELD_FAMILY, [](auto &p) { p.leg[0].family = 6; });
	bad(ABI_FIELD_FAMILY, [](auto &p) { p.leg[1].family = 0; });
	EXPECT_EQ(1u, refusal.leg);
	bad(ABI_FIELD_POLICY, [](auto &p) { p.leg[0].source_policy = 3; });
	bad(ABI_FIELD_DSCP, [](auto &p) { p.leg[0].dscp = 64; });
	bad(ABI_FIELD_FLAGS, [](auto &p) { p.leg[0].flags = ABI_LEG_FAX_REPORT << 1; });
	bad(ABI_FIELD_LIMIT, [](auto &p) { p.leg[0].max_packets = BOUNDARY_MAX_PACKETS + 1; });
	bad(ABI_FIELD_LIMIT, [](auto &p) { p.leg[0].max_octets = BOUNDARY_MAX_OCTETS + 1; });
	bad(ABI_FIELD_LIMIT, [](auto &p) { p.timeout_ms = 1; });
	bad(ABI_FIELD_LIMIT, [](auto &p) { p.timeout_ms = UINT32_MAX; });
	bad(ABI_FIELD_CLOCK_RATE, [](auto &p) { p.clock_rate = 0; });
	bad(ABI_FIELD_CLOCK_RATE, [](auto &p) { p.clock_rate = 1u << 31; });
	bad(ABI_FIELD_PT_MAP, [](auto &p) { p.leg[0].pt_maps = 9; });
	bad(ABI_FIELD_PT_MAP, [](auto &p) {
		p.leg[0].pt_maps = 1;
		p.leg[0].pt_map[0] = {128, 0};
	});
	bad(ABI_FIELD_PT_MAP, [](auto &p) {
		p.leg[0].pt_maps = 2;
		p.leg[0].pt_map[0] = {96, 97};
		p.leg[0].pt_map[1] = {96, 98};
	});
	bad(ABI_FIELD_PT_MAP, [](auto &p) { p.leg[0].dtmf_type = 128; });
	bad(ABI_FIELD_RESERVED, [](auto &p) { p.leg[0].pt_map[7].to = 1; });
	bad(ABI_FIELD_RESERVED, [](auto &p) { p.leg[1].reserved[6] = 1; });
	bad(ABI_FIELD_CODEC, [](auto &p) { p.terms[0].flags = 1; });
	directory[0].legs = 1;
	bad(ABI_FIELD_RESERVED, [](auto &) {});
}

TEST_F(Boundary, SendsToNobodyButOtherHosts)
{
	for (const char *ip : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255"})
		refuses(plan([ip](auto &p) { remote(p.leg[0], ip, 4); }), ABI_FIELD_ADDRESS);
	for (const char *ip : {"::", "::1", "ff02::1", "::ffff:10.0.0.1", "::10.0.0.1"})
		refuses(plan([ip](auto &p) { remote(p.leg[1], ip, 6); }), ABI_FIELD_ADDRESS);
	refuses(plan([](auto &p) { p.leg[0].remote_rtp_ip[15] = 1; }), ABI_FIELD_ADDRESS);
	refuses(plan([](auto &p) { p.leg[0].remote_rtcp_port = 5; }), ABI_FIELD_ADDRESS);
	EXPECT_EQ(0, check(plan([](auto &p) {
		remote(p.leg[0], "0.0.0.0", 4); // hold, as of old
		p.leg[0].remote_rtp_port = 0;
	})));
	EXPECT_EQ(0, check(plan([](auto &p) { remote(p.leg[1], "fe80::1", 6); })));
}
