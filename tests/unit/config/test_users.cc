// SPDX-License-Identifier: BSD-3-Clause
// Peers of phones, the file of their users, registering at a trunk, bans and access lists.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/config/parse.h"

extern "C" {
#include "controlplane/config/users.h"
}

namespace
{

struct Users {
	cfg_users *users = nullptr;
	cfg_error error{};
	int err;

	explicit Users(const std::string &text)
	{
		err = cfg_users_parse(&users, "u.yaml", text.data(), text.size(), &error);
	}
	~Users()
	{
		cfg_users_free(users);
	}
	const cfg_user *find(const char *name) const
	{
		return cfg_users_find(users, name, strlen(name));
	}
};

const std::string kHash(64, 'A');

TEST(UsersFile, IsRead)
{
	Users u("alice: {password: 'correct horse', number: \"+493012345\", caller: Alice A, "
		"contacts: 3}\n"
		"bob: {ha1: {md5: 0123456789abcdef0123456789ABCDEF, sha-256: " +
		kHash + "}}\n\"100\": {password: \"42\"}\n");

	ASSERT_EQ(u.err, 0) << u.error.text;
	ASSERT_EQ(u.users->count, 3u);
	const cfg_user *alice = u.find("alice"), *bob = u.find("bob");
	ASSERT_TRUE(alice && bob && u.find("100"));
	EXPECT_STREQ(alice->password, "correct horse");
	EXPECT_STREQ(alice->caller, "Alice A");
	EXPECT_EQ(alice->contacts, 3);
	EXPECT_EQ(cfg_users_by_number(u.users, "+493012345", 10), alice);
	EXPECT_EQ(cfg_users_by_number(u.users, "+49301234", 9), nullptr);
	EXPECT_STREQ(bob->ha1[0], "0123456789abcdef0123456789abcdef");
	EXPECT_EQ(std::string(bob->ha1[1]), std::string(64, 'a'));
	EXPECT_EQ(bob->ha1[2], nullptr);
	EXPECT_EQ(bob->password, nullptr);
	EXPECT_EQ(u.find("carol"), nullptr);
	EXPECT_EQ(u.find("Alice"), nullptr) << "names are as they are written";
}

TEST(UsersFile, LimitsAreThoseOfPeers)
{
	Users u("alice: {password: x, limits: {calls: 2, in: {minutes: 600, deny: [\"+1900\"]}}}\n"
		"bob: {password: y}\n");
	ASSERT_EQ(u.err, 0) << u.error.text;
	ASSERT_NE(u.find("alice")->limits, nullptr);
	EXPECT_EQ(u.find("alice")->limits->limit[CFG_BOTH].calls, 2u);
	EXPECT_EQ(u.find("alice")->limits->limit[CFG_IN].minutes, 600u);
	EXPECT_EQ(u.find("bob")->limits, nullptr);

	Users bad("alice: {password: x, limits: {calls: none}}\n");
	EXPECT_EQ(bad.err, -EINVAL);
	EXPECT_NE(std::string(bad.error.text).find("u.yaml:1: "), std::string::npos) << bad.error.text;
	Users zone("alice: {password: x, limits: {calls: 2, zone: Europe/Berlin}}\n");
	EXPECT_EQ(zone.err, -EINVAL);
	EXPECT_NE(std::string(zone.error.text).find("without a zone"), std::string::npos)
		<< zone.error.text;
}

TEST(UsersFile, MayBeEmpty)
{
	Users u("# nobody yet\n");

	ASSERT_EQ(u.err, 0) << u.error.text;
	EXPECT_EQ(u.users->count, 0u);
	EXPECT_EQ(u.find("alice"), nullptr);
}

TEST(UsersFile, ErrorsSayWhereAndNeverShowASecret)
{
	struct {
		const char *text, *where;
	} const all[] = {
		{"alice: s3cret\n", "u.yaml:1: alice: "},
		{"a: {password: x}\nalice: {pasword: s3cret}\n", "u.yaml:2: alice: "},
		{"alice: {s3cret}\n", "u.yaml:1: alice: "},
		{"alice: {password: [s3cret]}\n", "u.yaml:1: alice.password: "},
		{"alice: {password: ''}\n", "u.yaml:1: alice.password: "},
		{"alice: {password: \"s3cret\\n\"}\n", "u.yaml:1: alice.password: "},
		{"alice: {ha1: {md5: s3cret}}\n", "u.yaml:1: alice.ha1.md5: "},
		{"alice: {ha1: {sha-1: s3cret}}\n", "u.yaml:1: alice.ha1: "},
		{"alice: {ha1: s3cret}\n", "u.yaml:1: alice.ha1: "},
		{"alice: {number: \"+49\"}\n", "u.yaml:1: alice: "},
		{"alice: {password: x, number: s3cret}\n", "u.yaml:1: alice.number: "},
		{"alice: {password: x, contacts: 0}\n", "u.yaml:1: alice.contacts: "},
		{"alice: {password: x, caller: 'a\"s3cret'}\n", "u.yaml:1: alice.caller: "},
		{"'al ice': {password: s3cret}\n", "u.yaml:1: al ice: "},
		{"a: {password: x, number: '1'}\nb: {password: y, number: '1'}\n",
			"u.yaml:2: b: expected a number of one user only, found that of a (line "
			"1)"},
		{"a: {password: x, number: '100'}\n'100': {password: y}\n", "u.yaml:1: a: "},
		{"alice: {password: x}\nalice: {password: s3cret}\n", "u.yaml:2: alice: "},
		{"[alice]\n", "u.yaml:1: "},
	};
	for (auto &e : all) {
		Users u(e.text);

		EXPECT_EQ(u.err, -EINVAL) << e.text;
		EXPECT_EQ(u.users, nullptr);
		EXPECT_EQ(std::string(u.error.text).find(e.where), 0u)
			<< e.text << " says " << u.error.text;
		EXPECT_EQ(std::string(u.error.text).find("s3cret"), std::string::npos)
			<< u.error.text;
	}
}

TEST(UsersFile, ThatIsNotThere)
{
	cfg_users *users;
	cfg_error error;

	EXPECT_EQ(cfg_users_load(&users, "/nowhere/users.yaml", &error), -ENOENT);
	EXPECT_NE(std::string(error.text).find("/nowhere/users.yaml: cannot be read"),
		std::string::npos);
}

// ---- the configuration

const std::string kHead = "media: {a: {device: a0, address: 192.0.2.1}}\n"
			  "sip: {listen: [\"udp:192.0.2.1\"]%s}\npeers:\n";

std::string with(const std::string &peers, const std::string &sip = "")
{
	std::string head = kHead;
	head.replace(head.find("%s"), 2, sip);
	return head + peers;
}

struct Cfg {
	cfg *c = nullptr;
	cfg_error error{};
	int err;

