// SPDX-License-Identifier: BSD-3-Clause
//
// The exchange: which offer is pending, what was agreed, and going back when it was refused.
#include "sip/sdp/oa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sip/sdp/cache.h"

// ---- Bodies and ports, shared among clones ------------------------------------------------------

struct sdp_blob *sdp_blob_make(struct sdp_str text, uint32_t version)
{
	struct sdp_blob *blob = malloc(sizeof(*blob) + text.len);

	if (blob == NULL)
		return NULL;
	blob->refs = 1;
	blob->len = text.len;
	blob->version = version;
	if (text.len != 0)
		memcpy(blob->text, text.ptr, text.len);
	return blob;
}

void sdp_blob_put(struct sdp_blob *blob)
{
	if (blob != NULL && --blob->refs == 0)
		free(blob);
}

static struct sdp_blob *blob_get(struct sdp_blob *blob)
{
	if (blob != NULL)
		blob->refs++;
	return blob;
}

static void blob_replace(struct sdp_blob **slot, struct sdp_blob *blob)
{
	sdp_blob_put(*slot);
	*slot = blob;
}

static struct sdp_str blob_text(const struct sdp_blob *blob)
{
	if (blob == NULL)
		return (struct sdp_str){NULL, 0};
	return (struct sdp_str){blob->text, blob->len};
}

static void ports_put(struct sdp_ports *ports)
{
	if (ports != NULL && --ports->refs == 0)
		free(ports);
}

static void view_get(struct sdp_oa_view *dst, const struct sdp_oa_view *src)
{
	*dst = *src;
	for (unsigned leg = 0; leg < 2; leg++) {
		blob_get(dst->from[leg]);
		blob_get(dst->shown[leg]);
	}
	if (dst->ports != NULL)
		dst->ports->refs++;
}

static void view_put(struct sdp_oa_view *view)
{
	for (unsigned leg = 0; leg < 2; leg++) {
		sdp_blob_put(view->from[leg]);
		sdp_blob_put(view->shown[leg]);
	}
	ports_put(view->ports);
	memset(view, 0, sizeof(*view));
}

const struct sdp_oa_view *sdp_oa_view(const struct sdp_oa *oa)
{
	return oa->state == SDP_OA_STABLE ? &oa->agreed : &oa->pending;
}

const struct sdp_local *sdp_oa_view_local(
	const struct sdp_oa_view *view, enum sdp_leg leg, unsigned stream)
{
	if (view->ports == NULL || stream >= view->ports->n ||
		(view->have_local[leg] >> stream & 1) == 0)
		return NULL;
	return &view->ports->local[stream][leg];
}

int sdp_oa_tree(struct sdp_arena *scratch, struct sdp_blob *blob, struct sdp_session **tree)
{
	*tree = NULL;
	if (blob == NULL)
		return 0;
	if (scratch->cache != NULL && sdp_cache_tree(scratch->cache, blob, tree) == 0)
		return 0;
	return sdp_parse(scratch, (const uint8_t *)blob->text, blob->len, tree, NULL);
}

// ---- Life ---------------------------------------------------------------------------------------

void sdp_oa_init(struct sdp_oa *oa, const uint64_t session_id[2])
{
	memset(oa, 0, sizeof(*oa));
	oa->session_id[0] = session_id[0];
	oa->session_id[1] = session_id[1];
}

void sdp_oa_fini(struct sdp_oa *oa)
{
	view_put(&oa->pending);
	view_put(&oa->agreed);
	for (unsigned leg = 0; leg < 2; leg++) {
		sdp_secure_put(oa->secure[leg]);
		oa->secure[leg] = NULL;
	}
	oa->state = SDP_OA_STABLE;
	oa->agreed_once = false;
}

void sdp_oa_clone(struct sdp_oa *dst, const struct sdp_oa *src)
{
	*dst = *src;
	view_get(&dst->pending, &src->pending);
	view_get(&dst->agreed, &src->agreed);
	for (unsigned leg = 0; leg < 2; leg++)
		sdp_secure_get(dst->secure[leg]);
}

