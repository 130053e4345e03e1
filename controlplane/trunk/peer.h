// SPDX-License-Identifier: BSD-3-Clause
// Peers: who somebody is by where he sends from, and where calls to him go.
//
// A source address belongs to the peer with the longest prefix that holds it; of several peers with
// the same prefix, to the one that wrote the source's port, else to the first of the file. One
// look-up costs a hash probe for each prefix length that the file uses.
//
// Thread: immutable after making; any thread may look up.
#pragma once

#include "controlplane/config/config.h"
#include "sip/flow.h"

struct cp_peers;

struct cp_peer {
	const struct cfg_peer *cfg;
	uint16_t index;         // into cfg.peers
	uint16_t socket;        // listener that requests to it leave from
	bool callable;          // has a host address, and a listener of its family and transport
	struct sip_addr remote; // where calls to it go
};

#ifdef __cplusplus
extern "C" {
#endif

// `cfg` must outlive it. 0 or -ENOMEM.
int cp_peers_new(const struct cfg *cfg, struct cp_peers **out);
void cp_peers_free(struct cp_peers *peers);

// NULL: a stranger.
const struct cp_peer *cp_peers_by_source(
	const struct cp_peers *peers, const struct sip_addr *source);
// By index of cfg.peers; NULL past the end.
const struct cp_peer *cp_peers_at(const struct cp_peers *peers, unsigned index);
// For the maker of the policy: chooses the listener.
struct cp_peer *cp_peers_edit(struct cp_peers *peers, unsigned index);

#ifdef __cplusplus
}
#endif
