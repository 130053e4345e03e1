#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 100
# baresip and linphone as phones: they register by digest, call the carrier and are called by him, and call each other by
# name; both phones of one user ring, the first that answers has the call.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/phones.sh"
for program in baresip linphonec; do
	command -v $program >/dev/null || fail "$program is not installed: apt-get install baresip-core linphone-cli"
done
case_begin
phones_config
hawse_start
registered() { ctl show registrations "$1" --json | jq -e "(.phones // []) | length == $2" >/dev/null; }

# alice: baresip, which answers by itself.
baresip_start caller alice "$CALLER4" alice secret
# bob: linphone, steered by its console. It finds its own address by a route to the world.
ip -n "$NET-stranger" route add default via "$HAWSE4"
linphone_start() {
	mkdir -p "$DIR/linphone/.local/share/linphone" "$DIR/linphone/.config/linphone"
	cat >"$DIR/linphone/.linphonerc" <<-END
		[sip]
		sip_port=5070
		sip_tcp_port=-1
		sip_tls_port=-1
		default_proxy=0
		use_ipv6=0
		[rtp]
		audio_rtp_port=7078
		[sound]
		playback_dev_id=ANULL: Null
		capture_dev_id=ANULL: Null
		ringer_dev_id=ANULL: Null
		[auth_info_0]
		username=bob
		passwd=geheim
		realm=pbx.example
		domain=pbx.example
		[proxy_0]
		reg_proxy=<sip:$HAWSE4;transport=udp>
		reg_route=<sip:$HAWSE4;transport=udp>
		reg_identity=sip:bob@pbx.example
		reg_expires=300
		reg_sendregister=1
	END
	mkfifo "$DIR/linphone/console"
	(exec 3<>"$DIR/linphone/console"
		HOME=$DIR/linphone exec ip netns exec "$NET-stranger" linphonec -a -c "$DIR/linphone/.linphonerc" \
			<&3 >"$DIR/linphone.log" 2>&1) &
	PHONE_PID[linphone]=$!
}
linphone_start
linphone() { echo "$*" >"$DIR/linphone/console"; }
eventually 10 'baresip registers' registered alice 1
eventually 15 'linphone registers' registered bob 1

# The carrier calls each.
for number in +4930100 +4930101; do
	peer caller callee uac --local "$CALLEE4" --remote "$HAWSE4" --to $number \
		--script 'invite; expect 200; play 25; drain; wait 0.3; bye'
	finish caller
	check caller '.failed == 0 and .missing == 0' "the carrier reaches $number"
done
# bob calls the carrier, who sees his number.
callee --script 'ring 180; answer; wait 0.5; bye'
linphone "call sip:+4940555@pbx.example"
finish callee
check callee '.failed == 0 and .missing == 0' 'bob reaches the carrier'
jq -es 'any(.[]; .leg == 1 and .peer == "carrier" and .from == "+4930101" and .cause.status == 200 // .result == "answered")' \
	"$DIR/cdr.jsonl" >/dev/null || grep -q '"from":"+4930101"' "$DIR/cdr.jsonl" || fail "the CDR names bob's number: $(tail -n 2 "$DIR/cdr.jsonl")"
# bob calls alice by name.
linphone "call sip:alice@pbx.example"
one_call() { ctl show calls --json | jq -e '[.. | objects | select(.state? == "up")] | length == 1' >/dev/null; }
eventually 8 'bob reaches alice' one_call
linphone terminate
eventually 8 'and hangs up' no_port_in_use
# A second phone of bob: both ring, one has it.
phone_start stranger desk --local "$STRANGER4:5099" --user bob --password geheim register 300 answer 25
eventually 5 'the second registers' registered bob 2
peer caller callee uac --local "$CALLEE4" --remote "$HAWSE4" --to +4930101 --script 'invite; expect 200; wait 0.5; bye'
finish caller
check caller '.failed == 0 and .missing == 0' 'one of them has it'
linphone quit
eventually 8 'linphone takes its registration back' registered bob 1
pass
