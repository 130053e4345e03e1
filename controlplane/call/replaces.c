// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/replaces.h"

#include <errno.h>
#include <stdio.h>

#include "controlplane/call/join.h"
#include "sip/uri.h"

int cp_replaces_parse(struct sip_slice value, struct cp_replaces *out)
{
	const char *semi = value.n ? memchr(value.p, ';', value.n) : NULL;
	struct sip_slice params, name, v;
	int rc;

	*out = (struct cp_replaces){0};
	if (!semi)
		return -EBADMSG;
	out->call_id = sip_slice_trim(sip_slice(value.p, (size_t)(semi - value.p)));
	params = sip_slice_from(value, (size_t)(semi - value.p));
	while ((rc = sip_param_next(&params, &name, &v)) == 1) {
		struct sip_slice *tag = sip_slice_iis(name, "to-tag")   ? &out->to_tag
					: sip_slice_iis(name, "from-tag") ? &out->from_tag
									  : NULL;

		if (tag && (tag->n || !v.n))
			return -EBADMSG;
		if (tag)
			*tag = v;
		out->early_only |= sip_slice_iis(name, "early-only");
	}
	return rc < 0 || !out->call_id.n || !out->to_tag.n || !out->from_tag.n ? -EBADMSG : 0;
}

int cp_replaces_in_uri(struct sip_slice headers, char text[CP_REPLACES], struct cp_replaces *out)
{
	bool found = false;
	int n = 0;

	while (headers.n) {
		const char *amp = memchr(headers.p, '&', headers.n);
		size_t size = amp ? (size_t)(amp - headers.p) : headers.n;
		struct sip_slice field = sip_slice(headers.p, size);
		const char *eq = size ? memchr(field.p, '=', field.n) : NULL;
		size_t name = eq ? (size_t)(eq - field.p) : field.n;

		headers = sip_slice_from(headers, amp ? size + 1 : size);
		if (!sip_slice_iis(sip_slice(field.p, name), "Replaces"))
			continue;
		if (found || !eq)
			return -EBADMSG;
		found = true;
		n = sip_unescape(sip_slice_from(field, name + 1), text, CP_REPLACES);
		if (n < 0)
			return -EBADMSG;
	}
	if (!found)
		return -ENOENT;
	for (int i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20)
			return -EBADMSG;
	return cp_replaces_parse(sip_slice(text, (size_t)n), out);
}

struct cp_call *cp_replaces_find(
	struct cp_shard *shard, const struct cp_replaces *r, unsigned *leg)
{
	struct sip_dialog *d =
		sip_dialog_find(shard->dialogs, r->call_id, r->to_tag, r->from_tag);
	struct cp_call *call = d ? sip_dialog_user(d) : NULL;

	if (!call)
		return NULL;
	*leg = cp_leg_of(call, d);
	return call;
}

// ---- INVITE with Replaces ------------------------------------------------------------------------------

// 0 with the call and leg whose party is replaced, or the status that refuses.
static int judge(struct cp_shard *shard, const struct cp_peer *caller, const struct sip_message *m,
	struct cp_call **call, unsigned *leg)
{
	struct sip_slice value, second;
	struct cp_replaces r;
	unsigned at = 0;

	sip_message_find(m, "Replaces", &at, &value);
	if (sip_message_find(m, "Replaces", &at, &second) || cp_replaces_parse(value, &r))
		return 400;
	*call = cp_replaces_find(shard, &r, leg);
	// Only who is in the call may be taken out of it by its own peer; others learn nothing of it.
	if (!*call || strcmp((*call)->leg[*leg].peer->cfg->name, caller->cfg->name) != 0)
		return 481;
	if (caller->cfg->transfer == CFG_TRANSFER_REFUSE)
		return 603;
	if ((*call)->state == ABI_CALL_ENDING)
		return 603; // RFC 3891 3: the dialog is terminated
	if ((*call)->state != ABI_CALL_UP || (*call)->borrower)
		return 481;
	return r.early_only ? 486 : 0;
}

bool cp_replaces_invite(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m)
{
	const struct cp_peer *caller;
	struct cp_call *old = NULL, *call;
	unsigned leg = 0;
	int status;

	if (!sip_message_has(m, SIP_H_REPLACES))
		return false;
	caller = cp_who(shard, shard->policy, sip_tx_flow(tx));
	if (!caller) {
		cp_count(shard, CP_C_CALLS + CP_RESULT_STRANGER);
		sip_respond_simple(tx, 403, NULL);
		return true;
	}
	status = judge(shard, caller, m, &old, &leg);
	// Without an offer there is nothing to tell the party that stays.
	if (!status && !sip_message_has_sdp(m))
		status = 488;
	if (status) {
		sip_respond_simple(tx, status, NULL);
		return true;
	}
	if (!cp_setup_admit(shard, tx, m, caller, false))
		return true;
	call = cp_setup_call(shard, tx, m, caller, NULL);
	if (!call)
		return true;
	snprintf(call->to, sizeof(call->to), "%s", leg ? old->from : old->to);
	if (cp_join_take(call, 1, old, cp_other(leg)))
		cp_call_end(call, CP_BY_HAWSE, 500, sip_slice(NULL, 0), "Retry-After: 1\r\n");
	else
		cp_setup_offer(call, m);
	return true;
}
