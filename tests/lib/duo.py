# SPDX-License-Identifier: BSD-3-Clause
"""SIP parties with RTP, each in a network namespace of its own and all in one process, so that a scenario says in
which order things happen and never waits for a time.

    a = Party("caller", "10.99.1.2", "udp"); b = Party("callee", "10.99.2.2", "tls", "callee.pem", "callee.key")
    x, y = call(a, b)                       # two legs of a call that is up
    talk(x, y)                              # RTP both ways, every packet accounted for
    x.invite(x.sdp(direction="sendonly"))
    y.answer(y.expect("INVITE"))
    ...

Repetitions of messages are answered as RFC 3261 says and shown to no scenario; `party.repeats` counts them. What UDP loses
or doubles: `party.lose = {"BYE": 2, 200: 1}` throws the next ones away that come, `party.twice = True` sends everything twice.
NET is the prefix of the namespaces' names. Environment: HAWSE4, HAWSE6, NET.
"""
import ctypes
import os
import random
import re
import select
import socket
import ssl
import struct
import sys
import time

HAWSE = os.environ.get("HAWSE4", "10.99.0.1")
HAWSE6 = os.environ.get("HAWSE6", "fd00:99::1")
NET = os.environ["NET"]
DIR = os.environ["DIR"]
TIMEOUT = 15
libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    pass


def demand(what, why, *more):
    if not what:
        raise Failed(" ".join([why, *map(str, more)]))


