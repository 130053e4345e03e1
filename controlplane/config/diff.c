// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config/diff.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/yaml.h"

#define TEXT_MOST 400u  // of a value that is told
#define LIST_MOST 2000u // elements; longer lists are compared place by place

// The last line that fits counts. '*' is one name.
static const struct {
	const char *key;
	enum cfg_effect effect;
} effects[] = {
	{"media", CFG_BOTH_RESTART},
	{"media.*.ports", CFG_MEDIA_RESTART},
	{"media.*.queues", CFG_MEDIA_RESTART},
	{"dataplane", CFG_MEDIA_RESTART},
	{"dataplane.grace", CFG_MEDIA_AT_ONCE},
	{"dataplane.quarantine", CFG_MEDIA_AT_ONCE},
	{"sip.listen", CFG_LISTENERS},
	{"sip.shards", CFG_SIP_RESTART},
	{"sip.max_calls", CFG_SIP_RESTART},
	{"sip.trace", CFG_SIP_RESTART},
	{"sip.nameservers", CFG_SIP_RESTART},
	{"run", CFG_BOTH_RESTART},
	{"state", CFG_SIP_RESTART},
	{"user", CFG_SIP_RESTART},
	{"prompts", CFG_BOTH_RESTART},
	{"recordings", CFG_BOTH_RESTART},
	{"stats.listen", CFG_STATS_RESTART},
	{"stats.page", CFG_STATS_RESTART},
};

const char *cfg_effect_text(enum cfg_effect effect)
{
	static const char *const texts[] = {
		[CFG_AT_ONCE] = "for new calls",
		[CFG_MEDIA_AT_ONCE] = "at once, in hawse-media",
		[CFG_SIP_RESTART] = "when hawse-sip is restarted",
		[CFG_MEDIA_RESTART] = "when hawse-media is restarted",
		[CFG_STATS_RESTART] = "when hawse-stats is restarted",
		[CFG_BOTH_RESTART] = "when hawse-media and then hawse-sip are restarted",
		[CFG_LISTENERS] = "at once",
	};

	return texts[effect];
}

struct walk {
	struct cfg_diff *diff;
	unsigned room;
	int err;
};

// ---- values ----------------------------------------------------------------------------------------

// The child of a map. Two files mostly have their keys in one order: `hint`, NULL at first, is where the next is
// looked for.
static const struct cfg_node *find(
	const struct cfg_node *map, const char *key, const struct cfg_node **hint)
{
	const struct cfg_node *found = *hint;

	if (!map || map->kind != CFG_NODE_MAP)
		return NULL;
	if (!found || strcmp(found->key, key) != 0)
		found = cfg_node_find(map, key);
	if (found)
		*hint = found->next;
	return found;
}

// "[x]" and "x" say the same.
static const struct cfg_node *unwrap(const struct cfg_node *n)
{
	return n && n->kind == CFG_NODE_LIST && n->children == 1 ? n->first : n;
}

static bool same(const struct cfg_node *a, const struct cfg_node *b)
{
	const struct cfg_node *x, *y, *hint = NULL;

	a = unwrap(a);
	b = unwrap(b);
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind)
		return false;
	if (a->kind == CFG_NODE_TEXT)
		return strcmp(a->text, b->text) == 0 && (*a->text || a->quoted == b->quoted);
	if (a->children != b->children)
		return false;
	if (a->kind == CFG_NODE_MAP) {
		for (x = a->first; x; x = x->next)
			if (!same(x, find(b, x->key, &hint)))
				return false;
		return true;
	}
	for (x = a->first, y = b->first; x && y; x = x->next, y = y->next)
		if (!same(x, y))
			return false;
	return true;
}

static void put(char *to, size_t *n, const char *text)
{
	size_t k = strlen(text), room = TEXT_MOST - *n;

	memcpy(to + *n, text, k < room ? k : room);
	*n += k < room ? k : room;
}

static void write_value(char *to, size_t *n, const struct cfg_node *node)
{
	const char *separator = "";

	if (node->kind == CFG_NODE_TEXT) {
		bool quote = !*node->text || strpbrk(node->text, ",:{}[] \"#") != NULL;

		put(to, n, quote ? "\"" : "");
		put(to, n, node->text);
		put(to, n, quote ? "\"" : "");
		return;
	}
	put(to, n, node->kind == CFG_NODE_MAP ? "{" : "[");
	for (const struct cfg_node *c = node->first; c && *n < TEXT_MOST; c = c->next) {
		put(to, n, separator);
		if (c->key) {
			put(to, n, c->key);
			put(to, n, ": ");
		}
		write_value(to, n, c);
		separator = ", ";
	}
	put(to, n, node->kind == CFG_NODE_MAP ? "}" : "]");
}

