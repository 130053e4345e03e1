#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# Ten thousand sources say a DTLS hello to the ports of twenty calls that wait for a handshake, from an office behind NAT (so
# that any source might be it). Ten calls that run lose nothing, ten new ones are set up meanwhile as ever, and a party
# that shakes hands from where it said it is gets its keys; what was too much is counted.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
OFFICE="\"$CALLER4\", 10.99.4.2"
mkdir -p "$DIR/run"
hawse_config | sed 's/office: {kind: trunk,/office: {kind: trunk, nat: yes,/' >"$DIR/hawse.yaml"
hawse_start
ip -n "$NET-caller" addr add 10.99.4.2/16 dev eth0
for i in $(seq 100 139); do ip -n "$NET-stranger" addr add "10.99.3.$i/16" dev eth0; done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x -keyout "$DIR/x.key" -out "$DIR/x.pem" \
	2>/dev/null || fail 'no certificate'
FINGERPRINT=$(openssl x509 -in "$DIR/x.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
export FINGERPRINT

callee --calls 40 --script 'answer; play 700; drain; expect-bye'
: >"$DIR/legs.log"
ip netns exec "$NET-caller" /usr/bin/python3 "$HAWSE_ROOT/tests/lib/dtls_flood.py" legs 10.99.4.2 "$HAWSE4" 20 \
	>"$DIR/legs.json" 2>"$DIR/legs.log" </dev/null &
legs=$!
STARTED+=("$legs")
wait_ready "$DIR/legs.log" "$legs" 20 || fail 'the calls that wait for a handshake are not up'
caller --calls 10 --rate 50 --script 'invite; expect 200; play 700; drain; wait 0.5; bye'
up() { [ "$(ctl show calls --json | jq '[.. | objects | select(.state? == "up")] | length')" = 30 ]; }
eventually 10 'thirty calls are up' up

addresses=$(seq -f 10.99.3.%g -s, 100 139)
in_ns stranger /usr/bin/python3 "$HAWSE_ROOT/tests/lib/dtls_flood.py" flood "$HAWSE4" "$(cat "$DIR/legs.json")" "$addresses" 250 30000 \
	>"$DIR/flood.json" 2>"$DIR/flood.log" &
flood=$!
STARTED+=("$flood")
sleep 1
peer later caller uac --local "$CALLER4:5070" --rtp 42000 --remote "$HAWSE4" --calls 10 --rate 10 \
	--script 'invite; expect 200; play 100; drain; wait 0.5; bye'
port=$(jq '.[0]' "$DIR/legs.json")
begin=$EPOCHSECONDS
in_ns caller timeout 20 openssl s_client -dtls1_2 -connect "$HAWSE4:$port" -bind 10.99.4.2:31000 -cert "$DIR/x.pem" -key "$DIR/x.key" \
	-use_srtp SRTP_AES128_CM_SHA1_80 </dev/null >"$DIR/handshake.out" 2>&1
grep -q 'SRTP Extension negotiated, profile=SRTP_AES128_CM_SHA1_80' "$DIR/handshake.out" || {
	tail -n 5 "$DIR/handshake.out"
	fail 'the party of a call does not get its handshake through'
}
printf 'the handshake took %d s\n' $((EPOCHSECONDS - begin))
alive "$flood" || fail 'the flood was over before'
wait "$flood" || fail "the flood failed: $(tail -n 2 "$DIR/flood.log")"
finish later caller
kill -TERM "$legs"
wait "$legs"
finish callee
cat "$DIR/flood.json"
check flood '.sources == 10000 and .sent >= 30000' 'ten thousand sources'
check caller '.failed == 0 and .missing == 0' 'calls that ran run to their end'
check later '.failed == 0 and .missing == 0' 'new calls are set up'
check_media caller 700
check later '.lost + .doubled + .corrupt + .foreign == 0' 'new calls have their media'
dropped() { ctl show drops --json | jq -e '[.drops[] | select(.reason | test("dtls")) | .count] | add > 10000' >/dev/null; }
dropped || fail "what was too much is not counted: $(ctl show drops)"
jq -s -e 'any(.[]; .keying == "dtls")' "$DIR/cdr.jsonl" >/dev/null || fail 'the CDR of the party that shook hands does not say so'
eventually 10 'no port is in use' no_port_in_use
pass
