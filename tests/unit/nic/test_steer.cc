// SPDX-License-Identifier: BSD-3-Clause
// Steering: what a device is told, by a device that the test plays and that does what it was told, and
// by DPDK's null device, which keeps the hash that it is given.
#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

extern "C" {
#include "dataplane/agent/steering.h"
#include "dataplane/nic/probe.h"
#include "dataplane/nic/steer_device.h"
#include "dataplane/nic/steer_rules.h"
}

namespace
{
using Bytes = std::vector<uint8_t>;

// Microsoft's definition of the hash: for each bit of the input that is set, from the left, the 32
// bits of the key that begin there.
uint32_t toeplitz(const uint8_t *key, const Bytes &input)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < input.size() * 8; i++) {
		if (!(input[i / 8] >> (7 - i % 8) & 1))
			continue;
		for (size_t b = 0; b < 32; b++) {
			size_t at = i + b;
			uint32_t bit = at < STEER_KEY * 8 ? key[at / 8] >> (7 - at % 8) & 1 : 0;

			hash ^= bit << (31 - b);
		}
	}
	return hash;
}

// A card with flow rules and a hash, of which either may be missing, lie, or give nothing back.
struct Card {
	struct Rule {
		uint8_t family;
		uint16_t spec, mask, queue;
	};
	std::vector<Rule> rules;
	Bytes key;
	std::vector<uint16_t> table;
	bool has_rules = true, has_hash = true, gives_back = true;
	bool rules_lie = false, hash_lies = false;
	size_t most_rules = 1000;
	std::mt19937 random{1};

	int queue_of(uint8_t family, uint16_t port)
	{
		for (const Rule &r : rules)
			if (r.family == family && (port & r.mask) == r.spec)
				return rules_lie ? !r.queue : r.queue;
		if (table.empty())
			return 0;
		Bytes input(family == 4 ? 8 : 32);
		for (uint8_t &b : input) // any addresses
			b = static_cast<uint8_t>(random());
		if (family == 6)
			input[11] = 0; // see steer_rules.h
		for (unsigned v : {static_cast<unsigned>(random()) & 0xffff, unsigned{port}}) {
			input.push_back(static_cast<uint8_t>(v >> 8));
			input.push_back(static_cast<uint8_t>(v));
		}
		int queue = table[toeplitz(key.data(), input) % STEER_CLASSES];
		return hash_lies ? !queue : queue;
	}
};

int card_rule(void *device, uint8_t family, uint16_t spec, uint16_t mask, uint16_t queue)
{
	Card *c = static_cast<Card *>(device);

	if (!c->has_rules)
		return -ENOTSUP;
	if (c->rules.size() == c->most_rules)
		return -ENOSPC;
	c->rules.push_back({family, spec, mask, queue});
	return 0;
}

void card_no_rules(void *device)
{
	static_cast<Card *>(device)->rules.clear();
}

int card_hash(void *device, const uint8_t key[STEER_KEY], const uint16_t queue[STEER_CLASSES])
{
	Card *c = static_cast<Card *>(device);

	if (!c->has_hash)
		return -ENOTSUP;
	c->key.assign(key, key + STEER_KEY);
	c->table.assign(queue, queue + STEER_CLASSES);
	return 0;
}

void card_no_hash(void *device)
{
	static_cast<Card *>(device)->table.clear();
}

int card_probe(void *device, uint8_t family, uint16_t port)
{
	Card *c = static_cast<Card *>(device);

	return c->gives_back ? c->queue_of(family, port) : -ENODATA;
}

const struct steer_ops card_ops = {card_rule, card_no_rules, card_hash, card_no_hash, card_probe};

class Steer : public ::testing::TestWithParam<unsigned>
{
      protected:
	struct steer_result settle(unsigned workers, bool four = true, bool six = true)
	{
		struct steer_target t = {};
		struct steer_result r;

		t.ops = &card_ops;
		t.device = &card;
		t.four = four;
		t.six = six;
		t.first_port = 20000;
		t.queues = queues ? queues : workers;
		dp_steering_spread(&map, workers);
		steer_device(&t, &map, &r);
		return r;
	}

