// SPDX-License-Identifier: BSD-3-Clause
// SRTP and SRTCP (RFC 3711, 6188, 7714) over bursts of packets.
//
// A context is one direction of one leg under one master key: expanded session keys, and for each SSRC
// its roll-over counter, its replay window and its SRTCP index. Bursts mix packets of any contexts, RTP
// and RTCP. What has to do with indices, windows, MKI and layout is here, once; the arithmetic of ciphers
// is behind struct srtp_backend: srtp_mb.c (intel-ipsec-mb, many packets at once) and srtp_ssl.c
// (OpenSSL, one by one, on any machine). libsrtp2 is the oracle that both are tested against.
//
// Never the same index twice, in either direction:
//   - a packet to be sent whose index was used already is refused like a replayed one, because two
//     payloads under one index would give both away. A late packet within the window is not.
//   - an SSRC that makes room for another leaves its highest index behind; when it comes back, only
//     newer ones are accepted. After SRTP_STREAMS + SRTP_RETIRED SSRCs under one key no more are.
//   - `stream` says ahead what may be used: whoever resumes (srtp_resume) begins behind it.
//
// Threads: an engine belongs to one thread, a context to one thread at a time. Creating and freeing
// contexts allocates: the agent's work. Bursts never allocate.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/abi/secure.h"

#define SRTP_BURST    64u                           // packets that one call takes
#define SRTP_TAIL     (4u + 16u + ABI_SRTP_MAX_MKI) // bytes that protecting may add
#define SRTP_STREAMS  4u                            // SSRCs with a window, at a time
#define SRTP_RETIRED  28u                           // SSRCs that gave theirs up
#define SRTP_WINDOW   128u                          // packets
#define SRTP_RESERVED 16u                           // indices are promised so many ahead

enum srtp_verdict {
	SRTP_OK = 0,
	SRTP_AUTH_FAILED, // or damaged, or by another key
	SRTP_REPLAYED,    // its index was seen, or is too old to tell
	SRTP_TRUNCATED,   // its header, tag or index does not fit into it
	SRTP_EXHAUSTED,   // no index is left under this key, or no place for another SSRC
	SRTP_TOO_LONG,    // no room for what protecting adds
	SRTP_VERDICTS,
};

struct srtp_stream {        // 80 bytes: one SSRC under one key
	uint64_t window[2]; // bit n: highest - n was seen
	uint64_t highest;   // RTP index: ROC << 16 | sequence number, 48 bits
	uint64_t promised;  // RTP indices below this are published as used
	uint64_t rtcp_window[2];
	uint32_t ssrc;
	uint32_t rtcp_highest; // receiving; sending: the next one is this plus 1
	uint32_t rtcp_promised;
	uint32_t touched; // grows with each burst that used it
	uint8_t rtp;      // bit 0: an RTP index was seen; bit 1: of an SRTCP packet
	uint8_t used;
	uint8_t reserved[14];
};

struct srtp_retired { // 16 bytes
	uint32_t ssrc;
	uint32_t roc;
	uint32_t rtcp_index;
	uint16_t seq;
	uint8_t rtp; // as in the stream
	uint8_t reserved;
};

struct srtp_backend;

struct srtp_context {
	const struct srtp_backend *backend;
	struct srtp_context *previous; // receiving: the key before this one, for a while
	void *keys;                    // backend's: [0] RTP, [1] RTCP, `key_size` apart
	uint32_t key_size;
	uint32_t roc;   // of streams that begin
	uint32_t clock; // of `touched`
	uint8_t suite;
	uint8_t direction; // enum abi_direction
	uint8_t aead;
	uint8_t tag, rtcp_tag;
	uint8_t mki_length;
	uint8_t retired_count;
	bool fresh;          // a promise was renewed: publish before the burst is sent
	uint8_t salt[2][16]; // session salts of RTP and RTCP, zeros behind
	uint8_t mki[ABI_SRTP_MAX_MKI];
	struct srtp_stream stream[SRTP_STREAMS];
	struct srtp_retired retired[SRTP_RETIRED];
};

