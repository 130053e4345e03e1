// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/udptl.h"

#include <errno.h>
#include <string.h>

// ---- reading

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static unsigned byte(struct reader *r)
{
	if (!r->left) {
		r->bad = true;
		return 0;
	}
	r->left--;
	return *r->p++;
}

// A length as PER has it: one byte up to 127, two up to 16383. Fragments, longer ones, have no place in a datagram.
static unsigned length_of(struct reader *r)
{
	unsigned length = byte(r);

	if (!(length & 0x80))
		return length;
	if (length & 0x40)
		r->bad = true;
	return (length & 0x3f) << 8 | byte(r);
}

static struct udptl_ifp octets(struct reader *r)
{
	unsigned length = length_of(r);
	struct udptl_ifp ifp = {r->p, (uint16_t)length};

	if (r->bad || length > r->left) {
		r->bad = true;
		return (struct udptl_ifp){0};
	}
	r->p += length;
	r->left -= length;
	return ifp;
}

static void read_secondary(struct udptl_packet *packet, struct reader *r)
{
	unsigned count = length_of(r);

	for (unsigned i = 0; i < count && !r->bad; i++) {
		struct udptl_ifp ifp = octets(r);

		if (i < UDPTL_SECONDARY && !r->bad)
			packet->secondary[packet->count++] = ifp;
	}
}

// fec-npackets, an integer behind its length, and the parity data.
static void read_fec(struct reader *r)
{
	unsigned count;

	octets(r);
	count = length_of(r);
	for (unsigned i = 0; i < count && !r->bad; i++)
		octets(r);
}

int udptl_read(struct udptl_packet *packet, const uint8_t *data, size_t length)
{
	struct reader r = {data, length, false};
	unsigned kind;

	memset(packet, 0, sizeof(*packet));
	packet->seq = (uint16_t)(byte(&r) << 8);
	packet->seq |= (uint16_t)byte(&r);
	packet->primary = octets(&r);
	kind = byte(&r);
	packet->fec = kind & 0x80;
	if (packet->fec)
		read_fec(&r);
	else
		read_secondary(packet, &r);
	return r.bad || !packet->primary.length ? -EBADMSG : 0;
}

// ---- receiving

int udptl_receive(struct udptl_rx *rx, const uint8_t *data, size_t length, udptl_deliver *deliver,
	void *context)
{
	struct udptl_packet packet;
	int ahead;

	if (udptl_read(&packet, data, length)) {
		rx->corrupt++;
		return -EBADMSG;
	}
	if (!rx->begun) {
		rx->begun = true;
		rx->next = packet.seq;
	}
	ahead = (int16_t)(packet.seq - rx->next);
	if (ahead < 0) {
		rx->duplicate++;
		return 0;
	}
	for (; ahead > 0; ahead--) {
		const struct udptl_ifp *ifp =
			ahead <= packet.count ? &packet.secondary[ahead - 1] : NULL;

		if (!ifp || !ifp->length) {
			rx->lost++;
			continue;
		}
		rx->recovered++;
		deliver(context, (uint16_t)(packet.seq - ahead), ifp->data, ifp->length);
	}
	deliver(context, packet.seq, packet.primary.data, packet.primary.length);
	rx->next = (uint16_t)(packet.seq + 1);
	return 0;
}

// ---- sending

static size_t put(uint8_t *out, const uint8_t *data, size_t length)
{
	size_t used = 1;

	if (length < 128) {
		out[0] = (uint8_t)length;
	} else {
		out[0] = (uint8_t)(0x80 | length >> 8);
		out[1] = (uint8_t)length;
		used = 2;
	}
	memcpy(out + used, data, length);
	return used + length;
}

static size_t room(size_t length)
{
	return length + (length < 128 ? 1 : 2);
}

static void keep(struct udptl_tx *tx, const uint8_t *ifp, size_t length)
{
	memmove(tx->ifp[1], tx->ifp[0], sizeof(tx->ifp) - sizeof(tx->ifp[0]));
	memmove(tx->length + 1, tx->length, sizeof(tx->length) - sizeof(tx->length[0]));
	memcpy(tx->ifp[0], ifp, length);
	tx->length[0] = (uint16_t)length;
	tx->count += tx->count < UDPTL_SECONDARY;
}

int udptl_write(struct udptl_tx *tx, const uint8_t *ifp, size_t length, unsigned redundancy,
	uint8_t *out, size_t capacity)
{
	size_t used = 2, count_at;

	if (!length || length > UDPTL_IFP || 2 + room(length) + 2 > capacity)
		return -ENOSPC;
	out[0] = (uint8_t)(tx->seq >> 8);
	out[1] = (uint8_t)tx->seq;
	used += put(out + used, ifp, length);
	out[used++] = 0; // redundancy
	count_at = used;
	out[used++] = 0;
	for (unsigned i = 0; i < redundancy && i < tx->count; i++) {
		if (used + room(tx->length[i]) > capacity)
			break;
		used += put(out + used, tx->ifp[i], tx->length[i]);
		out[count_at]++;
	}
	keep(tx, ifp, length);
	tx->seq++;
	return (int)used;
}
