// SPDX-License-Identifier: BSD-3-Clause
// UDP sockets on loopback: what comes is delivered with its flow, what cannot go waits or is
// reported.
#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "controlplane/net/udp.h"

// In the place of libc's, so that a test can have a kernel whose buffer is full.
static bool kernel_full;

extern "C" ssize_t sendto(
	int fd, const void *bytes, size_t n, int flags, const sockaddr *to, socklen_t size)
{
	if (kernel_full) {
		errno = EAGAIN;
		return -1;
	}
	return syscall(SYS_sendto, fd, bytes, n, flags, to, size);
}

namespace
{

sip_addr address(const char *host, uint16_t port)
{
	sip_addr a = {};

	if (inet_pton(AF_INET, host, a.ip) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, host, a.ip) == 1)
		a.family = 6;
	a.port = port;
	return a;
}

struct Owner {
	struct Datagram {
		sip_flow from;
		std::string text;
	};
	std::vector<Datagram> received;
	std::vector<std::pair<sip_flow, int>> errors;
	int wakes = 0, rests = 0;
	cp_udp *u = nullptr;
	bool echo = false, close_on_receive = false;
};

void on_receive(void *ctx, const sip_flow *source, const uint8_t *data, size_t n)
{
	auto *o = (Owner *)ctx;

	o->received.push_back({*source, std::string((const char *)data, n)});
	if (o->echo) {
		EXPECT_EQ(cp_udp_send(o->u, &source->remote, data, n), 0);
	}
	if (o->close_on_receive) {
		cp_udp_close(o->u);
		o->u = nullptr;
	}
}

void on_error(void *ctx, const sip_flow *to, int error)
{
	((Owner *)ctx)->errors.emplace_back(*to, error);
}

void on_wake(void *ctx)
{
	((Owner *)ctx)->wakes++;
}

void on_rest(void *ctx)
{
	((Owner *)ctx)->rests++;
}

const cp_udp_ops ops = {on_wake, on_receive, on_rest, on_error};

class Udp : public testing::Test
{
      protected:
	uv_loop_t loop;
	std::vector<cp_udp *> open_ones;
	char error[CP_NET_ERROR];

	void SetUp() override
	{
		uv_loop_init(&loop);
	}

	int open(Owner *o, const char *host, uint16_t port = 0, uint16_t socket = 0,
		uint8_t dscp = 24, uint32_t queue = 0)
	{
		cp_udp_config c = {address(host, port), socket, dscp, queue, &ops, o};
		int err = cp_udp_open(&o->u, &loop, &c, error);

		return err;
	}

	void run(int ms = 20)
	{
		uv_timer_t timer;

		uv_timer_init(&loop, &timer);
		uv_timer_start(
			&timer, [](uv_timer_t *t) { uv_stop(t->loop); }, (uint64_t)ms, 0);
		uv_run(&loop, UV_RUN_DEFAULT);
		uv_close((uv_handle_t *)&timer, nullptr);
		uv_run(&loop, UV_RUN_NOWAIT);
	}

	void close(Owner *o)
	{
		cp_udp_close(o->u);
		o->u = nullptr;
	}

	void TearDown() override
	{
		uv_run(&loop, UV_RUN_DEFAULT);
		EXPECT_EQ(uv_loop_close(&loop), 0);
	}
};

} // namespace

TEST_F(Udp, DeliversWithItsFlow)
{
	Owner a, b;

	ASSERT_EQ(open(&a, "127.0.0.1", 0, 7), 0) << error;
	ASSERT_EQ(open(&b, "127.0.0.2", 0, 8), 0) << error;
	ASSERT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)"hello", 5), 0);
	ASSERT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), nullptr, 0), 0);
	run();
	ASSERT_EQ(b.received.size(), 2u);
	EXPECT_EQ(b.received[0].text, "hello");
	EXPECT_EQ(b.received[1].text, "");
	EXPECT_TRUE(sip_addr_equal(&b.received[0].from.remote, cp_udp_local(a.u)));
	EXPECT_EQ(b.received[0].from.socket, 8);
	EXPECT_EQ(b.received[0].from.transport, SIP_UDP);
	EXPECT_EQ(b.wakes, 1);
	EXPECT_EQ(b.rests, 1);
	EXPECT_EQ(cp_udp_counters(b.u)->received, 2u);
	EXPECT_EQ(cp_udp_counters(a.u)->sent_octets, 5u);
	close(&a);
	close(&b);
}

