// SPDX-License-Identifier: BSD-3-Clause
// Layout, indices and MKI of SRTP and SRTCP. Each call prepares one job a packet, lets the backend work
// on all of them, and finishes them in order.
//
//   SRTP    header | cipher text | [GCM tag] | [MKI] | [HMAC tag]
//   SRTCP   header | cipher text | [GCM tag] | E and index | [MKI] | [HMAC tag]
#include "dataplane/media/srtp.h"

#include <string.h>

#include "dataplane/media/rtp.h"
#include "dataplane/media/srtp_stream.h"

#define RTCP_HEADER 8u
#define GCM_TAG     16u
#define E_BIT       0x80000000u
#define MAX_AAD     1600u // of SRTCP that is authenticated only

struct work {
	struct srtp_job job;
	uint64_t index;
	struct srtp_stream *stream; // as it was found; NULL: the SSRC is new
	const uint8_t *tag;         // as received, in the packet or in `wanted`
	uint32_t ssrc;
	uint16_t clear;   // bytes of the packet without what SRTP adds
	uint8_t saved[4]; // what stood where the ROC was put
	uint8_t wanted
		[16]; // of counter mode, whose ROC goes where it stands; with room to compare 16 bytes
	bool encrypted;
	uint8_t aad[12];
};

static void write32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

// Bytes up to the payload; 0: the header does not fit into `size`.
static unsigned header_of(const uint8_t *data, unsigned size)
{
	unsigned header = RTP_HEADER + (data[0] & 15u) * 4;

	if (__builtin_expect(data[0] & 0x10, 0)) {
		if (header + 4 > size)
			return 0;
		header += 4 + rtp_read16(data + header + 2) * 4u;
	}
	return header <= size ? header : 0;
}

static const void *keys_of(const struct srtp_context *c, bool rtcp)
{
	return (const uint8_t *)c->keys + (rtcp ? c->key_size : 0);
}

// RFC 3711 section 4.1.1, RFC 7714 sections 8.1 and 9.1: the salt, with SSRC and index laid over it. Two
// words of 8 bytes, as a little-endian host has them.
static void make_iv(
	uint8_t iv[16], const struct srtp_context *c, bool rtcp, uint32_t ssrc, uint64_t index)
{
	uint64_t w[2];

	memcpy(w, c->salt[rtcp], sizeof(w));
	if (c->aead) {
		w[0] ^= (uint64_t)__builtin_bswap32(ssrc) << 16;
		w[0] ^= (uint64_t)__builtin_bswap16((uint16_t)(index >> 32)) << 48;
		w[1] ^= __builtin_bswap32((uint32_t)index);
	} else {
		w[0] ^= (uint64_t)__builtin_bswap32(ssrc) << 32;
		w[1] ^= __builtin_bswap64(index << 16);
	}
	memcpy(iv, w, sizeof(w));
}

// A tag of 4, 10 or 16 bytes.
static void copy_tag(uint8_t *to, const uint8_t *from, unsigned size)
{
	if (size == 10)
		memcpy(to, from, 10);
	else if (size == 16)
		memcpy(to, from, 16);
	else
		memcpy(to, from, 4);
}

// ---- RTP

// `size`: bytes of the packet without tag and MKI, `header` of them clear.
static void rtp_job(struct work *w, const struct srtp_packet *p, unsigned header, unsigned size)
{
	struct srtp_context *c = p->context;
	struct srtp_job *j = &w->job;

	j->keys = keys_of(c, false);
	j->data = p->data;
	j->from = (uint16_t)header;
	j->length = (uint16_t)(size - header);
	w->clear = (uint16_t)size;
	w->encrypted = true;
	make_iv(j->iv, c, false, w->ssrc, w->index);
	if (c->aead) {
		j->aad = p->data;
		j->aad_length = (uint16_t)header;
		return;
	}
	// The ROC is authenticated behind the packet, where MKI or tag will stand or have stood.
	memcpy(w->saved, p->data + size, 4);
	write32(p->data + size, (uint32_t)(w->index >> 16));
	j->auth_length = (uint16_t)(size + 4);
}

static enum srtp_verdict protect_rtp(struct work *w, struct srtp_packet *p)
{
	struct srtp_context *c = p->context;
	unsigned header = header_of(p->data, p->length);
	enum srtp_verdict verdict;
	struct srtp_stream *s;

