// SPDX-License-Identifier: BSD-3-Clause
// Just enough SIP and SDP text for a test peer, written apart from the product's own parser so that
// the two can disagree. Works on NUL-terminated copies; every function tolerates anything that
// comes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct sip_line {
	bool request;
	char method[16]; // of a request, or from CSeq of a response
	int code;        // of a response
	char uri[256];   // of a request
	unsigned cseq;
	char call_id[128];
};

// The start line, CSeq and Call-ID. False when one of them is missing.
bool sip_read(const char *message, struct sip_line *out);

// The value of the index-th header of that name (or its compact form), folded lines not supported.
// False if absent.
bool sip_header(const char *message, const char *name, int index, char *out, size_t size);

// The body, or "".
const char *sip_body(const char *message);

// The value of ;tag= in a From or To value, or of any other parameter.
bool sip_parameter(const char *value, const char *name, char *out, size_t size);

// The URI between < and >, or up to the first ';'.
bool sip_uri_of(const char *value, char *out, size_t size);

// host and port of a sip: URI (numeric hosts only).
bool sip_uri_address(const char *uri, struct sockaddr_storage *out);

struct sdp_audio {
	bool fax; // m=image
	struct sockaddr_storage rtp;
	uint16_t rtcp_port;
	bool mux;
	char direction[12]; // sendrecv, sendonly, recvonly or inactive; "zero" when c= is 0.0.0.0
			    // or ::
	int payload_type;   // the first one offered
	unsigned version;   // of o=
	char profile[24];
	char crypto[12][256]; // behind "a=crypto:"
	int crypto_count;
};

// The first audio stream. False when there is none, or no address for it.
bool sdp_read(const char *body, struct sdp_audio *out);

struct sdp_shape {
	const struct sockaddr_storage *local; // its port is the RTP port
	const char *direction;                // as in sdp_audio
	unsigned long session;
	unsigned version;
	bool mux;
	const char *profile, *crypto; // a whole line, or ""
	const char *codecs; // payload types of m=, for instance "8 101"
	const char *lines;  // what is said of them; NULL: as is usual
	bool fax;           // T.38 instead
};

// Writes a body of one audio stream; returns its length.
size_t sdp_write(const struct sdp_shape *shape, char *out, size_t size);
