// SPDX-License-Identifier: BSD-3-Clause
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "controlplane/config/reader.h"

// A decimal number without sign or leading zeros, up to `most`.
static int decimal(const char *text, size_t n, unsigned most, unsigned *value)
{
	unsigned v = 0;

	if (n == 0 || n > 5 || (n > 1 && text[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	*value = v;
	return v <= most ? 0 : -EINVAL;
}

static int parse_ip(struct cfg_address *a, const char *text, size_t n)
{
	char host[INET6_ADDRSTRLEN + 1];

	if (n == 0 || n > INET6_ADDRSTRLEN)
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (memchr(host, '\0', n))
		return -EINVAL;
	if (inet_pton(AF_INET, host, a->ip) == 1) {
		a->family = 4;
		a->prefix = 32;
		return 0;
	}
	if (inet_pton(AF_INET6, host, a->ip) == 1) {
		a->family = 6;
		a->prefix = 128;
		return 0;
	}
	return -EINVAL;
}

static bool host_bits_zero(const struct cfg_address *a)
{
	unsigned bytes = a->family == 4 ? 4 : 16;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned keep = a->prefix >= (i + 1) * 8 ? 8
				: a->prefix > i * 8      ? a->prefix - i * 8
							 : 0;

		if (a->ip[i] & (0xff >> keep))
			return false;
	}
	return true;
}

// What follows the address: nothing, ":PORT" or "/PREFIX".
static int parse_rest(struct cfg_address *a, const char *rest, bool networks)
{
	unsigned value;

	if (!*rest)
		return 0;
	if (*rest == ':') {
		if (decimal(rest + 1, strlen(rest + 1), 65535, &value) || value == 0)
			return -EINVAL;
		a->port = (uint16_t)value;
		return 0;
	}
	if (*rest != '/' || !networks ||
		decimal(rest + 1, strlen(rest + 1), a->family == 4 ? 32 : 128, &value))
		return -EINVAL;
	a->prefix = (uint8_t)value;
	return host_bits_zero(a) ? 0 : -EINVAL;
}

int cfg_address_parse(struct cfg_address *address, const char *text, bool networks)
{
	struct cfg_address a = {0};
	const char *end, *colon = strchr(text, ':');
	int err;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || parse_ip(&a, text + 1, (size_t)(end - text - 1)) || a.family != 6)
			return -EINVAL;
		end++;
	} else {
		// Without brackets a second colon means that the whole is an IPv6 address.
		bool ipv6 = colon && strchr(colon + 1, ':');

		end = text + strcspn(text, ipv6 ? "/" : ":/");
		if (parse_ip(&a, text, (size_t)(end - text)))
			return -EINVAL;
	}
	err = parse_rest(&a, end, networks);
	if (!err)
		*address = a;
	return err;
}

// Letters, digits and '-' between dots (RFC 1123 2.1); the last label is no number, or it would be a
// misspelt address.
static bool is_name(const char *text, size_t n)
{
	size_t label = 0;
	bool numeric = true;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '.') {
			if (!label || text[i - 1] == '-')
				return false;
			label = 0;
			numeric = true;
			continue;
		}
		if (!isalnum((unsigned char)c) && c != '_' && (c != '-' || !label))
			return false;
		numeric &= c >= '0' && c <= '9';
		if (++label > 63)
			return false;
	}
	return label && !numeric && text[n - 1] != '-';
}

int cfg_host_parse(struct cfg_host *host, const char *text)
{
	size_t n = strcspn(text, ":");
	unsigned port = 0;

	if (n >= sizeof(host->name) || !is_name(text, n))
		return -EINVAL;
	if (text[n] && (decimal(text + n + 1, strlen(text + n + 1), 65535, &port) || !port))
		return -EINVAL;
	memset(host, 0, sizeof(*host));
	for (size_t i = 0; i < n; i++)
		host->name[i] = (char)tolower((unsigned char)text[i]);
	host->port = (uint16_t)port;
	return 0;
}

bool cfg_address_matches(const struct cfg_address *network, uint8_t family, const uint8_t *ip)
{
	unsigned whole = network->prefix / 8, rest = network->prefix % 8;

	if (network->family != family || memcmp(network->ip, ip, whole) != 0)
		return false;
	return !rest || (network->ip[whole] ^ ip[whole]) >> (8 - rest) == 0;
}

bool cfg_same_ip(const struct cfg_address *a, const struct cfg_address *b)
{
	return a->family == b->family && a->prefix == b->prefix &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool cfg_host_usable(const struct cfg_address *a)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const uint8_t zero[16] = {0};

	if (memcmp(a->ip, zero, sizeof(zero)) == 0)
		return false;
	if (a->family == 4)
		return a->prefix == 32 && a->ip[0] != 0 && a->ip[0] < 224;
	return a->prefix == 128 && a->ip[0] != 0xff && memcmp(a->ip, mapped, sizeof(mapped)) != 0;
}

int cfg_host(
	struct cfg_reader *r, const struct cfg_node *node, int port, struct cfg_address *address)
{
	static const char *const expected[] = {
		"an IP address such as 192.0.2.1 or 2001:db8::1",
		"an IP address such as 192.0.2.1 or 192.0.2.1:5060",
		"an IP address and port such as 127.0.0.1:9090 or [::1]:9090",
	};

	if (node->kind != CFG_NODE_TEXT || cfg_address_parse(address, node->text, false) ||
		(port == 0 && address->port) || (port == 2 && !address->port))
		return cfg_expected(r, node, expected[port]);
	if (!cfg_host_usable(address))
		return cfg_fail(r, node,
			"expected the address of one machine, found \"%s\" (unspecified, "
			"multicast, "
			"broadcast or IPv4-mapped)",
			node->text);
	return 0;
}
