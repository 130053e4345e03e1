#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Who may include whom: DESIGN.md section 2, read from the #include lines.

walls.py ROOT prints every include that crosses a wall, and exits 1 if there is one.
walls.py --self-test ROOT proves on a made-up tree that the test can fail.
"""
import os
import re
import sys
import tempfile

LIBC = {
    "aio.h", "assert.h", "byteswap.h", "complex.h", "ctype.h", "dirent.h", "dlfcn.h", "elf.h", "endian.h", "err.h",
    "errno.h", "error.h", "fcntl.h", "fenv.h", "float.h", "fnmatch.h", "getopt.h", "glob.h", "grp.h", "ifaddrs.h",
    "inttypes.h", "libgen.h", "limits.h", "locale.h", "malloc.h", "math.h", "mntent.h", "netdb.h", "poll.h",
    "pthread.h", "pwd.h", "regex.h", "sched.h", "search.h", "semaphore.h", "setjmp.h", "signal.h", "spawn.h",
    "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h",
    "stdnoreturn.h", "string.h", "strings.h", "syscall.h", "syslog.h", "termios.h", "tgmath.h", "threads.h",
    "time.h", "uchar.h", "unistd.h", "wchar.h", "wctype.h", "cpuid.h",
    # The compiler's intrinsics need no library.
    "immintrin.h", "x86intrin.h", "emmintrin.h", "smmintrin.h", "arm_neon.h",
}
LIBC_DIRECTORIES = ("sys/", "netinet/", "arpa/", "net/", "linux/", "asm/", "bits/", "netpacket/")

# Libraries by the beginning of the header's name.
LIBRARIES = {
    "rte_": "dpdk", "ethdev_driver": "dpdk", "osipparser2/": "osip", "osip2/": "osip2", "openssl/": "openssl",
    "uv.h": "uv", "yaml.h": "yaml", "cyaml/": "cyaml", "jansson.h": "jansson", "microhttpd.h": "microhttpd",
    "libmnl/": "mnl", "bpf/": "bpf", "xdp/": "xdp", "lmdb.h": "lmdb", "lz4.h": "lz4", "ares": "cares", "wslay/": "wslay",
    "hiredis/": "hiredis", "srtp2/": "srtp2", "intel-ipsec-mb.h": "ipsec_mb", "ipsec-mb.h": "ipsec_mb",
    "opus/": "codec", "opus.h": "codec", "bcg729/": "codec", "spandsp": "codec", "speex/": "codec", "gsm.h": "codec",
    "opencore-amrnb/": "codec", "opencore-amrwb/": "codec", "vo-amrwbenc/": "codec", "numa": "numa", "pcap": "pcap",
    "valgrind/": "valgrind", "sanitizer/": "sanitizer",
}

EVERYBODY = {"controlplane/config"}  # the one reader of the configuration

# room -> (rooms it may include beside itself and EVERYBODY, libraries). The longest matching room counts.
ROOMS = {
    "dataplane/abi": (set(), set()),
    "dataplane/media": ({"dataplane/abi"}, {"openssl", "ipsec_mb"}),
    "dataplane/codec": ({"dataplane/abi", "dataplane/media", "dataplane/codec/format"}, {"codec"}),
    # Names and fmtp of codecs as pure functions, for every process.
    "dataplane/codec/format": (set(), set()),
    "dataplane/session": ({"dataplane/abi", "dataplane/media", "dataplane/codec", "dataplane/codec/format"}, {"dpdk"}),
    "dataplane": (
        {"dataplane/abi", "dataplane/media", "dataplane/codec", "dataplane/codec/format", "dataplane/session",
         "dataplane"},
        {"dpdk", "mnl", "bpf", "xdp", "numa", "sanitizer"},
    ),
    "sip": (set(), {"osip", "openssl"}),
    "controlplane/config": (set(), {"yaml", "cyaml"}),
    "controlplane/control": ({"dataplane/abi", "controlplane/control"}, {"jansson"}),
    # Pure but for trunk/names, so that hawsectl can say what a route or a rule would do.
    "controlplane/trunk": ({"sip", "controlplane", "dataplane/codec/format"}, {"uv"}),
    "controlplane": (
        {"dataplane/abi", "dataplane/codec/format", "sip", "controlplane", "controlplane/control",
         "controlplane/trunk"},
        {"uv", "openssl", "cares", "wslay", "lmdb", "lz4", "hiredis", "jansson", "osip"},
    ),
    # hawsectl speaks what controlplane/control/wire.h says.
    "stats": (
        {"dataplane/abi", "stats", "controlplane/control", "controlplane/trunk", "sip"},
        {"jansson", "microhttpd", "uv"},
    ),
}
# Of a library that a room may use, the only headers it may use.
WITHIN = {
    # TLS and its sockets are the control plane's; sip has the digests.
    "openssl": {"sip": ("evp.h", "sha.h", "md5.h", "rand.h", "crypto.h", "err.h", "opensslv.h")},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')


def room_of(path):
    fits = [r for r in ROOMS if path == r or path.startswith(r + "/")]
    return max(fits, key=len) if fits else None


def library_of(name):
    if name in LIBC or name.startswith(LIBC_DIRECTORIES):
        return "libc"
    for prefix, library in LIBRARIES.items():
        if name.startswith(prefix):
            return library
    return None


def complaint(room, name, quoted, root):
    """Why a file of this room may not include that name, or None."""
    allowed_rooms, allowed_libraries = ROOMS[room]
    target = room_of(os.path.dirname(name))
    if quoted or target:
        if target is None:
            if os.path.exists(os.path.join(root, name)):
                return "lies in no room"
            return "is not written from the top of the tree"
        ok = target == room or target in EVERYBODY or target in allowed_rooms
        return None if ok else f"{room} may not include {target}"
    library = library_of(name)
    if library is None:
        return "belongs to no known library: say in tests/unit/walls/walls.py whose it is"
    if library == "libc":
        return None
    if library not in allowed_libraries:
        return f"{room} may not use {library}"
    only = WITHIN.get(library, {}).get(room)
    if only and os.path.basename(name) not in only:
        return f"{room} may use of {library} only {', '.join(only)}"
    return None


def sources(root):
    for top in sorted({r.split("/")[0] for r in ROOMS}):
        for directory, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                # The XDP program runs in the kernel and has rules of its own.
                if name.endswith((".c", ".h", ".cc")) and not name.endswith(".bpf.c"):
                    yield os.path.relpath(os.path.join(directory, name), root)


def check(root):
    """All complaints of a tree, and how many includes were read."""
    found, read = [], 0
    for path in sources(root):
        room = room_of(os.path.dirname(path))
        with open(os.path.join(root, path), encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                m = INCLUDE.match(line)
                if not m:
                    continue
                read += 1
                name = m.group(1) or m.group(2)
                if name.endswith(".skel.h"):  # made by bpftool, or by the build
                    continue
                why = "no room" if room is None else complaint(room, name, bool(m.group(2)), root)
                if why:
                    found.append(f"{path}:{number}: {name}: {why}")
    return found, read


def self_test():
    wrong = {
        "sip/a.c": '#include "dataplane/abi/ring.h"\n',
        "sip/b.c": "#include <uv.h>\n",
        "sip/c.c": "#include <openssl/ssl.h>\n",
        "dataplane/media/a.c": "#include <rte_mbuf.h>\n",
        "dataplane/abi/a.h": '#include "dataplane/session/leg.h"\n',
        "dataplane/agent/a.c": '#include "sip/sdp/sdp.h"\n',
        "dataplane/agent/b.c": '#  include "controlplane/shm/client.h"\n',
        "controlplane/call/a.c": '#include "dataplane/agent/boundary.h"\n',
        "controlplane/call/b.c": '#include "call.h"\n',
        "stats/a.c": '#include "controlplane/call/call.h"\n',
        "stats/b.c": "#include <unheard/of.h>\n",
    }
    right = {
        "sip/d.c": "#include <openssl/evp.h>\n#include <osipparser2/osip_message.h>\n#include <stdio.h>\n",
        "dataplane/agent/c.c": '#include "dataplane/abi/ring.h"\n#include "controlplane/config/config.h"\n',
        "stats/c.c": '#include "dataplane/abi/shm.h"\n#include <jansson.h>\n',
    }
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**wrong, **right}.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        found, _ = check(root)
    seen = {line.split(":")[0] for line in found}
    return sorted(set(wrong) - seen) + sorted(seen - set(wrong))


def main(arguments):
    if arguments and arguments[0] == "--self-test":
        mistaken = self_test()
        for path in mistaken:
            print(f"judged wrongly: {path}")
        return 1 if mistaken else 0
    found, read = check(arguments[0])
    for line in found:
        print(line)
    print(f"{read} includes read, {len(found)} across a wall")
    return 1 if found or read == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
