#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every failure response is carried over as it is, and frees the ports.
# limit: 90
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
for code in 400 404 408 415 480 486 488 500 503 600 603; do
	callee --script "ring 180; reject $code"
	caller --script "invite; expect $code"
	finish
	check_scripts
	check caller ".each[0].final == $code" "$code is carried over"
	check callee ".each[0].repeats_sent == 0" "the ACK of the $code came"
done
eventually 10 'the ports are free again' no_port_in_use
pass
