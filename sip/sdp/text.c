// SPDX-License-Identifier: BSD-3-Clause
#include "sip/sdp/sdp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool sdp_str_equal(struct sdp_str a, struct sdp_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool sdp_str_equal_nocase(struct sdp_str a, struct sdp_str b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

bool sdp_str_is(struct sdp_str s, const char *text)
{
	return sdp_str_equal(s, (struct sdp_str){text, (uint32_t)strlen(text)});
}

bool sdp_str_is_nocase(struct sdp_str s, const char *text)
{
	return sdp_str_equal_nocase(s, (struct sdp_str){text, (uint32_t)strlen(text)});
}

struct sdp_str sdp_str_token(struct sdp_str *rest)
{
	struct sdp_str token = {rest->ptr, 0};

	while (rest->len != 0 && *rest->ptr == ' ') {
		rest->ptr++;
		rest->len--;
	}
	token.ptr = rest->ptr;
	while (rest->len != 0 && *rest->ptr != ' ') {
		rest->ptr++;
		rest->len--;
		token.len++;
	}
	return token;
}

bool sdp_str_number(struct sdp_str s, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (uint32_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
		if (v > max)
			return false;
	}
	*value = v;
	return true;
}

void *sdp_arena_take_raw(struct sdp_arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	size_t pad = (size_t)(-((uintptr_t)arena->base + arena->used)) & (align - 1);
	size_t left = arena->size - arena->used;
	void *p;

	if (pad > left || size > left - pad)
		return NULL;
	p = arena->base + arena->used + pad;
	arena->used += pad + size;
	return p;
}

void *sdp_arena_take(struct sdp_arena *arena, size_t size)
{
	void *p = sdp_arena_take_raw(arena, size);

	return p != NULL ? memset(p, 0, size) : NULL;
}

int sdp_fail(struct sdp_error *err, int code, unsigned warning, unsigned line, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	err->line = line;
	err->warning = warning;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}
