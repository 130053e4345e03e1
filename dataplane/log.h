// SPDX-License-Identifier: BSD-3-Clause
// The log of hawse-media: one line to stderr each, as controlplane/log.h describes. Never called by a worker: the forwarding path counts, it does not log.
#pragma once

enum dp_level {
	DP_ERROR,
	DP_WARNING,
	DP_INFO,
	DP_DEBUG, // only with --verbose
};

void dp_log_verbose(void);
void dp_log(enum dp_level level, const char *area, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// What DPDK and libbpf say goes into the same log, under "dpdk" and "bpf". Called before rte_eal_init. 0 or -errno.
int dp_log_take_dpdk(void);

// The first warning or error that DPDK or libbpf printed since dp_log_forget_dpdk, for a line that
// says why something failed.
const char *dp_log_dpdk_said(void);
void dp_log_forget_dpdk(void);
