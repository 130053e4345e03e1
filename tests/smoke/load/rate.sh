#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# 50 calls a second for a minute, none failed; afterwards no port is in use, and both processes are as large as before
# (private memory: the shared trace fills up to its fixed size).
# alone
# limit: 180
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
PORTS=20000-24999
hawse_start
burst() { # CALLS RATE
	callee --brief --calls "$1" --slots 500 --script 'ring 180; answer; play 10; expect-bye'
	caller --brief --calls "$1" --slots 500 --rate "$2" --script 'invite; expect 200; play 10; drain; wait 0.3; bye'
	finish
	check_scripts
	check callee ".received == $(($1 * 10)) and .lost + .doubled + .crossed + .corrupt == 0" 'all media came'
}
private_kib() { awk '/^RssAnon/ {print $2}' "/proc/$1/status"; }
# More transactions than 50 calls a second keep for 32 s (RFC 3261), and every port once.
burst 3200 100
eventually 10 'the ports are free again' no_port_in_use
media=$(private_kib "$PID_media") sip=$(private_kib "$PID_sip")
burst 3000 50
eventually 15 'the ports are free again' no_port_in_use
media_after=$(private_kib "$PID_media") sip_after=$(private_kib "$PID_sip")
echo "private KiB: hawse-media $media then $media_after, hawse-sip $sip then $sip_after"
[ $((media_after - media)) -le 512 ] || fail 'hawse-media has grown'
[ $((sip_after - sip)) -le 512 ] || fail 'hawse-sip has grown'
[ "$(ctl show calls --json | jq '[.. | objects | select(has("id"))] | length')" = 0 ] || fail 'a call is left'
pass
