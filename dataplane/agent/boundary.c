// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/boundary.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dataplane/agent/boundary_private.h"

#define ALL_FLAGS ((ABI_LEG_FAX_REPORT << 1) - 1)
#define NOT_UDPTL                                                                                  \
	(ABI_LEG_SRTP_IN | ABI_LEG_SRTP_OUT | ABI_LEG_DTLS | ABI_LEG_OPAQUE | ABI_LEG_RTCP |       \
		ABI_LEG_RTCP_MUX)
#define NO_DTMF 255u

static bool has_session(uint16_t type)
{
	return type == ABI_SESSION_ADD || type == ABI_SESSION_UPDATE ||
	       type == ABI_SESSION_DELETE || type == ABI_SESSION_QUERY ||
	       type == ABI_SESSION_CLAIM || type == ABI_LEG_KEYS || type == ABI_LEG_ICE ||
	       type == ABI_SESSION_RESUME || type == ABI_DTMF_SEND || type == ABI_PLAY ||
	       type == ABI_PLAY_STOP || type == ABI_RECORD || type == ABI_RECORD_STOP;
}

int boundary_unicast(uint8_t family, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const uint8_t compatible[12];

	if (family == 4)
		return abi_zero(ip + 4, 12) && ip[0] != 0 && ip[0] != 127 && ip[0] < 224;
	if (family != 6)
		return 0;
	// ::, ::1 and the deprecated IPv4-compatible addresses share twelve zero bytes.
	return ip[0] != 0xff && memcmp(ip, mapped, 12) != 0 && memcmp(ip, compatible, 12) != 0;
}

static enum abi_field check_header(const struct boundary *b, const struct abi_msg *m)
{
	int payload;

	if (m->type == 0 || m->type >= ABI_COMMANDS)
		return ABI_FIELD_TYPE;
	payload = abi_msg_payload(m->type, 0);
	if (payload < 0 || m->length != payload)
		return ABI_FIELD_LENGTH;
	if (m->transaction == 0)
		return ABI_FIELD_TRANSACTION;
	if (m->result || m->reserved ||
		!abi_zero(m->payload + payload, sizeof(m->payload) - (size_t)payload))
		return ABI_FIELD_RESERVED;
	if (has_session(m->type))
		return ABI_FIELD_NONE;
	if (m->slot != ABI_NO_SLOT)
		return ABI_FIELD_SLOT;
	return m->generation ? ABI_FIELD_GENERATION : ABI_FIELD_NONE;
}

static enum abi_field check_want(const struct boundary *b, const struct abi_leg_want *want)
{
	if (want->interface_index >= b->interfaces && want->interface_index != BOUNDARY_ANY)
		return ABI_FIELD_INTERFACE;
	if (want->family != 4 && want->family != 6)
		return ABI_FIELD_FAMILY;
	if (want->kind != ABI_LEG_PAIR && want->kind != ABI_LEG_MUX)
		return ABI_FIELD_KIND;
	if (want->reserved0 || !abi_zero(want->reserved1, sizeof(want->reserved1)))
		return ABI_FIELD_RESERVED;
	if (want->rtp_port == 0)
		return abi_zero(want->ip, sizeof(want->ip)) ? ABI_FIELD_NONE : ABI_FIELD_ADDRESS;
	if (!boundary_unicast(want->family, want->ip))
		return ABI_FIELD_ADDRESS;
	return want->kind == ABI_LEG_PAIR && want->rtp_port % 2 ? ABI_FIELD_PORT : ABI_FIELD_NONE;
}

static enum abi_field check_alloc(
	const struct boundary *b, const struct abi_port_alloc *alloc, uint32_t *leg)
{
	if (alloc->legs < 1 || alloc->legs > 2)
		return ABI_FIELD_LEGS;
	if (!abi_zero(alloc->reserved0, sizeof(alloc->reserved0)))
		return ABI_FIELD_RESERVED;
	if (alloc->affinity != ABI_NO_SLOT && alloc->affinity >= b->sessions)
		return ABI_FIELD_SLOT;
	for (*leg = 0; *leg < alloc->legs; (*leg)++) {
		enum abi_field field = check_want(b, &alloc->leg[*leg]);

		if (field)
			return field;
	}
	if (alloc->legs == 1 && !abi_zero(&alloc->leg[1], sizeof(alloc->leg[1])))
		return ABI_FIELD_RESERVED;
	return ABI_FIELD_NONE;
}

static enum abi_field check_pt_maps(const struct abi_leg_plan *plan)
{
	uint8_t seen[128] = {0};

