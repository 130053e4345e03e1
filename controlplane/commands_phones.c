// SPDX-License-Identifier: BSD-3-Clause
//
// What hawsectl asks about registrations and bans.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/log.h"
#include "controlplane/process_private.h"
#include "controlplane/registrar/enrol.h"

#define MOST 10000u // contacts in one answer

// ---- registrations ----------------------------------------------------------------------------------

struct listing {
	struct process *p;
	const char *user; // NULL: everybody
	json_t *list;
	uint64_t now;
	bool failed, cut;
};

static json_t *text(struct sip_slice s)
{
	return json_stringn(s.n ? s.p : "", s.n);
}

static json_t *describe(const struct listing *l, const struct cp_contact *c)
{
	char host[SIP_ADDR_TEXT], from[SIP_ADDR_TEXT + 32];

	sip_addr_host(&c->flow.remote, true, host);
	snprintf(from, sizeof(from), "%s %s:%u%s", sip_transport_name(c->flow.transport), host,
		c->flow.remote.port,
		sip_flow_reliable(&c->flow) && !c->flow.connection ? " (gone)" : "");
	return json_pack("{s:s, s:s, s:o*, s:s, s:I, s:f, s:b, s:o*, s:o*, s:i}", "peer",
		c->aor->peer, "user", c->aor->user, "contact", text(c->uri), "from", from,
		"expires", (json_int_t)(c->expires > l->now ? c->expires - l->now : 0), "q",
		c->q / 1000.0, "nat", c->nat, "agent", text(c->agent), "instance",
		text(c->instance), "reg_id", (int)c->reg_id);
}

static void list_user(struct sip_node *n, void *ctx)
{
	const struct cp_aor *aor = (const struct cp_aor *)n;
	struct listing *l = ctx;

	if (l->user && strcmp(l->user, aor->user) != 0)
		return;
	for (const struct cp_contact *c = aor->contacts; c; c = c->next) {
		if (json_array_size(l->list) >= MOST) {
			l->cut = true;
			return;
		}
		l->failed |= json_array_append_new(l->list, describe(l, c)) != 0;
	}
}

static json_t *list_trunks(struct process *p)
{
	json_t *list = json_array();
	struct cp_enrol_view v;

	for (unsigned i = 0; list && cp_enrol_at(p->shards[0], i, &v); i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:i, s:s, s:I, s:I, s:i}", "trunk", v.peer,
				      "aor", v.aor, "state", v.state, "status", v.status, "reason",
				      v.reason, "expires", (json_int_t)v.expires_s, "next",
				      (json_int_t)v.next_s, "failures", (int)v.failures));
	return list;
}

int process_show_registrations(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	struct cp_location *location = cp_registrar_location(cp_phones_registrar(p->phones));
	struct listing l = {
		.p = p,
		.user = call->count ? call->words[0] : NULL,
		.list = json_array(),
		.now = cp_location_unix(location),
	};

	if (!l.list)
		return -ENOMEM;
	cp_location_each(location, list_user, &l);
	if (json_array_size(l.list) || !l.user)
		json_object_set_new(call->answer, "phones", l.list);
	else
		json_decref(l.list);
	if (!l.user)
		json_object_set_new(call->answer, "trunks", list_trunks(p));
	if (l.cut)
		json_object_set_new(call->answer, "more",
			json_integer((json_int_t)(cp_location_contacts(location) - MOST)));
	return l.failed ? -ENOMEM : 0;
}

// ---- bans -------------------------------------------------------------------------------------------

static void list_ban(const struct cp_ban_view *ban, void *ctx)
{
	char host[SIP_ADDR_TEXT];

	sip_addr_host(&ban->source, false, host);
	json_array_append_new(
		ctx, json_pack("{s:s, s:I, s:I, s:i, s:s}", "address", host, "since",
			     (json_int_t)ban->since_s, "left", (json_int_t)ban->left_s, "failures",
			     (int)ban->failures, "why", ban->why));
}

int process_show_bans(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	json_t *list = json_array();

	if (!list)
		return -ENOMEM;
	cp_bans_each(cp_phones_bans(p->phones), p->now_us, list_ban, list);
	return json_object_set_new(call->answer, "bans", list) ? -ENOMEM : 0;
}

int process_unban(void *ctx, struct cp_control_call *call)
{
	struct process *p = ctx;
	struct sip_addr source;

	if (sip_addr_parse(sip_str(call->words[0]), 0, &source)) {
		snprintf(call->why, sizeof(call->why),
			"expected an IP address as show bans prints it, found \"%.60s\"",
			call->words[0]);
		return -EINVAL;
	}
	if (!cp_bans_lift(cp_phones_bans(p->phones), p->now_us, &source)) {
		snprintf(call->why, sizeof(call->why), "%.60s is not banned", call->words[0]);
		return -ENOENT;
	}
	cp_log(CP_LOG_INFO, "ban", 0, "%s lifted by %s", call->words[0], call->who);
	return 0;
}
