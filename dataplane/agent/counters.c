// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/counters.h"

#include <stdio.h>
#include <string.h>

struct entry {
	const char *name, *label, *help;
	uint8_t kind;
};

static const struct entry entries[AGENT_REFUSED] = {
	[AGENT_ATTACHES] = {"media_attaches_total", "", "Control planes that attached."},
	[AGENT_ATTACH_REFUSED] = {"media_attaches_refused_total", "",
		"Connections refused for their user, their version or a garbled hello."},
	[AGENT_READERS] = {"media_readers", "", "Readers of statistics connected now.", ABI_GAUGE},
	[AGENT_DETACHES] = {"media_detaches_total", "reason=\"hangup\"",
		"Control planes that went away; media went on."},
	[AGENT_BROKEN_RING] = {"media_detaches_total", "reason=\"broken_ring\"",
		"Control planes cut off because a ring index in their memory made no sense."},
	[AGENT_BROKEN_SEQUENCE] = {"media_detaches_total", "reason=\"broken_sequence\"",
		"Control planes cut off because a command did not follow the one before."},
	[AGENT_FLOOD] = {"media_detaches_total", "reason=\"flood\"",
		"Control planes cut off because they sent malformed commands without end."},
	[AGENT_ATTACHED] = {"media_control_attached", "", "1 while a control plane is attached.",
		ABI_GAUGE},
	[AGENT_COMMANDS] = {"media_commands_total", "", "Commands of the control plane."},
	[AGENT_REPLIES] = {"media_replies_total", "", "Replies to the control plane."},
	[AGENT_EVENTS] = {"media_events_total", "", "Events told to the control plane."},
	[AGENT_EVENTS_LOST] = {"media_events_lost_total", "",
		"Events that the control plane had no room for."},
	[AGENT_ALLOCATIONS] = {"media_allocations_total", "", "Sessions given ports."},
	[AGENT_ALLOCATIONS_AGAIN] = {"media_allocations_repeated_total", "",
		"Requests for ports that were answered before and got the same answer."},
	[AGENT_NO_PORTS] = {"media_allocation_failures_total", "reason=\"ports\"",
		"Requests for ports refused because every port was used or resting."},
	[AGENT_NO_SLOTS] = {"media_allocation_failures_total", "reason=\"sessions\"",
		"Requests for ports refused because dataplane.sessions are in use."},
	[AGENT_NO_ADDRESS] = {"media_allocation_failures_total", "reason=\"address\"",
		"Requests for ports refused because no local address fits."},
	[AGENT_NO_ROUTE] = {"media_no_route_total", "",
		"Plans refused because a remote address cannot be reached from the leg's "
		"interface."},
	[AGENT_BUSY] = {"media_busy_total", "",
		"Commands answered with 'try again' because a worker was behind."},
	[AGENT_NO_SESSION] = {"media_no_session_total", "",
		"Commands for sessions that do not exist any more."},
	[AGENT_SWEPT] = {"media_sessions_swept_total", "",
		"Sessions that no control plane claimed after a restart."},
	[AGENT_TIMEOUTS] = {"media_timeouts_total", "", "Legs from which no media came any more."},
	[AGENT_WORKER_ERRORS] = {"media_worker_errors_total", "",
		"Orders that a worker refused; should stay 0."},
	[AGENT_SESSIONS] = {"media_sessions", "", "Sessions that hold ports.", ABI_GAUGE},
	[AGENT_PORTS_TOTAL] = {"media_ports", "state=\"configured\"", "Local media ports.",
		ABI_GAUGE},
	[AGENT_PORTS_USED] = {"media_ports", "state=\"used\"", "Local media ports in use.",
		ABI_GAUGE},
	[AGENT_PORTS_RESTING] = {"media_ports", "state=\"resting\"",
		"Freed ports that are not given out yet, so that late packets reach nobody.",
		ABI_GAUGE},
	[AGENT_HOPS] = {"media_next_hops", "", "Next hops that legs send to.", ABI_GAUGE},
	[AGENT_HOPS_EXHAUSTED] = {"media_next_hops_exhausted_total", "",
		"Remote addresses that found the table of next hops full."},
	[AGENT_HOP_CHANGES] = {"media_next_hop_changes_total", "",
		"Legs that were given another next hop while their call ran."},
	[AGENT_NETLINK_UPDATES] = {"media_netlink_updates_total", "",
		"Changes of links, routes and neighbours that the kernel told."},
	[AGENT_NETLINK_RESYNCS] = {"media_netlink_resyncs_total", "",
		"Times that routes were read anew from the kernel."},
	[AGENT_NEIGHBOUR_USES] = {"media_neighbour_probes_total", "",
		"Times that the kernel was asked to resolve or probe a neighbour."},
	[AGENT_XDP_FRAGMENTS] = {"media_xdp_total", "reason=\"fragment\"",
		"Fragments to a media address, left to the kernel: they carry no ports."},
	[AGENT_XDP_MALFORMED] = {"media_xdp_total", "reason=\"malformed\"",
		"Packets cut short inside a header, left to the kernel."},
	[AGENT_XDP_NO_SOCKET] = {"media_xdp_drops_total", "reason=\"no_socket\"",
		"No AF_XDP socket serves the queue that the media packet came to"},
	[AGENT_XDP_CLOSED] = {"media_xdp_drops_total", "reason=\"unknown_port\"",
		"No session has this port now: a late packet of an ended call, or somebody scans. "
		"Dropped by the XDP program, it cost the workers nothing"},
	[AGENT_STEERING + STEER_ONE] = {"media_steering", "method=\"one_worker\"",
		"Media interfaces whose packets reach their worker in this way.", ABI_GAUGE},
	[AGENT_STEERING + STEER_FLOW] = {"media_steering", "method=\"flow_rules\"",
		"Media interfaces whose packets reach their worker in this way.", ABI_GAUGE},
	[AGENT_STEERING + STEER_RSS] = {"media_steering", "method=\"rss\"",
		"Media interfaces whose packets reach their worker in this way.", ABI_GAUGE},
	[AGENT_STEERING + STEER_QUEUES] = {"media_steering", "method=\"af_xdp_queues\"",
		"Media interfaces whose packets reach their worker in this way.", ABI_GAUGE},
	[AGENT_STEERING + STEER_HANDOFF] = {"media_steering", "method=\"hand_off\"",
		"Media interfaces whose packets reach their worker in this way.", ABI_GAUGE},
	[AGENT_STEERING_PROVED] = {"media_steering_proved", "",
		"Media interfaces whose way to the workers was proved, by probe packets or by "
		"traffic.",
		ABI_GAUGE},
	[AGENT_PUNTS] = {"agent_packets_total", "direction=\"to\"",
		"DTLS and STUN handed between workers and the control plane"},
	[AGENT_INJECTS] = {"agent_packets_total", "direction=\"from\"",
		"DTLS and STUN handed between workers and the control plane"},
	[AGENT_PUNTS_LOST] = {"agent_packets_lost_total", "direction=\"to\"",
		"DTLS and STUN that nobody took in time"},
	[AGENT_INJECTS_LOST] = {"agent_packets_lost_total", "direction=\"from\"",
		"DTLS and STUN that nobody took in time"},
	[AGENT_INJECTS_REFUSED] = {"agent_packets_lost_total", "direction=\"refused\"",
		"Packets of the control plane that may not be sent"},
	[AGENT_TRANSCODERS_FULL] = {"media_transcode_refused_total", "",
		"Sessions refused because every transcoder had enough to do."},
	[AGENT_DIGITS] = {"media_digits_total", "", "Digits told to the control plane."},
	[AGENT_PLAYS] = {"media_plays_total", "", "Prompts and tones begun."},
	[AGENT_RECORDINGS] = {"media_recordings_total", "", "Recordings begun."},
	[AGENT_RECORDINGS_FAILED] = {"media_recordings_failed_total", "",
		"Recordings that could not be made or written to their end."},
};

