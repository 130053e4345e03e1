#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 240
# The web phone in headless Chromium, over secure WebSocket, to and from a plain SIP trunk: speech both ways by the
# browser's own figures and by the tone that the other side hears, hold and resume, keypad tones, hang-up by either side,
# and a call that the trunk makes to the browser.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/webphone.sh"
case_begin
webphone_ready
webphone_config
hawse_start

party answered --local "$CALLEE4" --answer 2 --tone 440 --listen 1000
browser first call +493012345 up wait 2 hear hold resume digits 159# wait 1 hang-up ended call +493012345 up wait 1 hang-up ended
party_ends answered
check first '.ok and .errors == []' 'the browser is content'
check first '.heard.hertz > 420 and .heard.hertz < 460' 'the browser hears the trunk'
check first '.figures.received > 50 and .figures.lost < 10' 'packets come, few are lost'
check first '.figures.dtls == "connected"' 'DTLS is connected'
check first '.held.received < 10' 'nobody is heard while it is held'
check first '.resumed.received > 20 and .resumed.sent > 20' 'both speak again'
check answered '.calls | length == 2 and all(.established and .ended_by == "them")' 'both calls, ended by the browser'
check answered '.calls[0] | .tone > 0.5 and .loud > 10' 'the trunk hears the browser'
check answered '.calls[0].digits == "159#"' 'keypad tones'
check answered '.calls[0] | .holds == 1 and .resumes == 1' 'hold and resume reach the trunk'
check answered 'all(.calls[]; .profile == "RTP/AVP")' 'the trunk sees plain RTP'

# The trunk calls the browser, and hangs up.
browser_in_background second answer up wait 2 hear ended
wait_ready "$DIR/second.log" "${PEER_PID[second]}" 40 || fail 'the browser does not register'
registered || fail 'hawsectl does not show the browser'
party calling --local "$CALLEE4" --call "sip:alice@$HAWSE4" --tone 440 --listen 1000 --seconds 6
party_ends calling
browser_ends second
check second '.ok and .errors == []' 'the browser is content'
check second '.heard.hertz > 420 and .heard.hertz < 460' 'the browser hears the trunk'
check calling '.calls[0] | .established and .ended_by == "us" and .tone > 0.5' 'the trunk hears the browser, and hangs up'
eventually 10 'every port is given back' no_port_in_use
jq -se 'map(select(.srtp == "AEAD_AES_128_GCM" or .srtp == "AES_CM_128_HMAC_SHA1_80")) | length >= 3' "$DIR/cdr.jsonl" >/dev/null ||
	fail "the CDRs say how the browser's media were secured"
pass
