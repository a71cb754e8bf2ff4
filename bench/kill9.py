#!/usr/bin/env python3
"""Nothing lost, doubled or unexplained while every process is killed again and again: a table.

    python3 bench/kill9.py [MINUTES [EVENTS A SECOND]]        default 30 2000

Real Kafka, PostgreSQL and registry; ingest, a scanner and three inventory processes. A stream of pods comes and goes, one event
of twenty is sent twice, neighbours change places; at random instants one process dies by SIGKILL and is started again. In the end
what was acknowledged has to be in the ledger once, the ledger has to add up, every running container has to have a coverage state,
and a second database that is told the same topics undisturbed has to give the same dump, byte for byte.
MUSTER_KILL_SEED tells other instants. MUSTER_BIN and MUSTER_CACHE as bench/ingest.py; MUSTER_KEEP=1 keeps the state.
"""

import collections
import filecmp
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "tests/integration")]

from event_stream import CLUSTERS, digest_of, uuid_of  # noqa: E402
from local import demo, images  # noqa: E402
from local.process import Process, StackError, free_port, http_ok  # noqa: E402
from local.services import REGISTRY_NAME  # noqa: E402
from local.stack import Stack  # noqa: E402
from probes import end_offsets, ledger, positions, settled  # noqa: E402
from senders import post  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve()
CACHE = Path(os.environ.get("MUSTER_CACHE", ROOT / ".muster/cache"))
SEED = int(os.environ.get("MUSTER_KILL_SEED", "20261125"))
INVENTORIES, REAL_IMAGES, LOST_IMAGES = 3, 12, 12
IN_A_REQUEST, IN_A_WINDOW, SENT_TWICE = 20, 400, 20  # events; one in so many
PAUSE_S = (3, 9)  # between two kills
SETTLE_S = 600
SOURCE = "/sender/kill9"
KAFKA_CLIENT = "session.timeout.ms=6000,heartbeat.interval.ms=1000"
OPTIONS = {"inventory": {"untagged-grace": "1s", "retry-min": "1s", "retry-max": "10s", "kafka-properties": KAFKA_CLIENT},
           "scanner": {"kafka-properties": KAFKA_CLIENT}}


class Crew:
    """The services' processes by name: `inventory` three times, each with an address of its own."""

    def __init__(self, stack):
        self.stack = stack
        self.services = {"ingest": "ingest", "scanner": "scanner",
                         **{f"inventory-{number}": "inventory" for number in range(1, INVENTORIES + 1)}}
        self.processes = {name: Process(stack.state, name) for name in self.services}
        ports = stack.services.ports
        self.ports = {name: ports[name] if name in ports else free_port() for name in self.services}
        self.ports["inventory-1"] = ports["inventory"]  # the one that evidence is sent to

    def start(self, name):
        services, service = self.stack.services, self.services[name]
        argv = [part if not part.startswith("--listen=") else f"--listen=127.0.0.1:{self.ports[name]}"
                for part in services.arguments(service)]
        self.processes[name].start(argv, env=services.environment(service))

    def start_all(self):
        self.stack.services.migrate()
        for name in self.services:
            self.start(name)
        self.wait_ready()

    def wait_ready(self):
        for name, process in self.processes.items():
            process.wait_ready(lambda at=name: http_ok(f"http://127.0.0.1:{self.ports[at]}/readyz"), 120, "ready")

    def revive(self):
        """A process may die once more at its start: its port is the dead one's until all of that one's threads are gone."""
        for name, process in self.processes.items():
            if not process.pid():
                self.start(name)

    def kill(self, name):
        if name in ("kafka", "postgres"):
            backing = getattr(self.stack, name)
            backing.wait_ready()  # from its last death
            backing.kill()
            backing.start()
        elif self.processes[name].pid():
            self.processes[name].kill()
            self.start(name)


def push_images(stack):
    """(repository, tag, digest) of what pods run: images of the registry and some that it never had."""
    layout = images.Layout(stack.state / "images")
    found = []
    for number in range(REAL_IMAGES):
        image = layout.image([images.debian(("curl", f"7.88.1-10+deb12u{number}"), ("zlib1g", "1:1.2.13.dfsg-1"))])
        layout.push(image, f"{stack.registry.address}/team{number % 4}/app{number}:1.{number}")
        found.append((f"{REGISTRY_NAME}/team{number % 4}/app{number}", f"1.{number}", image["digest"]))
    return found + [(f"{REGISTRY_NAME}/lost/app{number}", "1.0", digest_of("lost", number)) for number in range(LOST_IMAGES)]


