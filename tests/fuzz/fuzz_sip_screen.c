// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a datagram or a stream: screened, framed and peeked at; what passed keeps its promises.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/build.h"
#include "sip/inspect.h"
#include "sip/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sip_capabilities capabilities = {
	"INVITE, ACK, CANCEL, BYE, OPTIONS", "timer", "application/sdp", ""};

// What screen.h says of an accepted message.
static void check_accepted(const struct sip_message *m)
{
	struct sip_address a;
	struct sip_cseq cseq;
	struct sip_via via;
	struct sip_uri uri;
	uint32_t n;

	if (sip_message_from(m, &a) || sip_message_to(m, &a) || sip_message_cseq(m, &cseq) ||
		sip_message_via(m, &via) || sip_message_call_id(m).n == 0 || m->defects)
		abort();
	if (m->is_request && (sip_message_request_uri(m, &uri) ||
				     !sip_slice_eq(cseq.method_text, m->method_text)))
		abort();
	if (!m->is_request && (m->status < 100 || m->status > 699))
		abort();
	if (sip_message_number(m, SIP_H_CONTENT_LENGTH, &n) == 0 && n != sip_message_body(m).n)
		abort();
	if (m->is_request) {
		struct sip_inspected inspected;
		sip_inspect(m, &capabilities, &inspected);
		if (memchr(inspected.lines, '\0', sizeof(inspected.lines)) == NULL)
			abort();
	}
}

// A response to it is itself a message that passes.
static void check_response(const struct sip_message *m, bool accepted)
{
	static char buffer[2 * 65536 + 4096];
	static struct sip_message again;
	struct sip_flow source = {.remote = {.family = 4, .port = 5060, .ip = {203, 0, 113, 1}}};
	struct sip_build b = sip_build(buffer, sizeof(buffer));

	sip_build_response(&b, m, &source, 400, sip_slice("", 0), sip_str("tag"));
	int n = sip_build_end(&b, sip_slice("", 0));
	if (n < 0)
		return;
	if (sip_message_index(&again, (const uint8_t *)buffer, (size_t)n) && n <= SIP_MESSAGE_MAX)
		abort();
	if (accepted && n <= SIP_MESSAGE_MAX &&
		sip_screen(&again, (const uint8_t *)buffer, (size_t)n, SIP_UDP).verdict !=
			SIP_SCREEN_ACCEPT)
		abort();
}

static void check_peek(const struct sip_message *m, const uint8_t *data, size_t size)
{
	struct sip_peek p, q;
	struct sip_via via;

	if (sip_peek(data, size, &p) == 0 &&
		(sip_peek_call(data, size, &q) || !sip_slice_eq(p.call_id, q.call_id)))
		abort();
	if (sip_peek(data, size, &p) || p.is_request != m->is_request || p.method != m->method)
		if (m->is_request)
			abort();
	sip_message_via(m, &via);
	if (!sip_slice_eq(p.call_id, sip_message_call_id(m)) || !sip_slice_eq(p.branch, via.branch))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_message m;
	struct sip_peek peek;
	size_t skip, length;

	// Exactly as many bytes as there are, so that a read beyond them is seen.
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	sip_peek(copy, size, &peek);
	struct sip_screened s = sip_screen(&m, copy, size, SIP_UDP);
	if (s.verdict == SIP_SCREEN_ACCEPT) {
		check_accepted(&m);
		check_peek(&m, copy, size);
	}
	if (s.refusal != SIP_REFUSE_KEEPALIVE && m.is_request)
		check_response(&m, s.verdict == SIP_SCREEN_ACCEPT);
	if (sip_screen_frame(copy, size, &skip, &length) == 0) {
		if (length == 0 || skip + length > size)
			abort();
		s = sip_screen(&m, copy + skip, length, SIP_TCP);
		if (s.verdict == SIP_SCREEN_ACCEPT)
			check_accepted(&m);
	}
	free(copy);
	return 0;
}
