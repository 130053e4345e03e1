// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/codecs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMATS 64u
#define NOWHERE 1000u

struct format {
	uint8_t type;
	char name[24];
	unsigned rank; // place in the list of the peer; NOWHERE: not to be offered
	bool codec;    // carries speech by itself: not events, not comfort noise
};

struct section { // one m-line and what follows it
	struct sip_slice text;
	struct sip_slice head; // "m=audio 4000 RTP/AVP"
	struct sip_slice port; // in it
	struct format format[FORMATS];
	unsigned count;
	bool audio, changed;
};

// ---- reading ----------------------------------------------------------------------------------------

static struct sip_slice take_line(struct sip_slice *rest)
{
	const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	struct sip_slice line = *rest;

	if (end)
		line.n = (size_t)(end - rest->p) + 1;
	*rest = sip_slice_from(*rest, line.n);
	return line;
}

static struct sip_slice take_word(struct sip_slice *rest)
{
	struct sip_slice word;
	size_t n = 0;

	while (rest->n && *rest->p == ' ')
		*rest = sip_slice_from(*rest, 1);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\r' && rest->p[n] != '\n')
		n++;
	word = sip_slice(rest->p, n);
	*rest = sip_slice_from(*rest, n);
	return word;
}

static const char *static_name(unsigned type)
{
	switch (type) {
	case 0:
		return "PCMU";
	case 3:
		return "GSM";
	case 4:
		return "G723";
	case 8:
		return "PCMA";
	case 9:
		return "G722";
	case 13:
		return "CN";
	case 15:
		return "G728";
	case 18:
		return "G729";
	default:
		return "";
	}
}

static bool begins(struct sip_slice line, const char *with)
{
	size_t n = strlen(with);

	return line.n >= n && memcmp(line.p, with, n) == 0;
}

static struct format *find(struct section *s, unsigned type)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->format[i].type == type)
			return &s->format[i];
	return NULL;
}

// The payload type that "a=rtpmap:96 ..." is about; -1: it is about none.
static int type_of(struct sip_slice line)
{
	static const char *const attributes[] = {"a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		size_t n = strlen(attributes[i]);
		unsigned type = 0, digits = 0;

		if (!begins(line, attributes[i]))
			continue;
		while (n < line.n && line.p[n] >= '0' && line.p[n] <= '9' && digits++ < 3)
			type = type * 10 + (unsigned)(line.p[n++] - '0');
		return digits && type < 128 ? (int)type : -1;
	}
	return -1;
}

static void read_names(struct section *s)
{
	struct sip_slice rest = s->text;

	while (rest.n) {
		struct sip_slice line = take_line(&rest), name;
		struct format *f;
		int type = begins(line, "a=rtpmap:") ? type_of(line) : -1;

		f = type >= 0 ? find(s, (unsigned)type) : NULL;
		if (!f)
			continue;
		take_word(&line);
		name = take_word(&line);
		for (size_t i = 0; i < name.n; i++)
			if (name.p[i] == '/')
				name.n = i;
		snprintf(f->name, sizeof(f->name), "%.*s", SIP_PRI(name));
	}
}

static void read_section(struct sip_slice text, struct section *s)
{
	struct sip_slice rest = text, line = take_line(&rest), word = line;

	memset(s, 0, sizeof(*s));
	s->text = text;
	s->audio = begins(line, "m=audio ");
	if (!s->audio)
		return;
	take_word(&word);
	s->port = take_word(&word);
	take_word(&word);
	s->head = sip_slice(line.p, (size_t)(word.p - line.p));
	for (struct sip_slice w = take_word(&word); w.n && s->count < FORMATS;
		w = take_word(&word)) {
		struct format *f = &s->format[s->count];
		uint32_t type;

		if (sip_slice_u32(w, 127, &type))
			continue;
		f->type = (uint8_t)type;
		snprintf(f->name, sizeof(f->name), "%s", static_name(type));
		s->count++;
	}
	read_names(s);
}

// ---- judging ----------------------------------------------------------------------------------------

static unsigned place(const struct cfg_trunk *t, const char *name)
{
	for (unsigned i = 0; i < t->codec_count; i++)
		if (strcasecmp(t->codecs[i], name) == 0)
			return i;
	return t->codec_count ? NOWHERE : 0;
}

