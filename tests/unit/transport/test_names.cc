// SPDX-License-Identifier: BSD-3-Clause
// The names of peers, with a name server of a few lines on loopback.
#include "policy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <functional>
#include <map>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

extern "C" {
#include "controlplane/trunk/names.h"
}

namespace
{

// Answers A questions by a table; everything else does not exist.
struct Server {
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	std::string address;
	std::map<std::string, std::string> a; // name: address
	unsigned questions = 0, ttl = 5;
	bool dead = false;

	Server()
	{
		sockaddr_in sa{};
		socklen_t size = sizeof(sa);
		sa.sin_family = AF_INET;
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		bind(fd, reinterpret_cast<sockaddr *>(&sa), sizeof(sa));
		getsockname(fd, reinterpret_cast<sockaddr *>(&sa), &size);
		address = "127.0.0.1:" + std::to_string(ntohs(sa.sin_port));
	}
	~Server()
	{
		close(fd);
	}
	void serve()
	{
		unsigned char b[512];
		sockaddr_in from{};
		socklen_t size = sizeof(from);
		ssize_t n;
		while ((n = recvfrom(fd, b, sizeof(b), 0, reinterpret_cast<sockaddr *>(&from),
				&size)) > 12) {
			questions++;
			if (dead)
				continue;
			std::string name;
			size_t at = 12;
			while (b[at]) {
				name += (name.empty() ? "" : ".") +
					std::string(reinterpret_cast<char *>(b) + at + 1, b[at]);
				at += 1u + b[at];
			}
			unsigned type = unsigned(b[at + 1] << 8 | b[at + 2]);
			std::string out(reinterpret_cast<char *>(b), at + 5);
			auto it = a.find(name);
			bool have = type == 1 && it != a.end();
			out[2] = char(0x85), out[3] = char(it == a.end() ? 0x83 : 0x80);
			out[7] = char(have), out[9] = 0, out[11] = 0;
			if (have) {
				const char head[] = {
					char(0xc0), 12, 0, 1, 0, 1, 0, 0, 0, char(ttl), 0, 4};
				in_addr ip{};
				inet_pton(AF_INET, it->second.c_str(), &ip);
				out.append(head, sizeof(head));
				out.append(reinterpret_cast<char *>(&ip), 4);
			}
			sendto(fd, out.data(), out.size(), 0, reinterpret_cast<sockaddr *>(&from),
				size);
		}
	}
};

struct Names : testing::Test {
	uv_loop_t loop;
	uv_timer_t alive; // as the sockets of a process do, it keeps the loop going
	Server server;
	cp_names *names = nullptr;
	cp_policy *policy = nullptr;
	cp_resolve_target list[CP_RESOLVE_TARGETS];

	void SetUp() override
	{
		uv_loop_init(&loop);
		uv_timer_init(&loop, &alive);
		uv_timer_start(
			&alive, [](uv_timer_t *) {}, 1000, 1000);
		ASSERT_EQ(cp_names_new(&names, &loop, server.address.c_str()), 0);
	}
	void TearDown() override
	{
		cp_names_free(names);
		uv_close(reinterpret_cast<uv_handle_t *>(&alive), nullptr);
		uv_run(&loop, UV_RUN_DEFAULT);
		EXPECT_EQ(uv_loop_close(&loop), 0);
		cp_policy_release(policy);
	}
	void set(const std::string &peers)
	{
		cp_policy *next =
			make_policy("sip: {listen: [\"udp:127.0.0.1\"]}\npeers:\n" + peers);
		ASSERT_NE(next, nullptr);
		ASSERT_EQ(cp_names_set(names, next), 0);
		cp_policy_release(policy);
		policy = next;
	}
	bool until(const std::function<bool()> &done, int ms)
	{
		uint64_t begin = uv_hrtime();
		while (!done()) {
			if (uv_hrtime() - begin > uint64_t(ms) * 1000000)
				return false;
			server.serve();
			uv_run(&loop, UV_RUN_NOWAIT);
			usleep(500);
		}
		return true;
	}
	const cp_peer *peer(unsigned i)
	{
		return cp_peers_at(policy->peers, i);
	}
	bool known(unsigned i, const char *ip)
	{
		sip_addr a = address(ip, 40000);
		return cp_names_owner(names, policy, &a) == peer(i);
	}
};

const char *const kTwo = "  a: {kind: trunk, address: \"a.example:5070\"}\n"
			 "  b: {kind: trunk, address: [192.0.2.9, b.example]}\n";

TEST_F(Names, AreResolvedAndKnownByTheirAddresses)
{
	server.a = {{"a.example", "192.0.2.1"}, {"b.example", "192.0.2.2"}};
	set(kTwo);
	EXPECT_EQ(cp_names_targets(names, peer(0), list), 0u) << "nothing is known yet";
	ASSERT_TRUE(until([&] { return known(0, "192.0.2.1") && known(1, "192.0.2.2"); }, 3000));
	ASSERT_EQ(cp_names_targets(names, peer(0), list), 1u);
	EXPECT_EQ(list[0].addr.port, 5070);
	EXPECT_EQ(list[0].transport, SIP_UDP);
	sip_addr stranger = address("192.0.2.3");
	EXPECT_EQ(cp_names_owner(names, policy, &stranger), nullptr);
	// No call asks again while the answer is fresh.
	unsigned before = server.questions;
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(cp_names_targets(names, peer(0), list), 1u);
	EXPECT_EQ(server.questions, before);
}

TEST_F(Names, FollowTheirTtlAndOutliveTheirServer)
{
	server.a = {{"a.example", "192.0.2.1"}, {"b.example", "192.0.2.2"}};
	set(kTwo);
	ASSERT_TRUE(until([&] { return known(0, "192.0.2.1"); }, 3000));
	server.a["a.example"] = "192.0.2.77";
	ASSERT_TRUE(until([&] { return known(0, "192.0.2.77"); }, 9000))
		<< "5 s of TTL, 2 s to look";
	EXPECT_FALSE(known(0, "192.0.2.1"));
	server.a.clear();
	unsigned before = server.questions;
	ASSERT_TRUE(until([&] { return server.questions > before; }, 9000));
	until([] { return false; }, 300);
	EXPECT_TRUE(known(0, "192.0.2.77")) << "a failure leaves what is known";
	EXPECT_EQ(cp_names_targets(names, peer(0), list), 1u);
}

TEST_F(Names, ANewConfigurationKeepsWhatIsKnownOfTheSameNames)
{
	server.a = {
		{"a.example", "192.0.2.1"}, {"b.example", "192.0.2.2"}, {"c.example", "192.0.2.3"}};
	set(kTwo);
	ASSERT_TRUE(until([&] { return known(0, "192.0.2.1"); }, 3000));
	server.dead = true;
	set("  c: {kind: trunk, address: c.example}\n  a2: {kind: trunk, address: "
	    "\"a.example:5070\"}\n");
	EXPECT_TRUE(known(1, "192.0.2.1"));
	EXPECT_EQ(cp_names_targets(names, peer(1), list), 1u);
	EXPECT_EQ(cp_names_targets(names, peer(0), list), 0u);
	sip_addr gone = address("192.0.2.2");
	EXPECT_EQ(cp_names_owner(names, policy, &gone), nullptr);
}

} // namespace