static char *value_text(const struct cfg_node *node)
{
	char text[TEXT_MOST + 4];
	size_t n = 0;

	write_value(text, &n, node);
	if (n == TEXT_MOST) {
		// Not within a character.
		while (n && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
			n--;
		n -= n && (unsigned char)text[n - 1] >= 0xc0;
		memcpy(text + n, "...", 3);
		n += 3;
	}
	text[n] = '\0';
	return strdup(text);
}

// ---- differences -----------------------------------------------------------------------------------

static unsigned dots(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '.';
	return n;
}

// The pattern itself, or a key below it. '*' does not swallow a dot.
static bool covers(const char *pattern, const char *key)
{
	char head[160];

	for (size_t i = 0, n = strlen(key); i <= n; i++) {
		if (i < n && key[i] != '.' && key[i] != '[')
			continue;
		memcpy(head, key, i);
		head[i] = '\0';
		if (dots(head) == dots(pattern) && fnmatch(pattern, head, 0) == 0)
			return true;
	}
	return false;
}

static enum cfg_effect effect_of(const char *key)
{
	enum cfg_effect found = CFG_AT_ONCE;

	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++)
		if (covers(effects[i].key, key))
			found = effects[i].effect;
	return found;
}

static void add(struct walk *w, const struct cfg_node *before, const struct cfg_node *after)
{
	struct cfg_diff *diff = w->diff;
	struct cfg_difference *d;

	if (w->err)
		return;
	if (diff->count == CFG_DIFF_MOST) {
		diff->more++;
		return;
	}
	if (diff->count == w->room) {
		unsigned room = w->room ? w->room * 2 : 16;
		void *more = realloc(diff->all, room * sizeof(*diff->all));

		if (!more) {
			w->err = -ENOMEM;
			return;
		}
		diff->all = more;
		w->room = room;
	}
	d = &diff->all[diff->count++];
	memset(d, 0, sizeof(*d));
	cfg_node_path(after ? after : before, d->key, sizeof(d->key));
	d->line = after ? after->line : 0;
	d->effect = effect_of(d->key);
	d->before = before ? value_text(before) : NULL;
	d->after = after ? value_text(after) : NULL;
	if ((before && !d->before) || (after && !d->after))
		w->err = -ENOMEM;
}

static void compare(struct walk *w, const struct cfg_node *a, const struct cfg_node *b);

// A section that is there on one side only is told key by key: its keys take effect at different times.
static bool is_section(const struct cfg_node *n)
{
	return n && n->kind == CFG_NODE_MAP && (!n->parent || !n->parent->parent);
}

static void compare_maps(struct walk *w, const struct cfg_node *a, const struct cfg_node *b)
{
	const struct cfg_node *hint = NULL;

	for (const struct cfg_node *c = a ? a->first : NULL; c; c = c->next)
		if (!find(b, c->key, &hint))
			compare(w, c, NULL);
	hint = NULL;
	for (const struct cfg_node *c = b ? b->first : NULL; c; c = c->next)
		compare(w, find(a, c->key, &hint), c);
}

static unsigned alike(const struct cfg_node *a, const struct cfg_node *b)
{
	const struct cfg_node *hint = NULL;
	unsigned n = 0;

	if (a->kind != CFG_NODE_MAP || b->kind != CFG_NODE_MAP)
		return 0;
	for (const struct cfg_node *c = a->first; c; c = c->next)
		n += same(c, find(b, c->key, &hint));
	return n;
}

static unsigned count_to(const struct cfg_node *from, const struct cfg_node *end)
{
	unsigned n = 0;

	for (; from != end; from = from->next)
		n++;
	return n;
}

// Of `from` and the `slack` elements after it, the one most like `other`.
static const struct cfg_node *most_like(
	const struct cfg_node *other, const struct cfg_node *from, unsigned slack)
{
	const struct cfg_node *best = from;
	unsigned most = 0;

	for (unsigned i = 0; i <= slack && from; i++, from = from->next)
		if (alike(from, other) > most) {
			most = alike(from, other);
			best = from;
		}
	return best;
}

