// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/port.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "dataplane/log.h"
#include "dataplane/nic/capture.h"
#include "dataplane/nic/interface.h"

#define RING         2048 // descriptors of a queue; net_af_xdp's fill ring has as many
#define XDP_BUFFERS  (4 * RING)
#define PORT_BUFFERS 16384
#define BUFFER_BYTES 2560 // of memory, an mbuf with its room

// ---- what a device is -----------------------------------------------------------------------------

static bool is_linux(const char *device)
{
	return strlen(device) < IFNAMSIZ && !strchr(device, ',') && !strchr(device, ':') &&
	       strncmp(device, "net_", 4) != 0 && strncmp(device, "eth_", 4) != 0;
}

static bool is_tap(const char *device)
{
	return strncmp(device, "tap:", 4) == 0;
}

// A network card, or what behaves like one.
static bool is_card(const char *device)
{
	static const char *const others[] = {
		"net_pcap", "net_ring", "net_null", "net_tap", "eth_pcap", "eth_ring", "eth_null"};

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strncmp(device, others[i], strlen(others[i])) == 0)
			return false;
	return true;
}

unsigned port_buffers(const struct cfg_media *media, unsigned workers)
{
	unsigned queues;

	if (!is_linux(media->device))
		return PORT_BUFFERS + capture_packets(media->device);
	queues = interface_queues(media->device).count;
	return XDP_BUFFERS * (queues < PORT_QUEUES ? queues : PORT_QUEUES);
}

static void classify(struct port *port, const struct cfg_media *media)
{
	*port = (struct port){.media = media, .kind = NIC_OTHER, .lock = -1};
	if (is_tap(media->device)) {
		port->kind = NIC_TAP;
		snprintf(port->interface, sizeof(port->interface), "%.15s", media->device + 4);
	} else if (is_linux(media->device)) {
		port->kind = NIC_LINUX;
		snprintf(port->interface, sizeof(port->interface), "%.15s", media->device);
	} else if (is_card(media->device)) {
		port->kind = NIC_OWNED;
		snprintf(port->interface, sizeof(port->interface), "hw-%.12s", media->name);
	}
}

// ---- one DPDK port --------------------------------------------------------------------------------

static int failed(const struct port *port, const char *step, int err, char why[PORT_WHY])
{
	const char *said = dp_log_dpdk_said();

	snprintf(why, PORT_WHY, "media.%s: DPDK cannot %s %s (%s)%s%.160s%s", port->media->name,
		step, port->media->device, strerror(-err), said[0] ? "; it says: " : "", said,
		interface_hint(said));
	return err;
}

// How many queues DPDK's port number `split` of the interface will have, 0 of a device that says
// itself; and from which of the interface's it starts.
struct share {
	unsigned first, count;
};

static int devargs_of(const struct port *port, struct share share, const char *object, char *name,
	size_t name_size, char *out, size_t size)
{
	static unsigned made;
	const char *device = port->media->device;
	int n;

	if (port->kind == NIC_LINUX) {
		snprintf(name, name_size, "net_af_xdp%u", made++);
		// busy_budget stays at the driver's 64: with 0 a receive on a zero-copy queue whose
		// fill ring ran dry sits in poll() for up to a second, and its worker with it.
		n = snprintf(out, size, "%s,iface=%s,start_queue=%u,queue_count=%u,xdp_prog=%s",
			name, port->interface, share.first, share.count, object);
	} else if (port->kind == NIC_TAP) {
		snprintf(name, name_size, "net_tap%u", made++);
		n = snprintf(out, size, "%s,iface=%s", name, port->interface);
	} else {
		snprintf(name, name_size, "%.*s", (int)strcspn(device, ","), device);
		n = snprintf(out, size, "%s", device);
	}
	return n < (int)size ? 0 : -E2BIG;
}

static int probe(struct port *port, struct share share, const char *object, char why[PORT_WHY])
{
	char devargs[512], name[64];
	int err = devargs_of(port, share, object, name, sizeof(name), devargs, sizeof(devargs));

	if (!err)
		err = rte_dev_probe(devargs);
	if (!err && rte_eth_dev_get_port_by_name(name, &port->ids[port->id_count]))
		err = -ENODEV;
	if (err)
		return failed(port, "open", err, why);
	port->id_count++;
	return 0;
}

// Queues of a device that is not a Linux interface: one for each worker, as far as it has them.
static unsigned choose_queues(
	const struct port *port, const struct rte_eth_dev_info *info, unsigned workers)
{
	unsigned want = port->media->queues ? port->media->queues : workers;

	if (want > info->max_rx_queues)
		want = info->max_rx_queues;
	if (want > info->max_tx_queues)
		want = info->max_tx_queues;
	return want ? want : 1;
}

