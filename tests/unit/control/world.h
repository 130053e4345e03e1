// SPDX-License-Identifier: BSD-3-Clause
// A shard with everything around it made of memory: two parties who speak SIP in bytes, a hawse-media
// that answers commands, a clock that the test moves. Whatever a test does, at its end no byte that
// went to one side may hold anything of the other, no media session may be left, and no call.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdarg>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

extern "C" {
#include "controlplane/counters.h"
#include "controlplane/shard.h"
#include "dataplane/abi/shm.h"
#include "sip/message.h"
}

namespace control
{

// ---- messages

struct Msg {
	std::string text;
	sip_flow to{};

	std::string start() const
	{
		return text.substr(0, text.find("\r\n"));
	}
	bool is_request() const
	{
		return text.compare(0, 8, "SIP/2.0 ") != 0;
	}
	int status() const
	{
		return is_request() ? 0 : atoi(text.c_str() + 8);
	}
	std::string method() const
	{
		if (is_request())
			return text.substr(0, text.find(' '));
		std::string cseq = header("CSeq");
		return cseq.substr(cseq.find(' ') + 1);
	}
	std::string uri() const
	{
		size_t a = text.find(' ') + 1;
		return text.substr(a, text.find(' ', a) - a);
	}
	// The n-th header of that name, empty when there is none.
	std::string header(const std::string &name, unsigned n = 0) const
	{
		size_t end = text.find("\r\n\r\n");
		size_t at = 0;
		std::string want = "\r\n" + name + ":";
		while ((at = text.find(want, at)) != std::string::npos && at < end) {
			size_t v = at + want.size();
			if (n-- == 0) {
				while (v < text.size() && text[v] == ' ')
					v++;
				return text.substr(v, text.find("\r\n", v) - v);
			}
			at = v;
		}
		return "";
	}
	bool has(const std::string &name) const
	{
		return text.find("\r\n" + name + ":") != std::string::npos;
	}
	std::string body() const
	{
		size_t end = text.find("\r\n\r\n");
		return end == std::string::npos ? "" : text.substr(end + 4);
	}
	std::string tag(const std::string &name) const
	{
		std::string v = header(name);
		size_t at = v.find(";tag=");
		return at == std::string::npos ? "" : v.substr(at + 5);
	}
};

inline std::string format(const char *f, ...) __attribute__((format(printf, 1, 2)));
inline std::string format(const char *f, ...)
{
	char out[8192];
	va_list args;
	va_start(args, f);
	vsnprintf(out, sizeof(out), f, args);
	va_end(args);
	return out;
}

// Allocations of the code under test that fail (alloc.cc): the n-th from now on, 0: none.
extern "C" {
extern unsigned long alloc_fail_at, alloc_fail_for, alloc_count;
extern bool alloc_armed;
}

struct Armed {
	Armed()
	{
		alloc_armed = true;
	}
	~Armed()
	{
		alloc_armed = false;
	}
};

// ---- hawse-media, as far as a call sees it

struct FakeMedia {
	struct Session {
		uint32_t generation = 0;
		bool active = false;
		abi_ports ports{};
		abi_session_plan plan{};
		unsigned updates = 0;
	};
	struct Waiting {
		abi_msg reply;
		cp_shm_reply_fn *done;
		void *user;
	};
	std::map<uint32_t, Session> sessions;
	std::deque<Waiting> replies;
	std::vector<abi_msg> commands;
	std::map<uint16_t, std::deque<int>> fail; // by type: results of the next commands
	bool attached = true, hold = false;
	unsigned reconciled = 0;
	uint64_t transaction = 1000;
	uint32_t slot = 4;
	uint16_t port = 20000;
	uint32_t packets = 100; // of every report

	int submit(abi_msg *m, cp_shm_reply_fn *done, void *user)
	{
		if (!attached)
			return -ENOTCONN;
		if (!m->transaction)
			m->transaction = ++transaction;
		commands.push_back(*m);
		Waiting w{*m, done, user};
		w.reply.type = m->type | ABI_REPLY;
		memset(w.reply.payload, 0, sizeof(w.reply.payload));
		auto &f = fail[m->type];
		w.reply.result = 0;
		if (!f.empty()) {
			w.reply.result = f.front();
			f.pop_front();
		}
		if (w.reply.result == 0)
			w.reply.result = act(*m, &w.reply);
		replies.push_back(w);
		return 0;
	}

