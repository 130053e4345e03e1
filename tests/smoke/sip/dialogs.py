# SPDX-License-Identifier: BSD-3-Clause
"""What a call goes through from its INVITE to its BYE, besides its session: forks, timers, crossings, requests inside it,
transfers, identities. Run by dialogs.sh."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../lib"))
sys.path.insert(0, os.path.dirname(__file__))
from duo import *  # noqa: E402,F403
import edges  # noqa: E402
from edges import TO_C  # noqa: E402


def from_callee(scenario):
    """The same, with the callee's network as who calls."""
    def swapped():
        global a, b
        a, b = b, a
        try:
            scenario()
        finally:
            a, b = b, a
    swapped.__doc__ = (scenario.__doc__ or scenario.__name__).strip().split("\n")[0] + "; the callee's side calls"
    return swapped


def policies(caller="", callee=""):
    """Keys of the peers of a and b."""
    keys = {}
    for p, more in ((a, caller), (b, callee)):
        keys[p.name] = f"transport: {p.transport}{', ' if more else ''}{more}"
    configure(keys["caller"], keys["callee"], MORE_PEERS)


# ---- set-up --------------------------------------------------------------------------------------------------

def forks():
    """a callee that forks: early media of each, the one that answers has the call, a second answer gets its BYE"""
    x = dial(a)
    y = ring(b)
    z = Leg(b).take(y.server)  # the other fork: another tag
    x.m()
    for fork in (y, z):
        fork.sdp()
        fork.hears(y.server)
        fork.respond(y.server, 183, fork.sdp())
        m = x.expect(183)
        x.hears(m)
        if fork is y:
            first = m.tag("To")
        else:
            demand(m.tag("To") != first, "each fork is a dialog of its own to the caller")
        reach(fork.media[0], x.media[0])
        one_way(fork.media[0], x.media[0], 8, 8, 6, 160, 160)
    z.respond(z.server, 200, z.sdp(same=True))
    x.ok()
    z.expect("ACK")
    talk(x, z)
    y.respond(y.server, 200, y.sdp(same=True))  # too late
    y.party.inbox = [m for m in y.party.inbox if m.method != "ACK"]
    bye = wait_for(lambda: next((m for m in b.inbox if m.method == "BYE"), None), "the other answer gets its BYE")
    demand(bye.tag("To") == y.tag, "it is the other fork's")
    b.inbox.remove(bye)
    b.inbox = [m for m in b.inbox if m.method != "ACK"]
    y.respond(bye, 200)
    talk(x, z)
    end(x, z)
    y.close()


def gone_fork():
    """199: a fork that is over, told to a caller that wants to know"""
    x = dial(a, lines="Supported: 199\r\n")
    y = ring(b)
    z = Leg(b).take(y.server)
    y.respond(y.server, 180)
    z.respond(y.server, 180, phrase="Ringing")
    tags = {x.expect(180).tag("To"), x.expect(180).tag("To")}
    demand(len(tags) == 2, "two early dialogs")
    y.respond(y.server, 199, lines="Reason: SIP;cause=486\r\n")
    m = x.expect(199)
    demand(m.tag("To") in tags, "one of them is over")
    body = z.sdp()
    z.hears(z.server)
    z.respond(z.server, 200, body)
    x.ok()
    z.expect("ACK")
    talk(x, z)
    end(x, z)
    y.close()


def early_gate():
    """P-Early-Media crosses between trunks"""
    x = dial(a, lines="P-Early-Media: supported\r\n")
    y = ring(b)
    demand("supported" in y.server.get("P-Early-Media"), "the callee may know", y.server.text)
    body = y.sdp()
    y.hears(y.server)
    y.respond(y.server, 183, body, "P-Early-Media: sendonly\r\n")
    m = x.expect(183)
    demand(m.get("P-Early-Media") == "sendonly", "and the caller hears of it", m.text)
    x.hears(m)
    reach(y.media[0], x.media[0])
    one_way(y.media[0], x.media[0], 8, 8, 6, 160, 160)
    x.cancel("Reason: Q.850;cause=16\r\n")
    x.expect(200, "CANCEL")
    c = y.expect("CANCEL")
    demand("cause=16" in c.get("Reason"), "the CANCEL says why:", c.text)
    y.respond(c, 200)
    y.respond(y.server, 487)
    y.expect("ACK")
    x.ack(x.expect(487))
    done(x, y)


