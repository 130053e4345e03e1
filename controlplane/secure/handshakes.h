// SPDX-License-Identifier: BSD-3-Clause
// DTLS associations on threads of their own, so that a handshake (half a millisecond of signatures) or a
// flood of hellos delays no SIP message. The owner opens an association under a number of his own, feeds
// it datagrams, and gets datagrams, keys and failures back by callbacks, in his own thread.
//
// Bounds: associations, and datagrams that wait for a thread; what is beyond is dropped and counted, as a
// network does. When many handshakes are under way, passive associations ask for a cookie first.
//
// Threads: one owner calls everything here; the pool's own threads touch associations only.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "controlplane/secure/dtls.h"

struct cp_handshakes;

struct cp_handshakes_ops {
	// A datagram for the peer of this association.
	void (*send)(void *ctx, uint64_t id, const uint8_t *bytes, size_t n);
	// The handshake is done; wipe the keys when they are used. At most once in the life of an association.
	void (*ready)(void *ctx, uint64_t id, const struct cp_dtls_keys *keys);
	// It failed, or the peer closed it (`why`: "closed"). Nothing more comes of it; still to be closed.
	void (*failed)(void *ctx, uint64_t id, const char *why);
};

struct cp_handshakes_config {
	const struct cp_handshakes_ops *ops;
	void *ctx;
	unsigned threads;      // 0: 2, or 1 on a single CPU
	unsigned associations; // at once; 0: 65536
	unsigned waiting;      // datagrams and orders a thread may have before it; 0: 8192
	unsigned busy;         // handshakes under way from which on cookies are asked for; 0: 256
};

struct cp_handshakes_counters {
	uint64_t opened, ready, failed, closed;
	uint64_t datagrams, dropped; // that came in; that found the queue full
	uint64_t refused;            // associations beyond the bound
	uint64_t cookies;            // associations that had to bring one
};

#ifdef __cplusplus
extern "C" {
#endif

// 0, -ENOMEM, -EAGAIN (no threads), or what eventfd answers.
int cp_handshakes_new(struct cp_handshakes **out, const struct cp_handshakes_config *config);
// Ends the threads; associations are freed without a word.
void cp_handshakes_free(struct cp_handshakes *h);

// To be polled for reading; then cp_handshakes_process(), which makes the callbacks. No callback is made from
// anything else.
int cp_handshakes_fd(const struct cp_handshakes *h);
void cp_handshakes_process(struct cp_handshakes *h);

// `id` is not in use. 0; -EMFILE too many; -ENOMEM; -EINVAL for fingerprints. The active side begins at once.
int cp_handshakes_open(struct cp_handshakes *h, uint64_t id, const struct cp_dtls_config *config);
// The other three do nothing for numbers that are not open. -ENOBUFS: dropped, the queue is full.
int cp_handshakes_feed(struct cp_handshakes *h, uint64_t id, const uint8_t *bytes, size_t n);
// See cp_dtls_trust().
int cp_handshakes_trust(struct cp_handshakes *h, uint64_t id, const char *fingerprints);
// Says close_notify, which still goes out by ops.send, and forgets it. The number may be used again at once.
void cp_handshakes_close(struct cp_handshakes *h, uint64_t id);

void cp_handshakes_count(const struct cp_handshakes *h, struct cp_handshakes_counters *out);

#ifdef __cplusplus
}
#endif
