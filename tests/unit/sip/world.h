// SPDX-License-Identifier: BSD-3-Clause
//
// A world for the transaction layer to live in: its time, its wire and its transaction user, all
// under the test's hand. Everything that is sent lies in `wire` until the test delivers or loses it.
//
// Thread: the test's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

extern "C" {
#include "sip/dialog.h"
#include "sip/screen.h"
#include "sip/transaction.h"
}

inline std::string str(struct sip_slice s)
{
	return std::string(s.p ? s.p : "", s.n);
}

inline struct sip_slice sl(const std::string &s)
{
	return sip_slice(s.data(), s.size());
}

inline struct sip_flow flow_of(
	const char *host, uint16_t port, uint8_t transport = SIP_UDP, uint32_t connection = 0)
{
	struct sip_flow f;
	memset(&f, 0, sizeof(f));
	EXPECT_EQ(0, sip_addr_parse(sip_str(host), port, &f.remote));
	f.transport = transport;
	f.connection = connection;
	return f;
}

inline bool same_flow(const struct sip_flow &a, const struct sip_flow &b)
{
	return sip_addr_equal(&a.remote, &b.remote) && a.transport == b.transport &&
	       a.socket == b.socket && a.connection == b.connection;
}

// One message as it lies on the wire.
struct Packet {
	uint64_t at;
	struct sip_flow to;
	std::string bytes;

	// The start line.
	std::string line() const
	{
		return bytes.substr(0, bytes.find("\r\n"));
	}
	int status() const
	{
		return bytes.compare(0, 8, "SIP/2.0 ") ? 0 : atoi(bytes.c_str() + 8);
	}
	std::string method() const
	{
		return status() ? "" : bytes.substr(0, bytes.find(' '));
	}
	std::string value(const char *name) const
	{
		struct sip_message m;
		struct sip_slice v;
		unsigned at = 0;
		sip_message_index(&m, (const uint8_t *)bytes.data(), bytes.size());
		return sip_message_find(&m, name, &at, &v) ? str(v) : "";
	}
	std::string branch() const
	{
		struct sip_message m;
		struct sip_via via;
		sip_message_index(&m, (const uint8_t *)bytes.data(), bytes.size());
		return sip_message_via(&m, &via) ? "" : str(via.branch);
	}
	std::string tag(const char *name) const
	{
		std::string v = value(name);
		size_t at = v.find(";tag=");
		return at == std::string::npos ? "" : v.substr(at + 5);
	}
};

// What the transaction user was told.
struct Event {
	std::string what; // request, ack, cancel, response, timeout, transport_error, terminated
	struct sip_transaction *tx;
	int status;
	std::string method;
	uint64_t at;
	std::string bytes;
};

class World
{
      public:
	struct sip_layer *layer = nullptr;
	struct sip_dialogs *dialogs = nullptr;
	std::string sent_by;
	std::deque<Packet> wire;
	std::vector<Event> events;
	int send_error = 0;
	uint64_t random = 0;
	std::function<void(struct sip_transaction *, const struct sip_message *)> on_request;
	std::function<void(struct sip_transaction *, const struct sip_message *)> on_response;
	std::function<void(struct sip_transaction *, const struct sip_message *)> on_cancel;
	std::function<void(const struct sip_message *)> on_ack;
	std::function<void(struct sip_dialog *)> on_no_ack;
	std::function<int(struct sip_flow *, size_t)> on_route;
	std::function<size_t(size_t)> on_wire_size; // of a request, from how long it was made
	std::string sent_by_stream; // of flows that are no UDP, when set

	struct Options {
		std::string sent_by = "192.0.2.1:5060";
		std::string prefix = "s1";
		uint32_t t1 = 0;
		const struct sip_capabilities *capabilities = nullptr;
		uint32_t transactions = 0;
		bool show_trying = false;
		bool match_any_source = false;
		uint64_t seed = 1;
	};

