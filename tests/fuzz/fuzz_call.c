// SPDX-License-Identifier: BSD-3-Clause
// Whole calls in any order of events: two parties who say anything at any time, a hawse-media that
// refuses, is slow, dies and comes back. Whatever happened, a stop and time end every call and give
// every media session back; if not, that is a crash.
//
// Input: a list of events, each a byte that says which and the bytes it needs.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/counters.h"
#include "controlplane/shard.h"
#include "sip/message.h"

#define KEPT     8
#define WAITING  64
#define SESSIONS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *p;
	size_t n;
};

// What a party needs of a message to answer it.
struct kept {
	char via[256], from[256], to[256], call_id[128], cseq[64], contact[128], rseq[16];
};

struct waiting {
	struct abi_msg reply;
	cp_shm_reply_fn *done;
	void *user;
};

struct world {
	struct cp_shard *shard;
	uint64_t now_us;
	uint64_t random;
	bool attached;
	struct kept requests[2][KEPT]; // sent to each side
	struct kept answers[2][KEPT];  // responses to INVITE
	unsigned request_count[2], answer_count[2];
	struct waiting waiting[WAITING];
	unsigned waiting_count;
	struct abi_ports ports[SESSIONS];
	bool used[SESSIONS];
	bool claimed[SESSIONS]; // by the hawse-sip of this attachment
	uint32_t generation;
	uint64_t transaction;
	unsigned call, cseq;
	int fail; // of the next command
};

static struct world w;
static struct cp_tregion *tregion;
static struct cp_policy *policy;

static const char config[] = "media:\n"
			     "  a: {device: a0, address: [10.1.0.1, \"fd00:1::1\"]}\n"
			     "  b: {device: b0, address: 10.2.0.1}\n"
			     "sip: {listen: [udp:10.1.0.1, udp:10.2.0.1], ring_timeout: 60}\n"
			     "peers:\n"
			     "  office: {kind: trunk, address: 10.1.0.2, media: a}\n"
			     "  carrier: {kind: access, address: 10.2.0.2, media: b}\n"
			     "  backup: {kind: trunk, address: 10.1.0.3, media: a}\n"
			     "routes:\n"
			     "  - {from: office, to: [carrier, backup]}\n"
			     "  - {from: carrier, to: [office]}\n";

static const char *const bodies[] = {
	"",
	"v=0\r\no=- 1 1 IN IP4 10.9.0.2\r\ns=-\r\nc=IN IP4 10.9.0.2\r\nt=0 0\r\nm=audio 4000 "
	"RTP/AVP 8 0\r\n",
	"v=0\r\no=- 1 2 IN IP4 10.9.0.2\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 "
	"RTP/AVP 8\r\n",
	("v=0\r\no=- 1 3 IN IP4 10.9.0.2\r\ns=-\r\nc=IN IP4 10.9.0.3\r\nt=0 0\r\nm=audio 4002 "
	 "RTP/AVP 0\r\n"
	 "a=sendonly\r\nm=video 4004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"),
	"v=0\r\no=- 1 4 IN IP4 10.9.0.2\r\ns=-\r\nc=IN IP4 10.9.0.2\r\nt=0 0\r\nm=audio 0 RTP/AVP "
	"8\r\n",
	"v=0\r\no=- 1 5 IN IP4 10.9.0.2\r\ns=-\r\nt=0 0\r\n",
	"v=0\r\nnonsense\r\n",
	"v=0\r\no=- 1 6 IN IP6 fd00::9\r\ns=-\r\nc=IN IP6 fd00::9\r\nt=0 0\r\nm=audio 4000 RTP/AVP "
	"8\r\n",
};

static unsigned take(struct input *in)
{
	if (!in->n)
		return 0;
	in->n--;
	return *in->p++;
}

// ---- what the shard asks for -------------------------------------------------------------------------

static void keep_value(char *to, size_t size, struct sip_slice from)
{
	size_t n = from.n < size ? from.n : size - 1;

	if (n)
		memcpy(to, from.p, n);
	to[n] = 0;
}

