// SPDX-License-Identifier: BSD-3-Clause
// Inside controlplane/config: the keys of peers that have to do with phones and registering. What they mean
// stands in config.h.
#pragma once

#include "controlplane/config/reader.h"

int cfg_read_domain(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_realm(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_users(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_digest(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_expires(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_contacts(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_keepalive(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_allow(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_deny(struct cfg_reader *r, const struct cfg_node *node, void *peer);
int cfg_read_register(struct cfg_reader *r, const struct cfg_node *node, void *peer);
// sip: {ban: ...}, {allow: ...}, {deny: ...}; `to` is nothing.
int cfg_read_ban(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_sip_allow(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_sip_deny(struct cfg_reader *r, const struct cfg_node *node, void *to);

// When all keys of the peer are read: what they say together.
int cfg_check_access(struct cfg_reader *r, const struct cfg_node *node, struct cfg_peer *peer);
void cfg_access_free(struct cfg_access *access);
void cfg_register_free(struct cfg_register *reg);
