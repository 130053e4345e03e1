#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 60
# In mid-call: hold and resume keep the codecs of a transcoded call; the caller changes to the callee's codec and nothing is
# transcoded any more, and to a third one and it is again. Each time both hear each other.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/tones.sh"
case_begin
hawse_start
tone_arguments PCMA 1100 700
callee "${TONE[@]}" --script 'answer; play 150; expect-tone 600; expect-reinvite sendonly; expect-reinvite sendrecv;
	play 400; expect-tone 1600; expect-tone 2800; expect-bye'
tone_arguments G729 700 1100
caller "${TONE[@]}" --script 'invite; expect 200; play 100; expect-tone 600; drain; reinvite sendonly; wait 0.4; reinvite sendrecv;
	play 100; expect-tone 1400; drain; codec PCMA:8; reinvite sendrecv; play 100; expect-tone 2200; drain;
	codec G722:9; reinvite sendrecv; play 100; expect-tone 3200; drain; wait 0.3; bye'
codecs() { ctl show calls --json | jq -e "(.calls // .)[0] | .codec == \"$1\" and .callee_codec == \"$2\"" >/dev/null; }
eventually 10 'G.729 is made into PCMA' codecs G729/8000 PCMA/8000
id=$(ctl show calls --json | jq -r '(.calls // .)[0].id')
ctl show call "$id" | grep -q 'G729/8000 transcoded to PCMA/8000' || fail 'hawsectl show call says so'
eventually 15 'then both have PCMA' codecs PCMA/8000 PCMA/8000
eventually 15 'then G.722 is made into it' codecs G722/8000 PCMA/8000
finish
ctl show call "$id" | grep -q 'G722 -> PCMA: callee has no G722' || fail 'and its ladder why'
check_scripts
check callee '.each[0].reinvites == 4' 'the callee saw each change'
pass
