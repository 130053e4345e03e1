// SPDX-License-Identifier: BSD-3-Clause
//
// Any sequence of offers, answers, acceptance, refusal and forks, with any bodies. The input is cut at
// 0xff; the first octet of a piece says what happens, the others are its body:
//	A B offer of that leg	a b answer of that leg	+ accept	- reject	r repeat
//	S security of a leg: three octets, leg, policy, browser; before anything was said
//	P policies of both legs and what can be transcoded: three octets
//	c clone and go on with the clone	p plan	f the next offer is to be T.38 to its reader
//	k keep and go on with what was kept	K go on with these bytes instead, if they are taken
// What is shown has to be readable, without an address of the other party, with a version that goes
// with the bytes; plans have to agree with themselves.
#include "sip/sdp/offer_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECES 24

static uint8_t memory[SDP_OA_SCRATCH], tree_memory[2 * SDP_MAX_TREE];

struct run {
	struct sdp_oa oa;
	struct sdp_arena scratch;
	char *shown[2]; // what each leg saw last
	size_t shown_len[2];
	uint64_t version[2];
	struct sdp_codec_policy policy[2];
	uint32_t can;
	bool policies;
	bool fax; // the next offer goes on as T.38, if it can
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct sdp_session *read_tree(struct sdp_arena *arena, const void *body, size_t len)
{
	struct sdp_session *tree;

	return sdp_parse(arena, body, len, &tree, NULL) == 0 ? tree : NULL;
}

static struct sdp_local local_of(enum sdp_leg leg, unsigned stream, unsigned family)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff};
	static const uint8_t v4[16] = {198, 51, 100, 250};
	struct sdp_local l = {.family = (uint8_t)family};

	memcpy(l.ip, family == 6 ? v6 : v4, 16);
	l.ip[family == 6 ? 15 : 3] += (uint8_t)leg;
	l.rtp_port = (uint16_t)(10000 + 10 * stream + 1000 * leg);
	l.rtcp_port = (uint16_t)(l.rtp_port + (stream % 3));
	return l;
}

// ---- Nothing of the other party -----------------------------------------------------------------

static void check_absent(struct sdp_str shown, const struct sdp_addr *addr)
{
	static const char ours[] = "198.51.100.250 198.51.100.251 2001:db8:ffff:: 2001:db8:ffff::1 "
				   "0.0.0.0";

	if (addr->count == 0 || addr->family == 0 || addr->host.len < 3 || sdp_addr_is_hold(addr) ||
		memmem(ours, sizeof(ours), addr->host.ptr, addr->host.len) != NULL)
		return;
	require(memmem(shown.ptr, shown.len, addr->host.ptr, addr->host.len) == NULL);
}

static void check_privacy(struct sdp_str shown, const struct sdp_session *party)
{
	check_absent(shown, &party->origin.addr);
	check_absent(shown, &party->conn);
	for (unsigned i = 0; i < party->n_media; i++) {
		check_absent(shown, &party->media[i].conn);
		check_absent(shown, &party->media[i].rtcp_addr);
	}
}

// ---- Versions -----------------------------------------------------------------------------------

// The same version goes with the same bytes; a new one is higher. Going back to what was agreed before
// a refusal is the exception.
static void check_version(
	struct run *r, enum sdp_leg leg, struct sdp_str shown, const struct sdp_session *tree)
{
	if (tree->origin.version == r->version[leg] && r->shown[leg] != NULL)
		require(shown.len == r->shown_len[leg] &&
			memcmp(shown.ptr, r->shown[leg], shown.len) == 0);
	require(tree->origin.version <= r->oa.version[leg]);
	require(tree->origin.version != 0);
	free(r->shown[leg]);
	r->shown[leg] = malloc(shown.len);
	require(r->shown[leg] != NULL);
	memcpy(r->shown[leg], shown.ptr, shown.len);
	r->shown_len[leg] = shown.len;
	r->version[leg] = tree->origin.version;
}

static void check_shown(struct run *r, enum sdp_leg to, struct sdp_str shown, const uint8_t *body,
	size_t len, unsigned n_media)
{
	struct sdp_arena arena;
	struct sdp_session *tree, *party;

	sdp_arena_init(&arena, tree_memory, sizeof(tree_memory));
	tree = read_tree(&arena, shown.ptr, shown.len);
	require(tree != NULL);
	require(tree->n_media >= n_media);
	party = read_tree(&arena, body, len);
	require(party != NULL);
	check_privacy(shown, party);
	check_version(r, to, shown, tree);
}

