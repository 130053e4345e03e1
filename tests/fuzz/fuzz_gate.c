// SPDX-License-Identifier: BSD-3-Clause
// Any bytes before the gate, young and old, of a peer and of a stranger: what it answers is a message that passes the
// screen, says 503, and mirrors nothing but what came.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "media: {a: {device: a0, address: 192.0.2.1, ports: 20000-20999}}\n"
			   "sip: {listen: [\"udp:192.0.2.1\"]}\n";

static struct cp_gate *make(void)
{
	struct cp_policy *policy;
	struct cfg_error error;
	struct cp_gate *gate;
	struct cfg *cfg;

	if (cfg_parse(&cfg, "fuzz.yaml", text, sizeof(text) - 1, &error) ||
		cp_policy_new(cfg, NULL, NULL, &policy, &error) || cp_gate_new(&gate, policy))
		abort();
	cp_policy_release(policy);
	return gate;
}

static void check_answer(struct sip_slice answer, const struct sip_flow *source)
{
	static struct sip_message m;
	struct sip_screened s =
		sip_screen(&m, (const uint8_t *)answer.p, answer.n, source->transport);

	// It may mirror what the screen would not let in, but it is a response, and whole.
	if (m.is_request || m.status != 503 ||
		(s.verdict == SIP_SCREEN_ACCEPT && m.body != m.length))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cp_gate *gate;
	static uint64_t now = 1000000;
	const struct sip_flow source = {
		.remote = {.family = 4, .port = 5060, .ip = {203, 0, 113, 1}}};
	struct cp_gate_packet p = {.source = &source};
	struct sip_slice answer;

	if (!gate)
		gate = make();
	if (size < 1)
		return 0;
	p.data = data + 1;
	p.n = size - 1;
	p.now_us = now += 100000;
	p.waited_us = data[0] & 1 ? 0 : 1000000;
	p.peer = data[0] & 2;
	p.known_call = data[0] & 4;
	p.peeked = sip_peek(p.data, p.n, &p.peek) == 0;
	if (cp_gate_check(gate, &p, &answer) == CP_GATE_ANSWER) {
		if (p.waited_us == 0)
			abort(); // nothing that is young is answered here
		check_answer(answer, &source);
	}
	return 0;
}
