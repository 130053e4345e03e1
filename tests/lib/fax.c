// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/fax.h"

#include <arpa/inet.h>
#include <spandsp.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#define WIDTH  1728
#define ROWS   96
#define PACKET 400
#define FRAME  160 // samples of 20 ms
#define PCMA   8
#define BEHIND 3 // packets that are repeated in each

struct fax {
	t38_terminal_state_t *t38; // NULL: a machine on G.711
	fax_state_t *audio;
	void (*transmit)(void *user, const uint8_t *packet, size_t size);
	void *user;
	bool sends, over;
	int code, pages;
	char file[200];
	uint16_t seq;
	struct {
		uint8_t bytes[PACKET];
		int size;
	} last[BEHIND];
	int behind;
	bool heard;
	uint16_t expect;
	uint64_t sent, received, recovered;
};

// ---- the page -------------------------------------------------------------------------------------

static void draw_row(unsigned row, uint8_t out[WIDTH / 8])
{
	for (unsigned i = 0; i < WIDTH / 8; i++)
		out[i] = (i / 8 + row / 16) % 3 ? 0 : 0xff;
}

static bool write_page(const char *file)
{
	TIFF *t = TIFFOpen(file, "w");
	uint8_t row[WIDTH / 8];

	if (!t)
		return false;
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, WIDTH);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, ROWS);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
	TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T6);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
	TIFFSetField(t, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, ROWS);
	TIFFSetField(t, TIFFTAG_XRESOLUTION, 204.0);
	TIFFSetField(t, TIFFTAG_YRESOLUTION, 98.0);
	TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
	for (unsigned i = 0; i < ROWS; i++) {
		draw_row(i, row);
		TIFFWriteScanline(t, row, i, 0);
	}
	TIFFClose(t);
	return true;
}

// Rows of the received page that are as they were drawn.
static int compare_page(const char *file)
{
	TIFF *t = TIFFOpen(file, "r");
	uint8_t row[WIDTH / 8 + 64], want[WIDTH / 8];
	int same = 0;

	for (unsigned i = 0; t && i < ROWS && TIFFReadScanline(t, row, i, 0) >= 0; i++) {
		draw_row(i, want);
		same += memcmp(row, want, sizeof(want)) == 0;
	}
	if (t)
		TIFFClose(t);
	return same;
}

// ---- G.711 ----------------------------------------------------------------------------------------

static void send_audio(struct fax *f)
{
	uint8_t packet[12 + FRAME] = {0x80, PCMA};
	int16_t pcm[FRAME] = {0};

	fax_tx(f->audio, pcm, FRAME);
	for (unsigned i = 0; i < FRAME; i++)
		packet[12 + i] = linear_to_alaw(pcm[i]);
	*(uint16_t *)(packet + 2) = htons(f->seq);
	*(uint32_t *)(packet + 4) = htonl((uint32_t)f->seq * FRAME);
	*(uint32_t *)(packet + 8) = htonl(0xfa00fa00);
	f->seq++;
	f->sent++;
	f->transmit(f->user, packet, sizeof(packet));
}

static void receive_audio(struct fax *f, const uint8_t *packet, size_t size)
{
	int16_t pcm[3 * FRAME];
	uint16_t seq = (uint16_t)(packet[2] << 8 | packet[3]);
	int n = (int)size - 12;

	if (n <= 0 || n > 3 * FRAME || packet[0] != 0x80 || (packet[1] & 0x7f) != PCMA)
		return;
	f->received++;
	for (; f->heard && (int16_t)(seq - f->expect) > 0; f->expect++)
		fax_rx_fillin(f->audio, n);
	f->heard = true;
	f->expect = (uint16_t)(seq + 1);
	for (int i = 0; i < n; i++)
		pcm[i] = alaw_to_linear(packet[12 + i]);
	fax_rx(f->audio, pcm, n);
}

// ---- UDPTL ----------------------------------------------------------------------------------------

static void put(uint8_t **at, const uint8_t *bytes, int size)
{
	if (size < 128) {
		*(*at)++ = (uint8_t)size;
	} else {
		*(*at)++ = (uint8_t)(0x80 | size >> 8);
		*(*at)++ = (uint8_t)size;
	}
	memcpy(*at, bytes, (size_t)size);
	*at += size;
}

static int on_packet(t38_core_state_t *core, void *user, const uint8_t *bytes, int size, int count)
{
	struct fax *f = user;
	uint8_t packet[2000], *at = packet;

	if (size > PACKET)
		return -1;
	*at++ = (uint8_t)(f->seq >> 8);
	*at++ = (uint8_t)f->seq;
	put(&at, bytes, size);
	*at++ = 0; // secondary packets, the newest first
	*at++ = (uint8_t)f->behind;
	for (int i = 0; i < f->behind; i++)
		put(&at, f->last[i].bytes, f->last[i].size);
	memmove(&f->last[1], &f->last[0], (BEHIND - 1) * sizeof(f->last[0]));
	memcpy(f->last[0].bytes, bytes, (size_t)size);
	f->last[0].size = size;
	f->behind += f->behind < BEHIND;
	f->seq++;
	for (; count > 0; count--, f->sent++)
		f->transmit(f->user, packet, (size_t)(at - packet));
	return 0;
}

