// SPDX-License-Identifier: BSD-3-Clause
// What boundary.c and boundary_secure.c share. Each looks at a checked session's payload and says
// which field is wrong, ABI_FIELD_NONE when none is.
#pragma once

#include "dataplane/agent/boundary.h"

enum abi_field boundary_keys(
	const struct abi_session_entry *entry, const struct abi_leg_keys *keys);
enum abi_field boundary_ice(const struct abi_session_entry *entry, const struct abi_leg_ice *ice);
enum abi_field boundary_resume(const struct boundary *b, const struct abi_session_entry *entry,
	const struct abi_session_resume *resume, uint32_t *leg);
