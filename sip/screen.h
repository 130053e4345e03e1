// SPDX-License-Identifier: BSD-3-Clause
//
// What is refused before anything else looks at a message: by raw bytes, without allocating, in one
// pass. A message that passed has: a well-formed start line of SIP/2.0, headers ended by a blank
// line, exactly one readable From, To, Call-ID and CSeq, at least one readable Via, numbers that do
// not wrap, no doubled singleton, no control bytes, a body of the length it claims; requests have
// the method of their CSeq. RFC 4475 and RFC 5118 name what must pass and what must not:
// tests/unit/sip/torture.
//
// What can be answered is answered (SIP_SCREEN_REPLY), by transaction.h, to the flow it came from.
// Responses and ACKs are never answered, and what lacks the headers a response needs is dropped.
//
// Thread: the shard that received the bytes; no state.
#pragma once

#include "sip/message.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sip_verdict {
	SIP_SCREEN_ACCEPT,
	SIP_SCREEN_REPLY, // send `status`
	SIP_SCREEN_DROP,
};

// Why; also the index of a counter.
enum sip_refusal {
	SIP_REFUSE_NONE,
	SIP_REFUSE_KEEPALIVE, // only CRLFs, or empty: nothing is wrong, nothing is said
	SIP_REFUSE_GARBAGE,   // no start line: not SIP at all
	SIP_REFUSE_TOO_LONG,
	SIP_REFUSE_VERSION, // 505
	SIP_REFUSE_METHOD,
	SIP_REFUSE_STATUS,
	SIP_REFUSE_HEADER_LINE,
	SIP_REFUSE_HEADER_COUNT,
	SIP_REFUSE_CONTROL,
	SIP_REFUSE_BLANK_LINE,
	SIP_REFUSE_CONTENT_LENGTH,
	SIP_REFUSE_NUMBER,
	SIP_REFUSE_DOUBLED,
	SIP_REFUSE_MISSING,
	SIP_REFUSE_VIA,
	SIP_REFUSE_FROM,
	SIP_REFUSE_TO,
	SIP_REFUSE_CALL_ID,
	SIP_REFUSE_CSEQ,
	SIP_REFUSE_CSEQ_METHOD,
	SIP_REFUSE_REQUEST_URI,
	SIP_REFUSE_CONTACT,
	SIP_REFUSE_ROUTE,
	SIP_REFUSE_VALUE,     // another header that has to be read and cannot
	SIP_REFUSE_SCHEME,    // 416
	SIP_REFUSE_VIA_COUNT, // a response with more than one Via is not for us
	SIP_REFUSE_COUNT,
};

struct sip_screened {
	enum sip_verdict verdict;
	enum sip_refusal refusal;
	uint16_t status;  // SIP_SCREEN_REPLY: 400, 505, ...
	const char *text; // the reason phrase to send; says what was wrong
};

// Index and screen one datagram, or one framed message of a stream. `m` is filled also when it is
// refused.
struct sip_screened sip_screen(
	struct sip_message *m, const uint8_t *data, size_t n, enum sip_transport transport);

const char *sip_refusal_name(enum sip_refusal r); // "doubled_header", for counters

// Streams (RFC 3261 18.3): the length of the first message in `n` bytes, leading CRLFs included in
// *skip. 0 with *length set; -EAGAIN when it is not all there; -EBADMSG when the stream cannot be
// framed any more (no usable Content-Length): answer, then close. Content-Length is compulsory on
// streams; a message without it is taken to have no body.
int sip_screen_frame(const uint8_t *data, size_t n, size_t *skip, size_t *length);

// A look at a datagram without indexing it, for choosing a shard and for shedding load. Everything
// that is not found stays empty. Touches the start line and header lines until all were seen. 0 or
// -EBADMSG (no start line).
struct sip_peek {
	bool is_request;
	uint16_t status;
	enum sip_method method;
	struct sip_slice call_id;
	struct sip_slice branch; // of the topmost Via
	struct sip_slice to;     // the whole value: an in-dialog request has a ";tag=" in it
	struct sip_slice cseq;
};
int sip_peek(const uint8_t *data, size_t n, struct sip_peek *out);
// The same, but for the start line and call_id alone.
int sip_peek_call(const uint8_t *data, size_t n, struct sip_peek *out);

#ifdef __cplusplus
}
#endif
