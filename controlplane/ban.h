// SPDX-License-Identifier: BSD-3-Clause
// Sources that are not listened to: they guessed passwords, or scanned for what answers. Who fails `failures` times
// within `window` seconds is banned for `time` seconds, counted from then.
//
// A failed log-in counts only with a nonce of ours that came back from that very address (registrar.h), so nobody can
// get another one banned by it. A scan costs its sender nothing and by UDP its source can be forged: it is
// counted only for addresses from which nobody is registered. Whose addresses are never banned is the caller's to say.
//
// At most CP_BANS addresses are remembered; with the table full new ones are let in, and counted as `lost`.
//
// Sans clock. Thread: one.
#pragma once

#include "controlplane/config/config.h"
#include "sip/flow.h"

#define CP_BANS 65536u

struct cp_bans;

struct cp_ban_view {
	struct sip_addr source;
	unsigned failures;
	uint64_t since_s, left_s; // seconds
	const char *why;          // of the last failure
};

struct cp_ban_counters {
	uint64_t failures, bans, dropped, lost;
	uint64_t current;
};

#ifdef __cplusplus
extern "C" {
#endif

int cp_bans_new(struct cp_bans **out, const struct cfg_ban *config, const uint8_t key[16]);
void cp_bans_free(struct cp_bans *b);
// Bans that run keep their time.
void cp_bans_configure(struct cp_bans *b, const struct cfg_ban *config);

// Is this source banned? Counts what is dropped for it.
bool cp_bans_check(struct cp_bans *b, uint64_t now_us, const struct sip_addr *source);
// It failed. True when that was once too often: from now on it is banned.
bool cp_bans_fail(
	struct cp_bans *b, uint64_t now_us, const struct sip_addr *source, const char *why);
// False: it was not banned. Its failures are forgotten, too.
bool cp_bans_lift(struct cp_bans *b, uint64_t now_us, const struct sip_addr *source);
// Forgets what is over. Once every few seconds.
void cp_bans_sweep(struct cp_bans *b, uint64_t now_us);
// Every address that is banned now.
void cp_bans_each(struct cp_bans *b, uint64_t now_us,
	void (*see)(const struct cp_ban_view *ban, void *ctx), void *ctx);
const struct cp_ban_counters *cp_bans_counters(const struct cp_bans *b);

#ifdef __cplusplus
}
#endif
