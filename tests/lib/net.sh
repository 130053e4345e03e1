# SPDX-License-Identifier: BSD-3-Clause
# Parties in network namespaces. Every name outside of a namespace begins with $NET, so that several runs live side by
# side; inside, the names and addresses are always the same.
#
#   net_up        one network, a bridge in a namespace of its own:
#                   hawse media0 10.99.0.1, fd00:99::1     caller eth0 10.99.1.2, fd00:99:1::2
#                   stranger eth0 10.99.3.2, fd00:99:3::2  callee eth0 10.99.2.2, fd00:99:2::2
#   net_up two    two networks, the caller's and the callee's, that only Hawse joins:
#                   hawse a 10.99.1.1, fd00:99:1::1        b 10.99.2.1, fd00:99:2::1
#   net_up none   the namespaces alone
#   net_up routed as one, but each party is behind a router (10.99.N.1 and fd00:99:N::1) instead of a bridge
#
# QUEUES=2 gives Hawse's interfaces so many queues. CHECKSUM_OFFLOAD=on leaves the parties' UDP checksums partial, as
# veth does by default; otherwise every packet has a whole one.
# shellcheck shell=bash

NET=${NET:-hawse-$$}
CALLER4=10.99.1.2 CALLEE4=10.99.2.2 STRANGER4=10.99.3.2
CALLER6=fd00:99:1::2 CALLEE6=fd00:99:2::2 STRANGER6=fd00:99:3::2
HAWSE4=10.99.0.1 HAWSE6=fd00:99::1

in_ns() {
	local name=$1
	shift
	ip netns exec "$NET-$name" "$@"
}

net_namespace() {
	ip netns add "$NET-$1"
	ip -n "$NET-$1" link set lo up
	in_ns "$1" sysctl -q -w net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
}

# net_link PARTY DEVICE OTHER OTHER_DEVICE: a veth pair; a party of Hawse gets $QUEUES queues.
net_link() {
	local queues=1
	[ "$1" != hawse ] || queues=${QUEUES:-1}
	ip -n "$NET-$1" link add "$2" numtxqueues "$queues" numrxqueues "$queues" type veth \
		peer name "$4" numtxqueues "$queues" numrxqueues "$queues" netns "$NET-$3"
	if [ "$queues" -gt 1 ]; then
		in_ns "$1" ethtool -L "$2" rx "$queues" tx "$queues"
		in_ns "$3" ethtool -L "$4" rx "$queues" tx "$queues"
	fi
	ip -n "$NET-$1" link set dev "$2" up
	ip -n "$NET-$3" link set dev "$4" up
	[ "${CHECKSUM_OFFLOAD:-off}" = on ] || {
		in_ns "$1" ethtool -K "$2" tx off >/dev/null
		in_ns "$3" ethtool -K "$4" tx off >/dev/null
	}
}

net_address() {
	local party=$1 device=$2
	shift 2
	for a in "$@"; do
		ip -n "$NET-$party" addr add "$a" dev "$device"
	done
}

net_up_one() {
	net_namespace net
	ip -n "$NET-net" link add br0 type bridge mcast_snooping 0
	ip -n "$NET-net" link set br0 up
	net_link hawse media0 net hawse
	net_link caller eth0 net caller
	net_link callee eth0 net callee
	net_link stranger eth0 net stranger
	for port in hawse caller callee stranger; do
		ip -n "$NET-net" link set "$port" master br0
	done
	net_address hawse media0 10.99.0.1/16 fd00:99::1/32
	net_address caller eth0 10.99.1.2/16 fd00:99:1::2/32
	net_address callee eth0 10.99.2.2/16 fd00:99:2::2/32
	net_address stranger eth0 10.99.3.2/16 fd00:99:3::2/32
}

net_up_two() {
	net_link caller eth0 hawse a
	net_link callee eth0 hawse b
	net_address hawse a 10.99.1.1/24 fd00:99:1::1/64
	net_address hawse b 10.99.2.1/24 fd00:99:2::1/64
	net_address caller eth0 10.99.1.2/24 fd00:99:1::2/64
	net_address callee eth0 10.99.2.2/24 fd00:99:2::2/64
	ip -n "$NET-caller" route add default via 10.99.1.1
	ip -n "$NET-callee" route add default via 10.99.2.1
}

net_up_routed() {
	local n=0 party device
	net_namespace net
	in_ns net sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for party in hawse caller callee stranger; do
		device=eth0
		[ $party != hawse ] || device=media0
		net_link $party $device net $party
		net_address net $party 10.99.$n.254/24 fd00:99:$n::fe/64
		net_address $party $device "10.99.$n.$((n ? 2 : 1))/24" "fd00:99:$n::$((n ? 2 : 1))/64"
		ip -n "$NET-$party" route add default via 10.99.$n.254
		ip -n "$NET-$party" -6 route add default via fd00:99:$n::fe
		n=$((n + 1))
	done
}

net_up_none() { :; }

net_up() {
	for party in hawse caller callee stranger; do
		net_namespace $party
	done
	"net_up_${1:-one}"
}

# Ends what still runs in the namespaces and removes them.
net_down() {
	local name pid
	for name in hawse caller callee stranger net; do
		[ -e "/run/netns/$NET-$name" ] || continue
		for pid in $(ip netns pids "$NET-$name"); do
			kill -KILL "$pid" 2>/dev/null
		done
		ip netns del "$NET-$name"
	done
}
