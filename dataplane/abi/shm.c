// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/message.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

int abi_shm_create(struct abi_shm *shm, const char *name, size_t size, bool readers_only)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int err;

	*shm = (struct abi_shm){.fd = -1};
	shm->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (shm->fd < 0)
		return -errno;
	if (ftruncate(shm->fd, (off_t)size) < 0)
		goto fail;
	shm->base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, shm->fd, 0);
	if (shm->base == MAP_FAILED) {
		shm->base = NULL;
		goto fail;
	}
	shm->size = size;
	if (readers_only)
		seals |= F_SEAL_FUTURE_WRITE;
	if (fcntl(shm->fd, F_ADD_SEALS, seals) < 0)
		goto fail;
	return 0;
fail:
	err = -errno;
	abi_shm_close(shm);
	return err;
}

int abi_shm_map(struct abi_shm *shm, int fd, size_t least, bool writable)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	int err = -EPROTO;

	*shm = (struct abi_shm){.fd = fd};
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || !(seals & F_SEAL_GROW))
		goto fail;
	if (fstat(fd, &st) < 0 || st.st_size < 0 || (size_t)st.st_size < least)
		goto fail;
	shm->size = (size_t)st.st_size;
	shm->base =
		mmap(NULL, shm->size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (shm->base == MAP_FAILED) {
		shm->base = NULL;
		err = -errno;
		goto fail;
	}
	return 0;
fail:
	abi_shm_close(shm);
	return err;
}

void abi_shm_close(struct abi_shm *shm)
{
	if (shm->base)
		munmap(shm->base, shm->size);
	if (shm->fd >= 0)
		close(shm->fd);
	*shm = (struct abi_shm){.fd = -1};
}

static uint64_t clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t abi_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

uint64_t abi_realtime_offset_us(void)
{
	return clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC);
}

// True when `count` things of `each` bytes from `offset`, aligned, lie behind the header and
// inside.
static bool inside(uint64_t offset, uint64_t count, uint64_t each, size_t size)
{
	if (offset < ABI_HEADER_SIZE || offset % 64 || offset > size)
		return false;
	return count <= (size - offset) / each;
}

int abi_check_a(const struct abi_region_a *a, size_t size)
{
	if (size < sizeof(*a) || a->magic != ABI_MAGIC_A)
		return -EPROTO;
	if (a->major != ABI_MAJOR)
		return -EPROTONOSUPPORT;
	if (a->header_size != ABI_HEADER_SIZE || a->size != size ||
		a->sessions > ABI_MAX_SESSIONS || a->workers > ABI_MAX_WORKERS ||
		a->endpoints > ABI_MAX_ENDPOINTS || a->event_slots != ABI_EVENT_SLOTS)
		return -EPROTO;
	if (!inside(a->endpoint_offset, a->endpoints, sizeof(struct abi_endpoint), size) ||
		!inside(a->directory_offset, a->sessions, sizeof(struct abi_session_entry), size) ||
		!inside(a->leg_offset, a->sessions * 2ull, sizeof(struct abi_leg_slot), size) ||
		!inside(a->resume_offset, a->sessions * 2ull, sizeof(struct abi_leg_resume),
			size) ||
		!inside(a->event_offset, a->event_slots, ABI_MSG_SIZE, size) ||
		!inside(a->counter_offset, a->counter_size, 1, size))
		return -EPROTO;
	if (a->counters > 65536 || abi_counters_size(a->counters, a->workers + 1) > a->counter_size)
		return -EPROTO;
	return 0;
}

int abi_check_t(const struct abi_region_t *t, size_t size)
{
	if (size < sizeof(*t) || t->magic != ABI_MAGIC_T)
		return -EPROTO;
	if (t->major != ABI_MAJOR)
		return -EPROTONOSUPPORT;
	if (t->header_size != ABI_HEADER_SIZE || t->size != size || t->shards > ABI_MAX_SHARDS ||
		t->trace_size < 4096 || (t->trace_size & (t->trace_size - 1)))
		return -EPROTO;
	if (!inside(t->call_offset, t->calls, sizeof(struct abi_call), size) ||
		!inside(t->trace_offset, t->shards, t->trace_size, size) ||
		!inside(t->counter_offset, t->counter_size, 1, size))
		return -EPROTO;
	if (t->counters > 65536 || abi_counters_size(t->counters, t->shards + 1) > t->counter_size)
		return -EPROTO;
	return 0;
}
