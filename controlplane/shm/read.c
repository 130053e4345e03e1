// SPDX-License-Identifier: BSD-3-Clause
// What is known of hawse-media: the attached one, and those before it whose region A is still mapped.
#include <errno.h>

#include "controlplane/shm/client_private.h"

bool cp_shm_attached(const struct cp_shm *c, struct cp_shm_info *info)
{
	if (c->attached && info)
		*info = c->info;
	return c->attached;
}

bool cp_shm_transcoders_full(const struct cp_shm *c)
{
	return c->attached && abi_load32(&cp_region_a_header(&c->a)->transcode_full) != 0;
}

const struct cp_shm_counters *cp_shm_counters(const struct cp_shm *c)
{
	return &c->counters;
}

const char *cp_shm_path(const struct cp_shm *c)
{
	return c->path;
}

int cp_shm_error(const struct cp_shm *c)
{
	return c->error;
}

int cp_shm_session(const struct cp_shm *c, uint32_t slot, struct abi_session_entry *entry)
{
	return c->attached ? cp_region_a_session(&c->a, slot, entry) : -ENOTCONN;
}

int cp_shm_endpoint(const struct cp_shm *c, uint32_t index, struct abi_endpoint *endpoint)
{
	return c->attached ? cp_region_a_endpoint(&c->a, index, endpoint) : -ENOTCONN;
}

static const struct cp_region_a *region_of(const struct cp_shm *c, uint64_t boot_epoch)
{
	if (c->ever && c->a.boot_epoch == boot_epoch)
		return &c->a;
	for (unsigned i = 0; i < c->old_count; i++)
		if (c->old[i].boot_epoch == boot_epoch)
			return &c->old[i];
	return NULL;
}

int cp_shm_resume(const struct cp_shm *c, uint64_t boot_epoch, uint32_t slot, uint32_t generation,
	unsigned leg, struct abi_leg_resume *resume)
{
	const struct cp_region_a *a = region_of(c, boot_epoch);

	return a ? cp_region_a_resume(a, slot, generation, leg, resume) : -ENOENT;
}

int cp_shm_stats(const struct cp_shm *c, uint64_t boot_epoch, uint32_t slot, uint32_t generation,
	unsigned leg, struct abi_leg_stats *stats)
{
	const struct cp_region_a *a = region_of(c, boot_epoch);

	return a ? cp_region_a_stats(a, slot, generation, leg, stats) : -ENOENT;
}