def inside(party, make):
    """make() in that namespace; sockets made there stay there."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{NET}-{party}", os.O_RDONLY)
    try:
        demand(libc.setns(there, 0x40000000) == 0, f"cannot enter {party}")
        return make()
    finally:
        libc.setns(here, 0x40000000)
        os.close(here)
        os.close(there)


# ---- messages ----------------------------------------------------------------------------------------------

class Message:
    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        self.text, self.start = text, lines[0]
        self.fields = [tuple(s.strip() for s in line.split(":", 1)) for line in lines[1:] if ":" in line]
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0
        self.uri = "" if self.status else self.start.split()[1]
        self.cseq, self.method = self.get("CSeq").split()[:2]

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name):
        return (self.all(name) or [""])[0]

    def tag(self, name):
        found = re.search(r";\s*tag=([^;,\s]+)", self.get(name))
        return found.group(1) if found else ""

    def branch(self):
        return re.search(r"branch=([^;,\s]+)", self.get("Via")).group(1)

    def contact(self):
        return re.search(r"<([^>]+)>", self.get("Contact")).group(1)

    def media(self):
        """The m-lines: kind, port, proto, formats, ip, direction, lines."""
        session, *parts = re.split(r"(?m)^m=", self.body)
        ip = re.search(r"(?m)^c=IN IP[46] (\S+)", session)
        out = []
        for part in parts:
            kind, port, proto, *formats = part.split("\r\n")[0].split()
            own = re.search(r"(?m)^c=IN IP[46] (\S+)", part) or ip
            direction = re.search(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)", part)
            out.append(Line(kind, int(port), proto, formats, own.group(1) if own else "",
                            direction.group(1) if direction else "sendrecv", part.split("\r\n")[1:]))
        return out

    def version(self):
        return int(re.search(r"(?m)^o=\S+ \S+ (\d+)", self.body).group(1))


class Line:
    def __init__(self, kind, port, proto, formats, ip, direction, lines):
        self.kind, self.port, self.proto, self.formats = kind, port, proto, formats
        self.ip, self.direction, self.lines = ip, direction, lines

    def number(self, codec):
        """The payload type that this codec has in it."""
        for line in self.lines:
            found = re.match(rf"a=rtpmap:(\d+) {re.escape(codec)}", line, re.I)
            if found and found.group(1) in self.formats:
                return int(found.group(1))
        static = {"PCMU/8000": "0", "PCMA/8000": "8"}.get(codec)
        return int(static) if static in self.formats else None


# ---- parties -----------------------------------------------------------------------------------------------

parties, log = [], []


def host(ip):
    return f"[{ip}]" if ":" in ip else ip


def family(ip):
    return "IP6" if ":" in ip else "IP4"


class Party:
    """`also_tcp`: one of UDP that takes by TCP what is too long for UDP (RFC 3261 18.1.1)."""

    def __init__(self, name, ip, transport="udp", certificate=None, key=None, space=None, port=None, also_tcp=False):
        self.name, self.ip, self.transport, self.space = name, ip, transport, space or name
        self.hawse = HAWSE6 if ":" in ip else HAWSE
        self.lose, self.twice, self.tcp = {}, False, None
        self.secrets = {ip}  # what nobody else may see
        self.port = port or (5061 if transport == "tls" else 5060)
        self.inbox, self.repeats, self.legs = [], {}, {}
        self.answered, self.seen, self.acks = {}, set(), {}
        self.streams, self.buffers = [], {}
        self.context = self.edit = None
        if transport == "udp":
            self.socket = inside(self.space, lambda: self.bind(socket.SOCK_DGRAM))
            if also_tcp:
                self.tcp = inside(self.space, lambda: self.bind(socket.SOCK_STREAM))
                self.tcp.listen(16)
        else:
            self.socket = inside(self.space, lambda: self.bind(socket.SOCK_STREAM))
            self.socket.listen(16)
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate, key)
            self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.client.check_hostname, self.client.verify_mode = False, ssl.CERT_NONE
            self.client.load_cert_chain(certificate, key)
        parties.append(self)

    def bind(self, kind):
        s = socket.socket(socket.AF_INET6 if ":" in self.ip else socket.AF_INET, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((self.ip, self.port))
        return s

    def listeners(self):
        return [self.socket, *([self.tcp] if self.tcp else [])]

    def close(self):
        parties.remove(self)
        for s in [*self.listeners(), *self.streams]:
            s.close()

    # -- the wire

    def connect(self):
        s = inside(self.space, lambda: socket.create_connection((self.hawse, 5061), TIMEOUT, (self.ip, 0)))
        return self.take_stream(self.client.wrap_socket(s))

    def take_stream(self, s):
        s.settimeout(TIMEOUT)
        self.streams.append(s)
        self.buffers[s] = b""
        return s

    def send(self, text, to=None):
        """to: the connection or address that a request came by. `edit` makes of a message what others would write."""
        text = self.edit(text) if self.edit else text
        log.append((time.time(), f"{self.name} -> hawse", text))
        if self.transport == "udp" and to not in self.streams:
            for _ in range(2 if self.twice else 1):
                self.socket.sendto(text.encode(), to or (self.hawse, 5060))
            return
        if to not in self.streams:
            to = self.streams[0] if self.streams else self.connect()
        to.sendall(text.encode())

    def read(self, s):
        if s is self.socket and self.transport == "udp":
            data, source = s.recvfrom(65535)
            self.take(data.decode(), source)
        elif s is self.tcp:
            self.take_stream(s.accept()[0])
        elif s is self.socket:
            connection, _ = s.accept()
            connection.settimeout(TIMEOUT)
            try:
                self.take_stream(self.context.wrap_socket(connection, server_side=True))
            except (ssl.SSLError, OSError):
                connection.close()
        else:
            self.read_stream(s)

    def read_stream(self, s):
        try:
            data = s.recv(65535)
            while isinstance(s, ssl.SSLSocket) and s.pending():
                data += s.recv(s.pending())
        except (ssl.SSLError, OSError):
            data = b""
        if not data:
            self.streams.remove(s)
            s.close()
            return
        self.buffers[s] += data
        while True:
            rest = self.buffers[s].lstrip(b"\r\n")
            head, mark, body = rest.partition(b"\r\n\r\n")
            if not mark:
                return
            size = int(re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head).group(1))
            if len(body) < size:
                return
            self.buffers[s] = body[size:]
            self.take((head + mark + body[:size]).decode(), s)

    # -- messages

    def take(self, text, source):
        if not text.strip():
            return
        log.append((time.time(), f"hawse -> {self.name}", text))
        m = Message(text)
        m.source = source
        if self.lose.get(m.status or m.method, 0) > 0:
            self.lose[m.status or m.method] -= 1
            return
        key = (m.branch(), m.method, m.status and m.start, m.tag("To") if m.status else "")
        if m.method == "ACK":
            key = (m.get("Call-ID"), "ACK", m.cseq, m.branch())
        if key in self.seen:
            what = m.status or m.method
            self.repeats[what] = self.repeats.get(what, 0) + 1
            if m.status and m.method == "INVITE" and m.status >= 200:
                if (m.get("Call-ID"), m.cseq) in self.acks:
                    self.send(self.acks[m.get("Call-ID"), m.cseq], source)
            elif not m.status and (m.branch(), m.method) in self.answered:
                self.send(self.answered[m.branch(), m.method], source)
            return
        self.seen.add(key)
        if m.status != 100:
            self.inbox.append(m)

    def ready(self):
        return [s for s in self.streams if isinstance(s, ssl.SSLSocket) and s.pending()]


def pump(seconds):
    """Reads what comes within that time, or what is there and then returns at once when something came."""
    sockets = {s: p.read for p in parties for s in [*p.listeners(), *p.streams]}
    sockets.update({s: m.read for m in list(Media.open) for s in (m.rtp, m.rtcp)})
    ready, _, _ = select.select(list(sockets), [], [], max(0, seconds))
    for s in ready:
        if s.fileno() >= 0:
            sockets[s](s)
    return bool(ready)


def wait_for(what, why, seconds=TIMEOUT):
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        left = end - time.monotonic()
        if left <= 0:
            raise Failed(why() if callable(why) else why)
        pump(min(left, 0.1))


def settle(seconds=0.15):
    """Time in which something that must not come would come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pump(end - time.monotonic())


