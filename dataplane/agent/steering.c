// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/agent/steering.h"

#define ENOUGH 10000u // packets

enum steering_verdict steering_judge(uint64_t received, uint64_t handed)
{
	if (received < ENOUGH)
		return STEERING_OPEN;
	if (handed > received / 20)
		return STEERING_REFUTED;
	return handed <= received / 100 ? STEERING_PROVED : STEERING_OPEN;
}
