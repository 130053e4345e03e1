// SPDX-License-Identifier: BSD-3-Clause
//
// DTLS of a stranger. The first byte chooses the role, then datagrams by length follow; a length of 0 hands over
// what an honest peer of ours would say next, so that the input can go wrong at any step of a handshake. There are
// never keys for somebody whose fingerprint nobody vouched for.
#include <stdlib.h>
#include <string.h>

#include "controlplane/secure/dtls.h"
#include "controlplane/secure/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cp_identity *us, *them;

static struct cp_dtls *make(struct cp_identity *identity, enum cp_dtls_role role, bool cookie,
	const char *trust)
{
	struct cp_dtls_config config = {
		.identity = identity,
		.role = role,
		.cookie = cookie,
		.address = "x",
		.address_size = 1,
		.fingerprints = trust,
	};
	struct cp_dtls *d;

	if (cp_dtls_new(&d, &config))
		abort();
	return d;
}

static void carry(struct cp_dtls *from, struct cp_dtls *to)
{
	uint8_t bytes[2048];
	size_t n;

	while ((n = cp_dtls_take(from, bytes, sizeof(bytes))) > 0) {
		if (n > CP_DTLS_MTU)
			abort();
		cp_dtls_feed(to, bytes, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_dtls *honest, *d;
	enum cp_dtls_role role;
	struct cp_dtls_keys keys;
	struct cp_print print;

	cp_print_parse((const char *)data, size, &print);
	if (size < 1 || size > 16384)
		return 0;
	if (!us) {
		us = cp_identity_new();
		them = cp_identity_new();
	}
	role = data[0] & 1 ? CP_DTLS_ACTIVE : CP_DTLS_PASSIVE;
	// Vouched for is somebody else, so nothing may ever become of it.
	d = make(us, role, data[0] & 2, cp_identity_fingerprint(us));
	honest = make(them, role == CP_DTLS_ACTIVE ? CP_DTLS_PASSIVE : CP_DTLS_ACTIVE, false,
		cp_identity_fingerprint(us));
	cp_dtls_start(d);
	cp_dtls_start(honest);
	for (size_t at = 1; at < size;) {
		size_t n = data[at++];

		if (!n) {
			carry(d, honest);
			carry(honest, d);
			continue;
		}
		if (n > size - at)
			n = size - at;
		cp_dtls_feed(d, data + at, n);
		at += n;
	}
	carry(d, honest);
	if (cp_dtls_export(d, &keys))
		abort();
	cp_dtls_close(d);
	cp_dtls_free(d);
	cp_dtls_free(honest);
	return 0;
}
