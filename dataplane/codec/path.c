// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/path.h"

#include "dataplane/codec/path_private.h"

// A tone is known for one some 30 ms after its begin: so long what may be one is held back.
#define HOLD_MS 30u

// ---- opening

static bool is_type(unsigned type)
{
	return type < 128 || type == CODEC_NO_TYPE;
}

static int check_side(const struct codec_side *side, bool may_be_none)
{
	if (side->format.id == CODEC_NONE && may_be_none)
		return 0;
	if (side->type > 127 || !is_type(side->cn_type) || !is_type(side->event_type))
		return -EINVAL;
	if (side->type == side->cn_type || side->type == side->event_type)
		return -EINVAL;
	if (side->event_clock && (side->event_clock < 8000 || side->event_clock > 48000))
		return -EINVAL;
	return codec_format_check(&side->format);
}

static int check(const struct codec_path_config *c)
{
	int err = check_side(&c->from, true);

	if (!err)
		err = check_side(&c->to, false);
	if (!err && (c->dtmf_from > CODEC_DTMF_SIGNALLED || c->dtmf_to > CODEC_DTMF_SIGNALLED ||
			    c->min_delay_ms > 2000 || c->max_delay_ms > 2000))
		err = -EINVAL;
	return err;
}

// The rates at which nothing has to be resampled, if there are such; else each by its nature.
static void choose_rates(struct codec_path *p)
{
	const struct codec_format *from = &p->config.from.format, *to = &p->config.to.format;
	uint32_t both = from->sample_rate < to->sample_rate ? from->sample_rate : to->sample_rate;

	if (codec_find(from->id) && codec_find(to->id) && codec_does_rate(from, both) &&
		codec_does_rate(to, both)) {
		p->rate_in = p->rate = both;
		return;
	}
	p->rate = to->sample_rate;
	p->rate_in = from->id == CODEC_NONE ? p->rate : from->sample_rate;
}

// The same bits mean the same on both sides.
static bool can_pass(const struct codec_path_config *c)
{
	const struct codec_format *from = &c->from.format, *to = &c->to.format;
	const uint32_t layout = CODEC_OCTET_ALIGN;

	if (c->flags & CODEC_PATH_PLAYOUT || from->id != to->id ||
		from->sample_rate != to->sample_rate || from->channels != to->channels ||
		from->ptime != to->ptime || (from->flags ^ to->flags) & layout)
		return false;
	if (from->id == CODEC_G729 && from->flags & CODEC_DTX && !(to->flags & CODEC_DTX))
		return false;
	if (to->mode_set && (!from->mode_set || from->mode_set & ~to->mode_set))
		return false;
	return from->id != CODEC_OPUS || !to->bitrate ||
	       (from->bitrate && from->bitrate <= to->bitrate);
}

// Silence is left out by comfort noise packets: where the codec has no way of its own.
static bool can_pause(const struct codec_side *to)
{
	switch (to->format.id) {
	case CODEC_OPUS:
	case CODEC_G729:
	case CODEC_SPEEX:
	case CODEC_AMR:
	case CODEC_AMR_WB:
		return false;
	default:
		return to->cn_type != CODEC_NO_TYPE && to->format.flags & CODEC_DTX;
	}
}

static uint16_t slot_size(const struct codec_format *from)
{
	return from->id == CODEC_OPUS || from->id == CODEC_L16 ? CODEC_MAX_PAYLOAD : 960;
}

// All of it in one piece: the path, its frames, its slots.
static struct codec_path *allocate(const struct codec_path_config *config, struct codec_path *plan)
{
	size_t own = (sizeof(struct codec_path) + 15) & ~(size_t)15, pcm, slots;
	struct codec_path *p;

	plan->config = *config;
	choose_rates(plan);
	plan->frame = plan->rate * config->to.format.ptime / 1000;
	plan->capacity = 5 * plan->frame + plan->rate / 1000 * 2 * CODEC_MAX_MS;
	pcm = plan->capacity * sizeof(int16_t);
	slots = config->from.format.id == CODEC_NONE ? 0 : slot_size(&config->from.format);
	p = calloc(1, own + pcm + ORDER_SLOTS * slots);
	if (!p)
		return NULL;
	*p = *plan;
	p->fifo = (int16_t *)((char *)p + own);
	order_init(&p->order, (uint8_t *)p->fifo + pcm, (uint16_t)slots,
		p->config.min_delay_ms * 1000, p->config.max_delay_ms * 1000);
	return p;
}

static int open_parts(struct codec_path *p)
{
	const struct codec_path_config *c = &p->config;
	int err = codec_encoder_open(&p->encoder, &c->to.format, p->rate);

	if (err || c->from.format.id == CODEC_NONE)
		return err;
	err = codec_decoder_open(&p->decoder, &c->from.format, p->rate_in);
	if (!err && p->rate != p->rate_in)
		err = resampler_open(&p->resampler, p->rate_in, p->rate);
	if (!err && (c->dtmf_from == CODEC_DTMF_INBAND || c->flags & CODEC_PATH_DETECT))
		err = tone_detector_open(&p->detector, p->rate_in);
	if (!err && c->flags & CODEC_PATH_FAX)
		err = fax_ear_open(&p->ear, p->rate_in);
	return err;
}

