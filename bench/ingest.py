#!/usr/bin/env python3
"""Signed webhooks per second through ingest into Kafka, as a ratio to a bare loop of libmicrohttpd and librdkafka.

    python3 bench/ingest.py [SECONDS [CONNECTIONS]]        after ./muster build; needs the package wrk

Both get the same pushes (bench/webhooks.py: about 1 KB, HMAC-SHA256) from one load generator, in turns of SECONDS, into one
topic of one broker, and answer 202 after the delivery report. Then each gets them at half of ingest's rate, for the
latencies, and ingest holds 1,000 connections, for its memory. MUSTER_BIN names the folder of the programs (default
build/release/bin), MUSTER_CACHE the folder of Kafka's jars.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "deploy"))

import webhooks  # noqa: E402
from local.kafka import Kafka  # noqa: E402
from local.process import Process, free_port, http_ok, tcp_ok  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve()
CACHE = Path(os.environ.get("MUSTER_CACHE", ROOT / ".muster/cache"))
TOPIC, SECRET, ROUNDS, MANY = "muster.registry-events", "bench-secret", 5, 1000


def start_ingest(state, kafka, processes):
    port = free_port()
    (state / "secret").write_text(SECRET)
    config = {"sources": [{"name": "main", "kind": "jfrog", "auth": {"hmac_file": str(state / "secret")}}]}
    (state / "sources.yaml").write_text(json.dumps(config))
    process = Process(state, "ingest")
    processes.append(process)
    process.start([str(BIN / "muster-ingest"), "run", f"--config={state}/sources.yaml", f"--kafka-brokers={kafka.brokers}",
                   f"--listen=127.0.0.1:{port}", f"--spool-dir={state}/spool"])
    process.wait_ready(lambda: http_ok(f"http://127.0.0.1:{port}/readyz"), 30, "ready")
    process.wait_ready(lambda: "topics are there" in process.log.read_text(), 30, "connected to Kafka")
    return process, f"http://127.0.0.1:{port}/v1/sources/main"


def start_floor(state, kafka, processes):
    port = free_port()
    program = BIN.parent / "bench" / "bench_webhook_floor"
    process = Process(state, "floor")
    processes.append(process)
    process.start([str(program), str(port), kafka.brokers, TOPIC])
    process.wait_ready(lambda: tcp_ok(port), 10, "listening")
    return process, f"http://127.0.0.1:{port}/"


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(process, url, hooks, seconds, connections, rate=0):
    """One turn: requests per second, latencies in ms, CPU microseconds per request. `rate` 0: as fast as it goes."""
    before = cpu_seconds(process.pid())
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(ROOT / "bench/webhooks.lua"), url,
                           "--", str(hooks), str(connections / rate * 1000 if rate else 0)], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    if result["failed"]:
        raise SystemExit(f"{url}: {result['failed']} of {result['requests']} requests were not answered 202\n{done.stdout}")
    used = cpu_seconds(process.pid()) - before
    return result["requests"] / result["seconds"], result["p50_ms"], result["p99_ms"], used * 1e6 / result["requests"]


def resident_mb(process):
    status = Path(f"/proc/{process.pid()}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def spooled(process_url):
    text = subprocess.run(["curl", "-s", process_url.replace("/v1/sources/main", "/metrics")], capture_output=True,
                          text=True, check=True).stdout
    return [line for line in text.splitlines() if 'messages_total{outcome="spooled"}' in line][0].split()[-1]


def measure(state, seconds, connections):
    kafka = Kafka(state, CACHE)
    processes = []
    hooks = state / "hooks"
    size = webhooks.write(hooks, SECRET)
    try:
        kafka.start()
        kafka.wait_ready()
        ingest, floor = start_ingest(state, kafka, processes), start_floor(state, kafka, processes)
        for server in (floor, ingest):
            load(*server, hooks, 2, connections)
        turns = [[load(*server, hooks, seconds, connections) for server in (floor, ingest)] for _ in range(ROUNDS)]
        print(f"{size} bytes, HMAC-SHA256; {connections} connections, median of {ROUNDS} turns each")
        report(turns)
        half = statistics.median(turn[1][0] for turn in turns) / 2
        print(f"\nat {half:.0f} webhooks/s offered")
        report([[load(*server, hooks, seconds, connections, half) for server in (floor, ingest)] for _ in range(ROUNDS)])
        load(*ingest, hooks, seconds, MANY)
        print(f"\ningest after {MANY} connections under load: {resident_mb(ingest[0]):.0f} MB resident; "
              f"of its messages {spooled(ingest[1])} went through the spool")
    finally:
        for process in (*processes, kafka.process):
            process.stop()


def report(turns):
    print(f"{'':8} {'webhooks/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'CPU us each':>12}")
    for name, index in (("floor", 0), ("ingest", 1)):
        rate, p50, p99, cpu = (statistics.median(turn[index][figure] for turn in turns) for figure in range(4))
        print(f"{name:8} {rate:11.0f} {p50:8.1f} {p99:8.1f} {cpu:12.1f}")
    ratios = [statistics.median(ingest[figure] / floor[figure] for floor, ingest in turns) for figure in range(4)]
    print(f"{'ratio':8} {ratios[0]:11.2f} {ratios[1]:8.2f} {ratios[2]:8.2f} {ratios[3]:12.2f}")


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    connections = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    if not shutil.which("wrk"):
        raise SystemExit("bench/ingest.py needs wrk (package: wrk)")
    state = Path(tempfile.mkdtemp(prefix="muster-bench-", dir="/var/tmp"))
    try:
        measure(state, seconds, connections)
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
