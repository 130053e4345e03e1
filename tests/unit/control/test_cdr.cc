// SPDX-License-Identifier: BSD-3-Clause
// What is billed on: records, their file, legs without one, and how a call sounded.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <signal.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "controlplane/call/cdr.h"
#include "controlplane/call/quality.h"
#include "controlplane/cdr_open.h"

namespace {

class Bill : public ::testing::Test {
protected:
	void SetUp() override
	{
		char name[] = "/tmp/hawse-cdr-XXXXXX";

		ASSERT_NE(mkdtemp(name), nullptr);
		dir = name;
		path = dir + "/cdr";
		cp_cdr_file_init(&file);
		cp_cdr_open_init(&legs);
		memset(&media, 0, sizeof(media));
		cause.known = true;
		cause.status = 200;
		strcpy(cause.phrase, "Normal call clearing");
		cdr.call = 0xc0ffee;
		cdr.attempt = 2;
		cdr.peer = "carrier";
		cdr.caller_peer = "office";
		cdr.callee_peer = "carrier";
		cdr.route = "+4";
		cdr.from = "030123";
		cdr.to = "0049301";
		cdr.from_sent = "+4930123";
		cdr.to_sent = "+49301";
		cdr.codec = "PCMA/8000";
		cdr.call_id = sip_str("id@host");
		cdr.reason = "";
		cdr.cost = -1;
		cdr.cause = &cause;
		cdr.media = &media;
		cdr.start_us = 1700000000000000ull;
		cdr.ring_us = cdr.start_us + 120000;
		cdr.answer_us = cdr.start_us + 4000000;
		cdr.end_us = cdr.answer_us + 60000000;
	}
	void TearDown() override
	{
		cp_cdr_file_close(&file);
		cp_cdr_open_end(&legs);
		std::string rm = "rm -rf " + dir;
		EXPECT_EQ(system(rm.c_str()), 0);
	}
	std::string line(unsigned leg = 1, cp_cdr_record record = CP_CDR_FINAL, uint64_t call = 0xc0ffee)
	{
		char text[CP_CDR_LINE];
		cdr.leg = leg;
		cdr.record = record;
		cdr.call = call;
		int n = cp_cdr_write(&cdr, text, sizeof(text));
		EXPECT_GT(n, 0);
		return std::string(text, (size_t)n);
	}
	json_t *parsed(const std::string &text)
	{
		json_t *root = json_loadb(text.data(), text.size(), 0, nullptr);
		EXPECT_NE(root, nullptr) << text;
		return root;
	}
	static std::string str(json_t *root, const char *key)
	{
		const char *value = json_string_value(json_object_get(root, key));
		return value ? value : "null";
	}
	static std::string read(const std::string &name)
	{
		std::ifstream in(name);
		std::stringstream all;
		all << in.rdbuf();
		return all.str();
	}
	void open_file()
	{
		char why[256];
		ASSERT_EQ(cp_cdr_file_open(&file, path.c_str(), why, sizeof(why)), 0) << why;
	}

