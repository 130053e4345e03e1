// SPDX-License-Identifier: BSD-3-Clause
//
// What hawsectl can have hawse-sip do: the same names as in controlplane/commands.c. Each has its line in
// hawsectl's help too.
#include "stats/ask.h"

const struct st_order st_orders[] = {
	{.name = "status"},
	{"config check", "FILE", 1, 1, .run = st_config_check},
	{"config diff", "FILE", 1, 1, .run = st_config_diff},
	{"config load", "FILE", 1, 1, .run = st_config_load},
	{"config reload", .done = "taken over", .run = st_config_load},
	{"config history", .done = "nothing"},
	{"config rollback", "[N]", 0, 1, .run = st_config_rollback},
	{"config show", "[N]", 0, 1, .run = st_config_show},
	{"show peers", "[NAME]", 0, 1},
	{"call hangup", "ID", 1, 1, .done = "ended"},
	{"call record", "ID start|stop [wav|pcap]", 2, 3, .done = "done"},
	{"show registrations", "[USER]", 0, 1, .done = "nobody is registered"},
	{"show bans", .done = "nobody is banned"},
	{"unban", "ADDRESS", 1, 1, .done = "listened to again"},
	{"drain", "", 0, 0, .run = st_drain},
	{"drain cancel", .done = "it takes new calls again"},
	{"trunk disable", "NAME", 1, 1,
		.done = "disabled, also after a restart: no new calls to or from it"},
	{"trunk enable", "NAME", 1, 1, .done = "enabled"},
	{"trunk list", .done = "there are no peers"},
	{"log", "[LEVEL [AREA]]", 0, 2},
	{.name = NULL},
};
