// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/secure/datagrams.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/secure/dtls.h"

static int bio_read(BIO *bio, char *out, int size)
{
	struct cp_datagrams *d = BIO_get_data(bio);
	size_t n = d->in_size;

	BIO_clear_retry_flags(bio);
	if (!d->in || size < 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > (size_t)size)
		n = (size_t)size;
	memcpy(out, d->in, n);
	d->in = NULL;
	return (int)n;
}

// A full queue drops, as a network does; OpenSSL sends flights again.
static int bio_write(BIO *bio, const char *bytes, int n)
{
	struct cp_datagrams *d = BIO_get_data(bio);
	unsigned at = (d->first + d->count) % CP_DATAGRAMS;

	if (n < 0 || (size_t)n > CP_DATAGRAM_BYTES)
		return -1;
	if (!d->bytes)
		d->bytes = malloc((size_t)CP_DATAGRAMS * CP_DATAGRAM_BYTES);
	if (!d->bytes || d->count == CP_DATAGRAMS)
		return n;
	memcpy(d->bytes + (size_t)at * CP_DATAGRAM_BYTES, bytes, (size_t)n);
	d->size[at] = (uint16_t)n;
	d->count++;
	return n;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	switch (command) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return CP_DTLS_MTU;
	default:
		return 0;
	}
}

static BIO_METHOD *method;

static void make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");

	if (!m)
		return;
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_control);
	method = m;
}

BIO *cp_datagrams_bio(struct cp_datagrams *d)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	pthread_once(&once, make_method);
	bio = method ? BIO_new(method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, d);
	BIO_set_init(bio, 1);
	return bio;
}

size_t cp_datagrams_take(struct cp_datagrams *d, uint8_t *out, size_t size)
{
	size_t n;

	if (!d->count)
		return 0;
	n = d->size[d->first];
	if (n > size)
		n = size;
	memcpy(out, d->bytes + (size_t)d->first * CP_DATAGRAM_BYTES, n);
	d->first = (d->first + 1) % CP_DATAGRAMS;
	d->count--;
	return n;
}

void cp_datagrams_fini(struct cp_datagrams *d)
{
	free(d->bytes);
	memset(d, 0, sizeof(*d));
}
