#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 60
# Digits each way in every pair of kinds: telephone-events, SIP INFO, tones. Each side sends two by its kind and gets the
# other's two by its kind, with about their lengths.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/tones.sh"
case_begin
KINDS=(rfc4733 info inband) LETTERS=(e i t)
near_ip() { echo "${CALLER4%.*}.$((21 + $1))"; }
for a in 0 1 2; do
	in_ns caller ip addr add "$(near_ip $a)/16" dev eth0
done
mkdir -p "$DIR/run"
{
	hawse_config | sed '/^peers:/,/^routes:/d; /^  - {from/d'
	echo 'peers:'
	for i in 0 1 2; do
		echo "  near$i: {kind: trunk, address: $(near_ip $i), dtmf: ${KINDS[i]}}"
		echo "  far$i: {kind: trunk, address: \"$CALLEE4:$((5070 + i))\", dtmf: ${KINDS[i]}}"
	done
	echo 'routes:'
	for i in 0 1 2; do
		echo "  - {number: \"+$i\", to: [far$i]}"
	done
} >"$DIR/hawse.yaml"
hawse_start

# What a party of this kind does: its digits, and then silence.
script() { # KIND SENDS_FIRST SENDS_SECOND HEARS_FIRST HEARS_SECOND
	local l=${LETTERS[$1]}
	echo "speak 0; play 400; wait 0.4; digit $l$2:200; wait 0.6; digit $l$3:160; expect-digit $l$4; expect-digit $l$5"
}
for i in 0 1 2; do
	EVENTS=''
	[ $i -ne 0 ] || EVENTS=101
	tone_arguments PCMA 1100 700
	peer "far$i" callee uas --local "$CALLEE4:$((5070 + i))" --rtp $((30000 + 100 * i)) --calls 3 "${TONE[@]}" \
		--script "answer; $(script $i 9 '#' 5 D); expect-bye"
done
callers=()
for a in 0 1 2; do
	EVENTS=''
	[ $a -ne 0 ] || EVENTS=101
	tone_arguments PCMA 700 1100
	for b in 0 1 2; do
		peer "near$a$b" caller uac --local "$(near_ip $a):$((6000 + b))" --remote "$HAWSE4" --to "+$b" \
			--rtp $((40000 + 10 * b)) "${TONE[@]}" \
			--script "invite; expect 200; $(script $a 5 D 9 '#'); wait 0.8; bye"
		callers+=("near$a$b")
	done
done
finish "${callers[@]}"
for i in 0 1 2; do
	finish "far$i"
done
for i in 0 1 2; do
	check "far$i" '.failed == 0 and .missing == 0' "${KINDS[i]} gets its digits"
	# Two and no more, in their order, of about their length; a detector of tones is right to 40 ms or so.
	check "far$i" "all(.each[]; [.tone.digits | split(\" \")[] | .[1:] | split(\":\")] |
		map(.[0]) == [\"5\", \"D\"] and (.[0][1] | tonumber) >= 120 and (.[0][1] | tonumber) <= 280)" \
		"${KINDS[i]} gets each digit once, as long as it was"
	for b in 0 1 2; do
		check "near$i$b" ".failed == 0 and all(.each[]; [.tone.digits | split(\" \")[] | .[1:2]] == [\"9\", \"#\"])" \
			"${KINDS[i]} gets the digits of ${KINDS[b]}"
	done
done
pass
