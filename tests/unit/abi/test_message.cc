// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

#include "dataplane/abi/message.h"

namespace
{

TEST(Message, InitFillsLengthFromTypeAndClearsTheRest)
{
	abi_msg msg;

	memset(&msg, 0xff, sizeof(msg));
	abi_msg_init(&msg, ABI_SESSION_ADD, 42, 7, 3);
	EXPECT_EQ(msg.length, sizeof(abi_session_plan));
	EXPECT_EQ(msg.transaction, 42u);
	EXPECT_EQ(msg.slot, 7u);
	EXPECT_EQ(msg.generation, 3u);
	EXPECT_EQ(msg.result, 0);
	EXPECT_TRUE(abi_zero(msg.payload, sizeof(msg.payload)));
}

TEST(Message, EveryCommandHasANameALengthAndAReply)
{
	for (uint16_t type = 1; type < ABI_COMMANDS; type++) {
		EXPECT_STRNE(abi_msg_name(type), "unknown") << type;
		EXPECT_GE(abi_msg_payload(type, 0), 0) << type;
		EXPECT_LE(abi_msg_payload(type, 0), 224) << type;
		EXPECT_GE(abi_msg_payload(type | ABI_REPLY, 0), 0) << type;
		EXPECT_LE(abi_msg_payload(type | ABI_REPLY, 0), 224) << type;
		EXPECT_EQ(abi_msg_payload(type | ABI_REPLY, -22), (int)sizeof(abi_reply)) << type;
	}
}

TEST(Message, EventsHaveNoReply)
{
	for (uint16_t type : {ABI_LEARNED, ABI_MEDIA_TIMEOUT, ABI_SWEPT, ABI_ICE_NOMINATED,
		     ABI_ICE_LOST, ABI_SRTP_FAILURES, ABI_DTLS_UNASKED, ABI_DTMF, ABI_PLAY_DONE,
		     ABI_RECORD_DONE, ABI_FAX}) {
		EXPECT_GE(abi_msg_payload(type, 0), 0);
		EXPECT_EQ(abi_msg_payload(type | ABI_REPLY, 0), -1);
	}
}

TEST(Message, UnknownTypesAreRefused)
{
	EXPECT_EQ(abi_msg_payload(0, 0), -1);
	EXPECT_EQ(abi_msg_payload(ABI_COMMANDS, 0), -1);
	EXPECT_EQ(abi_msg_payload(0x4000, 0), -1);
	EXPECT_STREQ(abi_msg_name(0x7fff), "unknown");
}

TEST(Message, EveryFieldHasAName)
{
	for (uint32_t field = 0; field < ABI_FIELDS; field++)
		EXPECT_STRNE(abi_field_name(field), "unknown") << field;
	EXPECT_STREQ(abi_field_name(ABI_FIELDS), "unknown");
	EXPECT_STREQ(abi_field_name(UINT32_MAX), "unknown");
}

TEST(Codecs, ClocksAndPacketTimes)
{
	for (unsigned codec = 1; codec < ABI_CODECS; codec++) {
		ASSERT_NE(abi_codec_of(codec), nullptr) << codec;
		EXPECT_NE(abi_codec_of(codec)->name, nullptr) << codec;
		EXPECT_GE(abi_codec_clock(codec, 0), 8000u) << codec;
	}
	EXPECT_EQ(abi_codec_of(ABI_CODEC_NONE), nullptr);
	EXPECT_EQ(abi_codec_of(ABI_CODECS), nullptr);
	EXPECT_EQ(abi_codec_clock(ABI_CODEC_G722, 0), 8000u);
	EXPECT_EQ(abi_codec_clock(ABI_CODEC_OPUS, 16), 48000u);
	EXPECT_EQ(abi_codec_clock(ABI_CODEC_L16, 16), 16000u);
	EXPECT_EQ(abi_codec_clock(ABI_CODEC_L16, 44), 44100u);
	EXPECT_TRUE(abi_codec_ptime(ABI_CODEC_PCMU, 30));
	EXPECT_FALSE(abi_codec_ptime(ABI_CODEC_PCMU, 25));
	EXPECT_FALSE(abi_codec_ptime(ABI_CODEC_OPUS, 30));
	EXPECT_TRUE(abi_codec_ptime(ABI_CODEC_OPUS, 10));
	EXPECT_TRUE(abi_codec_ptime(ABI_CODEC_OPUS, 120));
	EXPECT_TRUE(abi_codec_ptime(ABI_CODEC_GSM, 40));
	EXPECT_FALSE(abi_codec_ptime(ABI_CODEC_NONE, 20));
}

// The offsets that ARCHITECTURE.md draws.
TEST(Layout, OffsetsAreWhereTheyAreDrawn)
{
	EXPECT_EQ(offsetof(abi_msg, transaction), 8u);
	EXPECT_EQ(offsetof(abi_msg, slot), 16u);
	EXPECT_EQ(offsetof(abi_msg, payload), 32u);
	EXPECT_EQ(offsetof(abi_region_a, command_consumer), 128u);
	EXPECT_EQ(offsetof(abi_region_a, event_producer), 192u);
	EXPECT_EQ(offsetof(abi_region_a, heartbeat_us), 256u);
	EXPECT_EQ(offsetof(abi_region_a, codecs), 320u);
	EXPECT_EQ(offsetof(abi_region_a, prompts), 348u);
	EXPECT_EQ(offsetof(abi_region_b, command_producer), 64u);
	EXPECT_EQ(offsetof(abi_region_b, event_consumer), 128u);
	EXPECT_EQ(offsetof(abi_region_b, heartbeat_us), 192u);
	EXPECT_EQ(offsetof(abi_region_p, producer), 64u);
	EXPECT_EQ(offsetof(abi_region_p, consumer), 128u);
	EXPECT_EQ(offsetof(abi_region_t, heartbeat_us), 128u);
	EXPECT_EQ(offsetof(abi_region_t, trace), 192u);
	EXPECT_EQ(offsetof(abi_session_entry, transaction), 16u);
	EXPECT_EQ(offsetof(abi_session_entry, ports), 32u);
	EXPECT_EQ(offsetof(abi_leg_slot, stats), 16u);
	EXPECT_EQ(offsetof(abi_leg_stats, remote_ip), 72u);
	EXPECT_EQ(offsetof(abi_leg_resume, srtp), 64u);
	EXPECT_EQ(offsetof(abi_punt, data), 48u);
	EXPECT_EQ(offsetof(abi_leg_keys, key), 8u);
	EXPECT_EQ(offsetof(abi_leg_keys, resume), 152u);
	EXPECT_EQ(offsetof(abi_leg_plan, codec), 85u);
	EXPECT_EQ(offsetof(abi_leg_plan, flags), 40u);
	EXPECT_EQ(offsetof(abi_leg_plan, pt_map), 64u);
	EXPECT_EQ(offsetof(abi_session_plan, timeout_ms), 192u);
	EXPECT_EQ(offsetof(abi_session_plan, terms), 200u);
	EXPECT_EQ(offsetof(abi_play, tone), 32u);
	EXPECT_EQ(offsetof(abi_play, file), 64u);
	EXPECT_EQ(offsetof(abi_record, codec), 24u);
	EXPECT_EQ(offsetof(abi_record, file), 48u);
	EXPECT_EQ(offsetof(abi_call, from), 128u);
	EXPECT_EQ(offsetof(abi_call, codec), 464u);
}

} // namespace
