#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 60
# A peer's calls are recorded by rule to a stereo wav, the operator records one to pcap, CDRs name the files and each holds what
# was said; and a party that is held hears the music of the one who holds it.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/tones.sh"
case_begin
mkdir -p "$DIR/run" "$DIR/prompts" "$DIR/recordings"
sox -n -r 8000 -c 1 -b 16 "$DIR/prompts/music.wav" synth 2 sine 700 gain -6 || fail 'no music'
{
	echo "prompts: $DIR/prompts"
	echo "recordings: $DIR/recordings"
	hawse_config | sed "s/carrier: {kind: trunk/&, record: wav/; s/office: {kind: trunk/&, hold_music: music.wav/"
} >"$DIR/hawse.yaml"
hawse_start
call_id() { ctl show calls --json | jq -r '(.calls // .)[0].id'; }
is_up() { ctl show calls --json | jq -e '(.calls // .)[0].state == "up"'; }

tone_arguments PCMA 1100 700
callee "${TONE[@]}" --script 'answer; play 150; expect-tone 1500; expect-bye'
tone_arguments opus 700 1100
caller "${TONE[@]}" --script 'invite; expect 200; play 150; expect-tone 1500; drain; wait 0.3; bye'
finish
check_scripts
named() { FILE=$(jq -r 'select(.recordings) | .recordings[0]' "$DIR/cdr.jsonl" | head -1) && [ -n "$FILE" ] && [ -s "$DIR/recordings/$FILE" ]; }
eventually 5 'the CDR names a file that is there' named
[ "$(soxi -c "$DIR/recordings/$FILE")" = 2 ] || fail 'it is stereo'
pitch() { sox "$DIR/recordings/$FILE" -n remix "$1" trim 1 1 stat 2>&1 | awk '/Rough +frequency/ {print $3}'; }
a=$(pitch 1) b=$(pitch 2)
[ "$a" -gt 650 ] && [ "$a" -lt 750 ] || fail "the caller is on the left: $a Hz"
[ "$b" -gt 1050 ] && [ "$b" -lt 1150 ] || fail "the callee is on the right: $b Hz"

rm -f "$DIR"/call*.json
tone_arguments PCMA 1100 700
callee "${TONE[@]}" --script 'answer; expect-reinvite sendonly; expect-tone 1000; expect-reinvite sendrecv; wait 0.5; play 20; expect-bye'
caller --script 'invite; expect 200; reinvite inactive; wait 3; reinvite sendrecv; wait 1; bye'
eventually 5 'the second call is up' is_up
id=$(call_id)
ctl call record "$id" stop >"$DIR/said.txt" || fail 'the operator ends a recording'
ctl call record "$id" start pcap >>"$DIR/said.txt" || fail 'and begins another'
! ctl call record "$id" start wav >>"$DIR/said.txt" 2>&1 || fail 'one at a time'
finish
check_scripts
check callee '.each[0].tone.other_ms <= 120' 'nothing but music was heard'
pcap() { FILE=$(jq -r 'select(.recordings) | .recordings[1] // empty' "$DIR/cdr.jsonl" | tail -1) && [ -n "$FILE" ]; }
eventually 5 'the CDR names both files' pcap
[ "$(tcpdump -n -r "$DIR/recordings/$FILE" udp 2>/dev/null | wc -l)" -ge 15 ] || fail 'the packets are in it'
pass
