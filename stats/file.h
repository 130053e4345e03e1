// SPDX-License-Identifier: BSD-3-Clause
// A file below a directory by the path of a URL, for the page that hawse-stats serves. What a browser may ask for
// are regular files whose path has no part that begins with a dot, no empty part and no control characters; the
// kernel resolves the rest and never leaves the directory (openat2, RESOLVE_BENEATH), whatever links lie in it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct st_file {
	int fd; // the caller's to close
	uint64_t size;
	const char *type; // for Content-Type
	bool lasting;     // named by what it holds (below assets/): it may be cached for ever
};

// `url` is a path without query, unescaped; "/" is /index.html. 0, -ENOENT for all that is not served (so that nobody
// learns what there is), or another -errno when the file cannot be read.
int st_file_open(int directory, const char *url, struct st_file *file);

#ifdef __cplusplus
}
#endif
