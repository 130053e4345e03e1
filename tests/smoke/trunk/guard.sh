#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Limits of the day and the toll-fraud guard: calls to dear destinations stop when they have cost enough, others go on, the
# log and the metrics raise the alarm, and each refused call has a CDR that says why. A killed hawse-sip forgets neither
# the guard nor the minutes. A user has limits of his own.
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/phones.sh"
case_begin
printf 'prefix,rate\n881,2.0\n49,0.01\n' >"$DIR/tariff.csv"
phones_config
sed -i -e "s|^routes:|  customer: {kind: trunk, address: $CALLER4, tariff: $DIR/tariff.csv, limits: {in: {minutes: 1},\n      fraud: {dear: 1, spend: 3, window: 3600, block: 600}}}\n&\n  - {from: customer, number: \"+\", to: [carrier]}|" \
	-e "s|^run:|state: $DIR/state\n&|" "$DIR/hawse.yaml"
sed -i 's/^alice: {/&limits: {out: {calls: 1}}, /' "$DIR/users.yaml"
hawse_start
call() { # NAME NUMBER CODE: and stays up
	peer "$1" caller uac --local "$CALLER4:$((5070 + ${#PEER_PID[@]}))" --rtp $((31000 + 100 * ${#PEER_PID[@]})) --remote "$HAWSE4" --to "$2" \
		--script "invite; expect $3${4:+; $4}"
}
reason() { # the last CDR of a refused call
	jq -rs 'map(select(.leg == "a" and .status != 200))[-1] | "\(.status) \(.cause)"' "$DIR/cdr.jsonl"
}

callee --calls 10 --script 'answer; expect-bye'
call first +8811 200 'expect-bye'
up() { ctl show calls --json | jq -e '[.. | objects | select(.state? == "up")] | length == 1'; }
eventually 5 'the first call is up' up
call second +8812 403
finish second
check second '.failed == 0' 'a second one would cost too much'
[ "$(reason)" = '403 Blocked By The Fraud Guard' ] || fail "its CDR says: $(reason)"
call cheap +49301 200 'wait 0.2; bye'
finish cheap
check cheap '.failed == 0' 'other destinations are not blocked'
grep -q 'level=error area=fraud.*customer' "$DIR/sip.log" || eventually 3 'the log raises the alarm' grep -q 'area=fraud' "$DIR/sip.log"
in_ns hawse curl -s http://127.0.0.1:9090/metrics >"$DIR/metrics"
grep -qE '^hawse_.*fraud_alarms_total(\{[^}]*\})? [1-9]' "$DIR/metrics" || fail "no alarm in the metrics: $(grep -i fraud "$DIR/metrics")"
id=$(ctl show calls --json | jq -r '[.. | objects | select(.state? == "up")][0].id')
ctl call hangup "$id" >/dev/null || fail 'hangup'
finish first

kept() { grep -q '^customer' "$DIR/state/accounts"; }
eventually 3 'what was used up is kept' kept
sleep 1.2
kill -9 "$PID_sip"
wait "$PID_sip" 2>/dev/null
start_sip
call third +8813 403
finish third
check third '.failed == 0' 'after kill -9 they are still blocked'

# Minutes: one a day, and it is nearly over; what runs is not cut.
sed -i -E 's/^(customer\t[0-9]+) [0-9]+ ([0-9]+) [0-9]+/\1 59000000 \2 59000000/' "$DIR/state/accounts"
kill -9 "$PID_sip"
wait "$PID_sip" 2>/dev/null
start_sip
call long +49302 200 'wait 2.5; bye'
eventually 5 'it is up' up
finish long
check long '.failed == 0' 'a call that runs is not cut'
call fourth +49303 403
finish fourth
check fourth '.failed == 0' 'no minutes are left'
[ "$(reason)" = '403 No Minutes Left Today' ] || fail "its CDR says: $(reason)"
hang_up callee

# A user's own limit: the second caller hears that he is engaged.
phone_start stranger alice --user alice --password secret register 300 answer 25
eventually 5 'alice registers' has_line "$DIR/alice.json" '"register"'
peer busy callee uac --local "$CALLEE4:5090" --rtp 41000 --remote "$HAWSE4" --to +4930100 --script 'invite; expect 200; wait 3; bye'
eventually 5 'alice talks' up
peer engaged callee uac --local "$CALLEE4:5091" --rtp 42000 --remote "$HAWSE4" --to +4930100 --script 'invite; expect 486'
finish engaged busy
check engaged '.failed == 0' 'the second caller hears 486'
check busy '.failed == 0' 'the first call goes on'
[ "$(reason)" = '486 Too Many Calls' ] || fail "its CDR says: $(reason)"

# And a number without a route.
peer lost callee uac --local "$CALLEE4:5092" --rtp 43000 --remote "$HAWSE4" --to 12345 --script 'invite; expect 404'
finish lost
pass
