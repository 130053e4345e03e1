// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/feedback.h"

#include <gtest/gtest.h>

#include <string>

namespace
{
const uint64_t SECOND = 1000000;

class Feedback : public testing::Test
{
      protected:
	void SetUp() override
	{
		f = cp_feedback_new(SECOND);
		ASSERT_NE(f, nullptr);
		ASSERT_EQ(0, sip_addr_parse(sip_str("192.0.2.1"), 5060, &flow.remote));
	}
	void TearDown() override
	{
		cp_feedback_free(f);
	}
	std::string sent(const std::string &text)
	{
		struct sip_slice s = cp_feedback_send(
			f, reinterpret_cast<const uint8_t *>(text.data()), text.size());

		return std::string(s.p, s.n);
	}
	void hear(const std::string &via, uint64_t now)
	{
		std::string text =
			"SIP/2.0 200 OK\r\nFrom: <sip:a@b>\r\nv: SIP/2.0/UDP h" + via + "\r\n\r\n";

		cp_feedback_receive(
			f, now, &flow, reinterpret_cast<const uint8_t *>(text.data()), text.size());
	}
	unsigned admitted(uint64_t now)
	{
		unsigned count = 0;

		for (uint32_t lot = 0; lot < 100; lot++)
			count += cp_feedback_admits(f, now, &flow, lot);
		return count;
	}
	struct cp_feedback *f = nullptr;
	struct sip_flow flow = {};
};

const char *const REST = "\r\nVia: SIP/2.0/UDP far;branch=z9hG4bKx\r\nCall-ID: 1\r\n\r\nbody";

TEST_F(Feedback, RequestsOfferIt)
{
	std::string head =
		"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1;rport";

	EXPECT_EQ(sent(head + REST), head + ";oc;oc-algo=\"loss\"" + REST);
	EXPECT_EQ(sent("\r\n\r\n"), "\r\n\r\n");
	EXPECT_EQ(sent("INVITE sip:a@b SIP/2.0"), "INVITE sip:a@b SIP/2.0");
}

TEST_F(Feedback, WhoOffersItIsTold)
{
	std::string head = "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1";
	std::string offer = ";oc;oc-algo=\"rate,loss\"";

	EXPECT_EQ(sent(head + REST), head + REST); // did not offer
	EXPECT_EQ(sent(head + offer + REST),
		head + ";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=1.00000" + REST);
	cp_feedback_window(f, 2 * SECOND + 345670, 60, 40);
	EXPECT_EQ(cp_feedback_loss(f), 40u);
	EXPECT_EQ(sent(head + offer + ";received=192.0.2.9" + REST),
		head +
			";received=192.0.2.9;oc=40;oc-algo=\"loss\";oc-validity=1000;oc-seq=2."
			"34567" +
			REST);
	EXPECT_EQ(sent(head + ";oc, SIP/2.0/UDP far;branch=z9hG4bK2\r\n\r\n"),
		head + ";oc=40;oc-algo=\"loss\";oc-validity=1000;oc-seq=2.34567, "
		       "SIP/2.0/UDP far;branch=z9hG4bK2\r\n\r\n");
	// Another algorithm than ours: no word.
	EXPECT_EQ(sent(head + ";oc;oc-algo=\"rate\"" + REST), head + ";oc;oc-algo=\"rate\"" + REST);
}

TEST_F(Feedback, TheShareFollowsTheLoad)
{
	uint64_t taken = 0, shed = 0, now = SECOND;

	// 400 calls a window offered, 100 can be served; neighbours do as they are told.
	for (unsigned i = 0; i < 20; i++) {
		uint64_t come = 400 * (100 - cp_feedback_loss(f)) / 100;

		taken += come < 105 ? come : 100;
		shed += come < 105 ? 0 : come - 100;
		cp_feedback_window(f, now += SECOND / 2, taken, shed);
		if (i > 2)
			EXPECT_GE(cp_feedback_loss(f), 60u);
		EXPECT_LE(cp_feedback_loss(f), 95u);
	}
	for (unsigned i = 0; i < 20; i++)
		cp_feedback_window(f, now += SECOND / 2, taken += 50, shed);
	EXPECT_EQ(cp_feedback_loss(f), 0u);
	// Counters that begin again, as after a change of limits.
	cp_feedback_window(f, now += SECOND / 2, 90, 10);
	EXPECT_EQ(cp_feedback_loss(f), 10u);
}

TEST_F(Feedback, WhatNeighboursAskForIsDone)
{
	EXPECT_EQ(admitted(SECOND), 100u);
	hear(";branch=z;oc=30;oc-algo=\"loss\";oc-validity=2000;oc-seq=17.5", SECOND);
	EXPECT_EQ(admitted(2 * SECOND), 70u);
	EXPECT_EQ(admitted(4 * SECOND), 100u); // no longer valid
	flow.remote.port++;
	EXPECT_EQ(admitted(2 * SECOND), 100u); // another neighbour
}

TEST_F(Feedback, OlderWordsDoNotCountAndZeroEndsIt)
{
	hear(";oc=30;oc-algo=\"loss\";oc-seq=17.5", SECOND);
	hear(";oc=90;oc-algo=\"loss\";oc-seq=17.49999", SECOND);
	EXPECT_EQ(admitted(SECOND + 1), 70u);
	EXPECT_EQ(admitted(SECOND + 500001), 100u); // 500 ms when it does not say
	hear(";oc=50;oc-algo=\"loss\";oc-validity=9000;oc-seq=18.1", SECOND);
	EXPECT_EQ(admitted(SECOND + 1), 50u);
	hear(";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=18.2", SECOND);
	EXPECT_EQ(admitted(SECOND + 1), 100u);
}

TEST_F(Feedback, NonsenseIsIgnored)
{
	hear(";oc=101;oc-algo=\"loss\"", SECOND);
	hear(";oc=x;oc-algo=\"loss\"", SECOND);
	hear(";oc=50;oc-algo=\"rate\"", SECOND);
	hear(";oc", SECOND);
	hear(";oc=", SECOND);
	EXPECT_EQ(admitted(SECOND), 100u);
	hear(";oc=100;oc-validity=99999999999;oc-seq=99999999999999999999.9999999", SECOND);
	EXPECT_EQ(admitted(SECOND + 1), 0u);
	EXPECT_EQ(admitted(70 * SECOND), 100u); // nobody is shut out for ever
}
} // namespace
