// SPDX-License-Identifier: BSD-3-Clause
// RFC 4028 by what goes over the wire.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "sip/session_timer.h"

namespace
{

struct Parsed {
	std::string bytes;
	sip_message m;

	explicit Parsed(const std::string &start, const std::string &lines)
	    : bytes(start +
		      "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
		      "<sip:c@d>\r\n"
		      "Call-ID: x\r\nCSeq: 1 INVITE\r\n" +
		      lines + "\r\n")
	{
		EXPECT_EQ(sip_message_index(&m, reinterpret_cast<const uint8_t *>(bytes.data()),
				  bytes.size()),
			0);
	}
};

Parsed request(const std::string &lines)
{
	return Parsed("INVITE sip:c@d SIP/2.0", lines);
}

Parsed response(int status, const std::string &lines)
{
	return Parsed("SIP/2.0 " + std::to_string(status) + " x", lines);
}

struct SessionTimer : testing::Test {
	sip_session_timer t;
	char buffer[512];

	void SetUp() override
	{
		sip_st_init(&t, 1800, 90);
	}

	template <typename F> std::string written(F write)
	{
		struct sip_build b = sip_build(buffer, sizeof(buffer));
		write(&b);
		EXPECT_EQ(sip_build_check(&b), 0);
		return std::string(buffer, b.n);
	}

	std::string answer()
	{
		return written([&](struct sip_build *b) { sip_st_answer(&t, b); });
	}

	std::string offer()
	{
		return written([&](struct sip_build *b) { sip_st_offer(&t, b); });
	}

	void due(sip_st_due what, uint32_t when)
	{
		uint32_t seconds;
		EXPECT_EQ(sip_st_next(&t, &seconds), what);
		EXPECT_EQ(seconds, when);
	}
};

TEST_F(SessionTimer, TheCallerThatAskedRefreshes)
{
	Parsed r = request("Supported: timer\r\nSession-Expires: 600\r\n");
	EXPECT_EQ(sip_st_request(&t, &r.m), 0);
	EXPECT_EQ(answer(), "Require: timer\r\nSession-Expires: 600;refresher=uac\r\n");
	due(SIP_ST_EXPIRE, 600 - 32);
}

TEST_F(SessionTimer, TheCallersChoiceOfRefresherHolds)
{
	Parsed r = request("k: timer\r\nx: 600;refresher=uas\r\n"); // compact forms
	EXPECT_EQ(sip_st_request(&t, &r.m), 0);
	EXPECT_EQ(answer(), "Session-Expires: 600;refresher=uas\r\n");
	due(SIP_ST_REFRESH, 300);
}

TEST_F(SessionTimer, ACallerThatDoesNotKnowItIsRefreshedByUs)
{
	Parsed r = request("");
	EXPECT_EQ(sip_st_request(&t, &r.m), 0);
	EXPECT_EQ(answer(), ""); // it would not understand, and needs not
	due(SIP_ST_REFRESH, 900);
}

TEST_F(SessionTimer, TooShortIsRefusedWithWhatWouldDo)
{
	sip_st_init(&t, 1800, 300);
	Parsed r = request("Supported: timer\r\nSession-Expires: 120\r\n");
	EXPECT_EQ(sip_st_request(&t, &r.m), 422);
	EXPECT_EQ(written([&](struct sip_build *b) { sip_st_refuse(&t, b); }), "Min-SE: 300\r\n");
	// A proxy wrote it for a caller that knows nothing of timers: 422 would end the call.
	Parsed old = request("Session-Expires: 120\r\n");
	EXPECT_EQ(sip_st_request(&t, &old.m), 0);
	EXPECT_EQ(answer(), "");
	due(SIP_ST_REFRESH, 150);
}

TEST_F(SessionTimer, NotBelowTheCallersMinimum)
{
	sip_st_init(&t, 200, 90);
	Parsed r = request("Supported: timer\r\nSession-Expires: 1000\r\nMin-SE: 500\r\n");
	EXPECT_EQ(sip_st_request(&t, &r.m), 0);
	EXPECT_EQ(answer(), "Require: timer\r\nSession-Expires: 500;refresher=uac\r\n");
}

TEST_F(SessionTimer, NobodyWishesSoNoneRuns)
{
	sip_st_init(&t, 0, 90);
	Parsed r = request("Supported: timer\r\n");
	EXPECT_EQ(sip_st_request(&t, &r.m), 0);
	EXPECT_EQ(answer(), "");
	due(SIP_ST_NOTHING, 0);
	EXPECT_EQ(offer(), "");
}

TEST_F(SessionTimer, NumbersThatCannotBeReadAreBadRequests)
{
	for (const char *bad :
		{"Session-Expires: soon\r\n", "Min-SE: -1\r\n", "x: 99999999999\r\n"}) {
		Parsed r = request(bad);
		EXPECT_EQ(sip_st_request(&t, &r.m), 400) << bad;
	}
}

TEST_F(SessionTimer, AsCallerWeTakeWhatIsAnswered)
{
	EXPECT_EQ(offer(), "Session-Expires: 1800\r\n");
	Parsed ok = response(200, "Require: timer\r\nSession-Expires: 900;refresher=uac\r\n");
	EXPECT_EQ(sip_st_response(&t, &ok.m), 0);
	due(SIP_ST_REFRESH, 450);
	EXPECT_EQ(offer(), "Session-Expires: 900;refresher=uac\r\n"); // the refresh keeps the roles
	Parsed theirs = response(200, "Session-Expires: 90;refresher=uas\r\n");
	EXPECT_EQ(sip_st_response(&t, &theirs.m), 0);
	due(SIP_ST_EXPIRE, 60);
	EXPECT_EQ(offer(), "Session-Expires: 90;refresher=uas\r\n");
}

TEST_F(SessionTimer, A422IsMetOnceAndNotForever)
{
	Parsed small = response(422, "Min-SE: 3600\r\n");
	EXPECT_EQ(sip_st_response(&t, &small.m), 1);
	EXPECT_EQ(offer(), "Session-Expires: 3600\r\nMin-SE: 3600\r\n");
	EXPECT_EQ(sip_st_response(&t, &small.m), -EBADMSG);
	for (const char *bad : {"", "Min-SE: 10\r\n", "Min-SE: 4000000000\r\n"}) {
		sip_st_init(&t, 1800, 90);
		Parsed r = response(422, bad);
		EXPECT_EQ(sip_st_response(&t, &r.m), -EBADMSG) << bad;
	}
}

TEST_F(SessionTimer, ACalleeThatDoesNotKnowItIsRefreshedByUs)
{
	Parsed ok = response(200, "");
	EXPECT_EQ(sip_st_response(&t, &ok.m), 0);
	due(SIP_ST_REFRESH, 900);
	Parsed busy = response(486, "");
	EXPECT_EQ(sip_st_response(&t, &busy.m), 0);
	due(SIP_ST_REFRESH, 900);
}

} // namespace
