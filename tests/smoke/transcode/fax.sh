#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# Two fax machines (spandsp) call each other as audio, change to T.38 and send a page through Hawse; then the call is audio again.
# A machine that knows no T.38 refuses it, and so does a peer's policy: the call stays as it was.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/tones.sh"
case_begin
mkdir -p "$DIR/run"
# The machine behind `never` is at another port of the same host.
hawse_config | sed "s/carrier: .*/carrier: {kind: trunk, address: \"$CALLEE4:5060\"}/
	/^routes:/i\\  never: {kind: trunk, address: \"$CALLEE4:5071\", t38: refuse}
	/^routes:/a\\  - {number: \"+9\", to: [never]}" >"$DIR/hawse.yaml"
hawse_start

tone_arguments PCMA 1100 700
callee "${TONE[@]}" --step-timeout 60 --fax "receive:$DIR/page.tif" --script 'answer; play 50; expect-tone 400; expect-fax; expect-reinvite sendrecv;
	play 50; expect-tone 1000; expect-bye'
tone_arguments PCMA 700 1100
caller "${TONE[@]}" --step-timeout 60 --fax "send:$DIR/sent.tif" --script 'invite; expect 200; play 50; expect-tone 400; drain; fax 200;
	expect-fax; audio; reinvite sendrecv; play 50; expect-tone 1000; drain; wait 0.3; bye'
eventually 10 'hawsectl shows a fax' eval 'ctl show calls --json | grep -q "\"t38\""'
finish
check_scripts
check callee '.each[0].fax.pages == 1 and .each[0].fax.rows == 96' 'the page came, row by row'
check caller '.each[0].fax.code == 0 and .each[0].fax.pages == 1' 'and the sender knows it'

for way in machine policy; do
	rm -f "$DIR"/call*.json
	to=+1 port=5060
	[ $way = machine ] || to=+9 port=5071
	tone_arguments PCMA 1100 700
	peer callee callee uas --local "$CALLEE4:$port" "${TONE[@]}" --fax refuse --script 'answer; play 100; expect-tone 900; expect-bye'
	tone_arguments PCMA 700 1100
	caller "${TONE[@]}" --to $to --fax "send:$DIR/sent.tif" --script 'invite; expect 200; play 20; drain; fax 488; audio; play 50; expect-tone 900;
		drain; wait 0.5; bye'
	finish
	check_scripts
	check caller '.each[0].tone.gaps <= 1' "the $way refuses T.38 and the tone goes on"
done
pass
