// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/hide.h"

#include <stdlib.h>

#include "sip/uri.h"

#define WORDS      12u
#define SHORT_WORD 5u // as a tag it may be any word of a text
#define MOST       65536u

struct word {
	struct sip_slice from, to;
};

struct words {
	struct word word[WORDS];
	unsigned n;
	char host[4][SIP_ADDR_TEXT];
};

static void add(struct words *w, struct sip_slice from, struct sip_slice to)
{
	if (w->n == WORDS || from.n < SHORT_WORD || sip_slice_ieq(from, to))
		return;
	for (unsigned i = 0; i < w->n; i++)
		if (sip_slice_ieq(w->word[i].from, from))
			return;
	w->word[w->n++] = (struct word){from, to};
}

// Its Contact, and what we show in its place.
static void add_contact(struct words *w, const struct cp_call *call, unsigned from,
	const struct sip_dialog_view *view, struct sip_slice ours)
{
	const char *user = from == 0 ? call->hidden ? "" : call->from : call->to;
	struct sip_uri uri;

	if (sip_uri_parse(view->target, &uri))
		return;
	add(w, uri.host, ours);
	add(w, uri.user, sip_str(user[0] ? user : "anonymous"));
}

static struct sip_dialog *dialog_of(struct cp_call *call, unsigned leg)
{
	if (call->leg[leg].dialog)
		return call->leg[leg].dialog;
	return call->speaking ? call->speaking->dialog
	       : call->branches ? call->branches->dialog
				: NULL;
}

static void find_words(struct cp_call *call, unsigned from, struct words *w)
{
	unsigned to = cp_other(from);
	struct sip_dialog *d[2] = {dialog_of(call, 0), dialog_of(call, 1)};
	struct sip_slice ours = sip_str(cp_leg_listener(call, to)->host),
			 peer = sip_str(call->leg[to].peer->host);
	struct sip_dialog_view view[2] = {0};
	struct sip_addr media = {0};

	for (unsigned leg = 0; leg < 2; leg++)
		if (d[leg])
			sip_dialog_view(d[leg], &view[leg]);
	add(w, view[from].call_id, view[to].call_id);
	add(w, view[from].remote_tag, view[to].local_tag);
	add(w, view[from].local_tag, view[to].remote_tag);
	add_contact(w, call, from, &view[from], ours);
	sip_addr_host(&call->leg[from].signalling, false, w->host[0]);
	add(w, sip_str(w->host[0]), ours);
	if (d[from]) {
		sip_addr_host(&view[from].flow.remote, false, w->host[1]);
		add(w, sip_str(w->host[1]), ours);
	}
	add(w, sip_str(call->leg[from].peer->host), ours);
	add(w, sip_str(cp_leg_listener(call, from)->host), peer.n ? peer : ours);
	for (unsigned i = 0; i < CP_SESSIONS; i++)
		if (call->session[i] && call->session[i]->remote[from].family) {
			media.family = call->session[i]->remote[from].family;
			memcpy(media.ip, call->session[i]->remote[from].ip, sizeof(media.ip));
		}
	if (media.family) {
		sip_addr_host(&media, false, w->host[2]);
		add(w, sip_str(w->host[2]), ours);
	}
}

static bool is_part(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A whole word: 10.0.0.1 is not in 10.0.0.12.
static bool stands_at(struct sip_slice body, size_t at, struct sip_slice word)
{
	if (word.n > body.n - at || strncasecmp(body.p + at, word.p, word.n) != 0)
		return false;
	if (at && is_part(body.p[at - 1]) && is_part(word.p[0]))
		return false;
	return at + word.n == body.n || !is_part(body.p[at + word.n]) ||
	       !is_part(word.p[word.n - 1]);
}

static const struct word *word_at(const struct words *w, struct sip_slice body, size_t at)
{
	for (unsigned i = 0; i < w->n; i++)
		if (stands_at(body, at, w->word[i].from))
			return &w->word[i];
	return NULL;
}

static bool has_any(const struct words *w, struct sip_slice body)
{
	for (size_t at = 0; at < body.n; at++)
		if (word_at(w, body, at))
			return true;
	return false;
}

struct sip_slice cp_hide(struct cp_call *call, unsigned from, struct sip_slice body, char **text)
{
	struct words w = {.n = 0};
	size_t n = 0;
	char *out;

	*text = NULL;
	if (!body.n)
		return body;
	find_words(call, from, &w);
	if (!has_any(&w, body))
		return body;
	out = *text = malloc(MOST);
	for (size_t at = 0; out && at < body.n;) {
		const struct word *word = word_at(&w, body, at);
		struct sip_slice piece = word ? word->to : sip_slice(body.p + at, 1);

		if (piece.n > MOST - n)
			return sip_slice(NULL, 0);
		if (piece.n)
			memcpy(out + n, piece.p, piece.n);
		n += piece.n;
		at += word ? word->from.n : 1;
	}
	return sip_slice(out, n);
}
