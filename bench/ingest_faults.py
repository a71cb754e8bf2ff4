#!/usr/bin/env python3
"""Acknowledged = delivered: faults of Kafka, the disk and ingest itself, under load, in a table.

    python3 bench/ingest_faults.py [SECONDS]        how long Kafka is stopped; default 60

Senders post pushes with ids of their own and note which were answered 202. After the fault everything is made well, the spool
has to empty, and every acknowledged id has to be in the topic. What was in flight without an answer may be there or not. The
disk that is full is a small tmpfs, which only root may mount. MUSTER_BIN and MUSTER_CACHE as bench/ingest.py.
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "deploy"))

from local.kafka import Kafka  # noqa: E402
from local.process import Process, free_port, http_ok  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve()
CACHE = Path(os.environ.get("MUSTER_CACHE", ROOT / ".muster/cache"))
SENDERS, SETTLE_S, TMPFS_MIB = 16, 180, 8


class Ingest:
    def __init__(self, state, kafka):
        self.state, self.kafka = state, kafka
        self.port, self.spool = free_port(), state / "spool"
        (state / "sources.yaml").write_text(json.dumps({"sources": [{"name": "main", "kind": "distribution"}]}))
        self.process = Process(state, "ingest")

    def start(self):
        self.process.start([str(BIN / "muster-ingest"), "run", f"--config={self.state}/sources.yaml",
                            f"--kafka-brokers={self.kafka.brokers}", f"--listen=127.0.0.1:{self.port}", f"--spool-dir={self.spool}"])
        self.process.wait_ready(lambda: http_ok(f"http://127.0.0.1:{self.port}/healthz"), 30, "alive")

    def metric(self, pattern):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return int(re.search(pattern, answer.read().decode()).group(1))

    def wait(self, what, check, timeout_s=SETTLE_S):
        deadline = time.monotonic() + timeout_s
        while not check():
            if time.monotonic() > deadline:
                raise SystemExit(f"{what}: not within {timeout_s} s; {self.process.tail()}")
            time.sleep(0.1)

    def settle(self):
        self.wait("the spool is empty", lambda: self.metric(r"spool_bytes (\d+)") == 0 or self.kept())

    def kept(self):
        """Segments set aside: what is left in the spool is not going to leave it."""
        return any(self.spool.glob("*.damaged")) and not any(self.spool.glob("*.spool"))


class Load:
    """Keeps posting until it is told to stop; a refused event is not sent again."""

    def __init__(self, port, run):
        self.port, self.run = port, run
        self.acknowledged, self.refused, self.broken = set(), 0, 0
        self.number, self.lock, self.ending = 0, threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _next(self):
        with self.lock:
            self.number += 1
            return f"{self.run}-{self.number:08d}"

    def _send(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        while not self.ending.is_set():
            name = self._next()
            body = json.dumps({"events": [{"id": name, "timestamp": "2026-11-23T17:26:13Z", "action": "push", "target": {
                "digest": "sha256:" + "5" * 64, "mediaType": "application/vnd.oci.image.manifest.v1+json", "repository": "team/app",
                "tag": "v1"}, "request": {"host": "registry.example"}}]})
            try:
                connection.request("POST", "/v1/sources/main", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                with self.lock:
                    self.broken += 1
                self.ending.wait(0.05)
                continue
            with self.lock:
                if answer.status == 202:
                    self.acknowledged.add(name)
                else:
                    self.refused += 1
            if answer.status != 202:
                self.ending.wait(0.05)

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


def delivered(kafka, run):
    """Ids of the run that are in the topic, and how often they are there together."""
    done = subprocess.run(["kcat", "-b", kafka.brokers, "-m", "60", "-C", "-t", "muster.registry-events", "-o", "beginning", "-e", "-q"],
                          capture_output=True, text=True, check=True, timeout=300)
    found = re.findall(rf'"source_event_id":"({run}-\d+)"', done.stdout)
    return set(found), len(found)


# ---- faults: each gets ingest under load and leaves it well ----

def kafka_stopped(ingest, kafka, seconds):
    kafka.process.signal(signal.SIGSTOP)
    time.sleep(seconds)
    kafka.process.signal(signal.SIGCONT)


def kafka_killed(ingest, kafka, seconds):
    kafka.process.kill()
    time.sleep(seconds / 4)
    kafka.start(jars_ready=True)
    kafka.wait_ready()


def ingest_terminated(ingest, kafka, seconds):
    ingest.process.signal(signal.SIGTERM)
    ingest.wait("it ended", lambda: not ingest.process.pid(), 60)
    ingest.start()


def ingest_killed(ingest, kafka, seconds):
    ingest.process.kill()
    ingest.start()


def ingest_killed_while_spooling(ingest, kafka, seconds):
    kafka.process.kill()
    ingest.wait("it spools", lambda: ingest.metric(r'outcome="spooled"\} (\d+)') > 100, 60)
    ingest.process.kill()
    ingest.start()
    kafka.start(jars_ready=True)
    kafka.wait_ready()


def spool_torn(ingest, kafka, seconds):
    """As after a power failure in the middle of a write: half a record behind the last one."""
    kafka.process.kill()
    ingest.wait("it spools", lambda: ingest.metric(r'outcome="spooled"\} (\d+)') > 100, 60)
    ingest.process.kill()
    last = max(ingest.spool.glob("*.spool"))
    with open(last, "ab") as segment:
        segment.write(last.read_bytes()[8:8 + 100])
    ingest.start()
    kafka.start(jars_ready=True)
    kafka.wait_ready()


def disk_full(ingest, kafka, seconds):
    kafka.process.kill()
    ingest.wait("the disk is full", lambda: ingest.metric(r'messages_total\{outcome="refused"\} (\d+)') > 100, 120)
    kafka.start(jars_ready=True)
    kafka.wait_ready()


FAULTS = [("Kafka stopped (SIGSTOP)", kafka_stopped), ("Kafka killed and back", kafka_killed), ("SIGTERM", ingest_terminated),
          ("kill -9", ingest_killed), ("kill -9 while spooling", ingest_killed_while_spooling), ("torn spool segment", spool_torn),
          ("disk full", disk_full)]


def run_fault(state, kafka, number, name, fault, seconds):
    """One row; False when something acknowledged is not there."""
    state.mkdir()
    ingest, mounted = Ingest(state, kafka), False
    ingest.spool.mkdir()
    if fault is disk_full:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MIB}m", "muster-faults", str(ingest.spool)]
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        if not mounted:
            print(f"{name:26} SKIPPED: a tmpfs cannot be mounted here")
            return True
    try:
        ingest.start()
        ingest.wait("topics", lambda: "topics are there" in ingest.process.log.read_text(), 60)
        load = Load(ingest.port, f"fault{number}")
        try:
            ingest.wait("load", lambda: len(load.acknowledged) > 500, 60)
            fault(ingest, kafka, seconds)
            at = len(load.acknowledged)
            ingest.wait("goes on", lambda: len(load.acknowledged) > at + 500, 120)
        finally:
            load.stop()
        ingest.settle()
        there, copies = delivered(kafka, load.run)
        lost = load.acknowledged - there
        print(f"{name:26} {load.number:8} {len(load.acknowledged):12} {load.refused:8} {load.broken:8} {len(there):10} "
              f"{copies - len(there):7} {len(lost):6}", flush=True)
        return not lost
    finally:
        ingest.process.stop()
        if mounted:
            subprocess.run(["umount", str(ingest.spool)], check=False)


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    state = Path(tempfile.mkdtemp(prefix="muster-faults-", dir="/var/tmp"))
    kafka = Kafka(state, CACHE)
    try:
        kafka.start()
        kafka.wait_ready()
        print(f"{'fault':26} {'sent':>8} {'acknowledged':>12} {'refused':>8} {'broken':>8} {'delivered':>10} {'copies':>7} {'lost':>6}")
        kept = [run_fault(state / str(number), kafka, number, *fault, seconds) for number, fault in enumerate(FAULTS)]
    finally:
        kafka.process.stop()
        shutil.rmtree(state, ignore_errors=True)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