	if (plan->pt_maps > ABI_PT_MAPS)
		return ABI_FIELD_PT_MAP;
	for (unsigned i = 0; i < plan->pt_maps; i++) {
		const struct abi_pt_map *map = &plan->pt_map[i];

		if (map->from > 127 || map->to > 127 || seen[map->from]++)
			return ABI_FIELD_PT_MAP;
	}
	if (!abi_zero(&plan->pt_map[plan->pt_maps],
		    (ABI_PT_MAPS - plan->pt_maps) * sizeof(plan->pt_map[0])))
		return ABI_FIELD_RESERVED;
	return ABI_FIELD_NONE;
}

// A remote is either none (port 0, and then the address says nothing) or one that we may send to.
static bool may_send_to(uint8_t family, const uint8_t ip[16], uint16_t port)
{
	return port == 0 || boundary_unicast(family, ip);
}

// Who relays what he cannot read can change nothing in it.
static bool flags_agree(const struct abi_leg_plan *plan)
{
	if (plan->flags & ABI_LEG_UDPTL &&
		(plan->flags & (NOT_UDPTL | ABI_LEG_DTMF_REPORT) || plan->pt_maps || plan->codec ||
			plan->codec_type || plan->ptime_ms || plan->codec_bits))
		return false;
	if (plan->flags & ABI_LEG_FAX_REPORT && !(plan->flags & ABI_LEG_UDPTL) && !plan->codec)
		return false;
	return !(plan->flags & ABI_LEG_OPAQUE) ||
	       (!(plan->flags & (ABI_LEG_SRTP_IN | ABI_LEG_SRTP_OUT)) && !plan->pt_maps &&
		       !plan->codec);
}

static enum abi_field check_leg(const struct boundary *b, const struct abi_leg_ports *ports,
	const struct abi_leg_plan *plan, const struct abi_codec_terms *terms)
{
	enum abi_field field;

	if (ports->endpoint >= b->endpoint_count ||
		plan->family != b->endpoints[ports->endpoint].family)
		return ABI_FIELD_FAMILY;
	if (plan->source_policy > ABI_SOURCE_ANY)
		return ABI_FIELD_POLICY;
	if (plan->dscp > 63)
		return ABI_FIELD_DSCP;
	if (plan->flags & ~(uint32_t)ALL_FLAGS || !flags_agree(plan))
		return ABI_FIELD_FLAGS;
	if (!may_send_to(plan->family, plan->remote_rtp_ip, plan->remote_rtp_port) ||
		!may_send_to(plan->family, plan->remote_rtcp_ip, plan->remote_rtcp_port))
		return ABI_FIELD_ADDRESS;
	if (plan->max_packets > BOUNDARY_MAX_PACKETS || plan->max_octets > BOUNDARY_MAX_OCTETS)
		return ABI_FIELD_LIMIT;
	field = check_pt_maps(plan);
	if (field)
		return field;
	if (plan->dtmf_type > 127 && plan->dtmf_type != NO_DTMF)
		return ABI_FIELD_PT_MAP;
	field = boundary_codec(plan, terms);
	if (field)
		return field;
	return abi_zero(plan->reserved, sizeof(plan->reserved)) ? ABI_FIELD_NONE
								: ABI_FIELD_RESERVED;
}

static bool takes_fax(const struct abi_leg_plan *plan)
{
	return plan->codec == ABI_CODEC_PCMU || plan->codec == ABI_CODEC_PCMA;
}

// Both legs are opaque, or none is; who has T.38 talks to T.38, or to G.711.
static bool legs_agree(const struct abi_session_plan *plan)
{
	const struct abi_leg_plan *a = &plan->leg[0], *b = &plan->leg[1];

	if ((a->flags ^ b->flags) & ABI_LEG_OPAQUE)
		return false;
	if (!((a->flags ^ b->flags) & ABI_LEG_UDPTL))
		return true;
	return a->flags & ABI_LEG_UDPTL ? takes_fax(b) : takes_fax(a);
}

static enum abi_field check_plan(const struct boundary *b, const struct abi_session_entry *entry,
	const struct abi_session_plan *plan, uint32_t *leg)
{
	if (plan->timeout_ms && (plan->timeout_ms < BOUNDARY_MIN_TIMEOUT ||
					plan->timeout_ms > BOUNDARY_MAX_TIMEOUT))
		return ABI_FIELD_LIMIT;
	if (plan->clock_rate < BOUNDARY_MIN_CLOCK || plan->clock_rate > BOUNDARY_MAX_CLOCK)
		return ABI_FIELD_CLOCK_RATE;
	for (*leg = 0; *leg < entry->legs; (*leg)++) {
		enum abi_field field =
			check_leg(b, &entry->ports[*leg], &plan->leg[*leg], &plan->terms[*leg]);

		if (field)
			return field;
	}
	*leg = 0;
	if (entry->legs == 1 && (!abi_zero(&plan->leg[1], sizeof(plan->leg[1])) ||
					!abi_zero(&plan->terms[1], sizeof(plan->terms[1]))))
		return ABI_FIELD_RESERVED;
	return entry->legs == 2 && !legs_agree(plan) ? ABI_FIELD_FLAGS : ABI_FIELD_NONE;
}

