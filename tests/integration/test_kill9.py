"""kill -9 of every service, of the broker and of PostgreSQL under a stream of 10,000 duplicated, shuffled events.

MUSTER_KILL_ROUNDS rounds (default 4), each of which kills all five in an order and at instants the seed tells
(MUSTER_KILL_SEED); MUSTER_KILL_EVENTS events are sent. Instants are counted in acknowledged events, not in seconds.
"""

import collections
import difflib
import json
import os
import random
import urllib.request

import pytest
from event_stream import INDEX, MANIFEST, Stream
from local import images
from local.demo import wait_until
from local.process import StackError
from probes import dump, end_offsets, ledger, messages, positions, settled
from senders import Senders

ROUNDS = int(os.environ.get("MUSTER_KILL_ROUNDS", "4"))
EVENTS = int(os.environ.get("MUSTER_KILL_EVENTS", "10000"))
SEED = int(os.environ.get("MUSTER_KILL_SEED", "20261125"))
VICTIMS = ("ingest", "scanner", "inventory", "kafka", "postgres")
OPTIONS = {"inventory": {"untagged-grace": "1s", "retry-min": "200ms", "retry-max": "1s"}}
SETTLE_S = 300

def push_images(stack):
    """Images of every fate: findings, none, an index with an attestation, a layer the registry lost."""
    layout = images.Layout(stack.state / "images")
    old, new = (layout.image([images.debian(("curl", version), ("zlib1g", "1:1.2.13.dfsg-1"))]) for version in ("7.88.1-10", "7.88.1-10+deb12u12"))
    both = [layout.image([images.debian(("curl", "7.88.1-10+deb12u4"))], arch) for arch in ("amd64", "arm64")]
    attestation = layout.attestation(both[0])
    index = layout.index([*both, attestation])
    broken_layer = images.layer(files={"data": b"soon lost"})
    broken = layout.image([images.debian(("tzdata", "2024a-0+deb12u1")), broken_layer])
    for number, (name, what) in enumerate((("real/web", old), ("real/web", new), ("real/tools", index), ("real/broken", broken))):
        layout.push(what, f"{stack.registry.address}/{name}:{number}")
    lost = json.loads((layout.folder / "blobs/sha256" / broken["digest"][7:]).read_text())["layers"][1]["digest"]
    stack.registry.blob(lost).unlink()
    return {"real/web": [(old["digest"], MANIFEST), (new["digest"], MANIFEST)], "real/tools": [(index["digest"], INDEX), *((part["digest"], MANIFEST) for part in (*both, attestation))],
            "real/broken": [(broken["digest"], MANIFEST)]}


def play_pods(stack, events):
    lines = "".join(event.body + "\n" for event in events).encode()
    if lines:
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{stack.kube_port}/replay", lines, method="POST"), timeout=30).close()


def make_stack(new_stack, name):
    stack = new_stack(name, OPTIONS, notify=False)
    stack.real_images = push_images(stack)
    stack.start_services()
    return stack


@pytest.fixture(scope="module")
def undisturbed(new_stack):
    """Every event once, in order, nobody hurt: (stream, dump, ledger)."""
    stack = make_stack(new_stack, "undisturbed")
    stream = Stream(SEED, EVENTS, stack.real_images)
    play_pods(stack, stream.pods)
    sent = [event for event in stream.once if event.kind != "pods"]
    senders = Senders(stack.services.ports["ingest"], stack.services.bearer, stream.requests(sent, most=20), threads=1)
    senders.release()
    senders.wait_acknowledged(senders.total)
    wait_until("settled", lambda: settled(stack), SETTLE_S)
    result = stream, dump(stack), ledger(stack)
    stack.stop()
    return result


class Killer:
    def __init__(self, stack, chance):
        self.stack, self.random = stack, chance
        self.kills = collections.Counter()
        self.seen = 0

    def received(self):
        try:
            return sum(received for _, received in positions(self.stack).values())
        except StackError:
            return 0  # PostgreSQL is coming up

    def wait_progress(self):
        """So that each kill hits work under way, and a round cannot pass in start-ups alone."""
        before = self.seen
        wait_until("inventory goes on", lambda: self.received() > before or f"received {before}", 120)
        self.seen = self.received()

    def kill(self, victim):
        stack = self.stack
        if victim in ("kafka", "postgres"):
            backing = getattr(stack, victim)
            backing.wait_ready()  # from its last death
            backing.kill()
            backing.start()
        else:
            stack.services.wait_ready(victim, wants="/healthz")
            stack.services.process[victim].kill()
            stack.services.start(victim)
        self.kills[victim] += 1

    def round(self, senders, events):
        """All victims once; the stream goes on meanwhile."""
        for victim in self.random.sample(VICTIMS, len(VICTIMS)):
            part = events // len(VICTIMS) // 2
            senders.release(part)
            if victim in ("inventory", "postgres"):
                self.wait_progress()
            at = senders.acknowledged
            senders.release(part)
            senders.wait_acknowledged(at + self.random.randint(1, part))
            self.kill(victim)


