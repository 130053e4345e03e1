// SPDX-License-Identifier: BSD-3-Clause
// A shard: a transaction layer, its dialogs, its calls, and everything that belongs to them. Bytes,
// the time and what hawse-media says go in; bytes, commands and CDR lines come out by cp_shard_ops.
// It opens no socket, reads no clock and shares nothing with another shard, so a test drives whole
// calls through it, and a process may run one per thread.
//
// The caller sets the time by cp_shard_tick() before anything else when it wakes up, and calls it
// again no later than cp_shard_next() says.
//
// Thread: one.
#pragma once

#include "controlplane/shm/client.h"
#include "controlplane/shm/tregion.h"
#include "controlplane/trunk/account.h"
#include "controlplane/trunk/policy.h"
#include "dataplane/abi/message.h"
#include "sip/flow.h"

struct cp_shard;
struct cp_registrar;
struct cp_dtls_keys;

struct cp_shard_ops {
	// To the wire. 0 or -errno.
	int (*send)(void *ctx, const struct sip_flow *to, const uint8_t *bytes, size_t n);
	// A command to hawse-media; all as cp_shm_submit() and its friends in shm/client.h.
	// `done` is never called from inside.
	int (*submit)(void *ctx, struct abi_msg *command, cp_shm_reply_fn *done, void *user);
	void (*forget)(void *ctx, uint64_t transaction);
	// This shard has claimed or replayed all its sessions since the last cp_shard_attached().
	void (*reconciled)(void *ctx);
	// One line of JSON, its newline included. 0 or -errno.
	int (*cdr)(void *ctx, const char *line, size_t n);
	// Must not fail.
	void (*random)(void *ctx, void *out, size_t n);

	// The journal: writes or replaces the record of a call, forgets it. 0 or -errno. NULL: there is
	// none, and calls do not survive a restart.
	int (*keep)(void *ctx, uint64_t id, const uint8_t *record, size_t n);
	int (*drop)(void *ctx, uint64_t id);

	// The rest is the transport's (transport.h), and may be NULL: then a peer is where the configuration
	// says, and known by its address.

	unsigned (*locate)(void *ctx, const struct cp_policy *policy, const struct cp_peer *peer,
		struct sip_flow list[CP_HOPS]);
	int (*route)(void *ctx, struct sip_flow *flow, size_t n);
	void (*failed)(void *ctx, const struct sip_flow *flow);
	const struct cp_peer *(*who)(
		void *ctx, const struct cp_policy *policy, const struct sip_flow *flow);
	bool (*owns)(void *ctx, const struct cp_policy *policy, const struct cp_peer *peer,
		const struct sip_addr *addr);
	// May a new call be sent there now, or did the neighbour ask for fewer (RFC 7339)? `uri`: whom it calls.
	bool (*admits)(void *ctx, const struct sip_flow *to, struct sip_slice uri);
	// A message was refused unread.
	void (*junk)(void *ctx, const struct sip_flow *source);
	// Somebody unknown asked for a call.
	void (*suspect)(void *ctx, const struct sip_addr *source, const char *what);

	// DTLS (secure/handshakes.h), packets by region P, and what a hawse-media before this one had learned
	// (shm/client.h). All may be NULL: then there is none.

	// `ours`: which of our certificates, by its fingerprint. 0 or -errno.
	int (*dtls_open)(void *ctx, uint64_t id, bool active, const char *ours, const char *theirs,
		const struct abi_addr *remote);
	void (*dtls_feed)(void *ctx, uint64_t id, const uint8_t *bytes, size_t n);
	void (*dtls_close)(void *ctx, uint64_t id);
	int (*inject)(void *ctx, const struct abi_punt *packet);
	int (*resume)(void *ctx, uint64_t epoch, uint32_t slot, uint32_t generation, unsigned leg,
		struct abi_leg_resume *resume);

	// When media came last from this leg, as hawse-media publishes it. 0 or -errno. NULL: nobody knows.
	int (*heard)(void *ctx, uint64_t epoch, uint32_t slot, uint32_t generation, unsigned leg,
		uint64_t *last_us);
	// A leg begins, with its CDR as it stands; and it has its final one. NULL: nobody keeps them.
	void (*cdr_opened)(void *ctx, const char *line, size_t n);
	void (*cdr_closed)(void *ctx, const char *id);
	// What hawse-media has counted for a leg, also one that is gone (cp_shm_stats()). NULL: nothing.
	int (*stats)(void *ctx, uint64_t epoch, uint32_t slot, uint32_t generation, unsigned leg,
		struct abi_leg_stats *stats);
	// hawse-media would refuse another call that has to be transcoded. NULL: never.
	bool (*transcoders_full)(void *ctx);
	// The operator has taken this peer out of service: no new calls from it. NULL: nobody is.
	bool (*disabled)(void *ctx, const struct cp_peer *peer);
	// This trunk does not answer any more: cp_shard_trunk_down() for every shard. NULL: there is but one.
	void (*trunk_down)(void *ctx, const char *name);
};