# ---- media -------------------------------------------------------------------------------------------------

class Media:
    """The socket pair of one m-line."""
    open = []
    port = 40000

    def __init__(self, party, ip=None):
        self.party, self.ip = party, ip or party.ip
        Media.port += 2
        self.port = Media.port
        self.rtp, self.rtcp = inside(party.space, lambda: (self.bind(0), self.bind(1)))
        self.ssrc, self.seq, self.ts = random.getrandbits(32), random.getrandbits(15), random.getrandbits(31)
        self.remote, self.got = None, []
        Media.open.append(self)

    def bind(self, more):
        s = socket.socket(socket.AF_INET6 if ":" in self.ip else socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, 1 << 20)  # SO_RCVBUFFORCE
        s.bind((self.ip, self.port + more))
        return s

    def close(self):
        Media.open.remove(self)
        self.rtp.close()
        self.rtcp.close()

    def read(self, s):
        data, source = s.recvfrom(2048)
        source = source[:2]
        if s is self.rtp and len(data) >= 12 and not 192 <= data[1] <= 223:
            self.got.append((data[1] & 127, data[12:], source))

    def aim(self, line):
        self.remote = (line.ip, line.port)

    def send(self, pt, payload, step=160):
        self.seq, self.ts = self.seq + 1 & 0xffff, self.ts + step & 0xffffffff
        self.rtp.sendto(struct.pack("!BBHII", 0x80, pt, self.seq, self.ts, self.ssrc) + payload, self.remote)


def one_way(a, b, pt, seen, count, size, step):
    b.got.clear()
    said = []
    for i in range(count):
        said.append(os.urandom(size))
        a.send(pt, said[-1], step)
        settle(0.004)
    wait_for(lambda: len(b.got) >= count, lambda: f"{b.party.name} got {len(b.got)} of {count} packets of {a.party.name}"
             f" ({a.ip}:{a.port} to {a.remote}, for {b.ip}:{b.port})")
    for (number, payload, source), want in zip(b.got, said):
        demand(number == seen, f"{b.party.name} got payload type {number}, not {seen}")
        demand(payload == want, f"{b.party.name} got another payload than was said")
        demand(source == b.remote, f"{b.party.name} got it from {source}, not from {b.remote}")


