// SPDX-License-Identifier: BSD-3-Clause
//
// What was agreed, as bytes for a journal, and back.
#include "sip/sdp/oa.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "sip/tape.h"

static void tape_local(struct sip_tape *t, struct sdp_local *local)
{
	sip_tape_u8(t, &local->family);
	sip_tape_bytes(t, local->ip, sizeof(local->ip));
	sip_tape_u16(t, &local->rtp_port);
	sip_tape_u16(t, &local->rtcp_port);
	sip_tape_check(t, (local->family == 4 || local->family == 6) && local->rtp_port != 0 &&
				  local->rtcp_port != 0);
}

// Everything of fixed size but the ports.
static void tape_numbers(struct sip_tape *t, struct sdp_oa *oa)
{
	struct sdp_oa_view *view = &oa->agreed;

	sip_tape_u8(t, &view->n_streams);
	sip_tape_u8(t, &view->offerer);
	sip_tape_bool(t, &view->answer_shown);
	sip_tape_u8(t, &view->fax_legs);
	sip_tape_u16(t, &view->active);
	sip_tape_check(t, view->n_streams <= SDP_MAX_MEDIA && view->offerer <= SDP_LEG_B && view->fax_legs <= 2 &&
				  view->active >> view->n_streams == 0);
	for (unsigned i = 0; i < view->n_streams && !t->bad; i++) {
		sip_tape_u8(t, &view->recode[i]);
		sip_tape_u8(t, &view->early[i]);
		sip_tape_check(t, view->recode[i] <= 128 && view->early[i] <= 128);
	}
	for (unsigned leg = 0; leg < 2; leg++) {
		sip_tape_u16(t, &view->have_local[leg]);
		sip_tape_check(t, (view->have_local[leg] & ~view->active) == 0);
		sip_tape_u32(t, &oa->version[leg]);
		sip_tape_u64(t, &oa->session_id[leg]);
		sip_tape_u8(t, &oa->origin[leg].family);
		sip_tape_bytes(t, oa->origin[leg].ip, sizeof(oa->origin[leg].ip));
		sip_tape_check(t, oa->origin[leg].family == 0 || oa->origin[leg].family == 4 ||
					  oa->origin[leg].family == 6);
		for (unsigned i = 0; i < view->n_streams && !t->bad; i++)
			sip_tape_u32(t, &oa->planned[i][leg]);
	}
}

static void tape_ports(struct sip_tape *t, struct sdp_oa_view *view)
{
	for (unsigned leg = 0; leg < 2; leg++)
		for (unsigned i = 0; i < view->n_streams; i++)
			if (view->have_local[leg] >> i & 1)
				tape_local(t, &view->ports->local[i][leg]);
}

static void tape_security(struct sip_tape *t, struct sdp_security *s)
{
	sip_tape_u8(t, &s->srtp);
	sip_tape_bool(t, &s->browser);
	sip_tape_u8(t, &s->suite_count);
	sip_tape_check(t, s->srtp <= SDP_SRTP_PASS && s->suite_count <= SDP_SUITES);
	for (unsigned i = 0; i < s->suite_count && !t->bad; i++) {
		sip_tape_u8(t, &s->suites[i]);
		sip_tape_check(t, s->suites[i] != SDP_SUITE_NONE && s->suites[i] < SDP_SUITES);
	}
	sip_tape_bytes(t, s->secret, sizeof(s->secret));
	sip_tape_text(t, s->fingerprint, sizeof(s->fingerprint));
}

// ---- Writing ------------------------------------------------------------------------------------

static void write_body(struct sip_tape *t, const struct sdp_blob *blob)
{
	const char *text = blob != NULL ? blob->text : NULL;
	size_t len = blob != NULL ? blob->len : 0;
	uint32_t version = blob != NULL ? blob->version : 0;

	sip_tape_u32(t, &version);
	sip_tape_slice(t, &text, &len);
}

