// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "controlplane/call/journal.h"

namespace
{

struct Journal : testing::Test {
	char dir[32] = "/tmp/hawse-journal-XXXXXX";
	std::string path;
	cp_journal *journal = nullptr;
	int moved = 0;

	void SetUp() override
	{
		ASSERT_NE(mkdtemp(dir), nullptr);
		path = std::string(dir) + "/calls";
		ASSERT_EQ(open(), 0);
	}

	void TearDown() override
	{
		cp_journal_close(journal);
		for (const char *end : {"", "-lock", ".pid", ".broken"})
			unlink((path + end).c_str());
		rmdir(dir);
	}

	int open(size_t size = 1 << 20)
	{
		return cp_journal_open(&journal, path.c_str(), size, &moved);
	}

	void reopen()
	{
		cp_journal_close(journal);
		journal = nullptr;
		ASSERT_EQ(open(), 0);
	}

	std::map<uint64_t, std::string> all()
	{
		std::map<uint64_t, std::string> records;

		EXPECT_EQ(cp_journal_each(
				  journal,
				  [](void *user, uint64_t id, const void *bytes, size_t size) {
					  auto *map =
						  static_cast<std::map<uint64_t, std::string> *>(
							  user);
					  (*map)[id] = std::string(
						  static_cast<const char *>(bytes), size);
					  return 0;
				  },
				  &records),
			0);
		return records;
	}

	int put(uint64_t id, const std::string &record)
	{
		return cp_journal_put(journal, id, record.data(), record.size());
	}
};

TEST_F(Journal, KeepsWhatWasCommittedAcrossAReopen)
{
	EXPECT_EQ(put(7, "seven"), 0);
	EXPECT_EQ(put(UINT64_MAX, "last"), 0);
	EXPECT_EQ(put(7, "seven again"), 0);
	EXPECT_EQ(cp_journal_delete(journal, 12345), 0);
	EXPECT_EQ(cp_journal_commit(journal), 0);
	EXPECT_EQ(put(8, "eight"), 0);
	EXPECT_EQ(cp_journal_delete(journal, 8), 0);
	reopen();
	EXPECT_EQ(
		all(), (std::map<uint64_t, std::string>{{7, "seven again"}, {UINT64_MAX, "last"}}));
	EXPECT_EQ(cp_journal_clear(journal), 0);
	EXPECT_EQ(cp_journal_commit(journal), 0);
	EXPECT_TRUE(all().empty());
}

TEST_F(Journal, AKilledProcessLosesNothingCommitted)
{
	cp_journal_close(journal);
	journal = nullptr;
	pid_t child = fork();
	if (child == 0) {
		if (open() == 0 && put(1, "one") == 0 && cp_journal_commit(journal) == 0 &&
			put(2, "two, not committed") == 0)
			raise(SIGKILL);
		_exit(1);
	}
	int status;
	ASSERT_EQ(waitpid(child, &status, 0), child);
	ASSERT_TRUE(WIFSIGNALED(status));
	ASSERT_EQ(open(), 0);
	EXPECT_EQ(moved, 0);
	EXPECT_EQ(all(), (std::map<uint64_t, std::string>{{1, "one"}}));
	EXPECT_EQ(put(3, "three"), 0);
	EXPECT_EQ(cp_journal_commit(journal), 0);
	EXPECT_EQ(all().size(), 2u);
}

TEST_F(Journal, ASecondProcessIsRefused)
{
	pid_t child = fork();
	if (child == 0) {
		cp_journal *second;
		_exit(cp_journal_open(&second, path.c_str(), 1 << 20, &moved) == -EBUSY ? 0 : 1);
	}
	int status;
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Journal, AFullJournalSaysSoAndKeepsWhatItHad)
{
	cp_journal_close(journal);
	journal = nullptr;
	ASSERT_EQ(open(64 << 10), 0);
	EXPECT_EQ(put(1, "kept"), 0);
	EXPECT_EQ(cp_journal_commit(journal), 0);
	int err = 0;
	for (uint64_t id = 2; id < 100 && !err; id++)
		err = put(id, std::string(4000, 'x'));
	EXPECT_EQ(err, -ENOSPC);
	EXPECT_EQ(cp_journal_commit(journal), -ENOSPC);
	EXPECT_EQ(all(), (std::map<uint64_t, std::string>{{1, "kept"}}));
	EXPECT_EQ(put(2, "small"), 0);
	EXPECT_EQ(cp_journal_commit(journal), 0);
	EXPECT_EQ(all().size(), 2u);
}

TEST_F(Journal, AFileThatIsNotOursIsSetAside)
{
	cp_journal_close(journal);
	journal = nullptr;
	std::ofstream(path, std::ios::trunc) << std::string(9000, 'j');
	ASSERT_EQ(open(), 0);
	EXPECT_EQ(moved, 1);
	EXPECT_TRUE(all().empty());
	EXPECT_EQ(access((path + ".broken").c_str(), R_OK), 0);
	EXPECT_EQ(put(1, "new"), 0);
	EXPECT_EQ(cp_journal_commit(journal), 0);
}

TEST_F(Journal, ARecordThatIsTooLargeIsRefused)
{
	EXPECT_EQ(put(1, std::string(CP_JOURNAL_RECORD + 1, 'x')), -EMSGSIZE);
}

TEST_F(Journal, TheVisitorMayStop)
{
	put(1, "a");
	put(2, "b");
	cp_journal_commit(journal);
	int seen = 0;
	EXPECT_EQ(cp_journal_each(
			  journal,
			  [](void *user, uint64_t, const void *, size_t) {
				  ++*static_cast<int *>(user);
				  return 42;
			  },
			  &seen),
		42);
	EXPECT_EQ(seen, 1);
}

} // namespace