	if (!header)
		return SRTP_TRUNCATED;
	w->ssrc = rtp_read32(p->data + 8);
	s = srtp_stream_find(c, w->ssrc);
	if (__builtin_expect(!s, 0))
		s = srtp_stream_take(c, w->ssrc);
	if (!s)
		return SRTP_EXHAUSTED;
	if (srtp_is_next(s, rtp_read16(p->data + 2), &w->index)) {
		srtp_use_next(c, s, w->index);
	} else {
		w->index = srtp_guess_index(c, s, w->ssrc, rtp_read16(p->data + 2));
		verdict = srtp_check_index(s, w->index);
		if (verdict != SRTP_OK)
			return verdict;
		srtp_use_index(c, s, w->index);
	}
	rtp_job(w, p, header, p->length);
	return SRTP_OK;
}

static enum srtp_verdict unprotect_rtp(struct work *w, struct srtp_packet *p)
{
	struct srtp_context *c = p->context;
	unsigned trailer = c->tag + c->mki_length, header, size;
	enum srtp_verdict verdict = SRTP_OK;
	struct srtp_stream *s;

	if (p->length < RTP_HEADER + trailer)
		return SRTP_TRUNCATED;
	size = p->length - trailer;
	header = header_of(p->data, size);
	if (!header)
		return SRTP_TRUNCATED;
	w->tag = p->data + size + (c->aead ? 0 : c->mki_length);
	if (__builtin_expect(c->mki_length, 0) &&
		memcmp(p->data + size + (c->aead ? c->tag : 0), c->mki, c->mki_length) != 0)
		return SRTP_AUTH_FAILED;
	w->ssrc = rtp_read32(p->data + 8);
	w->stream = s = srtp_stream_find(c, w->ssrc);
	if (!s || !srtp_is_next(s, rtp_read16(p->data + 2), &w->index)) {
		w->index = srtp_guess_index(c, s, w->ssrc, rtp_read16(p->data + 2));
		verdict = s ? srtp_check_index(s, w->index) : SRTP_OK;
		if (verdict != SRTP_OK)
			return verdict;
	}
	if (!c->aead) {
		copy_tag(w->wanted, w->tag, c->tag);
		w->tag = w->wanted;
	}
	rtp_job(w, p, header, size);
	return SRTP_OK;
}

// ---- RTCP

// `size`: bytes of the packet without anything added; `word`: E and index, in host order.
static void rtcp_job(struct work *w, const struct srtp_packet *p, unsigned size, uint32_t word)
{
	struct srtp_context *c = p->context;
	struct srtp_job *j = &w->job;

	w->encrypted = word & E_BIT;
	w->index = word & ~E_BIT;
	w->clear = (uint16_t)size;
	j->keys = keys_of(c, true);
	j->data = p->data;
	j->from = w->encrypted ? RTCP_HEADER : (uint16_t)size;
	j->length = (uint16_t)(size - j->from);
	make_iv(j->iv, c, true, w->ssrc, w->index);
	if (!c->aead) {
		j->auth_length = (uint16_t)(size + 4);
		return;
	}
	memcpy(w->aad, p->data, RTCP_HEADER);
	write32(w->aad + RTCP_HEADER, word);
	j->aad = w->aad;
	j->aad_length = RTCP_HEADER + 4;
}

static enum srtp_verdict protect_rtcp(struct work *w, struct srtp_packet *p)
{
	struct srtp_context *c = p->context;
	struct srtp_stream *s;
	uint32_t index;

	w->ssrc = rtp_read32(p->data + 4);
	s = srtp_stream_take(c, w->ssrc);
	if (!s)
		return SRTP_EXHAUSTED;
	// 0 is never used, so that 0 in a resume record is "none".
	index = s->rtcp_highest + 1;
	if (index > SRTCP_LAST)
		return SRTP_EXHAUSTED;
	srtcp_use_index(c, s, index);
	write32(p->data + p->length + (c->aead ? GCM_TAG : 0), index | E_BIT);
	rtcp_job(w, p, p->length, index | E_BIT);
	return SRTP_OK;
}

static enum srtp_verdict unprotect_rtcp(struct work *w, struct srtp_packet *p)
{
	struct srtp_context *c = p->context;
	unsigned trailer = 4u + c->mki_length + c->rtcp_tag, size, word_at;
	struct srtp_stream *s;
	uint32_t word;

	if (p->length < RTCP_HEADER + trailer)
		return SRTP_TRUNCATED;
	size = p->length - trailer;
	word_at = size + (c->aead ? GCM_TAG : 0);
	word = rtp_read32(p->data + word_at);
	w->tag = c->aead ? p->data + size : p->data + word_at + 4 + c->mki_length;
	if (memcmp(p->data + word_at + 4, c->mki, c->mki_length) != 0)
		return SRTP_AUTH_FAILED;
	w->ssrc = rtp_read32(p->data + 4);
	w->stream = s = srtp_stream_find(c, w->ssrc);
	if (s && srtcp_check_index(s, word & ~E_BIT) != SRTP_OK)
		return SRTP_REPLAYED;
	if (!c->aead) {
		copy_tag(w->wanted, w->tag, c->rtcp_tag);
		w->tag = w->wanted;
	}
	rtcp_job(w, p, size, word);
	return SRTP_OK;
}

