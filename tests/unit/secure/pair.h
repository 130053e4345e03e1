// SPDX-License-Identifier: BSD-3-Clause
// Two DTLS associations and the wire between them.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "controlplane/secure/dtls.h"

using Datagram = std::vector<uint8_t>;

inline cp_dtls *make(cp_identity *identity, cp_dtls_role role, const char *trust, bool cookie = false,
	const char *address = "192.0.2.1:4000")
{
	cp_dtls_config config = {};
	cp_dtls *d = nullptr;

	config.identity = identity;
	config.role = role;
	config.cookie = cookie;
	config.address = address;
	config.address_size = (uint8_t)std::min<size_t>(strlen(address), 32);
	config.fingerprints = trust;
	EXPECT_EQ(cp_dtls_new(&d, &config), 0);
	return d;
}

inline std::vector<Datagram> taken(cp_dtls *d)
{
	std::vector<Datagram> all;
	uint8_t bytes[2048];

	while (size_t n = cp_dtls_take(d, bytes, sizeof(bytes)))
		all.emplace_back(bytes, bytes + n);
	return all;
}

// Carries datagrams both ways until nobody has anything to say. `lose` sees each and says true to lose it.
inline unsigned converse(cp_dtls *a, cp_dtls *b,
	const std::function<bool(unsigned, const Datagram &)> &lose = nullptr)
{
	unsigned number = 0;

	for (int round = 0; round < 20; round++) {
		auto from_a = taken(a), from_b = taken(b);

		if (from_a.empty() && from_b.empty())
			break;
		for (auto &d : from_a)
			if (number++, !lose || !lose(number - 1, d))
				cp_dtls_feed(b, d.data(), d.size());
		for (auto &d : from_b)
			if (number++, !lose || !lose(number - 1, d))
				cp_dtls_feed(a, d.data(), d.size());
	}
	return number;
}

struct Identities : ::testing::Test {
	cp_identity *alice = cp_identity_new(), *bob = cp_identity_new();

	~Identities() override
	{
		cp_identity_release(alice);
		cp_identity_release(bob);
	}
	const char *print(cp_identity *i) { return cp_identity_fingerprint(i); }
};

// Both have keys, and each sends with what the other expects.
inline void expect_keys_agree(cp_dtls *a, cp_dtls *b)
{
	cp_dtls_keys x, y;

	ASSERT_TRUE(cp_dtls_export(a, &x));
	ASSERT_TRUE(cp_dtls_export(b, &y));
	EXPECT_EQ(x.profile, y.profile);
	EXPECT_EQ(memcmp(&x.ours, &y.theirs, sizeof(x.ours)), 0);
	EXPECT_EQ(memcmp(&x.theirs, &y.ours, sizeof(x.ours)), 0);
	EXPECT_NE(memcmp(x.ours.key, x.theirs.key, x.key_size), 0);
}
