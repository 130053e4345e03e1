#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A phone by Python's own modules: phone.py [--transport udp|tcp|tls|ws|wss] --server IP[:PORT] --user U --password P STEP...

Steps: register [EXPIRES], unregister, again N (N registers with what it has, statuses only), nat IP:PORT (what its Contact
says), answer SECONDS (waits for a call, answers it, waits for its end), wait SECONDS. OPTIONS are answered all the while.
Prints one JSON object a step. Ends with 1 when a step could not be carried out."""
import argparse
import base64
import hashlib
import json
import os
import re
import select
import socket
import ssl
import struct
import sys
import time

DEFAULT = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}


class Wire:
    def __init__(self, transport, server, port, local):
        self.transport, self.data = transport, b""
        if transport == "udp":
            self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.s.bind(local)
            self.s.connect((server, port))
            return
        self.s = socket.create_connection((server, port), 5)
        if transport in ("tls", "wss"):
            self.s = ssl._create_unverified_context().wrap_socket(self.s)
        if transport in ("ws", "wss"):
            key = base64.b64encode(os.urandom(16)).decode()
            self.s.sendall(
                f"GET / HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n".encode()
            )
            while b"\r\n\r\n" not in self.data:
                self.data += self.s.recv(4096)
            self.data = self.data.split(b"\r\n\r\n", 1)[1]

    def send(self, text):
        data = text.encode()
        if self.transport in ("ws", "wss"):
            head = bytes([0x81]) + (bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack("!BH", 0xFE, len(data)))
            mask = os.urandom(4)
            data = head + mask + bytes(b ^ mask[k & 3] for k, b in enumerate(data))
        self.s.sendall(data)

    def cut(self):
        """A whole message from what has come, or None."""
        if self.transport in ("ws", "wss"):
            if len(self.data) < 2:
                return None
            n, at = self.data[1] & 127, 2
            if n == 126:
                if len(self.data) < 4:
                    return None
                n, at = struct.unpack("!H", self.data[2:4])[0], 4
            if len(self.data) < at + n:
                return None
            body, self.data = self.data[at : at + n], self.data[at + n :]
            return body.decode()
        self.data = self.data.lstrip(b"\r\n")
        head, sep, rest = self.data.partition(b"\r\n\r\n")
        if not sep:
            return None
        found = re.search(rb"\r\nContent-Length: *(\d+)", head, re.I)
        n = int(found.group(1)) if found else 0
        if len(rest) < n:
            return None
        self.data = rest[n:]
        return (head + sep + rest[:n]).decode()

    def receive(self, seconds):
        end = time.monotonic() + seconds
        while True:
            if self.transport == "udp":
                message = self.data.decode() if self.data.strip() else None
                self.data = b""
            else:
                message = self.cut()
            if message:
                return message
            left = end - time.monotonic()
            pending = self.s.pending() if isinstance(self.s, ssl.SSLSocket) else 0
            if left <= 0 or not (pending or select.select([self.s], [], [], left)[0]):
                return None
            try:
                more = self.s.recv(65536)
            except ConnectionRefusedError:
                continue
            if not more and self.transport != "udp":
                raise EOFError("the connection is gone")
            self.data += more


def value(message, name):
    found = re.search(rf"^{name}: *(.*?)\r$", message, re.M | re.I)
    return found.group(1) if found else ""


class Phone:
    def __init__(self, a):
        self.a = a
        host, _, port = a.server.partition(":")
        self.host, self.port = host, int(port or DEFAULT[a.transport])
        local, _, lport = a.local.partition(":")
        self.wire = Wire(a.transport, self.host, self.port, (local or "0.0.0.0", int(lport or 0)))
        self.ip, self.lport = self.wire.s.getsockname()
        if a.transport in ("ws", "wss"):
            self.at = "df7jal23ls0d.invalid"
        else:
            self.at = f"{self.ip}:{self.lport}"
        self.domain = a.domain or self.host
        self.cseq, self.nc, self.challenge = 0, 0, None
        self.call_id = os.urandom(8).hex()
        self.tag = os.urandom(4).hex()

    def via(self):
        return f"Via: SIP/2.0/{self.a.transport.upper()} {self.at};rport;branch=z9hG4bK{os.urandom(6).hex()}\r\n"

    def credentials(self, method, uri):
        if not self.challenge:
            return ""
        realm, nonce, name = self.challenge
        hash_of = lambda s: hashlib.new("sha256" if name == "SHA-256" else "md5", s.encode()).hexdigest()
        self.nc += 1
        nc, cnonce = f"{self.nc:08x}", "0a4f113b"
        ha1 = hash_of(f"{self.a.user}:{realm}:{self.a.password}")
        response = hash_of(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{hash_of(f'{method}:{uri}')}")
        return (
            f'Authorization: Digest username="{self.a.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm={name}, '
            f'response="{response}", qop=auth, nc={nc}, cnonce="{cnonce}"\r\n'
        )

    def once(self, contact, expires):
        self.cseq += 1
        aor, uri = f"sip:{self.a.user}@{self.domain}", f"sip:{self.domain}"
        self.wire.send(
            f"REGISTER {uri} SIP/2.0\r\n{self.via()}Max-Forwards: 70\r\nFrom: <{aor}>;tag={self.tag}\r\nTo: <{aor}>\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {self.cseq} REGISTER\r\n{contact}Expires: {expires}\r\n"
            f"{self.credentials('REGISTER', uri)}Content-Length: 0\r\n\r\n"
        )
        while True:
            m = self.wire.receive(3)
            if not m:
                return 0, ""
            if m.startswith("SIP/2.0") and value(m, "CSeq") == f"{self.cseq} REGISTER":
                return int(m.split(" ")[1]), m
            self.other(m)

    def contact(self):
        at = self.a.nat or self.at
        parameter = {"udp": "", "wss": ";transport=ws"}.get(self.a.transport, f";transport={self.a.transport}")
        return f"Contact: <sip:{self.a.user}@{at}{parameter}>\r\n"

    def register(self, expires, contact=None):
        statuses = []
        for _ in range(3):
            status, m = self.once(contact or self.contact(), expires)
            statuses.append(status)
            if status != 401:
                break
            wanted = value(m, "WWW-Authenticate")
            self.challenge = (
                re.search(r'realm="(.*?)"', wanted).group(1),
                re.search(r'nonce="(.*?)"', wanted).group(1),
                re.search(r"algorithm=([\w-]+)", wanted).group(1),
            )
            self.nc = 0
        return {"status": status, "statuses": statuses, "contact": value(m, "Contact"), "algorithm": (self.challenge or ["", "", ""])[2]}

    def reply(self, m, status, lines="", body=""):
        to = value(m, "To")
        if ";tag=" not in to:
            to += f";tag={self.tag}"
        vias = "".join(f"Via: {v}\r\n" for v in re.findall(r"^Via: *(.*?)\r$", m, re.M))
        routes = "".join(f"Record-Route: {v}\r\n" for v in re.findall(r"^Record-Route: *(.*?)\r$", m, re.M))
        self.wire.send(
            f"SIP/2.0 {status}\r\n{vias}{routes}From: {value(m, 'From')}\r\nTo: {to}\r\nCall-ID: {value(m, 'Call-ID')}\r\n"
            f"CSeq: {value(m, 'CSeq')}\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def other(self, m):
        if m.startswith("OPTIONS"):
            self.reply(m, "200 OK")

    def answer(self, seconds):
        out = {"invite": "", "from": "", "ack": False, "bye": False}
        end = time.monotonic() + seconds
        sdp = f"v=0\r\no=- 1 1 IN IP4 {self.ip}\r\ns=-\r\nc=IN IP4 {self.ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n"
        while time.monotonic() < end and not out["bye"]:
            m = self.wire.receive(max(0, end - time.monotonic()))
            if not m:
                break
            method = m.split(" ")[0]
            if method == "INVITE":
                out["invite"], out["from"] = m.split(" ")[1], value(m, "From")
                self.reply(m, "180 Ringing", self.contact())
                self.reply(m, "200 OK", self.contact() + "Content-Type: application/sdp\r\n", sdp)
            elif method == "ACK":
                out["ack"] = True
            elif method == "BYE":
                self.reply(m, "200 OK")
                out["bye"] = True
            else:
                self.other(m)
        return out

    def wait(self, seconds):
        end, options = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            m = self.wire.receive(max(0, end - time.monotonic()))
            if m:
                options += m.startswith("OPTIONS")
                self.other(m)
        return {"options": options}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--transport", default="udp")
    p.add_argument("--server", required=True)
    p.add_argument("--local", default="")
    p.add_argument("--domain", default="")
    p.add_argument("--user", required=True)
    p.add_argument("--password", required=True)
    p.add_argument("--nat", default="")
    p.add_argument("steps", nargs="+")
    a = p.parse_args()
    phone, steps = Phone(a), list(a.steps)
    while steps:
        step = steps.pop(0)
        number = lambda default: float(steps.pop(0)) if steps and re.fullmatch(r"[\d.]+", steps[0]) else default
        if step == "register":
            out = phone.register(int(number(600)))
        elif step == "unregister":
            out = phone.register(0, "Contact: *\r\n")
        elif step == "again":
            out = {"statuses": []}
            for _ in range(int(number(1))):
                out["statuses"].append(phone.register(600)["status"])
        elif step == "answer":
            out = phone.answer(number(5))
        elif step == "wait":
            out = phone.wait(number(1))
        else:
            raise SystemExit(f"no such step: {step}")
        out["step"] = step
        print(json.dumps(out), flush=True)


main()
