#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 150
# Debian's baresip and linphone insist on SRTP, first with keys in the SDP, then by DTLS (baresip without rtcp-mux: RTCP has an
# association of its own), and call a plain trunk and each other: the trunk hears them, linphone hears the trunk, hold and
# resume, every packet authenticates, and every leg's CDR says how it was secured.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/clients.sh"
TLS_LISTEN=''
for program in baresip linphonec; do
	command -v $program >/dev/null || fail "$program is not installed: apt-get install baresip-core linphone-cli"
done
case_begin
config() { # KEYING
	hawse_config | sed -e "s/\(carrier\|office\): {kind: trunk,/\1: {kind: trunk, srtp: $1,/" \
		-e "s/^peers:/&\n  plain: {kind: trunk, address: $STRANGER4}/" \
		-e 's/^routes:/&\n  - {number: "+1", to: [plain]}/' >"$DIR/hawse.yaml"
}
mkdir -p "$DIR/run"
config sdes
hawse_start
RELOADS=0
reload() {
	config "$1"
	RELOADS=$((RELOADS + 1))
	kill -HUP "$PID_sip"
	eventually 5 'the configuration is taken over' taken_over
}
taken_over() { [ "$(grep -c 'area=config msg="taken over' "$DIR/sip.log")" -ge $RELOADS ]; }
is_up() { ctl show calls | grep -qE " up +[0-9]"; }
holds() { ctl show calls | grep -q "$1 holds"; }
no_call() { ctl show calls | grep -q '^0 calls'; }
came() {
	local id
	id=$(ctl show calls | awk 'NR == 2 {print $1}')
	ctl show call "$id" --json | jq "[.. | objects | .received_packets? // empty][$1] // 0"
}
flows() { # both ways, from now on
	local a b
	a=$(came 0) b=$(came 1)
	moves() { [ "$(came 0)" -gt $((a + 40)) ] && [ "$(came 1)" -gt $((b + 40)) ]; }
	eventually 10 "$1: RTP flows both ways" moves
}
plain_party() {
	: >"$DIR/plain.log"
	ip netns exec "$NET-stranger" /usr/bin/python3 "$HAWSE_ROOT/tests/lib/voice_party.py" --local "$STRANGER4" --answer 2 \
		--tone 1000 --listen 440 >"$DIR/plain-$1.json" 2>"$DIR/plain.log" </dev/null &
	PEER_PID[plain]=$!
	STARTED+=("$!")
	wait_ready "$DIR/plain.log" "$!" 10 || fail 'the plain trunk did not start'
}

round() { # KEYING
	baresip_say caller dial "sip:+1555@$HAWSE4" >>"$DIR/said.log"
	eventually 10 "$1: baresip's call to the plain trunk is up" is_up
	flows "$1, baresip and the plain trunk"
	baresip_say caller hangup >>"$DIR/said.log"
	eventually 8 "$1: it is over" no_call
	linphone_say callee "call sip:+1556@$HAWSE4"
	eventually 10 "$1: linphone's call to the plain trunk is up" is_up
	flows "$1, linphone and the plain trunk"
	linphone_say callee terminate
	eventually 8 "$1: it is over" no_call
	baresip_say caller dial "sip:+4930@$HAWSE4" >>"$DIR/said.log"
	eventually 10 "$1: baresip's call to linphone is up" is_up
	flows "$1, baresip calls linphone"
	baresip_say caller hold >>"$DIR/said.log"
	eventually 8 "$1: baresip holds" holds caller
	baresip_say caller resume >>"$DIR/said.log"
	eventually 8 "$1: baresip resumes" is_up
	flows "$1, baresip has resumed"
	baresip_say caller hangup >>"$DIR/said.log"
	eventually 8 "$1: it is over" no_call
	linphone_say callee "call sip:caller@$HAWSE4"
	eventually 10 "$1: linphone's call to baresip is up" is_up
	flows "$1, linphone calls baresip"
	linphone_say callee terminate
	eventually 8 "$1: it is over" no_call
}

for keying in sdes dtls; do
	[ $keying = sdes ] || reload $keying
	encryption=$keying
	[ $keying = dtls ] || encryption=srtp
	plain_party $keying
	baresip_start caller udp ";mediaenc=$([ $keying = dtls ] && echo dtls_srtp || echo srtp-mand)"
	LINPHONE_ENCRYPTION=$encryption linphone_start callee udp auto
	round $keying
	wait "${PEER_PID[plain]}" || fail 'the plain trunk failed'
	check "plain-$keying" '.calls | length == 2 and all(.established and .profile == "RTP/AVP" and .tone > 0.5 and .loud > 5)' \
		'the plain trunk hears both, in clear'
	! grep -i 'failed to decrypt' "$DIR/baresip-caller.log" || fail "$keying: baresip cannot read what we send"
	baresip_stop caller
	linphone_stop callee
	/usr/bin/python3 - "$DIR/callee-heard.wav" <<-'END' || fail "$keying: linphone does not hear the plain trunk"
		import math, struct, sys, wave
		w = wave.open(sys.argv[1])
		rate, channels = w.getframerate(), w.getnchannels()
		data = w.readframes(w.getnframes())
		samples = struct.unpack(f"<{len(data) // 2}h", data)[::channels]
		heard = 0
		for i in range(0, len(samples) - rate // 10, rate // 10):
		    block = samples[i:i + rate // 10]
		    total = sum(s * s for s in block)
		    if total < 300 * 300 * len(block):
		        continue
		    x = sum(s * math.cos(2 * math.pi * 1000 * k / rate) for k, s in enumerate(block))
		    y = sum(s * math.sin(2 * math.pi * 1000 * k / rate) for k, s in enumerate(block))
		    heard += 2 * (x * x + y * y) / (len(block) * total) > 0.5
		print("blocks of 100 ms with the trunk's tone:", heard)
		sys.exit(heard < 5)
	END
	mv "$DIR/callee-heard.wav" "$DIR/callee-heard-$keying.wav"
done
jq -s '{legs: .}' "$DIR/cdr.jsonl" >"$DIR/cdrs.json"
check cdrs '[.legs[] | select(.peer != "plain")] | length == 12 and all(.[]; (.srtp // "") | test("^A"))' 'every leg of the two says its suite'
check cdrs '[.legs[] | select(.keying == "dtls")] | length == 6' 'half of them were keyed by DTLS'
# linphone says something in clear before its handshake is done: that is refused.
refused() { ctl show drops --json | jq '[.drops[] | select(.reason | test("srtp_auth|srtp_replayed")) | .count] | add // 0'; }
[ "$(refused)" -lt 10 ] || fail "SRTP was refused: $(ctl show drops)"
pass
