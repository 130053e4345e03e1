// SPDX-License-Identifier: BSD-3-Clause
// What the XDP program and hawse-media both know: the maps and what lies in them. Included by the
// BPF program and by steering code, so it holds plain integers only.
#pragma once

#include <linux/types.h>

#define XDP_MEDIA_PROGRAM   "hawse_media"
#define XDP_MEDIA_SOCKETS   "xsks_map" // the name that DPDK's net_af_xdp looks for
#define XDP_MEDIA_ADDRESSES "media_addresses"
#define XDP_MEDIA_COUNTS    "media_counts"
#define XDP_MEDIA_OPEN      "media_open"

#define XDP_MEDIA_MAX_QUEUES    64
#define XDP_MEDIA_MAX_ADDRESSES 1024
#define XDP_MEDIA_WORDS         1024 // of 64 bits, one a port, for each address in media_open

struct xdp_media_key { // one local address; IPv4 in the first four bytes, rest zero
	__u8 ip[16];
	__u32 family; // 4 or 6
};

struct xdp_media_range { // inclusive, host order
	__u16 first_port;
	__u16 last_port;
	__u32 index; // of the address in media_open
};

enum xdp_media_count {
	XDP_MEDIA_FRAGMENT,  // fragment to a media address, left to the kernel
	XDP_MEDIA_MALFORMED, // cut short inside a header, left to the kernel
	XDP_MEDIA_NO_SOCKET, // for a media port, but no socket serves this queue: dropped
	XDP_MEDIA_CLOSED,    // for a media port that no session has: dropped
	XDP_MEDIA_COUNTS_MAX,
};
