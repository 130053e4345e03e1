// SPDX-License-Identifier: BSD-3-Clause
// Prompts, tones and digits for a leg's party, and what transcoders say.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/agent/prompts.h"
#include "dataplane/agent/session_media.h"

bool media_repeated(struct session_media *media, uint64_t transaction)
{
	for (unsigned i = 0; i < ABI_REPEATS; i++)
		if (media->repeated[i] == transaction)
			return true;
	media->repeated[media->repeat_next++ % ABI_REPEATS] = transaction;
	return false;
}

void media_forget_repeat(struct session_media *media)
{
	media->repeated[--media->repeat_next % ABI_REPEATS] = 0; // to be tried again
}

// ---- a relayed session goes to a transcoder

static int divert(struct sessions *s, uint32_t slot, const struct session_media *m,
	const struct media_change *change)
{
	struct order *order = order_new(s, ORDER_MEDIA, DP_MAIL_MEDIA, slot);
	int err;

	if (!order)
		return -ENOMEM;
	order->mail.media.slot = slot;
	order->mail.media.generation = entry_of(s, slot)->generation;
	for (unsigned i = 0; i < 2; i++)
		order->mail.media.leg[i] =
			media_of_leg(&m->plan, MEDIA_THREAD, change->transcoder, m->recorded, i);
	err = order_send(s, order);
	if (err)
		order_free(s, order);
	return err;
}

static int to_thread(struct sessions *s, uint32_t slot, struct session_media *m)
{
	struct abi_session_plan plan = m->plan;
	struct media_change change = {.media = m, .way = MEDIA_THREAD};
	int err;

	if (m->way == MEDIA_THREAD)
		return 0;
	err = media_thread(s, slot, &plan, &change);
	if (!err)
		err = divert(s, slot, m, &change);
	if (err)
		media_forget(&change);
	else
		media_adopt(s, slot, &plan, &change);
	return err;
}

static struct dp_tc_order *new_order(struct sessions *s, uint32_t slot, enum dp_tc_type type)
{
	struct dp_tc_order *order = calloc(1, sizeof(*order));

	if (!order)
		return NULL;
	order->type = type;
	order->slot = slot;
	order->generation = entry_of(s, slot)->generation;
	return order;
}

// ---- commands

static int sound_of(struct sessions *s, const struct session_media *m, const struct abi_play *play,
	struct dp_tc_play *out)
{
	struct dp_tc_sound *sound = &out->sound;

	out->id = play->id;
	out->leg = play->leg;
	sound->rate = m->rate[play->leg];
	sound->loops = play->loops;
	sound->limit = (uint64_t)play->max_ms * sound->rate / 1000;
	sound->mix = play->flags & ABI_PLAY_MIX;
	if (play->kind == ABI_PLAY_TONE) {
		sound->tones = play->tones;
		sound->volume = play->volume;
		memcpy(sound->tone, play->tone, sizeof(sound->tone));
		return 0;
	}
	if (!s->c.prompts)
		return -EOPNOTSUPP;
	out->owner = prompts_get(s->c.prompts, play->file);
	if (!out->owner)
		return -ENOENT;
	if (clip_player_open(&sound->player, prompts_clip(out->owner), sound->rate, play->loops) ==
		0)
		return 0;
	prompts_put(s->c.prompts, out->owner);
	return -ENOMEM;
}

static int play(
	struct sessions *s, uint32_t slot, const struct abi_play *play, enum abi_field *field)
{
	struct session_media *m = s->slots.session[slot].media;
	struct dp_tc_order *order;
	int err;

	*field = ABI_FIELD_CODEC;
	err = to_thread(s, slot, m);
	if (err)
		return err;
	order = new_order(s, slot, DP_TC_PLAY);
	if (!order)
		return -ENOMEM;
	*field = ABI_FIELD_FILE;
	err = sound_of(s, m, play, &order->play);
	if (err) {
		free(order);
		return err;
	}
	m->playing[play->leg]++;
	transcoders_send(s->c.transcoders, m->transcoder, order);
	region_count(region_of(s), AGENT_PLAYS);
	return 0;
}

static int stop(struct sessions *s, uint32_t slot, const struct abi_play_stop *stop)
{
	struct session_media *m = s->slots.session[slot].media;
	struct dp_tc_order *order;

	if (m->way != MEDIA_THREAD)
		return 0;
	order = new_order(s, slot, DP_TC_PLAY_STOP);
	if (!order)
		return -ENOMEM;
	order->stop = *stop;
	transcoders_send(s->c.transcoders, m->transcoder, order);
	return 0;
}

