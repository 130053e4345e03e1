#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The caller gives up while it rings: CANCEL goes on to the callee, both sides end with 487, no port stays in use.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'ring 180; expect-cancel'
caller --script 'invite; expect 180; wait 0.5; cancel; expect 487'
finish
check_scripts
check callee '.each[0].cancel_seen and .each[0].final == 487' 'the callee was cancelled'
check caller '.each[0].final == 487 and .each[0].repeats_sent == 0' 'the caller got one 487'
eventually 10 'the ports are free again' no_port_in_use
pass
