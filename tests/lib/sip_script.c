// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/sip_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum op op;
	char argument; // 'n' a number, 'w' a word, 'N' and 'W' may be left out, '-' none
} table[] = {
	{"invite", OP_INVITE, 'W'},
	{"expect", OP_EXPECT, 'n'},
	{"ring", OP_RING, 'n'},
	{"progress", OP_PROGRESS, '-'},
	{"answer", OP_ANSWER, '-'},
	{"reject", OP_REJECT, 'n'},
	{"cancel", OP_CANCEL, '-'},
	{"expect-cancel", OP_EXPECT_CANCEL, '-'},
	{"play", OP_PLAY, 'n'},
	{"drain", OP_DRAIN, '-'},
	{"stop", OP_STOP, '-'},
	{"rtcp", OP_RTCP, 'n'},
	{"wait", OP_WAIT, 'n'},
	{"bye", OP_BYE, '-'},
	{"expect-bye", OP_EXPECT_BYE, '-'},
	{"reinvite", OP_REINVITE, 'w'},
	{"expect-reinvite", OP_EXPECT_REINVITE, 'w'},
	{"expect-media", OP_EXPECT_MEDIA, 'n'},
	{"move", OP_MOVE, '-'},
	{"options", OP_OPTIONS, 'N'},
	{"rekey", OP_REKEY, '-'},
	{"plain", OP_PLAIN, 'n'},
	{"expect-secure", OP_EXPECT_SECURE, 'n'},
	{"vanish", OP_VANISH, '-'},
	{"hang-up", OP_HANG_UP, '-'},
	{"ring-reliable", OP_RING_RELIABLE, 'n'},
	{"progress-reliable", OP_PROGRESS_RELIABLE, '-'},
	{"update", OP_UPDATE, 'w'},
	{"refresh", OP_REFRESH, '-'},
	{"fork", OP_FORK, '-'},
	{"expect-update", OP_EXPECT_UPDATE, 'w'},
	{"digit", OP_DIGIT, 'w'},
	{"expect-digit", OP_EXPECT_DIGIT, 'w'},
	{"expect-tone", OP_EXPECT_TONE, 'n'},
	{"speak", OP_SPEAK, 'n'},
	{"codec", OP_CODEC, 'w'},
	{"fax", OP_FAX, 'n'},
	{"expect-fax", OP_EXPECT_FAX, '-'},
	{"audio", OP_AUDIO, '-'},
};

const char *script_name(enum op op)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].op == op)
			return table[i].name;
	return "?";
}

static int parse_step(const char *text, struct step *out)
{
	char name[24] = "", argument[24] = "", rest[8] = "";
	int n = sscanf(text, "%23s %23s %7s", name, argument, rest);
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		char want = table[i].argument;
		bool given = n == 2, optional = want == 'N' || want == 'W';
		if (n > 2 || (want == '-' && given) || (want != '-' && !given && !optional))
			return -1;
		out->op = table[i].op;
		out->number = (want | 0x20) == 'n' ? atof(argument) : 0;
		snprintf(out->word, sizeof(out->word), "%.15s", argument);
		return 0;
	}
	return -1;
}

int script_parse(const char *text, struct script *out)
{
	char buf[1024], *save = NULL;
	if ((size_t)snprintf(buf, sizeof(buf), "%s", text) >= sizeof(buf))
		return -1;
	out->count = 0;
	for (char *s = strtok_r(buf, ";\n", &save); s; s = strtok_r(NULL, ";\n", &save)) {
		if (strspn(s, " \t") == strlen(s))
			continue;
		if (out->count == MAX_STEPS || parse_step(s, &out->steps[out->count]) < 0) {
			fprintf(stderr, "sip_peer: cannot read the step '%s'\n", s);
			return -1;
		}
		out->count++;
	}
	return out->count ? 0 : -1;
}

static const char *direction_name(const char *word)
{
	static const char *names[] = {"sendrecv", "sendonly", "recvonly", "inactive", "zero"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], word) == 0)
			return names[i];
	return "sendrecv";
}

