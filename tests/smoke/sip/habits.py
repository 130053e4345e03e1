# SPDX-License-Identifier: BSD-3-Clause
"""What phones and gateways write that no RFC asks for, and what RFC 2543 still allowed. Run by habits.sh."""
import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../lib"))
from duo import *  # noqa: E402,F403

PCMU = "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
VIDEO = "m=video {port} RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"


@contextlib.contextmanager
def writes(party, edit):
    """What it sends is edited meanwhile, with the length that the body has then."""
    def whole(text):
        head, _, body = edit(text).partition("\r\n\r\n")
        return re.sub(r"(?im)^(content-length|l)( *): *\d+", rf"\1\2: {len(body.encode())}", head) + "\r\n\r\n" + body
    party.edit = whole
    try:
        yield
    finally:
        party.edit = None


def only(what, edit):
    """Edits messages that begin so."""
    return lambda text: edit(text) if text.startswith(what) else text


def spoken(x, y, pt=8):
    talk(x, y, pt, count=4)


# ---- messages --------------------------------------------------------------------------------------------------

COMPACT = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m", "Content-Type": "c",
           "Content-Length": "l", "Supported": "k", "Subject": "s"}


def compact(text):
    head, _, body = text.partition("\r\n\r\n")
    for name, short in COMPACT.items():
        head = re.sub(rf"(?m)^{name}:", f"{short}:", head)
    return head + "\r\n\r\n" + body


def compact_forms():
    """compact header names"""
    with writes(a, compact), writes(b, compact):
        x, y = call(a, b)
        spoken(x, y)
        change(x, y, x.sdp(PCMU), y.sdp(PCMU))
        spoken(x, y, 0)
        end(x, y)


def shouted():
    """header names in capitals, with spaces before the colon, folded lines"""
    def loud(text):
        head, _, body = text.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        lines = [re.sub(r"^([\w-]+): ?", lambda m: m.group(1).upper() + " :  ", line) for line in lines]
        lines = [re.sub(r"^(FROM|TO|CONTACT) :  ", r"\1:\r\n\t  ", line) for line in lines]
        return "\r\n".join([first, *lines]) + "\r\n\r\n" + body
    with writes(a, loud), writes(b, loud):
        x, y = call(a, b)
        spoken(x, y)
        end(x, y)


def no_cookie():
    """a re-INVITE and a BYE with Via branches of RFC 2543"""
    x, y = call(a, b)
    with writes(a, lambda t: t.replace("branch=z9hG4bK", "branch=", 1)):
        change(x, y, x.sdp(PCMU), y.sdp(PCMU))
        spoken(x, y, 0)
        end(x, y)


def old_cancel():
    """CANCEL without the cookie"""
    with writes(a, lambda t: t.replace("branch=z9hG4bK", "branch=", 1)):
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
        done(x, y)


def no_tags():
    """a caller without a tag (RFC 2543): its From is the same in every message"""
    with writes(a, lambda t: re.sub(r"(?m)^(From: <[^>]*>);tag=\w+", r"\1", t) if not t.startswith("SIP/2.0")
                else re.sub(r"(?m)^(To: <[^>]*>);tag=\w+", r"\1", t)):
        x, y = call(a, b)
        spoken(x, y)
        y.bye()
        x.respond(x.expect("BYE"), 200)
        y.expect(200, "BYE")
        done(x, y)


def no_tag_in_answer():
    """a callee that puts no tag into To, in 183 and 200"""
    with writes(b, only("SIP/2.0 ", lambda t: re.sub(r"(?m)^(To: .*?);tag=\w+", r"\1", t) if "INVITE" in t else t)):
        x = dial(a)
        y = ring(b)
        body = y.sdp()
        y.hears(y.server)
        y.respond(y.server, 183, body)
        x.hears(x.expect(183))
        y.respond(y.server, 200, body)
        x.ok()
        y.expect("ACK")
        spoken(x, y)
        x.bye()
        bye = y.expect("BYE")
        demand(not bye.tag("To"), "it is asked for by what it said", bye.text)
        y.respond(bye, 200)
        x.expect(200, "BYE")
        done(x, y)


