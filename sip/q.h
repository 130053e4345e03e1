// SPDX-License-Identifier: BSD-3-Clause
// The parameter q of addresses: which of several is the better one (RFC 3261 20.10). In address.c.
#pragma once

#include "sip/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

// In thousandths; 1000 when there is none that can be read.
uint16_t sip_param_q(struct sip_slice params);

#ifdef __cplusplus
}
#endif