static int on_send(void *ctx, const struct sip_flow *to, const uint8_t *bytes, size_t n)
{
	static struct sip_message m;
	unsigned side = to->remote.ip[1] == 1 ? 0 : 1;
	struct kept *k;

	// Whatever we send can be read again.
	if (sip_message_index(&m, bytes, n))
		abort();
	if (m.is_request)
		k = &w.requests[side][w.request_count[side]++ % KEPT];
	else if (m.method == SIP_INVITE && m.status > 100)
		k = &w.answers[side][w.answer_count[side]++ % KEPT];
	else
		return 0;
	keep_value(k->via, sizeof(k->via), sip_message_value(&m, SIP_H_VIA));
	keep_value(k->from, sizeof(k->from), sip_message_value(&m, SIP_H_FROM));
	keep_value(k->to, sizeof(k->to), sip_message_value(&m, SIP_H_TO));
	keep_value(k->call_id, sizeof(k->call_id), sip_message_value(&m, SIP_H_CALL_ID));
	keep_value(k->cseq, sizeof(k->cseq), sip_message_value(&m, SIP_H_CSEQ));
	keep_value(k->rseq, sizeof(k->rseq), sip_message_value(&m, SIP_H_RSEQ));
	keep_value(k->contact, sizeof(k->contact), sip_message_value(&m, SIP_H_CONTACT));
	return 0;
}

static int give_ports(const struct abi_msg *m, struct abi_msg *reply)
{
	const struct abi_port_alloc *want = (const struct abi_port_alloc *)m->payload;
	unsigned slot = 0;

	while (slot < SESSIONS && w.used[slot])
		slot++;
	if (slot == SESSIONS)
		return -ENFILE;
	w.used[slot] = w.claimed[slot] = true;
	memset(&w.ports[slot], 0, sizeof(w.ports[slot]));
	for (unsigned leg = 0; leg < 2; leg++) {
		struct abi_leg_local *l = &w.ports[slot].leg[leg];

		l->family = want->leg[leg].family;
		l->ip[0] = 10;
		l->ip[1] = (uint8_t)(1 + leg);
		l->rtp_port = (uint16_t)(20000 + slot * 4 + leg * 2);
		l->rtcp_port = (uint16_t)(l->rtp_port + 1);
	}
	reply->slot = slot;
	reply->generation = w.generation;
	memcpy(reply->payload, &w.ports[slot], sizeof(w.ports[slot]));
	return 0;
}

static int carry_out(const struct abi_msg *m, struct abi_msg *reply)
{
	if (m->type == ABI_PORT_ALLOC)
		return give_ports(m, reply);
	if (m->slot >= SESSIONS || !w.used[m->slot] || m->generation != w.generation)
		return -ENOENT;
	if (m->type == ABI_SESSION_DELETE)
		w.used[m->slot] = false;
	if (m->type == ABI_SESSION_CLAIM) {
		w.claimed[m->slot] = true;
		memcpy(reply->payload, &w.ports[m->slot], sizeof(w.ports[m->slot]));
	}
	return 0;
}

static int on_submit(void *ctx, struct abi_msg *m, cp_shm_reply_fn *done, void *user)
{
	struct waiting *one = &w.waiting[w.waiting_count];

	if (!w.attached)
		return -ENOTCONN;
	if (w.waiting_count == WAITING)
		return -ENOBUFS;
	m->transaction = ++w.transaction;
	*one = (struct waiting){*m, done, user};
	one->reply.type |= ABI_REPLY;
	memset(one->reply.payload, 0, sizeof(one->reply.payload));
	one->reply.result = w.fail;
	// One that times out may have been carried out.
	if (!w.fail || w.fail == -ETIMEDOUT)
		one->reply.result = carry_out(m, &one->reply);
	if (w.fail == -ETIMEDOUT) {
		if (m->type == ABI_PORT_ALLOC && !one->reply.result)
			w.used[one->reply.slot] = false; // the client sees to it
		one->reply.result = -ETIMEDOUT;
	}
	w.fail = 0;
	w.waiting_count++;
	return 0;
}

static void drop_waiting(unsigned i)
{
	memmove(&w.waiting[i], &w.waiting[i + 1], (w.waiting_count - i - 1) * sizeof(w.waiting[0]));
	w.waiting_count--;
}

static void on_forget(void *ctx, uint64_t transaction)
{
	for (unsigned i = 0; i < w.waiting_count; i++) {
		struct abi_msg *reply = &w.waiting[i].reply;

		if (reply->transaction != transaction)
			continue;
		if (reply->type == (ABI_PORT_ALLOC | ABI_REPLY) && !reply->result)
			w.used[reply->slot] = false;
		drop_waiting(i);
		return;
	}
}

// What nobody claimed is swept; here without a grace time.
static void on_reconciled(void *ctx)
{
	for (unsigned i = 0; i < SESSIONS; i++)
		w.used[i] = w.used[i] && w.claimed[i];
}

