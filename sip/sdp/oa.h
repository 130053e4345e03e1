// SPDX-License-Identifier: BSD-3-Clause
//
// Private to the offer/answer engine: offer_answer.c (the exchange), match.c (which codec is which),
// privacy.c (what must not cross), transcode.c (what is added and recoded), secure.c (SRTP and ICE), show.c (the bodies that we write), plan.c (the plan).
#pragma once

#include "sip/sdp/offer_answer.h"

struct sdp_blob {
	uint32_t refs;
	uint32_t len;
	uint32_t version; // of our o= in a body that we showed, 0 in one that a peer sent
	char text[];
};

struct sdp_ports {
	uint32_t refs;
	uint32_t n;
	struct sdp_local local[][2];
};

struct sdp_secure {
	uint32_t refs;
	struct sdp_security is;
};

// ---- offer_answer.c -----------------------------------------------------------------------------

// The view that counts now: the pending one while there is an offer, else the agreed one.
const struct sdp_oa_view *sdp_oa_view(const struct sdp_oa *oa);
const struct sdp_local *sdp_oa_view_local(
	const struct sdp_oa_view *view, enum sdp_leg leg, unsigned stream);
struct sdp_blob *sdp_blob_make(struct sdp_str text, uint32_t version);
void sdp_blob_put(struct sdp_blob *blob);

// The tree of a body, or *tree = NULL when there is none.
int sdp_oa_tree(struct sdp_arena *scratch, struct sdp_blob *blob, struct sdp_session **tree);

// ---- match.c ------------------------------------------------------------------------------------

// What a description alone says about an m-line: can it be relayed?
enum sdp_refusal sdp_oa_refusal(const struct sdp_media *media);

// Direction with the hold of RFC 2543 in it: who says 0.0.0.0 receives nothing.
enum sdp_direction sdp_oa_direction(const struct sdp_media *media);

#define SDP_ADDED 0xffu // no index: not one of the offerer's formats, or none

// One format of an answer, as all three descriptions of a stream have it. Indices into their formats.
struct sdp_match {
	uint8_t offer;  // what the offerer said; SDP_ADDED: that was of our adding
	uint8_t shown;  // what was shown to the answerer
	uint8_t answer; // what the answerer said
};

// One m-line of an exchange as all sides see it.
struct sdp_oa_stream {
	const struct sdp_media *offer;  // NULL when the offerer left out an m-line of before
	const struct sdp_media *shown;  // the offer as the answerer saw it
	const struct sdp_media *answer; // NULL when the answerer left it out
	enum sdp_refusal refusal;
	enum sdp_direction offer_direction;
	enum sdp_direction answer_direction; // within what the offer allows
	enum sdp_keying answer_keying;       // of the answerer's leg
	bool fax;                            // T.38: formats mean nothing
	bool gateway; // T.38 on one side; `main` says what the other has
	bool told;             // the offerer was told of `main` and nothing else
	bool recoded;          // both have no codec in common: `main` says what each has
	struct sdp_match main; // all SDP_ADDED when there is none
	uint8_t events_offer;  // telephone-event that the offerer is to use
	struct sdp_match events_far; // and the answerer
	uint8_t cn_offer;        // comfort noise (RFC 3389), the same; all SDP_ADDED: none
	struct sdp_match cn_far;
	unsigned n_matches, n_added; // both in the answerer's order
	struct sdp_match match[SDP_MAX_FORMATS];
	struct sdp_match added[SDP_MAX_FORMATS];
};

// The three trees of an exchange.
struct sdp_oa_trees {
	struct sdp_session *offer;
	struct sdp_session *shown;
	struct sdp_session *answer;
	// Of an offerer that is a browser: the answer that its bundles were agreed by last, ours or its own; else NULL.
	struct sdp_session *bundled;
};

// Marks what the security and the policies of a leg make of the m-lines of a body that it said or was shown.
void sdp_oa_mark(const struct sdp_oa *oa, enum sdp_leg leg, struct sdp_session *tree);
int sdp_oa_trees(const struct sdp_oa *oa, struct sdp_arena *scratch, const struct sdp_oa_view *view,
	struct sdp_oa_trees *trees);
void sdp_oa_stream(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees, unsigned i, struct sdp_oa_stream *stream);
// The same as if a stream that is offered in a bundle only were bundled.
void sdp_oa_stream_alone(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees, unsigned i, struct sdp_oa_stream *stream);

