# SPDX-License-Identifier: BSD-3-Clause
"""P6: what the relay adds to a packet's way, at 5,000 packets a second on the same veth, against rtpengine.

50 calls of 50 packets a second both ways. Time is taken when the generator hands a packet to the kernel and when the
relayed one reaches the generator's interface (the kernel's time stamp), so it holds one crossing of the veth each way
too, the same for both.
"""
from lib import network, relays, report, system

NEEDS = ["hawse-media", "session_loader", "rtp_load", "rtpengine"]
CALLS = 50
RATE = 5000
GOALS = {"p50": 0.2, "p90": None, "p99": None, "p99.9": 0.1}


def main(run, options):
    net = network.Network(run)
    calls = options.sessions or CALLS
    rate = options.rate or RATE
    results = {side.name: [] for side in relays.sides(options)}
    for _ in range(options.rounds or 3):
        for side in relays.sides(options):
            system.quiet(run, 1)
            with side(run, net, calls, poll=options.poll or "busy") as relay:
                result = relay.slices(options.seconds or 5.0, rate, batch=1)
            results[side.name].append(result)
            report.say(f"{side.name}: p50 {result['p50']} us, p99 {result['p99']}, p99.9 {result['p99.9']}, "
                       f"{result['lost']} lost, {result['slices']} slices, others {result['foreign_cpu']:.2f} s")
    ours, peer = results.get("hawse"), results.get("rtpengine")
    case = f"{rate} packets a second, {calls} calls"
    for name, goal in GOALS.items():
        report.compare("latency", f"{name}, {case}", "us", ours and [r[name] for r in ours],
                       peer and [r[name] for r in peer], "rtpengine 10.5 in userspace", goal=goal, better="lower",
                       lost={n: sum(r["lost"] for r in found) for n, found in results.items()},
                       slices={n: [r["slices"] for r in found] for n, found in results.items()})
    for name, found in results.items():
        report.line(bench="latency", case=f"histogram, {case}", unit="us", side=name, histogram=relays.merge(found))
