// SPDX-License-Identifier: BSD-3-Clause
// Peers that the operator has taken out of service: no new calls go to them (routes pass them over) or come from
// them (503 with Retry-After), and they are neither pinged nor registered at; running calls go on. Kept in `<state>/disabled`, one name a line, so it holds over
// restarts of hawse-sip until they are enabled again; a name that the configuration does not have any more
// stays, and does nothing.
//
// Thread: the one of the loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "controlplane/config/config.h"

#define CP_DISABLED_MOST 1024u

struct cp_disabled {
	char path[160]; // empty: not kept
	char (*names)[CFG_NAME];
	unsigned count;
};

#ifdef __cplusplus
extern "C" {
#endif

// Reads what is kept. `state` empty: nothing is. 0 or -errno: then nobody is disabled.
int cp_disabled_open(struct cp_disabled *d, const char *state);
void cp_disabled_close(struct cp_disabled *d);
bool cp_disabled_is(const struct cp_disabled *d, const char *name);
// 0, also when it was so already; -ENOSPC, -ENOMEM, or -errno: it is so now, but could not be kept.
int cp_disabled_set(struct cp_disabled *d, const char *name, bool disabled);

#ifdef __cplusplus
}
#endif