	int alloc(const abi_msg &m, abi_msg *reply)
	{
		const auto *want = reinterpret_cast<const abi_port_alloc *>(m.payload);
		Session s;
		s.generation = 7;
		s.ports.legs = want->legs;
		for (int i = 0; i < 2; i++) {
			auto &l = s.ports.leg[i];
			l.family = want->leg[i].family;
			l.kind = want->leg[i].kind;
			l.interface_index = want->leg[i].interface_index;
			if (l.family == 4) {
				const uint8_t ip[4] = {10, uint8_t(l.interface_index + 1), 0, 1};
				memcpy(l.ip, ip, 4);
			} else {
				l.ip[0] = 0xfd;
				l.ip[3] = uint8_t(l.interface_index + 1);
				l.ip[15] = 1;
			}
			if (want->leg[i].rtp_port) {
				l.rtp_port = want->leg[i].rtp_port;
				memcpy(l.ip, want->leg[i].ip, 16);
			} else {
				l.rtp_port = port;
				port += 2;
			}
			l.rtcp_port = uint16_t(l.rtp_port + 1);
		}
		reply->slot = ++slot;
		reply->generation = s.generation;
		memcpy(reply->payload, &s.ports, sizeof(s.ports));
		sessions[slot] = s;
		return 0;
	}

	int act(const abi_msg &m, abi_msg *reply)
	{
		if (m.type == ABI_PORT_ALLOC)
			return alloc(m, reply);
		auto it = sessions.find(m.slot);
		if (it == sessions.end() || it->second.generation != m.generation)
			return -ENOENT;
		Session &s = it->second;
		switch (m.type) {
		case ABI_SESSION_ADD:
		case ABI_SESSION_UPDATE:
			memcpy(&s.plan, m.payload, sizeof(s.plan));
			s.active = true;
			s.updates++;
			return 0;
		case ABI_SESSION_CLAIM:
			memcpy(reply->payload, &s.ports, sizeof(s.ports));
			return 0;
		case ABI_SESSION_DELETE: {
			auto *r = reinterpret_cast<abi_session_report *>(reply->payload);
			for (int i = 0; i < 2; i++) {
				r->leg[i].packets = packets + unsigned(i);
				r->leg[i].octets = packets * 172;
				r->leg[i].sent_packets = packets;
				r->leg[i].remote_family = 4;
				memcpy(r->leg[i].remote_ip, s.plan.leg[i].remote_rtp_ip, 16);
				r->leg[i].remote_port = s.plan.leg[i].remote_rtp_port;
				r->leg[i].learned = 2;
			}
			sessions.erase(it);
			return 0;
		}
		}
		return 0;
	}

	void forget(uint64_t t)
	{
		for (auto it = replies.begin(); it != replies.end(); ++it) {
			if (it->reply.transaction != t)
				continue;
			if (it->reply.type == (ABI_PORT_ALLOC | ABI_REPLY) && it->reply.result == 0)
				sessions.erase(it->reply.slot);
			replies.erase(it);
			return;
		}
	}

	bool pump()
	{
		if (hold || replies.empty())
			return false;
		Waiting w = replies.front();
		replies.pop_front();
		if (w.done) {
			Armed armed;
			w.done(w.user, &w.reply);
		}
		return true;
	}

	unsigned count(uint16_t type) const
	{
		unsigned n = 0;
		for (auto &m : commands)
			n += m.type == type;
		return n;
	}

	Session &only()
	{
		EXPECT_EQ(sessions.size(), 1u);
		static Session none;
		return sessions.empty() ? none : sessions.begin()->second;
	}
};

// ---- the world

inline sip_addr address(const std::string &ip, uint16_t port = 5060)
{
	sip_addr a{};
	sip_addr_parse(sip_slice(ip.data(), ip.size()), port, &a);
	return a;
}

static const char *const kConfig = R"(
media:
  a: {device: a0, address: [10.1.0.1, "fd00:1::1"], ports: 20000-20999}
  b: {device: b0, address: [10.2.0.1, "fd00:2::1"], ports: 20000-20999}
sip:
  listen: [udp:10.1.0.1, udp:10.2.0.1]
  media_timeout: 30
  ring_timeout: 60
peers:
  office: {kind: trunk, address: 10.1.0.2, media: a}
  carrier: {kind: trunk, address: 10.2.0.2, media: b}
  backup: {kind: trunk, address: 10.2.0.3, media: b}
  phone: {kind: access, address: [10.1.0.4], media: a}
routes:
  - {from: office, number: "+49", to: [carrier, backup]}
  - {from: office, number: "+1", to: [carrier]}
  - {from: phone, to: [carrier]}
  - {from: carrier, to: [office]}
)";

