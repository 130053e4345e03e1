// SPDX-License-Identifier: BSD-3-Clause
//
// Whole calls in which the i-th allocation fails, for every i: nothing leaks, nothing crashes, and what
// was refused is answered or reported.
#include "world.h"

extern "C" {
static long fail_at = -1; // allocations until the one that fails, -1: none
static bool fail_rest;    // and all after it
static long allocations;

static bool fails(void)
{
	allocations++;
	if (fail_at < 0)
		return false;
	if (fail_at == 0)
		return fail_rest || (fail_at--, true);
	fail_at--;
	return false;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
	return fails() ? NULL : __real_calloc(n, m);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}
}

namespace
{

const struct sip_flow kPeer = flow_of("198.51.100.7", 5060);
const struct sip_slice kNone = {nullptr, 0};

// The user of these calls never gives up on a failure: it goes on with what it has.
void incoming(World &w)
{
	struct sip_transaction *tx = nullptr;
	struct sip_dialog *d = nullptr;
	w.on_request = [&](struct sip_transaction *t, const struct sip_message *m) {
		struct sip_dialog *seen;
		if (sip_message_to_tag(m).n) {
			if (sip_dialog_on_request(w.dialogs, t, m, &seen) == 0 &&
				sip_respond_simple(t, 200, NULL))
				sip_respond_simple(t, 500, NULL);
			return;
		}
		tx = t;
		if (sip_dialog_new_uas(w.dialogs, t, m, nullptr, &d)) {
			d = nullptr;
			sip_respond_simple(t, 503, NULL);
		}
	};
	w.on_ack = [&](const struct sip_message *m) {
		struct sip_dialog *seen;
		sip_dialog_on_ack(w.dialogs, m, &seen);
	};
	Request r;
	r.lines = "Record-Route: <sip:p1;lr>\r\n";
	w.receive(kPeer, r.text());
	w.run(250);
	if (!tx || !d)
		return;
	struct sip_response ok;
	memset(&ok, 0, sizeof(ok));
	ok.status = 180;
	sip_dialog_respond(d, tx, &ok);
	ok.status = 200;
	if (sip_dialog_respond(d, tx, &ok))
		sip_respond_simple(tx, 500, NULL);
	w.run(600);
	struct sip_dialog_view v;
	sip_dialog_view(d, &v);
	r.to_tag = str(v.local_tag);
	r.method = "ACK";
	r.branch = "z9hG4bKack";
	w.receive(kPeer, r.text());
	r.method = "INVITE";
	r.cseq = 2;
	r.contact = "<sip:moved@198.51.100.7>";
	r.branch = "z9hG4bKre";
	w.receive(kPeer, r.text());
	r.method = "BYE";
	r.cseq = 3;
	r.branch = "z9hG4bKbye";
	w.receive(kPeer, r.text());
	sip_dialog_free(d);
	w.run(100000);
}

void outgoing(World &w)
{
	struct sip_dialog *d = nullptr;
	w.on_response = [&](struct sip_transaction *t, const struct sip_message *m) {
		struct sip_dialog *seen = nullptr;
		if (sip_dialog_on_response(w.dialogs, t, m, &seen) == 0 && seen)
			d = seen;
		if (seen && sip_dialog_owes_ack(seen))
			sip_dialog_ack(seen, kNone, kNone);
	};
	for (int round = 0; round < 2; round++) {
		struct sip_request r;
		memset(&r, 0, sizeof(r));
		r.method = SIP_INVITE;
		r.uri = r.to_uri = r.from_uri = sip_str("sip:b@198.51.100.7");
		struct sip_transaction *tx = nullptr;
		w.wire.clear();
		if (sip_request_send(w.dialogs, &kPeer, &r, nullptr, &tx))
			continue;
		Packet sent = w.pop();
		if (round == 0)
			sip_client_cancel(tx, sip_str("Reason: SIP;cause=200\r\n"));
		w.receive(kPeer, answer(sent, 180, "b1", "Record-Route: <sip:p;lr>\r\n"));
		w.receive(kPeer, answer(sent, 183, "b2"));
		if (round == 0) {
			w.receive(kPeer, answer(sent, 487, "b1"));
			w.receive(kPeer, answer(sent, 487, "b1"));
		} else {
			w.receive(kPeer, answer(sent, 200, "b1", "Contact: <sip:x@h>\r\n"));
			w.receive(kPeer, answer(sent, 200, "b1", "Contact: <sip:x@h>\r\n"));
		}
		w.run(100);
	}
	if (d)
		sip_dialog_send(d, SIP_BYE, kNone, kNone, nullptr, nullptr);
	w.run(100000);
}

// A world whose own making may fail too.
void play(void (*call)(World &), long at, bool rest)
{
	World w;
	if (!w.layer || !w.dialogs)
		return;
	fail_rest = rest;
	fail_at = at;
	call(w);
	fail_at = -1;
	w.run(200000);
	EXPECT_EQ(0u, w.counters().transactions) << at;
	// Everything that the user was told of, or made, ended once.
	std::map<struct sip_transaction *, int> ended;
	for (const Event &e : w.events)
		if (e.what == "request")
			ended[e.tx]++;
		else if (e.what == "terminated")
			ended[e.tx]--;
	for (auto &e : ended)
		EXPECT_LE(e.second, 0) << at;
	// And the world still takes calls.
	Request r;
	r.call_id = "afterwards";
	r.branch = "z9hG4bKafterwards";
	unsigned before = w.count("request");
	w.on_request = nullptr;
	w.receive(kPeer, r.text());
	EXPECT_EQ(before + 1, w.count("request"));
}

long count_allocations(void (*call)(World &))
{
	World w;
	long before = allocations;
	call(w);
	return allocations - before;
}

TEST(Failure, IncomingCallSurvivesEveryFailedAllocation)
{
	long n = count_allocations(incoming);
	EXPECT_GT(n, 15);
	for (long i = 0; i < n; i++) {
		play(incoming, i, false);
		play(incoming, i, true);
	}
}

TEST(Failure, OutgoingCallSurvivesEveryFailedAllocation)
{
	long n = count_allocations(outgoing);
	EXPECT_GT(n, 15);
	for (long i = 0; i < n; i++) {
		play(outgoing, i, false);
		play(outgoing, i, true);
	}
}

TEST(Failure, LayersAndSetsThatCannotBeMadeSaySo)
{
	World w;
	struct sip_layer_config c;
	memset(&c, 0, sizeof(c));
	static struct sip_layer_ops ops;
	ops.send = [](void *, const struct sip_flow *, const uint8_t *, size_t) { return 0; };
	ops.sent_by = [](void *, const struct sip_flow *) { return sip_str("x"); };
	c.ops = &ops;
	struct sip_layer *l = nullptr;
	EXPECT_EQ(-EINVAL, sip_layer_new(&c, &l));
	c.ids.random = [](void *, void *p, size_t n) { memset(p, 1, n); };
	for (long i = 0; i < 3; i++) {
		fail_rest = false;
		fail_at = i;
		EXPECT_EQ(-ENOMEM, sip_layer_new(&c, &l));
		fail_at = -1;
	}
	for (long i = 0; i < 2; i++) {
		struct sip_dialogs *set = nullptr;
		fail_at = i;
		EXPECT_EQ(-ENOMEM, sip_dialogs_new(w.layer, nullptr, nullptr, &set));
		fail_at = -1;
	}
}

TEST(Failure, WithoutMemoryNewCallsGet503)
{
	World w;
	Request r;
	fail_rest = true;
	fail_at = 0;
	{
		// Receiving allocates in the test itself, so hand it in bare.
		std::string text;
		fail_at = -1;
		text = r.text();
		fail_at = 0;
		sip_layer_receive(w.layer, &kPeer, (const uint8_t *)text.data(), text.size());
		fail_at = -1;
	}
	ASSERT_EQ(1u, w.wire.size());
	Packet p = w.pop();
	EXPECT_EQ(503, p.status());
	EXPECT_EQ("5", p.value("Retry-After"));
	EXPECT_LE(1u, w.counters().no_memory);
	EXPECT_EQ(0u, w.count("request"));
	w.run(10);
	EXPECT_EQ(0u, w.counters().transactions);
}

} // namespace
