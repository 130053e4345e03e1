// SPDX-License-Identifier: BSD-3-Clause
// Codecs, digits, prompts and recordings: one good one of each, and each way to spoil it.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "dataplane/agent/boundary.h"

namespace
{
struct Transcode : testing::Test {
	abi_session_entry directory[3] = {};
	abi_endpoint endpoints[2] = {};
	boundary b;
	boundary_refusal refusal = {};

	Transcode()
	{
		endpoints[0].family = endpoints[1].family = 4;
		for (auto &e : directory) {
			e.generation = 5;
			e.state = ABI_SESSION_ACTIVE;
			e.legs = 2;
		}
		directory[1].legs = 1;
		directory[2].state = ABI_SESSION_ALLOCATED;
		b = {directory, 3, endpoints, 2, 2};
	}

	template <class T> abi_field says(uint16_t type, const T &payload, uint32_t slot = 0)
	{
		abi_msg m;

		abi_msg_init(&m, type, 1, slot, 5);
		memcpy(m.payload, &payload, sizeof(payload));
		return boundary_check(&b, &m, &refusal) ? refusal.field : ABI_FIELD_NONE;
	}

	// G.722 and events on one side, AMR-WB and tones among the speech on the other.
	abi_field plan(const std::function<void(abi_session_plan &)> &spoil, uint32_t slot = 0)
	{
		abi_session_plan p = {};

		p.clock_rate = 8000;
		for (unsigned i = 0; i < 2; i++) {
			p.leg[i].family = 4;
			p.leg[i].dtmf_type = 255;
			p.terms[i].dtmf_out = 255;
			p.leg[i].ptime_ms = 20;
		}
		p.leg[0].codec = ABI_CODEC_G722;
		p.leg[0].codec_type = p.terms[0].type_in = 9;
		p.leg[0].dtmf_type = p.terms[0].dtmf_out = 101;
		p.terms[0].dtmf = ABI_DTMF_EVENT;
		p.terms[0].cn_type = 13;
		p.leg[1].codec = ABI_CODEC_AMR_WB;
		p.leg[1].codec_type = p.terms[1].type_in = 98;
		p.leg[1].codec_bits = 24;
		p.leg[1].flags = ABI_LEG_DTMF_REPORT;
		p.terms[1].modes = 0x1ff;
		p.terms[1].flags = ABI_CODEC_DTX | ABI_CODEC_OCTET_ALIGNED;
		p.terms[1].dtmf = ABI_DTMF_INBAND;
		spoil(p);
		return says(ABI_SESSION_ADD, p, slot);
	}

	abi_field digits(const std::function<void(abi_dtmf_send &)> &spoil, uint32_t slot = 0)
	{
		abi_dtmf_send d = {};

		d.leg = 1;
		d.count = 2;
		d.digit[0] = 11;
		d.digit[1] = ABI_DTMF_FLASH;
		spoil(d);
		return says(ABI_DTMF_SEND, d, slot);
	}

	abi_field play(const std::function<void(abi_play &)> &spoil, uint32_t slot = 0)
	{
		abi_play p = {};

		p.leg = 1;
		p.kind = ABI_PLAY_FILE;
		strcpy(p.file, "en/busy.wav");
		spoil(p);
		return says(ABI_PLAY, p, slot);
	}

	abi_field tone(const std::function<void(abi_play &)> &spoil)
	{
		return play([&](abi_play &p) {
			p.kind = ABI_PLAY_TONE;
			memset(p.file, 0, sizeof(p.file));
			p.tones = 2;
			p.tone[0] = {{440, 480}, 2000, 4000};
			p.tone[1] = {{425, 0}, 400, 0};
			spoil(p);
		});
	}

	abi_field record(const std::function<void(abi_record &)> &spoil, uint32_t slot = 0)
	{
		abi_record r = {};

		r.kind = ABI_RECORD_WAV;
		r.legs = 3;
		r.codec[0][0] = {ABI_CODEC_PCMA, 8, 0, 0};
		strcpy(r.file, "2026/call-1.wav");
		spoil(r);
		return says(ABI_RECORD, r, slot);
	}
};
} // namespace

