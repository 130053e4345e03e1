#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The ten lines of the README are a working trunk, both ways: only the addresses and the interface are this network's, and
# the sockets are where this test keeps them.
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
mkdir -p "$DIR/run"
awk '/^## Ten lines/ {found = 1} found && /^    / {print substr($0, 5); taken = 1; next} taken {exit}' \
	"$HAWSE_ROOT/README.md" | sed "s/eth0/media0/; s/203\.0\.113\.10/$HAWSE4/; s/198\.51\.100\.20/$CALLEE4/; s/192\.0\.2\.7/$CALLER4/" \
	>"$DIR/hawse.yaml"
[ "$(wc -l <"$DIR/hawse.yaml")" -eq 10 ] || fail 'the README has other than ten lines'
echo "run: $DIR/run" >>"$DIR/hawse.yaml"
hawse_configure
start_media
start_sip
callee --script 'ring 180; answer; play 30; expect-bye'
caller --script 'invite; expect 180; expect 200; play 30; drain; expect-media 30; wait 0.2; bye'
finish
check_scripts
check_media caller 30
check_media callee 30
peer callee caller uas --local "$CALLER4" --script 'ring 180; answer; play 30; drain; expect-media 30; wait 0.2; bye'
peer caller callee uac --local "$CALLEE4" --remote "$HAWSE4" --script 'invite; expect 200; play 30; drain; expect-bye'
finish
check_scripts
check_media caller 30
pass
