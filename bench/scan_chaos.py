#!/usr/bin/env python3
"""Every image has one result, whatever is killed while it is scanned: a table.

    python3 bench/scan_chaos.py [MINUTES]        default 10

Real Kafka, PostgreSQL, registry, ingest and inventory; two scanners. Images are pushed one after the other, and at random
instants a scanner dies by SIGKILL with all its sandboxes, or alone, or a sandbox alone. In the end every image has to have one
complete scan with its evidence, nothing may be left of the dead, and the ledger has to add up. MUSTER_CHAOS_SEED tells other
instants. MUSTER_BIN and MUSTER_CACHE as bench/ingest.py.
"""

import collections
import contextlib
import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "tests/integration")]

import hostile_bytes  # noqa: E402
from layouts import DEBIAN, OCI, STATUS, digest_of, tar_of  # noqa: E402
from local import demo  # noqa: E402
from local.process import Process, StackError, free_port, http_ok  # noqa: E402
from local.stack import Stack  # noqa: E402
from probes import ledger, settled  # noqa: E402
from pushes import Pusher  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve()
CACHE = Path(os.environ.get("MUSTER_CACHE", ROOT / ".muster/cache"))
SEED = int(os.environ.get("MUSTER_CHAOS_SEED", "20261125"))
SETTLE_S = 300
VICTIMS = ("scanner and sandboxes", "scanner alone", "sandbox alone")
SANDBOX_COMMAND = "sandbox-worker"
OPTIONS = {"inventory": {"untagged-grace": "1s", "retry-min": "200ms", "retry-max": "1s", "max-attempts": "50", "rate-limit": "0"},
           "scanner": {"kafka-properties": "session.timeout.ms=6000,heartbeat.interval.ms=1000"}}


def children(pid):
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            found += Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    return [int(child) for child in found]


class Scanners:
    """Two processes of `muster-scanner run`, started again whenever they die."""

    def __init__(self, stack, count=2):
        self.stack = stack
        self.processes = [Process(stack.state, f"scanner-{number}") for number in range(count)]
        self.ports = [free_port() for _ in range(count)]
        self.seen = set()  # sandboxes

    def start(self, number):
        services = self.stack.services
        argv = [part if not part.startswith("--listen=") else f"--listen=127.0.0.1:{self.ports[number]}" for part in services.arguments("scanner")]
        self.processes[number].start(argv, env=services.environment("scanner"))

    def start_all(self):
        for number, process in enumerate(self.processes):
            self.start(number)
            process.wait_ready(lambda at=number: http_ok(f"http://127.0.0.1:{self.ports[at]}/readyz"), 60, "ready")

    def sandboxes(self, number):
        found = children(self.processes[number].pid() or 0)
        self.seen |= set(found)
        return found

    def kill(self, number, victim, in_scan):
        """False: it is not the instant for it, which with `in_scan` is while a layer is read."""
        process, sandboxes = self.processes[number], self.sandboxes(number)
        if not process.pid() or (in_scan and not sandboxes):
            return False
        if victim == "sandbox alone":
            with contextlib.suppress(ProcessLookupError):
                os.kill(sandboxes[0], signal.SIGKILL)
            return True
        if victim == "scanner alone":
            os.kill(process.pid(), signal.SIGKILL)
        else:
            process.kill()
        return True

    def revive(self):
        """A scanner may die once more at its start: the port is the dead one's until all its threads are gone."""
        for number, process in enumerate(self.processes):
            if not process.pid():
                self.start(number)

    def left_over(self):
        """Sandboxes whose scanner is dead."""
        living = {child for number in range(len(self.processes)) for child in self.sandboxes(number)}
        return [pid for pid in self.seen - living if SANDBOX_COMMAND in _command(pid)]


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except OSError:
        return ""


class Images:
    """Images of one large layer that all share and a small one of their own."""

    def __init__(self, stack, large=200000):
        self.pusher = Pusher(f"http://{stack.registry.address}")
        self.digests = []
        self.tars = [hostile_bytes.many_files(large)]
        self.layers = [self._layer(self.tars[0])]
        self.shared = digest_of(self.tars[0])

    def _layer(self, tar):
        return {**self.pusher._blob("chaos/app", gzip.compress(tar, 1, mtime=0)), "mediaType": f"{OCI}.layer.v1.tar+gzip"}

    def push(self):
        number = len(self.digests)
        tar = tar_of({"etc/os-release": DEBIAN, "var/lib/dpkg/status": STATUS, "number": b"%d" % number})
        config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [self.shared, digest_of(tar)]}})
        manifest = json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": self.pusher._blob("chaos/app", config.encode()),
                               "layers": [*self.layers, self._layer(tar)]}).encode()
        self.pusher.request("PUT", f"/v2/chaos/app/manifests/{number}", manifest, f"{OCI}.manifest.v1+json").close()
        self.digests.append("sha256:" + hashlib.sha256(manifest).hexdigest())


