// SPDX-License-Identifier: BSD-3-Clause
#include "sip/table.h"

#include <errno.h>
#include <stdlib.h>

#define MOVE_AT_ONCE 4

int sip_table_init(struct sip_table *t, size_t buckets)
{
	*t = (struct sip_table){.mask = buckets - 1};
	t->heads = calloc(buckets, sizeof(*t->heads));
	return t->heads ? 0 : -ENOMEM;
}

void sip_table_free(struct sip_table *t)
{
	free(t->heads);
	free(t->old);
	*t = (struct sip_table){0};
}

// While a table is being moved, a key lives in `old` until its old bucket has been moved.
static struct sip_node **head_of(const struct sip_table *t, struct sip_key key)
{
	if (t->old && (key.a & t->old_mask) >= t->moved)
		return &t->old[key.a & t->old_mask];
	return &t->heads[key.a & t->mask];
}

static void append(struct sip_node **head, struct sip_node *n)
{
	while (*head)
		head = &(*head)->next;
	n->next = NULL;
	*head = n;
}

static void move_some(struct sip_table *t)
{
	for (int i = 0; t->old && i < MOVE_AT_ONCE; i++) {
		struct sip_node *n = t->old[t->moved], *next;
		t->old[t->moved++] = NULL;
		for (; n; n = next) {
			next = n->next;
			append(&t->heads[n->key.a & t->mask], n);
		}
		if (t->moved > t->old_mask) {
			free(t->old);
			t->old = NULL;
		}
	}
}

static void grow(struct sip_table *t)
{
	size_t buckets = (t->mask + 1) * 2;
	struct sip_node **heads = calloc(buckets, sizeof(*heads));

	if (!heads)
		return;
	t->old = t->heads;
	t->old_mask = t->mask;
	t->moved = 0;
	t->heads = heads;
	t->mask = buckets - 1;
}

void sip_table_add(struct sip_table *t, struct sip_node *n)
{
	if (t->old)
		move_some(t);
	else if (t->count > t->mask)
		grow(t);
	append(head_of(t, n->key), n);
	t->count++;
}

bool sip_table_remove(struct sip_table *t, struct sip_node *n)
{
	for (struct sip_node **at = head_of(t, n->key); *at; at = &(*at)->next) {
		if (*at == n) {
			*at = n->next;
			n->next = NULL;
			t->count--;
			return true;
		}
	}
	return false;
}

static struct sip_node *first_of(struct sip_node *n, struct sip_key key)
{
	while (n && !sip_key_eq(n->key, key))
		n = n->next;
	return n;
}

struct sip_node *sip_table_find(const struct sip_table *t, struct sip_key key)
{
	return first_of(*head_of(t, key), key);
}

struct sip_node *sip_table_again(const struct sip_node *n)
{
	return first_of(n->next, n->key);
}

static void each_of(
	struct sip_node **heads, size_t n, void (*see)(struct sip_node *, void *), void *ctx)
{
	for (size_t i = 0; heads && i < n; i++) {
		struct sip_node *node = heads[i], *next;
		for (; node; node = next) {
			next = node->next;
			see(node, ctx);
		}
	}
}

void sip_table_each(struct sip_table *t, void (*see)(struct sip_node *n, void *ctx), void *ctx)
{
	each_of(t->old, t->old_mask + 1, see, ctx);
	each_of(t->heads, t->mask + 1, see, ctx);
}
