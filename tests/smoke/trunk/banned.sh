#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Who guesses passwords is not listened to any more, and told so by silence; hawsectl shows and lifts the ban, or time does.
# The trunk is never banned, nor is a phone beside it; sip.deny is silence, too.
. "$(dirname "$(realpath "$0")")/../../lib/case.sh"
. "$(dirname "$(realpath "$0")")/../../lib/phones.sh"
case_begin
SIP_MORE="  ban: {failures: 3, window: 30, time: 30}"
phones_config
hawse_start
phone stranger guess --user alice --password guess register register register register
phone_says guess '[.[].status] == [403, 403, 403, 0]' 'three guesses, then silence'
phone caller alice --user alice --password secret register
phone_says alice '.[0].status == 200' 'others are served'
ctl show bans --json >"$DIR/bans.json"
check bans ".bans | length == 1 and .[0].address == \"$STRANGER4\" and .[0].failures == 3" 'the ban is shown'
check bans '.bans[0].why | test("wrong password of alice")' 'and why'
ctl unban "$STRANGER4" >"$DIR/unban" || fail 'unban'
ctl unban "$STRANGER4" >"$DIR/unban" 2>&1 && fail 'what is not banned cannot be lifted'
phone stranger right --user bob --password geheim register
phone_says right '.[0].status == 200' 'listened to again'
sed -i 's/time: 30/time: 8/' "$CONFIG"
ctl config reload >/dev/null || fail 'reload'
phone stranger guess --user alice --password guess register register register
phone stranger right --user bob --password geheim register
phone_says right '.[0].status == 0' 'banned again, though bob is registered there'
heard() { phone stranger right --user bob --password geheim register && jq -es '.[0].status == 200' "$DIR/right.json"; }
eventually 15 'time lifts it' heard
phone callee guess --user alice --password guess register register register register
phone_says guess 'all(.[]; .status == 403)' 'a trunk is never banned'
ctl show drops --all >"$DIR/drops"
grep -q banned "$DIR/drops" || fail 'drops are counted'
sed -i "s|^  ban:.*|&\n  deny: $STRANGER4|" "$CONFIG"
ctl config reload >/dev/null || fail 'reload'
phone stranger right --user bob --password geheim register
phone_says right '.[0].status == 0' 'denied'
pass
