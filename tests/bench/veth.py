# SPDX-License-Identifier: BSD-3-Clause
"""P3: packets per CPU-second over veth, softirq counted, against rtpengine in userspace on the same veth.

Each side gets the same calls. First its rate is raised by steps until packets are lost; the highest rate without loss
is its working point. Then both are measured there in turn, started anew each time; who loses packets there goes
on at a lower rate. CPU seconds are those of the relay's
process, all threads, and of the softirq work for it, as lib/network.py says.

Hawse polls busily, so its process takes its whole core however little comes; where the generator ends before Hawse
does, the figure is too low for it.
"""
from lib import network, relays, report, system

NEEDS = ["hawse-media", "session_loader", "rtp_load", "rtpengine", "dpdk-testpmd"]
CALLS = 100
LOSS = 1e-5  # a share that still counts as none: one packet in a hundred thousand
START = {"hawse": 200000, "rtpengine": 60000}
STEP = 1.2
PEER = "rtpengine 10.5 in userspace"


def lossless(result):
    return result["lost"] <= LOSS * result["sent"] and result["wrong"] == 0


def per_cpu_second(result):
    return result["received"] / (result["relay_cpu"] + result["softirq_cpu"])


def working_point(run, side, net, calls):
    """The highest rate of the ladder that loses nothing, in one of three tries."""
    rate, best = START[side.name], None
    with side(run, net, calls) as relay:
        for _ in range(14):
            for _ in range(3):
                result = relay.slices(relays.SLICE, int(rate))
                if lossless(result):
                    break
            if not lossless(result):
                report.say(f"{side.name}: {int(rate)} a second: {result['lost']} of {result['sent']} lost")
                break
            best = rate
            if result["sent"] < 0.97 * rate * result["seconds"]:
                report.say(f"{side.name}: the generator itself ends at {result['sent'] / result['seconds']:.0f}")
                break
            rate *= STEP
    return int(best or START[side.name] / 2)


def device_ceiling(run, net, calls):
    """What any relay could do with this device: testpmd at the rate that the generator can send."""
    with relays.Device(run, net, calls) as device:
        result = device.slices(2.1, 1000000)
    report.line(bench="veth", case="device's ceiling, offered as fast as can be", unit="packets per second",
                peer=report.digits(result["received"] / result["seconds"]), peer_name="testpmd 5tswap on AF_XDP",
                packets_per_cpu_second=report.digits(per_cpu_second(result)), lost=result["lost"],
                offered=report.digits(result["sent"] / result["seconds"]), slices=result["slices"])


def lossless_round(run, side, net, calls, seconds, rates):
    """One measurement by a relay started anew, three times at most; at a lower rate when packets are lost each time, for
    this and later rounds."""
    for attempt in range(7):
        system.quiet(run, 1)
        rate = rates[side.name]
        with side(run, net, calls) as relay:
            result = relay.slices(seconds, rate)
        report.say(f"{side.name} at {rate} a second: {result['lost']} lost, CPU {result['relay_cpu']:.2f} + softirq "
                   f"{result['softirq_cpu']:.2f} s in {result['seconds']:.1f} s, others {result['foreign_cpu']:.2f} s, "
                   f"{result['slices']} slices")
        if lossless(result):
            break
        if attempt % 3 == 2:
            rates[side.name] = int(rate * 0.85)
    return result


def rounds(run, net, calls, options, rates):
    results = {side.name: [] for side in relays.sides(options)}
    for _ in range(options.rounds or 3):
        for side in relays.sides(options):
            results[side.name].append(lossless_round(run, side, net, calls, options.seconds or 2.1, rates))
    return results


def tell(case, results, rates, goal):
    ours, peer = results.get("hawse"), results.get("rtpengine")
    report.compare("veth", case, "packets per CPU-second", ours and [per_cpu_second(r) for r in ours],
                   peer and [per_cpu_second(r) for r in peer], PEER, goal=goal, rates=rates,
                   lost={n: [r["lost"] for r in found] for n, found in results.items()},
                   others_cpu={n: [report.digits(r["foreign_cpu"]) for r in found] for n, found in results.items()})


def main(run, options):
    net = network.Network(run)
    calls = options.sessions or CALLS
    system.quiet(run)
    report.line(bench="veth", case="generator's ceiling", unit="Mpps", ours=report.digits(net.measure_base() / 1e6),
                base_us=report.digits(net.base * 1e6), peer_name="none: the relay's end drops at once")
    if not options.only:
        device_ceiling(run, net, calls)
    rates = {side.name: options.rate or working_point(run, side, net, calls) for side in relays.sides(options)}
    results = rounds(run, net, calls, options, rates)
    tell(f"{calls} calls both ways, 214 B, each at its highest rate without loss", results, rates, 6.0)
    ours, peer = results.get("hawse"), results.get("rtpengine")
    report.compare("veth", "highest rate without loss, relay on one core", "packets per second",
                   ours and [r["received"] / r["seconds"] for r in ours],
                   peer and [r["received"] / r["seconds"] for r in peer], PEER)
