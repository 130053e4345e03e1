// SPDX-License-Identifier: BSD-3-Clause
// The files of one directory over HTTPS, from the caller's thread: where the web phone comes from. GET and HEAD only, TLS
// 1.2 and 1.3 only. Every answer says what a page of ours may do (Content-Security-Policy: its own files, secure
// WebSockets to anywhere, the microphone and the camera). At most 256 connections, 32 from one address; 30 seconds of
// silence end one. Nothing else is served there, no metrics.
#pragma once

#include <stdint.h>

#include "controlplane/config/config.h"

struct st_page;

#define ST_PAGE_ERROR 512u

#ifdef __cplusplus
extern "C" {
#endif

// Listens, and serves nothing yet. Wants the privilege for the port. 0 or -errno, then `error` is one line that says
// what to do.
int st_page_open(struct st_page **out, const struct cfg_page *cfg, char error[ST_PAGE_ERROR]);
// Reads directory, certificate and key and serves by them from now on. As often as they change: an error leaves what was.
int st_page_load(struct st_page *p, char error[ST_PAGE_ERROR]);
void st_page_close(struct st_page *p);

int st_page_fd(
	const struct st_page *p); // to be polled for reading; another one after st_page_load()
int st_page_timeout(const struct st_page *p); // ms until st_page_run() at the latest, -1: never
void st_page_run(struct st_page *p);
uint16_t st_page_port(const struct st_page *p);

#ifdef __cplusplus
}
#endif
