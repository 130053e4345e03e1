// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "controlplane/shm/tregion.h"
#include "dataplane/abi/hello.h"
#include "dataplane/abi/shm.h"
#include "fake_media.h"

static const abi_counter counters[] = {
	{"sip_requests_total", "", "Requests received", ABI_COUNTER, ABI_SCOPE_WORKER, {}},
	{"sip_attached", "", "Attached", ABI_GAUGE, ABI_SCOPE_AGENT, {}},
};

struct Record {
	abi_trace head;
	std::string text;
};

class Tregion : public testing::Test
{
      protected:
	cp_tregion *t = nullptr;
	std::string path = temporary_socket("sip.sock");
	abi_shm shm = {-1, nullptr, 0};
	abi_attached link;

	void make(uint32_t shards = 1, uint32_t calls = 4, size_t trace = 65536)
	{
		cp_tregion_config config = {shards, calls, trace, counters, 2};

		ASSERT_EQ(cp_tregion_new(&t, &config), 0);
		ASSERT_EQ(cp_tregion_serve(t, path.c_str()), 0);
		link.socket = -1;
		for (int &fd : link.fds)
			fd = -1;
	}

	int attach(abi_role role = ABI_ROLE_READER)
	{
		int err = 0;
		std::atomic<bool> done{false};
		std::thread reader([&] {
			err = abi_attach(&link, path.c_str(), role, "test", 1000);
			done = true;
		});
		while (!done) {
			cp_tregion_process(t);
			usleep(500);
		}
		reader.join();
		if (!err)
			err = abi_shm_map(&shm, link.fds[ABI_FD_T], ABI_HEADER_SIZE, false);
		if (!err)
			link.fds[ABI_FD_T] = -1;
		return err;
	}

	const abi_region_t *header() const
	{
		return (const abi_region_t *)shm.base;
	}

	const abi_call *call(uint32_t slot) const
	{
		return (const abi_call *)((uint8_t *)shm.base + header()->call_offset) + slot;
	}

	// Every record from the oldest whole segment on.
	std::vector<Record> records(uint32_t shard = 0)
	{
		uint64_t head = abi_load64(&header()->trace[shard].head);
		uint64_t size = header()->trace_size, segment = size / ABI_TRACE_SEGMENTS;
		const uint8_t *ring = (uint8_t *)shm.base + header()->trace_offset + size * shard;
		uint64_t at = head > size ? (head - size + 2 * segment - 1) / segment * segment : 0;
		std::vector<Record> all;

		while (at < head) {
			uint64_t left = segment - at % segment;
			Record r;

			if (left < sizeof(r.head)) {
				at += left;
				continue;
			}
			memcpy(&r.head, ring + at % size, sizeof(r.head));
			EXPECT_GE(r.head.length, 8u);
			EXPECT_LE(r.head.length, left);
			EXPECT_EQ(r.head.length % 8, 0u);
			if (r.head.length < 8 || r.head.length > left)
				break;
			r.text.assign((const char *)ring + at % size + sizeof(r.head), r.head.size);
			if (r.head.kind != ABI_TRACE_PAD)
				all.push_back(r);
			at += r.head.length;
		}
		EXPECT_EQ(at, head);
		return all;
	}

	void TearDown() override
	{
		abi_shm_close(&shm);
		abi_detach(&link);
		cp_tregion_free(t);
	}
};

TEST_F(Tregion, ReaderGetsACheckedRegion)
{
	make(2, 5);
	ASSERT_EQ(attach(), 0);
	EXPECT_EQ(abi_check_t(header(), shm.size), 0);
	EXPECT_EQ(header()->shards, 2u);
	EXPECT_EQ(header()->calls, 6u);
	EXPECT_EQ(link.welcome.boot_epoch, cp_tregion_epoch(t));
	EXPECT_EQ(header()->boot_epoch, cp_tregion_epoch(t));
	// And cannot write to it.
	EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shm.fd, 0), MAP_FAILED);
	EXPECT_EQ(pwrite(shm.fd, "x", 1, 0), -1);
}

