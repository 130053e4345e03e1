// SPDX-License-Identifier: BSD-3-Clause
//
// Minutes and money that peers and users have spent today, over a restart: `<state>/accounts`.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/log.h"
#include "controlplane/process_private.h"

static void path_of(const struct process *p, char path[PROCESS_WHY])
{
	snprintf(path, PROCESS_WHY, "%s/accounts", p->policy->cfg->state);
}

void process_spent_open(struct process *p)
{
	char path[PROCESS_WHY];
	int err;

	path_of(p, path);
	err = cp_accounts_load(p->accounts, path);
	if (err)
		cp_log(CP_LOG_WARNING, "limit", 0,
			"%s cannot be read (%s): limits of the day begin anew", path,
			strerror(-err));
}

void process_spent_keep(struct process *p)
{
	char path[PROCESS_WHY];
	int err;

	if (!p->policy->cfg->state[0])
		return;
	path_of(p, path);
	err = cp_accounts_save(p->accounts, path);
	if (err && !p->spent_failed)
		cp_log(CP_LOG_WARNING, "limit", 0,
			"%s cannot be written (%s): a restart forgets the limits of the day", path,
			strerror(-err));
	p->spent_failed = err != 0;
}
