// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/counters.h"
#include "controlplane/certificates.h"
#include "controlplane/config/diff.h"
#include "controlplane/log.h"
#include "controlplane/peer_metrics.h"
#include "controlplane/process_private.h"

static void describe_peers(struct process *p, const struct cp_policy *policy)
{
	struct abi_counter *list = calloc(p->peer_counters + 1u, sizeof(*list));

	if (!list)
		return;
	cp_peer_metrics_describe(policy, list, p->peer_counters);
	cp_tregion_describe(p->tregion, CP_COUNTERS, list, p->peer_counters);
	free(list);
}

// ---- checking --------------------------------------------------------------------------------------

// What would need other sockets or another hawse-media.
static int refuse_fixed(
	const struct cfg_diff *diff, const char *file, bool same_listeners, char why[PROCESS_WHY])
{
	for (unsigned i = 0; i < diff->count; i++) {
		const struct cfg_difference *d = &diff->all[i];

		if (d->effect != CFG_BOTH_RESTART && (d->effect != CFG_LISTENERS || same_listeners))
			continue;
		snprintf(why, PROCESS_WHY,
			"%.200s:%u: %s: cannot change while calls run; it takes effect %s. Running "
			"calls survive a restart of either",
			file, d->line, d->key,
			cfg_effect_text(d->effect == CFG_LISTENERS ? CFG_SIP_RESTART : d->effect));
		return -EXDEV;
	}
	return 0;
}

static json_t *difference_json(const struct cfg_difference *d)
{
	return json_pack("{s:s, s:s, s:s?, s:s?, s:s}", "change",
		!d->before  ? "added"
		: !d->after ? "removed"
			    : "changed",
		"key", d->key, "before", d->before, "after", d->after, "effect",
		cfg_effect_text(d->effect));
}

static int tell(json_t *answer, const struct cfg_diff *diff, const char *file)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < diff->count; i++)
		if (json_array_append_new(list, difference_json(&diff->all[i]))) {
			json_decref(list);
			return -ENOMEM;
		}
	if (json_object_set_new(answer, "file", json_string(file)) ||
		json_object_set_new(answer, "differences", list) ||
		(diff->more && json_object_set_new(answer, "more", json_integer(diff->more))))
		return -ENOMEM;
	return 0;
}

// The files that it names are read, and thrown away.
static int check_files(const struct cp_policy *policy, char why[PROCESS_WHY])
{
	struct cp_certificates *certificates;
	char error[CP_TLS_ERROR];
	int err = cp_certificates_new(&certificates, policy, error);

	if (err)
		snprintf(why, PROCESS_WHY, "%s", error);
	else
		cp_certificates_free(certificates);
	return err;
}

// ---- taking over -----------------------------------------------------------------------------------

// From here on nothing can be refused any more but by the transport, which comes first.
static int swap(struct process *p, struct cp_policy *policy, char why[PROCESS_WHY])
{
	struct cp_cdr_file cdr;
	int err;

	cp_cdr_file_init(&cdr);
	err = cp_cdr_file_open(&cdr, policy->cfg->stats.cdr, why, PROCESS_WHY);
	if (!err)
		err = cp_transport_set_policy(p->transport, policy, why);
	if (err) {
		cp_cdr_file_close(&cdr);
		return err;
	}
	// Opened by its name again, as who rotates it wants. What waits for the old one goes to it.
	if (cdr.fd >= 0) {
		cp_cdr_file_close(&p->cdr);
		p->cdr = cdr;
		if (p->legs.fd < 0)
			cp_cdr_open_start(&p->legs, p->policy->cfg->state);
	}
	cp_cdr_file_set(&p->cdr, &policy->cfg->stats.how);
	if (cp_gate_set_policy(p->gate, policy))
		cp_log(CP_LOG_ERROR, "config", 0, "no memory left: the old limits stay");
	cp_phones_set_policy(p->phones, policy);
	for (unsigned i = 0; i < p->shard_count; i++)
		cp_shard_set_policy(p->shards[i], policy);
	describe_peers(p, policy);
	cp_policy_release(p->policy);
	p->policy = cp_policy_hold(policy);
	return 0;
}

static void note(struct process *p, const struct process_load *load, unsigned changes)
{
	const struct cfg *cfg = p->policy->cfg;
	const struct cp_history_note entry = {
		.who = load->who, .how = load->how, .file = load->file, .changes = changes};
	int err = cp_history_add(&p->history, cfg->text, cfg->text_size, &entry);

	if (err)
		cp_log(CP_LOG_WARNING, "config", 0, "%s cannot be written: %s",
			p->history.directory, strerror(-err));
}

