// SPDX-License-Identifier: BSD-3-Clause
// The one configuration file, read whole and validated whole by every process, so that what
// `hawse-sip --check` accepts hawse-media accepts too. Each process then takes what it needs.
//
// Read with libyaml, which keeps line and column of every node. Everything that is not written has
// the default said beside the member. Unknown keys, doubled keys and values out of range are
// errors. An error names file, line and key, and what was expected:
//   /etc/hawse/hawse.yaml:7: media.public.ports: expected a range such as 20000-59999, found "2000"
//
// Depends on libc and libyaml only. A loaded configuration is immutable; any thread may read it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controlplane/config/codecs.h"
#include "controlplane/config/trunk.h"

#define CFG_NAME            32u  // bytes of a name, NUL included
#define CFG_PATH            104u // fits a Unix socket's sun_path with the file name appended
#define CFG_PORT_SIP        5060u
#define CFG_INTERFACES      30u // of media, as many as hawse-media can take
#define CFG_MEDIA_ADDRESSES 1024u

struct cfg_address {    // an IP address, maybe with a port, maybe a network
	uint8_t ip[16]; // IPv4 in the first four bytes
	uint8_t family; // 4 or 6
	uint8_t prefix; // 32 or 128 for a host
	uint16_t port;  // 0 when not written
};

// media: {public: {device: eth0, address: 203.0.113.10, ports: 20000-59999}}
struct cfg_media {
	char name[24];
	char device[128]; // a Linux interface ("eth0"), "tap:NAME", or what DPDK's EAL takes:
			  // "net_pcap0,...", "0000:03:00.0"
	struct cfg_address *addresses; // at least one; no two the same in the whole file
	unsigned address_count;
	uint16_t first_port; // even, >= 1024; default 20000
	uint16_t last_port;  // odd; default 59999
	uint8_t queues;      // 0: one per worker; AF_XDP: of the interface
	uint16_t vlan;       // 802.1Q tag of the network, of a device that DPDK owns; 0: untagged
};

enum cfg_poll {
	CFG_POLL_AUTO,     // busy on cores that are dedicated (dataplane/dedicated.h), else adaptive
	CFG_POLL_ADAPTIVE, // sleep when idle
	CFG_POLL_BUSY,
};

// dataplane: {workers: 1, cores: [1], poll: auto, sessions: 10000, memory: 256, ...}
struct cfg_dataplane {
	unsigned workers; // 1..63; default 1
	int cores[64];    // one per worker; core_count 0: not pinned by the file
	unsigned core_count;
	int agent_core; // -1: not pinned
	enum cfg_poll poll; // default auto
	unsigned sessions;   // capacity; default 10000; at most 2097152
	unsigned memory;     // MiB for DPDK without hugepages; default 256
	unsigned quarantine; // seconds that freed ports rest; default 5
	unsigned grace;      // seconds until an unclaimed session is swept; default 30
	// transcoders: 2, transcoder_cores: [2, 3]: threads that turn one codec into another; 0: none. Default: one
	// for each CPU that no worker and no agent needs, at least one, at most 16.
	int transcoders; // -1: not written
	int transcoder_cores[64]; // any of them may run on any; none: on those that no worker was given
	unsigned transcoder_core_count;
};

enum cfg_transport {
	CFG_UDP,
	CFG_TCP,
	CFG_TLS,
	CFG_WS,
	CFG_WSS,
};

struct cfg_listen { // "udp:203.0.113.10", "udp:[2001:db8::1]:5062"
	enum cfg_transport transport;
	struct cfg_address address; // port 0: the transport's default, filled in by the loader
};

enum cfg_strangers {
	CFG_REFUSE, // 403 to a request of no known peer
	CFG_IGNORE, // silence
};

// Files in PEM. Read when a process starts and again when it is told to.
struct cfg_tls {
	char certificate[256]; // the whole chain; empty: none
	char key[256];         // empty: in the certificate's file
	char authorities[256]; // whom to trust; empty: those of the system
	char name[256];        // peers: see cfg_peer.tls
	bool insecure;         // peers: verify: no. Any certificate will do
};

// allow: [192.0.2.0/24, ...], deny: [...]: who may send. The longest network that holds an address decides, a
// network in both lists is an error; what is in neither may send unless there is an allow list.
struct cfg_acl {
	struct cfg_address *networks; // longest prefix first
	bool *denied;                 // beside it
	unsigned count, allowed, capacity;
};

// sip: {ban: {failures: 10, window: 60, time: 3600}}, {ban: no}. An address from which so many wrong
// passwords, unknown users or scans came within `window` seconds is not listened to for `time` seconds.
struct cfg_ban {
	unsigned failures; // 0: never
	unsigned window;
	unsigned time;
};

