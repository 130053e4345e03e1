// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as the record of an address of record: what is taken is written again as it was, and nothing else is taken.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/registrar/location.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cp_location_ops ops;

// The names are those that the record says, so that its id fits.
static uint64_t id_of(const uint8_t *data, size_t size)
{
	char peer[64] = "", user[128] = "";
	size_t n = size > 3 ? data[1] | (size_t)data[2] << 8 : 0, m;

	if (n == 0 || n >= sizeof(peer) || size < 5 + n)
		return 1;
	memcpy(peer, data + 3, n);
	m = data[3 + n] | (size_t)data[4 + n] << 8;
	if (m == 0 || m >= sizeof(user) || size < 5 + n + m)
		return 1;
	memcpy(user, data + 5 + n, m);
	return cp_location_id(peer, user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[CP_LOCATION_RECORD];
	struct cp_location *l, *again;
	uint64_t id = id_of(data, size);
	int n;

	if (cp_location_new(&l, &ops, NULL, 1000000, 0) ||
		cp_location_new(&again, &ops, NULL, 1000000, 0))
		abort();
	if (cp_location_restore(l, id, data, size) == 0) {
		n = cp_location_pack(cp_location_by_id(l, id), out, sizeof(out));
		if (n > 0 && cp_location_restore(again, id, out, (size_t)n))
			abort();
		if (n > 0 && cp_location_contacts(l) != cp_location_contacts(again))
			abort();
	} else if (cp_location_contacts(l)) {
		abort();
	}
	cp_location_free(l);
	cp_location_free(again);
	return 0;
}
