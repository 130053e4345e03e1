#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# hawsectl during and after a call, the metrics, and the CDR of both legs. hawse-stats has the shared memory read-only.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'ring 180; wait 0.2; answer; play 200; expect-bye'
caller --from +4930111 --to +49402222 --script 'invite; expect 200; play 200; drain; wait 0.5; bye'
sleep 2
ctl show calls >"$DIR/calls.txt" || fail 'hawsectl show calls'
grep -q 4930111 "$DIR/calls.txt" && grep -q 49402222 "$DIR/calls.txt" || {
	cat "$DIR/calls.txt"
	fail 'hawsectl show calls does not show the numbers'
}
ctl show calls --json >"$DIR/calls.json"
check calls '[.. | objects | select(has("id"))] | length == 1' 'one call is shown'
id=$(jq -r '[.. | objects | select(has("id"))][0].id' "$DIR/calls.json")
ctl show call "$id" >"$DIR/call.txt" || fail 'hawsectl show call'
grep -q INVITE "$DIR/call.txt" && grep -q ACK "$DIR/call.txt" || {
	cat "$DIR/call.txt"
	fail 'hawsectl show call draws no ladder'
}
for what in "call $id" workers drops ports; do
	ctl show $what >"$DIR/out" || fail "hawsectl show $what"
	[ -s "$DIR/out" ] || fail "hawsectl show $what says nothing"
	ctl show $what --json | jq -e . >/dev/null || fail "hawsectl show $what --json is not JSON"
done
in_ns hawse curl -sf http://127.0.0.1:9090/metrics >"$DIR/metrics" || fail 'no metrics'
grep -q '^# HELP hawse_' "$DIR/metrics" || fail 'the metrics explain nothing'
grep -Eq '^hawse_[a-z_]+(\{[^}]*\})? [0-9]' "$DIR/metrics" || fail 'the metrics hold no value'
! grep -E '(memfd:|hawse).*' "/proc/$PID_stats/maps" | grep memfd | awk '{print $2}' | grep -q w ||
	fail 'hawse-stats may write to the shared memory'
finish
check_scripts
! ctl show call 0123456789abcdef >"$DIR/out" 2>&1 || fail 'a call that never was is shown'
cdr_written() { [ "$(wc -l <"$DIR/cdr.jsonl")" -eq 2 ]; }
eventually 5 'two lines of CDR' cdr_written
jq -s '{legs: .}' "$DIR/cdr.jsonl" >"$DIR/cdr.json" || fail 'the CDR is not JSON'
check cdr '[.legs[].leg] | sort == ["a", "b"]' 'a line for each leg'
check cdr '([.legs[].call] | unique | length) == 1' 'both of one call'
check cdr '[.legs[].peer] | sort == ["carrier", "office"]' 'the peers are named'
check cdr 'all(.legs[]; .received.packets == 200 and .sent.packets == 200 and .received.lost == 0)' 'packets both ways'
check cdr 'all(.legs[]; .ended_by == "caller" and .status == 200 and .duration_ms > 4000 and .duration_ms < 7000)' \
	'who ended it, why and how long it took'
pass
