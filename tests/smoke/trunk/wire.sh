#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What a trunk sees on the wire, sipp being the trunk: numbers in the form that it wants, header rules applied both ways; the
# trace shows the same, and hawsectl says beforehand what it will be.
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
mkdir -p "$DIR/run"
cat >"$DIR/hawse.yaml" <<END
media:
  public: {device: media0, address: $HAWSE4, ports: $PORTS}
dataplane: {poll: adaptive, memory: 256}
sip: {listen: [udp:$HAWSE4]}
peers:
  carrier:
    kind: trunk
    address: $CALLEE4
    codecs: [PCMA]
    numbers: {country: 49, outbound: international, out: [{of: called, match: "^00(49.*)$", with: "7#00\\\\1"}]}
    rules:
      out:
        - {add: X-Trunk, value: "hawse;id=7", if: {method: INVITE, status: request}}
        - {remove: User-Agent}
      in:
        - {pass: X-Carrier}
  office:
    kind: trunk
    address: $CALLER4
    numbers: {country: 49, area: 30}
    rules:
      in: [{pass: X-Customer}, {replace: P-Asserted-Identity, match: "sip:[^@]*@", with: "sip:03055500@"}]
      out: [{add: X-Rang, value: "yes", if: {status: 180}}]
routes:
  - {from: office, number: "+49", to: [carrier]}
stats: {cdr: $DIR/cdr.jsonl}
run: $DIR/run
END
hawse_configure
start_media
start_sip
speech "$DIR/callee.al" 'Hello'
cp "$HAWSE_ROOT/tests/lib/sipp/callee.xml" "$DIR"
(cd "$DIR" && exec ip netns exec "$NET-callee" sipp -sf callee.xml -i "$CALLEE4" -mi "$CALLEE4" -p 5060 -mp 30000 -m 1 \
	-trace_msg -message_file "$DIR/wire.log" -nostdin -timeout 30) >"$DIR/sipp.log" 2>&1 &
STARTED+=("$!")
eventually 5 'sipp listens' sh -c "[ -n \"\$(ip netns exec $NET-callee ss -Hlun 'sport = :5060')\" ]"
capture caller eth0 'udp port 5060'
caller --to 123456 --from 0301234567 --codecs '0 8 101' --header 'X-Customer: 17' --header 'X-Secret: 18' \
	--header "P-Asserted-Identity: <sip:0301@$CALLER4>" --script 'invite; expect 200; play 10; drain; wait 0.3; bye'
finish caller
check caller '.failed == 0' 'the call was up'
stop_capture caller
seen() { grep -qE "$1" "$DIR/wire.log" || fail "the trunk does not see: $1"; }
unseen() { ! grep -qE "$1" "$DIR/wire.log" || fail "the trunk sees: $1"; }
seen '^INVITE sip:7%23004930123456@|^INVITE sip:7#004930123456@'
seen '^From: .*<sip:0049301234567@'
seen '^P-Asserted-Identity: <sip:00493055500@'
seen '^X-Trunk: hawse;id=7'
seen '^X-Customer: 17'
seen '^m=audio [0-9]+ RTP/AVP 8 101'
unseen 'X-Secret'
unseen '^User-Agent: Hawse'
tcpdump -r "$DIR/caller.pcap" -A >"$DIR/caller.txt" 2>/dev/null
grep -q '^X-Rang: yes' "$DIR/caller.txt" || fail 'the caller does not see what rules for it add'
call=$(jq -r 'select(.leg == "b") | .call' "$DIR/cdr.jsonl" | head -n 1)
ctl show call "$call" --messages >"$DIR/ladder.txt"
grep -q 'X-Trunk: hawse;id=7' "$DIR/ladder.txt" || fail 'the trace shows what was on the wire'

ctl -c "$CONFIG" route test office 123456 >"$DIR/route.txt" || fail 'route test'
grep -q '1. carrier .* as 7#004930123456' "$DIR/route.txt" || fail "route test says: $(cat "$DIR/route.txt")"
printf 'INVITE sip:1@h SIP/2.0\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\nUser-Agent: U\nCSeq: 1 INVITE\n\n' |
	ctl -c "$CONFIG" rules test carrier out >"$DIR/rules.txt" 2>/dev/null || fail 'rules test'
grep -q '^X-Trunk: hawse;id=7' "$DIR/rules.txt" && ! grep -q User-Agent "$DIR/rules.txt" || fail 'rules test shows another message'
pass
