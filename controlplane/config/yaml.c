// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "controlplane/config/config.h"

#define CHUNK 16384u

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

struct builder {
	struct cfg_yaml *yaml;
	const char *file;
	struct cfg_error *error;
	struct cfg_node *open; // the list or map being filled
	char *key;             // of the value to come, in a map
	unsigned key_line, key_column;
	unsigned nodes, depth;
};

static void *take(struct cfg_yaml *yaml, size_t size)
{
	struct chunk *c = yaml->arena;
	void *p;

	size = (size + 15) & ~(size_t)15;
	if (!c || c->size - c->used < size) {
		size_t room = size > CHUNK ? size : CHUNK;

		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		*c = (struct chunk){.next = yaml->arena, .size = room};
		yaml->arena = c;
	}
	p = c->bytes + c->used;
	c->used += size;
	memset(p, 0, size);
	return p;
}

void cfg_yaml_free(struct cfg_yaml *yaml)
{
	struct chunk *c = yaml->arena;

	while (c) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
	*yaml = (struct cfg_yaml){0};
}

__attribute__((format(printf, 3, 4))) static int refuse(
	struct builder *b, const yaml_mark_t *mark, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	b->error->line = (unsigned)mark->line + 1;
	snprintf(b->error->text, sizeof(b->error->text), "%.180s:%u: %s", b->file, b->error->line,
		text);
	return -EINVAL;
}

static int copy_text(struct builder *b, const yaml_event_t *e, char **out)
{
	size_t n = e->data.scalar.length;

	if (memchr(e->data.scalar.value, '\0', n))
		return refuse(b, &e->start_mark, "expected text, found a NUL character in it");
	*out = take(b->yaml, n + 1);
	if (!*out)
		return -ENOMEM;
	memcpy(*out, e->data.scalar.value, n);
	return 0;
}

static int take_key(struct builder *b, const yaml_event_t *e)
{
	if (e->type != YAML_SCALAR_EVENT)
		return refuse(b, &e->start_mark, "expected a key, found a list or map");
	if (e->data.scalar.length == 0 || e->data.scalar.length >= CFG_YAML_KEY)
		return refuse(b, &e->start_mark,
			"expected a key of 1 to %u characters, found one of %zu", CFG_YAML_KEY - 1,
			e->data.scalar.length);
	b->key_line = (unsigned)e->start_mark.line + 1;
	b->key_column = (unsigned)e->start_mark.column + 1;
	return copy_text(b, e, &b->key);
}

static int add_node(
	struct builder *b, const yaml_event_t *e, enum cfg_node_kind kind, struct cfg_node **out)
{
	struct cfg_node *n;

