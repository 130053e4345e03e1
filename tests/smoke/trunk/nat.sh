#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A phone behind a NAT that masquerades: called by the mapping that its REGISTER made, which OPTIONS keep open; the media
# go where they come from.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/phones.sh"
command -v iptables >/dev/null || fail 'iptables is not installed: apt-get install iptables'
case_begin
# The caller's namespace is the NAT, the phone sits in a namespace behind it.
ip netns add "$NET-home"
trap 'ip netns pids "$NET-home" | xargs -r kill -KILL; ip netns del "$NET-home"; case_end' EXIT
ip -n "$NET-home" link set lo up
ip -n "$NET-caller" link add home0 type veth peer name eth0 netns "$NET-home"
ip -n "$NET-caller" link set home0 up
ip -n "$NET-home" link set eth0 up
ip -n "$NET-caller" addr add 192.168.77.1/24 dev home0
ip -n "$NET-home" addr add 192.168.77.2/24 dev eth0
ip -n "$NET-home" route add default via 192.168.77.1
in_ns caller sysctl -q -w net.ipv4.ip_forward=1
in_ns caller iptables -t nat -A POSTROUTING -o eth0 -p udp -j MASQUERADE --to-ports 40000-40100 2>"$DIR/iptables" ||
	{ echo "skipped: this kernel has no masquerading: $(tail -n 1 "$DIR/iptables")"; PASSED=1; exit 0; }
ACCESS="$ACCESS, keepalive: 1"
phones_config
hawse_start
phone_start home phone --user alice --password secret --local 192.168.77.2:5060 register 300 wait 3 answer 25
eventually 8 'the mapping was kept open' has_line "$DIR/phone.json" '"wait"'
ctl show registrations --json >"$DIR/shown.json"
check shown ".phones[0].nat and (.phones[0].from | test(\"UDP $CALLER4:40[0-9]*\"))" 'the NAT is seen'
check shown '.phones[0].contact | startswith("sip:alice@192.168.77.2:5060")' 'and what the phone says'
peer caller callee uac --local "$CALLEE4" --remote "$HAWSE4" --to +4930100 --script 'invite; expect 200; wait 0.2; bye'
finish caller
check caller '.failed == 0 and .missing == 0' 'the call comes through'
phone_finish phone
phone_says phone '.[1].options >= 2' 'OPTIONS keep it open'
phone_says phone '.[2].ack and .[2].bye' 'and it rang behind the NAT'
pass
