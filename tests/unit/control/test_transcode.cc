// SPDX-License-Identifier: BSD-3-Clause
//
// Calls that hawse-media looks into: codecs that are made into each other, digits of every kind, fax, music, recordings.
#include "world.h"

extern "C" {
#include "controlplane/call/codecs.h"
#include "controlplane/call/dtmf.h"
}

namespace control
{

static const char *const kMedia = R"(
media:
  a: {device: a0, address: [10.1.0.1], ports: 20000-20999}
  b: {device: b0, address: [10.2.0.1], ports: 20000-20999}
sip:
  listen: [udp:10.1.0.1, udp:10.2.0.1]
recordings: /var/lib/hawse/recordings
peers:
  office: {kind: trunk, address: 10.1.0.2, media: a%s}
  carrier: {kind: trunk, address: 10.2.0.2, media: b%s}
  backup: {kind: trunk, address: 10.2.0.3, media: b}
routes:
  - {from: office, to: [carrier, backup]}
  - {from: carrier, to: [office]}
)";

const char OPUS[] = "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n"
		    "a=rtpmap:110 telephone-event/48000\r\n";
const char EVENTS[] = "a=rtpmap:101 telephone-event/8000\r\n";

struct Transcoding : World {
	Party a{*this, "caller", "10.1.0.2", 0}, b{*this, "callee", "10.2.0.2", 1};
	Party b2{*this, "callee", "10.2.0.3", 1};
	std::string of_office, of_carrier;

	void SetUp() override
	{
		ASSERT_EQ(sip_init(), 0);
		for (unsigned c = 1; c < ABI_CODECS; c++)
			codecs |= 1ull << c;
	}
	void begin(const char *office = "", const char *carrier = "")
	{
		start(format(kMedia, office, carrier).c_str());
		speaks(a, "111 110", OPUS);
		speaks(b, "8 101", EVENTS);
	}
	static void speaks(Party &p, const char *types, const char *lines)
	{
		p.sdp.codecs = types;
		p.sdp.attributes = lines;
	}
	void call()
	{
		a.call("+49301", a.sdp.text());
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, 200, "OK", b.sdp.text());
		Msg ok = a.expect(200);
		a.learn(ok);
		answered = ok.body();
		b.expect("ACK");
		a.ack();
	}
	void reinvite(Party &x, Party &y)
	{
		x.sdp.version++;
		y.sdp.version++;
		x.request("INVITE", x.sdp.text());
		Msg i = y.expect("INVITE");
		offered = i.body();
		y.respond(i, 200, "OK", y.sdp.text());
		answered = x.expect(200).body();
		y.expect("ACK");
		x.ack();
	}
	void hang_up()
	{
		a.request("BYE");
		a.expect(200);
		b.respond(b.expect("BYE"), 200, "OK");
		advance(1000);
	}
	const abi_leg_plan &leg(int i)
	{
		return media.only().plan.leg[i];
	}
	const abi_codec_terms &terms(int i)
	{
		return media.only().plan.terms[i];
	}
	void event(uint16_t type, const void *payload, size_t n)
	{
		abi_msg m;

		abi_msg_init(&m, type, 0, media.sessions.begin()->first, media.only().generation);
		memcpy(m.payload, payload, n);
		EXPECT_TRUE(cp_shard_event(shard, &m));
		pump();
	}
	void digit(uint8_t from, uint8_t d, uint16_t ms)
	{
		abi_event_dtmf e{};

		e.leg = from;
		e.digit = d;
		e.duration_ms = ms;
		e.how = ABI_DTMF_EVENT;
		event(ABI_DTMF, &e, sizeof(e));
	}
	template <typename T> T last(uint16_t type)
	{
		T out{};

		for (const abi_msg &m : media.commands)
			if (m.type == type)
				memcpy(&out, m.payload, sizeof(out));
		return out;
	}

	std::string offered, answered;
};