void sdp_oa_follow(struct sdp_oa *oa, const struct sdp_oa *last, enum sdp_leg leg)
{
	struct sdp_oa_view *view = oa->state == SDP_OA_STABLE ? &oa->agreed : &oa->pending;
	struct sdp_blob *shown = sdp_oa_view(last)->shown[leg];

	if (oa->version[leg] < last->version[leg])
		oa->version[leg] = last->version[leg];
	if (oa->origin[leg].family == 0)
		oa->origin[leg] = last->origin[leg];
	memcpy(oa->planned, last->planned, sizeof(oa->planned));
	// What the answerer was shown is what its answer is read against; that stays.
	if (view->offerer == leg && shown != NULL)
		blob_replace(&view->shown[leg], blob_get(shown));
}

// ---- The offer ----------------------------------------------------------------------------------

static unsigned refusal_warning(enum sdp_refusal r)
{
	switch (r) {
	case SDP_REFUSED_SECURE:
	case SDP_REFUSED_TRANSPORT:
		return 302;
	case SDP_REFUSED_KIND:
		return 304;
	case SDP_REFUSED_FORMAT:
		return 305;
	case SDP_REFUSED_ADDRESS:
		return 301;
	default:
		return 399;
	}
}

const char *sdp_refusal_name(enum sdp_refusal r)
{
	switch (r) {
	case SDP_ACCEPTED:
		return "accepted";
	case SDP_REFUSED_PORT_0:
		return "port-0";
	case SDP_REFUSED_SECURE:
		return "secure";
	case SDP_REFUSED_TRANSPORT:
		return "transport";
	case SDP_REFUSED_KIND:
		return "kind";
	case SDP_REFUSED_FORMAT:
		return "format";
	case SDP_REFUSED_ADDRESS:
		return "address";
	case SDP_REFUSED_LOCAL:
		return "no-local-ports";
	case SDP_BUNDLED:
		return "bundled";
	}
	return "unknown";
}

unsigned sdp_oa_status(int error)
{
	switch (error) {
	case 0:
		return 0;
	case -EBADMSG:
		return 400;
	case -EMSGSIZE:
		return 413;
	case -EPROTONOSUPPORT:
		return 488;
	case -EBUSY:
		return 491;
	default:
		return 500;
	}
}

// Is there anything in the offer that we can carry, or nothing that it wants?
static int judge_offer(
	const struct sdp_session *tree, struct sdp_oa_need *need, struct sdp_error *err)
{
	const struct sdp_media *blame = NULL;

	need->n_streams = tree->n_media;
	for (unsigned i = 0; i < tree->n_media; i++) {
		const struct sdp_media *m = &tree->media[i];
		struct sdp_oa_need_stream *s = &need->stream[i];

		s->kind = m->kind;
		s->refusal = sdp_oa_refusal(m);
		if (s->refusal == SDP_ACCEPTED) {
			s->family = m->conn.type;
			s->mux = m->rtcp_mux;
			need->n_usable++;
		} else if (s->refusal != SDP_REFUSED_PORT_0) {
			need->n_secure += s->refusal == SDP_REFUSED_SECURE;
			blame = blame != NULL ? blame : m;
		}
	}
	if (need->n_usable != 0 || blame == NULL)
		return 0;
	return sdp_fail(err, -EPROTONOSUPPORT, refusal_warning(sdp_oa_refusal(blame)),
		blame->number, "no m-line can be relayed (%s)",
		sdp_refusal_name(sdp_oa_refusal(blame)));
}

static void want_ports(const struct sdp_oa_view *view, struct sdp_oa_need *need)
{
	for (unsigned i = 0; i < need->n_streams; i++) {
		struct sdp_oa_need_stream *s = &need->stream[i];

		if (s->refusal != SDP_ACCEPTED)
			continue;
		for (unsigned leg = 0; leg < 2; leg++) {
			const struct sdp_local *local =
				sdp_oa_view_local(view, (enum sdp_leg)leg, i);

			s->wanted[leg] = local == NULL ||
					 (leg == need->offerer && local->family != s->family);
		}
	}
}