int codec_path_open(struct codec_path **out, const struct codec_path_config *config)
{
	struct codec_path plan = {.marker = true, .heard = -1, .credit_us = CREDIT_FIRST};
	struct codec_path_config c = *config;
	struct codec_path *p;
	int err = check(&c);

	if (err)
		return err;
	c.min_delay_ms = c.min_delay_ms ? c.min_delay_ms : 5;
	c.max_delay_ms = c.max_delay_ms ? c.max_delay_ms : 200;
	if (c.max_delay_ms < c.min_delay_ms)
		return -EINVAL;
	p = allocate(&c, &plan);
	if (!p)
		return -ENOMEM;
	err = open_parts(p);
	if (err) {
		codec_path_close(p);
		return err;
	}
	p->seq = c.seq;
	p->pass = can_pass(&c);
	p->pauses = can_pause(&c.to);
	p->hold =
		p->detector && c.dtmf_from == CODEC_DTMF_INBAND &&
				(c.dtmf_to == CODEC_DTMF_EVENT || c.dtmf_to == CODEC_DTMF_SIGNALLED)
			? p->rate * HOLD_MS / 1000
			: 0;
	p->last_duration = c.from.format.rtp_clock * c.from.format.ptime / 1000;
	cn_noise_init(&p->noise);
	cn_vad_init(&p->vad, p->rate);
	event_rx_init(&p->rx, c.from.event_clock ? c.from.event_clock : c.from.format.rtp_clock);
	*out = p;
	return 0;
}

void codec_path_close(struct codec_path *p)
{
	if (!p)
		return;
	codec_decoder_close(p->decoder);
	codec_encoder_close(p->encoder);
	resampler_close(p->resampler);
	tone_detector_close(p->detector);
	fax_ear_close(p->ear);
	free(p);
}

// ---- changing

void codec_path_stream(const struct codec_path *p, uint16_t *seq, uint32_t *timestamp)
{
	uint64_t position = p->position + p->fill + p->break_by;

	if (p->pass_open)
		position += (uint64_t)p->last_duration * p->rate / p->config.from.format.rtp_clock;
	*seq = p->seq;
	*timestamp = path_timestamp(p, position);
}

// The sender may go on with its sequence numbers and timestamps although its codec is another.
static void continue_order(struct codec_path *p, const struct codec_path *before)
{
	const struct order *from = &before->order;
	struct order *to = &p->order;

	if (!from->begun || p->config.from.format.id == CODEC_NONE)
		return;
	to->begun = true;
	to->ssrc = from->ssrc;
	to->next = from->next;
	to->seen = from->seen;
	to->wait_us = from->wait_us;
	p->in_known = before->in_known;
	p->in_next = before->in_next;
	p->last_us = before->last_us;
	p->credit_us = before->credit_us;
	p->credit_at_us = before->credit_at_us;
	p->anew = before->config.from.format.rtp_clock != p->config.from.format.rtp_clock;
}

static void continue_digits(struct codec_path *p, const struct codec_path *before)
{
	memcpy(p->report, before->report, sizeof(p->report));
	p->reports = before->reports;
	if (before->rx.clock == p->rx.clock) {
		p->rx = before->rx;
		p->rx_us = before->rx_us;
		p->rx_id = before->rx_id;
	}
	if (before->rate != p->rate || before->config.to.event_type != p->config.to.event_type)
		return;
	p->digits = before->digits;
}

void codec_path_continue(struct codec_path *p, const struct codec_path *before, uint64_t now)
{
	codec_path_stream(before, &p->seq, &p->config.timestamp);
	p->stats = before->stats;
	p->order.lost = before->order.lost;
	p->out_us = before->out_us;
	p->source = before->source;
	p->playing = before->playing && before->rate == p->rate;
	p->play_us = now;
	continue_order(p, before);
	continue_digits(p, before);
}

void codec_path_pair(struct codec_path *p, struct codec_path *reverse)
{
	p->reverse = reverse;
}

// ---- pulling

bool codec_path_pull(struct codec_path *p, uint64_t now, struct codec_out *out)
{
	for (;;) {
		if (path_out_packet(p, now, out)) {
			p->out_us = now + path_us(p->frame, p->rate);
			return true;
		}
		if (path_digit_packet(p, now, out)) {
			p->out_us = now;
			return true;
		}
		if (path_in_pass(p, now, out)) {
			if (!out->length)
				continue;
			p->out_us = now + path_us(p->frame, p->rate);
			return true;
		}
		if (!path_in_advance(p, now) && !path_digit_advance(p, now) &&
			!path_out_advance(p, now))
			return false;
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t codec_path_wake(const struct codec_path *p)
{
	if (path_has_frame(p) || p->cn_length)
		return 0;
	return earlier(path_in_wake(p), earlier(path_digit_wake(p), path_out_wake(p)));
}

unsigned codec_path_rate(const struct codec_path *p)
{
	return p->rate;
}

const struct codec_path_stats *codec_path_counts(struct codec_path *p)
{
	p->stats.lost = p->order.lost;
	return &p->stats;
}

size_t codec_path_size(const struct codec_path *p)
{
	return sizeof(*p) + p->capacity * sizeof(*p->fifo) + ORDER_SLOTS * p->order.slot_size;
}