struct World : testing::Test {
	FakeMedia media;
	std::deque<Msg> sent; // not looked at yet
	std::vector<Msg> all; // everything that ever went out
	std::vector<std::string> cdrs;
	std::map<uint64_t, std::string> journal, uncommitted; // an empty record: to be dropped
	int journal_error = 0;
	bool trunk_disabled = false; // every trunk is out of service
	cp_shard_ops used_ops{};
	cp_shard *shard = nullptr;
	cp_tregion *tregion = nullptr;
	uint64_t now_us = 1000000000, seed = 88172645463325252ull;
	std::map<std::string, int> send_errors; // by address
	uint64_t codecs = 0;                    // that hawse-media can transcode
	bool hide = true;                       // check topology hiding at the end
	bool finish = true;                     // and that nothing is left

	std::function<unsigned(const cp_peer *, sip_flow *)> on_locate; // where a peer is
	std::function<void(sip_flow &)> on_receive; // changes the flow that a message came by

	static World *of(void *ctx)
	{
		return static_cast<World *>(ctx);
	}

	cp_policy *make_policy(const char *text)
	{
		cfg_error error{};
		cfg *c = nullptr;
		cp_policy *policy = nullptr;
		EXPECT_EQ(cfg_parse(&c, "test.yaml", text, strlen(text), &error), 0) << error.text;
		if (!c)
			return nullptr;
		auto source = [](void *, const sip_addr *to, sip_addr *from) {
			*from = *to;
			from->ip[3] = 1; // the listener in its network
			return to->family == 4 ? 0 : -ENETUNREACH;
		};
		EXPECT_EQ(cp_policy_new(c, source, nullptr, &policy, &error), 0) << error.text;
		return policy;
	}

	virtual int journal_put(uint64_t id, const std::string &record)
	{
		if (!journal_error)
			uncommitted[id] = record;
		return journal_error;
	}

	// The end of a pass, as the process does it.
	virtual void keep(bool all)
	{
		if (!cp_shard_keep(shard, all) && !all)
			return;
		for (auto &change : uncommitted) {
			journal[change.first] = change.second;
			if (change.second.empty())
				journal.erase(change.first);
		}
		uncommitted.clear();
	}

	virtual void before_shard(cp_policy *, cp_shard_config &)
	{
	}

	void start(const char *config = kConfig)
	{
		open(config);
		attach_first(0);
	}

	void attach_first(uint64_t epoch)
	{
		cp_shm_info info{};
		info.sessions = 64;
		info.first = true;
		info.boot_epoch = epoch;
		info.codecs = codecs;
		info.udptl = info.fax = codecs != 0;
		unsigned before = media.reconciled;
		cp_shard_attached(shard, &info);
		pump();
		ASSERT_EQ(media.reconciled, before + 1);
	}

	void open(const char *config)
	{
		static const cp_shard_ops ops = {
			[](void *ctx, const sip_flow *to, const uint8_t *b, size_t n) {
				World *w = of(ctx);
				char host[SIP_ADDR_TEXT];
				sip_addr_host(&to->remote, false, host);
				auto it = w->send_errors.find(host);
				if (it != w->send_errors.end())
					return it->second;
				Msg m{std::string(reinterpret_cast<const char *>(b), n), *to};
				w->sent.push_back(m);
				w->all.push_back(m);
				return 0;
			},
			[](void *ctx, abi_msg *m, cp_shm_reply_fn *done, void *user) {
				return of(ctx)->media.submit(m, done, user);
			},
			[](void *ctx, uint64_t t) { of(ctx)->media.forget(t); },
			[](void *ctx) { of(ctx)->media.reconciled++; },
			[](void *ctx, const char *line, size_t n) {
				of(ctx)->cdrs.emplace_back(line, n);
				return 0;
			},
			[](void *ctx, void *out, size_t n) {
				World *w = of(ctx);
				for (size_t i = 0; i < n; i++) {
					w->seed ^= w->seed << 13;
					w->seed ^= w->seed >> 7;
					w->seed ^= w->seed << 17;
					static_cast<uint8_t *>(out)[i] = uint8_t(w->seed >> 24);
				}
			},
			[](void *ctx, uint64_t id, const uint8_t *record, size_t n) {
				return of(ctx)->journal_put(
					id, std::string(reinterpret_cast<const char *>(record), n));
			},
			[](void *ctx, uint64_t id) { return of(ctx)->journal_put(id, ""); },
			[](void *ctx, const cp_policy *, const cp_peer *peer,
				sip_flow list[CP_HOPS]) -> unsigned {
				if (of(ctx)->on_locate)
					return of(ctx)->on_locate(peer, list);
				list[0] = {};
				list[0].remote = peer->remote;
				list[0].socket = peer->socket;
				list[0].transport = peer->transport;
				return peer->remote.family ? 1 : 0;
			},
		};
		cp_shard_ops more = ops;
		more.disabled = [](void *ctx, const cp_peer *peer) {
			return of(ctx)->trunk_disabled && peer->cfg->kind == CFG_TRUNK;
		};
		used_ops = more;
		static abi_counter counters[CP_COUNTERS];
		cp_counters_describe(counters);
		cp_tregion_config t{1, 64, 1 << 20, counters, CP_COUNTERS};
		ASSERT_EQ(cp_tregion_new(&tregion, &t), 0);
		cp_policy *policy = make_policy(config);
		ASSERT_NE(policy, nullptr);
		cp_shard_config c{&used_ops, this, tregion, 0, policy, now_us, 1700000000000000ull};
		before_shard(policy, c);
		ASSERT_EQ(cp_shard_new(&c, &shard), 0);
		cp_policy_release(policy);
	}

