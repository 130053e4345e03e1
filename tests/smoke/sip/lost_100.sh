#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The caller's INVITE repeats reach Hawse many times before anybody answers: still one call at the callee.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
case_begin
hawse_start
callee --calls 2 --script 'wait 3; answer; expect-bye'
caller --ignore 100:3 --script 'invite; expect 200; wait 0.5; bye'
finish caller
hang_up callee
check caller '.failed == 0 and .each[0].repeats_sent >= 2' 'the caller repeated its INVITE'
check callee '.calls == 1 and .failed == 0' 'the callee saw one call'
pass
