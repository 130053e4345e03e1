// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/cdr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controlplane/call/quality.h"
#include "controlplane/call/recording.h"

// Why not jansson: a tree of 30 nodes for each of two lines a call is most of what ending one costs.
struct out {
	char *p;
	size_t size, n;
	bool full;
};

static void put_bytes(struct out *o, const char *p, size_t n)
{
	if (n >= o->size - o->n) {
		o->full = true;
		return;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void put_words(struct out *o, const char *words)
{
	put_bytes(o, words, strlen(words));
}

static void put_number(struct out *o, uint64_t value, unsigned least)
{
	char digits[20];
	unsigned n = sizeof(digits);

	do
		digits[--n] = (char)('0' + value % 10);
	while ((value /= 10) || sizeof(digits) - n < least);
	put_bytes(o, digits + n, sizeof(digits) - n);
}

static void put_hex(struct out *o, uint64_t value, unsigned digits)
{
	while (digits--)
		put_bytes(o, &"0123456789abcdef"[value >> 4 * digits & 15], 1);
}

// With so many places behind the point, 6 at most.
static void put_fixed(struct out *o, double value, unsigned places)
{
	uint64_t scale = 1, all;

	for (unsigned i = 0; i < places; i++)
		scale *= 10;
	if (value < 0)
		put_bytes(o, "-", 1);
	all = (uint64_t)(fabs(value) * (double)scale + 0.5);
	put_number(o, all / scale, 1);
	put_bytes(o, ".", 1);
	put_number(o, all % scale, places);
}

static void put_key(struct out *o, const char *key)
{
	put_bytes(o, ",\"", 2);
	put_words(o, key);
	put_bytes(o, "\":", 2);
}

static size_t utf8_length(const unsigned char *p, size_t n)
{
	size_t more = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;

	// A continuation byte, an overlong pair, past the last plane, or cut off.
	if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || more >= n)
		return 0;
	for (size_t i = 1; i <= more; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	// Overlong, surrogates, past the last code point.
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return more + 1;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

// What a peer wrote: quoted, and bytes that are no UTF-8 shown as U+FFFD.
static void put_string(struct out *o, const char *s, size_t n)
{
	put_bytes(o, "\"", 1);
	for (size_t i = 0; i < n;) {
		const unsigned char *p = (const unsigned char *)s + i;
		size_t length = 0;

		while (i + length < n && is_plain(p[length]))
			length++;
		if (!length)
			length = *p < 0x80 ? 0 : utf8_length(p, n - i);
		if (length)
			put_bytes(o, (const char *)p, length);
		else if (*p == '"' || *p == '\\')
			put_bytes(o, (const char[]){'\\', (char)*p}, 2);
		else if (*p < 0x20 || *p == 0x7f)
			put_words(o, "\\u"), put_hex(o, *p, 4);
		else
			put_words(o, "\\ufffd");
		i += length ? length : 1;
	}
	put_bytes(o, "\"", 1);
}

static void put_count(struct out *o, const char *key, uint64_t value)
{
	put_key(o, key);
	put_number(o, value, 1);
}

static void put_text(struct out *o, const char *key, const char *value)
{
	put_key(o, key);
	put_string(o, value, strlen(value));
}

static void put_time(struct out *o, const char *key, uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	put_key(o, key);
	if (!us || !gmtime_r(&seconds, &tm)) {
		put_words(o, "null");
		return;
	}
	const struct {
		uint64_t value;
		unsigned digits;
		const char *before;
	} parts[] = {
		{(uint64_t)(tm.tm_year + 1900), 4, "\""},
		{(uint64_t)(tm.tm_mon + 1), 2, "-"},
		{(uint64_t)tm.tm_mday, 2, "-"},
		{(uint64_t)tm.tm_hour, 2, "T"},
		{(uint64_t)tm.tm_min, 2, ":"},
		{(uint64_t)tm.tm_sec, 2, ":"},
		{us / 1000 % 1000, 3, "."},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		put_bytes(o, parts[i].before, 1);
		put_number(o, parts[i].value, parts[i].digits);
	}
	put_bytes(o, "Z\"", 2);
}

static void put_span(struct out *o, const char *key, uint64_t from, uint64_t to)
{
	put_key(o, key);
	if (!from || !to)
		put_words(o, "null");
	else
		put_number(o, to > from ? (to - from) / 1000 : 0, 1);
}

static void put_quality(struct out *o, const struct cp_cdr *cdr)
{
	const struct cp_media_total *m = cdr->media;
	const struct cp_quality_input in = {
		.codec = cdr->codec,
		.received = m->packets,
		.lost = m->lost,
		.jitter_us = m->jitter_us,
	};
	struct cp_quality q;

	if (!cp_quality_of(&in, &q)) {
		put_words(o, ",\"r\":null,\"mos\":null}");
		return;
	}
	put_key(o, "r");
	put_fixed(o, q.r, 1);
	put_key(o, "mos");
	put_fixed(o, q.mos, 2);
	put_words(o, "}");
}

static void put_remote(struct out *o, const struct cp_media_total *m)
{
	const bool six = m->remote.family == 6;
	char ip[INET6_ADDRSTRLEN];

	put_key(o, "remote");
	if ((m->remote.family != 4 && !six) ||
		!inet_ntop(six ? AF_INET6 : AF_INET, m->remote.ip, ip, sizeof(ip))) {
		put_words(o, "null");
		return;
	}
	put_words(o, six ? "\"[" : "\"");
	put_words(o, ip);
	put_words(o, six ? "]:" : ":");
	put_number(o, m->remote.port, 1);
	put_bytes(o, "\"", 1);
}

static void put_media(struct out *o, const struct cp_cdr *cdr)
{
	const struct cp_media_total *m = cdr->media;
	static const char *const learned[] = {"no", "yes", "confirmed"};

	if (!m->any) {
		put_words(o, ",\"received\":null,\"sent\":null,\"remote\":null,\"learned\":null");
		return;
	}
	put_words(o, ",\"received\":{\"packets\":");
	put_number(o, m->packets, 1);
	put_count(o, "octets", m->octets);
	put_count(o, "lost", m->lost);
	put_count(o, "duplicate", m->duplicate);
	put_count(o, "out_of_order", m->out_of_order);
	put_count(o, "jitter_ms", m->jitter_us / 1000);
	put_bytes(o, ".", 1);
	put_number(o, m->jitter_us % 1000, 3);
	put_count(o, "strangers", m->strangers);
	put_count(o, "dropped", m->dropped);
	put_quality(o, cdr);
	put_words(o, ",\"sent\":{\"packets\":");
	put_number(o, m->sent_packets, 1);
	put_count(o, "octets", m->sent_octets);
	put_words(o, "}");
	put_remote(o, m);
	put_text(o, "learned", learned[m->learned < 3 ? m->learned : 0]);
}

void cp_media_total_add(struct cp_media_total *total, const struct abi_leg_stats *stats)
{
	total->any = true;
	total->packets += stats->packets;
	total->octets += stats->octets;
	total->sent_packets += stats->sent_packets;
	total->sent_octets += stats->sent_octets;
	total->lost += stats->lost;
	total->duplicate += stats->duplicate;
	total->out_of_order += stats->out_of_order;
	total->dropped += stats->dropped;
	total->strangers += stats->strangers;
	if (stats->packets)
		total->jitter_us = stats->jitter_us;
	if (stats->remote_family) {
		total->remote.family = stats->remote_family;
		total->remote.port = stats->remote_port;
		memcpy(total->remote.ip, stats->remote_ip, sizeof(total->remote.ip));
		total->learned = stats->learned;
	}
}

void cp_cdr_id(uint64_t call, unsigned leg, unsigned attempt, char out[CP_CDR_ID])
{
	if (leg)
		snprintf(out, CP_CDR_ID, "%016" PRIx64 "-b%u", call, attempt);
	else
		snprintf(out, CP_CDR_ID, "%016" PRIx64 "-a", call);
}

// Reason: Q.850;cause=16;text="...", SIP;cause=200 (RFC 3326)
int cp_cdr_q850(const char *reason)
{
	const char *p = strcasestr(reason, "Q.850"), *cause = p ? strcasestr(p, "cause=") : NULL;
	const char *comma = p ? strchr(p, ',') : NULL;
	int q850 = cause && (!comma || cause < comma) ? atoi(cause + 6) : 0;

	return q850 > 0 && q850 < 128 ? q850 : 0;
}

static void put_if(struct out *o, const char *key, const char *value)
{
	if (value && *value)
		put_text(o, key, value);
	else
		put_key(o, key), put_words(o, "null");
}

static uint32_t tag_of(struct sip_slice tag)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < tag.n; i++)
		h = (h ^ (uint8_t)tag.p[i]) * 16777619u; // FNV-1a
	return h;
}

static void put_head(struct out *o, const struct cp_cdr *cdr)
{
	static const char *const kinds[] = {"final", "interim", "open"};
	char id[CP_CDR_ID];

	cp_cdr_id(cdr->call, cdr->leg, cdr->attempt, id);
	put_words(o, "{\"call\":\"");
	put_hex(o, cdr->call, 16);
	put_words(o, cdr->leg ? "\",\"leg\":\"b\"" : "\",\"leg\":\"a\"");
	if (cdr->leg)
		put_count(o, "attempt", cdr->attempt);
	// A fork that lost is no leg to bill: its record has a kind and an id of its own.
	put_text(o, "record", cdr->fork.n ? "fork" : kinds[cdr->record]);
	put_words(o, ",\"id\":\"");
	put_words(o, id);
	if (cdr->fork.n)
		put_words(o, "-"), put_hex(o, tag_of(cdr->fork), 8);
	put_bytes(o, "\"", 1);
}

static void put_cause(struct out *o, const struct cp_cdr *cdr)
{
	const char *reason = cdr->reason ? cdr->reason : "";
	size_t n = strcspn(reason, "\r\n");
	int q850 = cp_cdr_q850(reason);

	if (cdr->record != CP_CDR_FINAL) {
		put_words(o, ",\"ended_by\":null,\"status\":null,\"cause\":null,\"q850\":null,"
			     "\"reason\":null");
		return;
	}
	if (!q850)
		q850 = cdr->cause->status == 200 ? 16 : cp_cause_q850(cdr->cause->status);
	put_text(o, "ended_by", cp_cause_by(cdr->cause->by));
	put_count(o, "status", cdr->cause->status);
	put_text(o, "cause", cdr->cause->phrase);
	if (q850)
		put_count(o, "q850", (unsigned)q850);
	else
		put_words(o, ",\"q850\":null");
	put_key(o, "reason");
	if (n > 8)
		put_string(o, reason + 8, n - 8); // "Reason: "
	else
		put_words(o, "null");
}

static void put_times(struct out *o, const struct cp_cdr *cdr)
{
	uint64_t until = cdr->record == CP_CDR_INTERIM ? cdr->now_us : cdr->end_us;

	put_time(o, "start", cdr->start_us);
	put_time(o, "ring", cdr->ring_us);
	put_time(o, "answer", cdr->answer_us);
	put_time(o, "end", cdr->end_us);
	put_span(o, "pdd_ms", cdr->start_us, cdr->ring_us ? cdr->ring_us : cdr->answer_us);
	put_span(o, "setup_ms", cdr->start_us, cdr->answer_us);
	put_span(o, "duration_ms", cdr->answer_us, cdr->answer_us ? until : 0);
	put_key(o, "cost");
	if (cdr->cost < 0) {
		put_words(o, "null");
		return;
	}
	put_number(o, (uint64_t)cdr->cost / 1000000, 1);
	put_bytes(o, ".", 1);
	put_number(o, (uint64_t)cdr->cost % 1000000, 6);
}

static void put_moved(struct out *o, const char *key, uint64_t call)
{
	if (!call)
		return;
	put_key(o, key);
	put_bytes(o, "\"", 1);
	put_hex(o, call, 16);
	put_bytes(o, "\"", 1);
}

static void put_recordings(struct out *o, const struct cp_recordings *r)
{
	put_key(o, "recordings");
	for (unsigned i = 0; i < r->count; i++) {
		put_words(o, i ? "," : "[");
		put_string(o, r->file[i], strlen(r->file[i]));
	}
	put_words(o, "]");
}

int cp_cdr_write(const struct cp_cdr *cdr, char *line, size_t size)
{
	struct out o = {line, size, 0, false};

	put_head(&o, cdr);
	put_text(&o, "peer", cdr->peer);
	put_if(&o, "caller_peer", cdr->caller_peer);
	put_if(&o, "callee_peer", cdr->callee_peer);
	put_if(&o, "route", cdr->route);
	put_text(&o, "from", cdr->from);
	put_text(&o, "to", cdr->to);
	put_if(&o, "from_sent", cdr->from_sent);
	put_if(&o, "to_sent", cdr->to_sent);
	put_key(&o, "call_id");
	put_string(&o, cdr->call_id.p, cdr->call_id.n < 256 ? cdr->call_id.n : 255);
	if (cdr->fork.n) {
		put_key(&o, "fork");
		put_string(&o, cdr->fork.p, cdr->fork.n < 256 ? cdr->fork.n : 255);
	}
	put_times(&o, cdr);
	put_cause(&o, cdr);
	put_if(&o, "codec", cdr->codec);
	if (cdr->codec_why && cdr->codec_why[0]) {
		put_key(&o, "transcoded");
		put_words(&o, cdr->transcoded ? "true" : "false");
		put_text(&o, "codec_why", cdr->codec_why);
	}
	if (cdr->fax)
		put_text(&o, "fax", cdr->fax);
	if (cdr->fax_pages)
		put_count(&o, "fax_pages", cdr->fax_pages);
	if (cdr->recordings && cdr->recordings->count)
		put_recordings(&o, cdr->recordings);
	if (cdr->srtp && cdr->srtp[0]) {
		put_text(&o, "srtp", cdr->srtp);
		put_text(&o, "keying", cdr->keying);
	}
	put_media(&o, cdr);
	put_moved(&o, "transferred_from", cdr->moved_from);
	put_moved(&o, "transferred_to", cdr->moved_to);
	put_words(&o, "}\n");
	return o.full ? -ENOBUFS : (int)o.n;
}