TEST_F(Transcode, CodecsOfAPlan)
{
	auto bad = [&](const std::function<void(abi_session_plan &)> &spoil) {
		EXPECT_EQ(ABI_FIELD_CODEC, plan(spoil));
	};

	EXPECT_EQ(ABI_FIELD_NONE, plan([](auto &) {}));
	bad([](auto &p) { p.leg[0].codec = ABI_CODECS; });
	bad([](auto &p) { p.leg[0].ptime_ms = 0; });
	bad([](auto &p) { p.leg[0].ptime_ms = 121; });
	bad([](auto &p) { p.leg[0].ptime_ms = 15; });
	bad([](auto &p) { p.leg[1].ptime_ms = 30; }); // AMR has frames of 20 ms
	bad([](auto &p) { p.leg[0].codec_type = 128; });
	bad([](auto &p) { p.terms[0].type_in = 128; });
	bad([](auto &p) { p.terms[0].cn_type = 128; });
	bad([](auto &p) { p.terms[0].cn_type = 9; });
	bad([](auto &p) { p.terms[0].cn_type = 101; });
	bad([](auto &p) { p.terms[0].dtmf_out = 200; });
	bad([](auto &p) { p.terms[0].dtmf_out = 9; });
	bad([](auto &p) { p.terms[0].type_in = 101; });
	bad([](auto &p) { p.terms[0].khz = 16; });
	bad([](auto &p) { p.terms[0].flags = ABI_CODEC_FEC; });
	bad([](auto &p) { p.terms[1].flags = 1 << 15; });
	bad([](auto &p) { p.terms[0].mode = 1; });
	bad([](auto &p) { p.terms[1].mode = 10; });
	bad([](auto &p) { p.terms[1].modes = 2, p.terms[1].mode = 1; });
	bad([](auto &p) { p.terms[0].channels = 1; });
	bad([](auto &p) { p.terms[1].modes = 0x200; });
	bad([](auto &p) { p.terms[0].modes = 1; });
	bad([](auto &p) { p.leg[0].codec = 0; });
	EXPECT_EQ(ABI_FIELD_NONE, plan([](auto &p) { p.terms[1].modes = 2, p.terms[1].mode = 2; }));
	EXPECT_EQ(ABI_FIELD_NONE, plan([](auto &p) {
		p.leg[0].codec = ABI_CODEC_L16;
		p.leg[0].ptime_ms = 10;
		p.terms[0].khz = 44;
		p.terms[0].channels = 2;
	}));
	EXPECT_EQ(ABI_FIELD_RESERVED, plan([](auto &p) { p.leg[0].reserved[6] = 1; }));
}

TEST_F(Transcode, OneLegMayHaveACodec)
{
	auto none = [](abi_session_plan &p, unsigned leg) {
		p.leg[leg].codec = p.leg[leg].codec_type = p.leg[leg].ptime_ms = 0;
		p.leg[leg].codec_bits = 0;
		p.leg[leg].flags = 0;
		p.terms[leg] = {};
	};

	EXPECT_EQ(ABI_FIELD_NONE, plan([&](auto &p) { none(p, 1); }));
	EXPECT_EQ(ABI_FIELD_NONE, plan([&](auto &p) {
		none(p, 0);
		none(p, 1);
	}));
	EXPECT_EQ(ABI_FIELD_CODEC, plan([&](auto &p) {
		none(p, 1);
		p.leg[1].flags = ABI_LEG_DTMF_REPORT;
	}));
	EXPECT_EQ(ABI_FIELD_CODEC, plan([&](auto &p) {
		none(p, 1);
		p.terms[1].dtmf_out = 255;
	}));
	EXPECT_EQ(ABI_FIELD_NONE, plan(
					  [&](auto &p) {
						  p.leg[1] = {};
						  p.terms[1] = {};
					  },
					  1));
	EXPECT_EQ(ABI_FIELD_RESERVED, plan([&](auto &p) { p.leg[1] = {}; }, 1));
	EXPECT_EQ(ABI_FIELD_FLAGS,
		plan([](auto &p) { p.leg[0].flags = p.leg[1].flags = ABI_LEG_OPAQUE; }));
}