// ---- Plans --------------------------------------------------------------------------------------

static void check_leg(const struct sdp_plan_leg *leg)
{
	bool renumber = false;

	require(leg->rtp.family == 0 || leg->rtp.family == leg->local.family);
	require(leg->rtcp.family == 0 || leg->rtcp.family == leg->local.family);
	require(!leg->send || leg->rtp.family != 0 || leg->secure.ice);
	for (unsigned pt = 0; pt < 128; pt++) {
		bool accepted = (leg->accept[pt >> 6] >> (pt & 63) & 1) != 0;

		require(accepted == (leg->map[pt] != SDP_PT_NONE));
		require(!accepted || leg->map[pt] < 128);
		renumber |= accepted && leg->map[pt] != pt;
	}
	require(renumber == leg->renumber);
	require(leg->in.name[0] == '\0' || leg->map[leg->in.pt] < 128);
	require(leg->dtmf_in == SDP_PT_NONE || leg->map[leg->dtmf_in] < 128);
}

static void take_plan(struct run *r)
{
	static struct sdp_plan plan;
	unsigned active = 0;

	if (sdp_oa_plan(&r->oa, &r->scratch, &plan) != 0)
		return;
	for (unsigned i = 0; i < plan.n_streams; i++) {
		const struct sdp_plan_stream *s = &plan.stream[i];

		if (s->refusal != SDP_ACCEPTED)
			continue;
		active++;
		check_leg(&s->leg[0]);
		check_leg(&s->leg[1]);
		require(s->leg[0].receive == s->leg[1].send && s->leg[1].receive == s->leg[0].send);
		require(sdp_oa_local(&r->oa, SDP_LEG_A, i) != NULL || r->oa.state != SDP_OA_STABLE);
	}
	require(active == plan.n_active);
	require(sdp_oa_plan(&r->oa, &r->scratch, &plan) == 0);
	for (unsigned i = 0; i < plan.n_streams; i++)
		require(!plan.stream[i].leg[0].relearn && !plan.stream[i].leg[1].relearn);
}

// ---- Events -------------------------------------------------------------------------------------

static void offer(struct run *r, enum sdp_leg leg, const uint8_t *body, size_t len)
{
	struct sdp_oa_need need;
	struct sdp_str text, again;

	if (sdp_oa_take_offer(&r->oa, &r->scratch, leg, body, len, &need, NULL) != 0)
		return;
	for (unsigned i = 0; i < need.n_streams; i++) {
		for (unsigned l = 0; l < 2; l++) {
			unsigned family = l == leg ? need.stream[i].family : (len % 7 ? 4 : 6);
			struct sdp_local local = local_of((enum sdp_leg)l, i, family);

			if (need.stream[i].wanted[l] && (i != 5 || l == leg))
				require(sdp_oa_set_local(&r->oa, (enum sdp_leg)l, i, &local) == 0);
		}
	}
	if (need.same && len % 2 == 0)
		return; // for r
	if (r->fax)
		sdp_oa_offer_fax(&r->oa, &r->scratch);
	r->fax = false;
	if (sdp_oa_show_offer(&r->oa, &r->scratch, &text) != 0) {
		sdp_oa_reject(&r->oa);
		return;
	}
	check_shown(r, sdp_leg_other(leg), text, body, len, need.n_streams);
	require(sdp_oa_show_offer(&r->oa, &r->scratch, &again) == 0 && again.ptr == text.ptr);
}

static void answer(struct run *r, enum sdp_leg leg, const uint8_t *body, size_t len)
{
	struct sdp_str text, again;
	int rc;

	if (sdp_oa_take_answer(&r->oa, &r->scratch, leg, body, len, NULL) != 0)
		return;
	rc = sdp_oa_show_answer(&r->oa, &r->scratch, &text);
	require(rc == 0 || rc == -EMSGSIZE);
	if (rc != 0)
		return;
	check_shown(r, sdp_leg_other(leg), text, body, len, 0);
	require(sdp_oa_show_answer(&r->oa, &r->scratch, &again) == 0 && again.ptr == text.ptr);
}

static void say_policies(struct run *r)
{
	if (r->policies)
		sdp_oa_policy(&r->oa, &r->policy[0], &r->policy[1], r->can);
}

