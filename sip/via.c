// SPDX-License-Identifier: BSD-3-Clause
//
// Via (RFC 3261 20.42, rport: RFC 3581).
#include <errno.h>

#include "sip/chars.h"
#include "sip/message.h"

// sent-protocol = "SIP" SLASH "2.0" SLASH transport, white space allowed around the slashes
static int read_protocol(struct sip_slice *s, struct sip_slice parts[3])
{
	for (int i = 0; i < 3; i++) {
		size_t n = 0;
		*s = sip_skip_lws(*s);
		while (n < s->n && sip_char_is(s->p[n], SIP_C_TOKEN))
			n++;
		if (n == 0)
			return -EBADMSG;
		parts[i] = sip_slice(s->p, n);
		*s = sip_slice_from(*s, n);
		if (i == 2)
			break;
		*s = sip_skip_lws(*s);
		if (s->n == 0 || s->p[0] != '/')
			return -EBADMSG;
		*s = sip_slice_from(*s, 1);
	}
	return s->n > 0 && sip_char_is(*s->p, SIP_C_LWS) ? 0 : -EBADMSG;
}

// host [ ":" port ], white space allowed around the colon
static int read_sent_by(struct sip_slice *s, struct sip_via *out)
{
	struct sip_slice rest, digits;
	uint32_t port;
	size_t n = 0;

	*s = sip_skip_lws(*s);
	if (sip_hostport_parse(*s, &out->host, &out->port, &rest))
		return -EBADMSG;
	out->sent_by = sip_slice(s->p, s->n - rest.n);
	*s = sip_skip_lws(rest);
	if (out->port || s->n == 0 || s->p[0] != ':')
		return 0;
	digits = sip_skip_lws(sip_slice_from(*s, 1));
	while (n < digits.n && sip_char_is(digits.p[n], SIP_C_DIGIT))
		n++;
	if (sip_slice_u32(sip_slice(digits.p, n), 65535, &port) || port == 0)
		return -EBADMSG;
	out->port = (uint16_t)port;
	out->sent_by = sip_slice(out->host.p, (size_t)(digits.p + n - out->host.p));
	*s = sip_skip_lws(sip_slice_from(digits, n));
	return 0;
}

static int read_param(struct sip_slice name, struct sip_slice value, struct sip_via *out)
{
	uint32_t port = 0;

	if (sip_slice_iis(name, "branch")) {
		if (out->branch.n || !sip_is_token(value))
			return -EBADMSG;
		out->branch = value;
	} else if (sip_slice_iis(name, "received")) {
		out->received = value;
	} else if (sip_slice_iis(name, "rport")) {
		if (value.n && sip_slice_u32(value, 65535, &port))
			return -EBADMSG;
		out->has_rport = true;
		out->rport = (uint16_t)port;
	}
	return 0;
}

int sip_via_parse(struct sip_slice value, struct sip_via *out)
{
	struct sip_slice s = value, parts[3], name, v;
	int more;

	*out = (struct sip_via){0};
	if (read_protocol(&s, parts) || !sip_slice_iis(parts[0], "SIP") ||
		!sip_slice_is(parts[1], "2.0"))
		return -EBADMSG;
	out->transport = parts[2];
	if (read_sent_by(&s, out) || (s.n > 0 && s.p[0] != ';'))
		return -EBADMSG;
	out->params = s;
	while ((more = sip_param_next(&s, &name, &v)) == 1)
		if (read_param(name, v, out))
			return -EBADMSG;
	return more;
}

int sip_message_via(const struct sip_message *m, struct sip_via *out)
{
	struct sip_walk w = sip_walk(m, SIP_H_VIA);
	struct sip_slice value;

	return sip_walk_next(&w, &value) ? sip_via_parse(value, out) : -ENOENT;
}
