// SPDX-License-Identifier: BSD-3-Clause
// The control plane's end of the shared memory with hawse-media: attach to `<run>/media.sock` as
// ABI_ROLE_CONTROL, send commands, get each one's reply by a callback, get events, notice the death
// of hawse-media, attach again, and keep the dead one's region A readable until its sessions are
// replayed.
//
// No loop of its own and no libuv: one descriptor to poll for reading (cp_shm_fd(), the same for the
// client's whole life), one time to wake up at the latest (cp_shm_next()), one function to call then
// (cp_shm_process()). Every callback is made from inside cp_shm_process(), never from a submit; a
// callback may call everything here but cp_shm_process() and cp_shm_free().
//
// How a control plane uses it
//   start:      cp_shm_new(), then cp_shm_process() when the descriptor or the time says so.
//   attached(): same_boot: hawse-media kept its sessions. CLAIM those that are still calls of ours.
//               not same_boot: it is new and knows nothing. PORT_ALLOC with the old ports and
//               SESSION_ADD again, with what cp_shm_resume() tells of the old one.
//               Then cp_shm_reconciled(): sends RECONCILE_DONE and lets the old regions go.
//   detached(): every command in flight has failed with -ECONNRESET before; media that hawse-media
//               still forwards goes on. The client attaches again by itself, with back-off.
//
// Thread: one owns a client. Nothing read from region A is trusted: the header is copied and checked
// once, indices are bounded by that copy, records are copied out, and a reply is only believed when
// type, length, sequence, transaction, slot and generation are those of a command in flight. What
// is wrong is counted; a broken ring or a jump in the sequence ends the attachment.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/abi/message.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cp_shm;

struct cp_shm_info {
	uint64_t boot_epoch; // of the hawse-media that is attached now
	uint32_t generation; // of this attachment
	uint32_t sessions;   // slots of the directory
	uint32_t workers;
	uint32_t endpoints;
	uint32_t pid;
	uint64_t codecs; // bit 1 << enum abi_codec: what it transcodes; 0: nothing
	bool udptl;      // it relays T.38
	bool fax;        // and hears fax machines
	bool first;     // of this client: nothing to claim or replay but from a journal
	bool same_boot; // the hawse-media of our last attachment: it kept our sessions
};

// The reply to a command, or why there is none: `reply->result` is 0 or -errno, the payload is what
// abi_msg_payload(type, result) says. Made here, with an empty payload:
//   -ETIMEDOUT   no reply in time. The command may still be carried out: idempotent ones can be
//                sent again with the same transaction. A PORT_ALLOC that succeeds after all is
//                deleted by the client itself, so nothing leaks
//   -ECONNRESET  hawse-media went away
//   -EPROTO      the reply was not one that this command can have
typedef void cp_shm_reply_fn(void *user, const struct abi_msg *reply);

struct cp_shm_ops {
	void (*attached)(void *user, const struct cp_shm_info *info);
	void (*detached)(void *user, int error);                // -EPIPE hung up, -EPROTO broken
	void (*event)(void *user, const struct abi_msg *event); // enum abi_msg_type, "events"
	// A packet that came to a media port, already checked as far as indices and lengths go; the
	// session is the callee's to find (slot, generation). NULL: such packets are thrown away.
	void (*punt)(void *user, const struct abi_punt *packet);
};

struct cp_shm_config {
	const char *path;             // of media.sock; copied
	const char *name;             // of this program, for the other's log; copied
	const struct cp_shm_ops *ops; // must outlive the client; only punt may be NULL
	void *user;
	uint32_t queue;      // commands that wait while the ring is full; 0: 16384
	uint32_t timeout_ms; // until a reply is given up; 0: 2000
	uint32_t retry_ms;   // longest pause between attempts to attach; 0: 500 (first: 10)
};

struct cp_shm_counters {
	uint64_t attaches, attach_failures, detaches;
	uint64_t commands, replies, events;
	uint64_t timeouts, late_replies, queue_full;
	uint64_t bad_replies, bad_events; // failed validation
	uint64_t punts, bad_punts, injects, injects_lost;
	uint64_t broken; // ring indices or sequence made no sense
};

