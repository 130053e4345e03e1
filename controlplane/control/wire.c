// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/control/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct cp_wire_head) == 16, "what hawsectl of another build says too");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are little endian");

long cp_wire_size(const uint8_t *bytes, size_t n)
{
	struct cp_wire_head head;

	if (n < sizeof(head))
		return 0;
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != CP_WIRE_MAGIC || head.zero || !head.words || head.words > CP_WIRE_WORDS ||
		head.size > CP_WIRE_BYTES || head.size < head.words)
		return -EPROTO;
	return (long)(sizeof(head) + head.size);
}

int cp_wire_parse(const uint8_t *bytes, size_t n, struct cp_wire_request *request)
{
	const char *p, *end = (const char *)bytes + n;
	struct cp_wire_head head;

	request->count = 0;
	if (n < sizeof(head) || cp_wire_size(bytes, n) != (long)n)
		return -EPROTO;
	memcpy(&head, bytes, sizeof(head));
	p = (const char *)bytes + sizeof(head);
	while (request->count < head.words) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));

		if (!nul)
			return -EPROTO;
		request->words[request->count++] = p;
		p = nul + 1;
	}
	return p == end ? 0 : -EPROTO;
}

int cp_wire_pack(const char *const *words, unsigned count, uint8_t **bytes, size_t *n)
{
	struct cp_wire_head head = {.magic = CP_WIRE_MAGIC, .words = count};
	size_t size = 0;
	uint8_t *to;

	if (!count || count > CP_WIRE_WORDS)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		size += strlen(words[i]) + 1;
	if (size > CP_WIRE_BYTES)
		return -E2BIG;
	head.size = (uint32_t)size;
	*bytes = to = malloc(sizeof(head) + size);
	if (!to)
		return -ENOMEM;
	*n = sizeof(head) + size;
	memcpy(to, &head, sizeof(head));
	to += sizeof(head);
	for (unsigned i = 0; i < count; i++) {
		size_t length = strlen(words[i]) + 1;

		memcpy(to, words[i], length);
		to += length;
	}
	return 0;
}
