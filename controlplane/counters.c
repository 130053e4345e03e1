// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/counters.h"

#include <stdio.h>

// Counters that stand alone; the families below fill the gaps.
static const struct {
	enum cp_counter counter;
	const char *name, *label, *help;
	uint8_t kind;
} singles[] = {
	{CP_C_DROP_STRANGER, "sip_drops_total", "reason=\"stranger\"",
		"Messages dropped without an answer because no peer has their source address.",
		ABI_COUNTER},
	{CP_C_DROP_STRAY_RESPONSE, "sip_drops_total", "reason=\"stray_response\"",
		"Responses that belong to no transaction.", ABI_COUNTER},
	{CP_C_DROP_STRAY_ACK, "sip_drops_total", "reason=\"stray_ack\"",
		"ACKs that belong to no dialog.", ABI_COUNTER},
	{CP_C_DROP_OVERLOAD, "sip_drops_total", "reason=\"overload\"",
		"Requests refused by 503 because too many transactions run.", ABI_COUNTER},
	{CP_C_DROP_NO_MEMORY, "sip_drops_total", "reason=\"no_memory\"",
		"Messages lost because memory ran out.", ABI_COUNTER},
	{CP_C_DROP_SOURCE, "sip_drops_total", "reason=\"foreign_source\"",
		"Requests inside a dialog from an address that is not its peer's, answered by 481.",
		ABI_COUNTER},
	{CP_C_RETRANSMITS_IN, "sip_retransmissions_total", "direction=\"received\"",
		"Requests and responses that came again.", ABI_COUNTER},
	{CP_C_RETRANSMITS_OUT, "sip_retransmissions_total", "direction=\"sent\"",
		"Requests and responses that were sent again.", ABI_COUNTER},
	{CP_C_MERGED, "sip_merged_requests_total", "",
		"Requests refused by 482 because they came on two ways.", ABI_COUNTER},
	{CP_C_TIMEOUTS, "sip_transaction_timeouts_total", "",
		"Transactions that ended without an answer.", ABI_COUNTER},
	{CP_C_TRANSPORT_ERRORS, "sip_transport_errors_total", "",
		"Transactions that ended because nothing could be sent.", ABI_COUNTER},
	{CP_C_TRANSACTIONS, "sip_transactions", "", "Transactions that run now.", ABI_GAUGE},
	{CP_C_CALLS_CURRENT, "calls", "", "Calls now, those being set up included.", ABI_GAUGE},
	{CP_C_CALLS_UP, "calls_up", "", "Calls that are answered now.", ABI_GAUGE},
	{CP_C_ENDED_CALLER, "calls_ended_total", "by=\"caller\"",
		"Answered calls that the caller ended.", ABI_COUNTER},
	{CP_C_ENDED_CALLEE, "calls_ended_total", "by=\"callee\"",
		"Answered calls that the callee ended.", ABI_COUNTER},
	{CP_C_ENDED_HAWSE, "calls_ended_total", "by=\"hawse\"",
		"Answered calls that Hawse ended: media timeout, lost party, no media.",
		ABI_COUNTER},
	{CP_C_MEDIA_TIMEOUTS, "call_media_timeouts_total", "",
		"Calls ended because a party sent no media.", ABI_COUNTER},
	{CP_C_NEXT_TARGETS, "call_next_targets_total", "",
		"Calls offered to the next target of their route.", ABI_COUNTER},
	{CP_C_NEXT_HOPS, "call_next_hops_total", "",
		"Calls offered to the next address of their target.", ABI_COUNTER},
	{CP_C_SETUP_MS, "call_setup_milliseconds_total", "",
		"Sum over answered calls: from INVITE to 200.", ABI_COUNTER},
	{CP_C_PDD_MS, "call_pdd_milliseconds_total", "",
		"Sum over calls that rang: from INVITE to the first ringing (post-dial delay).",
		ABI_COUNTER},
	{CP_C_PDD_CALLS, "call_pdd_calls_total", "", "Calls that rang.", ABI_COUNTER},
	{CP_C_DURATION_MS, "call_duration_milliseconds_total", "",
		"Sum over answered calls that ended: from 200 to the end.", ABI_COUNTER},
	{CP_C_MEDIA_COMMANDS, "media_commands_total", "", "Commands sent to hawse-media.",
		ABI_COUNTER},
	{CP_C_MEDIA_FAILURES, "media_command_failures_total", "",
		"Commands that hawse-media refused or did not answer.", ABI_COUNTER},
	{CP_C_REPLAYED, "media_sessions_replayed_total", "",
		"Media sessions claimed or made again after hawse-media was attached anew.",
		ABI_COUNTER},
	{CP_C_REPLAY_FAILED, "media_sessions_lost_total", "",
		"Media sessions that could not be made again; their calls ended.", ABI_COUNTER},
	{CP_C_CDR_FAILED, "cdr_failures_total", "", "CDRs that could not be written.", ABI_COUNTER},
};