// The elements of a run that differs are told in pairs that are most alike, as changed, as far as there are pairs.
static void tell_run(struct walk *w, const struct cfg_node *a, const struct cfg_node *a_end,
	const struct cfg_node *b, const struct cfg_node *b_end)
{
	unsigned n = count_to(a, a_end), m = count_to(b, b_end);

	for (; n && m; n--, m--, a = a->next, b = b->next) {
		const struct cfg_node *x = n > m ? most_like(b, a, n - m) : a;
		const struct cfg_node *y = m > n ? most_like(a, b, m - n) : b;

		for (; a != x; a = a->next, n--)
			add(w, a, NULL);
		for (; b != y; b = b->next, m--)
			add(w, NULL, b);
		compare(w, a, b);
	}
	for (; a != a_end; a = a->next)
		add(w, a, NULL);
	for (; b != b_end; b = b->next)
		add(w, NULL, b);
}

// Longest common subsequence, by the classic table of (n + 1) x (m + 1).
static void compare_lists(struct walk *w, const struct cfg_node *a, const struct cfg_node *b)
{
	size_t n = a->children, m = b->children, wide = m + 1;
	const struct cfg_node *x = a->first, *y = b->first, *from_x = x, *from_y = y;
	const struct cfg_node **xs = calloc(n + m + 2, sizeof(*xs)), **ys;
	uint16_t *length =
		n <= LIST_MOST && m <= LIST_MOST ? calloc((n + 1) * wide, sizeof(*length)) : NULL;

	if (!xs || !length) {
		free(length);
		free(xs);
		tell_run(w, x, NULL, y, NULL);
		return;
	}
	ys = xs + n + 1;
	for (size_t i = 0; i < n; i++, x = x->next)
		xs[i] = x;
	for (size_t k = 0; k < m; k++, y = y->next)
		ys[k] = y;
	for (size_t i = n; i-- > 0;)
		for (size_t k = m; k-- > 0;) {
			uint16_t *at = &length[i * wide + k];

			if (same(xs[i], ys[k]))
				*at = (uint16_t)(at[wide + 1] + 1);
			else
				*at = at[wide] > at[1] ? at[wide] : at[1];
		}
	for (size_t i = 0, k = 0; i < n && k < m;) {
		const uint16_t *at = &length[i * wide + k];

		if (same(xs[i], ys[k])) {
			tell_run(w, from_x, xs[i], from_y, ys[k]);
			from_x = xs[i++]->next;
			from_y = ys[k++]->next;
		} else if (at[wide] >= at[1]) {
			i++;
		} else {
			k++;
		}
	}
	tell_run(w, from_x, NULL, from_y, NULL);
	free(length);
	free(xs);
}

static void compare(struct walk *w, const struct cfg_node *a, const struct cfg_node *b)
{
	if (w->err || same(a, b))
		return;
	if ((!a && is_section(b)) || (!b && is_section(a)) ||
		(a && b && a->kind == CFG_NODE_MAP && b->kind == CFG_NODE_MAP))
		compare_maps(w, a, b);
	else if (a && b && a->kind == CFG_NODE_LIST && b->kind == CFG_NODE_LIST)
		compare_lists(w, a, b);
	else
		add(w, a, b);
}

int cfg_diff(struct cfg_diff *diff, const char *before, size_t before_size, const char *after,
	size_t after_size)
{
	struct walk w = {.diff = diff};
	struct cfg_yaml a, b;
	struct cfg_error error;
	int err = cfg_yaml_parse(&a, "before", before, before_size, &error);

	*diff = (struct cfg_diff){0};
	if (err)
		return err;
	err = cfg_yaml_parse(&b, "after", after, after_size, &error);
	if (!err) {
		compare(&w, a.root, b.root);
		err = w.err;
		cfg_yaml_free(&b);
	}
	cfg_yaml_free(&a);
	if (err)
		cfg_diff_free(diff);
	return err;
}

void cfg_diff_free(struct cfg_diff *diff)
{
	for (unsigned i = 0; i < diff->count; i++) {
		free(diff->all[i].before);
		free(diff->all[i].after);
	}
	free(diff->all);
	*diff = (struct cfg_diff){0};
}
