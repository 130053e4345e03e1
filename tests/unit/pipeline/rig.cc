// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/pipeline/rig.h"

#include <algorithm>
#include <cstring>

#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>

#include "dataplane/abi/shm.h"

namespace
{
struct rte_mempool *pool;

class Eal : public ::testing::Environment
{
      public:
	void SetUp() override
	{
		const char *args[] = {"test_pipeline", "--no-huge", "-m", "64", "--no-pci",
			"--no-shconf", "--no-telemetry", "--log-level=4", "-l", "0"};

		ASSERT_GE(rte_eal_init(sizeof(args) / sizeof(*args), const_cast<char **>(args)), 0);
		pool = rte_pktmbuf_pool_create("test", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
		ASSERT_NE(pool, nullptr);
	}

	void TearDown() override
	{
		rte_mempool_free(pool);
		rte_eal_cleanup();
	}
};

const auto *eal = ::testing::AddGlobalTestEnvironment(new Eal);

void put16(Bytes &b, unsigned v)
{
	b.push_back(static_cast<uint8_t>(v >> 8));
	b.push_back(static_cast<uint8_t>(v));
}

void put32(Bytes &b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b, v & 0xffff);
}

unsigned get16(const Bytes &b, size_t at)
{
	return b.at(at) << 8 | b.at(at + 1);
}

void append(Bytes &b, const Bytes &more)
{
	b.insert(b.end(), more.begin(), more.end());
}

// RFC 1071, the simple way.
unsigned internet_sum(const Bytes &b)
{
	unsigned sum = 0;

	for (size_t i = 0; i < b.size(); i += 2)
		sum += b[i] << 8 | (i + 1 < b.size() ? b[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

Bytes udp_pseudo(const Bytes &from, const Bytes &to, const Bytes &udp)
{
	Bytes p = from;

	append(p, to);
	put16(p, 17);
	put16(p, static_cast<unsigned>(udp.size()));
	append(p, udp);
	return p;
}
} // namespace

Address v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return {{a, b, c, d}, port};
}

Address v6(uint8_t last, uint16_t port)
{
	Address a = {Bytes(16), port};

	a.ip[0] = 0xfd;
	a.ip[1] = 0x01;
	a.ip[15] = last;
	return a;
}

Address local4(uint16_t port)
{
	return v4(10, 0, 0, 1, port);
}

Address local6(uint16_t port)
{
	Address a = v6(1, port);

	a.ip[1] = 0;
	return a;
}

Bytes udp_frame(const Address &from, const Address &to, const Bytes &payload, unsigned vlan)
{
	Bytes udp, ip, frame = {2, 0, 0, 0, 0, 0xaa, 2, 0, 0, 0, 0, 0xbb};
	bool is4 = from.ip.size() == 4;

	put16(udp, from.port);
	put16(udp, to.port);
	put16(udp, static_cast<unsigned>(payload.size() + 8));
	put16(udp, 0);
	append(udp, payload);
	unsigned sum = ~internet_sum(udp_pseudo(from.ip, to.ip, udp)) & 0xffff;
	sum = sum ? sum : 0xffff;
	udp[6] = static_cast<uint8_t>(sum >> 8);
	udp[7] = static_cast<uint8_t>(sum);
	if (is4) {
		ip = {0x45, 0};
		put16(ip, static_cast<unsigned>(udp.size() + 20));
		put32(ip, 0x12344000);
		put32(ip, 0x39110000);
		append(ip, from.ip);
		append(ip, to.ip);
		sum = ~internet_sum(ip) & 0xffff;
		ip[10] = static_cast<uint8_t>(sum >> 8);
		ip[11] = static_cast<uint8_t>(sum);
	} else {
		put32(ip, 0x60000000);
		put16(ip, static_cast<unsigned>(udp.size()));
		put16(ip, 0x1139);
		append(ip, from.ip);
		append(ip, to.ip);
	}
	if (vlan) {
		put16(frame, 0x8100);
		put16(frame, vlan);
	}
	put16(frame, is4 ? 0x0800 : 0x86dd);
	append(frame, ip);
	append(frame, udp);
	return frame;
}

size_t udp_offset(const Bytes &frame)
{
	size_t ip = get16(frame, 12) == 0x8100 ? 18 : 14;

	return ip + (frame.at(ip) >> 4 == 4 ? 20 : 40);
}

Frame read_frame(const Bytes &b)
{
	Frame f;
	size_t ip = 14;
	unsigned type = get16(b, 12);

	f.destination_mac = Bytes(b.begin(), b.begin() + 6);
	f.source_mac = Bytes(b.begin() + 6, b.begin() + 12);
	if (type == 0x8100) {
		f.vlan = get16(b, 14);
		type = get16(b, 16);
		ip = 18;
	}
	f.family = b.at(ip) >> 4;
	EXPECT_EQ(type, f.family == 4 ? 0x0800u : 0x86ddu);
	size_t udp = udp_offset(b), size = f.family == 4 ? 4 : 16;
	size_t addresses = ip + (f.family == 4 ? 12 : 8);
	unsigned length = get16(b, udp + 4);
	EXPECT_EQ(udp + length, b.size()) << "UDP length against the frame's";
	f.from = {Bytes(b.begin() + addresses, b.begin() + addresses + size), 0};
	f.to = {Bytes(b.begin() + addresses + size, b.begin() + addresses + 2 * size), 0};
	f.from.port = static_cast<uint16_t>(get16(b, udp));
	f.to.port = static_cast<uint16_t>(get16(b, udp + 2));
	if (f.family == 4) {
		EXPECT_EQ(b[ip], 0x45);
		EXPECT_EQ(get16(b, ip + 2), b.size() - ip);
		EXPECT_EQ(b[ip + 9], 17);
		f.dscp = b[ip + 1] >> 2;
		f.id = get16(b, ip + 4);
		f.df = b[ip + 6] == 0x40 && b[ip + 7] == 0;
		f.ttl = b[ip + 8];
		f.ip_sum_right = internet_sum(Bytes(b.begin() + ip, b.begin() + udp)) == 0xffff;
	} else {
		EXPECT_EQ(get16(b, ip + 4), b.size() - udp);
		EXPECT_EQ(b[ip + 6], 17);
		f.dscp = get16(b, ip) >> 6 & 63;
		f.ttl = b[ip + 7];
	}
	Bytes datagram(b.begin() + udp, b.end());
	f.udp_sum_none = get16(b, udp + 6) == 0;
	f.udp_sum_right = internet_sum(udp_pseudo(f.from.ip, f.to.ip, datagram)) == 0xffff;
	f.payload = Bytes(datagram.begin() + 8, datagram.end());
	return f;
}

Bytes rtp(uint8_t type, uint16_t seq, uint32_t timestamp, uint32_t ssrc, size_t payload)
{
	Bytes p = {0x80, type};

	put16(p, seq);
	put32(p, timestamp);
	put32(p, ssrc);
	for (size_t i = 0; i < payload; i++)
		p.push_back(static_cast<uint8_t>(seq * 7 + i * 13));
	return p;
}

Bytes rtcp_report(uint32_t ssrc)
{
	Bytes p = {0x80, 200, 0, 6};

	put32(p, ssrc);
	p.resize(28, 0x22);
	return p;
}

Device::Device(const std::string &name, unsigned queues)
{
	for (unsigned q = 0; q < queues; q++) {
		std::string id = name + std::to_string(q);

		in.push_back(rte_ring_create((id + "i").c_str(), 1024, SOCKET_ID_ANY, 0));
		out.push_back(rte_ring_create((id + "o").c_str(), 1024, SOCKET_ID_ANY, 0));
	}
	int made = rte_eth_from_rings(
		name.c_str(), in.data(), queues, out.data(), queues, SOCKET_ID_ANY);
	EXPECT_GE(made, 0);
	port = static_cast<uint16_t>(made);
	struct rte_eth_conf conf = {};
	EXPECT_EQ(rte_eth_dev_configure(port, static_cast<uint16_t>(queues),
			  static_cast<uint16_t>(queues), &conf),
		0);
	for (uint16_t q = 0; q < queues; q++) {
		EXPECT_EQ(rte_eth_rx_queue_setup(port, q, 512, SOCKET_ID_ANY, nullptr, pool), 0);
		EXPECT_EQ(rte_eth_tx_queue_setup(port, q, 512, SOCKET_ID_ANY, nullptr), 0);
	}
	EXPECT_EQ(rte_eth_dev_start(port), 0);
}

Device::~Device()
{
	void *m;

	struct rte_eth_dev_info info;

	EXPECT_EQ(rte_eth_dev_info_get(port, &info), 0);
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	EXPECT_EQ(rte_dev_remove(info.device), 0);
	for (const auto &rings : {in, out})
		for (struct rte_ring *r : rings) {
			while (rte_ring_dequeue(r, &m) == 0)
				rte_pktmbuf_free(static_cast<struct rte_mbuf *>(m));
			rte_ring_free(r);
		}
}

Rig::Rig(unsigned count, enum dp_poll poll, bool partial, bool kernel, uint16_t vlan,
	const std::function<void(struct dp_worker_config &)> &prepare)
    : worker_count(count)
{
	struct abi_endpoint e[2] = {};

	memcpy(e[0].ip, local4(0).ip.data(), 4);
	memcpy(e[1].ip, local6(0).ip.data(), 16);
	for (unsigned i = 0; i < 2; i++) {
		e[i].family = i ? 6 : 4;
		e[i].first_port = 20000;
		e[i].last_port = 20999;
	}
	EXPECT_EQ(dp_table_create(&table, e, 2, false), 0);
	dp_steering_spread(&steering, count);
	hops = dp_adjacencies_create();
	bell = eventfd(0, EFD_NONBLOCK);
	for (unsigned i = 0; i < 2; i++)
		devices.emplace_back(new Device("rig" + std::to_string(i), count));
	// Next hops: 0 IPv4, 1 IPv6, 2 IPv4 in a VLAN, 3 IPv6 in a VLAN, 4 IPv4 by device 1.
	const uint8_t own[6] = {2, 1, 1, 1, 1, 1}, hop[6] = {2, 2, 2, 2, 2, 2};
	for (unsigned i = 0; i < 5; i++) {
		EXPECT_EQ(dp_adjacency_alloc(hops, i % 2 ? 6 : 4), static_cast<int>(i));
		dp_adjacency_set(
			hops, i, devices[i == 4]->port, 1500, own, hop, i == 2 || i == 3 ? 42 : 0);
	}
	leg_slots.resize(128);
	resumes.resize(128);
	targets.resize(64);
	counters.resize(count, std::vector<uint64_t>(DP_COUNTERS));
	for (unsigned i = 0; i < count; i++) {
		struct dp_worker_config c = {};
		struct dp_worker *w;

		c.index = i;
		c.workers = count;
		c.poll = poll;
		c.sessions = 64;
		c.table = table;
		c.adjacencies = hops;
		c.steering = &steering;
		c.leg_slots = leg_slots.data();
		c.resumes = resumes.data();
		c.counters = counters[i].data();
		c.pool = pool;
		c.agent_bell = bell;
		c.agent_sleeping = &agent_sleeping;
		for (unsigned d = 0; d < 2; d++) {
			c.sources[d].port = devices[d]->port;
			c.sources[d].queue = static_cast<uint16_t>(i);
			struct dp_port &port = c.ports[devices[d]->port];

			port.used = true;
			port.partial_checksums = partial;
			port.tx_queue = static_cast<uint16_t>(i);
			port.exception = DP_NO_PORT;
			port.vlan = d == 0 ? vlan : 0;
		}
		c.source_count = 2;
		if (kernel) {
			c.sources[1].kind = DP_SOURCE_KERNEL;
			c.sources[1].peer = devices[0]->port;
			c.ports[devices[0]->port].exception = devices[1]->port;
		}
		if (prepare)
			prepare(c);
		EXPECT_EQ(dp_worker_create(&w, &c), 0);
		workers.push_back(w);
	}
	EXPECT_EQ(dp_workers_join(workers.data(), count), 0);
}

Rig::~Rig()
{
	for (struct dp_worker *w : workers)
		dp_worker_free(w);
	devices.clear();
	close(bell);
	EXPECT_EQ(buffers_out(), 0u);
	dp_adjacencies_free(hops);
	dp_table_free(table);
}

struct dp_leg *Rig::leg_at(uint8_t family, uint16_t port)
{
	return dp_table_leg(&table->endpoint[family == 6], port);
}

int Rig::send(struct dp_mail &m)
{
	struct dp_worker *w = workers[targets[m.plan.slot].worker];

	EXPECT_EQ(dp_worker_send(w, &m), 0);
	EXPECT_EQ(turn_for_reply(targets[m.plan.slot].worker), &m);
	EXPECT_EQ(dp_worker_out(w), 0u);
	memcpy(stats, m.stats, sizeof(stats));
	return m.result;
}

static void fill_leg(struct dp_leg_plan *p, const Rig::Leg &l)
{
	struct abi_leg_plan *w = &p->want;

	p->ports.rtp_port = l.port;
	p->ports.rtcp_port = l.kind == ABI_LEG_MUX ? l.port : static_cast<uint16_t>(l.port + 1);
	p->ports.kind = l.kind;
	memcpy(p->local_ip, (l.family == 4 ? local4(0) : local6(0)).ip.data(),
		l.family == 4 ? 4 : 16);
	w->family = l.family;
	memcpy(w->remote_rtp_ip, l.remote.ip.data(), l.remote.ip.size());
	w->remote_rtp_port = l.remote.port;
	const Address &rtcp = l.remote_rtcp.ip.empty() ? l.remote : l.remote_rtcp;
	memcpy(w->remote_rtcp_ip, rtcp.ip.data(), rtcp.ip.size());
	w->remote_rtcp_port =
		l.remote_rtcp.ip.empty() ? static_cast<uint16_t>(l.remote.port + 1) : rtcp.port;
	w->source_policy = l.policy;
	w->dscp = l.dscp;
	w->flags = l.flags;
	w->max_packets = l.max_packets;
	w->max_octets = l.max_octets;
	for (uint8_t t : l.types)
		w->payload_types[t / 64] |= 1ull << t % 64;
	for (const auto &m : l.map) {
		w->pt_map[w->pt_maps].from = m.first;
		w->pt_map[w->pt_maps++].to = m.second;
	}
	p->adjacency[0] = p->adjacency[1] = static_cast<uint16_t>(l.hop);
	p->media = l.media;
}

struct dp_worker *Rig::fill(uint32_t type, const std::vector<Leg> &legs, uint32_t slot,
	uint32_t timeout_ms, struct dp_mail &m)
{
	Target &t = targets.at(slot);

	m.type = type;
	m.plan.slot = slot;
	m.plan.generation = 1;
	m.plan.timeout_ms = timeout_ms;
	m.plan.clock_rate = 8000;
	m.plan.legs = t.legs = static_cast<uint32_t>(legs.size());
	for (size_t i = 0; i < legs.size(); i++) {
		m.plan.leg[i].leg = t.leg[i] = leg_at(legs[i].family, legs[i].port);
		fill_leg(&m.plan.leg[i], legs[i]);
	}
	t.worker = worker_count == 1 ? 0 : steering.worker[legs[0].port];
	for (const Rig::Leg &l : legs)
		for (const uint16_t port : {m.plan.leg[&l - legs.data()].ports.rtp_port,
			     m.plan.leg[&l - legs.data()].ports.rtcp_port})
			dp_table_open(table, l.family == 6, port, true);
	dp_plan_prepare(&m.plan);
	return workers[t.worker];
}

int Rig::mail(uint32_t type, const std::vector<Leg> &legs, uint32_t slot, uint32_t timeout_ms)
{
	struct dp_mail m = {};

	fill(type, legs, slot, timeout_ms, m);
	return send(m);
}

int Rig::lay(const std::vector<Leg> &legs, uint32_t slot, struct dp_mail &m)
{
	return dp_worker_send(fill(DP_MAIL_ADD, legs, slot, 0, m), &m);
}

int Rig::add(const std::vector<Leg> &legs, uint32_t slot, uint32_t timeout_ms)
{
	return mail(DP_MAIL_ADD, legs, slot, timeout_ms);
}

int Rig::update(const std::vector<Leg> &legs, uint32_t slot, uint32_t timeout_ms)
{
	return mail(DP_MAIL_UPDATE, legs, slot, timeout_ms);
}

static struct dp_mail target_mail(uint32_t type, uint32_t slot, uint32_t legs, struct dp_leg **leg)
{
	struct dp_mail m = {};

	m.type = type;
	m.target.slot = slot;
	m.target.generation = 1;
	m.target.legs = legs;
	m.target.leg[0] = leg[0];
	m.target.leg[1] = leg[1];
	return m;
}

int Rig::remove(uint32_t slot)
{
	struct dp_mail m = target_mail(DP_MAIL_DELETE, slot, targets[slot].legs, targets[slot].leg);

	return send(m);
}

int Rig::query(uint32_t slot)
{
	struct dp_mail m = target_mail(DP_MAIL_QUERY, slot, targets[slot].legs, targets[slot].leg);

	return send(m);
}

int Rig::hop(uint32_t slot, unsigned leg, unsigned adjacency)
{
	struct dp_mail m = {};

	m.type = DP_MAIL_HOP;
	m.hop.slot = slot;
	m.hop.generation = 1;
	m.hop.leg = targets[slot].leg[leg];
	m.hop.adjacency[0] = m.hop.adjacency[1] = static_cast<uint16_t>(adjacency);
	return send(m);
}

void Rig::put(const Bytes &frame, unsigned worker, uint64_t flags, unsigned device)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	ASSERT_NE(m, nullptr);
	std::copy(frame.begin(), frame.end(),
		reinterpret_cast<uint8_t *>(
			rte_pktmbuf_append(m, static_cast<uint16_t>(frame.size()))));
	m->ol_flags |= flags;
	m->port = devices[device]->port;
	ASSERT_EQ(rte_ring_enqueue(devices[device]->in[worker], m), 0);
}

unsigned Rig::turn(unsigned worker)
{
	return dp_worker_turn(workers[worker]);
}

struct dp_mail *Rig::turn_for_reply(unsigned worker)
{
	uint64_t end = abi_now_us() + 10000000;
	struct dp_mail *m;

	do
		dp_worker_turn(workers[worker]);
	while (!(m = dp_worker_reply(workers[worker])) && abi_now_us() < end);
	return m;
}

std::vector<Bytes> Rig::take(unsigned device)
{
	std::vector<Bytes> frames;
	void *p;

	for (struct rte_ring *ring : devices[device]->out)
		while (rte_ring_dequeue(ring, &p) == 0) {
			struct rte_mbuf *m = static_cast<struct rte_mbuf *>(p);
			const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

			EXPECT_EQ(m->pkt_len, m->data_len);
			frames.emplace_back(data, data + m->data_len);
			rte_pktmbuf_free(m);
		}
	return frames;
}

std::vector<Bytes> Rig::pass(const Bytes &frame, uint64_t flags)
{
	put(frame, 0, flags);
	turn();
	return take();
}

uint64_t Rig::counter(unsigned id, unsigned worker)
{
	return counters[worker][id];
}

uint64_t Rig::drops()
{
	uint64_t sum = 0;

	for (const auto &block : counters)
		for (unsigned r = 0; r < DP_REASONS; r++)
			sum += block[r];
	return sum;
}

unsigned Rig::buffers_out()
{
	return rte_mempool_in_use_count(pool);
}