// The reply leaves when the transcoder has them.
static int digits(struct sessions *s, uint32_t slot, const struct abi_dtmf_send *digits,
	uint64_t ticket, enum abi_field *field)
{
	struct session_media *m = s->slots.session[slot].media;
	struct dp_tc_order *order;
	int err;

	*field = ABI_FIELD_CODEC;
	err = to_thread(s, slot, m);
	if (err)
		return err;
	order = new_order(s, slot, DP_TC_DIGITS);
	if (!order)
		return -ENOMEM;
	order->digits = *digits;
	order->ticket = ticket;
	transcoders_send(s->c.transcoders, m->transcoder, order);
	return 0;
}

static unsigned leg_of(const struct abi_msg *command)
{
	return command->payload[0]; // of all three
}

void media_command(struct sessions *s, const struct abi_msg *command, uint64_t ticket)
{
	struct session *session = &s->slots.session[command->slot];
	struct session_media *m = session->media;
	enum abi_field field = ABI_FIELD_NONE;
	union {
		struct abi_play play;
		struct abi_play_stop stop;
		struct abi_dtmf_send digits;
	} p;
	int err;

	if (!session->known || session->deleting) {
		region_count(region_of(s), AGENT_NO_SESSION);
		reply_failure(s, ticket, -ENOENT, ABI_FIELD_STATE, 0);
		return;
	}
	slots_own(&s->slots, command->slot, s->generation);
	if (!m || !m->plan.leg[leg_of(command)].codec || media_is_fax(&m->plan)) {
		if (command->type == ABI_PLAY_STOP)
			outbox_done(s->c.outbox, ticket);
		else
			reply_failure(s, ticket, -EINVAL, ABI_FIELD_STATE, leg_of(command));
		return;
	}
	if (media_repeated(m, command->transaction)) {
		outbox_done(s->c.outbox, ticket);
		return;
	}
	memcpy(&p, command->payload, sizeof(p));
	if (command->type == ABI_PLAY)
		err = play(s, command->slot, &p.play, &field);
	else if (command->type == ABI_PLAY_STOP)
		err = stop(s, command->slot, &p.stop);
	else
		err = digits(s, command->slot, &p.digits, ticket, &field);
	if (err) {
		media_forget_repeat(m);
		reply_failure(s, ticket, err, field, leg_of(command));
	} else if (command->type != ABI_DTMF_SEND) {
		outbox_done(s->c.outbox, ticket);
	}
}

// ---- what transcoders say

// The session of an order or event, when it still is.
static struct session_media *media_of(const struct sessions *s, uint32_t slot, uint32_t generation)
{
	const struct session *session = slot < s->slots.count ? &s->slots.session[slot] : NULL;

	if (!session || entry_of(s, slot)->generation != generation || session->deleting)
		return NULL;
	return session->media;
}

static void play_done(struct sessions *s, const struct dp_tc_order *order)
{
	struct session_media *m = media_of(s, order->slot, order->generation);
	const struct dp_tc_sound *sound = &order->play.sound;
	struct abi_event_play event = {
		.id = order->play.id,
		.played_ms = sound->rate ? (uint32_t)(sound->played * 1000 / sound->rate) : 0,
		.leg = order->play.leg,
		.cause = order->play.cause,
	};

	if (!m)
		return;
	m->playing[order->play.leg]--;
	session_tell(s, ABI_PLAY_DONE, order->slot, &event, sizeof(event));
}

static void digits_done(struct sessions *s, const struct dp_tc_order *order)
{
	int err = order->result;

	if (!err)
		outbox_done(s->c.outbox, order->ticket);
	else
		reply_failure(s, order->ticket, err,
			err == -EINVAL ? ABI_FIELD_DTMF : ABI_FIELD_STATE, order->digits.leg);
}

static void tell(struct sessions *s, const struct dp_tc_event *event)
{
	if (!media_of(s, event->slot, event->generation))
		return;
	if (event->type == ABI_FAX) {
		session_tell(s, ABI_FAX, event->slot, &event->fax, sizeof(event->fax));
		return;
	}
	region_count(region_of(s), AGENT_DIGITS);
	session_tell(s, ABI_DTMF, event->slot, &event->digit, sizeof(event->digit));
}

unsigned media_collect(struct sessions *s)
{
	struct dp_tc_event event;
	struct dp_tc_order *order;
	unsigned found = 0;

	if (!transcoders_count(s->c.transcoders))
		return 0;
	for (; found < DP_TC_EVENTS && transcoders_event(s->c.transcoders, &event); found++)
		tell(s, &event);
	for (unsigned n = 0; n < DP_TC_ORDERS && (order = transcoders_reply(s->c.transcoders));
		n++, found++) {
		if (order->type == DP_TC_PLAY)
			play_done(s, order);
		else if (order->type == DP_TC_DIGITS)
			digits_done(s, order);
		transcoders_dispose(order);
	}
	return found;
}
