// SPDX-License-Identifier: BSD-3-Clause
// The transport on loopback: ours is 127.0.0.1, peers are raw sockets at 127.0.0.2 and above.
#include "policy.h"

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <vector>

extern "C" {
#include "controlplane/transport.h"
}
#include "tests/unit/net/certificate.h"

namespace
{

uint16_t free_port(const char *ip)
{
	sockaddr_in sa{};
	socklen_t size = sizeof(sa);
	int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	uint16_t port = 0;

	for (int i = 0; i < 50 && !port; i++) {
		sa = {};
		sa.sin_family = AF_INET;
		inet_pton(AF_INET, ip, &sa.sin_addr);
		if (bind(tcp, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)) == 0 &&
			getsockname(tcp, reinterpret_cast<sockaddr *>(&sa), &size) == 0 &&
			bind(udp, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)) == 0)
			port = ntohs(sa.sin_port);
	}
	close(tcp);
	close(udp);
	return port;
}

struct Message {
	sip_flow flow;
	uint64_t waited;
	std::string text;
};

struct Transport : testing::Test {
	uv_loop_t loop;
	cp_policy *policy = nullptr;
	cp_transport *t = nullptr;
	std::vector<Message> received;
	std::vector<std::pair<sip_flow, int>> unreachable, closed;
	unsigned wakes = 0, rests = 0;
	uint16_t port = 0, tls_port = 0;
	std::vector<int> fds;
	std::string sip, peers;

	static const cp_transport_ops *ops()
	{
		static const cp_transport_ops table = {
			[](void *ctx) { static_cast<Transport *>(ctx)->wakes++; },
			[](void *ctx) { static_cast<Transport *>(ctx)->rests++; },
			[](void *ctx, const sip_flow *f, uint64_t waited, const uint8_t *b,
				size_t n) {
				static_cast<Transport *>(ctx)->received.push_back({*f, waited,
					std::string(reinterpret_cast<const char *>(b), n)});
			},
			[](void *ctx, const sip_flow *f, int e) {
				static_cast<Transport *>(ctx)->unreachable.emplace_back(*f, e);
			},
			[](void *ctx, const sip_flow *f, int e) {
				static_cast<Transport *>(ctx)->closed.emplace_back(*f, e);
			},
		};
		return &table;
	}

	void SetUp() override
	{
		uv_loop_init(&loop);
		port = free_port("127.0.0.1");
		tls_port = free_port("127.0.0.1");
		peers = "  carrier: {kind: trunk, address: 127.0.0.2}\n";
	}

	std::string config() const
	{
		std::string p = std::to_string(port);
		return "sip:\n  listen: [\"udp:127.0.0.1:" + p + "\", \"tcp:127.0.0.1:" + p + "\"" +
		       (sip.empty() ? "" : ", \"tls:127.0.0.1:" + std::to_string(tls_port) + "\"") +
		       "]\n" + sip + "peers:\n" + peers;
	}

	void start()
	{
		char error[CP_TRANSPORT_ERROR];
		policy = make_policy(config());
		ASSERT_NE(policy, nullptr);
		ASSERT_EQ(cp_transport_new(&t, &loop, policy, ops(), this, error), 0) << error;
	}

	void TearDown() override
	{
		cp_transport_free(t);
		uv_run(&loop, UV_RUN_DEFAULT);
		EXPECT_EQ(uv_loop_close(&loop), 0);
		cp_policy_release(policy);
		for (int fd : fds)
			close(fd);
	}

	bool until(const std::function<bool()> &done, int ms = 3000)
	{
		uint64_t begin = uv_hrtime();
		while (!done()) {
			if (uv_hrtime() - begin > uint64_t(ms) * 1000000)
				return false;
			uv_run(&loop, UV_RUN_NOWAIT);
			usleep(200);
		}
		return true;
	}

