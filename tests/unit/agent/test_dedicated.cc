// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dedicated.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <initializer_list>
#include <string>

namespace
{
// A machine with CPUs 0 to 7, of which some are isolated.
class Machine
{
      public:
	explicit Machine(const std::string &isolated, const std::string &quiet = "")
	{
		char name[] = "/tmp/hawse-cpus.XXXXXX";

		sys = mkdtemp(name);
		write("online", "0-7");
		write("isolated", isolated);
		write("nohz_full", quiet);
	}
	~Machine()
	{
		EXPECT_EQ(0, system(("rm -r " + sys).c_str()));
	}
	Machine(const Machine &) = delete;
	Machine &operator=(const Machine &) = delete;

	bool dedicated(std::initializer_list<int> cores, unsigned workers, unsigned first = 0,
		unsigned last = 7)
	{
		struct cfg_dataplane d = {};
		cpu_set_t may;

		d.workers = workers;
		for (int core : cores)
			d.cores[d.core_count++] = core;
		CPU_ZERO(&may);
		for (unsigned cpu = first; cpu <= last; cpu++)
			CPU_SET(cpu, &may);
		return dp_dedicated(&d, &may, sys.c_str(), why, sizeof(why));
	}

	char why[64] = "";

      private:
	void write(const char *file, const std::string &text)
	{
		std::ofstream(sys + "/" + file) << text << "\n";
	}
	std::string sys;
};

TEST(Dedicated, CoresThatAreNotNamedAreNot)
{
	EXPECT_FALSE(Machine("0-7").dedicated({}, 1));
	EXPECT_FALSE(Machine("0-7").dedicated({2}, 2));
}

TEST(Dedicated, IsolatedCoresAre)
{
	EXPECT_TRUE(Machine("2-3").dedicated({2, 3}, 2));
	EXPECT_TRUE(Machine("1,3-4").dedicated({4, 1}, 2));
	EXPECT_TRUE(Machine("", "3").dedicated({3}, 1));
	EXPECT_TRUE(Machine("2", "3").dedicated({2, 3}, 2));
	EXPECT_FALSE(Machine("2").dedicated({2, 3}, 2)); // one of them is not
	EXPECT_FALSE(Machine("").dedicated({2}, 1));
}

TEST(Dedicated, CoresOfACpusetAreWhenTheAgentHasOneToo)
{
	EXPECT_TRUE(Machine("").dedicated({4}, 1, 4, 5));
	EXPECT_TRUE(Machine("").dedicated({4, 6}, 2, 4, 6));
	EXPECT_FALSE(Machine("").dedicated({4, 5}, 2, 4, 5));
	EXPECT_FALSE(Machine("").dedicated({3}, 1, 4, 5)); // not ours
}

TEST(Dedicated, SaysWhy)
{
	Machine m("2");

	EXPECT_TRUE(m.dedicated({2}, 1));
	EXPECT_STREQ(m.why, "the workers' cores are isolated");
	EXPECT_FALSE(m.dedicated({1}, 1));
	EXPECT_STREQ(m.why, "others may run on the workers' cores");
}

TEST(Dedicated, WhatTheKernelDoesNotSayIsNotGuessed)
{
	struct cfg_dataplane d = {};
	cpu_set_t may;
	char why[64];

	d.workers = d.core_count = 1;
	CPU_ZERO(&may);
	CPU_SET(0, &may);
	CPU_SET(1, &may);
	EXPECT_FALSE(dp_dedicated(&d, &may, "/nowhere", why, sizeof(why)));
}
} // namespace
