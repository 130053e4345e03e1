// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/fax.h"

#include <errno.h>
#include <stdlib.h>

#include "controlplane/call/call.h"

#define AGAIN_MS   200u  // something else is under way
#define GOODBYE_MS 2000u // after which a machine has hung up if it wants to

// Of a call that had a fax, or where one was heard.
struct cp_fax {
	struct cp_call *call;
	struct sip_timer timer;
	uint16_t pages;
	uint8_t way;   // enum cp_fax_way
	uint8_t audio; // leg without T.38
	bool wanted;   // the other one is to be offered it
	bool refused;  // it was, and did not want it
	bool ours;     // it has it, by our offer
	bool leaving;  // and is to be offered audio again
};

static void fire(struct sip_timer *timer, void *ctx);

static struct cp_fax *fax_of(struct cp_call *call)
{
	struct cp_fax *f = call->fax;

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->call = call;
	f->timer.fire = fire;
	call->fax = f;
	return f;
}

static void later(struct cp_fax *f, uint64_t ms)
{
	struct sip_layer *layer = f->call->shard->layer;

	sip_timer_start(sip_layer_wheel(layer), &f->timer, sip_layer_now(layer) + ms);
}

static void stop(struct cp_fax *f)
{
	sip_timer_stop(sip_layer_wheel(f->call->shard->layer), &f->timer);
}

// ---- listening ------------------------------------------------------------------------------------

unsigned cp_fax_listens(const struct cp_call *call)
{
	const struct cp_shard *shard = call->shard;

	if (!(shard->can & SDP_CAN_FAX) || (call->fax && call->fax->refused))
		return 0;
	// Who only listens takes no place away from those who have to be transcoded.
	if (shard->ops->transcoders_full && shard->ops->transcoders_full(shard->ctx))
		return 0;
	for (unsigned leg = 0; leg < 2; leg++) {
		const struct cp_peer *audio = call->leg[leg].peer, *t38 = call->leg[leg ^ 1].peer;

		if (audio && audio->codecs.fax_gateway && t38 && t38->codecs.t38)
			return leg + 1;
	}
	return 0;
}

void cp_fax_note(struct cp_call *call, const struct sdp_plan_stream *stream)
{
	struct cp_fax *f = call->fax;
	uint8_t way = stream->fax ? CP_FAX_PASSED : stream->gateway ? CP_FAX_GATEWAY : CP_FAX_NONE;

	if (!f && way)
		f = fax_of(call);
	if (!f)
		return;
	if (way) {
		f->way = way > f->way ? way : f->way;
		f->wanted = false;
		f->audio = stream->leg[0].fax.on ? 1 : 0;
		f->ours = f->ours || (call->offer && call->offer->kind == CP_X_FAX);
	} else {
		f->ours = f->leaving = false;
	}
	if (!f->wanted && !f->leaving)
		stop(f);
}

// ---- our offer ------------------------------------------------------------------------------------

static bool may_ask(struct cp_call *call, unsigned leg)
{
	struct sip_dialog *d = call->leg[leg].dialog;

	return call->state == ABI_CALL_UP && d && !call->offer && !call->borrower &&
	       call->invite.phase == CP_PHASE_NEW && !sip_dialog_awaits_ack(d) &&
	       !sip_dialog_invite_pending(d);
}

static void offer(struct cp_fax *f)
{
	struct cp_call *call = f->call;
	struct sdp_str said = sdp_oa_said(&call->oa, (enum sdp_leg)f->audio);
	struct cp_exchange *x = cp_exchange_new(call, CP_X_FAX, f->audio);
	char warning[160];
	int status;

	if (!x) {
		later(f, AGAIN_MS);
		return;
	}
	f->wanted = false;
	if (cp_bridge_offer(x, f->audio, sip_slice(said.ptr, said.len), &status, warning,
		    sizeof(warning)) == 0) {
		cp_change_forward(x);
	} else if (call->offer != x) {
		cp_fax_refused(x, 488);
		cp_exchange_release(x);
	}
}

