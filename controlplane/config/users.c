// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config/users.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// What is being read; cfg_reader has no place for it.
struct loading {
	struct cfg_users *users;
	struct cfg_user *user;
};

// ---- secrets ---------------------------------------------------------------------------------------

static void forget(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void forget_tree(const struct cfg_node *node)
{
	if (node && node->text)
		explicit_bzero(node->text, strlen(node->text));
	for (const struct cfg_node *c = node ? node->first : NULL; c; c = c->next)
		forget_tree(c);
}

void cfg_users_free(struct cfg_users *users)
{
	if (!users)
		return;
	for (unsigned i = 0; i < users->count; i++) {
		struct cfg_user *u = &users->users[i];

		free(u->name);
		free(u->number);
		free(u->caller);
		cfg_limits_free(u->limits);
		forget(u->password);
		for (unsigned k = 0; k < CFG_HASHES; k++)
			forget(u->ha1[k]);
	}
	free(users->users);
	free(users->by_name);
	free(users->by_number);
	free(users);
}

// ---- values. No error says what it found: it might be a password in the wrong place. -----------------

static int take(char **to, const char *text)
{
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

static bool is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static int read_password(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_user *u = ((struct loading *)to)->user;

	if (node->kind != CFG_NODE_TEXT || !*node->text || strlen(node->text) > 128 ||
		!is_line(node->text))
		return cfg_fail(r, node,
			"expected a password of 1 to 128 characters in one line; write it in "
			"quotes");
	return take(&u->password, node->text);
}

static int read_hash(struct cfg_reader *r, const struct cfg_node *node, char **to, size_t digits)
{
	size_t n = node->kind == CFG_NODE_TEXT ? strspn(node->text, "0123456789abcdefABCDEF") : 0;

	if (n != digits || node->text[n])
		return cfg_fail(r, node,
			"expected the %zu hexadecimal digits of H(user:realm:password)", digits);
	if (take(to, node->text))
		return -ENOMEM;
	for (char *p = *to; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'F' ? *p + ('a' - 'A') : *p);
	return 0;
}

static int read_md5(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_hash(r, node, &((struct loading *)to)->user->ha1[0], 32);
}

static int read_sha256(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_hash(r, node, &((struct loading *)to)->user->ha1[1], 64);
}

static int read_sha512_256(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_hash(r, node, &((struct loading *)to)->user->ha1[2], 64);
}

// As cfg_map(), without the key in the error.
static int read_map(struct cfg_reader *r, const struct cfg_node *node, const struct cfg_key *keys,
	size_t count, const char *expected, void *to)
{
	if (node->kind != CFG_NODE_MAP || !node->children)
		return cfg_fail(r, node, "expected %s", expected);
	for (const struct cfg_node *c = node->first; c; c = c->next) {
		size_t i = 0;

		while (i < count && strcmp(keys[i].name, c->key) != 0)
			i++;
		if (i == count)
			return cfg_fail(
				r, node, "has a key that is not known; expected %s", expected);
	}
	return cfg_map(r, node, keys, count, to);
}

static int read_ha1(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"md5", read_md5},
		{"sha-256", read_sha256},
		{"sha-512-256", read_sha512_256},
	};
	return read_map(r, node, keys, COUNT(keys),
		"some of md5, sha-256 and sha-512-256 with a hash each, as in {md5: ...}", to);
}

static int read_number(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct loading *l = to;
	size_t n = 0;

	if (node->kind == CFG_NODE_TEXT) {
		n = node->text[0] == '+';
		n += strspn(node->text + n, "0123456789*#");
	}
	if (!n || node->text[n] || n > 40)
		return cfg_fail(r, node, "expected a number such as \"+493012345\"");
	return take(&l->user->number, node->text);
}

static int read_caller(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_user *u = ((struct loading *)to)->user;

	if (node->kind != CFG_NODE_TEXT || !*node->text || strlen(node->text) > 80 ||
		!is_line(node->text) || strpbrk(node->text, "\"\\"))
		return cfg_fail(r, node,
			"expected a name of 1 to 80 characters without quotes, to be shown");
	return take(&u->caller, node->text);
}

static int read_contacts(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_user *u = ((struct loading *)to)->user;
	unsigned n;
	int err = cfg_number(r, node, 1, 100, "contacts at once", &n);

	if (!err)
		u->contacts = (uint16_t)n;
	return err;
}

static int read_limits(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_user *u = ((struct loading *)to)->user;
	int err = cfg_limits_parse(r, node, &u->limits);

	if (!err && u->limits->zone[0])
		return cfg_fail(r, node, "expected limits without a zone: it is the peer's");
	return err;
}

// What a URI can say without escapes.
static bool is_user_name(const char *name)
{
	return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				 "-_.!~*'()&=+$,")] == '\0';
}

static int read_user(struct cfg_reader *r, const struct cfg_node *node, struct loading *l)
{
	static const struct cfg_key keys[] = {
		{"password", read_password},
		{"ha1", read_ha1},
		{"number", read_number},
		{"caller", read_caller},
		{"contacts", read_contacts},
		{"limits", read_limits},
	};
	struct cfg_user *u = &l->users->users[l->users->count];
	bool known;
	int err;

	if (!is_user_name(node->key))
		return cfg_fail(r, node,
			"expected the name of a user: letters, digits and any of -_.!~*'()&=+$,");
	l->user = u;
	u->line = node->line;
	err = take(&u->name, node->key);
	if (err)
		return err;
	l->users->count++;
	err = read_map(r, node, keys, COUNT(keys),
		"a map such as {password: \"...\", number: \"+49301234\"}: password or ha1, and "
		"number, caller, contacts, limits",
		l);
	if (err)
		return err;
	known = u->password || u->ha1[0] || u->ha1[1] || u->ha1[2];
	return known ? 0 : cfg_fail(r, node, "expected a password or ha1, found none");
}

