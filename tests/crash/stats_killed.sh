#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Readers come and go: killing hawse-stats and hawsectl harms nobody.
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
hawse_start
callee --calls 20 --script 'answer; play 200; expect-bye'
caller --calls 20 --script 'invite; expect 200; play 200; drain; expect-media 200; wait 0.3; bye'
sleep 1
kill -KILL "$PID_stats"
wait "$PID_stats" 2>/dev/null
for i in 1 2 3 4 5; do
	timeout -s KILL 0.0$i ip netns exec "$NET-hawse" "$HAWSE_BUILD/stats/hawsectl" -r "$DIR/run" show calls >/dev/null 2>&1
done
start_stats
ctl show calls >/dev/null || fail 'hawsectl does not work any more'
finish
check_scripts
check_media caller 200
check_media callee 200
pass
