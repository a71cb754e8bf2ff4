"""Bad input and faults: each is told with the name of the thing, nothing is lost, and the services recover by themselves."""

import hashlib
import json
import os
import signal
import socket
import tarfile
import threading
import zlib

import pytest
from event_stream import INDEX, digest_of
from faulty import (OCI, applied, explain, get, job, job_state, logged, notification, peak_mib, post, post_raw, push_event, push_events,
                    put, put_evidence, put_image, run_pod, tar_of)
from local import demo
from local.demo import wait_until
from local.process import http_ok
from local.services import REGISTRY_NAME
from probes import ROOT, dump, ledger, messages, metric, produce, settled

MIB = 1024 * 1024
WAIT_S = 120
OPTIONS = {"inventory": {"untagged-grace": "1s", "retry-min": "500ms", "retry-max": "3s", "max-attempts": "6"},
           "scanner": {"max-layer-unpacked-bytes": "64MiB"}}
SERVICES = ("ingest", "inventory", "scanner")


@pytest.fixture(scope="module")
def faulty(new_stack):
    stack = new_stack("faults", OPTIONS, notify=False)
    yield stack
    stack.stop()


def start_what_is_down(stack):
    for backing in (stack.kafka, stack.postgres, stack.registry):
        if not backing.process.pid():
            backing.start()
        backing.wait_ready()
    for name in SERVICES:
        if not stack.services.process[name].pid():
            stack.services.start(name)
    for name in SERVICES:
        stack.services.wait_ready(name, WAIT_S)


@pytest.fixture
def stack(faulty):
    """Everything runs and is ready."""
    start_what_is_down(faulty)
    return faulty


def restart(stack, *names):
    for name in names:
        assert stack.services.process[name].stop(30), f"{name} did not end by itself"
        stack.services.start(name)


def wait(what, check):
    wait_until(what, check, WAIT_S)


def ready_says(stack, service, *words):
    status, text = get(stack, service, "/readyz")
    return (status == 503 and all(word in text for word in words)) or f"{status} {text}"


def same_ids(stack, topic, prefix, ids):
    """The ids of the prefix's events in the topic, first sight of each, are these in this order."""
    found = dict.fromkeys(m["value"]["source_event_id"] for m in messages(stack, topic) if m["value"]["repository"].endswith(f"faults/{prefix}"))
    return list(found) == ids or f"{list(found)}"


# ---- Kafka ----

def test_with_kafka_down_at_start_ingest_spools_and_then_delivers_in_order(stack):
    stack.kafka.kill()
    restart(stack, *SERVICES)
    stack.services.wait_ready("ingest")  # it has room in its spool
    ids = push_events(stack, "at-start", 30)
    wait("spooled", lambda: (metric(stack, "ingest", "muster_ingest_spool_bytes") or 0) > 0)
    wait("all name the broker", lambda: all(
        logged(stack, name, "retrying", f"127.0.0.1:{stack.kafka.port}") is True or logged(stack, name, "retrying", "list topics") is True
        for name in SERVICES))
    wait("inventory says why it is not ready", lambda: ready_says(stack, "inventory", "Kafka is not reachable"))
    stack.services.process["ingest"].kill()  # the spool outlives it
    stack.services.start("ingest")
    stack.kafka.start()
    stack.kafka.wait_ready()
    for name in SERVICES:
        stack.services.wait_ready(name, WAIT_S)
    wait("delivered in order", lambda: same_ids(stack, "muster.registry-events", "at-start", ids))
    wait("applied", lambda: applied(stack, "at-start-29"))
    assert all(applied(stack, f"at-start-{number}") is True for number in range(30))


def test_with_kafka_down_in_the_middle_nothing_is_lost(stack):
    before = push_events(stack, "middle", 5)
    stack.kafka.kill()
    during = push_events(stack, "middle", 5)  # the same ids again
    later = push_events(stack, "middle-later", 20)
    wait("inventory says why it is not ready", lambda: ready_says(stack, "inventory", "Kafka is not reachable"))
    assert before == during
    stack.kafka.start()
    stack.kafka.wait_ready()
    wait("spool empty", lambda: metric(stack, "ingest", "muster_ingest_spool_bytes") == 0)
    wait("delivered", lambda: same_ids(stack, "muster.registry-events", "middle-later", later))
    wait("applied", lambda: all(applied(stack, f"middle-later-{number}") is True for number in range(20)))
    for name in SERVICES:
        stack.services.wait_ready(name, WAIT_S)
    wait("settled", lambda: settled(stack))


