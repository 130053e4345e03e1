// SPDX-License-Identifier: BSD-3-Clause
//
// A configuration is read, and everything built from it, on a thread of libuv's pool, while calls go on. Who wants it asks
// again when that is done: a signal by process_hangup(), hawsectl's commands by cp_control_again().
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/process_private.h"
#include "controlplane/reload.h"

struct process_prepared {
	uv_work_t work;
	struct process *p; // NULL: the process has ended
	char *file, *text; // text NULL: it is read from the file
	size_t size;
	bool done;
	int err;
	char why[PROCESS_WHY];
	struct cp_policy *policy;
};

static void drop(struct process_prepared *r)
{
	cp_policy_release(r->policy);
	free(r->file);
	free(r->text);
	free(r);
}

// ---- on a thread of the pool ------------------------------------------------------------------------

static void read_all(struct process_prepared *r)
{
	struct cfg_error error;
	struct cfg *cfg;

	r->err = r->text ? cfg_parse(&cfg, r->file, r->text, r->size, &error)
			 : cfg_load(&cfg, r->file, &error);
	if (!r->err)
		r->err = cp_policy_new(cfg, process_source, NULL, &r->policy, &error);
	if (r->err)
		snprintf(r->why, sizeof(r->why), "%s", error.text);
}

static void on_work(uv_work_t *work)
{
	read_all(work->data);
}

// ---- on the loop's ----------------------------------------------------------------------------------

// Whoever asked asks again. What nobody takes now is of no interest any more, and who waited for his turn has it.
static void wake(struct process *p)
{
	for (int round = 0; round < 2; round++) {
		if (p->hangup_waits)
			process_hangup(p);
		cp_control_again(p->control);
		if (p->prepared && p->prepared->done) {
			drop(p->prepared);
			p->prepared = NULL;
		}
	}
}

static void on_done(uv_work_t *work, int status)
{
	struct process_prepared *r = work->data;
	struct process *p = r->p;

	r->done = true;
	if (!p) {
		drop(r);
		return;
	}
	process_tick(p);
	wake(p);
	process_rearm(p);
}

static struct process_prepared *new_one(struct process *p, const struct process_load *load)
{
	struct process_prepared *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->p = p;
	r->work.data = r;
	r->file = strdup(load->file);
	r->size = load->size;
	if (load->text) {
		r->text = malloc(load->size + 1);
		if (r->text)
			memcpy(r->text, load->text, load->size);
	}
	if (r->file && (r->text || !load->text))
		return r;
	drop(r);
	return NULL;
}

static bool is_for(const struct process_prepared *r, const struct process_load *load)
{
	if (strcmp(r->file, load->file) != 0 || !r->text != !load->text)
		return false;
	return !r->text || (r->size == load->size && memcmp(r->text, load->text, r->size) == 0);
}

static int take(struct process *p, struct cp_policy **policy, char why[PROCESS_WHY])
{
	struct process_prepared *r = p->prepared;
	int err = r->err;

	p->prepared = NULL;
	*policy = r->policy;
	r->policy = NULL;
	if (err)
		memcpy(why, r->why, PROCESS_WHY);
	drop(r);
	return err;
}

int process_prepare(struct process *p, const struct process_load *load, struct cp_policy **policy,
	char why[PROCESS_WHY])
{
	struct process_prepared *r = p->prepared;

	if (r)
		return r->done && is_for(r, load) ? take(p, policy, why) : -EINPROGRESS;
	r = new_one(p, load);
	if (!r) {
		snprintf(why, PROCESS_WHY, "no memory left");
		return -ENOMEM;
	}
	p->prepared = r;
	if (uv_queue_work(&p->loop, &r->work, on_work, on_done) == 0)
		return -EINPROGRESS;
	read_all(r);
	return take(p, policy, why);
}

void process_prepare_forget(struct process *p)
{
	struct process_prepared *r = p->prepared;

	p->prepared = NULL;
	p->hangup_waits = false;
	if (!r)
		return;
	r->p = NULL;
	if (r->done)
		drop(r);
}
