#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of hawse-sip during 40 calls, and their journal is lost too: no RTP packet is lost. It comes back and attaches
# again, new calls work, and what nobody claimed is swept after the grace time.
# alone
# limit: 120
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
GRACE=8 MEDIA_TIMEOUT=60
hawse_start
# Next hops are known: the very first packet to a new neighbour may be lost, which is not what this is about.
for address in "$CALLER4" "$CALLEE4"; do
	in_ns hawse ping -q -c 1 -W 5 "$address" >/dev/null || fail "$address does not answer"
done
# 10 s of media; nobody can say BYE for these calls, so their parties just leave.
callee --calls 40 --script 'answer; play 500; drain; wait 1; vanish'
caller --calls 40 --rate 47 --script 'invite; expect 200; play 500; drain; wait 1; vanish'
sleep 4
kill -KILL "$PID_sip"
wait "$PID_sip" 2>/dev/null
rm "$DIR"/run/calls*
sleep 2
alive "$PID_media" || fail 'hawse-media died with hawse-sip'
killed=$SECONDS
start_sip
finish
check_scripts
check_media caller 500
check_media callee 500
jq -c '{sent, received, lost, max_gap_ms}' "$DIR/caller.json" "$DIR/callee.json"
callee --calls 10 --script 'answer; play 50; expect-bye'
caller --calls 10 --script 'invite; expect 200; play 50; drain; wait 0.3; bye'
finish
check_scripts
check_media callee 50
eventually 30 'what nobody claimed is swept' no_port_in_use
[ $((SECONDS - killed)) -ge $((GRACE - 1)) ] || fail 'it was swept before the grace time'
pass
