// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/registrar/registrar.h"

bool cp_identity_login(struct cp_shard *shard, struct sip_transaction *tx,
	const struct sip_message *m, const struct cp_peer **caller, const struct cfg_user **user)
{
	const struct cp_peer *peer = NULL;

	// Who is known by his address needs no password.
	if (*caller || !shard->registrar)
		return true;
	switch (cp_registrar_login(shard->registrar, tx, m, &peer, user)) {
	case CP_LOGIN_OK:
		*caller = peer;
		return true;
	case CP_LOGIN_FOREIGN:
		if (shard->ops->suspect)
			shard->ops->suspect(
				shard->ctx, &sip_tx_flow(tx)->remote, "calls, and nobody knows it");
		return true;
	default:
		return false;
	}
}

int cp_identity_set(struct cp_call *call, const struct cfg_user *user)
{
	struct cp_identity *id = calloc(1, sizeof(*id));

	if (!id)
		return -ENOMEM;
	snprintf(id->user, sizeof(id->user), "%s", user->name);
	snprintf(id->number, sizeof(id->number), "%s", user->number ? user->number : "");
	snprintf(id->caller, sizeof(id->caller), "%s", user->caller ? user->caller : "");
	call->identity = id;
	snprintf(call->from, sizeof(call->from), "%s", id->number[0] ? id->number : id->user);
	return 0;
}

// Colleagues know each other by name, the rest of the world by number.
static const char *shown_user(const struct cp_call *call)
{
	const struct cp_identity *id = call->identity;

	return call->leg[1].peer == call->leg[0].peer || !id->number[0] ? id->user : id->number;
}

const char *cp_identity_host(const struct cp_call *call)
{
	const struct cp_peer *to = call->leg[1].peer;

	if (to && to->cfg->access)
		return to->host;
	return to && to->cfg->reg ? to->cfg->reg->domain : cp_leg_listener(call, 1)->host;
}

int cp_identity_from(const struct cp_call *call, const struct sip_uri *from, char uri[CP_URI],
	struct sip_slice *display)
{
	int n;

	if (sip_slice_iis(from->host, "anonymous.invalid")) {
		n = cp_carry_uri(from, "anonymous.invalid", 0, uri);
		return n < 0 ? n : 0;
	}
	*display = sip_str(call->identity->caller);
	n = snprintf(uri, CP_URI, "sip:%s@%s", shown_user(call), cp_identity_host(call));
	return n < 0 || (size_t)n >= CP_URI ? -ENOBUFS : 0;
}

void cp_identity_assert(const struct cp_call *call, struct sip_build *b)
{
	char uri[CP_URI];

	if (!call->identity || call->hidden || call->leg[1].peer->cfg->kind != CFG_TRUNK)
		return;
	snprintf(uri, sizeof(uri), "sip:%s@%s", shown_user(call), cp_identity_host(call));
	sip_build_address(b, "P-Asserted-Identity", sip_str(call->identity->caller), sip_str(uri),
		sip_slice(NULL, 0));
}

bool cp_identity_redial(const struct cp_peer *caller, const struct sip_message *m,
	const struct sip_uri *uri, char *number, size_t size)
{
	const struct cfg_register *reg = caller->cfg->reg;
	struct sip_address to;

	if (!reg || reg->calls_only || !sip_slice_is(uri->user, reg->contact))
		return false;
	if (reg->number[0]) {
		snprintf(number, size, "%s", reg->number);
		return true;
	}
	if (sip_message_to(m, &to) || !to.uri.user.n || sip_slice_eq(to.uri.user, uri->user))
		return false;
	if (sip_uri_number(&to.uri, number, size) <= 0)
		cp_carry_user_text(&to.uri, number, size);
	return true;
}
