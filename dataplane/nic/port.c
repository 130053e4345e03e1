// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/port.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "dataplane/log.h"
#include "dataplane/nic/capture.h"

// <linux/ethtool.h> has a macro of this name (a connector type), which would hide ours.
#undef PORT_OTHER

#define RING         2048 // descriptors of a queue; net_af_xdp's fill ring has as many
#define XDP_BUFFERS  (4 * RING)
#define PORT_BUFFERS 16384

// ---- what the kernel knows about an interface -----------------------------------------------------

static int interface_ioctl(const char *interface, unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", interface);
	if (ioctl(fd, request, ifr) < 0)
		err = -errno;
	close(fd);
	return err;
}

// Queues of a Linux interface; *combined as net_af_xdp counts those that it can open.
static unsigned queues_of(const char *interface, unsigned *combined)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifr = {.ifr_data = (char *)&channels};

	*combined = 1;
	if (interface_ioctl(interface, SIOCETHTOOL, &ifr))
		return 1;
	if (channels.max_combined) {
		*combined = channels.combined_count;
		return channels.combined_count + channels.rx_count;
	}
	return channels.rx_count ? channels.rx_count : 1;
}

static bool is_linux(const char *device)
{
	return strlen(device) < IFNAMSIZ && !strchr(device, ',') && !strchr(device, ':') &&
	       strncmp(device, "net_", 4) != 0 && strncmp(device, "eth_", 4) != 0;
}

static bool is_tap(const char *device)
{
	return strncmp(device, "tap:", 4) == 0;
}

unsigned port_buffers(const struct cfg_media *media, unsigned workers)
{
	unsigned combined;

	if (!is_linux(media->device))
		return PORT_BUFFERS + capture_packets(media->device);
	queues_of(media->device, &combined);
	return XDP_BUFFERS * (combined < PORT_QUEUES ? combined : PORT_QUEUES);
}

// ---- what must be so before DPDK is asked ---------------------------------------------------------

static bool capable(unsigned capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[capability / 32].effective & 1u << capability % 32;
}

static void list_interfaces(char *out, size_t size)
{
	struct if_nameindex *all = if_nameindex();
	size_t used = 0;

	out[0] = '\0';
	for (struct if_nameindex *i = all; i && i->if_index && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, " %s", i->if_name);
	if_freenameindex(all);
}

static int check_capabilities(const struct port *port, char why[PORT_WHY])
{
	const char *missing = !capable(CAP_NET_ADMIN)                        ? "CAP_NET_ADMIN"
			      : !capable(CAP_NET_RAW)                        ? "CAP_NET_RAW"
			      : !capable(CAP_BPF) && !capable(CAP_SYS_ADMIN) ? "CAP_BPF"
									     : NULL;

	if (!missing)
		return 0;
	snprintf(why, PORT_WHY,
		"media.%s: AF_XDP on %s needs %s; start as root or give the capability (systemd: "
		"AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_IPC_LOCK)",
		port->media->name, port->interface, missing);
	return -EPERM;
}

// AF_XDP locks the packet buffers in memory.
static int check_locked_memory(
	const struct port *port, struct rte_mempool *pool, char why[PORT_WHY])
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	size_t needed = (size_t)pool->size * 2560;

	if (capable(CAP_IPC_LOCK) || setrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		return 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur >= needed)
		return 0;
	snprintf(why, PORT_WHY,
		"media.%s: AF_XDP must lock %zu MiB of memory and RLIMIT_MEMLOCK allows %zu; raise "
		"it "
		"(systemd: LimitMEMLOCK=infinity) or give CAP_IPC_LOCK",
		port->media->name, needed >> 20, (size_t)limit.rlim_cur >> 20);
	return -ENOMEM;
}

static int check_queues(struct port *port, char why[PORT_WHY])
{
	unsigned combined, queues = queues_of(port->interface, &combined);

	if (queues > combined) {
		snprintf(why, PORT_WHY,
			"media.%s: %s spreads packets over %u receive queues and AF_XDP can open "
			"%u of "
			"them; run: ethtool -L %s rx %u",
			port->media->name, port->interface, queues, combined, port->interface,
			combined);
		return -EINVAL;
	}
	if (queues > PORT_QUEUES) {
		snprintf(why, PORT_WHY,
			"media.%s: %s has %u queues, %u are supported; run: ethtool "
			"-L %s combined %u",
			port->media->name, port->interface, queues, PORT_QUEUES, port->interface,
			PORT_QUEUES);
		return -EINVAL;
	}
	port->queues = (uint16_t)queues;
	return 0;
}