# ---- PostgreSQL ----

def test_with_postgresql_down_at_start_inventory_waits_and_recovers(stack):
    stack.postgres.kill()
    restart(stack, "inventory")
    wait("alive", lambda: http_ok(f"{stack.services.url('inventory')}/healthz"))
    assert ready_says(stack, "inventory", f"port {stack.postgres.port} failed") is True
    wait("says what it waits for", lambda: logged(stack, "inventory", "database or Kafka not ready, retrying", f"port {stack.postgres.port}"))
    push_event(stack, "pg-start", "faults/pg", digest_of("pg-start"), "1.0")
    stack.postgres.start()
    stack.services.wait_ready("inventory", WAIT_S)
    wait("applied", lambda: applied(stack, "pg-start"))


def test_with_postgresql_down_in_the_middle_events_wait_and_evidence_is_still_taken(stack):
    push_event(stack, "pg-before", "faults/pg", digest_of("pg-before"), "1.1")
    stack.postgres.kill()
    push_event(stack, "pg-during", "faults/pg", digest_of("pg-during"), "1.2")
    wait("events wait", lambda: ready_says(stack, "inventory", f"port {stack.postgres.port} failed"))
    status, text = get(stack, "inventory", "/v1/assets")
    assert status == 503 and f"port {stack.postgres.port}" in text
    body = b'{"kept": "while the database is away"}'
    assert put_evidence(stack, "sha256:" + hashlib.sha256(body).hexdigest(), body)[0] in (200, 201)
    stack.postgres.start()
    stack.services.wait_ready("inventory", WAIT_S)
    wait("applied", lambda: applied(stack, "pg-before") is True and applied(stack, "pg-during") is True)
    wait("settled", lambda: settled(stack))
    found = ledger(stack)
    assert found["received"] == found["applied"] + found["quarantined"] + found["duplicates"]


# ---- registry ----

def small_image(stack, name):
    digest, _ = put_image(stack, f"faults/{name}", "1.0", [tar_of((f"{name}.txt", tarfile.REGTYPE, "", name.encode()))])
    return digest


def test_with_the_registry_down_at_start_and_in_the_middle_a_scan_is_retried_and_succeeds(stack):
    first, second = small_image(stack, "down-at-start"), small_image(stack, "down-in-the-middle")
    stack.registry.process.kill()
    restart(stack, "scanner")
    push_event(stack, "reg-start", "faults/down-at-start", first, "1.0")
    wait("tried", lambda: (found := job(stack, first)) is not None and found["failure_code"] == "registry_unavailable")
    assert REGISTRY_NAME in job(stack, first)["failure_message"] or str(stack.registry.port) in job(stack, first)["failure_message"]
    stack.registry.start()
    wait("scanned", lambda: job_state(stack, first, "complete"))
    push_event(stack, "reg-middle", "faults/down-in-the-middle", second, "1.0")
    stack.registry.process.kill()
    stack.registry.start()
    wait("scanned", lambda: job_state(stack, second, "complete"))
    assert stack.postgres.sql(f"SELECT count(*) FROM detection_failures WHERE digest IN ('{first}', '{second}')") == "0"


def test_a_scan_given_up_is_a_detection_failure_that_people_see_and_a_new_push_mends_it(stack):
    image, digest = f"{REGISTRY_NAME}/faults/given-up:1.0", small_image(stack, "given-up")
    stack.registry.process.kill()
    push_event(stack, "give-up", "faults/given-up", digest, "1.0")
    wait("given up", lambda: job_state(stack, digest, "failed_final"))
    assert job(stack, digest)["attempts"] == 6
    pod = run_pod(stack, 1, image, digest)
    wait("coverage tells", lambda: [row["state"] for row in explain(stack, pod).get("coverage", [])] == ["scan_failed"])
    [shown] = explain(stack, pod)["coverage"]
    assert shown["reason"].startswith("registry_unavailable: ") and str(stack.registry.port) in shown["reason"]
    totals = {row["state"]: int(row["containers"]) for row in demo.coverage(stack)}
    assert totals["scan_failed"] >= 1
    assert stack.postgres.sql(f"SELECT code FROM detection_failures WHERE digest = '{digest}' AND closed_at IS NULL") == "registry_unavailable"
    wait("notified", lambda: any(m["value"]["kind"] == "detection_failure" and digest in m["value"]["subject"]
                                 for m in messages(stack, "muster.notifications")))
    stack.registry.start()
    push_event(stack, "give-up again", "faults/given-up", digest, "1.0")
    wait("covered", lambda: [row["state"] for row in explain(stack, pod)["coverage"]] == ["covered"])
    assert stack.postgres.sql(f"SELECT count(*) FROM detection_failures WHERE digest = '{digest}' AND closed_at IS NULL") == "0"


