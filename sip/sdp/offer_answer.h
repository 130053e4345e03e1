// SPDX-License-Identifier: BSD-3-Clause
//
// Offer and answer (RFC 3264, 6337) for a back-to-back user agent that anchors media.
//
// A call has two legs. What one leg says in its SDP is never shown to the other: each leg sees a
// description of ours, with our origin, our addresses and ports, and a version that grows by one
// exactly when the description changes. Between the two this engine keeps the m-lines, the codecs,
// their payload types, hold and direction in step, and says what the dataplane must do: the plan.
//
// Bytes in, bytes and plan out: no sockets, no clock, no randomness, no ports of its own. Either
// leg may offer at any time, so the delayed offer (offer in the 200, answer in the ACK) is the same
// code with the legs swapped.
//
//	sdp_oa_take_offer(oa, ..., SDP_LEG_A, body)	  A's INVITE. *need says which ports are
//wanted 	sdp_oa_set_local(oa, leg, stream, ...)		  for each wanted one, once it is allocated
//	sdp_oa_show_offer(oa, ..., &text)		  the body of our INVITE to B
//	sdp_oa_take_answer(oa, ..., SDP_LEG_B, body)	  B's 183 or 200. Again for each further one
//	sdp_oa_show_answer(oa, ..., &text)		  the body of our 183 or 200 to A
//	sdp_oa_plan(oa, ..., &plan)			  what to install in the dataplane now
//	sdp_oa_accept(oa)				  the exchange is complete; B's final answer
//stands 	sdp_oa_reject(oa)				  instead, at any step: back to what was
//agreed before
//
// - An offer that was refused leaves no trace: agreed bodies, ports and direction are as before
// (the
//   o= version that was shown stays used up). Take the plan again after sdp_oa_reject() if one was
//   taken while the offer was pending.
// - A 2xx after a 183 may repeat the answer, change it, or carry none: then call accept alone.
// - Forks: sdp_oa_clone() before the first answer of each further branch costs five reference
// counts.
//   Each clone goes its own way; finish the losers with sdp_oa_fini(). If leg A saw all branches in
//   one dialog, sdp_oa_follow() keeps A's o= version in order.
// - A re-INVITE that only refreshes: need.same is true. The caller may carry it through or answer
// it at
//   once with sdp_oa_repeat(), without asking the other leg.
//
// Memory: sizeof(struct sdp_oa), and one block per body and per set of ports (malloc, shared by
// reference among clones). Parse trees live in `scratch` during a call only. Threads: an sdp_oa and
// its clones belong to one thread, that of the call's shard; scratch may serve all calls of a
// thread.
//
// It refuses: an answer with no offer pending or from the wrong leg, an offer while another is
// pending, an answer with more m-lines than the offer or another kind of media in one, an offer of
// which no m-line can be relayed (secure profiles, TCP, MSRP, T.38 without the policies for it: refused
// with port 0 one by one, 488 when nothing is left). A function that fails changes nothing.
#pragma once

#include "sip/sdp/sdp.h"
#include "sip/sdp/secure.h"
#include "sip/sdp/transcode.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sdp_leg {
	SDP_LEG_A = 0, // the caller's
	SDP_LEG_B = 1, // the callee's
};

static inline enum sdp_leg sdp_leg_other(enum sdp_leg leg)
{
	return leg == SDP_LEG_A ? SDP_LEG_B : SDP_LEG_A;
}

// Scratch that suffices for every function here whatever the bodies. Untouched pages cost nothing.
#define SDP_OA_SCRATCH (7 * SDP_MAX_TREE)

// A transport address in network byte order of octets; ports in host order.
struct sdp_endpoint {
	uint8_t family; // 4, 6, or 0 when unknown
	uint8_t ip[16]; // IPv4 in the first four octets, the others zero
	uint16_t port;  // 0 when unknown
};

