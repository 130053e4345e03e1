# SPDX-License-Identifier: BSD-3-Clause
"""P1: plain relay of 1,000 sessions on one core, against testpmd's 5tswap on the same devices.

Both play the same capture for ever (net_pcap, infinite_rx=1) and drop what they send. Rates are packets per CPU-second
of the forwarding core, which is packets a second on a core that nothing else uses. Two captures: 2,000 packets, two
of each session (they come again with the same sequence numbers, which a relay must count as duplicates), and 64,000
packets in sequence, as calls send them.
"""
from lib import capture, report, system, testpmd

NEEDS = ["hawse-media", "session_loader", "rtp_pcap", "dpdk-testpmd"]
SESSIONS = 1000
HUGE = 1024  # MiB
MEMORY = {"small": 512, "large": 768}  # MiB, of hugepages or of either side without them


def ours(run, pcap, flows, sessions, seconds, memory):
    side = capture.Capture(run, [pcap], flows, sessions, memory=memory)
    result = capture.rate(side, seconds)
    dropped = side.drops()
    if dropped:
        report.say(f"hawse drops: {dropped}")
    result["relayed_share"] = result["sent"] / result["received"] if result["received"] else 0
    side.stop()
    return result


def theirs(run, pcap, packets, seconds, memory, huge, mode="5tswap"):
    side = testpmd.Testpmd(run, [capture.device([pcap])], mode, packets + 16384, memory, huge)
    result = capture.rate(side, seconds)
    side.stop()
    return result


def compare(run, options, name, pcap, packets, flows, sessions, memory, huge, goal):
    found = {"ours": [], "peer": []}
    for _ in range(options.rounds or 3):
        for who in ("ours", "peer"):
            if options.only in (None, who):
                system.quiet(run, 1)
                run.hugepages(HUGE)  # others may have taken them meanwhile
                seconds = options.seconds or 1.8
                result = (ours(run, pcap, flows, sessions, seconds, memory) if who == "ours" else
                          theirs(run, pcap, packets, seconds, memory, huge))
                found[who].append(result)
                report.say(f"{who}: {result}")
    report.compare("relay", name, "Mpps", [r["per_cpu"] / 1e6 for r in found["ours"]],
                   [r["per_cpu"] / 1e6 for r in found["peer"]], "testpmd 5tswap", goal=goal,
                   core_share={k: [report.digits(r["share"]) for r in v] for k, v in found.items()},
                   hugepages=bool(huge), relayed_share=[report.digits(r["relayed_share"]) for r in found["ours"]])


def main(run, options):
    sessions = options.sessions or SESSIONS
    huge = run.hugepages(HUGE)
    flows = capture.write_flows(run.path("flows"), sessions)
    packets = 2 * sessions
    pcap = capture.write_pcap(run, flows, "a.pcap", packets)
    compare(run, options, f"{sessions} sessions, {packets} packets", pcap, packets, flows, sessions, MEMORY["small"],
            huge, 0.5)
    packets = 64 * sessions
    if packets <= 100000:
        pcap = capture.write_pcap(run, flows, "b.pcap", packets, seed=7, step=2048)
        compare(run, options, f"{sessions} sessions, {packets} packets in sequence", pcap, packets, flows, sessions,
                MEMORY["large"], huge, 0.5)