static const struct entry transcoder_entries[TRANSCODER_COUNTERS] = {
	[TRANSCODER_PACKETS_IN] = {"transcoder_packets_total", "",
		"Packets taken from workers."},
	[TRANSCODER_PACKETS_OUT] = {"transcoder_made_total", "", "Packets made."},
	[TRANSCODER_RTCP_OUT] = {"transcoder_reports_total", "", "RTCP reports made."},
	[TRANSCODER_CONCEALED] = {"transcoder_concealed_ms_total", "",
		"Milliseconds of sound made up for what was lost."},
	[TRANSCODER_LATE] = {"transcoder_late_total", "", "Packets that came too late to be heard."},
	[TRANSCODER_REFUSED] = {"transcoder_corrupt_drops_total", "",
		"A payload that its codec could not read: concealed"},
	[TRANSCODER_WRONG_TYPE] = {"transcoder_type_drops_total", "",
		"A payload type that the session's codec does not have"},
	[TRANSCODER_TOO_FAST] = {"transcoder_fast_drops_total", "",
		"Media that came faster than it can be heard"},
	[TRANSCODER_UNKNOWN] = {"transcoder_session_drops_total", "",
		"A packet of a session that has just begun or ended"},
	[TRANSCODER_OUT_FULL] = {"transcoder_worker_drops_total", "",
		"The worker does not take packets as fast as they are made"},
	[TRANSCODER_DIGITS] = {"transcoder_digits_total", "", "Digits heard."},
	[TRANSCODER_EVENTS_LOST] = {"transcoder_digits_lost_total", "",
		"Digits that the agent was too late to take."},
	[TRANSCODER_TICKS] = {"transcoder_ticks_total", "", "Turns of a millisecond."},
	[TRANSCODER_LATE_TICKS] = {"transcoder_ticks_late_total", "",
		"Turns that took more than their millisecond."},
	[TRANSCODER_BUSY] = {"transcoder_busy_us_total", "", "Microseconds at work."},
	[TRANSCODER_SESSIONS] = {"transcoder_sessions", "", "Sessions transcoded now.", ABI_GAUGE},
	[TRANSCODER_LOAD] = {"transcoder_load", "",
		"Thousandths of the last second at work.", ABI_GAUGE},
	[TRANSCODER_CHARGED] = {"transcoder_charged", "",
		"Thousandths of its time that its sessions are expected to take.", ABI_GAUGE},
};

