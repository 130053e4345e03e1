#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 120
# 100rel, PRACK and UPDATE between a side that knows them and one that does not, in all four combinations, over UDP and
# TLS, from the caller's and the callee's side; media both ways after each change.
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

# call WHAT CALLER_OPTIONS CALLER_SCRIPT CALLEE_OPTIONS CALLEE_SCRIPT: by the transports $A and $B.
call() {
	rm -f "$DIR"/call*.json
	# shellcheck disable=SC2046,SC2086
	peer callee callee uas --local "$CALLEE4:$(port_of "$B")" $(wire "$B" callee ours) $4 --script "$5"
	# shellcheck disable=SC2046,SC2086
	peer caller caller uac --local "$CALLER4:$(port_of "$A")" --remote "$HAWSE4:$(port_of "$A")" \
		$(wire "$A" caller ours) $2 --script "$3"
	finish
	echo "$A to $B: $1"
	check_scripts
	check_media caller 40
	check_media callee 40
}

for pair in 'udp tls' 'tls udp'; do
	read -r A B <<<"$pair"
	OFFICE_KEYS="transport: $A" CARRIER_KEYS="transport: $B"
	reload
	# The answer in a reliable 183, early media both ways, UPDATE early and confirmed from either side.
	call 'both know it' --early \
		'invite; expect 183; wait 0.2; play 20; drain; update sendrecv; expect 200; play 20; drain; wait 0.3; update sendonly; expect-update sendonly; wait 0.2; bye' \
		--early 'ring-reliable 180; progress-reliable; wait 0.2; play 20; expect-update sendrecv; wait 0.1; answer; play 20; expect-update sendonly; wait 0.2; update sendonly; expect-bye'
	check callee '.each[0].pracks == 2 and .each[0].updates == 2 and .each[0].reinvites == 0' 'PRACK and UPDATE reached the callee'
	check caller '.each[0].updates == 1 and .each[0].reinvites == 0' 'UPDATE reached the caller'
	call 'only the callee knows it' '' \
		'invite; expect 183; wait 0.2; play 20; expect 200; play 20; drain; expect-reinvite sendonly; wait 0.2; bye' \
		--early 'progress-reliable; wait 0.2; play 20; drain; wait 0.2; answer; play 20; drain; wait 0.3; update sendonly; expect-bye'
	check callee '.each[0].pracks == 1' 'we sent the PRACK'
	check caller '.each[0].reinvites == 1 and .each[0].updates == 0' 'the UPDATE reached the caller as a re-INVITE'
	call 'only the caller knows it' "--early" \
		'invite; expect 183; wait 0.2; play 20; expect 200; play 20; drain; wait 0.3; update sendonly; wait 0.2; bye' \
		'' 'ring 180; progress; wait 0.2; play 20; drain; wait 0.2; answer; play 20; expect-reinvite sendonly; expect-bye'
	check callee '.each[0].pracks == 0 and .each[0].updates == 0' 'the callee was not bothered'
done
# The offer comes in a reliable 183, and the answer to it in the PRACK.
call 'no offer in the INVITE' --early 'invite nosdp; expect 183; wait 0.2; play 20; expect 200; play 20; drain; wait 0.3; bye' \
	--early 'progress-reliable; wait 0.2; play 20; drain; wait 0.2; answer; play 20; expect-bye'
check callee '.each[0].pracks == 1' 'the callee got the answer in a PRACK'
eventually 5 'the ports are free again' no_port_in_use
pass
