#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A number without a route is answered 404, its CDR says so, and nothing is left behind.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
caller --to 12345 --script 'invite; expect 404'
finish caller
check caller '.failed == 0 and .each[0].final == 404' 'a number without a route gets 404'
jq -es 'length == 1 and .[0].status == 404 and .[0].cause == "No Route" and .[0].peer == "office" and .[0].to == "12345" and
	.[0].record == "final" and .[0].answer == null' "$DIR/cdr.jsonl" >/dev/null || fail "its CDR: $(cat "$DIR/cdr.jsonl")"
no_port_in_use || fail 'a port is in use'
pass
