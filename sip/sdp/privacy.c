// SPDX-License-Identifier: BSD-3-Clause
//
// What must not cross from one leg to the other inside lines that are carried over.
#include "sip/sdp/oa.h"

#include <arpa/inet.h>
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

// A run of letters, digits, dots and hyphens: four numbers, or labels with a top-level domain.
static bool run_is_host(struct sdp_str run)
{
	unsigned dots = 0, letters = 0, last_letters = 0, last_len = 0;

	for (uint32_t i = 0; i < run.len; i++) {
		unsigned char c = (unsigned char)run.ptr[i];

		if (c == '.') {
			dots++;
			last_letters = last_len = 0;
			continue;
		}
		last_len++;
		letters += isalpha(c) != 0;
		last_letters += isalpha(c) != 0;
	}
	if (dots >= 3 && letters == 0)
		return true;
	return dots >= 1 && last_len >= 2 && last_letters == last_len;
}

// A run of hexadecimal digits, colons and dots: an IPv6 address, or as long as a hardware one.
static bool run_is_ipv6(struct sdp_str run)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t ip[16];
	unsigned colons = 0;

	for (uint32_t i = 0; i < run.len; i++)
		colons += run.ptr[i] == ':';
	if (colons < 2 || run.len >= sizeof(text))
		return colons >= 2;
	memcpy(text, run.ptr, run.len);
	text[run.len] = '\0';
	return colons >= 5 || inet_pton(AF_INET6, text, ip) == 1;
}

static bool in_host(unsigned char c)
{
	return isalnum(c) || c == '.' || c == '-';
}

static bool in_ipv6(unsigned char c)
{
	return isxdigit(c) || c == ':' || c == '.';
}

static bool any_run(struct sdp_str text, bool (*in)(unsigned char), bool (*is)(struct sdp_str run))
{
	for (uint32_t i = 0; i < text.len;) {
		struct sdp_str run = {text.ptr + i, 0};

		while (i < text.len && in((unsigned char)text.ptr[i])) {
			run.len++;
			i++;
		}
		if (run.len != 0 && is(run))
			return true;
		if (run.len == 0)
			i++;
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
	return memchr(text.ptr, '@', text.len) != NULL || contains(text, uri) ||
	       any_run(text, in_host, run_is_host) || any_run(text, in_ipv6, run_is_ipv6) ||
	       contains_any(secrets, secrets->n, text);
}