	std::string dir, path;
	cp_cdr_file file;
	cp_cdr_open legs;
	struct cp_cdr cdr = {};
	cp_cause cause = {};
	cp_media_total media;
};

TEST_F(Bill, SaysWhatABillNeeds)
{
	cdr.cost = 1234567;
	cdr.reason = "Reason: SIP;cause=200;text=\"a \\\"b\", Q.850;cause=31\r\n";
	json_t *r = parsed(line());
	EXPECT_EQ(str(r, "id"), "0000000000c0ffee-b2");
	EXPECT_EQ(str(r, "record"), "final");
	EXPECT_EQ(str(r, "from_sent"), "+4930123");
	EXPECT_EQ(str(r, "to_sent"), "+49301");
	EXPECT_EQ(str(r, "route"), "+4");
	EXPECT_EQ(json_integer_value(json_object_get(r, "pdd_ms")), 120);
	EXPECT_EQ(json_integer_value(json_object_get(r, "duration_ms")), 60000);
	EXPECT_DOUBLE_EQ(json_real_value(json_object_get(r, "cost")), 1.234567);
	EXPECT_EQ(json_integer_value(json_object_get(r, "q850")), 31);
	EXPECT_EQ(str(r, "reason"), "SIP;cause=200;text=\"a \\\"b\", Q.850;cause=31");
	json_decref(r);
	r = parsed(line(0));
	EXPECT_EQ(str(r, "id"), "0000000000c0ffee-a");
	json_decref(r);
	cdr.ring_us = 0;
	cdr.reason = "";
	cause.status = 486;
	r = parsed(line());
	EXPECT_EQ(json_integer_value(json_object_get(r, "q850")), 17);
	EXPECT_EQ(json_integer_value(json_object_get(r, "pdd_ms")), 4000) << "answered at once";
	json_decref(r);
}

TEST_F(Bill, AnInterimRecordHasNoEnd)
{
	cdr.end_us = 0;
	cdr.now_us = cdr.answer_us + 900000000;
	json_t *r = parsed(line(1, CP_CDR_INTERIM));
	EXPECT_EQ(str(r, "record"), "interim");
	EXPECT_TRUE(json_is_null(json_object_get(r, "end")));
	EXPECT_TRUE(json_is_null(json_object_get(r, "status")));
	EXPECT_EQ(json_integer_value(json_object_get(r, "duration_ms")), 900000);
	json_decref(r);
}

TEST_F(Bill, Q850OfAReason)
{
	EXPECT_EQ(cp_cdr_q850("Reason: Q.850;cause=16;text=\"x\"\r\n"), 16);
	EXPECT_EQ(cp_cdr_q850("Reason: q.850 ;cause=127"), 127);
	EXPECT_EQ(cp_cdr_q850("Reason: SIP;cause=200"), 0);
	EXPECT_EQ(cp_cdr_q850("Reason: Q.850;text=\"x\", SIP;cause=16"), 0);
	EXPECT_EQ(cp_cdr_q850("Reason: Q.850;cause=999"), 0);
	EXPECT_EQ(cp_cdr_q850(""), 0);
}

// Values by the formulae of G.107, worked by hand.
TEST_F(Bill, QualityIsThatOfG107)
{
	cp_quality q;
	cp_quality_input in = {"PCMU/8000", 1000, 0, 0, 0};
	ASSERT_TRUE(cp_quality_of(&in, &q));
	EXPECT_NEAR(q.r, 93.2, 0.01);
	EXPECT_NEAR(q.mos, 4.41, 0.005);
	in.lost = 20; // 1.96 %: Ie,eff = 95 * 1.96 / (1.96 + 25.1) = 6.88
	ASSERT_TRUE(cp_quality_of(&in, &q));
	EXPECT_NEAR(q.r, 93.2 - 6.88, 0.02);
	in = {"G729/8000", 1000, 0, 0, 0};
	ASSERT_TRUE(cp_quality_of(&in, &q));
	EXPECT_NEAR(q.r, 82.2, 0.01);
	EXPECT_NEAR(q.mos, 4.104, 0.005);
	in = {"PCMA/8000", 1000, 0, 0, 800000}; // 400 + 20 + 20 ms one way: Idd = 25.3 or so
	ASSERT_TRUE(cp_quality_of(&in, &q));
	EXPECT_NEAR(q.r, 93.2 - 27.4, 1.5);
	in = {"PCMA/8000", 10, 100000, 5000000, 0};
	ASSERT_TRUE(cp_quality_of(&in, &q));
	EXPECT_GE(q.r, 0);
	EXPECT_GE(q.mos, 1);
	in = {"opus/48000", 1000, 0, 0, 0};
	EXPECT_FALSE(cp_quality_of(&in, &q));
	in = {"PCMA/8000", 0, 0, 0, 0};
	EXPECT_FALSE(cp_quality_of(&in, &q));
	EXPECT_DOUBLE_EQ(cp_quality_mos(-1), 1);
	EXPECT_DOUBLE_EQ(cp_quality_mos(101), 4.5);
}

TEST_F(Bill, RotatesBetweenTwoRecords)
{
	open_file();
	cfg_cdr how = {1, 3600, 10000};
	cp_cdr_file_set(&file, &how);
	std::string all;
	uint64_t now = file.opened_s / 3600 * 3600 + 10, us = 0;
	file.opened_s = now;
	for (unsigned i = 1; i <= 60; i++) {
		std::string l = line(1, CP_CDR_FINAL, i);
		ASSERT_EQ(cp_cdr_file_write(&file, l.data(), l.size()), 0);
		cp_cdr_file_tick(&file, us += 500000, now + i);
		all += l;
	}
	std::string cmd = "cat " + dir + "/cdr.*Z* > " + dir + "/all; cat " + path + " >> " + dir + "/all";
	ASSERT_EQ(system(cmd.c_str()), 0);
	EXPECT_EQ(read(dir + "/all"), all);
	EXPECT_LT(read(path).size(), 11000u);
	// And with the hour.
	std::string l = line();
	ASSERT_EQ(cp_cdr_file_write(&file, l.data(), l.size()), 0);
	file.opened_s = now;
	cp_cdr_file_tick(&file, us, now + 3600);
	EXPECT_EQ(read(path), "");
	cp_cdr_list list;
	ASSERT_EQ(cp_cdr_list_read(&list, path.c_str()), 0);
	cp_cdr_key key = {0xc0ffee, 1, 2};
	EXPECT_TRUE(cp_cdr_list_has(&list, &key)) << "it is looked for in the file rotated last";
	cp_cdr_list_free(&list);
}

TEST_F(Bill, WhatCannotBeWrittenWaitsWhole)
{
	open_file();
	std::string l = line();
	ASSERT_EQ(cp_cdr_file_write(&file, l.data(), l.size()), 0);
	rlimit before, little;
	ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
	little = before;
	little.rlim_cur = l.size() + 100; // the disk is full within the next record
	auto old = signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
	EXPECT_EQ(cp_cdr_file_write(&file, l.data(), l.size()), 0);
	EXPECT_EQ(cp_cdr_file_write(&file, l.data(), l.size()), 0);
	EXPECT_EQ(read(path), l) << "no half of one";
	cp_cdr_file_tick(&file, 1000000, 1);
	EXPECT_EQ(read(path), l);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, old);
	cp_cdr_file_tick(&file, 1500000, 1);
	EXPECT_EQ(read(path), l + l + l);
}

