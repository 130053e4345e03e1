// SPDX-License-Identifier: BSD-3-Clause
// The insides of the registrar, shared by its files.
#pragma once

#include "controlplane/registrar/registrar.h"
#include "sip/digest.h"

#define CP_BUCKETS 4096u // a power of two
#define CP_RATE    200u  // REGISTERs a second of one host
#define CP_BURST   2000u

struct cp_bucket { // of one source; a newer source takes the place of one that rests
	struct sip_addr source;
	uint64_t filled_us;
	uint32_t tokens; // thousandths
};

struct cp_registrar {
	const struct cp_registrar_ops *ops;
	void *ctx;
	struct cp_policy *policy;
	struct cp_location *location;
	struct sip_nonces *nonces;
	uint64_t now_us;
	struct cp_registrar_counters counters;
	uint8_t gruu_key[16];
	bool key_kept;
	struct sip_hash_key bucket_key;
	struct cp_bucket buckets[CP_BUCKETS];
	char lines[16384];
};

// auth.c: the peer whose address of record or request this is, by host; NULL: none of ours.
const struct cp_peer *cp_access_of(const struct cp_policy *policy, const struct sip_uri *uri);
bool cp_is_listener(const struct cp_policy *policy, struct sip_slice host);
// By digest. OK or ANSWERED. `user` is whom it turned out to be.
enum cp_login cp_access_login(struct cp_registrar *r, const struct cp_peer *peer,
	struct sip_transaction *tx, const struct sip_message *m, const struct cfg_user **user);
// Adds Authentication-Info for what was just proved.
void cp_access_info(struct cp_registrar *r, const struct cp_peer *peer, const struct sip_message *m,
	const struct cfg_user *user, struct sip_build *b);

// How often this phone is pinged, in ms; 0: never. A NAT's mapping for UDP may last half a minute; a connection that
// says nothing for ten minutes is ended by ourselves.
uint64_t cp_ping_interval(const struct cfg_access *access, const struct cp_contact *c);

// gruu.c
// "sip:alice@example.com;gr=urn:uuid:..." and a new temporary one, for the parameters of a Contact.
void cp_gruu_write(
	struct cp_registrar *r, struct cp_contact *c, const char *domain, struct sip_build *b);
// Which contact of this user, or of whom, this URI means. 1: `gr` is there and it is *out (NULL: nobody any
// more); 0: it has no `gr`.
int cp_gruu_find(struct cp_registrar *r, const struct sip_uri *uri, struct cp_aor *aor,
	const struct cp_contact **out);
