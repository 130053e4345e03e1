// SPDX-License-Identifier: BSD-3-Clause
// RTP with an account of every packet, for test peers. Each packet carries who sent it, in which
// call, its number from 0 and when; the receiver so knows what was lost, doubled, out of order,
// sent to the wrong call or changed on the way, and how long it took (sender and receiver share
// this machine's clock).
//
// One thread owns a stream. Refuses nothing: what is not ours is counted as foreign.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct fax;
struct tone;

#define RTP_FRAME   160 // payload octets of 20 ms of G.711
#define RTP_SOURCES 4
#define RTP_BUCKETS 64

struct rtp_source {
	struct sockaddr_storage address;
	uint64_t packets;
};

// What makes packets SRTP, and reads them, in place; up to 64 bytes longer. NULL functions: nothing does.
struct rtp_guard {
	bool (*protect)(void *state, uint8_t *packet, int *size, bool rtcp);
	bool (*unprotect)(void *state, uint8_t *packet, int *size, bool rtcp);
	void *state;
};

struct rtp_stream {
	struct fax *fax; // NULL: none. Owned
	bool fax_on;     // the stream is T.38 now
	uint64_t next_fax;
	struct tone *tone; // NULL: packets with an account of each. Owned
	struct rtp_guard guard;
	bool guard_due;    // keys come with the other side's SDP: what is here before waits in its socket
	uint64_t interval; // ns between packets
	bool plain;        // sends in clear whatever the guard is
	int fd, rtcp_fd;   // -1 when closed
	uint16_t port;
	// Sending.
	struct sockaddr_storage remote, rtcp_remote;
	bool has_remote, mux;
	uint32_t sender, call, ssrc;
	uint16_t first_seq;
	uint32_t first_ts;
	uint8_t payload_type;
	uint64_t to_send, sent, send_errors, rtcp_sent;
	uint64_t next_send, next_rtcp, rtcp_interval; // ns
	// Receiving.
	bool heard;
	uint32_t heard_sender, heard_call, heard_ssrc, expect_ts;
	uint16_t expect_seq;
	uint64_t heard_first, heard_max; // packet numbers
	uint64_t received, doubled, reordered, crossed, corrupt, foreign, unauthentic,
		rtcp_received;
	uint64_t last_arrival, max_gap, first_arrival; // ns
	uint8_t *seen;                                 // one bit a packet number
	size_t seen_bits;
	struct rtp_source sources[RTP_SOURCES], rtcp_sources[RTP_SOURCES];
	// The remote addresses that were announced to us, for checking the sources at the end.
	struct sockaddr_storage announced[RTP_SOURCES];
	unsigned announced_count;
};

// Latencies of a whole process, in powers of 2^(1/4) microseconds.
struct rtp_latency {
	uint64_t bucket[4 * 24];
	uint64_t max, count;
};

uint64_t rtp_now(void); // CLOCK_MONOTONIC, ns

// Binds the RTP port and the RTCP port above it at `local` (its port is ignored). 0 or -errno.
int rtp_open(struct rtp_stream *s, const struct sockaddr_storage *local, uint16_t port);
void rtp_close(struct rtp_stream *s);

// Where to send from now on. Remembers it as an announced source too.
void rtp_set_remote(
	struct rtp_stream *s, const struct sockaddr_storage *rtp, uint16_t rtcp_port, bool mux);

// Sends what is due; returns when the next packet is due, or UINT64_MAX.
uint64_t rtp_send_due(struct rtp_stream *s, uint64_t now);

// For its fax: a packet of UDPTL.
void rtp_send_fax(void *stream, const uint8_t *packet, size_t size);
// Reads all that waits in the socket.
void rtp_receive(struct rtp_stream *s, struct rtp_latency *latency);
void rtp_receive_rtcp(struct rtp_stream *s);

uint64_t rtp_lost(const struct rtp_stream *s);
uint64_t rtp_wrong_source(const struct rtp_stream *s);

// "key": value pairs, without braces.
void rtp_report(const struct rtp_stream *s, FILE *out);
void rtp_report_latency(const struct rtp_latency *l, FILE *out);

// Address helpers shared by the peers. The text is "10.0.0.1:5060", "[fd00::1]:5060" or without a
// port.
int rtp_parse_address(const char *text, uint16_t default_port, struct sockaddr_storage *out);
const char *rtp_address_text(const struct sockaddr_storage *a, char *buf, size_t size);
const char *rtp_host_text(const struct sockaddr_storage *a, char *buf, size_t size); // no brackets
uint16_t rtp_port_of(const struct sockaddr_storage *a);
void rtp_set_port(struct sockaddr_storage *a, uint16_t port);
socklen_t rtp_address_size(const struct sockaddr_storage *a);
bool rtp_same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