TEST_F(Transcoding, PartiesWithoutACommonCodecTalk)
{
	begin();
	call();
	EXPECT_NE(answered.find("RTP/AVP 111 110\r\n"), std::string::npos) << answered;
	EXPECT_EQ(leg(0).codec, ABI_CODEC_OPUS);
	EXPECT_EQ(leg(0).codec_type, 111);
	EXPECT_EQ(leg(0).ptime_ms, 20);
	EXPECT_EQ(leg(0).dtmf_type, 110);
	EXPECT_EQ(terms(0).type_in, 111);
	EXPECT_EQ(terms(0).dtmf, ABI_DTMF_EVENT);
	EXPECT_EQ(terms(0).dtmf_khz, 48);
	EXPECT_EQ(terms(0).flags, ABI_CODEC_FEC);
	EXPECT_EQ(leg(1).codec, ABI_CODEC_PCMA);
	EXPECT_EQ(leg(1).codec_type, 8);
	EXPECT_EQ(terms(1).dtmf_out, 101);
	EXPECT_EQ(terms(1).dtmf_khz, 8);
	EXPECT_EQ(leg(0).pt_maps + leg(1).pt_maps, 0);

	const abi_call *c = cp_tregion_call(tregion, 0);

	EXPECT_STREQ(c->codec, "opus/48000");
	EXPECT_STREQ(c->far_codec, "PCMA/8000");
	hang_up();
	ASSERT_EQ(cdrs.size(), 2u);
	for (const std::string &cdr : cdrs) {
		EXPECT_NE(cdr.find("\"transcoded\":true,\"codec_why\":\"opus -> PCMA: callee has no opus\""),
			std::string::npos) << cdr;
		EXPECT_NE(cdr.find(cdr.find("\"leg\":\"a\"") != std::string::npos
					   ? "\"codec\":\"opus/48000\""
					   : "\"codec\":\"PCMA/8000\""), std::string::npos);
	}
}

TEST_F(Transcoding, WhatBothHaveIsRelayed)
{
	begin();
	speaks(a, "111 8 101", "a=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n");
	call();
	EXPECT_EQ(leg(0).codec, ABI_CODEC_NONE);
	EXPECT_NE(answered.find("RTP/AVP 8 101\r\n"), std::string::npos) << answered;
	hang_up();
	EXPECT_NE(cdrs[0].find("\"transcoded\":false,\"codec_why\":\"PCMA both\""),
		std::string::npos) << cdrs[0];
}

