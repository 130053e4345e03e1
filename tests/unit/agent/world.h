// SPDX-License-Identifier: BSD-3-Clause
// Sessions with everything around them but threads and devices: real region, table, ports and
// outbox; a worker and next hops that the test plays.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/abi/message.h"

extern "C" {
#include "dataplane/agent/boundary.h"
#include "dataplane/agent/outbox.h"
#include "dataplane/agent/region.h"
#include "dataplane/agent/sessions.h"
#include "dataplane/worker/worker.h"
}

// What the fakes of dp_worker_* and hops_* do and remember.
struct FakeWorker {
	std::deque<dp_mail *> mails; // sent, not answered
	std::deque<dp_mail *> answered;
	std::deque<dp_event> events;
	std::deque<abi_punt> punts;
	bool full = false;
};

struct FakeHops {
	std::map<std::string, uint16_t> way; // remote address to next hop; absent: no route
	std::map<uint16_t, int> users;
	std::set<uint16_t> unresolved;
};

extern FakeWorker fake_worker;
extern FakeHops fake_hops;

class World
{
      public:
	explicit World(uint32_t sessions = 16, uint16_t last_port = 20063, uint32_t transcoders = 0);
	// What sessions are given besides, before anything is asked.
	void beside(struct transcoders *transcoders, struct prompts *prompts, struct dp_recorder *recorder);
	// Ends the sessions, so that the caller may end what is beside them.
	void end();
	~World();

	// A command as the control plane would send it; checked by the boundary, then carried out.
	// The reply, which must be there.
	abi_msg ask(const abi_msg &command);
	// The same without waiting for a reply.
	void send(const abi_msg &command);
	// The next message of the ring; type 0 when there is none.
	abi_msg next();
	// The worker answers all it has; `fill` sees each mail first.
	void work(int result = 0, uint64_t packets = 0);
	void event(const dp_event &event);
	void tick(uint64_t us);
	// A control plane of this generation, with a fresh ring.
	void attach(uint32_t generation);

	static abi_msg command(uint16_t type, uint32_t slot = ABI_NO_SLOT, uint32_t generation = 0);
	static abi_msg alloc(unsigned legs = 2, uint8_t family = 4, uint8_t kind = ABI_LEG_PAIR);
	static abi_msg plan(uint16_t type, const abi_msg &allocated, const char *a = "10.1.0.2",
		const char *b = "10.2.0.2");
	static abi_ports ports(const abi_msg &reply);
	static abi_session_report report(const abi_msg &reply);
	static abi_session_plan &plan_of(abi_msg &message);
	static std::string ip4(const uint8_t *ip);

	uint64_t counter(agent_counter which) const;
	const abi_session_entry &entry(uint32_t slot) const;
	// An allocated and active session.
	abi_msg session();

	struct region region;
	struct outbox *outbox;
	struct dp_table *table;
	struct dp_ports *local_ports;
	struct dp_steering steering;
	struct sessions *sessions;
	struct boundary boundary;
	uint64_t now = 1000000;

      private:
	abi_consumer events_;
	abi_atomic32 consumer_ = 0, sleeping_ = 0;
	uint32_t sequence_ = 0;
	sessions_config config_ = {};
};
