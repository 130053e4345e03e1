// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "sip/build.h"

#define TAG 20u

struct cp_gate {
	struct cp_overload *overload;
	char numbers[16][32];
	unsigned number_count;
	uint64_t acks;
	char tag[TAG + 1]; // of every 503 of ours: says of an ACK that it is for one of them
	struct sip_message message;
	char answer[8192];
};

// ---- limits --------------------------------------------------------------------------------------

static struct cp_overload_config limits(const struct cfg_sip *sip)
{
	return (struct cp_overload_config){
		.target_us = sip->shed_after ? sip->shed_after * 1000u : UINT32_MAX,
		.source_rate = sip->stranger_rate,
	};
}

int cp_gate_set_policy(struct cp_gate *g, const struct cp_policy *policy)
{
	const struct cfg_sip *sip = &policy->cfg->sip;
	const struct cp_overload_config config = limits(sip);
	struct cp_overload *fresh;
	int err = cp_overload_new(&fresh, &config);

	if (err)
		return err;
	cp_overload_free(g->overload);
	g->overload = fresh;
	memcpy(g->numbers, sip->emergency, sizeof(g->numbers));
	g->number_count = sip->emergency_count;
	return 0;
}

int cp_gate_new(struct cp_gate **out, const struct cp_policy *policy)
{
	struct cp_gate *g = calloc(1, sizeof(*g));
	uint8_t random[TAG];
	int err;

	if (!g)
		return -ENOMEM;
	err = getrandom(random, sizeof(random), 0) == sizeof(random) ? 0 : -EIO;
	for (unsigned i = 0; i < TAG; i++)
		g->tag[i] = "abcdefghijklmnopqrstuvwxyz234567"[random[i] & 31];
	if (!err)
		err = cp_gate_set_policy(g, policy);
	if (err)
		cp_gate_free(g);
	else
		*out = g;
	return err;
}

void cp_gate_free(struct cp_gate *g)
{
	if (!g)
		return;
	cp_overload_free(g->overload);
	free(g);
}

// ---- what it is ------------------------------------------------------------------------------------

// The Request-URI as it stands in the start line.
static struct sip_slice request_uri(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data, *first, *second;

	while (n && (*p == '\r' || *p == '\n'))
		p++, n--;
	first = n ? memchr(p, ' ', n) : NULL;
	if (!first)
		return sip_slice(NULL, 0);
	first++;
	second = memchr(first, ' ', (size_t)(p + n - first));
	return second ? sip_slice(first, (size_t)(second - first)) : sip_slice(NULL, 0);
}

static bool begins(struct sip_slice s, const char *z)
{
	size_t n = strlen(z);

	return s.n >= n && strncasecmp(s.p, z, n) == 0;
}

// A service URN also by its branches: urn:service:sos.fire (RFC 5031).
static bool is_service(struct sip_slice uri, const char *number)
{
	size_t n = strlen(number);

	return begins(uri, number) && (uri.n == n || uri.p[n] == '.' || uri.p[n] == ';');
}

bool cp_gate_is_emergency(const struct cp_gate *g, struct sip_slice uri)
{
	struct sip_slice user = uri;
	size_t n = 0;

	if (begins(uri, "sip:") || begins(uri, "tel:"))
		user = sip_slice_from(uri, 4);
	else if (begins(uri, "sips:"))
		user = sip_slice_from(uri, 5);
	while (n < user.n && user.p[n] != '@' && user.p[n] != ';')
		n++;
	user.n = n;
	for (unsigned i = 0; i < g->number_count; i++) {
		const char *number = g->numbers[i];

		if (begins(sip_str(number), "urn:") ? is_service(uri, number)
						    : sip_slice_iis(user, number))
			return true;
	}
	return false;
}

static bool has_tag(struct sip_slice to)
{
	return to.n > 5 && memmem(to.p, to.n, ";tag=", 5);
}

static enum cp_overload_class class_of(const struct cp_gate *g, const struct cp_gate_packet *p)
{
	const struct sip_peek *peek = &p->peek;

	if (!peek->is_request || peek->method == SIP_ACK || peek->method == SIP_CANCEL ||
		has_tag(peek->to) || (p->known_call && p->peer))
		return CP_CLASS_DIALOG;
	if (peek->method != SIP_INVITE)
		return CP_CLASS_OTHER;
	return cp_gate_is_emergency(g, request_uri(p->data, p->n)) ? CP_CLASS_EMERGENCY
								   : CP_CLASS_NEW;
}

// ---- the answer ------------------------------------------------------------------------------------

// By reading the whole message.
static bool begin_slowly(struct cp_gate *g, const struct cp_gate_packet *p, struct sip_build *b)
{
	static const uint8_t needed[] = {
		SIP_H_VIA, SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ};

	if (sip_message_index(&g->message, p->data, p->n) || !g->message.is_request)
		return false;
	for (size_t i = 0; i < sizeof(needed); i++)
		if (!sip_message_has(&g->message, needed[i]))
			return false;
	sip_build_response(b, &g->message, p->source, 503, sip_str(NULL), sip_slice(g->tag, TAG));
	return true;
}

static bool write_refusal(
	struct cp_gate *g, const struct cp_gate_packet *p, struct sip_slice *answer)
{
	struct sip_build b = sip_build(g->answer, sizeof(g->answer));
	int n;

	if (sip_build_refusal(&b, p->data, p->n, p->source, 503, sip_slice(g->tag, TAG))) {
		b = sip_build(g->answer, sizeof(g->answer));
		if (!begin_slowly(g, p, &b))
			return false;
	}
	sip_build_number(&b, "Retry-After", cp_overload_retry_after(g->overload));
	n = sip_build_end(&b, sip_slice("", 0));
	if (n <= 0)
		return false;
	*answer = sip_slice(b.p, (size_t)n);
	return true;
}

// ---- the gate ---------------------------------------------------------------------------------------

bool cp_gate_muted(struct cp_gate *g, uint64_t now_us, const struct sip_flow *source)
{
	return cp_overload_muted(g->overload, now_us, &source->remote);
}

void cp_gate_junk(struct cp_gate *g, uint64_t now_us, const struct sip_flow *source)
{
	cp_overload_junk(g->overload, now_us, &source->remote);
}

enum cp_gate_verdict cp_gate_check(
	struct cp_gate *g, const struct cp_gate_packet *p, struct sip_slice *answer)
{
	enum cp_overload_class class_;

	if (!p->peeked)
		return CP_GATE_PASS;
	if (p->peek.is_request && p->peek.method == SIP_ACK && p->peek.to.n > TAG &&
		memmem(p->peek.to.p, p->peek.to.n, g->tag, TAG)) {
		g->acks++;
		return CP_GATE_DROP;
	}
	class_ = class_of(g, p);
	switch (cp_overload_ask(
		g->overload, p->now_us, p->waited_us, &p->source->remote, p->peer, class_)) {
	case CP_ADMIT:
		return CP_GATE_PASS;
	case CP_SHED:
		return write_refusal(g, p, answer) ? CP_GATE_ANSWER : CP_GATE_DROP;
	default:
		// Who goes on and on above his rate is not worth a look at each.
		cp_overload_junk(g->overload, p->now_us, &p->source->remote);
		return CP_GATE_DROP;
	}
}

void cp_gate_count(const struct cp_gate *g, struct cp_gate_counters *out)
{
	out->overload = *cp_overload_counters(g->overload);
	out->acks = g->acks;
}