TEST_F(Tregion, OtherRolesAreRefused)
{
	make();
	EXPECT_EQ(attach(ABI_ROLE_CONTROL), -EACCES);
}

TEST_F(Tregion, SecondServerIsRefused)
{
	cp_tregion *other;
	cp_tregion_config config = {1, 1, 65536, counters, 2};

	make();
	ASSERT_EQ(cp_tregion_new(&other, &config), 0);
	EXPECT_EQ(cp_tregion_serve(other, path.c_str()), -EADDRINUSE);
	cp_tregion_free(other);
	EXPECT_EQ(access(path.c_str(), F_OK), 0); // the first one's is still there
}

// Those who gave up, and those who hold a place and say nothing, make way for who speaks.
TEST_F(Tregion, SilentReadersMakeWay)
{
	std::vector<int> silent;
	sockaddr_un un = {};

	make();
	for (int i = 0; i < 70; i++) {
		abi_attached a;
		std::thread reader([&] { abi_attach(&a, path.c_str(), ABI_ROLE_READER, "t", 1); });
		reader.join(); // gives up before it was answered
		cp_tregion_process(t);
	}
	un.sun_family = AF_UNIX;
	strcpy(un.sun_path, path.c_str());
	for (int i = 0; i < 100; i++) {
		silent.push_back(socket(AF_UNIX, SOCK_SEQPACKET, 0));
		ASSERT_EQ(connect(silent.back(), (sockaddr *)&un, sizeof(un)), 0);
		cp_tregion_process(t);
	}
	EXPECT_EQ(attach(), 0);
	for (int fd : silent)
		close(fd);
}

TEST_F(Tregion, SocketIsGivenToAUser)
{
	struct stat st;

	make();
	if (geteuid() != 0)
		GTEST_SKIP() << "needs root";
	ASSERT_EQ(cp_tregion_own(t, 65534, 65534), 0);
	ASSERT_EQ(stat(path.c_str(), &st), 0);
	EXPECT_EQ(st.st_uid, 65534u);
	EXPECT_EQ(st.st_mode & 0777, 0660u);
}

TEST_F(Tregion, Counters)
{
	abi_counter_table table;
	abi_counter d;

	make(2);
	ASSERT_EQ(attach(), 0);
	abi_add64(&cp_tregion_counters(t, 1)[0], 5);
	abi_store64(&cp_tregion_counters(t, 2)[1], 1);
	ASSERT_EQ(abi_counters_open(&table, (uint8_t *)shm.base + header()->counter_offset,
			  header()->counter_size, header()->counters, header()->shards + 1),
		0);
	EXPECT_EQ(abi_counters_value(&table, 0, 0), 0u);
	EXPECT_EQ(abi_counters_value(&table, 0, 1), 5u);
	EXPECT_EQ(abi_counters_value(&table, 1, 2), 1u);
	abi_counters_describe(&table, 0, &d);
	EXPECT_STREQ(d.name, "sip_requests_total");
}

TEST_F(Tregion, CallsBelongToTheirShard)
{
	uint32_t taken[3];

	make(2, 4);
	ASSERT_EQ(attach(), 0);
	taken[0] = cp_tregion_call_open(t, 1);
	taken[1] = cp_tregion_call_open(t, 1);
	EXPECT_EQ(cp_tregion_call_open(t, 1), CP_NO_CALL);
	taken[2] = cp_tregion_call_open(t, 0);
	ASSERT_NE(taken[0], CP_NO_CALL);
	EXPECT_NE(taken[0], taken[1]);
	EXPECT_EQ(cp_tregion_calls_used(t, 1), 2u);
	abi_call *c = cp_tregion_call_begin(t, taken[0]);
	EXPECT_EQ(call(taken[0])->sequence % 2, 1u);
	c->state = ABI_CALL_RINGING;
	c->id = 0x1234;
	strcpy(c->from, "+4930123");
	cp_tregion_call_end(t, taken[0]);
	EXPECT_EQ(call(taken[0])->sequence % 2, 0u);
	EXPECT_EQ(call(taken[0])->id, 0x1234u);
	EXPECT_EQ(call(taken[0])->shard, 1);
	cp_tregion_call_close(t, taken[0]);
	EXPECT_EQ(call(taken[0])->state, ABI_CALL_FREE);
	EXPECT_EQ(call(taken[0])->id, 0u);
	EXPECT_EQ(cp_tregion_call_open(t, 1), taken[0]);
}

