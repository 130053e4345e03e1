// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "dataplane/session/ports.h"
#include "tests/unit/session/endpoints.h"

namespace
{
constexpr uint64_t rest = 5000000;

struct dp_port_want want(uint8_t kind, uint8_t family = 4, uint8_t interface_index = 255)
{
	struct dp_port_want w = {};

	w.kind = kind;
	w.family = family;
	w.interface_index = interface_index;
	return w;
}

struct dp_port_want exactly(const struct abi_endpoint &e, uint16_t port, uint8_t kind)
{
	struct dp_port_want w = want(kind, e.family);

	w.rtp_port = port;
	memcpy(w.ip, e.ip, sizeof(w.ip));
	return w;
}

class Ports : public ::testing::Test
{
      protected:
	void make(const std::vector<struct abi_endpoint> &e, uint32_t workers = 1, int expected = 0)
	{
		endpoints = e;
		dp_ports_free(ports);
		dp_steering_spread(&steering, workers);
		ASSERT_EQ(dp_ports_create(&ports, endpoints.data(), static_cast<unsigned>(e.size()),
				  &steering, rest),
			expected);
	}

	void TearDown() override
	{
		dp_ports_free(ports);
	}

	int take(const std::vector<struct dp_port_want> &w, int worker = -1)
	{
		return dp_ports_take(
			ports, w.data(), static_cast<unsigned>(w.size()), worker, now, got);
	}

	void give(const std::vector<struct abi_leg_ports> &l)
	{
		dp_ports_give(ports, l.data(), static_cast<unsigned>(l.size()), now);
	}

	struct dp_ports_info info()
	{
		struct dp_ports_info i;

		dp_ports_info(ports, &i);
		return i;
	}

