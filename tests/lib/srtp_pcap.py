#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""SRTP for programs that can only play captures: AES_CM_128_HMAC_SHA1_80 of RFC 3711 by openssl's AES and Python's HMAC,
sharing no line with Hawse or libsrtp2.

srtp_pcap.py make KEY SPEECH.al OUT.pcap           A-law as SRTP packets of 20 ms; KEY as after inline: in SDP
srtp_pcap.py read KEY SOURCE IN.pcap OUT.al        what came from that address, authenticated and clear, into OUT.al; says in
                                                   JSON how many packets, and how many were not authentic
"""
import base64
import hashlib
import hmac
import json
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import rtp_pcap  # noqa: E402

SSRC, TAG = 0x5EC0DED, 10


def aes(key, blocks):
    return subprocess.run(["openssl", "enc", "-aes-128-ecb", "-nopad", "-K", key.hex()], input=blocks, capture_output=True,
                          check=True).stdout


def counters(start, size):
    """The counter blocks from a 128-bit start on that make so many bytes of key stream."""
    return b"".join((start + i).to_bytes(16, "big") for i in range((size + 15) // 16))


class Session:
    def __init__(self, inline):
        master = base64.b64decode(inline + "=" * (-len(inline) % 4))
        self.master, self.salt = master[:16], int.from_bytes(master[16:30], "big")
        self.cipher, self.auth = self.derive(0, 16), self.derive(1, 20)
        self.session_salt = int.from_bytes(self.derive(2, 14), "big")

    def derive(self, label, size):
        return aes(self.master, counters((self.salt ^ label << 48) << 16, size))[:size]

    def streams(self, packets):
        """The key streams of (index, SSRC, size)s, by one run of openssl."""
        starts = [(counters((self.session_salt << 16) ^ (ssrc << 64) ^ (index << 16), size), size) for index, ssrc, size in packets]
        stream, at, out = aes(self.cipher, b"".join(c for c, _ in starts)), 0, []
        for c, size in starts:
            out.append(stream[at:at + size])
            at += len(c)
        return out

    def tag(self, packet, roc):
        return hmac.new(self.auth, packet + struct.pack("!I", roc), hashlib.sha1).digest()[:TAG]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def make(inline, speech, path):
    session = Session(inline)
    with open(speech, "rb") as f:
        data = f.read()
    parts = [data[i:i + 160] for i in range(0, len(data) // 160 * 160, 160)]
    streams = session.streams([(n, SSRC, 160) for n in range(len(parts))])
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n, part in enumerate(parts):
            packet = struct.pack("!BBHII", 0x80, 8, n, n * 160, SSRC) + xor(part, streams[n])
            packet += session.tag(packet, 0)
            udp = struct.pack("!HHHH", 30000, 30000, 8 + len(packet), 0) + packet
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), n, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
            frame = b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + udp
            out.write(struct.pack("<IIII", n // 50, n % 50 * 20000, len(frame), len(frame)) + frame)


def read(inline, source, path, raw):
    session, found, highest, bad = Session(inline), {}, None, 0
    for _, link, data in rtp_pcap.packets(path):
        u = rtp_pcap.udp(link, data)
        if not u or u[0] != source or not rtp_pcap.is_rtp(u[4]) or len(u[4]) < 12 + TAG:
            continue
        packet, tag = u[4][:-TAG], u[4][-TAG:]
        seq, ssrc = struct.unpack("!H", packet[2:4])[0], struct.unpack("!I", packet[8:12])[0]
        index = seq if highest is None else highest + ((seq - highest + 0x8000) & 0xFFFF) - 0x8000
        if session.tag(packet, index >> 16) != tag:
            bad += 1
            continue
        highest = index if highest is None else max(highest, index)
        found[index] = (ssrc, packet)
    order = sorted(found)
    streams = session.streams([(i, found[i][0], len(found[i][1]) - 12) for i in order]) if order else []
    with open(raw, "wb") as out:
        for i, stream in zip(order, streams):
            out.write(xor(found[i][1][12:], stream))
    print(json.dumps({"packets": len(order), "unauthentic": bad, "lost": order[-1] - order[0] + 1 - len(order) if order else 0}))


def main(a):
    if len(a) == 4 and a[0] == "make":
        make(*a[1:])
    elif len(a) == 5 and a[0] == "read":
        read(*a[1:])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
