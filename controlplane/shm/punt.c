// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/shm/punt.h"

#include <errno.h>
#include <unistd.h>

#define REGION_SIZE (ABI_HEADER_SIZE + (size_t)ABI_PUNT_SLOTS * ABI_PUNT_SIZE)

void cp_punt_init(struct cp_punt *p)
{
	*p = (struct cp_punt){.punt = {.fd = -1}, .inject = {.fd = -1}};
}

void cp_punt_close(struct cp_punt *p)
{
	abi_shm_close(&p->punt);
	abi_shm_close(&p->inject);
	cp_punt_init(p);
}

static int map(struct abi_shm *shm, int fd, uint64_t magic, bool writable)
{
	int err = abi_shm_map(shm, fd, REGION_SIZE, writable);
	const struct abi_region_p *header;

	if (err)
		return err;
	header = shm->base;
	if (header->magic != magic || header->major != ABI_MAJOR ||
		header->header_size != ABI_HEADER_SIZE || header->slots != ABI_PUNT_SLOTS)
		return -EPROTO;
	return 0;
}

int cp_punt_open(struct cp_punt *p, int punt_fd, int inject_fd)
{
	struct abi_region_p *theirs, *ours;
	int err;

	if (punt_fd < 0 && inject_fd < 0)
		return 0;
	if (punt_fd < 0 || inject_fd < 0) {
		close(punt_fd < 0 ? inject_fd : punt_fd);
		return -EPROTO;
	}
	err = map(&p->punt, punt_fd, ABI_MAGIC_PUNT, false);
	if (err)
		close(inject_fd);
	else
		err = map(&p->inject, inject_fd, ABI_MAGIC_INJECT, true);
	if (err) {
		cp_punt_close(p);
		return err;
	}
	theirs = p->punt.base;
	ours = p->inject.base;
	abi_consumer_init(&p->in, (const uint8_t *)theirs + ABI_HEADER_SIZE, ABI_PUNT_SLOTS,
		ABI_PUNT_SIZE, &ours->consumer, &theirs->producer);
	abi_producer_init(&p->out, (uint8_t *)ours + ABI_HEADER_SIZE, ABI_PUNT_SLOTS, ABI_PUNT_SIZE,
		&ours->producer, &theirs->consumer);
	p->open = true;
	return 0;
}

static bool is_sound(const struct abi_punt *k, uint32_t sessions)
{
	return k->slot < sessions && k->leg < 2 && k->component < 2 && k->length >= 1 &&
	       k->length <= ABI_PUNT_DATA && (k->remote.family == 4 || k->remote.family == 6) &&
	       (k->kind == ABI_PUNT_DTLS || k->kind == ABI_PUNT_STUN) && k->valid < 2;
}

int cp_punt_take(struct cp_punt *p, struct abi_punt *packet, uint32_t sessions, uint64_t *bad)
{
	int got;

	if (!p->open)
		return 0;
	while ((got = abi_consume(&p->in, packet)) == 1) {
		if (is_sound(packet, sessions))
			return 1;
		++*bad;
	}
	return got;
}
