// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/prompt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/media.h"
#include "controlplane/call/order.h"
#include "controlplane/log.h"

// Ids of what we play.
#define MUSIC    1u
#define RINGBACK 2u
#define FAREWELL 3u

#define FAREWELL_MS 30000u // at most

// A refusal that waits until its announcement is over.
struct cp_farewell {
	struct sip_timer timer;
	struct cp_call *call;
	int by, status;
	char phrase[64];
	char *lines;
};

static const char *music_of(const struct cp_call *call, unsigned leg)
{
	const struct cp_peer *holder = call->leg[cp_other(leg)].peer;

	return holder ? holder->cfg->codecs.hold_music : NULL;
}

// ---- music on hold --------------------------------------------------------------------------------

void cp_prompt_choose(struct cp_call *call, bool final)
{
	call->music = 0;
	for (unsigned leg = 0; final && leg < 2; leg++)
		if (call->hears[leg] && !call->hears[cp_other(leg)] && music_of(call, leg))
			call->music |= (uint8_t)(1u << leg);
}

static void on_played(struct cp_session *s, const struct abi_msg *command, int error)
{
	const struct abi_play *order = (const struct abi_play *)command->payload;

	if (!error)
		return;
	cp_log(CP_LOG_WARNING, "prompt", s->call->id, "%.127s cannot be played: %s",
		order->kind == ABI_PLAY_FILE ? order->file : "a tone", strerror(-error));
	cp_call_event(s->call, order->leg, "prompt cannot be played: %s", strerror(-error));
}

// What cannot be announced is said at once.
static void on_farewell(struct cp_session *s, const struct abi_msg *command, int error)
{
	struct cp_farewell *f = s->call->farewell;
	struct sip_layer *layer = s->call->shard->layer;

	on_played(s, command, error);
	if (error && f) // not from inside an answer of hawse-media to this session
		sip_timer_start(sip_layer_wheel(layer), &f->timer, sip_layer_now(layer) + 1);
}

static void play_music(struct cp_session *s, unsigned leg)
{
	struct abi_play order = {.leg = (uint8_t)leg, .kind = ABI_PLAY_FILE, .id = MUSIC};

	snprintf(order.file, sizeof(order.file), "%s", music_of(s->call, leg));
	if (cp_order_give(s, ABI_PLAY, &order, sizeof(order), on_played) == 0)
		cp_call_event(s->call, (uint8_t)leg, "hears %s", order.file);
}

// The other side speaks now, or a plan without codecs has ended it.
static void end_ringback(struct cp_call *call, struct cp_session *s)
{
	const struct abi_play_stop stop = {.id = RINGBACK};

	if (call->ringback && s && s->looked_into)
		cp_order_give(s, ABI_PLAY_STOP, &stop, sizeof(stop), NULL);
	call->ringback = false;
}

void cp_prompt_follow(struct cp_call *call)
{
	struct cp_session *s = cp_order_session(call);

	end_ringback(call, s);
	for (unsigned leg = 0; s && leg < 2; leg++) {
		const struct abi_play_stop stop = {.leg = (uint8_t)leg, .id = MUSIC};
		bool was = call->playing >> leg & 1, is = call->music >> leg & 1;

		if (is && !was && s->looked_into)
			play_music(s, leg);
		else if (was && !is && s->looked_into)
			cp_order_give(s, ABI_PLAY_STOP, &stop, sizeof(stop), NULL);
	}
	call->playing = s && s->looked_into ? call->music : 0;
}

// ---- before anybody has answered ------------------------------------------------------------------

// Media of our own to the caller. The body that says so; empty: it cannot be.
static struct sip_slice speak_first(struct cp_call *call)
{
	struct sdp_str text = {0};
	int err;

	if (!call->shard->can || call->offer != &call->invite || call->invite.delayed ||
		call->leg[0].reliable == CP_RELIABLE_REQUIRED || call->join)
		return sip_slice(NULL, 0);
	cp_bridge_policy(call, &call->oa);
	err = sdp_oa_answer_early(&call->oa, cp_scratch(call->shard), &text);
	if (!err)
		err = cp_media_early(call);
	if (err) {
		cp_call_event(call, 0, "nothing can be played: %s", strerror(-err));
		return sip_slice(NULL, 0);
	}
	call->showing = true;
	return sip_slice(text.ptr, text.len);
}

static int play_tone(struct cp_session *s)
{
	// ETSI TR 101 041-2: a second of 425 Hz, four of silence.
	const struct abi_play order = {.kind = ABI_PLAY_TONE, .tones = 1, .id = RINGBACK,
		.tone = {{.hz = {425, 0}, .on_ms = 1000, .off_ms = 4000}}};

	return cp_order_give(s, ABI_PLAY, &order, sizeof(order), on_played);
}

