// SPDX-License-Identifier: BSD-3-Clause
// hawsectl show call.
#include <sstream>

#include "stats/ladder.h"
#include "world.h"

static const std::string invite =
	"INVITE sip:+49@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4\r\nCSeq: 1 INVITE\r\n"
	"c: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";

static std::string label(const std::string &message)
{
	char text[64];

	st_message_label(message.data(), message.size(), text, sizeof(text));
	return text;
}

TEST(Label, Messages)
{
	EXPECT_EQ(label(invite), "INVITE (SDP)");
	EXPECT_EQ(label("ACK sip:x SIP/2.0\r\n\r\n"), "ACK");
	EXPECT_EQ(label("SIP/2.0 100 Trying\r\nCSeq: 1 INVITE\r\n\r\n"), "100 Trying");
	EXPECT_EQ(label("SIP/2.0 183 Session Progress\r\nContent-Type: application/SDP\r\n\r\n"),
		"183 Session Progress (SDP)");
	EXPECT_EQ(label("SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\n\r\n"), "200 OK (BYE)");
	EXPECT_EQ(label("SIP/2.0 200 OK\r\nCSEQ :  1 INVITE \r\nContent-Type : "
			"application/sdp;x=y\r\n\r\n"),
		"200 OK (INVITE, SDP)");
	// Only headers say it, not a body.
	EXPECT_EQ(
		label("MESSAGE sip:x SIP/2.0\r\n\r\nContent-Type: application/sdp\r\n"), "MESSAGE");
}

TEST(Label, Junk)
{
	EXPECT_EQ(label(""), "(0 bytes)");
	EXPECT_EQ(label("\r\n\r\n"), "(4 bytes)");
	label("SIP/2.0 ");
	label("SIP/2.0 200");
	label("SIP/2.0 200 OK\r\nCSeq");
	label("SIP/2.0 200 OK\r\nCSeq:");
	label("SIP/2.0 200 OK\r\nCSeq: 1 ");
	label(std::string(100000, 'x'));
	label("SIP/2.0 200 " + std::string(100000, 'x'));
	label("X\n:\n::\n :\n");
}

class Call : public WorldTest
{
      protected:
	uint32_t slot = 0;

	void place()
	{
		start_sip();
		slot = sip->add_call(0xabc, ABI_CALL_UP, "+4930111", "+49402222");
		sip->message(0xabc, false, 0, invite);
		sip->message(0xabc, true, 0, "SIP/2.0 100 Trying\r\nCSeq: 1 INVITE\r\n\r\n");
		cp_tregion_event(
			sip->t, 0, sip->clock_us += 1000, 0xabc, 255, "route to %s", "carrier");
		sip->message(0xabc, true, 1, invite);
		sip->message(0x999, true, 1, invite);
		sip->message(0xabc, false, 1, "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n");
		sip->message(0xabc, true, 1, "ACK sip:x SIP/2.0\r\n\r\n");
	}

	std::vector<std::string> lines()
	{
		std::istringstream in(out);
		std::vector<std::string> all;
		std::string line;

		while (std::getline(in, line))
			all.push_back(line);
		return all;
	}
};

TEST_F(Call, Ladder)
{
	place();
	attach();
	options.id = "abc";
	ASSERT_EQ(show(st_show_call), ST_EXIT_OK) << err;
	EXPECT_TRUE(contains(out, "Call 0000000000000abc: up for 0:58, PCMA/8000\n")) << out;
	EXPECT_TRUE(contains(out, "caller  +4930111")) << out;
	EXPECT_TRUE(contains(out, "Call-ID bbb@10.0.0.1")) << out;
	EXPECT_TRUE(contains(
		out, "|--------- INVITE (SDP) -------->|                                |"))
		<< out;
	EXPECT_TRUE(contains(
		out, "|<--------- 100 Trying ----------|                                |"))
		<< out;
	EXPECT_TRUE(contains(out, "|   * route to carrier\n")) << out;
	EXPECT_TRUE(contains(
		out, "|                                |--------- INVITE (SDP) -------->|"))
		<< out;
	EXPECT_TRUE(contains(
		out, "|                                |<------- 200 OK (INVITE) -------|"))
		<< out;
	EXPECT_TRUE(contains(out, "ACK"));
	EXPECT_TRUE(contains(out, "20.0.0.0:5060"));
	EXPECT_TRUE(contains(out, "21.0.0.0:5060"));
	size_t arrows = 0, width = 0;
	for (auto &line : lines()) {
		if (line.size() < 20 || line[14] != '|' || contains(line, "* "))
			continue;
		arrows++;
		EXPECT_TRUE(!width || line.size() == width) << line;
		width = line.size();
	}
	EXPECT_EQ(arrows, 5u);
	EXPECT_EQ(width, 81u);
}