static void choose_offloads(
	unsigned queues, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint64_t hash = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;

	if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE)
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	if (queues > 1 && (info->flow_type_rss_offloads & hash)) {
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

// Appends the queues to `queue`.
static int set_up_queues(uint16_t id, unsigned queues, const struct rte_eth_dev_info *info,
	struct rte_mempool *pool, struct port_queue *queue, unsigned *count)
{
	bool xdp = strcmp(info->driver_name, "net_af_xdp") == 0;
	unsigned socket = (unsigned)rte_eth_dev_socket_id(id);
	int err = 0;

	for (uint16_t q = 0; q < queues && !err; q++)
		err = rte_eth_tx_queue_setup(id, q, ring_size(&info->tx_desc_lim), socket, NULL);
	for (uint16_t q = 0; q < queues && !err; q++) {
		err = rte_eth_rx_queue_setup(
			id, q, ring_size(&info->rx_desc_lim), socket, NULL, pool);
		if (err)
			break;
		queue[(*count)++] = (struct port_queue){
			.id = id, .queue = q, .wait_fd = xdp ? new_xdp_socket() : -1};
	}
	return err;
}

// Configures and starts DPDK's port `id` with so many queues; 0: as many as suit the workers. Appends
// them to `queue`.
static int configure(const struct port *port, uint16_t id, unsigned queues, unsigned workers,
	struct rte_mempool *pool, struct port_queue *queue, unsigned *count, char why[PORT_WHY])
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	unsigned first = *count;
	int err = rte_eth_dev_info_get(id, &info);

	if (err)
		return failed(port, "ask about", err, why);
	if (queues == 0)
		queues = choose_queues(port, &info, workers);
	if (queues > PORT_QUEUES - *count)
		queues = PORT_QUEUES - *count;
	choose_offloads(queues, &info, &conf);
	conf.intr_conf.rxq = strcmp(info.driver_name, "net_tap") == 0;
	err = rte_eth_dev_configure(id, (uint16_t)queues, (uint16_t)queues, &conf);
	if (err)
		return failed(port, "configure", err, why);
	err = set_up_queues(id, queues, &info, pool, queue, count);
	if (err)
		return failed(port, "set up the queues of", err, why);
	err = rte_eth_dev_start(id);
	if (err)
		return failed(port, "start", err, why);
	// A TAP's interrupt is its descriptor, which is readable while a packet waits.
	for (unsigned i = first; conf.intr_conf.rxq && i < *count; i++)
		queue[i].wait_fd = rte_eth_dev_rx_intr_ctl_q_get_fd(id, queue[i].queue);
	return 0;
}

// The same for the port that was probed last.
static int configure_last(struct port *port, unsigned queues, unsigned workers,
	struct rte_mempool *pool, char why[PORT_WHY])
{
	return configure(port, port->ids[port->id_count - 1], queues, workers, pool, port->queue,
		&port->queues, why);
}

// ---- a Linux interface ----------------------------------------------------------------------------

static int prepare_linux(struct port *port, struct rte_mempool *pool, char why[PORT_WHY])
{
	const char *media = port->media->name;
	int stale = 0, err;

	err = interface_check(
		media, port->interface, (size_t)pool->size * BUFFER_BYTES, &port->ifindex, why);
	if (err)
		return err;
	port->lock = interface_lock(media, port->interface, why);
	if (port->lock < 0)
		return port->lock;
	err = xdp_clear(port->interface, port->ifindex, &stale, why);
	port->stale_program = stale;
	return err;
}

// One port for each queue. The driver loads and attaches a program for each, and insists that none is
// attached: so the one before comes off, and the last one gets the sockets of all.
static int open_split(struct port *port, unsigned queues, const char *object,
	struct rte_mempool *pool, char why[PORT_WHY])
{
	int err = 0;

	if (queues > PORT_SPLIT) {
		snprintf(why, PORT_WHY,
			"media.%s: %s has %u receive queues that cannot be opened together, at "
			"most %u "
			"are supported; run: ethtool -L %s rx %u",
			port->media->name, port->interface, queues, PORT_SPLIT, port->interface,
			PORT_SPLIT);
		return -EINVAL;
	}
	for (unsigned q = 0; q < queues && !err; q++) {
		err = q ? xdp_take_off(port->ifindex) : 0;
		if (err)
			return failed(port, "open all queues of", err, why);
		err = probe(port, (struct share){.first = q, .count = 1}, object, why);
		if (!err)
			err = configure_last(port, 1, 0, pool, why);
	}
	if (!err)
		err = xdp_adopt(&port->xdp, port->interface, port->ifindex, why);
	for (unsigned q = 0; q < port->queues && !err; q++)
		err = xdp_socket(&port->xdp, q, port->queue[q].wait_fd);
	return err;
}

