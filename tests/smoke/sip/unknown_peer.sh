#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Who is no peer gets 403, or with "strangers: ignore" nothing at all; and no call reaches the callee.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --script 'answer; expect-bye'
peer stranger stranger uac --local "$STRANGER4" --remote "$HAWSE4" --script 'invite; expect 403'
finish stranger
check stranger '.failed == 0 and .each[0].codes == [403] or .each[0].codes == [100, 403]' 'a stranger gets 403'
stop_one "$PID_sip"
STRANGERS=ignore
hawse_config >"$DIR/hawse.yaml"
start_sip
peer stranger stranger uac --local "$STRANGER4" --remote "$HAWSE4" --step-timeout 4 --script 'invite; expect 403'
finish stranger
check stranger '.failed == 1 and .each[0].codes == [] and .each[0].repeats_sent >= 2' 'a stranger gets silence'
hang_up callee
check callee '.calls == 0' 'no call of a stranger reached the callee'
ctl show drops --json >/dev/null || fail 'hawsectl show drops'
pass
