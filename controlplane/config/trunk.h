// SPDX-License-Identifier: BSD-3-Clause
// What a peer and a route can have beside where they are: the number format, rewriting, limits, health,
// header rules. Part of config.h, which says what holds for all of it.
//
//   peers:
//     carrier:
//       kind: trunk
//       address: 198.51.100.20
//       nat: yes                        answers and media go to where its packets come from, whatever they
//                                       say; default: no for a trunk, yes for access
//       numbers: {country: 49, area: 30, national: "0", international: "00", inbound: auto,
//                 outbound: national, in: [{of: called, match: "^0800(.*)$", with: "+49800\\1"}], out: [...]}
//       rates: /etc/hawse/carrier.csv   what calls to it cost: rates.h
//       tariff: /etc/hawse/office.csv   what calls from it are charged
//       limits: {calls: 100, rate: 50/s, burst: 100, minutes: 5000, allow: ["+"], deny: ["+882"],
//                in: {...}, out: {...}, fraud: {dear: 0.5, spend: 50, window: 3600, block: 3600}}
//       health: {ping: 30, up: 2, down: 3, timeout: 4, ramp: 30, progress: 0}
//       failover: [408, 430, 500, 502, 503, 504]
//       rules: {in: [...], out: [...]}  cfg_rule
//   routes:
//     - {from: office, number: "+49", to: [{peer: carrier, weight: 3}, {peer: other, weight: 1}, backup]}
//     - {from: office, number: "+", order: cost, max_rate: 0.30, to: [carrier, other]}
//     - {from: office, number: "+49", when: {days: mon-fri, hours: "08:00-18:00", zone: Europe/Berlin}, ...}
//     - {from: office, caller: ["+4930", anonymous], refuse: 403}
//     - {from: office, table: /etc/hawse/ported.csv}      "prefix,peer[,peer...]" a line
//     - {number: "112", emergency: yes, strip: 3, prepend: "+49110", to: [carrier]}
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#define CFG_TARGETS 16u // peers of one route
#define CFG_PREFIX  64u

// ---- numbers

enum cfg_number_form {
	CFG_FORM_AS_IS,         // the canonical number; "+4930123" when it could be made one
	CFG_FORM_E164,          // +4930123
	CFG_FORM_PLAIN,         // 4930123
	CFG_FORM_NATIONAL,      // 030123, and 0044123 abroad
	CFG_FORM_INTERNATIONAL, // 004930123
};

#define CFG_OF_CALLED 1u
#define CFG_OF_CALLER 2u

struct cfg_rewrite {           // of the first that matches; extended regular expressions of POSIX
	regex_t match;         // over the number as it stands
	char with[CFG_PREFIX]; // \0 to \9
	uint8_t of;            // CFG_OF_
};

struct cfg_numbers {
	char country[8];       // "49"; empty: nothing can be made +E.164 but what says so
	char area[8];          // "30": what a number without any prefix is completed by
	char national[8];      // default "0"; may be empty
	char international[8]; // default "00"
	bool inbound_plain;    // inbound: plain: "4930123" is +4930123
	uint8_t outbound;      // enum cfg_number_form; default e164 where country is written
	struct cfg_rewrite *rewrite[2]; // as it comes in, as it goes out
	unsigned rewrites[2];
};

// ---- limits

struct cfg_prefix_list {
	char (*prefix)[CFG_PREFIX];
	unsigned count;
};

struct cfg_limit {
	unsigned calls;          // at once; 0: no bound
	unsigned rate, period_s; // new calls in a period; 0: no bound
	unsigned
		burst; // 0: in no period more than `rate`; else a bucket of so many, filled at `rate`
	unsigned minutes;                   // answered, a day; 0: no bound
	struct cfg_prefix_list allow, deny; // of called numbers; the longest decides
};

struct cfg_fraud {
	int64_t dear;  // micro-units a minute from which a destination is dear
	int64_t spend; // micro-units that calls to dear ones may cost within the window; 0: no guard
	unsigned window; // seconds, default 3600
	unsigned block;  // seconds that dear destinations stay blocked, default 3600
	struct cfg_prefix_list prefixes; // dear whatever a rate says; `dear` is then their price
};

enum cfg_direction {
	CFG_IN,  // from the peer to us
	CFG_OUT, // from us to the peer
	CFG_BOTH,
};

struct cfg_limits {
	struct cfg_limit limit[3]; // enum cfg_direction: each holds for itself
	struct cfg_fraud fraud;    // of calls from it
	char zone[48];             // whose midnight begins a day; empty: this machine's
};

// ---- health

struct cfg_health {
	unsigned ping;     // seconds between OPTIONS; 0: none
	unsigned up, down; // so many in a row change the state; defaults 2 and 3
	unsigned timeout;  // seconds; default 4
	unsigned
		ramp; // seconds in which a trunk that is up again takes its whole share; default 30
	unsigned
		progress; // seconds that an INVITE may have no more than a 100; 0: as the ring timeout
};

// ---- header rules

enum cfg_rule_kind {
	CFG_RULE_ADD,     // {add: X-Trunk, value: "office"}: one more
	CFG_RULE_REMOVE,  // {remove: X-Debug}: every one of that name
	CFG_RULE_REPLACE, // {replace: X-Id, match: "^(.*)@.*", with: "\\1"}, or value: all of it
	CFG_RULE_COPY,    // {copy: P-Asserted-Identity, to: X-Caller}: every value
	CFG_RULE_PASS,    // in only: {pass: X-Customer}: goes over to the other side as it is
};

struct cfg_rule {
	uint8_t kind; // enum cfg_rule_kind
	char name[64];
	char value[256]; // add, replace; with \0 to \9 where there is `match`
	char to[64];     // copy
	bool has_match, has_header_match;
	regex_t match;
	// if: {method: [INVITE, UPDATE], status: 180-183, header: X-A, matches: "...", absent: X-B}
	char methods[4][16];
	unsigned method_count;
	uint16_t status_first, status_last; // 0: requests and responses
	uint8_t only;                       // 0 both, 1 requests, 2 responses
	char present[64], absent[64];
	regex_t header_match; // of `present`
	unsigned line;
};

struct cfg_rules {
	struct cfg_rule *rule[2]; // enum cfg_direction
	unsigned count[2];
};

// ---- what a peer may have of all that

enum cfg_yes {
	CFG_YES_DEFAULT, // as the kind implies
	CFG_YES,
	CFG_NO,
};

struct cfg_trunk {
	struct cfg_numbers *numbers; // NULL: nothing is changed
	struct cfg_limits *limits;   // NULL: no bound
	struct cfg_health *health;   // NULL: no pings
	struct cfg_rules *rules;     // NULL: none
	char *rates, *tariff;        // files, NULL: none
	unsigned rates_line, tariff_line;
	uint16_t failover[16]; // 0 ends; failover_written false: as cp_cause_try_next() says
	bool failover_written;
	uint8_t nat; // enum cfg_yes
};

// ---- routes

#define CFG_EVERY_DAY 0x7fu

struct cfg_when {         // all that is written must hold
	uint8_t days;     // bit 0 Monday
	int16_t from, to; // minutes of the day, `to` not included; from > to goes over midnight
	struct {
		int16_t year; // 0: every
		uint8_t month, day;
	} dates[32];
	unsigned date_count;
	char zone[48]; // empty: this machine's
	unsigned line;
};

struct cfg_target {
	uint8_t priority; // the lowest first
	uint16_t weight;  // share among those of one priority; 1 to 1000
};