// SRTCP in clear under GCM: everything is associated data, and then there is the index (RFC 7714 9.3).
static enum srtp_verdict gather_aad(struct work *w, const struct srtp_packet *p, uint8_t *space)
{
	if (w->clear + 4u > MAX_AAD)
		return SRTP_TRUNCATED;
	memcpy(space, p->data, w->clear);
	memcpy(space + w->clear, w->aad + RTCP_HEADER, 4);
	w->job.aad = space;
	w->job.aad_length = (uint16_t)(w->clear + 4);
	return SRTP_OK;
}

// ---- protecting

static void place_tail(struct work *w, struct srtp_packet *p)
{
	const struct srtp_context *c = p->context;
	uint8_t *at = p->data + w->clear;

	if (c->aead) {
		memcpy(at, w->job.tag, GCM_TAG);
		at += GCM_TAG;
	}
	if (p->rtcp)
		at += 4; // stands there already
	if (__builtin_expect(c->mki_length, 0)) {
		memcpy(at, c->mki, c->mki_length);
		at += c->mki_length;
	}
	if (!c->aead) {
		unsigned tag = p->rtcp ? c->rtcp_tag : c->tag;

		copy_tag(at, w->job.tag, tag);
		at += tag;
	}
	p->length = (uint16_t)(at - p->data);
}

// Counter mode wants many packets at once for its lanes; GCM works on one, which is best finished while it is in the
// cache. These wait for the end of the burst.
struct batch {
	unsigned count;
	uint8_t from[SRTP_BURST];
	struct srtp_job *job[SRTP_BURST];
};

static void crypt_one(
	struct srtp_engine *engine, struct work *w, const struct srtp_packet *p, bool protect)
{
	struct srtp_job *job = &w->job;

	p->context->backend->crypt(engine, &job, 1, p->context->aead, protect);
}

static void crypt_batch(struct srtp_engine *engine, struct batch *b,
	const struct srtp_packet *packets, bool protect)
{
	if (b->count)
		packets[b->from[0]].context->backend->crypt(engine, b->job, b->count, 0, protect);
}

static void wait_in(struct batch *b, struct work *w, unsigned i)
{
	b->from[b->count] = (uint8_t)i;
	b->job[b->count++] = &w->job;
}

void srtp_burst_protect(struct srtp_engine *engine, struct srtp_packet *packets, unsigned count)
{
	struct work work[SRTP_BURST];
	struct batch later = {.count = 0};

	for (unsigned i = 0; i < count; i++) {
		struct srtp_packet *p = &packets[i];
		struct work *w = &work[i];

		p->context->clock++;
		if (p->length > UINT16_MAX - SRTP_TAIL)
			p->verdict = SRTP_TOO_LONG;
		else if (p->context->suite == ABI_SRTP_NONE)
			p->verdict = SRTP_EXHAUSTED;
		else
			p->verdict = p->rtcp ? protect_rtcp(w, p) : protect_rtp(w, p);
		if (p->verdict != SRTP_OK)
			continue;
		if (!p->context->aead) {
			wait_in(&later, w, i);
			continue;
		}
		crypt_one(engine, w, p, true);
		place_tail(w, p);
	}
	crypt_batch(engine, &later, packets, true);
	for (unsigned k = 0; k < later.count; k++)
		place_tail(&work[later.from[k]], &packets[later.from[k]]);
}

// ---- unprotecting

// In constant time: as two words, masked to the size of the tag.
static bool same(const uint8_t *a, const uint8_t *b, unsigned size)
{
	uint64_t x[2], y[2], differs;
	uint64_t low = size >= 8 ? ~0ull : (1ull << size * 8) - 1;
	uint64_t high = size == 16 ? ~0ull : size > 8 ? (1ull << (size - 8) * 8) - 1 : 0;

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	differs = ((x[0] ^ y[0]) & low) | ((x[1] ^ y[1]) & high);
	return differs == 0;
}

// It is authentic: now its index counts. It may have come twice in this burst, and another SSRC may have taken its
// stream's place.
static enum srtp_verdict accept(struct work *w, struct srtp_packet *p)
{
	struct srtp_context *c = p->context;
	struct srtp_stream *s = w->stream;
	enum srtp_verdict verdict;

