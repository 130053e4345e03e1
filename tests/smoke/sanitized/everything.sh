#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All processes built with the address and undefined-behaviour sanitizers: a hostile control plane, calls of every kind, strangers and junk,
# and no complaint, a leak at the end included.
# alone
# limit: 120
HAWSE_BUILD=${HAWSE_BUILD_ASAN:?the build directory with sanitizers}
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
case_begin
PORTS=20000-20199 QUARANTINE=1 GRACE=1 MEDIA_TIMEOUT=3
hawse_configure
start_media
in_ns hawse "$HAWSE_BUILD/tests/crash/scribble" "$DIR/run/media.sock" 8 >"$DIR/scribble.json" || fail 'the scribbler gave up'
start_sip
start_stats
eventually 20 'the sessions of the hostile control plane are swept' no_port_in_use
sleep 2
callee --calls 10 --script 'ring 180; progress; answer; rtcp 0.3; play 150; expect-bye'
caller --calls 10 --script 'invite; expect 200; rtcp 0.3; play 50; drain; reinvite sendonly; reinvite sendrecv; play 100; drain; wait 0.5; bye'
stranger --to "$HAWSE4:20000-20199" --kind rtp --rounds 5 --rate 2000 >"$DIR/stranger.json"
stranger --to "$HAWSE4:20000-20199" --kind junk --rounds 5 --rate 2000 >"$DIR/stranger.json"
finish
check_scripts
callee --calls 2 --script 'ring 180; expect-cancel'
caller --calls 2 --script 'invite; expect 180; cancel; expect 487'
finish
check_scripts
callee --calls 2 --script 'answer; play 20; expect-bye'
caller6 --calls 2 --script 'invite; expect 200; play 20; drain; vanish'
finish
check_scripts
in_ns caller /usr/bin/python3 "$HAWSE_ROOT/tests/lib/sip_junk.py" "$HAWSE4" 5060 >"$DIR/junk.json" || fail 'the junk sender failed'
caller --to 123 --script 'invite; expect 404'
finish caller
check caller '.failed == 0' 'no route'
for what in calls workers drops ports; do
	ctl show $what --json >/dev/null || fail "hawsectl show $what"
done
in_ns hawse curl -sf http://127.0.0.1:9090/metrics >/dev/null || fail 'no metrics'
all_alive
for name in stats sip media; do
	pid=PID_$name
	stop_one "${!pid}"
	if grep -qE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$DIR/$name.log"; then
		grep -E -A 30 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$DIR/$name.log" | head -n 60
		fail "a sanitizer complained about hawse-$name"
	fi
done
PASSED=1
