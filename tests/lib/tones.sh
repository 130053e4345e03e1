# SPDX-License-Identifier: BSD-3-Clause
# Parties with a codec each, for tests/smoke/transcode: sip_peer sends a tone in its codec and looks for the other side's.
# shellcheck shell=bash

TONE_CODECS=(PCMA G722 opus G729 AMR-WB)

# type_of CODEC: its payload type. sdp_of CODEC: the lines that say so.
type_of() {
	case $1 in
	PCMU) echo 0 ;;
	PCMA) echo 8 ;;
	G722) echo 9 ;;
	opus) echo 111 ;;
	G729) echo 18 ;;
	AMR-WB) echo 106 ;;
	esac
}
sdp_of() {
	case $1 in
	opus) echo 'a=rtpmap:111 opus/48000/2|a=fmtp:111 useinbandfec=1|a=ptime:20' ;;
	AMR-WB) echo 'a=rtpmap:106 AMR-WB/16000|a=fmtp:106 octet-align=1|a=ptime:20' ;;
	G729) echo 'a=rtpmap:18 G729/8000|a=fmtp:18 annexb=no|a=ptime:20' ;;
	*) echo "a=rtpmap:$(type_of "$1") $1/8000|a=ptime:20" ;;
	esac
}

# Arguments of a peer with this codec and the given frequencies; with EVENTS=TYPE it has telephone-events.
tone_arguments() {
	local events=${EVENTS:-}
	TONE=(--codecs "$(type_of "$1")${events:+ $events}" --tone "$1:$(type_of "$1"):$2:$3${events:+:$events}"
		--sdp "$(sdp_of "$1")${events:+|a=rtpmap:$events telephone-event/8000|a=fmtp:$events 0-15}")
}
