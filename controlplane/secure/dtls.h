// SPDX-License-Identifier: BSD-3-Clause
// A DTLS association for SRTP keys (RFC 5763, 5764): OpenSSL on datagrams, without sockets and threads of
// its own. Datagrams go in and come out; in the end there are keys, or a reason why there are none.
//
// DTLS 1.2, ECDHE with AES-GCM, P-256 or X25519, both roles, certificates on both sides whose fingerprints
// must be those that the signalling said (RFC 8122). The signalling may come after the handshake: then the keys
// wait for cp_dtls_trust(). Flights are fragmented to CP_DTLS_MTU and sent again by a timer (RFC 6347 4.2.4).
// A passive side can ask for a cookie first (RFC 6347 4.2.1).
//
// Refuses: other versions, peers without certificate, without use_srtp or with a fingerprint that nobody
// vouched for. Junk is dropped without a word, as RFC 6347 4.1.2.7 has it.
//
// Thread: one at a time for each object. Reads the clock by OpenSSL, for its timer.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controlplane/secure/identity.h"

#define CP_DTLS_MTU    1200u // of one datagram; fits IPv6's least and a tunnel
#define CP_DTLS_KEY    32u
#define CP_DTLS_SALT   14u
#define CP_DTLS_PRINTS 8u // fingerprints of a peer that are looked at

enum cp_dtls_role {
	CP_DTLS_PASSIVE, // a=setup:passive, the server
	CP_DTLS_ACTIVE,  // a=setup:active, the client
};

enum cp_dtls_state {
	CP_DTLS_HANDSHAKE,
	CP_DTLS_UNTRUSTED, // done, but nobody has said yet what the fingerprint has to be
	CP_DTLS_READY,     // there are keys
	CP_DTLS_FAILED,
	CP_DTLS_CLOSED, // by the peer
};

// As RFC 5764 4.1.2 and RFC 7714 14.2 number them.
enum cp_dtls_profile {
	CP_SRTP_AES128_CM_SHA1_80 = 0x0001,
	CP_SRTP_AES128_CM_SHA1_32 = 0x0002,
	CP_SRTP_AEAD_AES_128_GCM = 0x0007,
	CP_SRTP_AEAD_AES_256_GCM = 0x0008,
};

struct cp_dtls_half {
	uint8_t key[CP_DTLS_KEY];
	uint8_t salt[CP_DTLS_SALT];
};

struct cp_dtls_keys {
	uint16_t profile; // enum cp_dtls_profile
	uint8_t key_size; // 16 or 32
	uint8_t salt_size;
	struct cp_dtls_half ours;   // what we send with
	struct cp_dtls_half theirs; // what the peer sends with
};

struct cp_dtls;

struct cp_dtls_config {
	struct cp_identity *identity; // held by the association
	enum cp_dtls_role role;
	bool cookie;            // passive: want one before anything costs
	const void *address;    // passive: of the peer, what a cookie is bound to
	uint8_t address_size;   // up to 32 bytes
	const char *fingerprints; // see cp_dtls_trust(); NULL: not known yet
};

#ifdef __cplusplus
extern "C" {
#endif

// 0, -ENOMEM, -EINVAL for fingerprints.
int cp_dtls_new(struct cp_dtls **out, const struct cp_dtls_config *config);
void cp_dtls_free(struct cp_dtls *d); // wipes; NULL is allowed

// What the signalling says: "sha-256 AB:CD:..." lines, separated by newlines, one of which has to fit
// (sha-1, -224, -256, -384, -512; others are passed over). 0; -EINVAL when none can be used.
int cp_dtls_trust(struct cp_dtls *d, const char *fingerprints);

// The active side begins; nothing for the passive one.
void cp_dtls_start(struct cp_dtls *d);
// One datagram from the peer.
void cp_dtls_feed(struct cp_dtls *d, const uint8_t *bytes, size_t n);
// One datagram for the peer; to be asked for after each of the above and below until it says 0.
size_t cp_dtls_take(struct cp_dtls *d, uint8_t *out, size_t size);
// Milliseconds until cp_dtls_tick() is wanted, -1: not at all.
int cp_dtls_timeout(struct cp_dtls *d);
void cp_dtls_tick(struct cp_dtls *d);
// close_notify.
void cp_dtls_close(struct cp_dtls *d);

enum cp_dtls_state cp_dtls_state(const struct cp_dtls *d);
// Why it failed: "wrong fingerprint", "handshake failure", ...
const char *cp_dtls_why(const struct cp_dtls *d);
// In CP_DTLS_READY. The caller wipes them. False else.
bool cp_dtls_export(const struct cp_dtls *d, struct cp_dtls_keys *keys);
const char *cp_dtls_profile_name(uint16_t profile);

#ifdef __cplusplus
}
#endif
