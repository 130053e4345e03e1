#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Four port pairs are two calls: the third gets 503 with Retry-After, and after the first two have ended and their ports
# have rested, calls work again.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
PORTS=20000-20007 QUARANTINE=1
hawse_start
callee --calls 2 --script 'answer; expect-bye'
caller --calls 2 --script 'invite; expect 200; wait 6; bye'
all_in_use() { [ "$(ports_in_use)" = 8 ]; }
eventually 4 'hawsectl shows all ports in use' all_in_use
peer third caller uac --local "$CALLER4:5070" --remote "$HAWSE4" --rtp 31000 --script 'invite; expect 503'
finish third
check third '.failed == 0 and (.each[0].retry_after | tonumber) > 0' 'the third call gets 503 with Retry-After'
finish
check_scripts
eventually 10 'the ports are free again' no_port_in_use
sleep 2
callee --calls 2 --script 'answer; play 50; expect-bye'
caller --calls 2 --script 'invite; expect 200; play 50; drain; wait 0.3; bye'
finish
check_scripts
check_media callee 50
pass
