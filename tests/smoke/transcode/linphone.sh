#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 120
# Debian's linphone is held to its G.729 and calls parties that have one of the other codecs each: both hear the other's
# tone. The other ends are sip_peer with the codecs' own libraries.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
. "$(dirname "$(realpath "$0")")/../../lib/clients.sh"
. "$(dirname "$(realpath "$0")")/../../lib/tones.sh"
command -v linphonec >/dev/null || fail 'linphonec is not installed: apt-get install linphone-cli'
case_begin
mkdir -p "$DIR/run"
CODECS=(PCMA G722 opus AMR-WB)
declare -A PORT=([PCMA]=5070 [G722]=5080 [opus]=5090 [AMR-WB]=5100) HZ=([PCMA]=700 [G722]=900 [opus]=1100 [AMR-WB]=1300)
{
	hawse_config | sed '/^peers:/,/^routes:/d; /^  - {from/d'
	echo 'peers:'
	echo "  office: {kind: trunk, address: [$OFFICE], codecs: {allow: [G729]}}"
	for codec in "${CODECS[@]}"; do
		echo "  far-$codec: {kind: trunk, address: \"$CALLEE4:${PORT[$codec]}\", codecs: {add: [$codec]}}"
	done
	echo 'routes:'
	for codec in "${CODECS[@]}"; do
		echo "  - {from: office, number: \"+${PORT[$codec]}\", to: [far-$codec]}"
	done
} >"$DIR/hawse.yaml"
hawse_start
linphone_start caller udp
no_call() { ctl show calls | grep -q '^0 calls'; }
# Half a second at least.
hears() { [ "$(stat -c %s "$DIR/heard-$1.wav" 2>/dev/null || echo 0)" -gt 50000 ]; }
for codec in "${CODECS[@]}"; do
	tone_arguments "$codec" "${HZ[$codec]}" 440
	peer "far-$codec" callee uas --local "$CALLEE4:${PORT[$codec]}" --rtp "3${PORT[$codec]:1:2}00" "${TONE[@]}" \
		--script 'answer; play 200; expect-tone 1500; expect-bye'
	linphone_say caller "record $DIR/heard-$codec.wav"
	linphone_say caller "call sip:+${PORT[$codec]}@$HAWSE4"
	eventually 15 "linphone hears the party with $codec" hears "$codec"
	sleep 2.5
	linphone_say caller terminate
	finish "far-$codec"
	check "far-$codec" '.failed == 0 and .missing == 0 and all(.each[]; .tone.ms >= 1500)' "$codec hears linphone's tone"
	eventually 5 'the call is over' no_call
done
linphone_stop caller
# Frames of 20 ms in which a frequency has most of the power: a second and more.
heard=()
for codec in "${CODECS[@]}"; do
	heard+=("$DIR/heard-$codec.wav" "${HZ[$codec]}")
done
/usr/bin/python3 - "${heard[@]}" <<-'END' || fail "linphone hears the parties' tones"
	import array, math, sys, wave
	for name, hz in zip(sys.argv[1::2], map(int, sys.argv[2::2])):
	    w = wave.open(name)
	    rate, channels = w.getframerate(), w.getnchannels()
	    pcm = array.array("h", w.readframes(w.getnframes()))[::channels]
	    step, n = rate // 50, 0
	    for at in range(0, len(pcm) - step, step):
	        x = pcm[at:at + step]
	        c = sum(v * math.cos(2 * math.pi * hz * i / rate) for i, v in enumerate(x))
	        s = sum(v * math.sin(2 * math.pi * hz * i / rate) for i, v in enumerate(x))
	        power = sum(v * v for v in x)
	        n += power > step * 1000 ** 2 and 2 * (c * c + s * s) / step > 0.7 * power
	    print(f"{hz} Hz for {n * 20} ms of {len(pcm) * 1000 // rate}")
	    if n < 50:
	        sys.exit(1)
END
transcoded() { [ "$(jq -s '[.[] | select(.transcoded and (.codec_why | startswith("G729 -> ")))] | length' "$DIR/cdr.jsonl")" = 8 ]; }
eventually 5 'all calls were transcoded from G.729, and their CDRs say so' transcoded
pass