def hops():
    """Max-Forwards: one less, and 483 when there is none"""
    x, y = call(a, b)
    demand(y.server.get("Max-Forwards") == "69", "one less:", y.server.get("Max-Forwards"))
    end(x, y)
    x = Leg(a)
    x.begin("+15550002")
    text = x.sdp()
    send, a.send = a.send, lambda t, to=None: send(t.replace("Max-Forwards: 70", "Max-Forwards: 0"), to)
    x.invite(text)
    a.send = send
    x.ack(x.expect(483))
    done(x)


def reasons():
    """Reason goes over with the BYE of either, with a refusal and with a 183"""
    for first in (0, 1):
        x, y = call(a, b)
        one, other = (x, y) if first == 0 else (y, x)
        one.request("BYE", lines='Reason: Q.850;cause=31;text="mere whim"\r\n')
        m = other.expect("BYE")
        demand('Q.850;cause=31;text="mere whim"' in m.get("Reason"), "the BYE says why:", m.text)
        other.respond(m, 200)
        one.expect(200, "BYE")
        done(x, y)
    x = dial(a)
    y = ring(b)
    y.respond(y.server, 183, lines="Reason: Q.850;cause=18\r\n")
    demand("cause=18" in x.expect(183).get("Reason"), "so does a 183")
    y.respond(y.server, 480, lines="Reason: Q.850;cause=20\r\n")
    y.expect("ACK")
    m = x.expect(480)
    demand("cause=20" in m.get("Reason"), "so does a refusal:", m.text)
    x.ack(m)
    done(x, y)


# ---- timers --------------------------------------------------------------------------------------------------

def too_short():
    """422 to a session that is too short, and one of the callee's that is met without a word to the caller"""
    x = dial(a, lines="Supported: timer\r\nSession-Expires: 60\r\n")
    m = x.expect(422)
    demand(int(m.get("Min-SE")) >= 90, "it says how short")
    x.ack(m)
    x.invite(x.sdp(), f"Supported: timer\r\nSession-Expires: 600\r\nMin-SE: {m.get('Min-SE')}\r\n")
    y = ring(b)
    y.respond(y.server, 422, lines="Min-SE: 4000\r\n")
    y.expect("ACK")
    y = ring(b)
    demand(int(y.server.get("Session-Expires").split(";")[0]) >= 4000, "it is asked for as long a one", y.server.text)
    body = y.sdp()
    y.hears(y.server)
    y.respond(y.server, 200, body, "Require: timer\r\nSession-Expires: 4000;refresher=uac\r\n")
    ok = x.ok()
    y.expect("ACK")
    demand(ok.get("Session-Expires").startswith("600"), "the caller's is his own:", ok.text)
    talk(x, y)
    end(x, y)


def refreshed():
    """either side refreshes by UPDATE and by re-INVITE, and the other hears nothing of it"""
    x = dial(a, lines="Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n", allow="INVITE, ACK, BYE, CANCEL, UPDATE")
    y = ring(b)
    answer = y.sdp()
    y.hears(y.server)
    y.respond(y.server, 200, answer, "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\nSupported: timer\r\n")
    x.ok()
    y.expect("ACK")
    for one, other, said in ((x, y, None), (y, x, answer)):
        one.request("UPDATE", lines="Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n")
        ok = one.expect(200, "UPDATE")
        demand(ok.get("Session-Expires").startswith("600"), "it is refreshed:", ok.text)
        one.invite(said or one.sdp(same=True), "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n")
        one.ok()
        settle()
        demand(not other.party.inbox, "the other side hears nothing", other.party.inbox and other.party.inbox[0].text)
    talk(x, y)
    end(x, y)


def unheard():
    """an ACK that never comes: the 200 is repeated, and at last both get BYE"""
    for x, y in lost:
        x.respond(x.expect("BYE", seconds=60), 200)
        y.respond(y.expect("BYE"), 200)
        demand(x.party.repeats.get(200, 0) > 3, "the 200 came again and again", x.party.repeats)
        done(x, y)


# ---- crossings -----------------------------------------------------------------------------------------------