# ---- webhooks ----

def quarantined(stack, body, *words):
    """True when muster.quarantine has the body with a reason that has all the words."""
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    reasons = [m["value"]["reason"] for m in messages(stack, "muster.quarantine") if m["value"]["payload_digest"] == digest]
    return any(all(word in reason for word in words) for reason in reasons) or f"reasons {reasons}"


GOOD = json.dumps({"events": [notification("whole", "faults/webhook", digest_of("whole"), "1.0")]}).encode()


@pytest.mark.parametrize("body, content_type, words", [
    (GOOD[:-20], "application/json", ["JSON"]),
    (b"\x1f\x8b\x08\x00 not JSON at all", "application/json", ["JSON"]),
    (b"<event><push/></event>", "application/json", ["JSON"]),
    (b"", "application/json", []),
    (b"[" * 200000, "application/json", ["nested"]),
    (b'{"events":' + b'{"a":' * 100000 + b"1" + b"}" * 100001, "application/json", ["nested"]),
    (b'{"events": {"0": "no list"}}', "application/json", ["events"]),
    (b'{"events": [], "events": []}', "application/json", ["duplicate"]),
    (b'{"events": ["\xff\xfe"]}', "application/json", ["UTF-8"]),
], ids=["truncated", "binary", "xml", "empty", "deep-arrays", "deep-objects", "mislabelled", "duplicate-keys", "no-utf8"])
def test_a_body_that_is_not_understood_is_quarantined_with_the_reason(stack, body, content_type, words):
    status, text = post(stack, body, content_type=content_type)
    assert status == 202, text
    wait("quarantined", lambda: quarantined(stack, body, *words))
    assert http_ok(f"{stack.services.url('ingest')}/healthz")


@pytest.mark.parametrize("headers, pieces", [
    ([f"Content-Length: {100 * MIB}"], [b" " * MIB] * 100),
    (["Transfer-Encoding: chunked"], [b"%x\r\n%s\r\n" % (MIB, b" " * MIB)] * 100 + [b"0\r\n\r\n"]),
], ids=["announced", "chunked"])
def test_a_body_of_100_mb_is_413_and_takes_no_memory(stack, headers, pieces):
    assert post_raw(stack, headers, pieces) == 413
    assert peak_mib(stack, "ingest") < 150
    push_event(stack, f"after {headers}", "faults/webhook", digest_of("whole"), "1.0")


def test_many_large_bodies_at_once_are_bounded_and_refused(stack):
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(post_raw(stack, [f"Content-Length: {100 * MIB}"], [b"x" * MIB] * 8)))
               for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {413}
    assert peak_mib(stack, "ingest") < 200


def test_an_event_of_an_unknown_version_does_not_take_its_neighbours_with_it(stack):
    strange = notification("strange", "faults/mixed", digest_of("strange"), "1.0", action="teleport")
    body = {"events": [notification("left", "faults/mixed", digest_of("left"), "1.0"), strange,
                       notification("right", "faults/mixed", digest_of("right"), "2.0")]}
    assert post(stack, body)[0] == 202
    wait("neighbours applied", lambda: applied(stack, "left") is True and applied(stack, "right") is True)
    assert any("events[1]: action: 'teleport' is unknown" == m["value"]["reason"] for m in messages(stack, "muster.quarantine"))


def test_wrong_credentials_are_401_and_leave_nothing_behind(stack):
    before = metric(stack, "ingest", "muster_ingest_events_total")
    assert post(stack, GOOD, bearer="wrong")[0] == 401
    assert metric(stack, "ingest", "muster_ingest_events_total") == before


# ---- messages put straight into topics ----

