// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/tone.h"

#include <arpa/inet.h>
#include <bcg729/decoder.h>
#include <bcg729/encoder.h>
#include <math.h>
#include <opencore-amrwb/dec_if.h>
#include <opus/opus.h>
#include <spandsp.h>
#include <stdlib.h>
#include <string.h>
#include <vo-amrwbenc/enc_if.h>

#define MOST    960 // samples of 20 ms at 48 kHz
#define BLOCK   40  // ms that are judged at once
#define DIGITS  64
#define LEVEL   8000.0
#define PIECES  32

enum codec { PCMU, PCMA, G722, OPUS, G729, AMR_WB, CODECS };

static const struct {
	const char *name;
	unsigned rate, clock;
} codecs[CODECS] = {{"PCMU", 8000, 8000}, {"PCMA", 8000, 8000}, {"G722", 16000, 8000},
	{"opus", 48000, 48000}, {"G729", 8000, 8000}, {"AMR-WB", 16000, 16000}};

struct half { // one direction
	enum codec codec;
	uint8_t type;
	void *state;
};

struct tone {
	struct half out, in;
	unsigned hz, expected;
	int events;
	bool silent;
	double phase[2];
	uint32_t ts;
	// a digit being sent
	char digit;
	bool by_event;
	unsigned left, length, sent; // ms, of it; packets of the event so far
	uint32_t event_ts;
	unsigned tail; // ends of the event that are still to be sent
	// heard
	int16_t block[MOST / 20 * BLOCK];
	unsigned have;
	uint64_t packets, octets, unknown;
	unsigned ms, other_ms, silent_ms, gaps;
	double energy; // of the blocks that were the tone, added up
	bool was_tone;
	char last_tone, pending; // DTMF in the audio, block by block
	unsigned tone_blocks;
	uint32_t last_event_ts;
	bool any_event;
	char digits[DIGITS * 12];
	uint64_t types[2];
};

static const char keys[] = "0123456789*#ABCD";
static const unsigned rows[4] = {697, 770, 852, 941}, columns[4] = {1209, 1336, 1477, 1633};
static const char pad[4][5] = {"123A", "456B", "789C", "*0#D"};

// ---- codecs ---------------------------------------------------------------------------------------

static void close_half(struct half *h, bool out)
{
	if (h->codec == OPUS && h->state)
		out ? opus_encoder_destroy(h->state) : opus_decoder_destroy(h->state);
	else if (h->codec == G722 && h->state)
		out ? (void)g722_encode_free(h->state) : (void)g722_decode_free(h->state);
	else if (h->codec == G729 && h->state)
		out ? closeBcg729EncoderChannel(h->state) : closeBcg729DecoderChannel(h->state);
	else if (h->codec == AMR_WB && h->state)
		out ? E_IF_exit(h->state) : D_IF_exit(h->state);
	h->state = NULL;
}

static bool open_half(struct half *h, bool out)
{
	int error;

	switch (h->codec) {
	case OPUS:
		h->state = out ? (void *)opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error)
			       : (void *)opus_decoder_create(48000, 1, &error);
		break;
	case G722:
		h->state = out ? (void *)g722_encode_init(NULL, 64000, 0)
			       : (void *)g722_decode_init(NULL, 64000, 0);
		break;
	case G729:
		h->state = out ? (void *)initBcg729EncoderChannel(0) : (void *)initBcg729DecoderChannel();
		break;
	case AMR_WB:
		h->state = out ? E_IF_init() : D_IF_init();
		break;
	default:
		return true;
	}
	return h->state != NULL;
}

// 20 ms. Octets.
static size_t encode(struct half *h, int16_t *pcm, uint8_t *out, size_t room)
{
	uint8_t n = 0, frame[64];
	size_t size = 0;

	switch (h->codec) {
	case PCMU:
	case PCMA:
		for (; size < 160; size++)
			out[size] = h->codec == PCMU ? linear_to_ulaw(pcm[size])
						     : linear_to_alaw(pcm[size]);
		return size;
	case G722:
		return (size_t)g722_encode(h->state, out, pcm, 320);
	case OPUS:
		return (size_t)opus_encode(h->state, pcm, 960, out, (opus_int32)room);
	case G729:
		for (unsigned k = 0; k < 2; k++, size += n)
			bcg729Encoder(h->state, pcm + k * 80, out + size, &n);
		return size;
	default: // octet-aligned (RFC 4867 4.4): CMR, then the frame as the file format has it
		out[0] = 0xf0;
		size = (size_t)E_IF_encode(h->state, 8, pcm, frame, 0);
		memcpy(out + 1, frame, size);
		return size + 1;
	}
}

