// SPDX-License-Identifier: BSD-3-Clause
// How a peer's media are secured: peers: {NAME: {srtp: sdes, suites: [...]}}.
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "controlplane/config/reader.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int cfg_read_srtp(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const struct cfg_word words[] = {
		{"accept", CFG_SRTP_ACCEPT},
		{"off", CFG_SRTP_OFF},
		{"best_effort", CFG_SRTP_BEST_EFFORT},
		{"sdes", CFG_SRTP_SDES},
		{"dtls", CFG_SRTP_DTLS},
		{"pass", CFG_SRTP_PASS},
	};
	struct cfg_peer *p = to;
	int value;
	int err = cfg_choice(r, node, words, COUNT(words), &value);

	if (err)
		return err;
	p->srtp = (enum cfg_srtp)value;
	p->srtp_written = true;
	return 0;
}

static int read_suite(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	static const char *const names[] = {NULL, "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32",
		"AES_192_CM_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80",
		"AES_256_CM_HMAC_SHA1_32", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"};
	struct cfg_peer *p = to;

	for (unsigned i = 1; i < COUNT(names); i++) {
		if (node->kind != CFG_NODE_TEXT || strcasecmp(node->text, names[i]) != 0)
			continue;
		for (unsigned k = 0; k < p->suite_count; k++)
			if (p->suites[k] == i)
				return cfg_fail(r, node, "expected every suite once, found %s again",
					names[i]);
		p->suites[p->suite_count++] = (uint8_t)i;
		return 0;
	}
	return cfg_expected(r, node,
		"an SRTP suite such as AES_CM_128_HMAC_SHA1_80 or AEAD_AES_256_GCM (RFC 4568, 6188, "
		"7714)");
}

int cfg_read_suites(struct cfg_reader *r, const struct cfg_node *node, void *to)
{
	struct cfg_peer *p = to;

	p->suite_count = 0;
	return cfg_each(r, node, "an SRTP suite or a list of them, the best first", read_suite, p);
}

int cfg_check_secure(struct cfg_reader *r, const struct cfg_node *node, struct cfg_peer *p)
{
	if (!p->srtp_written)
		p->srtp = p->kind == CFG_WEBRTC ? CFG_SRTP_DTLS : CFG_SRTP_ACCEPT;
	if (p->kind == CFG_WEBRTC && p->srtp != CFG_SRTP_DTLS)
		return cfg_fail(r, node,
			"expected no srtp, or srtp: dtls, in a peer of kind webrtc: browsers know "
			"nothing else");
	if (p->suite_count && (p->srtp == CFG_SRTP_OFF || p->srtp == CFG_SRTP_DTLS ||
				      p->srtp == CFG_SRTP_PASS))
		return cfg_fail(r, node,
			"expected suites only where keys are in the SDP (srtp: sdes, best_effort or "
			"accept)");
	return 0;
}
