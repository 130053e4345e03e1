// SPDX-License-Identifier: BSD-3-Clause
// What show.c and carried.c share: a body that is being written for a leg, and one m-line of it. Nothing else
// includes this.
#pragma once

#include "sip/sdp/oa.h"

// One m-line to be written for a leg.
struct sdp_shown_media {
	struct sdp_str kind;
	struct sdp_str proto;
	const struct sdp_local *local;
	const struct sdp_media *source; // whose codecs and attributes these are
	const struct sdp_media *names;  // the same codecs as the leg offered them, or NULL
	enum sdp_direction direction;
	bool mux;
	struct sdp_str mid;
	bool pass;  // the parties' own keys go over
	bool plain; // what only browsers say stays behind
	bool fax;   // T.38: no payload types, no RTCP
	bool gateway; // the other side has G.711 where this one has T.38, or the other way: all of it is ours
	struct sdp_fax heard; // what this leg said of its T.38, when it is answered
	bool recoded;   // `source` has other codecs: its packet times and bandwidth are its own
	uint16_t ptime; // of the leg, then; 0: it said none
	unsigned n_own; // formats that `source` does not have
	struct sdp_format own[SDP_MAX_FORMATS]; // `pt` as shown
	unsigned n;
	uint8_t source_index[SDP_MAX_FORMATS];
	uint8_t name_index[SDP_MAX_FORMATS];
	uint8_t pt[SDP_MAX_FORMATS]; // as shown
	uint8_t map[128];            // the source's payload type -> the shown one, or SDP_PT_NONE
};

// One body being written.
struct sdp_shown_body {
	struct sdp_writer *w;
	const struct sdp_oa_view *view;
	const struct sdp_session *source;
	struct sdp_secrets secrets;   // of the source
	enum sdp_leg leg;             // that it is shown to
	struct sdp_local_origin conn; // of the session-level c=
	bool plain;                   // from a browser to one who is none
	bool told;                    // the leg was told all of it before: nothing of the source is in it
	bool lite;                    // ICE is spoken, and we are the lite side
	bool full;                    // but the other side is, and offered
	char group[256]; // "BUNDLE 0 1", or empty
	uint16_t bundle; // bit i: stream i is of an answer's bundle, whose transport is that of `tag`
	unsigned tag;
	char mid[4];
};

// An a= line of the source, if it is one that goes over, with our payload types. `m` NULL: of the session part.
void sdp_carry_attribute(const struct sdp_shown_body *b, const struct sdp_shown_media *m,
	const struct sdp_line *line);
// A b= line of the source; other lines are passed over.
void sdp_carry_bandwidth(const struct sdp_shown_body *b, const struct sdp_line *line);
