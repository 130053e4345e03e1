// SPDX-License-Identifier: BSD-3-Clause
//
// What is refused before it becomes a call.
#include "controlplane/call/call.h"
#include "controlplane/call/privacy.h"

#define CP_CALL_ID 1024u // a longer one is nobody's who wants to call

static const char *phrase_of(enum cp_result result, int status)
{
	if (result == CP_RESULT_NO_ROUTE && status == 404)
		return "No Route";
	if (result == CP_RESULT_UNREACHABLE)
		return "No Trunk Is Up";
	if (result == CP_RESULT_REFUSED)
		return "Trunk Is Disabled";
	if (result == CP_RESULT_OVERLOAD)
		return "Too Many Calls";
	return sip_reason_phrase(status);
}

// Strangers leave no record: they would fill the disk.
void cp_setup_refuse(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer *caller, enum cp_result result, int status,
	const char *lines)
{
	cp_count(shard, CP_C_CALLS + (unsigned)result);
	if (caller)
		cp_record_refused(shard, m, caller, status, phrase_of(result, status));
	sip_respond_simple(tx, status, lines);
}

// RFC 3261 20.1: no Accept is application/sdp.
static bool takes_sdp(const struct sip_message *m)
{
	struct sip_walk walk = sip_walk(m, SIP_H_ACCEPT);
	struct sip_slice element;

	if (!sip_message_has(m, SIP_H_ACCEPT))
		return true;
	while (sip_walk_next(&walk, &element)) {
		const char *semi = element.n ? memchr(element.p, ';', element.n) : NULL;
		struct sip_slice type = sip_slice_trim(
			sip_slice(element.p, semi ? (size_t)(semi - element.p) : element.n));

		if (sip_slice_iis(type, "application/sdp") || sip_slice_iis(type, "application/*") ||
			sip_slice_iis(type, "*/*"))
			return true;
	}
	return false;
}

// Refuses what cannot become a call. False when it has.
bool cp_setup_admit(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer *caller, bool emergency)
{
	uint32_t forwards = 70;

	if (shard->stopping || shard->draining || !shard->ready) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_NO_MEDIA, 503, "Retry-After: 5\r\n");
		return false;
	}
	if (shard->running >= shard->policy->cfg->sip.max_calls && !emergency) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_OVERLOAD, 503, "Retry-After: 5\r\n");
		return false;
	}
	// RFC 7332 4: what we send has one less, and 0 may be sent, but nothing after it.
	if (sip_message_number(m, SIP_H_MAX_FORWARDS, &forwards) == 0 && forwards == 0) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_LOOP, 483, NULL);
		return false;
	}
	if (sip_message_call_id(m).n > CP_CALL_ID) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_INTERNAL, 400, NULL);
		return false;
	}
	if (!takes_sdp(m)) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_BAD_OFFER, 406, NULL);
		return false;
	}
	if (cp_privacy_impossible(m)) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_INTERNAL, 500,
			"Warning: 399 hawse \"no such privacy\"\r\n");
		return false;
	}
	if (!sip_message_body_serves(m)) {
		cp_setup_refuse(shard, tx, m, caller, CP_RESULT_BAD_OFFER, 415, CP_ACCEPT);
		return false;
	}
	return true;
}
