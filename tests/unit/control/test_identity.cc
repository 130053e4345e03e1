// SPDX-License-Identifier: BSD-3-Clause
// Who calls, and who may know: identities, privacy, Diversion and History-Info by the policy of the peers; and that
// nothing of one side is ever seen on the other.
#include <set>

#include "tests/unit/control/world.h"

using namespace control;

namespace
{

const char *const kIdentity = R"(
media:
  a: {device: a0, address: [10.1.0.1, "fd00:1::1"], ports: 20000-20999}
  b: {device: b0, address: [10.2.0.1, "fd00:2::1"], ports: 20000-20999}
sip:
  listen: [udp:10.1.0.1, udp:10.2.0.1]
  ring_timeout: 60
peers:
  office: {kind: trunk, address: 10.1.0.2, media: a%s}
  phone: {kind: access, address: 10.1.0.4, media: a%s}
  carrier: {kind: trunk, address: 10.2.0.2, media: b%s}
  desk: {kind: access, address: 10.2.0.4, media: b%s}
routes:
  - {number: "+49", to: [carrier]}
  - {number: "7", to: [desk]}
  - {from: carrier, to: [office]}
)";

struct Identity : World {
	Party office{*this, "caller", "10.1.0.2", 0}, phone{*this, "caller", "10.1.0.4", 0},
		carrier{*this, "callee", "10.2.0.2", 1}, desk{*this, "callee", "10.2.0.4", 1};

	void SetUp() override
	{
		ASSERT_EQ(sip_init(), 0);
		begin();
		phone.branch = 1000;
		desk.branch = 1000;
		hide = true;
	}

	void begin(const std::string &of_office = "", const std::string &of_phone = "",
		const std::string &of_carrier = "", const std::string &of_desk = "")
	{
		auto key = [](const std::string &s) {
			return s.empty() ? s : ", identity: {" + s + "}";
		};
		std::string config = format(kIdentity, key(of_office).c_str(),
			key(of_phone).c_str(), key(of_carrier).c_str(), key(of_desk).c_str());
		if (!shard) {
			start(config.c_str());
			return;
		}
		cp_policy *policy = make_policy(config.c_str());
		ASSERT_NE(policy, nullptr);
		cp_shard_set_policy(shard, policy);
		cp_policy_release(policy);
	}

	// The INVITE that goes out; the call is refused then.
	Msg invite(Party &from, Party &to, const std::string &lines)
	{
		static unsigned calls;
		from.call_id = format("caller-%u", ++calls);
		from.remote_tag = "";
		from.call(to.ip == desk.ip ? "77" : "+4930", from.sdp.text(), lines);
		from.expect(100);
		Msg i = to.expect_invite();
		to.respond(i, 486, "Busy");
		to.expect("ACK");
		from.ack_failure(from.expect(486));
		return i;
	}
};

const char *const kAsserted = "P-Asserted-Identity: \"Al\" <sip:+49305@10.1.0.2>\r\n";

TEST_F(Identity, AmongTrunksEverythingGoesOverWithItsPrivacy)
{
	for (const char *privacy : {"id", "user", "header;id", "none", "id;critical"}) {
		Msg i = invite(office, carrier,
			std::string(kAsserted) + "Privacy: " + privacy + "\r\n");
		EXPECT_EQ(i.header("Privacy"), privacy);
		EXPECT_EQ(i.header("P-Asserted-Identity"), "\"Al\" <sip:+49305@10.2.0.1>");
		EXPECT_EQ(i.header("From").find("\"Al Person\" <sip:alice@10.2.0.1>"), 0u);
	}
}

TEST_F(Identity, WhoIsNotTrustedSeesAnonymous)
{
	for (const char *privacy : {"id", "user", "header", "id;critical", "ID; user"}) {
		Msg i = invite(office, desk,
			std::string(kAsserted) + "Privacy: " + privacy +
				"\r\nDiversion: <sip:+4977@10.1.0.2>\r\nSubject: from alice\r\n"
				"Referred-By: <sip:alice@10.1.0.2>\r\n"
				"Remote-Party-ID: <sip:alice@10.1.0.2>;privacy=off\r\n");
		EXPECT_EQ(i.header("From").find(
				  "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="),
			0u)
			<< i.header("From");
		EXPECT_EQ(i.header("Contact").find("@"), std::string::npos) << i.header("Contact");
		for (const char *name : {"P-Asserted-Identity", "Remote-Party-ID", "Diversion",
			     "Subject", "Referred-By", "Privacy"})
			EXPECT_FALSE(i.has(name)) << name;
		EXPECT_EQ(i.text.find("alice"), std::string::npos) << i.text;
		EXPECT_EQ(i.text.find("49305"), std::string::npos) << i.text;
	}
	// Who wants none is not hidden, whatever else is said.
	Msg i = invite(office, desk, std::string(kAsserted) + "Privacy: none\r\n");
	EXPECT_EQ(i.header("P-Asserted-Identity"), "\"Al\" <sip:+49305@10.2.0.1>");
	EXPECT_NE(i.header("From").find("alice"), std::string::npos);
}

