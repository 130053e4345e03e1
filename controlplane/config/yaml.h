// SPDX-License-Identifier: BSD-3-Clause
// A YAML file as a tree of nodes that know their line and column. Thread: any, no shared state.
//
// Refuses what a configuration does not need and an attacker or a slip would use: anchors and
// aliases, tags, several documents, keys that are not plain words, doubled keys, NUL in text, more
// than CFG_YAML_DEPTH levels, CFG_YAML_NODES nodes or CFG_YAML_BYTES bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cfg_error;

#define CFG_YAML_BYTES (4u << 20)
#define CFG_YAML_NODES 200000u
#define CFG_YAML_DEPTH 16u
#define CFG_YAML_KEY   64u

enum cfg_node_kind {
	CFG_NODE_TEXT,
	CFG_NODE_LIST,
	CFG_NODE_MAP,
};

struct cfg_node {
	enum cfg_node_kind kind;
	unsigned line, column; // from 1; of the key when the node is the value of one
	bool quoted;           // text written in quotes or as a block
	char *key;             // in a map: its key
	char *text;
	const struct cfg_node *parent;
	struct cfg_node *first, *last, *next; // children of a list or map, in the file's order
	unsigned children;
	unsigned index; // among its parent's children
};

struct cfg_yaml {
	struct cfg_node *root; // NULL: the file is empty
	void *arena;
};

// 0, -EINVAL with error->text and line filled, or -ENOMEM.
int cfg_yaml_parse(struct cfg_yaml *yaml, const char *file, const void *text, size_t size,
	struct cfg_error *error);
void cfg_yaml_free(struct cfg_yaml *yaml);

// "media.public.ports", "routes[0].to"; "the file" for the root.
void cfg_node_path(const struct cfg_node *node, char *path, size_t size);
// The child of a map, NULL when there is none.
const struct cfg_node *cfg_node_find(const struct cfg_node *map, const char *key);
