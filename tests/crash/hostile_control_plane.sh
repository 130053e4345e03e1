#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A hostile control plane scribbles over regions B and INJECT for a minute: indices, slots, doorbells, half-right commands;
# and right ones of every kind: sessions that are transcoded, played to and recorded, which end as they may.
# hawse-media lives, counts it, and serves the next honest one.
# alone
# limit: 150
. "$(dirname "$(realpath "$0")")/../lib/case.sh"
case_begin
GRACE=2 QUARANTINE=1
hawse_configure
mkdir -p "$DIR/prompts" "$DIR/recordings"
printf 'prompts: %s\nrecordings: %s\n' "$DIR/prompts" "$DIR/recordings" >>"$CONFIG"
python3 - "$DIR/prompts/prompt-1.wav" <<'WAV'
import sys, wave
with wave.open(sys.argv[1], "wb") as w:
    w.setparams((1, 2, 8000, 0, "NONE", ""))
    w.writeframes(b"\0\x10\0\xf0" * 4000)
WAV
start_media
in_ns hawse "$HAWSE_BUILD/tests/crash/scribble" "$DIR/run/media.sock" "${SCRIBBLE_SECONDS:-60}" \
	>"$DIR/scribble.json" 2>"$DIR/scribble.log" || fail "the scribbler gave up: $(tail -n 3 "$DIR/scribble.log")"
cat "$DIR/scribble.json"
check scribble '.attaches > 0 and .scribbles > 1000 and .answers > 0' 'it attached, wrote and was answered'
check scribble '.plays > 0 and .recordings > 0 and .transcoded > 0' 'some of what it asked for was done'
alive "$PID_media" || fail 'hawse-media died'
[ -z "$(find "$DIR" -newer "$CONFIG" -name 'r-*' ! -path "$DIR/recordings/*")" ] || fail 'a recording escaped'
start_sip
start_stats
eventually 20 'the sessions of the hostile one are swept' no_port_in_use
sleep 2
callee --calls 10 --script 'answer; play 100; expect-bye'
caller --calls 10 --script 'invite; expect 200; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
pass