// What is kept and read back is the same; what is only like it may be read, and then be used.
static void keep(struct run *r, const uint8_t *body, size_t len)
{
	static uint8_t record[300000], again[300000];
	int n = body ? (int)len : sdp_oa_save(&r->oa, record, sizeof(record));
	struct sdp_oa fresh;

	if (n < 0 || sdp_oa_load(&fresh, &r->scratch, body ? body : record, (size_t)n) != 0) {
		require(body != NULL || n == -EINVAL);
		return;
	}
	require(sdp_oa_save(&fresh, again, sizeof(again)) == n);
	require(memcmp(body ? body : record, again, (size_t)n) == 0);
	sdp_oa_fini(&r->oa);
	r->oa = fresh;
	say_policies(r);
	if (!body)
		return;
	// Another call: what was seen of the one before says nothing about it.
	for (unsigned leg = 0; leg < 2; leg++) {
		free(r->shown[leg]);
		r->shown[leg] = NULL;
	}
}

static void policies(struct run *r, const uint8_t *body, size_t len)
{
	static const char some[][16] = {"PCMA", "opus", "telephone-event", "L16/16000"};

	if (len < 3)
		return;
	for (unsigned leg = 0; leg < 2; leg++) {
		const unsigned bits = body[leg];

		r->policy[leg] = (struct sdp_codec_policy){
			.allow = {some, bits & 1 ? 2 : 0},
			.strip = {some + 1, bits & 2 ? 1 : 0},
			.order = {some, bits & 4 ? 3 : 0},
			.add = {some, bits & 8 ? 4 : 0},
			.usual = bits & 16 ? SDP_USUAL_BROWSER : SDP_USUAL_PHONE,
			.transcode = !(bits & 32),
			.events = !(bits & 64),
			.want_events = bits & 128,
			.t38 = body[2] & 1,
			.fax_gateway = body[2] & (leg ? 16 : 8),
			.music = body[2] & 2,
		};
	}
	r->can = body[2] & 4 ? UINT32_MAX : body[2] * 0x1010101u;
	r->policies = true;
	say_policies(r);
}

static void secure(struct run *r, const uint8_t *body, size_t len)
{
	struct sdp_security s = {.fingerprint = "sha-256 AA:BB"};

	if (len < 3 || r->oa.agreed_once || r->oa.state != SDP_OA_STABLE)
		return;
	s.srtp = body[1] % (SDP_SRTP_PASS + 1);
	s.browser = body[2] & 1;
	s.secret[0] = body[0] & 1;
	require(sdp_oa_secure(&r->oa, body[0] & 1 ? SDP_LEG_B : SDP_LEG_A, &s) == 0);
}

static void event(struct run *r, uint8_t what, const uint8_t *body, size_t len)
{
	struct sdp_oa clone;
	struct sdp_str text;

	if (what == 'A' || what == 'B')
		offer(r, what == 'A' ? SDP_LEG_A : SDP_LEG_B, body, len);
	else if (what == 'a' || what == 'b')
		answer(r, what == 'a' ? SDP_LEG_A : SDP_LEG_B, body, len);
	else if (what == '+')
		sdp_oa_accept(&r->oa);
	else if (what == 'S')
		secure(r, body, len);
	else if (what == 'P')
		policies(r, body, len);
	else if (what == '-')
		sdp_oa_reject(&r->oa);
	else if (what == 'f')
		r->fax = true;
	else if (what == 'r')
		sdp_oa_repeat(&r->oa, &text);
	else if (what == 'p')
		take_plan(r);
	else if (what == 'k' || what == 'K')
		keep(r, what == 'K' ? body : NULL, len);
	if (what != 'c')
		return;
	sdp_oa_clone(&clone, &r->oa);
	sdp_oa_follow(&clone, &r->oa, SDP_LEG_A);
	sdp_oa_fini(&r->oa);
	r->oa = clone;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t ids[2] = {123456789, 987654321};
	struct run r = {0};
	size_t at = 0;

	sdp_oa_init(&r.oa, ids);
	sdp_arena_init(&r.scratch, memory, sizeof(memory));
	for (unsigned i = 0; i < PIECES && at < size; i++) {
		const uint8_t *end = memchr(data + at, 0xff, size - at);
		size_t len = (end != NULL ? (size_t)(end - data) : size) - at;

		if (len != 0)
			event(&r, data[at], data + at + 1, len - 1);
		require(r.scratch.used == 0);
		at += len + 1;
	}
	take_plan(&r);
	sdp_oa_fini(&r.oa);
	free(r.shown[0]);
	free(r.shown[1]);
	return 0;
}
