// SPDX-License-Identifier: BSD-3-Clause
// Becoming an ordinary user after start: of root's powers only CAP_NET_ADMIN stays (to keep neighbours
// alive and to take the XDP program off at the end), and only with the main thread. Workers keep none.
//
// Main thread. Errors: 0 or -errno, with one line in `why`.
#pragma once

#include <sys/types.h>

#define PRIVILEGE_WHY 256

struct privilege_user {
	uid_t uid;
	gid_t gid;
};

// -ENOENT: nobody has that name.
int privilege_find(const char *name, struct privilege_user *user, char why[PRIVILEGE_WHY]);

// Does nothing when we are that user already.
int privilege_drop(const struct privilege_user *user, char why[PRIVILEGE_WHY]);