// sip: {listen: [...], certificate: FILE, key: FILE, authorities: FILE, strangers: refuse, ...}
struct cfg_sip {
	struct cfg_listen *listen;
	unsigned listen_count;
	enum cfg_strangers strangers;
	unsigned media_timeout; // seconds; default 30; 0: never
	unsigned ring_timeout;  // seconds without a final answer until 408 (Timer C); default 180
	unsigned max_calls;     // default 10000: size of the call table
	unsigned trace;         // MiB of the trace kept; default 16, a power of two
	unsigned shards;        // 1..16, default 1
	struct cfg_tls tls; // ours: of tls: and wss: listeners, and towards peers without their own
	char nameservers[256];  // "192.0.2.53:53,..."; empty: those of the system
	char emergency[16][32]; // numbers that are served first; default 112, 911, urn:service:sos
	unsigned emergency_count;
	unsigned stranger_rate; // requests a second of one unknown address; default 20; 0: no bound
	unsigned shed_after; // ms that a new call may have waited to be taken; default 100; 0: ever
	struct cfg_ban ban;  // default 10 failures in 60 seconds for an hour
	struct cfg_acl acl;  // of every listener
	char user_agent[64]; // default "Hawse"; empty: no User-Agent and Server headers
};

enum cfg_kind {
	CFG_TRUNK,
	CFG_ACCESS,
	CFG_WEBRTC,
};

// How a peer's media are secured; see sip/sdp/secure.h. Browsers: DTLS, and nothing else.
enum cfg_srtp {
	CFG_SRTP_ACCEPT,      // plain RTP is offered, SRTP is taken where it is offered. The default
	CFG_SRTP_OFF,         // plain RTP only
	CFG_SRTP_BEST_EFFORT, // SRTP is offered so that plain RTP may be the answer (RFC 8643)
	CFG_SRTP_SDES,        // SRTP with keys in the SDP (RFC 4568), or no call
	CFG_SRTP_DTLS,        // SRTP with keys by DTLS (RFC 5763), or no call
	CFG_SRTP_PASS,        // the parties' own keys, untouched, where the other side has it too
};

#define CFG_SUITES 8u

enum cfg_refresher { // as enum sip_st_refresher
	CFG_REFRESH_EITHER,
	CFG_REFRESH_HAWSE,
	CFG_REFRESH_PEER,
};

// RFC 4028: session_timer: {expires: 1800, minimum: 90, refresher: either}, or off
struct cfg_session_timer {
	uint32_t expires; // seconds that we ask for; default 1800
	uint32_t minimum; // seconds; less is refused by 422; default 90, the RFC's least
	enum cfg_refresher refresher; // whom we ask to refresh when the peer leaves it to us
	bool off;                     // the peer's timers are not taken part in
};

enum cfg_prack {           // RFC 3262
	CFG_PRACK_ON,      // where both sides have it
	CFG_PRACK_OFF,     // not with this peer
	CFG_PRACK_REQUIRE, // its calls without it get 421, calls to it demand it
};

enum cfg_silence {       // no media from one side for sip.media_timeout, while the other one speaks
	CFG_SILENCE_ASK, // OPTIONS inside the call: no answer in 4 s ends it
	CFG_SILENCE_END, // ends the call
	CFG_SILENCE_ALLOW, // is no matter
};

// What becomes of a REFER by which the party on the other side of a call wants to transfer this peer.
enum cfg_transfer {
	CFG_TRANSFER_HERE,   // carried out here; the peer sees a re-INVITE. Default
	CFG_TRANSFER_PASS,   // passed on to it
	CFG_TRANSFER_REFUSE, // 603; and what it sends itself is refused too
};

// What of a caller's identity crosses, and how. identity: {assert: carry, show: pai, privacy: carry, ...}
enum cfg_assert {
	CFG_ASSERT_UNSET,
	CFG_ASSERT_CARRY,     // what it asserts is believed. Default of a trunk
	CFG_ASSERT_PREFERRED, // it is asserted to be what it prefers, else what its From says
	CFG_ASSERT_STRIP,     // nobody vouches for it. Default of the others
};

enum cfg_show { // in which header it is told who calls
	CFG_SHOW_NONE = 0,
	CFG_SHOW_PAI = 1, // P-Asserted-Identity. Default
	CFG_SHOW_RPID = 2, // Remote-Party-ID
	CFG_SHOW_BOTH = 3,
};

enum cfg_privacy {
	CFG_PRIVACY_UNSET,
	CFG_PRIVACY_CARRY, // it is trusted with identities that are private. Default of a trunk
	CFG_PRIVACY_APPLY, // it sees "anonymous". Default of the others
};

enum cfg_cross {
	CFG_CROSS_UNSET, // Diversion: from trunks to everybody. History-Info: among trunks
	CFG_CROSS_CARRY,
	CFG_CROSS_STRIP, // neither from it nor to it
};

