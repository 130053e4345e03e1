# SPDX-License-Identifier: BSD-3-Clause
"""The two relays on the same veth, each started anew for a measurement and stopped after it, with the same calls."""
from . import hawse, network, rtpengine, system

PORTS = "20000-59999"


class Relay:
    """A running relay with `calls` calls up, and the file of flows that goes with it."""

    def __init__(self, run, net, calls, fifo=0, poll="busy", **more):
        self.run = run
        self.net = net
        self.more = more
        self.flows = run.path(f"{self.name}.flows")
        self.begin(calls, fifo, poll)

    def measure(self, seconds, **how):
        return network.generate(self.net, self.flows, seconds, relay=self.process, **how)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Ours(Relay):
    name = "hawse"

    def begin(self, calls, fifo, poll):
        # further addresses, for sessions that no traffic belongs to
        extra = [f"10.98.100.{1 + i}" for i in range(self.more.pop("spare_addresses", 0))]
        for address in extra:
            system.sh("ip", "-n", self.net.dut, "addr", "replace", f"{address}/32", "dev", "m0")
        media = {"public": {"device": "m0", "address": [network.RELAY, *extra], "ports": PORTS}}
        self.hawse = hawse.Hawse(self.run, media, namespace=self.net.dut, poll=poll, fifo=fifo, **self.more)
        self.process = self.hawse.process
        self.loader = self.hawse.load(calls, self.flows, both=True, caller=network.CALLER, callee=network.CALLEE)

    def end(self):
        self.hawse.stop()


class Peer(Relay):
    name = "rtpengine"

    def begin(self, calls, fifo, poll):
        self.process, control = rtpengine.start(self.run, self.net.dut, network.RELAY, core=self.run.core,
                                                nice=self.more.get("nice", -20))
        if fifo:
            system.sh("chrt", "-a", "-f", "-p", fifo, self.process.pid)
        flows = []
        for i in range(calls):
            a, b = network.caller(i), network.callee(i)
            to_a, to_b, _ = control.call(a, b)
            flows += [(a, to_a, b), (b, to_b, a)]
        network.write_flows(self.flows, flows)

    def end(self):
        self.run.stop(self.process)


def sides(options):
    """The sides to measure, ours first."""
    return [side for side in (Ours, Peer) if options.only in (None, {"hawse": "ours"}.get(side.name, "peer"))]
