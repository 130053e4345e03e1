#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# A call for every pair of G.711, G.722, Opus, G.729 and AMR-WB, all at once: each side hears the other's tone, at its
# level and without gaps, and the CDR says what was done and why.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/tones.sh"
case_begin
CALLS=${#TONE_CODECS[@]}
mkdir -p "$DIR/run"
{
	hawse_config | sed '/^peers:/,/^routes:/d; /^  - {from/d'
	echo 'peers:'
	echo "  office: {kind: trunk, address: $CALLER4}"
	for i in "${!TONE_CODECS[@]}"; do
		echo "  far$i: {kind: trunk, address: \"$CALLEE4:$((5070 + i))\", codecs: {add: [${TONE_CODECS[i]}]}}"
	done
	echo 'routes:'
	for i in "${!TONE_CODECS[@]}"; do
		echo "  - {from: office, number: \"+$i\", to: [far$i]}"
	done
} >"$DIR/hawse.yaml"
hawse_start

for i in "${!TONE_CODECS[@]}"; do
	tone_arguments "${TONE_CODECS[i]}" 1100 700
	peer "far$i" callee uas --local "$CALLEE4:$((5070 + i))" --rtp $((30000 + 100 * i)) --calls "$CALLS" "${TONE[@]}" \
		--script 'ring 180; answer; play 150; expect-tone 1600; expect-bye'
done
callers=()
for a in "${!TONE_CODECS[@]}"; do
	tone_arguments "${TONE_CODECS[a]}" 700 1100
	for b in "${!TONE_CODECS[@]}"; do
		peer "near$a$b" caller uac --local "$CALLER4:$((6000 + 10 * a + b))" --remote "$HAWSE4" --to "+$b" \
			--rtp $((40000 + 100 * a + 4 * b)) "${TONE[@]}" \
			--script 'invite; expect 200; play 150; expect-tone 1600; drain; wait 0.2; bye'
		callers+=("near$a$b")
	done
done
finish "${callers[@]}"
for i in "${!TONE_CODECS[@]}"; do
	finish "far$i"
done

# A tone of 3 s. The start of a call and, on a machine that is busy, packets that come late are not among what has to be there.
good='.failed == 0 and .missing == 0 and all(.each[]; .tone.unknown == 0 and .tone.ms >= 2000 and .tone.other_ms <= 1000 and
	.tone.level_db > -9 and .tone.level_db < 3)'
for a in "${!TONE_CODECS[@]}"; do
	check "far$a" "$good" "${TONE_CODECS[a]} hears a tone in each of its calls"
	for b in "${!TONE_CODECS[@]}"; do
		check "near$a$b" "$good" "${TONE_CODECS[a]} hears a tone of ${TONE_CODECS[b]}"
	done
done
pairs=$((CALLS * CALLS))
recorded() { [ "$(jq -s "[.[] | select(.transcoded == $1)] | length" "$DIR/cdr.jsonl")" = "$2" ]; }
eventually 5 'every leg of a transcoded call says so' recorded true $((2 * (pairs - CALLS)))
recorded false $((2 * CALLS)) || fail 'and those that have a codec in common say that'
jq -s -e 'any(.[]; .codec_why == "opus -> G729: callee has no opus" and .leg == "a" and .codec == "opus/48000")' \
	"$DIR/cdr.jsonl" >/dev/null || fail 'the reason stands in the record'
eventually 5 'the ports are free again' no_port_in_use
pass
