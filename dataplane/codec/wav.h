// SPDX-License-Identifier: BSD-3-Clause
// WAV files in memory: reading prompts, and writing recordings (wav, pcap) block by block.
//
// Reading takes the bytes of a whole file (RIFF/WAVE; PCM of 8 or 16 bits, A-law, u-law; 1 or 2 channels, mixed into
// one; 8 to 48 kHz; at most CLIP_MAX_S) and refuses everything else in words. A clip is immutable: any number of
// players of any threads play it.
//
// Writing is pure functions that fill a caller's block, so that who writes to disk decides when.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIP_MAX_S        1800u
#define WAV_HEADER        44u
#define PCAP_HEADER       24u
#define PCAP_RECORD       (16u + 40u + 8u) // and what IPv6 and UDP add to a datagram's bytes
#define PCAP_MAX_DATAGRAM 2048u

struct codec_clip {
	uint32_t rate;    // Hz
	uint32_t samples; // of `pcm`, one channel
	int16_t *pcm;
};

struct clip_player;

#ifdef __cplusplus
extern "C" {
#endif

// ---- reading

// 0; -EINVAL, and `why` holds a sentence of what is wrong; -ENOMEM.
int codec_clip_read(
	struct codec_clip **out, const uint8_t *file, size_t size, char *why, size_t why_size);
// A copy of PCM. 0, -EINVAL (rate, or longer than CLIP_MAX_S, or empty), -ENOMEM.
int codec_clip_new(struct codec_clip **out, const int16_t *pcm, size_t samples, unsigned rate);
void codec_clip_free(struct codec_clip *clip); // NULL is nothing
uint32_t codec_clip_ms(const struct codec_clip *clip);

// Plays a clip at any rate of 8 to 48 kHz, `loops` times (0: without end). 0, -EINVAL, -ENOMEM. The clip must outlive
// it.
int clip_player_open(
	struct clip_player **out, const struct codec_clip *clip, unsigned rate, unsigned loops);
void clip_player_close(struct clip_player *player); // NULL is nothing
// For struct codec_source (path.h): `context` is a player. Fewer than asked for: it has ended.
unsigned clip_player_read(void *context, int16_t *pcm, unsigned samples);

// ---- writing

// The header of a file of 16-bit PCM with `bytes` of data behind it (more than 4 GiB: as much as can be said).
// Written again at the end, when the size is known.
void wav_header(uint8_t out[WAV_HEADER], unsigned rate, unsigned channels, uint64_t bytes);
// Two mono streams side by side, in the file's byte order: 4 bytes a sample pair. NULL is silence.
void wav_stereo(uint8_t *out, const int16_t *left, const int16_t *right, size_t samples);
void wav_mono(uint8_t *out, const int16_t *pcm, size_t samples);

struct pcap_packet {
	uint64_t time_us;               // since 1970
	uint8_t family;                 // 4 or 6
	uint8_t from_ip[16], to_ip[16]; // network order; IPv4 in the first four
	uint16_t from_port, to_port;
	const void *data;
	uint16_t length; // at most PCAP_MAX_DATAGRAM
};

// Raw IP (LINKTYPE_RAW), microseconds, big enough for every datagram.
void pcap_header(uint8_t out[PCAP_HEADER]);
// IP and UDP headers with their checksums, and the data. Bytes written; -ENOSPC (length + PCAP_RECORD is always
// enough), -EINVAL.
int pcap_record(const struct pcap_packet *packet, uint8_t *out, size_t capacity);

#ifdef __cplusplus
}
#endif
