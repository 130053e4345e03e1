#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# veth's kernel senders leave the UDP checksum partial: what Hawse sends on must carry a whole one, or the other kernel
# drops it.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
CHECKSUM_OFFLOAD=on
case_begin
hawse_start
callee --calls 2 --script 'answer; play 100; expect-bye'
caller --calls 2 --script 'invite; expect 200; play 100; drain; expect-media 100; wait 0.3; bye'
finish
check_scripts
check_media caller 100
check_media callee 100
in_ns callee nstat -az UdpInCsumErrors | grep -q 'UdpInCsumErrors *0 ' || fail 'the callee saw wrong checksums'
pass
