# SPDX-License-Identifier: BSD-3-Clause
"""Parties that say nothing while the other speaks: asked, and believed when they answer. Run by alive.sh."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../lib"))
from duo import *  # noqa: E402,F403


class Speech(threading.Thread):
    """Says something every 20 ms until it is stopped."""

    def __init__(self, leg):
        super().__init__(daemon=True)
        self.media, self.over = leg.media[0], threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            self.media.send(8, b"\xd5" * 160)

    def stop(self):
        self.over.set()
        self.join()


def speaks(first):
    """A call in which one side speaks: who is silent, who speaks, and the speech."""
    x, y = call(a, b)
    talk(x, y)
    quiet, loud = (x, y) if first == 1 else (y, x)
    return quiet, loud, Speech(loud)


def stays(quiet, loud, speech):
    speech.stop()
    settle()
    talk(quiet, loud)
    end(quiet, loud)


def asked():
    """muted on either side, it is asked, and the call goes on; gone, the call ends; when nobody speaks, too"""
    muted = [speaks(0), speaks(1)]
    gone = [speaks(0), speaks(1)]
    both = call(a, b)
    for quiet, _, _ in muted:
        quiet.respond(quiet.expect("OPTIONS", seconds=30), 200)
    for quiet, loud, speech in gone:
        quiet.respond(quiet.expect("OPTIONS", seconds=30), 481)
        m = loud.expect("BYE", seconds=30)
        demand("cause=" in m.get("Reason"), "it says why:", m.text)
        loud.respond(m, 200)
        speech.stop()
        done(quiet, loud)
    for leg in both:
        m = leg.expect("BYE", seconds=30)
        demand("media timeout" in m.get("Reason") or "cause=102" in m.get("Reason"), "it says why:", m.text)
        leg.respond(m, 200)
        # Who fell silent a moment before the other may have been asked.
        leg.party.inbox = [m for m in leg.party.inbox if m.method != "OPTIONS" or m.get("Call-ID") != leg.call_id]
    done(*both)
    for one in muted:
        stays(*one)


def by_policy():
    """silence is the end on the callee's side, and allowed on the caller's"""
    configure(f"transport: {a.transport}, silence: allow", f"transport: {b.transport}, silence: end")
    allowed, ended = speaks(1), speaks(0)
    quiet, loud, speech = ended
    for leg in (quiet, loud):
        m = leg.expect("BYE", seconds=30)
        demand("Q.850;cause=102" in m.get("Reason"), "it says why:", m.text)
        leg.respond(m, 200)
    speech.stop()
    done(quiet, loud)
    demand(not [m for m in allowed[0].party.inbox if m.method in ("OPTIONS", "BYE")], "who may be silent is not asked")
    stays(*allowed)


for ways in (("udp", "tls"), ("tls", "udp")):
    a, b = party("caller", ways[0]), party("callee", ways[1])
    configure(f"transport: {ways[0]}", f"transport: {ways[1]}")
    run([asked, by_policy], f"{ways[0]} to {ways[1]}: ")
    a.close()
    b.close()
