// SPDX-License-Identifier: BSD-3-Clause
// Connections on loopback, with raw sockets as peers.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "controlplane/net/stream.h"
#include "controlplane/net/tls.h"
#include "tests/unit/net/certificate.h"

namespace
{

std::string message(const std::string &id, const std::string &body = "")
{
	return "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: " + id +
	       "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// One end: streams on a loop of its own fixture, and what they told.
struct Streams : testing::Test {
	uv_loop_t loop;
	cp_streams *s = nullptr;
	cp_stream_config config = {};
	std::vector<std::string> received;
	std::vector<sip_flow> flows;
	std::vector<int> closed;
	std::function<void(const sip_flow *)> on_message;
	sip_addr local = {};
	std::vector<int> sockets;

	static void receive(void *ctx, const sip_flow *flow, const uint8_t *data, size_t n)
	{
		auto *self = static_cast<Streams *>(ctx);
		self->received.emplace_back(reinterpret_cast<const char *>(data), n);
		self->flows.push_back(*flow);
		if (self->on_message)
			self->on_message(flow);
	}

	static void gone(void *ctx, const sip_flow *, int error)
	{
		static_cast<Streams *>(ctx)->closed.push_back(error);
	}

	void SetUp() override
	{
		static const cp_stream_ops ops = {receive, gone};

		uv_loop_init(&loop);
		config.ops = &ops;
		config.ctx = this;
		local.family = 4;
		local.ip[0] = 127, local.ip[3] = 1;
	}

	void start()
	{
		ASSERT_EQ(cp_streams_new(&s, &loop, &config), 0);
	}

	void TearDown() override
	{
		cp_streams_free(s);
		uv_run(&loop, UV_RUN_DEFAULT);
		EXPECT_EQ(uv_loop_close(&loop), 0);
		for (int fd : sockets)
			close(fd);
	}

	// A free port, found by binding one.
	void choose_port()
	{
		int fd = ::socket(AF_INET, SOCK_STREAM, 0);
		sockaddr_in sa = {};
		socklen_t size = sizeof(sa);

		sa.sin_family = AF_INET;
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)), 0);
		getsockname(fd, reinterpret_cast<sockaddr *>(&sa), &size);
		local.port = ntohs(sa.sin_port);
		close(fd);
	}

	void listen(uint8_t transport, cp_tls *tls = nullptr)
	{
		char error[CP_STREAM_ERROR];

		start();
		choose_port();
		ASSERT_EQ(cp_streams_listen(s, &local, 3, transport, tls, error), 0) << error;
	}

	int dial()
	{
		int fd = ::socket(AF_INET, SOCK_STREAM, 0);
		sockaddr_in sa = {};

		sa.sin_family = AF_INET;
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sa.sin_port = htons(local.port);
		EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)), 0);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		sockets.push_back(fd);
		return fd;
	}

	bool until(const std::function<bool()> &done, int ms = 2000)
	{
		uint64_t start = uv_hrtime();

		while (!done()) {
			if (uv_hrtime() - start > static_cast<uint64_t>(ms) * 1000000)
				return false;
			uv_run(&loop, UV_RUN_NOWAIT);
			usleep(200);
		}
		return true;
	}

	void say(int fd, const std::string &text)
	{
		ASSERT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), (ssize_t)text.size());
	}

	// What came so far; *ended when the other side closed.
	std::string hear(int fd, bool *ended = nullptr)
	{
		std::string all;
		char bytes[4096];
		ssize_t n;

		while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
			all.append(bytes, static_cast<size_t>(n));
		if (ended)
			*ended = n == 0 || (n < 0 && errno != EAGAIN);
		return all;
	}

	bool ends(int fd, int ms = 2000)
	{
		return until(
			[&] {
				bool ended;
				hear(fd, &ended);
				return ended;
			},
			ms);
	}
};

