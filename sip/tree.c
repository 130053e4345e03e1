// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <osipparser2/osip_parser.h>

#include "sip/message.h"

int sip_init(void)
{
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
