// SPDX-License-Identifier: BSD-3-Clause
// rules: what is done to the headers of a peer's messages.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// What transactions, dialogs and framing stand on, and what we answer for. A rule that touched one of
// these would break calls.
static const char *const protected_headers[] = {
	"Via",
	"v",
	"From",
	"f",
	"To",
	"t",
	"Call-ID",
	"i",
	"CSeq",
	"Contact",
	"m",
	"Content-Length",
	"l",
	"Content-Type",
	"c",
	"Content-Encoding",
	"e",
	"Max-Forwards",
	"Route",
	"Record-Route",
	"Require",
	"Proxy-Require",
	"Authorization",
	"Proxy-Authorization",
	"WWW-Authenticate",
	"Proxy-Authenticate",
	"RSeq",
	"RAck",
	"Session-Expires",
	"x",
	"Min-SE",
};

static bool is_token(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("-.!%*_+`'~", *text))
			return false;
	return true;
}

static int read_name(struct cfg_reader *r, const struct cfg_node *node, char *name, size_t size)
{
	static const char expected[] = "the name of a header, such as X-Customer";
	int err = cfg_text(r, node, name, size, expected);

	if (err)
		return err;
	return is_token(name) ? 0 : cfg_expected(r, node, expected);
}

static int read_changed(struct cfg_reader *r, const struct cfg_node *node, char *name, size_t size)
{
	int err = read_name(r, node, name, size);

	for (size_t i = 0; i < COUNT(protected_headers) && !err; i++)
		if (strcasecmp(protected_headers[i], name) == 0)
			err = cfg_fail(r, node,
				"%s is protected: calls stand on it, no rule may change it", name);
	return err;
}

// ---- what is done

static int set_kind(struct cfg_reader *r, const struct cfg_node *node, struct cfg_rule *rule,
	enum cfg_rule_kind kind)
{
	if (rule->name[0])
		return cfg_fail(r, node->parent,
			"expected one of add, remove, replace, copy and pass, found more");
	rule->kind = (uint8_t)kind;
	if (kind == CFG_RULE_COPY || kind == CFG_RULE_PASS)
		return kind == CFG_RULE_COPY
			       ? read_name(r, node, rule->name, sizeof(rule->name))
			       : read_changed(r, node, rule->name, sizeof(rule->name));
	return read_changed(r, node, rule->name, sizeof(rule->name));
}

static int read_add(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return set_kind(r, node, to, CFG_RULE_ADD);
}

static int read_remove(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return set_kind(r, node, to, CFG_RULE_REMOVE);
}

static int read_replace(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return set_kind(r, node, to, CFG_RULE_REPLACE);
}

static int read_copy(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return set_kind(r, node, to, CFG_RULE_COPY);
}

static int read_pass(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return set_kind(r, node, to, CFG_RULE_PASS);
}

static int read_value(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;

	return cfg_text(r, node, rule->value, sizeof(rule->value), "the value of a header");
}

static int read_match(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;
	int err = cfg_read_regex(r, node, &rule->match, 0);

	rule->has_match = !err;
	return err;
}

static int read_to(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;

	return read_changed(r, node, rule->to, sizeof(rule->to));
}

// ---- under which conditions

static int read_method(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;
	char *method = rule->methods[rule->method_count];
	int err = cfg_text(r, node, method, sizeof(rule->methods[0]), "a method such as INVITE");

	if (err)
		return err;
	if (!is_token(method))
		return cfg_expected(r, node, "a method such as INVITE");
	rule->method_count++;
	return 0;
}

static int read_methods(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;

	if (cfg_count(node) > COUNT(rule->methods))
		return cfg_fail(r, node, "expected at most %zu methods, found %u",
			COUNT(rule->methods), cfg_count(node));
	return cfg_each(r, node, "a method or a list of methods", read_method, rule);
}