// Where we receive one stream of one leg.
struct sdp_local {
	uint8_t family; // 4 or 6, 0: no ports, the m-line is refused
	uint8_t ip[16];
	uint16_t rtp_port;
	uint16_t rtcp_port; // equal to rtp_port: only muxed RTCP can be received
};

// ---- State --------------------------------------------------------------------------------------

#define SDP_PT_NONE 0xff

struct sdp_blob;  // a body, counted references
struct sdp_ports; // the struct sdp_local of every stream on both legs, counted references
struct sdp_secure; // the struct sdp_security of a leg, counted references

// What one complete or pending exchange consists of. Private to offer_answer.c and its siblings.
struct sdp_oa_view {
	struct sdp_blob *from[2];  // what each leg said last
	struct sdp_blob *shown[2]; // what each leg was shown last
	struct sdp_ports *ports;
	uint8_t n_streams;
	uint8_t offerer;        // enum sdp_leg
	bool answer_shown;      // to the offerer
	uint16_t active;        // bit i: stream i carries media by the answer
	uint16_t have_local[2]; // bit i: the leg has ports for stream i
	// The offerer's payload type that is transcoded from and to what the answerer has, and one more; 0: none
	uint8_t recode[SDP_MAX_MEDIA];
	// The only one that the offerer was told of, by sdp_oa_answer_early(), and one more; 0: none
	uint8_t early[SDP_MAX_MEDIA];
	uint8_t fax;      // the audio stream that is offered as T.38, and one more; 0: none
	bool unclear;     // sdp_oa_is_unclear()
	uint8_t fax_legs; // bit n: leg n has T.38 in the answer, and the other one has not
};

enum sdp_oa_state {
	SDP_OA_STABLE,   // no offer pending (at first: nothing agreed yet)
	SDP_OA_OFFERED,  // an offer was taken
	SDP_OA_SHOWN,    // and shown to the other leg
	SDP_OA_ANSWERED, // and answered at least once, not yet accepted
};

// Embed it in the call; read state and agreed_once, leave the rest alone.
struct sdp_oa {
	enum sdp_oa_state state;
	bool agreed_once;    // an exchange was completed, so the call has a session
	uint32_t version[2]; // of the o= last shown to each leg, 0 before the first
	uint64_t session_id[2];
	struct sdp_local_origin {
		uint8_t family;
		uint8_t ip[16];
	} origin[2]; // the address in our o=, fixed by the first body shown
	struct sdp_oa_view agreed;
	struct sdp_oa_view pending;
	uint32_t planned[SDP_MAX_MEDIA][2]; // remote_id in the last plan taken
	struct sdp_secure *secure[2];       // NULL: plain RTP, and nothing else is taken
	const struct sdp_codec_policy *policy[2]; // sdp_oa_policy()
	uint32_t can;
};

// session_id: the number in our o= towards each leg. Random, so that it says nothing about the
// other leg; below 2^62 (some peers keep it signed).
void sdp_oa_init(struct sdp_oa *oa, const uint64_t session_id[2]);
void sdp_oa_fini(struct sdp_oa *oa);

// dst becomes a second state with the same past. Cannot fail. dst need not be initialised.
void sdp_oa_clone(struct sdp_oa *dst, const struct sdp_oa *src);

// The security of a leg, before its first body. Without, it has plain RTP and nothing else. 0 or -ENOMEM.
int sdp_oa_secure(struct sdp_oa *oa, enum sdp_leg leg, const struct sdp_security *security);
bool sdp_oa_is_secured(const struct sdp_oa *oa, enum sdp_leg leg);

// oa goes on where `last` stands as to `leg`: what that leg was shown last, with which version, and
// which plan was taken last. For the branch that wins, or speaks next, in a dialog that another
// branch spoke in before.
void sdp_oa_follow(struct sdp_oa *oa, const struct sdp_oa *last, enum sdp_leg leg);

// ---- The exchange -------------------------------------------------------------------------------