static int on_cdr(void *ctx, const char *line, size_t n)
{
	if (!n || line[n - 1] != '\n')
		abort();
	return 0;
}

static void on_random(void *ctx, void *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w.random = w.random * 6364136223846793005ull + 1442695040888963407ull;
		((uint8_t *)out)[i] = (uint8_t)(w.random >> 33);
	}
}

static const struct cp_shard_ops ops = {
	.send = on_send,
	.submit = on_submit,
	.forget = on_forget,
	.reconciled = on_reconciled,
	.cdr = on_cdr,
	.random = on_random,
};

static void reply_one(int result)
{
	struct waiting one;

	if (!w.waiting_count)
		return;
	one = w.waiting[0];
	drop_waiting(0);
	if (result)
		one.reply.result = result;
	if (one.done)
		one.done(one.user, &one.reply);
}

static void pump(void)
{
	while (w.waiting_count)
		reply_one(0);
}

static void advance(uint64_t ms)
{
	w.now_us += ms * 1000;
	cp_shard_tick(w.shard, w.now_us);
}

// ---- what the parties say ------------------------------------------------------------------------------

static void receive(unsigned side, const char *bytes, size_t n)
{
	struct sip_flow flow = {.socket = (uint16_t)side};

	flow.remote.family = 4;
	flow.remote.port = 5060;
	flow.remote.ip[0] = 10;
	flow.remote.ip[1] = (uint8_t)(side + 1);
	flow.remote.ip[3] = 2;
	cp_shard_receive(w.shard, &flow, (const uint8_t *)bytes, n);
}

static void say(unsigned side, const char *head, const char *body)
{
	char text[2048];
	int n = snprintf(text, sizeof(text), "%s%sContent-Length: %zu\r\n\r\n%s", head,
		body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);

	if (n > 0 && (size_t)n < sizeof(text))
		receive(side, text, (size_t)n);
}

// What a party can, or wants.
static const char *const abilities[] = {"", "Supported: 100rel, 199, timer\r\nAllow: UPDATE\r\n",
	"Require: 100rel\r\nAllow: UPDATE\r\n",
	"Supported: timer\r\nSession-Expires: 90;refresher=uac\r\nAllow: UPDATE\r\n",
	"Supported: 100rel\r\nSession-Expires: 60\r\nMin-SE: 60\r\n",
	"Require: timer\r\nSession-Expires: 4294967295;refresher=uas\r\nAllow: INVITE\r\n",
	"Min-SE: 200\r\nP-Early-Media: inactive\r\n", "Supported: 199\r\nP-Early-Media: sendonly\r\n"};

// The dialog of a request that we sent or answered, as its other end names it.
static void write_replaces(unsigned what, char *out, size_t size)
{
	const struct kept *k = what & 64 ? &w.answers[what >> 3 & 1][what >> 4 & 3]
					 : &w.requests[what >> 3 & 1][what >> 4 & 3];
	const char *from = strstr(k->from, ";tag="), *to = strstr(k->to, ";tag=");
	const char *to_tag = to ? to + 5 : what & 4 ? "one" : "two";

	// Of a request of ours From is us, and we are who is asked.
	if (what & 64)
		snprintf(out, size, "%s;to-tag=%s;from-tag=%s", k->call_id, to_tag,
			from ? from + 5 : "x");
	else
		snprintf(out, size, "%s;to-tag=%s;from-tag=%s", k->call_id, from ? from + 5 : "x",
			to_tag);
}

static void say_invite(struct input *in)
{
	unsigned what = take(in), side = what & 1;
	char head[2048], name[512] = "";

	w.call += !(what & 2); // or the same Call-ID again
	if (what & 128)
		write_replaces(what, name, sizeof(name));
	snprintf(head, sizeof(head),
		"INVITE sip:+49%u@10.%u.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		"10.%u.0.2;branch=z9hG4bKi%u\r\n"
		"From: <sip:a@x>;tag=t%u\r\nTo: <sip:b@y>\r\nCall-ID: call%u\r\nCSeq: 1 INVITE\r\n"
		"Contact: <sip:a@10.%u.0.2>\r\nMax-Forwards: 70\r\n%s%s%s%s",
		what, side + 1, side + 1, w.call, w.call, w.call, side + 1,
		abilities[what >> 3 & 7], name[0] ? "Replaces: " : "", name,
		name[0] ? "\r\n" : "");
	say(side, head, bodies[take(in) % 8]);
}

