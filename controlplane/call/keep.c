// SPDX-License-Identifier: BSD-3-Clause
//
// Which calls the journal has to be told of, and the calls that it gives back.
//
// A call that changed is put on the shard's list; at the end of the pass all of the list are written, if
// one of them must not wait. What can wait (that an ACK came, that a call is over) goes along with the
// next, half a second later at most: should the process die before, the record that is still there
// costs a repeated 200 or BYE, and no call.
#include "controlplane/call/call.h"

#include <errno.h>
#include <stdlib.h>

#include "controlplane/call/journal.h"
#include "controlplane/call/persist.h"
#include "controlplane/log.h"

void cp_call_touch(struct cp_call *call, bool now)
{
	struct cp_shard *shard = call->shard;

	if (!shard->ops->keep || call->state != ABI_CALL_UP)
		return;
	shard->urgent |= now;
	if (call->touched)
		return;
	call->touched = true;
	call->touched_next = shard->touched;
	shard->touched = call;
}

void cp_call_untouch(struct cp_call *call)
{
	struct cp_call **link = &call->shard->touched;

	if (!call->touched)
		return;
	while (*link != call)
		link = &(*link)->touched_next;
	*link = call->touched_next;
	call->touched = false;
}

static void failed(struct cp_call *call, int error)
{
	struct cp_shard *shard = call->shard;

	cp_count(shard, CP_C_KEEP_FAILED);
	if (!call->kept_failed)
		cp_log(CP_LOG_WARNING, "journal", call->id,
			"the call would not survive a restart: %s", strerror(-error));
	call->kept_failed = true;
}

static void keep(struct cp_call *call)
{
	struct cp_shard *shard = call->shard;
	int n = cp_persist_save(call, shard->record, CP_JOURNAL_RECORD), err;
	uint64_t digest;

	if (n == -EAGAIN)
		return;
	if (n < 0) {
		failed(call, n);
		return;
	}
	digest = cp_persist_digest(shard->record);
	if (digest == call->kept)
		return;
	err = shard->ops->keep(shard->ctx, call->id, shard->record, (size_t)n);
	if (err) {
		failed(call, err);
		return;
	}
	call->kept = digest;
	cp_count(shard, CP_C_KEPT);
}

bool cp_shard_keep(struct cp_shard *shard, bool all)
{
	bool now = shard->urgent || (all && shard->touched);

	if (!now)
		return false;
	shard->urgent = false;
	while (shard->touched) {
		struct cp_call *call = shard->touched;

		cp_call_untouch(call);
		keep(call);
	}
	return true;
}

void cp_shard_keep_again(struct cp_shard *shard)
{
	for (struct cp_call *call = shard->calls; call; call = call->next) {
		call->kept = 0;
		cp_call_touch(call, true);
	}
}

void cp_call_unkeep(struct cp_call *call)
{
	struct cp_shard *shard = call->shard;
	int err;

	cp_call_untouch(call);
	if (!call->kept)
		return;
	call->kept = 0;
	err = shard->ops->drop(shard->ctx, call->id);
	if (err)
		failed(call, err);
}

// ---- after a restart -------------------------------------------------------------------------------

static int lost(struct cp_shard *shard, uint64_t id, int error)
{
	const char *why = error == -EBADMSG           ? "its record cannot be read"
			  : error == -EPROTONOSUPPORT ? "its record is of another version"
			  : error == -EADDRNOTAVAIL   ? "no listener can speak for it"
						      : strerror(-error);

	cp_count(shard, CP_C_RESTORE_LOST);
	abi_store64(&shard->counters[CP_C_CALLS_CURRENT], shard->running);
	cp_log(CP_LOG_WARNING, "journal", id, "the call is lost: %s", why);
	return error;
}

int cp_shard_restore(
	struct cp_shard *shard, uint64_t id, const uint8_t *record, size_t n, unsigned recorded)
{
	struct cp_call *call;
	int err = cp_persist_load(shard, id, record, n, &call);

	if (err)
		return lost(shard, id, err);
	call->kept = cp_persist_digest(record);
	cp_limit_restore(call);
	cp_count(shard, CP_C_RESTORED);
	cp_call_event(call, 255, "goes on after a restart of hawse-sip");
	if (!recorded) {
		cp_record_up(call);
		return 0;
	}
	// Killed between the CDRs of its two legs: it had ended.
	for (unsigned leg = 0; leg < 2; leg++)
		call->leg[leg].recorded = recorded >> leg & 1;
	cp_reason_set(call, "Q.850", 41, "restart");
	cp_call_end(call, CP_BY_HAWSE, 503, sip_slice(NULL, 0), NULL);
	return 0;
}

bool cp_restored_invite(
	struct cp_shard *shard, struct sip_transaction *tx, const struct sip_message *m)
{
	const struct cp_label *label = cp_label_find(shard, sip_message_call_id(m));
	struct cp_call *call = shard->calls;
	struct sip_dialog_view view;
	struct sip_cseq cseq;
	struct sip_response r = {.status = 200};
	struct sdp_str shown;

	// What has an id of its own by now began with this message.
	if (!shard->restored || shard->fresh || !label || label->leg != 0)
		return false;
	while (call && call->id != label->call)
		call = call->next;
	if (!call || !call->restored || call->state != ABI_CALL_UP || sip_message_cseq(m, &cseq))
		return false;
	sip_dialog_view(call->leg[0].dialog, &view);
	if (view.is_uac || cseq.number > view.remote_cseq ||
		!sip_slice_eq(view.remote_tag, sip_message_from_tag(m)) ||
		!cp_is_party(call, 0, call->leg[0].dialog, sip_tx_flow(tx)))
		return false;
	shown = sdp_oa_shown(&call->oa, SDP_LEG_A);
	r.body = sip_slice(shown.ptr, shown.len);
	r.lines = cp_lines(call, 0, CP_LINE_CONTACT | CP_LINE_SDP, NULL, 0);
	sip_dialog_respond(call->leg[0].dialog, tx, &r);
	return true;
}
