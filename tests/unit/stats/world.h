// SPDX-License-Identifier: BSD-3-Clause
// A hawse-media and a hawse-sip for readers: region A filled in by the test, region T by its real
// writer, both served in a directory of their own by a thread. All else belongs to the test's thread.
#pragma once

#include <atomic>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/shm/tregion.h"
#include "dataplane/abi/shm.h"
#include "stats/reader.h"
#include "stats/show.h"

class MediaWorld
{
      public:
	MediaWorld(const std::string &run, const std::vector<abi_counter> &counters,
		uint32_t workers = 2, uint32_t sessions = 200, uint32_t endpoints = 2);
	~MediaWorld();

	abi_region_a *a()
	{
		return (abi_region_a *)shm.base;
	}
	abi_session_entry *session(uint32_t slot)
	{
		return (abi_session_entry *)((uint8_t *)shm.base + a()->directory_offset) + slot;
	}
	abi_leg_slot *leg(uint32_t slot, unsigned leg)
	{
		return (abi_leg_slot *)((uint8_t *)shm.base + a()->leg_offset) + slot * 2 + leg;
	}
	abi_endpoint *endpoint(uint32_t i)
	{
		return (abi_endpoint *)((uint8_t *)shm.base + a()->endpoint_offset) + i;
	}
	abi_atomic64 *counters(uint32_t block);
	void add_session(uint32_t slot, uint8_t state, uint16_t endpoint0, uint16_t endpoint1,
		uint16_t port, uint64_t call = 0);

	abi_shm shm = {-1, nullptr, 0};

      private:
	void serve();

	std::string path_;
	uint32_t counter_count_;
	int listener_, stop_[2];
	std::thread thread_;
};

class SipWorld
{
      public:
	explicit SipWorld(const std::string &run, uint32_t shards = 2, size_t trace = 1 << 20);
	~SipWorld();

	uint32_t add_call(uint64_t id, uint8_t state, const char *from, const char *to);
	void message(
		uint64_t call, bool sent, uint8_t leg, const std::string &text, uint32_t shard = 0);

	cp_tregion *t = nullptr;
	uint64_t clock_us = 1000000;

      private:
	std::atomic<bool> end_{false};
	std::thread thread_;
};

class WorldTest : public testing::Test
{
      protected:
	std::string run;
	std::unique_ptr<MediaWorld> media;
	std::unique_ptr<SipWorld> sip;
	st_reader reader;
	std::string out, err;
	st_show options = {};

	void SetUp() override;
	void TearDown() override;
	void start_media();
	void start_sip();
	// Attaches to whatever is there.
	void attach();
	// Runs a topic; what it wrote is in `out` and `err`.
	int show(int (*topic)(const st_show *));
	json_t *show_json(int (*topic)(const st_show *));
};

std::vector<abi_counter> media_counters();
bool contains(const std::string &text, const std::string &part);
