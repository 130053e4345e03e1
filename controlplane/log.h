// SPDX-License-Identifier: BSD-3-Clause
// One line a fact, to stderr, as every process of Hawse does: "LEVEL area: text", and the call's id
// (16 hexadecimal digits, as hawsectl prints it) when there is a call. What happens in every call
// goes to the trace (region T) and is counted; the log is for what an operator should look at.
//
// Thread: any; one write() a line, no state.
#pragma once

#include <stdint.h>

enum cp_level {
	CP_LOG_ERROR,
	CP_LOG_WARNING,
	CP_LOG_INFO,
};

#ifdef __cplusplus
extern "C" {
#endif

// `call` 0: about none. Control bytes in the text become '?': it may hold what a peer sent.
void cp_log(enum cp_level level, const char *area, uint64_t call, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif
