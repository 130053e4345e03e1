// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/prefix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// A number becomes a string of codes from 1 to 15; 0 is its end, which sorts before all.
#define CODES      (3u * CP_PREFIX_MAX)
#define ESCAPE     14u // or 15: bit 6 of the character; two codes for the other six bits follow
#define SKIP_MOST  8u
#define KEY_CODES  16u
#define LARGE_PAGE (2u << 20)

struct node {              // 16 bytes
	uint32_t skip;     // codes that stand before the branch, the first in the highest bits
	uint32_t children; // index of the first
	uint32_t value;
	uint16_t branches; // bit c: there is a child for code c
	uint8_t skips;
};

struct cp_prefixes {
	struct node *nodes;
	uint32_t used, size;
	size_t count;
};

// ---- codes ------------------------------------------------------------------------------------------

static unsigned put_code(uint8_t *to, unsigned char c)
{
	if (c >= '0' && c <= '9') {
		to[0] = (uint8_t)(c - '0' + 1);
		return 1;
	}
	if (c == '*' || c == '#' || c == '+') {
		to[0] = c == '*' ? 11 : c == '#' ? 12 : 13;
		return 1;
	}
	to[0] = (uint8_t)(ESCAPE + (c >> 6 & 1));
	to[1] = (uint8_t)(1 + (c >> 3 & 7));
	to[2] = (uint8_t)(1 + (c & 7));
	return 3;
}

// As far as a prefix could go, or to the first character that none can have.
static unsigned encode(const char *text, size_t n, uint8_t codes[CODES + 1])
{
	unsigned used = 0;

	if (n > CP_PREFIX_MAX)
		n = CP_PREFIX_MAX;
	for (size_t i = 0; i < n && (unsigned char)text[i] < 0x80; i++)
		used += put_code(codes + used, (unsigned char)text[i]);
	codes[used] = 0;
	return used;
}

// ---- making -----------------------------------------------------------------------------------------

struct item {
	uint64_t key; // its first codes
	const struct cp_prefix *prefix;
	uint32_t order;
};

static int make_item(struct item *item, const struct cp_prefix *p, uint32_t order)
{
	uint8_t codes[CODES + 1];
	unsigned n;

	if (p->length > CP_PREFIX_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < p->length; i++)
		if ((unsigned char)p->text[i] >= 0x80 || !p->text[i])
			return -EINVAL;
	n = encode(p->text, p->length, codes);
	item->key = 0;
	for (unsigned i = 0; i < KEY_CODES; i++)
		item->key = item->key << 4 | (i < n ? codes[i] : 0);
	item->prefix = p;
	item->order = order;
	return 0;
}

// By codes, then as they were listed.
static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	uint8_t p[CODES + 1], q[CODES + 1];
	int difference = 0;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->key & 15) { // longer than the key: look at the rest
		unsigned n = encode(x->prefix->text, x->prefix->length, p);
		unsigned m = encode(y->prefix->text, y->prefix->length, q);

		difference = memcmp(p, q, (n < m ? n : m) + 1u);
	}
	return difference ? difference : x->order < y->order ? -1 : 1;
}

static bool same(const struct item *a, const struct item *b)
{
	return a->key == b->key && a->prefix->length == b->prefix->length &&
	       memcmp(a->prefix->text, b->prefix->text, a->prefix->length) == 0;
}

// Sorted items: equal ones are hung behind the first. How many are left, or -EEXIST.
static int64_t join(struct item *items, size_t n, uint32_t *next, uint32_t twice[2])
{
	size_t kept = 0;
	uint32_t last = CP_PREFIX_NONE;

	for (size_t i = 0; i < n; i++) {
		uint32_t value = items[i].prefix->value;

		if (next)
			next[value] = CP_PREFIX_NONE;
		if (kept && same(&items[kept - 1], &items[i])) {
			if (!next) {
				twice[0] = items[kept - 1].prefix->value;
				twice[1] = value;
				return -EEXIST;
			}
			next[last] = value;
		} else {
			items[kept++] = items[i];
		}
		last = value;
	}
	return (int64_t)kept;
}

static unsigned code_at(const struct item *item, unsigned depth)
{
	uint8_t codes[CODES + 1];

	if (depth < KEY_CODES)
		return (unsigned)(item->key >> (60 - 4 * depth)) & 15;
	return depth < encode(item->prefix->text, item->prefix->length, codes) ? codes[depth] : 0;
}

static int reserve(struct cp_prefixes *map, unsigned n, uint32_t *first)
{
	if (map->size - map->used < n) {
		uint32_t size = map->size ? map->size * 2 : 64;
		struct node *nodes = realloc(map->nodes, size * sizeof(*nodes));

		if (!nodes)
			return -ENOMEM;
		map->nodes = nodes;
		map->size = size;
	}
	memset(map->nodes + map->used, 0, n * sizeof(*map->nodes));
	*first = map->used;
	map->used += n;
	return 0;
}

// What all items of the range have in common from `depth` on.
static unsigned common(
	const struct item *first, const struct item *last, unsigned depth, uint32_t *skip)
{
	unsigned n = 0;

	*skip = 0;
	while (n < SKIP_MOST) {
		unsigned code = code_at(first, depth + n);

		if (!code || code != code_at(last, depth + n))
			break;
		*skip |= (uint32_t)code << (28 - 4 * n++);
	}
	return n;
}

// Recursion is as deep as a prefix is long.
static int fill(
	struct cp_prefixes *map, uint32_t at, const struct item *items, size_t n, unsigned depth)
{
	struct node node = {.value = CP_PREFIX_NONE};
	size_t begin[17] = {0}, i = 0;
	unsigned children = 0;
	int err = 0;

