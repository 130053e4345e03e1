// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/steer.h"

#include <errno.h>
#include <stdio.h>

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
	steer->method = steer->workers == 1 ? "one worker" : "hand-off";
	dp_steering_spread(&steer->map, steer->workers);
	if (steer->workers == wanted)
		snprintf(steer->says, sizeof(steer->says), "%s", steer->method);
	else
		snprintf(steer->says, sizeof(steer->says),
			"%s; %u workers are configured, but %s has transmit queues for %u and a "
			"worker "
			"needs one of its own on every device",
			steer->method, wanted, least->media->device, least->queues);
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