def crossing_byes():
    """BYE crossing BYE"""
    x, y = call(a, b)
    x.bye()
    y.bye()
    for leg in (x, y):
        leg.expect(200, "BYE")
    settle()
    for leg in (x, y):  # whose came second has got one
        for m in [m for m in leg.party.inbox if m.method == "BYE" and not m.status]:
            leg.party.inbox.remove(m)
            leg.respond(m, 200)
    done(x, y)


def late_cancel():
    """a CANCEL that crosses the 200 does nothing"""
    x = dial(a)
    y = ring(b)
    body = y.sdp()
    y.hears(y.server)
    y.respond(y.server, 200, body)
    ok = x.expect(200)
    x.hears(ok)
    x.cancel()
    m = wait_for(lambda: next((m for m in a.inbox if m.method == "CANCEL"), None), "CANCEL is answered")
    a.inbox.remove(m)
    demand(m.status in (200, 481), "by 200 or 481:", m.start)
    x.ack(ok)
    y.expect("ACK")
    talk(x, y)
    end(x, y)


def cancelled():
    """CANCEL before anything, while it rings, and crossing a 200 on the callee's side"""
    x = dial(a)
    x.cancel()
    x.expect(200, "CANCEL")
    x.ack(x.expect(487))
    settle(0.3)
    for m in [m for m in b.inbox if m.method == "INVITE" and not m.status]:
        y = ring(b)
        y.respond(y.server, 180)
        y.respond(y.expect("CANCEL"), 200)
        y.respond(y.server, 487)
        y.expect("ACK")
        done(y)
    done(x)
    x = dial(a)
    y = ring(b)
    y.respond(y.server, 180)
    x.expect(180)
    x.cancel()
    x.expect(200, "CANCEL")
    c = y.expect("CANCEL")
    y.respond(y.server, 200, y.sdp())  # it has been answered in that moment
    y.respond(c, 200)
    x.ack(x.expect(487))
    y.expect("ACK")
    y.respond(y.expect("BYE"), 200)
    done(x, y)


# ---- requests inside -----------------------------------------------------------------------------------------

