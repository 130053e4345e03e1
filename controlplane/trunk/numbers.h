// SPDX-License-Identifier: BSD-3-Clause
// Telephone numbers between peers that write them differently. What comes in becomes canonical, "+" and
// E.164 wherever that can be known; routes, rates and limits see only that; what goes out is written as
// the peer there wants it.
//
//   in:   rewrite rules of the peer, then its prefixes: 0049301 and 0301 become +49301
//   out:  the form that the peer wants, then its rewrite rules
//
// What is no number (a name, a URN, an emergency or service number, which has no prefix of any kind)
// passes as it is, unless a rule says otherwise.
//
// Thread: pure functions.
#pragma once

#include "controlplane/config/config.h"
#include "sip/slice.h"

#define CP_NUMBER 128u

#ifdef __cplusplus
extern "C" {
#endif

// `of`: CFG_OF_CALLED or CFG_OF_CALLER. `n` NULL: as it is. Length, or -ENOBUFS; `out` ends with NUL.
int cp_number_receive(
	const struct cfg_numbers *n, unsigned of, struct sip_slice number, char out[CP_NUMBER]);
int cp_number_send(
	const struct cfg_numbers *n, unsigned of, struct sip_slice canonical, char out[CP_NUMBER]);

// With `with`'s \0 to \9 filled from what `match` finds in `text`; only the match is replaced. Length,
// -ENOENT when nothing matches, -ENOBUFS.
int cp_regex_replace(
	const regex_t *match, const char *with, const char *text, char *out, size_t size);

#ifdef __cplusplus
}
#endif
