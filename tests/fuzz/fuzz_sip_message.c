// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a message: every reader over every header, whether the message is fine or not.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/build.h"
#include "sip/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct sip_message *m, struct sip_slice s)
{
	if (s.n > 0 && (s.p < m->data || s.p + s.n > m->data + m->length))
		abort();
}

static void check_uri(const struct sip_uri *u)
{
	char out[256];
	struct sip_uri again;
	struct sip_slice value;

	if (!sip_uri_equal(u, u) || sip_uri_parse(u->whole, &again) || again.port != u->port)
		abort();
	int n = sip_uri_number(u, out, sizeof(out));
	if (n > 0 && strlen(out) != (size_t)n)
		abort();
	sip_uri_param(u, "transport", &value);
	sip_unescape(u->user, out, sizeof(out));
	// What was escaped reads back as it was.
	char escaped[sizeof(out) * 3];
	n = sip_unescape(u->user, out, sizeof(out));
	if (n > 0) {
		char back[sizeof(out)];
		int e = sip_escape_user(sip_slice(out, (size_t)n), escaped, sizeof(escaped));
		if (e < 0 || sip_unescape(sip_slice(escaped, (size_t)e), back, sizeof(back)) != n ||
			memcmp(back, out, (size_t)n) != 0)
			abort();
	}
}

static void read_value(const struct sip_message *m, struct sip_slice value)
{
	struct sip_address a;
	struct sip_via via;
	struct sip_cseq cseq;
	struct sip_reason reason;
	struct sip_uri uri;
	struct sip_slice name, v, params = value;

	if (sip_address_parse(value, &a) == 0 && !a.star) {
		inside(m, a.display);
		inside(m, a.uri_text);
		inside(m, a.tag);
		check_uri(&a.uri);
	}
	if (sip_via_parse(value, &via) == 0) {
		inside(m, via.branch);
		inside(m, via.sent_by);
		inside(m, via.host);
	}
	sip_cseq_parse(value, &cseq);
	if (sip_reason_parse(value, &reason) == 0)
		inside(m, reason.text);
	if (sip_uri_parse(value, &uri) == 0)
		check_uri(&uri);
	while (sip_param_next(&params, &name, &v) == 1) {
		inside(m, name);
		inside(m, v);
	}
}

// Written again, a value holds no line end.
static void write_value(struct sip_slice value)
{
	static char buffer[70000];
	struct sip_build b = sip_build(buffer, sizeof(buffer));

	sip_build_header(&b, "X", value);
	sip_build_address(&b, "Y", value, sip_str("sip:a@b"), value);
	if (sip_build_check(&b))
		return;
	unsigned lines = 0;
	for (size_t i = 0; i < b.n; i++)
		lines += buffer[i] == '\n' || (buffer[i] == '\r' && buffer[i + 1] != '\n');
	if (lines != 2)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_message m;
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	sip_message_index(&m, copy, size);
	size_t last = 0;
	for (unsigned i = 0; i < m.count; i++) {
		struct sip_slice value = sip_header_value_of(&m, i);
		inside(&m, sip_header_name_of(&m, i));
		inside(&m, value);
		inside(&m, sip_header_line_of(&m, i));
		if (m.headers[i].name < last)
			abort();
		last = m.headers[i].name + m.headers[i].line_len;
		read_value(&m, value);
		write_value(value);
		// Each list once, from its first line.
		if (m.first[m.headers[i].id] != i + 1)
			continue;
		struct sip_walk w = sip_walk(&m, (enum sip_header_id)m.headers[i].id);
		struct sip_slice element;
		for (unsigned n = 0; sip_walk_next(&w, &element); n++) {
			if (n > size)
				abort();
			read_value(&m, element);
		}
	}
	struct sip_content_type type;
	struct sip_address a;
	uint32_t n;
	for (unsigned id = 0; id < SIP_H_COUNT; id++)
		sip_message_number(&m, (enum sip_header_id)id, &n);
	sip_message_content_type(&m, &type);
	if (sip_message_has_sdp(&m) != (sip_message_sdp(&m).n > 0))
		abort();
	inside(&m, sip_message_sdp(&m));
	sip_message_body_serves(&m);
	sip_message_contact(&m, &a);
	sip_message_lists(&m, SIP_H_SUPPORTED, "timer");
	inside(&m, sip_message_from_tag(&m));
	inside(&m, sip_message_to_tag(&m));
	inside(&m, sip_message_body(&m));
	free(copy);
	return 0;
}
