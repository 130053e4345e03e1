// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/message.h"
#include "dataplane/abi/shm.h"

namespace
{

TEST(Shm, ReadersCannotWriteAndNobodyCanResize)
{
	abi_shm shm, seen;

	ASSERT_EQ(abi_shm_create(&shm, "test", 8192, true), 0);
	static_cast<char *>(shm.base)[5] = 'x';
	EXPECT_EQ(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, shm.fd, 0), MAP_FAILED);
	EXPECT_LT(ftruncate(shm.fd, 4096), 0);
	EXPECT_LT(ftruncate(shm.fd, 16384), 0);
	EXPECT_LT(write(shm.fd, "y", 1), 0);
	ASSERT_EQ(abi_shm_map(&seen, dup(shm.fd), 8192, false), 0);
	EXPECT_EQ(static_cast<char *>(seen.base)[5], 'x');
	static_cast<char *>(shm.base)[6] = 'z';
	EXPECT_EQ(static_cast<char *>(seen.base)[6], 'z');
	abi_shm_close(&seen);
	EXPECT_EQ(abi_shm_map(&seen, dup(shm.fd), 8192, true), -EPERM);
	abi_shm_close(&shm);
	EXPECT_EQ(shm.fd, -1);
}

TEST(Shm, SharedRegionMayBeWrittenButNotResized)
{
	abi_shm shm, theirs;

	ASSERT_EQ(abi_shm_create(&shm, "test", 4096, false), 0);
	ASSERT_EQ(abi_shm_map(&theirs, dup(shm.fd), 4096, true), 0);
	static_cast<char *>(theirs.base)[0] = 'b';
	EXPECT_EQ(static_cast<char *>(shm.base)[0], 'b');
	EXPECT_LT(ftruncate(theirs.fd, 0), 0);
	abi_shm_close(&theirs);
	abi_shm_close(&shm);
}

TEST(Shm, UnsealedOrShortFilesAreRefused)
{
	abi_shm seen, shm;
	int fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ASSERT_EQ(ftruncate(fd, 8192), 0);
	EXPECT_EQ(abi_shm_map(&seen, fd, 4096, false), -EPROTO); // takes over fd
	EXPECT_LT(fcntl(fd, F_GETFD), 0);
	ASSERT_EQ(abi_shm_create(&shm, "short", 4096, true), 0);
	EXPECT_EQ(abi_shm_map(&seen, dup(shm.fd), 8192, false), -EPROTO);
	abi_shm_close(&shm);
}

struct RegionA : testing::Test {
	static constexpr size_t size = 1 << 21;
	std::vector<uint8_t> bytes = std::vector<uint8_t>(size + 64);
	abi_region_a *a;

	void SetUp() override
	{
		auto base = (reinterpret_cast<uintptr_t>(bytes.data()) + 63) & ~uintptr_t{63};
		a = reinterpret_cast<abi_region_a *>(base);
		a->magic = ABI_MAGIC_A;
		a->major = ABI_MAJOR;
		a->header_size = ABI_HEADER_SIZE;
		a->size = size;
		a->sessions = 16;
		a->workers = 1;
		a->endpoints = 1;
		a->event_slots = ABI_EVENT_SLOTS;
		a->counters = 2;
		a->endpoint_offset = 4096;
		a->directory_offset = 8192;
		a->leg_offset = 16384;
		a->resume_offset = 32768;
		a->event_offset = 65536;
		a->counter_offset = 65536 + ABI_EVENT_SLOTS * ABI_MSG_SIZE;
		a->counter_size = abi_counters_size(2, 2);
	}
};

TEST_F(RegionA, GoodHeaderPasses)
{
	EXPECT_EQ(abi_check_a(a, size), 0);
}

TEST_F(RegionA, OtherMajorVersionIsNamed)
{
	a->major = ABI_MAJOR + 1;
	EXPECT_EQ(abi_check_a(a, size), -EPROTONOSUPPORT);
}

TEST_F(RegionA, EveryOffsetIsCheckedAgainstTheSize)
{
	for (uint64_t abi_region_a::*offset :
		{&abi_region_a::endpoint_offset, &abi_region_a::directory_offset,
			&abi_region_a::leg_offset, &abi_region_a::resume_offset,
			&abi_region_a::event_offset, &abi_region_a::counter_offset}) {
		for (uint64_t bad : {uint64_t{0}, uint64_t{size}, uint64_t{size + 64},
			     uint64_t{4097}, UINT64_MAX - 63}) {
			uint64_t good = a->*offset;
			a->*offset = bad;
			EXPECT_EQ(abi_check_a(a, size), -EPROTO) << bad;
			a->*offset = good;
		}
	}
	EXPECT_EQ(abi_check_a(a, size), 0);
}

TEST_F(RegionA, CapacitiesAreChecked)
{
	a->sessions = UINT32_MAX;
	EXPECT_EQ(abi_check_a(a, size), -EPROTO);
	SetUp();
	a->sessions = 1u << 20; // would reach past the end
	EXPECT_EQ(abi_check_a(a, size), -EPROTO);
	SetUp();
	a->counters = 1000; // more than counter_size holds
	EXPECT_EQ(abi_check_a(a, size), -EPROTO);
	SetUp();
	a->workers = UINT32_MAX;
	EXPECT_EQ(abi_check_a(a, size), -EPROTO);
	EXPECT_EQ(abi_check_a(a, 100), -EPROTO);
}

TEST(Counters, ReaderLearnsEverythingFromTheTable)
{
	abi_counter descriptors[2] = {};
	std::vector<uint8_t> base(abi_counters_size(2, 3));
	abi_counter_table table;
	abi_counter copy;

	strcpy(descriptors[0].name, "media_packets_total");
	strcpy(descriptors[0].help, "Packets.");
	memset(descriptors[1].name, 'x', sizeof(descriptors[1].name)); // no NUL
	descriptors[1].kind = ABI_GAUGE;
	abi_counters_init(base.data(), descriptors, 2, 3);
	abi_add64(&abi_counters_block(base.data(), 2, 1)[0], 5);
	abi_add64(&abi_counters_block(base.data(), 2, 2)[1], 9);

	ASSERT_EQ(abi_counters_open(&table, base.data(), base.size(), 2, 3), 0);
	EXPECT_EQ(abi_counters_value(&table, 0, 0), 0u);
	EXPECT_EQ(abi_counters_value(&table, 0, 1), 5u);
	EXPECT_EQ(abi_counters_value(&table, 1, 2), 9u);
	EXPECT_EQ(abi_counters_value(&table, 2, 0), 0u);
	EXPECT_EQ(abi_counters_value(&table, 0, 3), 0u);
	abi_counters_describe(&table, 1, &copy);
	EXPECT_EQ(strlen(copy.name), sizeof(copy.name) - 1);
	abi_counters_describe(&table, 2, &copy);
	EXPECT_STREQ(copy.name, "");
	EXPECT_EQ(abi_counters_open(&table, base.data(), base.size() - 1, 2, 3), -EPROTO);
	EXPECT_EQ(abi_counters_open(&table, base.data(), base.size(), UINT32_MAX, 3), -EPROTO);
}

} // namespace