static bool three_digits(const char *text, uint16_t *status)
{
	for (unsigned i = 0; i < 3; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	*status = (uint16_t)atoi(text);
	return *status >= 100 && *status < 700;
}

static int read_status(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;
	const char *text = node->kind == CFG_NODE_TEXT ? node->text : "";
	size_t n = strlen(text);

	if (strcmp(text, "request") == 0 || strcmp(text, "response") == 0) {
		rule->only = text[2] == 'q' ? 1 : 2;
		return 0;
	}
	if ((n != 3 && (n != 7 || text[3] != '-')) || !three_digits(text, &rule->status_first) ||
		!three_digits(text + n - 3, &rule->status_last) ||
		rule->status_last < rule->status_first)
		return cfg_expected(r, node,
			"a status or a range such as 200 or 180-183, request, or response");
	return 0;
}

static int read_present(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;

	return read_name(r, node, rule->present, sizeof(rule->present));
}

static int read_absent(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;

	return read_name(r, node, rule->absent, sizeof(rule->absent));
}

static int read_matches(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_rule *rule = to;
	int err;

	if (!rule->present[0])
		return cfg_fail(r, node, "expected the key header beside it, found none");
	err = cfg_read_regex(r, node, &rule->header_match, REG_NOSUB);
	rule->has_header_match = !err;
	return err;
}

static int read_if(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"method", read_methods},
		{"status", read_status},
		{"header", read_present},
		{"absent", read_absent},
		{"matches", read_matches},
	};

	return cfg_map(r, node, keys, COUNT(keys), to);
}

// ---- a rule

static int check_rule(struct cfg_reader *r, const struct cfg_node *node, struct cfg_rule *rule,
	enum cfg_direction way)
{
	const struct cfg_node *value = cfg_node_find(node, "value");

	if (!value)
		value = cfg_node_find(node, "with");
	if (!rule->name[0])
		return cfg_fail(
			r, node, "expected one of add, remove, replace, copy and pass, found none");
	if ((rule->kind == CFG_RULE_ADD || rule->kind == CFG_RULE_REPLACE) != (value != NULL))
		return cfg_fail(r, node,
			value ? "the key value goes with add and replace only"
			      : "expected the key value, found none");
	if (rule->has_match && rule->kind != CFG_RULE_REPLACE)
		return cfg_fail(r, node, "the key match goes with replace only");
	if ((rule->kind == CFG_RULE_COPY) != (rule->to[0] != 0))
		return cfg_fail(r, node,
			rule->to[0] ? "the key to goes with copy only"
				    : "expected the key to (another header), found none");
	if (rule->kind == CFG_RULE_PASS && way != CFG_IN)
		return cfg_fail(r, node,
			"pass is a rule for what comes in: it lets a header go over to the other "
			"side");
	if (rule->kind == CFG_RULE_COPY && strcasecmp(rule->name, rule->to) == 0)
		return cfg_fail(r, node, "expected another header in `to`");
	return rule->has_match ? cfg_check_groups(r, value, rule->value, rule->match.re_nsub) : 0;
}

struct rules {
	struct cfg_rules *all;
	enum cfg_direction way;
};

static int read_rule(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {
		{"add", read_add},
		{"remove", read_remove},
		{"replace", read_replace},
		{"copy", read_copy},
		{"pass", read_pass},
		{"value", read_value},
		{"with", read_value},
		{"match", read_match},
		{"to", read_to},
		{"if", read_if},
	};
	struct rules *rules = to;
	struct cfg_rule *rule = &rules->all->rule[rules->way][rules->all->count[rules->way]++];
	int err;

	rule->line = node->line;
	err = cfg_map(r, node, keys, COUNT(keys), rule);
	return err ? err : check_rule(r, node, rule, rules->way);
}

static int read_way(struct cfg_reader *r, const struct cfg_node *node, struct cfg_rules *all,
	enum cfg_direction way)
{
	struct rules rules = {all, way};

	if (cfg_count(node) > 200)
		return cfg_fail(r, node, "expected at most 200 rules, found %u", cfg_count(node));
	all->rule[way] = calloc(cfg_count(node) + 1u, sizeof(*all->rule[way]));
	if (!all->rule[way])
		return -ENOMEM;
	return cfg_each(r, node, "a list of rules", read_rule, &rules);
}

static int read_in(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_way(r, node, to, CFG_IN);
}

static int read_out(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	return read_way(r, node, to, CFG_OUT);
}

int cfg_read_rules(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_key keys[] = {{"in", read_in}, {"out", read_out}};
	struct cfg_peer *p = to;

	p->trunk.rules = calloc(1, sizeof(*p->trunk.rules));
	if (!p->trunk.rules)
		return -ENOMEM;
	return cfg_map(r, node, keys, COUNT(keys), p->trunk.rules);
}

void cfg_rules_free(struct cfg_rules *rules)
{
	if (!rules)
		return;
	for (unsigned way = 0; way < 2; way++) {
		for (unsigned i = 0; i < rules->count[way]; i++) {
			if (rules->rule[way][i].has_match)
				regfree(&rules->rule[way][i].match);
			if (rules->rule[way][i].has_header_match)
				regfree(&rules->rule[way][i].header_match);
		}
		free(rules->rule[way]);
	}
	free(rules);
}
