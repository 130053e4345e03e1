// SPDX-License-Identifier: BSD-3-Clause
// What differs between two configurations, by key and not by line: order of keys, comments, quotes, and
// one thing written as a list of one do not count; lists are compared by their longest common
// subsequence, so a route put before others is one difference.
//
// Each difference says when it takes effect. One static table in diff.c holds what is not at once.
//
// Depends on libc and libyaml only. Thread: any, no shared state.
#pragma once

#include "controlplane/config/config.h"

#define CFG_DIFF_MOST 1000u // differences that are told one by one

enum cfg_effect {
	CFG_AT_ONCE,       // for new calls; running ones keep what they began with
	CFG_MEDIA_AT_ONCE, // in hawse-media, without a restart
	CFG_SIP_RESTART,
	CFG_MEDIA_RESTART,
	CFG_STATS_RESTART,
	CFG_BOTH_RESTART, // hawse-media, then hawse-sip: refused while they run
	CFG_LISTENERS,    // hawse-sip decides
};

struct cfg_difference {
	char key[160];        // "peers.carrier.limits.calls", "routes[2]"
	char *before, *after; // as YAML in one line; NULL: it is not there
	unsigned line;        // in the new file; 0: nothing is there any more
	enum cfg_effect effect;
};

struct cfg_diff {
	struct cfg_difference *all; // in the order of the new file, what is gone first
	unsigned count;
	unsigned more; // that are not listed
};

#ifdef __cplusplus
extern "C" {
#endif

// Both are configurations that were accepted once, or at least YAML. 0, -EINVAL (they are not), -ENOMEM.
int cfg_diff(struct cfg_diff *diff, const char *before, size_t before_size, const char *after,
	size_t after_size);
void cfg_diff_free(struct cfg_diff *diff);
// "for new calls", "when hawse-sip is restarted"
const char *cfg_effect_text(enum cfg_effect effect);

#ifdef __cplusplus
}
#endif
