#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A phone on a trunk that is heard and hears: SIP over UDP, A-law both ways, by Python alone.

    voice_party.py --local 10.99.2.2 [--answer CALLS] [--call sip:+49...@10.99.0.1] [--tone 440] [--listen 1000] [--seconds 8]

It answers so many calls (or makes one), says a tone of one frequency, and tells in JSON what came: packets, the share of
the energy that the expected tone has, keypad tones (RFC 4733), holds, and who hung up. After --seconds of an
established call it hangs up itself; 0: it waits for the other side."""
import argparse
import bisect
import json
import math
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
options.add_argument("--rtp", type=int, default=40000)
options.add_argument("--answer", type=int, default=0)
options.add_argument("--call", default="")
options.add_argument("--remote", default="")
options.add_argument("--tone", type=int, default=440)
options.add_argument("--listen", type=int, default=1000)
options.add_argument("--seconds", type=float, default=0)
options.add_argument("--limit", type=float, default=60, help="seconds until it gives up")
o = options.parse_args()


def linear(code):
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    value = (mantissa << 4) + 8 if not exponent else ((mantissa << 4) + 0x108) << (exponent - 1)
    return value if code & 0x80 else -value


LINEAR = [linear(c) for c in range(256)]
LEVELS = sorted((v, c) for c, v in enumerate(LINEAR))


def alaw(sample):
    """The code whose level is nearest (G.711)."""
    at = bisect.bisect(LEVELS, (sample, 0))
    return min(LEVELS[max(at - 1, 0):at + 1], key=lambda level: abs(level[0] - sample))[1]


TONE = bytes(alaw(int(8000 * math.sin(2 * math.pi * o.tone * i / 8000))) for i in range(8000))


def share(samples, frequency):
    """How much of the energy lies at that frequency (Goertzel)."""
    total = sum(s * s for s in samples)
    if not total:
        return 0.0
    w = 2 * math.pi * frequency / 8000
    re_, im = sum(s * math.cos(w * i) for i, s in enumerate(samples)), sum(s * math.sin(w * i) for i, s in enumerate(samples))
    return 2 * (re_ * re_ + im * im) / (len(samples) * total)


def header(message, name):
    found = re.search(rf"^{name}\s*:\s*(.*?)\r?$", message, re.I | re.M)
    return found.group(1) if found else ""


class Party:
    def __init__(self):
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((o.local, o.port))
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.bind((o.local, o.rtp))
        self.report = []
        self.call = None
        self.tag = f"{random.getrandbits(48):x}"
        self.end = time.monotonic() + o.limit

    # ---- SDP

    def sdp(self, direction="sendrecv"):
        self.version = getattr(self, "version", 0) + 1
        return (f"v=0\r\no=- 1 {self.version} IN IP4 {o.local}\r\ns=-\r\nc=IN IP4 {o.local}\r\nt=0 0\r\n"
                f"m=audio {o.rtp} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
                f"a=fmtp:101 0-15\r\na=ptime:20\r\na={direction}\r\n")

    def take_sdp(self, message):
        body = message.split("\r\n\r\n", 1)[1]
        media, address = re.search(r"^m=audio (\d+)", body, re.M), re.search(r"^c=IN IP4 (\S+)", body, re.M)
        if not media:
            return "sendrecv"
        said = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\r?$", body, re.M)
        said = said.group(1) if said else "sendrecv"
        self.call.update(to=(address.group(1), int(media.group(1))), sends=said in ("sendrecv", "recvonly"), profile=re.search(r"^m=audio \d+ (\S+)", body, re.M).group(1))
        return {"sendonly": "recvonly", "recvonly": "sendonly"}.get(said, said)

    # ---- SIP

    def respond(self, message, source, code, reason, body=""):
        vias = re.findall(r"^Via\s*:.*?\r?$", message, re.I | re.M)
        to = header(message, "To")
        if ";tag=" not in to:
            to += f";tag={self.tag}"
        lines = [f"SIP/2.0 {code} {reason}"] + [v.rstrip("\r") for v in vias]
        lines += [f"From: {header(message, 'From')}", f"To: {to}", f"Call-ID: {header(message, 'Call-ID')}",
                  f"CSeq: {header(message, 'CSeq')}", f"Contact: <sip:party@{o.local}:{o.port}>"]
        for route in re.findall(r"^Record-Route\s*:.*?\r?$", message, re.I | re.M):
            lines.append(route.rstrip("\r"))
        if body:
            lines.append("Content-Type: application/sdp")
        text = "\r\n".join(lines + [f"Content-Length: {len(body)}", "", body])
        self.sip.sendto(text.encode(), source)

    def request(self, method, cseq, body="", branch=""):
        c = self.call
        text = (f"{method} {c['target']} SIP/2.0\r\nVia: SIP/2.0/UDP {o.local}:{o.port};branch=z9hG4bK{branch or random.getrandbits(60)};rport\r\n"
                f"From: {c['from']}\r\nTo: {c['to_header']}\r\nCall-ID: {c['id']}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
                f"Contact: <sip:party@{o.local}:{o.port}>\r\n" + ("Content-Type: application/sdp\r\n" if body else "") +
                f"Content-Length: {len(body)}\r\n\r\n{body}")
        self.sip.sendto(text.encode(), c["peer"])

    def begin(self, **what):
        self.call = {"up": 0, "sends": False, "to": None, "event": 101, "holds": 0, "resumes": 0, "digits": [], "packets": 0, "audio": [],
                     "events": set(), "ended_by": "", "seq": random.getrandbits(15), "stamp": random.getrandbits(31),
                     "ssrc": random.getrandbits(32), "next": 0, "held": False, "profile": "", **what}

    def over(self, by):
        c, self.call = self.call, None
        blocks = [c["audio"][i:i + 800] for i in range(0, len(c["audio"]) - 799, 800)]
        shares = sorted(share(b, o.listen) for b in blocks if max(map(abs, b)) > 300)
        self.report.append({"established": c["up"] > 0, "packets": c["packets"], "digits": "".join(c["digits"]), "holds": c["holds"],
                            "resumes": c["resumes"], "ended_by": by, "profile": c["profile"], "loud": len(shares),
                            "tone": round(shares[len(shares) // 2], 3) if shares else 0, "refused": c.get("refused", 0)})

    def on_request(self, message, source):
        method = message.split(" ", 1)[0]
        c = self.call
        if method == "INVITE":
            if c and c["id"] == header(message, "Call-ID"):
                if c.get("cseq") == header(message, "CSeq"):
                    return
                c["cseq"] = header(message, "CSeq")
                answer = self.take_sdp(message)
                held = answer in ("recvonly", "inactive")
                c["holds"] += held and not c["held"]
                c["resumes"] += c["held"] and not held
                c["held"] = held
                self.respond(message, source, 200, "OK", self.sdp(answer))
                return
            if c:
                self.respond(message, source, 486, "Busy Here")
                return
            self.begin(id=header(message, "Call-ID"), peer=source, cseq=header(message, "CSeq"),
                       target=re.search(r"<([^>]+)>", header(message, "Contact")).group(1),
                       to_header=header(message, "From"))
            self.call["from"] = header(message, "To") + f";tag={self.tag}"
            self.respond(message, source, 180, "Ringing")
            answer = self.take_sdp(message)
            self.respond(message, source, 200, "OK", self.sdp(answer))
        elif method == "ACK" and c and not c["up"]:
            c["up"] = c["next"] = time.monotonic()
        elif method in ("BYE", "CANCEL"):
            self.respond(message, source, 200 if c else 481, "OK" if c else "No Such Call")
            if c:
                self.over("them")
        elif method != "ACK":
            self.respond(message, source, 200, "OK")

    def on_response(self, message, source):
        code, c = int(message.split(" ")[1]), self.call
        if not c or "INVITE" not in header(message, "CSeq") or code < 200:
            return
        if code >= 300:
            if c.get("refused") != code:
                c["refused"] = code
                self.request("ACK", 1, branch=c["branch"])
                self.over("them")
            return
        c["to_header"] = header(message, "To")
        c["target"] = re.search(r"<([^>]+)>", header(message, "Contact")).group(1)
        if not c["up"]:
            self.take_sdp(message)
            c["up"] = c["next"] = time.monotonic()
        self.request("ACK", 1)

    def place(self):
        peer = (o.remote or re.search(r"@([\d.]+)", o.call).group(1), 5060)
        branch = f"{random.getrandbits(60)}"
        self.begin(id=f"{random.getrandbits(60)}@{o.local}", peer=peer, target=o.call, to_header=f"<{o.call}>", branch=branch)
        self.call["from"] = f"<sip:+15550100@{o.local}>;tag={self.tag}"
        self.request("INVITE", 1, self.sdp(), branch)
        self.repeat = time.monotonic() + 0.5

    # ---- RTP

    def on_rtp(self, packet):
        c = self.call
        if not c or len(packet) < 12:
            return
        kind, stamp = packet[1] & 127, packet[4:8]
        c["packets"] += 1
        if kind == 8:
            c["audio"] += [LINEAR[b] for b in packet[12:]]
        elif kind == c["event"] and len(packet) >= 16 and packet[13] & 0x80 and stamp not in c["events"]:
            c["events"].add(stamp)
            c["digits"].append("0123456789*#ABCD"[packet[12] & 15])

    def send_rtp(self):
        c = self.call
        if c["sends"] and not c["held"] and c["to"]:
            at = c["seq"] % 50 * 160
            self.rtp.sendto(struct.pack("!BBHII", 0x80, 8, c["seq"] & 65535, c["stamp"] & 0xFFFFFFFF, c["ssrc"]) + TONE[at:at + 160], c["to"])
        c["seq"] += 1
        c["stamp"] += 160
        c["next"] += 0.02

    def run(self):
        calls = o.answer
        print("ready", file=sys.stderr, flush=True)
        if o.call:
            self.place()
            calls = 1
        while len(self.report) < calls and time.monotonic() < self.end:
            now = time.monotonic()
            wait = min(self.end - now, 0.2)
            if self.call and self.call["up"]:
                wait = min(wait, max(self.call["next"] - now, 0))
            ready, _, _ = select.select([self.sip, self.rtp], [], [], wait)
            for s in ready:
                packet, source = s.recvfrom(65536)
                if s is self.rtp:
                    self.on_rtp(packet)
                elif len(packet) > 8:
                    message = packet.decode(errors="replace")
                    (self.on_response if message.startswith("SIP/") else self.on_request)(message, source)
            c, now = self.call, time.monotonic()
            if c and c["up"] and now >= c["next"]:
                self.send_rtp()
            if c and c["up"] and o.seconds and now > c["up"] + o.seconds:
                self.request("BYE", 2)
                self.over("us")
            if c and o.call and not c["up"] and self.call and now > self.repeat and self.repeat < self.end - o.limit + 4:
                self.repeat += 1
        if self.call:
            self.over("nobody")
        print(json.dumps({"calls": self.report}))


party = Party()
signal.signal(signal.SIGINT, lambda *_: setattr(party, "end", 0))
signal.signal(signal.SIGTERM, lambda *_: setattr(party, "end", 0))
party.run()
