// SPDX-License-Identifier: BSD-3-Clause
// Attached to hawse-media and hawse-sip as a reader, each when it runs: region A comes from
// `<run>/media.sock`, region T from `<run>/sip.sock`. Either may end and start again; the reader notices
// the hang-up and attaches anew.
//
// One thread owns a reader. Never writes to what it maps; refuses regions of another version and
// regions whose offsets do not fit.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "stats/region.h"

struct st_link {
	char path[108];
	int socket; // -1: not attached
	int error;  // -errno of the last attempt that failed, 0 when attached
	uint64_t retry_at_us, retry_us;
	uint64_t attaches;
};

struct st_reader {
	struct st_link media, sip;
	struct st_a a; // valid while media.socket >= 0
	struct st_t t; // valid while sip.socket >= 0
	char name[24];
};

#ifdef __cplusplus
extern "C" {
#endif

// Attaches to nobody yet. 0 or -ENAMETOOLONG.
int st_reader_init(struct st_reader *r, const char *run, const char *name);
void st_reader_close(struct st_reader *r);

// Notices who went away, attaches to who is there (again), with back-off up to a second. Waits at most
// `timeout_ms` for each welcome. Call it before each look at the regions.
void st_reader_poll(struct st_reader *r, uint64_t now_us, int timeout_ms);

static inline bool st_has_media(const struct st_reader *r)
{
	return r->media.socket >= 0;
}

static inline bool st_has_sip(const struct st_reader *r)
{
	return r->sip.socket >= 0;
}

// One line that says why a process is not attached and what to do.
void st_explain(const struct st_link *link, const char *process, char *text, size_t size);

#ifdef __cplusplus
}
#endif
