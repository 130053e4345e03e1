#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# CANCEL before the callee has said anything: it must wait for the callee's first answer (RFC 3261 9.1), and then go.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'wait 1; ring 180; expect-cancel'
caller --script 'invite; expect 100; wait 0.3; cancel; expect 487'
finish
check_scripts
check callee '.each[0].cancel_seen' 'the CANCEL reached the callee'
eventually 10 'the ports are free again' no_port_in_use
pass
