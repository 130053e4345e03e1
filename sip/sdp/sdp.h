// SPDX-License-Identifier: BSD-3-Clause
//
// Session descriptions (RFC 8866, and RFC 4566 before it), read and written without loss.
//
// sdp_parse() turns a body into a tree: the session's lines, then each m-line with its own. Every
// line is kept as a slice of the caller's buffer, in its order, whether we know it or not, and
// sdp_write() gives the same bytes back (line ends become CRLF, blank lines at the end go). On top
// of the lines stand typed views of what a relay of media has to understand.
//
// Memory: all of a tree lies in an arena that the caller passes, nothing is freed line by line, and
// the body must outlive the tree. No function here calls malloc. Threads: none of its own; a tree
// and its arena belong to the thread that made them, there is no global mutable state.
//
// It takes: bare LF as a line end, blank lines at the end, a missing s= or t=, lines out of order,
// unknown lines and attributes, host names where addresses may stand.
// It refuses: a body without v=0 first or without o=, a second v=, o=, s= or session-level c=, a
// line that is not "<letter>=...", NUL, a CR that ends no line, numbers that are not whole numbers
// of the range that their field has, an IP4 or IP6 address that looks like one and is none, more
// than the sizes below, a wanted connection address that stands nowhere. It says in which line and
// why.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SDP_MAX_BODY    65535        // octets of a body
#define SDP_MAX_LINES   1024         // lines of a body
#define SDP_MAX_MEDIA   16           // m-lines of a body
#define SDP_MAX_FORMATS 64           // formats (payload types) of an m-line
#define SDP_MAX_TREE    (128 * 1024) // octets of arena that suffice for any body that is accepted

// ---- Slices -------------------------------------------------------------------------------------

// A piece of somebody's text, never NUL-terminated. ptr may be NULL when len is 0. Print with
// printf("%.*s", SDP_FMT(s)).
struct sdp_str {
	const char *ptr;
	uint32_t len;
};

#define SDP_FMT(s) (int)(s).len, (s).ptr

bool sdp_str_is(struct sdp_str s, const char *text);        // same bytes
bool sdp_str_is_nocase(struct sdp_str s, const char *text); // the same but for ASCII case
bool sdp_str_equal(struct sdp_str a, struct sdp_str b);
bool sdp_str_equal_nocase(struct sdp_str a, struct sdp_str b);

// The next token of *rest, which ends at a space or at the end. Empty when nothing is left.
struct sdp_str sdp_str_token(struct sdp_str *rest);

// A whole number in decimal digits and nothing else, at most max. False leaves *value alone.
bool sdp_str_number(struct sdp_str s, uint64_t max, uint64_t *value);

// ---- Arena --------------------------------------------------------------------------------------

// A bump allocator over memory of the caller. Taking a mark is copying `used`; setting it back
// frees all that came after it.
struct sdp_cache;

struct sdp_arena {
	uint8_t *base;
	size_t size;
	size_t used;
	struct sdp_cache *cache; // of offer/answer (cache.h); NULL: none
};

static inline void sdp_arena_init(struct sdp_arena *arena, void *base, size_t size)
{
	arena->base = (uint8_t *)base;
	arena->size = size;
	arena->used = 0;
	arena->cache = NULL;
}

// Zeroed memory, aligned for any type, or NULL when the arena is full.
void *sdp_arena_take(struct sdp_arena *arena, size_t size);

// The same without the zeroes, for buffers.
void *sdp_arena_take_raw(struct sdp_arena *arena, size_t size);

// ---- Errors -------------------------------------------------------------------------------------

// What was wrong, in words fit for a SIP Warning header (no quotes, no bytes of the peer).
struct sdp_error {
	unsigned line;    // 1 is the first line of the body, 0 when no single line is to blame
	unsigned warning; // warn-code of RFC 3261 20.43: 300-307, or 399
	char text[96];
};

