# SPDX-License-Identifier: BSD-3-Clause
"""For the plot: the rate of one core at 1,000 to 1,000,000 sessions in random order.

As `sessions`, with captures of one length for all points, one point after the other.
"""
import os
import signal

import sessions as bench
from lib import capture, report, system

NEEDS = ["hawse-media", "session_loader", "rtp_pcap"]
POINTS = (1000, 10000, 100000, 300000, 1000000)


def main(run, options):
    most = options.sessions or max(POINTS)
    memory = 512 + most * 5 // 1024
    huge = run.hugepages(memory + 256)
    for count in [n for n in POINTS if n <= most]:
        side = bench.Side(run, f"n{count}", count, most, memory)
        found = []
        for _ in range(options.rounds or 3):
            system.quiet(run, 1)
            found.append(side.measure(options.seconds or 1.0)["per_cpu"] / 1e6)
        os.kill(side.side.pid, signal.SIGCONT)
        report.compare("sessions", "sweep", "Mpps", found, None, "none", sessions=count, packets=most, hugepages=huge,
                       adds_a_second=side.installed["adds_a_second"])
        side.stop()
        capture.write_flows(run.path(f"n{count}.flows"), 1)  # the file of a million sessions is large
