// SPDX-License-Identifier: BSD-3-Clause
//
// What hawsectl can have hawse-sip do: the same names as in controlplane/commands.c. Each has its line in
// hawsectl's help too.
#include "stats/ask.h"

const struct st_order st_orders[] = {
	{"status", "", 0, 0, NULL, NULL},
	{"config reload", "", 0, 0, NULL, "taken over"},
	{"call hangup", "ID", 1, 1, NULL, "ended"},
	{"show registrations", "[USER]", 0, 1, NULL, "nobody is registered"},
	{"show bans", "", 0, 0, NULL, "nobody is banned"},
	{"unban", "ADDRESS", 1, 1, NULL, "listened to again"},
	{"show peers", "[NAME]", 0, 1, NULL, NULL},
	{NULL, NULL, 0, 0, NULL, NULL},
};
