# SPDX-License-Identifier: BSD-3-Clause
"""A million prefixes: look-ups a second in a price list and in a route table, time to load them, memory.

The peer is a sorted array with binary search, on the same numbers in the same order, in turn; the goal is a look-up
within a microsecond. Loading is what a reload does beside the calls: the file read, checked, sorted, and the map made.
"""
import json
import subprocess

from lib import report

NEEDS = ["route_bench"]
PREFIXES = 1000000


def main(run, options):
    prefixes = options.sessions or PREFIXES
    command = [run.binaries["route_bench"], str(prefixes), str(options.rounds or 7), str(run.path(""))]
    found = json.loads(subprocess.run(["taskset", "-c", str(options.core), *map(str, command)], check=True,
                                      stdout=subprocess.PIPE, text=True).stdout)
    rounds = found["rounds"]
    case = f"{found['prefixes']} prefixes"
    report.compare("routes", f"look-ups a second in a price list, {case}", "per second",
                   [1e9 / r["rates_ns"] for r in rounds], [1e9 / r["peer_ns"] for r in rounds],
                   "a sorted array with binary search", better="higher")
    report.compare("routes", f"a look-up in a price list, {case}", "ns", [r["rates_ns"] for r in rounds], [1000.0],
                   "the goal: a microsecond", goal=1, better="lower")
    report.compare("routes", f"a whole decision in a route table, {case}", "ns", [r["routes_ns"] for r in rounds],
                   [1000.0], "the goal: a microsecond", goal=1, better="lower")
    report.compare("routes", f"memory of a price list, {case}", "bytes", [float(found["bytes"])],
                   [float(found["peer_bytes"])], "a sorted array, without prices", better="lower",
                   resident=found["resident"])
    report.compare("routes", f"load time, {case}", "s", [found["load_s"]], None, None, better="lower",
                   routes_s=found["routes_load_s"])