static bool repeats(const struct sdp_oa *oa, enum sdp_leg leg, const uint8_t *body, size_t len)
{
	const struct sdp_blob *last = oa->agreed.from[leg];

	return oa->agreed_once && oa->agreed.offerer == leg && oa->agreed.answer_shown &&
	       last != NULL && last->len == len && memcmp(last->text, body, len) == 0;
}

int sdp_oa_take_offer(struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg,
	const uint8_t *body, size_t len, struct sdp_oa_need *need, struct sdp_error *err)
{
	const size_t mark = scratch->used;
	struct sdp_session *tree;
	struct sdp_blob *blob;
	int rc;

	memset(need, 0, sizeof(*need));
	need->offerer = leg;
	if (oa->state != SDP_OA_STABLE)
		return sdp_fail(err, oa->pending.offerer == leg ? -EALREADY : -EBUSY, 399, 0,
			"another offer is pending");
	rc = sdp_parse(scratch, body, len, &tree, err);
	if (rc == 0) {
		sdp_oa_mark(oa, leg, tree);
		rc = judge_offer(tree, need, err);
	}
	if (rc != 0)
		goto out;
	blob = sdp_blob_make((struct sdp_str){(const char *)body, (uint32_t)len}, 0);
	if (blob == NULL) {
		rc = sdp_fail(err, -ENOMEM, 399, 0, "out of memory");
		goto out;
	}
	need->same = repeats(oa, leg, body, len);
	view_get(&oa->pending, &oa->agreed);
	blob_replace(&oa->pending.from[leg], blob);
	oa->pending.offerer = (uint8_t)leg;
	oa->pending.answer_shown = false;
	memset(oa->pending.early, 0, sizeof(oa->pending.early));
	oa->pending.fax = 0;
	if (oa->pending.n_streams < tree->n_media)
		oa->pending.n_streams = (uint8_t)tree->n_media;
	oa->state = SDP_OA_OFFERED;
	want_ports(&oa->pending, need);
out:
	scratch->used = mark;
	return rc;
}

// ---- Our ports ----------------------------------------------------------------------------------

// The pending view's own table, large enough for all its streams.
static int own_ports(struct sdp_oa_view *view)
{
	struct sdp_ports *old = view->ports, *ports;

	if (old != NULL && old->refs == 1 && old->n >= view->n_streams)
		return 0;
	ports = calloc(1, sizeof(*ports) + view->n_streams * sizeof(ports->local[0]));
	if (ports == NULL)
		return -ENOMEM;
	ports->refs = 1;
	ports->n = view->n_streams;
	if (old != NULL)
		memcpy(ports->local, old->local,
			(old->n < ports->n ? old->n : ports->n) * sizeof(ports->local[0]));
	ports_put(old);
	view->ports = ports;
	return 0;
}

int sdp_oa_set_local(
	struct sdp_oa *oa, enum sdp_leg leg, unsigned stream, const struct sdp_local *local)
{
	struct sdp_oa_view *view = &oa->pending;
	int rc;

	if (oa->state == SDP_OA_STABLE || stream >= view->n_streams)
		return -EINVAL;
	if (local->family == 0) {
		view->have_local[leg] &= (uint16_t) ~(1u << stream);
		return 0;
	}
	if ((local->family != 4 && local->family != 6) || local->rtp_port == 0 ||
		local->rtcp_port == 0)
		return -EINVAL;
	rc = own_ports(view);
	if (rc != 0)
		return rc;
	view->ports->local[stream][leg] = *local;
	view->have_local[leg] |= (uint16_t)(1u << stream);
	return 0;
}

const struct sdp_local *sdp_oa_local(const struct sdp_oa *oa, enum sdp_leg leg, unsigned stream)
{
	return sdp_oa_view_local(sdp_oa_view(oa), leg, stream);
}

// ---- Showing ------------------------------------------------------------------------------------

typedef int (*write_body)(
	const struct sdp_oa *oa, struct sdp_arena *scratch, uint32_t version, struct sdp_writer *w);