	void expect_exact(uint8_t family)
	{
		// ports of all classes, from everywhere
		for (unsigned port = 0, n = 0; n < 600; n++, port = (port + 53 * 2 + n % 2) % 65536)
			ASSERT_EQ(card.queue_of(family, static_cast<uint16_t>(port)),
				map.worker[port])
				<< port;
	}

	Card card;
	unsigned queues = 0;
	struct dp_steering map;
};

TEST_P(Steer, RulesTakeEveryPortToItsWorker)
{
	struct steer_result r = settle(GetParam());

	EXPECT_EQ(r.method, STEER_FLOW);
	EXPECT_EQ(r.proof, STEER_PROVED);
	expect_exact(4);
	expect_exact(6);
	unsigned power = (GetParam() & (GetParam() - 1)) == 0;
	EXPECT_EQ(card.rules.size(), 2 * (power ? GetParam() : STEER_CLASSES));
}

TEST_P(Steer, TheHashTakesEveryPortToItsWorkerWhateverTheAddresses)
{
	card.has_rules = false;
	struct steer_result r = settle(GetParam());
	EXPECT_EQ(r.method, STEER_RSS);
	EXPECT_EQ(r.proof, STEER_PROVED);
	EXPECT_NE(std::string(r.says).find("flow rules"), std::string::npos) << r.says;
	expect_exact(4);
	expect_exact(6);
}

INSTANTIATE_TEST_SUITE_P(Workers, Steer, ::testing::Values(2, 3, 4, 7, 8, 16));

TEST_F(Steer, TheHashAloneOfIp6NeedsNoLuckWithAddresses)
{
	uint8_t key[STEER_KEY];

	steer_key(false, true, key);
	for (unsigned port : {20000u, 20002u, 31337u}) {
		Bytes input(32, 0xff);

		for (unsigned v : {4000u, port}) {
			input.push_back(static_cast<uint8_t>(v >> 8));
			input.push_back(static_cast<uint8_t>(v));
		}
		EXPECT_EQ(steer_hash_class(toeplitz(key, input)), port / 2 % STEER_CLASSES);
	}
}

TEST_F(Steer, WithoutAnyHelpPacketsAreHandedOver)
{
	card.has_rules = card.has_hash = false;
	struct steer_result r = settle(2);
	EXPECT_EQ(r.method, STEER_HANDOFF);
	EXPECT_NE(std::string(r.says).find("RSS"), std::string::npos) << r.says;
}

TEST_F(Steer, RulesThatLieAreTakenOffAgain)
{
	card.rules_lie = true;
	struct steer_result r = settle(2);
	EXPECT_EQ(r.method, STEER_RSS);
	EXPECT_EQ(r.proof, STEER_PROVED);
	EXPECT_TRUE(card.rules.empty());
	EXPECT_NE(std::string(r.says).find("another queue"), std::string::npos) << r.says;
	card.hash_lies = true;
	r = settle(2);
	EXPECT_EQ(r.method, STEER_HANDOFF);
	EXPECT_TRUE(card.rules.empty());
	EXPECT_TRUE(card.table.empty());
}

TEST_F(Steer, ACardWithTooFewRulesKeepsNone)
{
	card.most_rules = 3; // two families, two workers: four
	struct steer_result r = settle(2);
	EXPECT_EQ(r.method, STEER_RSS);
	EXPECT_TRUE(card.rules.empty());
	r = settle(2, true, false); // two are enough
	EXPECT_EQ(r.method, STEER_FLOW);
}

TEST_F(Steer, ACardThatGivesNothingBackIsBelievedUntilTrafficTells)
{
	card.gives_back = false;
	struct steer_result r = settle(2);
	EXPECT_EQ(r.method, STEER_FLOW);
	EXPECT_EQ(r.proof, STEER_UNPROVED);
	EXPECT_EQ(steering_judge(9999, 0), STEERING_OPEN);
	EXPECT_EQ(steering_judge(10000, 100), STEERING_PROVED);
	EXPECT_EQ(steering_judge(10000, 300), STEERING_OPEN);
	EXPECT_EQ(steering_judge(10000, 501), STEERING_REFUTED);
}

TEST_F(Steer, FewerQueuesThanWorkersIsNothingToSteerWith)
{
	queues = 1;
	struct steer_result r = settle(2);
	EXPECT_EQ(r.method, STEER_HANDOFF);
	EXPECT_TRUE(card.rules.empty());
}