def inside_requests():
    """INFO, MESSAGE, NOTIFY, SUBSCRIBE and OPTIONS inside a call, from either side, and their answers"""
    x, y = call(a, b)
    for one, other in ((x, y), (y, x)):
        for method, kind, body, lines, status in (
                ("INFO", "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "", 200),
                ("INFO", "application/x-nobody-knows", "abc", "", 415),
                ("MESSAGE", "text/plain", "Hello", "", 202),
                ("OPTIONS", "text/plain", "", "", 200),
                ("SUBSCRIBE", "text/plain", "", "Event: presence\r\nExpires: 600\r\n", 200),
                ("NOTIFY", "text/plain", "fine", "Event: presence\r\nSubscription-State: active\r\n", 200)):
            who, whom = (other, one) if method == "NOTIFY" else (one, other)
            who.request(method, body, lines, kind)
            m = whom.expect(method)
            demand(m.body == body, f"the body of {method} is carried", m.text)
            demand(not body or m.get("Content-Type") == kind, f"and its type", m.text)
            whom.respond(m, status, lines="Expires: 600\r\n" if method == "SUBSCRIBE" else "")
            who.expect(status, method)
    talk(x, y)
    end(x, y)


# ---- transfers -----------------------------------------------------------------------------------------------

def heard(leg, *statuses):
    """NOTIFYs until that status, each answered."""
    while True:
        n = leg.expect("NOTIFY")
        leg.respond(n, 200)
        status = int(n.body.split()[1])
        if status == statuses[-1]:
            return n
        demand(status in (100, 180, *statuses), "the transfer goes on:", n.body)


def blind(first):
    def scenario():
        x, y = call(a, b)
        talk(x, y)
        one, other = (x, y) if first == 0 else (y, x)
        one.request("REFER", lines=f"Refer-To: <sip:{TO_C}@{HAWSE}>\r\n")
        one.expect(202, "REFER")
        z = ring(c)
        z.respond(z.server, 180)
        body = z.sdp()
        z.hears(z.server)
        z.respond(z.server, 200, body)
        z.expect("ACK")
        other.answer(other.expect("INVITE"))
        heard(one, 200)
        one.respond(one.expect("BYE"), 200)
        done(one)
        talk(other, z)
        change(other, z, other.sdp(direction="sendonly"), z.sdp(direction="recvonly"))
        silent(z, other)
        change(z, other, z.sdp(), other.sdp())
        talk(other, z)
        end(z, other)
    scenario.__doc__ = f"blind transfer carried out here, asked for by the {['caller', 'callee'][first]}"
    return scenario


def refused():
    """a transfer whose target is busy leaves the call as it was"""
    x, y = call(a, b)
    x.request("REFER", lines=f"Refer-To: <sip:{TO_C}@{HAWSE}>\r\n")
    x.expect(202, "REFER")
    z = ring(c)
    z.respond(z.server, 486)
    z.expect("ACK")
    heard(x, 486)
    done(z)
    talk(x, y)
    end(x, y)


def attended(first):
    def scenario():
        """a transfer after a consultation"""
        x, y = call(a, b)
        one, other = (x, y) if first == 0 else (y, x)
        one.invite(one.sdp(direction="sendonly"))
        other.answer(other.expect("INVITE"), other.sdp(direction="recvonly"))
        one.ok()
        w = dial(one.party, number=TO_C, user=one.user)
        z = ring(c)
        body = z.sdp()
        z.hears(z.server)
        z.respond(z.server, 200, body)
        w.ok()
        z.expect("ACK")
        talk(w, z)
        replaces = f"{w.call_id}%3Bto-tag%3D{w.remote_tag}%3Bfrom-tag%3D{w.tag}".replace("@", "%40")
        one.request("REFER", lines=f"Refer-To: <sip:{TO_C}@{HAWSE}?Replaces={replaces}>\r\n")
        one.expect(202, "REFER")
        # Both parties that stay are told of each other, in whatever order.
        for _ in range(2):
            leg = wait_for(lambda: next((leg for leg in (other, z) for m in leg.party.inbox
                                         if m.method == "INVITE" and not m.status and m.get("Call-ID") == leg.call_id), None),
                           "both are told of each other")
            leg.answer(leg.expect("INVITE"), ack=False)
        for leg in (other, z):
            ack = leg.expect("ACK")
            if ack.body:
                leg.hears(ack)
        heard(one, 200)
        for leg in (one, w):
            leg.respond(leg.expect("BYE"), 200)
        done(one, w)
        talk(other, z)
        end(other, z)
    scenario.__doc__ = f"transfer after a consultation, by the {['caller', 'callee'][first]}"
    return scenario


def replaced(first):
    def scenario():
        x, y = call(a, b)
        talk(x, y)
        one, other = (x, y) if first == 0 else (y, x)
        remote_tag = one.remote_tag or one.server.tag("From")
        w = Leg(one.party)
        w.begin("+15550002")
        w.invite(w.sdp(), f"Require: replaces\r\nReplaces: {one.call_id};to-tag={remote_tag};from-tag={one.tag}\r\n")
        other.answer(other.expect("INVITE"), ack=False)
        w.ok()
        ack = other.expect("ACK")
        if ack.body:
            other.hears(ack)
        one.respond(one.expect("BYE"), 200)
        done(one)
        talk(w, other)
        end(other, w)
    scenario.__doc__ = f"INVITE with Replaces takes the place of the {['caller', 'callee'][first]}"
    return scenario


def passed(first):
    def scenario():
        x, y = call(a, b)
        one, other = (x, y) if first == 0 else (y, x)
        one.request("REFER", lines=f"Refer-To: <sip:+15551234@{HAWSE}>\r\nReferred-By: <sip:{one.user}@{one.party.ip}>\r\n")
        m = other.expect("REFER")
        demand("+15551234@" + HAWSE in m.get("Refer-To"), "it names the number at our address:", m.text)
        demand(one.party.ip not in m.text, "and nobody else's", m.text)
        other.respond(m, 202)
        one.expect(202, "REFER")
        for status in (100, 200):
            state = "terminated;reason=noresource" if status == 200 else "active;expires=60"
            other.request("NOTIFY", f"SIP/2.0 {status} OK\r\n", f"Event: refer\r\nSubscription-State: {state}\r\n",
                          "message/sipfrag;version=2.0")
            n = one.expect("NOTIFY")
            demand(n.body.startswith(f"SIP/2.0 {status}"), "the progress is carried back", n.text)
            one.respond(n, 200)
            other.expect(200, "NOTIFY")
        talk(x, y)
        end(x, y)
    scenario.__doc__ = f"REFER passed on by policy, from the {['caller', 'callee'][first]}"
    return scenario


# ---- identities ----------------------------------------------------------------------------------------------

def who():
    return (f'P-Asserted-Identity: "Alice" <sip:+4930111@{a.ip}>\r\nDiversion: <sip:+4930222@{a.ip}>;reason=no-answer\r\n'
            f'History-Info: <sip:+4930333@{a.ip}>;index=1, <sip:+15550002@{HAWSE}>;index=1.1\r\n')


def invited(lines):
    """What the callee is sent for a call with these lines; the call is refused."""
    x = dial(a, lines=lines, number="+15550002")
    y = ring(b)
    m = y.server
    y.respond(m, 486)
    y.expect("ACK")
    x.ack(x.expect(486))
    done(x, y)
    demand(a.ip not in m.text, "no address of the other side is in it", m.text)
    return m


def trusted():
    """trunks believe each other: who calls, for whom it was, and what is private is carried"""
    policies()
    m = invited(who())
    demand("+4930111@" in m.get("P-Asserted-Identity"), "asserted", m.text)
    demand("+4930222@" in m.get("Diversion"), "diverted", m.text)
    demand("+4930333" in ",".join(m.all("History-Info")), "its history", m.text)
    m = invited(who() + "Privacy: id\r\n")
    demand("+4930111@" in m.get("P-Asserted-Identity") and m.get("Privacy") == "id", "and that it is private", m.text)


def shown_otherwise():
    """Remote-Party-ID, what is preferred, and nothing, as the peers want it"""
    policies("identity: {assert: preferred}", "identity: {show: rpid, diversion: strip, history: strip}")
    m = invited(who() + f"P-Preferred-Identity: <sip:+4930444@{a.ip}>\r\n")
    demand("+4930444@" in m.get("Remote-Party-ID") and not m.get("P-Asserted-Identity"), "what is preferred", m.text)
    demand(not m.get("Diversion") and not m.get("History-Info"), "and no more", m.text)
    policies("identity: {assert: strip}")
    m = invited(who())
    demand("+4930111" not in m.text, "nobody vouches for it", m.text)


def anonymous():
    """Privacy towards who is not trusted with it: anonymous in everything"""
    policies("", "identity: {privacy: apply}")
    m = invited(who() + "Privacy: id\r\n")
    demand("anonymous@anonymous.invalid" in m.get("From"), "anonymous", m.text)
    demand("+15550001" not in m.text and "+4930111" not in m.text, "and no word of who it is", m.text)


MORE_PEERS = (f"third: {{kind: trunk, address: {os.environ['STRANGER4']}}}\\n  "
              f"six: {{kind: trunk, address: \"{os.environ['SIX']}\", transport: tls}}")
six = party("six", "tls", os.environ["SIX"], "callee")
for ways in (("udp", "tls"), ("tls", "udp")):
    a, b = (party(name, way, also_tcp=way == "udp") for name, way in zip(("caller", "callee"), ways))
    c = party("stranger", "udp")
    policies()
    # These take their time while the others run: an ACK 32 s, a party that rings ring_timeout.
    lost = []
    for one, other in ((a, b), (b, a)):
        lost.append((dial(one), ring(other)))
        body = lost[-1][1].sdp()
        lost[-1][1].respond(lost[-1][1].server, 200, body)
        lost[-1][0].expect(200)
        lost[-1][1].expect("ACK")
    ringing = edges.ring_for_ever(a, b)
    title = f"{ways[0]} to {ways[1]}: "
    of_set_up = [forks, gone_fork, early_gate, hops, reasons, too_short, refreshed, late_cancel, cancelled, crossing_byes]
    run([*of_set_up, *map(from_callee, of_set_up), inside_requests, blind(0), blind(1), refused, from_callee(refused),
         attended(0), attended(1), replaced(0), replaced(1)], title)
    run(edges.scenarios(a, b, c, six), title)
    policies("transfer: pass", "transfer: pass")
    run([passed(0), passed(1)], title)
    of_identity = [trusted, shown_otherwise, anonymous]
    run([*of_identity, *map(from_callee, of_identity)], title)
    run([edges.rang(ringing), unheard], title)
    for p in (a, b, c):
        p.close()
