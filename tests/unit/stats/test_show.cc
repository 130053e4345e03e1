// SPDX-License-Identifier: BSD-3-Clause
// The topics of hawsectl but for the ladder.
#include "world.h"

class Show : public WorldTest
{
};

static const char *text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static json_int_t number_of(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

TEST_F(Show, NotRunning)
{
	attach();
	for (auto topic :
		{st_show_calls, st_show_workers, st_show_ports, st_show_sessions, st_show_drops}) {
		EXPECT_EQ(show(topic), ST_EXIT_NOT_RUNNING);
		EXPECT_TRUE(contains(err, "is not running")) << err;
		EXPECT_TRUE(out.empty());
	}
	options.id = "1";
	EXPECT_EQ(show(st_show_call), ST_EXIT_NOT_RUNNING);
}

TEST_F(Show, Calls)
{
	start_sip();
	attach();
	EXPECT_EQ(show(st_show_calls), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "0 calls\n"));
	sip->add_call(0xabc, ABI_CALL_UP, "+4930111", "+49402222");
	sip->add_call(0xdef, ABI_CALL_RINGING, "x\033[31m", "");
	EXPECT_EQ(show(st_show_calls), ST_EXIT_OK);
	EXPECT_TRUE(contains(out,
		"0000000000000abc  up       0:58  +4930111  +49402222  office  carrier  PCMA/8000"))
		<< out;
	EXPECT_TRUE(contains(out, "0000000000000def  ringing  0:59  x?[31m")) << out;
	EXPECT_TRUE(contains(out, "2 calls\n"));
	EXPECT_FALSE(contains(out, "\033"));
	json_t *root = show_json(st_show_calls), *list = json_object_get(root, "calls");
	ASSERT_EQ(json_array_size(list), 2u);
	EXPECT_STREQ(text_of(json_array_get(list, 0), "id"), "0000000000000abc");
	EXPECT_STREQ(text_of(json_array_get(list, 0), "caller_peer"), "office");
	EXPECT_EQ(number_of(json_array_get(list, 0), "duration_ms"), 58000);
	EXPECT_STREQ(text_of(json_array_get(list, 1), "from"), "x\033[31m");
	EXPECT_TRUE(json_is_null(json_object_get(json_array_get(list, 1), "answer_ms")));
	json_decref(root);
}

TEST_F(Show, CallBeingWrittenIsLeftOut)
{
	start_sip();
	attach();
	uint32_t slot = sip->add_call(1, ABI_CALL_UP, "a", "b");
	cp_tregion_call_begin(sip->t, slot); // and the writer dies
	EXPECT_EQ(show(st_show_calls), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "0 calls\n"));
}

TEST_F(Show, Ports)
{
	start_media();
	attach();
	media->add_session(3, ABI_SESSION_ACTIVE, 0, 1, 20000);
	EXPECT_EQ(show(st_show_ports), ST_EXIT_OK);
	EXPECT_TRUE(contains(
		out, "net0       10.0.0.1  20000-20099         100     2        0    98     2.0"))
		<< out;
	EXPECT_TRUE(contains(out, "sessions: 1 active, 0 allocated, 0 resting, 199 free\n")) << out;
	json_t *root = show_json(st_show_ports), *list = json_object_get(root, "ports");
	ASSERT_EQ(json_array_size(list), 2u);
	EXPECT_EQ(number_of(json_array_get(list, 0), "used"), 2);
	EXPECT_EQ(number_of(json_array_get(list, 1), "used"), 1);
	EXPECT_EQ(json_object_get(json_object_get(root, "sessions"), "used"), nullptr);
	json_decref(root);
}

TEST_F(Show, PortsOfAnEndpointThatDoesNotExist)
{
	start_media();
	attach();
	media->add_session(0, ABI_SESSION_ACTIVE, 2, 65535, 20000);
	media->endpoint(1)->first_port = 5;
	media->endpoint(1)->last_port = 4;
	memset(media->endpoint(1)->name, 'n', sizeof(media->endpoint(1)->name));
	EXPECT_EQ(show(st_show_ports), ST_EXIT_OK);
	json_decref(show_json(st_show_ports));
	EXPECT_EQ(show(st_show_sessions), ST_EXIT_OK);
	json_decref(show_json(st_show_sessions));
}

