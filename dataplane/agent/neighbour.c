// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/neighbour.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "dataplane/agent/neighbour_table.h"
#include "dataplane/agent/routes.h"

#define READ_SIZE    65536
#define READS_A_POLL 16
#define EVENT_BUFFER (4 << 20)
#define ANSWER_US    500000

#define USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)
#define FRESH  (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP)

struct neighbour {
	struct mnl_socket *events; // what changes
	struct mnl_socket *asks;   // dumps and requests, answered while we wait
	struct route_table *routes;
	struct neighbour_link *links;
	unsigned link_count;
	struct neighbour_table *table;
	neighbour_changed *changed;
	void *arg;
	int changes; // since the last poll
	bool stale;  // routes must be read anew
	bool failed; // out of memory while reading
	uint32_t sequence;
	struct neighbour_stats stats;
	char buffer[READ_SIZE];
};

static unsigned size_of(uint8_t family)
{
	return family == 4 ? 4 : 16;
}

static uint8_t family_of(unsigned char af)
{
	return af == AF_INET ? 4 : af == AF_INET6 ? 6 : 0;
}

// An address attribute of the right size. False when it is not.
static bool take_ip(uint8_t ip[16], uint8_t family, const struct nlattr *attr)
{
	memset(ip, 0, 16);
	if (mnl_attr_get_payload_len(attr) != size_of(family))
		return false;
	memcpy(ip, mnl_attr_get_payload(attr), size_of(family));
	return true;
}

// ---- links --------------------------------------------------------------------------------------

static struct neighbour_link *link_at(struct neighbour *nb, int index)
{
	struct neighbour_link *links;

	for (unsigned i = 0; i < nb->link_count; i++)
		if (nb->links[i].index == index)
			return &nb->links[i];
	links = realloc(nb->links, (nb->link_count + 1) * sizeof(*links));
	if (!links) {
		nb->failed = true;
		return NULL;
	}
	nb->links = links;
	links[nb->link_count] = (struct neighbour_link){.index = index};
	return &links[nb->link_count++];
}

static void link_gone(struct neighbour *nb, int index)
{
	for (unsigned i = 0; i < nb->link_count; i++)
		if (nb->links[i].index == index)
			nb->links[i] = nb->links[--nb->link_count];
}

