#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 90
# alone: modems bear no packets that come late
# Fax machines on G.711 (spandsp) behind peers with `t38: gateway` exchange a page with machines on T.38, both at once: one that
# changes to T.38 by itself, and one that is offered it when the other's tones are heard, and audio again when they have
# said goodbye. The CDRs say what was done. On a machine that is too busy for a modem a page is sent once more.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
mkdir -p "$DIR/run"
# The machines behind `ata` and `pbx` are at other ports of the same host.
hawse_config | sed "s/carrier: .*/carrier: {kind: trunk, address: \"$CALLEE4:5060\"}/
	/^routes:/i\\  ata: {kind: trunk, address: \"$CALLEE4:5072\", t38: gateway}
	/^routes:/i\\  pbx: {kind: trunk, address: \"$CALLEE4:5073\", t38: gateway}
	/^routes:/a\\  - {number: \"+7\", to: [ata]}
	/^routes:/a\\  - {number: \"+8\", to: [pbx]}" >"$DIR/hawse.yaml"
hawse_start

# machine NAME PARTY ROLE PORT RTP FAX SCRIPT [MORE...]
machine() {
	local name=$1 party=$2 role=$3 port=$4 rtp=$5 fax=$6 script=$7
	shift 7
	peer "$name" "$party" "$role" --local "$port" --rtp "$rtp" --codecs 8 --step-timeout 60 --fax "$fax" --script "$script" "$@"
}
changes() { # it sends what `changes` receives
	machine ata callee uas "$CALLEE4:5072" 41000 "audio-send:$DIR/ata.tif" 'answer; expect-fax; expect-bye'
	machine changes caller uac "$CALLER4:5072" 41000 "receive:$DIR/changes.tif" \
		'invite; expect 200; wait 0.3; fax 200; expect-fax; bye' --remote "$HAWSE4" --to +7
}
asked() { # it sends what `pbx` receives
	machine pbx callee uas "$CALLEE4:5073" 42000 "audio-receive:$DIR/pbx.tif" 'answer; expect-fax; expect-bye'
	machine asked caller uac "$CALLER4:5073" 42000 "send:$DIR/asked.tif" 'invite; expect 200; expect-reinvite sendrecv; expect-fax;
		expect-reinvite sendrecv; bye' --remote "$HAWSE4" --to +8
}
through() { jq -e '.failed == 0' "$DIR/$1.json" >/dev/null; }
changes
asked
finish changes asked
through changes || {
	finish ata
	changes
	finish changes
}
through asked || {
	finish pbx
	asked
	finish asked
}
finish ata pbx
for way in 'ata changes' 'asked pbx'; do
	read -r from to <<<"$way"
	check "$to" '.failed == 0 and .each[0].fax.pages == 1 and .each[0].fax.rows == 96' "the page came from $from to $to, row by row"
	check "$from" '.failed == 0 and .each[0].fax.code == 0 and .each[0].fax.pages == 1' 'and the sender knows it'
done
say_so() { [ "$(grep -c '"fax":"gateway","fax_pages":1,' "$DIR/cdr.jsonl")" -ge 4 ]; }
eventually 5 'the CDRs of both calls say so' say_so
pass