// ---- index -----------------------------------------------------------------------------------------

// FNV-1a: the names are the operator's.
static uint32_t hash(const char *name, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)name[i]) * 0x100000001b3ull;
	return (uint32_t)(h ^ h >> 32);
}

static const char *key_of(const struct cfg_user *u, bool number)
{
	return number ? u->number : u->name;
}

static const struct cfg_user *find(
	const struct cfg_users *s, const uint32_t *table, bool number, const char *key, size_t n)
{
	for (uint32_t at = hash(key, n) & s->mask; table[at]; at = (at + 1) & s->mask) {
		const struct cfg_user *u = &s->users[table[at] - 1];
		const char *k = key_of(u, number);

		if (strlen(k) == n && memcmp(k, key, n) == 0)
			return u;
	}
	return NULL;
}

static void insert(struct cfg_users *s, uint32_t *table, unsigned user, const char *key)
{
	uint32_t at = hash(key, strlen(key)) & s->mask;

	while (table[at])
		at = (at + 1) & s->mask;
	table[at] = user + 1;
}

const struct cfg_user *cfg_users_find(const struct cfg_users *users, const char *name, size_t n)
{
	return find(users, users->by_name, false, name, n);
}

const struct cfg_user *cfg_users_by_number(
	const struct cfg_users *users, const char *number, size_t n)
{
	return find(users, users->by_number, true, number, n);
}

// No number is two users', and none is another user's name: a call would not know whom to ring.
static int index_numbers(struct cfg_reader *r, struct cfg_users *s, const struct cfg_node *root)
{
	const struct cfg_node *node = root->first;

	for (unsigned i = 0; i < s->count; i++, node = node->next) {
		const struct cfg_user *u = &s->users[i], *other;
		size_t n = u->number ? strlen(u->number) : 0;

		if (!n)
			continue;
		other = cfg_users_by_number(s, u->number, n);
		if (!other)
			other = cfg_users_find(s, u->number, n);
		if (other && other != u)
			return cfg_fail(r, node,
				"expected a number of one user only, found that of %s (line %u)",
				other->name, other->line);
		insert(s, s->by_number, i, u->number);
	}
	return 0;
}

static int build_index(struct cfg_reader *r, struct cfg_users *s, const struct cfg_node *root)
{
	uint32_t buckets = 16;

	while (buckets < s->count * 2)
		buckets *= 2;
	s->mask = buckets - 1;
	s->by_name = calloc(buckets, sizeof(*s->by_name));
	s->by_number = calloc(buckets, sizeof(*s->by_number));
	if (!s->by_name || !s->by_number)
		return -ENOMEM;
	for (unsigned i = 0; i < s->count; i++)
		insert(s, s->by_name, i, s->users[i].name);
	return root ? index_numbers(r, s, root) : 0;
}

// ---- the file --------------------------------------------------------------------------------------

static int read_all(struct cfg_reader *r, const struct cfg_node *root, struct cfg_users *users)
{
	struct loading l = {.users = users};
	int err;

	if (root && root->kind == CFG_NODE_TEXT && !*root->text)
		root = NULL;
	if (root && root->kind != CFG_NODE_MAP)
		return cfg_fail(r, root, "expected users, as in alice: {password: \"...\"}");
	users->users = calloc(root ? root->children + 1u : 1u, sizeof(*users->users));
	if (!users->users)
		return -ENOMEM;
	for (const struct cfg_node *c = root ? root->first : NULL; c; c = c->next) {
		err = read_user(r, c, &l);
		if (err)
			return err;
	}
	return build_index(r, users, root);
}

int cfg_users_parse(struct cfg_users **out, const char *file, const void *text, size_t size,
	struct cfg_error *error)
{
	struct cfg_reader r = {.file = file, .error = error};
	struct cfg_users *users;
	struct cfg_yaml yaml;
	int err;

	*out = NULL;
	*error = (struct cfg_error){0};
	err = cfg_yaml_parse(&yaml, file, text, size, error);
	if (err)
		return err;
	users = calloc(1, sizeof(*users));
	err = users ? read_all(&r, yaml.root, users) : -ENOMEM;
	forget_tree(yaml.root);
	cfg_yaml_free(&yaml);
	if (err == -ENOMEM)
		snprintf(error->text, sizeof(error->text), "%.200s: out of memory", file);
	if (err)
		cfg_users_free(users);
	else
		*out = users;
	return err;
}

int cfg_users_load(struct cfg_users **out, const char *file, struct cfg_error *error)
{
	char *text = NULL;
	size_t size = 0;
	int err = cfg_read_file(file, &text, &size);

	*out = NULL;
	if (err) {
		*error = (struct cfg_error){0};
		snprintf(error->text, sizeof(error->text), "%.200s: cannot be read: %s", file,
			strerror(-err));
		return err;
	}
	err = cfg_users_parse(out, file, text, size, error);
	explicit_bzero(text, size);
	free(text);
	return err;
}