	int party(int type, const char *ip, uint16_t at)
	{
		sockaddr_in sa{};
		int fd = socket(AF_INET, type, 0), one = 1;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		sa.sin_family = AF_INET;
		sa.sin_port = htons(at);
		inet_pton(AF_INET, ip, &sa.sin_addr);
		EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)), 0)
			<< strerror(errno);
		fds.push_back(fd);
		return fd;
	}
	int udp(const char *ip, uint16_t at)
	{
		int fd = party(SOCK_DGRAM, ip, at);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return fd;
	}
	int listener(const char *ip, uint16_t at)
	{
		int fd = party(SOCK_STREAM, ip, at);
		EXPECT_EQ(listen(fd, 8), 0);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return fd;
	}
	int dial(const char *ip, uint16_t to)
	{
		sockaddr_in sa{};
		int fd = party(SOCK_STREAM, ip, 0);
		sa.sin_family = AF_INET;
		sa.sin_port = htons(to);
		inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
		EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)), 0);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return fd;
	}
	// Waits for a connection; -1: none came.
	int take(int listening, int ms = 3000)
	{
		int fd = -1;
		until([&] { return (fd = accept(listening, nullptr, nullptr)) >= 0; }, ms);
		if (fd >= 0) {
			fcntl(fd, F_SETFL, O_NONBLOCK);
			fds.push_back(fd);
		}
		return fd;
	}
	std::string hear(int fd, size_t least = 1)
	{
		std::string all;
		char bytes[8192];
		until(
			[&] {
				ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
				if (n > 0)
					all.append(bytes, size_t(n));
				return all.size() >= least;
			},
			1000);
		return all;
	}
	void say_udp(int fd, const std::string &text)
	{
		sockaddr_in sa{};
		sa.sin_family = AF_INET;
		sa.sin_port = htons(port);
		inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
		sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr *>(&sa),
			sizeof(sa));
	}
	int put(const sip_flow &to, const std::string &text)
	{
		return cp_transport_send(
			t, &to, reinterpret_cast<const uint8_t *>(text.data()), text.size());
	}
	sip_flow to(const char *ip, uint16_t at, uint8_t transport, uint16_t socket)
	{
		sip_flow f{};
		f.remote = address(ip, at);
		f.transport = transport;
		f.socket = socket;
		return f;
	}
	cp_transport_counters count()
	{
		cp_transport_counters c{};
		cp_transport_count(t, &c);
		return c;
	}
	static std::string options(const std::string &via = "SIP/2.0/TCP 127.0.0.2")
	{
		return "OPTIONS sip:a@b SIP/2.0\r\nVia: " + via +
		       ";branch=z9hG4bK1\r\nCall-ID: x\r\nContent-Length: 0\r\n\r\n";
	}
	static std::string response(const std::string &via)
	{
		return "SIP/2.0 200 OK\r\nVia: " + via +
		       ";branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
		       "Call-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	}
};

TEST_F(Transport, DatagramsComeWithTheirAgeAndAreAnswered)
{
	start();
	int fd = udp("127.0.0.2", 5060);
	say_udp(fd, options());
	usleep(50000); // it waits in the kernel
	ASSERT_TRUE(until([&] { return received.size() == 1; }));
	EXPECT_GE(received[0].waited, 50000u);
	EXPECT_LT(received[0].waited, 1000000u);
	EXPECT_EQ(received[0].flow.socket, 0);
	EXPECT_EQ(received[0].flow.transport, SIP_UDP);
	EXPECT_EQ(put(received[0].flow, "answer"), 0);
	EXPECT_EQ(hear(fd), "answer");
	EXPECT_EQ(wakes, rests);
}

TEST_F(Transport, APingOnUdpIsAnsweredToPeersOnly)
{
	start();
	int known = udp("127.0.0.2", 5060), stranger = udp("127.0.0.3", 5060);
	say_udp(stranger, "\r\n\r\n");
	say_udp(known, "\r\n\r\n");
	EXPECT_EQ(hear(known), "\r\n");
	char byte;
	EXPECT_LT(recv(stranger, &byte, 1, 0), 0);
	EXPECT_TRUE(received.empty());
	EXPECT_EQ(count().keepalives, 2u);
}