// Fill an error. err may be NULL. Returns code, so that one can write `return sdp_fail(...)`.
int sdp_fail(struct sdp_error *err, int code, unsigned warning, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

// ---- The tree -----------------------------------------------------------------------------------

// The attributes that some code of ours asks for by name. All others are SDP_A_OTHER and kept too.
enum sdp_attr {
	SDP_A_NONE, // not an a= line
	SDP_A_OTHER,
	SDP_A_RTPMAP,
	SDP_A_FMTP,
	SDP_A_PTIME,
	SDP_A_MAXPTIME,
	SDP_A_SENDRECV,
	SDP_A_SENDONLY,
	SDP_A_RECVONLY,
	SDP_A_INACTIVE,
	SDP_A_RTCP,          // RFC 3605
	SDP_A_RTCP_MUX,      // RFC 5761
	SDP_A_RTCP_MUX_ONLY, // RFC 8858
	SDP_A_RTCP_FB,       // RFC 4585
	SDP_A_RTCP_RSIZE,    // RFC 5506
	SDP_A_RTCP_XR,       // RFC 3611
	SDP_A_CRYPTO,        // RFC 4568
	SDP_A_FINGERPRINT,   // RFC 8122
	SDP_A_SETUP,         // RFC 4145
	SDP_A_TLS_ID,        // RFC 8842
	SDP_A_CANDIDATE,     // RFC 8839, with all ice-* below
	SDP_A_REMOTE_CANDIDATES,
	SDP_A_END_OF_CANDIDATES,
	SDP_A_ICE_UFRAG,
	SDP_A_ICE_PWD,
	SDP_A_ICE_LITE,
	SDP_A_ICE_OPTIONS,
	SDP_A_ICE_MISMATCH,
	SDP_A_ICE_PACING,
	SDP_A_MID,   // RFC 5888
	SDP_A_GROUP, // RFC 5888
	SDP_A_BUNDLE_ONLY,
	SDP_A_MSID,
	SDP_A_MSID_SEMANTIC,
	SDP_A_SSRC, // RFC 5576
	SDP_A_SSRC_GROUP,
	SDP_A_EXTMAP, // RFC 8285
	SDP_A_EXTMAP_ALLOW_MIXED,
	SDP_A_CONNECTION, // RFC 4145
	SDP_A_TOOL,
	SDP_A_CAT,
	SDP_A_KEYWDS,
	SDP_A_TYPE,
	SDP_A_CHARSET,
	SDP_A_SDPLANG,
	SDP_A_LANG,
	SDP_A_FRAMERATE,
	SDP_A_QUALITY,
	SDP_A_ORIENT,
	SDP_A_IMAGEATTR,
	SDP_A_LABEL,
	SDP_A_CONTENT,
	SDP_A_COUNT,
};

struct sdp_line {
	const char *text;  // what follows "<letter>="
	uint16_t len;      // octets of text, without the line end
	uint16_t name_len; // a= lines: octets of the attribute's name
	uint16_t number;   // 1 is the first line of the body
	char letter;
	uint8_t attr; // enum sdp_attr
};

static inline struct sdp_str sdp_line_text(const struct sdp_line *line)
{
	return (struct sdp_str){line->text, line->len};
}

// An attribute's name, and what follows the colon (empty for a flag).
struct sdp_str sdp_line_name(const struct sdp_line *line);
struct sdp_str sdp_line_value(const struct sdp_line *line);

// An address: as IPv4 or IPv6, or as a name (family 0) which we keep and never resolve.
struct sdp_addr {
	uint8_t family; // 4, 6, or 0: a host name, or a network other than the Internet
	uint8_t type;   // 4 or 6 by the address type as written, for names too; 0 when another
	uint8_t ttl;    // IPv4 multicast; 0 when not given
	uint16_t count; // addresses of a multicast range, 1 otherwise, 0 when the address is absent
	uint8_t ip[16]; // network order; IPv4 in the first four octets
	struct sdp_str host; // as written, without /ttl/count
};

// 0.0.0.0, ::, or a name below .invalid (RFC 6157): "send me nothing", the hold of RFC 2543.
bool sdp_addr_is_hold(const struct sdp_addr *addr);
bool sdp_addr_is_multicast(const struct sdp_addr *addr);

// o=. The numbers may exceed 64 bits in no accepted body.
struct sdp_origin {
	struct sdp_str user;
	struct sdp_str id_text;
	struct sdp_str version_text;
	uint64_t id;
	uint64_t version;
	struct sdp_addr addr;
};

// Direction as two bits, from the point of view of who wrote the description.
enum sdp_direction {
	SDP_INACTIVE = 0,
	SDP_SENDONLY = 1,
	SDP_RECVONLY = 2,
	SDP_SENDRECV = 3,
};

// The same stream seen from the other end: send and receive change places.
static inline enum sdp_direction sdp_direction_turn(enum sdp_direction d)
{
	return (enum sdp_direction)(((d & 1) << 1) | ((d >> 1) & 1));
}

const char *sdp_direction_name(enum sdp_direction d); // "sendrecv", ...

enum sdp_kind {
	SDP_KIND_OTHER,
	SDP_AUDIO,
	SDP_VIDEO,
	SDP_IMAGE,
	SDP_TEXT,
	SDP_APPLICATION,
	SDP_MESSAGE,
};

enum sdp_proto {
	SDP_PROTO_OTHER,
	SDP_RTP_AVP,
	SDP_RTP_AVPF,
	SDP_RTP_SAVP,
	SDP_RTP_SAVPF,
	SDP_DTLS_SAVP,  // UDP/TLS/RTP/SAVP
	SDP_DTLS_SAVPF, // UDP/TLS/RTP/SAVPF
	SDP_UDPTL,
};

static inline bool sdp_proto_is_rtp(enum sdp_proto p)
{
	return p >= SDP_RTP_AVP && p <= SDP_DTLS_SAVPF;
}

static inline bool sdp_proto_is_secure(enum sdp_proto p)
{
	return p >= SDP_RTP_SAVP && p <= SDP_DTLS_SAVPF;
}

// One format of an m-line. For RTP it is a payload type, with its codec from a=rtpmap or, for the
// static ones without it, from RFC 3551. Other m-lines fill in text only.
struct sdp_format {
	struct sdp_str text; // as in the m-line
	struct sdp_str name; // encoding name, empty when a dynamic type has no rtpmap
	struct sdp_str fmtp; // its parameters, behind the payload type; empty when none
	uint32_t rate;       // RTP clock, Hz
	uint8_t pt;          // 0-127
	uint8_t channels;    // 1 when not given
};

// m= and all that stands below it, with the session's defaults filled in where the RFCs say so.
struct sdp_media {
	struct sdp_str kind_text;
	struct sdp_str proto_text;
	enum sdp_kind kind;
	enum sdp_proto proto;
	uint16_t port;       // 0: refused, removed, or (with a=bundle-only) bundled
	uint16_t port_count; // 1 when not given
	uint16_t number;     // line of the m=
	uint16_t first_line; // its lines are lines[first_line .. first_line + n_lines), m= not
			     // among them
	uint16_t n_lines;
	uint16_t n_formats;
	struct sdp_format *formats;
	struct sdp_addr conn; // own c=, or the session's; count 0 when neither (refused lines only)
	enum sdp_direction direction; // own, or the session's, or sendrecv
	bool rtcp_mux;
	bool rtcp_mux_only;
	bool bundle_only;
	uint16_t rtcp_port;        // a=rtcp; 0 when absent, then port + 1 holds
	struct sdp_addr rtcp_addr; // a=rtcp with an address; count 0 when absent
	uint16_t ptime;            // milliseconds, fractions rounded up; 0 when absent
	uint16_t maxptime;
	uint32_t b_as;   // b=AS, kbit/s; 0 when absent
	uint32_t b_tias; // b=TIAS, bit/s
	struct sdp_str mid;
	struct sdp_str m_text; // the whole of m=, as written
	// The offer/answer engine's alone, see secure.h and transcode.h; zero after sdp_parse().
	uint8_t keying; // enum sdp_keying
	bool ice;       // ICE is spoken in it, and we do, too
	bool fax;       // T.38 over UDPTL, and we relay it
	bool only_bundled; // bundle-only: port and address are those of its group
};

struct sdp_session {
	struct sdp_line *lines; // every line but m=, in order
	uint16_t n_lines;
	uint16_t n_session_lines; // lines[0 .. n_session_lines) stand before the first m=
	uint16_t n_media;
	struct sdp_media *media;
	struct sdp_origin origin;
	struct sdp_addr conn; // session-level c=; count 0 when absent
	enum sdp_direction direction;
	struct sdp_str name; // s=
	struct sdp_str time; // first t=; empty when absent or not two numbers
};

// Reads a body of len octets. The tree lies in the arena and points into body.
// 0; -EBADMSG malformed; -EMSGSIZE beyond one of the limits above; -ENOMEM the arena is full.
int sdp_parse(struct sdp_arena *arena, const uint8_t *body, size_t len,
	struct sdp_session **session, struct sdp_error *err);

// The session's (media NULL) or a media's first line with this attribute, or NULL. after: the line
// found before, to go on behind it, or NULL.
const struct sdp_line *sdp_find(const struct sdp_session *session, const struct sdp_media *media,
	enum sdp_attr attr, const struct sdp_line *after);

// The same for one attribute that the session may give for all media (fingerprint, setup, ice-*).
// Value of the media's own, else of the session's; ptr NULL when neither has it.
struct sdp_str sdp_value(
	const struct sdp_session *session, const struct sdp_media *media, enum sdp_attr attr);

// The format with this payload type, or NULL.
const struct sdp_format *sdp_format_by_pt(const struct sdp_media *media, unsigned pt);

// Same encoding: name (any case), clock, channels. Parameters are not compared.
bool sdp_format_same_codec(const struct sdp_format *a, const struct sdp_format *b);

// ---- Codecs we know (codecs.c) ------------------------------------------------------------------

// What RFC 3551 and the codecs' own RFCs say. Bounds are for policing: no honest sender exceeds
// them.
struct sdp_codec_info {
	const char *name;
	uint32_t rate;    // RTP clock
	int8_t static_pt; // RFC 3551, or -1
	uint8_t channels;
	uint8_t frame_ms;      // shortest packet that is seen in practice
	bool auxiliary;        // never a call's main codec: telephone-event, CN, red, rtx, fec
	uint32_t max_bit_rate; // of the payload at its highest mode, bit/s
};

// By name, clock and channels, or by static payload type. NULL when unknown.
const struct sdp_codec_info *sdp_codec_find(struct sdp_str name, uint32_t rate, unsigned channels);
const struct sdp_codec_info *sdp_codec_static(unsigned pt);

// ---- Writing ------------------------------------------------------------------------------------

// Appends to a buffer; an overflow sticks and is asked for once, at the end.
struct sdp_writer {
	char *buf;
	size_t size;
	size_t len;
	bool overflow;
};

static inline void sdp_writer_init(struct sdp_writer *w, char *buf, size_t size)
{
	w->buf = buf;
	w->size = size;
	w->len = 0;
	w->overflow = false;
}

void sdp_put(struct sdp_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sdp_put_str(struct sdp_writer *w, struct sdp_str s);
void sdp_put_line(struct sdp_writer *w, const struct sdp_line *line); // with CRLF
// "IP4 192.0.2.1" or "IP6 2001:db8::1"
void sdp_put_addr(struct sdp_writer *w, unsigned family, const uint8_t ip[16]);
// The address alone.
void sdp_put_ip(struct sdp_writer *w, unsigned family, const uint8_t ip[16]);

// The tree as text. 0, or -ENOSPC. *len is what was written.
int sdp_write(const struct sdp_session *session, char *buf, size_t size, size_t *len);

#ifdef __cplusplus
}
#endif
