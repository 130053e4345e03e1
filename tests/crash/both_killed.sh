#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of hawse-sip and hawse-media at once: the calls of the journal get their ports back from the next hawse-media,
# media flow again, and each call ends as it should and is recorded once.
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
hawse_start
callee --calls 20 --script 'answer; play 600; drain; wait 0.5; reinvite sendrecv; wait 0.5; play 50; drain; expect-bye'
caller --calls 20 --script 'invite; expect 200; play 600; drain; expect-reinvite sendrecv; wait 0.5; play 50; drain; wait 1; bye'
up() { [ "$(ctl show calls --json | jq '[.. | objects | select(.state? == "up")] | length')" = 20 ]; }
eventually 10 'all calls are up' up
sleep 2
kill -KILL "$PID_sip" "$PID_media"
wait "$PID_sip" "$PID_media" 2>/dev/null
start_media
start_sip
grep -q '20 calls go on, 0 are lost' "$DIR/sip.log" || fail 'not all of the calls go on'
finish
check_scripts
# What came while there was no hawse-media is lost, and nothing else: packets of 20 ms, a few seconds.
for name in caller callee; do
	check "$name" 'all(.each[]; .received > 350)' "$name hears the other again"
	check "$name" '.doubled + .reordered + .crossed + .corrupt + .foreign + .wrong_source == 0' "$name hears nothing wrong"
done
jq -c '{sent, received, lost, max_gap_ms}' "$DIR/caller.json" "$DIR/callee.json"
eventually 10 'no port is in use' no_port_in_use
[ "$(wc -l <"$DIR/cdr.jsonl")" = 40 ] || fail 'not every leg of every call has one CDR'
jq -s -e 'all(.[]; .ended_by == "caller")' "$DIR/cdr.jsonl" >/dev/null || fail 'the caller ended them all'
pass
