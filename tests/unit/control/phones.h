// SPDX-License-Identifier: BSD-3-Clause
// A shard with a registrar, phones that register with it, and a carrier.
#pragma once

#include <unistd.h>

#include "tests/unit/control/world.h"

extern "C" {
#include "controlplane/registrar/registrar.h"
#include "sip/digest.h"
}

namespace control
{

static const char *const kPhones = R"(
media:
  a: {device: a0, address: [10.1.0.1], ports: 20000-20999}
  b: {device: b0, address: [10.2.0.1], ports: 20000-20999}
sip:
  listen: [udp:10.1.0.1, udp:10.2.0.1]
  media_timeout: 30
  ring_timeout: 60
peers:
  office: {kind: access, domain: pbx.example, users: %s, media: a, contacts: 3%s}
  carrier: {kind: trunk, address: 10.2.0.2, media: b%s}
routes:
  - {from: office, number: "+", to: [carrier]}
  - {from: office, to: [office]}
  - {from: carrier, to: [office]}
)";

static const char *const kUsers = R"(
alice: {password: "secret", number: "+4930100", caller: "Alice A"}
bob: {password: "geheim", number: "+4930101"}
carol: {ha1: {md5: "%s"}}
)";

struct Phone : Party {
	std::string user, password, nonce, contact, algorithm = "MD5";
	unsigned nc = 0, number = 0;
	std::string register_id;
	std::string supported; // more header lines of REGISTERs
	std::string body;      // of INVITEs, if another than `sdp`

	Phone(World &world, const std::string &user_, const std::string &password_,
		const std::string &ip_)
	    : Party(world, "caller", ip_, 0), user(user_), password(password_)
	{
		contact = "<sip:" + user + "@" + ip_ + ":5060>";
		register_id = user + ip_ + "-caller-reg";
		tag = "caller-tag-" + ip_;
		call_id = "caller-call-" + ip_;
	}

	std::string credentials(const std::string &method, const std::string &uri)
	{
		char out[1024] = "";
		std::string text = "Digest realm=\"pbx.example\", nonce=\"" + nonce +
				   "\", algorithm=" + algorithm + ", qop=\"auth\"";
		sip_challenge c;
		sip_answer_request a{};

		if (nonce.empty())
			return "";
		EXPECT_EQ(sip_challenge_parse(sip_str(text.c_str()), &c), 0);
		a.challenge = &c;
		a.user = user.c_str();
		a.password = password.c_str();
		a.method = sip_str(method.c_str());
		a.uri = sip_str(uri.c_str());
		a.cnonce = "0123456789abcdef";
		a.nc = ++nc;
		EXPECT_GT(sip_credentials_write(&a, out, sizeof(out)), 0);
		return "Authorization: " + std::string(out) + "\r\n";
	}

	void learn_nonce(const Msg &challenge)
	{
		std::string v = challenge.header("WWW-Authenticate");
		size_t at = v.find("nonce=\"");
		ASSERT_NE(at, std::string::npos) << challenge.text;
		nonce = v.substr(at + 7, v.find('"', at + 7) - at - 7);
		nc = 0;
	}

	Msg register_raw(const std::string &lines, const std::string &to = "")
	{
		std::string aor = to.empty() ? "sip:" + user + "@pbx.example" : to;
		raw(format("REGISTER sip:pbx.example SIP/2.0\r\n") + via() +
			format("Max-Forwards: 70\r\nFrom: <%s>;tag=%sreg\r\nTo: <%s>\r\nCall-ID: "
			       "%s\r\nCSeq: %u REGISTER\r\n",
				aor.c_str(), tag.c_str(), aor.c_str(), register_id.c_str(),
				++number) +
			supported + credentials("REGISTER", "sip:pbx.example") + lines +
			"Content-Length: 0\r\n\r\n");
		return get();
	}

	// With whatever challenge comes between.
	Msg registers(const std::string &lines)
	{
		Msg m = register_raw(lines);
		if (m.status() == 401) {
			learn_nonce(m);
			m = register_raw(lines);
		}
		return m;
	}

	Msg registers(unsigned expires = 600)
	{
		return registers(format("Contact: %s;expires=%u\r\n", contact.c_str(), expires));
	}

