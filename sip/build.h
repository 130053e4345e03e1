// SPDX-License-Identifier: BSD-3-Clause
//
// Writing messages: append into a buffer of the caller's. Nothing is allocated, nothing is printed
// twice; a message that does not fit leaves `overflow` set and is not to be sent. Values are
// checked as they are written: a CR or LF inside one (but for a folded line, which is unfolded)
// sets `refused`, so nothing that came from one side can start a header on the other.
//     struct sip_build b = sip_build(buffer, sizeof(buffer));
//     sip_build_request(&b, sip_str("OPTIONS"), uri);
//     sip_build_header(&b, "Max-Forwards", sip_str("70")); ...
//     n = sip_build_end(&b, body);
//
// Thread: whoever owns the buffer.
#pragma once

#include "sip/flow.h"
#include "sip/message.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sip_build {
	char *p;
	size_t size;
	size_t n;
	bool overflow;
	bool refused;
};

struct sip_build sip_build(char *buffer, size_t size);

// Start lines. An empty reason becomes the standard phrase.
void sip_build_request(struct sip_build *b, struct sip_slice method, struct sip_slice uri);
void sip_build_status(struct sip_build *b, int status, struct sip_slice reason);

// "Name: value". Folds are turned into a space.
void sip_build_header(struct sip_build *b, const char *name, struct sip_slice value);
void sip_build_header_str(struct sip_build *b, const char *name, const char *value);
void sip_build_number(struct sip_build *b, const char *name, uint32_t value);
// printf into a value; same checks.
void sip_build_format(struct sip_build *b, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// Via: SIP/2.0/<transport> <sent_by>;branch=<branch>[;rport]
void sip_build_via(struct sip_build *b, uint8_t transport, struct sip_slice sent_by,
	struct sip_slice branch, bool rport);
// "Name: "display" <uri>;tag=tag"; empty display and tag are left out, quotes in display are
// escaped.
void sip_build_address(struct sip_build *b, const char *name, struct sip_slice display,
	struct sip_slice uri, struct sip_slice tag);
void sip_build_cseq(struct sip_build *b, uint32_t number, struct sip_slice method);
// All headers of this id of `m`, in order, under their long name.
void sip_build_copy(struct sip_build *b, const struct sip_message *m, enum sip_header_id id);
// Header `i` of `m` with the name it came with.
void sip_build_copy_at(struct sip_build *b, const struct sip_message *m, unsigned i);
// Header lines that are ready, each with its CRLF; checked to be whole lines without a blank one.
void sip_build_lines(struct sip_build *b, struct sip_slice lines);
// Part of a value: checked and unfolded like a whole one.
void sip_build_value(struct sip_build *b, struct sip_slice part);
// Bytes as they are; for parts of a value. The caller answers for them.
void sip_build_raw(struct sip_build *b, struct sip_slice bytes);

// Content-Length, the blank line and the body. The length of the message, or -ENOBUFS, -EINVAL
// (refused).
int sip_build_end(struct sip_build *b, struct sip_slice body);
// Only whether all went well so far: 0, -ENOBUFS, -EINVAL. For fragments (header lines kept for
// later).
int sip_build_check(const struct sip_build *b);

// The part of a response that mirrors its request (RFC 3261 8.2.6.2, RFC 3581): the status line,
// every Via with received and rport of the first written from `source` and nothing else, From, To
// (with `to_tag` when it has none), Call-ID, CSeq, Timestamp of a 100, and Record-Route when it may
// make a dialog. Reads what it can: works on refused messages too.
void sip_build_response(struct sip_build *b, const struct sip_message *request,
	const struct sip_flow *source, int status, struct sip_slice reason,
	struct sip_slice to_tag);

// The same for a request that nobody has indexed, as cheaply as can be: the response as far as its
// headers are the request's. 0, or -EBADMSG when it is not a plain one (a header twice or missing, a
// To tag, several Vias on a line): sip_build_response() reads those. b is spoilt then.
int sip_build_refusal(struct sip_build *b, const uint8_t *data, size_t n,
	const struct sip_flow *source, int status, struct sip_slice to_tag);

#ifdef __cplusplus
}
#endif