TEST_F(Transcoding, WithoutATranscoderItIsAsItEverWas)
{
	codecs = 0;
	begin("", ", failover: [488]");
	a.call("+49301", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	EXPECT_NE(i.body().find("RTP/AVP 111 110\r\n"), std::string::npos) << i.body();
	b.respond(i, 488, "Not Acceptable Here");
	b.expect("ACK");
	i = b2.expect_invite(); // the next target may have it
	EXPECT_NE(i.body().find("RTP/AVP 111 110\r\n"), std::string::npos) << i.body();
	b2.respond(i, 488, "Not Acceptable Here");
	b2.expect("ACK");
	a.ack_failure(a.expect(488));
}

TEST_F(Transcoding, AFullTranscoderRefusesTheCallWithAWarning)
{
	begin();
	media.fail[ABI_SESSION_ADD] = {-ENOSPC};
	a.call("+49301", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 200, "OK", b.sdp.text());
	Msg no = a.expect(488);
	EXPECT_EQ(no.header("Warning").substr(0, 10), "305 hawse ");
	a.ack_failure(no);
	b.expect("ACK");
	b.respond(b.expect("BYE"), 200, "OK");
}

TEST_F(Transcoding, ChangesGoIntoItAndOutOfItAndHoldKeepsIt)
{
	begin();
	call();
	a.sdp.direction = "sendonly";
	b.sdp.direction = "recvonly";
	reinvite(a, b);
	EXPECT_EQ(leg(0).codec, ABI_CODEC_OPUS);
	EXPECT_EQ(leg(1).codec, ABI_CODEC_PCMA);
	a.sdp.direction = b.sdp.direction = "";
	speaks(a, "8 101", EVENTS);
	reinvite(a, b);
	EXPECT_EQ(leg(0).codec, ABI_CODEC_NONE);
	EXPECT_STREQ(cp_tregion_call(tregion, 0)->far_codec, "");
	speaks(b, "18", "");
	reinvite(b, a);
	EXPECT_EQ(leg(0).codec, ABI_CODEC_PCMA);
	EXPECT_EQ(leg(1).codec, ABI_CODEC_G729);
	hang_up();
}

TEST_F(Transcoding, ARefusedChangeLeavesTheCallAndPutsTheOtherSideBack)
{
	begin();
	speaks(a, "8 101", EVENTS);
	call();
	media.fail[ABI_SESSION_UPDATE] = {-ENOSPC};
	speaks(a, "111", OPUS);
	a.sdp.version++;
	a.request("INVITE", a.sdp.text());
	Msg i = b.expect("INVITE");
	b.respond(i, 200, "OK", b.sdp.text());
	Msg no = a.expect(488);
	EXPECT_EQ(no.header("Warning").substr(0, 10), "305 hawse ");
	a.ack_failure(no);
	b.expect("ACK");
	// It had taken the new offer: it gets the old one again.
	i = b.expect("INVITE");
	EXPECT_NE(i.body().find("RTP/AVP 8 "), std::string::npos) << i.body();
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	EXPECT_EQ(leg(0).codec, ABI_CODEC_NONE);
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	hang_up();
}

// ---- digits

TEST_F(Transcoding, InfoBecomesAnEvent)
{
	begin();
	speaks(a, "8", "");
	speaks(b, "8 101", EVENTS);
	call();
	// A trunk that has telephone-event by its SDP and a party that has not: nothing is looked into ...
	EXPECT_EQ(leg(0).codec, ABI_CODEC_NONE);
	a.request("INFO", "Signal=5\r\nDuration=250\r\n", "", "application/dtmf-relay");
	b.respond(b.expect("INFO"), 200, "OK"); // ... and INFO goes over, as the callee was not offered events
	a.expect(200);
	hang_up();
}

TEST_F(Transcoding, InfoOfACallerBecomesAnEventWhereTheCalleeHasThem)
{
	begin();
	speaks(a, "8 101", EVENTS);
	call();
	a.request("INFO", "Signal=5\r\nDuration=250\r\n", "", "application/dtmf-relay");
	a.expect(200);
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_EQ(leg(0).codec, ABI_CODEC_PCMA); // from now on
	abi_dtmf_send d = last<abi_dtmf_send>(ABI_DTMF_SEND);
	EXPECT_EQ(d.leg, 1);
	EXPECT_EQ(d.count, 1);
	EXPECT_EQ(d.digit[0], 5);
	EXPECT_EQ(d.duration_ms, 250);
	b.request("INFO", "#\r\n", "", "application/dtmf");
	b.expect(200);
	d = last<abi_dtmf_send>(ABI_DTMF_SEND);
	EXPECT_EQ(d.leg, 0);
	EXPECT_EQ(d.digit[0], 11);
	a.request("INFO", "Signal=Z\r\n", "", "application/dtmf-relay");
	Msg no = a.expect(415);
	EXPECT_EQ(no.header("Accept"), "application/dtmf-relay, application/dtmf");
	hang_up();
}

TEST_F(Transcoding, AnInfoPeerGetsDigitsByInfoInTheirOrder)
{
	begin(", dtmf: info", "");
	speaks(a, "8", "");
	call();
	EXPECT_EQ(terms(0).dtmf, ABI_DTMF_SIGNALLED);
	EXPECT_EQ(terms(1).dtmf, ABI_DTMF_EVENT);
	digit(1, 10, 120);
	digit(1, 3, 80);
	Msg i = a.expect("INFO");
	EXPECT_EQ(i.header("Content-Type"), "application/dtmf-relay");
	EXPECT_EQ(i.body(), "Signal=*\r\nDuration=120\r\n");
	EXPECT_TRUE(quiet(a.addr)); // one at a time
	a.respond(i, 200, "OK");
	i = a.expect("INFO");
	EXPECT_EQ(i.body(), "Signal=3\r\nDuration=80\r\n");
	a.respond(i, 415, "No"); // is nothing to end a call for
	a.request("INFO", "1", "", "application/dtmf");
	a.expect(200);
	EXPECT_EQ(last<abi_dtmf_send>(ABI_DTMF_SEND).digit[0], 1);
	digit(1, 4, 80);
	i = a.expect("INFO"); // as it sends them itself
	EXPECT_EQ(i.header("Content-Type"), "application/dtmf");
	EXPECT_EQ(i.body(), "4\r\n");
	a.respond(i, 200, "OK");
	hang_up();
}

TEST_F(Transcoding, AnInbandPeerGetsTones)
{
	begin("", ", dtmf: inband");
	speaks(a, "8 101", EVENTS);
	speaks(b, "8", "");
	call();
	EXPECT_NE(answered.find("RTP/AVP 8 101\r\n"), std::string::npos) << answered;
	EXPECT_EQ(leg(0).codec, ABI_CODEC_PCMA);
	EXPECT_EQ(leg(1).codec, ABI_CODEC_PCMA);
	EXPECT_EQ(terms(0).dtmf, ABI_DTMF_EVENT);
	EXPECT_EQ(terms(1).dtmf, ABI_DTMF_INBAND);
	EXPECT_EQ(leg(1).dtmf_type, 255);
	hang_up();
}

TEST(Dtmf, Bodies)
{
	const struct {
		enum cp_dtmf_body kind;
		const char *text;
		int digit, ms; // -1: refused
	} rows[] = {
		{CP_DTMF_RELAY, "Signal=5\r\nDuration=160\r\n", 5, 160},
		{CP_DTMF_RELAY, "Signal= *\r\nDuration= 2000", 10, 2000},
		{CP_DTMF_RELAY, "signal=#\nduration=1\n", 11, 40},
		{CP_DTMF_RELAY, "Signal=d\r\n", 15, 160},
		{CP_DTMF_RELAY, "Signal=11\r\n", 11, 160},
		{CP_DTMF_RELAY, "Signal=flash\r\nDuration=99999\r\n", 16, 10000},
		{CP_DTMF_RELAY, "Signal=!\r\nVolume=10\r\n", 16, 160},
		{CP_DTMF_RELAY, "Duration=160\r\n", -1, 0},
		{CP_DTMF_RELAY, "Signal=\r\n", -1, 0},
		{CP_DTMF_RELAY, "Signal=17\r\n", -1, 0},
		{CP_DTMF_RELAY, "Signal=5\r\nDuration=long\r\n", -1, 0},
		{CP_DTMF_RELAY, "5", -1, 0},
		{CP_DTMF_PLAIN, "5", 5, 160},
		{CP_DTMF_PLAIN, " A \r\n", 12, 160},
		{CP_DTMF_PLAIN, "Signal=7\r\nDuration=90\r\n", 7, 90},
		{CP_DTMF_PLAIN, "hello", -1, 0},
		{CP_DTMF_PLAIN, "5\r\n6\r\n", -1, 0},
		{CP_DTMF_PLAIN, "", -1, 0},
	};

	for (const auto &row : rows) {
		cp_digit d{};
		int err = cp_dtmf_parse(row.kind, sip_str(row.text), &d);

		EXPECT_EQ(err, row.digit < 0 ? -EBADMSG : 0) << row.text;
		if (!err) {
			EXPECT_EQ(d.digit, row.digit) << row.text;
			EXPECT_EQ(d.duration_ms, row.ms) << row.text;
		}
	}
}

TEST_F(Transcoding, ACalleeThatPrefersWhatWasAddedIsAskedForTheCommonCodec)
{
	begin();
	speaks(b, "8 111 101 110", (std::string(OPUS) + EVENTS).c_str());
	call();
	EXPECT_EQ(leg(1).codec, 0) << "both have opus";
	Msg i = b.expect("INVITE");
	EXPECT_NE(i.body().find("RTP/AVP 111 110\r\n"), std::string::npos) << i.body();
	speaks(b, "111 110", OPUS);
	b.sdp.version++;
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	advance(5000);
	EXPECT_TRUE(quiet(b.addr) && quiet(a.addr));
	hang_up();
}

// ---- silence

TEST_F(Transcoding, SilenceOfAmrIsComfortNoise)
{
	begin();
	speaks(a, "106", "a=rtpmap:106 AMR-WB/16000\r\na=fmtp:106 octet-align=1\r\n");
	speaks(b, "8 13", "");
	call();
	EXPECT_EQ(leg(0).codec, ABI_CODEC_AMR_WB);
	EXPECT_TRUE(terms(0).flags & ABI_CODEC_DTX);
	EXPECT_EQ(terms(0).cn_type, 0);
	EXPECT_EQ(terms(1).cn_type, 13);
	EXPECT_TRUE(terms(1).flags & ABI_CODEC_DTX);
	hang_up();
}

TEST_F(Transcoding, WhoNeverFallsSilentIsHeardToTheLastBit)
{
	begin();
	speaks(a, "106", "a=rtpmap:106 AMR-WB/16000\r\na=fmtp:106 octet-align=1\r\n");
	speaks(b, "8", "");
	call();
	EXPECT_FALSE(terms(0).flags & ABI_CODEC_DTX);
	EXPECT_FALSE(terms(1).flags & ABI_CODEC_DTX);
	EXPECT_EQ(terms(1).cn_type, 0);
	hang_up();
}

// ---- fax

std::string t38(const Party &p)
{
	return format("v=0\r\no=- 4711%d 9 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
		      "m=image %d udptl t38\r\na=T38FaxVersion:0\r\n",
		p.sdp.port, p.ip.c_str(), p.ip.c_str(), p.sdp.port);
}

TEST_F(Transcoding, FaxIsPassedThroughAndFallsBack)
{
	begin();
	speaks(a, "8 101", EVENTS);
	call();
	b.request("INVITE", t38(b));
	Msg i = a.expect("INVITE");
	EXPECT_NE(i.body().find("m=image 20000 udptl t38\r\n"), std::string::npos) << i.body();
	a.respond(i, 200, "OK", t38(a));
	EXPECT_NE(b.expect(200).body().find("m=image "), std::string::npos);
	a.expect("ACK");
	b.ack();
	for (int k = 0; k < 2; k++) {
		EXPECT_TRUE(leg(k).flags & ABI_LEG_UDPTL);
		EXPECT_TRUE(leg(k).flags & ABI_LEG_SEND);
		EXPECT_FALSE(leg(k).flags & ABI_LEG_RTCP);
		EXPECT_EQ(leg(k).payload_types[0], 0u);
	}
	EXPECT_STREQ(cp_tregion_call(tregion, 0)->codec, "t38");
	reinvite(a, b);
	EXPECT_FALSE(leg(0).flags & ABI_LEG_UDPTL);
	EXPECT_STREQ(cp_tregion_call(tregion, 0)->codec, "PCMA/8000");
	hang_up();
}

struct FaxGateway : Transcoding {
	void fax(uint8_t from, abi_fax_news news, uint16_t pages = 0)
	{
		abi_event_fax e{};

		e.leg = from;
		e.news = news;
		e.pages = pages;
		event(ABI_FAX, &e, sizeof(e));
	}
	void up()
	{
		begin(", t38: gateway");
		speaks(a, "8 101", EVENTS);
		call();
	}
	void expect_gateway()
	{
		EXPECT_TRUE(leg(1).flags & ABI_LEG_UDPTL);
		EXPECT_TRUE(leg(1).flags & ABI_LEG_FAX_REPORT);
		EXPECT_EQ(leg(1).codec, 0);
		EXPECT_FALSE(leg(0).flags & ABI_LEG_UDPTL);
		EXPECT_EQ(leg(0).codec, ABI_CODEC_PCMA);
		EXPECT_EQ(leg(0).dtmf_type, 255);
		abi_fax_terms t;
		memcpy(&t, &terms(1), sizeof(t));
		EXPECT_EQ(t.flags, ABI_FAX_TRANSFERRED_TCF);
		EXPECT_EQ(t.redundancy, 3);
		EXPECT_EQ(t.max_datagram, 400);
		EXPECT_STREQ(cp_tregion_call(tregion, 0)->far_codec, "t38");
		EXPECT_STREQ(cp_tregion_call(tregion, 0)->codec, "PCMA/8000");
	}
};

TEST_F(FaxGateway, T38OfOneSideIsAudioOfTheOther)
{
	up();
	EXPECT_TRUE(leg(0).flags & ABI_LEG_FAX_REPORT) << "fax machines are listened for";
	b.request("INVITE", t38(b));
	Msg i = a.expect("INVITE");
	EXPECT_NE(i.body().find("m=audio 20000 RTP/AVP 8 0\r\n"), std::string::npos) << i.body();
	a.respond(i, 200, "OK", a.sdp.text());
	EXPECT_NE(b.expect(200).body().find("m=image "), std::string::npos);
	a.expect("ACK");
	b.ack();
	expect_gateway();
	fax(1, ABI_FAX_OVER, 2);
	advance(5000);
	EXPECT_TRUE(quiet(b.addr)) << "who changed by itself changes back by itself";
	hang_up();
	for (const std::string &line : cdrs)
		EXPECT_NE(line.find("\"fax\":\"gateway\",\"fax_pages\":2"), std::string::npos) << line;
}

TEST_F(FaxGateway, WhoIsHeardIsMadeIntoT38AndAudioAgain)
{
	up();
	fax(0, ABI_FAX_ANSWERS);
	Msg i = b.expect("INVITE");
	EXPECT_NE(i.body().find("m=image 20002 udptl t38\r\n"), std::string::npos) << i.body();
	EXPECT_TRUE(quiet(a.addr));
	b.respond(i, 200, "OK", t38(b));
	b.expect("ACK");
	expect_gateway();
	// The other side refreshes its audio: nothing changes.
	a.sdp.version++;
	a.request("INVITE", a.sdp.text());
	i = b.expect("INVITE");
	EXPECT_NE(i.body().find("m=image 20002 udptl t38\r\n"), std::string::npos) << i.body();
	b.respond(i, 200, "OK", t38(b));
	EXPECT_NE(a.expect(200).body().find("m=audio 20000 RTP/AVP 8"), std::string::npos);
	b.expect("ACK");
	a.ack();
	expect_gateway();
	fax(1, ABI_FAX_OVER, 1);
	EXPECT_TRUE(quiet(b.addr));
	advance(2500);
	i = b.expect("INVITE");
	b.sent_again("INVITE");
	EXPECT_NE(i.body().find("m=audio 20002 RTP/AVP 8"), std::string::npos) << i.body();
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	EXPECT_FALSE(leg(1).flags & ABI_LEG_UDPTL);
	hang_up();
}

TEST_F(FaxGateway, RefusedFaxGoesOnAsAudio)
{
	up();
	abi_session_plan before = media.only().plan;
	fax(1, ABI_FAX_CALLS);
	Msg i = b.expect("INVITE");
	b.respond(i, 491, "Request Pending");
	b.expect("ACK");
	advance(5000);
	i = b.expect("INVITE"); // once more, after a glare
	b.sent_again("INVITE");
	b.respond(i, 488, "Not Acceptable Here");
	b.expect("ACK");
	EXPECT_EQ(memcmp(&media.only().plan, &before, sizeof(before)), 0);
	fax(0, ABI_FAX_ANSWERS);
	advance(5000);
	EXPECT_TRUE(quiet(b.addr)) << "it has said no";
	hang_up();
}

TEST_F(FaxGateway, AnAnswerWithPort0IsARefusal)
{
	up();
	fax(0, ABI_FAX_ANSWERS);
	Msg i = b.expect("INVITE");
	std::string none = t38(b);
	none.replace(none.find("m=image "), none.find(" udptl") - none.find("m=image "), "m=image 0");
	b.respond(i, 200, "OK", none);
	b.expect("ACK");
	i = b.expect("INVITE");
	EXPECT_NE(i.body().find("m=audio 20002 "), std::string::npos) << i.body();
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	EXPECT_FALSE(leg(1).flags & ABI_LEG_UDPTL);
	EXPECT_TRUE(leg(1).flags & ABI_LEG_SEND);
	hang_up();
}

TEST_F(FaxGateway, NoRoomForItLeavesTheCallAsItWas)
{
	up();
	media.fail[ABI_SESSION_UPDATE] = {-ENOSPC};
	fax(0, ABI_FAX_ANSWERS);
	Msg i = b.expect("INVITE");
	b.respond(i, 200, "OK", t38(b));
	b.expect("ACK");
	i = b.expect("INVITE");
	EXPECT_NE(i.body().find("m=audio 20002 "), std::string::npos) << i.body();
	b.respond(i, 200, "OK", b.sdp.text());
	b.expect("ACK");
	EXPECT_EQ(leg(0).codec, 0) << "it is not listened for any more";
	EXPECT_FALSE(leg(1).flags & ABI_LEG_UDPTL);
	hang_up();
}

TEST_F(Transcoding, FaxIsRefusedBySomebodyOrByPolicy)
{
	begin("", ", t38: refuse");
	speaks(a, "8 101", EVENTS);
	call();
	abi_session_plan before = media.only().plan;
	a.request("INVITE", t38(a));
	a.ack_failure(a.expect(488));
	EXPECT_TRUE(quiet(b.addr));
	EXPECT_EQ(memcmp(&media.only().plan, &before, sizeof(before)), 0);
	hang_up();
}

// ---- ringback, announcements, music

static std::string prompts()
{
	static std::string dir;

	if (dir.empty()) {
		char name[] = "/tmp/hawse-control-XXXXXX";

		dir = mkdtemp(name);
		std::string head("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00", 24);
		FILE *f = fopen((dir + "/a.wav").c_str(), "w");
		fwrite(head.data(), 1, head.size(), f);
		fclose(f);
		atexit([] {
			unlink((dir + "/a.wav").c_str());
			rmdir(dir.c_str());
		});
	}
	return dir;
}

struct Prompts : Transcoding {
	void begin_with(const char *office, const char *carrier)
	{
		start(("prompts: " + prompts() + "\n" + format(kMedia, office, carrier)).c_str());
		speaks(a, "8 101", EVENTS);
		speaks(b, "8 101", EVENTS);
	}
	void played(uint32_t id)
	{
		abi_event_play e{};

		e.id = id;
		e.cause = ABI_PLAYED;
		event(ABI_PLAY_DONE, &e, sizeof(e));
	}
};

TEST_F(Prompts, RingbackUntilTheCalleeSpeaks)
{
	begin_with("", ", ringback: tone");
	speaks(b, "0 101", EVENTS); // has no PCMA
	a.call("+49301", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 180, "Ringing");
	std::string said = a.expect(180).body();
	EXPECT_NE(said.find("RTP/AVP 8 101\r\n"), std::string::npos) << said;
	EXPECT_EQ(leg(0).codec, ABI_CODEC_PCMA);
	EXPECT_EQ(leg(1).codec, ABI_CODEC_NONE);
	EXPECT_TRUE(leg(0).flags & ABI_LEG_SEND);
	abi_play p = last<abi_play>(ABI_PLAY);
	EXPECT_EQ(p.leg, 0);
	EXPECT_EQ(p.kind, ABI_PLAY_TONE);
	EXPECT_EQ(p.tone[0].hz[0], 425);
	b.respond(i, 200, "OK", b.sdp.text());
	Msg ok = a.expect(200);
	a.learn(ok);
	EXPECT_EQ(ok.body(), said); // the same to the letter
	b.expect("ACK");
	a.ack();
	EXPECT_EQ(leg(0).codec, ABI_CODEC_PCMA);
	EXPECT_EQ(leg(1).codec, ABI_CODEC_PCMU);
	EXPECT_EQ(last<abi_play_stop>(ABI_PLAY_STOP).id, p.id);
	hang_up();
}

TEST_F(Prompts, EarlyMediaOfTheCalleeNeedsNone)
{
	begin_with("", ", ringback: a.wav");
	a.call("+49301", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 183, "Progress", b.sdp.text());
	EXPECT_NE(a.expect(183).body(), "");
	b.respond(i, 180, "Ringing");
	EXPECT_EQ(a.expect(180).body(), "");
	EXPECT_EQ(media.count(ABI_PLAY), 0u);
	b.respond(i, 200, "OK", b.sdp.text());
	a.learn(a.expect(200));
	b.expect("ACK");
	a.ack();
	hang_up();
}

TEST_F(Prompts, ARefusalIsAnnounced)
{
	begin_with(", announce: {486: a.wav}", "");
	a.call("+49301", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 486, "Busy Here");
	b.expect("ACK");
	Msg early = a.expect(183);
	EXPECT_NE(early.body().find("RTP/AVP 8 101\r\n"), std::string::npos);
	EXPECT_TRUE(quiet(a.addr));
	abi_play p = last<abi_play>(ABI_PLAY);
	EXPECT_STREQ(p.file, "a.wav");
	EXPECT_EQ(p.loops, 1u);
	played(p.id);
	Msg no = a.expect(486);
	EXPECT_EQ(no.start(), "SIP/2.0 486 Busy Here");
	a.ack_failure(no);
}

TEST_F(Prompts, AnAnnouncementThatCannotBePlayedDelaysNothing)
{
	begin_with(", announce: {486: a.wav}", "");
	media.fail[ABI_PLAY] = {-ENOENT};
	a.call("+49301", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 486, "Busy Here");
	b.expect("ACK");
	a.expect(183);
	advance(50);
	a.ack_failure(a.expect(486));
}

TEST_F(Prompts, WhoHangsUpHearsNoMore)
{
	begin_with(", announce: {486: a.wav}", "");
	a.call("+49301", a.sdp.text());
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 486, "Busy Here");
	b.expect("ACK");
	a.expect(183);
	a.cancel();
	a.expect(200, "CANCEL");
	a.ack_failure(a.expect(487));
}