static unsigned rank(
	const struct cfg_trunk *from, const struct cfg_trunk *to, const struct format *f)
{
	unsigned a = place(from, f->name), b = place(to, f->name);

	if (strcasecmp(f->name, "telephone-event") == 0)
		return from->dtmf == CFG_DTMF_INBAND || to->dtmf == CFG_DTMF_INBAND ? NOWHERE
										    : NOWHERE - 1;
	if (!f->codec)
		return NOWHERE - 1;
	if (a == NOWHERE || b == NOWHERE)
		return NOWHERE;
	return to->codec_count ? b : a;
}

// False when nothing that speaks is left.
static bool judge(const struct cfg_trunk *from, const struct cfg_trunk *to, struct section *s)
{
	bool speaks = false;
	unsigned kept = 0;

	for (unsigned i = 0; i < s->count; i++) {
		struct format *f = &s->format[i];

		f->codec = strcasecmp(f->name, "CN") != 0 &&
			   strcasecmp(f->name, "telephone-event") != 0 &&
			   strcasecmp(f->name, "red") != 0;
		f->rank = rank(from, to, f);
		speaks |= f->codec && f->rank != NOWHERE;
	}
	if (!speaks)
		return false;
	for (unsigned i = 1; i < s->count; i++) // stable
		for (unsigned k = i; k && s->format[k].rank < s->format[k - 1].rank; k--) {
			struct format swap = s->format[k];

			s->format[k] = s->format[k - 1];
			s->format[k - 1] = swap;
			s->changed = true;
		}
	while (kept < s->count && s->format[kept].rank != NOWHERE)
		kept++;
	s->changed |= kept != s->count;
	s->count = kept;
	return true;
}

// ---- writing ----------------------------------------------------------------------------------------

struct text {
	char *p;
	size_t size, n;
	bool full;
};

static void put(struct text *t, struct sip_slice s)
{
	if (s.n > t->size - t->n) {
		t->full = true;
		return;
	}
	if (s.n)
		memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
}

static void put_section(struct text *t, struct section *s)
{
	struct sip_slice rest = s->text;
	char number[8];

	take_line(&rest);
	put(t, s->head);
	for (unsigned i = 0; i < s->count; i++) {
		snprintf(number, sizeof(number), " %u", s->format[i].type);
		put(t, sip_str(number));
	}
	put(t, sip_str("\r\n"));
	while (rest.n) {
		struct sip_slice line = take_line(&rest);
		int type = type_of(line);

		if (type < 0 || find(s, (unsigned)type))
			put(t, line);
	}
}

// Port 0: refused, its formats as they were.
static void put_refused(struct text *t, const struct section *s)
{
	struct sip_slice text = s->text;

	put(t, sip_slice(text.p, (size_t)(s->port.p - text.p)));
	put(t, sip_str("0"));
	put(t, sip_slice_from(text, (size_t)(s->port.p + s->port.n - text.p)));
}

static struct sip_slice next_section(struct sip_slice *rest)
{
	struct sip_slice all = *rest, section = all;

	take_line(rest);
	while (rest->n && !begins(*rest, "m="))
		take_line(rest);
	section.n = (size_t)(rest->p - all.p);
	return section;
}

int cp_codecs_filter(const struct cp_peer *from, const struct cp_peer *to, struct sip_slice offer,
	char *out, size_t size)
{
	const struct cfg_trunk *a = &from->cfg->trunk, *b = &to->cfg->trunk;
	struct text t = {out, size, 0, false};
	bool changed = false, refused = false, left = false;

	if (!a->codec_count && !b->codec_count && !a->dtmf && !b->dtmf)
		return 0;
	while (offer.n) {
		struct section s;

		read_section(next_section(&offer), &s);
		if (!s.audio || sip_slice_is(s.port, "0")) {
			left |= begins(s.text, "m=") && !s.audio;
			put(&t, s.text);
		} else if (judge(a, b, &s)) {
			left = true;
			if (s.changed)
				put_section(&t, &s);
			else
				put(&t, s.text);
			changed |= s.changed;
		} else {
			refused = true;
			put_refused(&t, &s);
		}
	}
	if (refused && !left)
		return -EPROTONOSUPPORT;
	if (t.full)
		return -ENOBUFS;
	return changed || refused ? (int)t.n : 0;
}