def reach(a, b, pt=8):
    """Until b hears a: early media are passed on while hawse-media is still being told of them."""
    b.got.clear()

    def heard():
        a.send(pt, os.urandom(160))
        settle(0.02)
        return b.got
    wait_for(heard, f"{b.party.name} hears nothing of {a.party.name}")
    settle(0.05)


def talk(x, y, pt=8, other=None, back=None, back_other=None, count=8, size=160, step=160, line=0):
    """RTP both ways between the m-lines of two legs. `other`: as which payload type y sees what x sends as pt."""
    back = pt if back is None else back
    one_way(x.media[line], y.media[line], pt, pt if other is None else other, count, size, step)
    one_way(y.media[line], x.media[line], back, back if back_other is None else back_other, count, size, step)


def silent(x, y, pt=8, line=0):
    """What x says does not reach y."""
    y.media[line].got.clear()
    for _ in range(5):
        x.media[line].send(pt, os.urandom(160))
    settle(0.3)
    demand(not y.media[line].got, f"{y.party.name} hears {x.party.name}")


# ---- legs --------------------------------------------------------------------------------------------------

PCMA = "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"


class Leg:
    """A dialog of a party, from its beginning on."""

    def __init__(self, party, user=None):
        self.party = party
        self.call_id = f"{random.getrandbits(48):x}@{party.name}"
        self.tag, self.remote_tag = f"{random.getrandbits(32):x}", ""
        self.uas, self.cseq, self.version = False, random.randint(1, 500), random.randint(1, 9000)
        party.secrets |= {self.tag, self.call_id}
        user = user or ("+15550001" if party.name == "caller" else "+15550002")
        self.user, self.local, self.remote, self.target = user, "", "", ""
        self.session, self.branch, self.last_invite, self.server = random.getrandbits(31), "", None, None
        self.media = []

    # -- SDP

    def m(self, i=0, ip=None):
        while len(self.media) <= i:
            self.media.append(Media(self.party, ip))
        return self.media[i]

    def moved(self, i=0, ip=None):
        """Another socket, the same stream."""
        old = self.media[i]
        new = Media(self.party, ip)
        new.ssrc, new.seq, new.ts, new.remote = old.ssrc, old.seq, old.ts, old.remote
        old.close()
        self.media[i] = new
        return self

    def sdp(self, lines=PCMA, direction="", more="", ip=None, same=False, origin=None):
        """`lines`: m-lines, {port} in each the port of its socket, {v} that of the next one."""
        parts = re.split(r"(?m)^(?=m=)", lines)
        text = "".join(p.replace("{port}", str(self.m(i).port)) for i, p in enumerate(p for p in parts if p))
        self.version += not same
        ip = ip or (self.media[0].ip if self.media else self.party.ip)
        direction = f"a={direction}\r\n" if direction else ""
        where = f"IN {family(ip)} {ip}"
        return (f"v=0\r\no=- {self.session} {self.version} {where}\r\ns=-\r\nc={where}\r\nt=0 0\r\n"
                f"{more}{text}{direction}")

    def hears(self, message):
        """Where its own media go from now on."""
        for i, line in enumerate(message.media()):
            if line.port and i < len(self.media):
                self.media[i].aim(line)
        return message

    # -- requests

    def contact(self):
        param = "" if self.party.transport == "udp" else ";transport=tls"
        return f"Contact: <sip:{self.user}@{host(self.party.ip)}:{self.party.port}{param}>\r\n"

    def write(self, method, branch, cseq, body="", lines="", kind="application/sdp", to=None):
        via = {"udp": "UDP", "tls": "TLS"}[self.party.transport]
        end = f"Content-Type: {kind}\r\n" if body else ""
        return (f"{method} {self.target} SIP/2.0\r\nVia: SIP/2.0/{via} {host(self.party.ip)}:{self.party.port};branch={branch};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: {self.local}\r\nTo: {to or self.remote}\r\nCall-ID: {self.call_id}\r\n"
                f"CSeq: {cseq} {method}\r\n{lines}{end}Content-Length: {len(body.encode())}\r\n\r\n{body}")

    def begin(self, number):
        self.target = f"sip:{number}@{host(self.party.hawse)}"
        self.local = f"<sip:{self.user}@{host(self.party.ip)}>;tag={self.tag}"
        self.remote = f"<{self.target}>"

    def request(self, method, body="", lines="", kind="application/sdp"):
        self.cseq += 1
        branch = f"z9hG4bK{random.getrandbits(60):x}"
        self.party.secrets.add(branch)
        if method in ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"):
            lines = self.contact() + lines
        text = self.write(method, branch, self.cseq, body, lines, kind)
        if method == "INVITE":
            self.branch, self.invite_cseq, self.invite_uri = branch, self.cseq, self.target
        self.party.send(text)
        return self

    def invite(self, body="", lines="", allow="INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY"):
        return self.request("INVITE", body, f"Allow: {allow}\r\n{lines}")

    def cancel(self, lines=""):
        text = self.write("CANCEL", self.branch, self.invite_cseq, lines=lines)
        self.party.send(text.replace(f"CANCEL {self.target} ", f"CANCEL {self.invite_uri} ", 1))
        return self

    def ack(self, answer, body=""):
        branch = self.branch if answer.status >= 300 else f"z9hG4bK{random.getrandbits(60):x}"
        text = self.write("ACK", branch, self.invite_cseq, body, to=answer.get("To"))
        self.party.acks[self.call_id, answer.cseq] = text
        self.party.send(text)
        return self

    # -- what comes

    def expect(self, what, method=None, seconds=TIMEOUT):
        """The next request of that method, or response of that status, of this dialog."""
        def find():
            for m in self.party.inbox:
                if m.get("Call-ID") == self.call_id and (m.status or m.method) == what and method in (None, m.method):
                    self.party.inbox.remove(m)
                    return m
        m = wait_for(find, lambda: f"{self.party.name} waits in vain for {what}; it has " +
                     (", ".join(i.start for i in self.party.inbox) or "nothing"), seconds)
        if m.status and self.remote_tag == "" and m.status > 100 and m.status < 300:
            self.remember(m)
        if m.status and 200 <= m.status < 300 and m.method == "INVITE":
            self.remember(m)
        if m.method == "INVITE" and not m.status:
            self.server = m
            self.target = m.contact()
        return m

    def remember(self, m):
        self.remote, self.remote_tag = m.get("To"), m.tag("To")
        self.target = m.contact() if m.get("Contact") else self.target

    def take(self, invite):
        """This leg is the callee's of that INVITE."""
        self.uas, self.server, self.call_id = True, invite, invite.get("Call-ID")
        self.party.secrets.add(self.call_id)
        self.local = f"{invite.get('To')};tag={self.tag}"
        self.remote, self.target = invite.get("From"), invite.contact()
        return self

    def respond(self, request, status, body="", lines="", tag=None, kind="application/sdp", phrase="Because"):
        vias = "".join(f"Via: {v}\r\n" for v in request.all("Via"))
        to = request.get("To")
        to += "" if "tag=" in to or status == 100 else f";tag={tag or self.tag}"
        contact = self.contact() if status < 300 and request.method in ("INVITE", "UPDATE", "SUBSCRIBE", "REFER") else ""
        end = f"Content-Type: {kind}\r\n" if body else ""
        text = (f"SIP/2.0 {status} {phrase}\r\n{vias}From: {request.get('From')}\r\nTo: {to}\r\nCall-ID: {self.call_id}\r\n"
                f"CSeq: {request.get('CSeq')}\r\n{contact}{lines}{end}Content-Length: {len(body.encode())}\r\n\r\n{body}")
        self.party.answered[request.branch(), request.method] = text
        self.party.send(text, request.source)
        return self

    def answer(self, request, body=None, lines="", ack=True):
        """200 with an answer, and its ACK."""
        body = self.sdp() if body is None else body
        self.hears(request)
        self.respond(request, 200, body, lines)
        if ack and request.method == "INVITE":
            self.expect("ACK")
        return self

    def ok(self, status=200, method=None):
        """The answer to an INVITE of ours: taken and acknowledged."""
        m = self.expect(status, method or "INVITE")
        if m.body:
            self.hears(m)
        if m.method == "INVITE":
            self.ack(m)
        return m

    def bye(self):
        self.request("BYE")
        return self

    def close(self):
        for m in self.media:
            m.close()
        self.media = []


