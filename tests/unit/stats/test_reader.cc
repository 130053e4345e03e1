// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <fstream>

#include "world.h"

class Reader : public WorldTest
{
};

TEST_F(Reader, BothComeAndGo)
{
	uint64_t now = 1000000, first;

	st_reader_poll(&reader, now, 1000);
	EXPECT_FALSE(st_has_media(&reader));
	EXPECT_EQ(reader.media.error, -ENOENT);
	start_media();
	start_sip();
	st_reader_poll(&reader, now += 2000000, 1000);
	ASSERT_TRUE(st_has_media(&reader));
	ASSERT_TRUE(st_has_sip(&reader));
	first = reader.a.boot_epoch;
	EXPECT_EQ(reader.a.sessions, 200u);
	EXPECT_EQ(reader.t.shards, 2u);
	media.reset();
	st_reader_poll(&reader, now += 1000, 1000);
	EXPECT_FALSE(st_has_media(&reader));
	EXPECT_TRUE(st_has_sip(&reader));
	EXPECT_EQ(reader.a.shm.base, nullptr);
	start_media();
	for (int i = 0; i < 10 && !st_has_media(&reader); i++)
		st_reader_poll(&reader, now += 1000000, 1000);
	ASSERT_TRUE(st_has_media(&reader));
	EXPECT_NE(reader.a.boot_epoch, first);
	EXPECT_EQ(reader.media.attaches, 2u);
	EXPECT_EQ(reader.sip.attaches, 1u);
}

TEST_F(Reader, BackOff)
{
	uint64_t now = 1000000;

	st_reader_poll(&reader, now, 10);
	EXPECT_EQ(reader.media.retry_at_us, now + 100000);
	for (int i = 0; i < 10; i++)
		st_reader_poll(&reader, now = reader.media.retry_at_us, 10);
	EXPECT_EQ(reader.media.retry_at_us, now + 1000000);
}

TEST_F(Reader, MapsReadOnly)
{
	std::string line;
	unsigned regions = 0;

	start_media();
	start_sip();
	attach();
	std::ifstream maps("/proc/self/maps");
	while (std::getline(maps, line)) {
		char begin[32];

		snprintf(begin, sizeof(begin), "%lx-", (unsigned long)reader.a.shm.base);
		bool a = line.rfind(begin, 0) == 0;
		snprintf(begin, sizeof(begin), "%lx-", (unsigned long)reader.t.shm.base);
		if (!a && line.rfind(begin, 0) != 0)
			continue;
		regions++;
		EXPECT_TRUE(contains(line, " r--s ")) << line;
	}
	EXPECT_EQ(regions, 2u);
}

TEST_F(Reader, Explains)
{
	char text[256];
	st_link link = {};

	strcpy(link.path, "/run/hawse/media.sock");
	for (int err : {-ENOENT, -ECONNREFUSED, -EACCES, -ETIMEDOUT, -EPROTONOSUPPORT, -EPROTO}) {
		link.error = err;
		st_explain(&link, "hawse-media", text, sizeof(text));
		EXPECT_TRUE(contains(text, "hawse-media"));
		EXPECT_FALSE(contains(text, "\n"));
		EXPECT_LT(strlen(text), sizeof(text) - 1);
	}
}

TEST_F(Reader, RefusesARegionThatLies)
{
	start_media();
	media->a()->sessions = ABI_MAX_SESSIONS; // and the region is not so large
	attach();
	EXPECT_FALSE(st_has_media(&reader));
	EXPECT_EQ(reader.media.error, -EPROTO);
	EXPECT_EQ(reader.a.shm.base, nullptr);
}

// Reading must not make the untouched part of a large directory take memory.
TEST_F(Reader, LeavesHolesAlone)
{
	media = std::make_unique<MediaWorld>(run, media_counters(), 1, 1000000);
	attach();
	ASSERT_TRUE(st_has_media(&reader));
	media->add_session(900000, ABI_SESSION_ACTIVE, 0, 1, 20000);
	struct stat st;
	fstat(media->shm.fd, &st);
	auto before = st.st_blocks;
	EXPECT_EQ(show(st_show_sessions), ST_EXIT_OK);
	EXPECT_TRUE(contains(out, "1 session of"));
	EXPECT_EQ(show(st_show_ports), ST_EXIT_OK);
	fstat(media->shm.fd, &st);
	EXPECT_LT((st.st_blocks - before) * 512, 100000);
}

TEST_F(Reader, LongRunDirectory)
{
	st_reader r;

	EXPECT_EQ(st_reader_init(&r, std::string(200, 'x').c_str(), "test"), -ENAMETOOLONG);
	st_reader_close(&r);
}
