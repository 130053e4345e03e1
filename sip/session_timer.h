// SPDX-License-Identifier: BSD-3-Clause
//
// Session timers (RFC 4028) of one dialog. A back-to-back user agent has two, which know nothing of
// each other: what one side wants of its leg does not bind the other leg.
//
// Only the arithmetic and the rules; header lines in, header lines out, deadlines in seconds from the last
// refresh. The caller sends the refreshes (UPDATE if the peer allows it, else re-INVITE) and the BYE.
//
// As UAS:  sip_st_request() on each INVITE and UPDATE, then sip_st_answer() for its 2xx.
// As UAC:  sip_st_offer() for each INVITE and UPDATE, then sip_st_response() on its final response.
// After either, sip_st_next() says what is due when.
//
// Thread: plain values; the owner's.
#pragma once

#include "sip/build.h"
#include "sip/message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIP_ST_MIN 90u // seconds; RFC 4028 section 5: never less

enum sip_st_refresher {
	SIP_ST_NOBODY, // no timer runs
	SIP_ST_US,
	SIP_ST_THEM,
};

struct sip_session_timer {
	// policy, set once by sip_st_init()
	uint32_t wish;  // seconds that we ask for; 0: we ask for none, but take part
	uint32_t least; // the shortest that we accept, at least SIP_ST_MIN
	enum sip_st_refresher prefer; // whom we ask to refresh when it is ours to choose; NOBODY: as it comes
	// state
	uint32_t interval; // agreed, seconds; 0: none
	uint32_t floor;    // the largest Min-SE seen in this dialog
	enum sip_st_refresher refresher;
	bool peer_supports; // "timer" was in its last request's Supported
	// of the request being answered
	uint32_t asked; // its Session-Expires; 0: none
	enum sip_st_refresher asked_refresher;
};

void sip_st_init(struct sip_session_timer *t, uint32_t wish, uint32_t least);

// ---- UAS

// Reads a request. 0, or the status to refuse it with: 422 (then sip_st_refuse() writes Min-SE), 400.
int sip_st_request(struct sip_session_timer *t, const struct sip_message *request);
// Header of the 422.
void sip_st_refuse(const struct sip_session_timer *t, struct sip_build *b);
// Settles interval and refresher, and writes Session-Expires (and Require: timer when the peer is to
// refresh) into its 2xx; nothing when no timer runs.
void sip_st_answer(struct sip_session_timer *t, struct sip_build *b);

// ---- UAC

// Writes Session-Expires and Min-SE into a request; nothing when we wish for none and none runs.
// "timer" belongs into Supported always.
void sip_st_offer(const struct sip_session_timer *t, struct sip_build *b);
// Reads a final response. 0 settled (2xx) or nothing to do; 1: a 422 that asks for more: send the request
// again; -EBADMSG: a 422 that cannot be met.
int sip_st_response(struct sip_session_timer *t, const struct sip_message *response);

// ---- due

enum sip_st_due {
	SIP_ST_NOTHING,
	SIP_ST_REFRESH, // send one
	SIP_ST_EXPIRE,  // the peer did not: BYE
};

// What is due `*seconds` after the last refresh (the last 2xx of INVITE or UPDATE). We refresh at half the
// interval; the peer's silence is the end min(32, interval / 3) seconds before it runs out (section 10).
enum sip_st_due sip_st_next(const struct sip_session_timer *t, uint32_t *seconds);

#ifdef __cplusplus
}
#endif
