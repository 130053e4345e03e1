// SPDX-License-Identifier: BSD-3-Clause
// Every allocation fails once: the agent says so, keeps what it had, and loses nothing. malloc and
// calloc of the agent's rooms are wrapped by the linker (meson.build).
#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <cerrno>
#include <cstdlib>
#include <functional>

#include "world.h"

extern "C" {
#include "dataplane/agent/neighbour_table.h"
#include "dataplane/agent/routes.h"
#include "dataplane/agent/session_slots.h"
}

static int fail_at = -1; // this many allocations from now; -1: never
static unsigned failed;

static bool fails()
{
	if (fail_at < 0 || fail_at-- > 0)
		return false;
	failed++;
	return true;
}

extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? nullptr : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? nullptr : __real_calloc(count, size);
}
}

// Runs `what` with the first, the second, ... allocation failing, until one run has none that fails.
static void with_each_failing(const std::function<void()> &what)
{
	for (int i = 0; i < 1000; i++) {
		failed = 0;
		fail_at = i;
		what();
		fail_at = -1;
		if (!failed) {
			EXPECT_GT(i, 0) << "nothing was allocated";
			return;
		}
	}
	FAIL() << "too many allocations";
}

TEST(Memory, MakingTheAgentsRooms)
{
	World w;

	with_each_failing([&] {
		sessions_config config = {};
		struct sessions *s;

		config.region = &w.region;
		config.count = 16;
		int err = sessions_new(&s, &config);
		EXPECT_EQ(failed ? -ENOMEM : 0, err);
		sessions_free(s);
	});
	with_each_failing([] {
		struct outbox *box = outbox_new();

		EXPECT_EQ(failed != 0, box == nullptr);
		outbox_free(box);
	});
	with_each_failing([] {
		static const abi_counter none = {};
		abi_endpoint endpoint = {};
		struct region region;
		int err = region_create(&region, 16, 1, 0, &endpoint, 1, &none, 1);

		EXPECT_EQ(failed ? -ENOMEM : 0, err);
		region_close(&region);
	});
}

TEST(Memory, RoutesAndNeighboursThatDoNotFit)
{
	with_each_failing([] {
		route_table *table = routes_new();
		int added = 0;

		for (uint8_t i = 0; table && i < 200; i++) {
			route r = {};

			r.family = 4;
			r.prefix = 32;
			r.interface = 2;
			r.destination[0] = i;
			int err = routes_add(table, &r);
			EXPECT_TRUE(err == 0 || (err == -ENOMEM && failed));
			added += err == 0;
		}
		if (table) {
			EXPECT_EQ((uint32_t)added, routes_count(table));
		}
		routes_free(table);
	});
	with_each_failing([] {
		neighbour_table *table = neighbour_table_new();

		for (uint16_t i = 0; table && i < 300; i++) {
			neighbour_entry e = {};

			e.family = 4;
			e.ip[0] = (uint8_t)i;
			e.ip[1] = (uint8_t)(i >> 8);
			int err = neighbour_table_set(table, &e);
			EXPECT_TRUE(err == 1 || (err == -ENOMEM && failed));
			EXPECT_EQ(err == 1, neighbour_table_find(table, &e) != nullptr);
		}
		neighbour_table_free(table);
	});
}

TEST(Memory, OrdersThatCannotBeWritten)
{
	World w;
	abi_msg allocated = w.ask(World::alloc());

	with_each_failing([&] {
		abi_msg add = World::plan(ABI_SESSION_ADD, allocated);

		w.send(add); // the first order; later ones use it again
		fail_at = -1;
		w.work();
		abi_msg reply = w.next();
		EXPECT_EQ(failed ? -EBUSY : 0, reply.result);
		EXPECT_EQ(failed ? ABI_SESSION_ALLOCATED : ABI_SESSION_ACTIVE,
			w.entry(allocated.slot).state);
		for (auto &user : fake_hops.users)
			EXPECT_EQ(failed ? 0 : 2, user.second);
	});
}