// Our o= keeps its address for the whole session (RFC 3264 8).
static void fix_origin(struct sdp_oa *oa, enum sdp_leg leg)
{
	if (oa->origin[leg].family != 0)
		return;
	for (unsigned i = 0; i < oa->pending.n_streams; i++) {
		const struct sdp_local *local = sdp_oa_view_local(&oa->pending, leg, i);

		if (local == NULL)
			continue;
		oa->origin[leg].family = local->family;
		memcpy(oa->origin[leg].ip, local->ip, sizeof(local->ip));
		return;
	}
	oa->origin[leg].family = 4; // no media at all: 0.0.0.0
}

static int write_version(const struct sdp_oa *oa, struct sdp_arena *scratch, write_body write,
	uint32_t version, struct sdp_writer *w)
{
	const size_t mark = scratch->used;
	int rc;

	w->len = 0;
	w->overflow = false;
	rc = write(oa, scratch, version, w);
	scratch->used = mark;
	return rc;
}

// Our own body has to be readable again: a peer's thousand lines and a few of ours may be too many.
static int check_limits(const struct sdp_writer *w)
{
	unsigned lines = 0;

	for (size_t i = 0; i < w->len; i++)
		lines += w->buf[i] == '\n';
	return lines > SDP_MAX_LINES ? -EMSGSIZE : 0;
}

// The body with the version that the leg saw last. If that is what it saw, it stays; if not, the next
// version is due.
static int show(struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg, write_body write)
{
	struct sdp_blob *base = oa->pending.shown[leg], *blob;
	struct sdp_writer w;
	char *buf = sdp_arena_take_raw(scratch, SDP_MAX_BODY);
	int rc;

	if (buf == NULL)
		return -ENOMEM;
	sdp_writer_init(&w, buf, SDP_MAX_BODY);
	if (base != NULL) {
		rc = write_version(oa, scratch, write, base->version, &w);
		if (rc != 0)
			return rc;
		if (w.len == base->len && memcmp(w.buf, base->text, w.len) == 0)
			return 0;
	}
	rc = write_version(oa, scratch, write, oa->version[leg] + 1, &w);
	if (rc == 0)
		rc = check_limits(&w);
	if (rc != 0)
		return rc;
	blob = sdp_blob_make((struct sdp_str){w.buf, (uint32_t)w.len}, oa->version[leg] + 1);
	if (blob == NULL)
		return -ENOMEM;
	oa->version[leg]++;
	blob_replace(&oa->pending.shown[leg], blob);
	return 0;
}

static int show_from_origin(
	struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg, write_body write)
{
	const struct sdp_local_origin before = oa->origin[leg];
	const size_t mark = scratch->used;
	int rc;

	fix_origin(oa, leg);
	rc = show(oa, scratch, leg, write);
	if (rc != 0)
		oa->origin[leg] = before;
	scratch->used = mark;
	return rc;
}

// Some stream has ports, or the offer wants none.
static bool has_media(const struct sdp_oa *oa, const struct sdp_session *tree)
{
	bool wanted = false;

	for (unsigned i = 0; i < tree->n_media; i++) {
		if (sdp_oa_refusal(&tree->media[i]) != SDP_ACCEPTED)
			continue;
		wanted = true;
		if (sdp_recode_speaks(oa, sdp_leg_other((enum sdp_leg)oa->pending.offerer),
			    &tree->media[i]) &&
			sdp_oa_view_local(&oa->pending, SDP_LEG_A, i) != NULL &&
			sdp_oa_view_local(&oa->pending, SDP_LEG_B, i) != NULL)
			return true;
	}
	return !wanted;
}

int sdp_oa_show_offer(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_str *text)
{
	const enum sdp_leg from = (enum sdp_leg)oa->pending.offerer, to = sdp_leg_other(from);
	const size_t mark = scratch->used;
	struct sdp_session *tree;
	int rc;

	if (oa->state == SDP_OA_STABLE)
		return -EINVAL;
	// Once answered, the offer is what was answered.
	if (oa->state != SDP_OA_ANSWERED) {
		rc = sdp_oa_tree(scratch, oa->pending.from[from], &tree);
		if (rc == 0)
			sdp_oa_mark(oa, from, tree);
		if (rc == 0 && !has_media(oa, tree))
			rc = -EPROTONOSUPPORT;
		scratch->used = mark;
		if (rc == 0)
			rc = show_from_origin(oa, scratch, to, sdp_oa_write_offer);
		if (rc != 0)
			return rc;
		oa->state = SDP_OA_SHOWN;
	}
	*text = blob_text(oa->pending.shown[to]);
	return 0;
}

