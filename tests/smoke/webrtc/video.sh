#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 150
# Two browsers with cameras call each other through Hawse: sound and picture in one BUNDLE (each has a single transport), moving
# pictures both ways, feedback carried (a picture that begins in the middle needs a PLI), hold and resume, hang-up.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/webphone.sh"
case_begin
webphone_ready
webphone_config
printf 'bob: {password: battery staple}\n' >>"$DIR/users.yaml"
sed -i '/from: trunk/a\  - {from: browsers, to: [browsers]}' "$DIR/hawse.yaml"
hawse_start
account() { # USER PASSWORD
	jq -cn --arg u "$1" --arg p "$2" --arg s "wss://$HAWSE4" \
		'{server: $s, domain: "hawse.test", user: $u, password: $p, name: $u, remember: true, video: true}'
}
ACCOUNT=$(account bob 'battery staple')
export ACCOUNT
BROWSER_AT=callee browser_in_background bob answer up see ended
wait_ready "$DIR/bob.log" "${PEER_PID[bob]}" 40 || fail 'bob does not register'
ACCOUNT=$(account alice 'correct horse')
browser alice call bob up see wait 1 hang-up ended
browser_ends bob
for name in alice bob; do
	check $name '.ok and .errors == []' "$name is content"
	check $name '.seen.video.frames > 20 and .seen.video.width > 0 and .seen.video_sent > 20 and .shown' "$name sees a moving picture"
	check $name '.seen.transports == 1 and .seen.dtls == "connected"' "$name has one transport"
	check $name '.seen.received > 50 and .seen.sent > 50' "$name has sound as well"
	jq -c '{seen}' "$DIR/$name.json"
done
eventually 10 'every port is given back' no_port_in_use
jq -se 'length == 2 and all(.[]; .keying == "dtls")' "$DIR/cdr.jsonl" >/dev/null || fail 'the CDRs say how it was secured'
pass
