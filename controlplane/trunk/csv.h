// SPDX-License-Identifier: BSD-3-Clause
// Tables in files: one record a line, fields between commas or semicolons, blanks around them and quotes
// left out, empty lines and lines that begin with '#' passed over. A first line whose first field is
// "prefix" is a head and passed over too. Errors name file and line.
//
// Thread: any; nothing is shared.
#pragma once

#include "controlplane/config/config.h"

#define CP_CSV_FIELDS 20u

struct cp_csv {
	const char *file;
	char *text; // whole, cut up as it is read
	size_t size, at;
	unsigned line; // of the record that was read last
	char *field[CP_CSV_FIELDS];
	unsigned fields;
};

#ifdef __cplusplus
extern "C" {
#endif

// Reads the file, at most 1 GiB. 0 or -errno with `error` written.
int cp_csv_open(struct cp_csv *csv, const char *file, struct cfg_error *error);
// The same from memory, which it copies.
int cp_csv_parse(struct cp_csv *csv, const char *file, const void *text, size_t size,
	struct cfg_error *error);
void cp_csv_close(struct cp_csv *csv);
// The next record. 1, 0 at the end, or -EINVAL with `error` written.
int cp_csv_next(struct cp_csv *csv, struct cfg_error *error);
// "FILE:LINE: <text>"; answers -EINVAL.
int cp_csv_fail(const struct cp_csv *csv, struct cfg_error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// The lines that are left, at most: how much room the records need.
size_t cp_csv_lines(const struct cp_csv *csv);

#ifdef __cplusplus
}
#endif
