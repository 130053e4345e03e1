// SPDX-License-Identifier: BSD-3-Clause
// A policy from text, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>

extern "C" {
#include "controlplane/trunk/policy.h"
}

// With the media section that every file needs before it. NULL, and a failed test, when it is wrong.
inline cp_policy *make_policy(const std::string &text)
{
	std::string all =
		"media: {public: {device: eth0, address: 192.0.2.1, ports: 20000-20999}}\n" + text;
	cfg_error error{};
	cfg *c = nullptr;
	cp_policy *policy = nullptr;

	EXPECT_EQ(cfg_parse(&c, "test.yaml", all.data(), all.size(), &error), 0) << error.text;
	if (c) {
		EXPECT_EQ(cp_policy_new(c, nullptr, nullptr, &policy, &error), 0) << error.text;
	}
	return policy;
}

inline sip_addr address(const char *ip, uint16_t port = 5060)
{
	sip_addr a{};
	EXPECT_EQ(sip_addr_parse(sip_slice(ip, strlen(ip)), port, &a), 0);
	return a;
}