static void on_link(struct neighbour *nb, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct neighbour_link *link, before;
	const struct nlattr *attr;

	if (info->ifi_family != AF_UNSPEC)
		return; // a bridge port's view of the link
	nb->changes |= NEIGHBOUR_LINKS;
	nb->stale = true;
	if (nlh->nlmsg_type == RTM_DELLINK) {
		link_gone(nb, info->ifi_index);
		return;
	}
	link = link_at(nb, info->ifi_index);
	if (!link)
		return;
	before = *link;
	link->up = (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_RUNNING);
	mnl_attr_for_each(attr, nlh, sizeof(*info))
	{
		unsigned type = mnl_attr_get_type(attr);

		if (type == IFLA_ADDRESS && mnl_attr_get_payload_len(attr) == 6)
			memcpy(link->mac, mnl_attr_get_payload(attr), 6);
		else if (type == IFLA_MTU && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			link->mtu = mnl_attr_get_u32(attr);
		else if (type == IFLA_IFNAME)
			strncpy(link->name, mnl_attr_get_str(attr), sizeof(link->name) - 1);
	}
	nb->stats.updates += memcmp(&before, link, sizeof(before)) != 0;
}

const struct neighbour_link *neighbour_link(const struct neighbour *nb, int interface)
{
	for (unsigned i = 0; i < nb->link_count; i++)
		if (nb->links[i].index == interface)
			return &nb->links[i];
	return NULL;
}

const struct neighbour_link *neighbour_link_named(const struct neighbour *nb, const char *name)
{
	for (unsigned i = 0; i < nb->link_count; i++)
		if (strcmp(nb->links[i].name, name) == 0)
			return &nb->links[i];
	return NULL;
}

// ---- routes -------------------------------------------------------------------------------------

static bool take_gateway(struct route *route, uint8_t family, const struct nlattr *attr)
{
	route->gateway_family = family;
	return take_ip(route->gateway, family, attr);
}

// RTA_VIA: a gateway of another family than the route's.
static bool take_via(struct route *route, const struct nlattr *attr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	uint8_t family;

	if (mnl_attr_get_payload_len(attr) < sizeof(*via))
		return false;
	family = family_of((unsigned char)via->rtvia_family);
	if (!family || mnl_attr_get_payload_len(attr) != sizeof(*via) + size_of(family))
		return false;
	route->gateway_family = family;
	memcpy(route->gateway, via->rtvia_addr, size_of(family));
	return true;
}

static void apply_route(struct neighbour *nb, bool add, const struct route *route)
{
	int err = add ? routes_add(nb->routes, route) : routes_remove(nb->routes, route);

	if (err == -ENOMEM)
		nb->failed = true;
}

static void apply_multipath(
	struct neighbour *nb, bool add, const struct route *base, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	while (left >= (int)sizeof(*hop) && RTNH_OK(hop, left)) {
		struct route route = *base;
		const struct nlattr *attr = (const void *)RTNH_DATA(hop);
		int size = hop->rtnh_len - (int)sizeof(*hop);

		route.interface = hop->rtnh_ifindex;
		for (; mnl_attr_ok(attr, size);
			size -= MNL_ALIGN(attr->nla_len), attr = mnl_attr_next(attr)) {
			if (mnl_attr_get_type(attr) == RTA_GATEWAY)
				take_gateway(&route, base->family, attr);
			else if (mnl_attr_get_type(attr) == RTA_VIA)
				take_via(&route, attr);
		}
		apply_route(nb, add, &route);
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

// What we keep of routes: those that decide where a packet to another host goes.
static bool kept(const struct rtmsg *rtm, uint32_t table)
{
	if (table != RT_TABLE_MAIN || (rtm->rtm_flags & RTM_F_CLONED))
		return false;
	return rtm->rtm_type == RTN_UNICAST || rtm->rtm_type == RTN_BLACKHOLE ||
	       rtm->rtm_type == RTN_UNREACHABLE || rtm->rtm_type == RTN_PROHIBIT;
}

static void on_route(struct neighbour *nb, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route route = {
		.family = family_of(rtm->rtm_family),
		.prefix = rtm->rtm_dst_len,
		.blocked = rtm->rtm_type != RTN_UNICAST,
	};
	const struct nlattr *attr, *multipath = NULL;
	bool add = nlh->nlmsg_type == RTM_NEWROUTE, fits = true;
	uint32_t table = rtm->rtm_table;

	if (!route.family)
		return;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_TABLE:
			table = mnl_attr_get_u32(attr);
			break;
		case RTA_DST:
			fits &= take_ip(route.destination, route.family, attr);
			break;
		case RTA_GATEWAY:
			fits &= take_gateway(&route, route.family, attr);
			break;
		case RTA_VIA:
			fits &= take_via(&route, attr);
			break;
		case RTA_OIF:
			route.interface = (int)mnl_attr_get_u32(attr);
			break;
		case RTA_PRIORITY:
			route.metric = mnl_attr_get_u32(attr);
			break;
		case RTA_MULTIPATH:
			multipath = attr;
			break;
		}
	}
	if (!fits || !kept(rtm, table))
		return;
	if (route.blocked)
		route.interface = 0;
	if (add && (nlh->nlmsg_flags & NLM_F_REPLACE)) {
		struct route old = route;

		old.interface = 0; // whatever it led to
		routes_remove(nb->routes, &old);
	}
	if (multipath)
		apply_multipath(nb, add, &route, multipath);
	else
		apply_route(nb, add, &route);
	nb->changes |= NEIGHBOUR_ROUTES;
	nb->stats.updates++;
}

int neighbour_route(const struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip,
	uint8_t *hop_family, uint8_t hop[16])
{
	return routes_lookup(nb->routes, family, ip, interface, hop_family, hop);
}

// ---- neighbours ---------------------------------------------------------------------------------

static void tell_changed(void *arg, const struct neighbour_entry *entry)
{
	struct neighbour *nb = arg;

	if (nb->changed)
		nb->changed(nb->arg, entry->interface, entry->family, entry->ip);
}

static void set_entry(struct neighbour *nb, const struct ndmsg *ndm, const uint8_t ip[16],
	const uint8_t *mac, bool deleted)
{
	struct neighbour_entry entry = {
		.interface = ndm->ndm_ifindex,
		.family = family_of(ndm->ndm_family),
		.fresh = ndm->ndm_state & FRESH,
	};
	int moved;

	memcpy(entry.ip, ip, sizeof(entry.ip));
	if (deleted || !mac || !(ndm->ndm_state & USABLE)) {
		moved = neighbour_table_remove(nb->table, &entry);
	} else {
		memcpy(entry.mac, mac, sizeof(entry.mac));
		moved = neighbour_table_set(nb->table, &entry);
	}
	if (moved == -ENOMEM)
		nb->failed = true;
	if (moved < 0)
		return;
	nb->stats.updates++;
	nb->changes |= NEIGHBOUR_ENTRIES;
	if (moved)
		tell_changed(nb, &entry);
}

static void on_neighbour(struct neighbour *nb, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	const uint8_t *mac = NULL;
	uint8_t ip[16];
	bool found = false;

	if (!family_of(ndm->ndm_family) || (ndm->ndm_flags & NTF_PROXY))
		return;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		if (mnl_attr_get_type(attr) == NDA_DST)
			found = take_ip(ip, family_of(ndm->ndm_family), attr);
		else if (mnl_attr_get_type(attr) == NDA_LLADDR &&
			 mnl_attr_get_payload_len(attr) == 6)
			mac = mnl_attr_get_payload(attr);
	}
	if (found)
		set_entry(nb, ndm, ip, mac, nlh->nlmsg_type == RTM_DELNEIGH);
}

