#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 60
# Debian's baresip as both ends of a call for every pair of G.711, G.722, Opus and AMR-WB, and as one end for each of them
# with G.729 (linphone.sh has a client for that): four of them with a codec and a tone of its own each call one another in rounds, so that
# each hears another one in each round. What they heard has that one's frequency and level, and no holes.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
. "$(dirname "$(realpath "$0")")/../../lib/clients.sh"
. "$(dirname "$(realpath "$0")")/../../lib/tones.sh"
command -v baresip >/dev/null || fail 'baresip is not installed: apt-get install baresip-core'
case_begin
mkdir -p "$DIR/run"

CLIENTS=(pcma opus g722 amrwb)
declare -A PARTY=([pcma]=caller [opus]=caller [g722]=callee [amrwb]=callee) PORT=([pcma]=5100 [opus]=5110 [g722]=5120 [amrwb]=5130)
declare -A HZ=([pcma]=500 [opus]=700 [g722]=900 [amrwb]=1100) G729_HZ=1300
declare -A CODEC=([pcma]=PCMA/8000/1 [opus]=opus/48000/2 [g722]=G722/16000/1 [amrwb]=AMR-WB/16000/1)
declare -A NAME=([pcma]=PCMA [opus]=opus [g722]=G722 [amrwb]=AMR-WB)
# Who calls whom: each has one call in each round; the last one is with G.729.
ROUNDS=('pcma g722 opus amrwb' 'pcma opus g722 amrwb' 'pcma amrwb g722 opus')

{
	hawse_config | sed '/^peers:/,/^routes:/d; /^  - {from/d'
	echo 'peers:'
	for c in "${CLIENTS[@]}"; do
		echo "  $c: {kind: trunk, address: \"$(client_address "${PARTY[$c]}"):${PORT[$c]}\", codecs: {add: [${NAME[$c]}]}}"
		echo "  far-$c: {kind: trunk, address: \"$CALLEE4:1${PORT[$c]}\", codecs: {add: [G729]}}"
	done
	echo 'routes:'
	for c in "${CLIENTS[@]}"; do
		echo "  - {number: \"+${PORT[$c]}\", to: [$c]}"
		echo "  - {number: \"+1${PORT[$c]}\", to: [far-$c]}"
	done
} >"$DIR/hawse.yaml"
hawse_start
for party in caller callee; do
	client_route "$party"
done

client_start() { # NAME
	local c=$1 party=${PARTY[$1]} home=$DIR/client-$1 address
	address=$(client_address "$party")
	mkdir -p "$home"
	cat >"$home/config" <<-END
		sip_listen $address:${PORT[$c]}
		call_max_calls 8
		audio_source ausine,${HZ[$c]}
		audio_player aubridge,$c
		audio_alert aubridge,alert-$c
		ausrc_srate 48000
		ausrc_channels 2
		rtp_ports 4${PORT[$c]:2:1}000-4${PORT[$c]:2:1}100
		snd_path $home
		module_path /usr/lib/baresip/modules
		module g711.so
		module g722.so
		module opus.so
		module amr.so
		module ausine.so
		module aubridge.so
		module sndfile.so
		module_tmp uuid.so
		module_tmp account.so
		module_app menu.so
		module ctrl_tcp.so
		ctrl_tcp_listen 127.0.0.1:${PORT[$c]}
		opus_bitrate 32000
	END
	printf '<sip:+%s@%s:%s;transport=udp>;regint=0;answermode=auto;audio_codecs=%s\n' \
		"${PORT[$c]}" "$address" "${PORT[$c]}" "${CODEC[$c]}" >"$home/accounts"
	: >"$home/contacts"
	start "$home/log" ip netns exec "$NET-$party" baresip -4 -f "$home" -s
	STARTED_CLIENT[$c]=$STARTED_PID
}
declare -A STARTED_CLIENT
for c in "${CLIENTS[@]}"; do
	client_start "$c"
	tone_arguments G729 "$G729_HZ" "${HZ[$c]}"
	peer "far-$c" callee uas --local "$CALLEE4:1${PORT[$c]}" --rtp "3${PORT[$c]:2:1}000" "${TONE[@]}" \
		--script 'answer; play 150; expect-tone 1500; expect-bye'
done
for c in "${CLIENTS[@]}"; do
	eventually 10 "baresip with $c is ready" grep -q 'baresip is ready' "$DIR/client-$c/log"
done

