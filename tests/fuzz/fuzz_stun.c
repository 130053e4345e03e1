// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as STUN at a leg with ICE: nothing is answered with more than was asked, every answer is whole
// STUN, and only who has the credentials is taken for a peer.
#include <stdlib.h>
#include <string.h>

#include "dataplane/media/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t ip[16] = {192, 0, 2, 1};
	struct abi_leg_ice params = {.local_ufrag_length = 4, .local_pwd_length = 22};
	struct stun_answer answer;
	struct stun_view view, back;
	struct stun_ice ice;

	memcpy(params.local_ufrag, "evtj", 4);
	memcpy(params.local_pwd, "VOkJxbRl1RmTxUk/WvJxBt", 22);
	for (uint8_t role = ABI_ICE_LITE; role <= ABI_ICE_CONTROLLING; role++) {
		bool whole = stun_parse(&view, data, size) == STUN_GOOD;

		params.role = role;
		params.tie_breaker = role == ABI_ICE_LITE ? 0 : 1ull << 63;
		stun_ice_set(&ice, &params);
		stun_respond(&answer, &ice, data, size, role == ABI_ICE_LITE ? 4 : 6, ip, 4000);
		must(answer.length <= size && answer.length <= STUN_MAX_REPLY);
		if (!whole)
			must(answer.action == STUN_IGNORE);
		if (answer.length)
			must(stun_parse(&back, answer.data, answer.length) == STUN_GOOD &&
				back.fingerprint && memcmp(back.id, view.id, 12) == 0);
		if (answer.action == STUN_VALID || answer.action == STUN_NOMINATE)
			must(stun_verify(&view, data, &ice.key));
	}
	return 0;
}
