#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of hawse-sip at random moments of 1,000 calls: exactly one final record for each leg that there was, whole lines
# only, every call that was up goes on and is billed to its end.
# limit: 240
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
SESSIONS=4000 PORTS=20000-29999 QUARANTINE=1
hawse_configure
sed -i "s|cdr: $DIR/cdr.jsonl|cdr: $DIR/cdr.jsonl, rotate: {size: 300k}, interim: 2s|; s|^run:|state: $DIR/state\n&|" "$CONFIG"
hawse_start
callee --calls 1000 --script 'ring 180; wait 0.2; answer; expect-bye'
caller --calls 1000 --rate 60 --from +4930111 --to +49402222 --step-timeout 12 \
	--script 'invite; expect 200; wait 3; bye'
kills=0
while alive "${PEER_PID[caller]}" && [ $kills -lt 12 ]; do
	sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
	alive "${PEER_PID[caller]}" || break
	kill -9 "$PID_sip"
	wait "$PID_sip" 2>/dev/null
	kills=$((kills + 1))
	start_sip
done
finish caller
hang_up callee
sleep 1
kill -TERM "$PID_sip" # what is still up ends, and is recorded
wait "$PID_sip"
start_sip
echo "$kills kills; $(cat "$DIR"/cdr.jsonl* | wc -l) records in $(ls "$DIR"/cdr.jsonl* | wc -l) files"

cat "$DIR"/cdr.jsonl* >"$DIR/all.jsonl"
jq -c . "$DIR/all.jsonl" >/dev/null || fail 'every line is a record'
jq -s '{
	doubled: [group_by(.id)[] | map(select(.record == "final")) | select(length > 1) | .[0].id],
	without: [group_by(.id)[] | select(all(.record != "final")) | .[0].id],
	a: [.[] | select(.record == "final" and .leg == "a")] | length,
	answered: [.[] | select(.record == "final" and .leg == "a" and .status == 200)] | length,
	long: [.[] | select(.record == "final" and .leg == "a" and .status == 200 and (.duration_ms < 2500 or .duration_ms > 30000))] | length,
	ids: [.[] | select(.record == "final" and .leg == "b") | .call_id] | length}' "$DIR/all.jsonl" >"$DIR/sums.json"
cat "$DIR/sums.json"
check sums '.doubled == []' 'no leg has two final records'
check sums '.without == []' 'no leg has interim records only'
check sums '.answered >= 100 and .long == 0' 'calls that were up through a kill are billed to their end'
# Every call that the callee saw has its leg recorded, once.
jq -r '.each[].call_id' "$DIR/callee.json" | sort >"$DIR/seen"
jq -r 'select(.record == "final" and .leg == "b") | .call_id' "$DIR/all.jsonl" | sort >"$DIR/billed"
[ "$(wc -l <"$DIR/seen")" -ge 300 ] || fail "the callee saw $(wc -l <"$DIR/seen") calls"
[ -z "$(comm -23 "$DIR/seen" "$DIR/billed")" ] || fail "$(comm -23 "$DIR/seen" "$DIR/billed" | wc -l) legs are in no record"
[ ! -s "$DIR/state/legs" ] || ! grep -q '^{' "$DIR/state/legs" || fail 'no leg is left open'
[ $kills -ge 4 ] || fail "hawse-sip was killed $kills times"

pass
