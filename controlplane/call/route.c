// SPDX-License-Identifier: BSD-3-Clause
//
// Which way a call goes by its number, and how each side writes numbers.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/call/call.h"
#include "controlplane/call/carry.h"
#include "controlplane/call/identity.h"
#include "controlplane/call/redirect.h"

// ---- reading ----------------------------------------------------------------------------------------

// The number in a URI, or the user part as it stands when it is none.
static struct sip_slice dialled(const struct sip_uri *uri, char out[CP_NUMBER])
{
	int n = sip_uri_number(uri, out, CP_NUMBER);

	if (n > 0)
		return sip_slice(out, (size_t)n);
	cp_carry_user_text(uri, out, CP_NUMBER);
	return sip_str(out);
}

static const struct cfg_numbers *numbers_of(const struct cp_peer *peer)
{
	return peer->cfg->trunk.numbers;
}

// A proxy has brought one of our own INVITEs back, for the same number.
static bool is_loop(struct cp_shard *shard, const struct sip_message *m, struct sip_slice number)
{
	const struct cp_label *label = cp_label_find(shard, sip_message_call_id(m));

	return label && label->leg == 1 && label->number == cp_label_number(shard, number);
}

static struct sip_slice caller_number(
	const struct sip_message *m, const struct cp_peer *caller, char out[CP_NUMBER])
{
	struct sip_address from;
	char text[CP_NUMBER];
	int n;

	if (sip_message_from(m, &from) || sip_slice_iis(from.uri.host, "anonymous.invalid"))
		return sip_str("");
	n = cp_number_receive(numbers_of(caller), CFG_OF_CALLER, dialled(&from.uri, text), out);
	return sip_slice(out, n > 0 ? (size_t)n : 0);
}

int cp_route_call(struct cp_shard *shard, const struct sip_message *m, const struct cp_peer *caller,
	const char *asserted, struct cp_choice *choice)
{
	const struct cfg *cfg = shard->policy->cfg;
	char text[CP_NUMBER], number[CP_NUMBER], from[CP_NUMBER];
	struct cp_route_query q = {.from = caller->index};
	struct sip_slice called;
	struct sip_uri uri;
	int n;

	choice->route = NULL;
	choice->emergency = false;
	if (sip_message_request_uri(m, &uri))
		return 416;
	called = uri.scheme == SIP_URI_OTHER ? uri.whole : dialled(&uri, text);
	q.emergency = cp_routes_emergency(cfg, called);
	if (uri.scheme == SIP_URI_OTHER && !q.emergency)
		return 416;
	if (cp_identity_redial(caller, m, &uri, text, sizeof(text)))
		called = sip_str(text);
	if (is_loop(shard, m, called))
		return 482;
	n = cp_number_receive(
		q.emergency ? NULL : numbers_of(caller), CFG_OF_CALLED, called, number);
	if (n < 0)
		return 484;
	q.number = sip_slice(number, (size_t)n);
	q.emergency = q.emergency || cp_routes_emergency(cfg, q.number);
	q.caller = asserted ? sip_str(asserted) : caller_number(m, caller, from);
	q.now = (int64_t)((shard->now_us + shard->realtime_offset_us) / 1000000);
	shard->ops->random(shard->ctx, &q.random, sizeof(q.random));
	cp_routes_choose(shard->policy->routes, &q, choice, NULL, NULL);
	return choice->status;
}

int cp_route_again(const struct cp_peer *peer, const struct sip_uri *uri, struct cp_choice *choice)
{
	char text[CP_NUMBER];
	int n = cp_number_receive(
		numbers_of(peer), CFG_OF_CALLED, dialled(uri, text), choice->number);

	if (n < 0)
		return n;
	choice->status = 0;
	choice->count = 1;
	choice->to[0] = (uint16_t)peer->index;
	choice->rate[0] = CP_NO_RATE;
	return 0;
}

bool cp_route_has_more(const struct cp_call *call)
{
	return call->choice && call->target + 1u < call->choice->count;
}

// ---- writing ----------------------------------------------------------------------------------------

// The user part with another number before its parameters.
static int set_user(struct sip_uri *uri, const char *number, char text[CP_USER])
{
	const char *params = uri->user.n ? memchr(uri->user.p, ';', uri->user.n) : NULL;
	char escaped[CP_USER];
	int n = sip_escape_user(sip_str(number), escaped, sizeof(escaped));

	if (n < 0)
		return n;
	n = snprintf(text, CP_USER, "%.*s%.*s", n, escaped,
		params ? (int)(uri->user.p + uri->user.n - params) : 0, params ? params : "");
	if (n < 0 || n >= (int)CP_USER)
		return -ENOBUFS;
	uri->user = sip_slice(text, (size_t)n);
	return 0;
}

int cp_carry_number(const struct cp_peer *from, const struct cp_peer *to, unsigned of,
	struct sip_uri *uri, char text[CP_USER])
{
	char read[CP_NUMBER], canonical[CP_NUMBER], sent[CP_NUMBER];
	struct sip_slice number;
	int n;

	if ((!numbers_of(from) && !numbers_of(to)) || !uri->user.n)
		return 0;
	number = dialled(uri, read);
	n = cp_number_receive(numbers_of(from), of, number, canonical);
	if (n >= 0)
		n = cp_number_send(numbers_of(to), of, sip_slice(canonical, (size_t)n), sent);
	if (n < 0 || sip_slice_is(number, sent))
		return n < 0 ? n : 0;
	return set_user(uri, sent, text);
}

int cp_route_called(const struct cp_call *call, struct sip_uri *uri, char text[CP_USER])
{
	char read[CP_NUMBER], sent[CP_NUMBER];
	int n = cp_number_send(
		numbers_of(call->leg[1].peer), CFG_OF_CALLED, sip_str(call->choice->number), sent);

	if (n < 0)
		return n;
	if (uri->scheme != SIP_URI_OTHER && sip_slice_is(dialled(uri, read), sent))
		return 0;
	if (uri->scheme == SIP_URI_OTHER && !sip_slice_is(uri->whole, sent)) {
		memset(uri, 0, sizeof(*uri));
		uri->scheme = SIP_URI_SIP;
	}
	return uri->scheme == SIP_URI_OTHER ? 0 : set_user(uri, sent, text);
}

// ---- prices -----------------------------------------------------------------------------------------

// After a restart the choice is not known any more, but the number is, as it was dialled.
static struct sip_slice priced(const struct cp_call *call, char out[CP_NUMBER])
{
	int n;

	if (call->choice)
		return sip_str(call->choice->number);
	n = cp_number_receive(numbers_of(call->leg[0].peer), CFG_OF_CALLED, sip_str(call->to), out);
	return sip_slice(out, n > 0 ? (size_t)n : 0);
}

void cp_route_price(struct cp_call *call)
{
	char text[CP_NUMBER];
	struct sip_slice number = priced(call, text);
	const struct cp_routes *routes = call->policy->routes;

	call->rate[0] =
		cp_rates_find(cp_routes_rates(routes, call->leg[0].peer->index, CFG_IN), number);
	call->rate[1] =
		call->leg[1].peer
			? cp_rates_find(cp_routes_rates(routes, call->leg[1].peer->index, CFG_OUT),
				  number)
			: NULL;
}

int64_t cp_call_cost(const struct cp_call *call, unsigned leg, uint64_t duration_ms)
{
	return call->rate[leg] ? cp_rate_cost(call->rate[leg], duration_ms) : -1;
}