def tag_twice():
    """a second tag in the To of a re-INVITE's 200, as sipp's [last_To:];tag= makes it"""
    x, y = call(a, b)
    with writes(b, only("SIP/2.0 200", lambda t: re.sub(r"(?m)^(To: .*)$", r"\1;tag=1", t.replace("\r", "\r")).replace("\r;tag=1", ";tag=1\r"))):
        x.invite(x.sdp(PCMU))
        y.answer(y.expect("INVITE"), y.sdp(PCMU))
        x.ok()
    spoken(x, y, 0)
    end(x, y)


def bare_contact():
    """Contact without angle brackets"""
    with writes(a, lambda t: re.sub(r"(?m)^Contact: <([^>]*)>", r"Contact: \1", t)):
        x, y = call(a, b)
        y.invite(y.sdp(PCMU))
        x.answer(x.expect("INVITE"), x.sdp(PCMU))
        y.ok()
        spoken(x, y, 0)
        end(x, y)


def no_contact():
    """no Contact in the 200, of the call and of a re-INVITE"""
    with writes(b, only("SIP/2.0 200", lambda t: re.sub(r"(?m)^Contact: .*\n", "", t))):
        x, y = call(a, b)
        spoken(x, y)
        change(x, y, x.sdp(PCMU), y.sdp(PCMU))
        spoken(x, y, 0)
        end(x, y)


def address_of_record():
    """ACK, re-INVITE and BYE to where the INVITE went instead of the Contact"""
    with writes(a, lambda t: re.sub(r"^(\w+) sip:\S+", rf"\1 sip:+15550002@{HAWSE}", t) if not t.startswith("SIP/2.0") else t):
        x, y = call(a, b)
        change(x, y, x.sdp(PCMU), y.sdp(PCMU))
        spoken(x, y, 0)
        end(x, y)


def empty_bodies():
    """a Content-Type without a body, in ACK and BYE"""
    kind = lambda t: t.replace("Content-Length: 0", "Content-Type: application/sdp\r\nContent-Length: 0")  # noqa: E731
    with writes(a, lambda t: kind(t) if t.startswith(("ACK", "BYE")) else t):
        x, y = call(a, b)
        spoken(x, y)
        end(x, y)


def required():
    """two Require lines, one of something that nobody knows: 420 names it"""
    x = dial(a, lines="Require: timer\r\nRequire: x-wishes\r\n")
    m = x.expect(420)
    demand(m.get("Unsupported") == "x-wishes", "what is not known is named", m.text)
    x.ack(m)
    done(x)


def after_the_ack():
    """the INVITE once more after its ACK: no second call"""
    x, y = call(a, b)
    first = next(t for _, way, t in log if way.startswith("caller ->") and t.startswith("INVITE"))
    a.send(first)
    settle(0.3)
    demand(not [m for m in b.inbox if m.method == "INVITE"], "no INVITE reaches the callee")
    spoken(x, y)
    end(x, y)


def odd_names():
    """display names and users that want quoting"""
    def odd(t):
        return (t.replace("From: <sip:+15550001@", 'From: "Fr\u00f6bel, \\"J\\u00fcrgen\\" <x>" <sip:+1555%30001;phone-context=+49@', 1)
                .replace("To: <sip:+15550002@", 'To: "a;b,c" <sip:+15550002@', 1)) if not t.startswith("SIP/2.0") else t
    with writes(a, odd):
        x = dial(a)
        y = ring(b)
        demand("bel, \\\"J" in y.server.get("From"), "the name is carried", y.server.text)
        body = y.sdp()
        y.respond(y.server, 200, body)
        y.hears(y.server)
        x.ok()
        y.expect("ACK")
        spoken(x, y)
        end(x, y)


