#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 120
# What changes inside a call, from either side, between UDP and TLS: hold and resume in two dialects, another RTP port, an
# offer in the 200 and its answer in the ACK, forks of the callee; media both ways after each.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
authority ours
certificate hawse ours "DNS:hawse.example,IP:$HAWSE4,IP:$HAWSE6"
certificate caller ours "IP:$CALLER4,IP:$CALLER6"
certificate callee ours "IP:$CALLEE4,IP:$CALLEE6"
tls_listen hawse ours
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start

# call WHAT CALLER_SCRIPT CALLEE_SCRIPT TO_CALLER TO_CALLEE: by the transports $A and $B; packets that each receives.
call() {
	rm -f "$DIR"/call*.json
	# shellcheck disable=SC2046
	peer callee callee uas --local "$CALLEE4:$(port_of "$B")" $(wire "$B" callee ours) $MORE --script "$3"
	# shellcheck disable=SC2046
	peer caller caller uac --local "$CALLER4:$(port_of "$A")" --remote "$HAWSE4:$(port_of "$A")" \
		$(wire "$A" caller ours) $MORE --script "$2"
	finish
	echo "$A to $B: $1"
	check_scripts
	check_media caller "$4"
	check_media callee "$5"
}

CHANGES='play 20; drain; wait 0.4; reinvite sendonly; wait 0.1; reinvite sendrecv; wait 0.2; play 20; drain; wait 0.4; reinvite inactive; wait 0.1;
	move; reinvite sendrecv; wait 0.2; play 20; drain; wait 0.4; reinvite zero; wait 0.1; reinvite sendrecv; wait 0.2; play 20; drain; wait 0.4'
SEES='play 20; expect-reinvite sendonly; expect-reinvite sendrecv; wait 0.2; play 20; expect-reinvite inactive; expect-reinvite sendrecv; wait 0.2; play 20'
for pair in 'udp tls' 'tls udp'; do
	read -r A B <<<"$pair"
	OFFICE_KEYS="transport: $A" CARRIER_KEYS="transport: $B" MORE=
	reload
	call 'the caller changes it' "invite; expect 200; $CHANGES; bye" "ring 180; answer; $SEES; expect-bye" 60 80
	call 'the callee changes it' "invite nosdp; expect 200; wait 0.2; $SEES; expect-bye" "answer; wait 0.2; $CHANGES; bye" 80 60
	MORE=--early
	call 'it forks' 'invite; expect 183; expect 200; play 20; drain; wait 0.4; bye' \
		'progress-reliable; fork; progress-reliable; wait 0.1; answer; play 20; expect-bye' 20 20
	check caller '.each[0].tags == 2' 'the caller saw two early dialogs'
	check callee '.each[0].pracks == 2' 'and answered to both'
done
eventually 5 'the ports are free again' no_port_in_use
pass
