// SPDX-License-Identifier: BSD-3-Clause
// The users of an access peer: a YAML file of its own, since it holds secrets. Read by hawse-sip alone.
//
//   alice: {password: correct horse, number: "+493012345", caller: Alice Adams, contacts: 3}
//   bob:   {ha1: {md5: 0123..., sha-256: 4567..., sha-512-256: 89ab...}, limits: {calls: 2, minutes: 600}}
//
// A password serves every algorithm; ha1 is H(user:realm:password), the realm being the peer's, and serves
// its own. `number` is what others see and what is dialled for the user besides the name; `caller` the name
// that is shown with it. `contacts`: how many phones at once, instead of the peer's. `limits`: as those of a peer
// (trunk.h), beside them: `in` what the user calls, `out` what calls him; days are those of the peer's zone.
//
// Secrets are wiped when freed, never in an error, and copied nowhere.
//
// Thread: immutable after loading.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cfg_error;
struct cfg_limits;

#define CFG_USER_NAME 64u
#define CFG_HASHES    3u // as enum sip_digest_algorithm: md5, sha-256, sha-512-256

struct cfg_user {
	char *name;
	char *number;          // NULL: none
	char *caller;          // NULL: none
	char *password;        // NULL: only ha1
	char *ha1[CFG_HASHES]; // hexadecimal, small letters; NULL: none
	uint16_t contacts;     // 0: as the peer says
	struct cfg_limits *limits; // NULL: none
	unsigned line;
};

struct cfg_users {
	struct cfg_user *users;
	unsigned count;
	uint32_t *by_name, *by_number; // 1 + index, 0: empty
	uint32_t mask;
};

#ifdef __cplusplus
extern "C" {
#endif

// 0, or -errno with one line in `error`. NULL is allowed for freeing.
int cfg_users_load(struct cfg_users **out, const char *file, struct cfg_error *error);
int cfg_users_parse(struct cfg_users **out, const char *file, const void *text, size_t size,
	struct cfg_error *error);
void cfg_users_free(struct cfg_users *users);

// NULL: none.
const struct cfg_user *cfg_users_find(const struct cfg_users *users, const char *name, size_t n);
const struct cfg_user *cfg_users_by_number(
	const struct cfg_users *users, const char *number, size_t n);

#ifdef __cplusplus
}
#endif