	void SetUp() override
	{
		ASSERT_EQ(sip_init(), 0);
		start();
	}

	void TearDown() override
	{
		if (finish && shard) {
			advance(70000); // every transaction is over
			EXPECT_EQ(cp_shard_calls(shard), 0u) << "a call is left";
			EXPECT_TRUE(media.sessions.empty()) << "a media session is left";
			EXPECT_EQ(counter(CP_C_CALLS_CURRENT), 0u);
			EXPECT_EQ(counter(CP_C_CALLS_UP), 0u);
			EXPECT_EQ(cp_tregion_calls_used(tregion, 0), 0u);
			EXPECT_TRUE(journal.empty()) << "a call is left in the journal";
		}
		if (hide)
			check_hiding();
		cp_shard_free(shard);
		cp_tregion_free(tregion);
	}

	// Nothing of 10.2/16, nor anything that its parties alone know, ever went to 10.1/16, and the
	// other way round.
	void check_hiding()
	{
		for (const Msg &m : all) {
			bool to_a = m.to.remote.ip[1] == 1;
			for (const char *word :
				{to_a ? "10.2." : "10.1.", to_a ? "fd00:2" : "fd00:1",
					to_a ? "CalleeSecret" : "CallerSecret",
					to_a ? "callee" : "caller", to_a ? "Callee" : "Caller"})
				EXPECT_EQ(m.text.find(word), std::string::npos)
					<< word << " is seen by the other side:\n"
					<< m.text;
		}
	}

	void pump()
	{
		while (media.pump())
			;
	}

	void advance(uint64_t ms)
	{
		uint64_t end = now_us + ms * 1000;
		for (;;) {
			uint64_t next = cp_shard_next(shard);
			now_us = next < end ? (next > now_us ? next : now_us + 1000) : end;
			{
				Armed armed;
				cp_shard_tick(shard, now_us);
			}
			pump();
			keep(now_us >= end);
			if (now_us >= end)
				return;
		}
	}

	void receive(const sip_addr &from, uint16_t socket, const std::string &text)
	{
		sip_flow flow{};
		flow.remote = from;
		flow.socket = socket;
		if (on_receive)
			on_receive(flow);
		{
			Armed armed;
			cp_shard_receive(shard, &flow,
				reinterpret_cast<const uint8_t *>(text.data()), text.size());
		}
		pump();
		keep(false);
	}

	// Until something is sent to this address, at most so long; how long it took.
	uint64_t until(const sip_addr &to, uint64_t ms)
	{
		uint64_t start = now_us;
		while (quiet(to) && now_us - start < ms * 1000)
			advance(10);
		return (now_us - start) / 1000;
	}

	uint64_t counter(unsigned c)
	{
		return abi_load64(&cp_tregion_counters(tregion, 0)[c]);
	}

	uint64_t result(cp_result r)
	{
		return counter(CP_C_CALLS + unsigned(r));
	}

	// The next message to this address, whatever it is; fails when there is none.
	Msg next(const sip_addr &to)
	{
		for (auto it = sent.begin(); it != sent.end(); ++it) {
			if (!sip_addr_same_host(&it->to.remote, &to))
				continue;
			Msg m = *it;
			sent.erase(it);
			return m;
		}
		ADD_FAILURE() << "nothing was sent";
		return Msg{"", {}};
	}

