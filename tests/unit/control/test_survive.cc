// SPDX-License-Identifier: BSD-3-Clause
// The journal in its file, and the file of the CDRs, as the process uses them.
#include "tests/unit/control/world.h"

#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "controlplane/cdr_file.h"
#include "controlplane/survive.h"
}

using namespace control;

namespace
{

struct Directory {
	char path[32] = "/tmp/hawse-survive-XXXXXX";

	Directory()
	{
		EXPECT_NE(mkdtemp(path), nullptr);
	}
	~Directory()
	{
		for (const char *name : {"/state/calls", "/state/calls-lock", "/state/calls.pid",
			     "/state/calls.broken", "/cdr", "/state"})
			remove((std::string(path) + name).c_str());
		rmdir(path);
	}
	std::string operator/(const std::string &name) const
	{
		return std::string(path) + "/" + name;
	}
};

bool exists(const std::string &path)
{
	return access(path.c_str(), F_OK) == 0;
}

void write_file(const std::string &path, const std::string &text)
{
	std::ofstream(path, std::ios::binary) << text;
}

std::string read_file(const std::string &path)
{
	std::ifstream in(path, std::ios::binary);
	return {std::istreambuf_iterator<char>(in), {}};
}

// ---- the journal -----------------------------------------------------------------------------------

struct Survive : Call {
	Directory dir;
	cp_survive *survive = nullptr;
	char why[256] = "";

	void SetUp() override
	{
		Call::SetUp();
		ASSERT_EQ(open_journal(), 0);
		ASSERT_NE(survive, nullptr);
	}

	void TearDown() override
	{
		Call::TearDown();
		cp_survive_close(survive);
	}

	int open_journal()
	{
		std::string state = dir / "state";
		cp_survive_config config{state.c_str(), 64, cp_tregion_counters(tregion, 1)};
		return cp_survive_open(&survive, &config, why, sizeof(why));
	}

	uint64_t process_counter(unsigned c)
	{
		return abi_load64(&cp_tregion_counters(tregion, 1)[c]);
	}

	int journal_put(uint64_t id, const std::string &record) override
	{
		if (record.empty())
			return cp_survive_drop(survive, id);
		return cp_survive_keep(survive, id,
			reinterpret_cast<const uint8_t *>(record.data()), record.size());
	}

	void keep(bool all) override
	{
		cp_survive_settle(survive, &shard, 1, now_us, all);
	}

	// `file`: what the journal's file held at the moment of death.
	void restart(const std::string &file = "")
	{
		cp_shard_free(shard);
		cp_tregion_free(tregion);
		cp_survive_close(survive);
		survive = nullptr;
		if (!file.empty())
			write_file(dir / "state/calls", file);
		media.replies.clear();
		sent.clear();
		open(kConfig);
		ASSERT_EQ(open_journal(), 0);
		cp_cdr_list recorded;
		ASSERT_EQ(cp_cdr_list_read(&recorded, (dir / "cdr").c_str()), 0);
		cp_survive_restore(
			survive, &recorded,
			[](void *ctx, struct sip_slice) { return of(ctx)->shard; },
			static_cast<World *>(this));
		cp_cdr_list_free(&recorded);
		attach_first(0);
	}

	std::string cdr(const std::string &leg)
	{
		for (const std::string &line : cdrs)
			if (line.find("\"leg\":\"" + leg + "\"") != std::string::npos)
				return line;
		return "";
	}

