// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/message.h"

#include <string.h>

static const struct type {
	uint16_t type;
	uint8_t payload; // of the command or event
	uint8_t reply;   // of a good reply, for commands
	const char *name;
	const char *reply_name;
} types[] = {
	{ABI_PORT_ALLOC, sizeof(struct abi_port_alloc), sizeof(struct abi_ports), "PORT_ALLOC",
		"PORT_ALLOC reply"},
	{ABI_SESSION_ADD, sizeof(struct abi_session_plan), 0, "SESSION_ADD", "SESSION_ADD reply"},
	{ABI_SESSION_UPDATE, sizeof(struct abi_session_plan), sizeof(struct abi_session_report),
		"SESSION_UPDATE", "SESSION_UPDATE reply"},
	{ABI_SESSION_DELETE, 0, sizeof(struct abi_session_report), "SESSION_DELETE",
		"SESSION_DELETE reply"},
	{ABI_SESSION_QUERY, 0, sizeof(struct abi_session_report), "SESSION_QUERY",
		"SESSION_QUERY reply"},
	{ABI_SESSION_CLAIM, 0, sizeof(struct abi_ports), "SESSION_CLAIM", "SESSION_CLAIM reply"},
	{ABI_RECONCILE_DONE, 0, 0, "RECONCILE_DONE", "RECONCILE_DONE reply"},
	{ABI_PING, 0, 0, "PING", "PING reply"},
	{ABI_LEG_KEYS, sizeof(struct abi_leg_keys), 0, "LEG_KEYS", "LEG_KEYS reply"},
	{ABI_LEG_ICE, sizeof(struct abi_leg_ice), 0, "LEG_ICE", "LEG_ICE reply"},
	{ABI_SESSION_RESUME, sizeof(struct abi_session_resume), 0, "SESSION_RESUME",
		"SESSION_RESUME reply"},
	{ABI_DTMF_SEND, sizeof(struct abi_dtmf_send), 0, "DTMF_SEND", "DTMF_SEND reply"},
	{ABI_PLAY, sizeof(struct abi_play), 0, "PLAY", "PLAY reply"},
	{ABI_PLAY_STOP, sizeof(struct abi_play_stop), 0, "PLAY_STOP", "PLAY_STOP reply"},
	{ABI_RECORD, sizeof(struct abi_record), 0, "RECORD", "RECORD reply"},
	{ABI_RECORD_STOP, sizeof(struct abi_record_stop), 0, "RECORD_STOP", "RECORD_STOP reply"},
	{ABI_LEARNED, sizeof(struct abi_event_learned), 0, "LEARNED", NULL},
	{ABI_MEDIA_TIMEOUT, sizeof(struct abi_event_timeout), 0, "MEDIA_TIMEOUT", NULL},
	{ABI_SWEPT, 0, 0, "SWEPT", NULL},
	{ABI_ICE_NOMINATED, sizeof(struct abi_event_ice), 0, "ICE_NOMINATED", NULL},
	{ABI_ICE_LOST, sizeof(struct abi_event_ice), 0, "ICE_LOST", NULL},
	{ABI_SRTP_FAILURES, sizeof(struct abi_event_srtp), 0, "SRTP_FAILURES", NULL},
	{ABI_DTLS_UNASKED, sizeof(struct abi_event_dtls), 0, "DTLS_UNASKED", NULL},
	{ABI_DTMF, sizeof(struct abi_event_dtmf), 0, "DTMF", NULL},
	{ABI_PLAY_DONE, sizeof(struct abi_event_play), 0, "PLAY_DONE", NULL},
	{ABI_RECORD_DONE, sizeof(struct abi_event_record), 0, "RECORD_DONE", NULL},
	{ABI_FAX, sizeof(struct abi_event_fax), 0, "FAX", NULL},
};

static const struct type *find(uint16_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == (type & ~ABI_REPLY))
			return &types[i];
	return NULL;
}

int abi_msg_payload(uint16_t type, int32_t result)
{
	const struct type *t = find(type);

	if (!t)
		return -1;
	if (!(type & ABI_REPLY))
		return t->payload;
	if (!t->reply_name)
		return -1;
	return result ? (int)sizeof(struct abi_reply) : t->reply;
}

const char *abi_msg_name(uint16_t type)
{
	const struct type *t = find(type);

	if (!t)
		return "unknown";
	if (!(type & ABI_REPLY))
		return t->name;
	return t->reply_name ? t->reply_name : "unknown";
}

void abi_msg_init(struct abi_msg *msg, uint16_t type, uint64_t transaction, uint32_t slot,
	uint32_t generation)
{
	int payload = abi_msg_payload(type, 0);

	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	msg->length = payload < 0 ? 0 : (uint16_t)payload;
	msg->transaction = transaction;
	msg->slot = slot;
	msg->generation = generation;
}

const char *abi_field_name(uint32_t field)
{
	static const char *const names[ABI_FIELDS] = {
		[ABI_FIELD_NONE] = "none",
		[ABI_FIELD_TYPE] = "type",
		[ABI_FIELD_LENGTH] = "length",
		[ABI_FIELD_TRANSACTION] = "transaction",
		[ABI_FIELD_SLOT] = "slot",
		[ABI_FIELD_GENERATION] = "generation",
		[ABI_FIELD_RESERVED] = "reserved bytes",
		[ABI_FIELD_LEGS] = "number of legs",
		[ABI_FIELD_INTERFACE] = "media interface",
		[ABI_FIELD_FAMILY] = "address family",
		[ABI_FIELD_KIND] = "kind of ports",
		[ABI_FIELD_FLAGS] = "flags",
		[ABI_FIELD_POLICY] = "source policy",
		[ABI_FIELD_DSCP] = "DSCP",
		[ABI_FIELD_PT_MAP] = "payload type map",
		[ABI_FIELD_ADDRESS] = "remote address",
		[ABI_FIELD_PORT] = "port",
		[ABI_FIELD_LIMIT] = "limit",
		[ABI_FIELD_CLOCK_RATE] = "clock rate",
		[ABI_FIELD_STATE] = "state of the session",
		[ABI_FIELD_LEG] = "leg or direction",
		[ABI_FIELD_SUITE] = "SRTP suite",
		[ABI_FIELD_MKI] = "MKI",
		[ABI_FIELD_STREAM] = "resumed SRTP stream",
		[ABI_FIELD_ICE] = "ICE",
		[ABI_FIELD_CODEC] = "codec",
		[ABI_FIELD_DTMF] = "digits",
		[ABI_FIELD_PLAY] = "what to play",
		[ABI_FIELD_FILE] = "name of a file",
		[ABI_FIELD_RECORD] = "what to record",
	};

	return field < ABI_FIELDS ? names[field] : "unknown";
}

int abi_msg_secret(uint16_t type)
{
	return type == ABI_LEG_KEYS || type == ABI_LEG_ICE;
}

int abi_zero(const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	uint8_t any = 0;

	while (size--)
		any |= *p++;
	return any == 0;
}