struct cfg_identity {
	enum cfg_assert assert_;
	enum cfg_show show;
	enum cfg_privacy privacy;
	enum cfg_cross diversion, history;
};

struct cfg_host { // "sip.carrier.example", "sip.carrier.example:5070"
	char name[254];
	uint16_t port; // 0: none was written; SRV says it
};

// What a peer of phones says more:
//   office: {kind: access, domain: pbx.example.com, users: /etc/hawse/users.yaml, digest: md5,
//            expires: {min: 60, max: 3600, default: 3600}, contacts: 10, keepalive: 30}
// `domain`: of the addresses of record, one or a list; none: our own addresses. `realm`: of digest; default the
// first domain, "hawse" without one. `users`: see users.h; who is in it may register and call by
// his password, wherever he is. `contacts`: of one user at once. `keepalive`: seconds between pings to phones
// behind NAT; 0: none.
#define CFG_DOMAINS 16u
struct cfg_access {
	char domain[CFG_DOMAINS][254];
	unsigned domain_count;
	char realm[254];
	char users[256];
	// enum sip_digest_algorithm, as they are offered, the preferred first. Default MD5 alone: many phones
	// stop at the first that they do not know, whatever comes behind it. Who answers by a stronger one than
	// was offered is let in.
	uint8_t digest[3];
	unsigned digest_count;
	unsigned expires_min, expires_max, expires_default; // default 60, 3600, 3600
	unsigned contacts;  // default 10
	unsigned keepalive; // default 30
};

// A trunk that we register at:
//   provider: {kind: trunk, address: sip.provider.example,
//              register: {user: "4930123", password: FILE or text, domain: provider.example}}
struct cfg_register {
	char domain[254];  // of the address of record and the Request-URI; default the peer's first name or address
	char user[64];     // of the address of record
	char auth_user[64]; // of digest; default user
	char *password;    // wiped when freed
	char contact[64];  // user part of our Contact, by which calls come; default user
	char number[64];   // that calls to our Contact have dialled; default: what their To says
	unsigned expires;  // that we ask for; default 600
	unsigned retry;    // seconds until the first retry of a failed one; default 10. It doubles up to 16 times
	bool calls_only;   // `send: no`: the credentials are for calls, and nothing is registered
};

// peers: {carrier: {kind: trunk, address: 10.0.0.1}}
//        {carrier: {kind: trunk, address: sip.carrier.example, transport: tls,
//                   tls: {certificate: FILE, key: FILE, authorities: FILE, name: NAME, verify: yes}}}
//        {carrier: {..., transfer: here, identity: {assert: carry, show: pai, privacy: carry,
//                   diversion: carry, history: carry}}}
// The first host or name of `address` is where calls to it go.
struct cfg_peer {
	char name[CFG_NAME];
	enum cfg_kind kind;
	struct cfg_address *addresses; // hosts and networks it sends from
	unsigned address_count;
	struct cfg_host *hosts; // names, found by RFC 3263; what they resolve to may send too
	unsigned host_count;
	bool by_name; // calls to it go to hosts[0], else to the first host of `addresses`
	enum cfg_transport transport; // towards it; default UDP
	bool transport_written;       // of a name without it, NAPTR and SRV choose
	// NULL: as sip.tls. With a name, a peer is known by a certificate of that name (RFC 5922),
	// whatever its address, and by nothing else; what calls to it reach must have it too. Without,
	// it is known by its address, and what calls to it reach must have the host's name.
	struct cfg_tls *tls;
	enum cfg_srtp srtp;
	bool srtp_written;
	uint8_t suites[CFG_SUITES]; // of SDES, the best first, numbered as enum sdp_suite; default: a good order
	uint8_t suite_count;
	int media;     // index into cfg.media; default 0
	uint8_t dscp;  // of media sent to it; default 46 (EF)
	struct cfg_trunk trunk;   // numbers, rates, limits, health, rules: trunk.h
	struct cfg_codecs codecs; // and digits, fax, tones, recordings: codecs.h
	enum cfg_transfer transfer;
	struct cfg_identity identity;
	struct cfg_session_timer session_timer;
	enum cfg_prack prack; // prack: on, off, require
	enum cfg_silence
		silence; // silence: ask, end, allow. Silence on both sides ends the call in any case
	unsigned line;   // where it stands in the file
	struct cfg_access *access; // NULL: phones cannot register here
	struct cfg_register *reg;  // NULL: we do not register there
	struct cfg_acl acl;
};

