# SPDX-License-Identifier: BSD-3-Clause
"""rtpengine as Debian ships it, in userspace (--table=-1), and a client of its ng protocol."""
import ctypes
import os
import resource
import socket
import sys
import time
import uuid

# A port is a descriptor there: as many as this machine lets one process have.
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

_libc = ctypes.CDLL(None, use_errno=True)


def socket_in(namespace, family=socket.AF_INET, kind=socket.SOCK_DGRAM):
    """A socket of a network namespace, made from outside of it."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    away = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if _libc.setns(away, 0):
            raise OSError(ctypes.get_errno(), "setns")
        made = socket.socket(family, kind)
        _libc.setns(home, 0)
        return made
    finally:
        os.close(home)
        os.close(away)


def encode(value):
    """Bencode."""
    if isinstance(value, dict):
        return b"d" + b"".join(encode(k) + encode(value[k]) for k in sorted(value)) + b"e"
    if isinstance(value, (list, tuple)):
        return b"l" + b"".join(encode(v) for v in value) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    raw = value.encode() if isinstance(value, str) else value
    return b"%d:%s" % (len(raw), raw)


def decode(data, at=0):
    """The value at an offset of bencoded data, and the offset behind it. Strings stay bytes, keys become str."""
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in (b"d", b"l"):
        items = []
        at += 1
        while data[at:at + 1] != b"e":
            item, at = decode(data, at)
            items.append(item)
        if kind == b"l":
            return items, at + 1
        return {k.decode(): v for k, v in zip(items[::2], items[1::2])}, at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end], end


def sdp(ip, port):
    return (f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
            f"a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n")


def sdp_media(text):
    """(address, port) of the first stream."""
    ip = port = None
    for row in text.decode().splitlines():
        if row.startswith("c=IN IP4 "):
            ip = row[9:].strip()
        elif row.startswith("m=audio ") and port is None:
            port = int(row.split()[1])
    return ip, port


class Control:
    """The ng protocol over UDP: one request, one answer, a cookie of its own for each."""

    def __init__(self, namespace, port=2223):
        self.socket = socket_in(namespace)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))
        self.serial = 0

    def request(self, **fields):
        self.serial += 1
        cookie = f"{os.getpid()}_{self.serial}".encode()
        self.socket.send(cookie + b" " + encode(fields))
        while True:
            data = self.socket.recv(65535)
            if data.startswith(cookie + b" "):
                answer = decode(data, len(cookie) + 1)[0]
                if answer.get("result") not in (b"ok", b"pong"):
                    sys.exit(f"tests/bench/run: rtpengine: {fields['command']}: {answer}")
                return answer

    def call(self, caller, callee):
        """Offer and answer. ((relay address, port) that the caller sends to, the same of the callee, call id, tags)."""
        name = uuid.uuid4().hex
        common = {"call-id": name, "from-tag": "a" + name[:8], "ICE": "remove",
                  "replace": ["origin", "session-connection"], "transport-protocol": "RTP/AVP"}
        offer = self.request(command="offer", sdp=sdp(*caller), **common)
        answer = self.request(command="answer", sdp=sdp(*callee), **{"to-tag": "b" + name[:8]}, **common)
        return sdp_media(answer["sdp"]), sdp_media(offer["sdp"]), name

    def delete(self, name):
        self.request(command="delete", **{"call-id": name, "from-tag": "a" + name[:8]})


def start(run, namespace, address, threads=1, core=None, ports=(20000, 59998), nice=-20):
    """One rtpengine, its packets and its control on `core`; the process and a Control that has answered."""
    command = ["prlimit", f"--nofile={FILES}", "rtpengine", "--foreground", "--log-stderr", "--log-level=3",
               "--table=-1", f"--interface={address}", "--listen-ng=127.0.0.1:2223", f"--port-min={ports[0]}",
               f"--port-max={ports[1]}", f"--num-threads={threads}", "--timeout=3600", "--silent-timeout=3600",
               "--delete-delay=0", f"--pidfile={run.path('rtpengine.pid')}"]
    process = run.start("rtpengine", command, namespace=namespace, core=core, nice=nice)
    control = Control(namespace)
    control.socket.settimeout(0.1)
    for _ in range(100):
        try:
            control.request(command="ping")
            break
        except OSError:
            if process.poll() is not None:
                run.died(process)
            time.sleep(0.05)
    else:
        sys.exit("tests/bench/run: rtpengine does not answer a ping")
    control.socket.settimeout(5)
    return process, control
