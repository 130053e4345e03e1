// SPDX-License-Identifier: BSD-3-Clause
// One line a fact, to stderr, as every process of Hawse writes them (logfmt):
//
//   time=2026-01-31T12:00:00.000Z level=info area=config call=00c0ffee00c0ffee msg="taken over ..."
//
// `time` is left out when stderr is systemd's journal, which has its own; `call` (as hawsectl prints it) is there
// when there is a call. What happens in every call goes to the trace (region T) and is counted; the log is for
// what an operator should look at, and at level debug for the events of calls as well.
//
// Levels may change while it runs, for all or for one area; they are not kept over a restart.
//
// Thread: any may log; one write() a line. cp_log_set() belongs to one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum cp_level {
	CP_LOG_ERROR,
	CP_LOG_WARNING,
	CP_LOG_INFO,
	CP_LOG_DEBUG,
};

#define CP_LOG_AREAS 16u // that have a level of their own

#ifdef __cplusplus
extern "C" {
#endif

// `call` 0: about none. Control bytes in the text become '?': it may hold what a peer sent.
void cp_log(enum cp_level level, const char *area, uint64_t call, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
// Would it be written? For what is dear to put into words.
bool cp_log_wants(enum cp_level level, const char *area);

// `area` NULL: the level of all, and none has its own any more. 0, -ENOSPC (too many areas), -EINVAL.
int cp_log_set(enum cp_level level, const char *area);
// "error", "warning", "info", "debug". 0 or -EINVAL.
int cp_log_level_parse(const char *text, enum cp_level *level);
const char *cp_log_level_name(enum cp_level level);
// The level of all (area NULL) or of the n-th area that has its own; -ENOENT past the last.
int cp_log_area(unsigned n, const char **area, enum cp_level *level);
enum cp_level cp_log_level(void);

#ifdef __cplusplus
}
#endif
