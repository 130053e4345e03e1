// SPDX-License-Identifier: BSD-3-Clause
// A worker on devices made of rings: frames go in as bytes and come out as bytes, and the worker is
// driven turn by turn. Frames are built and checked here by plain code that shares nothing with the
// pipeline.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/worker/worker.h"

using Bytes = std::vector<uint8_t>;

struct Address {
	Bytes ip; // 4 or 16 bytes
	uint16_t port;
};

Address v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);
Address v6(uint8_t last, uint16_t port);

struct Frame { // what is in a frame, as a receiver reads it
	Bytes destination_mac, source_mac;
	unsigned vlan = 0;
	unsigned family = 0;
	Address from, to;
	unsigned ttl = 0, dscp = 0, id = 0;
	bool df = false;
	bool ip_sum_right = true; // IPv6 has none
	bool udp_sum_right = false, udp_sum_none = false;
	Bytes payload;
};

// A frame with right checksums. `vlan` 0: untagged.
Bytes udp_frame(const Address &from, const Address &to, const Bytes &payload, unsigned vlan = 0);
// Reads a frame that came out; fails the test when it is not one.
Frame read_frame(const Bytes &frame);
// Offsets into a frame made by udp_frame.
size_t udp_offset(const Bytes &frame);

Bytes rtp(uint8_t type, uint16_t seq, uint32_t timestamp, uint32_t ssrc, size_t payload = 160);
Bytes rtcp_report(uint32_t ssrc);

// A device: what is put into `in` is received, what is sent comes out of `out`.
struct Device {
	explicit Device(const std::string &name, unsigned queues = 1);
	~Device();
	uint16_t port = 0;
	std::vector<struct rte_ring *> in, out;
};

class Rig
{
      public:
	// Local addresses 10.0.0.1 and fd00::1, ports 20000-20999, on device 0; device 1 is another
	// one.
	// `kernel`: device 1 is the kernel's side of device 0. `vlan`: of device 0.
	// `prepare`: what else a worker is to have.
	explicit Rig(unsigned workers = 1, enum dp_poll poll = DP_POLL_BUSY, bool partial = false,
		bool kernel = false, uint16_t vlan = 0,
		const std::function<void(struct dp_worker_config &)> &prepare = {});
	~Rig();

	struct Leg {
		uint8_t family = 4;
		uint8_t kind = ABI_LEG_PAIR;
		uint16_t port = 20000;
		Address remote;      // as signalled
		Address remote_rtcp; // default: the next port
		uint8_t policy = ABI_SOURCE_EXACT;
		uint32_t flags = ABI_LEG_RECEIVE | ABI_LEG_SEND | ABI_LEG_RTCP;
		uint8_t dscp = 0;
		std::vector<uint8_t> types = {0, 8};
		std::vector<std::pair<uint8_t, uint8_t>> map;
		uint32_t max_packets = 0, max_octets = 0;
		unsigned hop = 0;
		struct dp_leg_media media = {};
	};

	// Mails a plan; returns the mail's result.
	int add(const std::vector<Leg> &legs, uint32_t slot = 0, uint32_t timeout_ms = 0);
	// Sends the plan and neither turns nor waits; returns what dp_worker_send does.
	int lay(const std::vector<Leg> &legs, uint32_t slot, struct dp_mail &m);
	int update(const std::vector<Leg> &legs, uint32_t slot = 0, uint32_t timeout_ms = 0);
	int remove(uint32_t slot = 0);
	int query(uint32_t slot = 0);
	int hop(uint32_t slot, unsigned leg, unsigned adjacency);
	struct abi_leg_stats stats[2]; // of the last mail that brought any

	// Puts a frame into device 0's queue of the worker; `flags`: of the mbuf.
	void put(const Bytes &frame, unsigned worker = 0, uint64_t flags = 0, unsigned device = 0);
	unsigned turn(unsigned worker = 0);
	// Turns until a mail is back: ends of sessions wait for the worker's chores. At most 10 s.
	struct dp_mail *turn_for_reply(unsigned worker = 0);
	std::vector<Bytes> take(unsigned device = 0);
	// One frame in, one turn, what comes out.
	std::vector<Bytes> pass(const Bytes &frame, uint64_t flags = 0);

	uint64_t counter(unsigned id, unsigned worker = 0);
	uint64_t drops(); // of all reasons
	// Buffers that are not in the pool: none when every packet was sent or freed.
	unsigned buffers_out();

	std::vector<std::unique_ptr<Device>> devices;
	std::vector<struct dp_worker *> workers;
	struct dp_adjacencies *hops = nullptr;
	struct dp_table *table = nullptr;
	std::vector<struct abi_leg_slot> leg_slots;
	std::vector<struct abi_leg_resume> resumes;
	struct dp_steering steering;
	abi_atomic32 agent_sleeping = 0;
	int bell; // the agent's

      private:
	struct dp_worker *fill(uint32_t type, const std::vector<Leg> &legs, uint32_t slot,
		uint32_t timeout_ms, struct dp_mail &m);
	int mail(uint32_t type, const std::vector<Leg> &legs, uint32_t slot, uint32_t timeout_ms);
	int send(struct dp_mail &m);
	struct dp_leg *leg_at(uint8_t family, uint16_t port);

	std::vector<std::vector<uint64_t>> counters;
	struct Target {
		struct dp_leg *leg[2];
		uint32_t legs;
		unsigned worker;
	};
	std::vector<Target> targets;
	unsigned worker_count;
};

// Local addresses of the rig.
Address local4(uint16_t port);
Address local6(uint16_t port);