TEST_F(Identity, TheCallerStaysAnonymousInTheCall)
{
	office.call("77", office.sdp.text(), std::string(kAsserted) + "Privacy: id\r\n");
	office.expect(100);
	Msg i = desk.expect_invite();
	desk.respond(i, 200, "OK", desk.sdp.text());
	office.learn(office.expect(200));
	desk.expect("ACK");
	office.ack();
	office.sdp.version++;
	office.sdp.direction = "sendonly";
	office.request("INVITE", office.sdp.text(), kAsserted);
	Msg re = desk.expect("INVITE");
	EXPECT_EQ(re.text.find("alice"), std::string::npos) << re.text;
	EXPECT_EQ(re.text.find("49305"), std::string::npos) << re.text;
	desk.respond(re, 200, "OK", desk.sdp.text());
	office.expect(200);
	desk.expect("ACK");
	office.ack();
	// And when the other party passes him on.
	desk.request("REFER", "",
		"Refer-To: <sip:7@10.2.0.1>\r\nContact: <sip:calleeSecret@10.2.0.4>\r\n");
	desk.expect(202, "REFER");
	desk.respond(desk.expect("NOTIFY"), 200, "OK");
	Party third{*this, "callee", "10.2.0.4", 1};
	Msg next = third.expect_invite();
	EXPECT_EQ(next.header("From").find("\"Anonymous\" "), 0u) << next.text;
	EXPECT_EQ(next.text.find("alice"), std::string::npos) << next.text;
	third.respond(next, 486, "Busy");
	third.expect("ACK");
	desk.respond(desk.expect("NOTIFY"), 200, "OK");
	office.request("BYE");
	office.expect(200, "BYE");
	desk.respond(desk.expect("BYE"), 200, "OK");
}

TEST_F(Identity, PrivacyThatCannotBeGivenIsRefusedWhenItIsCritical)
{
	office.call("+4930", office.sdp.text(), "Privacy: id;telepathy;critical\r\n");
	office.ack_failure(office.expect(500));
	EXPECT_TRUE(quiet(carrier.addr));
	invite(office, carrier, "Privacy: telepathy\r\n"); // not critical
}

TEST_F(Identity, APhoneIsBelievedOnlyByPolicy)
{
	const char *lines = "P-Asserted-Identity: <sip:+1@10.1.0.4>\r\n"
			    "P-Preferred-Identity: \"Al\" <sip:+49307@10.1.0.4>\r\n";
	Msg i = invite(phone, carrier, lines);
	EXPECT_FALSE(i.has("P-Asserted-Identity"));
	EXPECT_FALSE(i.has("P-Preferred-Identity"));
	begin("", "assert: preferred");
	i = invite(phone, carrier, lines);
	EXPECT_EQ(i.header("P-Asserted-Identity"), "\"Al\" <sip:+49307@10.2.0.1>");
	EXPECT_EQ(i.header("P-Asserted-Identity", 1), "");
	i = invite(phone, carrier, ""); // then what From says
	EXPECT_EQ(i.header("P-Asserted-Identity"), "\"Al Person\" <sip:alice@10.2.0.1>");
	begin("", "assert: carry");
	i = invite(phone, carrier, lines);
	EXPECT_EQ(i.header("P-Asserted-Identity"), "<sip:+1@10.2.0.1>");
	begin("assert: strip");
	i = invite(office, carrier, kAsserted);
	EXPECT_FALSE(i.has("P-Asserted-Identity"));
}

