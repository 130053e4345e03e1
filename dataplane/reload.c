// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/reload.h"

#include <string.h>

#include "controlplane/config/diff.h"
#include "dataplane/agent/sessions.h"
#include "dataplane/beside.h"
#include "dataplane/config.h"
#include "dataplane/log.h"
#include "dataplane/session/ports.h"

#define SECOND_US 1000000ull

static void say_differences(const struct cfg *before, const struct cfg *after)
{
	struct cfg_diff diff;

	if (cfg_diff(&diff, before->text, before->text_size, after->text, after->text_size))
		return;
	for (unsigned i = 0; i < diff.count; i++) {
		const struct cfg_difference *d = &diff.all[i];

		if (d->effect == CFG_MEDIA_AT_ONCE || d->effect == CFG_MEDIA_RESTART ||
			d->effect == CFG_BOTH_RESTART)
			dp_log(d->effect == CFG_MEDIA_AT_ONCE ? DP_INFO : DP_WARNING, "config",
				"%s: %s -> %s: %s", d->key, d->before ? d->before : "nothing",
				d->after ? d->after : "nothing", cfg_effect_text(d->effect));
	}
	cfg_diff_free(&diff);
}

void dp_reload(void *reload)
{
	struct dp_reload *r = reload;
	char why[DP_CONFIG_WHY];
	struct cfg_error error;
	struct cfg *cfg;

	if (cfg_load(&cfg, r->cfg->file, &error)) {
		dp_log(DP_ERROR, "config", "not taken over: %s", error.text);
		return;
	}
	if (dp_config_check(cfg, why)) {
		dp_log(DP_ERROR, "config", "not taken over: %s: %s", cfg->file, why);
		cfg_free(cfg);
		return;
	}
	sessions_set_times(r->sessions, cfg->dataplane.quarantine * SECOND_US,
		cfg->dataplane.grace * SECOND_US);
	beside_reload(r->beside, cfg, r->region);
	dp_ports_set_rest(r->ports, cfg->dataplane.quarantine * SECOND_US);
	say_differences(r->now ? r->now : r->cfg, cfg);
	dp_log(DP_INFO, "config", "taken over: %s", cfg->file);
	cfg_free(r->now);
	r->now = cfg;
}

void dp_reload_free(struct dp_reload *r)
{
	cfg_free(r->now);
	r->now = NULL;
}
