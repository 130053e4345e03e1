// SPDX-License-Identifier: BSD-3-Clause
//
// URIs: sip, sips and tel (RFC 3261 section 19, RFC 3966). Parsing yields slices and allocates
// nothing; the bytes are checked against the grammar, so a URI that parsed may be written into a
// message again as it is. It refuses: control bytes, white space, broken escapes, ports past 65535,
// parameters given twice (19.1.1), IPv6 references that are none. A URI of another scheme parses as
// SIP_URI_OTHER with `rest`.
//
// Thread: pure functions.
#pragma once

#include "sip/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sip_uri_scheme {
	SIP_URI_SIP,
	SIP_URI_SIPS,
	SIP_URI_TEL,
	SIP_URI_OTHER, // well formed as far as RFC 3986 goes: 416 as Request-URI
};

struct sip_uri {
	struct sip_slice whole;
	enum sip_uri_scheme scheme;
	struct sip_slice scheme_text;
	struct sip_slice user;     // still escaped; without password. tel: the subscriber number
	struct sip_slice password; // still escaped
	struct sip_slice host;     // IPv6 with its brackets
	struct sip_slice params;   // without the leading ';'
	struct sip_slice headers;  // without the leading '?'
	struct sip_slice rest;     // SIP_URI_OTHER: after the colon
	uint16_t port;             // 0: none was written
	bool has_user;             // "sip:@host" is refused, so user.n > 0 whenever this is true
};

// 0, -EINVAL (no URI at all).
int sip_uri_parse(struct sip_slice text, struct sip_uri *out);

// The value of a parameter; `value` is empty for one without '='. False when it is not there.
bool sip_uri_param(const struct sip_uri *u, const char *name, struct sip_slice *value);
bool sip_uri_is_loose(const struct sip_uri *u); // has ;lr

// Equality of RFC 3261 19.1.4 (sip, sips) and RFC 3966 5 (tel).
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);

// The number in the user part: "+4930123" or "030123", visual separators removed, parameters of a
// telephone-subscriber (";phone-context=") cut off. Length, 0 when the user part is no number (then
// out is the empty string), -ENOBUFS. It counts as a number when only digits, '*', '#', '.', '-',
// '(', ')' and one leading '+' are in it.
int sip_uri_number(const struct sip_uri *u, char *out, size_t size);
bool sip_number_is_e164(struct sip_slice number); // "+", then 1 to 15 digits, the first not 0

// Percent-decoding and -encoding (of what the user part may not hold). Length or -ENOBUFS, -EINVAL.
int sip_unescape(struct sip_slice in, char *out, size_t size);
int sip_escape_user(struct sip_slice in, char *out, size_t size);

#ifdef __cplusplus
}
#endif
