// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/media/latch.h"

// May the policy accept this source at all?
static bool allowed(const struct latch *l, const struct latch_addr *source)
{
	switch (l->policy) {
	case LATCH_BY_ICE:
		return false;
	case ABI_SOURCE_ANY:
		return true;
	case ABI_SOURCE_ADDRESS:
		return latch_same_ip(&l->signalled, source);
	default:
		return latch_same(&l->signalled, source);
	}
}

void latch_init(struct latch *l, const struct latch_addr *signalled, uint8_t policy)
{
	*l = (struct latch){.signalled = *signalled, .policy = policy};
	if (policy == ABI_SOURCE_EXACT && signalled->port) {
		l->learned = *signalled;
		l->state = LATCH_CONFIRMED;
	}
}

void latch_resignal(struct latch *l, const struct latch_addr *signalled, uint8_t policy)
{
	struct latch before = *l;

	latch_init(l, signalled, policy);
	if (before.state == LATCH_OPEN || l->state == LATCH_CONFIRMED)
		return;
	if (!allowed(l, &before.learned) && (policy != LATCH_BY_ICE || before.policy != policy))
		return;
	l->learned = before.learned;
	l->ssrc = before.ssrc;
	l->seq = before.seq;
	l->state = before.state;
}

void latch_reopen(struct latch *l, uint32_t ssrc, uint16_t seq)
{
	if (l->state == LATCH_OPEN || l->policy == ABI_SOURCE_EXACT || l->policy == LATCH_BY_ICE)
		return;
	l->state = LATCH_LEARNED;
	l->ssrc = ssrc;
	l->seq = seq;
}

void latch_resume(struct latch *l, const struct latch_addr *learned)
{
	if (!learned->port || (!allowed(l, learned) && l->policy != LATCH_BY_ICE))
		return;
	l->learned = *learned;
	l->state = LATCH_CONFIRMED;
}

static enum latch_verdict settle(struct latch *l, const struct latch_addr *source)
{
	bool moved = l->state == LATCH_OPEN || !latch_same(&l->learned, source);

	l->learned = *source;
	l->state = LATCH_CONFIRMED;
	return moved ? LATCH_MOVED_SETTLED : LATCH_SETTLED;
}

bool latch_nominate(struct latch *l, const struct latch_addr *source)
{
	enum latch_verdict verdict = settle(l, source);

	return verdict == LATCH_MOVED_SETTLED;
}

enum latch_verdict latch_rtp(
	struct latch *l, const struct latch_addr *source, uint32_t ssrc, uint16_t seq)
{
	uint16_t ahead = (uint16_t)(seq - l->seq);

	if (l->state == LATCH_CONFIRMED)
		return latch_same(&l->learned, source) ? LATCH_ACCEPT : LATCH_STRANGER;
	if (!source->port || !allowed(l, source))
		return LATCH_STRANGER;
	if (latch_same(&l->signalled, source))
		return settle(l, source);
	if (l->state == LATCH_LEARNED && latch_same(&l->learned, source)) {
		if (ssrc == l->ssrc && ahead != 0 && ahead <= LATCH_WINDOW)
			return settle(l, source);
		l->ssrc = ssrc;
		l->seq = seq;
		return LATCH_ACCEPT;
	}
	l->learned = *source;
	l->ssrc = ssrc;
	l->seq = seq;
	l->state = LATCH_LEARNED;
	return LATCH_MOVED;
}

enum latch_verdict latch_rtcp(
	struct latch *l, const struct latch *rtp, const struct latch_addr *source)
{
	if (l->state == LATCH_CONFIRMED)
		return latch_same(&l->learned, source) ? LATCH_ACCEPT : LATCH_STRANGER;
	if (!source->port || !allowed(l, source))
		return LATCH_STRANGER;
	if (rtp->state == LATCH_CONFIRMED && !latch_same_ip(&rtp->learned, source))
		return LATCH_STRANGER;
	// RTCP is rare, and its address follows RTP's: what comes from there needs no second one.
	if (rtp->state == LATCH_CONFIRMED || latch_same(&l->signalled, source))
		return settle(l, source);
	if (l->state == LATCH_LEARNED && latch_same(&l->learned, source))
		return LATCH_ACCEPT;
	l->learned = *source;
	l->state = LATCH_LEARNED;
	return LATCH_MOVED;
}

bool latch_muxed_rtcp(const struct latch *l, const struct latch_addr *source)
{
	if (l->state != LATCH_OPEN)
		return latch_same(&l->learned, source);
	return latch_same(&l->signalled, source);
}

struct latch_addr latch_remote(const struct latch *l)
{
	if (l->state != LATCH_OPEN)
		return l->learned;
	if (l->signalled.port)
		return l->signalled;
	return (struct latch_addr){0};
}

struct latch_addr latch_remote_rtcp(const struct latch *l, const struct latch *rtp)
{
	struct latch_addr remote = latch_remote(l);

	if (l->state == LATCH_OPEN && remote.port && rtp->state != LATCH_OPEN)
		memcpy(remote.ip, rtp->learned.ip, sizeof(remote.ip));
	return remote;
}

struct latch_addr latch_from_abi(const struct abi_addr *addr)
{
	struct latch_addr a = {.family = addr->family, .port = __builtin_bswap16(addr->port)};

	memcpy(a.ip, addr->ip, addr->family == 4 ? 4 : 16);
	return a;
}

struct abi_addr latch_to_abi(const struct latch_addr *addr)
{
	struct abi_addr a = {.family = addr->family, .port = __builtin_bswap16(addr->port)};

	memcpy(a.ip, addr->ip, sizeof(a.ip));
	return a;
}
