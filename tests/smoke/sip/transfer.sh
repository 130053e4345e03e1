#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 100
# baresip has called linphone and transfers it to a third party, blindly, over UDP and over TLS: linphone sees a re-INVITE
# and no REFER, RTP flows both ways between the two that remain, baresip is let go, and the CDRs say who went where. A
# third party that is busy leaves the call as it was.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
. "$(dirname "$(realpath "$0")")/../../lib/clients.sh"
for program in baresip linphonec; do
	command -v $program >/dev/null || fail "$program is not installed: apt-get install baresip-core linphone-cli"
done
case_begin
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4"
certificate caller ours "IP:$CALLER4"
certificate callee ours "IP:$CALLEE4"
tls_listen hawse ours
mkdir -p "$DIR/run"
transports_config() { # with a third peer
	cat <<-END
		media:
		  public: {device: media0, address: [$HAWSE4, "$HAWSE6"], ports: $PORTS}
		dataplane: {workers: $WORKERS, poll: adaptive, sessions: $SESSIONS, memory: 256}
		sip:
		  listen: [udp:$HAWSE4, tcp:$HAWSE4, tls:$HAWSE4]
		  $SIP_KEYS
		peers:
		  carrier: {kind: trunk, address: $CALLEE4}
		  office: {kind: access, address: $CALLER4}
		  third: {kind: trunk, address: $STRANGER4}
		routes:
		  - {from: office, number: "+49", to: [carrier]}
		  - {from: office, number: "+33", to: [third]}
		stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl}
		run: $DIR/run
	END
}
transports_config >"$DIR/hawse.yaml"
hawse_start

is_up() { ctl show calls | grep -qE " up +[0-9]"; }
no_call() { ctl show calls | grep -q '^0 calls'; }
third_is_up() { ctl show calls | grep -E " up +[0-9]" | grep -q third; }
told() { grep -aqE "$1" "$DIR/baresip-caller.log"; }

for transport in udp tls; do
	baresip_start caller $transport
	linphone_start callee udp auto
	capture callee eth0 'udp port 5060'
	baresip_say caller dial "sip:+4930@$HAWSE4:$(port_of $transport)" >>"$DIR/said.log"
	eventually 10 "$transport: the first call is up" is_up
	# Busy: it is told so. (baresip hangs up then, by itself; that the call would go on is shown in u:control Refer.)
	peer third stranger uas --local "$STRANGER4" --script 'reject 486'
	baresip_say caller transfer "sip:+33900@$HAWSE4" >>"$DIR/said.log"
	eventually 10 "$transport: baresip hears that it is busy" told 'SIP/2.0 486|transfer failed|486'
	hang_up third
	eventually 8 "$transport: baresip has hung up" no_call
	# And now for good.
	baresip_say caller dial "sip:+4930@$HAWSE4:$(port_of $transport)" >>"$DIR/said.log"
	eventually 10 "$transport: the second call is up" is_up
	peer third stranger uas --local "$STRANGER4" --script 'ring 180; wait 0.3; answer; play 100; drain; wait 0.5; bye'
	baresip_say caller transfer "sip:+33123@$HAWSE4" >>"$DIR/said.log"
	eventually 12 "$transport: the third party has the call" third_is_up
	wait "${PEER_PID[third]}"
	unset "PEER_PID[third]"
	check third '.failed == 0' "$transport: the third party's script ran to its end"
	check third 'all(.each[]; .foreign > 50)' "$transport: it heard who was transferred (not in packets of its own kind)"
	eventually 8 "$transport: no call is left" no_call
	stop_capture callee
	! grep -aq '^REFER' "$DIR/callee.pcap" || fail "$transport: the transferred party got a REFER"
	! grep -aqF "$STRANGER4" "$DIR/callee.pcap" || fail "$transport: it can read the third party's address"
	rm -f "$DIR/callee.pcap"
	baresip_stop caller
	linphone_stop callee
done
[ "$(grep -c transferred_to "$DIR/cdr.jsonl")" = 4 ] || fail 'the lines of both first calls say where it went'
[ "$(jq -s '[.[] | select(.transferred_from and .answer != null and .received.packets > 50)] | length' "$DIR/cdr.jsonl")" = 4 ] ||
	fail 'the lines of both second calls have times and packets'
pass
