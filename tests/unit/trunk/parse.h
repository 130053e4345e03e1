// SPDX-License-Identifier: BSD-3-Clause
// A configuration from text, and files beside it.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include <unistd.h>

extern "C" {
#include "controlplane/trunk/route.h"
}

namespace trunk
{

struct Config {
	cfg *c = nullptr;
	cfg_error error{};

	explicit Config(const std::string &peers, const std::string &routes = "[]",
		const std::string &sip = "")
	{
		std::string text = "media: {m: {device: eth0, address: 192.0.2.1}}\nsip: {listen: "
				   "[udp:192.0.2.1]" +
				   sip + "}\npeers: " + peers + "\nroutes: " + routes + "\n";
		cfg_parse(&c, "t.yaml", text.data(), text.size(), &error);
	}
	~Config()
	{
		cfg_free(c);
	}
};

struct File {
	char path[32] = "/tmp/hawse-table-XXXXXX";

	explicit File(const std::string &text)
	{
		int fd = mkstemp(path);
		EXPECT_EQ(write(fd, text.data(), text.size()), ssize_t(text.size()));
		close(fd);
	}
	~File()
	{
		unlink(path);
	}
};

} // namespace trunk
