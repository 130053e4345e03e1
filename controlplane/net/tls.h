// SPDX-License-Identifier: BSD-3-Clause
// TLS 1.2 and 1.3 on bytes: OpenSSL between memory BIOs, no sockets. A `cp_tls` is a configuration
// (certificate, key, whom to trust) that can be loaded anew while connections made from it go on with
// the old one; a `cp_tls_session` is one connection.
//
// Refuses a key that does not fit its certificate, a certificate that is not yet or no longer
// valid, and private keys that others can read. Names are checked by RFC 5922: the SIP domain in a
// subjectAltName URI or DNS name, no wildcards; the common name only when there is no subjectAltName.
//
// Thread: one at a time for each object.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cp_tls;
struct cp_tls_session;

struct cp_tls_config {
	const char *certificate; // PEM, the whole chain; NULL: none (client only)
	const char *key;         // PEM
	const char *authorities; // PEM; NULL: the system's
	bool ask_client; // server: want a certificate of the client, and verify it (mutual TLS)
	bool may_client; // server: verify the client's certificate if it shows one
	const char *const *clients; // PEM files, NULL at the end: who else may vouch for clients
	bool insecure;              // client: take any certificate. For tests and labs
};

#define CP_TLS_ERROR 256u

// 0 or -errno, and one line in `error` that names the file and says what is wrong with it.
int cp_tls_new(struct cp_tls **out, const struct cp_tls_config *config, char error[CP_TLS_ERROR]);
// Reads the files again; on error the old ones stay in use.
int cp_tls_reload(struct cp_tls *tls, char error[CP_TLS_ERROR]);
// Each becomes what the other was.
void cp_tls_swap(struct cp_tls *a, struct cp_tls *b);
void cp_tls_free(struct cp_tls *tls); // sessions may outlive it

enum cp_tls_role {
	CP_TLS_SERVER,
	CP_TLS_CLIENT,
};

// `name`: client: sent as SNI unless an address, and must be in the certificate; NULL: any name that the
// authorities vouch for. 0 or -ENOMEM.
int cp_tls_session_new(
	struct cp_tls_session **out, struct cp_tls *tls, enum cp_tls_role role, const char *name);
void cp_tls_session_free(struct cp_tls_session *s);

// Bytes from the wire. -EPROTO: the peer broke the protocol or was not trusted (cp_tls_session_why()).
int cp_tls_feed(struct cp_tls_session *s, const uint8_t *bytes, size_t n);
// Plain text that has come. > 0 bytes, 0 none for now, -EPIPE closed by the peer, -EPROTO.
int cp_tls_read(struct cp_tls_session *s, uint8_t *out, size_t size);
// Plain text to send; kept until the handshake is done. 0, -ENOMEM, -EPROTO.
int cp_tls_write(struct cp_tls_session *s, const uint8_t *bytes, size_t n);
// Bytes for the wire, to be asked for after each of the above. 0: none.
int cp_tls_take(struct cp_tls_session *s, uint8_t *out, size_t size);
// Begins the handshake (client) or nothing (server); then ask cp_tls_take().
int cp_tls_start(struct cp_tls_session *s);
void cp_tls_shutdown(struct cp_tls_session *s); // close_notify

bool cp_tls_ready(const struct cp_tls_session *s);
// True when the peer showed a certificate, verified, that names `domain` (RFC 5922).
bool cp_tls_peer_is(const struct cp_tls_session *s, const char *domain);
// The same, and the authorities of `tls` vouch for it, whoever else does.
bool cp_tls_peer_is_by(
	const struct cp_tls_session *s, const struct cp_tls *tls, const char *domain);
// May what a new session of `tls` towards `name` would carry go over this one (RFC 5923 5)? It was made for that
// name, or its peer has shown a certificate of that name, or any will do.
bool cp_tls_session_serves(
	const struct cp_tls_session *s, const struct cp_tls *tls, const char *name);
// "certificate verify failed: self-signed certificate", ...
const char *cp_tls_session_why(const struct cp_tls_session *s);
bool cp_tls_session_failed(const struct cp_tls_session *s);

#ifdef __cplusplus
}
#endif
