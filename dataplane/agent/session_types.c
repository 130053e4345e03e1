// SPDX-License-Identifier: BSD-3-Clause
// The payload types of a leg with a codec.
#include <string.h>

#include "dataplane/agent/session_media.h"

static void add_type(struct abi_leg_plan *leg, unsigned type)
{
	leg->payload_types[type / 64] |= 1ull << type % 64;
}

static void map_type(struct abi_leg_plan *leg, unsigned from, unsigned to)
{
	add_type(leg, from);
	if (from == to || leg->pt_maps == ABI_PT_MAPS)
		return;
	leg->pt_map[leg->pt_maps].from = (uint8_t)from;
	leg->pt_map[leg->pt_maps++].to = (uint8_t)to;
}

uint8_t media_also_codec(const struct abi_leg_plan *leg, const struct abi_codec_terms *t)
{
	uint8_t type = leg->codec_type;

	return type == t->type_in || type == t->cn_type || type == leg->dtmf_type ||
			       type == t->dtmf_out
		       ? 0
		       : type;
}

uint8_t media_also_events(const struct abi_leg_plan *leg, const struct abi_codec_terms *t)
{
	uint8_t type = t->dtmf_out;

	return leg->dtmf_type > 127 || type > 127 || type == leg->dtmf_type || type == t->type_in ||
			       type == t->cn_type || type == leg->codec_type
		       ? 0
		       : type;
}

static void relay_types(const struct abi_session_plan *plan, unsigned leg, struct abi_leg_plan *out)
{
	const struct abi_leg_plan *from = &plan->leg[leg], *to = &plan->leg[!leg];
	const struct abi_codec_terms *t = &plan->terms[leg], *u = &plan->terms[!leg];

	map_type(out, t->type_in, to->codec_type);
	if (media_also_codec(from, t))
		map_type(out, media_also_codec(from, t), to->codec_type);
	if (t->cn_type)
		map_type(out, t->cn_type, u->cn_type);
	if (out->dtmf_type > 127 || u->dtmf_out > 127)
		return;
	map_type(out, out->dtmf_type, u->dtmf_out);
	if (media_also_events(from, t))
		map_type(out, media_also_events(from, t), u->dtmf_out);
}

void media_fill_types(
	const struct abi_session_plan *plan, unsigned way, unsigned leg, struct abi_leg_plan *out)
{
	const struct abi_leg_plan *from = &plan->leg[leg];
	const struct abi_codec_terms *t = &plan->terms[leg];

	memset(out->payload_types, 0, sizeof(out->payload_types));
	memset(out->pt_map, 0, sizeof(out->pt_map));
	out->pt_maps = 0;
	if (way == MEDIA_RELAY) {
		relay_types(plan, leg, out);
		return;
	}
	add_type(out, t->type_in);
	if (t->cn_type)
		add_type(out, t->cn_type);
	if (out->dtmf_type < 128)
		add_type(out, out->dtmf_type);
	if (media_also_codec(from, t))
		add_type(out, media_also_codec(from, t));
	if (media_also_events(from, t))
		add_type(out, media_also_events(from, t));
}
