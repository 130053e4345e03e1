// SPDX-License-Identifier: BSD-3-Clause
// Associations on threads: two pools that speak with each other.
#include <poll.h>

#include <map>

#include "pair.h"

extern "C" {
#include "controlplane/secure/handshakes.h"
}

struct Pool {
	cp_handshakes *h = nullptr;
	std::deque<std::pair<uint64_t, Datagram>> out;
	std::map<uint64_t, cp_dtls_keys> keys;
	std::map<uint64_t, std::string> failed;

	explicit Pool(cp_handshakes_config config = {})
	{
		static const cp_handshakes_ops ops = {
			[](void *ctx, uint64_t id, const uint8_t *bytes, size_t n) {
				((Pool *)ctx)->out.emplace_back(id, Datagram(bytes, bytes + n));
			},
			[](void *ctx, uint64_t id, const cp_dtls_keys *k) {
				EXPECT_EQ(((Pool *)ctx)->keys.count(id), 0u);
				((Pool *)ctx)->keys[id] = *k;
			},
			[](void *ctx, uint64_t id, const char *why) {
				((Pool *)ctx)->failed[id] = why;
			},
		};
		config.ops = &ops;
		config.ctx = this;
		EXPECT_EQ(cp_handshakes_new(&h, &config), 0);
	}
	~Pool() { cp_handshakes_free(h); }
	int open(uint64_t id, cp_identity *identity, cp_dtls_role role, const char *trust)
	{
		cp_dtls_config c = {};

		c.identity = identity;
		c.role = role;
		c.address = &id;
		c.address_size = sizeof(id);
		c.fingerprints = trust;
		return cp_handshakes_open(h, id, &c);
	}
	cp_handshakes_counters counters()
	{
		cp_handshakes_counters c;

		cp_handshakes_count(h, &c);
		return c;
	}
};

static void wait_for(Pool &a, Pool &b)
{
	pollfd fds[2] = {{cp_handshakes_fd(a.h), POLLIN, 0}, {cp_handshakes_fd(b.h), POLLIN, 0}};

	poll(fds, 2, 100);
	cp_handshakes_process(a.h);
	cp_handshakes_process(b.h);
}

static bool carry(Pool &from, Pool &to)
{
	bool any = !from.out.empty();

	for (; !from.out.empty(); from.out.pop_front())
		cp_handshakes_feed(to.h, from.out.front().first, from.out.front().second.data(),
			from.out.front().second.size());
	return any;
}

template <typename Done> static void converse(Pool &a, Pool &b, Done done)
{
	for (int i = 0; i < 2000 && !done(); i++) {
		wait_for(a, b);
		carry(a, b);
		carry(b, a);
	}
}

struct Handshakes : Identities {};

TEST_F(Handshakes, ManyAtOnceAllAgree)
{
	Pool clients, servers;
	const unsigned n = 40;

	for (uint64_t id = 1; id <= n; id++) {
		ASSERT_EQ(servers.open(id, bob, CP_DTLS_PASSIVE, print(alice)), 0);
		ASSERT_EQ(clients.open(id, alice, CP_DTLS_ACTIVE, print(bob)), 0);
	}
	converse(clients, servers, [&] { return clients.keys.size() == n && servers.keys.size() == n; });
	ASSERT_EQ(clients.keys.size(), n);
	ASSERT_EQ(servers.keys.size(), n);
	for (uint64_t id = 1; id <= n; id++)
		EXPECT_EQ(memcmp(&clients.keys[id].ours, &servers.keys[id].theirs,
				  sizeof(cp_dtls_half)),
			0);
	EXPECT_NE(memcmp(&clients.keys[1].ours, &clients.keys[2].ours, sizeof(cp_dtls_half)), 0);
	EXPECT_EQ(servers.counters().ready, n);
}

TEST_F(Handshakes, TrustComesLaterAndWrong)
{
	Pool clients, servers;

	servers.open(1, bob, CP_DTLS_PASSIVE, nullptr);
	servers.open(2, bob, CP_DTLS_PASSIVE, nullptr);
	clients.open(1, alice, CP_DTLS_ACTIVE, print(bob));
	clients.open(2, alice, CP_DTLS_ACTIVE, print(bob));
	converse(clients, servers, [&] { return clients.keys.size() == 2; });
	EXPECT_TRUE(servers.keys.empty());
	EXPECT_EQ(cp_handshakes_trust(servers.h, 1, print(alice)), 0);
	EXPECT_EQ(cp_handshakes_trust(servers.h, 2, print(bob)), 0);
	converse(clients, servers, [&] { return servers.keys.count(1) && servers.failed.count(2); });
	EXPECT_EQ(servers.keys.count(1), 1u);
	EXPECT_EQ(servers.failed[2], "wrong fingerprint");
	EXPECT_EQ(servers.keys.count(2), 0u);
}

TEST_F(Handshakes, ACloseIsTheLastWordAndTheNumberIsFree)
{
	Pool clients, servers;

	servers.open(7, bob, CP_DTLS_PASSIVE, print(alice));
	clients.open(7, alice, CP_DTLS_ACTIVE, print(bob));
	converse(clients, servers, [&] { return clients.keys.size() && servers.keys.size(); });
	cp_handshakes_close(clients.h, 7);
	converse(clients, servers, [&] { return servers.failed.size(); });
	EXPECT_EQ(servers.failed[7], "closed");
	clients.keys.clear();
	servers.keys.clear();
	cp_handshakes_close(servers.h, 7);
	EXPECT_EQ(servers.open(7, bob, CP_DTLS_PASSIVE, print(alice)), 0);
	EXPECT_EQ(clients.open(7, alice, CP_DTLS_ACTIVE, print(bob)), 0);
	converse(clients, servers, [&] { return clients.keys.size() && servers.keys.size(); });
	EXPECT_EQ(servers.keys.size(), 1u);
}

TEST_F(Handshakes, BoundsHold)
{
	cp_handshakes_config config = {};
	uint8_t junk[100] = {22, 0xfe, 0xfd};

	config.threads = 1;
	config.associations = 3;
	config.waiting = 5;
	config.busy = 2;
	Pool servers(config);
	for (uint64_t id = 0; id < 3; id++)
		EXPECT_EQ(servers.open(id, bob, CP_DTLS_PASSIVE, print(alice)), 0);
	EXPECT_EQ(servers.open(3, bob, CP_DTLS_PASSIVE, print(alice)), -EMFILE);
	EXPECT_EQ(servers.open(1, bob, CP_DTLS_PASSIVE, print(alice)), -EEXIST);
	for (int i = 0; i < 20000; i++)
		cp_handshakes_feed(servers.h, 1, junk, sizeof(junk));
	EXPECT_GT(servers.counters().dropped, 0u);
	EXPECT_EQ(servers.counters().refused, 1u);
	EXPECT_EQ(servers.counters().cookies, 1u); // the third was opened while two were under way
	EXPECT_EQ(cp_handshakes_feed(servers.h, 99, junk, sizeof(junk)), 0); // not ours: nothing
}