TEST_F(Show, Workers)
{
	start_media();
	attach();
	media->counters(1)[2] = 1000;
	media->counters(1)[3] = 900;
	media->counters(1)[0] = 60;
	media->counters(1)[1] = 40;
	media->counters(1)[4] = 250000;
	EXPECT_EQ(show(st_show_workers), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "     1         0      1000      900      100            250"))
		<< out;
	EXPECT_FALSE(contains(out, "STAGE"));
	EXPECT_FALSE(contains(out, "steering"));
	media->counters(1)[10] = 7;
	media->counters(2)[11] = 2;
	media->counters(2)[12] = 1;
	media->counters(2)[13] = 2;
	EXPECT_EQ(show(st_show_workers), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "          7\n")) << out;
	EXPECT_TRUE(contains(out, "steering: af xdp queues on 2 interfaces, hand off on 1 "
				  "interface; proved on 2 of 3\n"))
		<< out;
	media->counters(0)[5] = 10;
	media->counters(1)[6] = 320;
	media->counters(0)[7] = 640;
	media->counters(0)[8] = 64;
	options.stages = true;
	EXPECT_EQ(show(st_show_workers), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "rx         10      320           32.0             10")) << out;
	json_t *root = show_json(st_show_workers);
	EXPECT_EQ(json_array_size(json_object_get(root, "workers")), 2u);
	EXPECT_EQ(number_of(json_array_get(json_object_get(root, "workers"), 1), "dropped"), 100);
	EXPECT_STREQ(text_of(json_array_get(json_object_get(root, "stages"), 0), "stage"), "rx");
	EXPECT_EQ(number_of(json_array_get(json_object_get(root, "workers"), 1), "handed_off"), 7);
	json_t *steering = json_object_get(root, "steering");
	EXPECT_EQ(number_of(json_object_get(steering, "interfaces"), "hand_off"), 1);
	EXPECT_EQ(number_of(steering, "proved"), 2);
	json_decref(root);
}

TEST_F(Show, Drops)
{
	start_media();
	start_sip();
	attach();
	EXPECT_EQ(show(st_show_drops), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "nothing was dropped"));
	EXPECT_TRUE(err.empty()) << err;
	media->counters(0)[1] = 3;
	media->counters(1)[1] = 4;
	abi_add64(&cp_tregion_counters(sip->t, 0)[1], 2);
	EXPECT_EQ(show(st_show_drops), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "    7  hawse-media  stranger  RTP from a stranger\n")) << out;
	EXPECT_TRUE(contains(out, "    2  hawse-sip    stranger  No peer has that address\n"))
		<< out;
	EXPECT_TRUE(contains(out, "9 in all"));
	EXPECT_FALSE(contains(out, "short_frame"));
	options.all = true;
	EXPECT_EQ(show(st_show_drops), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "short_frame"));
	json_t *root = show_json(st_show_drops), *list = json_object_get(root, "drops");
	ASSERT_EQ(json_array_size(list), 3u);
	EXPECT_EQ(number_of(json_array_get(list, 1), "count"), 7);
	EXPECT_STREQ(text_of(json_array_get(list, 2), "process"), "hawse-sip");
	json_decref(root);
}

// One of the two is enough for drops; which one is missing is said.
TEST_F(Show, DropsOfOne)
{
	start_media();
	attach();
	EXPECT_EQ(show(st_show_drops), ST_EXIT_OK);
	EXPECT_TRUE(contains(err, "hawse-sip is not running"));
}

TEST_F(Show, Sessions)
{
	start_media();
	attach();
	media->add_session(7, ABI_SESSION_ACTIVE, 0, 1, 20000, 0xfeed);
	media->add_session(8, ABI_SESSION_QUARANTINE, 0, 1, 20010);
	media->leg(7, 0)->stats.packets = 12;
	EXPECT_EQ(show(st_show_sessions), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "000000000000feed  10.0.0.1:20000+1       12  10.0.0.2:20002"))
		<< out;
	EXPECT_TRUE(contains(out, "1 session of at most 200"));
	options.all = true;
	json_t *root = show_json(st_show_sessions), *list = json_object_get(root, "sessions");
	ASSERT_EQ(json_array_size(list), 2u);
	EXPECT_STREQ(text_of(json_array_get(list, 0), "call"), "000000000000feed");
	EXPECT_EQ(number_of(json_array_get(list, 0), "slot"), 7);
	json_decref(root);
}
