// SPDX-License-Identifier: BSD-3-Clause
// Time zones, read from the machine's own files (RFC 8536), because the C library knows one at a time
// only. Thread: immutable after loading.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cp_zone;

struct cp_local {
	int year;
	unsigned month, day; // from 1
	unsigned weekday;    // 0 Monday
	unsigned minute;     // of the day
	int64_t day_start;   // Unix time of its midnight
};

#ifdef __cplusplus
extern "C" {
#endif

// "Europe/Berlin"; empty: /etc/localtime, and UTC where there is none. 0 or -errno.
int cp_zone_load(struct cp_zone **out, const char *name);
int cp_zone_parse(struct cp_zone **out, const uint8_t *data, size_t n);
void cp_zone_free(struct cp_zone *zone); // NULL is fine

// Seconds east of Greenwich at this Unix time. `zone` NULL: UTC.
int32_t cp_zone_offset(const struct cp_zone *zone, int64_t unix_time);
void cp_zone_local(const struct cp_zone *zone, int64_t unix_time, struct cp_local *out);

#ifdef __cplusplus
}
#endif