TEST_F(Transcode, KindsOfDigitsOfAPlan)
{
	auto bad = [&](const std::function<void(abi_session_plan &)> &spoil) {
		EXPECT_EQ(ABI_FIELD_DTMF, plan(spoil));
	};

	bad([](auto &p) { p.terms[0].dtmf = ABI_DTMF_SIGNALLED + 1; });
	bad([](auto &p) { p.terms[0].dtmf_khz = 11; });
	bad([](auto &p) { p.terms[1].dtmf = ABI_DTMF_EVENT; }); // which has no payload type
	EXPECT_EQ(ABI_FIELD_NONE, plan([](auto &p) { p.terms[0].dtmf_khz = 48; }));
	EXPECT_EQ(ABI_FIELD_NONE, plan([](auto &p) { p.terms[1].dtmf = ABI_DTMF_SIGNALLED; }));
}

TEST_F(Transcode, FaxOfAPlan)
{
	auto fax = [](abi_session_plan &p, unsigned leg, uint32_t more) {
		p.leg[leg].codec = p.leg[leg].codec_type = p.leg[leg].ptime_ms = 0;
		p.leg[leg].codec_bits = 0;
		p.leg[leg].flags = ABI_LEG_UDPTL | ABI_LEG_SEND | ABI_LEG_RECEIVE | more;
		p.terms[leg] = {};
	};
	auto both = [&](uint32_t more) {
		return plan([&](auto &p) { fax(p, 0, 0), fax(p, 1, more); });
	};

	auto terms = [&](const std::function<void(abi_fax_terms &)> &spoil) {
		return plan([&](auto &p) {
			abi_fax_terms t = {};

			fax(p, 1, 0);
			p.leg[0].codec = ABI_CODEC_PCMA;
			p.leg[0].codec_type = p.terms[0].type_in = 8;
			t.version = 3;
			t.redundancy = 8;
			t.max_datagram = 1400;
			t.max_rate = 33600;
			t.flags = ABI_FAX_FLAGS;
			spoil(t);
			memcpy(&p.terms[1], &t, sizeof(t));
		});
	};

	EXPECT_EQ(ABI_FIELD_NONE, terms([](auto &) {}));
	EXPECT_EQ(ABI_FIELD_CODEC, terms([](auto &t) { t.version = 4; }));
	EXPECT_EQ(ABI_FIELD_CODEC, terms([](auto &t) { t.redundancy = 9; }));
	EXPECT_EQ(ABI_FIELD_CODEC, terms([](auto &t) { t.max_datagram = 1401; }));
	EXPECT_EQ(ABI_FIELD_CODEC, terms([](auto &t) { t.max_rate = 33601; }));
	EXPECT_EQ(ABI_FIELD_CODEC, terms([](auto &t) { t.flags = ABI_FAX_FLAGS + 1; }));
	EXPECT_EQ(ABI_FIELD_CODEC, terms([](auto &t) { t.reserved[3] = 1; }));
	EXPECT_EQ(ABI_FIELD_NONE, both(ABI_LEG_TIMEOUT | ABI_LEG_RELEARN));
	for (uint32_t flag : {ABI_LEG_SRTP_IN, ABI_LEG_SRTP_OUT, ABI_LEG_DTLS, ABI_LEG_OPAQUE,
		     ABI_LEG_RTCP, ABI_LEG_RTCP_MUX})
		EXPECT_EQ(ABI_FIELD_FLAGS, both(flag)) << flag;
	EXPECT_EQ(ABI_FIELD_FLAGS, plan([&](auto &p) { fax(p, 0, 0); })); // AMR-WB takes no fax
	EXPECT_EQ(ABI_FIELD_FLAGS, plan([&](auto &p) {
		fax(p, 0, 0);
		fax(p, 1, 0);
		p.leg[1].flags = 0;
	}));
	EXPECT_EQ(ABI_FIELD_NONE, plan([&](auto &p) {
		fax(p, 1, 0);
		p.leg[0].codec = ABI_CODEC_PCMA;
		p.leg[0].codec_type = p.terms[0].type_in = 8;
	}));
}

