// SPDX-License-Identifier: BSD-3-Clause
// A client whose callbacks are written down, over a fake hawse-media. Owned by the test's thread.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <unistd.h>

#include "controlplane/shm/client.h"
#include "fake_media.h"

class ClientTest : public testing::Test
{
      protected:
	struct Answer {
		abi_msg reply;
		int tag;
	};
	std::string path = temporary_socket("media.sock");
	std::unique_ptr<FakeMedia> media;
	cp_shm *c = nullptr;
	uint64_t now = 1000000;
	std::vector<cp_shm_info> attached;
	std::vector<int> detached;
	std::vector<abi_msg> events;
	std::vector<Answer> answers;
	struct Tag {
		ClientTest *test;
		int tag;
	};
	std::vector<std::unique_ptr<Tag>> tags;

	static void on_attached(void *user, const cp_shm_info *info)
	{
		((ClientTest *)user)->attached.push_back(*info);
	}
	static void on_detached(void *user, int error)
	{
		((ClientTest *)user)->detached.push_back(error);
	}
	static void on_event(void *user, const abi_msg *event)
	{
		((ClientTest *)user)->events.push_back(*event);
	}
	static void on_reply(void *user, const abi_msg *reply)
	{
		auto *t = (Tag *)user;

		t->test->answers.push_back({*reply, t->tag});
	}

	void make(uint32_t queue = 0)
	{
		static const cp_shm_ops ops = {on_attached, on_detached, on_event};
		cp_shm_config config = {path.c_str(), "test", &ops, this, queue, 1000, 200};

		ASSERT_EQ(cp_shm_new(&c, &config), 0);
	}

	void start(uint64_t boot_epoch = 1)
	{
		media = std::make_unique<FakeMedia>(path, boot_epoch);
	}

	void process()
	{
		cp_shm_process(c, now);
	}

	// Time passes, by small steps, until attached.
	bool attach()
	{
		for (int i = 0; i < 200; i++) {
			process();
			if (cp_shm_attached(c, nullptr))
				return media->wait_attached();
			now += 10000;
			usleep(500);
		}
		return false;
	}

	int submit(abi_msg *msg, int tag = 0, unsigned flags = 0)
	{
		tags.push_back(std::make_unique<Tag>(Tag{this, tag}));
		return cp_shm_submit(c, msg, flags, on_reply, tags.back().get(), now);
	}

	static abi_msg ping()
	{
		abi_msg m;

		abi_msg_init(&m, ABI_PING, 0, ABI_NO_SLOT, 0);
		return m;
	}

	static abi_msg alloc()
	{
		abi_msg m;

		abi_msg_init(&m, ABI_PORT_ALLOC, 0, ABI_NO_SLOT, 0);
		auto *want = (abi_port_alloc *)m.payload;
		want->affinity = ABI_NO_SLOT;
		want->legs = 2;
		want->leg[0].family = want->leg[1].family = 4;
		want->leg[0].kind = want->leg[1].kind = ABI_LEG_PAIR;
		return m;
	}

	bool readable() const
	{
		pollfd p = {cp_shm_fd(c), POLLIN, 0};

		return poll(&p, 1, 0) == 1;
	}

	void TearDown() override
	{
		cp_shm_free(c);
		media.reset();
		unlink(path.c_str());
	}
};
