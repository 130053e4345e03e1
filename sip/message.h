// SPDX-License-Identifier: BSD-3-Clause
//
// A message as it was received: an index over its bytes, in order and lossless, with typed readers.
// sip_message_index() makes one pass, allocates nothing, and reads as far as it can, so that even
// of a message which is refused the Via, From, To, Call-ID and CSeq can be read for the refusal. It
// checks no values; that is screen.h, and only what passed there may go to the transaction layer.
// The readers below check the value they read and say -EBADMSG when the grammar forbids it, -ENOENT
// when the header is not there.
//
// Everything points into the caller's buffer, which must outlive the sip_message. The struct is
// about 5 kB and meant to be reused: one per shard, not one per message.
//
// Thread: the shard that received the bytes.
#pragma once

#include "sip/flow.h"
#include "sip/header.h"
#include "sip/method.h"
#include "sip/slice.h"
#include "sip/uri.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIP_MESSAGE_MAX 65535 // bytes of one message
#define SIP_HEADERS_MAX 254   // header lines of one message

struct sip_header {
	uint32_t name;  // offsets into data
	uint32_t value; // after the colon and white space
	uint16_t name_len;
	uint16_t value_len; // without the last CRLF and trailing white space; folded lines are
			    // still folded
	uint8_t id;         // enum sip_header_id
	uint8_t next; // 1 + index of the next header with the same id (not for SIP_H_OTHER), 0:
		      // none
	uint16_t line_len; // from `name`, with the last CRLF
};

// What the index could not make sense of; screen.h turns it into a verdict.
enum sip_defect {
	SIP_DEFECT_START_LINE = 1 << 0, // neither request nor status line
	SIP_DEFECT_VERSION = 1 << 1,    // another version than SIP/2.0
	SIP_DEFECT_METHOD = 1 << 2,     // the method is no token
	SIP_DEFECT_STATUS = 1 << 3,     // not three digits, 100 to 699
	SIP_DEFECT_HEADER =
		1 << 4, // a line without colon, a name that is no token, a fold without header
	SIP_DEFECT_NO_BLANK = 1 << 5, // the bytes end before the blank line
	SIP_DEFECT_MANY = 1 << 6,     // more than SIP_HEADERS_MAX headers
	SIP_DEFECT_CONTROL = 1 << 7,  // control bytes, a bare CR or LF included
	SIP_DEFECT_LONG = 1 << 8,     // longer than SIP_MESSAGE_MAX
};

struct sip_message {
	const char *data;
	uint32_t length;  // of the message itself; screen cuts what follows the body
	uint32_t body;    // offset of the first byte after the blank line
	uint32_t defects; // enum sip_defect, or-ed
	bool is_request;
	uint8_t method;               // enum sip_method; of a response: that of its CSeq
	uint16_t status;              // 0 for requests
	uint16_t count;               // headers
	struct sip_slice method_text; // of a response: that of its CSeq
	struct sip_slice uri_text;    // Request-URI
	struct sip_slice reason_text;
	struct sip_slice version;
	uint8_t first[SIP_H_COUNT]; // 1 + index of the first header of that id, 0: none
	struct sip_header headers[SIP_HEADERS_MAX];
};

// Index `n` bytes. 0, or -EBADMSG with `defects` set and everything read that could be.
int sip_message_index(struct sip_message *m, const uint8_t *data, size_t n);

// ---- any header, in the order of the message

static inline struct sip_slice sip_header_name_of(const struct sip_message *m, unsigned i)
{
	return sip_slice(m->data + m->headers[i].name, m->headers[i].name_len);
}

static inline struct sip_slice sip_header_value_of(const struct sip_message *m, unsigned i)
{
	return sip_slice(m->data + m->headers[i].value, m->headers[i].value_len);
}

// The whole line as received, its CRLF included, to be carried over untouched.
static inline struct sip_slice sip_header_line_of(const struct sip_message *m, unsigned i)
{
	return sip_slice(m->data + m->headers[i].name, m->headers[i].line_len);
}

static inline bool sip_message_has(const struct sip_message *m, enum sip_header_id id)
{
	return m->first[id] != 0;
}

// The first value of this header, empty when there is none.
struct sip_slice sip_message_value(const struct sip_message *m, enum sip_header_id id);
// By name, long or compact, the first at or after index *at; *at becomes the one after it. Start
// with 0.
bool sip_message_find(
	const struct sip_message *m, const char *name, unsigned *at, struct sip_slice *value);

// Walk the elements of a header that is a list, over several lines and over commas:
//     struct sip_walk w = sip_walk(m, SIP_H_ROUTE);
//     while (sip_walk_next(&w, &element)) ...
struct sip_walk {
	const struct sip_message *m;
	struct sip_slice rest;
	uint8_t next;
};
struct sip_walk sip_walk(const struct sip_message *m, enum sip_header_id id);
bool sip_walk_next(struct sip_walk *w, struct sip_slice *element);
// Is this token (an option tag, a method) in the list? Option tags compare without case.
bool sip_message_lists(const struct sip_message *m, enum sip_header_id id, const char *token);

