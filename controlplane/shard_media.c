// SPDX-License-Identifier: BSD-3-Clause
//
// A shard and hawse-media: it comes and goes, and says what happens to sessions.
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/dtmf.h"
#include "controlplane/call/media.h"
#include "controlplane/call/prompt.h"
#include "controlplane/call/recording.h"
#include "controlplane/log.h"

// What a journal says of sessions that this hawse-media has: events may come before they are claimed.
static void index_sessions(struct cp_shard *shard)
{
	for (struct cp_call *call = shard->calls; call; call = call->next)
		for (unsigned i = 0; i < CP_SESSIONS; i++)
			if (call->session[i] && call->session[i]->epoch == shard->epoch)
				cp_media_index(call->session[i]);
}

void cp_shard_attached(struct cp_shard *shard, const struct cp_shm_info *info)
{
	struct cp_session **table = shard->by_slot;

	if (info->boot_epoch != shard->epoch || info->sessions != shard->slots || !table) {
		table = calloc(info->sessions, sizeof(*table));
		free(shard->by_slot);
		shard->by_slot = table;
		// Without the table events find no call; media timeouts are then not seen.
		shard->slots = table ? info->sessions : 0;
		if (!table)
			cp_log(CP_LOG_ERROR, "media", 0, "no memory for the table of sessions");
	}
	shard->attached = true;
	shard->can = cp_codecs_can(info->codecs, info->udptl, info->fax);
	shard->epoch = info->boot_epoch;
	index_sessions(shard);
	shard->replaying = shard->calls;
	shard->replays = 0;
	cp_media_replay(shard);
}

void cp_shard_detached(struct cp_shard *shard)
{
	shard->attached = shard->ready = false;
	shard->replaying = NULL;
	shard->replays = 0;
	for (struct cp_call *call = shard->calls; call; call = call->next)
		for (unsigned i = 0; i < CP_SESSIONS; i++)
			if (call->session[i]) {
				call->session[i]->replay = true;
				call->session[i]->replaying = false;
			}
}

static void learned(struct cp_call *call, const struct abi_event_learned *e)
{
	struct sip_addr a = {.family = e->remote.family};
	char host[SIP_ADDR_TEXT];

	memcpy(a.ip, e->remote.ip, sizeof(a.ip));
	sip_addr_host(&a, true, host);
	cp_call_event(call, e->leg, "media come from %s:%u%s", host, e->remote.port,
		e->component ? " (RTCP)" : "");
}

bool cp_shard_event(struct cp_shard *shard, const struct abi_msg *event)
{
	const struct abi_event_timeout *timeout = (const struct abi_event_timeout *)event->payload;
	struct cp_session *s = event->slot < shard->slots ? shard->by_slot[event->slot] : NULL;

	if (!s || s->generation != event->generation)
		return false;
	if (s->call->state == ABI_CALL_ENDING || s->state == CP_SESSION_DELETING)
		return true;
	switch (event->type) {
	case ABI_LEARNED:
		learned(s->call, (const struct abi_event_learned *)event->payload);
		break;
	case ABI_MEDIA_TIMEOUT:
		cp_silence(s->call, timeout->leg & 1);
		break;
	case ABI_ICE_NOMINATED:
	case ABI_ICE_LOST:
	case ABI_SRTP_FAILURES:
	case ABI_DTLS_UNASKED:
		cp_secure_event(s, event);
		break;
	case ABI_DTMF:
		cp_dtmf_event(s, event);
		break;
	case ABI_FAX:
		cp_fax_event(s, event);
		break;
	case ABI_PLAY_DONE:
		cp_prompt_event(s, event);
		break;
	case ABI_RECORD_DONE:
		cp_recording_event(s, event);
		break;
	case ABI_SWEPT:
		cp_reason_set(s->call, "Q.850", 41, "media lost");
		cp_call_end(s->call, CP_BY_HAWSE, 503, sip_str("Media Lost"), NULL);
		break;
	}
	return true;
}

void cp_shard_set_fingerprint(struct cp_shard *shard, const char *fingerprint)
{
	snprintf(shard->fingerprint, sizeof(shard->fingerprint), "%s", fingerprint);
}