@pytest.fixture(scope="module")
def disturbed(new_stack, undisturbed):
    """The same events duplicated and shuffled, everything killed over and over: (stack, killer, senders)."""
    stream = undisturbed[0]
    stack = make_stack(new_stack, "disturbed")
    killer = Killer(stack, random.Random(SEED))
    senders = Senders(stack.services.ports["ingest"], stack.services.bearer, stream.requests(stream.shuffled))
    for number in range(ROUNDS):
        share = len(stream.pods) / ROUNDS  # in order: versions grow over all rounds, as an API server's do
        play_pods(stack, stream.pods[round(number * share):round((number + 1) * share)])
        killer.round(senders, EVENTS // ROUNDS)
    senders.release()
    senders.wait_acknowledged(senders.total)
    senders.stop()
    wait_until("settled", lambda: settled(stack), SETTLE_S)
    yield stack, killer, senders
    stack.stop()


def test_everything_was_killed_in_every_round(disturbed):
    _, killer, senders = disturbed
    assert killer.kills == {victim: ROUNDS for victim in VICTIMS}
    assert senders.total == senders.acknowledged == EVENTS
    print(f"kills {dict(killer.kills)}, answers to senders {dict(senders.answers)}")


def test_the_ledger_adds_up_received_is_applied_and_quarantined(disturbed):
    found = ledger(disturbed[0])
    print(f"ledger {found}")
    assert found["received"] == found["applied"] + found["quarantined"] + found["duplicates"]
    assert found["duplicates"] > 0


def test_every_message_of_every_partition_was_received_once(disturbed):
    stack = disturbed[0]
    ends, done = end_offsets(stack), positions(stack)
    assert {place: (end, end) for place, end in ends.items()} == done


def test_no_acknowledged_event_is_missing(undisturbed, disturbed):
    stream, stack = undisturbed[0], disturbed[0]
    understood = len(stream.distinct) - stream.count("ingest")
    rows = stack.postgres.sql("SELECT state, count(*) FROM ledger WHERE ce_type IN ('muster.registry-event.v1', 'muster.workload-event.v1') "
                              "GROUP BY state ORDER BY state").splitlines()
    assert dict(row.split("|") for row in rows) == {"applied": str(understood - stream.count("inventory")),
                                                    "quarantined": str(stream.count("inventory"))}


def test_all_poison_is_in_quarantine_with_its_reason(undisturbed, disturbed):
    stream, stack = undisturbed[0], disturbed[0]
    records = {message["id"]: message["value"] for message in messages(stack, "muster.quarantine")}
    payloads = {(record["stage"], record["payload_digest"]) for record in records.values()}  # a reason tells the place in its request too
    assert collections.Counter(stage for stage, _ in payloads) == {"ingest": stream.count("ingest"), "inventory": stream.count("inventory")}
    assert all(record["reason"] and record["payload_base64"] for record in records.values())


def test_final_tables_equal_those_of_an_undisturbed_run_byte_for_byte(undisturbed, disturbed):
    stack = disturbed[0]
    expected, found = undisturbed[1], dump(stack)
    (stack.state / "expected.dump").write_text(expected)
    (stack.state / "found.dump").write_text(found)
    if expected != found:
        lines = list(difflib.unified_diff(expected.splitlines(), found.splitlines(), "undisturbed", "disturbed", lineterm="", n=0))
        pytest.fail(f"{len(lines)} lines differ, in {stack.state}:\n" + "\n".join(lines[:40]))
    kinds = collections.Counter(line.split(" ", 1)[0] for line in found.splitlines())
    print(f"{len(found)} bytes: {dict(kinds)}")
    assert kinds.keys() >= {"ledger", "asset", "tag", "digest", "edge", "registry", "pod", "run", "scan", "finding", "coverage",
                            "detection_failure"}