// ---- The answer ---------------------------------------------------------------------------------

// RFC 3264 6: as many m-lines, of the same kinds. Fewer are read as declined, since some decline so.
static int check_answer(
	const struct sdp_session *offer, const struct sdp_session *answer, struct sdp_error *err)
{
	for (unsigned i = 0; i < answer->n_media; i++) {
		const struct sdp_media *o = &offer->media[i], *a = &answer->media[i];

		if (a->port == 0 || o->port == 0)
			continue;
		if (!sdp_str_equal_nocase(o->kind_text, a->kind_text))
			return sdp_fail(err, -EBADMSG, 304, a->number,
				"answer is of another kind of media than the offer");
		if (sdp_proto_is_rtp(a->proto) != sdp_proto_is_rtp(o->proto) ||
			(!sdp_proto_is_rtp(a->proto) && a->proto != o->proto) ||
			sdp_proto_is_secure(a->proto) != sdp_proto_is_secure(o->proto))
			return sdp_fail(err, -EBADMSG, 302, a->number,
				"answer has another transport than the offer");
	}
	return 0;
}

// What is answered without having been asked for counts as not written.
static int without_more(struct sdp_arena *scratch, const struct sdp_session *offer, const uint8_t *body,
	size_t *len, struct sdp_session **answer, struct sdp_error *err)
{
	if ((*answer)->n_media <= offer->n_media)
		return 0;
	*len = (size_t)((const uint8_t *)(*answer)->media[offer->n_media].kind_text.ptr - body);
	while (*len > 0 && body[*len - 1] != '\n')
		--*len;
	return sdp_parse(scratch, body, *len, answer, err);
}

// Which streams are transcoded stays as it is decided here.
static void choose_codecs(const struct sdp_oa *oa, struct sdp_arena *scratch,
	struct sdp_oa_view *view, const struct sdp_oa_trees *trees)
{
	for (unsigned i = 0; i < SDP_MAX_MEDIA; i++)
		if (view->fax != i + 1)
			view->recode[i] = 0;
	if (!sdp_recode_can(oa))
		return;
	for (unsigned i = 0; i < view->n_streams; i++) {
		struct sdp_oa_stream stream;
		uint8_t pt;

		sdp_oa_stream(oa, view, trees, i, &stream);
		if (stream.offer == NULL || stream.shown == NULL || stream.fax ||
			stream.gateway)
			continue;
		pt = sdp_recode_choose(oa, scratch, i, &stream);
		view->recode[i] = pt == SDP_PT_NONE ? 0 : (uint8_t)(pt + 1);
	}
}

static uint16_t find_active(const struct sdp_oa *oa, struct sdp_oa_view *view,
	const struct sdp_oa_trees *trees)
{
	uint16_t active = 0;

	view->fax_legs = 0;
	view->unclear = false;

	for (unsigned i = 0; i < view->n_streams; i++) {
		struct sdp_oa_stream stream;

		sdp_oa_stream(oa, view, trees, i, &stream);
		if (stream.refusal != SDP_ACCEPTED)
			continue;
		active |= (uint16_t)(1u << i);
		view->unclear = view->unclear || sdp_recode_is_unclear(&stream);
		if (stream.gateway)
			view->fax_legs |= (uint8_t)(1u << (view->offerer ^ (stream.shown->fax ? 1 : 0)));
	}
	return active;
}

