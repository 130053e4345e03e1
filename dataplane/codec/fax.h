// SPDX-License-Identifier: BSD-3-Clause
// A gateway between T.38 and fax over G.711, by spandsp.
//
// Audio at 8 kHz goes in and comes out in equal times, 20 ms of each a tick: that is its clock. A fax bears no
// concealed or stretched audio: take what comes from a path with CODEC_PATH_PLAYOUT, and say when something is lost.
//
// Threads: one at a time. Opening and closing allocate; spandsp may allocate a little when a modem begins.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fax_config {            // what the T.38 side has said in its SDP (T.38 D.2.3)
	uint8_t version;       // T38FaxVersion, 0..3
	uint8_t redundancy;    // packets that each datagram repeats, 0..8
	uint16_t max_datagram; // T38FaxMaxDatagram; 0: 400
	uint32_t max_rate;     // T38MaxBitRate; 0: 14400
	bool transferred_tcf;  // T38FaxRateManagement:transferredTCF
	bool fill_bit_removal; // T38FaxFillBitRemoval
	bool mmr, jbig;        // T38FaxTranscodingMMR, JBIG
	bool no_ecm;           // error correction is suppressed
};

struct fax_stats {
	uint64_t datagrams_in, datagrams_out;
	uint32_t lost, recovered, duplicate, corrupt; // of what came
	uint32_t dropped;                             // datagrams that nobody took
	uint32_t pages;
	uint32_t bit_rate; // of the image, now
	bool over;         // one of the machines has said goodbye (DCN)
};

struct fax;

#ifdef __cplusplus
extern "C" {
#endif

// 0; -EINVAL, -ENOMEM.
int fax_open(struct fax **out, const struct fax_config *config);
void fax_close(struct fax *fax); // NULL is nothing

// From the T.38 side. 0; -EBADMSG: counted, and nothing else.
int fax_from_t38(struct fax *fax, const uint8_t *datagram, size_t length);
// To the T.38 side: the next datagram. Its length; 0: none. `capacity`: UDPTL_MAX.
size_t fax_to_t38(struct fax *fax, uint8_t *datagram, size_t capacity);

// From the audio side. NULL: so many samples were lost.
void fax_from_audio(struct fax *fax, const int16_t *pcm, unsigned samples);
// To the audio side: all of `samples`, silence when there is nothing to say. Fits struct codec_source (path.h).
unsigned fax_to_audio(void *fax, int16_t *pcm, unsigned samples);

void fax_counts(const struct fax *fax, struct fax_stats *stats);

#ifdef __cplusplus
}
#endif
