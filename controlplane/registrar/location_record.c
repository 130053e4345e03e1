// SPDX-License-Identifier: BSD-3-Clause
//
// The record of an address of record in the journal: a version byte, peer, user, and its contacts, all
// numbers little endian, all strings with their length in two bytes before them.
#include <errno.h>
#include <stdlib.h>

#include "controlplane/registrar/location.h"

#define VERSION  1u
#define CONTACTS 100u

struct out {
	uint8_t *p;
	size_t n, size;
	bool full;
};

static void put(struct out *o, const void *bytes, size_t n)
{
	if (o->full || n > o->size - o->n) {
		o->full = true;
		return;
	}
	if (n)
		memcpy(o->p + o->n, bytes, n);
	o->n += n;
}

static void put_int(struct out *o, uint64_t value, unsigned bytes)
{
	uint8_t b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(value >> 8 * i);
	put(o, b, bytes);
}

static void put_text(struct out *o, struct sip_slice s)
{
	put_int(o, s.n, 2);
	put(o, s.p, s.n);
}

static void put_contact(struct out *o, const struct cp_contact *c)
{
	put_int(o, c->expires, 8);
	put_int(o, c->since, 8);
	put_int(o, c->cseq, 4);
	put_int(o, c->reg_id, 4);
	put_int(o, c->epoch, 4);
	put_int(o, c->temps, 4);
	put_int(o, c->q, 2);
	put_int(o, (uint64_t)(c->gruu | c->nat << 1), 1);
	put_int(o, c->flow.remote.family, 1);
	put_int(o, c->flow.remote.port, 2);
	put_int(o, c->flow.remote.scope, 4);
	put(o, c->flow.remote.ip, 16);
	put_int(o, c->flow.socket, 2);
	put_int(o, c->flow.transport, 1);
	put_text(o, c->uri);
	put_text(o, c->call_id);
	put_text(o, c->path);
	put_text(o, c->instance);
	put_text(o, c->agent);
}

int cp_location_pack(const struct cp_aor *aor, uint8_t *out, size_t size)
{
	struct out o = {out, 0, size, false};

	put_int(&o, VERSION, 1);
	put_text(&o, sip_str(aor->peer));
	put_text(&o, sip_str(aor->user));
	put_int(&o, aor->count, 2);
	for (const struct cp_contact *c = aor->contacts; c; c = c->next)
		put_contact(&o, c);
	return o.full ? -ENOBUFS : (int)o.n;
}

struct in {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static const uint8_t *get(struct in *in, size_t n)
{
	const uint8_t *p = in->p;

	if (n > in->n) {
		in->bad = true;
		return NULL;
	}
	in->p += n;
	in->n -= n;
	return p;
}

static uint64_t get_int(struct in *in, unsigned bytes)
{
	const uint8_t *p = get(in, bytes);
	uint64_t value = 0;

	for (unsigned i = 0; p && i < bytes; i++)
		value |= (uint64_t)p[i] << 8 * i;
	return value;
}

static struct sip_slice get_text(struct in *in)
{
	size_t n = (size_t)get_int(in, 2);
	const uint8_t *p = get(in, n);

	return p ? sip_slice((const char *)p, n) : sip_slice(NULL, 0);
}

static void get_contact(struct in *in, struct cp_contact *c)
{
	const uint8_t *ip;
	uint8_t flags;

	c->expires = get_int(in, 8);
	c->since = get_int(in, 8);
	c->cseq = (uint32_t)get_int(in, 4);
	c->reg_id = (uint32_t)get_int(in, 4);
	c->epoch = (uint32_t)get_int(in, 4);
	c->temps = (uint32_t)get_int(in, 4);
	c->q = (uint16_t)get_int(in, 2);
	flags = (uint8_t)get_int(in, 1);
	c->gruu = flags & 1;
	c->nat = flags & 2;
	c->flow.remote.family = (uint8_t)get_int(in, 1);
	c->flow.remote.port = (uint16_t)get_int(in, 2);
	c->flow.remote.scope = (uint32_t)get_int(in, 4);
	ip = get(in, 16);
	if (ip)
		memcpy(c->flow.remote.ip, ip, 16);
	c->flow.socket = (uint16_t)get_int(in, 2);
	c->flow.transport = (uint8_t)get_int(in, 1);
	c->uri = get_text(in);
	c->call_id = get_text(in);
	c->path = get_text(in);
	c->instance = get_text(in);
	c->agent = get_text(in);
	if (c->q > 1000 || c->flow.transport > SIP_WSS || !c->uri.n ||
		(c->flow.remote.family != 4 && c->flow.remote.family != 6))
		in->bad = true;
}

static bool get_name(struct in *in, char *out, size_t size)
{
	struct sip_slice s = get_text(in);

	if (in->bad || !s.n || s.n >= size || memchr(s.p, '\0', s.n))
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

// Longest-lived first in the list, so that the order of equals is that of the record: it is walked from its end.
static int restore_contacts(
	struct cp_location *l, struct cp_aor *aor, struct in *in, unsigned count)
{
	struct cp_contact *all[CONTACTS] = {0};
	unsigned n = 0;
	int err = 0;

	for (unsigned i = 0; i < count && !err; i++) {
		struct cp_contact parts = {0};

		get_contact(in, &parts);
		if (in->bad)
			err = -EBADMSG;
		else if (parts.expires > cp_location_unix(l)) {
			all[n] = cp_contact_new(&parts);
			err = all[n] ? 0 : -ENOMEM;
			n += !err;
		}
	}
	if (!err && in->n)
		err = -EBADMSG;
	while (n--)
		if (err)
			free(all[n]);
		else
			cp_location_insert(l, aor, all[n]);
	return err;
}

int cp_location_restore(struct cp_location *l, uint64_t id, const void *record, size_t n)
{
	struct in in = {record, n, false};
	char peer[64], user[128];
	struct cp_aor *aor;
	unsigned count;
	int err;

	if (get_int(&in, 1) != VERSION || !get_name(&in, peer, sizeof(peer)) ||
		!get_name(&in, user, sizeof(user)) || cp_location_id(peer, user) != id)
		return -EBADMSG;
	count = (unsigned)get_int(&in, 2);
	if (in.bad || count > CONTACTS || cp_location_find(l, peer, user))
		return -EBADMSG;
	aor = cp_location_open(l, peer, user);
	if (!aor)
		return -ENOMEM;
	err = restore_contacts(l, aor, &in, count);
	if (!err && !aor->contacts)
		err = -ESTALE;
	cp_location_close(l, aor);
	return err;
}