def ring(party, seconds=TIMEOUT):
    """The next new INVITE for a party, as a leg."""
    def find():
        for m in party.inbox:
            if m.method == "INVITE" and not m.status and not m.tag("To"):
                party.inbox.remove(m)
                return m
    return Leg(party).take(wait_for(find, lambda: f"{party.name} is not called; it has " +
                                    (", ".join(i.start for i in party.inbox) or "nothing"), seconds))


def dial(a, offer=PCMA, lines="", number="+15550002", user=None, **more):
    x = Leg(a, user)
    x.begin(number)
    x.invite(x.sdp(offer) if offer else "", lines, **more)
    return x


def call(a, b, offer=PCMA, answer=None, lines="", ok="", **more):
    """A call that is up: the caller's leg and the callee's."""
    x = dial(a, offer, lines, **more)
    y = ring(b)
    body = y.sdp(answer or offer)
    y.respond(y.server, 180)
    y.hears(y.server)
    y.respond(y.server, 200, body, ok)
    x.ok()
    y.expect("ACK")
    return x, y


def change(x, y, offer, answer=None):
    """A re-INVITE of x that y answers; what y saw, and what x was answered."""
    x.invite(offer)
    seen = y.expect("INVITE")
    y.answer(seen, answer)
    return seen, x.ok()


