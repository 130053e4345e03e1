// SPDX-License-Identifier: BSD-3-Clause
// Where phones are: the bindings of every address of record (RFC 3261 10.3), each with the flow that its
// REGISTER came by, since that is the way back to a phone behind NAT.
//
// What changed is handed to `keep` as one opaque record an address of record, at the end of a pass, so that
// registrations survive the process. After a restart connections are gone: a binding over one is kept, without
// its connection, until it expires or the phone registers again; one over UDP goes on as it was.
//
// Sans I/O: time is given. Thread: the one that owns it.
#pragma once

#include "sip/flow.h"
#include "sip/table.h"
#include "sip/wheel.h"

struct cp_location;
struct cp_aor;

struct cp_contact {
	struct cp_contact *next; // of its user, in the order in which they are to be called
	struct cp_aor *aor;
	struct sip_node by_flow;
	struct sip_timer expiry, ping;
	uint64_t expires; // seconds, Unix time
	uint64_t since;
	uint32_t cseq;
	uint32_t reg_id; // RFC 5626, 0: none
	uint32_t epoch;  // of its temporary GRUUs (RFC 5627): changes with the Call-ID
	uint32_t temps;  // that were given
	uint16_t q;      // thousandths
	bool gruu;       // asked for
	bool nat;        // its Contact says another address than the one it sends from
	struct sip_flow flow;
	struct sip_slice uri, call_id, path, instance, agent; // in `strings`; empty: none
	char strings[];
};

// All but `aor` and the nodes; slices are copied.
struct cp_contact *cp_contact_new(const struct cp_contact *parts);

struct cp_aor {
	struct sip_node node;
	struct cp_aor *changed_next;
	bool changed;
	uint64_t id;
	struct cp_contact *contacts;
	unsigned count;
	char *user; // both in one block with it
	char peer[];
};

struct cp_location_ops {
	// The journal, as cp_journal_put() and cp_journal_delete(). NULL: there is none.
	int (*keep)(void *ctx, uint64_t id, const void *record, size_t n);
	int (*drop)(void *ctx, uint64_t id);
	// A binding is over: it expired, or was removed. It is still whole.
	void (*gone)(void *ctx, const struct cp_contact *contact, const char *why);
	// Its time to be pinged has come.
	void (*ping)(void *ctx, struct cp_contact *contact);
};

#define CP_LOCATION_RECORD 65536u

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -ENOMEM.
int cp_location_new(struct cp_location **out, const struct cp_location_ops *ops, void *ctx,
	uint64_t now_us, uint64_t realtime_offset_us);
void cp_location_free(struct cp_location *l);
void cp_location_tick(struct cp_location *l, uint64_t now_us);
uint64_t cp_location_unix(const struct cp_location *l); // seconds now

// NULL: nobody is registered there.
struct cp_aor *cp_location_find(struct cp_location *l, const char *peer, const char *user);
struct cp_aor *cp_location_by_id(struct cp_location *l, uint64_t id);
// The same, made if need be. NULL: no memory.
struct cp_aor *cp_location_open(struct cp_location *l, const char *peer, const char *user);
// When nothing is bound to it, forgets it.
void cp_location_close(struct cp_location *l, struct cp_aor *aor);
uint64_t cp_location_id(const char *peer, const char *user);

// Takes the contact over. It fires when it expires.
void cp_location_insert(struct cp_location *l, struct cp_aor *aor, struct cp_contact *contact);
// Frees it. Its address of record stays until cp_location_close().
void cp_location_remove(struct cp_location *l, struct cp_contact *contact, const char *why);
// It changed in a way that matters after a restart.
void cp_location_touch(struct cp_location *l, struct cp_aor *aor);
// It is reached by another listener.
void cp_location_rebind(struct cp_location *l, struct cp_contact *contact, uint16_t socket);
// Pings it `ms` from now.
void cp_location_ping(struct cp_location *l, struct cp_contact *contact, uint64_t ms);

// Is somebody registered from this host?
bool cp_location_knows(const struct cp_location *l, const struct sip_addr *host);
// The first contact by this flow.
struct cp_contact *cp_location_by_flow(const struct cp_location *l, const struct sip_flow *flow);
// The connection is gone: whoever registered over it cannot be reached by it any more.
void cp_location_closed(struct cp_location *l, const struct sip_flow *flow);

size_t cp_location_contacts(const struct cp_location *l);
size_t cp_location_users(const struct cp_location *l);
void cp_location_each(struct cp_location *l, void (*see)(struct sip_node *n, void *ctx), void *ctx);

// Gives what changed to `keep`. True when something was given.
bool cp_location_settle(struct cp_location *l);
// From the journal. 0, -EBADMSG, -ENOMEM; -ESTALE: nothing of it is valid any more.
int cp_location_restore(struct cp_location *l, uint64_t id, const void *record, size_t n);
// Writes the record of one. Length or -ENOBUFS.
int cp_location_pack(const struct cp_aor *aor, uint8_t *out, size_t size);

#ifdef __cplusplus
}
#endif
