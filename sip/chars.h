// SPDX-License-Identifier: BSD-3-Clause
//
// The character classes of RFC 3261 section 25, as one table. For sip/ only.
//
// Thread: constants.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sip/slice.h"

enum sip_char {
	SIP_C_ALPHA = 1 << 0,
	SIP_C_DIGIT = 1 << 1,
	SIP_C_HEX = 1 << 2,
	SIP_C_TOKEN = 1 << 3,
	SIP_C_WORD = 1 << 4,       // Call-ID
	SIP_C_UNRESERVED = 1 << 5, // alphanum and mark
	SIP_C_USER = 1 << 6,       // user-unreserved
	SIP_C_PASSWORD = 1 << 7,
	SIP_C_PARAM = 1 << 8,  // param-unreserved
	SIP_C_HEADER = 1 << 9, // hnv-unreserved
	SIP_C_RESERVED = 1 << 10,
	SIP_C_LWS = 1 << 11,    // SP, HTAB, CR, LF
	SIP_C_TEXT = 1 << 12,   // may stand in a header value: all but control bytes
	SIP_C_HOST = 1 << 13,   // alphanum, '-', '.', and '_' which DNS names of devices do hold
	SIP_C_QUOTED = 1 << 14, // in a quoted string without a backslash
};

extern const uint16_t sip_chars[256];

static inline bool sip_char_is(char c, unsigned classes)
{
	return sip_chars[(uint8_t)c] & classes;
}

// Of a message that nobody has indexed (frame.c): the next line without its end, and the next header with
// its folded lines. False at the blank line or the end; name.n is 0 for a line that is no header.
struct sip_slice sip_cut_line(struct sip_slice *s);
bool sip_cut_header(struct sip_slice *s, struct sip_slice *name, struct sip_slice *value);
// All of it in the classes, and at least one.
bool sip_all(struct sip_slice s, unsigned classes);
// All in the classes or %HH; may be empty.
bool sip_all_escaped(struct sip_slice s, unsigned classes);
static inline bool sip_is_token(struct sip_slice s)
{
	return sip_all(s, SIP_C_TOKEN);
}
// Without the linear white space in front.
static inline struct sip_slice sip_skip_lws(struct sip_slice s)
{
	while (s.n > 0 && sip_char_is(*s.p, SIP_C_LWS)) {
		s.p++;
		s.n--;
	}
	return s;
}
// The length of the quoted string at the front of s, quotes included; 0 when it is broken.
size_t sip_quoted_len(struct sip_slice s);
int sip_hex_digit(char c); // -1: none
// Host and port at the front of s, the rest in *rest. 0 or -EINVAL (uri.c).
int sip_hostport_parse(
	struct sip_slice s, struct sip_slice *host, uint16_t *port, struct sip_slice *rest);