// An abstract socket's name belongs to the network namespace, as interfaces do, and goes away with
// its process, however that ends.
static int lock_interface(struct port *port, char why[PORT_WHY])
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int n = snprintf(
		un.sun_path + 1, sizeof(un.sun_path) - 1, "hawse-media/%s", port->interface);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);

	port->lock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (port->lock >= 0 && bind(port->lock, (struct sockaddr *)&un, size) == 0)
		return 0;
	snprintf(why, PORT_WHY, "media.%s: another hawse-media is using %s", port->media->name,
		port->interface);
	return -EBUSY;
}

static int check_linux(struct port *port, struct rte_mempool *pool, char why[PORT_WHY])
{
	char all[256];
	int stale, err;

	port->ifindex = (int)if_nametoindex(port->interface);
	if (port->ifindex == 0) {
		list_interfaces(all, sizeof(all));
		snprintf(why, PORT_WHY, "media.%s: no interface %s on this machine; there are:%s",
			port->media->name, port->interface, all);
		return -ENODEV;
	}
	err = check_capabilities(port, why);
	if (!err)
		err = lock_interface(port, why);
	if (!err)
		err = check_locked_memory(port, pool, why);
	if (!err)
		err = check_queues(port, why);
	if (!err)
		err = xdp_clear(port->interface, port->ifindex, &stale, why);
	port->stale_program = !err && stale;
	return err;
}

// ---- DPDK -----------------------------------------------------------------------------------------

static const char *said(void)
{
	return dp_log_dpdk_said()[0] ? dp_log_dpdk_said() : "nothing more";
}

// Devargs of a port and DPDK's name for it.
static int devargs_of(struct port *port, const char *object, char *out, size_t size)
{
	static unsigned count;
	const char *device = port->media->device;
	int n;

	if (port->kind == PORT_LINUX) {
		snprintf(port->name, sizeof(port->name), "net_af_xdp%u", count);
		// busy_budget stays at the driver's 64: with 0 a receive on a zero-copy queue whose
		// fill ring ran dry sits in poll() for up to a second, and its worker with it.
		n = snprintf(out, size, "%s,iface=%s,start_queue=0,queue_count=%u,xdp_prog=%s",
			port->name, port->interface, port->queues, object);
	} else if (port->kind == PORT_TAP) {
		snprintf(port->name, sizeof(port->name), "net_tap%u", count);
		n = snprintf(out, size, "%s,iface=%s", port->name, port->interface);
	} else {
		snprintf(port->name, sizeof(port->name), "%.*s", (int)strcspn(device, ","), device);
		n = snprintf(out, size, "%s", device);
	}
	count++;
	return n < (int)size ? 0 : -E2BIG;
}

static int probe(struct port *port, const char *object, char why[PORT_WHY])
{
	char devargs[512];
	int err = devargs_of(port, object, devargs, sizeof(devargs));

	if (!err)
		err = rte_dev_probe(devargs);
	if (!err && rte_eth_dev_get_port_by_name(port->name, &port->id))
		err = -ENODEV;
	if (!err) {
		port->open = true;
		return 0;
	}
	snprintf(why, PORT_WHY, "media.%s: DPDK cannot open %s (%s); it says: %.200s",
		port->media->name, port->media->device, strerror(-err), said());
	return err;
}

// Queues of a device that is not a Linux interface: one for each worker, as far as it has them.
static void choose_queues(struct port *port, const struct rte_eth_dev_info *info, unsigned workers)
{
	unsigned want = port->media->queues ? port->media->queues : workers;

	if (port->kind == PORT_LINUX)
		return;
	if (want > info->max_rx_queues)
		want = info->max_rx_queues;
	if (want > info->max_tx_queues)
		want = info->max_tx_queues;
	port->queues = (uint16_t)(want ? want : 1);
}

static void choose_offloads(
	const struct port *port, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint64_t hash = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;

	if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE)
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	if (port->queues > 1 && (info->flow_type_rss_offloads & hash)) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & hash;
	}
}

static uint16_t ring_size(const struct rte_eth_desc_lim *limits)
{
	uint16_t size = RING;

	if (limits->nb_max && size > limits->nb_max)
		size = limits->nb_max;
	return size < limits->nb_min ? limits->nb_min : size;
}

static bool is_xdp_socket(int fd)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_XDP;
}

// The AF_XDP socket that the driver has made for the queue just set up: one that no queue of any
// port has yet.
static int new_xdp_socket(void)
{
	static int seen[RTE_MAX_ETHPORTS * PORT_QUEUES];
	static unsigned count;
	DIR *fds = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	while (fds && found < 0 && (entry = readdir(fds))) {
		int fd = atoi(entry->d_name);
		unsigned i = 0;

		if (entry->d_name[0] == '.' || !is_xdp_socket(fd))
			continue;
		while (i < count && seen[i] != fd)
			i++;
		if (i == count)
			found = fd;
	}
	if (fds)
		closedir(fds);
	if (found >= 0 && count < sizeof(seen) / sizeof(seen[0]))
		seen[count++] = found;
	return found;
}

