# SPDX-License-Identifier: BSD-3-Clause
"""Registrations a second of CPU, digest MD5, against Kamailio's registrar with one worker.

10,000 users on 200 hosts register by UDP as fast as they are answered, each side on one core and the phones on the other.
Ours keeps every registration in LMDB, Kamailio's usrloc only in memory (db_mode 0). Two cases: refreshes with the nonce
that the phone has (nc counts up), and registrations that are challenged each time. CPU time is that of all processes of the side.
"""
import json
import subprocess
import time

from lib import report, system

NEEDS = ["hawse-sip", "register_load", "kamailio"]
RELAY, FIRST, HOSTS, USERS = "10.98.0.1", "10.98.1.1", 200, 10000

KAMAILIO = """
debug=-1
log_stderror=yes
children=1
auto_aliases=no
listen=udp:%s:5060
alias="pbx.example"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "nonce_expire", 300)
modparam("auth", "qop", "auth")
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "hash_size", 14)
request_route {
	if (!is_method("REGISTER")) { exit; }
	if (!pv_www_authenticate("pbx.example", "geheim", "0")) { www_challenge("pbx.example", "1"); exit; }
	save("location");
	exit;
}
"""


def children(pid):
    text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(p) for p in text.split()]


class Side:
    def cpu(self):
        return sum(system.cpu_seconds(p) for p in self.pids)

    def stop(self):
        self.run.stop(self.process)


class Ours(Side):
    def __init__(self, run, namespace, name):
        self.run = run
        directory = run.path(f"run-{name}")
        directory.mkdir(exist_ok=True)
        users = run.path("users.yaml")
        users.write_text("".join(f"u{i}: {{password: geheim}}\n" for i in range(USERS)))
        config = {
            "media": {"public": {"device": "m0", "address": [RELAY], "ports": "20000-20999"}},
            "sip": {"listen": [f"udp:{RELAY}"], "trace": 1, "stranger_rate": 0},
            "peers": {"office": {"kind": "access", "domain": "pbx.example", "users": str(users), "digest": ["md5"]}},
            "routes": [{"to": ["office"]}],
            "run": str(directory),
        }
        path = run.path(f"{name}.yaml")
        path.write_text(json.dumps(config))
        self.process = run.start(name, [run.binaries["hawse-sip"], "-c", path], namespace=namespace, core=run.core, nice=0)
        run.wait_log(self.process, "ready", 30)
        self.pids = [self.process.pid]


class Kamailio(Side):
    def __init__(self, run, namespace, name):
        self.run = run
        path = run.path("kamailio.cfg")
        path.write_text(KAMAILIO % RELAY)
        directory = run.path("kamailio")
        directory.mkdir(exist_ok=True)
        self.process = run.start(name, ["kamailio", "-DD", "-E", "-f", path, "-Y", directory, "-w", directory, "-m", "256", "-M", "16"],
                                 namespace=namespace, core=run.core, nice=0)
        for _ in range(100):
            time.sleep(0.1)
            if "5060" in system.sh("ip", "netns", "exec", namespace, "ss", "-Hlun"):
                break
        self.pids = [self.process.pid, *children(self.process.pid)]


def measure(run, namespace, side, seconds, fresh):
    command = ["ip", "netns", "exec", namespace, "taskset", "-c", run.other_core, run.binaries["register_load"], "--remote", RELAY,
               "--first", FIRST, "--hosts", HOSTS, "--users", USERS, "--seconds", seconds]
    command += ["--fresh"] if fresh else []
    load = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    run.processes.append(load)
    ready = json.loads(load.stdout.readline())
    before = side.cpu()
    load.stdin.write("\n")
    load.stdin.flush()
    said = json.loads(load.stdout.readline())
    said["cpu"] = side.cpu() - before
    load.wait(5)
    run.processes.remove(load)
    if said["failed"] or ready["failed"]:
        report.say(f"registrations failed: {ready} {said}")
    said["per_cpu"] = said["good"] / said["cpu"] if said["cpu"] else 0.0
    return said


def main(run, options):
    dut, load = run.namespace("dut"), run.namespace("load")
    run.veth(dut, load)
    system.sh("ip", "-n", dut, "addr", "add", f"{RELAY}/16", "dev", "m0")
    for i in range(HOSTS):
        system.sh("ip", "-n", load, "addr", "add", f"10.98.1.{i + 1}/16", "dev", "l0")
    for device, namespace in (("m0", dut), ("l0", load)):
        system.sh("ip", "-n", namespace, "link", "set", device, "up")
    for fresh, case in ((False, "refreshes with a nonce in use"), (True, "challenged each time")):
        found = {"ours": [], "peer": []}
        for _ in range(options.rounds or 3):
            for name, kind in (("ours", Ours), ("peer", Kamailio)):
                if options.only and options.only != name:
                    continue
                side = kind(run, dut, f"register-{name}")
                system.quiet(run, 1)
                found[name].append(measure(run, load, side, options.seconds or 4, fresh))
                side.stop()
                report.say(f"{case}, {name}: {found[name][-1]}")
        report.compare("register", case, "registrations a CPU second", [f["per_cpu"] for f in found["ours"]],
                       [f["per_cpu"] for f in found["peer"]], "Kamailio usrloc in memory, one worker", goal=1.0,
                       a_second={k: [report.digits(f["good"] / f["seconds"]) for f in v] for k, v in found.items()},
                       failed={k: [f["failed"] for f in v] for k, v in found.items()})
