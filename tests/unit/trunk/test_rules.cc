// SPDX-License-Identifier: BSD-3-Clause
// What header rules make of messages, and which the configuration refuses.
#include "parse.h"

extern "C" {
#include "controlplane/trunk/rules.h"
}

namespace
{

const char *const kInvite =
	"INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=1\r\n"
	"Subject: one\r\nX-Id: 17@there\r\nx-ID: 18@there\r\ns: two\r\n"
	"P-Asserted-Identity: \"A\"\r\n <sip:+4930@x>\r\nCSeq: 1 INVITE\r\nl: 4\r\n\r\nbody";
const char *const kRinging =
	"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\n"
	"Server: S\r\nContent-Length: 0\r\n\r\n";

std::string made_of(
	const std::string &rules, const std::string &message, cfg_direction way = CFG_OUT)
{
	trunk::Config c("{a: {kind: trunk, address: 10.0.0.1, rules: {" +
			std::string(way == CFG_OUT ? "out: [" : "in: [") + rules + "]}}}");
	static sip_message m;
	static char out[CP_RULES_SIZE];
	EXPECT_NE(c.c, nullptr) << c.error.text;
	if (!c.c || sip_message_index(
			    &m, reinterpret_cast<const uint8_t *>(message.data()), message.size()))
		return "error";
	int n = cp_rules_apply(c.c->peers[0].trunk.rules, way, &m, out, sizeof(out));
	if (n < 0)
		return "error " + std::to_string(n);
	return n ? std::string(out, size_t(n)) : "same";
}

bool has(const std::string &text, const std::string &line)
{
	return text.find("\r\n" + line + "\r\n") != std::string::npos;
}

TEST(Rules, AddRemoveReplaceCopy)
{
	std::string m = made_of("{add: X-New, value: \"a, b\"}, {remove: Subject}, {replace: X-Id, "
				"match: \"^([0-9]+)@.*$\","
				" with: \"<\\\\1>\"}, {copy: P-Asserted-Identity, to: X-Caller}, "
				"{replace: x-new, value: c}",
		kInvite);
	EXPECT_TRUE(has(m, "X-New: c")) << m; // each sees what those before it made
	EXPECT_EQ(m.find("one"), std::string::npos);
	EXPECT_EQ(m.find("two"), std::string::npos); // the short form too
	EXPECT_TRUE(has(m, "X-Id: <17>"));
	EXPECT_TRUE(has(m, "x-ID: <18>"));
	EXPECT_TRUE(has(m, "X-Caller: \"A\" <sip:+4930@x>"));
	EXPECT_TRUE(has(m, "P-Asserted-Identity: \"A\"\r\n <sip:+4930@x>")); // untouched as it was
	EXPECT_EQ(m.substr(0, 24), "INVITE sip:1@h SIP/2.0\r\n");
	EXPECT_EQ(m.substr(m.size() - 8), "\r\n\r\nbody");
}

TEST(Rules, ChangeNothingWhereNothingFits)
{
	EXPECT_EQ(made_of("{remove: X-None}, {replace: X-Id, match: \"^zz\", with: \"\"}, {copy: "
			  "X-No, to: X-Yes}",
			  kInvite),
		"same");
	EXPECT_EQ(
		made_of("{add: X-A, value: b}", kInvite, CFG_IN).find("error"), std::string::npos);
	EXPECT_EQ(made_of("{pass: X-Id}", kInvite, CFG_IN), "same");
}

TEST(Rules, HoldUnderTheirConditionsOnly)
{
	auto added = [](const std::string &condition, const char *message) {
		return has(made_of("{add: X-A, value: b, if: {" + condition + "}}", message),
			"X-A: b");
	};
	EXPECT_TRUE(added("method: INVITE", kInvite));
	EXPECT_TRUE(added("method: [BYE, INVITE]", kRinging));
	EXPECT_FALSE(added("method: BYE", kInvite));
	EXPECT_TRUE(added("status: request", kInvite));
	EXPECT_FALSE(added("status: request", kRinging));
	EXPECT_TRUE(added("status: response", kRinging));
	EXPECT_TRUE(added("status: 180-189", kRinging));
	EXPECT_FALSE(added("status: 200", kRinging));
	EXPECT_FALSE(added("status: 100-699", kInvite));
	EXPECT_TRUE(added("header: x-id", kInvite));
	EXPECT_FALSE(added("header: X-Id", kRinging));
	EXPECT_TRUE(added("absent: X-Id", kRinging));
	EXPECT_FALSE(added("absent: x-id", kInvite));
	EXPECT_TRUE(added("header: X-Id, matches: \"^18\"", kInvite));
	EXPECT_FALSE(added("header: X-Id, matches: \"^19\"", kInvite));
	EXPECT_TRUE(added("header: From, matches: \"sip:a@\"",
		kInvite)); // looked at, though not to be changed
}

TEST(Rules, WhatCallsStandOnIsProtected)
{
	auto error = [](const std::string &rule, const char *way = "out") {
		trunk::Config c("{a: {kind: trunk, address: 10.0.0.1, rules: {" + std::string(way) +
				": [" + rule + "]}}}");
		EXPECT_EQ(c.c, nullptr) << rule;
		return std::string(c.error.text);
	};
	for (const char *name :
		{"Via", "v", "From", "t", "Call-ID", "i", "CSeq", "Contact", "Content-Length", "l",
			"Content-Type", "Max-Forwards", "record-route", "Route", "Authorization"})
		EXPECT_NE(error("{remove: " + std::string(name) + "}").find("is protected"),
			std::string::npos);
	EXPECT_NE(error("{add: Via, value: x}")
			  .find("t.yaml:3: peers.a.rules.out[0].add: Via is protected"),
		std::string::npos);
	EXPECT_NE(error("{copy: X-A, to: To}").find("is protected"), std::string::npos);
	EXPECT_NE(error("{add: X A, value: x}").find("the name of a header"), std::string::npos);
	EXPECT_NE(error("{add: X-A}").find("expected the key value"), std::string::npos);
	EXPECT_NE(error("{remove: X-A, value: x}").find("goes with add and replace"),
		std::string::npos);
	EXPECT_NE(error("{remove: X-A, add: X-B, value: x}").find("found more"), std::string::npos);
	EXPECT_NE(error("{}").find("found none"), std::string::npos);
	EXPECT_NE(error("{replace: X-A, match: \"a\", with: \"\\\\1\"}").find("it has 0"),
		std::string::npos);
	EXPECT_NE(error("{replace: X-A, match: \"[\", with: x}").find("regular expression"),
		std::string::npos);
	EXPECT_NE(error("{pass: X-A}").find("pass is a rule for what comes in"), std::string::npos);
	EXPECT_NE(error("{remove: X-A, if: {status: 99}}").find("a status or a range"),
		std::string::npos);
	EXPECT_NE(error("{remove: X-A, if: {matches: a}}").find("expected the key header"),
		std::string::npos);
	EXPECT_NE(error("{add: X-A, value: \"a\\r\\nVia: b\"}").find("control character"),
		std::string::npos);
}

TEST(Rules, WhatWouldBeTooLongIsNotSent)
{
	std::string rules;
	for (int i = 0; i < 100; i++)
		rules +=
			std::string(i ? ", " : "") + "{copy: X-Id, to: X-B}, {copy: X-B, to: X-Id}";
	EXPECT_EQ(made_of(rules, kInvite), "error " + std::to_string(-ENOBUFS));
}

} // namespace