def end(x, y):
    """Either hangs up, and nothing is left over."""
    x.bye()
    y.respond(y.expect("BYE"), 200)
    x.expect(200, "BYE")
    done(x, y)


def done(*legs):
    for leg in legs:
        left = [m.start for m in leg.party.inbox if m.get("Call-ID") == leg.call_id and m.status not in (180, 183)]
        leg.party.inbox = [m for m in leg.party.inbox if m.get("Call-ID") != leg.call_id]
        leg.close()
        demand(not left, f"{leg.party.name} got what nobody expected:", left)


def party(name, transport, ip=None, space=None, port=None, **more):
    """With the certificate of that name in $DIR."""
    return Party(name, ip or os.environ[name.upper() + "4"], transport, f"{DIR}/{name}.pem", f"{DIR}/{name}.key", space, port,
                 **more)


asked = 0


def configure(office="", carrier="", more=""):
    """Keys of the two peers, and peers of their own; duo.sh has Hawse take them over."""
    global asked
    asked += 1
    with open(f"{DIR}/want.new", "w") as f:
        f.write(f"{office}\n{carrier}\n{more}\n")
    os.rename(f"{DIR}/want.new", f"{DIR}/want")
    wait_for(lambda: os.path.exists(f"{DIR}/have-{asked}"), "the configuration is not taken over", 60)


def hidden():
    """In no header and no body is one side told anything of the other: address, Call-ID, tag, branch."""
    for _, way, text in log:
        if not way.startswith("hawse -> "):
            continue
        for p in parties:
            if p.name != way[9:]:
                for secret in p.secrets:
                    demand(secret not in text, f"{way[9:]} is told {secret} of {p.name}:\n{text}")


def run(scenarios, title=""):
    """Each in turn, with what it tells one side of the other; the first that fails says what went over the wire."""
    for scenario in scenarios:
        log.clear()
        name = (scenario.__doc__ or scenario.__name__).strip().split("\n")[0]
        try:
            scenario()
            hidden()
        except (Failed, OSError, AttributeError, TypeError, IndexError, KeyError, ValueError) as e:
            first = log[0][0] if log else 0
            for at, way, text in log:
                print(f"--- {at - first:.3f} {way}\n{text}")
            print(f"FAILED {title}{name}: {type(e).__name__} {e}")
            sys.stdout.flush()
            if not os.environ.get("GO_ON"):
                raise SystemExit(1)
            for p in parties:
                p.inbox, p.edit = [], None
            continue
        print(f"ok {title}{name}", flush=True)