// Payload types for the formats of an offer when it is shown to a leg that was shown `shown` and said
// `from` for this m-line before (either may be NULL): a codec keeps the number that this leg knows it
// by, else the offerer's, else a free one.
void sdp_oa_number(const struct sdp_media *offer, const struct sdp_media *shown,
	const struct sdp_media *from, uint8_t pts[SDP_MAX_FORMATS]);

// ---- transcode.c --------------------------------------------------------------------------------

// The formats that an offer goes on with.
struct sdp_recode_list {
	unsigned n;
	struct sdp_format format[SDP_MAX_FORMATS]; // `pt` of those that are added is only a wish
	uint8_t source[SDP_MAX_FORMATS];           // index in the offer, or SDP_ADDED
};

// Both peers want it and the dataplane can.
bool sdp_recode_can(const struct sdp_oa *oa);
// `from`: what leg `to` said before of this m-line, or NULL.
void sdp_recode_offer(const struct sdp_oa *oa, enum sdp_leg to, const struct sdp_media *offer,
	const struct sdp_media *from, struct sdp_recode_list *list);
// The policies leave a codec in it.
bool sdp_recode_speaks(const struct sdp_oa *oa, enum sdp_leg to, const struct sdp_media *offer);
// The offerer's payload type that the answerer's codec is to be transcoded with; SDP_PT_NONE: both have one.
uint8_t sdp_recode_choose(const struct sdp_oa *oa, struct sdp_arena *scratch, unsigned i,
	const struct sdp_oa_stream *s);
// Fills in the events of the stream.
void sdp_recode_events(const struct sdp_oa *oa, unsigned offerer, struct sdp_oa_stream *s);
// And its comfort noise.
void sdp_recode_noise(struct sdp_oa_stream *s);
bool sdp_recode_hides(const struct sdp_oa *oa, enum sdp_leg from, const struct sdp_format *f);
// The first codec of the offer that can be transcoded, by its payload type; SDP_PT_NONE: there is none.
uint8_t sdp_recode_first(const struct sdp_oa *oa, unsigned leg, const struct sdp_media *offer);
// The events of an offerer that nobody has answered yet.
void sdp_recode_early_events(const struct sdp_oa *oa, unsigned offerer, struct sdp_oa_stream *s);
bool sdp_is_events(const struct sdp_format *f);
bool sdp_is_codec(const struct sdp_format *f); // by itself, not beside another
bool sdp_is_recodable(const struct sdp_format *f);
void sdp_recode_put_format(struct sdp_writer *w, const struct sdp_format *f, unsigned pt);
// The parameters that we answer to, or offer again, such a format.
struct sdp_str sdp_recode_parameters(const struct sdp_format *said);

// The answerer would rather send a codec that was added than the one that both have.
bool sdp_recode_is_unclear(const struct sdp_oa_stream *s);
bool sdp_recode_allows(const struct sdp_oa *oa, enum sdp_leg leg, const struct sdp_format *f);

// ---- fax.c --------------------------------------------------------------------------------------

// T.38 of this leg may go on, in one way or the other.
bool sdp_fax_crosses(const struct sdp_oa *oa, enum sdp_leg from);
// T.38 of the other leg is G.711 on this one.
bool sdp_fax_translates(const struct sdp_oa *oa, enum sdp_leg audio);
void sdp_fax_read(const struct sdp_session *tree, const struct sdp_media *m, struct sdp_fax *fax);
// An m-line without attributes, for ours to be made from.
const struct sdp_media *sdp_fax_source(bool t38);
// Our attributes in answer to those that were offered; NULL: in an offer.
void sdp_fax_put(struct sdp_writer *w, const struct sdp_fax *offered);
// What a leg is offered that was `from` before (NULL: nothing). How many.
unsigned sdp_fax_codecs(const struct sdp_oa *oa, enum sdp_leg to, const struct sdp_media *from,
	struct sdp_format out[2]);
// The codec of the side without T.38. False: it has none that will do.
bool sdp_fax_match(const struct sdp_oa_view *view, unsigned i, struct sdp_oa_stream *s);

// RFC 8445 as it is, and candidates of theirs may come later (RFC 8838).
#define SDP_ICE_OPTIONS "a=ice-options:ice2 trickle\r\n"

// ---- secure.c -----------------------------------------------------------------------------------

