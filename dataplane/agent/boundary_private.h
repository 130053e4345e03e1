// SPDX-License-Identifier: BSD-3-Clause
// What boundary.c shares with boundary_secure.c and boundary_transcode.c. Each looks at a checked session's payload and says
// which field is wrong, ABI_FIELD_NONE when none is.
#pragma once

#include "dataplane/agent/boundary.h"

enum abi_field boundary_keys(
	const struct abi_session_entry *entry, const struct abi_leg_keys *keys);
enum abi_field boundary_ice(const struct abi_session_entry *entry, const struct abi_leg_ice *ice);
enum abi_field boundary_resume(const struct boundary *b, const struct abi_session_entry *entry,
	const struct abi_session_resume *resume, uint32_t *leg);

// boundary_transcode.c
enum abi_field boundary_codec(const struct abi_leg_plan *plan, const struct abi_codec_terms *t);
enum abi_field boundary_dtmf_send(
	const struct abi_session_entry *entry, const struct abi_dtmf_send *d);
enum abi_field boundary_play(const struct abi_session_entry *entry, const struct abi_play *p);
enum abi_field boundary_play_stop(
	const struct abi_session_entry *entry, const struct abi_play_stop *p);
enum abi_field boundary_record(const struct abi_session_entry *entry, const struct abi_record *r);