	const std::string stranger = "{\"call\":\"0000000000000001\",\"leg\":\"a\",\"record\":\"final\","
				     "\"id\":\"0000000000000001-a\"}\n";
};

TEST_F(Survive, CallsAreThereAgainInTheirFile)
{
	EXPECT_EQ(process_counter(CP_C_JOURNAL), 1u);
	up();
	restart();
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	sent.clear();
	a.ack();
	bye(a, b);
	EXPECT_EQ(cdrs.size(), 2u);
	keep(true);
	restart();
	EXPECT_EQ(counter(CP_C_RESTORED), 0u);
}

TEST_F(Survive, TheFileIsOursAloneAndGoneWhenItIsEmpty)
{
	struct stat st;
	std::string file = dir / "state/calls";

	up();
	ASSERT_EQ(stat(file.c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0600u);
	bye(a, b);
	cp_survive_close(survive);
	survive = nullptr;
	EXPECT_FALSE(exists(file));
	ASSERT_EQ(open_journal(), 0);
}

TEST_F(Survive, ACallWhoseCdrsAreWrittenIsOver)
{
	up();
	keep(true);
	std::string before = read_file(dir / "state/calls");
	bye(a, b);
	ASSERT_EQ(cdrs.size(), 2u);
	write_file(dir / "cdr", stranger + cdr("a") + cdr("b"));
	restart(before); // the journal was not told
	EXPECT_EQ(counter(CP_C_RESTORED), 0u);
	EXPECT_EQ(counter(CP_C_RESTORE_LOST), 0u);
	EXPECT_EQ(cdrs.size(), 2u);
	restart();
	EXPECT_EQ(counter(CP_C_RESTORED), 0u) << "and forgotten for good";
}

TEST_F(Survive, ACallOfWhichOneCdrIsWrittenGetsTheOther)
{
	up();
	keep(true);
	std::string before = read_file(dir / "state/calls");
	bye(a, b);
	// Half a line is none.
	write_file(dir / "cdr", stranger + cdr("a") + cdr("b").substr(0, 200));
	restart(before);
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	ASSERT_EQ(cdrs.size(), 3u);
	EXPECT_NE(cdrs[2].find("\"leg\":\"b\""), std::string::npos);
	a.respond(a.expect("BYE"), 481, "Gone");
	b.respond(b.expect("BYE"), 481, "Gone");
}

TEST_F(Survive, TheCdrOfATargetThatDidNotAnswerEndsNoCall)
{
	up();
	keep(true);
	std::string before = read_file(dir / "state/calls");
	bye(a, b);
	write_file(dir / "cdr", cdr("b") + stranger);
	sent.clear();
	restart(before);
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	EXPECT_EQ(counter(CP_C_REPLAY_FAILED), 1u);
	a.respond(a.expect("BYE"), 481, "Gone");
	b.respond(b.expect("BYE"), 481, "Gone");
}

TEST_F(Survive, OnlyOneHawseSipKeepsItsCallsThere)
{
	cp_survive *first = survive;
	EXPECT_EQ(open_journal(), -EBUSY);
	EXPECT_EQ(survive, nullptr);
	EXPECT_NE(strstr(why, "another hawse-sip"), nullptr) << why;
	survive = first;
}

TEST_F(Survive, WithoutADirectoryThereIsNoJournal)
{
	for (const char *directory : {"", "/proc/nowhere"}) {
		cp_survive *none = survive;
		cp_survive_config config{directory, 64, cp_tregion_counters(tregion, 1)};
		EXPECT_EQ(cp_survive_open(&none, &config, why, sizeof(why)), 0);
		EXPECT_EQ(none, nullptr);
	}
	cp_survive_settle(nullptr, &shard, 1, now_us, true);
	cp_survive_restore(nullptr, nullptr, nullptr, nullptr);
	EXPECT_EQ(cp_survive_own(nullptr, 0, 0), 0);
	cp_survive_close(nullptr);
}

TEST_F(Survive, AFileThatIsNoJournalIsSetAside)
{
	restart(std::string(9000, 'x'));
	EXPECT_EQ(counter(CP_C_RESTORED), 0u);
	EXPECT_TRUE(exists(dir / "state/calls.broken"));
	up();
	restart();
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	sent.clear();
	a.ack();
	bye(b, a);
}

TEST_F(Survive, ARecordThatCannotBeReadIsCountedAndForgotten)
{
	ASSERT_EQ(cp_survive_keep(survive, 77, reinterpret_cast<const uint8_t *>("junk"), 4), 0);
	keep(true);
	up();
	keep(true);
	restart();
	EXPECT_EQ(counter(CP_C_RESTORE_LOST), 1u);
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	restart();
	EXPECT_EQ(counter(CP_C_RESTORE_LOST), 0u);
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	bye(a, b);
}

TEST_F(Survive, AJournalThatCannotBeWrittenCostsNoCallAndBeginsAnew)
{
	rlimit before, none;
	ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 1; // as a full disk
	auto old = signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
	up();
	keep(true);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, old);
	EXPECT_EQ(process_counter(CP_C_JOURNAL), 0u);
	EXPECT_EQ(process_counter(CP_C_JOURNAL_FAILED), 1u);
	advance(9000);
	EXPECT_EQ(process_counter(CP_C_JOURNAL), 0u);
	advance(2000);
	EXPECT_EQ(process_counter(CP_C_JOURNAL), 1u);
	restart();
	EXPECT_EQ(counter(CP_C_RESTORED), 1u);
	bye(a, b);
}

// ---- the file of the CDRs --------------------------------------------------------------------------

unsigned legs_in(const std::string &text, uint64_t call)
{
	cp_cdr_list list;
	EXPECT_EQ(cp_cdr_list_parse(
			  &list, reinterpret_cast<const uint8_t *>(text.data()), text.size()),
		0);
	unsigned legs = cp_cdr_list_legs(&list, call);
	cp_cdr_list_free(&list);
	return legs;
}

std::string line(unsigned call, char leg)
{
	return format("{\"call\":\"%016x\",\"leg\":\"%c\"%s,\"record\":\"final\",\"id\":\"%016x-%s\","
		      "\"peer\":\"x\"}\n",
		call, leg, leg == 'b' ? ",\"attempt\":1" : "", call, leg == 'b' ? "b1" : "a");
}

TEST(CdrFile, SaysWhichLegsAreInIt)
{
	EXPECT_EQ(legs_in("", 1), 0u);
	EXPECT_EQ(legs_in(line(1, 'a'), 1), 1u);
	EXPECT_EQ(legs_in(line(1, 'a'), 2), 0u);
	EXPECT_EQ(legs_in(line(1, 'a') + line(1, 'b'), 1), 3u);
	EXPECT_EQ(legs_in(line(1, 'b') + line(1, 'a'), 1), 1u) << "b before a is of another target";
	EXPECT_EQ(legs_in(line(2, 'a') + line(1, 'a') + line(2, 'b') + line(1, 'b'), 2), 3u);
	std::string many;
	for (unsigned i = 1; i <= 1000; i++)
		many += line(i, 'a') + line(i, 'b');
	EXPECT_EQ(legs_in(many, 1), 3u);
	EXPECT_EQ(legs_in(many, 1000), 3u);
	EXPECT_EQ(legs_in(many, 1001), 0u);
}

TEST(CdrFile, BelievesWholeLinesOnly)
{
	const std::string a = line(1, 'a');
	for (size_t n = 0; n < a.size(); n++)
		EXPECT_EQ(legs_in(a.substr(0, n), 1), 0u) << n;
	EXPECT_EQ(legs_in(a.substr(5) + a, 1), 1u) << "the tail may begin anywhere";
	for (const char *junk : {"\n\n\n", "{\"call\":\"000000000000000G\",\"leg\":\"a\"}\n",
		     "{\"call\":\"0000000000000001\",\"leg\":\"c\"}\n",
		     "{\"call\":\"0000000000000001\",\"leg\":\"\n", "junk\n"})
		EXPECT_EQ(legs_in(junk, 1), 0u) << junk;
}

TEST(CdrFile, ALineThatADyingProcessLeftIsCutOff)
{
	Directory dir;
	std::string path = dir / "cdr";
	cp_cdr_file file;
	char why[256];

	write_file(path, line(1, 'a') + "{\"call\":\"00");
	cp_cdr_file_init(&file);
	EXPECT_EQ(cp_cdr_file_write(&file, "x\n", 2), 0) << "none is wanted";
	ASSERT_EQ(cp_cdr_file_open(&file, path.c_str(), why, sizeof(why)), 0);
	EXPECT_EQ(cp_cdr_file_write(&file, "next\n", 5), 0);
	EXPECT_EQ(cp_cdr_file_open(&file, path.c_str(), why, sizeof(why)), 0);
	EXPECT_EQ(cp_cdr_file_write(&file, "last\n", 5), 0);
	EXPECT_EQ(read_file(path), line(1, 'a') + "next\nlast\n");
	EXPECT_EQ(cp_cdr_file_open(&file, "/proc/no/cdr", why, sizeof(why)), -ENOENT);
	EXPECT_EQ(cp_cdr_file_write(&file, "on\n", 3), 0) << "the old one stays";
	cp_cdr_file_close(&file);
	EXPECT_EQ(cp_cdr_file_write(&file, "on\n", 3), -EBADF);
	cp_cdr_list list;
	EXPECT_EQ(cp_cdr_list_read(&list, "/proc/no/cdr"), 0);
	EXPECT_EQ(cp_cdr_list_read(&list, dir.path), 0);
	ASSERT_EQ(cp_cdr_list_read(&list, path.c_str()), 0);
	EXPECT_EQ(cp_cdr_list_legs(&list, 1), 1u);
	cp_cdr_list_free(&list);
}

} // namespace
