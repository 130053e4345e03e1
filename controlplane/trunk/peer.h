// SPDX-License-Identifier: BSD-3-Clause
// Peers: who somebody is by where he sends from, and where calls to him go.
//
// A source address belongs to the peer with the longest prefix that holds it; its port does not
// matter. One look-up costs a hash probe for each prefix length that the file uses.
//
// A peer with a name in its tls section is known by its certificate alone: no source address is its own
// here (transport.h knows it). Nor do names of peers live here: what they resolve to changes.
//
// Thread: immutable after making; any thread may look up.
#pragma once

#include "controlplane/config/config.h"
#include "sip/flow.h"
#include "sip/sdp/transcode.h"

#define CP_HOPS 8u // flows that a request to a peer may try

struct cp_peers;

struct cp_peer {
	const struct cfg_peer *cfg;
	struct sdp_codec_policy codecs; // of its cfg
	uint16_t index;         // into cfg.peers
	uint16_t socket;        // listener that requests to it leave from
	uint8_t transport;      // enum sip_transport
	bool callable;          // by name, or has a host address and a listener that reaches it
	struct sip_addr remote; // where calls to it go; family 0 when a name says so
	char host[256];         // as a URI of it says: address (IPv6 in brackets) or name
	char hostport[280]; // as a Request-URI says: with the port and transport that were chosen
};

// What it says of its own addresses need not be where it can be reached.
static inline bool cp_peer_behind_nat(const struct cp_peer *peer)
{
	const struct cfg_trunk *t = &peer->cfg->trunk;

	return t->nat == CFG_YES || (t->nat == CFG_YES_DEFAULT && peer->cfg->kind != CFG_TRUNK);
}

#ifdef __cplusplus
extern "C" {
#endif

// `cfg` must outlive it. 0 or -ENOMEM.
int cp_peers_new(const struct cfg *cfg, struct cp_peers **out);
void cp_peers_free(struct cp_peers *peers);

// NULL: a stranger. `prefix` may be NULL: gets the length of the prefix that it is known by.
const struct cp_peer *cp_peers_find(
	const struct cp_peers *peers, const struct sip_addr *source, unsigned *prefix);
// Whose address is this, though it may not be enough to know the peer by? NULL: nobody's.
const struct cp_peer *cp_peers_owner(const struct cp_peers *peers, const struct sip_addr *addr);
// cp_peers_find() without the prefix.
const struct cp_peer *cp_peers_by_source(
	const struct cp_peers *peers, const struct sip_addr *source);
// By index of cfg.peers; NULL past the end.
const struct cp_peer *cp_peers_at(const struct cp_peers *peers, unsigned index);
// For the maker of the policy: chooses the listener.
struct cp_peer *cp_peers_edit(struct cp_peers *peers, unsigned index);

#ifdef __cplusplus
}
#endif
