// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "controlplane/net/upgrade.h"

namespace
{

int read_upgrade(cp_upgrade *out, const std::string &text, const char *origins = nullptr)
{
	return cp_upgrade_read(
		out, reinterpret_cast<const uint8_t *>(text.data()), text.size(), origins);
}

// RFC 7118 section 4.2.
const std::string good = "GET / HTTP/1.1\r\n"
			 "Host: sip-ws.example.com\r\n"
			 "Upgrade: websocket\r\n"
			 "Connection: keep-alive, Upgrade\r\n"
			 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			 "Origin: http://www.example.com\r\n"
			 "Sec-WebSocket-Protocol: chat, sip\r\n"
			 "Sec-WebSocket-Version: 13\r\n\r\n";

std::string with(const std::string &from, const std::string &to)
{
	std::string text = good;
	size_t at = text.find(from);

	EXPECT_NE(at, std::string::npos) << from;
	return text.replace(at, from.size(), to);
}

TEST(Upgrade, AnswersTheExampleOfTheRfc)
{
	cp_upgrade out;

	ASSERT_EQ(read_upgrade(&out, good + "rest"), 0);
	EXPECT_EQ(out.status, 101);
	EXPECT_EQ(out.length, good.size());
	// RFC 6455 section 1.3 gives this key and its answer.
	EXPECT_NE(std::string(out.answer)
			  .find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
		std::string::npos);
	EXPECT_NE(
		std::string(out.answer).find("Sec-WebSocket-Protocol: sip\r\n"), std::string::npos);
}

TEST(Upgrade, WaitsForTheRestWhereverItIsCut)
{
	cp_upgrade out;

	for (size_t n = 0; n < good.size(); n++)
		ASSERT_EQ(read_upgrade(&out, good.substr(0, n)), -EAGAIN) << n;
}

TEST(Upgrade, RefusesWhatIsNotSipOverWebSocket)
{
	const struct {
		std::string text;
		int status;
	} cases[] = {
		{with("chat, sip", "chat"), 400},
		{with("Sec-WebSocket-Protocol: chat, sip\r\n", ""), 400},
		{with("GET / HTTP/1.1", "POST / HTTP/1.1"), 405},
		{with("GET / HTTP/1.1", "GET / HTTP/1.0"), 400},
		{with("GET / HTTP/1.1", "GET"), 400},
		{with("Version: 13", "Version: 8"), 426},
		{with("Upgrade: websocket", "Upgrade: h2c"), 426},
		{with("keep-alive, Upgrade", "keep-alive"), 426},
		{with("25jZQ==", "25jZQ="), 400},
		{with("dGhlIHNhbXBsZSBub25jZQ==", ""), 400},
		{with("Host: sip-ws.example.com\r\n", ""), 400},
		{with("Origin:", "no colon here\r\nOrigin:"), 400},
		{with("Origin:", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin:"), 400},
		{std::string(CP_UPGRADE_MAX, 'x'), 431},
	};

	for (auto &c : cases) {
		cp_upgrade out;
		ASSERT_EQ(read_upgrade(&out, c.text), 0);
		EXPECT_EQ(out.status, c.status) << c.text.substr(0, 400);
		EXPECT_EQ(std::string(out.answer).substr(0, 13),
			"HTTP/1.1 " + std::to_string(c.status) + " ");
		EXPECT_EQ(std::string(out.answer).substr(std::string(out.answer).size() - 4),
			"\r\n\r\n");
	}
}

TEST(Upgrade, OriginsAreThoseOfTheList)
{
	cp_upgrade out;

	ASSERT_EQ(read_upgrade(&out, good, "https://a.example, http://www.example.com"), 0);
	EXPECT_EQ(out.status, 101);
	ASSERT_EQ(read_upgrade(&out, good, "https://a.example"), 0);
	EXPECT_EQ(out.status, 403);
}

} // namespace
