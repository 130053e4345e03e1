// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of datagrams on a leg's RTP port: the parser keeps its promises, and statistics and latch
// stay within theirs. Input: datagrams, each with two bytes of length before it.
#include <stdlib.h>
#include <string.h>

#include "dataplane/media/demux.h"
#include "dataplane/media/latch.h"
#include "dataplane/media/rtp.h"
#include "dataplane/media/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct leg {
	struct rtp_stats stats;
	struct rtp_stats_rare rare;
	struct latch latch;
	uint64_t packets;
	uint64_t now;
};

static void promise(bool holds)
{
	if (!holds)
		abort();
}

static void receive(struct leg *leg, const uint8_t *data, size_t size)
{
	struct latch_addr source = {.family = 4, .port = 1};
	struct rtp_view view;
	enum rtp_verdict verdict = rtp_parse(&view, data, size);

	promise(rtp_check(data, size) == verdict);
	if (verdict != RTP_GOOD)
		return;
	promise((size_t)view.header + view.payload + view.padding == size);
	promise(view.header >= RTP_HEADER && view.type < 128);
	promise(media_demux(data[0], data[1]) == MEDIA_RTP ||
		media_demux(data[0], data[1]) == MEDIA_RTCP);
	// Some of the senders are strangers.
	source.ip[0] = (uint8_t)(view.timestamp & 1);
	if (leg->latch.state == LATCH_CONFIRMED) {
		struct latch_addr before = leg->latch.learned;
		enum latch_verdict v = latch_rtp(&leg->latch, &source, view.ssrc, view.seq);

		promise(latch_same(&before, &leg->latch.learned));
		promise((v == LATCH_ACCEPT) == latch_same(&before, &source));
		if (v == LATCH_STRANGER)
			return;
	} else {
		promise(latch_rtp(&leg->latch, &source, view.ssrc, view.seq) != LATCH_STRANGER);
	}
	leg->now += view.timestamp % 50000;
	rtp_stats_update(&leg->stats, &leg->rare, view.type, view.seq, view.timestamp, view.ssrc,
		(uint32_t)size, leg->now);
	leg->packets++;
}

static void check(const struct leg *leg)
{
	const struct rtp_stats *s = &leg->stats;

	promise(s->packets == leg->packets);
	promise((uint64_t)s->duplicate + s->out_of_order <= s->packets);
	promise(leg->rare.ssrc_changes <= s->packets);
	(void)rtp_stats_lost(s, &leg->rare);
	(void)rtp_stats_jitter_us(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct latch_addr signalled = {.family = 4, .port = 2};
	struct leg leg = {0};

	rtp_stats_init(&leg.stats, &leg.rare, 8000);
	latch_init(&leg.latch, &signalled, ABI_SOURCE_ANY);
	while (size >= 2) {
		size_t length = (size_t)data[0] << 8 | data[1];
		uint8_t *exact;

		data += 2;
		size -= 2;
		if (length > size)
			length = size;
		exact = malloc(length ? length : 1); // the sanitizer sees a read past it
		if (!exact)
			return 0;
		memcpy(exact, data, length);
		receive(&leg, exact, length);
		free(exact);
		check(&leg);
		data += length;
		size -= length;
	}
	return 0;
}
