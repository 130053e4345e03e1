#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What an operator does to a running hawse-sip: takes a trunk out of service (also over a restart) and back, turns the log
# up for calls, sums CDRs, and drains: no new calls, the one that runs goes on, and then it ends by itself.
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_configure
sed -i -e "s/^  office:/  backup: {kind: trunk, address: $STRANGER4}\n&/" -e 's/to: \[carrier\]/to: [carrier, backup]/' "$CONFIG"
hawse_start
callee --calls 10 --script 'answer; expect-bye'
peer backup stranger uas --local "$STRANGER4" --calls 10 --script 'answer; expect-bye'
call() { # NAME CODE PEER: a call that gets this answer, by that peer
	local ending=
	[ "$2" != 200 ] || ending='; bye'
	peer "$1" caller uac --local "$CALLER4:5070" --remote "$HAWSE4" --rtp 50000 --slots 10 --from +4930111 --to +49402222 \
		--script "invite; expect $2$ending"
	finish "$1"
	check "$1" '.failed == 0' "the call gets $2"
	[ -z "${3:-}" ] && return
	eventually 5 "the call went by $3" went_by "$3"
}
went_by() { [ "$(jq -rs 'map(select(.leg == "b"))[-1].peer' "$DIR/cdr.jsonl")" = "$1" ]; }

call first 200 carrier
ctl trunk disable carrier >/dev/null || fail 'trunk disable'
call second 200 backup
! ctl trunk disable nobody 2>"$DIR/out" || fail 'a trunk that is not cannot be disabled'
kill -9 "$PID_sip"
wait "$PID_sip" 2>/dev/null
start_sip
ctl trunk list | grep -q '^carrier *trunk *yes' || fail 'it is still disabled after a restart'
call third 200 backup
ctl trunk enable carrier >/dev/null || fail 'trunk enable'
ctl trunk disable office >/dev/null || fail 'trunk disable'
call fourth 503
ctl trunk enable office >/dev/null || fail 'trunk enable'

ctl log debug call >/dev/null || fail 'log'
call fifth 200 carrier
id=$(jq -rs 'map(select(.leg == "a"))[-1].call' "$DIR/cdr.jsonl")
grep -q "level=debug area=call call=$id msg=\"" "$DIR/sip.log" || fail 'the events of the call are logged with its id'
ctl log info >/dev/null
! ctl log loud 2>"$DIR/out" || fail 'there is no such level'

ctl cdr --sum --json >"$DIR/sums.json" || fail 'hawsectl cdr --sum'
check sums 'map({(.key): [.legs, .answered]}) | add == {"office a": [5, 4], "carrier b": [2, 2], "backup b": [2, 2]}' 'CDRs are summed'
[ "$(ctl cdr --peer backup --status 200 --number +4940 --since 5m --json | jq -s length)" = 2 ] || fail 'CDRs are filtered'

caller --from +4930111 --to +49402222 --script 'invite; expect 200; play 200; wait 10; drain; bye'
eventually 5 'the call is up' sh -c "ip netns exec $NET-hawse $HAWSE_BUILD/stats/hawsectl -r $DIR/run show calls | grep -q up"
kill -USR1 "$PID_sip"
draining() { [ "$(ctl status --json | jq .draining)" = true ]; }
eventually 5 'it drains' draining
call sixth 503
ctl drain cancel >/dev/null || fail 'drain cancel'
call seventh 200
ctl drain >"$DIR/drain" &
STARTED+=($!)
eventually 5 'it drains' draining
alive "$PID_sip" || fail 'it waits for the call that runs'
finish caller
check caller '.failed == 0' 'the call that runs goes on to its end'
gone() { ! alive "$PID_sip"; }
eventually 10 'hawse-sip ends with its last call' gone
wait "$PID_sip" || fail 'it ends in good order'
eventually 5 'hawsectl drain waits for it' grep -q 'has ended' "$DIR/drain"
[ ! -e "$DIR/run/legs" ] || fail 'no leg is left without its CDR'
start_sip # pass wants it alive
hang_up callee
hang_up backup
pass