	// An INVITE, challenged as it will be. The status of its answer, 100 when it is on its way.
	int dial(const std::string &number_)
	{
		local_uri = "\"Mallory\" <sip:" + user + "@pbx.example>";
		remote_uri = "<sip:" + number_ + "@pbx.example>";
		target = "sip:" + number_ + "@pbx.example";
		remote_tag.clear();
		for (;;) {
			raw(with_body(
				"INVITE " + target + " SIP/2.0\r\n" + via() +
					format("Max-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: "
					       "%s\r\nCall-ID: %s\r\nCSeq: %u INVITE\r\nContact: "
					       "<sip:callerSecret@%s:5060>\r\n"
					       "P-Asserted-Identity: <sip:+1900@caller.evil>\r\n",
						local_uri.c_str(), tag.c_str(), remote_uri.c_str(),
						call_id.c_str(), ++cseq, ip.c_str()) +
					credentials("INVITE", target),
				body.empty() ? sdp.text() : body));
			Msg m = get();
			if (m.status() >= 300)
				ack_failure(m);
			if (m.status() != 401 || !nonce.empty())
				return m.status();
			learn_nonce(m);
		}
	}
};

struct Phones : World {
	cp_registrar *registrar = nullptr;
	std::map<uint64_t, std::string> kept;
	std::vector<std::string> suspects;
	std::vector<std::string> pings;
	std::string path, more = ", digest: [sha-256, md5]", trunk_more;
	std::string users_text;
	Party b{*this, "callee", "10.2.0.2", 1};

	cp_registrar_ops registrar_ops{};

	void write_users(const std::string &text)
	{
		FILE *f = fopen(path.c_str(), "w");
		ASSERT_NE(f, nullptr);
		fwrite(text.data(), 1, text.size(), f);
		fclose(f);
	}

	std::string config()
	{
		return format(kPhones, path.c_str(), more.c_str(), trunk_more.c_str());
	}

	void SetUp() override
	{
		char name[] = "/tmp/hawse-users-XXXXXX";
		char hash[SIP_DIGEST_HEX];
		close(mkstemp(name));
		path = name;
		sip_digest_ha1(
			SIP_MD5, sip_str("carol"), sip_str("pbx.example"), sip_str("ha"), hash);
		write_users(format(kUsers, hash));
		ASSERT_EQ(sip_init(), 0);
		start(config().c_str());
	}

	void TearDown() override
	{
		World::TearDown();
		cp_registrar_free(registrar);
		unlink(path.c_str());
	}

	static Phones *me(void *ctx)
	{
		return static_cast<Phones *>(ctx);
	}

	void new_registrar(cp_policy *policy)
	{
		registrar_ops.random = [](void *ctx, void *out, size_t n) {
			for (size_t i = 0; i < n; i++)
				static_cast<uint8_t *>(out)[i] = uint8_t(me(ctx)->seed++ * 37);
		};
		registrar_ops.keep = [](void *ctx, uint64_t id, const void *r, size_t n) {
			me(ctx)->kept[id] = std::string(static_cast<const char *>(r), n);
			return 0;
		};
		registrar_ops.drop = [](void *ctx, uint64_t id) {
			me(ctx)->kept.erase(id);
			return 0;
		};
		registrar_ops.suspect = [](void *ctx, const sip_addr *, const char *what) {
			me(ctx)->suspects.push_back(what ? what : "scan");
		};
		registrar_ops.ping = [](void *ctx, const cp_contact *c) {
			me(ctx)->pings.emplace_back(c->uri.p, c->uri.n);
		};
		ASSERT_EQ(cp_registrar_new(&registrar, &registrar_ops, this, policy, now_us,
				  1700000000000000ull),
			0);
	}

	void before_shard(cp_policy *policy, cp_shard_config &c) override
	{
		new_registrar(policy);
		c.registrar = registrar;
	}

	void pass(uint64_t ms)
	{
		advance(ms);
		cp_registrar_tick(registrar, now_us);
		cp_registrar_settle(registrar);
	}

	size_t contacts()
	{
		return cp_location_contacts(cp_registrar_location(registrar));
	}
};

} // namespace control