def parts(sdp):
    return ("preamble\r\n--=_b\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n"
            f"--=_b\r\nContent-Type: application/sdp\r\nContent-Disposition: session\r\n\r\n{sdp}\r\n--=_b--\r\n")


def several_parts():
    """bodies of several parts, one of them the description"""
    x = Leg(a)
    x.begin("+15550002")
    x.request("INVITE", parts(x.sdp()), kind='multipart/mixed;boundary="=_b"')
    y = ring(b)
    demand(y.server.get("Content-Type") == "application/sdp" and "m=audio" in y.server.body, "the offer reaches the callee", y.server.text)
    body = parts(y.sdp())
    y.hears(y.server)
    y.respond(y.server, 200, body, kind="multipart/mixed; boundary==_b")
    x.ok()
    y.expect("ACK")
    spoken(x, y)
    x.request("INVITE", parts(x.sdp(PCMU)).replace("Content-Type: application/pidf+xml",
              "Content-Type: application/pidf+xml\r\nContent-Disposition: render;handling=required"), kind="multipart/mixed;boundary==_b")
    m = x.expect(415)
    demand("multipart/mixed" in m.get("Accept"), "what must be understood and is not, is refused", m.text)
    x.ack(m)
    spoken(x, y)
    end(x, y)


def wrong_type():
    """a body that is no SDP: 415 says what is understood"""
    x = Leg(a)
    x.begin("+15550002")
    x.request("INVITE", "hello", kind="text/plain")
    m = x.expect(415)
    demand("application/sdp" in m.get("Accept"), "415 says what is understood", m.text)
    x.ack(m)
    done(x)


def escaped_star():
    """service codes: *67 and # in a number"""
    x = Leg(a)
    x.begin("+1555*67%23")
    x.invite(x.sdp())
    y = ring(b)
    demand(re.search(r"\*67(%23|#)@", y.server.uri), "the number is carried", y.server.uri)
    y.respond(y.server, 486)
    y.expect("ACK")
    x.ack(x.expect(486))
    done(x, y)


def telephone():
    """a tel: URI"""
    x = Leg(a)
    x.begin("+15550002")
    with writes(a, lambda t: t.replace(f"INVITE sip:+15550002@{HAWSE}", "INVITE tel:+1-555-0002", 1)):
        x.invite(x.sdp())
        y = ring(b)
        demand("15550002" in y.server.uri.replace("-", ""), "the number is carried", y.server.uri)
        y.respond(y.server, 486)
        y.expect("ACK")
        m = x.expect(486)
    x.ack(m)
    done(x, y)


def expires():
    """Expires in an INVITE: the ringing ends by itself"""
    x = dial(a, lines="Expires: 1\r\n")
    y = ring(b)
    y.respond(y.server, 180)
    x.expect(180)
    y.respond(y.expect("CANCEL"), 200)
    y.respond(y.server, 487)
    y.expect("ACK")
    m = wait_for(lambda: next((m for m in a.inbox if m.status >= 400 and m.get("Call-ID") == x.call_id), None), "a final response")
    a.inbox.remove(m)
    demand(m.status in (480, 487, 408), "the caller is told", m.start)
    x.ack(m)
    done(x, y)


def redirected():
    """a callee that says 302: the call goes to its best Contact, which hears from where; one that leads nowhere is 480"""
    x = dial(a)
    y = ring(b)
    y.respond(y.server, 302, lines="Contact: <sip:+15550003@10.99.2.77>;q=0.5, <sip:+15550004@10.99.2.2>\r\n")
    y.expect("ACK")
    done(y)
    z = ring(b)
    demand("+15550004@" in z.server.uri, "it is called by the number of the Contact:", z.server.text)
    demand("+15550002@" in z.server.get("Diversion"), "and hears whom the caller wanted:", z.server.text)
    body = z.sdp()
    z.hears(z.server)
    z.respond(z.server, 200, body)
    demand("10.99.2" not in x.ok().text, "no address of that side")
    z.expect("ACK")
    talk(x, z)
    end(z, x)
    x = dial(a)
    y = ring(b)
    y.respond(y.server, 302, lines="Contact: <sip:10.99.2.77>\r\n")
    y.expect("ACK")
    m = x.expect(480)
    demand("10.99.2.77" not in m.text, "no address of that side", m.text)
    x.ack(m)
    done(x, y)


