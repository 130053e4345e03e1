// SPDX-License-Identifier: BSD-3-Clause
// REGISTERs of phones that know their password, with header lines of the input's making: Contact, Path, Expires,
// Supported, instances and flows. Whatever they say, each is answered once by a message that can be read, no user has
// more contacts than he may, and everything that was taken can be rung, kept and brought back.
//
// Input: REGISTERs, each a byte that says who sends it and by which transport, and lines up to a NUL.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controlplane/counters.h"
#include "controlplane/registrar/registrar.h"
#include "controlplane/shard.h"
#include "sip/digest.h"
#include "sip/message.h"

#define CONTACTS 4u
#define RECORDS  16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct record {
	uint64_t id;
	uint8_t bytes[65536];
	size_t n;
};

static struct {
	struct cp_shard *shard;
	struct cp_registrar *registrar;
	uint64_t now_us, random;
	unsigned answers;
	int status;
	char nonce[256];
	unsigned number, branch;
	struct record records[RECORDS];
} w;
static struct cp_policy *policy;
static struct cp_tregion *tregion;
static const char *const users[2] = {"alice", "bob"};

static const char config[] = "media: {a: {device: a0, address: 10.1.0.1}}\n"
			     "sip: {listen: [udp:10.1.0.1, tcp:10.1.0.1]}\n"
			     "peers:\n"
			     "  office: {kind: access, domain: pbx.example, users: %s, contacts: 4}\n"
			     "routes: [{to: [office]}]\n"
			     "run: /tmp\n";

// ---- what is asked for -------------------------------------------------------------------------------

static int on_send(void *ctx, const struct sip_flow *to, const uint8_t *bytes, size_t n)
{
	static struct sip_message m;
	struct sip_challenge c;

	if (sip_message_index(&m, bytes, n))
		abort();
	if (m.is_request)
		return 0;
	w.answers++;
	w.status = m.status;
	if (m.status == 401 &&
		sip_challenge_parse(sip_message_value(&m, SIP_H_WWW_AUTHENTICATE), &c) == 0)
		snprintf(w.nonce, sizeof(w.nonce), "%.*s", SIP_PRI(c.nonce));
	return 0;
}

static int on_submit(void *ctx, struct abi_msg *m, cp_shm_reply_fn *done, void *user)
{
	return -ENOTCONN;
}

static void on_forget(void *ctx, uint64_t transaction)
{
}

static void on_reconciled(void *ctx)
{
}

static int on_cdr(void *ctx, const char *line, size_t n)
{
	return 0;
}

static void on_random(void *ctx, void *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w.random = w.random * 6364136223846793005ull + 1442695040888963407ull;
		((uint8_t *)out)[i] = (uint8_t)(w.random >> 33);
	}
}

static int on_keep(void *ctx, uint64_t id, const void *bytes, size_t n)
{
	struct record *free_one = NULL;

	for (unsigned i = 0; i < RECORDS; i++) {
		struct record *r = &w.records[i];

		if (r->n && r->id == id)
			free_one = r;
		else if (!r->n && !free_one)
			free_one = r;
	}
	if (!free_one || n > sizeof(free_one->bytes) || !n)
		abort();
	free_one->id = id;
	free_one->n = n;
	memcpy(free_one->bytes, bytes, n);
	return 0;
}

static int on_drop(void *ctx, uint64_t id)
{
	for (unsigned i = 0; i < RECORDS; i++)
		if (w.records[i].id == id)
			w.records[i].n = 0;
	return 0;
}

static const struct cp_shard_ops ops = {
	.send = on_send,
	.submit = on_submit,
	.forget = on_forget,
	.reconciled = on_reconciled,
	.cdr = on_cdr,
	.random = on_random,
};
static const struct cp_registrar_ops registrar_ops = {
	.random = on_random, .keep = on_keep, .drop = on_drop};

// ---- a phone -----------------------------------------------------------------------------------------

static struct sip_flow flow_of(unsigned who)
{
	struct sip_flow f = {.remote = {.family = 4, .port = 5060, .ip = {10, 1, 0, 10}}};

	f.remote.ip[3] = (uint8_t)(10 + (who & 1));
	if (who & 2) {
		f.transport = SIP_TCP;
		f.socket = 1;
		f.connection = 1 + (who & 1);
	}
	return f;
}

static void credentials(unsigned who, char out[1100])
{
	char text[512], value[1024];
	struct sip_challenge c;
	struct sip_answer_request a = {.user = users[who & 1],
		.password = "secret",
		.method = sip_str("REGISTER"),
		.uri = sip_str("sip:pbx.example"),
		.cnonce = "0123456789abcdef",
		.nc = 1};

	out[0] = 0;
	snprintf(text, sizeof(text),
		"Digest realm=\"pbx.example\", nonce=\"%s\", algorithm=MD5, qop=\"auth\"", w.nonce);
	if (!w.nonce[0] || sip_challenge_parse(sip_str(text), &c))
		return;
	a.challenge = &c;
	if (sip_credentials_write(&a, value, sizeof(value)) > 0)
		snprintf(out, 1100, "Authorization: %s\r\n", value);
}