@pytest.mark.parametrize("topic, ce_type, value, words", [
    ("muster.registry-events", "muster.registry-event.v9", "{}", "ce_type 'muster.registry-event.v9' is not known here"),
    ("muster.registry-events", "muster.registry-event.v1", '{"source": 7}', "registry event"),
    ("muster.workload-events", "muster.notification.v1", '{}', "notification"),
    ("muster.scan-results", "muster.scan-result.v1", "no JSON", "JSON"),
], ids=["future-version", "wrong-schema", "wrong-topic", "no-json"])
def test_a_message_that_breaks_its_schema_is_in_ledger_and_quarantine(stack, topic, ce_type, value, words):
    name = f"straight/{topic}/{ce_type}"
    produce(stack, topic, value, ce_specversion="1.0", ce_id=name, ce_source="/test", ce_type=ce_type, ce_time="2024-10-05T12:00:00Z")
    wait("in the ledger", lambda: stack.postgres.sql(f"SELECT state FROM ledger WHERE ce_id = '{name}'") == "quarantined")
    reason = stack.postgres.sql(f"SELECT reason FROM ledger WHERE ce_id = '{name}'")
    assert words in reason
    wait("in quarantine", lambda: any(m["value"]["stage"] == "inventory" and m["value"]["reason"] == reason
                                      for m in messages(stack, "muster.quarantine")))


def test_a_message_without_any_identity_is_quarantined_once(stack):
    before = ledger(stack)
    produce(stack, "muster.workload-events", "garbage without headers")
    wait("quarantined", lambda: ledger(stack)["quarantined"] == before["quarantined"] + 1)
    wait("settled", lambda: settled(stack))
    assert "no usable ce_id and ce_source" in stack.postgres.sql("SELECT string_agg(reason, ' ') FROM ledger WHERE state = 'quarantined'")


def test_a_scan_request_nobody_understands_is_quarantined_by_the_scanner(stack):
    produce(stack, "muster.scan-requests.urgent", '{"job_id": 1}', ce_specversion="1.0", ce_id="bad-request", ce_source="/test",
            ce_type="muster.scan-request.v1", ce_time="2024-10-05T12:00:00Z")
    wait("quarantined", lambda: any(m["value"]["stage"] == "scanner" and "scan request" in m["value"]["reason"]
                                    for m in messages(stack, "muster.quarantine")))


# ---- images ----

def outcome(stack, name, path, digest, media_type="application/vnd.oci.image.manifest.v1+json"):
    """Scans the image; the row of its scan."""
    push_event(stack, name, path, digest, "1.0", media_type)
    wait(f"{name} scanned", lambda: job_state(stack, digest, "complete", "failed_final", "not_scannable"))
    return json.loads(stack.postgres.sql(f"SELECT to_jsonb(s) FROM scans s WHERE digest = '{digest}' ORDER BY finished_at DESC LIMIT 1"))


def failed(stack, name, path, digest, code, *words):
    """The scan failed for good, and says why wherever one looks."""
    scan = outcome(stack, name, path, digest)
    assert (scan["outcome"], scan["failure_code"], scan["retryable"]) == ("failed", code, False), scan
    for word in words:
        assert word in scan["failure_message"], scan["failure_message"]
    told = explain(stack, digest)
    assert scan["failure_message"] in [row["evidence_or_failure"] for row in told["scans"]] or scan["evidence_digest"]
    assert scan["failure_message"] in [row["failure"] for row in told["jobs"]]
    assert stack.postgres.sql(f"SELECT count(*) FROM detection_failures WHERE digest = '{digest}' AND closed_at IS NULL") == "1"
    return scan


def test_a_layer_the_registry_lost_is_named(stack):
    digest, layers = put_image(stack, "faults/lost", "1.0", [tar_of(("lost", tarfile.REGTYPE, "", b"lost"))])
    stack.registry.blob(layers[0]).unlink()
    failed(stack, "lost layer", "faults/lost", digest, "layer_missing", layers[0])


def test_a_layer_with_other_bytes_is_a_digest_mismatch(stack):
    digest, layers = put_image(stack, "faults/mismatch", "1.0", [tar_of(("data", tarfile.REGTYPE, "", b"true"))])
    blob = stack.registry.blob(layers[0])
    blob.write_bytes(blob.read_bytes().replace(b"true", b"liar"))
    failed(stack, "mismatch", "faults/mismatch", digest, "digest_mismatch", layers[0])


def test_a_manifest_with_other_bytes_is_a_digest_mismatch(stack):
    digest, _ = put_image(stack, "faults/mismatch-manifest", "1.0", [tar_of(("m", tarfile.REGTYPE, "", b"m"))])
    blob = stack.registry.blob(digest)
    blob.write_bytes(blob.read_bytes() + b" ")
    failed(stack, "manifest mismatch", "faults/mismatch-manifest", digest, "digest_mismatch", digest)


