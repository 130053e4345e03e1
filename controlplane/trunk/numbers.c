// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/numbers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHORTEST                                                                                   \
	5u // digits of a number that a national prefix or an area may be put to or taken from

struct text {
	char *p;
	size_t size, n;
	bool full;
};

static void add(struct text *t, const char *p, size_t n)
{
	if (t->n + n >= t->size) {
		t->full = true;
		return;
	}
	memcpy(t->p + t->n, p, n);
	t->n += n;
}

// ---- rules ------------------------------------------------------------------------------------------

static void add_with(struct text *t, const char *with, const char *text, const regmatch_t *group)
{
	for (; *with; with++) {
		unsigned k;

		if (*with != '\\' || !with[1]) {
			add(t, with, 1);
			continue;
		}
		with++;
		if (*with < '0' || *with > '9') {
			add(t, with, 1);
			continue;
		}
		k = (unsigned)(*with - '0');
		if (group[k].rm_so >= 0)
			add(t, text + group[k].rm_so, (size_t)(group[k].rm_eo - group[k].rm_so));
	}
}

int cp_regex_replace(
	const regex_t *match, const char *with, const char *text, char *out, size_t size)
{
	struct text t = {out, size, 0, false};
	regmatch_t group[10];

	if (regexec(match, text, 10, group, 0))
		return -ENOENT;
	add(&t, text, (size_t)group[0].rm_so);
	add_with(&t, with, text, group);
	add(&t, text + group[0].rm_eo, strlen(text + group[0].rm_eo));
	if (t.full)
		return -ENOBUFS;
	out[t.n] = 0;
	return (int)t.n;
}

// Of the first rule that matches.
static int rewrite(const struct cfg_numbers *n, enum cfg_direction way, unsigned of,
	char number[CP_NUMBER], size_t length)
{
	char changed[CP_NUMBER];

	for (unsigned i = 0; i < n->rewrites[way]; i++) {
		const struct cfg_rewrite *w = &n->rewrite[way][i];
		int k = w->of & of ? cp_regex_replace(
					     &w->match, w->with, number, changed, sizeof(changed))
				   : -ENOENT;

		if (k == -ENOENT)
			continue;
		if (k < 0)
			return k;
		memcpy(number, changed, (size_t)k + 1);
		return k;
	}
	return (int)length;
}

// ---- forms ------------------------------------------------------------------------------------------

static bool all_digits(const char *p)
{
	return *p && p[strspn(p, "0123456789")] == 0;
}

static bool begins(const char *text, const char *with)
{
	return *with && strncmp(text, with, strlen(with)) == 0;
}

// "+", the given front, and the number from `skip` on.
static int put(char number[CP_NUMBER], const char *a, const char *b, const char *c, size_t skip)
{
	char made[CP_NUMBER];
	int n = snprintf(made, sizeof(made), "%s%s%s%s", a, b, c, number + skip);

	if (n < 0 || (size_t)n >= sizeof(made))
		return -ENOBUFS;
	memcpy(number, made, (size_t)n + 1);
	return n;
}

static int canonical(const struct cfg_numbers *n, char number[CP_NUMBER], size_t length)
{
	size_t skip = strlen(n->international);

	if (!all_digits(number))
		return (int)length;
	if (begins(number, n->international) && length > skip + SHORTEST && number[skip] != '0')
		return put(number, "+", "", "", skip);
	if (n->inbound_plain && length > SHORTEST + 2 && number[0] != '0')
		return put(number, "+", "", "", 0);
	skip = strlen(n->national);
	if (n->country[0] && begins(number, n->national) && length >= skip + SHORTEST)
		return put(number, "+", n->country, "", skip);
	// A network whose national numbers have no prefix at all.
	if (n->country[0] && !skip && !n->area[0] && length > SHORTEST + 2)
		return put(number, "+", n->country, "", 0);
	if (n->area[0] && length >= SHORTEST && number[0] != '0')
		return put(number, "+", n->country, n->area, 0);
	return (int)length;
}

// Of "+4930123" what follows the country, when it is that of the peer.
static int national(const struct cfg_numbers *n, char number[CP_NUMBER])
{
	if (begins(number + 1, n->country))
		return put(number, n->national, "", "", 1 + strlen(n->country));
	return put(number, n->international, "", "", 1);
}

static int write_form(const struct cfg_numbers *n, char number[CP_NUMBER], size_t length)
{
	if (number[0] != '+' || !all_digits(number + 1))
		return (int)length;
	switch (n->outbound) {
	case CFG_FORM_PLAIN:
		return put(number, "", "", "", 1);
	case CFG_FORM_NATIONAL:
		return national(n, number);
	case CFG_FORM_INTERNATIONAL:
		return put(number, n->international, "", "", 1);
	default:
		return (int)length;
	}
}

static int copy(struct sip_slice from, char to[CP_NUMBER])
{
	if (from.n >= CP_NUMBER || (from.n && memchr(from.p, 0, from.n)))
		return -ENOBUFS;
	if (from.n)
		memcpy(to, from.p, from.n);
	to[from.n] = 0;
	return (int)from.n;
}

int cp_number_receive(
	const struct cfg_numbers *n, unsigned of, struct sip_slice number, char out[CP_NUMBER])
{
	int length = copy(number, out);

	if (length < 0 || !n)
		return length;
	length = rewrite(n, CFG_IN, of, out, (size_t)length);
	return length < 0 ? length : canonical(n, out, (size_t)length);
}

int cp_number_send(
	const struct cfg_numbers *n, unsigned of, struct sip_slice number, char out[CP_NUMBER])
{
	int length = copy(number, out);

	if (length < 0 || !n)
		return length;
	length = write_form(n, out, (size_t)length);
	return length < 0 ? length : rewrite(n, CFG_OUT, of, out, (size_t)length);
}
