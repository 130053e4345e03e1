#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 110
# Debian's baresip and linphone, as they come, call each other over UDP and over TLS (linphone is called by UDP, since it
# takes no TLS connections): baresip holds and resumes, linphone pauses and resumes, either one hangs up; RTP flows both
# ways before and after.
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
transports_config >"$DIR/hawse.yaml"
hawse_start

calls() { ctl show calls --json; }
state_is() { calls | grep -q "$1"; }
is_up() { ctl show calls | grep -qE " up +[0-9]"; }
holds() { ctl show calls | grep -q "$1 holds"; }
no_call() { ctl show calls | grep -q '^0 calls'; }

# Packets that came so far by either leg of the one call.
came() {
	local id
	id=$(ctl show calls | awk 'NR == 2 {print $1}')
	ctl show call "$id" --json | jq "[.. | objects | .received_packets? // empty][$1] // 0"
}
flows() { # both ways, from now on
	local a b
	a=$(came 0) b=$(came 1)
	moves() { [ "$(came 0)" -gt $((a + 15)) ] && [ "$(came 1)" -gt $((b + 15)) ]; }
	eventually 8 "$1: RTP flows both ways" moves
}

# It refuses to resume until it has seen itself that it holds.
linphone_resumes() {
	is_up && return
	linphone_say callee resume
	sleep 0.3
	is_up
}

# A call of either client, held and resumed by both sides.
round() { # TRANSPORT
	local by=$1
	baresip_say caller dial "sip:+4930@$HAWSE4:$(port_of "$by")" >>"$DIR/said.log"
	eventually 10 "$by: baresip's call is up" is_up
	flows "$by, baresip calls"
	baresip_say caller hold >>"$DIR/said.log"
	eventually 8 "$by: baresip holds" holds caller
	baresip_say caller resume >>"$DIR/said.log"
	eventually 8 "$by: baresip resumes" is_up
	flows "$by, baresip has resumed"
	linphone_say callee pause
	eventually 8 "$by: linphone holds" holds callee
	eventually 10 "$by: linphone resumes" linphone_resumes
	flows "$by, linphone has resumed"
	baresip_say caller hangup >>"$DIR/said.log"
	eventually 8 "$by: baresip's call is over" no_call
	linphone_say callee "call sip:caller@$HAWSE4:$(port_of "$by");transport=$by"
	eventually 10 "$by: linphone's call is up" is_up
	flows "$by, linphone calls"
	linphone_say callee terminate
	eventually 8 "$by: linphone's call is over" no_call
}

for transport in udp tls; do
	OFFICE_KEYS="transport: $transport" # linphone is called by UDP: it takes no TLS connections
	reload
	baresip_start caller $transport
	linphone_start callee $transport auto
	round $transport
	baresip_stop caller
	linphone_stop callee
done
# `flows` has seen 15 packets and more of every leg.
recorded() { [ "$(jq -s '[.[] | select(.status == 200 and .received.packets > 15)] | length' "$DIR/cdr.jsonl")" = 8 ]; }
eventually 5 'every leg of every call has its CDR' recorded
pass
