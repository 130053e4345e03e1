#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 150
# A browser with a camera calls SIP endpoints. One has video: moving pictures go both ways between a browser that would bundle and
# a party that does not, and feedback (NACK, PLI, FIR) is carried both ways, as both ends see on the wire. One has none: m=video is
# refused, and the call goes on as sound.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/webphone.sh"
case_begin
webphone_ready
webphone_config
hawse_start
ACCOUNT=$(jq -cn --arg s "wss://$HAWSE4" \
	'{server: $s, domain: "hawse.test", user: "alice", password: "correct horse", name: "Alice", remember: true, video: true}')
export ACCOUNT
endpoint() { # NAME OPTIONS...
	local name=$1
	shift
	ip netns exec "$NET-callee" /usr/bin/python3 "$HAWSE_ROOT/tests/lib/video_party.py" --local "$CALLEE4" "$@" \
		>"$DIR/$name.json" 2>"$DIR/$name.log" </dev/null &
	PEER_PID[$name]=$!
	STARTED+=("$!")
	wait_ready "$DIR/$name.log" "$!" 10 || fail "the $name did not start"
}

endpoint camera
browser first call +493012345 up see asked hold resume hang-up ended
party_ends camera
jq -c '{seen, asked}' "$DIR/first.json"
cat "$DIR/camera.json"
check first '.ok and .errors == []' 'the browser is content'
check first '.seen.video.frames > 20 and .seen.video.width > 0 and .shown' 'it sees its picture come back'
check first '.held.received < 10 and .resumed.received > 20' 'hold and resume, as two transports'
check first '.asked | .pli_asked >= 2 and .fir_asked >= 1 and .nack_asked >= 1' 'what the endpoint asks for reaches the browser'
check first '.asked.video | .nack >= 1 and .pli >= 1' 'the browser asks for what was lost, and for a whole picture'
check camera '.over and .picture > 40 and .sound > 50' 'the endpoint gets picture and sound'
check camera '.profile == "RTP/AVP" and (.offered | index("nack") and index("nack pli") and index("ccm fir"))' 'it is offered feedback'
check camera '.feedback.nack >= 1 and .feedback.pli + .feedback.fir >= 1 and .resent >= 1 and .wishes_left == 0' \
	'what the browser asks for reaches the endpoint'

endpoint phone --no-video
browser second call +493012345 up wait 2 hear hang-up ended
party_ends phone
check second '.ok and .errors == [] and (.figures | .received > 50 and .sent > 50 and (.video.frames // 0) == 0)' \
	'the call goes on as sound'
check phone '.over and .sound > 50 and .picture == 0' 'no picture is sent to who refused it'
eventually 10 'every port is given back' no_port_in_use
pass
