// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/rules.h"

#include <errno.h>
#include <stdio.h>

#include "controlplane/trunk/numbers.h"
#include "sip/build.h"

#define LINES 320u
#define ARENA 16384u // of values that rules made
#define VALUE 2048u  // of one that a rule looks at or makes

struct line {
	struct sip_slice name, value;
	struct sip_slice raw; // as it came; empty: a rule made it
};

struct work {
	const struct sip_message *m;
	struct line line[LINES];
	unsigned count;
	char arena[ARENA];
	size_t used;
	bool changed, full;
};

static bool is_named(struct sip_slice name, const char *wanted)
{
	enum sip_header_id id = sip_header_lookup(sip_str(wanted));

	if (id != SIP_H_OTHER)
		return sip_header_lookup(name) == id;
	return sip_slice_iis(name, wanted);
}

// What a regular expression reads: one line, ended by NUL. False when it is too long for that.
static bool flat(struct sip_slice value, char out[VALUE])
{
	size_t n = 0;

	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\r' || c == '\n')
			continue;
		if (n == VALUE - 1 || !c)
			return false;
		out[n++] = c == '\t' ? ' ' : c;
	}
	out[n] = 0;
	return true;
}

static struct sip_slice keep(struct work *w, const char *value, size_t n)
{
	char *to = w->arena + w->used;

	if (ARENA - w->used < n) {
		w->full = true;
		return sip_str("");
	}
	if (n)
		memcpy(to, value, n);
	w->used += n;
	return sip_slice(to, n);
}

static void add(struct work *w, const char *name, struct sip_slice value)
{
	if (w->count == LINES) {
		w->full = true;
		return;
	}
	w->line[w->count++] = (struct line){.name = sip_str(name), .value = value};
	w->changed = true;
}

// ---- conditions -------------------------------------------------------------------------------------

static const struct line *find(const struct work *w, const char *name)
{
	for (unsigned i = 0; i < w->count; i++)
		if (is_named(w->line[i].name, name))
			return &w->line[i];
	return NULL;
}

static bool matches_any(const struct work *w, const struct cfg_rule *rule)
{
	char value[VALUE];

	for (unsigned i = 0; i < w->count; i++)
		if (is_named(w->line[i].name, rule->present) && flat(w->line[i].value, value) &&
			regexec(&rule->header_match, value, 0, NULL, 0) == 0)
			return true;
	return false;
}

static bool holds(const struct work *w, const struct cfg_rule *rule)
{
	const struct sip_message *m = w->m;
	bool method = rule->method_count == 0;

	for (unsigned i = 0; i < rule->method_count; i++)
		method |= sip_slice_is(m->method_text, rule->methods[i]);
	if (!method || (rule->only == 1 && !m->is_request) || (rule->only == 2 && m->is_request))
		return false;
	if (rule->status_first &&
		(m->is_request || m->status < rule->status_first || m->status > rule->status_last))
		return false;
	if (rule->absent[0] && find(w, rule->absent))
		return false;
	if (rule->has_header_match)
		return matches_any(w, rule);
	return !rule->present[0] || find(w, rule->present);
}

// ---- what is done -----------------------------------------------------------------------------------

static void remove_all(struct work *w, const struct cfg_rule *rule)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->count; i++)
		if (!is_named(w->line[i].name, rule->name))
			w->line[kept++] = w->line[i];
	w->changed |= kept != w->count;
	w->count = kept;
}

static void replace(struct work *w, const struct cfg_rule *rule)
{
	char old[VALUE], made[VALUE];

	for (unsigned i = 0; i < w->count; i++) {
		struct line *line = &w->line[i];
		int n;

		if (!is_named(line->name, rule->name))
			continue;
		if (!rule->has_match) {
			n = snprintf(made, sizeof(made), "%s", rule->value);
		} else {
			// Without being read it cannot be changed, and it may not go on as it is.
			if (!flat(line->value, old)) {
				w->full = true;
				return;
			}
			n = cp_regex_replace(&rule->match, rule->value, old, made, sizeof(made));
		}
		if (n == -ENOENT)
			continue;
		if (n < 0) {
			w->full = true;
			return;
		}
		line->value = keep(w, made, (size_t)n);
		line->raw = sip_str("");
		w->changed = true;
	}
}

static void copy(struct work *w, const struct cfg_rule *rule)
{
	unsigned count = w->count;

	for (unsigned i = 0; i < count; i++)
		if (is_named(w->line[i].name, rule->name))
			add(w, rule->to, w->line[i].value);
}

static void apply(struct work *w, const struct cfg_rule *rule)
{
	switch (rule->kind) {
	case CFG_RULE_ADD:
		add(w, rule->name, sip_str(rule->value));
		break;
	case CFG_RULE_REMOVE:
		remove_all(w, rule);
		break;
	case CFG_RULE_REPLACE:
		replace(w, rule);
		break;
	case CFG_RULE_COPY:
		copy(w, rule);
		break;
	default: // pass: what carries headers over looks at it
		break;
	}
}

// ---- writing it again -------------------------------------------------------------------------------

static int put(const struct work *w, char *out, size_t size)
{
	const struct sip_message *m = w->m;
	struct sip_build b = sip_build(out, size);
	size_t start = m->count ? m->headers[0].name : 0;
	int err;

	sip_build_raw(&b, sip_slice(m->data, start));
	for (unsigned i = 0; i < w->count; i++) {
		const struct line *line = &w->line[i];

		if (line->raw.n) {
			sip_build_raw(&b, line->raw);
			continue;
		}
		sip_build_raw(&b, line->name);
		sip_build_raw(&b, sip_str(": "));
		sip_build_value(&b, line->value);
		sip_build_raw(&b, sip_str("\r\n"));
	}
	sip_build_raw(&b, sip_str("\r\n"));
	sip_build_raw(&b, sip_message_body(m));
	err = sip_build_check(&b);
	if (!err && b.n > SIP_MESSAGE_MAX)
		err = -ENOBUFS;
	return err ? err : (int)b.n;
}

static void begin(struct work *w, const struct sip_message *m)
{
	w->m = m;
	w->count = m->count;
	w->used = 0;
	w->changed = w->full = false;
	for (unsigned i = 0; i < m->count; i++)
		w->line[i] = (struct line){sip_header_name_of(m, i), sip_header_value_of(m, i),
			sip_header_line_of(m, i)};
}

bool cp_rule_holds(const struct cfg_rule *rule, const struct sip_message *m)
{
	struct work w;

	begin(&w, m);
	return holds(&w, rule);
}

int cp_rules_apply(const struct cfg_rules *rules, enum cfg_direction way,
	const struct sip_message *m, char *out, size_t size)
{
	struct work w; // 38 kB of stack, not cleared: only what is counted is read

	if (!rules || !rules->count[way] || !m->count)
		return 0;
	begin(&w, m);
	for (unsigned i = 0; i < rules->count[way] && !w.full; i++)
		if (holds(&w, &rules->rule[way][i]))
			apply(&w, &rules->rule[way][i]);
	if (w.full)
		return -ENOBUFS;
	return w.changed ? put(&w, out, size) : 0;
}