# ---- descriptions -----------------------------------------------------------------------------------------------

def fewer_lines():
    """a re-INVITE with fewer m-lines than before"""
    x, y = call(a, b, PCMA + VIDEO)
    talk(x, y, 99, line=1, size=900, step=3000, count=3)
    x.invite(x.sdp(PCMA))
    seen = y.expect("INVITE")
    demand([line.port == 0 for line in seen.media()] == [False, True], "the missing one is refused for it", seen.body)
    y.answer(seen, y.sdp(PCMA + VIDEO.replace("{port}", "0")))
    told = x.ok()
    demand(len(told.media()) == 1, "and the answer mirrors its offer", told.body)
    spoken(x, y)
    x.invite(x.sdp(PCMA + VIDEO))
    y.answer(y.expect("INVITE"), y.sdp(PCMA + VIDEO))
    told = x.ok()
    demand(told.media()[1].port, "video comes back", told.body)
    spoken(x, y)
    talk(x, y, 99, line=1, size=900, step=3000, count=3)
    end(x, y)


def short_answer():
    """an answer with fewer m-lines than the offer: what is missing is refused"""
    x, y = call(a, b, PCMA + VIDEO, PCMA)
    spoken(x, y)
    end(x, y)


def long_answer():
    """an answer with more m-lines than the offer"""
    x, y = call(a, b, PCMA, PCMA + "m=video 0 RTP/AVP 99\r\n")
    spoken(x, y)
    end(x, y)


def raised():
    """an m-line that was offered with port 0, answered with a port"""
    x, y = call(a, b, PCMA + VIDEO.replace("{port}", "0"), PCMA + VIDEO)
    spoken(x, y)
    end(x, y)


def same_version():
    """a hold whose o= line says that nothing has changed"""
    x, y = call(a, b)
    x.invite(x.sdp(direction="sendonly", same=True))
    seen = y.expect("INVITE")
    demand(seen.media()[0].direction == "sendonly", "the hold is seen", seen.body)
    y.answer(seen, y.sdp(direction="recvonly"))
    x.ok()
    x.invite(x.sdp(same=True))
    seen = y.expect("INVITE")
    demand(seen.media()[0].direction == "sendrecv", "so is the resume", seen.body)
    y.answer(seen)
    x.ok()
    spoken(x, y)
    end(x, y)


def early_answer():
    """SDP in an unreliable 183 and none in the 200"""
    x = dial(a)
    y = ring(b)
    body = y.sdp()
    y.hears(y.server)
    y.respond(y.server, 183, body)
    x.hears(x.expect(183))
    y.respond(y.server, 200)
    x.ok()
    y.expect("ACK")
    spoken(x, y)
    end(x, y)


def changed_answer():
    """another port in the 200 than in the 183"""
    x = dial(a)
    y = ring(b)
    body = y.sdp()
    y.hears(y.server)
    y.respond(y.server, 183, body)
    x.hears(x.expect(183))
    y.moved()
    y.respond(y.server, 200, y.sdp())
    y.hears(y.server)
    x.ok()
    y.expect("ACK")
    spoken(x, y)
    end(x, y)