TEST_F(Transcode, Digits)
{
	auto bad = [&](const std::function<void(abi_dtmf_send &)> &spoil) {
		EXPECT_EQ(ABI_FIELD_DTMF, digits(spoil));
	};

	EXPECT_EQ(ABI_FIELD_NONE, digits([](auto &) {}));
	EXPECT_EQ(ABI_FIELD_NONE, digits([](auto &d) { d.duration_ms = 8000; }));
	bad([](auto &d) { d.count = 0; });
	bad([](auto &d) { d.count = ABI_DTMF_DIGITS + 1; });
	bad([](auto &d) { d.volume = 64; });
	bad([](auto &d) { d.duration_ms = 39; });
	bad([](auto &d) { d.duration_ms = 10001; });
	bad([](auto &d) { d.gap_ms = 29; });
	bad([](auto &d) { d.gap_ms = 10001; });
	bad([](auto &d) { d.digit[1] = ABI_DTMF_FLASH + 1; });
	EXPECT_EQ(ABI_FIELD_RESERVED, digits([](auto &d) { d.digit[2] = 1; }));
	EXPECT_EQ(ABI_FIELD_RESERVED, digits([](auto &d) { d.reserved[7] = 1; }));
	EXPECT_EQ(ABI_FIELD_DTMF, digits([](auto &d) { d.how = ABI_DTMF_SIGNALLED; }));
	EXPECT_EQ(ABI_FIELD_LEG, digits([](auto &d) { d.leg = 2; }));
	EXPECT_EQ(1u, refusal.leg);
	EXPECT_EQ(ABI_FIELD_LEG, digits([](auto &) {}, 1));
	EXPECT_EQ(ABI_FIELD_STATE, digits([](auto &) {}, 2));
}

TEST_F(Transcode, Prompts)
{
	EXPECT_EQ(ABI_FIELD_NONE, play([](auto &) {}));
	EXPECT_EQ(ABI_FIELD_LEG, play([](auto &p) { p.leg = 2; }));
	EXPECT_EQ(ABI_FIELD_LEG, play([](auto &) {}, 1));
	EXPECT_EQ(ABI_FIELD_PLAY, play([](auto &p) { p.kind = 0; }));
	EXPECT_EQ(ABI_FIELD_PLAY, play([](auto &p) { p.kind = 3; }));
	EXPECT_EQ(ABI_FIELD_NONE, play([](auto &p) { p.flags = ABI_PLAY_MIX; }));
	EXPECT_EQ(ABI_FIELD_PLAY, play([](auto &p) { p.flags = 2; }));
	EXPECT_EQ(ABI_FIELD_PLAY, play([](auto &p) { p.tones = 1; }));
	EXPECT_EQ(ABI_FIELD_PLAY, play([](auto &p) { p.tone[3].off_ms = 1; }));
	EXPECT_EQ(ABI_FIELD_PLAY, play([](auto &p) { p.volume = 10; }));
	EXPECT_EQ(ABI_FIELD_RESERVED, play([](auto &p) { p.reserved[14] = 1; }));
}

TEST_F(Transcode, NamesOfFiles)
{
	for (const char *name : {"a", "busy.wav", "en/US/busy_1.wav", "a-b..c"})
		EXPECT_EQ(ABI_FIELD_NONE, play([&](auto &p) {
			memset(p.file, 0, sizeof(p.file));
			strcpy(p.file, name);
		})) << name;
	for (const char *name : {"", "/etc/passwd", "../x.wav", "a/../b", "a/..", ".hidden", "a//b",
		     "a/", "a b", "a\\b", "a\nb", "\xc3\xa9", "~x", "a/./b"})
		EXPECT_EQ(ABI_FIELD_FILE, play([&](auto &p) {
			memset(p.file, 0, sizeof(p.file));
			strcpy(p.file, name);
		})) << name;
	EXPECT_EQ(ABI_FIELD_FILE, play([](auto &p) { memset(p.file, 'a', sizeof(p.file)); }));
	EXPECT_EQ(ABI_FIELD_FILE, play([](auto &p) { p.file[100] = 'a'; })); // behind the NUL
}

