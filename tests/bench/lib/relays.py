# SPDX-License-Identifier: BSD-3-Clause
"""The two relays on the same veth, each started anew for a measurement and stopped after it, with the same calls.

Measurements are made of slices, each under a second. For a slice the relay and the generator get real-time priority,
so that other work on this machine is not measured; a core that real time fills for a whole second gives others 50 ms
at a stretch. A slice in which others took part of a busily polling relay's core all the same, or
in which the generator lost its own core in the middle of a send, is made again.
"""
import time

from . import hawse, network, rtpengine, system, testpmd

PORTS = "20000-59999"
FIFO = 40
SLICE = 0.7  # seconds
DISTURBED = 0.003  # of a slice, taken by others: 2 ms, in which AF_XDP's ring of 2,048 fills at a million a second
SUMS = ("seconds", "sent", "received", "lost", "junk_sent", "refused", "wrong", "foreign", "disorder", "ring_lost", "send_cpu",
        "relay_cpu", "softirq_cpu", "foreign_cpu", "device_drops")
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


def merge(results):
    """One histogram of several: [(us, packets), ...], by time."""
    total = {}
    for result in results:
        for us, count in result["histogram_us"]:
            total[us] = total.get(us, 0) + count
    return sorted(total.items())


def percentile(histogram, share):
    total, seen = sum(count for _, count in histogram), 0
    for us, count in histogram:
        seen += count
        if seen > share * total:
            return us
    return histogram[-1][0] if histogram else 0.0


class Relay:
    """A running relay with `calls` calls up, and the file of flows that goes with it."""

    learning = 0.5  # seconds of packets before anything is measured
    polls = True    # takes its whole core when told to be busy

    def __init__(self, run, net, calls, poll="busy", **more):
        self.run = run
        self.net = net
        self.more = more
        self.busy = poll == "busy" and self.polls
        self.flows = run.path(f"{self.name}.flows")
        self.begin(calls, poll)
        self.learned = False

    def measure(self, seconds, **how):
        return network.generate(self.net, self.flows, seconds, relay=self.process, **how)

    def real_time(self, on):
        system.sh("chrt", "-a", *(["-f", "-p", FIFO] if on else ["-o", "-p", 0]), self.process.pid)

    def slice(self, **how):
        self.real_time(True)
        try:
            return self.measure(SLICE, warmup=0.05, fifo=FIFO + 1, **how)
        finally:
            self.real_time(False)
            time.sleep(0.3)

    def slices(self, seconds, rate, **how):
        """The sum of slices that nobody else took part in, as many as fill `seconds`."""
        if not self.learned:
            self.measure(self.learning, rate=min(rate, 10000), linger=0.1)
            self.learned = True
        wanted, kept, tried = max(1, round(seconds / SLICE)), [], 0
        while len(kept) < wanted:
            tried += 1
            result = self.slice(rate=rate, linger=0.15, **how)
            if self.busy:  # it never rests: what it did not get, others had
                result["foreign_cpu"] = max(0.0, result["seconds"] - result["relay_cpu"])
            calm = not result["stalls"] and (not self.busy or result["foreign_cpu"] <= DISTURBED * SLICE)
            if calm or tried > 3 * wanted:
                kept.append(result)
        total = {name: sum(r[name] for r in kept) for name in SUMS}
        total["histogram_us"] = merge(kept)
        total |= {name: percentile(total["histogram_us"], share) for name, share in PERCENTILES.items()}
        total["slices"] = f"{len(kept)} of {tried}"
        return total

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Ours(Relay):
    name = "hawse"

    def begin(self, calls, poll):
        # further addresses, for sessions that no traffic belongs to
        extra = [f"10.98.100.{1 + i}" for i in range(self.more.pop("spare_addresses", 0))]
        for address in extra:
            system.sh("ip", "-n", self.net.dut, "addr", "replace", f"{address}/32", "dev", "m0")
        media = {"public": {"device": "m0", "address": [network.RELAY, *extra], "ports": PORTS}}
        self.hawse = hawse.Hawse(self.run, media, namespace=self.net.dut, poll=poll, **self.more)
        self.process = self.hawse.process
        self.loader = self.hawse.load(calls, self.flows, both=True, caller=network.CALLER, callee=network.CALLEE)

    def end(self):
        self.hawse.stop()


class Peer(Relay):
    name = "rtpengine"
    polls = False
    learning = 3.5  # it learns for three seconds after an answer

    def begin(self, calls, poll):
        self.process, control = rtpengine.start(self.run, self.net.dut, network.RELAY, core=self.run.core,
                                                nice=self.more.get("nice", -20))
        flows = []
        for i in range(calls):
            a, b = network.caller(i), network.callee(i)
            to_a, to_b, _ = control.call(a, b)
            flows += [(a, to_a, b), (b, to_b, a)]
        network.write_flows(self.flows, flows)

    def end(self):
        self.run.stop(self.process)


class Device(Relay):
    """testpmd's 5tswap on the same veth and AF_XDP: packets go back to who sent them."""

    name = "testpmd"

    def begin(self, calls, poll):
        self.testpmd = testpmd.Testpmd(self.run, ["net_af_xdp0,iface=m0"], "5tswap", 32768, 256, False,
                                       namespace=self.net.dut)
        self.process = self.testpmd.process
        network.write_flows(self.flows, [(network.caller(i), (network.RELAY, 20000 + 2 * i), network.caller(i))
                                         for i in range(2 * calls)])

    def end(self):
        self.testpmd.stop()


def sides(options):
    """The sides to measure, ours first."""
    return [side for side in (Ours, Peer) if options.only in (None, {"hawse": "ours"}.get(side.name, "peer"))]
