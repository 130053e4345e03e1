// SPDX-License-Identifier: BSD-3-Clause
// The registrar of access peers, and who their phones are.
//
//   REGISTER (RFC 3261 10.3): digest, Path (3327), outbound (5626), GRUU (5627); bindings in location.h.
//   Calls of phones: 401 until they have proved who they are; where to ring a user.
//
// An address of record is of a peer when its host is one of the peer's domains; of the one peer without a
// domain, when it is an address of ours. Whoever fails is told 403 whether the user exists or not, and
// nothing is looked up before a nonce of ours has come back from the same address: who forges his source fails
// nobody's log-in but his own.
//
// REGISTERs of one host are counted by a token bucket (RATE a second); above it they are refused by 503 unread.
//
// Thread: that of the shards that share it; all run on one.
#pragma once

#include "controlplane/config/users.h"
#include "controlplane/registrar/location.h"
#include "controlplane/trunk/policy.h"
#include "sip/transaction.h"

struct cp_registrar;

struct cp_registrar_counters {
	uint64_t registers;  // answered by 200
	uint64_t challenged; // 401
	uint64_t stale;      // of these, for a nonce that was too old
	uint64_t replayed;   // of these, for one that was used
	uint64_t failed;     // wrong password, unknown user
	uint64_t refused;    // 4xx otherwise
	uint64_t expired;
	uint64_t flooded; // 503
	uint64_t pings;
	uint64_t kept_failed;
};

struct cp_registrar_ops {
	void (*random)(void *ctx, void *out, size_t n);
	// The journal: NULL when there is none.
	int (*keep)(void *ctx, uint64_t id, const void *record, size_t n);
	int (*drop)(void *ctx, uint64_t id);
	// A wrong password or unknown user came from there. `what`: for the log.
	void (*suspect)(void *ctx, const struct sip_addr *source, const char *what);
	// Does this connection stand? NULL: all do.
	bool (*alive)(void *ctx, const struct sip_flow *flow);
	// Sends an OPTIONS to keep its flow open. NULL: nobody does.
	void (*ping)(void *ctx, const struct cp_contact *contact);
};

#ifdef __cplusplus
extern "C" {
#endif

// Holds `policy`. 0 or -ENOMEM.
int cp_registrar_new(struct cp_registrar **out, const struct cp_registrar_ops *ops, void *ctx,
	struct cp_policy *policy, uint64_t now_us, uint64_t realtime_offset_us);
void cp_registrar_free(struct cp_registrar *r);
// Users who are in no file any more lose their bindings.
void cp_registrar_set_policy(struct cp_registrar *r, struct cp_policy *policy);
void cp_registrar_tick(struct cp_registrar *r, uint64_t now_us);
// A record of the journal; as cp_location_restore().
int cp_registrar_restore(struct cp_registrar *r, uint64_t id, const void *record, size_t n);
bool cp_registrar_settle(struct cp_registrar *r);
// After all records: the key of temporary GRUUs goes into the journal, unless it came from there.
void cp_registrar_keep_key(struct cp_registrar *r);
// Are there any phones in the configuration?
bool cp_registrar_serves(const struct cp_registrar *r);
struct cp_location *cp_registrar_location(struct cp_registrar *r);
const struct cp_registrar_counters *cp_registrar_counters(const struct cp_registrar *r);

// Answers a REGISTER, at once.
void cp_registrar_request(
	struct cp_registrar *r, struct sip_transaction *tx, const struct sip_message *m);

// ---- who calls

enum cp_login {
	CP_LOGIN_OK,
	CP_LOGIN_ANSWERED, // challenged or refused
	CP_LOGIN_FOREIGN,  // of no domain of ours: a stranger
};
// Who sends this request, by digest. Of OK *peer and *user are set.
enum cp_login cp_registrar_login(struct cp_registrar *r, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer **peer, const struct cfg_user **user);
// Is somebody registered from this host?
bool cp_registrar_knows(const struct cp_registrar *r, const struct sip_addr *host);
void cp_registrar_closed(struct cp_registrar *r, const struct sip_flow *flow);

// ---- whom to ring

#define CP_RING 16u // phones of one user that ring

struct cp_ring {
	struct sip_flow flow;
	uint16_t q;
	char uri[512];
	char route[512]; // value of a Route header; empty: none
};
// The phones of the user that is dialled, by name or number, or by a GRUU of his, in the order in which they
// are to ring; of one phone with several flows (RFC 5626) the youngest. 0: how many in *count; -ENOENT: no
// such user (404); -EHOSTUNREACH: nobody is registered (480).
int cp_registrar_ring(struct cp_registrar *r, const struct cp_policy *policy,
	const struct cp_peer *peer, const struct sip_uri *dialled, struct cp_ring list[CP_RING],
	unsigned *count);
// The user behind a name or number. NULL: none.
const struct cfg_user *cp_registrar_user(
	const struct cp_policy *policy, const struct cp_peer *peer, const struct sip_uri *uri);

#ifdef __cplusplus
}
#endif
