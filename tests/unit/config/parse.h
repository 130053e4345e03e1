// SPDX-License-Identifier: BSD-3-Clause
// Parsing a configuration from a string, for tests. Owned by the test's thread.
#pragma once

#include <memory>
#include <string>

#include "controlplane/config/config.h"

struct Parsed {
	int err = 0;
	std::string error;
	unsigned line = 0;
	std::unique_ptr<cfg, void (*)(cfg *)> c{nullptr, cfg_free};
};

inline Parsed parse(const std::string &text)
{
	Parsed p;
	cfg *c = nullptr;
	cfg_error e;

	p.err = cfg_parse(&c, "test.yaml", text.data(), text.size(), &e);
	p.c.reset(c);
	p.error = e.text;
	p.line = e.line;
	return p;
}