TEST_F(Udp, IPv6)
{
	Owner a;

	if (open(&a, "::1"))
		GTEST_SKIP() << error;
	a.echo = false;
	ASSERT_EQ(cp_udp_send(a.u, cp_udp_local(a.u), (const uint8_t *)"six", 3), 0);
	run();
	ASSERT_EQ(a.received.size(), 1u);
	EXPECT_EQ(a.received[0].from.remote.family, 6);
	sip_addr four = address("127.0.0.1", 5060);
	EXPECT_EQ(cp_udp_send(a.u, &four, (const uint8_t *)"x", 1), -EAFNOSUPPORT);
	close(&a);
}

TEST_F(Udp, LargeDatagramsAndBursts)
{
	Owner a, b;
	std::string big(60000, 'z');

	ASSERT_EQ(open(&a, "127.0.0.1"), 0);
	ASSERT_EQ(open(&b, "127.0.0.1"), 0);
	ASSERT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)big.data(), big.size()), 0);
	for (int i = 0; i < 500; i++) {
		std::string s = std::to_string(i);
		ASSERT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)s.data(), s.size()),
			0);
	}
	run(50);
	ASSERT_EQ(b.received.size(), 501u);
	EXPECT_EQ(b.received[0].text, big);
	for (int i = 0; i < 500; i++)
		ASSERT_EQ(b.received[(size_t)i + 1].text, std::to_string(i));
	EXPECT_LT(b.wakes, 50);
	close(&a);
	close(&b);
}

TEST_F(Udp, IcmpErrorNamesTheFlow)
{
	Owner a, b;
	sip_addr nobody, other;

	ASSERT_EQ(open(&b, "127.0.0.1"), 0);
	nobody = *cp_udp_local(b.u);
	close(&b);
	run(1);
	ASSERT_EQ(open(&a, "127.0.0.1", 0, 3), 0);
	ASSERT_EQ(open(&b, "127.0.0.1"), 0);
	other = *cp_udp_local(b.u);
	ASSERT_NE(other.port, nobody.port);
	ASSERT_EQ(cp_udp_send(a.u, &nobody, (const uint8_t *)"x", 1), 0);
	// The error of the first is no error of the second.
	EXPECT_EQ(cp_udp_send(a.u, &other, (const uint8_t *)"y", 1), 0);
	run();
	ASSERT_EQ(a.errors.size(), 1u);
	EXPECT_EQ(a.errors[0].second, -ECONNREFUSED);
	EXPECT_TRUE(sip_addr_equal(&a.errors[0].first.remote, &nobody));
	EXPECT_EQ(a.errors[0].first.socket, 3);
	EXPECT_EQ(cp_udp_counters(a.u)->icmp_errors, 1u);
	ASSERT_EQ(b.received.size(), 1u);
	// And the socket still works both ways.
	ASSERT_EQ(cp_udp_send(b.u, cp_udp_local(a.u), (const uint8_t *)"z", 1), 0);
	run();
	EXPECT_EQ(a.received.size(), 1u);
	ASSERT_EQ(cp_udp_send(a.u, &nobody, (const uint8_t *)"x", 1), 0);
	run();
	EXPECT_EQ(a.errors.size(), 2u);
	close(&a);
	close(&b);
}

TEST_F(Udp, NoRouteIsAnErrorOfTheSend)
{
	Owner a;
	sip_addr far = address("203.0.113.1", 5060);

	// From a loopback address nothing leaves the machine.
	ASSERT_EQ(open(&a, "127.0.0.1"), 0);
	EXPECT_LT(cp_udp_send(a.u, &far, (const uint8_t *)"x", 1), 0);
	EXPECT_EQ(cp_udp_counters(a.u)->send_errors, 1u);
	close(&a);
}

