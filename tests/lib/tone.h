// SPDX-License-Identifier: BSD-3-Clause
// A tone that a test peer sends in a codec, what it hears of the other side's, and digits both ways: telephone-events
// (RFC 4733) and tones in the audio. By the codecs' own libraries, nothing of Hawse.
//
// One thread owns a tone.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct tone;

// "CODEC:TYPE:HZ:EXPECTED[:EVENTS]", as in "opus:111:700:1100:110": what is sent by which payload type, the
// frequencies of both sides, and the payload type of telephone-events. Codecs: PCMU PCMA G722 opus G729 AMR-WB.
// NULL: not understood.
struct tone *tone_new(const char *spec);
void tone_free(struct tone *t);

// The next 20 ms: a packet behind the 12 octets of its header, which the caller fills in but for the marker, type
// and timestamp. Its size.
size_t tone_send(struct tone *t, uint8_t *packet, size_t room);
void tone_receive(struct tone *t, const uint8_t *packet, size_t size);

// Sends a digit ("0123456789*#ABCD") by events, or as a tone in the audio, for so long, and is silent then.
void tone_digit(struct tone *t, char digit, unsigned ms, bool by_event);
// From now on in another codec: "CODEC:TYPE".
bool tone_switch(struct tone *t, const char *spec);
// Sends nothing of its own frequency (0), or again (1).
void tone_speak(struct tone *t, bool on);
// A digit that came by another way: 'i' is INFO.
void tone_note(struct tone *t, char how, char digit, unsigned ms);
// "e5" by event, "t5" as a tone, "i5" by INFO: has it come?
bool tone_heard(const struct tone *t, const char *what);
// Milliseconds of the expected frequency so far.
unsigned tone_heard_ms(const struct tone *t);

// "tone": {...}
void tone_report(const struct tone *t, FILE *out);