static void move_media(struct peer *p, struct call *c)
{
	struct rtp_stream old = c->media;
	int fd = old.fd, rtcp = old.rtcp_fd;
	c->rtp_port = (uint16_t)(c->rtp_port + 2 * p->rtp_slots);
	// A new socket, the same stream: the account goes on.
	if (peer_open_media(p, c) < 0) {
		c->media = old;
		peer_finish(p, c, "cannot open another RTP port");
		return;
	}
	struct rtp_stream fresh = c->media;
	c->media = old;
	c->media.fd = fresh.fd;
	c->media.rtcp_fd = fresh.rtcp_fd;
	c->media.port = fresh.port;
	old.seen = NULL;
	old.fd = fd;
	old.rtcp_fd = rtcp;
	rtp_close(&old);
}

// "e5:160"
static void send_digit(struct peer *p, struct call *c, const char *word, uint64_t now)
{
	const char *colon = strchr(word, ':');
	unsigned ms = colon ? (unsigned)atoi(colon + 1) : 160;
	if (word[0] == 'i' || word[0] == 'p')
		dialog_info(p, c, word[1], ms, word[0] == 'p', now);
	else
		tone_digit(c->media.tone, word[1], ms, word[0] == 'e');
}

// "PCMA:8": with telephone-event 101 beside it.
static void take_codec(struct peer *p, struct call *c, const char *word)
{
	const char *colon = strchr(word, ':');
	if (!colon || !tone_switch(c->media.tone, word))
		peer_finish(p, c, "there is no such codec");
	else
		snprintf(c->codecs, sizeof(c->codecs), "%.8s 101", colon + 1);
}

static void enter_tone(struct peer *p, struct call *c, const struct step *s, uint64_t now)
{
	if (!c->media.tone) {
		peer_finish(p, c, "this step wants --tone");
		return;
	}
	if (s->op == OP_DIGIT)
		send_digit(p, c, s->word, now);
	else if (s->op == OP_SPEAK)
		tone_speak(c->media.tone, s->number != 0);
	else if (s->op == OP_CODEC)
		take_codec(p, c, s->word);
}

// Done once, when the step begins.
static void enter(struct peer *p, struct call *c, const struct step *s, uint64_t now)
{
	switch (s->op) {
	case OP_INVITE:
		c->invited = now;
		c->offered = strcmp(s->word, "nosdp") != 0;
		dialog_invite(p, c, c->offered, now);
		break;
	case OP_RING:
		dialog_respond(p, c, (int)s->number, false, now);
		break;
	case OP_PROGRESS:
		dialog_respond(p, c, 183, true, now);
		break;
	case OP_ANSWER:
		dialog_respond(p, c, 200, true, now);
		break;
	case OP_REJECT:
		dialog_respond(p, c, (int)s->number, false, now);
		break;
	case OP_CANCEL:
		dialog_cancel(p, c, now);
		break;
	case OP_PLAY:
		c->media.to_send += (uint64_t)s->number;
		c->media.next_send = 0;
		break;
	case OP_STOP:
		c->media.to_send = 0;
		break;
	case OP_RTCP:
		c->media.rtcp_interval = (uint64_t)(s->number * 1e9);
		c->media.next_rtcp = now;
		break;
	case OP_BYE:
		dialog_request(p, c, "BYE", now);
		break;
	case OP_REINVITE:
		c->direction = direction_name(s->word);
		c->sdp_version++;
		dialog_invite(p, c, true, now);
		break;
	case OP_RING_RELIABLE:
		dialog_respond_reliably(p, c, (int)s->number, false, now);
		break;
	case OP_PROGRESS_RELIABLE:
		dialog_respond_reliably(p, c, 183, true, now);
		break;
	case OP_UPDATE:
		c->direction = direction_name(s->word);
		c->sdp_version++;
		dialog_update(p, c, c->direction, now);
		break;
	case OP_FORK:
		dialog_fork(c);
		break;
	case OP_REFRESH:
		dialog_update(p, c, NULL, now);
		break;
	case OP_MOVE:
		move_media(p, c);
		break;
	case OP_OPTIONS:
		dialog_options(p, c, now);
		break;
	case OP_REKEY:
		if (c->secure)
			secure_rekey(c->secure);
		break;
	case OP_PLAIN:
		c->media.plain = s->number != 0;
		break;
	case OP_EXPECT_SECURE:
		if (c->secured != (s->number != 0))
			peer_finish(p, c, c->secured ? "the call has SRTP" : "the call has no SRTP");
		break;
	case OP_VANISH:
		c->vanished = true;
		break;
	case OP_HANG_UP:
		wire_hang_up(p);
		break;
	case OP_FAX:
		c->fax = true;
		c->sdp_version++;
		dialog_invite(p, c, true, now);
		break;
	case OP_AUDIO:
		c->fax = c->media.fax_on = false;
		break;
	case OP_DIGIT:
	case OP_EXPECT_DIGIT:
	case OP_EXPECT_TONE:
	case OP_SPEAK:
	case OP_CODEC:
		enter_tone(p, c, s, now);
		break;
	default:
		break;
	}
}

