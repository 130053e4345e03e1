// SPDX-License-Identifier: BSD-3-Clause
// Codecs, digits, fax, prompts and recordings of a peer.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "parse.h"

namespace
{

// A directory with a wav file, and one that is none.
struct Prompts {
	std::string dir;

	Prompts()
	{
		char name[] = "/tmp/hawse-prompts-XXXXXX";

		dir = mkdtemp(name);
		std::string head("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00", 24);
		std::ofstream(dir + "/busy.wav") << head << std::string(20, '\0');
		std::ofstream(dir + "/text.wav") << "This is not audio, it only says so.";
	}
	~Prompts()
	{
		unlink((dir + "/busy.wav").c_str());
		unlink((dir + "/text.wav").c_str());
		rmdir(dir.c_str());
	}
	std::string with(const std::string &peer) const
	{
		return "media: {public: {device: eth0, address: 192.0.2.1}}\n"
		       "sip: {listen: [\"udp:192.0.2.1\"]}\n"
		       "prompts: " + dir + "\nrecordings: /var/lib/hawse/recordings/\n"
		       "peers:\n  carrier:\n    kind: trunk\n    address: 198.51.100.1\n    " + peer + "\n";
	}
};

TEST(Codecs, Defaults)
{
	Prompts d;
	Parsed p = parse(d.with("dscp: 46"));

	ASSERT_EQ(p.err, 0) << p.error;
	const cfg_codecs &c = p.c->peers[0].codecs;
	EXPECT_EQ(c.allow.count + c.order.count + c.strip.count + c.add.count, 0u);
	EXPECT_FALSE(c.no_transcode);
	EXPECT_EQ(c.dtmf, CFG_DTMF_AUTO);
	EXPECT_EQ(c.t38, CFG_T38_PASS);
	EXPECT_EQ(c.ringback, CFG_RINGBACK_PASS);
	EXPECT_EQ(c.record, CFG_RECORD_NO);
	EXPECT_STREQ(p.c->recordings, "/var/lib/hawse/recordings");
}

TEST(Codecs, AListIsAllowedInThatOrder)
{
	Prompts d;
	Parsed p = parse(d.with("codecs: [PCMA, L16/16000]"));

	ASSERT_EQ(p.err, 0) << p.error;
	const cfg_codecs &c = p.c->peers[0].codecs;
	ASSERT_EQ(c.allow.count, 2u);
	ASSERT_EQ(c.order.count, 2u);
	EXPECT_STREQ(c.allow.name[1], "L16/16000");
	EXPECT_STREQ(c.order.name[0], "PCMA");
}

TEST(Codecs, Everything)
{
	Prompts d;
	Parsed p = parse(d.with(
		"codecs: {allow: [opus, PCMA, PCMU], order: PCMA, strip: [G729], add: [opus]}\n"
		"    transcode: off\n    dtmf: info\n    t38: refuse\n    ringback: busy.wav\n"
		"    hold_music: busy.wav\n    announce: {404: busy.wav, 486: busy.wav}\n    record: pcap"));

	ASSERT_EQ(p.err, 0) << p.error;
	const cfg_codecs &c = p.c->peers[0].codecs;
	EXPECT_EQ(c.allow.count, 3u);
	EXPECT_EQ(c.strip.count, 1u);
	EXPECT_TRUE(c.no_transcode);
	EXPECT_EQ(c.dtmf, CFG_DTMF_INFO);
	EXPECT_EQ(c.t38, CFG_T38_REFUSE);
	EXPECT_EQ(parse(d.with("t38: gateway")).c->peers[0].codecs.t38, CFG_T38_GATEWAY);
	EXPECT_EQ(c.ringback, CFG_RINGBACK_FILE);
	EXPECT_STREQ(c.ringback_file, "busy.wav");
	EXPECT_STREQ(c.hold_music, "busy.wav");
	ASSERT_EQ(c.announces, 2u);
	EXPECT_EQ(c.announce[1].status, 486);
	EXPECT_EQ(c.record, CFG_RECORD_PCAP);
	EXPECT_EQ(parse(d.with("ringback: tone")).c->peers[0].codecs.ringback, CFG_RINGBACK_TONE);
}

struct Bad {
	const char *peer;
	const char *says[2];
};

class BadCodecs : public testing::TestWithParam<Bad>
{
};

TEST_P(BadCodecs, NamesFileLineAndKey)
{
	Prompts d;
	Parsed p = parse(d.with(GetParam().peer));

	ASSERT_EQ(p.err, -EINVAL) << GetParam().peer;
	EXPECT_EQ(p.line, 9u) << p.error;
	EXPECT_EQ(p.error.find("test.yaml:9: peers.carrier."), 0u) << p.error;
	for (const char *s : GetParam().says)
		EXPECT_NE(p.error.find(s), std::string::npos) << "\"" << s << "\" in: " << p.error;
}

INSTANTIATE_TEST_SUITE_P(Codecs, BadCodecs, testing::Values(
	Bad{"codecs: [PCMA, pcma]", {"codecs", "found \"pcma\" twice"}},
	Bad{"codecs: [\"G 711\"]", {"codecs", "name of a codec"}},
	Bad{"codecs: [L16/]", {"codecs", "name of a codec"}},
	Bad{"codecs: {prefer: [PCMA]}", {"codecs.prefer", "allow"}},
	Bad{"codecs: {allow: [PCMA], strip: [PCMA]}", {"codecs.strip", "in both"}},
	Bad{"codecs: {allow: [PCMA], add: [opus]}", {"codecs.add", "found \"opus\""}},
	Bad{"transcode: always", {"transcode", "auto"}},
	Bad{"dtmf: sometimes", {"dtmf", "rfc4733"}},
	Bad{"t38: maybe", {"t38", "gateway"}},
	Bad{"record: mp3", {"record", "wav"}},
	Bad{"ringback: ../busy.wav", {"ringback", "wav file"}},
	Bad{"hold_music: /busy.wav", {"hold_music", "wav file"}},
	Bad{"hold_music: missing.wav", {"missing.wav", "cannot be read"}},
	Bad{"hold_music: text.wav", {"hold_music", "expected a wav file"}},
	Bad{"hold_music: busy.mp3", {"hold_music", "wav file"}},
	Bad{"announce: {200: busy.wav}", {"announce", "from 400 to 699"}},
	Bad{"announce: busy.wav", {"announce", "{404: unknown.wav"}}));

TEST(Codecs, DirectoriesAreNeeded)
{
	std::string head = "media: {public: {device: eth0, address: 192.0.2.1}}\n"
			   "sip: {listen: [\"udp:192.0.2.1\"]}\npeers:\n"
			   "  carrier: {kind: trunk, address: 198.51.100.1, ";

	Parsed p = parse(head + "record: wav}\n");
	EXPECT_NE(p.error.find("test.yaml:4: peers.carrier.record: expected the key recordings"),
		std::string::npos) << p.error;
	p = parse(head + "hold_music: busy.wav}\n");
	EXPECT_NE(p.error.find("expected the key prompts"), std::string::npos) << p.error;
	p = parse("prompts: here\n" + head + "dscp: 1}\n");
	EXPECT_NE(p.error.find("test.yaml:1: prompts: expected the whole path"), std::string::npos) << p.error;
}

}
