#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# TERM ends each program in good order: exit code 0, soon, no XDP program left on the interface, and it starts again at once.
# A program killed with -9 leaves its XDP program behind: the next start takes it away.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
in_ns hawse ip link show media0 | grep -q xdp || fail 'no XDP program is on the interface while it runs'
ended_well() { # NAME PID
	kill "$2"
	timeout 10 tail --pid="$2" -f /dev/null || fail "hawse-$1 does not end"
	wait "$2"
	local code=$?
	[ $code -eq 0 ] || fail "hawse-$1 ended with $code"
}
ended_well stats "$PID_stats"
ended_well sip "$PID_sip"
ended_well media "$PID_media"
! in_ns hawse ip link show media0 | grep -q xdp || fail 'the XDP program is still on the interface'
hawse_start
kill -KILL "$PID_media" "$PID_sip" "$PID_stats"
wait "$PID_media" "$PID_sip" "$PID_stats" 2>/dev/null
hawse_start
callee --script 'answer; play 50; expect-bye'
caller --script 'invite; expect 200; play 50; drain; expect-media 50; wait 0.3; bye'
finish
check_scripts
check_media caller 50
pass