// Which states of a session a command makes sense in, as a mask of 1 << state.
static unsigned states_of(uint16_t type)
{
	switch (type) {
	case ABI_SESSION_ADD:
	case ABI_SESSION_CLAIM:
		return 1u << ABI_SESSION_ALLOCATED | 1u << ABI_SESSION_ACTIVE;
	case ABI_SESSION_UPDATE:
	case ABI_LEG_KEYS:
	case ABI_LEG_ICE:
	case ABI_SESSION_RESUME:
	case ABI_DTMF_SEND:
	case ABI_PLAY:
	case ABI_PLAY_STOP:
	case ABI_RECORD:
	case ABI_RECORD_STOP:
		return 1u << ABI_SESSION_ACTIVE;
	default:
		return 1u << ABI_SESSION_ALLOCATED | 1u << ABI_SESSION_ACTIVE |
		       1u << ABI_SESSION_QUARANTINE;
	}
}

static int check_session(const struct boundary *b, const struct abi_msg *m,
	const struct abi_session_entry **entry, struct boundary_refusal *refusal)
{
	refusal->field = ABI_FIELD_SLOT;
	if (m->slot >= b->sessions)
		return -ENOENT;
	*entry = &b->directory[m->slot];
	if ((*entry)->state == ABI_SESSION_FREE)
		return -ENOENT;
	refusal->field = ABI_FIELD_GENERATION;
	if ((*entry)->generation != m->generation)
		return -ENOENT;
	refusal->field = ABI_FIELD_STATE;
	if (states_of(m->type) & 1u << (*entry)->state)
		return 0;
	return (*entry)->state == ABI_SESSION_QUARANTINE ? -ENOENT : -EINVAL;
}

static enum abi_field check_payload(const struct boundary *b, const struct abi_msg *copy,
	const struct abi_session_entry *entry, uint32_t *leg)
{
	union {
		struct abi_port_alloc alloc;
		struct abi_session_plan plan;
		struct abi_leg_keys keys;
		struct abi_leg_ice ice;
		struct abi_session_resume resume;
		struct abi_dtmf_send digits;
		struct abi_play play;
		struct abi_play_stop play_stop;
		struct abi_record record;
		struct abi_record_stop record_stop;
	} payload;
	enum abi_field field = ABI_FIELD_NONE;

	memcpy(&payload, copy->payload, sizeof(payload));
	switch (copy->type) {
	case ABI_PORT_ALLOC:
		return check_alloc(b, &payload.alloc, leg);
	case ABI_SESSION_ADD:
	case ABI_SESSION_UPDATE:
		return check_plan(b, entry, &payload.plan, leg);
	case ABI_SESSION_RESUME:
		return boundary_resume(b, entry, &payload.resume, leg);
	case ABI_LEG_KEYS:
		field = boundary_keys(entry, &payload.keys);
		*leg = payload.keys.leg;
		break;
	case ABI_LEG_ICE:
		field = boundary_ice(entry, &payload.ice);
		*leg = payload.ice.leg;
		break;
	case ABI_DTMF_SEND:
		*leg = payload.digits.leg;
		return boundary_dtmf_send(entry, &payload.digits);
	case ABI_PLAY:
		*leg = payload.play.leg;
		return boundary_play(entry, &payload.play);
	case ABI_PLAY_STOP:
		*leg = payload.play_stop.leg;
		return boundary_play_stop(entry, &payload.play_stop);
	case ABI_RECORD:
		return boundary_record(entry, &payload.record);
	case ABI_RECORD_STOP:
		return payload.record_stop.reserved ? ABI_FIELD_RESERVED : ABI_FIELD_NONE;
	default:
		return ABI_FIELD_NONE;
	}
	explicit_bzero(&payload, sizeof(payload));
	return field;
}

int boundary_check(const struct boundary *boundary, const struct abi_msg *copy,
	struct boundary_refusal *refusal)
{
	const struct abi_session_entry *entry = NULL;
	int err;

	*refusal = (struct boundary_refusal){.field = check_header(boundary, copy)};
	if (refusal->field)
		return -EINVAL;
	if (has_session(copy->type)) {
		err = check_session(boundary, copy, &entry, refusal);
		if (err)
			return err;
		refusal->field = ABI_FIELD_NONE;
	}
	refusal->field = check_payload(boundary, copy, entry, &refusal->leg);
	if (refusal->leg > 1)
		refusal->leg = 1;
	if (refusal->field)
		return -EINVAL;
	refusal->leg = 0;
	return 0;
}
