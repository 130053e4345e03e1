// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as the configuration file: refused with a line, or loaded within the promised ranges.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct cfg *c)
{
	if (!c->media_count || c->dataplane.workers < 1 || c->dataplane.workers > 63)
		abort();
	for (unsigned i = 0; i < c->media_count; i++) {
		const struct cfg_media *m = &c->media[i];

		if (!m->address_count || m->first_port % 2 || m->last_port % 2 == 0 ||
			m->first_port < 1024 || m->first_port > m->last_port || !m->device[0])
			abort();
	}
	for (unsigned i = 0; i < c->peer_count; i++)
		if ((!c->peers[i].address_count && !c->peers[i].host_count && !c->peers[i].tls) ||
			(unsigned)c->peers[i].media >= c->media_count)
			abort();
	for (unsigned i = 0; i < c->route_count; i++) {
		const struct cfg_route *r = &c->routes[i];

		if (r->from < -1 || r->from >= (int)c->peer_count || r->to_count > CFG_TARGETS ||
			(r->to_count != 0) + (r->refuse != 0) + (r->table != NULL) != 1)
			abort();
		for (unsigned k = 0; k < r->to_count; k++)
			if ((unsigned)r->to[k] >= c->peer_count)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cfg *cfg;
	struct cfg_error error;

	if (cfg_parse(&cfg, "fuzz.yaml", data, size, &error)) {
		if (cfg || !error.line || !strstr(error.text, "fuzz.yaml:"))
			abort();
		return 0;
	}
	check(cfg);
	cfg_free(cfg);
	return 0;
}