// ---- legs without a record -------------------------------------------------------------------------

TEST_F(Bill, EveryLegGetsOneFinalRecordWhenTheProcessIsKilled)
{
	open_file();
	ASSERT_EQ(cp_cdr_open_start(&legs, dir.c_str()), 0);
	auto opened = [&](unsigned leg, uint64_t call) {
		std::string l = line(leg, CP_CDR_OPEN, call);
		cp_cdr_opened(&legs, l.data(), l.size());
	};
	auto final = [&](unsigned leg, uint64_t call) {
		std::string l = line(leg, CP_CDR_FINAL, call);
		ASSERT_EQ(cp_cdr_file_write(&file, l.data(), l.size()), 0);
	};
	for (uint64_t call = 1; call <= 4; call++) {
		opened(0, call);
		opened(1, call);
	}
	opened(1, 1); // the same leg by another address
	final(0, 2);  // closed, and told so
	cp_cdr_closed(&legs, "0000000000000002-a");
	cp_cdr_open_tick(&legs);
	final(0, 3); // in the file, and no more was said
	final(1, 3);
	// Killed: a new process reads what there is. Call 4 goes on.
	cp_cdr_open dead = legs;
	cp_cdr_open_init(&legs);
	close(dead.fd);
	free(dead.closed);
	ASSERT_EQ(cp_cdr_open_start(&legs, dir.c_str()), 0);
	cp_cdr_list recorded;
	ASSERT_EQ(cp_cdr_list_read(&recorded, path.c_str()), 0);
	auto lives = [](void *, uint64_t call, unsigned, unsigned) { return call == 4; };
	EXPECT_EQ(cp_cdr_open_settle(&legs, &recorded, &file, lives, nullptr), 3);
	cp_cdr_list_free(&recorded);
	std::istringstream all(read(path));
	std::multiset<std::string> ids;
	for (std::string l; std::getline(all, l);) {
		json_t *r = parsed(l);
		EXPECT_EQ(str(r, "record"), "final");
		if (str(r, "cause") == "hawse-sip was killed")
			EXPECT_EQ(json_integer_value(json_object_get(r, "status")), 503);
		ids.insert(str(r, "id"));
		json_decref(r);
	}
	EXPECT_EQ(ids, (std::multiset<std::string>{"0000000000000001-a", "0000000000000001-b2",
			       "0000000000000002-a", "0000000000000002-b2", "0000000000000003-a",
			       "0000000000000003-b2"}));
	// Once more, and it is as it was.
	ASSERT_EQ(cp_cdr_list_read(&recorded, path.c_str()), 0);
	EXPECT_EQ(cp_cdr_open_settle(&legs, &recorded, &file, lives, nullptr), 0);
	cp_cdr_list_free(&recorded);
	cp_cdr_closed(&legs, "0000000000000004-a");
	cp_cdr_closed(&legs, "0000000000000004-b2");
	cp_cdr_open_end(&legs);
	EXPECT_NE(access((dir + "/legs").c_str(), F_OK), 0) << "nothing is open: no file";
}

TEST_F(Bill, AFileOfLegsThatGrewBeginsAnew)
{
	ASSERT_EQ(cp_cdr_open_start(&legs, dir.c_str()), 0);
	for (uint64_t call = 1; call <= 8000; call++) {
		std::string l = line(0, CP_CDR_OPEN, call);
		char id[CP_CDR_ID];
		cp_cdr_opened(&legs, l.data(), l.size());
		cp_cdr_id(call, 0, 0, id);
		if (call != 77)
			cp_cdr_closed(&legs, id);
	}
	cp_cdr_open_tick(&legs);
	EXPECT_EQ(read(dir + "/legs"), line(0, CP_CDR_OPEN, 77));
}

TEST_F(Bill, JunkAmongLegsIsPassedOver)
{
	std::ofstream(dir + "/legs") << "junk\nD \nD 12\n{\"call\":\"0000000000000001\"}\n\n"
				     << line(0, CP_CDR_OPEN, 5).substr(0, 200);
	open_file();
	ASSERT_EQ(cp_cdr_open_start(&legs, dir.c_str()), 0);
	cp_cdr_list recorded = {};
	auto lives = [](void *, uint64_t, unsigned, unsigned) { return false; };
	EXPECT_EQ(cp_cdr_open_settle(&legs, &recorded, &file, lives, nullptr), 0);
	EXPECT_EQ(read(path), "");
}

} // namespace
