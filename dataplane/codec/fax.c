// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/fax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp.h>

#include "dataplane/codec/udptl.h"

#define WAITING 32u // datagrams for who takes them every 20 ms; an indicator is sent three times
#define CHUNK   320u

struct fax {
	t38_gateway_state_t *gateway;
	struct fax_config config;
	struct udptl_rx rx;
	struct udptl_tx tx;
	uint64_t datagrams_in, datagrams_out;
	uint32_t dropped;
	bool over;
	uint8_t first, count; // of `waiting`
	uint16_t length[WAITING];
	uint8_t waiting[WAITING][UDPTL_MAX];
};

static void wait_for(struct fax *fax, const uint8_t *datagram, size_t length)
{
	unsigned at = (fax->first + fax->count) % WAITING;

	if (fax->count == WAITING) {
		fax->dropped++;
		return;
	}
	memcpy(fax->waiting[at], datagram, length);
	fax->length[at] = (uint16_t)length;
	fax->count++;
}

// spandsp has an IFP packet to send, `count` times.
static int send_ifp(t38_core_state_t *core, void *user, const uint8_t *ifp, int length, int count)
{
	struct fax *fax = user;
	uint8_t datagram[UDPTL_MAX];
	int bytes = udptl_write(&fax->tx, ifp, (size_t)length, fax->config.redundancy, datagram,
		fax->config.max_datagram);

	if (bytes < 0) {
		fax->dropped++;
		return -1;
	}
	for (int i = 0; i < count; i++)
		wait_for(fax, datagram, (size_t)bytes);
	return 0;
}

// A frame of T.30 that was read, from either side: address, control, and what it is (ITU-T T.30 5.3).
static void on_frame(
	t38_gateway_state_t *gateway, void *user, int direction, const uint8_t *frame, int length)
{
	struct fax *fax = user;

	if (length >= 3 && frame[0] == 0xff && (frame[2] & 0xfe) == T30_DCN)
		fax->over = true;
}

static void set_up(struct fax *fax)
{
	const struct fax_config *c = &fax->config;
	t38_core_state_t *core = t38_gateway_get_t38_core_state(fax->gateway);
	int modems = T30_SUPPORT_V27TER | T30_SUPPORT_V29;

	if (c->max_rate > 9600)
		modems |= T30_SUPPORT_V17;
	t38_gateway_set_supported_modems(fax->gateway, modems);
	t38_gateway_set_ecm_capability(fax->gateway, !c->no_ecm);
	t38_gateway_set_transmit_on_idle(fax->gateway, 1);
	t38_gateway_set_real_time_frame_handler(fax->gateway, on_frame, fax);
	t38_gateway_set_fill_bit_removal(fax->gateway, c->fill_bit_removal);
	t38_set_t38_version(core, c->version);
	t38_set_data_transport_protocol(core, T38_TRANSPORT_UDPTL);
	t38_set_data_rate_management_method(core, c->transferred_tcf
							  ? T38_DATA_RATE_MANAGEMENT_TRANSFERRED_TCF
							  : T38_DATA_RATE_MANAGEMENT_LOCAL_TCF);
	t38_set_fill_bit_removal(core, c->fill_bit_removal);
	t38_set_mmr_transcoding(core, c->mmr);
	t38_set_jbig_transcoding(core, c->jbig);
	t38_set_max_datagram_size(core, c->max_datagram);
	t38_set_fastest_image_data_rate(core, (int)c->max_rate);
	span_log_set_level(t38_gateway_get_logging_state(fax->gateway), SPAN_LOG_NONE);
	span_log_set_level(t38_core_get_logging_state(core), SPAN_LOG_NONE);
}

int fax_open(struct fax **out, const struct fax_config *config)
{
	struct fax *fax;

	if (config->version > 3 || config->redundancy > UDPTL_SECONDARY ||
		(config->max_datagram && config->max_datagram < 64))
		return -EINVAL;
	fax = calloc(1, sizeof(*fax));
	if (!fax)
		return -ENOMEM;
	fax->config = *config;
	if (!fax->config.max_datagram)
		fax->config.max_datagram = 400;
	if (fax->config.max_datagram > UDPTL_MAX)
		fax->config.max_datagram = UDPTL_MAX;
	if (!fax->config.max_rate)
		fax->config.max_rate = 14400;
	fax->gateway = t38_gateway_init(NULL, send_ifp, fax);
	if (!fax->gateway) {
		free(fax);
		return -ENOMEM;
	}
	set_up(fax);
	*out = fax;
	return 0;
}

void fax_close(struct fax *fax)
{
	if (!fax)
		return;
	t38_gateway_free(fax->gateway);
	free(fax);
}

// ---- T.38

static void deliver(void *context, uint16_t seq, const uint8_t *ifp, size_t length)
{
	struct fax *fax = context;

	if (t38_core_rx_ifp_packet(
		    t38_gateway_get_t38_core_state(fax->gateway), ifp, (int)length, seq) < 0)
		fax->rx.corrupt++;
}

int fax_from_t38(struct fax *fax, const uint8_t *datagram, size_t length)
{
	fax->datagrams_in++;
	return udptl_receive(&fax->rx, datagram, length, deliver, fax);
}

size_t fax_to_t38(struct fax *fax, uint8_t *datagram, size_t capacity)
{
	size_t length;

	if (!fax->count || fax->length[fax->first] > capacity)
		return 0;
	length = fax->length[fax->first];
	memcpy(datagram, fax->waiting[fax->first], length);
	fax->first = (uint8_t)((fax->first + 1) % WAITING);
	fax->count--;
	fax->datagrams_out++;
	return length;
}

// ---- audio

void fax_from_audio(struct fax *fax, const int16_t *pcm, unsigned samples)
{
	int16_t own[CHUNK]; // spandsp may write to it

	while (samples) {
		unsigned now = samples < CHUNK ? samples : CHUNK;

		if (pcm) {
			memcpy(own, pcm, now * sizeof(*pcm));
			t38_gateway_rx(fax->gateway, own, (int)now);
			pcm += now;
		} else {
			t38_gateway_rx_fillin(fax->gateway, (int)now);
		}
		samples -= now;
	}
}

unsigned fax_to_audio(void *context, int16_t *pcm, unsigned samples)
{
	struct fax *fax = context;
	int made = t38_gateway_tx(fax->gateway, pcm, (int)samples);

	if (made < 0)
		made = 0;
	memset(pcm + made, 0, (samples - (unsigned)made) * sizeof(*pcm));
	return samples;
}

void fax_counts(const struct fax *fax, struct fax_stats *stats)
{
	t38_stats_t t;

	t38_gateway_get_transfer_statistics(fax->gateway, &t);
	*stats = (struct fax_stats){
		.datagrams_in = fax->datagrams_in,
		.datagrams_out = fax->datagrams_out,
		.lost = fax->rx.lost,
		.recovered = fax->rx.recovered,
		.duplicate = fax->rx.duplicate,
		.corrupt = fax->rx.corrupt,
		.dropped = fax->dropped,
		.pages = (uint32_t)(t.pages_transferred > 0 ? t.pages_transferred : 0),
		.bit_rate = (uint32_t)(t.bit_rate > 0 ? t.bit_rate : 0),
		.over = fax->over,
	};
}
