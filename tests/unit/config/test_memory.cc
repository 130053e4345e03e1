// SPDX-License-Identifier: BSD-3-Clause
// Every allocation of a load fails once: -ENOMEM, one line, and nothing is left behind (the sanitizer
// build looks).
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string.h>
#include <unistd.h>

#include "../failing_alloc.h"
#include "controlplane/config/config.h"

static const char text[] =
	"media: {a: {device: eth0, address: [192.0.2.1, 192.0.2.2]}}\n"
	"sip: {listen: [\"udp:192.0.2.1\"]}\n"
	"peers: {b: {kind: trunk, address: 198.51.100.1}, c: {kind: trunk, address: "
	"198.51.100.2}}\n"
	"routes: [{from: b, to: c}]\n";

TEST(Memory, EveryAllocationFailsOnce)
{
	long count = for_each_allocation([](long i) {
		cfg *c = nullptr;
		cfg_error e;
		int err = cfg_parse(&c, "test.yaml", text, strlen(text), &e);

		if (fail_after >= 0) {
			EXPECT_EQ(err, 0) << e.text;
		} else {
			EXPECT_EQ(err, -ENOMEM) << i;
			EXPECT_STREQ(e.text, "test.yaml: out of memory");
			EXPECT_EQ(c, nullptr);
		}
		cfg_free(c);
	});

	EXPECT_GT(count, 5);
}

TEST(Memory, OfTheFile)
{
	char path[] = "/tmp/hawse-test-config-XXXXXX";
	int fd = mkstemp(path);
	cfg *c = nullptr;
	cfg_error e;

	ASSERT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	fail_after = 0;
	EXPECT_EQ(cfg_load(&c, path, &e), -ENOMEM);
	fail_after = -1;
	EXPECT_EQ(c, nullptr);
	unlink(path);
}