TEST_F(Tregion, TraceKeepsMessagesAndEvents)
{
	cp_trace_message m = {};

	make();
	ASSERT_EQ(attach(), 0);
	m.time_us = 7;
	m.call = 9;
	m.sent = true;
	m.leg = 1;
	m.source.family = 4;
	m.destination.port = 5060;
	cp_tregion_trace(t, 0, &m, "INVITE sip:x SIP/2.0\r\n\r\n", 24);
	cp_tregion_event(t, 0, 8, 9, 255, "no route to %s", "123");
	auto all = records();
	ASSERT_EQ(all.size(), 2u);
	EXPECT_EQ(all[0].head.kind, ABI_TRACE_SENT);
	EXPECT_EQ(all[0].head.call, 9u);
	EXPECT_EQ(all[0].head.leg, 1);
	EXPECT_EQ(all[0].head.destination.port, 5060);
	EXPECT_EQ(all[0].text, "INVITE sip:x SIP/2.0\r\n\r\n");
	EXPECT_EQ(all[1].head.kind, ABI_TRACE_EVENT);
	EXPECT_EQ(all[1].text, "no route to 123");
}

TEST_F(Tregion, TraceOverwritesTheOldest)
{
	make(2);
	ASSERT_EQ(attach(), 0);
	// Sizes that leave every possible rest at the ends of segments.
	for (int i = 0; i < 20000; i++) {
		std::string text = std::to_string(i) + std::string(i * 7 % 900, 'x');
		cp_trace_message m = {};

		m.call = (uint64_t)i;
		cp_tregion_trace(t, 1, &m, text.data(), text.size());
		if (i % 997)
			continue;
		auto all = records(1);
		ASSERT_FALSE(all.empty());
		EXPECT_EQ(all.back().text, text);
		for (size_t k = 1; k < all.size(); k++)
			ASSERT_EQ(all[k].head.call, all[k - 1].head.call + 1);
	}
	EXPECT_GT(records(1).size(), 50u);
	EXPECT_TRUE(records(0).empty());
}

TEST_F(Tregion, LongMessagesAreCut)
{
	std::string huge(100000, 'y');
	cp_trace_message m = {};

	make();
	ASSERT_EQ(attach(), 0);
	cp_tregion_trace(t, 0, &m, "a", 1);
	cp_tregion_trace(t, 0, &m, huge.data(), huge.size());
	cp_tregion_event(t, 0, 1, 1, 0, "%s", huge.c_str());
	auto all = records();
	ASSERT_EQ(all.size(), 3u);
	EXPECT_EQ(all[1].text, huge.substr(0, 65536 / ABI_TRACE_SEGMENTS - sizeof(abi_trace)));
	EXPECT_EQ(all[2].text, huge.substr(0, 511));
}

TEST_F(Tregion, Heartbeat)
{
	make();
	ASSERT_EQ(attach(), 0);
	cp_tregion_heartbeat(t, 12345, true);
	EXPECT_EQ(header()->heartbeat_us, 12345u);
	EXPECT_EQ(header()->attached, 1u);
}

TEST(TregionLimits, RefusesWhatCannotBe)
{
	cp_tregion *t;

	for (auto c : {cp_tregion_config{0, 1, 65536, nullptr, 0},
		     cp_tregion_config{17, 1, 65536, nullptr, 0},
		     cp_tregion_config{1, 0, 65536, nullptr, 0},
		     cp_tregion_config{1, 1, 65535, nullptr, 0},
		     cp_tregion_config{1, 1, 32768, nullptr, 0},
		     cp_tregion_config{1, 1, 65536, nullptr, 3}})
		EXPECT_EQ(cp_tregion_new(&t, &c), -EINVAL);
}