	bool quiet(const sip_addr &to)
	{
		for (auto &m : sent)
			if (sip_addr_same_host(&m.to.remote, &to))
				return false;
		return true;
	}
};

// ---- a party

struct Sdp {
	std::string ip, direction, codecs, attributes, more;
	int port, version;

	std::string text() const
	{
		return format("v=0\r\no=- 4711%d %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
			      "m=audio %d RTP/AVP %s\r\n%s%s%s",
			port, version, ip.c_str(), ip.c_str(), port, codecs.c_str(),
			attributes.c_str(),
			direction.empty() ? "" : ("a=" + direction + "\r\n").c_str(), more.c_str());
	}
};

struct Party {
	World &w;
	sip_addr addr;
	uint16_t socket;
	std::string ip, name;       // name is in everything that only this side knows
	std::string scheme = "sip"; // of the Request-URI that it calls
	Sdp sdp;
	std::string call_id, tag, remote_tag, local_uri, remote_uri, target, last_invite_branch;
	unsigned cseq = 0, branch = 0;
	unsigned cseq_ack = 0; // of the next ACK, when other requests came after its INVITE
	Msg invite; // the last INVITE received

	Party(World &world, const std::string &name_, const std::string &ip_, uint16_t socket_)
	    : w(world), addr(address(ip_)), socket(socket_), ip(ip_), name(name_)
	{
		sdp = {ip_, "", "8 0 101",
			"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n",
			"", socket_ ? 6000 : 4000, 1};
		call_id = name + "-call-1";
		tag = name + "-tag-1";
	}

	void raw(const std::string &text)
	{
		w.receive(addr, socket, text);
	}

	Msg get()
	{
		return w.next(addr);
	}

	Msg expect(int status, const std::string &method = "")
	{
		Msg m = get();
		EXPECT_EQ(m.status(), status) << m.text;
		if (!method.empty()) {
			EXPECT_EQ(m.method(), method);
		}
		return m;
	}

	Msg expect(const std::string &method)
	{
		Msg m = get();
		EXPECT_TRUE(m.is_request()) << m.text;
		EXPECT_EQ(m.method(), method) << m.text;
		return m;
	}

	// Repetitions of a request of ours.
	void sent_again(const std::string &method)
	{
		for (auto it = w.sent.begin(); it != w.sent.end();)
			if (sip_addr_same_host(&it->to.remote, &addr) && it->is_request() &&
				it->method() == method)
				it = w.sent.erase(it);
			else
				++it;
	}

	std::string via()
	{
		last_invite_branch = format("z9hG4bK%sSecret%u", name.c_str(), ++branch);
		return format("Via: SIP/2.0/UDP %s:5060;branch=%s\r\n", ip.c_str(),
			last_invite_branch.c_str());
	}

	std::string with_body(const std::string &head, const std::string &body,
		const std::string &type = "application/sdp")
	{
		if (body.empty())
			return head + "Content-Length: 0\r\n\r\n";
		return head +
		       format("Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", type.c_str(),
			       body.size()) +
		       body;
	}

	// The INVITE that makes a call.
	void call(const std::string &number, const std::string &body, const std::string &lines = "",
		unsigned forwards = 70)
	{
		const char *hawse = socket ? "10.2.0.1" : "10.1.0.1";
		local_uri = format("\"%s Person\" <sip:%s@%s>", "Al", "alice", ip.c_str());
		remote_uri = format("<sip:%s@%s>", number.c_str(), hawse);
		target = format("%s:%s@%s", scheme.c_str(), number.c_str(), hawse);
		cseq = 1;
		raw(with_body(
			format("INVITE %s SIP/2.0\r\n", target.c_str()) + via() +
				format("Max-Forwards: %u\r\nFrom: %s;tag=%s\r\nTo: %s\r\n"
				       "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: "
				       "<sip:%sSecret@%s:5060>\r\nUser-Agent: %sSecret/1.0\r\n",
					forwards, local_uri.c_str(), tag.c_str(),
					remote_uri.c_str(), call_id.c_str(), name.c_str(),
					ip.c_str(), name.c_str()) +
				lines,
			body));
	}

	void learn(const Msg &response)
	{
		if (!response.tag("To").empty() && remote_tag.empty())
			remote_tag = response.tag("To");
		std::string c = response.header("Contact");
		if (!c.empty())
			target = c.substr(1, c.find('>') - 1);
	}

