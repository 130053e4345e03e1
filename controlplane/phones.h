// SPDX-License-Identifier: BSD-3-Clause
// What the process does for phones and against those who only look like one: the registrar with its journal
// (`<state>/registrations`), bans, access lists, and the pings that keep the way to phones behind NAT open.
//
// Thread: the one of the loop.
#pragma once

#include "controlplane/ban.h"
#include "controlplane/registrar/registrar.h"
#include "controlplane/shard.h"
#include "controlplane/transport.h"
#include "dataplane/abi/sync.h"

struct cp_phones;

struct cp_phones_config {
	struct cp_policy *policy;
	uint64_t now_us, realtime_offset_us;
	void (*random)(void *ctx, void *out, size_t n);
	void *ctx;
	abi_atomic64 *counters; // the process's block
};

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -errno with a line in `why`. A journal that cannot be opened is logged; registrations then do not
// survive.
int cp_phones_new(
	struct cp_phones **out, const struct cp_phones_config *config, char *why, size_t size);
// When the transport is there.
void cp_phones_start(struct cp_phones *p, struct cp_transport *transport, struct cp_shard *shard);
void cp_phones_free(struct cp_phones *p);
int cp_phones_own(struct cp_phones *p, uid_t uid, gid_t gid);
void cp_phones_set_policy(struct cp_phones *p, struct cp_policy *policy);
void cp_phones_tick(struct cp_phones *p, uint64_t now_us);
// At the end of a pass: what changed goes to the journal.
void cp_phones_settle(struct cp_phones *p);
// Now and then: what the counters say.
void cp_phones_publish(struct cp_phones *p, struct cp_shard *first);

struct cp_registrar *cp_phones_registrar(struct cp_phones *p);
struct cp_bans *cp_phones_bans(struct cp_phones *p);
uint64_t cp_phones_now(const struct cp_phones *p);

// May this source send at all: no ban, no deny list? Counts what is dropped.
bool cp_phones_admits(struct cp_phones *p, const struct sip_flow *source);
// A stranger did what only scanners do.
void cp_phones_suspect(struct cp_phones *p, const struct sip_addr *source, const char *what);

#ifdef __cplusplus
}
#endif