def test_a_manifest_that_was_never_there_is_missing(stack):
    failed(stack, "no manifest", "faults/nothing", digest_of("no manifest"), "manifest_missing", "faults/nothing")


def test_a_gzip_bomb_is_stopped_at_the_limit(stack):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * (16 * MIB)) for _ in range(64)) + packer.flush()  # 1 GiB in 1 MiB
    digest, layers = put_image(stack, "faults/bomb", "1.0", [bomb], f"{OCI}.layer.v1.tar+gzip")
    failed(stack, "bomb", "faults/bomb", digest, "limit", layers[0], str(64 * MIB))
    assert peak_mib(stack, "scanner") < 250


def test_a_claim_of_10_gb_is_not_believed(stack):
    layer = tar_of(("small", tarfile.REGTYPE, "", b"small"))
    digest, layers = put_image(stack, "faults/claim", "1.0", [layer], sizes=[10 * 1024 * MIB])
    failed(stack, "claim", "faults/claim", digest, "digest_mismatch", layers[0])
    assert peak_mib(stack, "scanner") < 250


def test_tar_path_tricks_reach_nothing_outside_the_image(stack):
    status = b"Package: of-the-layer\nStatus: install ok installed\nVersion: 1\n\n"
    layer = tar_of(("../../../../var/lib/dpkg/status", tarfile.REGTYPE, "", status), ("/etc/os-release", tarfile.REGTYPE, "", b"ID=tricky\n"),
                   ("var/lib/dpkg/status", tarfile.SYMTYPE, "/../../../../../../../../var/lib/dpkg/status", b""),
                   ("etc/loop", tarfile.SYMTYPE, "loop", b""), ("a/../../b", tarfile.LNKTYPE, "../../../etc/passwd", b""))
    digest, _ = put_image(stack, "faults/tricks", "1.0", [layer])
    scan = outcome(stack, "tricks", "faults/tricks", digest)
    raw = json.loads(get(stack, "inventory", f"/v1/evidence/{scan['evidence_digest']}")[1])
    assert {package["name"] for package in raw["packages"]} <= {"of-the-layer"}, "packages of this machine"
    assert scan["outcome"] in ("complete", "failed")


def test_what_is_no_layer_is_unsupported_and_an_unknown_media_type_is_told_by_its_bytes(stack):
    garbage, layers = put_image(stack, "faults/garbage", "1.0", [b"this is no tar at all " * 100])
    failed(stack, "garbage", "faults/garbage", garbage, "unsupported", layers[0])
    parts = [tar_of((name, tarfile.REGTYPE, "", name.encode())) for name in ("one", "two")]
    fine, _ = put_image(stack, "faults/unlabelled", "1.0", parts, f"{OCI}.layer.v1.strange")
    assert outcome(stack, "unlabelled", "faults/unlabelled", fine)["outcome"] == "complete"


