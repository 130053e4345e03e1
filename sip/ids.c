// SPDX-License-Identifier: BSD-3-Clause
#include "sip/ids.h"

#include <stdio.h>

#define RANDOM_BYTES 10

// Sixteen letters and digits of five bits each. No upper case: some peers fold tags.
static size_t put_random(const struct sip_ids *ids, char *out)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t bytes[RANDOM_BYTES];
	uint64_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	ids->random(ids->ctx, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 5; have -= 5)
			out[n++] = letters[bits >> (have - 5) & 31];
	}
	return n;
}

static struct sip_slice make(const struct sip_ids *ids, const char *front, char out[SIP_ID_TEXT])
{
	size_t n = 0;

	for (const char *p = front; *p; p++)
		out[n++] = *p;
	for (size_t i = 0; i < SIP_PREFIX_MAX && ids->prefix[i]; i++)
		out[n++] = ids->prefix[i];
	n += put_random(ids, out + n);
	out[n] = '\0';
	return sip_slice(out, n);
}

struct sip_slice sip_id_tag(const struct sip_ids *ids, char out[SIP_ID_TEXT])
{
	return make(ids, "", out);
}

struct sip_slice sip_id_branch(const struct sip_ids *ids, char out[SIP_ID_TEXT])
{
	return make(ids, SIP_COOKIE, out);
}

struct sip_slice sip_id_call_id(const struct sip_ids *ids, char out[SIP_ID_TEXT])
{
	return make(ids, "", out);
}

struct sip_slice sip_id_prefix(struct sip_slice id, size_t n)
{
	size_t cookie = sizeof(SIP_COOKIE) - 1;

	if (id.n >= cookie && memcmp(id.p, SIP_COOKIE, cookie) == 0)
		id = sip_slice_from(id, cookie);
	return id.n >= n ? sip_slice(id.p, n) : sip_slice("", 0);
}