TEST_F(Transport, AConnectionIsMadeUsedAgainAndReplaced)
{
	peers = "  carrier: {kind: trunk, address: 127.0.0.2, transport: tcp}\n";
	start();
	int l = listener("127.0.0.2", 5060);
	sip_flow list[CP_HOPS];
	const cp_peer *peer = cp_peers_at(policy->peers, 0);
	ASSERT_EQ(cp_transport_locate(t, policy, peer, list), 1u);
	EXPECT_EQ(list[0].transport, SIP_TCP);
	EXPECT_EQ(list[0].socket, 1);
	sip_flow one = list[0], two = list[0];
	ASSERT_EQ(cp_transport_route(t, &one, 500), 0);
	ASSERT_EQ(cp_transport_route(t, &two, 500), 0);
	EXPECT_NE(one.connection, 0u);
	EXPECT_EQ(one.connection, two.connection);
	EXPECT_EQ(put(one, "a"), 0); // while it is being made
	int fd = take(l);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(put(two, "b"), 0);
	EXPECT_EQ(hear(fd, 2), "ab");
	// What the peer says on it is the peer's.
	std::string text = options();
	ASSERT_EQ(send(fd, text.data(), text.size(), 0), ssize_t(text.size()));
	ASSERT_TRUE(until([&] { return received.size() == 1; }));
	EXPECT_EQ(received[0].flow.connection, one.connection);
	EXPECT_EQ(cp_transport_peer(t, policy, &received[0].flow), peer);
	close(fd);
	fds.pop_back();
	ASSERT_TRUE(until([&] { return closed.size() == 1; }));
	EXPECT_EQ(closed[0].first.connection, one.connection);
	ASSERT_EQ(cp_transport_route(t, &one, 500), 0);
	EXPECT_NE(one.connection, two.connection);
	EXPECT_GE(take(l), 0);
}

TEST_F(Transport, ARefusedConnectionIsTold)
{
	peers = "  carrier: {kind: trunk, address: 127.0.0.2, transport: tcp}\n";
	start();
	sip_flow flow = to("127.0.0.2", 5060, SIP_TCP, 1);
	ASSERT_EQ(cp_transport_route(t, &flow, 500), 0);
	ASSERT_TRUE(until([&] { return closed.size() == 1; }));
	EXPECT_EQ(closed[0].first.connection, flow.connection);
	EXPECT_EQ(closed[0].second, -ECONNREFUSED);
	EXPECT_EQ(put(flow, options()), -ENOTCONN);
}

TEST_F(Transport, LongRequestsTakeTcpUnlessItWasRefusedOfLate)
{
	peers += "  other: {kind: trunk, address: 127.0.0.5}\n";
	start();
	int l = listener("127.0.0.2", 5060);
	sip_flow flow = to("127.0.0.2", 5060, SIP_UDP, 0);
	ASSERT_EQ(cp_transport_route(t, &flow, CP_UDP_MOST), 0);
	EXPECT_EQ(flow.transport, SIP_UDP);
	ASSERT_EQ(cp_transport_route(t, &flow, CP_UDP_MOST + 1), 0);
	EXPECT_EQ(flow.transport, SIP_TCP);
	EXPECT_EQ(flow.socket, 1);
	EXPECT_NE(flow.connection, 0u);
	EXPECT_GE(take(l), 0);
	EXPECT_EQ(count().widened, 1u);
	// Another peer has no TCP.
	flow = to("127.0.0.5", 5060, SIP_UDP, 0);
	ASSERT_EQ(cp_transport_route(t, &flow, 2000), 0);
	EXPECT_EQ(flow.transport, SIP_TCP);
	ASSERT_TRUE(until([&] { return closed.size() == 1; }));
	flow = to("127.0.0.5", 5060, SIP_UDP, 0);
	ASSERT_EQ(cp_transport_route(t, &flow, 2000), 0);
	EXPECT_EQ(flow.transport, SIP_UDP);
}

TEST_F(Transport, AResponseFindsThePeerThatLostItsConnection)
{
	start();
	int l = listener("127.0.0.2", 15062), fd = dial("127.0.0.2", port);
	std::string via = "SIP/2.0/TCP 127.0.0.2:15062", text = options(via);
	ASSERT_EQ(send(fd, text.data(), text.size(), 0), ssize_t(text.size()));
	ASSERT_TRUE(until([&] { return received.size() == 1; }));
	sip_flow source = received[0].flow;
	close(fd);
	fds.pop_back();
	ASSERT_TRUE(until([&] { return closed.size() == 1; }));
	EXPECT_EQ(put(source, options(via)), -ENOTCONN) << "only responses";
	EXPECT_EQ(put(source, response(via)), 0);
	int back = take(l);
	ASSERT_GE(back, 0);
	EXPECT_EQ(hear(back, 20).substr(0, 14), "SIP/2.0 200 OK");
	EXPECT_EQ(count().reconnected, 1u);
}

