#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A stranger floods the SIP port with INVITEs, another time with junk: each gets no more than his rate or nothing at all,
# and every call of a peer goes through meanwhile, at once.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/transports.sh"
case_begin
SIP_KEYS='stranger_rate: 20'
mkdir -p "$DIR/run"
transports_config >"$DIR/hawse.yaml"
hawse_start
metric() { # NAME LABEL
	in_ns hawse curl -s http://127.0.0.1:9090/metrics | awk -v name="hawse_$1" -v label="$2" \
		'index($1, name) == 1 && index($1, label) {sum += $2} END {print sum + 0}'
}
for kind in invite junk; do
	in_ns stranger /usr/bin/python3 "$HAWSE_ROOT/tests/lib/sip_flood.py" "$HAWSE4" 4 $kind >"$DIR/flood-$kind.json" 2>&1 &
	flood=$!
	sleep 0.5
	callee --calls 20 --script 'ring 180; answer; play 20; expect-bye'
	caller --calls 20 --rate 10 --script 'invite; expect 200; play 20; drain; expect-media 20; wait 0.2; bye'
	finish
	wait $flood || fail "the flood failed: $(cat "$DIR/flood-$kind.json")"
	check_scripts
	check_media caller 20
	check caller 'all(.each[]; .setup_ms < 3000)' 'each call is set up meanwhile'
	check "flood-$kind" '.sent > 3000' 'it was a flood'
	# The 403s of the first flood are still being repeated when the second comes.
	check "flood-$kind" '(.answers | keys) - ["403"] == []' 'a stranger hears 403, and junk gets no answer'
done
# Forty at once and twenty a second, each 403 repeated until its ACK, which never comes.
check flood-invite '([.answers[]] | add // 0) < 700' 'and not more often than his rate allows'
counted() { [ "$(metric "$1" "$2")" -ge "$3" ]; }
eventually 3 'what was over the rate is counted' counted sip_drops_total 'reason="stranger_rate"' 20
eventually 3 'who goes on was muted' counted sip_mutes_total '' 1
eventually 3 'what he sent afterwards was not read' counted sip_drops_total 'reason="muted"' 300
pass
