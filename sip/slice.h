// SPDX-License-Identifier: BSD-3-Clause
//
// A slice: bytes inside somebody else's buffer. Everything that sip/ reads out of a message is a
// slice into the received bytes, so reading allocates nothing and a message costs what is asked of
// it. Whoever keeps a slice longer than the callback that showed it copies it first.
//
// Thread: none of its own; pure functions.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sip_slice {
	const char *p; // not terminated; may be NULL when n is 0
	size_t n;
};

// For printf("%.*s").
#define SIP_PRI(s) (int)(s).n, (s).p

static inline struct sip_slice sip_slice(const char *p, size_t n)
{
	struct sip_slice s = {p, n};
	return s;
}

// The slice of a C string, NULL gives the empty one.
static inline struct sip_slice sip_str(const char *z)
{
	return sip_slice(z, z ? strlen(z) : 0);
}

static inline struct sip_slice sip_slice_from(struct sip_slice s, size_t offset)
{
	return offset < s.n ? sip_slice(s.p + offset, s.n - offset) : sip_slice(s.p, 0);
}

static inline bool sip_slice_eq(struct sip_slice a, struct sip_slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

// Most comparisons fail at the first letter: those cost no call.
static inline bool sip_slice_ieq(struct sip_slice a, struct sip_slice b)
{
	return a.n == b.n &&
	       (a.n == 0 || (((a.p[0] ^ b.p[0]) & 0xdf) == 0 && strncasecmp(a.p, b.p, a.n) == 0));
}

static inline bool sip_slice_is(struct sip_slice s, const char *z)
{
	return sip_slice_eq(s, sip_str(z));
}

static inline bool sip_slice_iis(struct sip_slice s, const char *z)
{
	return sip_slice_ieq(s, sip_str(z));
}

// Without linear white space (space, tab, CR, LF: folded lines count as white space) at both ends.
struct sip_slice sip_slice_trim(struct sip_slice s);
// All of it must be digits. 0, -EINVAL (empty or another character) or -ERANGE (above max).
int sip_slice_u32(struct sip_slice s, uint32_t max, uint32_t *out);

#ifdef __cplusplus
}
#endif
