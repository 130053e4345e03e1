// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/steer_device.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>

#include "dataplane/nic/probe.h"

#define RULES    512u // two families, a rule for each class
#define WAIT_US  20000u
#define PAUSE_US 100u
#define BURST    32u
#define RETA_MAX (RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE)

struct device {
	const struct port *port;
	struct rte_mempool *pool;
	struct rte_flow *rule[RULES];
	unsigned rules;
	struct rte_eth_rss_conf own; // the hash as it was
	uint8_t own_key[64];
};

// ---- rules

static int add_rule(void *device, uint8_t family, uint16_t spec, uint16_t mask, uint16_t queue)
{
	struct device *d = device;
	struct rte_flow_item_udp udp = {.hdr.dst_port = rte_cpu_to_be_16(spec)};
	struct rte_flow_item_udp udp_mask = {.hdr.dst_port = rte_cpu_to_be_16(mask)};
	struct rte_flow_action_queue to = {.index = queue};
	struct rte_flow_attr attr = {.ingress = 1};
	struct rte_flow_item pattern[] = {
		{.type = RTE_FLOW_ITEM_TYPE_ETH},
		{.type = family == 4 ? RTE_FLOW_ITEM_TYPE_IPV4 : RTE_FLOW_ITEM_TYPE_IPV6},
		{.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &udp, .mask = &udp_mask},
		{.type = RTE_FLOW_ITEM_TYPE_END},
	};
	struct rte_flow_action actions[] = {
		{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to},
		{.type = RTE_FLOW_ACTION_TYPE_END},
	};
	struct rte_flow_error error;
	int err = d->rules < RULES ? 0 : -ENOSPC;

	if (!err)
		err = rte_flow_validate(d->port->id, &attr, pattern, actions, &error);
	if (err)
		return err;
	d->rule[d->rules] = rte_flow_create(d->port->id, &attr, pattern, actions, &error);
	if (!d->rule[d->rules])
		return rte_errno ? -rte_errno : -EIO;
	d->rules++;
	return 0;
}

static void no_rules(void *device)
{
	struct device *d = device;
	struct rte_flow_error error;

	while (d->rules)
		rte_flow_destroy(d->port->id, d->rule[--d->rules], &error);
}

// ---- the hash

static int set_table(const struct device *d, const uint16_t *queue)
{
	struct rte_eth_rss_reta_entry64 table[RETA_MAX] = {0};
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(d->port->id, &info);

	if (err)
		return err;
	if (info.reta_size < STEER_CLASSES || info.reta_size % STEER_CLASSES ||
		info.reta_size > RTE_ETH_RSS_RETA_SIZE_512)
		return -ENOTSUP;
	for (unsigned i = 0; i < info.reta_size; i++) {
		struct rte_eth_rss_reta_entry64 *e = &table[i / RTE_ETH_RETA_GROUP_SIZE];

		e->mask = UINT64_MAX;
		e->reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			queue ? queue[i % STEER_CLASSES] : (uint16_t)(i % d->port->queues);
	}
	return rte_eth_dev_rss_reta_update(d->port->id, table, info.reta_size);
}

static int set_hash(void *device, const uint8_t key[STEER_KEY], const uint16_t queue[STEER_CLASSES])
{
	const uint64_t udp = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
	struct device *d = device;
	uint8_t long_key[sizeof(d->own_key)] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = long_key};
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(d->port->id, &info);

	if (err)
		return err;
	conf.rss_hf = info.flow_type_rss_offloads & udp;
	conf.rss_key_len = info.hash_key_size ? info.hash_key_size : STEER_KEY;
	if (!conf.rss_hf || conf.rss_key_len < STEER_KEY || conf.rss_key_len > sizeof(long_key))
		return -ENOTSUP;
	d->own = (struct rte_eth_rss_conf){.rss_key = d->own_key, .rss_key_len = conf.rss_key_len};
	if (rte_eth_dev_rss_hash_conf_get(d->port->id, &d->own))
		d->own.rss_key_len = 0;
	memcpy(long_key, key, STEER_KEY);
	err = rte_eth_dev_rss_hash_update(d->port->id, &conf);
	return err ? err : set_table(d, queue);
}

