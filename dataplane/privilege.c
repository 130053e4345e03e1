// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int privilege_find(const char *name, struct privilege_user *user, char why[PRIVILEGE_WHY])
{
	const struct passwd *pw = getpwnam(name);

	if (!pw) {
		snprintf(why, PRIVILEGE_WHY,
			"user: no user %s on this machine; create it with: useradd --system %s",
			name, name);
		return -ENOENT;
	}
	*user = (struct privilege_user){.uid = pw->pw_uid, .gid = pw->pw_gid};
	return 0;
}

static int keep_only(unsigned capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	data[capability / 32].effective = data[capability / 32].permitted = 1u << capability % 32;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int privilege_drop(const struct privilege_user *user, char why[PRIVILEGE_WHY])
{
	int err = 0;

	if (geteuid() == user->uid)
		return 0;
	// Kept by this thread alone; glibc changes the ids of all.
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(user->gid, user->gid, user->gid) < 0 ||
		setresuid(user->uid, user->uid, user->uid) < 0)
		err = -errno;
	if (!err)
		err = keep_only(CAP_NET_ADMIN);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
	if (err)
		snprintf(why, PRIVILEGE_WHY, "cannot become user %u: %s", (unsigned)user->uid,
			strerror(-err));
	return err;
}