	explicit Cfg(const std::string &text)
	{
		err = cfg_parse(&c, "h.yaml", text.data(), text.size(), &error);
	}
	~Cfg()
	{
		cfg_free(c);
	}
};

TEST(AccessPeer, HasDefaults)
{
	Cfg f(with("  office: {kind: access, domain: pbx.example.com, users: /etc/u.yaml}\n"
		   "routes: [{to: office}]\n"));

	ASSERT_EQ(f.err, 0) << f.error.text;
	const cfg_access *a = f.c->peers[0].access;
	ASSERT_NE(a, nullptr);
	EXPECT_STREQ(a->realm, "pbx.example.com");
	EXPECT_EQ(a->digest_count, 1u);
	EXPECT_EQ(a->digest[0], 0) << "MD5, which every phone knows";
	EXPECT_EQ(a->expires_min, 60u);
	EXPECT_EQ(a->expires_default, 3600u);
	EXPECT_EQ(a->contacts, 10u);
	EXPECT_EQ(f.c->sip.ban.failures, 10u);
}

TEST(AccessPeer, SaysItAll)
{
	Cfg f(with(
		"  office: {kind: access, domain: [a.example, 192.0.2.1], realm: r, users: /u, "
		"digest: [sha-512-256], expires: {min: 30, max: 300}, contacts: 2, keepalive: 0, "
		"allow: [10.0.0.0/8, \"2001:db8::/32\"], deny: 10.1.0.0/16}\n",
		", ban: {failures: 3, window: 10, time: 20}, deny: 203.0.113.0/24"));

	ASSERT_EQ(f.err, 0) << f.error.text;
	const cfg_peer *p = &f.c->peers[0];
	EXPECT_EQ(p->access->domain_count, 2u);
	EXPECT_EQ(p->access->expires_default, 300u);
	EXPECT_EQ(p->access->digest[0], 2);
	const uint8_t in[16] = {10, 2, 0, 1}, out[16] = {10, 1, 2, 3}, other[16] = {11},
		      denied[16] = {203, 0, 113, 9};
	EXPECT_TRUE(cfg_acl_allows(&p->acl, 4, in));
	EXPECT_FALSE(cfg_acl_allows(&p->acl, 4, out));
	EXPECT_FALSE(cfg_acl_allows(&p->acl, 4, other));
	EXPECT_FALSE(cfg_acl_allows(&f.c->sip.acl, 4, denied));
	EXPECT_TRUE(cfg_acl_allows(&f.c->sip.acl, 4, in)) << "a deny list alone lets others in";
	EXPECT_EQ(f.c->sip.ban.time, 20u);
}

TEST(AccessPeer, Errors)
{
	struct {
		const char *peers, *where;
	} const all[] = {
		{"  o: {kind: access, domain: a.example}\n",
			"h.yaml:4: peers.o: expected the key users"},
		{"  o: {kind: trunk, address: 192.0.2.9, users: /u}\n",
			"h.yaml:4: peers.o: expected kind: access"},
		{"  o: {kind: access, users: u}\n", "h.yaml:4: peers.o.users: "},
		{"  o: {kind: access, users: /u, domain: 'a b'}\n", "h.yaml:4: peers.o.domain: "},
		{"  o: {kind: access, users: /u, domain: a.example}\n"
		 "  p: {kind: access, users: /u, domain: A.example}\n",
			"h.yaml:5: peers.p.domain: expected a domain of one peer only"},
		{"  o: {kind: access, users: /u}\n  p: {kind: access, users: /u}\n",
			"h.yaml:5: peers.p: expected the key domain"},
		{"  o: {kind: access, users: /u, digest: [md5, md5]}\n",
			"h.yaml:4: peers.o.digest"},
		{"  o: {kind: access, users: /u, digest: sha-1}\n", "h.yaml:4: peers.o.digest"},
		{"  o: {kind: access, users: /u, expires: {min: 100, max: 50}}\n",
			"h.yaml:4: peers.o.expires: expected a min"},
		{"  o: {kind: access, users: /u, expires: {default: 7200}}\n",
			"h.yaml:4: peers.o.expires: expected a default"},
		{"  o: {kind: access, users: /u, realm: 'a\"b'}\n", "h.yaml:4: peers.o.realm: "},
		{"  o: {kind: access, users: /u, allow: [10.0.0.0/8], deny: 10.0.0.0/8}\n",
			"h.yaml:4: peers.o.deny: expected each network once, found \"10.0.0.0/8\" "
			"in "
			"allow and in deny"},
		{"  o: {kind: access, users: /u, allow: example.com}\n",
			"h.yaml:4: peers.o.allow: "},
		{"  o: {kind: access, users: /u, register: {user: a, password: b}}\n",
			"h.yaml:4: peers.o.register: expected kind: trunk"},
		{"  o: {kind: trunk, address: 192.0.2.9, register: {user: a}}\n",
			"h.yaml:4: peers.o.register: expected the keys user and password, found no "
			"password"},
		{"  o: {kind: trunk, address: 192.0.2.9, register: {user: a, password: b}}\n",
			"h.yaml:4: peers.o.register: expected the key domain"},
		{"  o: {kind: trunk, address: p.example, register: {user: a b, password: c}}\n",
			"h.yaml:4: peers.o.register.user: "},
		{"  o: {kind: trunk, address: p.example, register: {user: a, password: "
		 "[s3cret]}}\n",
			"h.yaml:4: peers.o.register.password: "},
	};
	for (auto &e : all) {
		Cfg f(with(e.peers));

		EXPECT_EQ(f.err, -EINVAL) << e.peers;
		EXPECT_EQ(std::string(f.error.text).find(e.where), 0u)
			<< e.peers << " says " << f.error.text;
		EXPECT_EQ(std::string(f.error.text).find("s3cret"), std::string::npos);
	}
	Cfg ban(with("  o: {kind: access, users: /u}\n", ", ban: {failures: 0}"));
	EXPECT_EQ(ban.err, -EINVAL);
	EXPECT_EQ(Cfg(with("  o: {kind: access, users: /u}\n", ", ban: no")).err, 0);
}

TEST(RegisterKey, HasDefaults)
{
	Cfg f(with(
		"  p: {kind: trunk, address: sip.p.example, register: {user: \"4930\", password: "
		"x}}\n"));

	ASSERT_EQ(f.err, 0) << f.error.text;
	const cfg_register *g = f.c->peers[0].reg;
	ASSERT_NE(g, nullptr);
	EXPECT_STREQ(g->domain, "sip.p.example");
	EXPECT_STREQ(g->auth_user, "4930");
	EXPECT_STREQ(g->contact, "4930");
	EXPECT_EQ(g->expires, 600u);
	EXPECT_FALSE(g->calls_only);
}

} // namespace
