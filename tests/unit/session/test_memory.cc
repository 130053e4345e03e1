// SPDX-License-Identifier: BSD-3-Clause
// Every allocation of the table and of the ports fails once: -ENOMEM, and nothing is left behind
// (the sanitizer build looks).
#include <errno.h>
#include <gtest/gtest.h>

#include "dataplane/session/ports.h"
#include "dataplane/session/table.h"
#include "tests/unit/failing_alloc.h"
#include "tests/unit/session/endpoints.h"

extern "C" {
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
	return allocation_fails() ? nullptr : __real_aligned_alloc(alignment, n);
}
}

static const struct abi_endpoint endpoints[] = {
	endpoint4(1, 20000, 20099), endpoint4(2, 20000, 20099, 1), endpoint6(1, 20000, 20099)};

TEST(Memory, OfTheTable)
{
	long count = for_each_allocation([](long i) {
		struct dp_table *t = nullptr;
		int err = dp_table_create(&t, endpoints, 3, false);

		if (fail_after >= 0) {
			EXPECT_EQ(err, 0);
		} else {
			EXPECT_EQ(err, -ENOMEM) << i;
			EXPECT_EQ(t, nullptr);
		}
		dp_table_free(t);
	});

	EXPECT_GT(count, 3);
}

TEST(Memory, OfThePorts)
{
	static struct dp_steering steering;

	dp_steering_spread(&steering, 2);
	long count = for_each_allocation([](long i) {
		struct dp_ports *p = nullptr;
		int err = dp_ports_create(&p, endpoints, 3, &steering, 1000);

		if (fail_after >= 0) {
			EXPECT_EQ(err, 0);
		} else {
			EXPECT_EQ(err, -ENOMEM) << i;
			EXPECT_EQ(p, nullptr);
		}
		dp_ports_free(p);
	});

	EXPECT_GT(count, 15);
}