// The host of a Via is anybody's to write: nothing goes there. A stranger gets no connection at all.
TEST_F(Transport, ALostConnectionLeadsNowhereByAForgedVia)
{
	start();
	int victim = listener("127.0.0.9", 15063), own = listener("127.0.0.3", 15063);
	int fd = dial("127.0.0.3", port);
	std::string via = "SIP/2.0/TCP 127.0.0.9:15063;received=127.0.0.9", text = options(via);
	ASSERT_EQ(send(fd, text.data(), text.size(), 0), ssize_t(text.size()));
	ASSERT_TRUE(until([&] { return received.size() == 1; }));
	close(fd);
	fds.pop_back();
	ASSERT_TRUE(until([&] { return closed.size() == 1; }));
	EXPECT_EQ(put(received[0].flow, response(via)), -ENOTCONN);
	EXPECT_LT(take(victim, 100), 0);
	EXPECT_LT(take(own, 100), 0);
	// And of a peer: to himself.
	fd = dial("127.0.0.2", port);
	text = options(via);
	ASSERT_EQ(send(fd, text.data(), text.size(), 0), ssize_t(text.size()));
	ASSERT_TRUE(until([&] { return received.size() == 2; }));
	close(fd);
	fds.pop_back();
	ASSERT_TRUE(until([&] { return closed.size() == 2; }));
	int self = listener("127.0.0.2", 15063);
	EXPECT_EQ(put(received[1].flow, response(via)), 0);
	EXPECT_GE(take(self), 0);
	EXPECT_LT(take(victim, 100), 0);
}

// Told later, because its owner may be in the middle of a send on it.
TEST_F(Transport, AConnectionThatBreaksInsideOfASendIsToldAfterIt)
{
	peers = "  carrier: {kind: trunk, address: 127.0.0.2, transport: tcp}\n";
	start();
	int l = listener("127.0.0.2", 5060);
	sip_flow flow = to("127.0.0.2", 5060, SIP_TCP, 1);
	ASSERT_EQ(cp_transport_route(t, &flow, 500), 0);
	ASSERT_GE(take(l), 0); // and it reads nothing
	std::string much(60000, 'x');
	int err = 0;
	for (int i = 0; i < 2000 && !err; i++)
		err = put(flow, much);
	EXPECT_EQ(err, -ENOBUFS) << "what is not read is bounded";
	EXPECT_TRUE(closed.empty());
	EXPECT_EQ(put(flow, much), -ENOTCONN);
	ASSERT_TRUE(until([&] { return closed.size() == 1; }));
	EXPECT_EQ(closed[0].first.connection, flow.connection);
}

TEST_F(Transport, StrangersHaveFewConnections)
{
	start();
	for (int i = 0; i < 30; i++) {
		dial("127.0.0.3", port);
		dial("127.0.0.2", port);
	}
	ASSERT_TRUE(until([&] { return count().streams.accepted == 50; }));
	until([] { return false; }, 100);
	EXPECT_EQ(count().streams.open, 50u);
	EXPECT_EQ(count().streams.refused_source, 10u);
}

TEST_F(Transport, IcmpIsToldWithItsFlow)
{
	start();
	sip_flow flow = to("127.0.0.2", 15099, SIP_UDP, 0);
	EXPECT_EQ(put(flow, options()), 0);
	ASSERT_TRUE(until([&] { return unreachable.size() == 1; }));
	EXPECT_EQ(unreachable[0].second, -ECONNREFUSED);
	EXPECT_EQ(unreachable[0].first.remote.port, 15099);
}

TEST_F(Transport, AWebSocketCannotBeOpenedFromHere)
{
	start();
	sip_flow flow = to("127.0.0.2", 80, SIP_WS, 1);
	EXPECT_EQ(cp_transport_route(t, &flow, 100), -ENOTCONN);
	EXPECT_EQ(put(flow, response("SIP/2.0/WS x.invalid")), -ENOTCONN);
}

// ---- certificates

struct Secure : Transport {
	Certificate root{"root", nullptr, {}}, other{"other", nullptr, {}};
	Certificate ours{"hawse", &root, {"DNS:hawse.example"}};
	Certificate carrier{"carrier", &other, {"URI:sip:carrier.example"}};

