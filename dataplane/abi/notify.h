// SPDX-License-Identifier: BSD-3-Clause
// What systemd wants to hear of a service with Type=notify and WatchdogSec=: sd_notify(3), by hand, since libsystemd
// would be a dependency for 20 lines.
//
// Thread: any.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// "READY=1", "STOPPING=1", "STATUS=..."; nothing happens outside of systemd.
void abi_notify(const char *state);
// Says "WATCHDOG=1" when half of the watchdog's time has passed since it last did. To be called from the loop that
// has to live, twice a second.
void abi_notify_alive(uint64_t now_us);

#ifdef __cplusplus
}
#endif