	if (++b->nodes > CFG_YAML_NODES)
		return refuse(b, &e->start_mark, "expected at most %u values in the file",
			CFG_YAML_NODES);
	n = take(b->yaml, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->kind = kind;
	n->line = b->key ? b->key_line : (unsigned)e->start_mark.line + 1;
	n->column = b->key ? b->key_column : (unsigned)e->start_mark.column + 1;
	n->key = b->key;
	n->parent = b->open;
	b->key = NULL;
	if (b->open) {
		n->index = b->open->children++;
		if (b->open->last)
			b->open->last->next = n;
		else
			b->open->first = n;
		b->open->last = n;
	} else {
		b->yaml->root = n;
	}
	*out = n;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct cfg_node *const *x = a, *const *y = b;
	int order = strcmp((*x)->key, (*y)->key);

	return order ? order : (*x)->index < (*y)->index ? -1 : 1;
}

static int no_doubles(struct builder *b, const struct cfg_node *map)
{
	const struct cfg_node **all;
	unsigned n = 0;
	int err = 0;

	if (map->children < 2)
		return 0;
	all = malloc(map->children * sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (const struct cfg_node *c = map->first; c; c = c->next)
		all[n++] = c;
	qsort(all, n, sizeof(*all), by_key);
	for (unsigned i = 1; i < n && !err; i++) {
		yaml_mark_t mark = {.line = all[i]->line - 1};
		char path[256];

		if (strcmp(all[i]->key, all[i - 1]->key) != 0)
			continue;
		cfg_node_path(all[i], path, sizeof(path));
		err = refuse(b, &mark, "%.150s: expected each key once, found it in line %u too",
			path, all[i - 1]->line);
	}
	free(all);
	return err;
}

static int open_node(struct builder *b, const yaml_event_t *e, enum cfg_node_kind kind)
{
	struct cfg_node *n;
	int err;

	if (++b->depth > CFG_YAML_DEPTH)
		return refuse(b, &e->start_mark, "expected at most %u levels of lists and maps",
			CFG_YAML_DEPTH);
	err = add_node(b, e, kind, &n);
	if (!err)
		b->open = n;
	return err;
}

static int close_node(struct builder *b)
{
	struct cfg_node *n = b->open;

	b->depth--;
	b->open = (struct cfg_node *)(size_t)n->parent;
	return n->kind == CFG_NODE_MAP ? no_doubles(b, n) : 0;
}

static int add_text(struct builder *b, const yaml_event_t *e)
{
	struct cfg_node *n;
	int err = add_node(b, e, CFG_NODE_TEXT, &n);

	if (err)
		return err;
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return copy_text(b, e, &n->text);
}

// Anchors make graphs of trees, tags make types of text; neither helps a configuration.
static int no_extras(struct builder *b, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (e->type) {
	case YAML_ALIAS_EVENT:
		anchor = e->data.alias.anchor;
		break;
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor)
		return refuse(b, &e->start_mark,
			"expected a value, found an anchor or alias (\"%.40s\"): write the value "
			"out",
			(const char *)anchor);
	if (tag)
		return refuse(b, &e->start_mark, "expected a value, found a tag (\"%.40s\")",
			(const char *)tag);
	return 0;
}

static int take_event(struct builder *b, const yaml_event_t *e)
{
	int err = no_extras(b, e);

	if (err)
		return err;
	if (e->type == YAML_DOCUMENT_START_EVENT && b->yaml->root)
		return refuse(b, &e->start_mark, "expected one document, found a second (\"---\")");
	if (b->open && b->open->kind == CFG_NODE_MAP && !b->key &&
		e->type != YAML_MAPPING_END_EVENT)
		return take_key(b, e);
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return add_text(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(b, e, CFG_NODE_LIST);
	case YAML_MAPPING_START_EVENT:
		return open_node(b, e, CFG_NODE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_node(b);
	default:
		return 0;
	}
}

static bool indented_by_tab(const char *text, size_t size, size_t line)
{
	size_t i = 0;

	for (; line && i < size; i++)
		line -= text[i] == '\n';
	while (i < size && text[i] == ' ')
		i++;
	return i < size && text[i] == '\t';
}

static int syntax(struct builder *b, const yaml_parser_t *p, const char *text, size_t size)
{
	const char *problem = p->problem ? p->problem : "cannot be read";

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		yaml_mark_t mark = p->mark;

		return refuse(b, &mark, "expected YAML in UTF-8: %s (byte %zu)", problem,
			p->problem_offset);
	}
	if (indented_by_tab(text, size, p->problem_mark.line))
		return refuse(b, &p->problem_mark,
			"expected spaces before a key, found a tab: YAML is indented by spaces "
			"only");
	return refuse(b, &p->problem_mark, "expected YAML: %s%s%s (column %zu)", problem,
		p->context ? ", " : "", p->context ? p->context : "", p->problem_mark.column + 1);
}

int cfg_yaml_parse(struct cfg_yaml *yaml, const char *file, const void *text, size_t size,
	struct cfg_error *error)
{
	struct builder b = {.yaml = yaml, .file = file, .error = error};
	yaml_parser_t parser;
	bool end = false;
	int err = 0;

	*yaml = (struct cfg_yaml){0};
	if (size > CFG_YAML_BYTES)
		return refuse(&b, &(yaml_mark_t){0}, "expected at most %u bytes, found %zu",
			CFG_YAML_BYTES, size);
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, text, size);
	while (!err && !end) {
		yaml_event_t e;

		if (!yaml_parser_parse(&parser, &e)) {
			err = syntax(&b, &parser, text, size);
			break;
		}
		err = take_event(&b, &e);
		end = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	if (err)
		cfg_yaml_free(yaml);
	return err;
}

void cfg_node_path(const struct cfg_node *node, char *path, size_t size)
{
	const struct cfg_node *up[CFG_YAML_DEPTH + 1];
	unsigned n = 0;
	size_t used = 0;

	for (; node && node->parent && n <= CFG_YAML_DEPTH; node = node->parent)
		up[n++] = node;
	snprintf(path, size, "%s", n ? "" : "the file");
	while (n--) {
		int more;

		if (up[n]->key)
			more = snprintf(
				path + used, size - used, "%s%s", used ? "." : "", up[n]->key);
		else
			more = snprintf(path + used, size - used, "[%u]", up[n]->index);
		if (more < 0 || (size_t)more >= size - used)
			return;
		used += (size_t)more;
	}
}

const struct cfg_node *cfg_node_find(const struct cfg_node *map, const char *key)
{
	if (!map || map->kind != CFG_NODE_MAP)
		return NULL;
	for (const struct cfg_node *c = map->first; c; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c;
	return NULL;
}
