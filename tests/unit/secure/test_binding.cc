// SPDX-License-Identifier: BSD-3-Clause
// Connectivity checks of ours: what the worker's own responder says to them, as a lite party would, RFC 5769's response, and
// everything that is no answer.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "controlplane/secure/binding.h"
#include "dataplane/media/stun.h"

namespace
{
const char *const theirs = "VOkJxbRl1RmTxUk/WvJxBt";

struct cp_binding check()
{
	struct cp_binding b = {};

	memcpy(b.id, "abcdefghijkl", 12);
	b.username = "evtj:h6vY";
	b.password = theirs;
	b.priority = 0x6e0001ff;
	b.tie_breaker = 0x932ff9b151263b36;
	return b;
}

// What a lite party of those credentials says.
struct stun_answer ask(const std::vector<uint8_t> &request, uint8_t role = ABI_ICE_LITE)
{
	static const uint8_t ip[16] = {192, 0, 2, 1};
	struct abi_leg_ice params = {};
	struct stun_answer answer;
	struct stun_ice ice;

	params.role = role;
	params.local_ufrag_length = 4;
	params.local_pwd_length = 22;
	params.remote_ufrag_length = 4;
	memcpy(params.local_ufrag, "evtj", 4);
	memcpy(params.local_pwd, theirs, 22);
	memcpy(params.remote_ufrag, "h6vY", 4);
	stun_ice_set(&ice, &params);
	stun_respond(&answer, &ice, request.data(), request.size(), 4, ip, 4000);
	return answer;
}

std::vector<uint8_t> request(const struct cp_binding &b)
{
	std::vector<uint8_t> bytes(CP_BINDING_MAX);

	bytes.resize(cp_binding_request(&b, bytes.data(), bytes.size()));
	return bytes;
}
} // namespace

TEST(Binding, ALitePartyNominatesAndAnswers)
{
	struct cp_binding b = check();
	std::vector<uint8_t> sent = request(b);
	struct stun_answer answer = ask(sent);

	ASSERT_EQ(STUN_VALID, answer.action);
	b.use = true;
	sent = request(b);
	answer = ask(sent);
	ASSERT_EQ(STUN_NOMINATE, answer.action);
	EXPECT_EQ(0x6e0001ffu, answer.priority);
	EXPECT_TRUE(cp_binding_accepted(answer.data, answer.length, b.id, theirs));
	EXPECT_FALSE(cp_binding_accepted(answer.data, answer.length, b.id, "another password of 22.."));
	// But for the type of FINGERPRINT, which makes another attribute of it: those behind the integrity say nothing.
	for (size_t i = 0; i < answer.length; i++)
		for (uint8_t bit : {1, 0x80}) {
			std::vector<uint8_t> damaged(answer.data, answer.data + answer.length);

			damaged[i] ^= bit;
			if (i - (answer.length - 8u) >= 2)
				EXPECT_FALSE(cp_binding_accepted(damaged.data(), damaged.size(), b.id, theirs)) << i;
		}
	for (size_t n = 0; n < answer.length; n++) {
		std::vector<uint8_t> cut(answer.data, answer.data + n);

		// Without the FINGERPRINT it would be one, but for its length.
		EXPECT_FALSE(cp_binding_accepted(cut.data(), n, b.id, theirs)) << n;
	}
	EXPECT_FALSE(cp_binding_accepted(sent.data(), sent.size(), b.id, theirs));
}

TEST(Binding, AWrongPasswordIsRefused)
{
	struct cp_binding b = check();

	b.password = "VOkJxbRl1RmTxUk/WvJxBu";
	struct stun_answer answer = ask(request(b));
	EXPECT_NE(STUN_NOMINATE, answer.action);
	EXPECT_FALSE(cp_binding_accepted(answer.data, answer.length, b.id, theirs));
}

TEST(Binding, ResponseOfRfc5769)
{
	static const char hex[] = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
				  "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
				  "80280004c07d4c96";
	std::vector<uint8_t> bytes;

	for (size_t i = 0; hex[i]; i += 2)
		bytes.push_back((uint8_t)std::stoul(std::string(hex + i, 2), nullptr, 16));
	EXPECT_TRUE(cp_binding_accepted(bytes.data(), bytes.size(), bytes.data() + 8, theirs));
	bytes[30] ^= 1;
	EXPECT_FALSE(cp_binding_accepted(bytes.data(), bytes.size(), bytes.data() + 8, theirs));
}

TEST(Binding, NamesThatDoNotFit)
{
	struct cp_binding b = check();
	std::string name(129, 'x');
	uint8_t out[CP_BINDING_MAX];

	b.username = name.c_str();
	EXPECT_EQ(0u, cp_binding_request(&b, out, sizeof(out)));
	name.resize(128);
	b.username = name.c_str();
	EXPECT_LE(cp_binding_request(&b, out, sizeof(out)), sizeof(out));
	EXPECT_EQ(0u, cp_binding_request(&b, out, 100));
}
