// SPDX-License-Identifier: BSD-3-Clause
// UDPTL (ITU-T T.38, section 9.1): fax packets over UDP, each with those before it as a protection against loss.
//
// Pure functions on bytes. Reading refuses what does not end with its own lengths; IFP packets point into the bytes
// that were read. Redundancy is read and written; parity (FEC) is understood and not used: its packets are read for
// what they carry themselves.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDPTL_MAX       1400u // bytes of a datagram
#define UDPTL_SECONDARY 8u    // repeated packets that are looked at
#define UDPTL_IFP       512u  // bytes of an IFP packet that is sent

struct udptl_ifp {
	const uint8_t *data;
	uint16_t length;
};

struct udptl_packet {
	uint16_t seq;
	bool fec;
	uint8_t count;                               // of `secondary`
	struct udptl_ifp primary;                    // of `seq`
	struct udptl_ifp secondary[UDPTL_SECONDARY]; // of seq - 1, seq - 2, ...
};

struct udptl_rx {
	bool begun;
	uint16_t next;
	uint32_t recovered; // packets got back from those behind
	uint32_t lost;
	uint32_t duplicate; // or too late
	uint32_t corrupt;
};

struct udptl_tx {
	uint16_t seq; // of the next
	uint8_t count;
	uint16_t length[UDPTL_SECONDARY]; // newest first
	uint8_t ifp[UDPTL_SECONDARY][UDPTL_IFP];
};

typedef void udptl_deliver(void *context, uint16_t seq, const uint8_t *ifp, size_t length);

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -EBADMSG.
int udptl_read(struct udptl_packet *packet, const uint8_t *data, size_t length);

// Reads a datagram and delivers what is new of it, the oldest first. 0 or -EBADMSG.
int udptl_receive(struct udptl_rx *rx, const uint8_t *data, size_t length, udptl_deliver *deliver,
	void *context);

// Writes the next datagram: `ifp`, and up to `redundancy` of those before it as far as they fit into `capacity`.
// Bytes; -ENOSPC (ifp does not fit, or is longer than UDPTL_IFP).
int udptl_write(struct udptl_tx *tx, const uint8_t *ifp, size_t length, unsigned redundancy,
	uint8_t *out, size_t capacity);

#ifdef __cplusplus
}
#endif
