// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>

FakeWorker fake_worker;
FakeHops fake_hops;

extern "C" {
int dp_worker_send(struct dp_worker *, struct dp_mail *mail)
{
	if (fake_worker.full)
		return -EBUSY;
	fake_worker.mails.push_back(mail);
	return 0;
}

struct dp_mail *dp_worker_reply(struct dp_worker *)
{
	if (fake_worker.answered.empty())
		return nullptr;
	dp_mail *mail = fake_worker.answered.front();
	fake_worker.answered.pop_front();
	return mail;
}

bool dp_worker_punt(struct dp_worker *, struct abi_punt *packet)
{
	if (fake_worker.punts.empty())
		return false;
	*packet = fake_worker.punts.front();
	fake_worker.punts.pop_front();
	return true;
}

bool dp_worker_event(struct dp_worker *, struct dp_event *event)
{
	if (fake_worker.events.empty())
		return false;
	*event = fake_worker.events.front();
	fake_worker.events.pop_front();
	return true;
}

unsigned dp_worker_out(const struct dp_worker *)
{
	return (unsigned)(fake_worker.mails.size() + fake_worker.answered.size());
}

static std::string key(uint8_t family, const uint8_t *ip)
{
	return std::string((const char *)ip, family == 4 ? 4 : 16);
}

int hops_get(
	struct hops *, unsigned, uint8_t family, const uint8_t ip[16], uint64_t, uint16_t *index)
{
	auto it = fake_hops.way.find(key(family, ip));

	*index = DP_ADJACENCY_NONE;
	if (it == fake_hops.way.end())
		return -EHOSTUNREACH;
	*index = it->second;
	fake_hops.users[*index]++;
	return 0;
}

void hops_hold(struct hops *, uint16_t index)
{
	fake_hops.users[index]++;
}

void hops_put(struct hops *, uint16_t index)
{
	if (index != DP_ADJACENCY_NONE)
		fake_hops.users[index]--;
}

bool hops_same(struct hops *, unsigned, uint8_t family, const uint8_t ip[16], uint16_t index)
{
	auto it = fake_hops.way.find(key(family, ip));

	return it == fake_hops.way.end() ? index == DP_ADJACENCY_NONE : index == it->second;
}

bool hops_ready(const struct hops *, uint16_t index)
{
	return index != DP_ADJACENCY_NONE && !fake_hops.unresolved.count(index);
}

unsigned hops_count(const struct hops *)
{
	return (unsigned)fake_hops.users.size();
}
}

static abi_endpoint endpoint(const char *ip, uint8_t family, uint8_t interface, uint16_t last_port)
{
	abi_endpoint e = {};

	inet_pton(family == 4 ? AF_INET : AF_INET6, ip, e.ip);
	e.family = family;
	e.interface_index = interface;
	e.first_port = 20000;
	e.last_port = last_port;
	return e;
}

World::World(uint32_t count, uint16_t last_port, uint32_t transcoders)
{
	static const abi_counter none = {};
	static const char *const remotes[] = {"10.1.0.2", "10.2.0.2", "10.2.0.3"};
	const abi_endpoint endpoints[] = {
		endpoint("10.1.0.1", 4, 0, last_port),
		endpoint("fd01::1", 6, 0, last_port),
		endpoint("10.2.0.1", 4, 1, last_port),
	};
	static dp_worker *worker = nullptr;

	fake_worker = FakeWorker();
	fake_hops = FakeHops();
	for (unsigned i = 0; i < 3; i++) {
		uint8_t ip[4];

		inet_pton(AF_INET, remotes[i], ip);
		fake_hops.way[std::string((char *)ip, 4)] = (uint16_t)(i + 1);
	}
	dp_steering_spread(&steering, 1);
	EXPECT_EQ(0, region_create(&region, count, 1, transcoders, endpoints, 3, &none, 1));
	EXPECT_EQ(0, dp_table_create(&table, region.endpoints, 3, false));
	EXPECT_EQ(0, dp_ports_create(&local_ports, region.endpoints, 3, &steering, 5000000));
	outbox = outbox_new();
	sessions_config &config = config_;
	config.region = &region;
	config.outbox = outbox;
	config.table = table;
	config.ports = local_ports;
	config.workers = &worker;
	config.worker_count = 1;
	config.count = count;
	config.rest_us = 5000000;
	config.grace_us = 3000000;
	EXPECT_EQ(0, sessions_new(&sessions, &config));
	boundary = {region.directory, count, region.endpoints, 3, 2};
	attach(1);
}

void World::beside(
	struct transcoders *transcoders, struct prompts *prompts, struct dp_recorder *recorder)
{
	sessions_free(sessions);
	config_.transcoders = transcoders;
	config_.prompts = prompts;
	config_.recorder = recorder;
	EXPECT_EQ(0, sessions_new(&sessions, &config_));
	sessions_attached(sessions, 1);
}

void World::end()
{
	work();
	sessions_free(sessions);
	sessions = nullptr;
}