TEST_F(Transcode, Tones)
{
	EXPECT_EQ(ABI_FIELD_NONE, tone([](auto &) {}));
	EXPECT_EQ(ABI_FIELD_NONE, tone([](auto &p) {
		p.tones = 1;
		p.tone[0] = {{425, 0}, 0, 0};
		p.tone[1] = {};
	}));
	EXPECT_EQ(ABI_FIELD_PLAY, tone([](auto &p) { p.tones = 0; }));
	EXPECT_EQ(ABI_FIELD_PLAY, tone([](auto &p) { p.tones = 5; }));
	EXPECT_EQ(ABI_FIELD_PLAY, tone([](auto &p) { p.tone[0].hz[0] = 0; }));
	EXPECT_EQ(ABI_FIELD_PLAY, tone([](auto &p) { p.tone[0].hz[0] = 3401; }));
	EXPECT_EQ(ABI_FIELD_PLAY, tone([](auto &p) { p.tone[1].hz[1] = 19; }));
	EXPECT_EQ(ABI_FIELD_PLAY, tone([](auto &p) { p.tone[1].on_ms = 0; }));
	EXPECT_EQ(ABI_FIELD_PLAY, tone([](auto &p) { strcpy(p.file, "x"); }));
	EXPECT_EQ(ABI_FIELD_PLAY, tone([](auto &p) { p.volume = 64; }));
	EXPECT_EQ(ABI_FIELD_RESERVED, tone([](auto &p) { p.tone[2].hz[0] = 400; }));
}

TEST_F(Transcode, StopsOfPrompts)
{
	abi_play_stop s = {};

	EXPECT_EQ(ABI_FIELD_NONE, says(ABI_PLAY_STOP, s));
	s.leg = 2;
	EXPECT_EQ(ABI_FIELD_LEG, says(ABI_PLAY_STOP, s));
	s.leg = 1;
	s.reserved[2] = 1;
	EXPECT_EQ(ABI_FIELD_RESERVED, says(ABI_PLAY_STOP, s));
}

TEST_F(Transcode, Recordings)
{
	abi_record_stop stop = {};

	EXPECT_EQ(ABI_FIELD_NONE, record([](auto &) {}));
	EXPECT_EQ(ABI_FIELD_NONE, record([](auto &r) {
		r.kind = ABI_RECORD_PCAP;
		r.codec[0][0] = {};
	}));
	EXPECT_EQ(ABI_FIELD_LEG, record([](auto &r) { r.legs = 0; }));
	EXPECT_EQ(ABI_FIELD_LEG, record([](auto &r) { r.legs = 4; }));
	EXPECT_EQ(ABI_FIELD_LEG, record([](auto &) {}, 1));
	EXPECT_EQ(ABI_FIELD_RECORD, record([](auto &r) { r.kind = 0; }));
	EXPECT_EQ(ABI_FIELD_RECORD, record([](auto &r) { r.kind = ABI_RECORD_PCAP; }));
	EXPECT_EQ(ABI_FIELD_RECORD, record([](auto &r) { r.khz = 48; }));
	EXPECT_EQ(ABI_FIELD_CODEC, record([](auto &r) { r.codec[1][2].type = 1; }));
	EXPECT_EQ(ABI_FIELD_CODEC, record([](auto &r) { r.codec[0][0].codec = ABI_CODECS; }));
	EXPECT_EQ(ABI_FIELD_CODEC, record([](auto &r) { r.codec[0][0].type = 128; }));
	EXPECT_EQ(ABI_FIELD_CODEC, record([](auto &r) { r.codec[0][0].khz = 16; }));
	EXPECT_EQ(ABI_FIELD_FILE, record([](auto &r) { strcpy(r.file, "../x"); }));
	EXPECT_EQ(ABI_FIELD_RESERVED, record([](auto &r) { r.reserved2[0] = 1; }));
	EXPECT_EQ(ABI_FIELD_RESERVED, record([](auto &r) { r.reserved1 = 1; }));
	EXPECT_EQ(ABI_FIELD_NONE, says(ABI_RECORD_STOP, stop));
	stop.reserved = 1;
	EXPECT_EQ(ABI_FIELD_RESERVED, says(ABI_RECORD_STOP, stop));
}
