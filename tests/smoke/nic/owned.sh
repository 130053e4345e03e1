#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A device that DPDK owns, as it would a PCI card: the kernel has its share (ARP, ping, SIP) by way of a TAP.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
# The veth's own end must keep silent, as a card that DPDK has taken would: net_af_packet takes copies only.
ip -n "$NET-hawse" addr flush dev media0
in_ns hawse sysctl -q -w net.ipv4.conf.media0.arp_ignore=8 net.ipv4.conf.media0.rp_filter=1 net.ipv6.conf.media0.disable_ipv6=1
mkdir -p "$DIR/run"
hawse_config | sed 's/device: media0/device: "net_af_packet0,iface=media0"/' >"$DIR/hawse.yaml"
hawse_configure
start_media
grep -q 'ip address add .* dev hw-public' "$DIR/media.log" || fail 'it is not said which device wants the address'
net_address hawse hw-public 10.99.0.1/16 fd00:99::1/32
ip -n "$NET-hawse" link set hw-public up
in_ns caller ping -c 3 -i 0.2 -W 2 -q "$HAWSE4" >"$DIR/ping" || fail 'the kernel does not answer a ping by way of the TAP'
start_sip
start_stats
callee --calls 5 --script 'ring 180; answer; play 100; expect-bye'
caller --calls 5 --script 'invite; expect 200; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
callee --script 'ring 180; answer; play 50; expect-bye' # calls go to its first address
caller6 --script 'invite; expect 200; play 50; drain; expect-media 50; wait 0.3; bye'
finish
check_scripts
check_media caller 50
check_media callee 50
pass
