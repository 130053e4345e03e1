// SPDX-License-Identifier: BSD-3-Clause
// Giving up root once everything is open.
//
// Thread: main, before others exist.
#pragma once

#include <stddef.h>

#include "controlplane/control/control.h"
#include "controlplane/history.h"
#include "controlplane/phones.h"
#include "controlplane/shm/tregion.h"
#include "controlplane/survive.h"

#ifdef __cplusplus
extern "C" {
#endif

// Becomes `user` (empty: stays) for good, and gives him the files of CDRs and of legs (-1: none), the socket of region T and the
// journal (NULL: none). 0 or -errno with a line in `why`.
int cp_drop_privileges(const char *user, int cdr, int legs, struct cp_tregion *tregion,
	struct cp_control *control, struct cp_survive *survive, struct cp_phones *phones,
	const struct cp_history *history, char *why, size_t size);

#ifdef __cplusplus
}
#endif