TEST_F(Call, WholeMessages)
{
	place();
	attach();
	options.id = "0000000000000ABC";
	options.messages = true;
	ASSERT_EQ(show(st_show_call), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "                    Content-Length: 5\n")) << out;
	EXPECT_TRUE(contains(out, "                    v=0\n")) << out;
	EXPECT_FALSE(contains(out, "\r"));
}

TEST_F(Call, Media)
{
	place();
	start_media();
	media->add_session(9, ABI_SESSION_ACTIVE, 0, 1, 20000, 0xabc);
	abi_leg_stats &s = media->leg(9, 1)->stats;
	s.packets = 200;
	s.lost = 3;
	s.jitter_us = 1500;
	s.remote_ip[0] = 21;
	s.remote_port = 4000;
	s.remote_family = 4;
	s.learned = 2;
	abi_call *c = cp_tregion_call_begin(sip->t, slot);
	c->streams = 1;
	c->media_slot[0] = 9;
	c->media_generation[0] = media->session(9)->generation;
	cp_tregion_call_end(sip->t, slot);
	attach();
	options.id = "abc";
	ASSERT_EQ(show(st_show_call), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "Media 1: session 9, worker 0, active\n")) << out;
	EXPECT_TRUE(
		contains(out, "callee  10.0.0.2:20002  21.0.0.0:4000  confirmed       200     3"))
		<< out;
	json_t *root = show_json(st_show_call);
	json_t *leg = json_array_get(
		json_object_get(json_array_get(json_object_get(root, "media"), 0), "legs"), 1);
	EXPECT_EQ(json_integer_value(json_object_get(leg, "received_packets")), 200);
	EXPECT_STREQ(json_string_value(json_object_get(leg, "remote")), "21.0.0.0:4000");
	json_decref(root);
}

// A call whose slots point anywhere shows no media of somebody else.
TEST_F(Call, MediaOfAnotherGeneration)
{
	place();
	start_media();
	media->add_session(9, ABI_SESSION_ACTIVE, 0, 1, 20000, 0xabc);
	abi_call *c = cp_tregion_call_begin(sip->t, slot);
	c->streams = 255;
	c->media_slot[0] = 9;
	c->media_generation[0] = 77;
	c->media_slot[1] = UINT32_MAX;
	cp_tregion_call_end(sip->t, slot);
	attach();
	options.id = "abc";
	ASSERT_EQ(show(st_show_call), ST_EXIT_OK);
	EXPECT_FALSE(contains(out, "session 9"));
	EXPECT_TRUE(contains(out, "Media 4: no session"));
}

TEST_F(Call, Ended)
{
	place();
	cp_tregion_call_close(sip->t, slot);
	attach();
	options.id = "abc";
	ASSERT_EQ(show(st_show_call), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "Call 0000000000000abc: ended\n")) << out;
	EXPECT_TRUE(contains(out, "ACK"));
	json_t *root = show_json(st_show_call);
	EXPECT_STREQ(json_string_value(json_object_get(root, "state")), "ended");
	json_t *messages = json_object_get(root, "messages");
	ASSERT_EQ(json_array_size(messages), 6u);
	json_t *first = json_array_get(messages, 0);
	EXPECT_STREQ(json_string_value(json_object_get(first, "text")), invite.c_str());
	EXPECT_STREQ(json_string_value(json_object_get(first, "leg")), "caller");
	EXPECT_STREQ(json_string_value(json_object_get(first, "message")), "INVITE (SDP)");
	EXPECT_STREQ(json_string_value(json_object_get(first, "source")), "20.0.0.0:5060");
	EXPECT_STREQ(
		json_string_value(json_object_get(json_array_get(messages, 2), "kind")), "event");
	json_decref(root);
}

TEST_F(Call, Unknown)
{
	place();
	attach();
	options.id = "123";
	EXPECT_EQ(show(st_show_call), ST_EXIT_NOT_FOUND);
	EXPECT_TRUE(contains(err, "no call 0000000000000123")) << err;
	for (const char *id : {"", "0", "xyz", "12345678901234567", "-1", "0x12", " 1"}) {
		options.id = id;
		EXPECT_EQ(show(st_show_call), ST_EXIT_USAGE) << id;
	}
}

TEST_F(Call, MessagesThatSteerTerminals)
{
	place();
	sip->message(0xabc, false, 0, "\033]0;owned\007 sip:x SIP/2.0\r\n\033[2J\xff\r\n\r\n");
	sip->message(0xabc, false, 9, "\xe2\x80\xaeINFO");
	attach();
	options.id = "abc";
	options.messages = true;
	ASSERT_EQ(show(st_show_call), ST_EXIT_OK);
	EXPECT_FALSE(contains(out, "\033"));
	EXPECT_FALSE(contains(out, "\xe2\x80\xae"));
	json_decref(show_json(st_show_call));
}