TEST_F(Streams, FramesSurviveAnySplit)
{
	std::string text = message("one") + "\r\n\r\n" +
			   message("two", "a body\r\n\r\nwith lines") + message("three");

	listen(SIP_TCP);
	for (size_t cut = 1; cut < text.size(); cut++) {
		int fd = dial();
		received.clear();
		say(fd, text.substr(0, cut));
		for (int i = 0; i < 3; i++)
			uv_run(&loop, UV_RUN_NOWAIT);
		say(fd, text.substr(cut));
		ASSERT_TRUE(until([&] { return received.size() == 3; })) << cut;
		ASSERT_EQ(received[0], message("one"));
		ASSERT_EQ(received[1], message("two", "a body\r\n\r\nwith lines"));
		ASSERT_EQ(received[2], message("three"));
		close(fd);
		sockets.pop_back();
	}
	EXPECT_EQ(flows.back().transport, SIP_TCP);
	EXPECT_EQ(flows.back().socket, 3);
	EXPECT_NE(flows.back().connection, flows.front().connection);
}

TEST_F(Streams, OneByteAtATime)
{
	std::string text = message("slowly", "body");

	listen(SIP_TCP);
	int fd = dial();
	for (char c : text) {
		say(fd, std::string(1, c));
		uv_run(&loop, UV_RUN_NOWAIT);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	ASSERT_TRUE(until([&] { return received.size() == 1; }));
	EXPECT_EQ(received[0], text);
}

TEST_F(Streams, AnswersGoBackOnTheirConnectionAndNowhereElse)
{
	listen(SIP_TCP);
	int a = dial(), b = dial();
	on_message = [&](const sip_flow *flow) {
		EXPECT_EQ(cp_streams_send(s, flow, reinterpret_cast<const uint8_t *>("answer"), 6),
			0);
	};
	say(a, message("x"));
	ASSERT_TRUE(until([&] { return hear(a) == "answer"; }));
	EXPECT_EQ(hear(b), "");
	sip_flow dead = flows[0];
	// The number alone is not enough: the address must be that of the flow too.
	sip_flow forged = dead;
	forged.remote.ip[3]++;
	EXPECT_EQ(
		cp_streams_send(s, &forged, reinterpret_cast<const uint8_t *>("x"), 1), -ENOTCONN);
	close(a);
	sockets.erase(sockets.begin());
	ASSERT_TRUE(until([&] { return closed.size() == 1; }));
	EXPECT_EQ(closed[0], 0);
	EXPECT_EQ(cp_streams_send(s, &dead, reinterpret_cast<const uint8_t *>("x"), 1), -ENOTCONN);
}

TEST_F(Streams, KeepAlivesAreAnswered)
{
	listen(SIP_TCP);
	int fd = dial();
	say(fd, "\r\n\r\n");
	ASSERT_TRUE(until([&] { return hear(fd) == "\r\n"; }));
	say(fd, "\r\n" + message("after"));
	ASSERT_TRUE(until([&] { return received.size() == 1; }));
	EXPECT_EQ(cp_streams_counters(s)->keepalives, 1u);
}

TEST_F(Streams, AStreamThatCannotBeFramedIsHandedOverAndClosed)
{
	listen(SIP_TCP);
	int fd = dial();
	say(fd, "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -5\r\n\r\n" + message("never"));
	EXPECT_TRUE(ends(fd));
	ASSERT_EQ(received.size(), 1u); // for the 400
	EXPECT_EQ(received[0].substr(0, 7), "OPTIONS");
	EXPECT_EQ(cp_streams_counters(s)->unframed, 1u);
}

TEST_F(Streams, AMessageWithoutEndIsCutOff)
{
	listen(SIP_TCP);
	int fd = dial();
	std::string chunk(4096, 'a');
	say(fd, "OPTIONS sip:a@b SIP/2.0\r\nSubject: ");
	bool ended = false;
	for (int i = 0; i < 64 && !ended; i++) {
		send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL);
		uv_run(&loop, UV_RUN_NOWAIT);
		hear(fd, &ended);
	}
	EXPECT_TRUE(ended || ends(fd));
	EXPECT_LE(received.size(), 1u); // for the refusal
	EXPECT_EQ(cp_streams_counters(s)->unframed, 1u);
}

TEST_F(Streams, TheSlowAndTheSilentAreEnded)
{
	config.slow_ms = 200;
	config.idle_ms = 1500;
	listen(SIP_TCP);
	int slow = dial(), silent = dial();
	say(slow, "OPTIONS sip:a@b SIP/2.0\r\n");
	EXPECT_TRUE(ends(slow, 1400));
	EXPECT_EQ(cp_streams_counters(s)->slow, 1u);
	EXPECT_EQ(cp_streams_counters(s)->idle, 0u);
	EXPECT_TRUE(ends(silent, 3000));
	EXPECT_EQ(cp_streams_counters(s)->idle, 1u);
}

