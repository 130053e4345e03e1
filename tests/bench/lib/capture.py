# SPDX-License-Identifier: BSD-3-Clause
"""Sessions behind net_pcap devices: captures that DPDK plays for ever, and hawse-media that forwards them.

The ports are chosen here, because a capture must name them before hawse-media starts. Local addresses are 10.64.0.1
and on; pair k lies at address k / PAIRS, port 1024 + 2 * (k % PAIRS). Pairs go to workers in turn (steer.h), so both
legs of a session take pairs of one worker: session i of W workers belongs to worker i % W.
"""
import time

from . import hawse, report, system

SLICE = 0.6  # seconds
PAIRS = 32256  # of ports 1024-65535


def pair(k):
    return f"10.64.{(1 + k // PAIRS) >> 8}.{(1 + k // PAIRS) & 255}", 1024 + 2 * (k % PAIRS)


def party(base, i):
    return f"10.98.{base}.{1 + i // 25000}", 10000 + 2 * (i % 25000)


def pairs_of(i, workers):
    """The two pairs of session i."""
    first = (i // workers) * 2 * workers + i % workers
    return first, first + workers


def write_flows(path, sessions, workers=1, only=None):
    """Both flows of each session, the caller's first. `only`: of that worker alone."""
    with open(path, "w", encoding="ascii") as out:
        for i in range(sessions):
            if only is not None and i % workers != only:
                continue
            a, b = pairs_of(i, workers)
            (ipa, porta), (ipb, portb) = pair(a), pair(b)
            (ca, cpa), (cb, cpb) = party(1, i), party(3, i)
            out.write(f"{ca} {cpa} {ipa} {porta} {cb} {cpb}\n{cb} {cpb} {ipb} {portb} {ca} {cpa}\n")
    return path


def addresses(sessions):
    last = pairs_of(sessions - 1, 2)[1] + 2
    return [pair(k * PAIRS)[0] for k in range(last // PAIRS + 1)]


def write_pcap(run, flows, name, packets, seed=None, every=1, step=1):
    path = run.path(name)
    command = [run.binaries["rtp_pcap"], "--flows", flows, "--packets", packets, "--output", path, "--checksum",
               "--every", every, "--step", step]
    system.sh(*command, *(["--random", seed] if seed else []))
    return path


def device(captures):
    return "net_pcap0," + "".join(f"rx_pcap={path}," for path in captures) + "infinite_rx=1"


class Capture:
    """hawse-media on captures, `.packets()` as testpmd's."""

    def __init__(self, run, captures, flows, sessions, workers=1, capacity=None, memory=512, spare_ports=0,
                 name="hawse-media", more=()):
        # the bench's sessions take pairs from the first address on; `spare_ports` more sessions fit behind them
        media = {"capture": {"device": device(captures), "address": addresses(sessions + spare_ports),
                             "ports": "1024-65535"}}
        if workers > 1:
            media["capture"]["queues"] = workers
        cores = [(run.core + i) % 2 for i in range(workers)]
        self.run = run
        self.hawse = hawse.Hawse(run, media, workers=workers, cores=cores, sessions=capacity or sessions + 1000,
                                 memory=memory, name=name)
        self.pid = self.hawse.pid
        self.loader = hawse.Loader(self.hawse, ["--exact", flows, "--strict", *more], sessions)
        self.hawse.loaders.append(self.loader)

    def packets(self):
        found = self.loader.ask("counters")
        received = found["media_received_packets_total"]
        sent = found["media_relayed_packets_total{kind='rtp'}"]
        return received, sent, self.worker_cpu()

    def worker_cpu(self):
        threads = system.thread_cpu(self.pid)
        return sum(seconds for name, seconds in threads.items() if "worker" in name)

    def stages(self):
        """Sampled cycles and packets of each stage since the start; see stage_cycles()."""
        counters = self.loader.ask("counters")
        found = {}
        for key, value in counters.items():
            for what in ("cycles", "packets"):
                if f"stage_sampled_{what}_total" in key and "stage='" in key:
                    found.setdefault(key.split("stage='")[1].split("'")[0], {})[what] = value
        return found

    def drops(self):
        return {k: v for k, v in self.loader.ask("counters").items() if "drop" in k and v}

    def stop(self):
        self.hawse.stop()


def stage_cycles(turns):
    """Cycles a packet in each stage over turns of (before, after), as Capture.stages() gave them."""
    spent = {}
    for before, after in turns:
        for stage, now in after.items():
            cycles, packets = spent.get(stage, (0, 0))
            was = before.get(stage, {"cycles": 0, "packets": 0})
            spent[stage] = cycles + now["cycles"] - was["cycles"], packets + now["packets"] - was["packets"]
    return {stage: report.digits(cycles / packets) for stage, (cycles, packets) in spent.items() if packets}


def rate(side, seconds, meanwhile=None):
    """Packets received and sent a second by anything with .packets(), by the clock and by CPU second of its workers.

    Measured in slices of real-time priority, as lib/relays.py says, so that other work does not cool the caches.
    `meanwhile` is called instead of a sleep.
    """
    took = cpu = received = sent = 0.0
    for _ in range(max(1, round(seconds / SLICE))):
        system.sh("chrt", "-a", "-f", "-p", 40, side.pid)
        first, begin = side.packets(), time.monotonic()
        if meanwhile:
            meanwhile()
        else:
            time.sleep(SLICE)
        last, end = side.packets(), time.monotonic()
        system.sh("chrt", "-a", "-o", "-p", 0, side.pid)
        took, cpu = took + end - begin, cpu + last[2] - first[2]
        received, sent = received + last[0] - first[0], sent + last[1] - first[1]
        time.sleep(0.2)
    return {"received": received / took, "sent": sent / took, "per_cpu": sent / cpu if cpu else 0.0, "share": cpu / took}
