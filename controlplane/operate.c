// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/log.h"
#include "controlplane/process_private.h"
#include "controlplane/registrar/enrol.h"

// ---- drain -----------------------------------------------------------------------------------------

int process_drain_begin(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;

	process_drain(p, call->who, true);
	return json_object_set_new(
		       call->answer, "calls", json_integer((json_int_t)process_calls(p)))
		       ? -ENOMEM
		       : 0;
}

int process_drain_cancel(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;

	if (!p->draining) {
		snprintf(call->why, sizeof(call->why), "it is not draining");
		return -EALREADY;
	}
	process_drain(p, call->who, false);
	return 0;
}

// ---- trunks ----------------------------------------------------------------------------------------

static bool is_peer(const struct process *p, const char *name)
{
	const struct cfg *cfg = p->policy->cfg;

	for (unsigned i = 0; i < cfg->peer_count; i++)
		if (strcmp(cfg->peers[i].name, name) == 0)
			return true;
	return false;
}

static int set_trunk(struct process *p, struct cp_control_call *call, bool disabled)
{
	const char *name = call->words[0];
	int err;

	// What is gone from the configuration may still be enabled, to be forgotten.
	if (!is_peer(p, name) && (disabled || !cp_disabled_is(&p->disabled, name))) {
		snprintf(call->why, sizeof(call->why), "no peer has the name %.40s", name);
		return -ENOENT;
	}
	err = cp_disabled_set(&p->disabled, name, disabled);
	cp_enrol_disabled(p->shards[0]);
	cp_log(CP_LOG_INFO, "trunk", 0, "%s: %s by %s", name, disabled ? "disabled" : "enabled",
		call->who);
	if (err && cp_disabled_is(&p->disabled, name) == disabled)
		snprintf(call->why, sizeof(call->why),
			"it is %s now, but %s cannot be written (%s): a restart forgets it",
			disabled ? "disabled" : "enabled", p->disabled.path, strerror(-err));
	return err;
}

int process_trunk_disable(void *ctx, struct cp_control_call *call)
{
	return set_trunk(ctx, call, true);
}

int process_trunk_enable(void *ctx, struct cp_control_call *call)
{
	return set_trunk(ctx, call, false);
}

int process_trunk_list(void *ctx, struct cp_control_call *call)
{
	static const char *const kinds[] = {"trunk", "access", "webrtc"};
	struct process *p = ctx;
	const struct cfg *cfg = p->policy->cfg;
	json_t *list = json_array();
	int err = 0;

	for (unsigned i = 0; i < cfg->peer_count && !err; i++)
		err = json_array_append_new(
			list, json_pack("{s:s, s:s, s:b}", "name", cfg->peers[i].name, "kind",
				      kinds[cfg->peers[i].kind], "disabled",
				      cp_disabled_is(&p->disabled, cfg->peers[i].name)));
	if (err || json_object_set_new(call->answer, "peers", list))
		return -ENOMEM;
	return 0;
}

// ---- log -------------------------------------------------------------------------------------------

static int tell_levels(struct cp_control_call *call)
{
	json_t *areas = json_object();
	enum cp_level level;
	const char *area;

	for (unsigned i = 0; cp_log_area(i, &area, &level) == 0; i++)
		json_object_set_new(areas, area, json_string(cp_log_level_name(level)));
	if (json_object_set_new(
		    call->answer, "level", json_string(cp_log_level_name(cp_log_level()))) ||
		(json_object_size(areas) && json_object_set(call->answer, "areas", areas))) {
		json_decref(areas);
		return -ENOMEM;
	}
	json_decref(areas);
	return 0;
}

// [LEVEL [AREA]]
int process_log(void *ctx, struct cp_control_call *call)
{
	enum cp_level level;
	int err;

	if (!call->count)
		return tell_levels(call);
	if (cp_log_level_parse(call->words[0], &level)) {
		snprintf(call->why, sizeof(call->why),
			"expected error, warning, info or debug, found \"%.40s\"", call->words[0]);
		return -EINVAL;
	}
	err = cp_log_set(level, call->count > 1 ? call->words[1] : NULL);
	if (err) {
		snprintf(call->why, sizeof(call->why),
			err == -ENOSPC ? "%u areas have a level of their own already"
				       : "expected the name of an area, such as call or transport",
			CP_LOG_AREAS);
		return err;
	}
	cp_log(CP_LOG_INFO, "main", 0, "log: %s%s%s, by %s", call->words[0],
		call->count > 1 ? " for " : "", call->count > 1 ? call->words[1] : "", call->who);
	return tell_levels(call);
}