TEST(Probe, IsKnownAgainAndIsAProperPacket)
{
	for (uint8_t family : {4, 6}) {
		struct probe p = {}, other;
		uint8_t frame[PROBE_MAX];

		memset(p.mac, 2, 6);
		p.family = family;
		inet_pton(family == 4 ? AF_INET : AF_INET6, family == 4 ? "192.0.2.1" : "fd00::1",
			p.ip);
		p.port = 20000;
		p.token = probe_token();
		size_t size = probe_write(&p, frame), udp = family == 4 ? 34 : 54;
		EXPECT_TRUE(probe_is(&p, frame, size));
		EXPECT_FALSE(probe_is(&p, frame, size - 1));
		other = p;
		other.token = probe_token();
		EXPECT_FALSE(probe_is(&other, frame, size));
		// RFC 1071 over pseudo-header and datagram comes to all ones.
		uint32_t sum = 17 + static_cast<uint32_t>(size - udp);
		for (size_t i = family == 4 ? 26 : 22; i < size; i += 2)
			sum += frame[i] << 8 | frame[i + 1];
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		EXPECT_EQ(sum, 0xffffu);
		EXPECT_EQ(frame[udp + 2] << 8 | frame[udp + 3], 20000);
	}
}

// DPDK's null device has a hash and a table, and no rules.
TEST(SteerDevice, TellsARealDriver)
{
	const char *args[] = {"test_nic", "--no-huge", "-m", "64", "--no-pci", "--no-shconf",
		"--no-telemetry", "--log-level=1", "-l", "0", "--vdev=net_null0,no-rx=1"};
	ASSERT_GE(rte_eal_init(sizeof(args) / sizeof(*args), const_cast<char **>(args)), 0);
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("test", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	ASSERT_NE(pool, nullptr);
	static struct cfg_address address;
	static struct cfg_media media;
	struct rte_eth_conf conf = {};
	struct port port = {};
	struct dp_steering map;
	struct steer_result r;

	media.first_port = 20000;
	media.address_count = 1;
	media.addresses = &address;
	address.family = 4;
	port.media = &media;
	port.queues = 2;
	conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	ASSERT_EQ(rte_eth_dev_get_port_by_name("net_null0", &port.id), 0);
	ASSERT_EQ(rte_eth_dev_configure(port.id, 2, 2, &conf), 0);
	for (uint16_t q = 0; q < 2; q++) {
		port.queue[q].id = port.id;
		port.queue[q].queue = q;
		ASSERT_EQ(rte_eth_rx_queue_setup(port.id, q, 64, 0, nullptr, pool), 0);
		ASSERT_EQ(rte_eth_tx_queue_setup(port.id, q, 64, 0, nullptr), 0);
	}
	ASSERT_EQ(rte_eth_dev_start(port.id), 0);
	dp_steering_spread(&map, 2);
	steer_port(&port, pool, &map, &r);
	EXPECT_EQ(r.method, STEER_RSS) << r.says;
	EXPECT_EQ(r.proof, STEER_UNPROVED);

	uint8_t key[64] = {}, wanted[STEER_KEY];
	struct rte_eth_rss_conf hash = {};
	struct rte_eth_rss_reta_entry64 table[2] = {};
	hash.rss_key = key;
	hash.rss_key_len = STEER_KEY;
	ASSERT_EQ(rte_eth_dev_rss_hash_conf_get(port.id, &hash), 0);
	steer_key(true, false, wanted);
	EXPECT_EQ(memcmp(key, wanted, STEER_KEY), 0);
	EXPECT_TRUE(hash.rss_hf & RTE_ETH_RSS_NONFRAG_IPV4_UDP);
	table[0].mask = table[1].mask = UINT64_MAX;
	ASSERT_EQ(rte_eth_dev_rss_reta_query(port.id, table, 128), 0);
	for (unsigned h = 0; h < 128; h++)
		EXPECT_EQ(table[h / 64].reta[h % 64], steer_hash_class(h) % 2) << h;
	EXPECT_EQ(rte_mempool_in_use_count(pool), 0u); // no probe was lost
	rte_eth_dev_stop(port.id);
	rte_eth_dev_close(port.id);
	rte_mempool_free(pool);
	rte_eal_cleanup();
}
} // namespace