// Samples.
static unsigned decode(struct half *h, uint8_t *in, size_t size, int16_t *pcm)
{
	static const uint8_t sizes[16] = {17, 23, 32, 36, 40, 46, 50, 58, 60, 5};
	unsigned n = 0;
	int got;

	switch (h->codec) {
	case PCMU:
	case PCMA:
		for (; n < size && n < MOST; n++)
			pcm[n] = h->codec == PCMU ? ulaw_to_linear(in[n]) : alaw_to_linear(in[n]);
		return n;
	case G722:
		return size <= MOST / 2 ? (unsigned)g722_decode(h->state, pcm, in, (int)size) : 0;
	case OPUS:
		got = opus_decode(h->state, in, (opus_int32)size, pcm, MOST, 0);
		return got > 0 ? (unsigned)got : 0;
	case G729:
		for (size_t at = 0; at + 10 <= size && n + 80 <= MOST; at += 10, n += 80)
			bcg729Decoder(h->state, in + at, 10, 0, 0, 0, pcm + n);
		return n;
	default:
		if (size < 2 || size < 1u + 1u + sizes[in[1] >> 3 & 15])
			return 0;
		D_IF_decode(h->state, in + 1, pcm, 0);
		return 320;
	}
}

static int find_codec(const char *name, size_t n)
{
	for (int i = 0; i < CODECS; i++)
		if (strlen(codecs[i].name) == n && strncmp(codecs[i].name, name, n) == 0)
			return i;
	return -1;
}

// ---- life -----------------------------------------------------------------------------------------

static bool open_codec(struct tone *t, const char *spec)
{
	const char *colon = strchr(spec, ':');
	int codec = colon ? find_codec(spec, (size_t)(colon - spec)) : -1;

	if (codec < 0)
		return false;
	t->out = t->in = (struct half){.codec = (enum codec)codec, .type = (uint8_t)atoi(colon + 1)};
	return open_half(&t->out, true) && open_half(&t->in, false);
}

struct tone *tone_new(const char *spec)
{
	struct tone *t = calloc(1, sizeof(*t));
	unsigned type;

	if (!t)
		return NULL;
	t->events = -1;
	if (sscanf(spec, "%*[^:]:%u:%u:%u:%d", &type, &t->hz, &t->expected, &t->events) >= 3 &&
		open_codec(t, spec))
		return t;
	tone_free(t);
	return NULL;
}

void tone_free(struct tone *t)
{
	if (!t)
		return;
	close_half(&t->out, true);
	close_half(&t->in, false);
	free(t);
}

bool tone_switch(struct tone *t, const char *spec)
{
	close_half(&t->out, true);
	close_half(&t->in, false);
	t->have = 0;
	return open_codec(t, spec);
}

// ---- sending --------------------------------------------------------------------------------------

static void add_wave(struct tone *t, unsigned which, double hz, double level, int16_t *pcm, unsigned n)
{
	double step = 2 * M_PI * hz / codecs[t->out.codec].rate;

	for (unsigned i = 0; i < n; i++, t->phase[which] += step)
		pcm[i] = (int16_t)(pcm[i] + level * sin(t->phase[which]));
	t->phase[which] = fmod(t->phase[which], 2 * M_PI);
}

static void find_key(char digit, unsigned *row, unsigned *column)
{
	*row = *column = 0;
	for (unsigned r = 0; r < 4; r++)
		for (unsigned c = 0; c < 4; c++)
			if (pad[r][c] == digit)
				*row = rows[r], *column = columns[c];
}

static size_t put_event(struct tone *t, uint8_t *packet)
{
	unsigned duration = t->length - t->left;
	bool end = t->left == 0;
	uint8_t *p = packet + 12;

	packet[1] = (uint8_t)(t->events | (t->sent == 0 ? 0x80 : 0));
	*(uint32_t *)(packet + 4) = htonl(t->event_ts);
	p[0] = (uint8_t)(strchr(keys, t->digit) - keys);
	p[1] = (uint8_t)((end ? 0x80 : 0) | 10);
	*(uint16_t *)(p + 2) = htons((uint16_t)(duration * (codecs[t->out.codec].clock / 1000)));
	t->sent++;
	return 16;
}

size_t tone_send(struct tone *t, uint8_t *packet, size_t room)
{
	unsigned n = codecs[t->out.codec].rate / 50, step = codecs[t->out.codec].clock / 50;
	int16_t pcm[MOST] = {0};
	unsigned row, column;
	size_t size;

	t->ts += step;
	if (t->digit && t->by_event) {
		if (!t->sent)
			t->event_ts = t->ts;
		t->left -= t->left < 20 ? t->left : 20;
		size = put_event(t, packet);
		if (!t->left && ++t->tail == 3)
			t->digit = 0;
		return size;
	}
	if (t->digit) {
		find_key(t->digit, &row, &column);
		add_wave(t, 0, row, LEVEL / 2, pcm, n);
		add_wave(t, 1, column, LEVEL / 2, pcm, n);
		t->left -= t->left < 20 ? t->left : 20;
		if (!t->left)
			t->digit = 0;
	} else if (!t->silent) {
		add_wave(t, 0, t->hz, LEVEL, pcm, n);
	}
	packet[1] = t->out.type;
	*(uint32_t *)(packet + 4) = htonl(t->ts);
	return 12 + encode(&t->out, pcm, packet + 12, room - 12);
}

