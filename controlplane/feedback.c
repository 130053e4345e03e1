// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/feedback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/message.h"

#define MESSAGE    65536u
#define NEIGHBOURS 64u
#define VALID_MS   1000u  // what we say; the windows are half as long
#define DEFAULT_MS 500u   // RFC 7339 4.3
#define LONGEST_MS 60000u // of a neighbour's; it may say it again
#define LEAST      10u    // new requests in a window that say anything
#define GIVE_WAY   5u     // per cent, in a window in which nothing was shed
#define MOST       95u    // some calls always come through, so that the end of it is seen

struct neighbour {
	struct sip_addr addr;
	uint64_t until_us;
	uint64_t sequence;
	uint8_t loss;
};

struct cp_feedback {
	uint64_t admitted, shed; // as of the last window
	uint64_t changed_us;     // our oc-seq
	unsigned loss;
	unsigned oldest; // neighbour to give up next
	struct neighbour neighbour[NEIGHBOURS];
	char out[MESSAGE + 256];
};

struct cp_feedback *cp_feedback_new(uint64_t now_us)
{
	struct cp_feedback *f = calloc(1, sizeof(*f));

	if (f)
		f->changed_us = now_us;
	return f;
}

void cp_feedback_free(struct cp_feedback *f)
{
	free(f);
}

// ---- our own load

void cp_feedback_window(struct cp_feedback *f, uint64_t now_us, uint64_t admitted, uint64_t shed)
{
	bool anew = admitted < f->admitted || shed < f->shed; // they count from 0 again
	uint64_t taken = admitted - (anew ? 0 : f->admitted);
	uint64_t refused = shed - (anew ? 0 : f->shed);
	unsigned loss = f->loss;

	f->admitted = admitted;
	f->shed = shed;
	// Of what would have come without our asking, so many should not come.
	if (refused && taken + refused >= LEAST)
		loss = 100 - (unsigned)((100 - loss) * taken / (taken + refused));
	else if (!refused)
		loss = loss > GIVE_WAY ? loss - GIVE_WAY : 0;
	loss = loss > MOST ? MOST : loss;
	if (loss == f->loss)
		return;
	f->loss = loss;
	f->changed_us = now_us > f->changed_us + 10 ? now_us : f->changed_us + 10;
}

unsigned cp_feedback_loss(const struct cp_feedback *f)
{
	return f->loss;
}

// ---- the top Via

// The value of the first Via in a message; NULL when there is none. Folded ones are left alone.
static struct sip_slice top_via(const uint8_t *bytes, size_t n)
{
	const char *p = (const char *)bytes, *end = p + n;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		const char *line = ++p, *stop = memchr(line, '\n', (size_t)(end - line)), *value;
		size_t name;

		if (!stop || stop == line || *line == '\r')
			break;
		name = end - line > 3 && strncasecmp(line, "via", 3) == 0 ? 3
		       : end - line > 1 && (*line == 'v' || *line == 'V') ? 1
									  : 0;
		value = line + name;
		while (name && value < stop && *value == ' ')
			value++;
		if (!name || *value != ':')
			continue;
		if (stop + 1 < end && (stop[1] == ' ' || stop[1] == '\t'))
			break;
		value++;
		while (value < stop && *value == ' ')
			value++;
		return sip_slice(
			value, (size_t)(stop - value) - (stop[-1] == '\r' && stop > value));
	}
	return sip_slice(NULL, 0);
}

// Of several on one line the first; commas in quotes are none.
static struct sip_slice first_of(struct sip_slice value)
{
	bool quoted = false;

	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"')
			quoted = !quoted;
		else if (value.p[i] == ',' && !quoted)
			value.n = i;
	}
	while (value.n && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
		value.n--;
	return value;
}

struct oc {
	bool offered;  // oc without a value
	bool has_loss; // oc=N
	bool other;    // oc-algo names none that we know
	uint32_t loss, validity_ms;
	uint64_t sequence;
};

// "1282321615.782": 12 and 5 digits at most.
static uint64_t read_sequence(struct sip_slice s)
{
	uint64_t whole = 0, part = 0;
	unsigned digits = 0;
	size_t i = 0;

	for (; i < s.n && i < 12 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		whole = whole * 10 + (uint64_t)(s.p[i] - '0');
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && digits < 5 && s.p[i] >= '0' && s.p[i] <= '9'; i++, digits++)
			part = part * 10 + (uint64_t)(s.p[i] - '0');
	for (; digits < 5; digits++)
		part *= 10;
	return whole * 100000 + part;
}

static bool names_loss(struct sip_slice algorithms)
{
	return algorithms.n >= 4 && memmem(algorithms.p, algorithms.n, "loss", 4);
}

static struct oc read_oc(struct sip_slice params)
{
	struct oc oc = {.validity_ms = DEFAULT_MS};
	struct sip_slice name, value;

