// SPDX-License-Identifier: BSD-3-Clause
// The XDP program of a media interface: what is UDP to one of our addresses and a port of its media
// range goes to the AF_XDP socket of the queue it came on; all else (ARP, neighbour discovery, ICMP,
// SIP, the operator's ssh) goes on to the kernel.
//
// A packet for a media port that finds no socket is dropped: passed on, the kernel would answer it
// with an ICMP port unreachable, and the far end would hang up. This is the state between a crash of
// hawse-media and its next start. A packet for a port that no session has is dropped for the same
// reason, and so that junk costs no room in the sockets' rings: media_open has a bit for each port,
// which hawse-media writes through a mapping of it.
//
// Fragments carry no ports (all but the first) and are left to the kernel, counted.
#include "media.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_TAGS      2
#define FRAGMENT_BITS 0x3fff // more-fragments flag and offset
#define IPV6_FRAGMENT 44

struct vlan_tag {
	__be16 tci;
	__be16 type;
};

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, XDP_MEDIA_MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_MEDIA_MAX_ADDRESSES);
	__type(key, struct xdp_media_key);
	__type(value, struct xdp_media_range);
} media_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDP_MEDIA_MAX_ADDRESSES *XDP_MEDIA_WORDS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} media_open SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_MEDIA_COUNTS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} media_counts SEC(".maps");

static __always_inline void count(__u32 what)
{
	__u64 *value = bpf_map_lookup_elem(&media_counts, &what);

	if (value)
		*value += 1;
}

static __always_inline int malformed(void)
{
	count(XDP_MEDIA_MALFORMED);
	return XDP_PASS;
}

static __always_inline int is_open(__u32 address, __u16 port)
{
	__u32 word = address * XDP_MEDIA_WORDS + port / 64;
	const __u64 *bits = bpf_map_lookup_elem(&media_open, &word);

	return bits && *bits >> port % 64 & 1;
}

static __always_inline int to_socket(struct xdp_md *ctx)
{
	int action = bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_DROP);

	if (action != XDP_REDIRECT)
		count(XDP_MEDIA_NO_SOCKET);
	return action;
}

static __always_inline int deliver(struct xdp_md *ctx, const struct xdp_media_key *key,
	const void *l4, void *end, int fragment)
{
	const struct xdp_media_range *range = bpf_map_lookup_elem(&media_addresses, key);
	const struct udphdr *udp = l4;
	__u16 port;

	if (!range)
		return XDP_PASS;
	if (fragment) {
		count(XDP_MEDIA_FRAGMENT);
		return XDP_PASS;
	}
	if ((void *)(udp + 1) > end)
		return malformed();
	port = bpf_ntohs(udp->dest);
	if (port < range->first_port || port > range->last_port)
		return XDP_PASS;
	if (!is_open(range->index, port)) {
		count(XDP_MEDIA_CLOSED);
		return XDP_DROP;
	}
	return to_socket(ctx);
}

static __always_inline int ipv4(struct xdp_md *ctx, void *l3, void *end)
{
	struct xdp_media_key key = {.family = 4};
	const struct iphdr *ip = l3;

	if ((void *)(ip + 1) > end)
		return malformed();
	if (ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (ip->ihl < 5)
		return malformed();
	__builtin_memcpy(key.ip, &ip->daddr, 4);
	return deliver(ctx, &key, l3 + ip->ihl * 4, end, ip->frag_off & bpf_htons(FRAGMENT_BITS));
}

static __always_inline int ipv6(struct xdp_md *ctx, void *l3, void *end)
{
	struct xdp_media_key key = {.family = 6};
	const struct ipv6hdr *ip = l3;

	if ((void *)(ip + 1) > end)
		return malformed();
	if (ip->nexthdr != IPPROTO_UDP && ip->nexthdr != IPV6_FRAGMENT)
		return XDP_PASS;
	__builtin_memcpy(key.ip, &ip->daddr, 16);
	return deliver(ctx, &key, ip + 1, end, ip->nexthdr == IPV6_FRAGMENT);
}

SEC("xdp")
int hawse_media(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	void *l3 = eth + 1;
	__be16 type;

	if (l3 > end)
		return XDP_PASS;
	type = eth->h_proto;
#pragma unroll
	for (int i = 0; i < MAX_TAGS; i++) {
		struct vlan_tag *tag = l3;

		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		l3 = tag + 1;
		if (l3 > end)
			return malformed();
		type = tag->type;
	}
	if (type == bpf_htons(ETH_P_IP))
		return ipv4(ctx, l3, end);
	if (type == bpf_htons(ETH_P_IPV6))
		return ipv6(ctx, l3, end);
	return XDP_PASS;
}

char media_license[] SEC("license") = "Dual BSD/GPL";
