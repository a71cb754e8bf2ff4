"""What an operator does to a running ingest: new configuration, a stop under load, quarantine, replay, health."""

import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from event_stream import digest_of
from faulty import get, logged, notification, post, push_event
from local.demo import wait_until
from local.process import Process, free_port, tcp_ok
from local.stack import REPOSITORY
from probes import end_offsets, kcat, messages, metric, positions

WAIT_S = 60
RELOADS = 50
CLIENTS = 4


@pytest.fixture(scope="module")
def stack(new_stack):
    stack = new_stack("operators", {"inventory": {"untagged-grace": "1s"}}, notify=False)
    for name in ("inventory", "ingest"):
        stack.services.start(name)
    for name in ("inventory", "ingest"):
        stack.services.wait_ready(name)
    yield stack
    stack.stop()


def wait(what, check):
    wait_until(what, check, WAIT_S)


def config_path(stack):
    return stack.state / "ingest" / "sources.yaml"


def sources(stack):
    return json.loads(config_path(stack).read_text())["sources"]


def reload(stack, text):
    """Writes the file, sends SIGHUP, waits until ingest has said what it made of it; whether it took it."""
    path, names = config_path(stack), ("done", "refused")
    before = {name: reloads(stack, name) for name in names}
    path.write_text(text if isinstance(text, str) else json.dumps({"sources": text}, indent=1))
    os.kill(stack.services.process["ingest"].pid(), signal.SIGHUP)
    wait("read", lambda: any(reloads(stack, name) > before[name] for name in names))
    return reloads(stack, "done") > before["done"]


def reloads(stack, outcome):
    return metric_of(stack, f'muster_ingest_config_reloads_total{{outcome="{outcome}"}}')


def metric_of(stack, line):
    """Value of one line of /metrics; None when it is not there."""
    for each in get(stack, "ingest", "/metrics")[1].splitlines():
        if each.startswith(line + " "):
            return float(each.split()[-1])
    return None


def health(stack, name):
    return next((row for row in json.loads(get(stack, "ingest", "/v1/sources")[1])["sources"] if row["name"] == name), None)