struct cp_shard_config {
	const struct cp_shard_ops *ops; // must outlive the shard
	void *ctx;
	struct cp_tregion *tregion; // with the counters of cp_counters_describe()
	uint32_t index;             // of this shard
	struct cp_policy *policy;   // held by the shard from now on
	uint64_t now_us;            // CLOCK_MONOTONIC
	uint64_t realtime_offset_us;
	struct cp_registrar *registrar; // of all shards of this thread; NULL: there are no phones
	struct cp_accounts *accounts; // of all shards; must outlive it. NULL: its own
};

#ifdef __cplusplus
extern "C" {
#endif

// 0, -ENOMEM, -EINVAL. sip_init() must have been called.
int cp_shard_new(const struct cp_shard_config *config, struct cp_shard **out);
// Forgets every call without a word to anybody.
void cp_shard_free(struct cp_shard *shard);

void cp_shard_tick(struct cp_shard *shard, uint64_t now_us);
// CLOCK_MONOTONIC microseconds, UINT64_MAX: nothing is due.
uint64_t cp_shard_next(const struct cp_shard *shard);

// One datagram, or one framed message.
void cp_shard_receive(
	struct cp_shard *shard, const struct sip_flow *source, const uint8_t *data, size_t n);
// Is this the Call-ID of a call, or of one not long ago? False of some that are: a cache.
bool cp_shard_knows(struct cp_shard *shard, struct sip_slice call_id);
// The transport says that what was sent there did not arrive (ICMP).
void cp_shard_unreachable(struct cp_shard *shard, const struct sip_flow *to, int error);
// A connection is gone.
void cp_shard_closed(struct cp_shard *shard, const struct sip_flow *flow, int error);

// hawse-media is there: running calls claim or replay their sessions, then new calls are taken.
void cp_shard_attached(struct cp_shard *shard, const struct cp_shm_info *info);
// It is gone: running calls go on, new ones get 503.
void cp_shard_detached(struct cp_shard *shard);
// LEARNED, MEDIA_TIMEOUT, SWEPT. False when the session is none of this shard's.
bool cp_shard_event(struct cp_shard *shard, const struct abi_msg *event);
// A packet that came to a media port. False when the session is none of this shard's.
bool cp_shard_punt(struct cp_shard *shard, const struct abi_punt *packet);
// What comes of DTLS. Nothing happens when the association is none of this shard's.
void cp_shard_dtls_send(struct cp_shard *shard, uint64_t id, const uint8_t *bytes, size_t n);
void cp_shard_dtls_ready(struct cp_shard *shard, uint64_t id, const struct cp_dtls_keys *keys);
void cp_shard_dtls_failed(struct cp_shard *shard, uint64_t id, const char *why);
// Of the certificate that new calls are told of.
void cp_shard_set_fingerprint(struct cp_shard *shard, const char *fingerprint);

// At the end of a pass: gives what changed to ops.keep. True when the journal is to be committed now;
// `all`, twice a second: also what could wait.
bool cp_shard_keep(struct cp_shard *shard, bool all);
// The journal was lost or begins anew: the next cp_shard_keep() writes every call.
void cp_shard_keep_again(struct cp_shard *shard);
// Before anything is received: a call of this shard from its record. `recorded`: bit n is set when the CDR
// of leg n is written; such a call ends at once. 0, or -errno as cp_persist_load(): the call is lost,
// counted and logged.
int cp_shard_restore(struct cp_shard *shard, uint64_t id, const uint8_t *record, size_t n,
	unsigned recorded);

// A new configuration for new calls; running ones keep theirs. Listeners must be the same.
void cp_shard_set_policy(struct cp_shard *shard, struct cp_policy *policy);
// An OPTIONS to a phone, for the sake of the NAT on the way; nobody waits for its answer.
void cp_shard_ping(struct cp_shard *shard, const struct sip_flow *flow, struct sip_slice uri);

// Ends every call and refuses new ones. Done when cp_shard_calls() is 0.
void cp_shard_stop(struct cp_shard *shard);
// No new calls (503 with Retry-After), or new calls again; those that there are go on.
void cp_shard_drain(struct cp_shard *shard, bool drain);
// Ends this call as an operator wants it: BYE to both, or 480 and CANCEL. False: it is none of this shard's.
bool cp_shard_hangup(struct cp_shard *shard, uint64_t id);
// Begins (enum cfg_record) or, with 0, ends the recording of this call. -ENOENT: it is none of this shard's; else as
// cp_recording_start() and cp_recording_stop().
int cp_shard_record(struct cp_shard *shard, uint64_t id, unsigned kind);
// Every call, with the number of the target that is tried now or has taken it, from 1.
void cp_shard_each(const struct cp_shard *shard,
	void (*fn)(void *ctx, uint64_t call, unsigned attempt), void *ctx);
size_t cp_shard_calls(const struct cp_shard *shard);
// Calls that wait for an answer of this trunk go on to the next.
void cp_shard_trunk_down(struct cp_shard *shard, const char *name);
struct cp_accounts *cp_shard_accounts(const struct cp_shard *shard);
// Copies what the transaction layer counted into region T. Once a second will do.
void cp_shard_publish(struct cp_shard *shard);

#ifdef __cplusplus
}
#endif