TEST_F(Streams, LimitsHold)
{
	config.per_source = 3;
	listen(SIP_TCP);
	std::vector<int> fds;
	for (int i = 0; i < 5; i++)
		fds.push_back(dial());
	ASSERT_TRUE(until([&] {
		return cp_streams_counters(s)->refused_source == 2 &&
		       cp_streams_counters(s)->open == 3;
	}));
	close(fds[0]);
	sockets.erase(sockets.begin());
	ASSERT_TRUE(until([&] { return cp_streams_counters(s)->open == 2; }));
	dial();
	EXPECT_TRUE(until([&] { return cp_streams_counters(s)->open == 3; }));
}

TEST_F(Streams, APeerThatDoesNotReadIsEnded)
{
	config.backlog = 100000;
	listen(SIP_TCP);
	int fd = dial();
	say(fd, message("x"));
	ASSERT_TRUE(until([&] { return received.size() == 1; }));
	std::string much(50000, 'y');
	int err = 0;
	for (int i = 0; i < 1000 && !err; i++)
		err = cp_streams_send(
			s, &flows[0], reinterpret_cast<const uint8_t *>(much.data()), much.size());
	EXPECT_EQ(err, -ENOBUFS);
	EXPECT_EQ(cp_streams_counters(s)->backlogged, 1u);
	EXPECT_EQ(closed.size(), 1u);
}

TEST_F(Streams, ConnectsOnceAndReuses)
{
	listen(SIP_TCP);
	sip_flow to = {}, again;
	to.remote = local;
	to.transport = SIP_TCP;
	again = to;
	ASSERT_EQ(cp_streams_connect(s, &to, &local, nullptr, nullptr), 0);
	// Sent before the connection stands: nothing is lost.
	std::string text = message("out");
	ASSERT_EQ(cp_streams_send(
			  s, &to, reinterpret_cast<const uint8_t *>(text.data()), text.size()),
		0);
	ASSERT_EQ(cp_streams_connect(s, &again, &local, nullptr, nullptr), 0);
	EXPECT_EQ(again.connection, to.connection);
	ASSERT_TRUE(until([&] { return received.size() == 1; }));
	EXPECT_EQ(received[0], text);
	EXPECT_EQ(cp_streams_counters(s)->connected, 1u);
}

TEST_F(Streams, NobodyThereIsReported)
{
	start();
	choose_port();
	sip_flow to = {};
	to.remote = local;
	to.transport = SIP_TCP;
	ASSERT_EQ(cp_streams_connect(s, &to, &local, nullptr, nullptr), 0);
	ASSERT_TRUE(until([&] { return closed.size() == 1; }));
	EXPECT_EQ(closed[0], -ECONNREFUSED);
}

TEST_F(Streams, AddressesThatCannotBeListenedOnSayWhatToDo)
{
	char error[CP_STREAM_ERROR];

	listen(SIP_TCP);
	EXPECT_EQ(cp_streams_listen(s, &local, 4, SIP_TCP, nullptr, error), -EADDRINUSE);
	EXPECT_NE(std::string(error).find("ss -ltnp"), std::string::npos) << error;
	sip_addr other = local;
	other.ip[0] = 192, other.ip[1] = 0, other.ip[2] = 2;
	EXPECT_EQ(cp_streams_listen(s, &other, 4, SIP_TCP, nullptr, error), -EADDRNOTAVAIL);
	sip_addr any = {};
	any.family = 4;
	any.port = 5060;
	EXPECT_EQ(cp_streams_listen(s, &any, 4, SIP_TCP, nullptr, error), -EINVAL);
}

// ---- TLS

struct Tls : Streams {
	Certificate ca{"Test CA", nullptr, {}};
	Certificate proxy{"proxy", &ca, {"URI:sip:proxy.example", "IP:127.0.0.1"}};
	Certificate client{"client", &ca, {"DNS:client.example"}};
	cp_tls *ours = nullptr;
	char error[CP_TLS_ERROR] = "";

	void TearDown() override
	{
		Streams::TearDown();
		cp_tls_free(ours);
	}

