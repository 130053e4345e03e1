// SPDX-License-Identifier: BSD-3-Clause
// The process as its own files see it: process.c (life, loop, wire), reload.c (a new configuration),
// commands.c and its like (what hawsectl asks for).
//
// Thread: the one of the loop.
#pragma once

#include <uv.h>

#include "controlplane/cdr_file.h"
#include "controlplane/cdr_open.h"
#include "controlplane/control/control.h"
#include "controlplane/feedback.h"
#include "controlplane/disabled.h"
#include "controlplane/gate.h"
#include "controlplane/phones.h"
#include "controlplane/history.h"
#include "controlplane/process.h"
#include "controlplane/secure/handshakes.h"
#include "controlplane/shard.h"
#include "controlplane/survive.h"
#include "controlplane/transport.h"
#include "dataplane/abi/layout.h"

#define PROCESS_RANDOM 4096u

struct process {
	uv_loop_t loop;
	uv_timer_t wheel, beat, stop;
	uv_poll_t shm_poll, tregion_poll, control_poll, secure_poll;
	uv_signal_t term, interrupt, hangup, drain;
	struct cp_policy *policy;
	char *file;
	struct cp_transport *transport;
	struct cp_gate *gate;
	struct cp_feedback *feedback;
	struct cp_shard_ops ops;
	struct cp_shard *shards[ABI_MAX_SHARDS];
	unsigned shard_count;
	unsigned unreconciled; // shards that have not claimed their sessions yet
	struct cp_shm *shm;
	struct cp_tregion *tregion;
	uint64_t now_us;
	struct cp_survive *survive; // NULL: no journal
	struct cp_cdr_file cdr;
	struct cp_cdr_open legs; // without a final CDR
	uv_fs_t sync;            // of the CDR file
	int syncing;             // its descriptor, -1: none is under way
	struct cp_control *control;
	struct cp_phones *phones;
	struct process_secure *secure; // secured.c
	struct cp_accounts *accounts;
	unsigned beats;
	bool spent_failed; // they could not be written, and the log says so
	uint32_t peer_counters; // in region T, behind the others
	struct cp_history history;
	struct process_prepared *prepared; // a configuration that is being read, or was (prepare.c)
	bool hangup_waits;                 // for it
	struct cp_disabled disabled;
	bool draining;
	bool stopping;
	size_t random_left;
	uint8_t random[PROCESS_RANDOM];
};

#ifdef __cplusplus
extern "C" {
#endif

// The calls that there are, those that are ending included.
size_t process_calls(const struct process *p);
// Ends every call, then the loop.
void process_stop(struct process *p, const char *why);

// Takes the time anew; sets the timer anew. Around whatever a file descriptor brings.
void process_tick(struct process *p);
void process_rearm(struct process *p);

// ---- process_ops.c

extern const struct cp_shard_ops process_shard_ops;
void process_random(void *process, void *out, size_t n);
int process_send(void *process, const struct sip_flow *to, const uint8_t *bytes, size_t n);

// ---- prepare.c: reads a configuration on another thread, since its tables may be large

struct process_load;

// 0 with the policy, -errno with `why`, or -EINPROGRESS: then process_hangup() and cp_control_again() ask again.
int process_prepare(struct process *p, const struct process_load *load, struct cp_policy **policy,
	char why[PROCESS_WHY]);
// The process ends: what is being read is of no interest.
void process_prepare_forget(struct process *p);

// ---- secured.c

int process_secure_open(struct process *p, char why[PROCESS_WHY]);
void process_secure_free(struct process *p);
void process_secure_ops(struct cp_shard_ops *ops);
void process_secure_beat(struct process *p);
void process_punt(struct process *p, const struct abi_punt *packet);

// ---- billing.c: the file of CDRs

extern const struct cp_shard_ops process_billing; // cdr, cdr_opened, cdr_closed, stats
// 0 or -errno with `why`.
int process_open_cdrs(struct process *p, char why[PROCESS_WHY]);
// After a start: calls of the journal go on, and legs that do not get their CDR.
void process_restore(struct process *p, cp_survive_shard_fn *shard_of);
// Twice a second.
void process_tick_cdrs(struct process *p);
void process_close_cdrs(struct process *p);

// ---- spent.c: what was used up of the limits of the day

void process_spent_open(struct process *p);
// Once a second.
void process_spent_keep(struct process *p);

// Takes no new calls, and ends when there is none left; or takes new ones again.
void process_drain(struct process *p, const char *why, bool drain);

// ---- operate.c: commands that change what runs

int process_drain_begin(void *ctx, struct cp_control_call *call);
int process_drain_cancel(void *ctx, struct cp_control_call *call);
int process_trunk_disable(void *ctx, struct cp_control_call *call);
int process_trunk_enable(void *ctx, struct cp_control_call *call);
int process_trunk_list(void *ctx, struct cp_control_call *call);
int process_log(void *ctx, struct cp_control_call *call);

// ---- commands.c: what hawsectl may ask for, see control/control.h

extern const struct cp_control_command process_commands[];

// ---- commands_phones.c

int process_show_registrations(void *ctx, struct cp_control_call *call);
int process_show_bans(void *ctx, struct cp_control_call *call);
int process_unban(void *ctx, struct cp_control_call *call);

#ifdef __cplusplus
}
#endif
