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
	{CP_C_DTLS_READY, "dtls_handshakes_total", "", "DTLS handshakes that gave SRTP keys.",
		ABI_COUNTER},
	{CP_C_DTLS_FAILED, "dtls_failures_total", "",
		"DTLS handshakes that failed: fingerprint, protocol, time.", ABI_COUNTER},
	{CP_C_CONSENT_LOST, "ice_consent_lost_total", "",
		"Parties that did not consent to receive any more (RFC 7675): sending stopped.", ABI_COUNTER},
	{CP_C_CDR_FAILED, "cdr_failures_total", "", "CDRs that could not be written.", ABI_COUNTER},
	{CP_C_KEPT, "journal_records_total", "", "Records of calls written to the journal.",
		ABI_COUNTER},
	{CP_C_KEEP_FAILED, "journal_failures_total", "",
		"Records that could not be written: such a call would not survive a restart.",
		ABI_COUNTER},
	{CP_C_RESTORED, "calls_restored_total", "",
		"Calls of a hawse-sip that died which this one went on with.", ABI_COUNTER},
	{CP_C_LIMITED, "calls_limited_total", "limit=\"calls\"",
		"Calls refused, or kept from a peer, by a limit of calls at once.", ABI_COUNTER},
	{CP_C_LIMITED + 1, "calls_limited_total", "limit=\"rate\"",
		"Calls refused, or kept from a peer, by a limit of calls in a time.", ABI_COUNTER},
	{CP_C_LIMITED + 2, "calls_limited_total", "limit=\"minutes\"",
		"Calls refused, or kept from a peer, by a limit of minutes a day.", ABI_COUNTER},
	{CP_C_LIMITED + 3, "calls_limited_total", "limit=\"destination\"",
		"Calls refused, or kept from a peer, because their number is not allowed.",
		ABI_COUNTER},
	{CP_C_LIMITED + 4, "calls_limited_total", "limit=\"fraud\"",
		"Calls to dear destinations refused by the fraud guard.", ABI_COUNTER},
	{CP_C_TRUNKS_DOWN, "trunk_changes_total", "to=\"down\"",
		"Times that a trunk went down or came up.", ABI_COUNTER},
	{CP_C_TRUNKS_UP, "trunk_changes_total", "to=\"up\"",
		"Times that a trunk went down or came up.", ABI_COUNTER},
	{CP_C_DROP_RULES, "sip_drops_total", "reason=\"header_rules\"",
		"Messages that could not be written again as a peer's header rules say.",
		ABI_COUNTER},
	{CP_C_RESTORE_LOST, "calls_lost_total", "",
		"Calls of a hawse-sip that died whose records could not be used.", ABI_COUNTER},
	{CP_C_ENROL_FAILURES, "trunk_register_failures_total", "",
		"Times that a trunk did not register us.", ABI_COUNTER},
};

