// SPDX-License-Identifier: BSD-3-Clause
// What every counter of a worker is called and what it tells the operator.
#include "dataplane/pipeline/stages.h"

#define DROP(reason_, help_)                                                                       \
	{                                                                                          \
		.name = "media_drops_total", .label = "reason=\"" reason_ "\"", .help = help_,     \
		.kind = ABI_COUNTER, .scope = ABI_SCOPE_WORKER                                     \
	}
#define COUNT(name_, label_, help_)                                                                \
	{                                                                                          \
		.name = name_, .label = label_, .help = help_, .kind = ABI_COUNTER,                \
		.scope = ABI_SCOPE_WORKER                                                          \
	}
#define GAUGE(name_, help_)                                                                        \
	{                                                                                          \
		.name = name_, .help = help_, .kind = ABI_GAUGE, .scope = ABI_SCOPE_WORKER         \
	}
#define STAGE(base, name_, help_)                                                                  \
	[(base) + DP_STAGE_RX] = COUNT(name_, "stage=\"rx\"", help_),                              \
		  [(base) + DP_STAGE_LOOKUP] = COUNT(name_, "stage=\"lookup\"", help_),            \
		  [(base) + DP_STAGE_HANDOFF] = COUNT(name_, "stage=\"handoff\"", help_),          \
		  [(base) + DP_STAGE_UNPROTECT] = COUNT(name_, "stage=\"unprotect\"", help_),      \
		  [(base) + DP_STAGE_ADMIT] = COUNT(name_, "stage=\"admit\"", help_),              \
		  [(base) + DP_STAGE_DIVERT] = COUNT(name_, "stage=\"divert\"", help_),            \
		  [(base) + DP_STAGE_PROTECT] = COUNT(name_, "stage=\"protect\"", help_),          \
		  [(base) + DP_STAGE_RELAY] = COUNT(name_, "stage=\"relay\"", help_),              \
		  [(base) + DP_STAGE_TX] = COUNT(name_, "stage=\"tx\"", help_),                    \
		  [(base) + DP_STAGE_PUNT] = COUNT(name_, "stage=\"punt\"", help_)

