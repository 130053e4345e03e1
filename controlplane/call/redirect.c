// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/redirect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/call/call.h"
#include "sip/q.h"

#define ATTEMPTS 5u

bool cp_redirect_contact(const struct sip_message *m, char uri[CP_URI])
{
	struct sip_walk walk = sip_walk(m, SIP_H_CONTACT);
	struct sip_slice element;
	struct sip_address a;
	unsigned best = 0;

	if (m->status < 300 || m->status > 302)
		return false;
	while (sip_walk_next(&walk, &element)) {
		struct sip_slice text;

		if (sip_address_parse(element, &a) || a.star || a.uri.scheme == SIP_URI_OTHER ||
			!a.uri.user.n || sip_param_q(a.params) + 1u <= best)
			continue;
		// Headers in it are what an INVITE of the caller would take over.
		text = a.uri_text;
		text.n -= a.uri.headers.n ? a.uri.headers.n + 1 : 0;
		if (text.n >= CP_URI)
			continue;
		snprintf(uri, CP_URI, "%.*s", SIP_PRI(text));
		best = sip_param_q(a.params) + 1u;
	}
	return best > 0;
}

// The caller's INVITE as it would be for that number.
static int rewrite(struct cp_call *call, const char *uri, uint8_t **out, uint32_t *size)
{
	struct sip_message *m = &call->shard->message;
	const char *reason = call->leg[1].ring_us ? "no-answer" : "unconditional", *rest;
	size_t most = call->saved_size + strlen(uri) + 128, behind;
	int n;

	if (sip_message_index(m, call->saved, call->saved_size))
		return -EBADMSG;
	rest = memchr(call->saved, '\n', call->saved_size);
	if (!rest)
		return -EBADMSG;
	rest++;
	behind = call->saved_size - (size_t)(rest - (const char *)call->saved);
	most += m->uri_text.n;
	*out = malloc(most);
	if (!*out)
		return -ENOMEM;
	n = snprintf((char *)*out, most, "INVITE %s SIP/2.0\r\nDiversion: <%.*s>;reason=%s\r\n",
		uri, SIP_PRI(m->uri_text), reason);
	if (n < 0 || (size_t)n + behind > most) {
		free(*out);
		return -ENOBUFS;
	}
	memcpy(*out + n, rest, behind);
	*size = (uint32_t)((size_t)n + behind);
	return 0;
}

// At the peer's own address it means the peer.
static bool is_home(struct cp_call *call, const struct cp_peer *peer, const struct sip_uri *uri)
{
	const struct cp_shard *shard = call->shard;
	struct sip_addr addr;

	if (peer->cfg->access || uri->scheme == SIP_URI_TEL ||
		sip_addr_parse(uri->host, uri->port ? uri->port : CFG_PORT_SIP, &addr))
		return false;
	return shard->ops->owns ? shard->ops->owns(shard->ctx, call->policy, peer, &addr)
				: cp_peers_owner(call->policy->peers, &addr) == peer;
}

static int route(struct cp_call *call, uint8_t *text, uint32_t size, struct cp_choice *choice)
{
	struct sip_message *m = &call->shard->message;
	const struct cp_peer *peer = call->leg[1].peer;
	struct sip_uri uri;

	*choice = *call->choice;
	if (sip_message_index(m, text, size) || sip_message_request_uri(m, &uri))
		return -EBADMSG;
	if (is_home(call, peer, &uri))
		return cp_route_again(peer, &uri, choice);
	if (cp_route_call(call->shard, m, peer, NULL, choice) ||
		!cp_health_order(call->shard, choice))
		return -EHOSTUNREACH;
	return 0;
}

static bool may_go_on(const struct cp_call *call)
{
	return call->leg[1].peer->cfg->transfer != CFG_TRANSFER_REFUSE && call->choice &&
	       !call->choice->emergency && call->saved && !call->join && call->forwards > 0 &&
	       call->attempt < ATTEMPTS && call->policy == call->shard->policy;
}

bool cp_redirect(struct cp_exchange *x, int status, struct sip_slice phrase, const char *uri)
{
	struct cp_call *call = x->call;
	struct cp_choice choice;
	uint8_t *text = NULL;
	uint32_t size;

	if (!may_go_on(call) || rewrite(call, uri, &text, &size))
		return false;
	if (route(call, text, size, &choice) || choice.emergency) {
		cp_call_event(call, 1, "redirected to %s, where it may not go", uri);
		free(text);
		return false;
	}
	cp_call_event(call, 1, "redirected to %s", uri);
	free(call->saved);
	call->saved = text;
	call->saved_size = size;
	call->forwards--;
	if (choice.route)
		snprintf(call->route_name, sizeof(call->route_name), "%.39s",
			choice.route->number[0] ? choice.route->number : "*");
	cp_target_instead(x, status, phrase, &choice);
	return true;
}