void transcoder_counters_describe(struct abi_counter *out, unsigned index)
{
	memset(out, 0, sizeof(*out) * TRANSCODER_COUNTERS);
	for (unsigned i = 0; i < TRANSCODER_COUNTERS; i++) {
		out[i].scope = ABI_SCOPE_AGENT;
		out[i].kind = transcoder_entries[i].kind;
		snprintf(out[i].name, sizeof(out[i].name), "%s", transcoder_entries[i].name);
		snprintf(out[i].label, sizeof(out[i].label), "transcoder=\"%u\"", index);
		snprintf(out[i].help, sizeof(out[i].help), "%s", transcoder_entries[i].help);
	}
}

void agent_counters_describe(struct abi_counter *out)
{
	memset(out, 0, sizeof(*out) * AGENT_COUNTERS);
	for (unsigned i = 0; i < AGENT_COUNTERS; i++) {
		struct abi_counter *c = &out[i];

		c->scope = ABI_SCOPE_AGENT;
		if (i < AGENT_REFUSED) {
			c->kind = entries[i].kind;
			snprintf(c->name, sizeof(c->name), "%s", entries[i].name);
			snprintf(c->label, sizeof(c->label), "%s", entries[i].label);
			snprintf(c->help, sizeof(c->help), "%s", entries[i].help);
			continue;
		}
		snprintf(c->name, sizeof(c->name), "media_refused_total");
		snprintf(c->label, sizeof(c->label), "field=\"%s\"",
			abi_field_name(i - AGENT_REFUSED));
		snprintf(c->help, sizeof(c->help),
			"Commands refused at the boundary because this field was wrong.");
	}
}