static int adopt(struct process *p, const struct process_load *load, struct cp_policy *policy,
	json_t *answer, char why[PROCESS_WHY])
{
	const struct cfg *cfg = policy->cfg, *old = p->policy->cfg;
	struct cfg_diff diff;
	int err = cfg_diff(&diff, old->text, old->text_size, cfg->text, cfg->text_size);
	unsigned changes = diff.count + diff.more;

	if (err) {
		snprintf(why, PROCESS_WHY, "no memory left");
		return err;
	}
	err = refuse_fixed(&diff, load->file, cp_policy_same_listeners(p->policy, policy), why);
	if (answer)
		tell(answer, &diff, load->file);
	cfg_diff_free(&diff);
	if (!err)
		err = load->only_check ? check_files(policy, why) : swap(p, policy, why);
	if (err || load->only_check)
		return err;
	cp_log(CP_LOG_INFO, "config", 0,
		"taken over (%s by %s): %u differences, %u peers, %u routes", load->how, load->who,
		changes, cfg->peer_count, cfg->route_count);
	note(p, load, changes);
	return 0;
}

int process_load(
	struct process *p, const struct process_load *load, json_t *answer, char why[PROCESS_WHY])
{
	struct cp_policy *policy;
	int err = process_prepare(p, load, &policy, why);

	if (err)
		return err;
	err = adopt(p, load, policy, answer, why);
	cp_policy_release(policy);
	return err;
}

void process_hangup(struct process *p)
{
	const struct process_load load = {.file = p->file, .who = "a signal", .how = "SIGHUP"};
	char why[PROCESS_WHY];
	int err = process_load(p, &load, NULL, why);

	p->hangup_waits = err == -EINPROGRESS;
	if (err && !p->hangup_waits)
		cp_log(CP_LOG_ERROR, "config", 0, "not taken over: %s", why);
}

void process_note_start(struct process *p)
{
	const struct process_load load = {.file = p->file, .who = "hawse-sip", .how = "start"};

	note(p, &load, 0);
}

// ---- commands --------------------------------------------------------------------------------------

// FILE TEXT: hawsectl has read it, with the rights of who asks.
static int load_given(struct process *p, struct cp_control_call *call, bool only_check)
{
	const struct process_load load = {
		.file = call->words[0],
		.text = call->words[1],
		.size = strlen(call->words[1]),
		.who = call->who,
		.how = "load",
		.only_check = only_check,
	};

	return process_load(p, &load, call->answer, call->why);
}

int process_config_check(void *ctx, struct cp_control_call *call)
{
	return load_given(ctx, call, true);
}

// What would be refused has differences too.
int process_config_diff(void *ctx, struct cp_control_call *call)
{
	int err = load_given(ctx, call, true);

	if (err != -EXDEV)
		return err;
	return json_object_set_new(call->answer, "refused", json_string(call->why)) ? -ENOMEM : 0;
}

int process_config_load(void *ctx, struct cp_control_call *call)
{
	return load_given(ctx, call, false);
}

int process_config_reload(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	const struct process_load load = {.file = p->file, .who = call->who, .how = "reload"};

	return process_load(p, &load, call->answer, call->why);
}

int process_config_history(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;

	if (!p->history.directory[0]) {
		snprintf(call->why, sizeof(call->why),
			"no history is kept: `state` is empty, or could not be written");
		return -ENOENT;
	}
	return json_object_set_new(call->answer, "history", cp_history_list(&p->history)) ? -ENOMEM
											  : 0;
}

// [N] of the history; without it, the one before the newest (`back` 1) or the newest.
static int read_entry(struct process *p, struct cp_control_call *call, unsigned back, unsigned *n,
	char **text, size_t *size)
{
	char *end = NULL;
	int err;

	*n = p->history.last > back ? p->history.last - back : 0;
	if (call->count) {
		*n = (unsigned)strtoul(call->words[0], &end, 10);
		if (!*call->words[0] || *end) {
			snprintf(call->why, sizeof(call->why),
				"expected a number of config history, found \"%.40s\"",
				call->words[0]);
			return -EINVAL;
		}
	}
	err = *n ? cp_history_read(&p->history, *n, text, size) : -ENOENT;
	if (err == -ENOENT)
		snprintf(call->why, sizeof(call->why), "the history has no %s%.40s",
			call->count ? "number " : "configuration before this one",
			call->count ? call->words[0] : "");
	return err;
}

int process_config_rollback(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	char how[48], *text = NULL;
	struct process_load load = {.file = p->file, .who = call->who, .how = how};
	unsigned n;
	int err = read_entry(p, call, 1, &n, &text, &load.size);

	if (err)
		return err;
	snprintf(how, sizeof(how), "rollback to %u", n);
	load.text = text;
	err = process_load(p, &load, call->answer, call->why);
	// hawsectl puts it into the file, so that a restart finds it.
	if (!err && json_object_set_new(call->answer, "text", json_stringn(text, load.size)))
		err = -ENOMEM;
	free(text);
	return err;
}

int process_config_show(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	const struct cfg *cfg = p->policy->cfg;
	char *text = NULL;
	size_t size;
	unsigned n;
	int err;

	if (!call->count)
		return json_object_set_new(
			       call->answer, "text", json_stringn(cfg->text, cfg->text_size))
			       ? -ENOMEM
			       : 0;
	err = read_entry(p, call, 0, &n, &text, &size);
	if (!err && json_object_set_new(call->answer, "text", json_stringn(text, size)))
		err = -ENOMEM;
	free(text);
	return err;
}