static bool has_code(const struct call *c, int code)
{
	for (int i = 0; i < c->code_count; i++)
		if (c->codes[i] == code)
			return true;
	return false;
}

// A final response that the step does not want ends the call with a problem.
static bool wants_final(struct peer *p, struct call *c, const struct client *t, int want)
{
	char text[80];
	if (!t->final || t->final == want)
		return t->final == want;
	snprintf(text, sizeof(text), "%s was answered %d, expected %d", t->method, t->final, want);
	peer_finish(p, c, text);
	return false;
}

static bool is_done(struct peer *p, struct call *c, const struct step *s, uint64_t now)
{
	switch (s->op) {
	case OP_EXPECT:
		if (has_code(c, (int)s->number))
			return true;
		return s->number < 200 && !c->invite.final
			       ? false
			       : wants_final(p, c, &c->invite, (int)s->number);
	case OP_ANSWER:
	case OP_REJECT:
		return c->acked;
	case OP_CANCEL:
	case OP_BYE:
		// Both sides may say BYE at once; then ours finds no dialog.
		return c->other.final == 200 || (c->bye_seen && c->other.final == 481) ||
		       wants_final(p, c, &c->other, 200);
	case OP_EXPECT_CANCEL:
		return c->cancel_seen && c->acked;
	case OP_DRAIN:
		return c->media.to_send == 0;
	case OP_WAIT:
		return now >= c->step_until;
	case OP_EXPECT_BYE:
		return c->bye_seen;
	case OP_REINVITE:
		return wants_final(p, c, &c->invite, 200);
	case OP_EXPECT_REINVITE:
		if (strcmp(s->word, "hold") == 0) { // in whatever words
			bool seen = c->hold_seen;

			c->hold_seen = false;
			return seen;
		}
		return strcmp(c->reinvite_seen, s->word) == 0;
	case OP_RING_RELIABLE:
	case OP_PROGRESS_RELIABLE:
		return c->pracked;
	case OP_UPDATE:
	case OP_REFRESH:
		return wants_final(p, c, &c->other, 200);
	case OP_EXPECT_UPDATE:
		return strcmp(c->update_seen, s->word) == 0;
	case OP_EXPECT_MEDIA:
		return c->media.received >= (uint64_t)s->number;
	case OP_DIGIT:
		return (s->word[0] != 'i' && s->word[0] != 'p') || wants_final(p, c, &c->other, 200);
	case OP_FAX:
		if (!wants_final(p, c, &c->invite, (int)s->number))
			return false;
		c->fax = s->number == 200;
		return true;
	case OP_EXPECT_FAX:
		return c->media.fax && telefax_done(c->media.fax);
	case OP_EXPECT_DIGIT:
		return tone_heard(c->media.tone, s->word);
	case OP_EXPECT_TONE:
		return tone_heard_ms(c->media.tone) >= (unsigned)s->number;
	case OP_OPTIONS:
		return wants_final(p, c, &c->other, s->number > 0 ? (int)s->number : 200);
	default:
		return true;
	}
}

uint64_t script_run(struct peer *p, struct call *c, uint64_t now)
{
	while (c->live) {
		if (c->pc == p->script.count) {
			peer_finish(p, c, NULL);
			break;
		}
		const struct step *s = &p->script.steps[c->pc];
		if (!c->entered) {
			c->entered = true;
			c->step_started = now;
			c->step_until =
				now +
				(uint64_t)((s->op == OP_WAIT ? s->number : p->step_timeout) * 1e9);
			if (s->op != OP_WAIT) // not before all is said
				c->step_until += c->media.to_send * 20000000ull;
			enter(p, c, s, now);
			if (!c->live)
				break;
		}
		if (!is_done(p, c, s, now)) {
			char text[80];
			if (!c->live || now < c->step_until)
				return c->step_until;
			snprintf(text, sizeof(text), "step %d (%s %s) waited in vain", c->pc + 1,
				script_name(s->op), s->word);
			peer_finish(p, c, text);
			break;
		}
		c->pc++;
		c->entered = false;
	}
	return UINT64_MAX;
}