static int set_up_queues(
	struct port *port, const struct rte_eth_dev_info *info, struct rte_mempool *pool)
{
	int socket = rte_eth_dev_socket_id(port->id);
	int err = 0;

	for (uint16_t q = 0; q < port->queues && !err; q++)
		err = rte_eth_tx_queue_setup(
			port->id, q, ring_size(&info->tx_desc_lim), (unsigned)socket, NULL);
	for (uint16_t q = 0; q < port->queues && !err; q++) {
		err = rte_eth_rx_queue_setup(
			port->id, q, ring_size(&info->rx_desc_lim), (unsigned)socket, NULL, pool);
		if (!err && port->kind == PORT_LINUX)
			port->wait_fd[q] = new_xdp_socket();
	}
	return err;
}

static int configure(
	struct port *port, unsigned workers, struct rte_mempool *pool, char why[PORT_WHY])
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	const char *step = "ask about";
	int err = rte_eth_dev_info_get(port->id, &info);

	if (err)
		goto fail;
	choose_queues(port, &info, workers);
	choose_offloads(port, &info, &conf);
	step = "configure";
	err = rte_eth_dev_configure(port->id, port->queues, port->queues, &conf);
	if (err)
		goto fail;
	step = "set up the queues of";
	err = set_up_queues(port, &info, pool);
	if (err)
		goto fail;
	step = "start";
	err = rte_eth_dev_start(port->id);
	if (!err)
		return 0;
fail:
	snprintf(why, PORT_WHY, "media.%s: DPDK cannot %s %s (%s); it says: %.200s",
		port->media->name, step, port->media->device, strerror(-err), said());
	return err;
}

static void learn(struct port *port)
{
	struct rte_ether_addr mac;
	struct ifreq ifr = {0};

	if (rte_eth_macaddr_get(port->id, &mac) == 0)
		memcpy(port->mac, mac.addr_bytes, 6);
	if (rte_eth_dev_get_mtu(port->id, &port->mtu))
		port->mtu = RTE_ETHER_MTU;
	if (port->kind == PORT_TAP)
		port->ifindex = (int)if_nametoindex(port->interface);
	// The driver reports what it could carry, the kernel what the link does.
	if (port->interface[0] && interface_ioctl(port->interface, SIOCGIFMTU, &ifr) == 0)
		port->mtu = (uint16_t)(ifr.ifr_mtu < UINT16_MAX ? ifr.ifr_mtu : UINT16_MAX);
}

static void classify(struct port *port, const struct cfg_media *media)
{
	*port = (struct port){.media = media, .lock = -1};
	port->xdp.program = -1;
	memset(port->wait_fd, 0xff, sizeof(port->wait_fd)); // -1
	if (is_tap(media->device)) {
		port->kind = PORT_TAP;
		snprintf(port->interface, sizeof(port->interface), "%.15s", media->device + 4);
	} else if (is_linux(media->device)) {
		port->kind = PORT_LINUX;
		snprintf(port->interface, sizeof(port->interface), "%.15s", media->device);
	} else {
		port->kind = PORT_OTHER;
	}
}

int port_open(struct port *port, const struct cfg_media *media, unsigned workers,
	struct rte_mempool *pool, char why[PORT_WHY])
{
	char object[64] = "";
	int fd = -1, err = 0;

	classify(port, media);
	dp_log_forget_dpdk();
	if (port->kind == PORT_LINUX) {
		err = check_linux(port, pool, why);
		if (err)
			goto out;
		err = xdp_object_open(&fd, object);
		if (err) {
			snprintf(why, PORT_WHY, "media.%s: no memory for the XDP program",
				media->name);
			goto out;
		}
	}
	err = probe(port, object, why);
	if (!err)
		err = configure(port, workers, pool, why);
	if (!err && port->kind == PORT_LINUX)
		err = xdp_adopt(&port->xdp, port->interface, port->ifindex, why);
	if (!err)
		learn(port);
out:
	if (fd >= 0)
		close(fd);
	if (err)
		port_close(port);
	return err;
}

int port_admit(struct port *port, char why[PORT_WHY])
{
	const struct cfg_media *media = port->media;

	if (port->kind != PORT_LINUX)
		return 0;
	for (unsigned i = 0; i < media->address_count; i++) {
		int err = xdp_allow(&port->xdp, media->addresses[i].family, media->addresses[i].ip,
			media->first_port, media->last_port);

		if (err) {
			snprintf(why, PORT_WHY,
				"media.%s: cannot tell the XDP program its addresses: %s",
				media->name, strerror(-err));
			return err;
		}
	}
	return 0;
}

void port_close(struct port *port)
{
	if (port->kind == PORT_LINUX)
		xdp_detach(&port->xdp);
	if (port->open) {
		rte_eth_dev_stop(port->id);
		rte_eth_dev_close(port->id);
	}
	port->open = false;
	if (port->lock >= 0)
		close(port->lock);
	port->lock = -1;
}