static void no_hash(void *device)
{
	struct device *d = device;

	if (!d->own.rss_key_len)
		return;
	rte_eth_dev_rss_hash_update(d->port->id, &d->own);
	set_table(d, NULL);
}

// ---- probes

// Looks at what is in a queue: true when the probe is among it. At start there is nobody else to give
// the rest to.
static bool came(const struct port_queue *q, const struct probe *probe)
{
	struct rte_mbuf *m[BURST];
	bool found = false;
	uint16_t n;

	do {
		n = rte_eth_rx_burst(q->id, q->queue, m, BURST);
		for (unsigned i = 0; i < n; i++)
			found |= probe_is(
				probe, rte_pktmbuf_mtod(m[i], const uint8_t *), m[i]->data_len);
		rte_pktmbuf_free_bulk(m, n);
	} while (n == BURST);
	return found;
}

static int wait_for(const struct port *port, const struct probe *probe)
{
	for (unsigned waited = 0; waited < WAIT_US; waited += PAUSE_US) {
		for (unsigned q = 0; q < port->queues; q++)
			if (came(&port->queue[q], probe))
				return (int)q;
		usleep(PAUSE_US);
	}
	return -ENODATA;
}

static bool fill(const struct port *port, uint8_t family, uint16_t to, struct probe *probe)
{
	*probe = (struct probe){.family = family, .port = to, .token = probe_token()};
	memcpy(probe->mac, port->mac, 6);
	for (unsigned i = 0; i < port->media->address_count; i++) {
		if (port->media->addresses[i].family != family)
			continue;
		memcpy(probe->ip, port->media->addresses[i].ip, sizeof(probe->ip));
		return true;
	}
	return false;
}

static int send_probe(void *device, uint8_t family, uint16_t to)
{
	const struct device *d = device;
	struct rte_mbuf *m = rte_pktmbuf_alloc(d->pool);
	uint8_t frame[PROBE_MAX];
	struct probe probe;
	size_t size;

	if (!m)
		return -ENOMEM;
	fill(d->port, family, to, &probe);
	size = probe_write(&probe, frame);
	memcpy(rte_pktmbuf_append(m, (uint16_t)size), frame, size);
	if (rte_eth_tx_burst(d->port->queue[0].id, d->port->queue[0].queue, &m, 1) != 1) {
		rte_pktmbuf_free(m);
		return -ENODATA;
	}
	return wait_for(d->port, &probe);
}

static const struct steer_ops ops = {
	.rule = add_rule,
	.no_rules = no_rules,
	.hash = set_hash,
	.no_hash = no_hash,
	.probe = send_probe,
};

void steer_port(struct port *port, struct rte_mempool *pool, const struct dp_steering *map,
	struct steer_result *result)
{
	struct device device = {.port = port, .pool = pool};
	struct steer_target target = {.ops = &ops,
		.device = &device,
		.first_port = port->media->first_port,
		.queues = port->queues};

	for (unsigned i = 0; i < port->media->address_count; i++) {
		target.four |= port->media->addresses[i].family == 4;
		target.six |= port->media->addresses[i].family == 6;
	}
	// Rules end with their port: rte_eth_dev_close takes them along.
	steer_device(&target, map, result);
}

// ---- a Linux interface

int steer_prove_socket(const struct port *port, uint64_t *open)
{
	uint16_t to = port->media->first_port;
	uint8_t frame[PROBE_MAX];
	struct probe probe;
	int err;

	if (!open || !fill(port, port->media->addresses[0].family, to, &probe))
		return -ENOTSUP;
	open[to / 64] |= 1ull << to % 64;
	err = xdp_inject(&port->xdp, frame, probe_write(&probe, frame));
	err = err ? -ENOTSUP : wait_for(port, &probe);
	open[to / 64] &= ~(1ull << to % 64);
	return err < 0 ? err : 0;
}