// 0, -ENOMEM, -ENAMETOOLONG, -EINVAL or what epoll answers. Does not attach yet: the first
// cp_shm_process() does.
int cp_shm_new(struct cp_shm **out, const struct cp_shm_config *config);
// Detaches. Commands in flight are forgotten without a callback; slots with secrets are wiped.
void cp_shm_free(struct cp_shm *c);

// To be polled for reading.
int cp_shm_fd(const struct cp_shm *c);
// When to call cp_shm_process() at the latest, in CLOCK_MONOTONIC microseconds (abi_now_us()).
uint64_t cp_shm_next(const struct cp_shm *c);
// Does what is due: attach, replies, events, time-outs, heartbeat. `now_us` is abi_now_us().
// May wait up to 100 ms for the welcome of a hawse-media that accepts but does not answer.
void cp_shm_process(struct cp_shm *c, uint64_t now_us);

// *info, which may be NULL, is filled when attached.
bool cp_shm_attached(const struct cp_shm *c, struct cp_shm_info *info);
// Its transcoders have no room left, as it says now.
bool cp_shm_transcoders_full(const struct cp_shm *c);
const struct cp_shm_counters *cp_shm_counters(const struct cp_shm *c);
const char *cp_shm_path(const struct cp_shm *c);
// -errno of the last attempt to attach that failed, 0 when none did since the last success.
int cp_shm_error(const struct cp_shm *c);

enum cp_shm_flags {
	CP_SHM_SECRET = 1u << 0, // carries keys: wiped from the ring and from here when answered
	// Nobody waits for it: it goes with the next command that is not so patient, or with others like it
	// CP_SHM_PATIENCE_US after the first, so that a crowd of them costs both sides one wake-up.
	CP_SHM_PATIENT = 1u << 1,
};

#define CP_SHM_PATIENCE_US 50000u

// A transaction number that was never used: unique over restarts of hawse-sip too.
uint64_t cp_shm_transaction(struct cp_shm *c);

// Sends a command made by abi_msg_init(). `command->transaction` 0: one is chosen and written there;
// not 0: a command sent again. `sequence` is set here. `now_us` starts the time-out.
// 0; -ENOTCONN when not attached; -ENOBUFS when the queue is full; -EINVAL for what is no command;
// -EEXIST when that transaction is in flight; -ENOMEM. On an error `done` is never called, on 0
// exactly once (unless forgotten). `done` may be NULL: nobody wants to know.
int cp_shm_submit(struct cp_shm *c, struct abi_msg *command, unsigned flags, cp_shm_reply_fn *done,
	void *user, uint64_t now_us);

// Forgets who asked: `done` is not called any more. The session of a PORT_ALLOC that succeeds is
// deleted by the client. For a call that ends while its command is in flight.
void cp_shm_forget(struct cp_shm *c, uint64_t transaction);

// To be called once after attached(), when all sessions are claimed or replayed (all those commands
// answered): sends RECONCILE_DONE and unmaps old regions. 0 or as cp_shm_submit().
int cp_shm_reconciled(struct cp_shm *c, uint64_t now_us);

// ---- reading region A. All copy, and answer 0, -ENOENT (no such slot, generation or region),
// ---- -EAGAIN (the writer died within the record, or is at it) or -ENOTCONN.

// One entry of the directory of the hawse-media that is attached now; slot < info.sessions.
int cp_shm_session(const struct cp_shm *c, uint32_t slot, struct abi_session_entry *entry);
int cp_shm_endpoint(const struct cp_shm *c, uint32_t index, struct abi_endpoint *endpoint);

// Of the attached one or one that died since cp_shm_reconciled() was called last: `boot_epoch` says
// which. `leg` is 0 or 1.
int cp_shm_resume(const struct cp_shm *c, uint64_t boot_epoch, uint32_t slot, uint32_t generation,
	unsigned leg, struct abi_leg_resume *resume);
int cp_shm_stats(const struct cp_shm *c, uint64_t boot_epoch, uint32_t slot, uint32_t generation,
	unsigned leg, struct abi_leg_stats *stats);

#ifdef __cplusplus
}
#endif
