#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# deploy/quickstart --interface: on an interface of the user's own. A phone on its network calls any number, hears the
# callee, and the metrics answer, until it is ended; then the interface is as it was.
# limit: 120
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
net_up_lan() {
	net_link hawse lan0 caller eth0
	net_address hawse lan0 192.168.77.1/24
	net_address caller eth0 192.168.77.9/24
}
case_begin lan
start "$DIR/out" ip netns exec "$NET-hawse" "$HAWSE_ROOT/deploy/quickstart" --interface lan0
pid=$STARTED_PID
eventually 60 'it runs until Ctrl-C' grep -q 'Ctrl-C ends it' "$DIR/out"
peer phone caller uac --local 192.168.77.9 --remote 192.168.77.1 --to +49123 \
	--script 'invite; expect 200; play 100; drain; bye'
finish phone
check phone '.failed == 0 and .foreign > 90 and .each[0].sources == .each[0].announced' 'the phone hears the callee'
in_ns hawse curl -sf -o "$DIR/metrics" http://127.0.0.1:9090/metrics && grep -q "^hawse_" "$DIR/metrics" || fail "no metrics"
kill -TERM "$pid"
wait "$pid" || {
	tail -n 30 "$DIR/out"
	fail 'it did not end well'
}
! in_ns hawse ip link show lan0 | grep -q xdp || fail 'its XDP program is left on the interface'
[ "$(in_ns hawse ip -o link | wc -l)" -eq 2 ] || fail 'an interface is left'
if in_ns hawse "$HAWSE_ROOT/deploy/quickstart" --interface nowhere0 >"$DIR/out" 2>&1; then
	fail 'it takes an interface that does not exist'
fi
grep -q nowhere0 "$DIR/out" || fail 'it does not name the missing interface'
PASSED=1
