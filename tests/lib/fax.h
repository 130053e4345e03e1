// SPDX-License-Identifier: BSD-3-Clause
// A fax machine, spandsp's: on T.38, with UDPTL (ITU-T T.38 9.1) and its redundancy, or on G.711. It sends one page, of
// a pattern that the receiver knows, or receives one.
//
// One thread owns a fax.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct fax;

// "send:FILE", "receive:FILE": by T.38; "audio-send:FILE", "audio-receive:FILE": on G.711 A, with RTP around it. FILE is
// a TIFF, written here first when it is to be sent. `transmit` gets each packet. NULL: not understood, or no memory.
struct fax *telefax_new(const char *spec, void (*transmit)(void *user, const uint8_t *packet, size_t size), void *user);
bool telefax_is_audio(const struct fax *f);
void telefax_free(struct fax *f);
// Every 20 ms.
void telefax_run(struct fax *f);
void telefax_receive(struct fax *f, const uint8_t *packet, size_t size);
// The page is through, on both sides.
bool telefax_done(const struct fax *f);
// "fax": {...}
void telefax_report(const struct fax *f, FILE *out);
