// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int cp_drop_privileges(const char *user, int cdr, int legs, struct cp_tregion *tregion,
	struct cp_control *control, struct cp_survive *survive, struct cp_phones *phones,
	const struct cp_history *history, char *why, size_t size)
{
	const struct passwd *pw;
	int err = 0;

	if (!user[0])
		return 0;
	pw = getpwnam(user);
	if (!pw) {
		snprintf(why, size,
			"user: no user %s on this machine; create it with: useradd --system %s",
			user, user);
		return -ENOENT;
	}
	if (geteuid() == pw->pw_uid)
		return 0;
	// After a rotation the CDR file is made anew by this user.
	if ((cdr >= 0 && fchown(cdr, pw->pw_uid, pw->pw_gid) < 0) ||
		(legs >= 0 && fchown(legs, pw->pw_uid, pw->pw_gid) < 0))
		err = -errno;
	if (!err)
		err = cp_tregion_own(tregion, pw->pw_uid, pw->pw_gid);
	if (!err)
		err = cp_control_own(control, pw->pw_uid, pw->pw_gid);
	if (!err)
		err = cp_survive_own(survive, pw->pw_uid, pw->pw_gid);
	if (!err)
		err = cp_phones_own(phones, pw->pw_uid, pw->pw_gid);
	if (!err)
		err = cp_history_own(history, pw->pw_uid, pw->pw_gid);
	if (!err && (initgroups(user, pw->pw_gid) < 0 ||
			    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
			    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0 ||
			    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		err = -errno;
	if (err)
		snprintf(why, size, "cannot become user %s: %s", user, strerror(-err));
	return err;
}
