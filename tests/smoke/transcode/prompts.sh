#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 60
# The caller hears ringback of ours while the callee only rings, and then the callee, which has another codec than what the
# caller was told early; and he hears why he is refused before he is.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/tones.sh"
case_begin
mkdir -p "$DIR/run" "$DIR/prompts"
for prompt in ring busy; do
	sox -n -r 8000 -c 1 -b 16 "$DIR/prompts/$prompt.wav" synth 1.5 sine 1100 gain -6 || fail 'no prompt'
done
{
	echo "prompts: $DIR/prompts"
	hawse_config | sed "s/carrier: {kind: trunk/&, ringback: ring.wav/; s/office: {kind: trunk/&, announce: {486: busy.wav}/"
} >"$DIR/hawse.yaml"
hawse_start

tone_arguments PCMA 1100 700
callee "${TONE[@]}" --script 'ring 180; wait 2.5; answer; play 100; expect-tone 800; expect-bye'
tone_arguments opus 700 1100
caller "${TONE[@]}" --script 'invite; expect 180; expect-tone 1200; expect 200; play 100; expect-tone 2400; drain; wait 0.3; bye'
finish
check_scripts

rm -f "$DIR"/call*.json
callee --script 'ring 180; wait 0.2; reject 486'
tone_arguments PCMA 700 1100
caller "${TONE[@]}" --script 'invite; expect 180; expect 486; wait 0.1'
finish caller
check caller '.failed == 0 and .each[0].final == 486 and .each[0].tone.ms >= 1000' 'the announcement is heard, and the refusal comes'
eventually 5 'the ports are free again' no_port_in_use
pass
