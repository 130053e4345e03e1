// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/xdp/xdp.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#define MAX_MAPS 16
#define MAX_CPUS 1024
#define OPEN_SIZE                                                                                  \
	((size_t)XDP_MEDIA_MAX_ADDRESSES * XDP_MEDIA_WORDS * sizeof(uint64_t)) // whole pages

extern const unsigned char xdp_media_object[];
extern const size_t xdp_media_object_size;

int xdp_object_open(int *fd, char path[64])
{
	ssize_t n;

	*fd = memfd_create("hawse-xdp", MFD_CLOEXEC);
	if (*fd < 0)
		return -errno;
	n = write(*fd, xdp_media_object, xdp_media_object_size);
	if (n != (ssize_t)xdp_media_object_size) {
		close(*fd);
		*fd = -1;
		return n < 0 ? -errno : -EIO;
	}
	snprintf(path, 64, "/proc/self/fd/%d", *fd);
	return 0;
}

static int program_info(int fd, struct bpf_prog_info *info, uint32_t *maps, uint32_t map_count)
{
	uint32_t size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	info->map_ids = (uintptr_t)maps;
	info->nr_map_ids = map_count;
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

static int map_info(int fd, struct bpf_map_info *info)
{
	uint32_t size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

static bool ours(const char *name)
{
	return strncmp(name, XDP_MEDIA_PROGRAM, BPF_OBJ_NAME_LEN - 1) == 0;
}

// The name of program `id`; empty when the kernel won't tell (no CAP_SYS_ADMIN).
static void program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info;
	int fd = bpf_prog_get_fd_by_id(id);

	name[0] = '\0';
	if (fd < 0)
		return;
	if (program_info(fd, &info, NULL, 0) == 0)
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
}

int xdp_clear(const char *interface, int ifindex, int *stale, char why[XDP_WHY])
{
	char name[BPF_OBJ_NAME_LEN];
	uint32_t id = 0;
	int err = bpf_xdp_query_id(ifindex, 0, &id);

	*stale = 0;
	if (err) {
		snprintf(why, XDP_WHY, "cannot ask for the XDP program of %s: %s", interface,
			strerror(-err));
		return err;
	}
	if (id == 0)
		return 0;
	program_name(id, name);
	if (!ours(name)) {
		snprintf(why, XDP_WHY,
			"%s already runs another XDP program (%s, id %u); if nothing needs it, "
			"take it "
			"off with: ip link set dev %s xdp off",
			interface, name[0] ? name : "name unknown", id, interface);
		return -EBUSY;
	}
	err = bpf_xdp_detach(ifindex, 0, NULL);
	if (err) {
		snprintf(why, XDP_WHY,
			"cannot take the XDP program that a crash left off %s: %s; try: ip link "
			"set "
			"dev %s xdp off",
			interface, strerror(-err), interface);
		return err;
	}
	*stale = 1;
	return 0;
}

// What a descriptor of ours is: "anon_inode:bpf-prog", "anon_inode:bpf-map", or another thing.
static bool is_kind(int fd, const char *kind)
{
	char path[32], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, kind) == 0;
}

static int find_program(DIR *fds, uint32_t id, uint32_t *maps, uint32_t *map_count)
{
	struct bpf_prog_info info;
	struct dirent *entry;

	rewinddir(fds);
	while ((entry = readdir(fds))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || !is_kind(fd, "anon_inode:bpf-prog"))
			continue;
		if (program_info(fd, &info, maps, MAX_MAPS) || info.id != id)
			continue;
		*map_count = info.nr_map_ids < MAX_MAPS ? info.nr_map_ids : MAX_MAPS;
		return fd;
	}
	return -ENOENT;
}

static int find_map(DIR *fds, const char *name, const uint32_t *maps, uint32_t map_count)
{
	struct bpf_map_info info;
	struct dirent *entry;

	rewinddir(fds);
	while ((entry = readdir(fds))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || !is_kind(fd, "anon_inode:bpf-map"))
			continue;
		if (map_info(fd, &info) || strncmp(info.name, name, BPF_OBJ_NAME_LEN - 1))
			continue;
		for (uint32_t i = 0; i < map_count; i++)
			if (maps[i] == info.id)
				return fd;
	}
	return -ENOENT;
}

int xdp_map_open(struct xdp *xdp)
{
	void *p = mmap(NULL, OPEN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, xdp->open, 0);

	if (p == MAP_FAILED)
		return -errno;
	xdp->bits = p;
	return 0;
}

