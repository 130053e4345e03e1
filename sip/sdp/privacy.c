// SPDX-License-Identifier: BSD-3-Clause
//
// What must not cross from one leg to the other inside lines that are carried over.
#include "sip/sdp/oa.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

// Shorter ones ("-", "1", "A") would be found in lines that have nothing to do with them.
#define MIN_SECRET 3

static void add(struct sdp_secrets *secrets, struct sdp_str text)
{
	if (text.len < MIN_SECRET || secrets->n == sizeof(secrets->text) / sizeof(*secrets->text))
		return;
	secrets->text[secrets->n++] = text;
}

static void add_host(struct sdp_secrets *secrets, const struct sdp_addr *addr)
{
	if (addr->count != 0 && !sdp_addr_is_hold(addr))
		add(secrets, addr->host);
}

void sdp_secrets_find(const struct sdp_session *tree, struct sdp_secrets *secrets)
{
	secrets->n = 0;
	add_host(secrets, &tree->origin.addr);
	add_host(secrets, &tree->conn);
	for (unsigned i = 0; i < tree->n_media; i++) {
		const struct sdp_media *m = &tree->media[i];

		if (m->conn.host.ptr != tree->conn.host.ptr)
			add_host(secrets, &m->conn);
		add_host(secrets, &m->rtcp_addr);
	}
	secrets->n_hosts = secrets->n;
	add(secrets, tree->origin.user);
	add(secrets, tree->origin.id_text);
	add(secrets, tree->name);
	add(secrets, sdp_value(tree, NULL, SDP_A_TOOL));
}

static bool contains(struct sdp_str text, struct sdp_str what)
{
	for (uint32_t i = 0; i + what.len <= text.len; i++) {
		if (strncasecmp(text.ptr + i, what.ptr, what.len) == 0)
			return true;
	}
	return false;
}

static bool contains_any(const struct sdp_secrets *secrets, unsigned n, struct sdp_str text)
{
	for (unsigned i = 0; i < n; i++) {
		if (contains(text, secrets->text[i]))
			return true;
	}
	return false;
}

// Four numbers with dots between, wherever they stand.
static bool has_ipv4(struct sdp_str text)
{
	unsigned dots = 0, digits = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (isdigit(c)) {
			digits++;
			if (dots == 3)
				return true;
		} else if (c == '.' && digits != 0) {
			dots++;
			digits = 0;
		} else {
			dots = digits = 0;
		}
	}
	return false;
}

// What only IPv6 addresses have, "::", or as many colons as only they and hardware addresses have.
static bool has_ipv6(struct sdp_str text)
{
	unsigned colons = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == ':')
			colons++;
		else if (!isxdigit(c))
			colons = 0;
		if (colons >= 5 || (c == ':' && i != 0 && text.ptr[i - 1] == ':'))
			return true;
	}
	return false;
}

// Labels with dots between, the last of letters alone: a domain.
static bool has_host(struct sdp_str text)
{
	unsigned before = 0, len = 0, letters = 0; // of the label before the dot, and of this one

	for (uint32_t i = 0; i <= text.len; i++) {
		unsigned char c = i < text.len ? (unsigned char)text.ptr[i] : ' ';

		if (isalnum(c) || c == '-') {
			len++;
			letters += isalpha(c) != 0;
			continue;
		}
		if (before != 0 && len >= 2 && letters == len)
			return true;
		before = c == '.' ? len : 0;
		len = letters = 0;
	}
	return false;
}

bool sdp_secrets_in_known(const struct sdp_secrets *secrets, struct sdp_str text)
{
	return contains_any(secrets, secrets->n_hosts, text);
}

bool sdp_secrets_in_unknown(const struct sdp_secrets *secrets, struct sdp_str text)
{
	static const struct sdp_str uri = {"://", 3};

	if (text.len == 0)
		return false;
	return memchr(text.ptr, '@', text.len) != NULL || contains(text, uri) || has_ipv4(text) ||
	       has_ipv6(text) || has_host(text) || contains_any(secrets, secrets->n, text);
}
