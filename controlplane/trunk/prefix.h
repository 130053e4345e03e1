// SPDX-License-Identifier: BSD-3-Clause
// A map from prefixes of numbers to values, made for a million of them: a trie over the characters of the
// number, with what has no branches packed into one node and the children of a node side by side, so a
// look-up touches one cache line a branching. 16 bytes a node, at most two nodes a prefix.
//
// Any printable ASCII may stand in a prefix; digits, '*', '#' and '+' cost one step, others three.
//
// Thread: immutable after making; any thread may look up.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CP_PREFIX_NONE UINT32_MAX
#define CP_PREFIX_MAX  63u // characters of one prefix

struct cp_prefixes;

struct cp_prefix {
	const char *text; // need not live on
	uint32_t length;
	uint32_t value; // not CP_PREFIX_NONE
};

#ifdef __cplusplus
extern "C" {
#endif

// Of equal prefixes the first of `list` is in the map; the others hang behind it: next[value] is the
// value that comes after it, CP_PREFIX_NONE at the end. `next` has room for every value. With `next`
// NULL equal prefixes are refused by -EEXIST, and twice[] are the two values. 0, -ENOMEM, -EINVAL (a
// prefix that is too long or not ASCII).
int cp_prefixes_new(struct cp_prefixes **out, const struct cp_prefix *list, size_t n,
	uint32_t *next, uint32_t twice[2]);
void cp_prefixes_free(struct cp_prefixes *map); // NULL is fine

// Every value v becomes values[v].
void cp_prefixes_translate(struct cp_prefixes *map, const uint32_t *values);

// The value of the longest prefix of `text`, CP_PREFIX_NONE when there is none. `map` may be NULL.
uint32_t cp_prefixes_longest(const struct cp_prefixes *map, const char *text, size_t n);

struct cp_prefix_found {
	uint32_t value;
	uint32_t length;
};
// All of them, the longest first. How many: never more than CP_PREFIX_MAX + 1.
unsigned cp_prefixes_all(const struct cp_prefixes *map, const char *text, size_t n,
	struct cp_prefix_found found[CP_PREFIX_MAX + 1]);

size_t cp_prefixes_bytes(const struct cp_prefixes *map);
size_t cp_prefixes_count(const struct cp_prefixes *map);

#ifdef __cplusplus
}
#endif
