// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/order.h"

#include <errno.h>
#include <stdlib.h>

#include "controlplane/call/media.h"

bool cp_order_is(uint16_t type)
{
	return type >= ABI_DTMF_SEND && type <= ABI_RECORD_STOP;
}

int cp_order_give(struct cp_session *s, uint16_t type, const void *payload, size_t size,
	void (*done)(struct cp_session *s, const struct abi_msg *command, int error))
{
	struct cp_order *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	abi_msg_init(&o->command, type, 0, ABI_NO_SLOT, 0);
	memcpy(o->command.payload, payload, size);
	o->done = done;
	if (s->last_order)
		s->last_order->next = o;
	else
		s->orders = o;
	s->last_order = o;
	cp_media_more(s);
	return 0;
}

bool cp_order_next(struct cp_session *s, struct abi_msg *command)
{
	struct cp_order *o = s->orders;

	if (!o)
		return false;
	// Sent again under its old number it changes nothing.
	o->command.slot = s->slot;
	o->command.generation = s->generation;
	*command = o->command;
	o->sent = true;
	return true;
}

void cp_order_answered(struct cp_session *s, int error)
{
	struct cp_order *o = s->orders;

	if (!o || !o->sent)
		return;
	s->orders = o->next;
	if (!s->orders)
		s->last_order = NULL;
	if (o->done)
		o->done(s, &o->command, error);
	free(o);
}

void cp_orders_free(struct cp_session *s)
{
	while (s->orders) {
		struct cp_order *o = s->orders;

		s->orders = o->next;
		free(o);
	}
	s->last_order = NULL;
}

struct cp_session *cp_order_session(const struct cp_call *call)
{
	for (unsigned i = 0; i < CP_SESSIONS; i++) {
		struct cp_session *s = call->session[i];

		if (s && s->planned && s->state != CP_SESSION_DELETING && s->stream == 0)
			return s;
	}
	for (unsigned i = 0; i < CP_SESSIONS; i++)
		if (call->session[i] && call->session[i]->planned &&
			call->session[i]->state != CP_SESSION_DELETING)
			return call->session[i];
	return NULL;
}
