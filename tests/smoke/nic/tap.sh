#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Media on a TAP device that hawse-media makes: the kernel routes between it and the parties.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
mkdir -p "$DIR/run"
cat >"$DIR/hawse.yaml" <<-END
	media:
	  lab: {device: "tap:lab0", address: 10.98.9.1, ports: 20000-20999}
	dataplane: {memory: 128}
	sip: {listen: [udp:$HAWSE4]}
	peers:
	  carrier: {kind: trunk, address: $CALLEE4}
	  office: {kind: trunk, address: $CALLER4}
	routes:
	  - {from: office, to: [carrier]}
	  - {from: carrier, to: [office]}
	stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl}
	run: $DIR/run
END
hawse_configure
start_media
in_ns hawse sysctl -q -w net.ipv4.ip_forward=1
net_address hawse lab0 10.98.9.254/24
for party in caller callee; do
	ip -n "$NET-$party" route add 10.98.9.0/24 via "$HAWSE4"
done
start_sip
start_stats
callee --calls 5 --script 'ring 180; answer; play 100; expect-bye'
caller --calls 5 --script 'invite; expect 200; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
check callee 'all(.each[]; .sources[0] | startswith("10.98.9.1:"))' 'media comes from the address behind the TAP'
pass