int sdp_oa_take_answer(struct sdp_oa *oa, struct sdp_arena *scratch, enum sdp_leg leg,
	const uint8_t *body, size_t len, struct sdp_error *err)
{
	struct sdp_oa_view *view = &oa->pending;
	const size_t mark = scratch->used;
	struct sdp_oa_trees trees;
	struct sdp_blob *blob;
	int rc;

	// Our own trees fail only for want of memory, and say nothing.
	sdp_fail(err, 0, 399, 0, "out of memory");
	if (oa->state < SDP_OA_SHOWN || leg == (enum sdp_leg)view->offerer)
		return sdp_fail(err, -EINVAL, 399, 0, "no offer was made to this leg");
	rc = sdp_parse(scratch, body, len, &trees.answer, err);
	if (rc == 0)
		rc = sdp_oa_tree(scratch, view->from[view->offerer], &trees.offer);
	if (rc == 0)
		rc = sdp_oa_tree(scratch, view->shown[leg], &trees.shown);
	if (rc == 0)
		rc = sdp_bundle_before(oa, scratch, view->offerer, &trees.bundled);
	if (rc == 0)
		rc = without_more(scratch, trees.shown, body, &len, &trees.answer, err);
	if (rc == 0)
		rc = check_answer(trees.shown, trees.answer, err);
	if (rc != 0)
		goto out;
	sdp_oa_mark(oa, (enum sdp_leg)view->offerer, trees.offer);
	sdp_oa_mark(oa, leg, trees.shown);
	sdp_oa_mark(oa, leg, trees.answer);
	blob = sdp_blob_make((struct sdp_str){(const char *)body, (uint32_t)len}, 0);
	if (blob == NULL) {
		rc = sdp_fail(err, -ENOMEM, 399, 0, "out of memory");
		goto out;
	}
	blob_replace(&view->from[leg], blob);
	choose_codecs(oa, scratch, view, &trees);
	view->active = find_active(oa, view, &trees);
	oa->state = SDP_OA_ANSWERED;
out:
	scratch->used = mark;
	return rc;
}

int sdp_oa_show_answer(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_str *text)
{
	const enum sdp_leg to = (enum sdp_leg)oa->pending.offerer;
	int rc;

	if (oa->state != SDP_OA_ANSWERED)
		return -EINVAL;
	rc = show_from_origin(oa, scratch, to, sdp_oa_write_answer);
	if (rc != 0)
		return rc;
	oa->pending.answer_shown = true;
	*text = blob_text(oa->pending.shown[to]);
	return 0;
}

bool sdp_oa_carries(const struct sdp_oa *oa)
{
	return sdp_oa_view(oa)->active != 0;
}

int sdp_oa_show_early(struct sdp_oa *oa, struct sdp_arena *scratch, struct sdp_str *text)
{
	const enum sdp_leg to = (enum sdp_leg)oa->pending.offerer;
	int rc = show_from_origin(oa, scratch, to, sdp_oa_write_early);

	if (rc == 0)
		*text = blob_text(oa->pending.shown[to]);
	return rc;
}

// ---- The end of an exchange ---------------------------------------------------------------------

int sdp_oa_accept(struct sdp_oa *oa)
{
	if (oa->state != SDP_OA_ANSWERED)
		return -EINVAL;
	view_put(&oa->agreed);
	oa->agreed = oa->pending;
	memset(&oa->pending, 0, sizeof(oa->pending));
	// Streams that ended give their ports back.
	oa->agreed.have_local[0] &= oa->agreed.active;
	oa->agreed.have_local[1] &= oa->agreed.active;
	oa->agreed_once = true;
	oa->state = SDP_OA_STABLE;
	return 0;
}

void sdp_oa_reject(struct sdp_oa *oa)
{
	view_put(&oa->pending);
	oa->state = SDP_OA_STABLE;
}

int sdp_oa_repeat(struct sdp_oa *oa, struct sdp_str *text)
{
	const enum sdp_leg leg = (enum sdp_leg)oa->pending.offerer;
	struct sdp_blob *offer = oa->pending.from[leg];

	if (oa->state != SDP_OA_OFFERED ||
		!repeats(oa, leg, (const uint8_t *)offer->text, offer->len))
		return -EINVAL;
	sdp_oa_reject(oa);
	*text = blob_text(oa->agreed.shown[leg]);
	return 0;
}

struct sdp_str sdp_oa_said(const struct sdp_oa *oa, enum sdp_leg leg)
{
	return blob_text(sdp_oa_view(oa)->from[leg]);
}

struct sdp_str sdp_oa_shown(const struct sdp_oa *oa, enum sdp_leg leg)
{
	return blob_text(sdp_oa_view(oa)->shown[leg]);
}
