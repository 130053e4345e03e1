// SPDX-License-Identifier: BSD-3-Clause
// HTTP over libmicrohttpd, answered from the caller's thread: /metrics, /healthz and an index at /.
// GET and HEAD only. At most 64 connections, 16 from one address; 10 seconds of silence end one.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cfg_address;
struct st_http;

struct st_http_ops {
	// Writes the metrics. 0 or -errno.
	int (*metrics)(void *ctx, FILE *out);
	// Writes a line or two. True (200) when all is well, else 503.
	int (*health)(void *ctx, FILE *out);
};

#define ST_HTTP_ERROR 256u

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -errno, then `error` is one line that says what to do.
int st_http_start(struct st_http **out, const struct cfg_address *listen,
	const struct st_http_ops *ops, void *ctx, char error[ST_HTTP_ERROR]);
void st_http_stop(struct st_http *h);
int st_http_fd(const struct st_http *h);      // to be polled for reading
int st_http_timeout(const struct st_http *h); // ms until st_http_run() at the latest, -1: never
void st_http_run(struct st_http *h);
uint16_t st_http_port(const struct st_http *h);

#ifdef __cplusplus
}
#endif
