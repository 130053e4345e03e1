// SPDX-License-Identifier: BSD-3-Clause
#include "sip/session_timer.h"

#include <errno.h>

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void sip_st_init(struct sip_session_timer *t, uint32_t wish, uint32_t least)
{
	*t = (struct sip_session_timer){
		.least = larger(least, SIP_ST_MIN),
		.floor = SIP_ST_MIN,
	};
	t->wish = wish ? larger(wish, t->least) : 0;
}

// "refresher=uac" in a message whose user agent client is `uac`.
static enum sip_st_refresher read_refresher(
	const struct sip_message *m, enum sip_st_refresher uac, enum sip_st_refresher uas)
{
	struct sip_slice value = sip_message_value(m, SIP_H_SESSION_EXPIRES), who;
	const char *semicolon = value.n ? memchr(value.p, ';', value.n) : NULL;

	if (!semicolon)
		return SIP_ST_NOBODY;
	value = sip_slice_from(value, (size_t)(semicolon - value.p));
	if (!sip_param_find(value, "refresher", &who))
		return SIP_ST_NOBODY;
	return sip_slice_iis(who, "uac") ? uac : sip_slice_iis(who, "uas") ? uas : SIP_ST_NOBODY;
}

// ---- UAS

int sip_st_request(struct sip_session_timer *t, const struct sip_message *request)
{
	uint32_t expires = 0, floor = 0;
	int err = sip_message_number(request, SIP_H_SESSION_EXPIRES, &expires);

	if (err && err != -ENOENT)
		return 400;
	err = sip_message_number(request, SIP_H_MIN_SE, &floor);
	if (err && err != -ENOENT)
		return 400;
	t->peer_supports = sip_message_lists(request, SIP_H_SUPPORTED, "timer") ||
			   sip_message_lists(request, SIP_H_REQUIRE, "timer");
	t->asked = 0;
	t->asked_refresher = SIP_ST_NOBODY;
	// Section 9: too small is refused only to those who would understand the 422.
	if (expires && expires < t->least && t->peer_supports)
		return 422;
	t->floor = larger(t->floor, floor);
	t->asked = expires;
	t->asked_refresher = read_refresher(request, SIP_ST_THEM, SIP_ST_US);
	return 0;
}

void sip_st_refuse(const struct sip_session_timer *t, struct sip_build *b)
{
	sip_build_number(b, "Min-SE", t->least);
}

// Table 2 of section 9: who refreshes, by what the peer can do and asked for.
static enum sip_st_refresher settle_refresher(const struct sip_session_timer *t)
{
	if (!t->peer_supports)
		return SIP_ST_US;
	if (t->asked_refresher != SIP_ST_NOBODY)
		return t->asked_refresher;
	// Ours to choose: as it was, else they began.
	if (t->refresher != SIP_ST_NOBODY)
		return t->refresher;
	return t->prefer != SIP_ST_NOBODY ? t->prefer : SIP_ST_THEM;
}

void sip_st_answer(struct sip_session_timer *t, struct sip_build *b)
{
	uint32_t interval = t->asked;

	// Nobody asked, and we may only lower what was asked: section 9 lets us ask by ourselves.
	if (interval == 0)
		interval = t->wish;
	else if (t->wish && t->wish < interval)
		interval = t->wish;
	if (interval == 0) {
		t->interval = 0;
		t->refresher = SIP_ST_NOBODY;
		return;
	}
	// Not below the peer's Min-SE, nor below our own least; a caller who asked for less and
	// does not know the timer has nobody to refresh but us.
	t->interval = larger(interval, larger(t->floor, t->least));
	t->refresher = settle_refresher(t);
	if (t->refresher == SIP_ST_THEM)
		sip_build_header_str(b, "Require", "timer");
	if (t->peer_supports)
		sip_build_format(b, "Session-Expires", "%u;refresher=%s", t->interval,
			t->refresher == SIP_ST_THEM ? "uac" : "uas");
}

// ---- UAC

void sip_st_offer(const struct sip_session_timer *t, struct sip_build *b)
{
	uint32_t interval = t->interval ? t->interval : t->wish;
	enum sip_st_refresher who = t->refresher != SIP_ST_NOBODY ? t->refresher : t->prefer;

	if (interval == 0)
		return;
	interval = larger(interval, t->floor);
	if (who == SIP_ST_NOBODY)
		sip_build_number(b, "Session-Expires", interval);
	else // section 7.4: roles stay as they are
		sip_build_format(b, "Session-Expires", "%u;refresher=%s", interval,
			who == SIP_ST_US ? "uac" : "uas");
	if (t->floor > SIP_ST_MIN)
		sip_build_number(b, "Min-SE", t->floor);
}

static int raise_floor(struct sip_session_timer *t, const struct sip_message *response)
{
	uint32_t floor, before = larger(t->interval ? t->interval : t->wish, t->floor);

	if (sip_message_number(response, SIP_H_MIN_SE, &floor) || floor < SIP_ST_MIN ||
		floor <= before || floor > 86400)
		return -EBADMSG; // it would refuse the same again, or asks for nonsense
	t->floor = floor;
	return 1;
}

int sip_st_response(struct sip_session_timer *t, const struct sip_message *response)
{
	uint32_t expires;

	if (response->status == 422)
		return raise_floor(t, response);
	if (response->status < 200 || response->status > 299)
		return 0;
	if (sip_message_number(response, SIP_H_SESSION_EXPIRES, &expires) || expires == 0) {
		// Section 7.2: the peer does not know it. If we wish for a timer, we refresh alone.
		t->refresher = t->wish ? SIP_ST_US : SIP_ST_NOBODY;
		t->interval = t->wish ? larger(t->wish, t->floor) : 0;
		return 0;
	}
	t->interval = larger(expires, SIP_ST_MIN);
	t->refresher = read_refresher(response, SIP_ST_US, SIP_ST_THEM);
	if (t->refresher == SIP_ST_NOBODY)
		t->refresher = SIP_ST_US;
	return 0;
}

// ---- due

enum sip_st_due sip_st_next(const struct sip_session_timer *t, uint32_t *seconds)
{
	uint32_t margin = t->interval / 3 < 32 ? t->interval / 3 : 32;

	switch (t->refresher) {
	case SIP_ST_US:
		*seconds = t->interval / 2;
		return SIP_ST_REFRESH;
	case SIP_ST_THEM:
		*seconds = t->interval - margin;
		return SIP_ST_EXPIRE;
	default:
		*seconds = 0;
		return SIP_ST_NOTHING;
	}
}