dial() { # CLIENT NUMBER
	BARESIP_PORT=${PORT[$1]} baresip_say "${PARTY[$1]}" dial "sip:$2@$HAWSE4" >>"$DIR/said.log"
}
# Their recordings are named by the second in which they began.
next_second() { sleep "$(awk -v t="$EPOCHREALTIME" 'BEGIN {f = t - int(t); print 1.05 - f}')"; }
heard() { # N: all of them keep so many
	for c in "${CLIENTS[@]}"; do
		[ "$(find "$DIR/client-$c" -name '*-dec.wav' | wc -l)" -ge "$1" ] || return 1
	done
}
n=0
for round in "${ROUNDS[@]}"; do
	read -r a b c d <<<"$round"
	next_second
	dial "$a" "+${PORT[$b]}"
	dial "$c" "+${PORT[$d]}"
	n=$((n + 1))
	eventually 8 "round $n: everybody hears somebody" heard "$n"
done
next_second
for c in "${CLIENTS[@]}"; do
	dial "$c" "+1${PORT[$c]}"
done
eventually 8 'everybody hears G.729' heard 4
sleep 3.5
for c in "${CLIENTS[@]}"; do
	BARESIP_PORT=${PORT[$c]} baresip_say "${PARTY[$c]}" quit >>"$DIR/said.log" 2>&1 || :
done
for c in "${CLIENTS[@]}"; do
	client_gone() { ! alive "${STARTED_CLIENT[$c]}"; }
	eventually 8 "baresip with $c ends" client_gone
	finish "far-$c"
	check "far-$c" '.failed == 0 and .missing == 0 and all(.each[]; .tone.ms >= 1500 and .tone.other_ms <= 1000)' \
		"G.729 hears the tone of $c"
done

# wav_tone FILE HZ: level of this frequency in the loudest second, dB below full scale, and how much else there is, dB
# below it; and how many pieces of 20 ms of that second have less than half of it.
cat >"$DIR/tone.py" <<-'END'
	import array, math, sys, wave
	def levels(path, hz):
	    w = wave.open(path)
	    rate, channels = w.getframerate(), w.getnchannels()
	    pcm = array.array("h", w.readframes(w.getnframes()))[::channels]
	    step = rate // 50
	    def power(x):
	        c = sum(v * math.cos(2 * math.pi * hz * i / rate) for i, v in enumerate(x))
	        s = sum(v * math.sin(2 * math.pi * hz * i / rate) for i, v in enumerate(x))
	        return 2 * (c * c + s * s) / len(x) ** 2, sum(v * v for v in x) / len(x)
	    # From a second after its begin, a second and a half.
	    part = [power(pcm[at:at + step]) for at in range(rate, min(len(pcm), rate * 5 // 2) - step, step)]
	    tone = sum(p[0] for p in part) / len(part)
	    rest = sum(max(p[1] - p[0], 1e-3) for p in part) / len(part)
	    holes = sum(p[0] < tone / 4 for p in part)
	    return 10 * math.log10(tone / 2**30 + 1e-12), 10 * math.log10(tone / rest), holes, len(part)
	heard, hz, said, level = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
	db, clean, holes, parts = levels(heard, hz)
	want = float(level) if level else levels(said, hz)[0]
	print(f"{heard}: {hz} Hz at {db:.1f} dB (said at {want:.1f}), {clean:.1f} dB above the rest, {holes} of {parts} are holes")
	sys.exit(not (parts >= 60 and abs(db - want) < 3 and clean > 12 and holes <= 6))
END
expect_tone() { # LISTENER N HZ FILE OF THE SPEAKER [LEVEL]
	local file
	file=$(find "$DIR/client-$1" -name '*-dec.wav' | sort | sed -n "$2p")
	[ -n "$file" ] || fail "$1 has no recording of round $2"
	/usr/bin/python3 "$DIR/tone.py" "$file" "$3" "$4" "${5:-}" >>"$DIR/levels.txt" || {
		tail -n 1 "$DIR/levels.txt"
		fail "$1 hears $3 Hz in round $2"
	}
}
said() { find "$DIR/client-$1" -name '*-enc.wav' | sort | head -n 1; }
n=0
for round in "${ROUNDS[@]}"; do
	read -r a b c d <<<"$round"
	n=$((n + 1))
	for pair in "$a $b" "$b $a" "$c $d" "$d $c"; do
		read -r ear mouth <<<"$pair"
		expect_tone "$ear" "$n" "${HZ[$mouth]}" "$(said "$mouth")"
	done
done
for c in "${CLIENTS[@]}"; do
	expect_tone "$c" 4 "$G729_HZ" - "${G729_LEVEL:--15}"
done
[ "$(jq -s '[.[] | select(.transcoded)] | length' "$DIR/cdr.jsonl")" = 20 ] || fail 'ten calls were transcoded'
pass
