// SPDX-License-Identifier: BSD-3-Clause
// SIGHUP: hawse-media reads its configuration again. What may change while packets flow does (grace, quarantine, prompts);
// the log says what else differs and when it takes effect. A file that is wrong changes nothing.
//
// Agent thread.
#pragma once

#include "controlplane/config/config.h"

struct beside;
struct region;
struct sessions;
struct dp_ports;

struct dp_reload {
	const struct cfg *cfg; // of the start
	struct cfg *now;       // what was taken over since, owned; NULL: nothing was
	struct sessions *sessions;
	struct dp_ports *ports;
	struct beside *beside;
	struct region *region;
};

void dp_reload(void *reload);
void dp_reload_free(struct dp_reload *r);