void tone_digit(struct tone *t, char digit, unsigned ms, bool by_event)
{
	t->digit = digit;
	t->by_event = by_event;
	t->left = t->length = ms;
	t->sent = t->tail = 0;
}

void tone_speak(struct tone *t, bool on)
{
	t->silent = !on;
}

// ---- hearing --------------------------------------------------------------------------------------

void tone_note(struct tone *t, char how, char digit, unsigned ms)
{
	size_t n = strlen(t->digits);

	snprintf(t->digits + n, sizeof(t->digits) - n, "%s%c%c:%u", n ? " " : "", how, digit, ms);
}

bool tone_heard(const struct tone *t, const char *what)
{
	const char *p = strstr(t->digits, what);

	return p && p[strlen(what)] == ':';
}

unsigned tone_heard_ms(const struct tone *t)
{
	return t->ms;
}

// Share of a block's energy at a frequency.
static double share(const struct tone *t, unsigned n, double hz, unsigned rate, double *energy)
{
	double re = 0, im = 0, sum = 0;

	for (unsigned i = 0; i < n; i++) {
		double x = t->block[i], w = 2 * M_PI * hz * i / rate;

		re += x * cos(w);
		im += x * sin(w);
		sum += x * x;
	}
	*energy = sum / n;
	return sum > 0 ? 2 * (re * re + im * im) / (n * sum) : 0;
}

static char find_digit(const struct tone *t, unsigned n, unsigned rate)
{
	double energy;

	for (unsigned r = 0; r < 4; r++)
		for (unsigned c = 0; c < 4; c++) {
			double a = share(t, n, rows[r], rate, &energy),
			       b = share(t, n, columns[c], rate, &energy);

			if (a > 0.2 && b > 0.2 && a + b > 0.7)
				return pad[r][c];
		}
	return 0;
}

static void judge_digit(struct tone *t, char digit)
{
	if (digit && digit == t->last_tone) {
		t->tone_blocks++;
		return;
	}
	if (t->last_tone)
		tone_note(t, 't', t->last_tone, t->tone_blocks * BLOCK);
	t->last_tone = digit;
	t->tone_blocks = digit ? 1 : 0;
}

static void judge(struct tone *t, unsigned rate)
{
	unsigned n = rate / 1000 * BLOCK;
	double energy, part = share(t, n, t->expected, rate, &energy);
	bool is_tone = part > 0.8 && energy > 10000, silent = energy <= 10000;

	t->energy += is_tone ? energy : 0;
	t->ms += is_tone ? BLOCK : 0;
	t->silent_ms += silent ? BLOCK : 0;
	t->other_ms += !is_tone && !silent ? BLOCK : 0;
	t->gaps += t->was_tone && !is_tone;
	t->was_tone = is_tone;
	judge_digit(t, is_tone || silent ? 0 : find_digit(t, n, rate));
}

static void take_event(struct tone *t, const uint8_t *packet, size_t size)
{
	uint32_t ts = ntohl(*(const uint32_t *)(packet + 4));
	const uint8_t *p = packet + 12;

	if (size < 16 || !(p[1] & 0x80) || p[0] > 15 || (t->any_event && ts == t->last_event_ts))
		return;
	t->any_event = true;
	t->last_event_ts = ts;
	tone_note(t, 'e', keys[p[0]],
		ntohs(*(const uint16_t *)(p + 2)) / (codecs[t->in.codec].clock / 1000));
}

void tone_receive(struct tone *t, const uint8_t *packet, size_t size)
{
	unsigned type = packet[1] & 0x7f, rate = codecs[t->in.codec].rate, n;
	int16_t pcm[MOST * 2];
	uint8_t copy[2048];

	if (size < 13 || size > sizeof(copy))
		return;
	t->packets++;
	t->octets += size;
	t->types[type / 64] |= 1ull << type % 64;
	if ((int)type == t->events) {
		take_event(t, packet, size);
		return;
	}
	if (type != t->in.type) {
		t->unknown++;
		return;
	}
	memcpy(copy, packet, size);
	n = decode(&t->in, copy + 12, size - 12, pcm);
	for (unsigned i = 0; i < n; i++) {
		t->block[t->have++] = pcm[i];
		if (t->have == rate / 1000 * BLOCK) {
			judge(t, rate);
			t->have = 0;
		}
	}
}

void tone_report(const struct tone *t, FILE *out)
{
	double level = t->ms ? 10 * log10(t->energy / (t->ms / BLOCK) / (LEVEL * LEVEL / 2)) : -99;

	fprintf(out,
		"\"tone\": {\"packets\": %llu, \"octets\": %llu, \"unknown\": %llu, \"ms\": %u, "
		"\"other_ms\": %u, \"silent_ms\": %u, \"gaps\": %u, \"level_db\": %.1f, \"digits\": \"%s\"}",
		(unsigned long long)t->packets, (unsigned long long)t->octets,
		(unsigned long long)t->unknown, t->ms, t->other_ms, t->silent_ms, t->gaps, level,
		t->digits);
}
