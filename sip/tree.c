// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdarg.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include "sip/message.h"

static void say_nothing(
	const char *file, int line, osip_trace_level_t level, const char *format, va_list args)
{
}

int sip_init(void)
{
	// It would print every malformed message to the standard output.
	osip_trace_initialize_func(TRACE_LEVEL0, say_nothing);
	return parser_init() == 0 ? 0 : -EINVAL;
}

int sip_message_tree(const struct sip_message *m, struct osip_message **out)
{
	struct osip_message *tree = NULL;
	int err;

	*out = NULL;
	if (osip_message_init(&tree))
		return -ENOMEM;
	err = osip_message_parse(tree, m->data, m->length);
	if (err) {
		osip_message_free(tree);
		return err == OSIP_NOMEM ? -ENOMEM : -EBADMSG;
	}
	*out = tree;
	return 0;
}