// Why an m-line carries nothing.
enum sdp_refusal {
	SDP_ACCEPTED,
	SDP_REFUSED_PORT_0,    // by the peer itself: removed, or declined
	SDP_REFUSED_SECURE,    // SRTP or the want of it: the leg's security says no (secure.h)
	SDP_REFUSED_TRANSPORT, // not RTP over UDP
	SDP_REFUSED_KIND,      // neither audio, video, text nor application
	SDP_REFUSED_FORMAT,    // no payload type with a known encoding, or none in common
	SDP_REFUSED_ADDRESS,   // a host name, multicast, or the other family than ours
	SDP_REFUSED_LOCAL,     // the caller gave no ports
	SDP_BUNDLED,           // in a plan: another stream's session carries it (RFC 8843)
};

const char *sdp_refusal_name(enum sdp_refusal r); // "port-0", "secure", ... for logs and CDRs

struct sdp_oa_need {
	enum sdp_leg offerer;
	unsigned n_streams; // m-lines, refused ones too; index i is that m-line on both legs
	unsigned n_usable;  // of these, to be relayed
	unsigned n_secure;  // of these, refused because they are SRTP
	bool same;          // byte for byte the offer that this leg made last and that is agreed
	struct sdp_oa_need_stream {
		enum sdp_kind kind;
		enum sdp_refusal refusal; // SDP_ACCEPTED: to be relayed, the members below hold
		uint8_t family; // 4 or 6: of the offerer's address. The caller chooses the other
				// leg's
		bool mux; // the offerer takes RTCP on the RTP port: one port will do on its leg.
			  // The other leg needs a pair, its answer may decline to multiplex
		bool wanted[2]; // ports are wanted: sdp_oa_set_local() for this leg (index:
				// sdp_leg)
	} stream[SDP_MAX_MEDIA];
};

// Takes the offer of `leg`. 0, and the offer is pending; or nothing changed and
//   -EBADMSG malformed (400), -EMSGSIZE beyond the limits of sdp.h (413),
//   -EPROTONOSUPPORT it wants media and none that we can relay (488; err has the Warning),
//   -EALREADY this leg's own offer is still pending (500 with Retry-After, RFC 3261 14.2),
//   -EBUSY the other leg's is (491), -ENOMEM (500).
int sdp_oa_take_offer(struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg,
	const uint8_t *body, size_t len, struct sdp_oa_need *need, struct sdp_error *err);

// The SIP status that fits one of the errors above or below, 0 for 0.
unsigned sdp_oa_status(int error);

// Our address and ports of one stream on one leg, from an offer on until the stream ends. May
// replace ports (a new family). -EINVAL: no offer pending, no such stream, no port; -ENOMEM.
int sdp_oa_set_local(
	struct sdp_oa *oa, enum sdp_leg leg, unsigned stream, const struct sdp_local *local);

// Our ports as they are now, or NULL when the stream has none on this leg. After accept and reject,
// ports that were allocated and are not found here any more are to be freed.
const struct sdp_local *sdp_oa_local(const struct sdp_oa *oa, enum sdp_leg leg, unsigned stream);

// The pending offer as the other leg shall see it. *text lies in oa and stays until oa shows that
// leg something else or ends. Streams without ports on both legs are offered with port 0.
// Idempotent. -EINVAL no offer pending, -EPROTONOSUPPORT no usable stream has ports, -EMSGSIZE,
// -ENOMEM.
int sdp_oa_show_offer(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_str *text);

// Takes an answer of `leg` to the pending offer; a later one replaces an earlier one.
// -EINVAL no offer was shown to this leg; -EBADMSG malformed, or no answer to what was offered;
// -EMSGSIZE, -ENOMEM. The caller that gets -EBADMSG for a 2xx has to ACK and BYE.
int sdp_oa_take_answer(struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg,
	const uint8_t *body, size_t len, struct sdp_error *err);