def run(stack, *arguments):
    return subprocess.run([stack.services.program("ingest"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)


def rows(done):
    return json.loads(done.stdout)


def ids_on(stack, topic, repository):
    return [m["value"]["source_event_id"] for m in messages(stack, topic) if m["value"].get("repository", "").endswith(repository)]


class Load(threading.Thread):
    """Posts pushes one after the other on one connection until it is told to stop; notes each answer."""

    def __init__(self, stack, number, repository):
        super().__init__()
        self.port, self.bearer = stack.services.ports["ingest"], stack.services.bearer
        self.number, self.repository = number, repository
        self.enough = threading.Event()
        self.acknowledged, self.failed = [], []

    def run(self):
        connection, count = None, 0
        while not self.enough.is_set():
            count += 1
            event = notification(f"{self.repository} {self.number} {count}", self.repository, digest_of(f"{self.number} {count}"), "1.0")
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("POST", "/v1/sources/registry", json.dumps({"events": [event]}), {
                    "Content-Type": "application/json", "Authorization": f"Bearer {self.bearer}"})
                answer = connection.getresponse()
                answer.read()
            except OSError as error:
                self.failed.append(f"{event['id']}: {error!r}")
                connection = None
                if isinstance(error, ConnectionRefusedError):
                    return
                continue
            (self.acknowledged if answer.status == 202 else self.failed).append(event["id"] if answer.status == 202 else answer.status)
            if answer.getheader("Connection") == "close":
                connection = None


def start_load(stack, repository):
    load = [Load(stack, number, repository) for number in range(CLIENTS)]
    for client in load:
        client.start()
    wait("load", lambda: all(len(client.acknowledged) > 5 for client in load))
    return load


def end_load(load):
    for client in load:
        client.enough.set()
    for client in load:
        client.join()
    return [event for client in load for event in client.acknowledged], [why for client in load for why in client.failed]


# ---- SIGHUP ----

def test_fifty_reloads_under_load_lose_no_request(stack):
    before = sources(stack)
    load = start_load(stack, "operators/reload")
    for number in range(RELOADS):
        changed = [dict(before[0], repository_aliases={f"10.0.0.{number}": "registry.other.example", **before[0]["repository_aliases"]})]
        assert reload(stack, changed + before[1:])
    acknowledged, failed = end_load(load)
    assert failed == []
    assert len(acknowledged) > RELOADS
    wait("all delivered", lambda: set(acknowledged) <= set(ids_on(stack, "muster.registry-events", "operators/reload")))
    assert reload(stack, before)
    print(f"\n{RELOADS} reloads, {len(acknowledged)} requests acknowledged and delivered, {len(failed)} failed")


def test_a_file_that_is_wrong_changes_nothing_and_is_named_with_its_line(stack):
    good = config_path(stack).read_text()
    assert not reload(stack, "sources:\n  - name: registry\n    kind: distribution\n    colour: blue\n")
    assert logged(stack, "ingest", "the one before stays", f"{config_path(stack)}:4: 'colour' is an unknown option") is True
    push_event(stack, "still there", "operators/still", digest_of("still there"), "1.0")
    assert reload(stack, good)


def test_sources_come_and_go_with_their_paths_and_watches(stack):
    before = sources(stack)
    watch = next(source for source in before if source["kind"] == "kubernetes")
    assert post(stack, {"events": []}, source="late")[0] == 404
    relists = metric(stack, "ingest", "muster_ingest_watch_relists_total")
    assert reload(stack, before + [dict(before[0], name="late"), dict(watch, name="second")])
    assert post(stack, {"events": []}, source="late")[0] == 202
    wait("listed", lambda: metric(stack, "ingest", "muster_ingest_watch_relists_total") > relists)
    assert health(stack, "second") is not None
    assert reload(stack, before)
    assert post(stack, {"events": []}, source="late")[0] == 404
    assert health(stack, "second") is None
    wait("ended", lambda: logged(stack, "ingest", "watch ends: removed or changed", "second") is True)


def test_a_source_may_send_so_many_requests_a_second_and_so_large_ones(stack):
    before = sources(stack)
    assert reload(stack, before + [dict(before[0], name="slow", max_requests_per_second=2, max_body_bytes="2KiB")])
    answers = [post(stack, {"events": []}, source="slow")[0] for _ in range(12)]
    assert answers[:2] == [202, 202] and 429 in answers
    assert post(stack, b" " * 3000, source="slow")[0] == 413
    assert post(stack, {"events": []})[0] == 202, "another source has its own"
    assert metric_of(stack, 'muster_ingest_requests_total{outcome="limited"}') == answers.count(429)
    assert reload(stack, before)


# ---- health ----

def test_a_row_tells_how_a_source_does(stack):
    push_event(stack, "health", "operators/health", digest_of("health"), "1.0")
    row = health(stack, "registry")
    assert (row["state"], row["kind"]) == ("ok", "distribution") and row["events_last_hour"] >= 1 and row["last_event_at"]
    assert post(stack, b"{}", bearer="wrong")[0] == 401
    assert health(stack, "registry")["last_error"] == "the bearer token is wrong"
    assert health(stack, "events")["state"] == "never"
    assert metric_of(stack, 'muster_ingest_source_events_total{source="registry",kind="distribution"}') >= 1
    done = run(stack, "status", f"--url={stack.services.url('ingest')}")
    assert done.returncode == 0 and "STATE" in done.stdout and "registry" in done.stdout, done.stderr


def failures(stack, source):
    return stack.postgres.sql(f"SELECT count(*) FILTER (WHERE closed_at IS NULL), count(*) FROM detection_failures WHERE source = '{source}'")


def test_a_silent_source_is_a_detection_failure_and_a_notification_until_it_speaks(stack):
    before = sources(stack)
    assert reload(stack, before + [dict(before[0], name="quiet", silent_after="1s")])
    wait("silent", lambda: health(stack, "quiet")["state"] == "silent")
    wait("a failure", lambda: failures(stack, "quiet") == "1|1")
    wait("notified", lambda: any(m["value"]["kind"] == "detection_failure" and m["value"]["subject"] == "quiet"
                                 for m in messages(stack, "muster.notifications")))
    assert run(stack, "status", f"--url={stack.services.url('ingest')}").returncode == 1
    assert reload(stack, before + [dict(before[0], name="quiet", silent_after="1h")])
    assert post(stack, {"events": [notification("speaks", "operators/quiet", digest_of("speaks"), "1.0")]}, source="quiet")[0] == 202
    wait("closed", lambda: failures(stack, "quiet") == "0|1")
    stack.services.process["ingest"].stop(30)
    stack.services.start("ingest")  # which writes its own file again
    stack.services.wait_ready("ingest")
    assert health(stack, "registry")["events_total"] > 0, "a restart forgets nothing"
    assert failures(stack, "quiet") == "0|1"


# ---- a cluster that is gone ----

def pod_event(cluster, number):
    return json.dumps({"type": "ADDED", "object": {
        "kind": "Pod", "metadata": {"uid": f"{cluster}-{number}", "name": f"web-{number}", "namespace": "shop", "resourceVersion": str(number)},
        "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]},
        "status": {"containerStatuses": [{"name": "web", "state": {"running": {"startedAt": "2026-11-24T08:00:00Z"}}}]}}})


class Cluster:
    """Two pods run in it, and a source of its name watches it."""

    def __init__(self, stack, name):
        self.stack, self.name, self.without = stack, name, sources(stack)
        self.port, self.api = free_port(), Process(stack.state, f"kube-{name}")
        self.api.start([sys.executable, str(REPOSITORY / "deploy/local/kube_replay.py"), str(self.port)])
        self.api.wait_ready(lambda: tcp_ok(self.port), 20, "listening")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", "/replay", "\n".join(pod_event(name, number) for number in (1, 2)))
        assert connection.getresponse().status == 200
        self.source = {"name": name, "kind": "kubernetes", "cluster": name, "url": f"http://127.0.0.1:{self.port}"}
        assert reload(stack, [*self.without, self.source])
        wait("running", lambda: self.running() == 2)

    def running(self):
        return int(self.stack.postgres.sql(f"SELECT count(*) FROM coverage_images(now(), 'infinity') WHERE cluster = '{self.name}'"))

    def file(self, name):
        return self.stack.state / "ingest" / "spool" / name

    def retire(self, *options):
        return run(self.stack, "retire", f"--source={self.name}", f"--spool-dir={self.file('')}", "--format=json", *options)

    def retire_all(self):
        return self.retire(f"--kafka-brokers={self.stack.kafka.brokers}", "--apply")


@pytest.fixture
def cluster(stack):
    made = []

    def make(name):
        made.append(Cluster(stack, name))
        return made[-1]
    yield make
    for one in made:
        one.api.stop()
        reload(stack, one.without)


def test_a_cluster_that_is_gone_runs_until_it_is_retired(stack, cluster):
    gone = cluster("gone")
    left = [gone.file("known-gone.jsonl"), gone.file("position-gone.json")]
    refused = gone.retire_all()
    assert refused.returncode == 3 and "'gone' is still watched" in refused.stderr
    gone.api.kill()
    wait("a position", left[1].exists)
    assert reload(stack, gone.without)
    wait("a failure", lambda: failures(stack, "gone") == "1|1")
    kept = [path.read_bytes() for path in left]
    dry = gone.retire()
    assert (dry.returncode, rows(dry)) == (0, [{"source": "gone", "cluster": "gone", "pods": "2", "outcome": "would be told as removed"}]), dry.stderr
    assert gone.running() == 2 and failures(stack, "gone") == "1|1"
    for _ in range(2):  # as if it had been killed before it forgot them
        for path, content in zip(left, kept, strict=True):
            path.write_bytes(content)
        done = gone.retire_all()
        assert (done.returncode, rows(done)[0]["outcome"]) == (0, "told as removed"), done.stdout + done.stderr
    wait("none running", lambda: gone.running() == 0)
    wait("closed", lambda: failures(stack, "gone").startswith("0|"))
    told = [m for m in messages(stack, "muster.workload-events") if m["value"]["cluster"] == "gone" and m["value"]["action"] == "removed"]
    assert len(told) == 4 and len({m["id"] for m in told}) == 2 and all(m["value"]["reconcile"] for m in told)
    assert rows(gone.retire())[0]["pods"] == "0"


def test_what_another_source_knows_is_forgotten_and_not_told_as_removed(stack, cluster):
    old = cluster("old-name")
    known = old.file("known-new-name.jsonl")
    assert reload(stack, [*old.without, dict(old.source, name="new-name")])
    wait("listed", lambda: known.exists() and known.read_text().count('"pod"') == 2)
    wait("a failure", lambda: failures(stack, "old-name") == "1|1")
    done = old.retire_all()
    assert (done.returncode, rows(done)[0]["pods"]) == (0, "0"), done.stdout + done.stderr
    wait("closed", lambda: failures(stack, "old-name") == "0|1")
    assert old.running() == 2


def test_what_no_source_left_is_not_retired(stack):
    refused = run(stack, "retire", "--source=nobody", f"--spool-dir={stack.state / 'ingest' / 'spool'}")
    assert refused.returncode == 2 and "nothing of a source 'nobody'" in refused.stderr


# ---- quarantine and replay ----

STRANGE = {"events": [dict(notification("replay me", "operators/replayed", digest_of("replay me"), "1.0"), action="teleport")]}


def listed(stack, *options):
    done = run(stack, "quarantine", "list", f"--kafka-brokers={stack.kafka.brokers}", "--format=json", *options)
    assert done.returncode == 0, done.stderr
    return rows(done)


def test_what_was_not_understood_is_listed_shown_and_replayed_once_it_is(stack):
    kafka = f"--kafka-brokers={stack.kafka.brokers}"
    for _ in range(2):
        assert post(stack, STRANGE)[0] == 202
    wait("listed", lambda: [row["times"] for row in listed(stack, "--source=registry", "--reason=teleport")] == ["2"])
    [row] = listed(stack, "--source=registry", "--reason=teleport", "--since=1h")
    assert listed(stack, "--since=2100-01-01T00:00:00Z") == [] and listed(stack, "--source=nobody") == []
    shown = run(stack, "quarantine", "show", row["id"][:8], kafka, "--format=json")
    assert json.loads(json.loads(shown.stdout)["payload"])["action"] == "teleport", shown.stdout
    refused = run(stack, "quarantine", "replay", row["id"], kafka, f"--config={config_path(stack)}", "--format=json")
    assert refused.returncode == 1 and "still not understood" in rows(refused)[0]["why"]


def test_a_record_that_is_understood_now_has_the_ids_it_would_have_had(stack):
    kafka, name = f"--kafka-brokers={stack.kafka.brokers}", "operators/understood"
    event = notification("understood", name, digest_of("understood"), "1.0")
    event["request"].pop("host")  # the event names no registry, nor does the source
    assert post(stack, {"events": [event]})[0] == 202
    wait("listed", lambda: len(listed(stack, "--reason=names no registry")) == 1)
    [row] = listed(stack, "--reason=names no registry")
    mended = stack.state / "mended.yaml"
    mended.write_text(json.dumps({"sources": [dict(sources(stack)[0], registry="registry.muster.example")]}))
    dry = run(stack, "quarantine", "replay", row["id"], kafka, f"--config={mended}", "--dry-run", "--format=json")
    assert (dry.returncode, rows(dry)[0]["outcome"]) == (0, "would be delivered"), dry.stdout + dry.stderr
    assert ids_on(stack, "muster.registry-events", name) == []
    for _ in range(2):
        done = run(stack, "quarantine", "replay", row["id"], kafka, f"--config={mended}", "--format=json")
        assert (done.returncode, rows(done)[0]["outcome"]) == (0, "delivered"), done.stdout + done.stderr
    ends = sum(end_offsets(stack).values())
    wait("applied", lambda: sum(place for place, _ in positions(stack).values()) >= ends)
    assert stack.postgres.sql(f"SELECT count(*) FROM tag_observations WHERE repository LIKE '%{name}'") == "1"
    assert len(set(m["id"] for m in messages(stack, "muster.registry-events") if m["value"].get("repository", "").endswith(name))) == 1


def test_what_was_cut_cannot_be_replayed(stack):
    assert post(stack, b"{" + b'"x": 1, ' * 8000 + b"no JSON")[0] == 202
    wait("listed", lambda: [row for row in listed(stack, "--source=registry") if row["whole"] == "no"] != [])
    [row] = [row for row in listed(stack, "--source=registry") if row["whole"] == "no"]
    done = run(stack, "quarantine", "replay", row["id"], f"--kafka-brokers={stack.kafka.brokers}", f"--config={config_path(stack)}", "--format=json")
    assert done.returncode == 1 and "the sender must send it again" in rows(done)[0]["why"]


def test_looking_leaves_no_trace_in_kafka(stack):
    listed(stack)
    groups = subprocess.run(["kcat", "-b", stack.kafka.brokers, "-L", "-J"], capture_output=True, text=True, check=True).stdout
    assert "muster-look" not in groups
    offsets = kcat(stack, "-C", "-t", "__consumer_offsets", "-o", "beginning", "-e", "-q", "-f", "%k\n")
    assert "muster-look" not in offsets


def test_recorded_requests_go_into_kafka_as_if_they_came(stack, tmp_path):
    event = notification("recorded", "operators/recorded", digest_of("recorded"), "1.0")
    body = json.dumps({"events": [event]})
    (tmp_path / "one.http").write_text(f"POST /v1/sources/registry HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{body}")
    (tmp_path / "many.ndjson").write_text(body + "\n" + json.dumps({"events": [{"id": "x", "action": "pull"}]}) + "\n\n{}\n")
    files = [tmp_path / "one.http", tmp_path / "many.ndjson"]
    config = f"--config={config_path(stack)}"
    dry = run(stack, "replay", "--source=registry", config, "--dry-run", "--format=json", *files)
    assert [(row["requests"], row["events"], row["messages"]) for row in rows(dry)] == [("1", "1", "1"), ("3", "1", "1")], dry.stderr
    assert ids_on(stack, "muster.registry-events", "operators/recorded") == []
    done = run(stack, "replay", "--source=registry", config, f"--kafka-brokers={stack.kafka.brokers}", *files)
    assert done.returncode == 0 and "all" in done.stdout, done.stderr
    assert ids_on(stack, "muster.registry-events", "operators/recorded") == [event["id"]] * 2


# ---- SIGTERM ----

def test_what_was_acknowledged_before_a_stop_under_load_is_delivered(stack):
    load = start_load(stack, "operators/stop")
    process = stack.services.process["ingest"]
    assert process.stop(40), "ingest did not end by itself"
    acknowledged, _ = end_load(load)
    stack.services.start("ingest")
    stack.services.wait_ready("ingest")
    wait("all delivered", lambda: set(acknowledged) <= set(ids_on(stack, "muster.registry-events", "operators/stop")))
    print(f"\nstopped under load: {len(acknowledged)} acknowledged, all delivered")


def test_a_digest_names_a_payload(stack):
    """The id that `list` prints is of a record whose payload has the digest that `show` prints."""
    body = b"no JSON at all, for its digest"
    assert post(stack, body)[0] == 202
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    kafka = f"--kafka-brokers={stack.kafka.brokers}"
    wait("shown", lambda: any(json.loads(run(stack, "quarantine", "show", row["id"], kafka, "--format=json").stdout)["payload_digest"] == digest
                              for row in listed(stack, "--limit=3")))
