// SPDX-License-Identifier: BSD-3-Clause
#include "tests/lib/sip_peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T1 500000000ull // RFC 3261 17.1.1.1
#define T2 (8 * T1)

struct text {
	char data[8192];
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(t->data + t->size, sizeof(t->data) - t->size, format, args);
	va_end(args);
	if (n > 0)
		t->size += (size_t)n;
	if (t->size >= sizeof(t->data))
		t->size = sizeof(t->data) - 1;
}

static void transmit(
	struct peer *p, const char *data, size_t size, const struct sockaddr_storage *to)
{
	wire_send(p, data, size, to);
}

static const char *contact_of(const struct peer *p, char *buf, size_t size)
{
	char address[80];
	snprintf(buf, size, "<sip:%s@%s%s>", p->uas ? p->to : p->from,
		rtp_address_text(&p->local, address, sizeof(address)), wire_param(p));
	return buf;
}

static const char *abilities(const struct peer *p)
{
	return p->early ? ", UPDATE, PRACK\r\nSupported: 100rel, timer" : "";
}

// `answer`: to an offer of the other side.
static void add_body(
	struct peer *p, struct call *c, struct text *t, const char *direction, bool answer)
{
	char body[1024], crypto[256];
	struct sockaddr_storage local = p->local;
	rtp_set_port(&local, c->rtp_port);
	struct sdp_shape shape = {
		.local = &local,
		.direction = direction,
		.session = 1000 + c->number,
		.version = c->sdp_version,
		.mux = p->mux,
		.codecs = c->codecs[0] ? c->codecs : p->codecs,
		.lines = p->lines,
		.fax = c->fax,
		.profile = secure_profile(c->secure, answer),
		.crypto = crypto,
	};
	secure_write(c->secure, answer, crypto, sizeof(crypto));
	size_t n = sdp_write(&shape, body, sizeof(body));
	add(t, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", n, body);
}

static void take_sdp(struct call *c, const char *message, bool is_answer)
{
	struct sdp_audio a;
	if (!sdp_read(sip_body(message), &a))
		return;
	c->has_remote_sdp = true;
	c->fax = a.fax;
	c->media.fax_on = a.fax;
	c->remote_version = a.version;
	snprintf(c->remote_direction, sizeof(c->remote_direction), "%s", a.direction);
	if (c->secure)
		c->secured = secure_read(c->secure, &a, &c->media);
	if (c->secure && is_answer)
		secure_settle(c->secure);
	if (rtp_port_of(&a.rtp) && strcmp(a.direction, "zero") != 0)
		rtp_set_remote(&c->media, &a.rtp, a.rtcp_port, a.mux);
}

// Requests of ours.

static void destination(const struct call *c, struct sockaddr_storage *out)
{
	if (c->first_route[0] && sip_uri_address(c->first_route, out))
		return;
	if (!c->target[0] || !sip_uri_address(c->target, out))
		*out = c->peer;
}

static void add_head(struct peer *p, struct call *c, struct text *t, const struct client *r,
	const char *method, const char *to)
{
	char address[80];
	add(t, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\nMax-Forwards: 70\r\n",
		method, c->target, wire_name(p),
		rtp_address_text(&p->local, address, sizeof(address)), r->branch);
	add(t, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n%s", c->local, to,
		c->sip_call_id, r->cseq, method, strcmp(method, "CANCEL") == 0 ? "" : c->routes);
}

// The route set of a dialog (RFC 3261 12.1), from the message that made it.
static void take_routes(struct call *c, const char *message, bool reverse)
{
	char value[1024], *save = NULL, *list[16];
	struct text t = {.size = 0};
	int n = 0;
	for (int i = 0; sip_header(message, "Record-Route", i, value, sizeof(value)); i++)
		add(&t, "%s%s", i ? "," : "", value);
	c->routes[0] = c->first_route[0] = 0;
	for (char *s = strtok_r(t.data, ",", &save); t.size && s && n < 16;
		s = strtok_r(NULL, ",", &save))
		list[n++] = s + strspn(s, " ");
	for (int i = 0; i < n; i++) {
		const char *route = list[reverse ? n - 1 - i : i];
		size_t used = strlen(c->routes);
		if (i == 0)
			sip_uri_of(route, c->first_route, sizeof(c->first_route));
		snprintf(c->routes + used, sizeof(c->routes) - used, "Route: %s\r\n", route);
	}
}

static void start_client(struct peer *p, struct call *c, struct client *r, const struct text *t,
	const char *method, uint64_t now)
{
	struct sockaddr_storage to;
	free(r->message);
	r->message = malloc(t->size);
	r->size = r->message ? t->size : 0;
	if (r->message)
		memcpy(r->message, t->data, t->size);
	snprintf(r->method, sizeof(r->method), "%s", method);
	r->interval = T1;
	r->next = now + T1;
	r->give_up = now + 64 * T1;
	r->final = 0;
	destination(c, &to);
	transmit(p, t->data, t->size, &to);
}

static void new_branch(struct peer *p, struct call *c, struct client *r)
{
	r->cseq = ++c->cseq;
	snprintf(r->branch, sizeof(r->branch), "z9hG4bK%x.%x.%x", p->sender, c->number, r->cseq);
}

void dialog_invite(struct peer *p, struct call *c, bool sdp, uint64_t now)
{
	struct text t = {.size = 0};
	char contact[256];
	new_branch(p, c, &c->invite);
	add_head(p, c, &t, &c->invite, "INVITE", c->remote);
	add(&t, "Contact: %s\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS%s\r\n%s",
		contact_of(p, contact, sizeof(contact)), abilities(p), p->extra);
	if (sdp)
		add_body(p, c, &t, c->direction, false);
	else
		add(&t, "Content-Length: 0\r\n\r\n");
	start_client(p, c, &c->invite, &t, "INVITE", now);
}

void dialog_request(struct peer *p, struct call *c, const char *method, uint64_t now)
{
	struct text t = {.size = 0};
	new_branch(p, c, &c->other);
	add_head(p, c, &t, &c->other, method, c->remote);
	add(&t, "Content-Length: 0\r\n\r\n");
	start_client(p, c, &c->other, &t, method, now);
}

void dialog_info(struct peer *p, struct call *c, char digit, unsigned ms, bool plain, uint64_t now)
{
	struct text t = {.size = 0};
	char body[64];
	int n = plain ? snprintf(body, sizeof(body), "%c\r\n", digit)
		      : snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n", digit, ms);
	new_branch(p, c, &c->other);
	add_head(p, c, &t, &c->other, "INFO", c->remote);
	add(&t, "Content-Type: application/dtmf%s\r\nContent-Length: %d\r\n\r\n%s",
		plain ? "" : "-relay", n, body);
	start_client(p, c, &c->other, &t, "INFO", now);
}

void dialog_update(struct peer *p, struct call *c, const char *direction, uint64_t now)
{
	struct text t = {.size = 0};
	char contact[256];
	new_branch(p, c, &c->other);
	add_head(p, c, &t, &c->other, "UPDATE", c->remote);
	add(&t, "Contact: %s\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS%s\r\n%s",
		contact_of(p, contact, sizeof(contact)), abilities(p), p->extra);
	if (direction)
		add_body(p, c, &t, direction, false);
	else
		add(&t, "Content-Length: 0\r\n\r\n");
	start_client(p, c, &c->other, &t, "UPDATE", now);
}

// For a response that wants one (RFC 3262 4), once.
static void send_prack(struct peer *p, struct call *c, const char *message, uint64_t now)
{
	struct text t = {.size = 0};
	char value[64];
	char to[256], tag[64];
	unsigned rseq;
	if (sip_header(message, "To", 0, to, sizeof(to)) &&
		sip_parameter(to, "tag", tag, sizeof(tag)) && strcmp(tag, c->last_tag) != 0) {
		snprintf(c->last_tag, sizeof(c->last_tag), "%s", tag);
		c->tags++;
		c->rseq_seen = 0;
	}
	if (!sip_header(message, "RSeq", 0, value, sizeof(value)))
		return;
	rseq = (unsigned)strtoul(value, NULL, 10);
	if (rseq <= c->rseq_seen)
		return;
	c->rseq_seen = rseq;
	sip_header(message, "To", 0, c->remote, sizeof(c->remote));
	new_branch(p, c, &c->other);
	add_head(p, c, &t, &c->other, "PRACK", c->remote);
	add(&t, "RAck: %u %u INVITE\r\n", rseq, c->invite.cseq);
	if (!c->offered && sip_body(message)[0])
		add_body(p, c, &t, c->direction, true);
	else
		add(&t, "Content-Length: 0\r\n\r\n");
	start_client(p, c, &c->other, &t, "PRACK", now);
}

void dialog_options(struct peer *p, struct call *c, uint64_t now)
{
	dialog_request(p, c, "OPTIONS", now);
}

// Same branch, Request-URI, To and CSeq number as the INVITE (RFC 3261 9.1).
void dialog_cancel(struct peer *p, struct call *c, uint64_t now)
{
	struct text t = {.size = 0};
	snprintf(c->other.branch, sizeof(c->other.branch), "%s", c->invite.branch);
	c->other.cseq = c->invite.cseq;
	add_head(p, c, &t, &c->other, "CANCEL", c->remote);
	add(&t, "Content-Length: 0\r\n\r\n");
	start_client(p, c, &c->other, &t, "CANCEL", now);
}

static void send_ack(struct peer *p, struct call *c, const char *message, int code)
{
	struct text t = {.size = 0};
	struct sockaddr_storage to;
	struct client ack = c->invite;
	char to_value[256];
	if (code < 300) // its own transaction
		snprintf(ack.branch, sizeof(ack.branch), "z9hG4bK%x.%x.a%u", p->sender, c->number,
			c->invite.cseq);
	if (!sip_header(message, "To", 0, to_value, sizeof(to_value)))
		return;
	add_head(p, c, &t, &ack, "ACK", to_value);
	if (code < 300 && !c->offered)
		add_body(p, c, &t, c->direction, true);
	else
		add(&t, "Content-Length: 0\r\n\r\n");
	destination(c, &to);
	transmit(p, t.data, t.size, &to);
	c->acks_sent++;
}

// Requests of theirs.

static void send_response_with(struct peer *p, struct call *c, const char *request, int code,
	const char *tag, const char *direction, const struct sockaddr_storage *to, bool keep,
	const char *lines)
{
	struct text t = {.size = 0};
	char value[512], contact[256];
	const char *reason = code == 180 ? "Ringing" : code < 200 ? "Session Progress" : "OK";
	add(&t, "SIP/2.0 %d %s\r\n", code, code < 300 ? reason : "Refused");
	for (int i = 0; sip_header(request, "Via", i, value, sizeof(value)); i++)
		add(&t, "Via: %s\r\n", value);
	for (int i = 0; sip_header(request, "Record-Route", i, value, sizeof(value)); i++)
		add(&t, "Record-Route: %s\r\n", value);
	if (sip_header(request, "From", 0, value, sizeof(value)))
		add(&t, "From: %s\r\n", value);
	if (sip_header(request, "To", 0, value, sizeof(value))) {
		bool tagged = strstr(value, ";tag=") != NULL;
		add(&t, "To: %s%s%s\r\n", value,
			tagged || !tag ? "" : ";tag=", tagged || !tag ? "" : tag);
	}
	if (sip_header(request, "Call-ID", 0, value, sizeof(value)))
		add(&t, "Call-ID: %s\r\n", value);
	if (sip_header(request, "CSeq", 0, value, sizeof(value)))
		add(&t, "CSeq: %s\r\n", value);
	add(&t, "Contact: %s\r\n%s", contact_of(p, contact, sizeof(contact)), lines);
	if (p->early)
		add(&t, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS%s\r\n", abilities(p));
	if (c && direction)
		add_body(p, c, &t, direction, *sip_body(request));
	else
		add(&t, "Content-Length: 0\r\n\r\n");
	if (keep) {
		free(c->response);
		c->response = malloc(t.size);
		c->response_size = c->response ? t.size : 0;
		if (c->response)
			memcpy(c->response, t.data, t.size);
	}
	transmit(p, t.data, t.size, to);
}

static void send_response(struct peer *p, struct call *c, const char *request, int code,
	const char *tag, const char *direction, const struct sockaddr_storage *to, bool keep)
{
	send_response_with(p, c, request, code, tag, direction, to, keep, "");
}

void dialog_respond_reliably(struct peer *p, struct call *c, int code, bool sdp, uint64_t now)
{
	char lines[64];
	c->rseq = c->rseq ? c->rseq + 1 : 1000;
	snprintf(lines, sizeof(lines), "Require: 100rel\r\nRSeq: %u\r\n", c->rseq);
	send_response_with(p, c, c->request, code, c->tag, sdp ? c->direction : NULL, &c->peer,
		true, lines);
	c->pracked = false;
	c->reliable_interval = T1;
	c->reliable_next = now + T1;
}

void dialog_fork(struct call *c)
{
	char *tag = strstr(c->local, ";tag=");
	size_t n = strlen(c->tag);
	snprintf(c->tag + n, sizeof(c->tag) - n, "f");
	if (tag)
		snprintf(tag, sizeof(c->local) - (size_t)(tag - c->local), ";tag=%s", c->tag);
	c->rseq = 0;
}

void dialog_respond(struct peer *p, struct call *c, int code, bool sdp, uint64_t now)
{
	if (c->answered)
		return;
	c->reliable_next = code < 200 ? c->reliable_next : 0;
	send_response(p, c, c->request, code, c->tag, sdp ? c->direction : NULL, &c->peer, true);
	if (code < 200)
		return;
	if (sdp && c->secure)
		secure_settle(c->secure);
	c->answered = code;
	if (!c->answered_at)
		c->answered_at = now;
	c->acked = false;
	c->reliable = true;
	c->response_interval = T1;
	c->response_next = now + T1;
	c->response_give_up = now + 64 * T1;
}

static const char *mirror(const char *direction)
{
	if (strcmp(direction, "sendonly") == 0 || strcmp(direction, "zero") == 0)
		return "recvonly";
	if (strcmp(direction, "recvonly") == 0)
		return "sendonly";
	return strcmp(direction, "inactive") == 0 ? "inactive" : "sendrecv";
}

static void keep_request(struct call *c, const char *message, const struct sip_line *line)
{
	free(c->request);
	c->request = strdup(message);
	c->invite_cseq = line->cseq;
	c->answered = 0;
}

static void take_first_invite(struct peer *p, struct call *c, const char *message,
	const struct sip_line *line, const struct sockaddr_storage *from)
{
	char value[256], tag[64];
	keep_request(c, message, line);
	c->peer = *from;
	c->uas = true;
	snprintf(c->sip_call_id, sizeof(c->sip_call_id), "%s", line->call_id);
	if (sip_header(message, "From", 0, c->remote, sizeof(c->remote)) &&
		sip_header(message, "To", 0, value, sizeof(value)))
		snprintf(c->local, sizeof(c->local), "%.200s;tag=%s", value, c->tag);
	if (!sip_parameter(c->remote, "tag", tag, sizeof(tag)))
		peer_finish(p, c, "the INVITE has no From tag");
	if (!sip_header(message, "Contact", 0, value, sizeof(value)) ||
		!sip_uri_of(value, c->target, sizeof(c->target)))
		peer_finish(p, c, "the INVITE has no Contact");
	take_routes(c, message, false);
	take_sdp(c, message, false);
}

// By its words the other side takes no media from us, or none at all.
static bool is_hold(const char *direction)
{
	return direction[0] && strcmp(direction, "sendrecv") != 0 &&
	       strcmp(direction, "recvonly") != 0;
}

static void take_invite(struct peer *p, struct call *c, const char *message,
	const struct sip_line *line, const struct sockaddr_storage *from, uint64_t now)
{
	if (!c->request && p->uas) {
		take_first_invite(p, c, message, line, from);
		return;
	}
	if (c->request && line->cseq <= c->invite_cseq) { // a repetition
		c->repeats_seen++;
		if (c->response)
			transmit(p, c->response, c->response_size, from);
		return;
	}
	struct sdp_audio offer;
	if (sdp_read(sip_body(message), &offer) && offer.fax &&
		(!p->fax || strcmp(p->fax, "refuse") == 0 || strncmp(p->fax, "audio-", 6) == 0)) {
		send_response(p, c, message, 488, c->tag, NULL, from, false);
		return;
	}
	if (c->invite.message && !c->invite.final) { // glare (RFC 3261 14.2)
		send_response(p, c, message, 491, NULL, NULL, from, false);
		return;
	}
	keep_request(c, message, line);
	c->peer = *from;
	c->reinvites++;
	take_sdp(c, message, false);
	snprintf(c->reinvite_seen, sizeof(c->reinvite_seen), "%s", c->remote_direction);
	c->hold_seen |= is_hold(c->reinvite_seen);
	c->direction = mirror(c->remote_direction);
	c->sdp_version++;
	dialog_respond(p, c, 200, true, now);
}

static void take_cancel(struct peer *p, struct call *c, const char *message,
	const struct sockaddr_storage *from, uint64_t now)
{
	send_response(p, c, message, 200, c->tag, NULL, from, false);
	c->cancel_seen = true;
	if (c->request)
		dialog_respond(p, c, 487, false, now);
}

static void take_bye(struct peer *p, struct call *c, const char *message,
	const struct sockaddr_storage *from, uint64_t now)
{
	char reason[160];
	if (sip_header(message, "Reason", 0, reason, sizeof(reason)))
		snprintf(c->reason, sizeof(c->reason), "%s", reason);
	if (!c->bye_seen)
		c->ended_at = now;
	c->bye_seen = true;
	c->media.to_send = 0;
	send_response(p, c, message, 200, c->tag, NULL, from, false);
}

static void take_prack(struct peer *p, struct call *c, const char *message,
	const struct sockaddr_storage *from)
{
	char value[64];
	if (!sip_header(message, "RAck", 0, value, sizeof(value)) ||
		strtoul(value, NULL, 10) != c->rseq) {
		send_response(p, c, message, 481, c->tag, NULL, from, false);
		return;
	}
	c->pracks += !c->pracked;
	c->pracked = true;
	c->reliable_next = 0;
	take_sdp(c, message, true);
	send_response(p, c, message, 200, c->tag, NULL, from, false);
}

static void take_update(struct peer *p, struct call *c, const char *message,
	const struct sockaddr_storage *from)
{
	bool sdp = sip_body(message)[0];
	c->updates += sdp;
	c->refreshes += !sdp;
	if (sdp) {
		take_sdp(c, message, false);
		snprintf(c->update_seen, sizeof(c->update_seen), "%s", c->remote_direction);
		c->direction = mirror(c->remote_direction);
		c->sdp_version++;
	}
	send_response(p, c, message, 200, c->tag, sdp ? c->direction : NULL, from, false);
}

static void take_info(struct call *c, const char *message)
{
	const char *body = sip_body(message), *at = strstr(body, "Signal="),
		   *ms = strstr(body, "Duration=");
	if (c->media.tone && body[0])
		tone_note(c->media.tone, 'i', at ? at[7] : body[0],
			ms ? (unsigned)atoi(ms + 9) : 0);
}

static void take_request(struct peer *p, struct call *c, const char *message,
	const struct sip_line *line, const struct sockaddr_storage *from)
{
	uint64_t now = rtp_now();
	if (strcmp(line->method, "INVITE") == 0) {
		take_invite(p, c, message, line, from, now);
	} else if (strcmp(line->method, "ACK") == 0) {
		if (line->cseq != c->invite_cseq)
			return;
		c->acked = true;
		c->reliable = false;
		take_sdp(c, message, true);
	} else if (strcmp(line->method, "CANCEL") == 0) {
		take_cancel(p, c, message, from, now);
	} else if (strcmp(line->method, "BYE") == 0) {
		take_bye(p, c, message, from, now);
	} else if (strcmp(line->method, "PRACK") == 0) {
		take_prack(p, c, message, from);
	} else if (strcmp(line->method, "UPDATE") == 0 && p->early) {
		take_update(p, c, message, from);
	} else {
		if (strcmp(line->method, "INFO") == 0 && line->cseq != c->info_cseq)
			take_info(c, message);
		c->info_cseq = line->cseq;
		send_response(p, c, message, 200, c->tag, NULL, from, false);
	}
}

// A response to something of ours.
static void take_response(
	struct peer *p, struct call *c, const char *message, const struct sip_line *line)
{
	char via[256], branch[64], value[256];
	bool invite = strcmp(line->method, "INVITE") == 0;
	struct client *r = invite ? &c->invite : &c->other;
	if (!sip_header(message, "Via", 0, via, sizeof(via)) ||
		!sip_parameter(via, "branch", branch, sizeof(branch)) ||
		strcmp(branch, r->branch) != 0 || line->cseq != r->cseq) {
		p->strays++;
		return;
	}
	r->next = invite && line->code >= 100 && line->code < 200 ? 0 : r->next;
	if (line->code < 200 && !invite)
		return;
	if (invite && c->code_count < MAX_CODES)
		c->codes[c->code_count++] = line->code;
	if (sip_header(message, "Retry-After", 0, value, sizeof(value)))
		snprintf(c->retry_after, sizeof(c->retry_after), "%.15s", value);
	if (invite && line->code > 100 && line->code < 300) {
		if (sip_header(message, "Contact", 0, value, sizeof(value)))
			sip_uri_of(value, c->target, sizeof(c->target));
		if (line->code >= 200) {
			sip_header(message, "To", 0, c->remote, sizeof(c->remote));
			if (!c->routes[0])
				take_routes(c, message, true);
		}
		take_sdp(c, message, c->offered);
	}
	if (invite && line->code > 100 && line->code < 200)
		send_prack(p, c, message, rtp_now());
	else if (strcmp(line->method, "UPDATE") == 0 && line->code >= 200 && line->code < 300)
		take_sdp(c, message, true);
	if (line->code < 200)
		return;
	c->repeats_seen += r->final != 0;
	if (!r->final && invite && line->code < 300 && !c->answered_at)
		c->answered_at = rtp_now();
	r->final = line->code;
	r->next = 0;
	if (invite)
		send_ack(p, c, message, line->code);
}

static bool is_ignored(struct peer *p, struct call *c, const struct sip_line *line)
{
	char code[8];
	snprintf(code, sizeof(code), "%d", line->code);
	const char *what = line->request ? line->method : code;
	for (int i = 0; i < p->ignore_count; i++)
		if (strcmp(p->ignores[i].what, what) == 0 && c->ignore_left[i] > 0) {
			c->ignore_left[i]--;
			return true;
		}
	return false;
}

void dialog_receive(struct peer *p, const char *message, const struct sockaddr_storage *from)
{
	struct sip_line line;
	if (!sip_read(message, &line)) {
		p->strays++;
		return;
	}
	struct call *c = peer_find(p, line.call_id);
	if (!c && line.request && p->uas && strcmp(line.method, "INVITE") == 0)
		c = peer_add_call(p, line.call_id, rtp_now());
	if (!c) {
		p->strays++;
		if (line.request && strcmp(line.method, "ACK") != 0)
			send_response(p, NULL, message,
				strcmp(line.method, "OPTIONS") == 0 ? 200 : 481, "stray", NULL,
				from, false);
		return;
	}
	if (c->vanished || is_ignored(p, c, &line))
		return;
	if (line.request)
		take_request(p, c, message, &line, from);
	else
		take_response(p, c, message, &line);
}

static void repeat_client(struct peer *p, struct call *c, struct client *r, uint64_t now)
{
	struct sockaddr_storage to;
	if (!r->next || now < r->next || !r->message)
		return;
	if (now >= r->give_up) {
		r->next = 0;
		r->final = 408;
		return;
	}
	if (wire_is_stream(p)) { // only the time counts
		r->next = r->give_up;
		return;
	}
	destination(c, &to);
	transmit(p, r->message, r->size, &to);
	c->repeats_sent++;
	r->interval *= 2;
	if (r != &c->invite && r->interval > T2)
		r->interval = T2;
	r->next = now + r->interval;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

uint64_t dialog_repeat(struct peer *p, struct call *c, uint64_t now)
{
	if (c->vanished)
		return UINT64_MAX;
	repeat_client(p, c, &c->invite, now);
	repeat_client(p, c, &c->other, now);
	if (c->reliable && now >= c->response_next && c->response) {
		transmit(p, c->response, c->response_size, &c->peer);
		c->repeats_sent++;
		c->response_interval =
			c->response_interval * 2 > T2 ? T2 : c->response_interval * 2;
		c->response_next = now + c->response_interval;
		if (now >= c->response_give_up)
			c->reliable = false;
	}
	if (c->reliable_next && now >= c->reliable_next && c->response) {
		transmit(p, c->response, c->response_size, &c->peer);
		c->repeats_sent++;
		c->reliable_interval *= 2;
		c->reliable_next = now + c->reliable_interval;
	}
	uint64_t next = sooner(UINT64_MAX, c->invite.next);
	next = sooner(next, c->reliable_next);
	next = sooner(next, c->other.next);
	return c->reliable ? sooner(next, c->response_next) : next;
}
