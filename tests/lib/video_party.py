#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A SIP endpoint with video (VP8) and sound (A-law), by Python alone: it answers one call and sends back what comes, the
picture under an SSRC of its own. Says what it has seen as one JSON object when the call is over.

    video_party.py --local 10.99.2.2 [--no-video]

Feedback (RFC 4585, 5104) goes through it both ways: what asks for the picture that it sends it asks of the camera, and it
has wishes of its own: two PLIs, a FIR, and a NACK of a packet that it did get. Of each hundred packets of the picture one
is kept back until it is asked for, and its beginning is never sent, so that a whole one has to be asked for. --no-video: it refuses m=video."""
import argparse
import json
import re
import select
import socket
import struct
import sys
import time

options = argparse.ArgumentParser()
options.add_argument("--local", required=True)
options.add_argument("--port", type=int, default=5060)
options.add_argument("--no-video", action="store_true")
o = options.parse_args()

OURS = 0x0B1DE0  # SSRC of the picture that goes back
SENDER = 0x0FEED  # of our reports
PLI, FIR, NACK = (206, 1), (206, 4), (205, 1)
NAMES = {PLI: "pli", FIR: "fir", NACK: "nack"}


def header(message, name):
    found = re.search(rf"^{name}\s*:\s*(.*?)\r?$", message, re.I | re.M)
    return found.group(1) if found else ""


def feedback(kind, media, more=b""):
    if kind == FIR:
        media, more = 0, struct.pack("!IB3x", media, 1)
    body = struct.pack("!II", SENDER, media) + more
    return struct.pack("!BBHII", 0x80 | 0, 201, 1, SENDER, 0)[:8] + struct.pack("!BBH", 0x80 | kind[1], kind[0], len(body) // 4) + body


def parts(packet):
    """(type, count or format, body) of each part of a compound RTCP packet."""
    at = 0
    while at + 8 <= len(packet) and packet[at] >> 6 == 2:
        size = 4 * (struct.unpack_from("!H", packet, at + 2)[0] + 1)
        yield packet[at + 1], packet[at] & 31, packet[at + 4:at + size]
        at += size


class Stream:
    def __init__(self, kind, port):
        self.kind, self.port, self.to, self.rtcp_to = kind, port, None, None
        self.rtp, self.rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "ab")
        self.rtp.bind((o.local, port))
        self.rtcp.bind((o.local, port + 1))
        self.packets, self.ssrc, self.pt, self.kept, self.asked = 0, None, None, {}, 0.0
        self.heard = {name: 0 for name in NAMES.values()}
        self.resent, self.wishes = 0, [PLI, FIR, NACK, PLI]


class Party:
    def __init__(self):
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((o.local, o.port))
        self.audio, self.video = Stream("audio", 30000), Stream("video", 30010)
        self.over, self.profile, self.offered, self.answer, self.cseq, self.version = 0.0, "", [], "", "", 0

    def sdp(self, body):
        """The answer: of the picture the first VP8, with the feedback that is offered for it."""
        address = re.search(r"^c=IN IP4 (\S+)", body, re.M).group(1)
        turned = {"sendonly": "recvonly", "recvonly": "sendonly"}
        self.version += 1
        out = f"v=0\r\no=- 7 {self.version} IN IP4 {o.local}\r\ns=-\r\nc=IN IP4 {o.local}\r\nt=0 0\r\n"
        for m in re.split(r"(?m)^(?=m=)", body)[1:]:
            kind, port, profile, formats = re.match(r"m=(\S+) (\d+) (\S+) (.*?)\r?$", m, re.M).groups()
            there = (re.search(r"^c=IN IP4 (\S+)", m, re.M) or [None, address])[1]
            says = (re.search(r"^a=(sendonly|recvonly|inactive)\r?$", m, re.M) or [None, "sendrecv"])[1]
            says = f"a={turned.get(says, says)}\r\n"
            vp8 = re.search(r"^a=rtpmap:(\d+) VP8/90000", m, re.M)
            if kind == "audio":
                self.audio.to = (there, int(port))
                out += f"m=audio {self.audio.port} {profile} 8\r\na=rtpmap:8 PCMA/8000\r\n{says}"
            elif kind == "video" and int(port) and vp8 and not o.no_video:
                self.profile, self.video.pt = profile, int(vp8[1])
                self.offered = re.findall(rf"^a=rtcp-fb:(?:{vp8[1]}|\*) (.*?)\r?$", m, re.M)
                self.video.to, self.video.rtcp_to = (there, int(port)), (there, int(port) + 1)
                out += f"m=video {self.video.port} {profile} {vp8[1]}\r\na=rtpmap:{vp8[1]} VP8/90000\r\n"
                out += "".join(f"a=rtcp-fb:{vp8[1]} {f}\r\n" for f in self.offered) + says
            else:
                out += f"m={kind} 0 {profile} {formats}\r\n"
        return out

    def respond(self, message, source, code, reason, body=""):
        to = header(message, "To")
        lines = [f"SIP/2.0 {code} {reason}"] + [v.rstrip("\r") for v in re.findall(r"^Via\s*:.*$", message, re.I | re.M)]
        lines += [f"From: {header(message, 'From')}", f"To: {to}" + ("" if ";tag=" in to else ";tag=picture"),
                  f"Call-ID: {header(message, 'Call-ID')}", f"CSeq: {header(message, 'CSeq')}",
                  f"Contact: <sip:camera@{o.local}:{o.port}>", "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS"]
        lines += ["Content-Type: application/sdp"] if body else []
        self.sip.sendto("\r\n".join(lines + [f"Content-Length: {len(body)}", "", body]).encode(), source)

    def on_message(self):
        packet, source = self.sip.recvfrom(65536)
        message = packet.decode(errors="replace")
        method = message.split(" ", 1)[0]
        if method == "INVITE":
            if self.cseq != header(message, "CSeq"):  # else it is sent again
                self.cseq, self.answer = header(message, "CSeq"), self.sdp(message.split("\r\n\r\n", 1)[1])
            self.respond(message, source, 200, "OK", self.answer)
        elif method != "ACK" and not method.startswith("SIP/"):
            self.respond(message, source, 200, "OK")
            if method == "BYE":
                self.over = time.monotonic() + 0.3

    def on_sound(self):
        packet = self.audio.rtp.recv(2048)
        if len(packet) > 12 and packet[0] >> 6 == 2:
            self.audio.packets += 1
            self.audio.rtp.sendto(packet, self.audio.to)

    def on_picture(self):
        v, packet = self.video, self.video.rtp.recv(2048)
        if len(packet) < 12 or packet[0] >> 6 != 2 or packet[1] & 127 != v.pt:
            return
        v.packets, v.ssrc = v.packets + 1, struct.unpack_from("!I", packet, 8)[0]
        seq = struct.unpack_from("!H", packet, 2)[0]
        back = packet[:8] + struct.pack("!I", OURS) + packet[12:]
        if v.packets <= 10:
            return
        v.kept[seq] = back
        if v.packets % 100 != 50:
            v.rtp.sendto(back, v.to)
        if v.packets > 20 and v.wishes and time.monotonic() > v.asked + 0.4:
            kind, v.asked = v.wishes.pop(0), time.monotonic()
            v.rtcp.sendto(feedback(kind, v.ssrc, struct.pack("!HH", seq, 0) if kind == NACK else b""), v.rtcp_to)

    def on_report(self):
        v = self.video
        for kind, form, body in parts(v.rtcp.recv(2048)):
            name = NAMES.get((kind, form))
            if not name or len(body) < 8:
                continue
            media = struct.unpack_from("!I", body, 8 if name == "fir" else 4)[0] if len(body) >= 12 or name != "fir" else 0
            if media != OURS or not v.ssrc:
                continue
            v.heard[name] += 1
            if name != "nack":
                v.rtcp.sendto(feedback(PLI, v.ssrc), v.rtcp_to)
                continue
            for first, more in struct.iter_unpack("!HH", body[8:]):
                for seq in [first] + [first + 1 + bit & 65535 for bit in range(16) if more >> bit & 1]:
                    if seq in v.kept:
                        v.resent += 1
                        v.rtp.sendto(v.kept[seq], v.to)

    def run(self):
        print("ready", file=sys.stderr, flush=True)
        on = {self.sip: self.on_message, self.audio.rtp: self.on_sound, self.video.rtp: self.on_picture,
              self.video.rtcp: self.on_report}
        end = time.monotonic() + 120
        while time.monotonic() < (self.over or end):
            for ready in select.select(list(on), [], [], 0.1)[0]:
                on[ready]()
        print(json.dumps({"over": bool(self.over), "profile": self.profile, "offered": self.offered,
                          "sound": self.audio.packets, "picture": self.video.packets, "feedback": self.video.heard,
                          "resent": self.video.resent, "wishes_left": len(self.video.wishes)}))


Party().run()
