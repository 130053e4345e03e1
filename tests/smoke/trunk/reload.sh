#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Another configuration under 200 running calls, by hawsectl and by SIGHUP: none is lost, new calls see new peers and
# routes. What is wrong is refused whole with file, line and key, and what cannot change says so. History and rollback;
# hawse-media takes over what it can. One call is ended by the operator.
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_configure
sed -i -e 's/number: "+"/number: "+4"/' -e 's/strangers:/shed_after: 2000\n  &/' "$CONFIG" # as it is before; load is not what this is about
cp "$CONFIG" "$DIR/before.yaml"
hawse_start

# try NAME PARTY ADDRESS NUMBER CODE: a call that gets this answer.
try() {
	local ending=
	[ "$5" != 200 ] || ending='; bye'
	peer "$1" "$2" uac --local "$3" --remote "$HAWSE4" --from +4930111 --to "$4" --rtp 50000 --slots 10 \
		--script "invite; expect $5$ending"
	finish "$1"
	check "$1" '.failed == 0' "a call from $2 to $4 gets $5"
}

callee --calls 400 --script 'answer; play 50; expect-bye'
try new1 caller "$CALLER4:5070" +999 404
try new2 stranger "$STRANGER4" +49402222 403
caller --calls 200 --rate 50 --from +4930111 --to +49402222 --script 'invite; expect 200; play 50; drain; wait 12; bye'
up() { [ "$(ctl show calls --json | jq '[.. | objects | select(.state? == "up")] | length')" -ge 200 ]; }
eventually 15 '200 calls are up' up

sed -e 's/number: "+4"/number: "+"/' -e "s/^  office:/  newcomer: {kind: trunk, address: $STRANGER4}\n&/" \
	-e 's/^routes:/&\n  - {from: newcomer, to: [carrier]}/' -e 's/grace: 30/grace: 20/' "$DIR/before.yaml" >"$DIR/after.yaml"
ctl config check "$DIR/after.yaml" >/dev/null || fail 'the new configuration is right'
ctl config diff "$DIR/after.yaml" >"$DIR/diff" || fail 'config diff'
grep -q '^+ peers.newcomer: ' "$DIR/diff" && grep -q '^+ routes\[0\]: ' "$DIR/diff" &&
	grep -q '^~ routes\[1\].number: +4 -> +  ' "$DIR/diff" &&
	grep -q '^~ dataplane.grace: 30 -> 20 *(at once, in hawse-media)' "$DIR/diff" && [ "$(wc -l <"$DIR/diff")" = 4 ] || {
	cat "$DIR/diff"
	fail 'the difference is told by key'
}

# What is wrong, and what cannot be.
refused() { # FILE CODE WORDS...
	local file=$1 code=$2 got
	shift 2
	ctl config load "$file" >"$DIR/refused" 2>&1
	got=$?
	[ $got = "$code" ] && grep -qF -- "$*" "$DIR/refused" || {
		cat "$DIR/refused"
		fail "refused with $code and \"$*\" (it was $got)"
	}
}
sed 's/kind: trunk, address: \["10/kind: trunc, address: ["10/' "$DIR/after.yaml" >"$DIR/wrong.yaml"
refused "$DIR/wrong.yaml" 2 "$DIR/wrong.yaml:$(grep -n trunc "$DIR/wrong.yaml" | head -1 | cut -d: -f1): peers."
sed 's/device: media0/device: other0/' "$DIR/after.yaml" >"$DIR/device.yaml"
refused "$DIR/device.yaml" 4 'media.public.device: cannot change while calls run'
cmp -s "$CONFIG" "$DIR/before.yaml" || fail 'a refused configuration leaves the file alone'
try new1 caller "$CALLER4:5070" +999 404

# What is right.
ctl config load "$DIR/after.yaml" >/dev/null || fail 'config load'
cmp -s "$CONFIG" "$DIR/after.yaml" || fail 'a restart would find the configuration that runs'
eventually 5 'hawse-media takes over what it can' grep -q 'dataplane.grace: 30 -> 20' "$DIR/media.log"
try new1 caller "$CALLER4:5070" +999 200
try new2 stranger "$STRANGER4" +49402222 200
up || fail 'the calls go on'

# SIGHUP, history, rollback.
sed 's/, "[^"]*"\]$/&/; s/from: newcomer, to: \[carrier\]/from: newcomer, number: "+1", to: [carrier]/' "$DIR/after.yaml" >"$CONFIG"
kill -HUP "$PID_sip"
taken() { [ "$(ctl config history --json | jq '.history | length')" = 3 ]; }
eventually 5 'SIGHUP takes it over' taken
try new2 stranger "$STRANGER4" +49402222 404
ctl config rollback >/dev/null || fail 'config rollback'
cmp -s "$CONFIG" "$DIR/after.yaml" || fail 'the file is rolled back too'
try new2 stranger "$STRANGER4" +49402222 200
ctl config history >"$DIR/history"
grep -q 'rollback to 2' "$DIR/history" && grep -q SIGHUP "$DIR/history" || fail 'the history says how'

# The operator ends one call.
id=$(ctl show calls --json | jq -r '[.. | objects | select(.state? == "up")][0].id')
ctl call hangup "$id" >/dev/null || fail 'call hangup'
! ctl call hangup 0123456789abcdef 2>"$DIR/hangup" || fail 'a call that is not is not ended'
hang_up callee 2>/dev/null
finish caller
check caller '.failed <= 1 and .missing == 0' 'no call but that one was lost'
jq -s 'map(select(.call == "'"$id"'" and .leg == "a"))[0]' "$DIR/cdr.jsonl" >"$DIR/ended.json"
check ended '.ended_by == "hawse" and .cause == "Ended by the Operator"' 'the CDR says who ended it'
pass