static void say_response(struct input *in)
{
	static const int statuses[] = {100, 180, 183, 199, 200, 202, 302, 401, 408, 415, 481, 486,
		487, 488, 491, 500, 503, 600, 422, 501};
	unsigned what = take(in), side = what & 1;
	const struct kept *k = &w.requests[side][take(in) % KEPT];
	int status = statuses[take(in) % (sizeof(statuses) / sizeof(statuses[0]))];
	char head[1536], reliable[48] = "";

	if (!k->via[0])
		return;
	if (what & 64)
		snprintf(reliable, sizeof(reliable), "Require: 100rel\r\nRSeq: %u\r\n", 1 + (what >> 3 & 3));
	snprintf(head, sizeof(head),
		"SIP/2.0 %d X\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: "
		"%s\r\n%s%s%s",
		status, k->via, k->from, k->to,
		strstr(k->to, ";tag=") ? "" : ";tag=", // a tag, if it has none
		strstr(k->to, ";tag=") ? ""
		: what & 2             ? "one"
				       : "two",
		k->call_id, k->cseq, what & 4 ? "Contact: <sip:z@10.9.9.9>\r\n" : "", reliable,
		abilities[what >> 3 & 7]);
	say(side, head, bodies[take(in) % 8]);
}

// What a method cannot do without.
static void say_more(const char *method, unsigned what, char *out, size_t size)
{
	char name[512], *p;

	out[0] = 0;
	if (method[0] == 'S' || method[0] == 'N') {
		snprintf(out, size, "Event: refer\r\n%s",
			method[0] == 'N' ? "Subscription-State: active\r\n" : "Expires: 0\r\n");
	} else if (method[0] == 'R' && what & 128) {
		write_replaces(what, name, sizeof(name));
		for (p = name; *p; p++)
			if (*p == ';' || *p == '=')
				*p = ' ';
		// " to-tag 1 from-tag 2": escaped as it has to be.
		snprintf(out, size, "Refer-To: <sip:x@y?Replaces=");
		for (p = name; *p && strlen(out) + 12 < size; p++)
			snprintf(out + strlen(out), 4, *p == ' ' ? "%%20" : "%c", *p);
		for (unsigned n = 0; (p = strstr(out, "%20")); n++)
			memcpy(p, n % 2 ? "%3D" : "%3B", 3);
		snprintf(out + strlen(out), 4, ">\r\n");
	} else if (method[0] == 'R') {
		snprintf(out, size, "Refer-To: <sip:+49%u@y>\r\n%s", what,
			what & 8 ? "Refer-Sub: false\r\n" : "");
	}
}

// A request in a dialog that our answers or our requests made.
static void say_request(struct input *in)
{
	static const char *const methods[] = {"INVITE", "ACK", "BYE", "UPDATE", "INFO", "OPTIONS",
		"NOTIFY", "MESSAGE", "PRACK", "REFER", "SUBSCRIBE", "REFER"};
	unsigned what = take(in), side = what & 1, which = take(in);
	const char *method = methods[take(in) % 12];
	bool caller = !(what & 2); // of this leg
	const struct kept *k =
		caller ? &w.answers[side][which % KEPT] : &w.requests[side][which % KEPT];
	bool is_ack = method[0] == 'A';
	char head[2560], more[640];

	if (!k->via[0])
		return;
	say_more(method, what, more, sizeof(more));
	// As callee To and From change places, with the tag that was said.
	snprintf(head, sizeof(head),
		"%s sip:h@10.%u.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.%u.0.2;branch=z9hG4bKr%u\r\n"
		"From: %s%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nContact: "
		"<sip:q@10.%u.0.2>\r\n"
		"Max-Forwards: 70\r\nRAck: %s 1 INVITE\r\n%s%s",
		method, side + 1, side + 1, ++w.cseq, caller ? k->from : k->to,
		!caller && !strstr(k->to, ";tag=") ? what & 4 ? ";tag=one" : ";tag=two" : "",
		caller ? k->to : k->from, k->call_id, is_ack ? (unsigned)atoi(k->cseq) : w.cseq + 1,
		method, side + 1, k->rseq[0] ? k->rseq : "1", abilities[what >> 3 & 7], more);
	say(side, head, bodies[take(in) % 8]);
}

