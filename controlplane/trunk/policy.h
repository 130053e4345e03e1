// SPDX-License-Identifier: BSD-3-Clause
// A policy: one loaded configuration with all that call logic derives from it. Immutable once made;
// a shard holds the present one and each call the one it began with, so a new configuration is
// swapped in at once and drops no call.
//
// Thread: made and released on one shard's thread (the reference count is plain); contents may be
// read anywhere.
#pragma once

#include "controlplane/config/users.h"
#include "controlplane/trunk/peer.h"
#include "controlplane/trunk/route.h"

struct cp_listener {
	struct sip_addr local;
	uint8_t transport;                // enum sip_transport
	int16_t stream;                   // of UDP: the TCP listener of the same address, -1: none
	char host[SIP_ADDR_TEXT];         // as a URI writes it, IPv6 in brackets
	char sent_by[SIP_ADDR_TEXT + 8];  // of a Via
	char contact[SIP_ADDR_TEXT + 24]; // of a Contact, behind the user: host:port;transport=...
};

// Our own address that the kernel would send from towards `to`; 0 or -errno. NULL: the first
// listener of the right family is taken.
typedef int cp_source_fn(void *ctx, const struct sip_addr *to, struct sip_addr *from);

struct cp_policy {
	unsigned references;
	struct cfg *cfg; // owned
	struct cp_peers *peers;
	struct cp_routes *routes;
	struct cfg_users **users; // by peer; NULL: it has none
	struct cp_listener *listeners; // in the order of cfg.sip.listen: flow.socket is the index
	unsigned listener_count;
	bool rules[2]; // some peer has header rules, by enum cfg_direction
	cp_source_fn *source;
	void *source_ctx;
};

#ifdef __cplusplus
extern "C" {
#endif

// Takes `cfg` over, also on error. Reads the tables and price lists that it names: may take a second, and be
// done on any thread. 0, or -errno with `why` written.
int cp_policy_new(struct cfg *cfg, cp_source_fn *source, void *ctx, struct cp_policy **out,
	struct cfg_error *why);
// The listener to reach `to` by: of that transport, with the address that the kernel would send from
// if there is one, else the first of the family. Its index; -1: none.
int cp_policy_listener(
	const struct cp_policy *policy, uint8_t transport, const struct sip_addr *to);
struct cp_policy *cp_policy_hold(struct cp_policy *policy);
void cp_policy_release(struct cp_policy *policy);
bool cp_policy_same_listeners(const struct cp_policy *a, const struct cp_policy *b);

#ifdef __cplusplus
}
#endif