	World() : World(Options())
	{
	}
	explicit World(const Options &o)
	    : sent_by(o.sent_by), random(o.seed * 0x9e3779b97f4a7c15ull)
	{
		struct sip_layer_config c;
		memset(&c, 0, sizeof(c));
		ops.send = send;
		ops.sent_by = local;
		ops.request = request;
		ops.ack = ack;
		ops.cancel = cancel;
		ops.response = response;
		ops.timeout = timeout;
		ops.transport_error = transport_error;
		ops.terminated = terminated;
		ops.route = route;
		ops.wire_size = wire_size;
		c.ops = &ops;
		c.ctx = this;
		snprintf(c.ids.prefix, sizeof(c.ids.prefix), "%s", o.prefix.c_str());
		c.ids.random = fill;
		c.ids.ctx = this;
		c.capabilities = o.capabilities;
		c.now = 1000000;
		c.t1 = o.t1;
		c.transactions = o.transactions;
		c.show_trying = o.show_trying;
		c.match_any_source = o.match_any_source;
		dops.no_ack = no_ack;
		EXPECT_EQ(0, sip_layer_new(&c, &layer));
		EXPECT_EQ(0, sip_dialogs_new(layer, &dops, this, &dialogs));
	}
	~World()
	{
		sip_dialogs_free(dialogs);
		sip_layer_free(layer);
	}
	World(const World &) = delete;

	uint64_t now() const
	{
		return sip_layer_now(layer);
	}
	void run(uint64_t ms)
	{
		sip_layer_tick(layer, now() + ms);
	}
	void receive(const struct sip_flow &from, const std::string &bytes)
	{
		// An exact copy on the heap, so that a sanitizer sees reads beyond it.
		std::vector<uint8_t> copy(bytes.begin(), bytes.end());
		sip_layer_receive(layer, &from, copy.data(), copy.size());
	}
	// The oldest packet on the wire.
	Packet pop()
	{
		EXPECT_FALSE(wire.empty());
		if (wire.empty())
			return Packet{};
		Packet p = wire.front();
		wire.pop_front();
		return p;
	}
	std::vector<uint64_t> times() const
	{
		std::vector<uint64_t> t;
		for (const Packet &p : wire)
			t.push_back(p.at);
		return t;
	}
	unsigned count(const std::string &what) const
	{
		unsigned n = 0;
		for (const Event &e : events)
			n += e.what == what;
		return n;
	}
	const Event *last(const std::string &what) const
	{
		for (size_t i = events.size(); i-- > 0;)
			if (events[i].what == what)
				return &events[i];
		return nullptr;
	}
	const struct sip_layer_counters &counters() const
	{
		return *sip_layer_counters(layer);
	}

      private:
	struct sip_layer_ops ops = {};
	struct sip_dialog_ops dops = {};

