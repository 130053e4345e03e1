// SPDX-License-Identifier: BSD-3-Clause
//
// What hawsectl may ask for. One line of the table a command; functions that want more room than a few
// lines have a file of their own.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/log.h"
#include "controlplane/peer_metrics.h"
#include "controlplane/process_private.h"
#include "dataplane/abi/shm.h"
#include "controlplane/reload.h"

static int run_status(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;

	return json_object_update_new(call->answer,
		       json_pack("{s:i, s:s, s:I, s:b, s:b, s:b}", "pid", (int)getpid(), "file",
			       p->file, "calls", (json_int_t)process_calls(p), "draining",
			       p->draining, "media", cp_shm_attached(p->shm, NULL), "stopping",
			       p->stopping))
		       ? -ENOMEM
		       : 0;
}

// As hawsectl prints it: 16 hexadecimal digits, fewer when they begin with 0.
static int read_id(const char *text, uint64_t *id)
{
	char *end;

	if (strspn(text, "0123456789abcdefABCDEF") != strlen(text) || !*text || strlen(text) > 16)
		return -EINVAL;
	*id = strtoull(text, &end, 16);
	return 0;
}

static int run_call_hangup(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	uint64_t id;

	if (read_id(call->words[0], &id)) {
		snprintf(call->why, sizeof(call->why),
			"expected the ID of a call as show calls prints it, found \"%.40s\"",
			call->words[0]);
		return -EINVAL;
	}
	for (unsigned i = 0; i < p->shard_count; i++)
		if (cp_shard_hangup(p->shards[i], id)) {
			cp_log(CP_LOG_INFO, "call", id, "ended by %s", call->who);
			return 0;
		}
	snprintf(call->why, sizeof(call->why), "no call %016" PRIx64 " runs", id);
	return -ENOENT;
}

static int record_kind(const struct cp_control_call *call, unsigned *kind)
{
	const char *what = call->words[1], *how = call->count > 2 ? call->words[2] : NULL;

	if (strcmp(what, "stop") == 0 && !how) {
		*kind = CFG_RECORD_NO;
		return 0;
	}
	*kind = how && strcmp(how, "pcap") == 0 ? CFG_RECORD_PCAP : CFG_RECORD_WAV;
	return strcmp(what, "start") == 0 && (!how || strcmp(how, "pcap") == 0 || strcmp(how, "wav") == 0)
		       ? 0
		       : -EINVAL;
}

static const char *record_why(int err)
{
	switch (err) {
	case -EALREADY:
		return "it is so already";
	case -EOPNOTSUPP:
		return "the configuration has no key recordings (a directory)";
	case -ENOTCONN:
		return "it has no media yet";
	case -EMFILE:
		return "it was begun and ended too often";
	default:
		return strerror(-err);
	}
}

static int run_call_record(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	unsigned kind;
	uint64_t id;
	int err = -ENOENT;

	if (read_id(call->words[0], &id) || record_kind(call, &kind)) {
		snprintf(call->why, sizeof(call->why),
			"expected call record ID start|stop [wav|pcap], with an ID as show calls "
			"prints it");
		return -EINVAL;
	}
	for (unsigned i = 0; i < p->shard_count && err == -ENOENT; i++)
		err = cp_shard_record(p->shards[i], id, kind);
	if (err == -ENOENT)
		snprintf(call->why, sizeof(call->why), "no call %016" PRIx64 " runs", id);
	else if (err)
		snprintf(call->why, sizeof(call->why), "call %016" PRIx64 ": %s", id, record_why(err));
	else
		cp_log(CP_LOG_INFO, "record", id, "recording %s by %s", kind ? "begun" : "ended",
			call->who);
	return err;
}

static int run_show_peers(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	json_t *list = cp_peer_list(p->policy, p->accounts, call->count ? call->words[0] : NULL,
		p->now_us + abi_realtime_offset_us());

	return list && json_object_update_new(call->answer, list) == 0 ? 0 : -ENOMEM;
}

const struct cp_control_command process_commands[] = {
	{"status", 0, 0, "", run_status},
	{"config check", 2, 2, "FILE TEXT", process_config_check},
	{"config diff", 2, 2, "FILE TEXT", process_config_diff},
	{"config load", 2, 2, "FILE TEXT", process_config_load},
	{"config reload", 0, 0, "", process_config_reload},
	{"config history", 0, 0, "", process_config_history},
	{"config rollback", 0, 1, "[N]", process_config_rollback},
	{"config show", 0, 1, "[N]", process_config_show},
	{"call hangup", 1, 1, "ID", run_call_hangup},
	{"call record", 2, 3, "ID start|stop [wav|pcap]", run_call_record},
	{"show registrations", 0, 1, "[USER]", process_show_registrations},
	{"show bans", 0, 0, "", process_show_bans},
	{"unban", 1, 1, "ADDRESS", process_unban},
	{"show peers", 0, 1, "[NAME]", run_show_peers},
	{"drain", 0, 0, "", process_drain_begin},
	{"drain cancel", 0, 0, "", process_drain_cancel},
	{"trunk disable", 1, 1, "NAME", process_trunk_disable},
	{"trunk enable", 1, 1, "NAME", process_trunk_enable},
	{"trunk list", 0, 0, "", process_trunk_list},
	{"log", 0, 2, "[LEVEL [AREA]]", process_log},
	{NULL, 0, 0, NULL, NULL},
};