	void make(bool ask_client = false)
	{
		cp_tls_config c = {};
		c.certificate = proxy.certificate.c_str();
		c.key = proxy.key.c_str();
		c.authorities = ca.certificate.c_str();
		c.ask_client = ask_client;
		ASSERT_EQ(cp_tls_new(&ours, &c, error), 0) << error;
	}

	int connect_to(cp_tls *tls, const char *name, sip_flow *to)
	{
		*to = {};
		to->remote = local;
		to->transport = SIP_TLS;
		return cp_streams_connect(s, to, &local, tls, name);
	}
};

TEST_F(Tls, AMessageArrivesAndIsAnswered)
{
	make(true);
	listen(SIP_TLS, ours);
	sip_flow to;
	std::string text = message("secret", std::string(30000, 'b'));
	ASSERT_EQ(connect_to(ours, "proxy.example", &to), 0);
	ASSERT_EQ(cp_streams_send(
			  s, &to, reinterpret_cast<const uint8_t *>(text.data()), text.size()),
		0);
	bool answered = false;
	on_message = [&](const sip_flow *flow) {
		if (!answered) {
			answered = true;
			std::string back = message("back");
			cp_streams_send(s, flow, reinterpret_cast<const uint8_t *>(back.data()),
				back.size());
		}
	};
	ASSERT_TRUE(until([&] { return received.size() == 2; }));
	EXPECT_EQ(received[0], text);
	EXPECT_EQ(received[1], message("back"));
	EXPECT_EQ(flows[1].connection, to.connection);
	cp_streams_close(s, to.connection);
	EXPECT_TRUE(until([&] { return closed.size() == 2; }));
}

TEST_F(Tls, AnotherNameIsRefused)
{
	make();
	listen(SIP_TLS, ours);
	for (const char *name : {"evil.example", "127.0.0.2"}) {
		sip_flow to;
		size_t before = closed.size();
		ASSERT_EQ(connect_to(ours, name, &to), 0);
		EXPECT_EQ(cp_streams_send(s, &to, reinterpret_cast<const uint8_t *>("x"), 1), 0);
		ASSERT_TRUE(until([&] { return closed.size() >= before + 2; }));
		EXPECT_TRUE(received.empty());
	}
	sip_flow to;
	ASSERT_EQ(connect_to(ours, nullptr, &to), 0); // by its address
	std::string text = message("fine");
	EXPECT_EQ(cp_streams_send(
			  s, &to, reinterpret_cast<const uint8_t *>(text.data()), text.size()),
		0);
	EXPECT_TRUE(until([&] { return received.size() == 1; }));
}

TEST_F(Tls, AClientWithoutACertificateIsRefusedWhenOneIsAsked)
{
	make(true);
	listen(SIP_TLS, ours);
	cp_tls_config c = {};
	cp_tls *bare;
	c.authorities = ca.certificate.c_str();
	ASSERT_EQ(cp_tls_new(&bare, &c, error), 0) << error;
	sip_flow to;
	ASSERT_EQ(connect_to(bare, "proxy.example", &to), 0);
	std::string text = message("no");
	cp_streams_send(s, &to, reinterpret_cast<const uint8_t *>(text.data()), text.size());
	EXPECT_TRUE(until([&] { return closed.size() == 2; }));
	EXPECT_TRUE(received.empty());
	EXPECT_GE(cp_streams_counters(s)->tls_failures, 1u);
	cp_tls_free(bare);
}

TEST_F(Tls, JunkInsteadOfAHandshakeEndsTheConnection)
{
	make();
	listen(SIP_TLS, ours);
	int fd = dial();
	say(fd, message("plain"));
	EXPECT_TRUE(ends(fd));
	EXPECT_TRUE(received.empty());
}

TEST_F(Tls, FilesThatAreWrongAreNamed)
{
	cp_tls_config c = {};
	c.certificate = proxy.certificate.c_str();
	c.key = client.key.c_str();
	EXPECT_EQ(cp_tls_new(&ours, &c, error), -EINVAL);
	EXPECT_NE(std::string(error).find(client.key), std::string::npos) << error;
	c.certificate = "/nonexistent.pem";
	EXPECT_EQ(cp_tls_new(&ours, &c, error), -ENOENT);
	EXPECT_EQ(std::string(error), "/nonexistent.pem: No such file or directory");
	c.certificate = proxy.certificate.c_str();
	c.key = proxy.key.c_str();
	chmod(c.key, 0644);
	EXPECT_EQ(cp_tls_new(&ours, &c, error), -EPERM);
	EXPECT_NE(std::string(error).find("chmod"), std::string::npos) << error;
	chmod(c.key, 0600);
	make();
	std::string old = proxy.certificate;
	ASSERT_EQ(rename(old.c_str(), (old + ".gone").c_str()), 0);
	EXPECT_EQ(cp_tls_reload(ours, error), -ENOENT); // the old one stays in use
	ASSERT_EQ(rename((old + ".gone").c_str(), old.c_str()), 0);
	EXPECT_EQ(cp_tls_reload(ours, error), 0);
}