TEST_F(Udp, MayBeClosedFromItsCallback)
{
	Owner a, b;

	ASSERT_EQ(open(&a, "127.0.0.1"), 0);
	ASSERT_EQ(open(&b, "127.0.0.1"), 0);
	b.close_on_receive = true;
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)"x", 1), 0);
	run();
	EXPECT_EQ(b.received.size(), 1u);
	EXPECT_EQ(b.u, nullptr);
	close(&a);
}

TEST_F(Udp, AnswersFromWithinReceive)
{
	Owner a, b;

	ASSERT_EQ(open(&a, "127.0.0.1"), 0);
	ASSERT_EQ(open(&b, "127.0.0.1"), 0);
	b.echo = true;
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)"ping", 4), 0);
	run();
	EXPECT_EQ(a.received.size(), 100u);
	close(&a);
	close(&b);
}

TEST_F(Udp, MarksItsPackets)
{
	Owner a;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	sockaddr_in sin = {};
	socklen_t n = sizeof(sin);
	char byte, control[64];
	iovec iov = {&byte, 1};
	msghdr m = {};

	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(bind(fd, (sockaddr *)&sin, sizeof(sin)), 0);
	ASSERT_EQ(getsockname(fd, (sockaddr *)&sin, &n), 0);
	ASSERT_EQ(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)), 0);
	ASSERT_EQ(open(&a, "127.0.0.1", 0, 0, CP_DSCP_SIGNALLING), 0);
	sip_addr to = address("127.0.0.1", ntohs(sin.sin_port));
	ASSERT_EQ(cp_udp_send(a.u, &to, (const uint8_t *)"x", 1), 0);
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control;
	m.msg_controllen = sizeof(control);
	ASSERT_EQ(recvmsg(fd, &m, 0), 1);
	cmsghdr *c = CMSG_FIRSTHDR(&m);
	ASSERT_NE(c, nullptr);
	EXPECT_EQ(*CMSG_DATA(c), 24 << 2);
	::close(fd);
	close(&a);
}

TEST_F(Udp, BindErrorsSayWhatToDo)
{
	Owner a, b;

	ASSERT_EQ(open(&a, "127.0.0.1"), 0);
	EXPECT_EQ(open(&b, "127.0.0.1", cp_udp_local(a.u)->port), -EADDRINUSE);
	EXPECT_NE(std::string(error).find("another program listens there"), std::string::npos)
		<< error;
	EXPECT_EQ(std::string(error).find("udp:127.0.0.1:"), 0u) << error;
	EXPECT_EQ(open(&b, "203.0.113.77", 5060), -EADDRNOTAVAIL);
	EXPECT_NE(std::string(error).find("no interface"), std::string::npos) << error;
	EXPECT_EQ(open(&b, "0.0.0.0", 5060), -EINVAL);
	EXPECT_EQ(open(&b, "::", 5060), -EINVAL);
	EXPECT_EQ(std::string(error).find('\n'), std::string::npos);
	close(&a);
}

// While the kernel takes nothing, datagrams wait in order, and no more than the queue may hold.
TEST_F(Udp, QueueIsBounded)
{
	Owner a, b;

	ASSERT_EQ(open(&a, "127.0.0.1", 0, 0, 24, 4), 0);
	ASSERT_EQ(open(&b, "127.0.0.1"), 0);
	kernel_full = true;
	for (int i = 0; i < 6; i++) {
		std::string s = std::to_string(i);
		EXPECT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)s.data(), s.size()),
			i < 4 ? 0 : -ENOBUFS);
	}
	EXPECT_EQ(cp_udp_counters(a.u)->queued, 4u);
	EXPECT_EQ(cp_udp_counters(a.u)->queue_full, 2u);
	run(5);
	EXPECT_TRUE(b.received.empty());
	kernel_full = false;
	EXPECT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)"x", 1), -ENOBUFS);
	run();
	ASSERT_EQ(b.received.size(), 4u);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(b.received[(size_t)i].text, std::to_string(i));
	EXPECT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)"x", 1), 0);
	kernel_full = true;
	EXPECT_EQ(cp_udp_send(a.u, cp_udp_local(b.u), (const uint8_t *)"y", 1), 0);
	close(&a); // with one waiting: freed
	kernel_full = false;
	close(&b);
}
