#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two media interfaces, the caller's network and the callee's, which only Hawse joins. Each has two queues.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
QUEUES=2
case_begin two
mkdir -p "$DIR/run"
cat >"$DIR/hawse.yaml" <<-END
	media:
	  a: {device: a, address: [10.99.1.1, "fd00:99:1::1"], ports: 20000-20999}
	  b: {device: b, address: [10.99.2.1, "fd00:99:2::1"], ports: 20000-20999}
	sip: {listen: [udp:10.99.1.1, udp:10.99.2.1]}
	peers:
	  carrier: {kind: trunk, address: $CALLEE4, media: b}
	  office: {kind: trunk, address: $CALLER4, media: a}
	routes:
	  - {from: office, to: [carrier]}
	  - {from: carrier, to: [office]}
	stats: {listen: "127.0.0.1:9090", cdr: $DIR/cdr.jsonl}
	run: $DIR/run
END
HAWSE4=10.99.1.1
hawse_start
callee --calls 20 --script 'ring 180; answer; rtcp 0.5; play 150; expect-bye'
caller --calls 20 --script 'invite; expect 200; rtcp 0.5; play 150; drain; expect-media 150; wait 0.3; bye'
finish
check_scripts
check_media caller 150
check_media callee 150
check callee 'all(.each[]; .sources[0] | startswith("10.99.2.1:"))' "media comes from the address of the callee's side"
check callee 'all(.each[]; .rtcp_received >= 4)' 'RTCP came through'
pass