static int open_linux(struct port *port, struct rte_mempool *pool, char why[PORT_WHY])
{
	struct interface_queues queues;
	char object[64];
	int fd = -1, err = prepare_linux(port, pool, why);

	if (err)
		return err;
	err = xdp_object_open(&fd, object);
	if (err) {
		snprintf(why, PORT_WHY, "media.%s: no memory for the XDP program",
			port->media->name);
		return err;
	}
	queues = interface_queues(port->interface);
	if (!queues.combined) {
		err = open_split(port, queues.count, object, pool, why);
	} else {
		err = probe(port, (struct share){.count = queues.count}, object, why);
		if (!err)
			err = configure_last(port, queues.count, 0, pool, why);
		if (!err)
			err = xdp_adopt(&port->xdp, port->interface, port->ifindex, why);
	}
	close(fd);
	return err;
}

// ---- the kernel's side of a network card ----------------------------------------------------------

// Without it the card works only among neighbours that need no ARP, so that is said, not refused.
static void open_kernel_side(struct port *port, unsigned workers, struct rte_mempool *pool)
{
	static unsigned made;
	char devargs[128], name[32], why[PORT_WHY];
	const uint8_t *m = port->mac;
	uint16_t id;
	int err;

	snprintf(name, sizeof(name), "net_tap_kernel%u", made++);
	snprintf(devargs, sizeof(devargs), "%s,iface=%s,mac=%02x:%02x:%02x:%02x:%02x:%02x", name,
		port->interface, m[0], m[1], m[2], m[3], m[4], m[5]);
	err = rte_dev_probe(devargs);
	if (!err)
		err = rte_eth_dev_get_port_by_name(name, &id);
	if (!err) {
		port->ids[port->id_count++] = id;
		err = configure(
			port, id, workers, workers, pool, port->kernel, &port->kernel_queues, why);
	}
	if (!err)
		port->ifindex = (int)if_nametoindex(port->interface);
	if (port->ifindex)
		return;
	dp_log(DP_WARNING, "nic",
		"media.%s: no TAP for the kernel's share of %s: nobody answers ARP for its "
		"addresses",
		port->media->name, port->media->device);
	port->kernel_queues = 0;
	port->kind = NIC_OTHER;
}

// ---- the outside ----------------------------------------------------------------------------------

static void learn(struct port *port)
{
	struct rte_ether_addr mac;
	uint16_t mtu = port->kind == NIC_LINUX || port->kind == NIC_TAP
			       ? interface_mtu(port->interface)
			       : 0;

	port->id = port->ids[0];
	if (rte_eth_macaddr_get(port->id, &mac) == 0)
		memcpy(port->mac, mac.addr_bytes, 6);
	if (port->kind == NIC_TAP)
		port->ifindex = (int)if_nametoindex(port->interface);
	// The driver reports what it could carry, the kernel what the link does.
	if (rte_eth_dev_get_mtu(port->id, &port->mtu))
		port->mtu = RTE_ETHER_MTU;
	if (mtu)
		port->mtu = mtu;
}

int port_open(struct port *port, const struct cfg_media *media, unsigned workers,
	struct rte_mempool *pool, char why[PORT_WHY])
{
	int err;

	classify(port, media);
	dp_log_forget_dpdk();
	if (port->kind == NIC_LINUX) {
		err = open_linux(port, pool, why);
	} else {
		err = probe(port, (struct share){0}, "", why);
		if (!err)
			err = configure_last(port, 0, workers, pool, why);
	}
	if (err) {
		port_close(port);
		return err;
	}
	learn(port);
	if (port->kind == NIC_OWNED)
		open_kernel_side(port, workers, pool);
	return 0;
}

int port_admit(struct port *port, char why[PORT_WHY])
{
	const struct cfg_media *media = port->media;

	if (port->kind != NIC_LINUX)
		return 0;
	for (unsigned i = 0; i < media->address_count; i++) {
		int err = xdp_allow(&port->xdp, media->addresses[i].family, media->addresses[i].ip,
			media->first_port, media->last_port, i);

		if (err) {
			snprintf(why, PORT_WHY,
				"media.%s: cannot tell the XDP program its addresses: %s",
				media->name, strerror(-err));
			return err;
		}
	}
	return 0;
}

uint64_t *port_open_bits(const struct port *port, unsigned address)
{
	return port->kind == NIC_LINUX ? xdp_open(&port->xdp, address) : NULL;
}

void port_close(struct port *port)
{
	if (port->kind == NIC_LINUX)
		xdp_detach(&port->xdp);
	for (unsigned i = 0; i < port->id_count; i++) {
		rte_eth_dev_stop(port->ids[i]);
		rte_eth_dev_close(port->ids[i]);
	}
	port->id_count = 0;
	port->queues = 0;
	if (port->lock >= 0)
		close(port->lock);
	port->lock = -1;
}