// ---- WebSocket

const char *const request =
	"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

std::string frame(uint8_t first, const std::string &payload, bool masked = true)
{
	const uint8_t mask[4] = {1, 2, 3, 4};
	std::string out(1, static_cast<char>(first));

	if (payload.size() < 126) {
		out += static_cast<char>(payload.size() | (masked ? 0x80 : 0));
	} else {
		out += static_cast<char>(126 | (masked ? 0x80 : 0));
		out += static_cast<char>(payload.size() >> 8);
		out += static_cast<char>(payload.size());
	}
	if (masked)
		out.append(reinterpret_cast<const char *>(mask), 4);
	for (size_t i = 0; i < payload.size(); i++)
		out += masked ? static_cast<char>(payload[i] ^ mask[i % 4]) : payload[i];
	return out;
}

TEST_F(Streams, WebSocketCarriesMessagesBothWays)
{
	listen(SIP_WS);
	int fd = dial();
	// The upgrade and the first frame in one segment, a fragmented message after it.
	std::string text = message("ws"), other = message("fragments", std::string(300, 'f'));
	say(fd, request + frame(0x81, text) + frame(0x01, other.substr(0, 100)) +
			frame(0x80, other.substr(100)));
	ASSERT_TRUE(until([&] { return received.size() == 2; }));
	EXPECT_EQ(received[0], text);
	EXPECT_EQ(received[1], other);
	std::string heard;
	ASSERT_EQ(cp_streams_send(s, &flows[0], reinterpret_cast<const uint8_t *>("hello"), 5), 0);
	ASSERT_EQ(cp_streams_send(s, &flows[0], reinterpret_cast<const uint8_t *>("\xff!"), 2), 0);
	say(fd, frame(0x89, "ping"));
	std::string expected = std::string("\x81\x05hello\x82\x02\xff!\x8a\x04ping");
	ASSERT_TRUE(until([&] {
		heard += hear(fd);
		return heard.size() >= 15 && heard.compare(heard.size() - expected.size(),
						     expected.size(), expected) == 0;
	})) << heard;
	EXPECT_EQ(heard.substr(0, 12), "HTTP/1.1 101");
	say(fd, frame(0x88, std::string("\x03\xe8", 2)));
	EXPECT_TRUE(ends(fd));
	EXPECT_EQ(closed.size(), 1u);
}

TEST_F(Streams, WebSocketUpgradeSurvivesAnySplit)
{
	std::string text = request + frame(0x81, message("ws"));

	listen(SIP_WS);
	for (size_t cut = 1; cut < text.size(); cut += 7) {
		int fd = dial();
		received.clear();
		say(fd, text.substr(0, cut));
		for (int i = 0; i < 3; i++)
			uv_run(&loop, UV_RUN_NOWAIT);
		say(fd, text.substr(cut));
		ASSERT_TRUE(until([&] { return received.size() == 1; })) << cut;
		close(fd);
		sockets.pop_back();
	}
}

TEST_F(Streams, WebSocketRefusesUnmaskedFramesAndWrongUpgrades)
{
	listen(SIP_WS);
	int fd = dial();
	say(fd, request + frame(0x81, message("x"), false));
	EXPECT_TRUE(ends(fd));
	EXPECT_TRUE(received.empty());
	fd = dial();
	say(fd, message("plain SIP"));
	std::string heard;
	ASSERT_TRUE(until([&] {
		bool ended;
		heard += hear(fd, &ended);
		return ended;
	}));
	EXPECT_EQ(heard.substr(0, 12), "HTTP/1.1 400");
	EXPECT_EQ(cp_streams_counters(s)->upgrade_failures, 1u);
}

} // namespace
