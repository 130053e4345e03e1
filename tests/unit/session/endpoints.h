// SPDX-License-Identifier: BSD-3-Clause
// Local media addresses for tests.
#pragma once

#include <cstdint>
#include <cstring>

#include "dataplane/abi/layout.h"

inline struct abi_endpoint endpoint4(
	uint8_t last, uint16_t first_port, uint16_t last_port, uint8_t interface_index = 0)
{
	struct abi_endpoint e = {};

	e.ip[0] = 10;
	e.ip[3] = last;
	e.family = 4;
	e.interface_index = interface_index;
	e.first_port = first_port;
	e.last_port = last_port;
	return e;
}

inline struct abi_endpoint endpoint6(
	uint8_t last, uint16_t first_port, uint16_t last_port, uint8_t interface_index = 0)
{
	struct abi_endpoint e = endpoint4(0, first_port, last_port, interface_index);

	memset(e.ip, 0, sizeof(e.ip));
	e.ip[0] = 0xfd;
	e.ip[15] = last;
	e.family = 6;
	return e;
}