static void say_cancel(struct input *in)
{
	unsigned side = take(in) & 1;
	char head[1024];

	snprintf(head, sizeof(head),
		"CANCEL sip:+490@10.%u.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		"10.%u.0.2;branch=z9hG4bKi%u\r\n"
		"From: <sip:a@x>;tag=t%u\r\nTo: <sip:b@y>\r\nCall-ID: call%u\r\nCSeq: 1 CANCEL\r\n"
		"Max-Forwards: 70\r\n",
		side + 1, side + 1, w.call, w.call, w.call);
	say(side, head, "");
}

static void say_bytes(struct input *in)
{
	size_t n = take(in) * 4;

	if (n > in->n)
		n = in->n;
	receive(n & 1, (const char *)in->p, n);
	in->p += n;
	in->n -= n;
}

// ---- what hawse-media does -----------------------------------------------------------------------------

static void media_dies(void)
{
	while (w.waiting_count)
		reply_one(-ECONNRESET);
	w.attached = false;
	cp_shard_detached(w.shard);
}

static void media_comes(bool same_boot)
{
	struct cp_shm_info info = {.sessions = SESSIONS, .same_boot = same_boot};

	if (!same_boot) {
		memset(w.used, 0, sizeof(w.used));
		w.generation++;
	}
	memset(w.claimed, 0, sizeof(w.claimed));
	info.boot_epoch = w.generation;
	w.attached = true;
	cp_shard_attached(w.shard, &info);
}

static void media_event(struct input *in)
{
	static const uint16_t types[] = {ABI_LEARNED, ABI_MEDIA_TIMEOUT, ABI_SWEPT};
	struct abi_msg m = {.type = types[take(in) % 3], .generation = w.generation};

	m.slot = take(in) % SESSIONS;
	if (m.type == ABI_SWEPT)
		w.used[m.slot] = false;
	cp_shard_event(w.shard, &m);
}

static void event(struct input *in)
{
	static const int failures[] = {
		-EBUSY, -ENOSPC, -EHOSTUNREACH, -ETIMEDOUT, -EINVAL, -ENOENT};

	switch (take(in) % 16) {
	case 0:
	case 1:
		say_invite(in);
		break;
	case 2:
	case 3:
	case 4:
		say_response(in);
		break;
	case 5:
	case 6:
	case 7:
		say_request(in);
		break;
	case 8:
		say_cancel(in);
		break;
	case 9:
		say_bytes(in);
		break;
	case 10:
		advance((uint64_t)take(in) * 200);
		break;
	case 11:
		w.fail = failures[take(in) % 6];
		break;
	case 12:
	case 13:
		pump();
		break;
	case 14:
		if (w.attached)
			media_dies();
		else
			media_comes(take(in) & 1);
		break;
	case 15:
		media_event(in);
		break;
	}
}

// ---- one input ----------------------------------------------------------------------------------------

static void set_up(void)
{
	static struct abi_counter counters[CP_COUNTERS];
	struct cp_tregion_config t = {1, 64, 64 << 10, counters, CP_COUNTERS};
	struct cfg_error error;
	struct cfg *cfg;

	cp_counters_describe(counters);
	if (sip_init() || cp_tregion_new(&tregion, &t) ||
		cfg_parse(&cfg, "fuzz", config, strlen(config), &error) ||
		cp_policy_new(cfg, NULL, NULL, &policy, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
}

static void check_end(void)
{
	w.fail = 0;
	pump();
	// Attached once more: what was left behind while it was away is swept.
	if (w.attached)
		media_dies();
	media_comes(true);
	pump();
	cp_shard_stop(w.shard);
	for (unsigned i = 0; i < 400; i++) {
		advance(500);
		pump();
	}
	if (cp_shard_calls(w.shard)) {
		fprintf(stderr, "%zu calls are left\n", cp_shard_calls(w.shard));
		abort();
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		if (w.used[i]) {
			fprintf(stderr, "media session %u is left\n", i);
			abort();
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct cp_shard_config c = {.ops = &ops};

	if (!policy)
		set_up();
	memset(&w, 0, sizeof(w));
	w.now_us = 1000000;
	w.random = 42;
	w.generation = 1;
	c.tregion = tregion;
	c.policy = policy;
	c.now_us = w.now_us;
	if (cp_shard_new(&c, &w.shard))
		abort();
	media_comes(false);
	for (unsigned i = 0; i < 200 && in.n; i++)
		event(&in);
	check_end();
	cp_shard_free(w.shard);
	return 0;
}