int sdp_oa_save(const struct sdp_oa *oa, uint8_t *out, size_t size)
{
	struct sip_tape t = sip_tape_writer(out, size);
	struct sdp_oa copy = *oa; // writing does not change it; the description is for both ways

	if (!oa->agreed_once)
		return -EINVAL;
	tape_numbers(&t, &copy);
	tape_ports(&t, &copy.agreed);
	for (unsigned leg = 0; leg < 2; leg++) {
		bool secured = oa->secure[leg] != NULL;

		sip_tape_bool(&t, &secured);
		if (secured)
			tape_security(&t, &oa->secure[leg]->is);
	}
	for (unsigned leg = 0; leg < 2; leg++) {
		write_body(&t, oa->agreed.from[leg]);
		write_body(&t, oa->agreed.shown[leg]);
	}
	return t.bad || t.at > INT32_MAX ? -ENOBUFS : (int)t.at;
}

// ---- Reading ------------------------------------------------------------------------------------

static int read_ports(struct sip_tape *t, struct sdp_oa_view *view)
{
	if (t->bad)
		return -EBADMSG;
	view->ports =
		calloc(1, sizeof(*view->ports) + view->n_streams * sizeof(view->ports->local[0]));
	if (view->ports == NULL)
		return -ENOMEM;
	view->ports->refs = 1;
	view->ports->n = view->n_streams;
	tape_ports(t, view);
	return t->bad ? -EBADMSG : 0;
}

// One body, which has to be one that we could have taken or shown.
static int read_body(
	struct sip_tape *t, struct sdp_arena *scratch, unsigned n_streams, struct sdp_blob **blob)
{
	const size_t mark = scratch->used;
	struct sdp_session *tree;
	uint32_t version = 0;
	const char *text;
	size_t len = 0;
	int rc;

	sip_tape_u32(t, &version);
	sip_tape_slice(t, &text, &len);
	if (t->bad || (len == 0 && version != 0))
		return -EBADMSG;
	if (len == 0)
		return 0;
	rc = sdp_parse(scratch, (const uint8_t *)text, len, &tree, NULL);
	if (rc == 0 && tree->n_media > n_streams)
		rc = -EBADMSG;
	scratch->used = mark;
	if (rc != 0)
		return rc == -ENOMEM ? rc : -EBADMSG;
	*blob = sdp_blob_make((struct sdp_str){text, (uint32_t)len}, version);
	return *blob != NULL ? 0 : -ENOMEM;
}

static int read_security(struct sip_tape *t, struct sdp_oa *oa, enum sdp_leg leg)
{
	struct sdp_security s = {0};
	bool secured = false;
	int rc = 0;

	sip_tape_bool(t, &secured);
	if (secured && !t->bad) {
		tape_security(t, &s);
		rc = t->bad ? 0 : sdp_oa_secure(oa, leg, &s);
		OPENSSL_cleanse(&s, sizeof(s));
	}
	return t->bad ? -EBADMSG : rc;
}

static bool is_whole(const struct sdp_oa *oa)
{
	const struct sdp_oa_view *view = &oa->agreed;
	unsigned offerer = view->offerer, answerer = offerer ^ 1;

	for (unsigned leg = 0; leg < 2; leg++)
		if (view->from[leg] == NULL ||
			(view->shown[leg] != NULL && view->shown[leg]->version > oa->version[leg]))
			return false;
	return view->shown[answerer] != NULL &&
	       (view->shown[offerer] != NULL || !view->answer_shown);
}

int sdp_oa_load(struct sdp_oa *oa, struct sdp_arena *scratch, const uint8_t *bytes, size_t len)
{
	struct sip_tape t = sip_tape_reader(bytes, len);
	int rc;

	memset(oa, 0, sizeof(*oa));
	tape_numbers(&t, oa);
	rc = read_ports(&t, &oa->agreed);
	for (unsigned leg = 0; leg < 2 && rc == 0; leg++)
		rc = read_security(&t, oa, (enum sdp_leg)leg);
	for (unsigned leg = 0; leg < 2 && rc == 0; leg++) {
		rc = read_body(&t, scratch, oa->agreed.n_streams, &oa->agreed.from[leg]);
		if (rc == 0)
			rc = read_body(&t, scratch, oa->agreed.n_streams, &oa->agreed.shown[leg]);
	}
	if (rc == 0 && (t.at != len || !is_whole(oa)))
		rc = -EBADMSG;
	oa->agreed_once = true;
	if (rc != 0) {
		sdp_oa_fini(oa);
		memset(oa, 0, sizeof(*oa));
	}
	return rc;
}