// Of the process, not of a shard.
static const struct {
	enum cp_counter counter;
	const char *name, *label, *help;
	uint8_t kind;
} whole[] = {
	{CP_C_UDP_RECEIVED, "sip_transport_received_total", "transport=\"udp\"",
		"Messages received.", ABI_COUNTER},
	{CP_C_STREAM_RECEIVED, "sip_transport_received_total", "transport=\"stream\"",
		"Messages received.", ABI_COUNTER},
	{CP_C_UDP_SENT, "sip_transport_sent_total", "transport=\"udp\"", "Messages sent.",
		ABI_COUNTER},
	{CP_C_STREAM_SENT, "sip_transport_sent_total", "transport=\"stream\"", "Messages sent.",
		ABI_COUNTER},
	{CP_C_CONNECTIONS, "sip_connections", "", "TCP, TLS and WebSocket connections now.",
		ABI_GAUGE},
	{CP_C_CONNECTIONS_ACCEPTED, "sip_connections_total", "by=\"peer\"",
		"Connections made, by who made them.", ABI_COUNTER},
	{CP_C_CONNECTIONS_MADE, "sip_connections_total", "by=\"hawse\"",
		"Connections made, by who made them.", ABI_COUNTER},
	{CP_C_CONNECTIONS_REFUSED, "sip_connections_ended_total", "reason=\"too_many\"",
		"Connections ended by Hawse: over the limit in all or of one address.",
		ABI_COUNTER},
	{CP_C_CONNECTIONS_SLOW, "sip_connections_ended_total", "reason=\"slow\"",
		"Connections ended by Hawse: a message, handshake or upgrade took too long.",
		ABI_COUNTER},
	{CP_C_CONNECTIONS_IDLE, "sip_connections_ended_total", "reason=\"idle\"",
		"Connections ended by Hawse: nothing came for ten minutes.", ABI_COUNTER},
	{CP_C_CONNECTIONS_BACKLOG, "sip_connections_ended_total", "reason=\"backlog\"",
		"Connections ended by Hawse: the other side does not read.", ABI_COUNTER},
	{CP_C_CONNECTIONS_UNFRAMED, "sip_connections_ended_total", "reason=\"unframed\"",
		"Connections ended by Hawse: what came is no SIP, or too long.", ABI_COUNTER},
	{CP_C_CONNECTIONS_TLS, "sip_connections_ended_total", "reason=\"tls\"",
		"Connections ended by Hawse: TLS failed, or a certificate was not trusted.",
		ABI_COUNTER},
	{CP_C_CONNECTIONS_UPGRADE, "sip_connections_ended_total", "reason=\"upgrade\"",
		"Connections ended by Hawse: no WebSocket for SIP was asked for.", ABI_COUNTER},
	{CP_C_KEEPALIVES, "sip_keepalives_total", "", "Pings of two CRLFs.", ABI_COUNTER},
	{CP_C_WIDENED, "sip_requests_by_tcp_for_length_total", "",
		"Requests that went by TCP because they are too long for UDP.", ABI_COUNTER},
	{CP_C_RECONNECTED, "sip_responses_reconnected_total", "",
		"Responses sent by a new connection because that of their request was gone.",
		ABI_COUNTER},
	{CP_C_ICMP, "sip_icmp_errors_total", "", "Datagrams that ICMP says did not arrive.",
		ABI_COUNTER},
	{CP_C_DNS_QUESTIONS, "dns_questions_total", "", "Questions asked of name servers.",
		ABI_COUNTER},
	{CP_C_DNS_FAILURES, "dns_failures_total", "", "Names of peers that could not be resolved.",
		ABI_COUNTER},
	{CP_C_DROP_KERNEL, "sip_drops_total", "reason=\"socket_full\"",
		"Datagrams that the kernel dropped because Hawse did not read fast enough.",
		ABI_COUNTER},
	{CP_C_DROP_QUEUE, "sip_drops_total", "reason=\"send_queue_full\"",
		"Datagrams not sent because the kernel did not take them.", ABI_COUNTER},
	{CP_C_DROP_SHED, "sip_drops_total", "reason=\"shed\"",
		"New requests answered by 503 unread because they had waited too long.",
		ABI_COUNTER},
	{CP_C_DROP_SHED_SOURCE, "sip_drops_total", "reason=\"stranger_rate\"",
		"New requests dropped because their unknown source sends too many.", ABI_COUNTER},
	{CP_C_DROP_MUTED, "sip_drops_total", "reason=\"muted\"",
		"Messages dropped unread because their source sends junk.", ABI_COUNTER},
	{CP_C_DROP_SHED_ACK, "sip_drops_total", "reason=\"shed_ack\"",
		"ACKs of such 503s, which need nothing more.", ABI_COUNTER},
	{CP_C_MUTES, "sip_mutes_total", "", "Times that a source was muted for junk.", ABI_COUNTER},
	{CP_C_WAITED_US, "sip_waited_microseconds", "",
		"How long the last new request had waited before it was read.", ABI_GAUGE},
	{CP_C_FRAUD_ALARMS, "fraud_alarms_total", "",
		"Times that the fraud guard blocked the dear destinations of a customer.",
		ABI_COUNTER},
	{CP_C_JOURNAL, "journal_up", "",
		"1 when what calls need to survive a restart of hawse-sip is being written.",
		ABI_GAUGE},
	{CP_C_JOURNAL_FAILED, "journal_commit_failures_total", "",
		"Times that the journal could not be written.", ABI_COUNTER},
	{CP_C_REGISTRATIONS, "registrations", "", "Contacts of phones that are registered now.",
		ABI_GAUGE},
	{CP_C_REGISTERED_USERS, "registered_users", "", "Users with a phone that is registered.",
		ABI_GAUGE},
	{CP_C_REGISTERS, "registers_total", "result=\"ok\"", "REGISTERs by how they ended.",
		ABI_COUNTER},
	{CP_C_REGISTERS_CHALLENGED, "registers_total", "result=\"challenged\"",
		"REGISTERs by how they ended; calls that were challenged count, too.", ABI_COUNTER},
	{CP_C_REGISTERS_STALE, "register_stale_nonces_total", "",
		"Challenges because a nonce was too old, or used.", ABI_COUNTER},
	{CP_C_REGISTERS_FAILED, "registers_total", "result=\"failed\"",
		"Wrong passwords and unknown users.", ABI_COUNTER},
	{CP_C_REGISTERS_REFUSED, "registers_total", "result=\"refused\"",
		"REGISTERs refused for another reason than the password.", ABI_COUNTER},
	{CP_C_REGISTERS_FLOODED, "registers_total", "result=\"flood\"",
		"REGISTERs refused by 503 because their host sends too many.", ABI_COUNTER},
	{CP_C_REGISTRATIONS_EXPIRED, "registrations_expired_total", "",
		"Contacts that were not registered again in time.", ABI_COUNTER},
	{CP_C_REGISTRATIONS_LOST, "registrations_not_kept_total", "",
		"Registrations that could not be written to the journal.", ABI_COUNTER},
	{CP_C_PHONE_PINGS, "phone_pings_total", "", "OPTIONS sent to phones behind NAT.",
		ABI_COUNTER},
	{CP_C_BANS, "bans", "", "Addresses that are banned now.", ABI_GAUGE},
	{CP_C_BANNED, "bans_total", "", "Times that an address was banned.", ABI_COUNTER},
	{CP_C_DROP_BANNED, "sip_drops_total", "reason=\"banned\"",
		"Messages dropped unread because their source is banned.", ABI_COUNTER},
	{CP_C_DROP_DENIED, "sip_drops_total", "reason=\"denied\"",
		"Messages dropped unread because sip.deny says so.", ABI_COUNTER},
	{CP_C_TRUNKS_REGISTERED, "trunk_registrations", "state=\"registered\"",
		"Trunks that we register at, by whether we are.", ABI_GAUGE},
	{CP_C_TRUNKS_UNREGISTERED, "trunk_registrations", "state=\"not_registered\"",
		"Trunks that we register at, by whether we are.", ABI_GAUGE},
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
	[CP_RESULT_LIMIT] = "limit",
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
	for (unsigned i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		struct abi_counter *c = &table[whole[i].counter];

		snprintf(c->name, sizeof(c->name), "%s", whole[i].name);
		snprintf(c->label, sizeof(c->label), "%s", whole[i].label);
		snprintf(c->help, sizeof(c->help), "%s", whole[i].help);
		c->kind = whole[i].kind;
		c->scope = ABI_SCOPE_AGENT;
	}
}
