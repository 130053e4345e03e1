#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Limits are held to the call under twice the load: 20 calls at once of 40, and never more than 10 in a second of 20 a
# second. Who is refused hears why, and so do the operator's log, counters and CDRs; an emergency passes.
# limit: 100
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
mkdir -p "$DIR/run"
cat >"$DIR/hawse.yaml" <<END
media:
  public: {device: media0, address: $HAWSE4, ports: $PORTS}
dataplane: {poll: adaptive, memory: 256}
sip: {listen: [udp:$HAWSE4]}
peers:
  carrier: {kind: trunk, address: $CALLEE4}
  office: {kind: trunk, address: $CALLER4, limits: {in: {calls: 20, deny: ["+1900"]}}}
  customer: {kind: trunk, address: $STRANGER4, limits: {in: {rate: 10/s}}}
routes:
  - {number: "+", to: [carrier]}
  - {number: "112", emergency: yes, to: [carrier]}
stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl}
run: $DIR/run
END
hawse_start

# Calls at once.
callee --calls 21 --script 'ring 180; answer; expect-bye'
caller --calls 40 --rate 40 --script 'invite; expect 200; wait 8; bye'
refused() { ctl show peers --json office | jq -e '.peers[0].in == 20 and .peers[0].limited == 20'; }
eventually 4 'show peers says 20 calls and 20 refused' refused
peer more caller uac --local "$CALLER4:5090" --rtp 40000 --remote "$HAWSE4" --to 112 --script 'invite; expect 200; wait 0.2; bye'
finish more
check more '.failed == 0' 'an emergency call passes the limit'
ctl show peers office
finish caller callee
check caller '[.each[] | select(.final == 200)] | length == 20' 'exactly 20 calls'
check caller '[.each[] | select(.final == 503)] | length == 20' 'the other 20 heard 503'
in_ns hawse curl -sf http://127.0.0.1:9090/metrics >"$DIR/metrics"
grep -q '^hawse_peer_limited_calls_total{peer="office"} 20$' "$DIR/metrics" || fail 'the metrics count them'
each_recorded() { [ "$(jq -s '[.[] | select(.leg == "a" and .status == 503)] | length' "$DIR/cdr.jsonl")" = 20 ]; }
eventually 3 'each has its CDR' each_recorded
grep -q 'office: limit of calls at once reached' "$DIR/sip.log" || fail 'the log says why'
eventually 5 'places are given back' sh -c "ip netns exec $NET-hawse $HAWSE_BUILD/stats/hawsectl -r $DIR/run show peers --json office |
	jq -e '.peers[0].in == 0'"

# A destination that is not allowed.
caller --to +19005551234 --script 'invite; expect 403'
finish caller
check caller '.failed == 0' 'a denied destination is 403'

# Calls in a time.
: >"$DIR/cdr.jsonl"
callee --calls 200 --script 'answer; expect-bye'
peer caller stranger uac --local "$STRANGER4" --remote "$HAWSE4" --calls 60 --rate 20 --script 'invite; expect 200; bye'
finish caller
hang_up callee
eventually 5 'all CDRs are written' sh -c "[ \$(grep -c '\"leg\":\"a\"' $DIR/cdr.jsonl) = 60 ]"
/usr/bin/python3 - "$DIR/cdr.jsonl" <<'END' || fail 'in some second there were more than ten calls, or too few in all'
import datetime, json, sys
legs = [json.loads(line) for line in open(sys.argv[1])]
begun = sorted(datetime.datetime.fromisoformat(leg["start"].rstrip("Z")).timestamp()
               for leg in legs if leg["leg"] == "a" and leg["status"] == 200)
worst = min(b - a for a, b in zip(begun, begun[10:]))
print(f"{len(begun)} of {len(legs)} calls, eleven never within {worst:.3f} s")
sys.exit(not (worst >= 0.998 and 20 <= len(begun) <= 11 + 10 * (begun[-1] - begun[0])))
END
pass
