// SPDX-License-Identifier: BSD-3-Clause
// What the transport and the gate counted, into region T.
//
// Thread: the one that owns both.
#pragma once

#include "controlplane/gate.h"
#include "controlplane/transport.h"
#include "dataplane/abi/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

// `to`: the process's own block.
void cp_publish(abi_atomic64 *to, const struct cp_transport *transport, const struct cp_gate *gate);

#ifdef __cplusplus
}
#endif