uint64_t *xdp_open(const struct xdp *xdp, uint32_t index)
{
	if (!xdp->bits || index >= XDP_MEDIA_MAX_ADDRESSES)
		return NULL;
	return xdp->bits + (size_t)index * XDP_MEDIA_WORDS;
}

int xdp_adopt(struct xdp *xdp, const char *interface, int ifindex, char why[XDP_WHY])
{
	uint32_t maps[MAX_MAPS], map_count = 0;
	int err = -ENOENT;
	DIR *fds = opendir("/proc/self/fd");

	*xdp = (struct xdp){
		.program = -1, .sockets = -1, .addresses = -1, .counts = -1, .open = -1};
	if (!fds)
		return -errno;
	if (bpf_xdp_query_id(ifindex, 0, &xdp->program_id) || xdp->program_id == 0)
		goto out;
	xdp->program = find_program(fds, xdp->program_id, maps, &map_count);
	if (xdp->program < 0)
		goto out;
	xdp->sockets = find_map(fds, XDP_MEDIA_SOCKETS, maps, map_count);
	xdp->addresses = find_map(fds, XDP_MEDIA_ADDRESSES, maps, map_count);
	xdp->counts = find_map(fds, XDP_MEDIA_COUNTS, maps, map_count);
	xdp->open = find_map(fds, XDP_MEDIA_OPEN, maps, map_count);
	if (xdp->sockets < 0 || xdp->addresses < 0 || xdp->counts < 0 || xdp->open < 0)
		goto out;
	err = xdp_map_open(xdp);
	if (err)
		goto out;
	xdp->ifindex = ifindex;
	err = 0;
out:
	closedir(fds);
	if (err)
		snprintf(why, XDP_WHY,
			"the XDP program that DPDK attached to %s cannot be found again; does "
			"another "
			"program change XDP on it?",
			interface);
	return err;
}

int xdp_socket(const struct xdp *xdp, unsigned queue, int socket)
{
	uint32_t key = queue, value = (uint32_t)socket;

	return bpf_map_update_elem(xdp->sockets, &key, &value, BPF_ANY) ? -errno : 0;
}

int xdp_take_off(int ifindex)
{
	return bpf_xdp_detach(ifindex, 0, NULL);
}

static struct xdp_media_key key_of(uint8_t family, const uint8_t *ip)
{
	struct xdp_media_key key = {.family = family};

	memcpy(key.ip, ip, family == 4 ? 4 : 16);
	return key;
}

int xdp_allow(const struct xdp *xdp, uint8_t family, const uint8_t *ip, uint16_t first_port,
	uint16_t last_port, uint32_t index)
{
	struct xdp_media_key key = key_of(family, ip);
	struct xdp_media_range range = {
		.first_port = first_port, .last_port = last_port, .index = index};

	return bpf_map_update_elem(xdp->addresses, &key, &range, BPF_ANY) ? -errno : 0;
}

int xdp_forbid(const struct xdp *xdp, uint8_t family, const uint8_t *ip)
{
	struct xdp_media_key key = key_of(family, ip);

	return bpf_map_delete_elem(xdp->addresses, &key) ? -errno : 0;
}

int xdp_inject(const struct xdp *xdp, const void *frame, size_t size)
{
	struct xdp_md context = {
		.data_end = (uint32_t)size,
		.ingress_ifindex = (uint32_t)xdp->ifindex,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)size,
		.ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	if (xdp->ifindex == 0)
		return -ENODEV;
	return bpf_prog_test_run_opts(xdp->program, &opts) ? -errno : 0;
}

uint64_t xdp_count(const struct xdp *xdp, enum xdp_media_count which)
{
	uint64_t each[MAX_CPUS], sum = 0;
	uint32_t key = which;
	int cpus = libbpf_num_possible_cpus();

	if (xdp->ifindex == 0 || cpus <= 0 || cpus > MAX_CPUS)
		return 0;
	if (bpf_map_lookup_elem(xdp->counts, &key, each))
		return 0;
	for (int i = 0; i < cpus; i++)
		sum += each[i];
	return sum;
}

void xdp_detach(struct xdp *xdp)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = xdp->program);
	uint32_t id = 0;

	if (xdp->bits)
		munmap(xdp->bits, OPEN_SIZE);
	xdp->bits = NULL;
	if (xdp->ifindex == 0)
		return;
	if (bpf_xdp_query_id(xdp->ifindex, 0, &id) == 0 && id == xdp->program_id)
		bpf_xdp_detach(xdp->ifindex, XDP_FLAGS_REPLACE, &opts);
	xdp->ifindex = 0;
}