TEST_F(Identity, InTheHeaderThatThePeerReads)
{
	begin("", "", "show: rpid");
	Msg i = invite(office, carrier, kAsserted);
	EXPECT_FALSE(i.has("P-Asserted-Identity"));
	EXPECT_EQ(i.header("Remote-Party-ID"),
		"\"Al\" <sip:+49305@10.2.0.1>;party=calling;screen=yes;privacy=off");
	begin("", "", "show: both");
	i = invite(office, carrier, std::string(kAsserted) + "Privacy: id\r\n");
	EXPECT_EQ(i.header("P-Asserted-Identity"), "\"Al\" <sip:+49305@10.2.0.1>");
	EXPECT_EQ(i.header("Remote-Party-ID"),
		"\"Al\" <sip:+49305@10.2.0.1>;party=calling;screen=yes;privacy=full");
	begin("", "", "show: none");
	EXPECT_FALSE(invite(office, carrier, kAsserted).has("P-Asserted-Identity"));
	begin();
	// From a peer that speaks the old one.
	i = invite(office, carrier,
		"Remote-Party-ID: \"Al\" <sip:+49305@10.1.0.2>;party=calling;screen=yes\r\n");
	EXPECT_EQ(i.header("P-Asserted-Identity"), "\"Al\" <sip:+49305@10.2.0.1>");
	i = invite(office, carrier, "Remote-Party-ID: <sip:+49305@10.1.0.2>;screen=no\r\n");
	EXPECT_FALSE(i.has("P-Asserted-Identity"));
	i = invite(office, desk, "Remote-Party-ID: <sip:+49305@10.1.0.2>;privacy=full\r\n");
	EXPECT_FALSE(i.has("P-Asserted-Identity"));
}

TEST_F(Identity, DiversionAndHistoryByPolicy)
{
	const char *lines =
		"Diversion: <sip:+4977@10.1.0.2>;reason=user-busy;counter=1\r\n"
		"History-Info: \"x\" <sip:+4977@10.1.0.2?Reason=SIP%3Bcause%3D302%3Btext%3D"
		"%22callerSecret%22>;index=1;x=caller, "
		"<sip:+4978@10.1.0.2?Privacy=history>;index=1.1;rc=1, <tel:+4979>;index=1.2\r\n";
	Msg i = invite(office, carrier, lines);
	EXPECT_EQ(i.header("Diversion"), "<sip:+4977@10.2.0.1>;reason=user-busy;counter=1");
	EXPECT_EQ(i.header("History-Info"),
		"<sip:+4977@10.2.0.1?Reason=SIP%3Bcause%3D302>;index=1");
	EXPECT_EQ(i.header("History-Info", 1),
		"<sip:+4978@10.2.0.1?Privacy=history>;index=1.1;rc=1");
	EXPECT_EQ(i.header("History-Info", 2), "<tel:+4979>;index=1.2");
	i = invite(office, desk, lines);
	EXPECT_TRUE(i.has("Diversion"));
	EXPECT_FALSE(i.has("History-Info"));
	i = invite(phone, carrier, lines);
	EXPECT_FALSE(i.has("Diversion"));
	EXPECT_FALSE(i.has("History-Info"));
	begin("", "diversion: carry, history: carry", "diversion: strip",
		"history: carry, diversion: strip");
	i = invite(phone, carrier, lines);
	EXPECT_FALSE(i.has("Diversion"));
	EXPECT_TRUE(i.has("History-Info"));
	i = invite(office, desk, lines);
	EXPECT_FALSE(i.has("Diversion"));
	EXPECT_EQ(i.header("History-Info", 1), "<sip:anonymous@anonymous.invalid>;index=1.1;rc=1");
	begin("history: strip", "", "history: carry");
	EXPECT_FALSE(invite(office, carrier, lines).has("History-Info"));
}

// ---- hiding, over every kind of message ----------------------------------------------------------------