def bare_lines():
    """line feeds alone, no rtpmap, no s= and t=, c= with each m-line only"""
    def bare(text):
        head, mark, body = text.partition("\r\n\r\n")
        body = re.sub(r"(?m)^(s=|t=|a=rtpmap).*\r\n", "", body)
        c = re.search(r"(?m)^c=.*\r\n", body)
        if c:
            body = body.replace(c.group(0), "") + c.group(0)
        return head + mark + body.replace("\r\n", "\n")
    with writes(a, bare), writes(b, bare):
        x, y = call(a, b)
        spoken(x, y)
        change(x, y, x.sdp(PCMU), y.sdp(PCMU))
        spoken(x, y, 0)
        end(x, y)


def loose_lines():
    """an empty line at the end, spaces at the ends of lines, b= and k= and e= where they may be, session-level direction"""
    def loose(text):
        head, mark, body = text.partition("\r\n\r\n")
        body = body.replace("t=0 0\r\n", "b=CT:1000\r\nt=0 0\r\na=sendrecv\r\n", 1).replace(" RTP/AVP 8\r\n", " RTP/AVP 8 \r\n")
        return head + mark + (body + "\r\n" if body else "")
    with writes(a, loose), writes(b, loose):
        x, y = call(a, b)
        spoken(x, y)
        end(x, y)


def two_ways_of_one():
    """SRTP and RTP as two m-lines with one port: one is taken, the other refused"""
    x = Leg(a)
    x.begin("+15550002")
    offer = x.sdp("m=audio {port} RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                  "inline:MFtlKkxOZF16aGBwK0Veaks2JC5+cDBnLWlyeUhN\r\n")
    x.invite(offer + f"m=audio {x.m().port} RTP/AVP 8\r\n")
    y = ring(b)
    lines = y.server.media()
    demand([line.proto for line in lines] == ["RTP/AVP"] * 2, "a trunk without SRTP is offered two streams", y.server.text)
    for i in (1, 0):
        y.media.clear()
        body = y.sdp("".join(PCMA if line == i else "m=audio 0 RTP/AVP 8\r\n" for line in (0, 1)))
        if i == 1:
            y.respond(y.server, 183, body)
            told = x.expect(183)
        else:
            y.respond(y.server, 200, y.said)
            told = x.ok()
        demand([line.port == 0 for line in told.media()] == [True, False], "the second is answered", told.body)
        y.said = body
    y.expect("ACK")
    x.media, y.media = [], []
    x.bye()
    y.respond(y.expect("BYE"), 200)
    x.expect(200, "BYE")
    done(x, y)


def update_alone():
    """UPDATE without SDP, from either side"""
    x, y = call(a, b, lines="Allow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n", ok="Allow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n")
    for one, other in ((x, y), (y, x)):
        one.request("UPDATE")
        def told():
            for m in other.party.inbox:
                if m.method == "UPDATE" and not m.status:
                    other.party.inbox.remove(m)
                    other.respond(m, 200)
            return next((m for m in one.party.inbox if m.method == "UPDATE" and m.status), None)
        m = wait_for(told, "the UPDATE is answered")
        one.party.inbox.remove(m)
        demand(m.status == 200, "with 200", m.text)
    spoken(x, y)
    end(x, y)


SCENARIOS = [compact_forms, shouted, no_cookie, old_cancel, no_tags, no_tag_in_answer, tag_twice, bare_contact, no_contact,
             address_of_record, empty_bodies, required, after_the_ack, odd_names, several_parts, wrong_type, escaped_star, telephone,
             expires, redirected, fewer_lines, short_answer, long_answer, raised, same_version, early_answer, changed_answer,
             bare_lines, loose_lines, two_ways_of_one, update_alone]
if os.environ.get("ONLY"):
    SCENARIOS = [s for s in SCENARIOS if s.__name__ in os.environ["ONLY"].split()]
for ways in (("udp", "tls"), ("tls", "udp")):
    a, b = party("caller", ways[0]), party("callee", ways[1])
    configure(f"transport: {ways[0]}", f"transport: {ways[1]}")
    run(SCENARIOS, f"{ways[0]} to {ways[1]}: ")
    for p in (a, b):
        p.close()
