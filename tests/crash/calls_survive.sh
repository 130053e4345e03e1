#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of hawse-sip during 40 calls with media both ways: no RTP packet is lost, the next hawse-sip is attached
# within a second, and every call goes on: either side holds it, resumes it and ends it, each is recorded once, and
# nothing is left.
# alone
# limit: 150
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
MEDIA_TIMEOUT=8
hawse_start

# Half of the calls go from the office to the carrier and half the other way, so that in each half another side asks for
# the hold and another ends the call. 12 s of media before, one more after.
ASK='invite; expect 200; play 600; drain; expect-media 600; wait 0.5; reinvite sendonly; reinvite sendrecv; wait 0.5; play 50; drain; expect-media 650; wait 1; bye'
HEAR='ring 180; answer; play 600; drain; expect-reinvite hold; expect-reinvite sendrecv; wait 0.5; play 50; drain; expect-bye'
END='ring 180; answer; play 600; drain; expect-media 600; wait 0.5; reinvite inactive; reinvite sendrecv; wait 0.5; play 50; drain; expect-media 650; wait 1; bye'
BE_ENDED='invite; expect 200; play 600; drain; expect-reinvite hold; expect-reinvite sendrecv; wait 0.5; play 50; drain; expect-bye'
callee --calls 20 --script "$HEAR"
caller --local "$CALLER4:5070" --rtp 30000 --calls 20 --rate 23 --script "$ASK"
peer office caller uas --local "$CALLER4" --rtp 40000 --calls 20 --script "$END"
peer carrier callee uac --local "$CALLEE4:5070" --rtp 40000 --remote "$HAWSE4" --calls 20 --rate 23 \
	--script "$BE_ENDED"

milliseconds() { echo "${EPOCHREALTIME/[.,]/}" | sed 's/...$//'; }
up() { [ "$(ctl show calls --json | jq '[.. | objects | select(.state? == "up")] | length')" = 40 ]; }
GAPS=()
restart() { # says in how many milliseconds the next one is attached
	local begin
	begin=$(milliseconds)
	kill -KILL "$PID_sip"
	wait "$PID_sip" 2>/dev/null
	alive "$PID_media" || fail 'hawse-media died with hawse-sip'
	start_sip
	gap=$(($(milliseconds) - begin))
	grep -q 'ready on .*hawse-media attached' "$DIR/sip.log" || fail 'it is not attached when it is ready'
	grep -q '40 calls go on, 0 are lost' "$DIR/sip.log" || fail 'not all of the calls go on'
	printf 'attached %d ms after kill -9; %s\n' "$gap" "$(grep -o '40 calls go on.*' "$DIR/sip.log")"
	GAPS+=("$gap")
}

eventually 10 'all 40 calls are up' up
sleep 2
restart
up || fail 'hawsectl does not show the calls of before'
sleep 1
restart # what was restored survives too
# Within a second; a loaded machine may be late once.
[ "${GAPS[0]}" -lt 1000 ] || [ "${GAPS[1]}" -lt 1000 ] || fail "it took ${GAPS[*]} ms"
finish
finish office carrier
for name in caller callee office carrier; do
	check "$name" '.failed == 0 and .missing == 0' "every script of the $name ran to its end"
	check_media "$name" 650
done
jq -c '{sent, received, lost, max_gap_ms}' "$DIR"/{caller,callee,office,carrier}.json

eventually 10 'no port is in use' no_port_in_use
records() { [ "$(wc -l <"$DIR/cdr.jsonl")" = 80 ]; }
eventually 10 'every leg of every call has its CDR' records
cdr() { # CONDITION WHAT
	jq -s -e "$1" "$DIR/cdr.jsonl" >/dev/null || {
		jq -c . "$DIR/cdr.jsonl" | head -n 4
		fail "$2"
	}
}
cdr 'length == 80' 'no call has a CDR too many'
cdr 'group_by(.call) | length == 40 and all(.[]; map(.leg) | sort == ["a", "b"])' 'each leg has one CDR'
cdr 'all(.[]; .duration_ms > 13000 and .duration_ms < 40000 and .setup_ms < 5000)' 'the times are those of the calls'
cdr '[.[] | select(.ended_by == "caller" and .peer == "office" and .leg == "a")] | length == 20' '20 ended by the caller'
cdr '[.[] | select(.ended_by == "callee" and .peer == "carrier" and .leg == "a")] | length == 20' '20 by the callee'
cdr 'all(.[]; .received.packets == 650 and .received.lost == 0)' 'each CDR has the packets of the whole call'
[ "$(ctl show calls --json | jq '[.. | objects | select(.state?)] | length')" = 0 ] || fail 'a call is left'

# A clean stop leaves no journal.
stop_one "$PID_sip"
[ ! -e "$DIR/run/calls" ] || fail 'the journal of no calls is still there'
start_sip
pass
