// SPDX-License-Identifier: BSD-3-Clause
// The control channel with hawsectl's own client at the other end of a real socket.
#include <errno.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/control/control.h"
#include "controlplane/control/wire.h"
#include "stats/ask.h"

namespace {

int run_echo(void *ctx, struct cp_control_call *call)
{
	++*static_cast<int *>(ctx);
	json_t *words = json_array();
	for (unsigned i = 0; i < call->count; i++)
		json_array_append_new(words, json_string(call->words[i]));
	json_object_set_new(call->answer, "who", json_string(call->who));
	return json_object_set_new(call->answer, "words", words);
}

int run_length(void *, struct cp_control_call *call)
{
	return json_object_set_new(
		call->answer, "length", json_integer((json_int_t)strlen(call->words[0])));
}

int run_long(void *, struct cp_control_call *call)
{
	return json_object_set_new(
		call->answer, "text", json_string(std::string(3000000, 'y').c_str()));
}

int run_fail(void *, struct cp_control_call *call)
{
	snprintf(call->why, sizeof(call->why), "no %s here", call->words[0]);
	return -ENOENT;
}

int run_mute(void *, struct cp_control_call *)
{
	return -EBUSY;
}

std::atomic<int> asked; // how often run_later was

int run_later(void *, struct cp_control_call *call)
{
	if (++asked < 3)
		return -EINPROGRESS;
	return json_object_set_new(call->answer, "word", json_string(call->words[0]));
}

const cp_control_command commands[] = {
	{"later", 1, 1, "WORD", run_later},
	{"show", 0, 3, "[WORD]...", run_echo},
	{"show length", 1, 1, "TEXT", run_length},
	{"long", 0, 0, "", run_long},
	{"fail", 1, 1, "WHAT", run_fail},
	{"mute", 0, 0, "", run_mute},
	{nullptr, 0, 0, nullptr, nullptr},
};

class Control : public ::testing::Test {
protected:
	void SetUp() override
	{
		char name[] = "/tmp/hawse-control-XXXXXX";

		ASSERT_NE(mkdtemp(name), nullptr);
		directory = name;
		path = directory + "/" CP_WIRE_SOCKET;
		ASSERT_EQ(cp_control_new(&control, commands, &echoes), 0);
		ASSERT_EQ(cp_control_serve(control, path.c_str()), 0);
		server = std::thread([this] {
			while (!over) {
				cp_control_process(control);
				if (again)
					cp_control_again(control);
				usleep(200);
			}
		});
	}
	void TearDown() override
	{
		over = true;
		server.join();
		cp_control_free(control);
		EXPECT_NE(access(path.c_str(), F_OK), 0) << "the socket's file is gone";
		rmdir(directory.c_str());
	}
	json_t *ask(std::vector<const char *> words)
	{
		char why[256] = "";
		json_t *answer = nullptr;

		error = st_ask(directory.c_str(), words.data(), (unsigned)words.size(), &answer, why,
			sizeof(why));
		return answer;
	}
	static std::string text(const json_t *answer, const char *key)
	{
		const char *value = json_string_value(json_object_get(answer, key));

		return value ? value : "";
	}
	int raw()
	{
		sockaddr_un un{};
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		un.sun_family = AF_UNIX;
		strcpy(un.sun_path, path.c_str());
		EXPECT_EQ(connect(fd, (sockaddr *)&un, sizeof(un)), 0);
		return fd;
	}