bool neighbour_find(const struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip,
	uint8_t mac[6], bool *fresh)
{
	struct neighbour_entry key = {.interface = interface, .family = family};
	const struct neighbour_entry *entry;

	memcpy(key.ip, ip, size_of(family));
	entry = neighbour_table_find(nb->table, &key);
	*fresh = entry && entry->fresh;
	if (entry)
		memcpy(mac, entry->mac, 6);
	return entry != NULL;
}

// ---- netlink ------------------------------------------------------------------------------------

static int on_message(const struct nlmsghdr *nlh, void *arg)
{
	struct neighbour *nb = arg;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct ifinfomsg))
			on_link(nb, nlh);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct rtmsg))
			on_route(nb, nlh);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct ndmsg))
			on_neighbour(nb, nlh);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		nb->stale = true;
		break;
	}
	return MNL_CB_OK;
}

// Sends a request on `asks` and hands the answers to `callback` until the last has come.
static int ask(struct neighbour *nb, struct nlmsghdr *nlh, mnl_cb_t callback, void *arg)
{
	unsigned port = mnl_socket_get_portid(nb->asks);
	int more = 1;

	nlh->nlmsg_seq = ++nb->sequence;
	if (mnl_socket_sendto(nb->asks, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > 0) {
		ssize_t n = mnl_socket_recvfrom(nb->asks, nb->buffer, sizeof(nb->buffer));

		if (n < 0)
			return -errno;
		more = mnl_cb_run(nb->buffer, (size_t)n, nb->sequence, port, callback, arg);
		if (more < 0 && errno == EPROTO) {
			more = 1; // the answer to an earlier question that we gave up on
			continue;
		}
		if (more < 0)
			return -errno;
	}
	return nb->failed ? -ENOMEM : 0;
}

static int dump(struct neighbour *nb, uint16_t type, uint8_t af, size_t header)
{
	char request[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	*(uint8_t *)mnl_nlmsg_put_extra_header(nlh, header) = af;
	return ask(nb, nlh, on_message, nb);
}

static int read_routes(struct neighbour *nb)
{
	int err;

	routes_clear(nb->routes);
	nb->stale = false;
	nb->failed = false;
	err = dump(nb, RTM_GETROUTE, AF_INET, sizeof(struct rtmsg));
	if (!err)
		err = dump(nb, RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg));
	nb->changes |= NEIGHBOUR_ROUTES;
	return err;
}

static int read_all(struct neighbour *nb)
{
	int err = dump(nb, RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg));

	neighbour_table_age(nb->table);
	if (!err)
		err = dump(nb, RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg));
	if (!err)
		err = dump(nb, RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg));
	if (!err)
		neighbour_table_drop_old(nb->table, tell_changed, nb);
	return err ? err : read_routes(nb);
}

static int open_socket(struct mnl_socket **out)
{
	*out = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!*out)
		return -errno;
	return mnl_socket_bind(*out, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

static int subscribe(struct mnl_socket *nl)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
	int size = EVENT_BUFFER;

	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
			return -errno;
	}
	// Beyond rmem_max only with CAP_NET_ADMIN; an overflow is noticed and mended anyway.
	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

