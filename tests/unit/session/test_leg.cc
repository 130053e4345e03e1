// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

#include "dataplane/session/leg.h"

namespace
{
struct latch_addr addr4(uint8_t last, uint16_t port)
{
	struct latch_addr a = {};

	a.ip[0] = 198;
	a.ip[3] = last;
	a.port = __builtin_bswap16(port);
	a.family = 4;
	return a;
}

struct latch_addr addr6(uint8_t last, uint16_t port)
{
	struct latch_addr a = {};

	a.ip[0] = 0xfd;
	a.ip[15] = last;
	a.port = __builtin_bswap16(port);
	a.family = 6;
	return a;
}

TEST(Leg, HotLinesAreLines)
{
	EXPECT_EQ(offsetof(struct dp_leg, rx), 0u);
	EXPECT_EQ(offsetof(struct dp_leg, stats), 64u);
	EXPECT_EQ(offsetof(struct dp_leg, six), 128u);
	EXPECT_EQ(sizeof(struct dp_leg) % 64, 0u);
}

TEST(Template, Ip4)
{
	struct dp_template t = {};
	struct latch_addr local = addr4(1, 20000), remote = addr4(2, 4000);
	const uint8_t expected[28] = {0x45, 46 << 2, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 198, 0, 0,
		1, 198, 0, 0, 2, 20000 >> 8, 20000 & 255, 4000 >> 8, 4000 & 255, 0, 0, 0, 0};

	dp_template_write(&t, &local, &remote, 46);
	EXPECT_EQ(memcmp(t.onward.header4, expected, 28), 0);
	EXPECT_EQ(t.onward.l3_length, 20);
	EXPECT_EQ(t.onward.state, DP_ONWARD_READY);
}

TEST(Template, Ip6)
{
	struct dp_template t = {};
	struct latch_addr local = addr6(1, 20000), remote = addr6(2, 4000);

	dp_template_write(&t, &local, &remote, 46);
	EXPECT_EQ(t.six[0], 0x60 | 46 >> 2);
	EXPECT_EQ(t.six[1], (46 << 6) & 0xff);
	EXPECT_EQ(t.six[6], 17);
	EXPECT_EQ(t.six[7], 64);
	EXPECT_EQ(memcmp(t.six + 8, local.ip, 16), 0);
	EXPECT_EQ(memcmp(t.six + 24, remote.ip, 16), 0);
	EXPECT_EQ(memcmp(t.six + 40, &local.port, 2), 0);
	EXPECT_EQ(memcmp(t.six + 42, &remote.port, 2), 0);
	EXPECT_EQ(t.onward.l3_length, 40);
}

TEST(Template, WithoutARemoteItIsNotReady)
{
	struct dp_template t = {};
	struct latch_addr local = addr4(1, 20000), remote = {}, other = addr6(1, 5);

	dp_template_write(&t, &local, &remote, 0);
	EXPECT_EQ(t.onward.state, DP_ONWARD_NO_REMOTE);
	dp_onward_aim(&t.onward, t.six, &other); // another family
	EXPECT_EQ(t.onward.state, DP_ONWARD_NO_REMOTE);
	remote = addr4(2, 4000);
	dp_onward_aim(&t.onward, t.six, &remote);
	EXPECT_EQ(t.onward.state, DP_ONWARD_READY);
	t.onward.state = DP_ONWARD_HOLD;
	dp_onward_aim(&t.onward, t.six, &remote);
	EXPECT_EQ(t.onward.state, DP_ONWARD_HOLD);
}

TEST(Template, AimingChangesSumsAsWritingAnewDoes)
{
	struct dp_template a = {}, b = {};
	struct latch_addr local = addr6(1, 20000), first = addr6(2, 4000),
			  second = addr6(77, 65535);

	dp_template_write(&a, &local, &first, 10);
	dp_onward_aim(&a.onward, a.six, &second);
	dp_template_write(&b, &local, &second, 10);
	EXPECT_EQ(memcmp(&a, &b, sizeof(a)), 0);
}

TEST(Time, TicksAndMicroseconds)
{
	EXPECT_EQ(dp_us_to_ticks(1000000), 1u << 20);
	EXPECT_EQ(dp_ticks_to_us(1u << 20), 1000000u);
	for (uint64_t us = 0; us < 1ull << 50; us = us * 3 + 7)
		EXPECT_LE(us - dp_ticks_to_us(dp_us_to_ticks(us)), 1u);
}
} // namespace
