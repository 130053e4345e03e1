# SPDX-License-Identifier: BSD-3-Clause
"""Offer and answer inside calls (RFC 3264, 6337, 6141), each begun by the caller and by the callee, RTP checked both ways
after each change. Run by offers.sh."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../lib"))
from duo import *  # noqa: E402,F403

PCMU = "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
VIDEO = "m=video {port} RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"
NO_VIDEO = "m=video 0 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"


def either(a, b, scenario):
    """With the caller, and with the callee, as the one who begins."""
    def begin(first):
        def run_it():
            x, y = call(a, b)
            talk(x, y)
            if first == 0:
                scenario(x, y)
            else:
                scenario(y, x)
            end(x, y)
        run_it.__doc__ = f"{scenario.__doc__}, {['caller', 'callee'][first]}'s side"
        return run_it
    return [begin(0), begin(1)]


# ---- what a call with audio goes through: x begins -----------------------------------------------------------

def codec(x, y):
    """another codec and back"""
    change(x, y, x.sdp(PCMU), y.sdp(PCMU))
    talk(x, y, 0)
    change(x, y, x.sdp(PCMA), y.sdp(PCMA))
    talk(x, y, 8)


def numbers(x, y):
    """payload types that differ on the two sides"""
    offer = "m=audio {port} RTP/AVP 97 101\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    x.invite(x.sdp(offer))
    seen = y.expect("INVITE")
    there = seen.media()[0].number("iLBC/8000")
    demand(there is not None, "the codec is offered")
    y.answer(seen, y.sdp("m=audio {port} RTP/AVP 120 121\r\na=rtpmap:120 iLBC/8000\r\na=rtpmap:121 telephone-event/8000\r\na=fmtp:121 0-15\r\n"))
    told = x.ok().media()[0].number("iLBC/8000")
    demand(told is not None, "the codec is answered")
    talk(x, y, told, 120, there, 97, size=50)
    change(x, y, x.sdp(PCMA), y.sdp(PCMA))
    talk(x, y)


def ptime(x, y):
    """ptime and maxptime"""
    seen, told = change(x, y, x.sdp(PCMA + "a=ptime:30\r\na=maxptime:60\r\n"), y.sdp(PCMA + "a=ptime:10\r\n"))
    demand("a=ptime:30" in seen.body and "a=maxptime:60" in seen.body, "the offer's ptime is seen:", seen.body)
    demand("a=ptime:10" in told.body, "the answer's ptime is seen:", told.body)
    one_way(x.media[0], y.media[0], 8, 8, 6, 80, 80)
    one_way(y.media[0], x.media[0], 8, 8, 6, 240, 240)


def moved(x, y):
    """another port, another address, and back"""
    home = x.party.ip
    for ip in (home, home + "2", home):  # 10.99.1.2 and 10.99.1.22
        old = (x.media[0].ip, x.media[0].port)
        x.moved(ip=ip)
        change(x, y, x.sdp())
        demand((x.media[0].ip, x.media[0].port) != old, "it has moved")
        talk(x, y)


def video(x, y):
    """video added, removed, used again"""
    seen, told = change(x, y, x.sdp(PCMA + VIDEO), y.sdp(PCMA + VIDEO))
    demand([line.kind for line in seen.media()] == ["audio", "video"] and seen.media()[1].port, "video is offered")
    demand(told.media()[1].port, "video is accepted")
    talk(x, y)
    talk(x, y, 99, line=1, size=900, step=3000)
    seen, told = change(x, y, x.sdp(PCMA + NO_VIDEO), y.sdp(PCMA + NO_VIDEO))
    demand(seen.media()[1].port == 0 and told.media()[1].port == 0, "video is removed")
    talk(x, y)
    x.moved(1)
    seen, told = change(x, y, x.sdp(PCMA + VIDEO), y.sdp(PCMA + VIDEO))
    demand(len(seen.media()) == 2 and seen.media()[1].port and told.media()[1].port, "the m-line is used again")
    talk(x, y)
    talk(x, y, 99, line=1, size=900, step=3000)


TEXT = ("m=text {port} RTP/AVP 100 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:100 red/1000\r\na=fmtp:100 98/98/98\r\n")


def text(x, y):
    """real-time text added, with redundancy, and removed"""
    seen, told = change(x, y, x.sdp(PCMA + TEXT), y.sdp(PCMA + TEXT))
    for m in (seen, told):
        line = m.media()[1]
        demand(line.kind == "text" and line.port and line.formats == ["100", "98"], "text is taken:", m.body)
        demand("a=fmtp:100 98/98/98" in m.body, "redundancy names what it repeats:", m.body)
    talk(x, y)
    talk(x, y, 100, line=1, size=12, step=300)
    change(x, y, x.sdp(PCMA + TEXT.replace("{port}", "0")), y.sdp(PCMA + TEXT.replace("{port}", "0")))
    talk(x, y)


def no_video(x, y):
    """video refused by the other side"""
    seen, told = change(x, y, x.sdp(PCMA + VIDEO), y.sdp(PCMA + NO_VIDEO))
    demand([line.port == 0 for line in told.media()] == [False, True], "the answer mirrors the offer:", told.body)
    talk(x, y)


def strange(x, y):
    """unknown attributes and m-lines"""
    offer = PCMA + "a=x-unheard-of:1 2 3\r\nm=application 9 UDP/BFCP *\r\na=floorctrl:c-only\r\n"
    x.invite(x.sdp(offer))
    seen = y.expect("INVITE")
    demand("a=x-unheard-of:1 2 3" in seen.body, "an unknown attribute is carried:", seen.body)
    demand([line.kind for line in seen.media()] == ["audio", "application"], "so is an m-line")
    y.answer(seen, y.sdp(PCMA + "m=application 0 UDP/BFCP *\r\n"))
    told = x.ok()
    demand([line.port == 0 for line in told.media()] == [False, True], "and declined as it is not RTP")
    talk(x, y)


def rejected(x, y):
    """a re-INVITE that is refused leaves the session as it was"""
    for status in (488, 606, 500):
        x.invite(x.sdp(PCMU, direction="inactive"))
        seen = y.expect("INVITE")
        y.respond(seen, status)
        y.expect("ACK")
        x.ack(x.expect(status))
        talk(x, y)
    seen, told = change(x, y, x.sdp())
    talk(x, y)


def glare(x, y):
    """both change it at once: 491 to both, and again"""
    x.invite(x.sdp(direction="sendonly"))
    y.invite(y.sdp(direction="inactive"))
    y.ack(y.expect(491))
    mine = y.expect("INVITE")
    y.respond(mine, 491)
    y.expect("ACK")
    x.ack(x.expect(491))
    talk(x, y)
    change(x, y, x.sdp(direction="sendonly"), y.sdp(direction="recvonly"))
    silent(y, x)
    change(y, x, y.sdp(), x.sdp())
    talk(x, y)


def late(x, y):
    """the offer in the 200, the answer in the ACK"""
    x.invite()
    request = y.expect("INVITE")
    demand(not request.body, "no offer goes over")
    y.moved()
    y.respond(request, 200, y.sdp(PCMU))
    ok = x.expect(200, "INVITE")
    x.hears(ok)
    x.ack(ok, x.sdp(PCMU))
    ack = y.expect("ACK")
    demand(ack.media()[0].port, "the ACK has the answer")
    y.hears(ack)
    talk(x, y, 0)


def refreshed(x, y):
    """a refresh without change is between us and who sends it"""
    same = x.sdp()
    change(x, y, same, y.sdp())
    for _ in range(2):
        x.invite(same)
        x.ok()
    settle()
    demand(not [m for m in y.party.inbox if m.method == "INVITE" and not m.status], "the other side hears nothing of it")
    # And so does who has answered last, by what it answered.
    y.invite(y.sdp(same=True))
    y.ok()
    settle()
    demand(not [m for m in x.party.inbox if m.method == "INVITE" and not m.status], "the other side hears nothing of that either")
    talk(x, y)


BROKEN = [
    ("no SDP at all", "nonsense", (400, 488)),
    ("no o= and no t=", "v=0\r\ns=-\r\nm=audio 4000 RTP/AVP 8\r\n", (400, 488)),
    ("a port that is none", "v=0\r\no=- 1 1 IN IP4 10.99.1.2\r\ns=-\r\nc=IN IP4 10.99.1.2\r\nt=0 0\r\nm=audio 99999 RTP/AVP 8\r\n", (400, 488)),
    ("an address that is none", "v=0\r\no=- 1 1 IN IP4 10.99.1.2\r\ns=-\r\nc=IN IP4 10.99.1.256\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n", (400, 488)),
    ("multicast", "v=0\r\no=- 1 1 IN IP4 10.99.1.2\r\ns=-\r\nc=IN IP4 224.2.1.1/127\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n", (488,)),
    ("no codec that has a name", "v=0\r\no=- 1 1 IN IP4 10.99.1.2\r\ns=-\r\nc=IN IP4 10.99.1.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\n", (488,)),
    ("no RTP", "v=0\r\no=- 1 1 IN IP4 10.99.1.2\r\ns=-\r\nc=IN IP4 10.99.1.2\r\nt=0 0\r\nm=audio 4000 TCP 8\r\n", (488,)),
]


def broken(x, y):
    """descriptions that cannot be read or used are refused with a Warning, and the call goes on"""
    for what, body, statuses in BROKEN:
        x.invite(body)
        m = wait_for(lambda: next((m for m in x.party.inbox if m.status >= 300 and m.get("Call-ID") == x.call_id), None),
                     f"no refusal of {what}")
        x.party.inbox.remove(m)
        demand(m.status in statuses, f"{what} is refused by {statuses}, not by", m.start)
        demand(m.get("Warning"), f"{what} is refused with a Warning:", m.text)
        x.ack(m)
    settle()
    demand(not [m for m in y.party.inbox if m.method == "INVITE" and not m.status], "the other side hears nothing of it")
    talk(x, y)


# ---- calls of their own --------------------------------------------------------------------------------------

def broken_calls(a, b):
    def scenario():
        """descriptions that cannot be read or used make no call"""
        for what, body, statuses in BROKEN:
            x = Leg(a)
            x.begin("+15550002")
            x.invite(body)
            m = wait_for(lambda: next((m for m in a.inbox if m.status >= 300 and m.get("Call-ID") == x.call_id), None),
                         f"no refusal of {what}")
            a.inbox.remove(m)
            demand(m.status in statuses, f"{what} is refused by {statuses}, not by", m.start)
            demand(m.get("Warning"), f"{what} is refused with a Warning:", m.text)
            x.ack(m)
            done(x)
        settle()
        demand(not b.inbox, "nobody is called")
    return scenario


def late_call(a, b):
    def scenario():
        """a call without an offer: it comes in the 200, the answer in the ACK"""
        x = dial(a, None)
        y = ring(b)
        demand(not y.server.body, "no offer goes over")
        y.respond(y.server, 200, y.sdp())
        ok = x.expect(200)
        x.m()
        x.hears(ok)
        x.ack(ok, x.sdp())
        y.hears(y.expect("ACK"))
        talk(x, y)
        end(x, y)
    return scenario


def nowhere(a, b):
    def scenario():
        """a party that names 127.0.0.1 is where its SIP comes from"""
        x = Leg(a)
        x.begin("+15550002")
        x.m()
        x.invite(x.sdp(ip="127.0.0.1"))
        y = ring(b)
        y.m()
        y.hears(y.server)
        y.respond(y.server, 200, y.sdp(ip="127.0.0.1"))
        x.ok()
        y.expect("ACK")
        talk(x, y)
        end(x, y)
    return scenario


def versions(a, b):
    def scenario():
        """o= names one session, and its version grows when the body changes, and only then"""
        x, y = call(a, b)
        first, _ = change(x, y, x.sdp(direction="sendonly"), y.sdp(direction="recvonly"))
        second, _ = change(x, y, x.sdp(), y.sdp())
        demand(second.version() == first.version() + 1, "one more:", first.version(), second.version())
        ids = {re.search(r"(?m)^o=(\S+ \S+)", m.body).group(1) for m in (y.server, first, second)}
        demand(len(ids) == 1, "one session:", ids)
        end(x, y)
    return scenario


for ways in (("udp", "tls"), ("tls", "udp")):
    a, b = party("caller", ways[0]), party("callee", ways[1])
    configure(f"transport: {ways[0]}", f"transport: {ways[1]}")
    scenarios = []
    for s in (codec, numbers, ptime, moved, video, text, no_video, strange, rejected, glare, late, refreshed, broken):
        scenarios += either(a, b, s)
    scenarios += [broken_calls(a, b), late_call(a, b), nowhere(a, b), versions(a, b)]
    run(scenarios, f"{ways[0]} to {ways[1]}: ")
    a.close()
    b.close()
