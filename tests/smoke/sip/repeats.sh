#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What UDP loses is repeated: the callee's first answers, the caller's first answers and the ACKs are thrown away by the
# peers; still every call is set up once, works and ends. A repeated INVITE makes no second call.
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --ignore INVITE:2 --script 'ring 180; answer; play 50; expect-bye'
caller --script 'invite; expect 200; play 50; drain; wait 0.3; bye'
finish
check_scripts
check callee '.calls == 1 and .each[0].received == 50' 'Hawse repeated its INVITE, and it was one call'

callee --ignore ACK:2 --script 'answer; play 50; expect-bye'
caller --script 'invite; expect 200; play 50; drain; wait 2.5; bye'
finish
check_scripts
check callee '.each[0].repeats_sent >= 2' 'the callee repeated its 200 and got the ACK again'

callee --script 'answer; play 50; expect-bye'
caller --ignore 200:2 --script 'invite; expect 200; play 50; drain; wait 0.3; bye'
finish
check_scripts
check caller '.each[0].repeats_seen == 0 and .each[0].final == 200' 'Hawse repeated its 200 until the ACK'

callee --ignore BYE:1 --script 'answer; expect-bye'
caller --script 'invite; expect 200; wait 0.5; bye'
finish
check_scripts

callee --ignore ACK:1 --script 'reject 486'
caller --ignore 486:2 --script 'invite; expect 486'
finish
check_scripts
check callee '.calls == 1' 'one refused call'
eventually 10 'the ports are free again' no_port_in_use
pass