	void note(const char *what, struct sip_transaction *tx, const struct sip_message *m)
	{
		Event e = {what, tx, m ? m->status : (tx ? sip_tx_status(tx) : 0),
			m ? str(m->method_text) : "", now(),
			m ? std::string(m->data, m->length) : ""};
		events.push_back(e);
	}
	static World *of(void *ctx)
	{
		return (World *)ctx;
	}
	static int send(void *ctx, const struct sip_flow *to, const uint8_t *b, size_t n)
	{
		World *w = of(ctx);
		if (w->send_error)
			return w->send_error;
		w->wire.push_back({w->layer ? w->now() : 0, *to, std::string((const char *)b, n)});
		return 0;
	}
	static struct sip_slice local(void *ctx, const struct sip_flow *flow)
	{
		World *w = of(ctx);
		bool stream = flow->transport != SIP_UDP && !w->sent_by_stream.empty();
		return sl(stream ? w->sent_by_stream : w->sent_by);
	}
	static size_t wire_size(
		void *ctx, const struct sip_flow *, const uint8_t *, size_t n)
	{
		World *w = static_cast<World *>(ctx);
		return w->on_wire_size ? w->on_wire_size(n) : n;
	}
	static int route(void *ctx, struct sip_flow *flow, size_t n)
	{
		World *w = of(ctx);
		return w->on_route ? w->on_route(flow, n) : 0;
	}
	static void fill(void *ctx, void *out, size_t n)
	{
		World *w = of(ctx);
		for (size_t i = 0; i < n; i++) {
			w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
			((uint8_t *)out)[i] = (uint8_t)(w->random >> 56);
		}
	}
	static void request(void *ctx, struct sip_transaction *tx, const struct sip_message *m)
	{
		of(ctx)->note("request", tx, m);
		if (of(ctx)->on_request)
			of(ctx)->on_request(tx, m);
	}
	static void ack(void *ctx, const struct sip_message *m, const struct sip_flow *)
	{
		of(ctx)->note("ack", nullptr, m);
		if (of(ctx)->on_ack)
			of(ctx)->on_ack(m);
	}
	static void cancel(void *ctx, struct sip_transaction *tx, const struct sip_message *m)
	{
		of(ctx)->note("cancel", tx, m);
		if (of(ctx)->on_cancel)
			of(ctx)->on_cancel(tx, m);
	}
	static void response(void *ctx, struct sip_transaction *tx, const struct sip_message *m)
	{
		of(ctx)->note("response", tx, m);
		if (of(ctx)->on_response)
			of(ctx)->on_response(tx, m);
	}
	static void timeout(void *ctx, struct sip_transaction *tx)
	{
		of(ctx)->note("timeout", tx, nullptr);
	}
	static void transport_error(void *ctx, struct sip_transaction *tx, int)
	{
		of(ctx)->note("transport_error", tx, nullptr);
	}
	static void terminated(void *ctx, struct sip_transaction *tx)
	{
		of(ctx)->note("terminated", tx, nullptr);
	}
	static void no_ack(void *ctx, struct sip_dialog *d)
	{
		if (of(ctx)->on_no_ack)
			of(ctx)->on_no_ack(d);
	}
};

// A request of a stranger's, with what tests vary.
struct Request {
	std::string method = "INVITE";
	std::string uri = "sip:+4930123@192.0.2.1";
	std::string branch = "z9hG4bKabc";
	std::string sent_by = "198.51.100.7:5060";
	std::string via_params = ";rport";
	std::string from_tag = "ft1";
	std::string to_tag;
	std::string call_id = "cid-1@198.51.100.7";
	unsigned cseq = 1;
	std::string cseq_method;
	std::string contact = "<sip:a@198.51.100.7:5060>";
	std::string lines;
	std::string body;
	std::string transport = "UDP";

	std::string text() const
	{
		std::string s = method + " " + uri + " SIP/2.0\r\n";
		s += "Via: SIP/2.0/" + transport + " " + sent_by + ";branch=" + branch +
		     via_params + "\r\n";
		s += "Max-Forwards: 70\r\n";
		s += "From: <sip:a@198.51.100.7>;tag=" + from_tag + "\r\n";
		s += "To: <sip:+4930123@192.0.2.1>" + (to_tag.empty() ? "" : ";tag=" + to_tag) +
		     "\r\n";
		s += "Call-ID: " + call_id + "\r\n";
		s += "CSeq: " + std::to_string(cseq) + " " +
		     (cseq_method.empty() ? method : cseq_method) + "\r\n";
		if (!contact.empty())
			s += "Contact: " + contact + "\r\n";
		s += lines;
		s += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
		return s;
	}
};

// A stranger's response to what we sent.
inline std::string answer(const Packet &request, int status, const std::string &to_tag = "rt1",
	const std::string &lines = "", const std::string &body = "")
{
	struct sip_message m;
	sip_message_index(&m, (const uint8_t *)request.bytes.data(), request.bytes.size());
	std::string s = "SIP/2.0 " + std::to_string(status) + " Whatever\r\n";
	s += "Via: " + str(sip_message_value(&m, SIP_H_VIA)) + "\r\n";
	s += "From: " + str(sip_message_value(&m, SIP_H_FROM)) + "\r\n";
	s += "To: " + str(sip_message_value(&m, SIP_H_TO));
	if (sip_message_to_tag(&m).n == 0 && !to_tag.empty() && status > 100)
		s += ";tag=" + to_tag;
	s += "\r\nCall-ID: " + str(sip_message_call_id(&m)) + "\r\n";
	s += "CSeq: " + str(sip_message_value(&m, SIP_H_CSEQ)) + "\r\n" + lines;
	s += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
	return s;
}