static const char *const results[CP_RESULTS] = {
	[CP_RESULT_ANSWERED] = "answered",
	[CP_RESULT_CANCELLED] = "cancelled",
	[CP_RESULT_BUSY] = "busy",
	[CP_RESULT_NO_ANSWER] = "no_answer",
	[CP_RESULT_UNREACHABLE] = "unreachable",
	[CP_RESULT_REFUSED] = "refused",
	[CP_RESULT_NO_ROUTE] = "no_route",
	[CP_RESULT_STRANGER] = "stranger",
	[CP_RESULT_LOOP] = "loop",
	[CP_RESULT_BAD_OFFER] = "bad_offer",
	[CP_RESULT_NO_PORTS] = "no_ports",
	[CP_RESULT_NO_MEDIA] = "no_media",
	[CP_RESULT_OVERLOAD] = "overload",
	[CP_RESULT_INTERNAL] = "internal",
};

const char *cp_result_name(enum cp_result result)
{
	return (unsigned)result < CP_RESULTS ? results[result] : "unknown";
}

static void put(struct abi_counter *c, const char *name, const char *key, const char *value,
	const char *help)
{
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->label, sizeof(c->label), "%s=\"%s\"", key, value);
	snprintf(c->help, sizeof(c->help), "%s", help);
	c->kind = ABI_COUNTER;
	c->scope = ABI_SCOPE_WORKER;
}

static void methods(struct abi_counter *table, const char *name, const char *help)
{
	for (unsigned i = 0; i < SIP_M_COUNT; i++) {
		const char *method = sip_method_name((enum sip_method)i);

		put(&table[i], name, "method", method ? method : "other", help);
	}
}

static void classes(struct abi_counter *table, const char *name, const char *help)
{
	for (unsigned i = 0; i < 6; i++) {
		const char text[] = {(char)('1' + i), 'x', 'x', 0};

		put(&table[i], name, "class", text, help);
	}
}

void cp_counters_describe(struct abi_counter table[CP_COUNTERS])
{
	memset(table, 0, sizeof(*table) * CP_COUNTERS);
	methods(&table[CP_C_REQUESTS], "sip_requests_received_total",
		"Requests received, retransmissions included.");
	methods(&table[CP_C_REQUESTS_SENT], "sip_requests_sent_total",
		"Requests sent, retransmissions included.");
	classes(&table[CP_C_RESPONSES], "sip_responses_received_total",
		"Responses received, retransmissions included.");
	classes(&table[CP_C_RESPONSES_SENT], "sip_responses_sent_total",
		"Responses sent, retransmissions included.");
	for (unsigned i = 0; i < SIP_REFUSE_COUNT; i++)
		put(&table[CP_C_DROPS + i], "sip_drops_total", "reason",
			sip_refusal_name((enum sip_refusal)i),
			"Messages that were dropped or refused before they were looked at.");
	for (unsigned i = 0; i < CP_RESULTS; i++)
		put(&table[CP_C_CALLS + i], "calls_total", "result", results[i],
			"Calls by how their set-up ended.");
	for (unsigned i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		struct abi_counter *c = &table[singles[i].counter];

		snprintf(c->name, sizeof(c->name), "%s", singles[i].name);
		snprintf(c->label, sizeof(c->label), "%s", singles[i].label);
		snprintf(c->help, sizeof(c->help), "%s", singles[i].help);
		c->kind = singles[i].kind;
		c->scope = ABI_SCOPE_WORKER;
	}
}