struct srtp_packet {
	struct srtp_context *context;
	uint8_t *data;   // RTP or RTCP, in place; of protect: SRTP_TAIL bytes of room behind it
	uint16_t length; // in and out
	uint8_t rtcp;
	uint8_t verdict; // out: enum srtp_verdict. Not OK: the payload is unspecified
};

// ---- what a backend does

struct srtp_raw_keys { // session keys of RTP or RTCP (RFC 3711 section 4.3)
	uint8_t cipher[32];
	uint8_t auth[20];
	uint8_t cipher_length; // 16, 24 or 32
	uint8_t aead;
};

// One packet's arithmetic. Counter mode: HMAC-SHA1 over `auth_length` bytes of data, cipher over
// `length` bytes from `from`. GCM: the same cipher bytes, `aad`; no HMAC.
struct srtp_job {
	const void *keys;
	uint8_t *data;
	const uint8_t *aad;
	uint16_t aad_length;
	uint16_t auth_length;
	uint16_t from;
	uint16_t length; // 0: nothing is enciphered
	uint8_t iv[16];  // GCM: 12 bytes
	uint8_t tag[20]; // out: computed. GCM: 16 bytes
};

struct srtp_engine;

struct srtp_backend {
	const char *name;
	// False: this machine cannot.
	bool (*able)(void);
	struct srtp_engine *(*open)(void); // NULL: out of memory
	void (*close)(struct srtp_engine *engine);
	size_t (*key_size)(uint8_t aead);                           // of expanded keys, times 64
	int (*expand)(void *keys, const struct srtp_raw_keys *raw); // 0 or -errno
	void (*forget)(void *keys, uint8_t aead); // frees what it points to; the caller wipes
	// Counter mode and GCM. `protect`: cipher, then tag; else tag, then cipher. Either way what
	// was enciphered becomes clear and the reverse.
	void (*crypt)(struct srtp_engine *engine, struct srtp_job *const *jobs, unsigned count,
		uint8_t aead, bool protect);
};

// The file of a backend names its functions like the members.
#define SRTP_BACKEND(says)                                                                         \
	{                                                                                          \
		.name = (says), .able = able, .open = open_engine, .close = close_engine,          \
		.key_size = key_size, .expand = expand, .forget = forget, .crypt = crypt,          \
	}

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__x86_64__)
extern const struct srtp_backend srtp_mb;
#endif
extern const struct srtp_backend srtp_ssl;

// The fastest one that this machine can do. The first call measures for some milliseconds.
const struct srtp_backend *srtp_best(void);

// A context for a key that the boundary has checked. 0, -ENOMEM, or -EOPNOTSUPP.
int srtp_new(struct srtp_context **out, const struct srtp_backend *backend,
	const struct abi_srtp_key *key, enum abi_direction direction);
// Wipes and frees it, and the previous one. NULL is nothing.
void srtp_free(struct srtp_context *context);
// Wipes the keys and forgets that it has any; everything is refused from then on. Never frees.
void srtp_wipe(struct srtp_context *context);

// Takes up a stream where an earlier process left it. Before the first packet.
void srtp_resume(struct srtp_context *context, const struct abi_srtp_stream *from);
// The (at most two) streams used last, as the resume record has them; the rest is zero.
void srtp_publish(const struct srtp_context *context, struct abi_srtp_stream to[2]);
// Adds the SRTCP indices of a context that is for RTCP alone, to what was published of the one for RTP.
void srtp_publish_rtcp(const struct srtp_context *context, struct abi_srtp_stream to[2]);

// Of at most SRTP_BURST packets whose first 12 (RTP) or 8 (RTCP) bytes are there.
void srtp_burst_protect(struct srtp_engine *engine, struct srtp_packet *packets, unsigned count);
void srtp_burst_unprotect(struct srtp_engine *engine, struct srtp_packet *packets, unsigned count);

// Tells keys apart without keeping them. 0 or -EIO.
int srtp_digest(const struct abi_srtp_key *key, uint8_t digest[16]);

// Session keys by the key derivation of RFC 3711 section 4.3 with rate 0. 0 or -EIO.
int srtp_derive(
	const struct abi_srtp_key *key, bool rtcp, struct srtp_raw_keys *raw, uint8_t salt[16]);

#ifdef __cplusplus
}
#endif
