// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as commands of the control plane. What the boundary lets through must be what the agent
// may act on without asking again; what it refuses must say why.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/agent/boundary.h"

#define SESSIONS 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

static void legs_are_sound(const struct boundary *b, const struct abi_session_entry *entry,
	const struct abi_session_plan *plan)
{
	for (unsigned i = 0; i < entry->legs; i++) {
		const struct abi_leg_plan *leg = &plan->leg[i];

		must(leg->family == b->endpoints[entry->ports[i].endpoint].family);
		const struct abi_codec_terms *t = &plan->terms[i];

		must(leg->pt_maps <= ABI_PT_MAPS && leg->dscp < 64);
		must(leg->codec < ABI_CODECS && leg->codec_type < 128);
		must(!leg->codec || abi_codec_ptime(leg->codec, leg->ptime_ms));
		must(!(leg->flags & ABI_LEG_UDPTL) || !leg->codec);
		if (leg->codec) {
			must(t->type_in < 128 && t->cn_type < 128 && t->dtmf <= ABI_DTMF_SIGNALLED);
			must(t->dtmf_out < 128 || t->dtmf_out == 255);
		}
		must(leg->source_policy <= ABI_SOURCE_ANY);
		for (unsigned m = 0; m < leg->pt_maps; m++)
			must(leg->pt_map[m].from < 128 && leg->pt_map[m].to < 128);
		if (leg->remote_rtp_port)
			must(boundary_unicast(leg->family, leg->remote_rtp_ip));
		if (leg->remote_rtcp_port)
			must(boundary_unicast(leg->family, leg->remote_rtcp_ip));
	}
	must(plan->clock_rate >= BOUNDARY_MIN_CLOCK && plan->clock_rate <= BOUNDARY_MAX_CLOCK);
}

static void keys_are_sound(const struct abi_session_entry *entry, const struct abi_msg *m)
{
	struct abi_leg_keys keys;

	memcpy(&keys, m->payload, sizeof(keys));
	must(keys.leg < entry->legs && keys.directions >= 1 && keys.directions <= 3);
	for (unsigned d = 0; d < 2; d++)
		must(keys.key[d].suite < ABI_SRTP_SUITES &&
			keys.key[d].mki_length <= ABI_SRTP_MAX_MKI);
}

static void ice_is_sound(const struct abi_session_entry *entry, const struct abi_msg *m)
{
	struct abi_leg_ice ice;

	memcpy(&ice, m->payload, sizeof(ice));
	must(ice.leg < entry->legs && ice.role <= ABI_ICE_CONTROLLING);
	must(ice.local_ufrag_length <= ABI_ICE_UFRAG && ice.local_pwd_length <= ABI_ICE_PWD &&
		ice.remote_ufrag_length <= ABI_ICE_UFRAG);
	must((ice.role == ABI_ICE_OFF) == (ice.local_pwd_length == 0));
}

static void media_is_sound(const struct abi_session_entry *entry, const struct abi_msg *m)
{
	struct abi_dtmf_send digits;
	struct abi_play play;
	struct abi_record record;

	memcpy(&digits, m->payload, sizeof(digits));
	memcpy(&play, m->payload, sizeof(play));
	memcpy(&record, m->payload, sizeof(record));
	if (m->type == ABI_DTMF_SEND) {
		must(digits.leg < entry->legs && digits.count && digits.count <= ABI_DTMF_DIGITS);
		for (unsigned i = 0; i < digits.count; i++)
			must(digits.digit[i] <= ABI_DTMF_FLASH);
	}
	if (m->type == ABI_PLAY) {
		must(play.leg < entry->legs && play.tones <= ABI_TONES);
		must((play.kind == ABI_PLAY_FILE) == (strnlen(play.file, ABI_FILE) > 0));
	}
	if (m->type == ABI_RECORD) {
		must(record.legs && record.legs < 1u << entry->legs);
		must(strnlen(record.file, ABI_FILE) < ABI_FILE && record.file[0] != '/' &&
			record.file[0] != '.' && !strstr(record.file, "/."));
	}
}

static void accepted_is_sound(const struct boundary *b, const struct abi_msg *m)
{
	struct abi_port_alloc alloc;
	struct abi_session_plan plan;

	must(m->type > 0 && m->type < ABI_COMMANDS && m->transaction != 0);
	must(m->length == abi_msg_payload(m->type, 0));
	if (m->type == ABI_PORT_ALLOC) {
		memcpy(&alloc, m->payload, sizeof(alloc));
		must(alloc.legs == 1 || alloc.legs == 2);
		must(alloc.affinity == ABI_NO_SLOT || alloc.affinity < b->sessions);
		for (unsigned i = 0; i < alloc.legs; i++)
			must(alloc.leg[i].interface_index < b->interfaces ||
				alloc.leg[i].interface_index == BOUNDARY_ANY);
	} else if (m->type != ABI_PING && m->type != ABI_RECONCILE_DONE) {
		must(m->slot < b->sessions);
		must(b->directory[m->slot].generation == m->generation);
		must(b->directory[m->slot].state != ABI_SESSION_FREE);
		memcpy(&plan, m->payload, sizeof(plan));
		if (m->type == ABI_SESSION_ADD || m->type == ABI_SESSION_UPDATE)
			legs_are_sound(b, &b->directory[m->slot], &plan);
		if (m->type == ABI_LEG_KEYS)
			keys_are_sound(&b->directory[m->slot], m);
		if (m->type == ABI_LEG_ICE)
			ice_is_sound(&b->directory[m->slot], m);
		media_is_sound(&b->directory[m->slot], m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct abi_endpoint endpoints[2] = {{.family = 4}, {.family = 6}};
	struct abi_session_entry directory[SESSIONS];
	struct boundary boundary = {directory, SESSIONS, endpoints, 2, 2};

	memset(directory, 0, sizeof(directory));
	for (unsigned i = 0; i < SESSIONS; i++) {
		directory[i].state = (uint8_t)(i % 4);
		directory[i].generation = i;
		directory[i].legs = (uint8_t)(1 + i / 4);
		directory[i].ports[i % 2].endpoint = 1;
	}
	for (; size >= sizeof(struct abi_msg);
		data += sizeof(struct abi_msg), size -= sizeof(struct abi_msg)) {
		struct boundary_refusal refusal;
		struct abi_msg copy;
		int err;

		memcpy(&copy, data, sizeof(copy));
		err = boundary_check(&boundary, &copy, &refusal);
		must(err == 0 || err == -EINVAL || err == -ENOENT);
		must((err == 0) == (refusal.field == ABI_FIELD_NONE));
		must(refusal.field < ABI_FIELDS && refusal.leg < 2);
		if (err == 0)
			accepted_is_sound(&boundary, &copy);
	}
	return 0;
}
