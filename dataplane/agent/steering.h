// SPDX-License-Identifier: BSD-3-Clause
// Is steering what it is said to be? A device that was told to steer and gave no probe packet back is
// judged by its traffic: how many packets workers had to hand over.
//
// Agent thread.
#pragma once

#include <stdint.h>

enum steering_verdict {
	STEERING_OPEN = 0, // too little traffic to say
	STEERING_PROVED,   // at most 1 % was handed over
	STEERING_REFUTED,  // more than 5 %; between the two it stays open
};

#ifdef __cplusplus
extern "C" {
#endif

// Of all packets that workers received and handed over since they started.
enum steering_verdict steering_judge(uint64_t received, uint64_t handed);

#ifdef __cplusplus
}
#endif
