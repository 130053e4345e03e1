#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# deploy/quickstart --browser --once: Chromium opens the page over HTTPS, calls, hears the greeting and then itself; and
# nothing is left behind.
# limit: 180
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/webphone.sh"
case_begin none
webphone_ready
HAWSE_BUILD=$HAWSE_BUILD "$HAWSE_ROOT/deploy/quickstart" --browser --once >"$DIR/out" 2>&1 &
pid=$!
wait "$pid" || {
	tail -n 60 "$DIR/out"
	fail 'quickstart --browser --once failed'
}
for words in 'https://' 'hears the greeting' 'and then itself' '"leg":"b"' 'torn down'; do
	grep -qF "$words" "$DIR/out" || fail "it does not show '$words'"
done
! grep -q WRONG "$DIR/out" || fail 'it found something wrong'
! ip netns list | grep -q "hawse-qs$pid-" || fail 'a namespace is left'
! ip link show "hq$pid" >/dev/null 2>&1 || fail 'an interface is left'
PASSED=1