// The latest answer as the offerer shall see it. As show_offer. -EINVAL there is none.
int sdp_oa_show_answer(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_str *text);

// The pending offer's audio goes on as T.38: its party has none and speaks G.711 now, and the other side may be offered
// it. To be said before sdp_oa_show_offer(). False: it cannot be so, and goes on as it is.
bool sdp_oa_offer_fax(struct sdp_oa *oa, struct sdp_arena *scratch);
// This leg has T.38 by what is agreed, and the other one has not.
bool sdp_oa_has_fax(const struct sdp_oa *oa, enum sdp_leg leg);

// Both have a codec in common by what is agreed, but the answerer would rather send one that was added for it, which is
// not read. An offer with what is agreed, made to it now, has the common ones alone.
bool sdp_oa_is_unclear(const struct sdp_oa *oa);

// Some stream of the answer that was taken last carries media.
bool sdp_oa_carries(const struct sdp_oa *oa);

// An answer of ours for the offerer, before the other leg has said anything: for what is played to it until then. It
// names one codec that can be transcoded, and what the other leg answers later is made into that, so that the offerer
// is told nothing else any more. -EINVAL: no offer is pending, or it is answered; -EOPNOTSUPP: it is not of one audio
// stream with such a codec; -EMSGSIZE, -ENOMEM.
int sdp_oa_answer_early(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_str *text);

// The pending exchange is what is agreed from now on. -EINVAL when no answer was taken.
int sdp_oa_accept(struct sdp_oa *oa);

// The pending offer, if any, never was. Before the first agreement nothing is left.
void sdp_oa_reject(struct sdp_oa *oa);

// Answers the pending offer, if need.same was true, with what its leg was shown last, without the
// other leg: same body, same version, and the exchange is closed. -EINVAL otherwise.
int sdp_oa_repeat(struct sdp_oa *oa, struct sdp_str *text);
// The same for the leg that answered last: it offers byte for byte what it answered, which is how it refreshes
// the session. With no offer pending; the answer is what it was offered. -EINVAL when that would be none.
int sdp_oa_repeat_answer(struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg,
	const uint8_t *body, size_t len, struct sdp_str *text);

// What this leg was shown last (pending counts), for retransmissions by hand. Empty when nothing.
struct sdp_str sdp_oa_shown(const struct sdp_oa *oa, enum sdp_leg leg);

// What this leg said last (pending counts). Empty when nothing.
struct sdp_str sdp_oa_said(const struct sdp_oa *oa, enum sdp_leg leg);

// ---- A journal ----------------------------------------------------------------------------------

// What was agreed, with all that the next exchange builds on, as bytes. An offer that is pending is not
// among it: whoever reads them back is where sdp_oa_reject() would have led. Their number; -EINVAL
// nothing was agreed yet, -ENOBUFS.
int sdp_oa_save(const struct sdp_oa *oa, uint8_t *out, size_t size);

// From these bytes; oa need not be initialised. 0; -EBADMSG they are not what sdp_oa_save() wrote;
// -ENOMEM, also for scratch. On an error oa is as after sdp_oa_fini().
int sdp_oa_load(struct sdp_oa *oa, struct sdp_arena *scratch, const uint8_t *bytes, size_t len);

// ---- Another call ---------------------------------------------------------------------------------

// `leg` is shown our descriptions as the next ones of those that it saw as `before_leg` of `before`:
// same o=, same address, growing version. For a fresh oa.
void sdp_oa_continue(
	struct sdp_oa *oa, enum sdp_leg leg, const struct sdp_oa *before, enum sdp_leg before_leg);
// m-lines of the exchange that counts now.
unsigned sdp_oa_streams(const struct sdp_oa *oa);
// What `leg` said last as an offer of its own: nothing is held, and at least `streams` m-lines. Its
// length, -EINVAL (it said nothing), -ENOBUFS.
int sdp_oa_offer_again(const struct sdp_oa *oa, enum sdp_leg leg, unsigned streams, char *out,
	size_t size);