// ---- parameters after a value: ";name=value;flag"

// The next parameter of `params` (with or without leading ';'); it is cut from the front. Values in
// quotes keep them. 1 when there was one, 0 at the end, -EBADMSG.
int sip_param_next(struct sip_slice *params, struct sip_slice *name, struct sip_slice *value);
// False when it is not there; value is empty for a flag.
bool sip_param_find(struct sip_slice params, const char *name, struct sip_slice *value);

// ---- typed readers

struct sip_via {
	struct sip_slice transport; // "UDP"
	struct sip_slice sent_by;   // host, or host:port, as written
	struct sip_slice host;
	struct sip_slice branch; // empty: none
	struct sip_slice received;
	struct sip_slice params; // all, with the leading ';'
	uint16_t port;           // 0: none was written
	uint16_t rport;          // its value, 0 when it has none
	bool has_rport;
};
int sip_via_parse(struct sip_slice value, struct sip_via *out);
int sip_message_via(const struct sip_message *m, struct sip_via *out); // the topmost

// From, To, Contact, Route, Record-Route, Refer-To, P-Asserted-Identity: name-addr or addr-spec.
struct sip_address {
	struct sip_slice display; // without quotes, escapes (\") still in it
	struct sip_slice uri_text;
	struct sip_uri uri;
	struct sip_slice params; // of the header, with the leading ';'
	struct sip_slice tag;    // empty: none
	bool star;               // Contact: *
};
int sip_address_parse(struct sip_slice value, struct sip_address *out);
int sip_message_from(const struct sip_message *m, struct sip_address *out);
int sip_message_to(const struct sip_message *m, struct sip_address *out);
int sip_message_contact(const struct sip_message *m, struct sip_address *out); // the first
int sip_message_request_uri(const struct sip_message *m, struct sip_uri *out);

static inline struct sip_slice sip_message_call_id(const struct sip_message *m)
{
	return sip_message_value(m, SIP_H_CALL_ID);
}
// Only the tag, empty when there is none or the header cannot be read. Cheaper than the whole
// address.
struct sip_slice sip_message_from_tag(const struct sip_message *m);
struct sip_slice sip_message_to_tag(const struct sip_message *m);

struct sip_cseq {
	uint32_t number; // < 2^31
	enum sip_method method;
	struct sip_slice method_text;
};
int sip_cseq_parse(struct sip_slice value, struct sip_cseq *out);
int sip_message_cseq(const struct sip_message *m, struct sip_cseq *out);

// Headers that are one number, parameters or a comment after it allowed where the RFC allows them:
// Max-Forwards, Expires, Min-Expires, Content-Length, Retry-After, Session-Expires, Min-SE, RSeq.
int sip_message_number(const struct sip_message *m, enum sip_header_id id, uint32_t *out);

struct sip_content_type {
	struct sip_slice type;    // "application"
	struct sip_slice subtype; // "sdp"
	struct sip_slice params;
};
int sip_message_content_type(const struct sip_message *m, struct sip_content_type *out);
int sip_content_type_parse(struct sip_slice value, struct sip_content_type *out);

// Bodies (RFC 5621, body.c). The session description is the body, or a part of a multipart one: the first that is
// one, of alternatives the last.
bool sip_message_has_sdp(const struct sip_message *m);
struct sip_slice sip_message_sdp(const struct sip_message *m); // empty: none
// Its Content-Disposition says handling=optional.
bool sip_message_body_is_optional(const struct sip_message *m);
// There is none, or it is a session description and no other part says handling=required, or it is optional. Else 415.
bool sip_message_body_serves(const struct sip_message *m);

struct sip_reason { // RFC 3326: Reason: Q.850;cause=16;text="normal"
	struct sip_slice protocol;
	uint32_t cause; // 0: none was written
	struct sip_slice text;
};
int sip_reason_parse(struct sip_slice value, struct sip_reason *out);

static inline struct sip_slice sip_message_body(const struct sip_message *m)
{
	return sip_slice(m->data + m->body, m->length - m->body);
}

// ---- the whole tree, by libosipparser2

// Parse the message once more by libosipparser2, for headers whose grammar is not read here (the
// digest's, Accept and so on). Free it with osip_message_free(). 0, -ENOMEM, -EBADMSG. sip_init()
// must have been called.
struct osip_message;
int sip_message_tree(const struct sip_message *m, struct osip_message **out);
// Once, before any thread: libosipparser2's tables.
int sip_init(void);

#ifdef __cplusplus
}
#endif