struct Hiding : Call {
	// Everything of itself that a party can put where a header or a body may be.
	std::string everything(const Party &p)
	{
		std::string n = p.name + "Secret", ip = p.ip;
		return "User-Agent: " + n + "\r\nServer: " + n + "\r\nOrganization: " + n +
		       "\r\nX-Header: " + n + "@" + ip + "\r\nCall-Info: <http://" + ip +
		       "/>\r\nError-Info: <sip:" + n + "@" + ip + ">\r\nReply-To: <sip:" + n + "@" +
		       ip + ">\r\nIn-Reply-To: " + n + "@" + ip + "\r\nWarning: 399 " + ip +
		       " \"x\"\r\nP-Asserted-Identity: <sip:1@" + ip +
		       ">\r\nP-Preferred-Identity: <sip:1@" + ip + ">\r\nRemote-Party-ID: <sip:1@" +
		       ip + ">\r\nDiversion: <sip:1@" + ip + ">\r\nHistory-Info: <sip:1@" + ip +
		       ">;index=1\r\nReferred-By: <sip:1@" + ip +
		       ">;cid=\"" + n + "@" + ip + "\"\r\nAlert-Info: <http://" + ip +
		       "/>\r\nGeolocation: <cid:" + n + ">\r\nIdentity-Info: <https://" + ip +
		       "/>\r\nP-Charging-Vector: icid-value=" + n + ";icid-generated-at=" + ip +
		       "\r\nP-Access-Network-Info: " + n + "\r\nP-Called-Party-ID: <sip:1@" + ip +
		       ">\r\nTarget-Dialog: " + p.call_id + ";remote-tag=" + p.tag +
		       "\r\nSession-ID: " + n + "\r\nAllow-Events: refer\r\nTimestamp: 1\r\n"
		       "Reason: SIP;cause=200;text=\"ok\";x=" + n + "\r\n";
	}

	std::string body(const Party &p)
	{
		return "id " + p.call_id + " tag " + p.tag + " at " + p.ip + " <sip:" + p.name +
		       "Secret@" + p.ip + ":5060> via " + p.ip + ";" + p.remote_tag + "\r\n";
	}
};

TEST_F(Hiding, NothingOfOneSideIsEverSeenOnTheOther)
{
	std::set<std::string> kinds;
	a.sdp.attributes += "a=rtcp:4001 IN IP4 10.1.0.2\r\na=tool:callerSecret\r\n"
			    "a=x-via:10.1.0.2\r\ni=callerSecret\r\n";
	a.sdp.more = "a=candidate:1 1 UDP 1 10.1.0.2 4000 typ host\r\na=msid:callerSecret\r\n";
	b.sdp.attributes += "a=rtcp:6001 IN IP4 10.2.0.2\r\na=tool:calleeSecret\r\n";
	a.call("+4930123", a.sdp.text(), everything(a));
	a.expect(100);
	Msg i = b.expect_invite();
	b.respond(i, 183, "Progress", b.sdp.text(), everything(b));
	a.learn(a.expect(183));
	b.respond(i, 200, "OK", b.sdp.text(), everything(b));
	a.learn(a.expect(200));
	b.expect("ACK");
	a.ack();
	for (int side = 0; side < 2; side++) {
		Party &x = side ? b : a, &y = side ? a : b;
		for (std::string method :
			{"INFO", "MESSAGE", "NOTIFY", "SUBSCRIBE", "OPTIONS", "UPDATE", "REFER"}) {
			std::string lines = everything(x);
			if (method == "NOTIFY")
				lines += "Event: dialog;call-id=\"" + x.call_id +
					 "\";from-tag=" + x.tag +
					 "\r\nSubscription-State: active;x=" + x.name + "\r\n";
			if (method == "SUBSCRIBE")
				lines += "Event: dialog\r\n";
			if (method == "REFER")
				lines += "Refer-To: <http://x/>\r\n";
			x.request(method, method == "UPDATE" ? "" : body(x), lines, "text/plain");
			if (method == "UPDATE" || method == "REFER") {
				x.get();
				continue;
			}
			if (method == "NOTIFY") {
				Msg m = y.expect("NOTIFY");
				EXPECT_EQ(m.header("Event"), "dialog;call-id=\"" + y.call_id +
								     "\";from-tag=" + y.remote_tag);
				y.respond(m, 200, "OK", body(y), everything(y), "", "text/plain");
				x.expect(200);
				continue;
			}
			Msg m = y.expect(method);
			EXPECT_NE(m.body(), "") << method;
			y.respond(m, side ? 200 : 403, "Fine", body(y), everything(y), "",
				"text/plain");
			EXPECT_EQ(x.get().method(), method);
		}
		x.sdp.version++;
		x.request("INVITE", x.sdp.text(), everything(x));
		Msg re = y.expect("INVITE");
		y.respond(re, 488, "No", "", everything(y));
		y.expect("ACK");
		x.ack_failure(x.expect(488));
	}
	a.request("BYE", "", everything(a));
	a.expect(200);
	b.respond(b.expect("BYE"), 200, "OK", "", everything(b));
	for (auto &m : all)
		kinds.insert((m.is_request() ? "" : "response to ") + m.method());
	EXPECT_GE(kinds.size(), 16u);
	// World looks through all of them now.
}

} // namespace
