#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 120
# Calls between UDP, TCP and TLS, from either side, media both ways, BYE and re-INVITE from either side.
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

# call FROM TO DIRECTION: transports of the caller's and callee's side; who calls whom.
call() {
	local a=$1 b=$2 left right
	OFFICE_KEYS="transport: $a" CARRIER_KEYS="transport: $b"
	reload
	left=$(wire "$a" caller ours) right=$(wire "$b" callee ours)
	rm -f "$DIR"/call*.json
	if [ "$3" = out ]; then
		peer callee callee uas --local "$CALLEE4:$(port_of "$b")" $right \
			--script 'ring 180; answer; play 30; expect-reinvite sendonly; expect-bye'
		peer caller caller uac --local "$CALLER4:$(port_of "$a")" --remote "$HAWSE4:$(port_of "$a")" $left \
			--script 'invite; expect 180; expect 200; play 30; drain; expect-media 30; wait 0.1; reinvite sendonly; wait 0.1; bye'
	else
		peer callee caller uas --local "$CALLER4:$(port_of "$a")" $left \
			--script 'ring 180; answer; play 30; drain; expect-media 30; wait 0.1; reinvite sendonly; wait 0.1; bye'
		peer caller callee uac --local "$CALLEE4:$(port_of "$b")" --remote "$HAWSE4:$(port_of "$b")" $right \
			--script 'invite; expect 200; play 30; expect-reinvite sendonly; expect-bye'
	fi
	finish
	echo "$a to $b, $3"
	check_scripts
	check_media caller 30
	check_media callee 30
}

for pair in 'udp tcp' 'tcp udp' 'tcp tcp' 'udp tls' 'tls udp' 'tls tls' 'tcp tls'; do
	# shellcheck disable=SC2086
	call $pair out
	# shellcheck disable=SC2086
	call $pair back
done
eventually 5 'the ports are free again' no_port_in_use
pass