	std::string directory, path;
	cp_control *control = nullptr;
	std::atomic<bool> again{false};
	std::thread server;
	std::atomic<bool> over{false};
	int echoes = 0, error = 0;
};

TEST_F(Control, WhatIsNotDoneYetIsWaitedFor)
{
	asked = 0;
	again = false;
	std::atomic<bool> answered{false};
	std::thread client([&] {
		json_t *answer = ask({"later", "alligator"});
		EXPECT_EQ(error, 0);
		EXPECT_EQ(text(answer, "word"), "alligator");
		answered = true;
		json_decref(answer);
	});
	while (asked < 1)
		usleep(200);
	// Others are served meanwhile, and nothing asks again by itself.
	std::vector<const char *> words{"show"};
	char why[256];
	json_t *other = nullptr;
	EXPECT_EQ(st_ask(directory.c_str(), words.data(), 1, &other, why, sizeof(why)), 0);
	json_decref(other);
	EXPECT_EQ(asked, 1);
	EXPECT_FALSE(answered);
	again = true;
	client.join();
	EXPECT_EQ(asked, 3);
}

TEST_F(Control, TheLongestNameThatFitsIsMeant)
{
	json_t *a = ask({"show", "me", "it"}), *b = ask({"show", "length", "four"});

	EXPECT_TRUE(json_is_true(json_object_get(a, "ok")));
	EXPECT_EQ(json_array_size(json_object_get(a, "words")), 2u);
	EXPECT_NE(text(a, "who"), "");
	EXPECT_EQ(json_integer_value(json_object_get(b, "length")), 4);
	json_decref(a);
	json_decref(b);
}

TEST_F(Control, WrongCommandsSayWhy)
{
	json_t *unknown = ask({"shows"}), *few = ask({"fail"}), *fails = ask({"fail", "cat"}),
	       *mute = ask({"mute"});

	EXPECT_EQ(text(unknown, "error"), "unknown command shows");
	EXPECT_EQ(text(few, "error"), "usage: fail WHAT");
	EXPECT_EQ(text(fails, "error"), "no cat here");
	EXPECT_EQ(json_integer_value(json_object_get(fails, "code")), -ENOENT);
	EXPECT_EQ(text(mute, "error"), "Device or resource busy");
	for (json_t *j : {unknown, few, fails, mute}) {
		EXPECT_TRUE(json_is_false(json_object_get(j, "ok")));
		json_decref(j);
	}
}

TEST_F(Control, WholeConfigurationsGoAndLongAnswersCome)
{
	std::string big(4u << 20, 'c');
	json_t *in = ask({"show", "length", big.c_str()}), *out = ask({"long"});

	EXPECT_EQ(json_integer_value(json_object_get(in, "length")), (json_int_t)big.size());
	EXPECT_EQ(text(out, "text").size(), 3000000u);
	json_decref(in);
	json_decref(out);
}

TEST_F(Control, JunkIsAnsweredAndCostsNobodyElseAnything)
{
	int junk = raw(), silent = raw();
	char answer[512];

	ASSERT_EQ(send(junk, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	ssize_t n = recv(junk, answer, sizeof(answer), 0);
	ASSERT_GT(n, 0);
	EXPECT_NE(std::string(answer, (size_t)n).find("this is no request"), std::string::npos);
	json_t *a = ask({"show"});
	EXPECT_TRUE(json_is_true(json_object_get(a, "ok")));
	json_decref(a);
	close(junk);
	close(silent);
}

TEST_F(Control, ThoseWhoSayNothingMakeRoom)
{
	std::vector<int> silent;

	for (unsigned i = 0; i < CP_CONTROL_CLIENTS + 8; i++) {
		silent.push_back(raw());
		usleep(2000); // the backlog is shorter
	}
	json_t *a = ask({"show"});
	EXPECT_TRUE(json_is_true(json_object_get(a, "ok")));
	json_decref(a);
	for (int fd : silent)
		close(fd);
}

TEST_F(Control, AStrangerIsRefused)
{
	if (geteuid() != 0)
		GTEST_SKIP() << "needs root to become somebody else";
	chmod(directory.c_str(), 0755);
	chmod(path.c_str(), 0666); // what the check behind the mode is for
	int fds[2];
	ASSERT_EQ(pipe(fds), 0);
	pid_t child = fork();
	if (child == 0) {
		char why[256], said[512] = "";
		const char *words[] = {"show"};
		json_t *answer = nullptr;

		if (setgroups(0, nullptr) || setgid(65534) || setuid(65534))
			_exit(1);
		if (st_ask(directory.c_str(), words, 1, &answer, why, sizeof(why)) == 0)
			snprintf(said, sizeof(said), "%s", text(answer, "error").c_str());
		_exit(write(fds[1], said, sizeof(said)) < 0);
	}
	char said[512] = "";
	ASSERT_GT(read(fds[0], said, sizeof(said)), 0);
	EXPECT_STREQ(said, "only root, the user of hawse-sip and its group may");
	EXPECT_EQ(echoes, 0);
	close(fds[0]);
	close(fds[1]);
}

TEST(ControlAlone, NobodyThereIsSaid)
{
	const char *words[] = {"show"};
	char why[256];
	json_t *answer;

	EXPECT_EQ(st_ask("/nonexistent", words, 1, &answer, why, sizeof(why)), -ENOENT);
	EXPECT_STREQ(why, "/nonexistent/control.sock: hawse-sip does not run");
}

TEST(ControlAlone, AnswersArePrintedAsTables)
{
	json_t *answer = json_loads("{\"ok\": true, \"n\": 3, \"list\": [\"a\", \"b\"], \"rows\": "
				    "[{\"name\": \"x\", \"up\": true}, {\"name\": \"longer\", "
				    "\"up\": null}]}",
		0, nullptr);
	char *text = nullptr;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	EXPECT_EQ(st_print_answer(answer, out), ST_EXIT_OK);
	fclose(out);
	EXPECT_STREQ(text, "n     3\nlist  a,b\nname    up\nx       yes\nlonger  -\n");
	free(text);
	json_decref(answer);
}

} // namespace
