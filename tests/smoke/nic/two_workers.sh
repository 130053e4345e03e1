#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two workers on an interface of two queues: calls are spread over both, packets that come to the wrong one are handed
# over, and nothing is lost.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
QUEUES=2 WORKERS=2 CORES=0,1
case_begin
hawse_start
grep -q 'ready: 2 workers (AF_XDP queues and hand-off' "$DIR/media.log" || fail 'two workers do not run'
# Both workers are pinned, and other work on their cores may hold them up: nobody hangs up before all have arrived.
callee --calls 20 --script 'ring 180; answer; rtcp 0.5; play 150; expect-bye'
caller --calls 20 --script 'invite; expect 200; rtcp 0.5; play 150; drain; expect-media 150; wait 1.5; bye'
finish
ctl show workers >"$DIR/workers.txt"
grep -q 'steering: af xdp queues on 1 interface; proved on 1 of 1' "$DIR/workers.txt" || {
	cat "$DIR/workers.txt"
	fail 'hawsectl does not show how packets reach their worker'
}
in_ns hawse curl -s http://127.0.0.1:9090/metrics >"$DIR/metrics"
check_scripts
check_media caller 150
check_media callee 150
check callee 'all(.each[]; .rtcp_received >= 4)' 'RTCP came through'
both_relay() { awk '/^hawse_media_relayed_packets_total.*rtp/ && $2 > 100 {n++} END {exit n != 2}' "$DIR/metrics"; }
both_relay || {
	grep relayed "$DIR/metrics"
	fail 'not both workers relay'
}
pass