	while (sip_param_next(&params, &name, &value) == 1) {
		if (sip_slice_iis(name, "oc")) {
			oc.offered = value.n == 0;
			oc.has_loss = value.n && sip_slice_u32(value, 100, &oc.loss) == 0;
		} else if (sip_slice_iis(name, "oc-algo")) {
			oc.other = !names_loss(value);
		} else if (sip_slice_iis(name, "oc-validity")) {
			if (sip_slice_u32(value, UINT32_MAX, &oc.validity_ms))
				oc.validity_ms = DEFAULT_MS;
		} else if (sip_slice_iis(name, "oc-seq")) {
			oc.sequence = read_sequence(value);
		}
	}
	return oc;
}

static bool starts(const uint8_t *bytes, size_t n, const char *word)
{
	return n > strlen(word) && memcmp(bytes, word, strlen(word)) == 0;
}

// ---- on the way out

static struct sip_slice splice(struct cp_feedback *f, const uint8_t *bytes, size_t n, size_t from,
	size_t to, const char *text, size_t size)
{
	memcpy(f->out, bytes, from);
	memcpy(f->out + from, text, size);
	memcpy(f->out + from + size, bytes + to, n - to);
	return sip_slice(f->out, from + size + n - to);
}

// The answer to an offer stands in the place of the offer; an oc-algo of the sender's list goes.
static struct sip_slice answer(struct cp_feedback *f, const uint8_t *bytes, size_t n,
	struct sip_slice value, struct sip_slice params)
{
	char text[8192];
	size_t size = (size_t)(params.p - value.p);
	struct sip_slice name, v;
	int k;

	if (value.n > sizeof(text) - 128)
		return sip_slice((const char *)bytes, n);
	memcpy(text, value.p, size);
	while (sip_param_next(&params, &name, &v) == 1) {
		if (name.n >= 2 && strncasecmp(name.p, "oc", 2) == 0 &&
			(name.n == 2 || name.p[2] == '-'))
			continue;
		text[size++] = ';';
		memcpy(text + size, name.p, name.n);
		size += name.n;
		if (!v.n)
			continue;
		text[size++] = '=';
		memcpy(text + size, v.p, v.n);
		size += v.n;
	}
	// Nothing to ask for: a validity of 0 says that it is understood all the same.
	k = snprintf(text + size, sizeof(text) - size,
		";oc=%u;oc-algo=\"loss\";oc-validity=%u;oc-seq=%llu.%05llu", f->loss,
		f->loss ? VALID_MS : 0, (unsigned long long)(f->changed_us / 1000000),
		(unsigned long long)(f->changed_us % 1000000 / 10));
	return splice(f, bytes, n, (size_t)(value.p - (const char *)bytes),
		(size_t)(value.p - (const char *)bytes) + value.n, text, size + (size_t)k);
}

struct sip_slice cp_feedback_send(struct cp_feedback *f, const uint8_t *bytes, size_t n)
{
	static const char offer[] = CP_FEEDBACK_OFFER;
	struct sip_slice whole = sip_slice((const char *)bytes, n), value;
	struct sip_via via;
	struct oc oc;

	if (n > MESSAGE)
		return whole;
	value = first_of(top_via(bytes, n));
	if (!value.n)
		return whole;
	// A request's is one that we wrote.
	if (!starts(bytes, n, "SIP/2.0 ")) {
		size_t at = (size_t)(value.p - (const char *)bytes) + value.n;

		return splice(f, bytes, n, at, at, offer, sizeof(offer) - 1);
	}
	if (!memmem(value.p, value.n, ";oc", 3) || sip_via_parse(value, &via))
		return whole;
	oc = read_oc(via.params);
	return oc.offered && !oc.other ? answer(f, bytes, n, value, via.params) : whole;
}

// ---- what neighbours ask for

static struct neighbour *find(const struct cp_feedback *f, const struct sip_addr *addr)
{
	for (unsigned i = 0; i < NEIGHBOURS; i++)
		if (sip_addr_equal(&f->neighbour[i].addr, addr))
			return (struct neighbour *)&f->neighbour[i];
	return NULL;
}

void cp_feedback_receive(struct cp_feedback *f, uint64_t now_us, const struct sip_flow *source,
	const uint8_t *bytes, size_t n)
{
	struct neighbour *b;
	struct sip_slice value;
	struct sip_via via;
	struct oc oc;

	if (!starts(bytes, n, "SIP/2.0 "))
		return;
	value = first_of(top_via(bytes, n));
	if (!value.n || !memmem(value.p, value.n, ";oc", 3) || sip_via_parse(value, &via))
		return;
	oc = read_oc(via.params);
	if (!oc.has_loss || oc.other)
		return;
	b = find(f, &source->remote);
	if (b && oc.sequence < b->sequence)
		return; // an older one that was overtaken
	if (!b && (!oc.loss || !oc.validity_ms))
		return;
	if (!b) {
		b = &f->neighbour[f->oldest++ % NEIGHBOURS];
		b->addr = source->remote;
	}
	b->sequence = oc.sequence;
	b->loss = (uint8_t)oc.loss;
	b->until_us =
		now_us + 1000ull * (oc.validity_ms < LONGEST_MS ? oc.validity_ms : LONGEST_MS);
}

bool cp_feedback_admits(
	const struct cp_feedback *f, uint64_t now_us, const struct sip_flow *to, uint32_t lot)
{
	const struct neighbour *b = find(f, &to->remote);

	return !b || now_us >= b->until_us || lot % 100 >= b->loss;
}
