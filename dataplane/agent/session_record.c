// SPDX-License-Identifier: BSD-3-Clause
// RECORD and RECORD_STOP: a recording belongs to a session until it is stopped, has reached a limit, or the
// session ends; the recorder's thread writes it, and says what became of it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/agent/session_media.h"
#include "dataplane/worker/recorder.h"

static int mail_legs(struct sessions *s, uint32_t slot, const struct session_media *m)
{
	struct order *order = order_new(s, ORDER_MEDIA, DP_MAIL_MEDIA, slot);
	int err;

	if (!order)
		return -ENOMEM;
	order->mail.media.slot = slot;
	order->mail.media.generation = entry_of(s, slot)->generation;
	for (unsigned i = 0; i < 2; i++)
		order->mail.media.leg[i] =
			media_of_leg(&m->plan, m->way, m->transcoder, m->recorded, i);
	err = order_send(s, order);
	if (err)
		order_free(s, order);
	return err;
}

// How a leg is to be read: as its plan says, else as the command does.
static int read_codecs(const struct session_media *m, const struct abi_record *wish, unsigned leg,
	struct dp_record_order *order)
{
	struct abi_leg_plan l = m->plan.leg[leg];
	struct abi_codec_terms t = m->plan.terms[leg];
	int err = 0;

	if (l.codec) {
		order->codec[leg][0].type = t.type_in;
		err = media_format(&l, &t, &order->codec[leg][0].format);
		order->codecs[leg] = 1;
		if (media_also_codec(&l, &t)) {
			order->codec[leg][1] = order->codec[leg][0];
			order->codec[leg][1].type = media_also_codec(&l, &t);
			order->codecs[leg] = 2;
		}
		return err;
	}
	for (unsigned i = 0; i < ABI_RECORD_CODECS && !err && wish->codec[leg][i].codec; i++) {
		const struct abi_record_codec *c = &wish->codec[leg][i];
		struct dp_record_codec *to = &order->codec[leg][order->codecs[leg]];

		l = (struct abi_leg_plan){.codec = c->codec, .ptime_ms = 20};
		t = (struct abi_codec_terms){.khz = c->khz, .flags = c->flags};
		err = media_format(&l, &t, &to->format);
		to->type = c->type;
		order->codecs[leg]++;
	}
	return err;
}

static int start(
	struct sessions *s, uint32_t slot, const struct abi_record *wish, enum abi_field *field)
{
	struct session_media *m = s->slots.session[slot].media;
	struct dp_record_order *order;
	int err = 0;

	*field = ABI_FIELD_STATE;
	if (m->recorded)
		return -EBUSY;
	*field = ABI_FIELD_FILE;
	if (s->recordings == DP_RECORDINGS)
		return -ENOSPC;
	order = calloc(1, sizeof(*order));
	if (!order)
		return -ENOMEM;
	order->type = DP_RECORD_START;
	order->slot = slot;
	order->generation = entry_of(s, slot)->generation;
	order->wish = *wish;
	*field = ABI_FIELD_CODEC;
	for (unsigned i = 0; i < 2 && !err && wish->kind == ABI_RECORD_WAV; i++)
		if (wish->legs >> i & 1)
			err = read_codecs(m, wish, i, order);
	m->recorded = wish->legs;
	if (!err)
		err = mail_legs(s, slot, m);
	if (err) {
		m->recorded = 0;
		free(order);
		return err;
	}
	m->recording = wish->id;
	s->recordings++;
	dp_recorder_send(s->c.recorder, order);
	region_count(region_of(s), AGENT_RECORDINGS);
	abi_store32(&region_of(s)->a->recordings, s->recordings);
	return 0;
}

static void stop(struct sessions *s, uint32_t slot, enum abi_record_cause cause)
{
	struct dp_record_order *order = calloc(1, sizeof(*order));

	if (!order)
		return; // its session's end will be tried again by what sweeps
	order->type = DP_RECORD_STOP;
	order->slot = slot;
	order->generation = entry_of(s, slot)->generation;
	order->cause = (uint8_t)cause;
	dp_recorder_send(s->c.recorder, order);
}

void media_record_end(struct sessions *s, uint32_t slot)
{
	struct session_media *m = s->slots.session[slot].media;

	if (m && m->recorded)
		stop(s, slot, ABI_RECORD_SESSION);
}

void media_record(struct sessions *s, const struct abi_msg *command, uint64_t ticket)
{
	struct session *session = &s->slots.session[command->slot];
	enum abi_field field = ABI_FIELD_FILE;
	struct abi_record_stop end;
	struct abi_record wish;
	int err = 0;

	if (!session->known || session->deleting) {
		region_count(region_of(s), AGENT_NO_SESSION);
		reply_failure(s, ticket, -ENOENT, ABI_FIELD_STATE, 0);
		return;
	}
	slots_own(&s->slots, command->slot, s->generation);
	if (!s->c.recorder) {
		reply_failure(s, ticket, -EOPNOTSUPP, ABI_FIELD_FILE, 0);
		return;
	}
	if (!session->media) // a plain session
		session->media = calloc(1, sizeof(*session->media));
	if (!session->media) {
		reply_failure(s, ticket, -ENOMEM, ABI_FIELD_NONE, 0);
		return;
	}
	if (media_repeated(session->media, command->transaction)) {
		outbox_done(s->c.outbox, ticket);
		return;
	}
	memcpy(&wish, command->payload, sizeof(wish));
	memcpy(&end, command->payload, sizeof(end));
	if (command->type == ABI_RECORD)
		err = start(s, command->slot, &wish, &field);
	else if (session->media->recorded && (!end.id || end.id == session->media->recording))
		stop(s, command->slot, ABI_RECORDED);
	if (!err) {
		outbox_done(s->c.outbox, ticket);
		return;
	}
	media_forget_repeat(session->media);
	reply_failure(s, ticket, err, field, 0);
}

// The session may be gone, and its slot another's.
static void tell(struct sessions *s, const struct dp_record_order *order)
{
	struct abi_msg msg;

	abi_msg_init(&msg, ABI_RECORD_DONE, 0, order->slot, order->generation);
	memcpy(msg.payload, &order->done, sizeof(order->done));
	session_tell_message(s, &msg);
}

static void recorded(struct sessions *s, struct dp_record_order *order)
{
	struct session *session = &s->slots.session[order->slot];

	s->recordings--;
	abi_store32(&region_of(s)->a->recordings, s->recordings);
	if (order->done.error)
		region_count(region_of(s), AGENT_RECORDINGS_FAILED);
	tell(s, order);
	if (entry_of(s, order->slot)->generation != order->generation || !session->media ||
		session->deleting)
		return;
	session->media->recorded = 0;
	session->media->recording = 0;
	mail_legs(s, order->slot, session->media); // if that fails, what is copied is thrown away
}

unsigned media_record_collect(struct sessions *s)
{
	struct dp_record_order *order;
	unsigned found = 0;

	while (s->c.recorder && (order = dp_recorder_reply(s->c.recorder))) {
		if (order->type == DP_RECORD_START)
			recorded(s, order);
		free(order);
		found++;
	}
	return found;
}
