#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# From one trunk to the next by cause, while the call is being set up: 503 goes on, 486 does not. Kamailio is the first
# trunk, answers pings, rings, and is killed in the middle of a set-up: the caller talks to the second. It is down, is passed
# over, and comes up again.
# limit: 100
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
command -v kamailio >/dev/null || fail 'kamailio is not installed: apt-get install kamailio'
case_begin
mkdir -p "$DIR/run" "$DIR/kamailio"
cat >"$DIR/hawse.yaml" <<END
media:
  public: {device: media0, address: $HAWSE4, ports: $PORTS}
dataplane: {poll: adaptive, memory: 256}
sip: {listen: [udp:$HAWSE4]}
peers:
  first: {kind: trunk, address: $STRANGER4, health: {ping: 1, up: 2, down: 2, timeout: 1, ramp: 0}}
  second: {kind: trunk, address: $CALLEE4}
  office: {kind: trunk, address: $CALLER4}
routes:
  - {from: office, number: "+", to: [first, second]}
stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl}
run: $DIR/run
END
cat >"$DIR/kamailio.cfg" <<END
debug=0
log_stderror=yes
children=1
auto_aliases=no
listen=udp:$STRANGER4:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
request_route {
	if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
	if (is_method("ACK")) { t_check_trans(); exit; }
	if (is_method("CANCEL")) { sl_send_reply("200", "OK"); exit; }
	if (\$rU =~ "^\\+1503") { t_newtran(); t_reply("503", "Full"); exit; }
	if (\$rU =~ "^\\+1486") { t_newtran(); t_reply("486", "Busy Here"); exit; }
	t_newtran();
	t_reply("180", "Ringing");
}
END
kamailio_start() {
	start "$DIR/kamailio.log" ip netns exec "$NET-stranger" kamailio -DD -E -f "$DIR/kamailio.cfg" -Y "$DIR/kamailio" \
		-w "$DIR/kamailio" -m 32 -M 8
	KAMAILIO=$STARTED_PID
	eventually 10 'Kamailio listens' sh -c "[ -n \"\$(ip netns exec $NET-stranger ss -Hlun 'sport = :5060')\" ]"
}
state() { ctl show peers --json first | jq -r '.peers[0].state'; }
is() { [ "$(state)" = "$1" ]; }
kamailio_start
hawse_start
eventually 10 'the first trunk answers its pings' sh -c \
	"ip netns exec $NET-hawse $HAWSE_BUILD/stats/hawsectl -r $DIR/run show peers --json first | jq -e '.peers[0].pings > 0 and .peers[0].lost_pings == 0'"

# By cause.
callee --script 'ring 180; answer; expect-bye'
caller --to +15031 --script 'invite; expect 200; wait 0.2; bye'
finish
check_scripts
caller --to +14861 --script 'invite; expect 486'
finish caller
check caller '.failed == 0' '486 is the last word'

# Killed in the middle of a set-up.
callee --script 'ring 180; answer; play 20; expect-bye'
caller --to +12001 --script 'invite; expect 200; play 20; drain; expect-media 20; wait 0.2; bye'
eventually 5 'the first trunk rings' sh -c "ip netns exec $NET-hawse $HAWSE_BUILD/stats/hawsectl -r $DIR/run show calls --json |
	jq -e '[.. | objects | select(.state? == \"ringing\")] | length == 1'"
for pid in $(ip netns pids "$NET-stranger"); do kill -KILL "$pid" 2>/dev/null; done
finish
check_scripts
check_media caller 20
check caller '.each[0].setup_ms < 20000' 'it is not waited for'
is down || fail "show peers says $(state), not down"
grep -q 'level=warning area=health.*first is down' "$DIR/sip.log" || fail 'the log says that it is down'
in_ns hawse curl -sf http://127.0.0.1:9090/metrics >"$DIR/metrics"
grep -q '^hawse_peer_up{peer="first"} 0$' "$DIR/metrics" || fail 'the metrics do not'

# It is not asked while it is down, and comes back.
callee --script 'ring 180; answer; expect-bye'
caller --to +12002 --script 'invite; expect 200; wait 0.2; bye'
finish
check_scripts
check caller '.each[0].setup_ms < 3500' 'a trunk that is down costs no time'
kamailio_start
eventually 10 'it is up again' is up
caller --to +14861 --script 'invite; expect 486'
finish caller
check caller '.failed == 0' 'the first trunk takes calls again'
pass
