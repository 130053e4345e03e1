#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Nobody is there: the callee's address answers nothing at all, and the caller gets 408 after 64 T1 (32 s).
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
caller --step-timeout 45 --script 'invite; expect 408'
finish caller
check caller '.failed == 0 and .each[0].final == 408' 'the caller got 408'
eventually 10 'the ports are free again' no_port_in_use
pass
