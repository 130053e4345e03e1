#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What cannot start says in one line why, and what to do: a device that does not exist, an address that is on no
# interface, a second instance.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_configure
refused() { # BINARY WORD SED_EXPRESSION
	sed "$3" "$DIR/hawse.yaml" >"$DIR/bad.yaml"
	timeout 20 ip netns exec "$NET-hawse" "$HAWSE_BUILD/$1" -c "$DIR/bad.yaml" >"$DIR/out" 2>&1 </dev/null
	case $? in
	0) fail "$1 ended as if all were well with $3" ;;
	124) fail "$1 started with $3" ;;
	esac
	grep -qF "$2" "$DIR/out" || {
		tail -n 20 "$DIR/out"
		fail "$1 does not say $2"
	}
}
refused dataplane/hawse-media nowhere0 's/device: media0/device: nowhere0/'
refused dataplane/hawse-media 10.77.7.7 "s/address: \[$HAWSE4/address: [10.77.7.7/"
refused controlplane/hawse-sip 10.77.7.7 "s/listen: \[udp:$HAWSE4/listen: [udp:10.77.7.7/"
start_media
refused dataplane/hawse-media "$DIR/run" 's/x/x/'
alive "$PID_media" || fail 'the second instance ended the first'
PASSED=1