static void say(unsigned who, const char *lines, size_t n)
{
	static char text[16384];
	struct sip_flow flow = flow_of(who);
	char proof[1100];
	int size;

	credentials(who, proof);
	size = snprintf(text, sizeof(text),
		"REGISTER sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/%s 10.1.0.%u;branch=z9hG4bK%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:%s@pbx.example>;tag=t\r\nTo: <sip:%s@pbx.example>\r\n"
		"Call-ID: %u\r\nCSeq: %u REGISTER\r\n%s%.*sContent-Length: 0\r\n\r\n",
		who & 2 ? "TCP" : "UDP", 10 + (who & 1), ++w.branch, users[who & 1], users[who & 1],
		who & 7, ++w.number, proof, (int)n, lines);
	if (size < 0 || (size_t)size >= sizeof(text))
		return;
	w.answers = 0;
	cp_shard_receive(w.shard, &flow, (const uint8_t *)text, (size_t)size);
	if (w.answers > 1)
		abort();
}

static void registers(unsigned who, const char *lines, size_t n)
{
	w.nonce[0] = 0;
	say(who, "", 0);
	say(who, lines, n);
	w.now_us += 500000 + (who & 0xf0) * 500000ull;
	cp_shard_tick(w.shard, w.now_us);
	cp_registrar_tick(w.registrar, w.now_us);
	cp_registrar_settle(w.registrar);
}

// ---- what must hold ----------------------------------------------------------------------------------

static void check_one(unsigned who)
{
	static struct cp_ring list[CP_RING];
	struct sip_uri uri;
	char text[64];
	unsigned count = 0, contacts = 0;
	struct cp_aor *aor = cp_location_find(
		cp_registrar_location(w.registrar), "office", users[who]);

	for (const struct cp_contact *c = aor ? aor->contacts : NULL; c; c = c->next)
		contacts++;
	if (contacts > CONTACTS)
		abort();
	snprintf(text, sizeof(text), "sip:%s@pbx.example", users[who]);
	if (sip_uri_parse(sip_str(text), &uri))
		abort();
	cp_registrar_ring(w.registrar, policy, cp_peers_at(policy->peers, 0), &uri, list, &count);
	for (unsigned i = 0; i < count; i++)
		if (sip_uri_parse(sip_str(list[i].uri), &uri))
			abort();
}

// Another process finds what was kept.
static void check_kept(void)
{
	unsigned before = (unsigned)cp_location_contacts(cp_registrar_location(w.registrar));
	struct cp_registrar *other;

	if (cp_registrar_new(&other, &registrar_ops, NULL, policy, w.now_us, 1700000000000000ull))
		return;
	for (unsigned i = 0; i < RECORDS; i++)
		if (w.records[i].n)
			cp_registrar_restore(
				other, w.records[i].id, w.records[i].bytes, w.records[i].n);
	// Connections of the process before are gone, and what came by them with it.
	if (cp_location_contacts(cp_registrar_location(other)) > before)
		abort();
	cp_registrar_free(other);
}

// Nobody stays for ever, neither here nor in the journal.
static void expire(void)
{
	w.now_us += 4000000000ull;
	cp_shard_tick(w.shard, w.now_us);
	cp_registrar_tick(w.registrar, w.now_us);
	cp_registrar_settle(w.registrar);
	if (cp_location_contacts(cp_registrar_location(w.registrar)))
		abort();
	for (unsigned i = 0; i < RECORDS; i++)
		w.records[i].n = 0;
}

static void begin(void)
{
	static struct abi_counter counters[CP_COUNTERS];
	const struct cp_tregion_config t = {1, 64, 1 << 16, counters, CP_COUNTERS};
	struct cp_shard_config c = {.ops = &ops,
		.policy = policy,
		.realtime_offset_us = 1700000000000000ull};

	if (!tregion) {
		cp_counters_describe(counters);
		if (cp_tregion_new(&tregion, &t))
			abort();
	}
	if (w.shard)
		return;
	w.now_us = 1000000000;
	if (cp_registrar_new(&w.registrar, &registrar_ops, NULL, policy, w.now_us,
		    1700000000000000ull))
		abort();
	c.tregion = tregion;
	c.now_us = w.now_us;
	c.registrar = w.registrar;
	if (cp_shard_new(&c, &w.shard))
		abort();
}

static int no_source(void *ctx, const struct sip_addr *to, struct sip_addr *from)
{
	*from = *to;
	return 0;
}

static void make_policy(void)
{
	char file[] = "/tmp/hawse-fuzz-users-XXXXXX", text[1024];
	int fd = mkstemp(file);
	struct cfg_error error;
	struct cfg *cfg;

	dprintf(fd, "alice: {password: secret, number: \"+49301\"}\nbob: {password: secret}\n");
	close(fd);
	snprintf(text, sizeof(text), config, file);
	if (sip_init() || cfg_parse(&cfg, "fuzz", text, strlen(text), &error) ||
		cp_policy_new(cfg, no_source, NULL, &policy, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	unlink(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!policy)
		make_policy();
	if (size > 8192)
		return 0;
	begin();
	while (size > 1) {
		const uint8_t *end = memchr(data + 1, 0, size - 1);
		size_t n = end ? (size_t)(end - data) - 1 : size - 1;

		registers(data[0], (const char *)data + 1, n);
		data += n + 1 + (end != NULL);
		size -= n + 1 + (end != NULL);
		check_one(0);
		check_one(1);
	}
	check_kept();
	expire();
	return 0;
}
