#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# deploy/quickstart --once: a real call, judged, and nothing left behind.
# limit: 120
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin none
HAWSE_BUILD=$HAWSE_BUILD "$HAWSE_ROOT/deploy/quickstart" --once >"$DIR/out" 2>&1 &
pid=$!
wait "$pid" || {
	tail -n 60 "$DIR/out"
	fail 'quickstart --once failed'
}
for words in 'INVITE' '200 OK (BYE)' 'Hawse to Bob: ' '"leg":"b"' 'word for word' 'torn down'; do
	grep -qF "$words" "$DIR/out" || fail "it does not show '$words'"
done
! grep -q WRONG "$DIR/out" || fail 'it found something wrong'
! ip netns list | grep -q "hawse-qs$pid-" || fail 'a namespace is left'
! ip link show "hq$pid" >/dev/null 2>&1 || fail 'an interface is left'
PASSED=1