def test_a_chart_is_recorded_and_not_scanned(stack):
    chart, _ = put_image(stack, "faults/chart", "1.0", [b"chart"], "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                         "application/vnd.cncf.helm.config.v1+json")
    assert outcome(stack, "chart", "faults/chart", chart)["outcome"] == "not_scannable"


def test_an_index_in_an_index_leads_to_the_image_at_the_bottom(stack):
    child, _ = put_image(stack, "faults/nested", "inner", [tar_of(("n", tarfile.REGTYPE, "", b"n"))])
    size = stack.registry.blob(child).stat().st_size

    def index(digest, length, media_type):
        entry = {"mediaType": media_type, "digest": digest, "size": length}
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()

    inner = index(child, size, f"{OCI}.manifest.v1+json")
    digest = put(stack, "faults/nested", "middle", inner, INDEX)
    top = put(stack, "faults/nested", "1.0", index(digest, len(inner), INDEX), INDEX)
    assert outcome(stack, "nested", "faults/nested", top, INDEX)["outcome"] == "resolved"
    wait("the image at the bottom", lambda: job_state(stack, child, "complete"))


# ---- evidence ----

def evidence_files(stack):
    return sorted(path.name for path in (stack.state / "inventory/evidence").rglob("*") if path.is_file())


def test_an_oversize_evidence_upload_is_413_and_leaves_nothing(stack):
    before = evidence_files(stack)
    name = digest_of("too large")
    with socket.create_connection(("127.0.0.1", stack.services.ports["inventory"]), timeout=60) as s:
        s.sendall(f"PUT /v1/evidence/{name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.services.evidence_token}\r\n"
                  f"Content-Length: {257 * MIB}\r\n\r\n".encode())
        assert int(s.makefile("rb").readline().split()[1]) == 413
    assert evidence_files(stack) == before
    assert peak_mib(stack, "inventory") < 400


def test_a_chunked_evidence_upload_beyond_the_limit_is_413_and_leaves_nothing(stack):
    before = evidence_files(stack)
    with socket.create_connection(("127.0.0.1", stack.services.ports["inventory"]), timeout=60) as s:
        s.sendall(f"PUT /v1/evidence/{digest_of('chunks')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.services.evidence_token}\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"%x\r\n%s\r\n" % (4 * MIB, b"\0" * (4 * MIB))
        try:
            for _ in range(65):
                s.sendall(piece)
            s.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # it has heard enough
        assert int(s.makefile("rb").readline().split()[1]) == 413
    wait("nothing left", lambda: evidence_files(stack) == before)
    assert peak_mib(stack, "inventory") < 400


def test_an_upload_that_breaks_off_or_lies_leaves_nothing(stack):
    before = evidence_files(stack)
    status, text = put_evidence(stack, digest_of("a lie"), b"other bytes")
    assert status == 400 and "hash to" in text
    assert put_evidence(stack, digest_of("x"), b"x", token="wrong")[0] == 401
    with socket.create_connection(("127.0.0.1", stack.services.ports["inventory"]), timeout=60) as s:
        s.sendall(f"PUT /v1/evidence/{digest_of('half')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.services.evidence_token}\r\n"
                  "Content-Length: 1000000\r\n\r\n".encode() + b"x" * 1000)
    wait("nothing left", lambda: evidence_files(stack) == before)


def test_a_result_whose_evidence_is_not_there_counts_as_failed(stack):
    result = json.loads((ROOT / "schemas/examples/scan-result.v1/valid/complete.json").read_text())
    produce(stack, "muster.scan-results", json.dumps(result), ce_specversion="1.0", ce_id="no-evidence", ce_source="/test",
            ce_type="muster.scan-result.v1", ce_time="2024-10-05T12:00:00Z")
    wait("in the ledger", lambda: stack.postgres.sql("SELECT state FROM ledger WHERE ce_id = 'no-evidence'") == "applied")
    told = stack.postgres.sql(f"SELECT outcome, failure_code, retryable FROM scans WHERE digest = '{result['digest']}'")
    assert told == "failed|evidence_missing|t"
    assert explain(stack, result["digest"])["scans"][0]["outcome"] == "failed"
    status, text = get(stack, "inventory", f"/v1/evidence/{result['evidence_digest']}")
    assert status == 404 and result["evidence_digest"] in text


# ---- SIGTERM ----

@pytest.mark.parametrize("name", SERVICES)
def test_sigterm_ends_a_service_with_0_and_nothing_is_lost(stack, name):
    push_events(stack, f"term-{name}", 40)
    process = stack.services.process[name]
    child = process.child
    os.kill(process.pid(), signal.SIGTERM)
    assert child.wait(20) == 0
    stack.services.start(name)
    stack.services.wait_ready(name, WAIT_S)
    wait("applied", lambda: all(applied(stack, f"term-{name}-{number}") is True for number in range(40)))
    wait("settled", lambda: settled(stack))


@pytest.mark.parametrize("name", SERVICES)
def test_sigterm_ends_a_service_with_0_when_kafka_and_postgresql_are_away(stack, name):
    push_events(stack, f"away-{name}", 20)
    stack.kafka.kill()
    stack.postgres.kill()
    process = stack.services.process[name]
    child = process.child
    os.kill(process.pid(), signal.SIGTERM)
    assert child.wait(20) == 0
    start_what_is_down(stack)
    wait("applied", lambda: all(applied(stack, f"away-{name}-{number}") is True for number in range(20)))
    wait("settled", lambda: settled(stack))


def test_in_the_end_the_ledger_adds_up(stack):
    wait("settled", lambda: settled(stack))
    found = ledger(stack)
    assert found["received"] == found["applied"] + found["quarantined"] + found["duplicates"]
    assert dump(stack) == dump(stack)
