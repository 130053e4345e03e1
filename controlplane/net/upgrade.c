// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/net/upgrade.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct text {
	const char *at;
	size_t n;
};

struct request {
	struct text method, version;
	struct text upgrade, connection, key, ws_version, protocol, origin, host;
	unsigned keys;
};

static struct text trim(struct text t)
{
	while (t.n && (t.at[0] == ' ' || t.at[0] == '\t'))
		t.at++, t.n--;
	while (t.n && (t.at[t.n - 1] == ' ' || t.at[t.n - 1] == '\t' || t.at[t.n - 1] == '\r'))
		t.n--;
	return t;
}

static bool is(struct text t, const char *word)
{
	return t.n == strlen(word) && strncasecmp(t.at, word, t.n) == 0;
}

// Is `word` an element of the comma-separated list?
static bool lists(struct text list, const char *word)
{
	while (list.n) {
		const char *comma = memchr(list.at, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.at) : list.n;

		if (is(trim((struct text){list.at, n}), word))
			return true;
		list.at += comma ? n + 1 : n;
		list.n -= comma ? n + 1 : n;
	}
	return false;
}

static bool next_line(struct text *rest, struct text *line)
{
	const char *end = memchr(rest->at, '\n', rest->n);

	if (!end)
		return false;
	*line = trim((struct text){rest->at, (size_t)(end - rest->at)});
	rest->n -= (size_t)(end + 1 - rest->at);
	rest->at = end + 1;
	return true;
}

static bool read_start(struct text line, struct request *r)
{
	const char *first = memchr(line.at, ' ', line.n);
	const char *last = memrchr(line.at, ' ', line.n);

	if (!first || first == last)
		return false;
	r->method = (struct text){line.at, (size_t)(first - line.at)};
	r->version = (struct text){last + 1, (size_t)(line.at + line.n - last - 1)};
	return true;
}

static bool read_header(struct text line, struct request *r)
{
	const struct {
		const char *name;
		struct text *value;
	} known[] = {
		{"Upgrade", &r->upgrade},
		{"Connection", &r->connection},
		{"Sec-WebSocket-Key", &r->key},
		{"Sec-WebSocket-Version", &r->ws_version},
		{"Sec-WebSocket-Protocol", &r->protocol},
		{"Origin", &r->origin},
		{"Host", &r->host},
	};
	const char *colon = memchr(line.at, ':', line.n);
	struct text name;

	if (!colon || colon == line.at)
		return false;
	name = (struct text){line.at, (size_t)(colon - line.at)};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!is(name, known[i].name))
			continue;
		*known[i].value =
			trim((struct text){colon + 1, (size_t)(line.at + line.n - colon - 1)});
		r->keys += known[i].value == &r->key;
	}
	return true;
}

static bool read_request(const uint8_t *bytes, size_t n, struct request *r)
{
	struct text rest = {(const char *)bytes, n}, line;

	memset(r, 0, sizeof(*r));
	if (!next_line(&rest, &line) || !read_start(line, r))
		return false;
	while (next_line(&rest, &line) && line.n)
		if (!read_header(line, r))
			return false;
	return true;
}

static int judge(const struct request *r, const char *origins)
{
	if (!is(r->version, "HTTP/1.1"))
		return 400;
	if (!is(r->method, "GET"))
		return 405;
	if (!lists(r->upgrade, "websocket") || !lists(r->connection, "upgrade") ||
		!is(r->ws_version, "13"))
		return 426;
	// A key is 16 bytes in base64: 24 characters, the last two of them padding.
	if (r->keys != 1 || r->key.n != 24 || memcmp(r->key.at + 22, "==", 2) || !r->host.n ||
		!lists(r->protocol, "sip"))
		return 400;
	if (origins && r->origin.n) {
		char origin[256];

		if (snprintf(origin, sizeof(origin), "%.*s", (int)r->origin.n, r->origin.at) >=
				(int)sizeof(origin) ||
			!lists((struct text){origins, strlen(origins)}, origin))
			return 403;
	}
	return 101;
}

static void accept_key(struct text key, char out[32])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t bytes[24 + sizeof(guid) - 1], digest[20];
	unsigned size = sizeof(digest);

	memcpy(bytes, key.at, 24);
	memcpy(bytes + 24, guid, sizeof(guid) - 1);
	if (!EVP_Digest(bytes, sizeof(bytes), digest, &size, EVP_sha1(), NULL))
		memset(digest, 0, sizeof(digest));
	EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest));
}

static void write_answer(struct cp_upgrade *out, const struct request *r)
{
	const char *why = out->status == 403   ? "403 Forbidden"
			  : out->status == 405 ? "405 Method Not Allowed\r\nAllow: GET"
			  : out->status == 426 ? "426 Upgrade Required\r\nUpgrade: websocket\r\n"
						 "Connection: Upgrade\r\nSec-WebSocket-Version: 13"
			  : out->status == 431 ? "431 Request Header Fields Too Large"
					       : "400 Bad Request";
	char key[32];

	if (out->status != 101) {
		snprintf(out->answer, sizeof(out->answer),
			"HTTP/1.1 %s\r\nContent-Length: 0\r\n%s\r\n", why,
			out->status == 426 ? "" : "Connection: close\r\n");
		return;
	}
	accept_key(r->key, key);
	snprintf(out->answer, sizeof(out->answer),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		key);
}

int cp_upgrade_read(struct cp_upgrade *out, const uint8_t *bytes, size_t n, const char *origins)
{
	size_t look = n < CP_UPGRADE_MAX ? n : CP_UPGRADE_MAX;
	const uint8_t *end = memmem(bytes, look, "\r\n\r\n", 4);
	struct request request = {0};

	memset(out, 0, sizeof(*out));
	if (!end && n < CP_UPGRADE_MAX)
		return -EAGAIN;
	if (!end) {
		out->length = n;
		out->status = 431;
	} else {
		out->length = (size_t)(end - bytes) + 4;
		out->status =
			read_request(bytes, out->length, &request) ? judge(&request, origins) : 400;
	}
	write_answer(out, &request);
	return 0;
}
