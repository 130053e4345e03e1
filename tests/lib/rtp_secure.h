// SPDX-License-Identifier: BSD-3-Clause
// SRTP with keys in the SDP (RFC 4568) for a test peer, by libsrtp2. One thread owns it.
//
// --srtp SUITE: the peer offers and answers RTP/SAVP with that suite; --srtp-mode best-effort: RTP/AVP with
// keys (RFC 8643); --srtp-mode wrong: what it sends is made with another key than it says.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/lib/rtp_io.h"
#include "tests/lib/sip_text.h"

struct rtp_secure;

struct secure_options {
	const char *suite; // NULL: no SRTP
	bool best_effort, wrong, mki;
};

// Our key; NULL for an unknown suite. Ends the process when memory or randomness is missing.
struct rtp_secure *secure_new(const struct secure_options *options);
void secure_free(struct rtp_secure *s);
// A new key for what we send, as of the next offer or answer.
void secure_rekey(struct rtp_secure *s);
// The a=crypto line of an offer (tag 1) or an answer (the tag that the other's line had); "" when the other
// side has said that there is no SRTP.
void secure_write(const struct rtp_secure *s, bool answer, char *out, size_t size);
// "RTP/AVP" or "RTP/SAVP".
const char *secure_profile(const struct rtp_secure *s, bool answer);
// What the other side said; from then on `stream` uses it. False: it has no line that we can use, and no
// SRTP is used.
bool secure_read(struct rtp_secure *s, const struct sdp_audio *remote, struct rtp_stream *stream);
// Our new key is in use: our offer was answered, or our answer was sent.
void secure_settle(struct rtp_secure *s);