// routes: [{from: office, number: "+49", to: [carrier, backup]}]
// The longest prefix wins, then the first line of the file. A line whose conditions do not hold is passed over.
// Emergency numbers (sip.emergency) look at the lines that say `emergency: yes` first.
struct cfg_route {
	int from;                // index into cfg.peers, -1: any
	char number[CFG_PREFIX]; // prefix; empty: every number
	int to[CFG_TARGETS];     // peers to try, in order where `target` says nothing else
	struct cfg_target target[CFG_TARGETS];
	unsigned to_count;
	unsigned line;
	bool by_cost;     // order: cost: the cheapest first, by their rates
	bool emergency;   // of emergency numbers only
	int64_t max_rate; // micro-units a minute; dearer peers are passed over; -1: no bound
	uint16_t refuse;  // 0, or the status that the call is refused by; then `to` is empty
	uint8_t strip;    // characters taken from the front of the called number,
	char prepend[CFG_PREFIX]; // and what stands there then
	char *table;              // a file of "prefix,peer[,peer...]"; then `to` is empty
	struct cfg_prefix_list callers; // none: everybody. "anonymous": who has no number
	struct cfg_when *when;          // any of them; NULL: always
	unsigned when_count;
};

#define CFG_SYNC_ALWAYS 0u
#define CFG_SYNC_NEVER  UINT32_MAX

struct cfg_cdr {           // of the file of CDRs
	unsigned sync_s;       // seconds until it is on the disk; default 1; or one of the two above
	unsigned rotate_s;     // a new file that often, at whole multiples in UTC; 0: never
	uint64_t rotate_bytes; // and when it is that big; 0: never
};

// A directory that hawse-stats serves over HTTPS: the web phone, or whatever else is there.
// page: {listen: "203.0.113.10:8443", directory: /usr/share/hawse/webphone, certificate: FILE, key: FILE}
struct cfg_page {
	bool enabled;
	struct cfg_address listen;
	char directory[256];
	char certificate[256]; // PEM; default: those of the section sip
	char key[256]; // default: in the certificate's file
};

// stats: {listen: "127.0.0.1:9090", cdr: /var/log/hawse/cdr.jsonl, interim: 15m, sync: 1s,
//         rotate: {size: 100M, every: 1d}, page: {...}}
struct cfg_stats {
	bool enabled; // listen was given; nothing listens otherwise
	struct cfg_address listen;
	char cdr[256]; // empty: no CDRs are written
	unsigned interim; // seconds between the records of a running call; default 0: none
	struct cfg_cdr how;
	struct cfg_page page;
};

struct cfg {
	char file[256];
	char *text; // as it was read
	size_t text_size;
	struct cfg_media *media; // in the order of the file, at least one
	unsigned media_count;
	struct cfg_dataplane dataplane;
	struct cfg_sip sip;
	struct cfg_peer *peers;
	unsigned peer_count;
	struct cfg_route *routes;
	unsigned route_count;
	struct cfg_stats stats;
	char prompts[200];       // directory of wav files; empty: there are none
	char recordings[200];    // directory; empty: nothing is recorded
	char run[CFG_PATH - 16]; // directory of the sockets; default /run/hawse
	// Directory of the journal, by which calls survive a restart of hawse-sip; default `run`, since
	// what a reboot ends need not outlive it. Empty: there is none.
	char state[CFG_PATH - 16];
	char user[32]; // whom the processes become after start; default empty: stay. Group too
};

struct cfg_error {
	char text[512]; // "FILE:LINE: KEY: what was expected, found what"
	unsigned line;  // 0 when the file could not be read
};

#ifdef __cplusplus
extern "C" {
#endif

// The bytes of a file and a NUL, malloc, at most one more than a configuration may have. 0 or -errno with `error`.
int cfg_read(const char *file, char **text, size_t *size, struct cfg_error *error);

// Reads, checks, fills defaults. On error *cfg is NULL and `error` says why. 0 or -errno: -EINVAL
// for what is written, -ENOENT and others for the file, -ENOMEM.
int cfg_load(struct cfg **cfg, const char *file, struct cfg_error *error);

// The same from memory; `file` is only the name used in errors.
int cfg_parse(
	struct cfg **cfg, const char *file, const void *text, size_t size, struct cfg_error *error);

void cfg_free(struct cfg *cfg);

// "10.0.0.1", "10.0.0.1:5062", "[2001:db8::1]:5062", "10.0.0.0/8" when `networks`. 0 or -EINVAL.
int cfg_address_parse(struct cfg_address *address, const char *text, bool networks);

// "0.05" as 50000, at most six places after the point. 0 or -EINVAL.
int cfg_micro_parse(const char *text, int64_t *micro);

// A route may name it: it has an address or a name to call.
bool cfg_peer_callable(const struct cfg_peer *peer);
// May this address send? An empty list lets everybody.
bool cfg_acl_allows(const struct cfg_acl *acl, uint8_t family, const uint8_t *ip);

// True when `ip` (as in cfg_address) lies in the host or network.
bool cfg_address_matches(const struct cfg_address *network, uint8_t family, const uint8_t *ip);

#ifdef __cplusplus
}
#endif