TEST_F(Prompts, MusicPlaysWhileAPeerHolds)
{
	begin_with(", hold_music: a.wav", "");
	call();
	EXPECT_EQ(leg(0).codec, ABI_CODEC_NONE);
	a.sdp.direction = "inactive";
	b.sdp.direction = "recvonly";
	reinvite(a, b);
	EXPECT_NE(offered.find("a=sendonly"), std::string::npos) << offered;
	EXPECT_NE(answered.find("a=inactive"), std::string::npos) << answered;
	abi_play p = last<abi_play>(ABI_PLAY);
	EXPECT_EQ(p.leg, 1);
	EXPECT_EQ(p.loops, 0u);
	EXPECT_EQ(leg(1).codec, ABI_CODEC_PCMA);
	EXPECT_TRUE(leg(1).flags & ABI_LEG_SEND);
	a.sdp.direction = b.sdp.direction = "";
	reinvite(a, b);
	EXPECT_EQ(leg(1).codec, ABI_CODEC_NONE);
	EXPECT_EQ(media.count(ABI_PLAY), 1u);
	hang_up();
}

// ---- recordings

TEST_F(Transcoding, ARuleRecordsAndTheCdrNamesTheFile)
{
	begin("", ", record: wav");
	speaks(a, "8 101", EVENTS);
	call();
	abi_record r = last<abi_record>(ABI_RECORD);
	EXPECT_EQ(r.kind, ABI_RECORD_WAV);
	EXPECT_EQ(r.legs, 3);
	EXPECT_EQ(r.codec[0][0].codec, ABI_CODEC_PCMA);
	EXPECT_EQ(r.codec[1][0].type, 8);
	EXPECT_TRUE(abi_file_name(r.file)) << r.file;
	uint64_t id = cp_tregion_call(tregion, 0)->id;
	EXPECT_EQ(cp_shard_record(shard, id, CFG_RECORD_PCAP), -EALREADY);
	EXPECT_EQ(cp_shard_record(shard, id, CFG_RECORD_NO), 0);
	pump();
	EXPECT_EQ(last<abi_record_stop>(ABI_RECORD_STOP).id, r.id);
	EXPECT_EQ(cp_shard_record(shard, id, CFG_RECORD_NO), -EALREADY);
	EXPECT_EQ(cp_shard_record(shard, id, CFG_RECORD_PCAP), 0);
	pump();
	EXPECT_EQ(cp_shard_record(shard, id + 1, CFG_RECORD_PCAP), -ENOENT);
	hang_up();
	for (const std::string &cdr : cdrs)
		EXPECT_NE(cdr.find("\"recordings\":[\"" + std::string(r.file) + "\",\""),
			std::string::npos) << cdr;
}

