// SPDX-License-Identifier: BSD-3-Clause
// The boundary's checks of keys, ICE and what was learned before a restart.
#include "dataplane/agent/boundary_private.h"

#include <stdbool.h>
#include <string.h>

#include "dataplane/agent/boundary.h"

// Behind its used bytes an array holds zeros.
static bool ends_in_zeros(const uint8_t *bytes, size_t used, size_t size)
{
	return abi_zero(bytes + used, size - used);
}

static enum abi_field check_key(const struct abi_srtp_key *key)
{
	const struct abi_suite *suite = abi_suite_of(key->suite);

	if (!suite)
		return key->suite == ABI_SRTP_NONE && abi_zero(key, sizeof(*key)) ? ABI_FIELD_NONE
										  : ABI_FIELD_SUITE;
	if (!abi_zero(key->reserved0, sizeof(key->reserved0)) ||
		!abi_zero(key->reserved1, sizeof(key->reserved1)))
		return ABI_FIELD_RESERVED;
	if (!ends_in_zeros(key->key, suite->key, sizeof(key->key)) ||
		!ends_in_zeros(key->salt, suite->salt, sizeof(key->salt)))
		return ABI_FIELD_SUITE;
	if (key->mki_length > ABI_SRTP_MAX_MKI ||
		!ends_in_zeros(key->mki, key->mki_length, sizeof(key->mki)))
		return ABI_FIELD_MKI;
	return ABI_FIELD_NONE;
}

static enum abi_field check_streams(const struct abi_leg_keys *keys)
{
	for (unsigned i = 0; i < ABI_SRTP_STREAMS; i++) {
		const struct abi_srtp_stream *s = &keys->resume[i];
		unsigned direction = i < ABI_SRTP_STREAMS / 2 ? ABI_IN : ABI_OUT;

		if (s->used > 1 || s->reserved || s->srtcp_index > 0x80000000u)
			return ABI_FIELD_STREAM;
		if (!s->used && !abi_zero(s, sizeof(*s)))
			return ABI_FIELD_STREAM;
		if (s->used && !(keys->directions & 1u << direction))
			return ABI_FIELD_STREAM;
	}
	return ABI_FIELD_NONE;
}

enum abi_field boundary_keys(const struct abi_session_entry *entry, const struct abi_leg_keys *keys)
{
	if (keys->leg >= entry->legs || keys->directions < 1 || keys->directions > 3 ||
		keys->component > 1)
		return ABI_FIELD_LEG;
	if (!abi_zero(keys->reserved0, sizeof(keys->reserved0)) ||
		!abi_zero(keys->reserved1, sizeof(keys->reserved1)))
		return ABI_FIELD_RESERVED;
	for (unsigned d = 0; d < 2; d++) {
		enum abi_field field = check_key(&keys->key[d]);

		if (field)
			return field;
		if (!(keys->directions & 1u << d) && keys->key[d].suite)
			return ABI_FIELD_LEG;
	}
	return check_streams(keys);
}

// RFC 8839 5.4: ice-char.
static bool ice_chars(const uint8_t *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= 'A' && text[i] <= 'Z') &&
			!(text[i] >= '0' && text[i] <= '9') && text[i] != '+' && text[i] != '/')
			return false;
	return true;
}

enum abi_field boundary_ice(const struct abi_session_entry *entry, const struct abi_leg_ice *ice)
{
	struct abi_leg_ice off = {.leg = ice->leg};

	if (ice->leg >= entry->legs)
		return ABI_FIELD_LEG;
	if (!abi_zero(ice->reserved0, sizeof(ice->reserved0)) || ice->reserved1 ||
		!abi_zero(ice->reserved2, sizeof(ice->reserved2)))
		return ABI_FIELD_RESERVED;
	if (ice->role == ABI_ICE_OFF)
		return memcmp(ice, &off, sizeof(off)) ? ABI_FIELD_ICE : ABI_FIELD_NONE;
	if (ice->role > ABI_ICE_CONTROLLING || (ice->role == ABI_ICE_LITE && ice->tie_breaker))
		return ABI_FIELD_ICE;
	if (ice->local_ufrag_length < 4 || ice->local_ufrag_length > ABI_ICE_UFRAG ||
		ice->local_pwd_length < 22 || ice->local_pwd_length > ABI_ICE_PWD ||
		ice->remote_ufrag_length > ABI_ICE_UFRAG)
		return ABI_FIELD_ICE;
	if (!ice_chars(ice->local_ufrag, ice->local_ufrag_length) ||
		!ice_chars(ice->local_pwd, ice->local_pwd_length) ||
		!ice_chars(ice->remote_ufrag, ice->remote_ufrag_length))
		return ABI_FIELD_ICE;
	if (!ends_in_zeros(ice->local_ufrag, ice->local_ufrag_length, ABI_ICE_UFRAG) ||
		!ends_in_zeros(ice->local_pwd, ice->local_pwd_length, ABI_ICE_PWD) ||
		!ends_in_zeros(ice->remote_ufrag, ice->remote_ufrag_length, ABI_ICE_UFRAG))
		return ABI_FIELD_ICE;
	return ABI_FIELD_NONE;
}

static bool good_address(uint8_t family, const struct abi_addr *a)
{
	if (!abi_zero(a->reserved, sizeof(a->reserved)))
		return false;
	if (a->family == 0)
		return abi_zero(a, sizeof(*a));
	return a->family == family && a->port && boundary_unicast(family, a->ip);
}

enum abi_field boundary_resume(const struct boundary *b, const struct abi_session_entry *entry,
	const struct abi_session_resume *resume, uint32_t *leg)
{
	for (*leg = 0; *leg < 2; (*leg)++) {
		const struct abi_leg_learned *l = &resume->leg[*leg];
		uint16_t endpoint = entry->ports[*leg].endpoint;

		if (*leg >= entry->legs && !abi_zero(l, sizeof(*l)))
			return ABI_FIELD_RESERVED;
		if (*leg >= entry->legs)
			break;
		if (!abi_zero(l->reserved, sizeof(l->reserved)))
			return ABI_FIELD_RESERVED;
		if (endpoint >= b->endpoint_count ||
			!good_address(b->endpoints[endpoint].family, &l->rtp) ||
			!good_address(b->endpoints[endpoint].family, &l->rtcp))
			return ABI_FIELD_ADDRESS;
	}
	return ABI_FIELD_NONE;
}

int boundary_inject(const struct boundary *b, const struct abi_punt *copy)
{
	const struct abi_session_entry *entry;
	uint16_t endpoint;

	if (copy->slot >= b->sessions)
		return 0;
	entry = &b->directory[copy->slot];
	if (entry->state != ABI_SESSION_ACTIVE || entry->generation != copy->generation)
		return 0;
	if (copy->leg >= entry->legs || copy->component > 1 || copy->valid || copy->reserved1)
		return 0;
	if (copy->kind != ABI_PUNT_DTLS && copy->kind != ABI_PUNT_STUN)
		return 0;
	if (copy->length == 0 || copy->length > BOUNDARY_MAX_INJECT)
		return 0;
	// What it says it is, by its first byte (RFC 7983): nobody injects media.
	if (copy->kind == ABI_PUNT_DTLS ? copy->data[0] < 20 || copy->data[0] > 63
					: copy->data[0] > 3 || copy->length < 20)
		return 0;
	endpoint = entry->ports[copy->leg].endpoint;
	return endpoint < b->endpoint_count && copy->remote.family &&
	       good_address(b->endpoints[endpoint].family, &copy->remote);
}
