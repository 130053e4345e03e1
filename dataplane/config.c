// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/nic/port.h"
#include "dataplane/worker/worker.h"

#define BUFFER_BYTES     2560 // an mbuf with 2 KiB of room, and what the pool adds
#define BUFFERS_A_WORKER 2048 // in its bursts, caches and hand-off rings
#define MOST_INTERFACES  30   // RTE_MAX_ETHPORTS is 32

_Static_assert(CFG_INTERFACES <= MOST_INTERFACES && CFG_MEDIA_ADDRESSES <= ABI_MAX_ENDPOINTS,
	"what the loader accepts can be run: hawse-sip takes over new configurations by it alone");

int dp_config_endpoints(
	const struct cfg *cfg, struct abi_endpoint **out, unsigned *count, char why[DP_CONFIG_WHY])
{
	struct abi_endpoint *all;
	unsigned n = 0;

	*count = 0;
	for (unsigned i = 0; i < cfg->media_count; i++)
		*count += cfg->media[i].address_count;
	if (*count > ABI_MAX_ENDPOINTS) {
		snprintf(why, DP_CONFIG_WHY,
			"%u media addresses are configured, at most %u are "
			"supported",
			*count, ABI_MAX_ENDPOINTS);
		return -EINVAL;
	}
	all = calloc(*count, sizeof(*all));
	*out = all;
	if (!all) {
		snprintf(why, DP_CONFIG_WHY, "out of memory");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < cfg->media_count; i++) {
		const struct cfg_media *media = &cfg->media[i];

		for (unsigned j = 0; j < media->address_count; j++, n++) {
			memcpy(all[n].ip, media->addresses[j].ip, sizeof(all[n].ip));
			all[n].family = media->addresses[j].family;
			all[n].interface_index = (uint8_t)i;
			all[n].first_port = media->first_port;
			all[n].last_port = media->last_port;
			snprintf(all[n].name, sizeof(all[n].name), "%.23s", media->name);
		}
	}
	return 0;
}

size_t dp_config_memory(const struct cfg *cfg, unsigned *buffers)
{
	*buffers = cfg->dataplane.workers * BUFFERS_A_WORKER;
	for (unsigned i = 0; i < cfg->media_count; i++)
		*buffers += port_buffers(&cfg->media[i], cfg->dataplane.workers);
	return (size_t)*buffers * BUFFER_BYTES;
}

int dp_config_check(const struct cfg *cfg, char why[DP_CONFIG_WHY])
{
	struct abi_endpoint *endpoints = NULL;
	unsigned count;
	int err;

	if (cfg->media_count > MOST_INTERFACES) {
		snprintf(why, DP_CONFIG_WHY,
			"%u media interfaces are configured, at most %d are "
			"supported",
			cfg->media_count, MOST_INTERFACES);
		return -EINVAL;
	}
	for (unsigned i = 0; i < cfg->media_count; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(cfg->media[i].device, cfg->media[j].device) != 0)
				continue;
			snprintf(why, DP_CONFIG_WHY,
				"media.%s and media.%s name the same device %s; "
				"give one interface both addresses",
				cfg->media[j].name, cfg->media[i].name, cfg->media[i].device);
			return -EINVAL;
		}
	}
	err = dp_config_endpoints(cfg, &endpoints, &count, why);
	free(endpoints);
	return err;
}