	if (__builtin_expect(!s || s->ssrc != w->ssrc, 0))
		s = srtp_stream_take(c, w->ssrc);
	if (!s)
		return SRTP_EXHAUSTED;
	if (!p->rtcp && s->rtp & SRTP_SAW_RTP && w->index - s->highest - 1 < 63) {
		srtp_use_next(c, s, w->index);
		p->length = w->clear;
		return SRTP_OK;
	}
	verdict =
		p->rtcp ? srtcp_check_index(s, (uint32_t)w->index) : srtp_check_index(s, w->index);
	if (verdict != SRTP_OK)
		return verdict;
	if (p->rtcp)
		srtcp_use_index(c, s, (uint32_t)w->index);
	else
		srtp_use_index(c, s, w->index);
	p->length = w->clear;
	return SRTP_OK;
}

static void prepare(struct work *w, struct srtp_packet *p, uint8_t *space, bool *space_taken)
{
	p->context->clock++;
	if (p->context->suite == ABI_SRTP_NONE) {
		p->verdict = SRTP_AUTH_FAILED;
		return;
	}
	p->verdict = p->rtcp ? unprotect_rtcp(w, p) : unprotect_rtp(w, p);
	if (p->verdict != SRTP_OK || !p->rtcp || !p->context->aead || w->encrypted)
		return;
	// One such packet a burst; nobody sends more.
	p->verdict = *space_taken ? SRTP_TRUNCATED : gather_aad(w, p, space);
	*space_taken = true;
}

static void conclude(struct work *w, struct srtp_packet *p)
{
	unsigned tag = p->rtcp ? p->context->rtcp_tag : p->context->tag;

	p->verdict =
		same(w->tag, w->job.tag, tag) ? (uint8_t)accept(w, p) : (uint8_t)SRTP_AUTH_FAILED;
}

static void pass(
	struct srtp_engine *engine, struct srtp_packet *packets, struct work *work, unsigned count)
{
	struct batch later = {.count = 0};
	uint8_t space[MAX_AAD];
	bool space_taken = false;

	for (unsigned i = 0; i < count; i++) {
		prepare(&work[i], &packets[i], space, &space_taken);
		if (packets[i].verdict != SRTP_OK)
			continue;
		if (!packets[i].context->aead) {
			wait_in(&later, &work[i], i);
			continue;
		}
		crypt_one(engine, &work[i], &packets[i], false);
		conclude(&work[i], &packets[i]);
	}
	crypt_batch(engine, &later, packets, false);
	for (unsigned k = 0; k < later.count; k++)
		conclude(&work[later.from[k]], &packets[later.from[k]]);
}

// Makes a packet what it was before it was found to be of another key.
static void undo(struct srtp_engine *engine, struct work *w, const struct srtp_packet *p)
{
	if (!w->encrypted)
		return;
	crypt_one(engine, w, p, true);
	if (!p->context->aead && !p->rtcp)
		memcpy(p->data + w->clear, w->saved, 4);
}

// After a re-key, packets under the key before are on their way still.
static __attribute__((noinline)) void try_previous(
	struct srtp_engine *engine, struct srtp_packet *packets, struct work *work, unsigned count)
{
	struct srtp_packet again[SRTP_BURST];
	uint8_t from[SRTP_BURST];
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		struct srtp_packet *p = &packets[i];

		if (p->verdict != SRTP_AUTH_FAILED || !p->context->previous ||
			p->context->previous->suite == ABI_SRTP_NONE)
			continue;
		// A wrong MKI is found before anything is done to the packet.
		if (work[i].job.data)
			undo(engine, &work[i], p);
		again[n] = *p;
		again[n].context = p->context->previous;
		from[n++] = (uint8_t)i;
	}
	if (!n)
		return;
	pass(engine, again, work, n);
	for (unsigned i = 0; i < n; i++) {
		packets[from[i]].length = again[i].length;
		packets[from[i]].verdict = again[i].verdict;
	}
}

void srtp_burst_unprotect(struct srtp_engine *engine, struct srtp_packet *packets, unsigned count)
{
	struct work work[SRTP_BURST];
	bool failed = false;

	for (unsigned i = 0; i < count; i++)
		work[i].job.data = NULL;
	pass(engine, packets, work, count);
	for (unsigned i = 0; i < count; i++)
		failed |= packets[i].verdict == SRTP_AUTH_FAILED && packets[i].context->previous;
	if (__builtin_expect(failed, 0))
		try_previous(engine, packets, work, count);
}
