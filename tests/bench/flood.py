# SPDX-License-Identifier: BSD-3-Clause
"""R3: four times the packets that the relay can take: goodput against its peak, and junk that must not hurt calls.

A spinning process takes four fifths of the relay's core, so that four times its capacity is a rate that the generator
can still send; the same for rtpengine. The peak's rate is where goodput is highest on a ladder of rates; then that rate
and four times the peak take turns, slice by slice, as others load the machine too. Then junk: calls at half of the peak,
and on top of them packets to ports that belong to nobody, up to four times the peak in all.
"""
from lib import network, relays, report, system

NEEDS = ["hawse-media", "session_loader", "rtp_load", "rtpengine"]
CALLS = 100
SHARE_NICE = -7  # of the spinner, against 0 of the relay: weights 4904 to 1024
START = {"hawse": 10000, "rtpengine": 4000}


def offer(relay, rate, slices=1, warmup=0.1, **how):
    """Packets at a rate; the generator has real-time priority and so goes on less than a second at a time."""
    found = [relay.measure(0.8, rate=int(rate), warmup=warmup if i == 0 else 0.1, linger=0.3, fifo=relays.FIFO, **how)
             for i in range(slices)]
    return {name: sum(r[name] for r in found) for name in relays.SUMS}


def goodput(result):
    return result["received"] / result["seconds"]


def peak_of(relay, name):
    """(rate offered, goodput) where goodput was highest; stops when two steps bring no more."""
    rate, best, worse = START[name], (0, 0.0), 0
    relay.measure(relay.learning, rate=2000, linger=0.1)
    while worse < 2 and rate < 1000000:
        result = offer(relay, rate, slices=2)
        report.say(f"{name}: offered {int(rate)}, goodput {goodput(result):.0f}")
        if goodput(result) > best[1] * 1.02:
            best, worse = (int(rate), goodput(result)), 0
        else:
            worse += 1
        rate *= 1.4
    return best


def junk_flows(run):
    path = run.path("junk.flows")
    network.write_flows(path, [(network.caller(i), (network.RELAY, 58000 + i), network.callee(i)) for i in range(1000)])
    return path


def overload(run, net, side, rounds, slices):
    """[(peak, goodput at four times the rate of the peak, kept share of calls in junk)] of one side."""
    found = []
    junk = junk_flows(run)
    for _ in range(rounds):
        with side(run, net, CALLS, nice=0) as relay:
            spinner = run.start("spinner", ["sh", "-c", "while :; do :; done"], core=run.core, nice=SHARE_NICE)
            rate, top = peak_of(relay, side.name)
            turns = [(offer(relay, rate), offer(relay, 4 * top)) for _ in range(2 * slices)]
            at_peak, flooded = ({n: sum(t[i][n] for t in turns) for n in relays.SUMS} for i in (0, 1))
            peak = goodput(at_peak) or top  # overload broke the peer for good
            mixed = offer(relay, 4 * peak, slices=slices, junk=junk, junk_ratio=7)
            run.stop(spinner)
        found.append({"peak": peak, "rate": rate, "flooded": goodput(flooded),
                      "offered": flooded["sent"] / flooded["seconds"] / peak,
                      "kept": mixed["received"] / mixed["sent"],
                      "junk_offered": (mixed["sent"] + mixed["junk_sent"]) / mixed["seconds"] / peak})
        report.say(f"{side.name}: {found[-1]}")
    return found


def main(run, options):
    net = network.Network(run)
    system.quiet(run)
    rounds, slices = options.rounds or 2, round((options.seconds or 2.4) / 0.8)
    found = {side.name: overload(run, net, side, rounds, slices) for side in relays.sides(options)}
    ours, peer = found.get("hawse"), found.get("rtpengine")
    if ours:
        report.compare("flood", "goodput at four times the load", "packets per second", [r["flooded"] for r in ours],
                       [r["peak"] for r in ours], "our own peak", goal=0.95,
                       offered=[report.digits(r["offered"]) for r in ours])
        report.compare("flood", "calls at half the peak in junk, share that arrives", "share", [r["kept"] for r in ours],
                       [1.0], "all of it", offered=[report.digits(r["junk_offered"]) for r in ours])
    if ours and peer:
        report.compare("flood", "share of the peak at four times the load", "share",
                       [r["flooded"] / r["peak"] for r in ours], [r["flooded"] / r["peak"] for r in peer],
                       "rtpengine 10.5 in userspace", peaks={n: [report.digits(r["peak"]) for r in v]
                                                              for n, v in found.items()})
