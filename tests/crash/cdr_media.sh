#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of hawse-media in the middle of a call: its CDRs and interim records count what was before as well.
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
hawse_configure
sed -i "s|cdr: $DIR/cdr.jsonl|cdr: $DIR/cdr.jsonl, interim: 1s|" "$CONFIG"
hawse_start
callee --calls 1 --script 'answer; play 1000; expect-bye'
caller --from +4930111 --to +49402222 --script 'invite; expect 200; play 1000; drain; wait 0.5; bye'
counted() { [ "$(jq -rs 'map(select(.leg == "a"))[-1].received.packets // 0' "$DIR/cdr.jsonl")" -ge "$1" ]; }
eventually 15 'interim records count' counted 150
kill -9 "$PID_media"
wait "$PID_media" 2>/dev/null
before=$(jq -rs 'map(select(.leg == "a"))[-1].received.packets' "$DIR/cdr.jsonl")
start_media
eventually 20 'the count goes on' counted $((before + 100))
finish
ended() { [ "$(jq -s 'map(select(.record == "final")) | length' "$DIR/cdr.jsonl")" = 2 ]; }
eventually 5 'both legs are recorded' ended
jq -s '{grows: ([.[] | select(.leg == "a") | .received.packets] | . == sort),
	final: [.[] | select(.record == "final") | .received.packets]}' "$DIR/cdr.jsonl" >"$DIR/sums.json"
cat "$DIR/sums.json"
check sums '.grows' 'no record counts less than the one before'
check sums "all(.final[]; . >= $before + 100 and . <= 1000)" 'the final records count both'
pass
