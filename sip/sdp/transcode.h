// SPDX-License-Identifier: BSD-3-Clause
//
// What the engine may make of the codecs of an offer, by what each leg's peer wants and what the dataplane can do.
//
// An audio offer goes on to the other leg as the offerer's codecs in their order, without those that either
// peer's policy takes out, and behind them the codecs that the other side may know and that can be reached by
// transcoding. So an answerer that has one of the offerer's codecs chooses that, and nothing is transcoded. If its
// answer has none of them, the offerer is answered with the codec that he prefers among those that can be
// transcoded. A codec that a leg has agreed to is what it is offered first among the added ones, and keeps
// where it can.
//
// T.38 of one leg is shown to a leg without (fax_gateway) as G.711.
//
// Events (RFC 4733) are offered at each clock of the codecs beside them.
//
// Without a policy (the default) nothing is added, taken out or transcoded, and T.38 is refused.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sip/sdp/sdp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sdp_oa;

// Codecs that can be transcoded: bit n of a mask is codec n of sdp_recode_codec().
#define SDP_RECODE_MAX  24u
#define SDP_CAN_DTMF    (1u << 30) // telephone-events can be made into tones and INFO, and back
#define SDP_CAN_T38     (1u << 31) // UDPTL can be relayed
#define SDP_CAN_FAX     (1u << 29) // and T.38 be translated to G.711 and back

struct sdp_recode_codec {
	const char *name;
	uint32_t rate;
	uint8_t channels;
	int8_t static_pt;   // -1: none
	uint8_t usual_pt;   // what we offer it as, if the number is free
	const char *fmtp;   // what we offer it with; NULL: nothing
};

// NULL past the end.
const struct sdp_recode_codec *sdp_recode_codec(unsigned n);
// Index of this codec, with parameters that we can do; -1: not to be transcoded.
int sdp_recode_find(const struct sdp_format *f);
// By the name in a configuration: "PCMA", "L16/16000"; -1.
int sdp_recode_find_name(const char *name);

struct sdp_names {
	const char (*name)[16]; // any case; "L16/16000" is of one clock only
	unsigned count;
};

// Which codecs are added when nothing says so.
enum sdp_usual {
	SDP_USUAL_NONE,
	SDP_USUAL_PHONE,   // G.711: every trunk and telephone
	SDP_USUAL_BROWSER, // Opus, G.722, G.711
};

// Of a peer. Must outlive what it was given to.
struct sdp_codec_policy {
	struct sdp_names allow; // no other may cross, either way; empty: all
	struct sdp_names strip; // must not
	struct sdp_names order; // the offerer's codecs that are named here come first, in this order
	struct sdp_names add;   // instead of the usual ones
	uint8_t usual;          // enum sdp_usual
	bool transcode;
	bool events;      // it speaks telephone-events
	bool want_events; // it is offered them even where the other side has none
	bool t38;         // it may be offered T.38, and offer it
	bool fax_gateway; // it has none: to the other side's T.38 it is a fax machine on G.711
	bool music; // who is held by it hears something of ours, so is not told to expect nothing
};

// T.38 as a party described it (T.38 D.2.3).
struct sdp_fax {
	bool on; // the leg has T.38
	bool transferred_tcf, fill_bit_removal, mmr, jbig;
	bool redundancy; // it takes repeated packets
	uint8_t version;
	uint16_t max_datagram;
	uint32_t max_rate;
};

// The policies of both legs (NULL: none) and what the dataplane can do. To be said again after sdp_oa_load(), and
// whenever they change; an answer that was taken keeps what it was taken by.
void sdp_oa_policy(struct sdp_oa *oa, const struct sdp_codec_policy *a,
	const struct sdp_codec_policy *b, uint32_t can);

#ifdef __cplusplus
}
#endif
