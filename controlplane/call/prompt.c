// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/prompt.h"

#include <errno.h>
#include <stdio.h>

#include "controlplane/call/order.h"
#include "controlplane/log.h"

#define MUSIC 1u // ids of what we play

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

static void play_music(struct cp_session *s, unsigned leg)
{
	struct abi_play order = {.leg = (uint8_t)leg, .kind = ABI_PLAY_FILE, .id = MUSIC};

	snprintf(order.file, sizeof(order.file), "%s", music_of(s->call, leg));
	if (cp_order_give(s, ABI_PLAY, &order, sizeof(order), on_played) == 0)
		cp_call_event(s->call, (uint8_t)leg, "hears %s", order.file);
}

void cp_prompt_follow(struct cp_call *call)
{
	struct cp_session *s = cp_order_session(call);

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
}