void World::attach(uint32_t generation)
{
	region.a->event_producer = consumer_ = sequence_ = 0;
	outbox_open(outbox, generation, region.events, &region.a->event_producer, &consumer_,
		&sleeping_, -1);
	abi_consumer_init(&events_, region.events, ABI_EVENT_SLOTS, ABI_MSG_SIZE, &consumer_,
		&region.a->event_producer);
	sessions_attached(sessions, generation);
}

World::~World()
{
	if (sessions)
		end();
	outbox_free(outbox);
	dp_ports_free(local_ports);
	dp_table_free(table);
	region_close(&region);
}

void World::send(const abi_msg &command)
{
	uint64_t ticket = outbox_expect(outbox, &command);
	boundary_refusal refusal;
	int err = boundary_check(&boundary, &command, &refusal);

	if (err)
		outbox_fail(outbox, ticket, err, refusal.field, refusal.leg);
	else
		sessions_command(sessions, &command, ticket, now);
}

abi_msg World::next()
{
	abi_msg msg = {};
	unsigned replies;

	EXPECT_GE(outbox_flush(outbox, &replies), 0);
	if (abi_consume(&events_, &msg) == 1) {
		EXPECT_EQ(sequence_, msg.sequence);
		sequence_++;
	}
	return msg;
}

abi_msg World::ask(const abi_msg &command)
{
	send(command);
	work();
	for (;;) {
		abi_msg msg = next();

		if (msg.type == 0)
			ADD_FAILURE() << "no reply to " << abi_msg_name(command.type);
		if (msg.type == 0 || msg.transaction == command.transaction)
			return msg;
	}
}

void World::work(int result, uint64_t packets)
{
	while (!fake_worker.mails.empty()) {
		dp_mail *mail = fake_worker.mails.front();

		fake_worker.mails.pop_front();
		mail->result = result;
		mail->stats[0].packets = mail->stats[1].packets = packets;
		fake_worker.answered.push_back(mail);
	}
	sessions_collect(sessions, now);
}

void World::event(const dp_event &event)
{
	fake_worker.events.push_back(event);
	sessions_collect(sessions, now);
}

void World::tick(uint64_t us)
{
	now += us;
	sessions_tick(sessions, now);
}

abi_msg World::command(uint16_t type, uint32_t slot, uint32_t generation)
{
	static uint64_t transaction = 1000;
	abi_msg msg;

	abi_msg_init(&msg, type, ++transaction, slot, generation);
	return msg;
}

abi_msg World::alloc(unsigned legs, uint8_t family, uint8_t kind)
{
	abi_msg msg = command(ABI_PORT_ALLOC);
	abi_port_alloc alloc = {};

	alloc.affinity = ABI_NO_SLOT;
	alloc.legs = (uint8_t)legs;
	alloc.call = 77;
	for (unsigned i = 0; i < legs; i++) {
		alloc.leg[i].interface_index = family == 4 ? (uint8_t)i : 0;
		alloc.leg[i].family = family;
		alloc.leg[i].kind = kind;
	}
	memcpy(msg.payload, &alloc, sizeof(alloc));
	return msg;
}

abi_session_plan &World::plan_of(abi_msg &message)
{
	return *reinterpret_cast<abi_session_plan *>(message.payload);
}

abi_msg World::plan(uint16_t type, const abi_msg &allocated, const char *a, const char *b)
{
	abi_msg msg = command(type, allocated.slot, allocated.generation);
	abi_session_plan &plan = plan_of(msg);
	const char *remote[] = {a, b};

	plan.clock_rate = 8000;
	for (unsigned i = 0; i < 2; i++) {
		abi_leg_plan &leg = plan.leg[i];

		inet_pton(AF_INET, remote[i], leg.remote_rtp_ip);
		inet_pton(AF_INET, remote[i], leg.remote_rtcp_ip);
		leg.remote_rtp_port = 4000;
		leg.remote_rtcp_port = 4001;
		leg.family = 4;
		leg.source_policy = ABI_SOURCE_ADDRESS;
		leg.flags = ABI_LEG_RECEIVE | ABI_LEG_SEND | ABI_LEG_RTCP;
		leg.payload_types[0] = 1;
		leg.dtmf_type = 255;
	}
	return msg;
}

abi_ports World::ports(const abi_msg &reply)
{
	abi_ports ports;

	memcpy(&ports, reply.payload, sizeof(ports));
	return ports;
}

abi_session_report World::report(const abi_msg &reply)
{
	abi_session_report report;

	memcpy(&report, reply.payload, sizeof(report));
	return report;
}

std::string World::ip4(const uint8_t *ip)
{
	char text[INET_ADDRSTRLEN];

	return inet_ntop(AF_INET, ip, text, sizeof(text));
}

uint64_t World::counter(agent_counter which) const
{
	return abi_load64(&region.mine[which]);
}

const abi_session_entry &World::entry(uint32_t slot) const
{
	return region.directory[slot];
}

abi_msg World::session()
{
	abi_msg allocated = ask(alloc());

	EXPECT_EQ(0, allocated.result);
	EXPECT_EQ(0, ask(plan(ABI_SESSION_ADD, allocated)).result);
	return allocated;
}
