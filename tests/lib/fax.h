// SPDX-License-Identifier: BSD-3-Clause
// A fax machine on T.38: spandsp's terminal, and UDPTL (ITU-T T.38 9.1) with redundancy around it. It sends one page, of
// a pattern that the receiver knows, or receives one.
//
// One thread owns a fax.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct fax;

// `file`: a TIFF, written here first when it is to be sent. `transmit` gets each packet.
struct fax *telefax_new(bool sends, const char *file, void (*transmit)(void *user, const uint8_t *packet, size_t size),
	void *user);
void telefax_free(struct fax *f);
// Every 20 ms.
void telefax_run(struct fax *f);
void telefax_receive(struct fax *f, const uint8_t *packet, size_t size);
// The page is through, on both sides.
bool telefax_done(const struct fax *f);
// "fax": {...}
void telefax_report(const struct fax *f, FILE *out);