int neighbour_open(struct neighbour **out)
{
	struct timeval patience = {.tv_usec = ANSWER_US};
	struct neighbour *nb = calloc(1, sizeof(*nb));
	int err = -ENOMEM;

	*out = NULL;
	if (!nb)
		return err;
	nb->routes = routes_new();
	nb->table = neighbour_table_new();
	if (!nb->routes || !nb->table)
		goto fail;
	err = open_socket(&nb->events);
	if (!err)
		err = subscribe(nb->events);
	if (!err)
		err = open_socket(&nb->asks);
	if (err)
		goto fail;
	setsockopt(
		mnl_socket_get_fd(nb->asks), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	err = read_all(nb);
	if (err)
		goto fail;
	*out = nb;
	return 0;
fail:
	neighbour_close(nb);
	return err;
}

void neighbour_tell(struct neighbour *nb, neighbour_changed *changed, void *arg)
{
	nb->changed = changed;
	nb->arg = arg;
}

void neighbour_close(struct neighbour *nb)
{
	if (!nb)
		return;
	if (nb->events)
		mnl_socket_close(nb->events);
	if (nb->asks)
		mnl_socket_close(nb->asks);
	routes_free(nb->routes);
	neighbour_table_free(nb->table);
	free(nb->links);
	free(nb);
}

int neighbour_fd(const struct neighbour *nb)
{
	return mnl_socket_get_fd(nb->events);
}

int neighbour_poll(struct neighbour *nb)
{
	int fd = mnl_socket_get_fd(nb->events);
	int changes, err = 0;

	for (unsigned i = 0; i < READS_A_POLL; i++) {
		ssize_t n = recv(fd, nb->buffer, sizeof(nb->buffer), MSG_DONTWAIT);

		if (n < 0 && errno == ENOBUFS) {
			nb->stats.resyncs++;
			err = read_all(nb);
			break;
		}
		if (n <= 0)
			break;
		mnl_cb_run(nb->buffer, (size_t)n, 0, 0, on_message, nb);
	}
	if (nb->stale && !err) {
		nb->stats.resyncs++;
		err = read_routes(nb);
	}
	changes = nb->changes;
	nb->changes = 0;
	if (err)
		nb->stale = true; // tried again at the next poll
	return err ? err : changes;
}

// A neighbour request on `nlh`. The kernel's answer is not waited for: success says nothing yet.
static int send_neighbour(struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip,
	uint16_t state, uint8_t flags, const uint8_t *mac)
{
	char request[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE;
	ndm->ndm_family = family == 4 ? AF_INET : AF_INET6;
	ndm->ndm_ifindex = interface;
	ndm->ndm_state = state;
	ndm->ndm_flags = flags;
	mnl_attr_put(nlh, NDA_DST, size_of(family), ip);
	if (mac)
		mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	nlh->nlmsg_seq = ++nb->sequence;
	// By way of `events`, where a refusal is read and ignored, so that `asks` stays in step.
	return mnl_socket_sendto(nb->events, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

int neighbour_use(struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip)
{
	nb->stats.uses++;
	return send_neighbour(nb, interface, family, ip, NUD_NONE, NTF_USE, NULL);
}

int neighbour_pin(struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip,
	const uint8_t mac[6])
{
	return send_neighbour(nb, interface, family, ip, NUD_PERMANENT, 0, mac);
}

struct owns {
	int interface;
	uint8_t family;
	const uint8_t *ip;
	bool found;
};

static int on_address(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct owns *owns = arg;
	const struct nlattr *attr;
	uint8_t ip[16];

	if ((int)ifa->ifa_index != owns->interface || family_of(ifa->ifa_family) != owns->family)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		unsigned type = mnl_attr_get_type(attr);

		// On a point-to-point link IFA_ADDRESS is the other end's.
		if (type != IFA_LOCAL && !(type == IFA_ADDRESS && owns->family == 6))
			continue;
		if (take_ip(ip, owns->family, attr) &&
			memcmp(ip, owns->ip, size_of(owns->family)) == 0)
			owns->found = true;
	}
	return MNL_CB_OK;
}

bool neighbour_owns(struct neighbour *nb, int interface, uint8_t family, const uint8_t *ip)
{
	struct owns owns = {.interface = interface, .family = family, .ip = ip};
	char request[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ifa->ifa_family = family == 4 ? AF_INET : AF_INET6;
	return ask(nb, nlh, on_address, &owns) == 0 && owns.found;
}

struct neighbour_stats neighbour_stats(const struct neighbour *nb)
{
	return nb->stats;
}
