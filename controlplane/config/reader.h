// SPDX-License-Identifier: BSD-3-Clause
// Inside controlplane/config: reading typed values from nodes, with errors that name file, line and
// key, what was expected and what was found. Every function answers 0, -EINVAL with the error
// written, or -ENOMEM.
#pragma once

#include "controlplane/config/config.h"
#include "controlplane/config/yaml.h"

struct cfg_reader {
	const char *file;
	struct cfg_error *error;
	struct cfg *cfg;
};

// A section: its keys in the order in which they are read, whatever their order in the file.
struct cfg_key {
	const char *name;
	int (*read)(struct cfg_reader *r, const struct cfg_node *node, void *to);
};

struct cfg_word {
	const char *name;
	int value;
	const char *refused; // why this word is known and yet not accepted
};

// "FILE:LINE: KEY: <text>"; answers -EINVAL.
int cfg_fail(struct cfg_reader *r, const struct cfg_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// "...: expected <expected>, found <what the node is>"; answers -EINVAL.
int cfg_expected(struct cfg_reader *r, const struct cfg_node *node, const char *expected);

// Reads the keys of a map and refuses those that are not in the table.
int cfg_map(struct cfg_reader *r, const struct cfg_node *map, const struct cfg_key *keys,
	size_t count, void *to);
// Calls `read` for each element of a list, or for the node itself when it is no list.
int cfg_each(struct cfg_reader *r, const struct cfg_node *node, const char *expected,
	int (*read)(struct cfg_reader *r, const struct cfg_node *node, void *to), void *to);
// How many times cfg_each() will call.
unsigned cfg_count(const struct cfg_node *node);

int cfg_text(struct cfg_reader *r, const struct cfg_node *node, char *text, size_t size,
	const char *expected);
int cfg_number(struct cfg_reader *r, const struct cfg_node *node, unsigned least, unsigned most,
	const char *unit, unsigned *value);
int cfg_choice(struct cfg_reader *r, const struct cfg_node *node, const struct cfg_word *words,
	size_t count, int *value);
// The reader of a key that is one of some words: `field` of the `type` that it is given takes the value of the word.
//     static CFG_WORD_READER(read_show, struct cfg_identity, show, {"pai", CFG_SHOW_PAI}, {"none", CFG_SHOW_NONE})
#define CFG_WORD_READER(name, type, field, ...)                                                    \
	int name(struct cfg_reader *r, const struct cfg_node *node, void *to)                      \
	{                                                                                          \
		static const struct cfg_word words[] = {__VA_ARGS__};                              \
		int value, err = cfg_choice(                                                       \
				   r, node, words, sizeof(words) / sizeof(words[0]), &value);      \
                                                                                                   \
		if (!err)                                                                          \
			((type *)to)->field = value;                                               \
		return err;                                                                        \
	}
// A name of ours: letters, digits, '-', '_' and '.', fewer than `size` bytes.
int cfg_name(struct cfg_reader *r, const struct cfg_node *node, const char *text, char *name,
	size_t size);
// An IP address that can be one machine's: no network, not 0.0.0.0, not multicast.
// `port`: 0 refuses one, 1 allows one, 2 demands one.
int cfg_host(
	struct cfg_reader *r, const struct cfg_node *node, int port, struct cfg_address *address);
bool cfg_host_usable(const struct cfg_address *address);
// "sip.example.com" or "sip.example.com:5070". 0 or -EINVAL.
int cfg_host_parse(struct cfg_host *host, const char *text);
bool cfg_same_ip(const struct cfg_address *a, const struct cfg_address *b);

// The most similar of names[0..count), NULL when none is near.
const char *cfg_nearest(const char *word, const char *const *names, size_t count);

// At most one byte more than a file of ours may have. `text` is the caller's to free.
int cfg_read_file(const char *file, char **text, size_t *size);

// ---- sections, in the order in which they are read

int cfg_read_media(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_dataplane(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_sip(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_stats(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_page(struct cfg_reader *r, const struct cfg_node *node, void *to); // of stats
int cfg_read_http_listen(
	struct cfg_reader *r, const struct cfg_node *node, struct cfg_address *address);
int cfg_read_peers(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_routes(struct cfg_reader *r, const struct cfg_node *node, void *to);

// ---- keys of a peer; `to` is its struct cfg_peer

int cfg_read_codecs(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_transcode(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_dtmf(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_t38(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_ringback(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_hold_music(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_announce(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_record(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_nat(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_numbers(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_rates(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_tariff(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_limits(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_health(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_failover(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_rules(struct cfg_reader *r, const struct cfg_node *node, void *to);

void cfg_numbers_free(struct cfg_numbers *numbers);
void cfg_limits_free(struct cfg_limits *limits);
void cfg_rules_free(struct cfg_rules *rules);
void cfg_trunk_free(struct cfg_trunk *trunk);
void cfg_codecs_free(struct cfg_codecs *codecs);
void cfg_route_free(struct cfg_route *route);

// Limits of whatever has some; the caller frees *limits, also after an error.
int cfg_limits_parse(
	struct cfg_reader *r, const struct cfg_node *node, struct cfg_limits **limits);
int cfg_read_prefixes(
	struct cfg_reader *r, const struct cfg_node *node, struct cfg_prefix_list *list);
// "0.05" as 50000 micro-units.
int cfg_read_money(struct cfg_reader *r, const struct cfg_node *node, int64_t *micro);
// The name of a time zone, such as Europe/Berlin.
int cfg_read_zone(struct cfg_reader *r, const struct cfg_node *node, char *zone, size_t size);
// The times of a route; `to` is its struct cfg_route.
int cfg_read_when(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_path(struct cfg_reader *r, const struct cfg_node *node, char **path);
// An extended regular expression; to be freed by regfree() when 0 came.
int cfg_read_regex(struct cfg_reader *r, const struct cfg_node *node, regex_t *regex, int flags);
// \0 to \9 in `with` must be groups that the expression has.
int cfg_check_groups(
	struct cfg_reader *r, const struct cfg_node *node, const char *with, size_t groups);

// ---- what crosses from one peer to another; `to` is its struct cfg_peer

int cfg_read_peer_transfer(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_peer_identity(struct cfg_reader *r, const struct cfg_node *node, void *to);
// What was not written is as its kind has it.
void cfg_default_identity(struct cfg_peer *p);

// ---- certificates

int cfg_read_certificate(struct cfg_reader *r, const struct cfg_node *node, void *tls);
int cfg_read_key(struct cfg_reader *r, const struct cfg_node *node, void *tls);
int cfg_read_authorities(struct cfg_reader *r, const struct cfg_node *node, void *tls);

// ---- what is done inside calls (session.c); `to` is the struct cfg_peer

void cfg_session_defaults(struct cfg_peer *p);
int cfg_read_session_timer(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_prack(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_silence(struct cfg_reader *r, const struct cfg_node *node, void *to);

// The map of a peer; `to` is its struct cfg_peer.
int cfg_read_peer_tls(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_srtp(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_read_suites(struct cfg_reader *r, const struct cfg_node *node, void *to);
int cfg_check_secure(struct cfg_reader *r, const struct cfg_node *node, struct cfg_peer *p);