	// A request inside the dialog (or ACK for the last 2xx).
	void request(const std::string &method, const std::string &body = "",
		const std::string &lines = "", const std::string &type = "application/sdp")
	{
		unsigned number = method == "ACK" ? (cseq_ack ? cseq_ack : cseq) : ++cseq;
		cseq_ack = 0;
		std::string to = remote_uri;
		if (!remote_tag.empty())
			to += ";tag=" + remote_tag;
		raw(with_body(
			format("%s %s SIP/2.0\r\n", method.c_str(), target.c_str()) + via() +
				format("Max-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\nCall-ID: "
				       "%s\r\nCSeq: %u %s\r\n",
					local_uri.c_str(), tag.c_str(), to.c_str(), call_id.c_str(),
					number, method.c_str()) +
				(method == "INVITE" || method == "UPDATE"
						? format("Contact: <sip:%sSecret@%s:5060>\r\n",
							  name.c_str(), ip.c_str())
						: std::string()) +
				lines,
			body, type));
	}

	void ack(const std::string &body = "")
	{
		request("ACK", body);
	}

	// The ACK of a failure: same branch as the INVITE.
	void ack_failure(const Msg &response)
	{
		raw(format("ACK %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: "
			   "%s\r\nCall-ID: %s\r\nCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n",
			target.c_str(), response.header("Via").c_str(),
			response.header("From").c_str(), response.header("To").c_str(),
			response.header("Call-ID").c_str(), atoi(response.header("CSeq").c_str())));
	}

	void cancel(const std::string &lines = "")
	{
		raw(format("CANCEL %s SIP/2.0\r\nVia: SIP/2.0/UDP "
			   "%s:5060;branch=%s\r\nMax-Forwards: "
			   "70\r\nFrom: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u CANCEL\r\n",
			    target.c_str(), ip.c_str(), last_invite_branch.c_str(),
			    local_uri.c_str(), tag.c_str(), remote_uri.c_str(), call_id.c_str(),
			    cseq) +
			lines + "Content-Length: 0\r\n\r\n");
	}

	// A response to a request that came to us. `to_tag` empty: our own.
	void respond(const Msg &m, int status, const std::string &reason,
		const std::string &body = "", const std::string &lines = "",
		const std::string &to_tag = "", const std::string &type = "application/sdp")
	{
		std::string to = m.header("To");
		if (to.find(";tag=") == std::string::npos && status > 100)
			to += ";tag=" + (to_tag.empty() ? tag : to_tag);
		raw(with_body(
			format("SIP/2.0 %d %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n"
			       "CSeq: %s\r\nServer: %sSecret/2.0\r\n",
				status, reason.c_str(), m.header("Via").c_str(),
				m.header("From").c_str(), to.c_str(), m.header("Call-ID").c_str(),
				m.header("CSeq").c_str(), name.c_str()) +
				(m.method() == "INVITE" && status > 100 && status < 400
						? format("Contact: <sip:%sSecret@%s:5060>\r\n",
							  name.c_str(), ip.c_str())
						: std::string()) +
				lines,
			body, type));
	}

	// The INVITE that hawse makes: from here on we can send requests in its dialog.
	Msg expect_invite()
	{
		Msg m = expect("INVITE");
		invite = m;
		call_id = m.header("Call-ID");
		remote_tag = m.tag("From");
		local_uri = m.header("To");
		remote_uri = m.header("From").substr(0, m.header("From").find(";tag="));
		std::string c = m.header("Contact");
		target = c.substr(1, c.find('>') - 1);
		return m;
	}
};

// An answered call between office and carrier.
struct Call : World {
	Party a{*this, "caller", "10.1.0.2", 0};
	Party b{*this, "callee", "10.2.0.2", 1};

	Msg up(const std::string &number = "+4930123")
	{
		a.call(number, a.sdp.text());
		a.expect(100);
		Msg i = b.expect_invite();
		b.respond(i, 180, "Ringing");
		a.learn(a.expect(180));
		b.respond(i, 200, "OK", b.sdp.text());
		Msg ok = a.expect(200);
		a.learn(ok);
		b.expect("ACK");
		a.ack();
		return ok;
	}

	void bye(Party &from, Party &to)
	{
		from.request("BYE");
		from.expect(200, "BYE");
		Msg m = to.expect("BYE");
		to.respond(m, 200, "OK");
	}
};

} // namespace control