void sdp_secure_get(struct sdp_secure *s);
void sdp_secure_put(struct sdp_secure *s);
// Fills in keying and ice of every m-line of a body that this leg said or was shown. NULL: no tree.
void sdp_secure_mark(const struct sdp_secure *secure, struct sdp_session *tree);
// What an answer to what was shown makes of the stream. SDP_KEY_REFUSED: it does not fit.
enum sdp_keying sdp_secure_answered(const struct sdp_secure *secure, const struct sdp_media *shown,
	const struct sdp_session *tree, const struct sdp_media *answer);
// Profile and keying to offer to a leg; `past` is what it said or was shown last for this m-line, or NULL.
void sdp_secure_offer(const struct sdp_secure *secure, const struct sdp_media *past,
	const struct sdp_media *offer, struct sdp_str *proto, enum sdp_keying *keying);
// The lines of an m-line.
void sdp_secure_put_offer(const struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg to,
	unsigned stream, enum sdp_keying keying, const struct sdp_local *local, bool mux,
	struct sdp_writer *w);
void sdp_secure_put_answer(const struct sdp_oa *oa, struct sdp_arena *scratch,
	const struct sdp_session *offer, unsigned stream, const struct sdp_local *local, bool mux,
	struct sdp_writer *w);
// For the plan, of both legs of stream i.
void sdp_secure_plan_offerer(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	struct sdp_arena *scratch, const struct sdp_session *offer, unsigned i,
	struct sdp_plan_secure *out);
void sdp_secure_plan_answerer(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees, enum sdp_keying keying, unsigned i,
	struct sdp_plan_secure *out);

// ---- bundle.c -----------------------------------------------------------------------------------

// Is this mid in a group of the body that says BUNDLE? And both of them in one?
bool sdp_is_bundled(const struct sdp_session *tree, struct sdp_str mid);
bool sdp_are_bundled(const struct sdp_session *tree, struct sdp_str a, struct sdp_str b);
// Gives m-lines of a browser that are bundle-only the address of their group.
void sdp_bundle_mark(struct sdp_session *tree);
// Bit i: stream i is of the bundle that both legs have agreed to, whose transport is that of stream *tag. 0: there is none.
// The answer that the bundles of an offerer were agreed by last. 0, and NULL when it is no browser; -ENOMEM.
int sdp_bundle_before(const struct sdp_oa *oa, struct sdp_arena *scratch, unsigned offerer,
	struct sdp_session **tree);
// This stream of the offer is in a bundle that was agreed without it.
bool sdp_bundle_is_late(const struct sdp_oa_trees *trees, const struct sdp_media *offer);
uint16_t sdp_oa_bundle(const struct sdp_oa *oa, const struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees, unsigned *tag);
// One stream of the plan for all of the bundle.
void sdp_bundle_plan(struct sdp_plan *plan, uint16_t mask, unsigned tag);

// ---- privacy.c ----------------------------------------------------------------------------------

// Texts that tell who a party is. Slices into its tree.
struct sdp_secrets {
	unsigned n_hosts; // the first of them are addresses and host names
	unsigned n;
	struct sdp_str text[8 + 2 * SDP_MAX_MEDIA];
};

void sdp_secrets_find(const struct sdp_session *tree, struct sdp_secrets *secrets);

// A line that we know what to think of: only the party's own addresses must not be in it.
bool sdp_secrets_in_known(const struct sdp_secrets *secrets, struct sdp_str text);

// A line that we do not know: nothing that is or looks like an address, host, URI or name of the party.
bool sdp_secrets_in_unknown(const struct sdp_secrets *secrets, struct sdp_str text);

// ---- early.c ------------------------------------------------------------------------------------

// Stream i of the pending offer as our own early answer has it.
void sdp_early_stream(const struct sdp_oa *oa, const struct sdp_session *offer, unsigned i,
	struct sdp_oa_stream *s);
int sdp_oa_show_early(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_str *text);
int sdp_oa_write_early(
	const struct sdp_oa *oa, struct sdp_arena *scratch, uint32_t version, struct sdp_writer *w);

// ---- show.c -------------------------------------------------------------------------------------

// Writes the pending offer, or the answer to it, with this version in its o=. 0, -EMSGSIZE.
int sdp_oa_write_offer(
	const struct sdp_oa *oa, struct sdp_arena *scratch, uint32_t version, struct sdp_writer *w);
int sdp_oa_write_answer(
	const struct sdp_oa *oa, struct sdp_arena *scratch, uint32_t version, struct sdp_writer *w);
