// SPDX-License-Identifier: BSD-3-Clause
// malloc and its friends, which the linker puts in place of the real ones (--wrap): they fail when a
// test says so, and only inside the code under test.
#include <cstddef>

extern "C" {
unsigned long alloc_fail_at, alloc_fail_for, alloc_count;
bool alloc_armed;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strndup(const char *s, size_t n);
}

static bool fails()
{
	if (!alloc_armed)
		return false;
	alloc_count++;
	return alloc_fail_at && alloc_count >= alloc_fail_at &&
	       alloc_count < alloc_fail_at + alloc_fail_for;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? nullptr : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? nullptr : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? nullptr : __real_realloc(p, n);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? nullptr : __real_strndup(s, n);
}
