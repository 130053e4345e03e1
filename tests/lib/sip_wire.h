// SPDX-License-Identifier: BSD-3-Clause
// How sip_peer sends and receives: UDP, TCP, or TLS by OpenSSL used in the plainest way, apart from the
// product's own. A connection is found by its remote address; a request to where none leads opens one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct peer;

enum wire_kind {
	WIRE_UDP,
	WIRE_TCP,
	WIRE_TLS,
};

struct wire_options {
	enum wire_kind kind;
	const char *certificate, *key,
		*authorities; // PEM; authorities: the other side must have one of theirs
	unsigned split;       // octets written at once on a stream, 1 ms apart; 0: all
};

struct wire;

// Listens at p->local. 0 or -errno.
int wire_open(struct peer *p, const struct wire_options *options);
void wire_send(struct peer *p, const char *data, size_t size, const struct sockaddr_storage *to);
// The listening or UDP socket, or a connection (`connection` is what wire_watch() was given), can be read.
void wire_read(struct peer *p, void *connection);
// Closes every connection.
void wire_hang_up(struct peer *p);
bool wire_is_stream(const struct peer *p);
const char *wire_name(const struct peer *p);  // of a Via
const char *wire_param(const struct peer *p); // of a Contact
// Appends "connections": ..., "tls": ... to the report.
void wire_report(const struct peer *p, void *file);