static int play_file(struct cp_session *s, const char *file, uint32_t id, uint32_t loops)
{
	struct abi_play order = {.kind = ABI_PLAY_FILE, .id = id, .loops = loops};

	if (loops)
		order.max_ms = FAREWELL_MS;
	snprintf(order.file, sizeof(order.file), "%s", file);
	return cp_order_give(s, ABI_PLAY, &order, sizeof(order),
		id == FAREWELL ? on_farewell : on_played);
}

struct sip_slice cp_prompt_ringback(struct cp_call *call)
{
	const struct cfg_codecs *c = &call->leg[1].peer->cfg->codecs;
	struct sip_slice body;
	struct cp_session *s;

	if (c->ringback == CFG_RINGBACK_PASS || call->showing || call->speaking)
		return sip_slice(NULL, 0);
	body = speak_first(call);
	s = body.n ? cp_order_session(call) : NULL;
	if (!s)
		return sip_slice(NULL, 0);
	if (c->ringback == CFG_RINGBACK_TONE)
		play_tone(s);
	else
		play_file(s, c->ringback_file, RINGBACK, 0);
	call->ringback = true;
	cp_call_event(call, 0, "hears ringback of ours");
	return body;
}

static void say_farewell(struct cp_call *call)
{
	struct cp_farewell *f = call->farewell;
	char phrase[64], *lines = f->lines;
	int by = f->by, status = f->status;

	memcpy(phrase, f->phrase, sizeof(phrase));
	f->lines = NULL;
	cp_prompt_free(call);
	cp_call_end(call, (enum cp_ended_by)by, status, sip_str(phrase), lines);
	free(lines);
}

static void farewell_timeout(struct sip_timer *timer, void *ctx)
{
	say_farewell(((struct cp_farewell *)((char *)timer - offsetof(struct cp_farewell, timer)))->call);
}

static const char *announcement(const struct cp_call *call, int status)
{
	const struct cfg_codecs *c = &call->leg[0].peer->cfg->codecs;

	for (unsigned i = 0; i < c->announces; i++)
		if (c->announce[i].status == status)
			return c->announce[i].file;
	return NULL;
}

// Its body goes out by 183, unless ringback has said it already.
static bool begin_farewell(struct cp_call *call, const char *file)
{
	struct sip_response r = {.status = 183};
	struct cp_session *s;

	if (!call->ringback) {
		r.body = call->showing ? sip_slice(NULL, 0) : speak_first(call);
		if (!r.body.n)
			return false;
	}
	s = cp_order_session(call);
	if (!s || play_file(s, file, FAREWELL, 1))
		return false;
	if (!r.body.n)
		return true;
	r.lines = cp_lines(call, 0, CP_LINE_CONTACT | CP_LINE_SDP, NULL, 0);
	return sip_dialog_respond(call->leg[0].dialog, call->invite.server, &r) == 0;
}

bool cp_prompt_farewell(struct cp_call *call, int by, int status, struct sip_slice phrase,
	const char *lines)
{
	const char *file = call->leg[0].peer ? announcement(call, status) : NULL;
	struct sip_layer *layer = call->shard->layer;
	struct cp_farewell *f;

	if (!file || call->farewell || !call->invite.server || call->state >= ABI_CALL_UP)
		return false;
	f = calloc(1, sizeof(*f));
	if (!f)
		return false;
	*f = (struct cp_farewell){.call = call, .by = by, .status = status};
	snprintf(f->phrase, sizeof(f->phrase), "%.*s", (int)(phrase.n < 63 ? phrase.n : 63), phrase.p);
	f->lines = lines ? strdup(lines) : NULL;
	f->timer.fire = farewell_timeout;
	call->farewell = f;
	if (!begin_farewell(call, file)) {
		cp_prompt_free(call);
		return false;
	}
	cp_call_event(call, 0, "hears %s before %d", file, status);
	sip_timer_start(sip_layer_wheel(layer), &f->timer, sip_layer_now(layer) + FAREWELL_MS + 2000);
	return true;
}

void cp_prompt_free(struct cp_call *call)
{
	struct cp_farewell *f = call->farewell;

	if (!f)
		return;
	sip_timer_stop(sip_layer_wheel(call->shard->layer), &f->timer);
	free(f->lines);
	free(f);
	call->farewell = NULL;
}

void cp_prompt_again(struct cp_session *s)
{
	if (s != cp_order_session(s->call))
		return;
	s->call->playing = 0;
	cp_prompt_follow(s->call);
}

void cp_prompt_event(struct cp_session *s, const struct abi_msg *event)
{
	const struct abi_event_play *e = (const struct abi_event_play *)event->payload;

	if (e->id == MUSIC && e->cause == ABI_PLAYED)
		cp_call_event(s->call, e->leg, "music ended");
	else if (e->id == FAREWELL && s->call->farewell)
		say_farewell(s->call);
}
