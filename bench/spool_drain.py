#!/usr/bin/env python3
"""Memory and rate of ingest while events fill its spool and leave it again.

    python3 bench/spool_drain.py [EVENTS]        default 200000; the issue of it is 10000000 (15 GB of disk, ten minutes)

Kafka is away while EVENTS pushes are acknowledged into the spool, then it comes. Resident memory is told at every twentieth
of the way out. MUSTER_BIN and MUSTER_CACHE as bench/ingest.py.
"""

import http.client
import json
import os
import re
import shutil
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
BATCH, SENDERS = 500, 4


def notification(first, count):
    """A body of CNCF Distribution with `count` pushes."""
    return json.dumps({"events": [{
        "id": f"{number:08x}-0000-4000-8000-{number:012x}", "timestamp": "2026-11-23T17:26:13.997036694Z", "action": "push",
        "target": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": f"sha256:{number:064x}", "size": 345,
                   "repository": f"team/app-{number % 50}", "url": "http://registry.example/v2/team/app/manifests/v1", "tag": "v1"},
        "request": {"host": "registry.example"}, "source": {"addr": "registry:5000"}} for number in range(first, first + count)]}).encode()


def start_ingest(state, kafka, spool_bytes):
    port, process = free_port(), Process(state, "ingest")
    (state / "sources.yaml").write_text(json.dumps({"sources": [{"name": "main", "kind": "distribution"}]}))
    process.start([str(BIN / "muster-ingest"), "run", f"--config={state}/sources.yaml", f"--kafka-brokers={kafka.brokers}",
                   f"--listen=127.0.0.1:{port}", f"--spool-dir={state}/spool", f"--spool-max-bytes={spool_bytes}"])
    process.wait_ready(lambda: http_ok(f"http://127.0.0.1:{port}/readyz"), 30, "ready")
    return process, port


def fill(port, events):
    """Sends from several threads; every answer has to be 202."""
    firsts, lock, failures = iter(range(0, events, BATCH)), threading.Lock(), []

    def send():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not failures:
            with lock:
                first = next(firsts, None)
            if first is None:
                return
            connection.request("POST", "/v1/sources/main", notification(first, min(BATCH, events - first)))
            answer = connection.getresponse()
            if answer.status != 202:
                failures.append(f"{answer.status} {answer.read()[:200]}")
            answer.read()

    threads = [threading.Thread(target=send) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"not acknowledged: {failures[0]}")


def metric(port, pattern):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return int(re.search(pattern, answer.read().decode()).group(1))


def resident_mib(process, what="VmRSS"):
    status = Path(f"/proc/{process.pid()}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what)) / 1024


def drain(process, port, events):
    """Resident memory at every twentieth; [(delivered, MiB)]."""
    points, next_at = [], events / 20
    while (left := metric(port, r"spool_bytes (\d+)")) > 0 or not points:
        delivered = metric(port, r'outcome="delivered"\} (\d+)')
        if delivered >= next_at:
            points.append((delivered, resident_mib(process)))
            next_at = delivered + events / 20
        if not process.pid():
            raise SystemExit(f"ingest ended:\n{process.tail()}")
        time.sleep(0.1 if left else 0.01)
    return points


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 200000
    state = Path(tempfile.mkdtemp(prefix="muster-drain-", dir="/var/tmp"))
    kafka = Kafka(state, CACHE)
    process = None
    try:
        process, port = start_ingest(state, kafka, max(events * 1000, 1 << 30))
        print(f"at rest {resident_mib(process):.0f} MiB")
        begun = time.monotonic()
        fill(port, events)
        spool = metric(port, r"spool_bytes (\d+)")
        print(f"{events} events acknowledged into the spool: {spool / 1e6:.0f} MB, {events / (time.monotonic() - begun):.0f}/s, "
              f"{resident_mib(process):.0f} MiB (most {resident_mib(process, 'VmHWM'):.0f})")
        kafka.start()
        kafka.wait_ready()
        begun = time.monotonic()
        points = drain(process, port, events)
        took, delivered = time.monotonic() - begun, metric(port, r'outcome="delivered"\} (\d+)')
        for at, mib in points:
            print(f"  {at:>10} delivered {mib:6.0f} MiB")
        print(f"{delivered} delivered, {delivered / took:.0f}/s; most {resident_mib(process, 'VmHWM'):.0f} MiB, "
              f"at the end {resident_mib(process):.0f} MiB")
        if delivered < events:
            raise SystemExit(f"{events - delivered} acknowledged events were not delivered")
    finally:
        for one in (process, kafka.process):
            if one:
                one.stop()
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