	void SetUp() override
	{
		Transport::SetUp();
		sip = "  certificate: " + ours.certificate + "\n  key: " + ours.key +
		      "\n  authorities: " + root.certificate + "\n";
		peers = "  carrier: {kind: trunk, address: \"127.0.0.2:5061\", transport: tls, "
			"tls: {name: carrier.example, authorities: " +
			other.certificate + "}}\n";
	}
};

// A client of ours in another transport would do as well; OpenSSL alone is plainer.
struct Client {
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = nullptr;

	explicit Client(const Certificate *c)
	{
		if (c) {
			SSL_CTX_use_certificate_chain_file(ctx, c->certificate.c_str());
			SSL_CTX_use_PrivateKey_file(ctx, c->key.c_str(), SSL_FILETYPE_PEM);
		}
	}
	~Client()
	{
		SSL_free(ssl);
		SSL_CTX_free(ctx);
	}
	// One step on a socket that does not block. True when the handshake is done.
	bool step(int fd)
	{
		if (!ssl) {
			ssl = SSL_new(ctx);
			SSL_set_fd(ssl, fd);
		}
		return SSL_is_init_finished(ssl) || SSL_connect(ssl) == 1;
	}
};

TEST_F(Secure, ACertificateSaysWhoItIsAndNothingElseDoes)
{
	start();
	const cp_peer *peer = cp_peers_at(policy->peers, 0);
	struct Case {
		const Certificate *shows;
		const char *from;
		bool known;
	} cases[] = {{&carrier, "127.0.0.8", true}, {nullptr, "127.0.0.2", false},
		{&ours, "127.0.0.2", false}};
	for (auto &c : cases) {
		Client client(c.shows);
		int fd = dial(c.from, tls_port);
		ASSERT_TRUE(until([&] { return client.step(fd); }));
		std::string text = options("SIP/2.0/TLS x.invalid");
		ASSERT_EQ(SSL_write(client.ssl, text.data(), int(text.size())), int(text.size()));
		received.clear();
		ASSERT_TRUE(until([&] { return received.size() == 1; }));
		EXPECT_EQ(cp_transport_peer(t, policy, &received[0].flow), c.known ? peer : nullptr)
			<< c.from;
		EXPECT_EQ(cp_transport_peer(t, policy, &received[0].flow), c.known ? peer : nullptr)
			<< "remembered";
	}
	// By UDP from its address neither.
	sip_flow flow = to("127.0.0.2", 5061, SIP_UDP, 0);
	EXPECT_EQ(cp_transport_peer(t, policy, &flow), nullptr);
	sip_addr a = address("127.0.0.2", 5061);
	EXPECT_TRUE(cp_transport_owns(t, policy, peer, &a)) << "but calls to it go there";
}

TEST_F(Secure, ABrokenFileLeavesEverythingAsItWas)
{
	start();
	char error[CP_TRANSPORT_ERROR] = "";
	std::string good = config();
	sip = "  certificate: " + ours.certificate + "\n  key: " + carrier.key + "\n";
	cp_policy *wrong = make_policy(config());
	ASSERT_NE(wrong, nullptr);
	EXPECT_NE(cp_transport_set_policy(t, wrong, error), 0);
	EXPECT_NE(std::string(error).find(carrier.key), std::string::npos) << error;
	cp_policy_release(wrong);
	cp_policy *right = make_policy(good);
	EXPECT_EQ(cp_transport_set_policy(t, right, error), 0) << error;
	Client client(&carrier);
	int fd = dial("127.0.0.8", tls_port);
	EXPECT_TRUE(until([&] { return client.step(fd); }));
	cp_policy_release(right);
}

TEST_F(Secure, AKeyThatDoesNotFitIsSaidAtTheStart)
{
	char error[CP_TRANSPORT_ERROR] = "";
	sip = "  certificate: " + ours.certificate + "\n  key: " + carrier.key + "\n";
	policy = make_policy(config());
	ASSERT_NE(policy, nullptr);
	EXPECT_NE(cp_transport_new(&t, &loop, policy, ops(), this, error), 0);
	EXPECT_NE(std::string(error).find(carrier.key), std::string::npos) << error;
	EXPECT_NE(std::string(error).find("mismatch"), std::string::npos) << error;
}

} // namespace