class PodStream:
    """Requests without end: pods appear, run, start again and go, each event with a number of its own."""

    def __init__(self, chance, pool):
        self.random, self.pool = chance, pool
        self.lock = threading.Lock()
        self.distinct = self.pods = 0
        self.waiting, self.again = [], collections.deque(maxlen=1000)
        self.begin = datetime.now(timezone.utc) - timedelta(hours=6)

    def _instant(self, second):
        return (self.begin + timedelta(milliseconds=second)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def _event(self, pod, step, at, action, containers):
        self.distinct += 1
        uid, moment = uuid_of("kill9", pod), self._instant(at)
        data = {"source": "sender", "source_kind": "cloudevents", "source_event_id": f"{pod}/{step}", "action": action,
                "occurred_at": moment, "received_at": moment, "cluster": CLUSTERS[pod % 2], "namespace": f"ns{pod % 20}",
                "pod": f"app-{pod}", "pod_uid": uid, "containers": containers, "node": f"node{pod % 50}", "platform": "linux/amd64",
                "owner_kind": "ReplicaSet", "owner_name": f"app{pod % 300}"}
        return json.dumps({"specversion": "1.0", "id": f"{pod}/{step}", "source": SOURCE, "type": "muster.workload-event.v1", "data": data})

    def _container(self, pod, run, at, finished=None):
        repository, tag, digest = self.pool[pod % len(self.pool)]
        return {"name": "app", "kind": "container", "image": f"{repository}:{tag}", "image_id": f"{repository}@{digest}",
                "repository": repository, "tag": tag, "digest": digest, "container_id": f"containerd://{digest_of('run', pod, run)[7:]}",
                "started_at": self._instant(at), "state": "terminated" if finished else "running",
                **({"finished_at": self._instant(finished)} if finished else {})}

    def _pod(self):
        pod, at = self.pods, self.pods * 2
        self.pods += 1
        yield self._event(pod, 0, at, "observed", [self._container(pod, 0, at)])
        if pod % 3 == 0:
            yield self._event(pod, 1, at + 50, "observed", [self._container(pod, 0, at, at + 40), self._container(pod, 1, at + 50)])
        if pod % 10:
            yield self._event(pod, 2, at + 90, "removed", [])

    def request(self):
        """The bytes of a batch of IN_A_REQUEST events; one in SENT_TWICE is a batch that was sent before."""
        with self.lock:
            if self.again and self.random.randrange(SENT_TWICE) == 0:
                return self.random.choice(self.again)
            while len(self.waiting) < IN_A_WINDOW:
                self.waiting.extend(self._pod())
            self.random.shuffle(self.waiting)
            body = f"[{','.join(self.waiting[:IN_A_REQUEST])}]".encode()
            del self.waiting[:IN_A_REQUEST]
            self.again.append(body)
            return body

    def rest(self):
        body = f"[{','.join(self.waiting)}]".encode()
        self.waiting = []
        return body


class Load:
    """Senders at a steady pace, each of which repeats its request until it is told 202."""

    def __init__(self, port, bearer, stream, rate, threads=4):
        self.port, self.bearer, self.stream = port, bearer, stream
        self.pause = IN_A_REQUEST * threads / rate  # s
        self.acknowledged, self.answers = 0, collections.Counter()
        self.stopped, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        due = time.monotonic()
        while not self.stopped.is_set():
            self.send(connection, self.stream.request(), IN_A_REQUEST)
            due = max(due + self.pause, time.monotonic() - 5)  # what a dead ingest cost is made up for, to a degree
            self.stopped.wait(max(0, due - time.monotonic()))
        connection.close()

    def send(self, connection, body, events):
        """Until it is acknowledged, even when stopped: a sender does not forget."""
        while (answer := post(connection, self.bearer, "/v1/sources/events", "application/cloudevents-batch+json", body)) != 202:
            self._count(answer, 0)
            time.sleep(0.05)
        self._count(answer, events)

    def _count(self, answer, events):
        with self.lock:
            self.answers[answer] += 1
            self.acknowledged += events


def play(crew, load, chance, seconds):
    """Kills by name."""
    kills, begin, told = collections.Counter(), time.monotonic(), 0
    while (now := time.monotonic() - begin) < seconds:
        time.sleep(chance.uniform(*PAUSE_S))
        victim = chance.choice([*crew.services, "kafka", "postgres"])
        crew.kill(victim)
        kills[victim] += 1
        crew.revive()
        if now - told > 60:
            told = now
            print(f"{now:6.0f} s: {sum(kills.values())} kills, {load.acknowledged} events acknowledged", file=sys.stderr)
    return kills


def wait_settled(crew):
    def state():
        crew.revive()
        return settled(crew.stack)
    demo.wait_until("settled", state, SETTLE_S)


def write_dump(stack, database, path):
    with open(path, "wb") as out:
        subprocess.run([stack.services.program("inventory"), "dump", f"--postgres={stack.postgres.conninfo(database)}"],
                       stdout=out, check=True)
    return path


def replay(crew):
    """The same topics once more, undisturbed, into a database of their own; seconds it took."""
    stack, name = crew.stack, "inventory-1"  # where the scanner brings what it is asked for again: images that were never there
    for number in range(1, INVENTORIES + 1):
        crew.processes[f"inventory-{number}"].stop()
    stack.postgres.sql("CREATE DATABASE again", database="postgres")
    argv = [f"--postgres={stack.postgres.conninfo('again')}" if part.startswith("--postgres=") else part  # the owner: it migrates
            for part in stack.services.arguments("inventory")]
    begin, ends = time.monotonic(), end_offsets(stack)
    # A result that the topics hold is known before its request is made again: such a request is never answered.
    crew.processes[name].start([*argv, "--lease=10s"], env=stack.services.environment("inventory"))

    def caught_up():
        try:
            behind = sum(ends.values()) - int(stack.postgres.sql("SELECT coalesce(sum(next_offset), 0) FROM positions", database="again"))
            work = stack.postgres.sql("SELECT count(*) FROM scan_jobs WHERE state IN ('pending', 'issued') "
                                      "OR (recheck AND state = 'complete')", database="again")
        except StackError as error:
            return str(error)  # its tables are being made
        return (behind <= 0 and work == "0") or f"{behind} behind, {work} jobs"
    demo.wait_until("the second database has caught up", caught_up, SETTLE_S)
    spent = time.monotonic() - begin
    crew.processes[name].stop()
    return spent


def account(crew, stream):
    stack = crew.stack
    books, ends = ledger(stack), end_offsets(stack)
    sql = stack.postgres.sql
    sql("ANALYZE")  # autovacuum counts anew after each crash, so a server that dies twice a minute has no statistics
    return {"events sent": stream.distinct,
            "of them in the ledger": int(sql("SELECT count(*) FROM ledger WHERE ce_type = 'muster.workload-event.v1' AND state = 'applied'")),
            "messages in the topics": sum(ends.values()), "received": books["received"], "applied": books["applied"],
            "quarantined": books["quarantined"], "received again": books["duplicates"],
            "running containers": int(sql("SELECT count(*) FROM coverage_containers(now(), 'infinity')")),
            "pods that should run": sum(1 for pod in range(stream.pods) if pod % 10 == 0),
            "containers without a state": int(sql("SELECT count(*) FROM coverage_containers(now(), 'infinity') WHERE state IS NULL")),
            "positions behind": sum(ends[place] != done for place, (done, _) in positions(stack).items() if place in ends)}


def faults(found, same):
    pairs = (("events sent", "of them in the ledger"), ("messages in the topics", "received"), ("pods that should run", "running containers"))
    wrong = [f"{found[left]} {left}, {found[right]} {right}" for left, right in pairs if found[left] != found[right]]
    wrong += [f"{found[name]} {name}" for name in ("containers without a state", "positions behind") if found[name]]
    if found["received"] != found["applied"] + found["quarantined"] + found["received again"]:
        wrong.append("the ledger does not add up")
    return wrong + ([] if same else ["the second database differs"])


def run(stack, seconds, rate):
    chance = random.Random(SEED)
    stack.start_backing(notify=True)
    built = stack.build_database([demo.write_osv(stack.state / "osv")])
    if built.returncode != 0:
        raise StackError(built.stderr)
    crew = Crew(stack)
    crew.start_all()
    stream = PodStream(chance, push_images(stack))
    with Load(stack.services.ports["ingest"], stack.services.bearer, stream, rate) as load:
        begin = time.monotonic()
        kills = play(crew, load, random.Random(SEED), seconds)
        spent = time.monotonic() - begin
    crew.revive()
    load.send(http.client.HTTPConnection("127.0.0.1", load.port, timeout=30), stream.rest(), 0)
    begin = time.monotonic()
    wait_settled(crew)
    settled_s = time.monotonic() - begin
    crew.processes["ingest"].stop()  # a source that falls silent is news, and the first dump would not have it
    found = {**{f"killed: {name}": count for name, count in sorted(kills.items())}, "seconds of load": round(spent),
             "acknowledged a second": round(load.acknowledged / spent), "seconds until settled": round(settled_s), **account(crew, stream)}
    first = write_dump(stack, "muster", stack.state / "first.dump")
    found["seconds of the second database"] = round(replay(crew))
    second = write_dump(stack, "again", stack.state / "second.dump")
    found["bytes of the dump"] = first.stat().st_size
    return found, filecmp.cmp(first, second, shallow=False)


def main():
    minutes, rate = (float(given) if given else default for given, default in zip([*sys.argv[1:], None, None][:2], (30, 2000)))
    state = Path(tempfile.mkdtemp(prefix="muster-kill9-", dir="/var/tmp"))
    state.chmod(0o755)
    stack = Stack(state, CACHE, BIN, OPTIONS)
    same = False
    try:
        found, same = run(stack, 60 * minutes, rate)
    finally:
        stack.stop()
        if same and not os.environ.get("MUSTER_KEEP"):
            shutil.rmtree(state, ignore_errors=True)
    for name, number in found.items():
        print(f"{name:40} {number:12}")
    wrong = faults(found, same)
    print("\n".join(wrong) if wrong else "nothing lost, doubled or unexplained")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
