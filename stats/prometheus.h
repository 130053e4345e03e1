// SPDX-License-Identifier: BSD-3-Clause
// The metrics in Prometheus' text exposition format 0.0.4: every counter that regions A and T describe,
// with a label for its worker or shard, and gauges of this reader's own: which processes are up and
// attached, how old their heartbeats are, sessions by state, ports of each address.
//
// Names, labels and help come from shared memory and are checked: what is no metric is left out and
// counted in hawse_stats_bad_metrics. One thread.
#pragma once

#include <stdio.h>

#include "stats/reader.h"

#define ST_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

#ifdef __cplusplus
extern "C" {
#endif

// 0 or -ENOMEM.
int st_prometheus_write(const struct st_reader *r, uint64_t now_us, FILE *out);

#ifdef __cplusplus
}
#endif