	std::vector<struct abi_endpoint> endpoints;
	struct dp_steering steering;
	struct dp_ports *ports = nullptr;
	struct abi_leg_ports got[2];
	uint64_t now = 1000;
};

TEST_F(Ports, PairsAreEvenAndOdd)
{
	make({endpoint4(1, 20000, 20007)});
	std::set<uint16_t> seen;

	for (unsigned i = 0; i < 4; i++) {
		ASSERT_EQ(take({want(ABI_LEG_PAIR)}), 0);
		EXPECT_EQ(got[0].rtp_port % 2, 0);
		EXPECT_EQ(got[0].rtcp_port, got[0].rtp_port + 1);
		EXPECT_TRUE(seen.insert(got[0].rtp_port).second);
	}
	EXPECT_EQ(take({want(ABI_LEG_PAIR)}), -ENOSPC);
	EXPECT_EQ(info().used, 8u);
	EXPECT_EQ(info().total, 8u);
}

TEST_F(Ports, MuxedLegsShareAPairOfPorts)
{
	make({endpoint4(1, 20000, 20003)});
	ASSERT_EQ(take({want(ABI_LEG_MUX), want(ABI_LEG_MUX)}), 0);
	EXPECT_EQ(got[0].rtp_port, got[0].rtcp_port);
	EXPECT_EQ(got[0].rtp_port / 2, got[1].rtp_port / 2);
	EXPECT_NE(got[0].rtp_port, got[1].rtp_port);
	ASSERT_EQ(take({want(ABI_LEG_PAIR)}), 0);
	EXPECT_EQ(take({want(ABI_LEG_MUX)}), -ENOSPC);
}

TEST_F(Ports, NothingIsTakenWhenTheSecondLegFails)
{
	make({endpoint4(1, 20000, 20001), endpoint6(1, 20000, 20003)});
	ASSERT_EQ(take({want(ABI_LEG_PAIR, 4), want(ABI_LEG_PAIR, 6)}), 0);
	EXPECT_EQ(take({want(ABI_LEG_PAIR, 6), want(ABI_LEG_PAIR, 4)}), -ENOSPC);
	EXPECT_EQ(info().used, 4u);
	EXPECT_EQ(take({want(ABI_LEG_PAIR, 6)}), 0);
}

TEST_F(Ports, FreedPortsRest)
{
	make({endpoint4(1, 20000, 20001)});
	ASSERT_EQ(take({want(ABI_LEG_PAIR)}), 0);
	give({got[0]});
	EXPECT_EQ(info().resting, 2u);
	EXPECT_EQ(info().used, 0u);
	EXPECT_EQ(take({want(ABI_LEG_PAIR)}), -ENOSPC);
	now += rest - 1;
	EXPECT_EQ(take({want(ABI_LEG_PAIR)}), -ENOSPC);
	now += 1;
	EXPECT_EQ(take({want(ABI_LEG_PAIR)}), 0);
	EXPECT_EQ(info().resting, 0u);
}

TEST_F(Ports, GivenBackTwiceIsGivenBackOnce)
{
	make({endpoint4(1, 20000, 20003)});
	ASSERT_EQ(take({want(ABI_LEG_PAIR)}), 0);
	give({got[0]});
	give({got[0]});
	EXPECT_EQ(info().resting, 2u);
	EXPECT_EQ(dp_ports_sessions(ports, 0), 0u);
	struct abi_leg_ports wrong = got[0];
	wrong.rtp_port = 19000;
	give({wrong});
	wrong.endpoint = 9;
	give({wrong});
	EXPECT_EQ(info().resting, 2u);
}

TEST_F(Ports, TheLongestRestedComesFirst)
{
	make({endpoint4(1, 20000, 20007)});
	std::vector<struct abi_leg_ports> all;

	for (unsigned i = 0; i < 4; i++) {
		ASSERT_EQ(take({want(ABI_LEG_PAIR)}), 0);
		all.push_back(got[0]);
	}
	for (unsigned i : {2u, 0u, 3u, 1u}) {
		give({all[i]});
		now += 10;
	}
	now += rest;
	for (unsigned i : {2u, 0u, 3u, 1u}) {
		ASSERT_EQ(take({want(ABI_LEG_PAIR)}), 0);
		EXPECT_EQ(got[0].rtp_port, all[i].rtp_port);
	}
}

TEST_F(Ports, BothLegsSteerToOneWorker)
{
	make({endpoint4(1, 20000, 20399), endpoint6(1, 30000, 30399)}, 3);
	for (unsigned i = 0; i < 150; i++) {
		int w = take({want(ABI_LEG_PAIR, 4), want(ABI_LEG_MUX, 6)});

		ASSERT_GE(w, 0);
		EXPECT_EQ(steering.worker[got[0].rtp_port], w);
		EXPECT_EQ(steering.worker[got[0].rtcp_port], w);
		EXPECT_EQ(steering.worker[got[1].rtp_port], w);
	}
	for (unsigned w = 0; w < 3; w++)
		EXPECT_EQ(dp_ports_sessions(ports, w), 50u);
}

TEST_F(Ports, AWorkerThatIsAskedForIsTheOne)
{
	make({endpoint4(1, 20000, 20011)}, 3);
	for (unsigned i = 0; i < 2; i++)
		EXPECT_EQ(take({want(ABI_LEG_PAIR)}, 1), 1);
	EXPECT_EQ(take({want(ABI_LEG_PAIR)}, 1), -ENOSPC);
	EXPECT_EQ(take({want(ABI_LEG_PAIR)}, 3), -EINVAL);
	EXPECT_GE(take({want(ABI_LEG_PAIR)}), 0);
}

TEST_F(Ports, AnotherWorkerHelpsWhenTheIdlestHasNone)
{
	make({endpoint4(1, 20000, 20003)}, 2);
	int first = take({want(ABI_LEG_PAIR)}, 0);
	EXPECT_EQ(first, 0);
	give({got[0]}); // worker 0 is the idlest, and its only pair rests
	EXPECT_EQ(take({want(ABI_LEG_PAIR)}), 1);
}

TEST_F(Ports, ExactPortsForRestoring)
{
	make({endpoint4(1, 20000, 20007), endpoint4(2, 20000, 20007)});
	ASSERT_EQ(take({exactly(endpoints[1], 20004, ABI_LEG_PAIR)}), 0);
	EXPECT_EQ(got[0].endpoint, 1);
	EXPECT_EQ(got[0].rtp_port, 20004);
	EXPECT_EQ(take({exactly(endpoints[1], 20004, ABI_LEG_PAIR)}), -ENOSPC);
	EXPECT_EQ(take({exactly(endpoints[1], 20005, ABI_LEG_MUX)}), -ENOSPC);
	EXPECT_EQ(take({exactly(endpoints[1], 20007, ABI_LEG_MUX)}), 0);
	EXPECT_EQ(take({exactly(endpoints[1], 20006, ABI_LEG_PAIR)}), -ENOSPC);
	EXPECT_EQ(take({exactly(endpoints[1], 20006, ABI_LEG_MUX)}), 0);
	EXPECT_EQ(take({exactly(endpoints[1], 20003, ABI_LEG_PAIR)}), -EINVAL);
	EXPECT_EQ(take({exactly(endpoints[1], 20008, ABI_LEG_PAIR)}), -ENOSPC);
	EXPECT_EQ(take({exactly(endpoint4(9, 0, 1), 20000, ABI_LEG_PAIR)}), -EAFNOSUPPORT);
	give({got[0]});
	EXPECT_EQ(take({exactly(endpoints[1], 20006, ABI_LEG_MUX)}), -ENOSPC);
}

TEST_F(Ports, TheLegThatWantsACertainPortComesFirst)
{
	make({endpoint4(1, 20000, 20003)});
	ASSERT_EQ(take({want(ABI_LEG_PAIR), exactly(endpoints[0], 20000, ABI_LEG_PAIR)}), 0);
	EXPECT_EQ(got[1].rtp_port, 20000);
	EXPECT_EQ(got[0].rtp_port, 20002);
}

TEST_F(Ports, InterfacesAndFamilies)
{
	make({endpoint4(1, 20000, 20001, 0), endpoint4(2, 20000, 20001, 1)});
	ASSERT_EQ(take({want(ABI_LEG_PAIR, 4, 1)}), 0);
	EXPECT_EQ(got[0].endpoint, 1);
	EXPECT_EQ(take({want(ABI_LEG_PAIR, 4, 1)}), -ENOSPC);
	EXPECT_EQ(take({want(ABI_LEG_PAIR, 6, 1)}), -EAFNOSUPPORT);
	EXPECT_EQ(take({want(ABI_LEG_PAIR, 4, 7)}), -EAFNOSUPPORT);
	ASSERT_EQ(take({want(ABI_LEG_PAIR, 4, 255)}), 0);
	EXPECT_EQ(got[0].endpoint, 0);
}

TEST_F(Ports, RefusesWhatMakesNoSense)
{
	make({endpoint4(1, 20001, 20002)}, 1, -EINVAL);
	make({endpoint4(1, 20000, 20003)});
	EXPECT_EQ(take({}), -EINVAL);
	EXPECT_EQ(take({want(ABI_LEG_NONE)}), -EINVAL);
	EXPECT_EQ(take({want(ABI_LEG_PAIR, 5)}), -EINVAL);
	steering.worker[20001] = 1;
	struct dp_ports *other;
	EXPECT_EQ(dp_ports_create(&other, endpoints.data(), 1, &steering, rest), -EINVAL);
}

// Any order of taking and giving: no port is given out twice, none before it has rested, and at the
// end all come back.
TEST_F(Ports, AgreesWithAModel)
{
	make({endpoint4(1, 20000, 20099), endpoint4(2, 20000, 20099), endpoint6(1, 40000, 40049)},
		2);
	std::mt19937 random(3);
	std::map<std::pair<unsigned, unsigned>, uint64_t> busy_until; // UINT64_MAX: used
	std::vector<std::vector<struct abi_leg_ports>> sessions;
	uint32_t refused = 0;

	for (unsigned step = 0; step < 20000; step++) {
		now += random() % 100000;
		if (random() % 2 && !sessions.empty()) {
			size_t i = random() % sessions.size();

			give(sessions[i]);
			for (const struct abi_leg_ports &l : sessions[i]) {
				busy_until[{l.endpoint, l.rtp_port}] = now + rest;
				busy_until[{l.endpoint, l.rtcp_port}] = now + rest;
			}
			sessions[i] = sessions.back();
			sessions.pop_back();
			continue;
		}
		uint8_t kinds[] = {ABI_LEG_PAIR, ABI_LEG_MUX};
		std::vector<struct dp_port_want> w;
		for (unsigned legs = 1 + random() % 2; legs; legs--)
			w.push_back(want(kinds[random() % 2], random() % 4 ? 4 : 6));
		if (take(w) < 0) {
			refused++;
			continue;
		}
		std::vector<struct abi_leg_ports> legs(got, got + w.size());
		for (const struct abi_leg_ports &l : legs)
			for (unsigned port = l.rtp_port; port <= l.rtcp_port; port++) {
				uint64_t &until = busy_until[{l.endpoint, port}];

				ASSERT_LE(until, now);
				until = UINT64_MAX;
			}
		sessions.push_back(legs);
	}
	EXPECT_GT(refused, 0u);
	for (const auto &s : sessions)
		give(s);
	now += rest;
	dp_ports_tick(ports, now);
	EXPECT_EQ(info().used + info().resting, 0u);
	EXPECT_EQ(dp_ports_sessions(ports, 0) + dp_ports_sessions(ports, 1), 0u);
	for (unsigned pairs = 0; pairs < 100; pairs++)
		ASSERT_GE(take({want(ABI_LEG_PAIR, 4)}), 0) << pairs;
	EXPECT_EQ(take({want(ABI_LEG_PAIR, 4)}), -ENOSPC);
}
} // namespace
