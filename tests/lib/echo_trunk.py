#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A trunk that answers whoever calls, says something, and from then on sends back what it hears half a second later.

    echo_trunk.py --local 10.99.2.2 --say SPEECH.al [--most 20]

SIP over UDP, A-law, by Python alone. SPEECH.al is raw A-law at 8 kHz. The digit 1 has it say its speech again. Says on
stderr what happens; ends by SIGTERM or SIGINT."""
import argparse
import collections
import random
import re
import select
import signal
import socket
import struct
import sys
import time

options = argparse.ArgumentParser()
options.add_argument("--local", required=True)
options.add_argument("--port", type=int, default=5060)
options.add_argument("--rtp", type=int, default=30000)
options.add_argument("--say", required=True)
options.add_argument("--most", type=int, default=20, help="calls at a time")
o = options.parse_args()

DELAY = 25  # packets of 20 ms
SILENCE = b"\xd5" * 160
with open(o.say, "rb") as f:
    SPEECH = f.read()
SPEECH = [SPEECH[i:i + 160].ljust(160, b"\xd5") for i in range(0, len(SPEECH), 160)]


def header(message, name):
    found = re.search(rf"^{name}\s*:\s*(.*?)\r?$", message, re.I | re.M)
    return found.group(1) if found else ""


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Call:
    def __init__(self, port, invite, source):
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.bind((o.local, port))
        self.port, self.id, self.tag = port, header(invite, "Call-ID"), f"{random.getrandbits(48):x}"
        self.caller = header(invite, "From")
        self.cseq, self.answer, self.version, self.to = "", "", 0, None
        self.heard, self.words, self.events = collections.deque(maxlen=200), 0, set()
        self.seq, self.stamp, self.ssrc = random.getrandbits(15), random.getrandbits(31), random.getrandbits(32)
        self.next, self.quiet, self.marker, self.received = 0.0, False, True, 0

    def sdp(self, offer):
        """The answer to an offer; to an INVITE without one, an offer."""
        body = offer.split("\r\n\r\n", 1)[1]
        media, address = re.search(r"^m=audio (\d+)", body, re.M), re.search(r"^c=IN IP4 (\S+)", body, re.M)
        says = re.search(r"^a=(sendonly|recvonly|inactive)\r?$", body, re.M)
        says = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}[says.group(1)] if says else "sendrecv"
        if media and address:
            self.to = (address.group(1), int(media.group(1)))
        self.quiet = says in ("recvonly", "inactive") or not self.to or self.to[1] == 0
        self.version += 1
        return (f"v=0\r\no=- {self.ssrc} {self.version} IN IP4 {o.local}\r\ns=-\r\nc=IN IP4 {o.local}\r\nt=0 0\r\n"
                f"m=audio {self.port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
                f"a=fmtp:101 0-15\r\na=ptime:20\r\na={says}\r\n")

    def hear(self):
        packet = self.rtp.recv(2048)
        if len(packet) < 12 or packet[0] >> 6 != 2:
            return
        kind, self.received = packet[1] & 127, self.received + 1
        if kind == 8:
            for i in range(12, len(packet) - 159, 160):
                self.heard.append(packet[i:i + 160])
        elif kind == 101 and len(packet) >= 16 and packet[12] == 1 and packet[4:8] not in self.events:
            self.events.add(packet[4:8])
            self.words = 0

    def speak(self):
        if self.words < len(SPEECH):
            payload, self.words = SPEECH[self.words], self.words + 1
            while len(self.heard) > DELAY:
                self.heard.popleft()
        else:
            payload = self.heard.popleft() if len(self.heard) > DELAY else SILENCE
        if not self.quiet:
            kind = 8 | (0x80 if self.marker else 0)
            self.marker = False
            self.rtp.sendto(struct.pack("!BBHII", 0x80, kind, self.seq & 65535, self.stamp & 0xFFFFFFFF, self.ssrc) + payload, self.to)
        self.seq, self.stamp, self.next = self.seq + 1, self.stamp + 160, self.next + 0.02


class Trunk:
    def __init__(self):
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((o.local, o.port))
        self.calls = {}
        self.ending = False

    def respond(self, message, source, code, reason, tag="", body=""):
        to = header(message, "To")
        lines = [f"SIP/2.0 {code} {reason}"] + [v.rstrip("\r") for v in re.findall(r"^Via\s*:.*$", message, re.I | re.M)]
        lines += [v.rstrip("\r") for v in re.findall(r"^Record-Route\s*:.*$", message, re.I | re.M)]
        lines += [f"From: {header(message, 'From')}", f"To: {to}" + (f";tag={tag}" if tag and ";tag=" not in to else ""),
                  f"Call-ID: {header(message, 'Call-ID')}", f"CSeq: {header(message, 'CSeq')}",
                  f"Contact: <sip:echo@{o.local}:{o.port}>", "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS"]
        if body:
            lines.append("Content-Type: application/sdp")
        self.sip.sendto("\r\n".join(lines + [f"Content-Length: {len(body)}", "", body]).encode(), source)

    def on_invite(self, message, source):
        call = self.calls.get(header(message, "Call-ID"))
        if not call:
            if len(self.calls) >= o.most:
                self.respond(message, source, 486, "Busy Here", "busy")
                return
            used = {c.port for c in self.calls.values()}
            port = next(p for p in range(o.rtp, o.rtp + 2 * o.most, 2) if p not in used)
            call = self.calls[header(message, "Call-ID")] = Call(port, message, source)
            say("call from", call.caller)
            self.respond(message, source, 180, "Ringing", call.tag)
        if call.cseq != header(message, "CSeq"):  # else it is sent again
            call.cseq, call.answer = header(message, "CSeq"), call.sdp(message)
        self.respond(message, source, 200, "OK", call.tag, call.answer)

    def over(self, call):
        say(f"over, {call.received} packets heard, from", call.caller)
        call.rtp.close()
        del self.calls[call.id]

    def on_message(self, message, source):
        method, call = message.split(" ", 1)[0], self.calls.get(header(message, "Call-ID"))
        if method == "INVITE":
            self.on_invite(message, source)
        elif method == "ACK":
            if call and not call.next:
                call.next = time.monotonic()
        elif method in ("BYE", "CANCEL"):
            self.respond(message, source, 200 if call else 481, "OK" if call else "No Such Call", "gone")
            if call and (method == "BYE" or not call.next):
                self.over(call)
        elif not method.startswith("SIP/"):
            self.respond(message, source, 200, "OK", "options")

    def run(self):
        say("ready")
        while not self.ending:
            now = time.monotonic()
            up = [c for c in self.calls.values() if c.next]
            wait = min([0.5] + [max(c.next - now, 0) for c in up])
            ready, _, _ = select.select([self.sip] + [c.rtp for c in self.calls.values()], [], [], wait)
            for call in list(self.calls.values()):
                if call.rtp in ready:
                    call.hear()
            if self.sip in ready:
                packet, source = self.sip.recvfrom(65536)
                if len(packet) > 16:
                    self.on_message(packet.decode(errors="replace"), source)
            for call in up:
                if call.id in self.calls and time.monotonic() >= call.next:
                    call.speak()


trunk = Trunk()
for s in (signal.SIGINT, signal.SIGTERM):
    signal.signal(s, lambda *_: setattr(trunk, "ending", True))
trunk.run()
