// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/quality.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define R_DEFAULT    93.2 // G.107: all parameters at their defaults, no Ie, no delay
#define PACKET_MS    20.0
#define BUFFER_LEAST 20.0

// G.113 appendix I, tables I.1 to I.3; look-ahead of the codec's own recommendation. G.711 with the packet
// loss concealment of its appendix I, which every phone has by now.
static const struct codec {
	const char *name; // as in rtpmap
	double ie, bpl, lookahead_ms;
} codecs[] = {
	{"PCMU/8000", 0, 25.1, 0},
	{"PCMA/8000", 0, 25.1, 0},
	{"G729/8000", 11, 19.0, 5},
	{"G723/8000", 15, 16.1, 7.5},
	{"GSM-EFR/8000", 5, 10.0, 0},
	{"AMR/8000", 5, 10.0, 5}, // 12.2 kbit/s
	{"GSM/8000", 20, 10.0, 0},
	{"G726-32/8000", 7, 10.0, 0},
	{"iLBC/8000", 11, 32.0, 0},
};

static const struct codec *find(const char *name)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (strcasecmp(codecs[i].name, name) == 0)
			return &codecs[i];
	return NULL;
}

double cp_quality_mos(double r)
{
	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5;
	return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

static double delay_impairment(double ms)
{
	double x;

	if (ms <= 100)
		return 0;
	x = log2(ms / 100);
	return 25 * (pow(1 + pow(x, 6), 1.0 / 6) - 3 * pow(1 + pow(x / 3, 6), 1.0 / 6) + 2);
}

bool cp_quality_of(const struct cp_quality_input *in, struct cp_quality *out)
{
	const struct codec *codec = find(in->codec);
	double buffer = 2.0 * in->jitter_us / 1000, delay, ie;

	if (!codec || !in->received)
		return false;
	if (buffer < BUFFER_LEAST)
		buffer = BUFFER_LEAST;
	delay = in->round_trip_us / 2000.0 + PACKET_MS + codec->lookahead_ms + buffer;
	out->loss = 100.0 * (double)in->lost / (double)(in->received + in->lost);
	ie = codec->ie + (95 - codec->ie) * out->loss / (out->loss + codec->bpl);
	out->r = R_DEFAULT - delay_impairment(delay) - ie;
	if (out->r < 0)
		out->r = 0;
	out->mos = cp_quality_mos(out->r);
	return true;
}
