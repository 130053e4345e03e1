// SPDX-License-Identifier: BSD-3-Clause
// Lets the i-th allocation of the code under test fail. Included by one file of a test, which is linked
// with --wrap of malloc, calloc and realloc. Owned by the test's thread.
#pragma once

#include <cstddef>

extern "C" {
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static thread_local long fail_after = -1; // allocations that still succeed; -1: all do

static bool allocation_fails()
{
	return fail_after >= 0 && fail_after-- == 0;
}

void *__wrap_malloc(size_t n)
{
	return allocation_fails() ? nullptr : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? nullptr : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return allocation_fails() ? nullptr : __real_realloc(p, n);
}
}

// Calls `run` with the first, the second, ... allocation failing until none is left to fail. Returns how
// many there were.
template <typename Run> long for_each_allocation(Run run)
{
	for (long i = 0;; i++) {
		fail_after = i;
		run(i);
		bool none_failed = fail_after >= 0;
		fail_after = -1;
		if (none_failed)
			return i;
	}
}