// NULL: it is cut off.
static const uint8_t *take(const uint8_t **at, const uint8_t *end, int *size)
{
	const uint8_t *p;

	if (*at >= end)
		return NULL;
	*size = *(*at)++;
	if (*size & 0x80) {
		if (*size & 0x40 || *at >= end)
			return NULL;
		*size = (*size & 0x3f) << 8 | *(*at)++;
	}
	p = *at;
	*at += *size;
	return *at <= end ? p : NULL;
}

void telefax_receive(struct fax *f, const uint8_t *packet, size_t size)
{
	const uint8_t *at = packet + 2, *end = packet + size, *primary, *old[16];
	t38_core_state_t *core;
	int length, sizes[16], n = 0;
	uint16_t seq;

	if (size < 4)
		return;
	if (f->audio) {
		receive_audio(f, packet, size);
		return;
	}
	core = t38_terminal_get_t38_core_state(f->t38);
	f->received++;
	seq = (uint16_t)(packet[0] << 8 | packet[1]);
	primary = take(&at, end, &length);
	if (!primary)
		return;
	if (at + 1 < end && *at++ == 0) {
		int behind = *at++;

		for (; n < behind && n < 16 && (old[n] = take(&at, end, &sizes[n])) != NULL;)
			n++;
	}
	for (; f->heard && n > 0; n--) { // what was lost, the oldest first
		uint16_t which = (uint16_t)(seq - n);

		if ((int16_t)(which - f->expect) < 0)
			continue;
		t38_core_rx_ifp_packet(core, old[n - 1], sizes[n - 1], which);
		f->recovered++;
	}
	t38_core_rx_ifp_packet(core, primary, length, seq);
	if (!f->heard || (int16_t)(seq + 1 - f->expect) > 0)
		f->expect = (uint16_t)(seq + 1);
	f->heard = true;
}

// ---- life -----------------------------------------------------------------------------------------

static void on_end(t30_state_t *t30, void *user, int code)
{
	struct fax *f = user;
	t30_stats_t stats;

	t30_get_transfer_statistics(t30, &stats);
	f->pages = f->sends ? stats.pages_tx : stats.pages_rx;
	f->code = code;
	f->over = true;
}

// T.38's part of it. The T.30 of both is set up alike.
static t30_state_t *open_t38(struct fax *f)
{
	t38_core_state_t *core;

	f->t38 = t38_terminal_init(NULL, f->sends, on_packet, f);
	if (!f->t38)
		return NULL;
	core = t38_terminal_get_t38_core_state(f->t38);
	t38_set_t38_version(core, 0);
	t38_set_data_transport_protocol(core, T38_TRANSPORT_UDPTL);
	t38_set_data_rate_management_method(core, T38_DATA_RATE_MANAGEMENT_TRANSFERRED_TCF);
	return t38_terminal_get_t30_state(f->t38);
}

static t30_state_t *open_audio(struct fax *f)
{
	f->audio = fax_init(NULL, f->sends);
	if (!f->audio)
		return NULL;
	fax_set_transmit_on_idle(f->audio, 1);
	return fax_get_t30_state(f->audio);
}

struct fax *telefax_new(const char *spec, void (*transmit)(void *user, const uint8_t *packet, size_t size), void *user)
{
	bool audio = strncmp(spec, "audio-", 6) == 0;
	const char *how = audio ? spec + 6 : spec, *file = strchr(spec, ':');
	struct fax *f = file ? calloc(1, sizeof(*f)) : NULL;
	t30_state_t *t30;

	if (!f)
		return NULL;
	f->sends = strncmp(how, "send", 4) == 0;
	f->transmit = transmit;
	f->user = user;
	snprintf(f->file, sizeof(f->file), "%s", file + 1);
	t30 = audio ? open_audio(f) : open_t38(f);
	if (!t30 || (f->sends && !write_page(f->file))) {
		telefax_free(f);
		return NULL;
	}
	if (f->sends)
		t30_set_tx_file(t30, f->file, -1, -1);
	else
		t30_set_rx_file(t30, f->file, -1);
	t30_set_ecm_capability(t30, 1);
	t30_set_supported_compressions(t30, T30_SUPPORT_T4_1D_COMPRESSION |
		T30_SUPPORT_T4_2D_COMPRESSION | T30_SUPPORT_T6_COMPRESSION);
	t30_set_phase_e_handler(t30, on_end, f);
	return f;
}

bool telefax_is_audio(const struct fax *f)
{
	return f->audio != NULL;
}

void telefax_free(struct fax *f)
{
	if (f && f->t38)
		t38_terminal_free(f->t38);
	if (f && f->audio)
		fax_free(f->audio);
	free(f);
}

void telefax_run(struct fax *f)
{
	if (f->audio)
		send_audio(f);
	else if (!f->over)
		t38_terminal_send_timeout(f->t38, 160);
}

bool telefax_done(const struct fax *f)
{
	return f->over && f->code == T30_ERR_OK;
}

void telefax_report(const struct fax *f, FILE *out)
{
	int rows = f->over && !f->sends ? compare_page(f->file) : 0;

	fprintf(out,
		"\"fax\": {\"over\": %s, \"code\": %d, \"pages\": %d, \"rows\": %d, \"sent\": %llu, "
		"\"received\": %llu, \"recovered\": %llu}",
		f->over ? "true" : "false", f->code, f->pages, rows, (unsigned long long)f->sent,
		(unsigned long long)f->received, (unsigned long long)f->recovered);
}
