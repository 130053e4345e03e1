// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/steer.h"

#include <errno.h>
#include <stdio.h>

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
		snprintf(steer->says, sizeof(steer->says), "%s for %u worker%s", steer->method,
			wanted, wanted == 1 ? "" : "s");
	else
		snprintf(steer->says, sizeof(steer->says),
			"%s; %u workers are configured, but %s has %u queue%s and a worker needs "
			"one of "
			"its own on every device",
			steer->method, wanted, least->media->device, least->queues,
			least->queues == 1 ? "" : "s");
}

static int add_source(const struct port *port, uint16_t queue, struct dp_worker_config *config)
{
	if (config->source_count == DP_SOURCES)
		return -E2BIG;
	config->sources[config->source_count++] = (struct dp_source){
		.port = port->id,
		.queue = queue,
		.peer = DP_NO_PORT,
		.kind = DP_SOURCE_MEDIA,
	};
	if (port->wait_fd[queue] >= 0 && config->wait_fd_count < DP_WAIT_FDS)
		config->wait_fds[config->wait_fd_count++] = port->wait_fd[queue];
	return 0;
}

int steer_worker(const struct port *ports, unsigned port_count, unsigned workers, unsigned index,
	struct dp_worker_config *config)
{
	for (unsigned p = 0; p < port_count; p++) {
		const struct port *port = &ports[p];

		if (port->id >= DP_PORTS)
			return -E2BIG;
		config->ports[port->id] = (struct dp_port){
			.used = true,
			.partial_checksums = port->kind != PORT_OTHER,
			.tx_queue = (uint16_t)index,
			.exception = DP_NO_PORT,
		};
		for (uint16_t q = (uint16_t)index; q < port->queues; q = (uint16_t)(q + workers)) {
			int err = add_source(port, q, config);

			if (err)
				return err;
		}
	}
	return 0;
}
