// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "controlplane/control/wire.h"

namespace {

std::vector<uint8_t> pack(std::vector<const char *> words)
{
	uint8_t *bytes = nullptr;
	size_t n = 0;

	EXPECT_EQ(cp_wire_pack(words.data(), (unsigned)words.size(), &bytes, &n), 0);
	std::vector<uint8_t> out(bytes, bytes + n);
	free(bytes);
	return out;
}

TEST(Wire, WordsComeBackAsTheyWere)
{
	auto bytes = pack({"config", "load", "/etc/a b.yaml", ""});
	cp_wire_request request;

	EXPECT_EQ(cp_wire_size(bytes.data(), bytes.size()), (long)bytes.size());
	EXPECT_EQ(cp_wire_size(bytes.data(), 16), (long)bytes.size());
	EXPECT_EQ(cp_wire_size(bytes.data(), 15), 0);
	ASSERT_EQ(cp_wire_parse(bytes.data(), bytes.size(), &request), 0);
	ASSERT_EQ(request.count, 4u);
	EXPECT_STREQ(request.words[2], "/etc/a b.yaml");
	EXPECT_STREQ(request.words[3], "");
}

TEST(Wire, WhatIsNoRequestIsRefused)
{
	auto good = pack({"drain", "now"});
	cp_wire_request request;

	for (size_t n = 0; n < good.size(); n++)
		EXPECT_EQ(cp_wire_parse(good.data(), n, &request), -EPROTO) << n;
	for (size_t at : {0, 4, 8, 12}) { // magic, words, size, zero
		auto bad = good;
		bad[at] ^= 0x55;
		EXPECT_EQ(cp_wire_parse(bad.data(), bad.size(), &request), -EPROTO) << at;
	}
	auto open = good;
	open.back() = 'x'; // the last word has no end
	EXPECT_EQ(cp_wire_parse(open.data(), open.size(), &request), -EPROTO);
	auto more = good;
	more[16 + 2] = 0; // more words than were told
	EXPECT_EQ(cp_wire_parse(more.data(), more.size(), &request), -EPROTO);
}

TEST(Wire, TooMuchIsNotPacked)
{
	std::vector<const char *> many(CP_WIRE_WORDS + 1, "w");
	std::string huge(CP_WIRE_BYTES, 'x');
	const char *one = huge.c_str();
	uint8_t *bytes;
	size_t n;

	EXPECT_EQ(cp_wire_pack(many.data(), (unsigned)many.size(), &bytes, &n), -EINVAL);
	EXPECT_EQ(cp_wire_pack(many.data(), 0, &bytes, &n), -EINVAL);
	EXPECT_EQ(cp_wire_pack(&one, 1, &bytes, &n), -E2BIG);
}

} // namespace
