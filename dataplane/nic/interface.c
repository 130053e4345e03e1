// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nic/interface.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/nic/port.h"

static int ask(const char *interface, unsigned long request, struct ifreq *ifr)
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

struct interface_queues interface_queues(const char *interface)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifr = {.ifr_data = (char *)&channels};

	if (ask(interface, SIOCETHTOOL, &ifr))
		return (struct interface_queues){.count = 1, .combined = true};
	if (channels.max_combined && channels.rx_count == 0)
		return (struct interface_queues){
			.count = channels.combined_count, .combined = true};
	channels.rx_count += channels.combined_count;
	if (channels.rx_count <= 1)
		return (struct interface_queues){.count = 1, .combined = true};
	return (struct interface_queues){.count = channels.rx_count};
}

uint16_t interface_mtu(const char *interface)
{
	struct ifreq ifr = {0};

	if (ask(interface, SIOCGIFMTU, &ifr) || ifr.ifr_mtu < 0)
		return 0;
	return (uint16_t)(ifr.ifr_mtu < UINT16_MAX ? ifr.ifr_mtu : UINT16_MAX);
}

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

static int check_capabilities(const char *media, const char *interface, char why[INTERFACE_WHY])
{
	const char *missing = NULL;

	if (!capable(CAP_NET_ADMIN))
		missing = "CAP_NET_ADMIN";
	else if (!capable(CAP_NET_RAW))
		missing = "CAP_NET_RAW";
	else if (!capable(CAP_BPF) && !capable(CAP_SYS_ADMIN))
		missing = "CAP_BPF";
	if (!missing)
		return 0;
	snprintf(why, INTERFACE_WHY,
		"media.%s: AF_XDP on %s needs %s; start as root or give the capability (systemd: "
		"AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_IPC_LOCK)",
		media, interface, missing);
	return -EPERM;
}

static int check_locked_memory(
	const char *media, const char *interface, size_t bytes, char why[INTERFACE_WHY])
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (capable(CAP_IPC_LOCK) || setrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		return 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur >= bytes)
		return 0;
	snprintf(why, INTERFACE_WHY,
		"media.%s: AF_XDP on %s must lock %zu MiB of memory and RLIMIT_MEMLOCK allows %zu; "
		"raise it (systemd: LimitMEMLOCK=infinity) or give CAP_IPC_LOCK",
		media, interface, bytes >> 20, (size_t)limit.rlim_cur >> 20);
	return -ENOMEM;
}

int interface_check(const char *media, const char *interface, size_t bytes, int *ifindex,
	char why[INTERFACE_WHY])
{
	struct interface_queues queues;
	char all[256];
	int err;

	*ifindex = (int)if_nametoindex(interface);
	if (*ifindex == 0) {
		list_interfaces(all, sizeof(all));
		snprintf(why, INTERFACE_WHY,
			"media.%s: no interface %s on this machine; there are:%s", media, interface,
			all);
		return -ENODEV;
	}
	err = check_capabilities(media, interface, why);
	if (!err)
		err = check_locked_memory(media, interface, bytes, why);
	if (err)
		return err;
	queues = interface_queues(interface);
	if (queues.count <= PORT_QUEUES)
		return 0;
	snprintf(why, INTERFACE_WHY,
		"media.%s: %s has %u queues, %u are supported; run: ethtool -L %s %s %u", media,
		interface, queues.count, PORT_QUEUES, interface,
		queues.combined ? "combined" : "rx", PORT_QUEUES);
	return -EINVAL;
}

// An abstract socket's name belongs to the network namespace, as interfaces do, and goes away with
// its process, however that ends.
int interface_lock(const char *media, const char *interface, char why[INTERFACE_WHY])
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "hawse-media/%s", interface);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&un, size) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(why, INTERFACE_WHY, "media.%s: another hawse-media is using %s", media, interface);
	return -EBUSY;
}

const char *interface_hint(const char *said)
{
	static const struct {
		const char *words, *hint;
	} hints[] = {
		{"number of rx queues not less than peer tx queues",
			"; give this end as many receive queues as the peer has transmit queues, "
			"or the "
			"peer fewer: ethtool -L PEER tx 1"},
		{"Peer MTU is too large",
			"; run on the other end of the veth: ip link set dev PEER mtu 1500"},
		{"MTU is too large", "; run: ip link set dev INTERFACE mtu 1500"},
		{"Operation not permitted",
			"; start as root or give CAP_NET_ADMIN and CAP_NET_RAW"},
		{"Too many open files", "; raise the limit (systemd: LimitNOFILE=65536)"},
	};

	for (unsigned i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strstr(said, hints[i].words))
			return hints[i].hint;
	return "";
}
