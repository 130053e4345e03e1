# SPDX-License-Identifier: BSD-3-Clause
"""What befalls a call at its edges: messages too long for UDP, lost and doubled ones, loops, parties that ring for ever,
forged Vias, answers that are none, IPv6 over TLS. Part of dialogs.py, in the time in which that waits for an ACK."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../lib"))
from duo import *  # noqa: E402,F403

TO_C = "+15559999"
TO_SIX = "+15556660"
LONG = PCMA + "".join(f"a=x-long-{i}:{'y' * 60}\r\n" for i in range(20))


def hold_and_resume(x, y):
    change(x, y, x.sdp(direction="sendonly"), y.sdp(direction="recvonly"))
    silent(y, x)
    change(x, y, x.sdp(), y.sdp())
    talk(x, y)


def too_long(a, b):
    def came(m, leg):
        demand(len(m.text) > 1300, "it is long:", len(m.text))
        if leg.party.transport == "udp" and not m.status:
            demand(m.source in leg.party.streams and m.get("Via").startswith("SIP/2.0/TCP"),
                   "what is too long for UDP comes by TCP:", m.get("Via"))
        return m

    def scenario():
        """INVITE, 200 and re-INVITE above 1,300 octets, of either side"""
        x = dial(a, LONG)
        y = ring(b)
        came(y.server, y)
        body = y.sdp(LONG)
        y.hears(y.server)
        y.respond(y.server, 200, body)
        came(x.ok(), x)
        y.expect("ACK")
        talk(x, y)
        for one, other in ((y, x), (x, y)):
            one.invite(one.sdp(LONG.replace("y" * 20, "z" * 20)))
            other.answer(came(other.expect("INVITE"), other), other.sdp(LONG))
            came(one.ok(), one)
            talk(x, y)
        end(x, y)
    return scenario


def losses(a, b):
    def again(leg, request):
        """As its transaction would."""
        leg.party.send(leg.party.answered[request.branch(), request.method], request.source)

    def scenario():
        """everything that UDP can lose of a call with TLS on the other side, lost"""
        u = a if a.transport == "udp" else b
        u.lose = {"INVITE": 1, "ACK": 1, 200: 2, "BYE": 1}
        x = dial(a)
        y = ring(b)
        body = y.sdp()
        y.hears(y.server)
        y.respond(y.server, 200, body)
        x.ok()
        if u is b:
            wait_for(lambda: not u.lose["ACK"], "the ACK got lost")
            again(y, y.server)
        y.expect("ACK")
        talk(x, y)
        near, far = (x, y) if u is a else (y, x)
        u.lose["INVITE"] = 1
        far.invite(far.sdp(direction="sendonly"))
        m = near.expect("INVITE")
        near.answer(m, near.sdp(direction="recvonly"), ack=False)
        far.ok()
        if u is a:
            wait_for(lambda: not u.lose["ACK"], "the ACK got lost")
            again(near, m)
        near.expect("ACK")
        silent(near, far)
        change(far, near, far.sdp(), near.sdp())
        talk(x, y)
        demand(not u.lose["INVITE"] and u.lose["BYE"], "all of it got lost")
        end(far, near)
        # A refusal and its ACK.
        u.lose = {486: 2, "ACK": 1}
        x = dial(a)
        y = ring(b)
        y.respond(y.server, 486)
        if u is b:
            wait_for(lambda: not u.lose["ACK"], "the ACK got lost")
            again(y, y.server)
        y.expect("ACK")
        x.ack(x.expect(486))
        u.lose = {}
        done(x, y)
    return scenario


def doubled(a, b):
    def scenario():
        """everything that is sent by UDP, sent twice"""
        u = a if a.transport == "udp" else b
        u.twice = True
        x, y = call(a, b)
        talk(x, y)
        for one, other in ((x, y), (y, x)):
            hold_and_resume(one, other)
            one.request("INFO", "Signal=5\r\n", kind="application/dtmf-relay")
            other.respond(other.expect("INFO"), 200)
            one.expect(200, "INFO")
        end(y, x)
        x = dial(a)
        y = ring(b)
        y.respond(y.server, 180)
        x.expect(180)
        x.cancel()
        x.expect(200, "CANCEL")
        y.respond(y.expect("CANCEL"), 200)
        y.respond(y.server, 487)
        y.expect("ACK")
        x.ack(x.expect(487))
        settle()
        u.twice = False
        done(x, y)
    return scenario


def sent_on(party, m, number, hops):
    """That INVITE, as a proxy sends it on to us with another number."""
    start, _, rest = m.text.partition("\r\n")
    branch = f"z9hG4bK{random.getrandbits(60):x}"
    text = re.sub(r"Max-Forwards: \d+", f"Max-Forwards: {hops}", rest, 1)
    party.send(f"INVITE sip:{number}@{HAWSE} SIP/2.0\r\nVia: SIP/2.0/{party.transport.upper()} {party.ip}:{party.port};"
               f"branch={branch};rport\r\n{text}")
    return branch


def came_back(party, branch):
    def find():
        for m in party.inbox:
            if m.status >= 200 and m.branch() == branch:
                party.inbox.remove(m)
                return m
    m = wait_for(find, "the proxy gets no answer")
    vias = f"Via: {m.get('Via')}\r\n"
    party.send(f"ACK sip:{HAWSE} SIP/2.0\r\n{vias}Max-Forwards: 70\r\nFrom: {m.get('From')}\r\nTo: {m.get('To')}\r\n"
               f"Call-ID: {m.get('Call-ID')}\r\nCSeq: {m.cseq} ACK\r\nContent-Length: 0\r\n\r\n")
    return m


def refuse(leg, status):
    leg.respond(leg.server, status)
    leg.expect("ACK")


def loop(a, c):
    def scenario():
        """a proxy that sends a call back to us: 482 for the same number, 483 when it has gone round too often"""
        x = dial(a, number=TO_C)
        z = ring(c)
        m = came_back(c, sent_on(c, z.server, TO_C, 68))
        demand(m.status == 482, "it is a loop:", m.start)
        refuse(z, 482)
        x.ack(x.expect(482))
        done(x, z)
        x = Leg(a)
        x.begin(TO_C)
        body = x.sdp()
        send, a.send = a.send, lambda t, to=None: send(t.replace("Max-Forwards: 70", "Max-Forwards: 3"), to)
        x.invite(body)
        a.send = send
        first = ring(c)
        demand(first.server.get("Max-Forwards") == "2", "one less:", first.server.text)
        one = sent_on(c, first.server, "+15550001", 1)
        second = ring(a)
        demand(second.server.get("Max-Forwards") == "0", "the last hop:", second.server.text)
        m = came_back(a, sent_on(a, second.server, TO_C, 0))
        demand(m.status == 483, "too many hops:", m.start)
        refuse(second, 483)
        m = came_back(c, one)
        demand(m.status == 483, "and who sent it there hears so:", m.start)
        refuse(first, 483)
        x.ack(x.expect(483))
        c.inbox = [m for m in c.inbox if m.status not in (100, 180)]
        done(x, first, second)
    return scenario


def ring_for_ever(a, b):
    """Two calls that ring from now on, one from each side; to be looked after by rang()."""
    out = []
    for one, other in ((a, b), (b, a)):
        x = dial(one)
        y = ring(other)
        y.respond(y.server, 180)
        x.expect(180)
        out.append((x, y))
    return out


def rang(calls):
    def scenario():
        """nobody answers for longer than a call may ring (Timer C): CANCEL with a Reason, and 408"""
        for x, y in calls:
            c = y.expect("CANCEL", seconds=60)
            demand("ring timeout" in c.get("Reason"), "it says why:", c.text)
            y.respond(c, 200)
            y.respond(y.server, 487)
            y.expect("ACK")
            x.ack(x.expect(408))
            done(x, y)
    return scenario


def forged(a, b, c):
    def scenario():
        """a Via that names somebody else: the answer goes to where the request came from"""
        for p in (a, b):
            for via in (f"{c.ip}:5060", f"{p.ip}:{p.port};received={c.ip}", f"{p.ip};maddr={c.ip};rport=5060"):
                x = Leg(p)
                x.begin("+15550002")
                send = p.send
                p.send = lambda t, to=None: send(re.sub(r"(Via: SIP/2.0/\w+) [^;]+;", rf"\1 {via};", t, 1), to)
                x.request("OPTIONS")
                p.send = send
                m = x.expect(200, "OPTIONS")
                demand(f"received={p.ip}" in m.get("Via"), "it says from where it came:", m.get("Via"))
        settle()
        demand(not c.inbox, "nobody else hears of it")
        log.clear()  # a and b were told of c what they had said themselves
    return scenario


def no_answers(a, b):
    def scenario():
        """answers of the callee that are none change nothing; one that cannot be used ends its call, and no other"""
        x = dial(a)
        y = ring(b)
        body = y.sdp()
        y.respond(y.server, 180)
        x.expect(180)
        good = b.answered[y.server.branch(), "INVITE"].replace("180 Because", "200 OK")
        for junk in (re.sub(r"CSeq: .*\r\n", "", good), re.sub(r"CSeq: \d+", "CSeq: 99999999999", good),
                     re.sub(r"branch=z9hG4bK\w+", "branch=z9hG4bKnobodys", good), good.replace("SIP/2.0 200", "SIP/2.0 2000"),
                     good.replace("SIP/2.0 200", "SIP/7.0 200"), good.replace("Via: ", "Vaa: "),
                     re.sub(r"INVITE\r\n", "REGISTER\r\n", good), re.sub(r"To: .*\r\n", "", good)):
            b.send(junk, y.server.source)
        if b.transport == "udp":
            b.send(good.replace("Content-Length: 0", "Content-Length: -1"), y.server.source)
            b.send(good[:90], y.server.source)
        settle()
        demand(not a.inbox, "the caller hears nothing of it", a.inbox and a.inbox[0].text)
        y.hears(y.server)
        y.respond(y.server, 200, body)
        x.ok()
        y.expect("ACK")
        talk(x, y)
        z = dial(a)
        w = ring(b)
        w.respond(w.server, 200, "v=0\r\no=- 1 1 IN IP4 10.99.2.2\r\nm=audio none RTP/AVP 8\r\n")
        w.expect("ACK")
        w.respond(w.expect("BYE"), 200)
        z.ack(z.expect(502))
        done(z, w)
        talk(x, y)
        end(y, x)
    return scenario


def over_six(a, six):
    def scenario():
        """IPv6 over TLS, called and calling: hold and resume by either, RTP between the families"""
        x = dial(a, number=TO_SIX)
        y = ring(six)
        body = y.sdp()
        y.hears(y.server)
        y.respond(y.server, 200, body)
        x.ok()
        y.expect("ACK")
        talk(x, y)
        hold_and_resume(x, y)
        hold_and_resume(y, x)
        end(x, y)
        y, x = call(six, a)
        talk(x, y)
        hold_and_resume(y, x)
        hold_and_resume(x, y)
        end(y, x)
    return scenario


def scenarios(a, b, c, six):
    return [too_long(a, b), losses(a, b), doubled(a, b), loop(a, c), forged(a, b, c), no_answers(a, b),
            no_answers(b, a), over_six(a, six)]