const struct abi_counter dp_counters[DP_COUNTERS] = {
	[DP_DROP_SHORT] = DROP("short_frame", "The frame is too short for its headers"),
	[DP_DROP_OTHER_VLAN] = DROP("other_vlan", "Untagged, or of another VLAN than the "
						  "interface's"),
	[DP_DROP_NOT_IP] = DROP("not_ip", "Neither IPv4 nor IPv6, and the device has no way to "
					  "the kernel"),
	[DP_DROP_BAD_IP] = DROP("bad_ip_header", "Version or lengths of the IP header are wrong"),
	[DP_DROP_IP_CHECKSUM] = DROP("bad_ip_checksum", "The IPv4 header was damaged on the way"),
	[DP_DROP_NOT_OURS] = DROP("unknown_address", "The destination is not a media address"),
	[DP_DROP_FRAGMENT] = DROP("fragment", "A fragment of a packet: it has no port. Ask the "
					      "sender for smaller packets"),
	[DP_DROP_NOT_UDP] = DROP("not_udp", "Not UDP, at a media address"),
	[DP_DROP_BAD_UDP] = DROP("bad_udp_length", "The UDP length does not fit the packet"),
	[DP_DROP_UDP_CHECKSUM] = DROP("bad_udp_checksum", "The UDP checksum is wrong, or missing "
							  "on IPv6"),
	[DP_DROP_SEGMENTED] = DROP("segmented", "The device delivered the packet in pieces; it is "
						"larger than a media packet can be"),
	[DP_DROP_NOT_MEDIA] = DROP("not_media_port", "UDP to a media address, but to a port "
						     "outside of the range for media"),
	[DP_DROP_HANDOFF_FULL] = DROP("handoff_full", "The worker that owns the port does not keep "
						      "up"),
	[DP_DROP_UNKNOWN_PORT] = DROP("unknown_port", "No session has this port now: a late packet "
						      "of an ended call, or somebody scans"),
	[DP_DROP_SRTP_AUTH] =
		DROP("srtp_auth_failed", "SRTP that does not authenticate: another key, "
					 "damage, or forgery"),
	[DP_DROP_SRTP_REPLAYED] = DROP("srtp_replayed", "SRTP with an index that came before"),
	[DP_DROP_SRTP_NO_KEY] = DROP("srtp_no_key", "SRTP before the key for it is known"),
	[DP_DROP_SRTP_PLAIN] =
		DROP("srtp_plain", "RTP or RTCP in clear from a party that agreed to SRTP"),
	[DP_DROP_SRTP_TRUNCATED] =
		DROP("srtp_truncated", "Too short for the SRTP that was agreed on"),
	[DP_DROP_SRTP_SSRCS] = DROP("srtp_too_many_ssrcs", "More SSRCs under one key than are kept "
							   "track of"),
	[DP_DROP_STUN] = DROP("stun", "A STUN message at a leg without ICE"),
	[DP_DROP_STUN_BAD] =
		DROP("stun_malformed", "STUN that is not whole, or no binding request"),
	[DP_DROP_STUN_CREDENTIALS] =
		DROP("stun_credentials", "A STUN request without the right "
					 "credentials: a stranger, or an old check"),
	[DP_DROP_STUN_ROLE] = DROP("stun_role", "An ICE agent that takes our role; it was told so"),
	[DP_DROP_STUN_ATTRIBUTE] =
		DROP("stun_attribute", "A STUN request with an attribute that must be "
				       "understood and is not"),
	[DP_DROP_STUN_LATE] = DROP("stun_unsent", "The answer to a STUN request could not be sent"),
	[DP_DROP_DTLS] = DROP("dtls", "A DTLS record at a leg without DTLS"),
	[DP_DROP_DTLS_UNCHECKED] =
		DROP("dtls_unchecked", "DTLS from a source that no check of ICE came from"),
	[DP_DROP_DTLS_RATE] = DROP("dtls_rate", "More DTLS at one leg than a handshake can be"),
	[DP_DROP_NOT_RTP] = DROP("not_rtp", "Something that is not RTP on a port for RTP"),
	[DP_DROP_BAD_RTP] = DROP("bad_rtp", "RTP whose header, extension or padding does not fit "
					    "the packet"),
	[DP_DROP_BAD_RTCP] = DROP("bad_rtcp", "RTCP whose version, types or lengths are wrong"),
	[DP_DROP_NOT_RTCP] = DROP("not_rtcp", "Something that is not RTCP on a port for RTCP"),
	[DP_DROP_BAD_UDPTL] = DROP("bad_udptl", "Too short for UDPTL, which T.38 fax comes by"),
	[DP_DROP_RTCP_ON_RTP] = DROP("rtcp_on_rtp_port", "RTCP on the RTP port, which the party "
							 "did not negotiate"),
	[DP_DROP_PAYLOAD_TYPE] = DROP("payload_type", "RTP of a payload type that was not "
						      "negotiated with this party"),
	[DP_DROP_HOLD] = DROP("not_receiving", "RTP from a party that is to send nothing now "
					       "(hold, or before the answer)"),
	[DP_DROP_STRANGER] = DROP("stranger", "RTP from an address that is not the party's: "
					      "somebody may try to inject media"),
	[DP_DROP_STRANGER_RTCP] = DROP("stranger_rtcp", "RTCP from an address that is not the "
							"party's"),
	[DP_DROP_PACKET_RATE] = DROP("packet_rate", "The party sends more packets a second than "
						    "its codec explains"),
	[DP_DROP_OCTET_RATE] = DROP("octet_rate", "The party sends more octets a second than its "
						  "codec explains"),
	[DP_DROP_RTCP_UNWANTED] = DROP("rtcp_unwanted", "RTCP for a party that takes none"),
	[DP_DROP_NO_PEER] = DROP("no_peer", "The session has only one leg: nobody to relay to"),
	[DP_DROP_NOT_SENDING] = DROP("not_sending", "The other party is to receive nothing now "
						    "(hold)"),
	[DP_DROP_NO_REMOTE] = DROP("no_remote", "The other party's address is not known yet"),
	[DP_DROP_NO_CONSENT] = DROP("no_consent", "The other party has not asked for consent for half a minute "
						  "(RFC 7675): it may be gone"),
	[DP_DROP_TRANSCODER_FULL] = DROP("transcoder_full", "The transcoder of the session does not "
							    "keep up"),
	[DP_DROP_SRTP_OUT_NO_KEY] =
		DROP("srtp_out_no_key", "The party it is for gets SRTP, and its key is "
					"not known yet"),
	[DP_DROP_SRTP_OUT_REPEATED] =
		DROP("srtp_out_repeated", "A sequence number that was sent already: "
					  "SRTP must not use it twice"),
	[DP_DROP_SRTP_OUT_EXHAUSTED] =
		DROP("srtp_out_exhausted", "The key is used up, or too many SSRCs "
					   "went by it"),
	[DP_DROP_SRTP_OUT_BAD] =
		DROP("srtp_out_malformed", "It cannot be made SRTP: its header does not fit"),
	[DP_DROP_NO_TAILROOM] = DROP("no_tailroom", "No room behind the packet for the SRTP tag"),
	[DP_DROP_NO_NEXT_HOP] = DROP("next_hop_unresolved", "No route, or the next hop does not "
							    "answer ARP or neighbour discovery"),
	[DP_DROP_LINK_DOWN] = DROP("link_down", "The device that leads to the other party has no "
						"link"),
	[DP_DROP_TOO_BIG] = DROP("too_big", "Larger than the MTU of the way out; media is never "
					    "fragmented"),
	[DP_DROP_NO_HEADROOM] = DROP("no_headroom", "The device left no room for longer headers"),
	[DP_DROP_TX_FULL] = DROP("tx_full", "The device does not take packets as fast as they are "
					    "relayed"),
	[DP_DROP_NO_QUEUE] = DROP("no_tx_queue", "The worker has no transmit queue on the device "
						 "that leads to the other party"),
	[DP_DROP_PUNT_FULL] = DROP("kernel_full", "The kernel's side of a device does not keep up"),

	[DP_COUNT_RX] = COUNT("media_received_packets_total", "", "Frames received from devices"),
	[DP_COUNT_RX_OCTETS] =
		COUNT("media_received_octets_total", "", "Octets of frames received"),
	[DP_COUNT_RTP] = COUNT("media_relayed_packets_total", "kind=\"rtp\"", "Packets relayed"),
	[DP_COUNT_RTCP] = COUNT("media_relayed_packets_total", "kind=\"rtcp\"", "Packets relayed"),
	[DP_COUNT_TX_OCTETS] = COUNT("media_relayed_octets_total", "", "Octets of frames relayed"),
	[DP_COUNT_WHOLE] = COUNT("media_whole_checksums_total", "",
		"UDP checksums computed over the whole packet instead of carried over"),
	[DP_COUNT_PUNT] = COUNT(
		"media_kernel_packets_total", "direction=\"in\"", "Frames passed on to the kernel"),
	[DP_COUNT_KERNEL] = COUNT("media_kernel_packets_total", "direction=\"out\"",
		"Frames passed on from the kernel"),
	[DP_COUNT_FRAGMENT_PUNT] = COUNT("media_kernel_fragments_total", "",
		"Fragments passed on to the kernel: media among them is lost"),
	[DP_COUNT_HANDED] = COUNT(
		"media_handed_off_total", "", "Packets passed to the worker that owns their port"),
	[DP_COUNT_LEARNED] = COUNT(
		"media_learned_total", "state=\"learned\"", "Remote addresses learned from media"),
	[DP_COUNT_CONFIRMED] = COUNT("media_learned_total", "state=\"confirmed\"",
		"Remote addresses confirmed by media"),
	[DP_COUNT_TIMEOUTS] =
		COUNT("media_timeouts_total", "", "Legs from which nothing came for too long"),
	[DP_COUNT_SRTP_IN] =
		COUNT("media_srtp_packets_total", "direction=\"in\"", "SRTP and SRTCP packets"),
	[DP_COUNT_SRTP_OUT] =
		COUNT("media_srtp_packets_total", "direction=\"out\"", "SRTP and SRTCP packets"),
	[DP_COUNT_STUN] = COUNT(
		"media_stun_answers_total", "", "Binding requests with the right credentials"),
	[DP_COUNT_NOMINATED] =
		COUNT("media_ice_nominated_total", "", "Legs that a nominated pair moved"),
	[DP_COUNT_TO_CONTROL] = COUNT("media_control_packets_total", "direction=\"to\"",
		"DTLS and STUN between legs and the control plane"),
	[DP_COUNT_INJECTED] = COUNT("media_control_packets_total", "direction=\"from\"",
		"DTLS and STUN between legs and the control plane"),
	[DP_COUNT_TO_CONTROL_FULL] = COUNT("media_control_packets_lost_total", "direction=\"to\"",
		"DTLS and STUN that found no room"),
	[DP_COUNT_INJECT_LOST] = COUNT("media_control_packets_lost_total", "direction=\"from\"",
		"DTLS and STUN that found no room"),
	[DP_COUNT_DIVERTED] = COUNT("media_transcoded_packets_total", "direction=\"to\"",
		"Packets handed to transcoders and taken back"),
	[DP_COUNT_MADE] = COUNT("media_transcoded_packets_total", "direction=\"from\"",
		"Packets handed to transcoders and taken back"),
	[DP_COUNT_MADE_LOST] = COUNT("media_transcoded_lost_total", "",
		"Packets of transcoders whose session had ended, or that found no buffer"),
	[DP_COUNT_COMPANDED] = COUNT("media_companded_packets_total", "",
		"Packets turned from A-law to u-law or back while they were relayed"),
	[DP_COUNT_RECORDED] =
		COUNT("media_recorded_packets_total", "", "Packets copied for recordings"),
	[DP_COUNT_RECORD_LOST] = COUNT("media_record_lost_total", "",
		"Packets missing in recordings because the disk was behind"),
	[DP_COUNT_EVENTS_LATE] = COUNT("media_events_late_total", "",
		"Times that the agent did not take an event at once; it is told again"),
	[DP_COUNT_MAILS] = COUNT("worker_mails_total", "", "Requests of the agent carried out"),
	[DP_COUNT_SESSIONS] = GAUGE("media_sessions", "Sessions that forward"),
	[DP_COUNT_LOOPS] = COUNT("worker_loops_total", "kind=\"busy\"", "Turns of the worker loop"),
	[DP_COUNT_IDLE_LOOPS] =
		COUNT("worker_loops_total", "kind=\"idle\"", "Turns of the worker loop"),
	[DP_COUNT_SLEEPS] =
		COUNT("worker_sleeps_total", "", "Times that an idle worker went to sleep"),
	[DP_COUNT_CYCLES] =
		COUNT("worker_busy_cycles_total", "", "Clock cycles of turns that had packets"),
	STAGE(DP_COUNT_STAGE_CALLS, "stage_calls_total", "Bursts that a stage has seen"),
	STAGE(DP_COUNT_STAGE_PACKETS, "stage_packets_total", "Packets that a stage has seen"),
	STAGE(DP_COUNT_STAGE_CYCLES, "stage_sampled_cycles_total",
		"Clock cycles that a stage took for its sampled packets"),
	STAGE(DP_COUNT_STAGE_SAMPLED, "stage_sampled_packets_total",
		"Packets of the bursts that were timed"),
};