static void go_on(struct cp_fax *f)
{
	struct cp_call *call = f->call;
	unsigned t38 = cp_other(f->audio);

	if (call->state == ABI_CALL_ENDING)
		return;
	if (!may_ask(call, t38))
		later(f, AGAIN_MS);
	else if (f->wanted)
		offer(f);
	else if (f->leaving && f->ours && !cp_change_tell(call, t38))
		later(f, AGAIN_MS);
}

static void fire(struct sip_timer *timer, void *ctx)
{
	struct cp_fax *f = (struct cp_fax *)((char *)timer - offsetof(struct cp_fax, timer));

	if (f->wanted || f->leaving)
		go_on(f);
}

bool cp_fax_offers(const struct cp_exchange *x)
{
	const struct cp_call *call = x->call;

	if (x->kind == CP_X_FAX)
		return true;
	// Who only refreshes its audio does not take the other side out of its fax.
	return !x->branch && sdp_oa_has_fax(&call->oa, (enum sdp_leg)cp_other(x->from)) &&
	       !(call->fax && call->fax->leaving);
}

void cp_fax_refused(struct cp_exchange *x, int status)
{
	struct cp_call *call = x->call;
	struct cp_fax *f = call->fax;
	unsigned to = cp_other(x->from);

	if (!f)
		return;
	f->ours = false;
	if (status == 491 && call->leg[to].dialog) {
		f->wanted = true;
		later(f, sip_dialog_glare_delay(call->leg[to].dialog));
		return;
	}
	f->refused = true;
	cp_call_event(call, (uint8_t)to, "T.38 refused: %d, the fax goes on as audio", status);
}

// ---- news -----------------------------------------------------------------------------------------

static void heard(struct cp_call *call, const struct abi_event_fax *e)
{
	unsigned audio = cp_fax_listens(call);
	struct cp_fax *f;

	cp_call_event(call, e->leg, "a fax machine that %s",
		e->news == ABI_FAX_CALLS ? "calls" : "answers");
	f = audio ? fax_of(call) : NULL;
	if (!f || f->wanted || sdp_oa_has_fax(&call->oa, SDP_LEG_A) ||
		sdp_oa_has_fax(&call->oa, SDP_LEG_B))
		return;
	f->audio = (uint8_t)(audio - 1);
	f->wanted = true;
	go_on(f);
}

static void over(struct cp_call *call, const struct abi_event_fax *e)
{
	struct cp_fax *f = call->fax;

	cp_call_event(call, e->leg, "the fax is over: %u pages at %u bit/s", e->pages, e->bit_rate);
	if (!f)
		return;
	f->pages = (uint16_t)(f->pages + e->pages);
	cp_call_touch(call, false);
	if (!f->ours)
		return;
	f->leaving = true;
	later(f, GOODBYE_MS);
}

void cp_fax_event(struct cp_session *s, const struct abi_msg *event)
{
	const struct abi_event_fax *e = (const struct abi_event_fax *)event->payload;

	if (e->news == ABI_FAX_OVER)
		over(s->call, e);
	else
		heard(s->call, e);
}

// ---- what is kept ---------------------------------------------------------------------------------

enum cp_fax_way cp_fax_had(const struct cp_call *call, uint16_t *pages)
{
	*pages = call->fax ? call->fax->pages : 0;
	return call->fax ? (enum cp_fax_way)call->fax->way : CP_FAX_NONE;
}

int cp_fax_restore(struct cp_call *call, uint8_t way, uint16_t pages)
{
	if (way > CP_FAX_GATEWAY)
		return -EINVAL;
	if (!way)
		return 0;
	if (!fax_of(call))
		return -ENOMEM;
	call->fax->way = way;
	call->fax->pages = pages;
	return 0;
}

void cp_fax_free(struct cp_call *call)
{
	if (call->fax)
		stop(call->fax);
	free(call->fax);
	call->fax = NULL;
}