// What `leg` was shown last, under this version: it has seen other ones meanwhile, in another call
// that came to nothing. -EINVAL, -ENOMEM.
int sdp_oa_show_again(
	struct sdp_oa *oa, enum sdp_leg leg, uint32_t version, struct sdp_str *text);

// ---- The plan -----------------------------------------------------------------------------------

// A codec as one leg knows it.
struct sdp_plan_codec {
	char name[24]; // as in rtpmap, cut if longer; empty when there is none
	uint32_t rate; // RTP clock, Hz
	uint8_t channels;
	uint8_t pt; // payload type on the wire of this leg, in this direction
	char fmtp[96]; // parameters of whoever receives it; cut if longer
};

// One stream on one leg: what comes in from the leg's party and what goes out to it.
struct sdp_plan_leg {
	struct sdp_local local;
	struct sdp_endpoint
		rtp; // where the party receives, by its SDP. family 0: ICE will say, or held by c=0.0.0.0:
	struct sdp_endpoint rtcp; // nothing may be sent. With mux both are equal
	bool rtcp_mux;            // agreed on this leg
	bool receive;             // packets from the party are to be relayed
	bool send;                // packets are to be sent to the party
	bool willing;             // it would receive some, whatever the other party says
	bool relearn;       // the party's address is another than in the plan taken before (or the
			    // first): forget what was learned from its packets
	uint32_t remote_id; // stands for rtp and rtcp above; while held, what it was before
	uint64_t accept[2]; // bit pt % 64 of accept[pt / 64]: payload types the party may send
	uint8_t map[128];   // payload type from this party -> payload type towards the other one,
			    // SDP_PT_NONE for those not accepted
	bool renumber;      // some accepted payload type changes its number
	uint8_t dtmf_in;  // telephone-event from the party, at the codec's clock; SDP_PT_NONE: none
	uint8_t dtmf_out; // telephone-event towards it
	uint32_t dtmf_rate; // their clock, 0: none
	uint8_t cn; // comfort noise, both ways; SDP_PT_NONE: none
	struct sdp_plan_codec in;  // main codec that the party sends
	struct sdp_plan_codec out; // main codec that it wants
	uint16_t ptime;            // milliseconds it asks for (a=ptime), 0: does not say
	uint16_t maxptime;         // 0: does not say
	// For policing what comes from the party: no honest sender of the accepted payload types
	// exceeds them. RTP header and payload, without UDP and IP. 0: no bound known.
	uint32_t max_packets_per_s;
	uint32_t max_octets_per_s;
	struct sdp_plan_secure secure;
	struct sdp_fax fax;
};

struct sdp_plan_stream {
	enum sdp_kind kind;
	enum sdp_refusal refusal;   // not SDP_ACCEPTED: no media, the legs hold nothing
	bool recoded; // what one leg has is to be made into what the other has
	bool fax;     // T.38 over UDPTL, not RTP: whatever comes goes over
	bool gateway; // one leg has T.38, the other G.711
	struct sdp_plan_leg leg[2]; // index: enum sdp_leg
};

struct sdp_plan {
	bool provisional; // from an answer that is not accepted yet: early media
	unsigned n_streams;
	unsigned n_active; // streams that carry media
	bool held;         // no stream that is accepted flows both ways (for logs and call lists)
	struct sdp_plan_stream stream[SDP_MAX_MEDIA];
};

// The plan of the pending exchange if it was answered, else of the agreed one. Taking it sets the
// mark that the next plan's `relearn` is measured by, so take it to install it, and only then.
// -EINVAL nothing was ever answered; -ENOMEM scratch too small.
int sdp_oa_plan(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_plan *plan);
// The plan of an early answer of ours: of the offerer's leg; the other one is empty but for our ports. -EINVAL: none.
int sdp_oa_plan_early(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_plan *plan);

#ifdef __cplusplus
}
#endif