TEST_F(Transcoding, ARecordingThatFailsIsNotNamedAndTheCallGoesOn)
{
	begin("", ", record: pcap");
	speaks(a, "8 101", EVENTS);
	media.fail[ABI_RECORD] = {-ENOSPC};
	call();
	EXPECT_EQ(cp_shard_calls(shard), 1u);
	hang_up();
	EXPECT_EQ(cdrs[0].find("recordings"), std::string::npos) << cdrs[0];
}

// ---- the journal

TEST_F(Transcoding, WhatWasTranscodedIsAfterARestart)
{
	begin("", ", record: wav");
	call();
	advance(2000);
	ASSERT_EQ(journal.size(), 1u);
	uint64_t id = journal.begin()->first;
	std::string record = journal.begin()->second;
	cp_shard_free(shard);
	cp_tregion_free(tregion);
	open(format(kMedia, "", ", record: wav").c_str());
	ASSERT_EQ(cp_shard_restore(shard, id, reinterpret_cast<const uint8_t *>(record.data()),
			  record.size(), 0), 0);
	attach_first(0);
	EXPECT_STREQ(cp_tregion_call(tregion, 0)->codec, "opus/48000");
	EXPECT_STREQ(cp_tregion_call(tregion, 0)->far_codec, "PCMA/8000");
	a.branch += 100;
	a.cseq += 100;
	reinvite(a, b);
	EXPECT_EQ(leg(0).codec, ABI_CODEC_OPUS);
	hang_up();
	EXPECT_NE(cdrs[0].find("\"recordings\":[\""), std::string::npos) << cdrs[0];
}

}