	node.skips = (uint8_t)common(&items[0], &items[n - 1], depth, &node.skip);
	depth += node.skips;
	if (code_at(&items[0], depth) == 0)
		node.value = items[i++].prefix->value;
	while (i < n) {
		unsigned code = code_at(&items[i], depth);

		node.branches |= (uint16_t)(1u << code);
		begin[children++] = i;
		while (i < n && code_at(&items[i], depth) == code)
			i++;
	}
	begin[children] = n;
	if (children)
		err = reserve(map, children, &node.children);
	if (err)
		return err;
	map->nodes[at] = node;
	for (unsigned c = 0; c < children && !err; c++)
		err = fill(map, node.children + c, items + begin[c], begin[c + 1] - begin[c],
			depth + 1);
	return err;
}

// To the size that it has now, on large pages where it is large: a look-up touches a few nodes far apart,
// and each would cost a walk through the page tables beside its cache line.
static void tighten(struct cp_prefixes *map)
{
	size_t size = map->used * sizeof(*map->nodes), large = LARGE_PAGE;
	struct node *tight;

	if (size < large) {
		tight = realloc(map->nodes, size);
		if (tight)
			map->nodes = tight;
	} else {
		tight = aligned_alloc(large, (size + large - 1) / large * large);
		if (!tight)
			return;
		madvise(tight, (size + large - 1) / large * large, MADV_HUGEPAGE);
		memcpy(tight, map->nodes, size);
		free(map->nodes);
		map->nodes = tight;
	}
	map->size = map->used;
}

void cp_prefixes_translate(struct cp_prefixes *map, const uint32_t *values)
{
	for (uint32_t i = 0; i < map->used; i++)
		if (map->nodes[i].value != CP_PREFIX_NONE)
			map->nodes[i].value = values[map->nodes[i].value];
}

int cp_prefixes_new(struct cp_prefixes **out, const struct cp_prefix *list, size_t n,
	uint32_t *next, uint32_t twice[2])
{
	struct cp_prefixes *map = calloc(1, sizeof(*map));
	struct item *items = malloc((n + 1) * sizeof(*items));
	uint32_t root;
	int64_t kept;
	int err = map && items && n < UINT32_MAX / 4 ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !err; i++)
		err = make_item(&items[i], &list[i], (uint32_t)i);
	if (err)
		goto out;
	qsort(items, n, sizeof(*items), compare);
	kept = join(items, n, next, twice);
	err = kept < 0 ? (int)kept : reserve(map, 1, &root);
	if (err)
		goto out;
	map->count = (size_t)kept;
	map->nodes[0].value = CP_PREFIX_NONE;
	if (kept)
		err = fill(map, root, items, (size_t)kept, 0);
	if (err)
		goto out;
	tighten(map);
	*out = map;
	map = NULL;
out:
	free(items);
	cp_prefixes_free(map);
	return err;
}

void cp_prefixes_free(struct cp_prefixes *map)
{
	if (!map)
		return;
	free(map->nodes);
	free(map);
}

// ---- looking up -------------------------------------------------------------------------------------

// Moves *at past what this node skips; false when the number goes another way.
static bool pass(const struct node *node, const uint8_t *codes, unsigned n, unsigned *at)
{
	if (n - *at < node->skips)
		return false;
	for (unsigned i = 0; i < node->skips; i++)
		if (codes[*at + i] != (node->skip >> (28 - 4 * i) & 15))
			return false;
	*at += node->skips;
	return true;
}

static const struct node *child(
	const struct cp_prefixes *map, const struct node *node, unsigned code)
{
	unsigned bit = 1u << code;

	if (!(node->branches & bit))
		return NULL;
	return &map->nodes[node->children +
			   (unsigned)__builtin_popcount(node->branches & (bit - 1))];
}

uint32_t cp_prefixes_longest(const struct cp_prefixes *map, const char *text, size_t n)
{
	uint8_t codes[CODES + 1];
	const struct node *node;
	uint32_t best = CP_PREFIX_NONE;
	unsigned at = 0, end;

	if (!map)
		return CP_PREFIX_NONE;
	end = encode(text, n, codes);
	for (node = map->nodes; node && pass(node, codes, end, &at);) {
		if (node->value != CP_PREFIX_NONE)
			best = node->value;
		node = at < end ? child(map, node, codes[at++]) : NULL;
	}
	return best;
}

// Characters in so many codes.
static uint32_t characters(const uint8_t *codes, unsigned n)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < n; count++)
		i += codes[i] >= ESCAPE ? 3 : 1;
	return count;
}

unsigned cp_prefixes_all(const struct cp_prefixes *map, const char *text, size_t n,
	struct cp_prefix_found found[CP_PREFIX_MAX + 1])
{
	uint8_t codes[CODES + 1];
	const struct node *node;
	unsigned at = 0, count = 0, end;

	if (!map)
		return 0;
	end = encode(text, n, codes);
	for (node = map->nodes; node && pass(node, codes, end, &at);) {
		if (node->value != CP_PREFIX_NONE && count <= CP_PREFIX_MAX)
			found[count++] =
				(struct cp_prefix_found){node->value, characters(codes, at)};
		node = at < end ? child(map, node, codes[at++]) : NULL;
	}
	for (unsigned i = 0; i < count / 2; i++) {
		struct cp_prefix_found swap = found[i];

		found[i] = found[count - 1 - i];
		found[count - 1 - i] = swap;
	}
	return count;
}

size_t cp_prefixes_bytes(const struct cp_prefixes *map)
{
	return map ? sizeof(*map) + map->used * sizeof(struct node) : 0;
}

size_t cp_prefixes_count(const struct cp_prefixes *map)
{
	return map ? map->count : 0;
}
