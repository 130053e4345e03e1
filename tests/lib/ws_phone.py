#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A SIP client over WebSocket (RFC 7118), by Python's own modules: ws_phone.py ws|wss HOST PORT NUMBER MEDIA_IP MEDIA_PORT

OPTIONS, then a call that it ends itself; prints a JSON object. Its Via and Contact name a host in .invalid, as browsers do."""
import base64
import json
import os
import re
import socket
import ssl
import struct
import sys

SCHEME, HOST, PORT, NUMBER, IP, RTP = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5], int(sys.argv[6])
ME = "df7jal23ls0d.invalid"


class Socket:
    def __init__(self):
        self.s = socket.create_connection((HOST, PORT), 5)
        if SCHEME == "wss":
            context = ssl._create_unverified_context()
            self.s = context.wrap_socket(self.s)
        self.s.settimeout(5)
        key = base64.b64encode(os.urandom(16)).decode()
        self.s.sendall(
            (
                f"GET / HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
            ).encode()
        )
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.data += self.s.recv(4096)
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        self.upgrade = head.decode()

    def need(self, n):
        while len(self.data) < n:
            more = self.s.recv(65536)
            if not more:
                raise EOFError
            self.data += more
        out, self.data = self.data[:n], self.data[n:]
        return out

    def send(self, text, pieces=1):
        data = text.encode()
        step = (len(data) + pieces - 1) // pieces
        parts = [data[i : i + step] for i in range(0, len(data), step)]
        for i, part in enumerate(parts):
            first = (0x80 if i == len(parts) - 1 else 0) | (1 if i == 0 else 0)
            head = bytes([first])
            head += bytes([0x80 | len(part)]) if len(part) < 126 else struct.pack("!BH", 0xFE, len(part))
            mask = os.urandom(4)
            self.s.sendall(head + mask + bytes(b ^ mask[k & 3] for k, b in enumerate(part)))

    def receive(self):
        while True:
            first, second = self.need(2)
            n = second & 127
            if n == 126:
                n = struct.unpack("!H", self.need(2))[0]
            body = self.need(n)
            if first & 15 in (1, 2):
                return body.decode()


def value(message, name):
    found = re.search(rf"^{name}: *(.*?)\r$", message, re.M | re.I)
    return found.group(1) if found else ""


def request(method, uri, cseq, branch, to, body=""):
    text = (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{SCHEME.upper()} {ME};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:browser@{ME}>;tag=wst\r\nTo: {to}\r\nCall-ID: ws-call-1\r\nCSeq: {cseq} {method}\r\n"
        f"Contact: <sip:browser@{ME};transport=ws>\r\n"
    )
    if body:
        text += "Content-Type: application/sdp\r\n"
    return text + f"Content-Length: {len(body)}\r\n\r\n{body}"


def final(s, out):
    while True:
        m = s.receive()
        code = int(m.split(" ")[1])
        out.append(code)
        if code >= 200:
            return m


def main():
    out = {}
    s = Socket()
    out["upgrade"] = s.upgrade.split("\r\n")[0]
    out["protocol"] = value(s.upgrade + "\r\n", "Sec-WebSocket-Protocol")
    target = f"sip:{NUMBER}@{HOST}"
    s.send(request("OPTIONS", target, 1, "o1", f"<{target}>"), 3)
    out["options"] = []
    out["via"] = value(final(s, out["options"]), "Via")
    sdp = (
        f"v=0\r\no=- 1 1 IN IP4 {IP}\r\ns=-\r\nc=IN IP4 {IP}\r\nt=0 0\r\nm=audio {RTP} RTP/AVP 8\r\n"
    )
    out["invite"] = []
    s.send(request("INVITE", target, 2, "i1", f"<{target}>", sdp), 2)
    ok = final(s, out["invite"])
    out["contact"] = value(ok, "Contact")
    contact = re.search(r"<(.*?)>", out["contact"]).group(1)
    to = value(ok, "To")
    s.send(request("ACK", contact, 2, "a1", to))
    # The other side hangs up: its BYE comes over this connection.
    bye = s.receive()
    out["bye"] = bye.split(" ")[0]
    s.send(
        "SIP/2.0 200 OK\r\n"
        + "".join(f"{n}: {value(bye, n)}\r\n" for n in ("Via", "From", "To", "Call-ID", "CSeq"))
        + "Content-Length: 0\r\n\r\n"
    )
    out["bye_via"] = value(bye, "Via")
    print(json.dumps(out))


main()
