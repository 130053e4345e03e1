// SPDX-License-Identifier: BSD-3-Clause
// What hawsectl says to hawse-sip over `<run>/control.sock`, a SOCK_SEQPACKET Unix socket: one request, in
// as many packets as it needs, then one answer until the server hangs up.
//
//   request: 16 bytes of struct cp_wire_head, little endian, then `words` words, each ended by a NUL:
//            first those of the command ("call", "hangup"), then its arguments. A whole configuration
//            may be one of them.
//   answer:  one JSON object and a newline: {"ok": true, ...} or {"ok": false, "error": "...", "code": -22}
//
// The parser takes bytes of anybody who may open the socket; it keeps nothing and copies nothing.
// Depends on libc only: hawsectl uses it too. Thread: any.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CP_WIRE_MAGIC  0x31435748u // "HWC1"
#define CP_WIRE_WORDS  16u
#define CP_WIRE_BYTES  ((4u << 20) + 65536u) // of all words: a configuration, and some
#define CP_WIRE_PACKET 32768u                // no packet is longer
#define CP_WIRE_SOCKET "control.sock"

struct cp_wire_head {
	uint32_t magic;
	uint32_t words; // 1..CP_WIRE_WORDS
	uint32_t size;  // bytes behind the head
	uint32_t zero;
};

struct cp_wire_request {
	unsigned count;
	const char *words[CP_WIRE_WORDS]; // in the bytes that were parsed
};

#ifdef __cplusplus
extern "C" {
#endif

// Bytes of the whole request that begins so, as far as its head says; 0: the head is not whole yet;
// -EPROTO: this is no request.
long cp_wire_size(const uint8_t *bytes, size_t n);
// A whole request, of exactly the n bytes that cp_wire_size() said. 0 or -EPROTO.
int cp_wire_parse(const uint8_t *bytes, size_t n, struct cp_wire_request *request);
// The request that says these words, malloc. 0, -EINVAL (too many, none), -E2BIG, -ENOMEM.
int cp_wire_pack(const char *const *words, unsigned count, uint8_t **bytes, size_t *n);

#ifdef __cplusplus
}
#endif