def complete(stack):
    return int(stack.postgres.sql("SELECT count(*) FROM scan_jobs WHERE state = 'complete'"))


def play(stack, scanners, images, seconds, waiting=12, kills_every_s=6.0):
    """Pushes so that some images always wait, and kills; {victim: kills}."""
    chance, kills = random.Random(SEED), collections.Counter()
    ends, next_kill, next_look, done = time.monotonic() + seconds, time.monotonic() + 2, 0, 0
    victim, in_scan = chance.choice(VICTIMS), True
    while (now := time.monotonic()) < ends:
        if now >= next_look:
            next_look, done = now + 0.5, complete(stack)
            scanners.revive()
        if len(images.digests) - done < waiting:
            images.push()
        if now >= next_kill and scanners.kill(chance.randrange(len(scanners.processes)), victim, in_scan or victim == "sandbox alone"):
            kills[victim] += 1
            next_kill = time.monotonic() + chance.expovariate(1 / kills_every_s)
            victim, in_scan = chance.choice(VICTIMS), chance.random() < 0.7
        for each in range(len(scanners.processes)):
            scanners.sandboxes(each)
        time.sleep(0.002)  # how often sandboxes are looked at
    return kills


def evidence_is_there(stack, digest):
    with urllib.request.urlopen(f"{stack.services.url('inventory')}/v1/evidence/{digest}", timeout=30) as answer:
        data = answer.read()
    return digest_of(data) == digest and json.loads(data)["status"] == "complete"


def wait_settled(stack, scanners, images):
    def state():
        scanners.revive()
        known = int(stack.postgres.sql("SELECT count(*) FROM scan_jobs"))
        return settled(stack) if known >= len(images.digests) else f"{known} of {len(images.digests)} images known"
    demo.wait_until("settled", state, SETTLE_S)


def account(stack, scanners, images):
    """The table's figures as {name: number}; what has to be equal is checked by `faults`."""
    rows = [row.split("|") for row in stack.postgres.sql("SELECT digest, outcome, coalesce(evidence_digest, '') FROM scans").splitlines()]
    whole = collections.Counter(digest for digest, outcome, _ in rows if outcome == "complete")
    failed = [digest for digest, outcome, _ in rows if outcome == "failed"]
    evidence = [name for _, outcome, name in rows if outcome == "complete"]
    stored = sum(path.is_file() for path in (stack.state / "inventory/evidence").rglob("*"))
    books = ledger(stack)
    return {"images pushed": len(images.digests), "with one complete scan": sum(whole[digest] == 1 for digest in images.digests),
            "with none": sum(whole[digest] == 0 for digest in images.digests), "with several": sum(count > 1 for count in whole.values()),
            "scans that failed on the way": len(failed), "evidence told and there": sum(evidence_is_there(stack, name) for name in evidence),
            "evidence stored": stored, "results received again": books["duplicates"],
            "events received": books["received"], "events applied or in quarantine": books["applied"] + books["quarantined"],
            "jobs given up": int(stack.postgres.sql("SELECT count(*) FROM scan_jobs WHERE state = 'failed_final'")),
            "sandboxes seen": len(scanners.seen), "sandboxes left over": len(scanners.left_over())}


def faults(found):
    """What must not be, in words."""
    pairs = (("images pushed", "with one complete scan"), ("images pushed", "evidence told and there"))
    wrong = [f"{found[left]} {left}, {found[right]} {right}" for left, right in pairs if found[left] != found[right]]
    wrong += [f"{found[name]} {name}" for name in ("with none", "with several", "jobs given up", "sandboxes left over") if found[name]]
    if found["events received"] != found["events applied or in quarantine"] + found["results received again"]:
        wrong.append("the ledger does not add up")
    return wrong


def prepare(stack):
    stack.start_backing()
    built = stack.build_database([demo.write_osv(stack.state / "osv")])
    if built.returncode != 0:
        raise StackError(built.stderr)
    for name in ("inventory", "ingest"):
        stack.services.start(name)
        stack.services.wait_ready(name)
    scanners = Scanners(stack)
    scanners.start_all()
    return scanners


def main():
    seconds = 60 * float(sys.argv[1] if len(sys.argv) > 1 else 10)
    state = Path(tempfile.mkdtemp(prefix="muster-chaos-", dir="/var/tmp"))
    state.chmod(0o755)
    stack = Stack(state, CACHE, BIN, OPTIONS)
    try:
        scanners = prepare(stack)
        images = Images(stack)
        kills = play(stack, scanners, images, seconds)
        wait_settled(stack, scanners, images)
        found = account(stack, scanners, images)
    finally:
        stack.stop()
        if not os.environ.get("MUSTER_KEEP"):
            shutil.rmtree(state, ignore_errors=True)
    for name, number in [*((f"killed: {victim}", kills[victim]) for victim in VICTIMS), *found.items()]:
        print(f"{name:40} {number:8}")
    wrong = faults(found)
    print("\n".join(wrong) if wrong else "every image has one result")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
