# SPDX-License-Identifier: BSD-3-Clause
"""The JSON lines of shared/GOALS.md: both sides, median, spread, ratio, goal."""
import json
import statistics
import sys

_output = None


def open_output(path):
    global _output
    _output = open(path, "a", encoding="utf-8") if path else None


def say(text):
    print(text, file=sys.stderr, flush=True)


def line(**fields):
    text = json.dumps(fields)
    print(text, flush=True)
    if _output:
        print(text, file=_output, flush=True)


def spread(values):
    """Half of the range over the median: 0.03 means that the measurements lie within 3 % or so of it."""
    middle = statistics.median(values)
    if len(values) < 2 or not middle:
        return 0.0
    return (max(values) - min(values)) / 2 / abs(middle)


def digits(value):
    return float(f"{value:.4g}")


def compare(bench, case, unit, ours, peer, peer_name, goal=None, better="higher", **more):
    """One line from the lists of measurements of both sides; a side that was not measured is None."""
    fields = {"bench": bench, "case": case, "unit": unit}
    if ours:
        fields["ours"] = digits(statistics.median(ours))
    if peer:
        fields["peer"] = digits(statistics.median(peer))
    fields["peer_name"] = peer_name
    if ours and peer and statistics.median(peer):
        fields["ratio"] = digits(statistics.median(ours) / statistics.median(peer))
    if goal is not None:
        fields["goal"] = goal
        if "ratio" in fields:
            fields["met"] = fields["ratio"] >= goal if better == "higher" else fields["ratio"] <= goal
    fields["better"] = better
    fields["spread"] = digits(max(spread(side) for side in (ours, peer) if side))
    if ours:
        fields["ours_all"] = [digits(v) for v in ours]
    if peer:
        fields["peer_all"] = [digits(v) for v in peer]
    fields.update(more)
    line(**fields)
