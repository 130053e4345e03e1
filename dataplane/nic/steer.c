// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/steer.h"

#include <errno.h>
#include <stdio.h>

#include "dataplane/nic/steer_device.h"

// DPDK ports among which the interface's queues are split; its kernel side is not one of them.
static unsigned splits(const struct port *port)
{
	return port->kind == NIC_LINUX ? port->id_count : 1;
}

// What worker `index` knows of the interface's DPDK ports. Next hops name the first one; the other
// workers of an interface that is split send by a port of their own.
static int add_ports(const struct port *port, unsigned index, struct dp_worker_config *config)
{
	for (unsigned i = 0; i < splits(port); i++) {
		if (port->ids[i] >= DP_PORTS)
			return -E2BIG;
		config->ports[port->ids[i]] = (struct dp_port){
			.used = true,
			.partial_checksums = port->kind != NIC_OTHER,
			.elsewhere = splits(port) > 1,
			.tx_port = port->queue[index].id,
			.tx_queue = port->queue[index].queue,
			.exception = DP_NO_PORT,
			.vlan = port->media->vlan,
		};
	}
	return 0;
}

void steer_choose(
	struct steer *steer, const struct port *ports, unsigned port_count, unsigned wanted)
{
	const struct port *least = &ports[0];

	for (unsigned i = 1; i < port_count; i++)
		if (ports[i].queues < least->queues)
			least = &ports[i];
	steer->workers = wanted < least->queues ? wanted : least->queues;
	dp_steering_spread(&steer->map, steer->workers);
	steer->says[0] = '\0';
	if (steer->workers != wanted)
		snprintf(steer->says, sizeof(steer->says),
			"%u workers are configured, but %s has transmit queues for %u and a worker "
			"needs one of its own on every device: %u run",
			wanted, least->media->device, least->queues, steer->workers);
}

static void settle_queues(struct port *port, struct steer_result *r)
{
	int err = steer_prove_socket(port, port_open_bits(port, 0));

	r->proof = !err ? STEER_PROVED : err == -ENODATA ? STEER_REFUTED : STEER_UNPROVED;
	if (err == -ENODATA)
		snprintf(r->says, sizeof(r->says),
			"a probe packet put into the first queue of %s did not come to its socket; "
			"does another program change XDP on it?",
			port->interface);
	else if (err)
		snprintf(r->says, sizeof(r->says), "the kernel takes no probe packets");
	else if (port->queues > 1)
		snprintf(r->says, sizeof(r->says),
			"by a packet in the first of %u queues, the kernel lets none into others",
			port->queues);
}

void steer_settle(const struct steer *steer, struct port *port, struct rte_mempool *pool,
	struct steer_result *r)
{
	*r = (struct steer_result){.method = STEER_ONE};
	if (port->kind == NIC_LINUX) {
		if (steer->workers > 1)
			r->method = STEER_QUEUES;
		settle_queues(port, r);
	} else if (steer->workers > 1 && port->kind == NIC_OWNED) {
		steer_port(port, pool, &steer->map, r);
	} else if (steer->workers > 1) {
		*r = (struct steer_result){.method = STEER_HANDOFF, .proof = STEER_PROVED};
	} else {
		r->proof = STEER_PROVED;
	}
}

static int add_source(const struct port_queue *queue, uint8_t kind, uint16_t peer,
	struct dp_worker_config *config)
{
	if (config->source_count == DP_SOURCES)
		return -E2BIG;
	config->sources[config->source_count++] = (struct dp_source){
		.port = queue->id,
		.queue = queue->queue,
		.peer = peer,
		.kind = kind,
	};
	if (queue->wait_fd >= 0 && config->wait_fd_count < DP_WAIT_FDS)
		config->wait_fds[config->wait_fd_count++] = queue->wait_fd;
	return 0;
}

// The TAP that carries the kernel's share: each worker has a queue of it.
static int add_kernel_side(const struct port *port, unsigned index, struct dp_worker_config *config)
{
	const struct port_queue *queue = &port->kernel[index];

	if (index >= port->kernel_queues)
		return 0;
	if (queue->id >= DP_PORTS)
		return -E2BIG;
	config->ports[port->id].exception = queue->id;
	config->ports[queue->id] = (struct dp_port){
		.used = true,
		.partial_checksums = true,
		.tx_queue = queue->queue,
		.exception = DP_NO_PORT,
	};
	return add_source(queue, DP_SOURCE_KERNEL, port->id, config);
}

int steer_worker(const struct port *ports, unsigned port_count, unsigned workers, unsigned index,
	struct dp_worker_config *config)
{
	for (unsigned p = 0; p < port_count; p++) {
		const struct port *port = &ports[p];
		int err = add_ports(port, index, config);

		for (unsigned q = index; q < port->queues && !err; q += workers)
			err = add_source(&port->queue[q], DP_SOURCE_MEDIA, DP_NO_PORT, config);
		if (!err)
			err = add_kernel_side(port, index, config);
		if (err)
			return err;
	}
	return 0;
}
