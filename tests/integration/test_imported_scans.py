"""Another scanner's result as the scan of record: imported from a file, or made by a child of the worker; from there to the package."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import other_scanners
import pytest
from conftest import ROOT
from jsonschema import Draft202012Validator
from local import demo
from local.demo import REGISTRY_NAME, pod, wait_until
from probes import kcat, messages
from pushes import Pusher

WEB = f"{REGISTRY_NAME}/apps/web"
UAI = f"{WEB}:1.0"
KINDS = ("good", "garbage", "other", "failing", "crash", "slow", "flood", "hungry")


def program(world, name, *arguments):
    return subprocess.run([world.services.program(name), *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=120, env={"MUSTER_EVIDENCE_TOKEN": world.services.evidence_token})


def submit(world, path, image, *more):
    return program(world, "scanner", "import", path, f"--image={image}", "--submit", f"--kafka-brokers={world.kafka.brokers}",
                   f"--inventory-url={world.services.url('inventory')}", *more)


def replay(world, *pods):
    lines = "".join(json.dumps({"type": "ADDED", "object": one}) + "\n" for one in pods)
    Pusher(f"http://127.0.0.1:{world.kube_port}").request("POST", "/replay", lines.encode()).close()


def states(world):
    return {row["state"]: int(row["containers"]) for row in demo.coverage(world) if int(row["containers"])}


def evidence(world, digest):
    with Pusher(world.services.url("inventory")).request("GET", f"/v1/evidence/{digest}") as answer:
        return answer.read()


def valid(name, document):
    schema = json.loads((ROOT / f"schemas/{name}.v1.schema.json").read_text())
    Draft202012Validator(schema).validate(document)


@pytest.fixture(scope="module")
def world(new_stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stand-in")
    command = f"{other_scanners.write_stand_in(folder, Path(__file__).parent)} {{ref}}"
    stack = new_stack("imported", {
        "inventory": {"untagged-grace": "1s", "retry-min": "500ms", "retry-max": "1s", "max-attempts": "1"},
        "scanner": {"external-scanner": command, "external-memory": "1GiB", "scan-deadline": "5s", "temp-dir": folder, "workers": "2"}})
    stack.folder = folder
    for name in ("inventory", "ingest"):
        stack.services.start(name)
    for name in ("inventory", "ingest"):
        stack.services.wait_ready(name)
    return stack


@pytest.fixture(scope="module")
def pushed(world):
    """The image's digest, in the registry and running; nobody has scanned it."""
    digest = Pusher(f"http://{world.registry.address}").push("apps/web", "1.0", "web")
    replay(world, pod(1, "web-1", UAI, f"{WEB}@{digest}"))
    wait_until("known", lambda: states(world) == {"never_scanned": 1} or states(world))
    return digest


@pytest.fixture(scope="module")
def imported(world, pushed, tmp_path_factory):
    report = tmp_path_factory.mktemp("reports") / "grype.json"
    report.write_text(other_scanners.grype(WEB, pushed, other_scanners.instant(1)))
    done = submit(world, report, f"{UAI}@{pushed}")
    assert done.returncode == 0, done.stderr
    assert "3 findings of grype 0.87.0" in done.stdout
    wait_until("covered", lambda: states(world) == {"covered": 1} or states(world))
    return report


@pytest.fixture(scope="module")
def bundle(world, imported, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "package"
    done = program(world, "report", "run", f"--month={demo.this_month()}", f"--system={demo.SYSTEM}", f"--out={out}",
                   f"--postgres={world.postgres.conninfo()}", f"--inventory-url={world.services.url('inventory')}")
    assert done.returncode == 0, done.stderr
    return out


def test_the_scan_stands_in_inventory_with_its_scanner_database_and_findings(world, imported, pushed):
    row = world.postgres.sql("SELECT outcome, scanner_name, scanner_version, database_version, findings, high, low, packages, "
                             f"finished_at < now() - interval '50 minutes' FROM scans WHERE digest = '{pushed}'")
    assert row == "complete|grype|0.87.0|v6.0.2|3|1|2|3|t"
    found = world.postgres.sql("SELECT vulnerability_id, package_name, package_ecosystem, status FROM findings ORDER BY 1").splitlines()
    assert found == ["CVE-2026-1000|libssl3|deb|affected", "CVE-2026-1001|zlib1g|deb|affected", "CVE-2026-1002|zlib1g|deb|affected"]
    assert world.postgres.sql(f"SELECT state FROM scan_jobs WHERE digest = '{pushed}'") == "complete"


def test_report_and_document_are_evidence_and_the_document_carries_uai_digest_and_hash(world, imported, pushed):
    document = json.loads(evidence(world, world.postgres.sql(f"SELECT evidence_digest FROM scans WHERE digest = '{pushed}'")))
    valid("imported-scan", document)
    assert document["targets"] == [{"uai": UAI, "digest": pushed}]
    assert evidence(world, document["original"]["digest"]) == imported.read_bytes()


def test_the_same_report_again_is_the_same_event(world, imported, pushed):
    assert submit(world, imported, f"{UAI}@{pushed}").returncode == 0
    wait_until("received", lambda: world.postgres.sql("SELECT sum(duplicates) FROM positions") == "1" or "not yet")
    assert len({message["id"] for message in messages(world, "muster.scan-results")}) == 1
    assert world.postgres.sql("SELECT count(*) FROM scans") == "1"


def test_the_package_holds_both_and_verifies(world, bundle, imported, pushed):
    done = program(world, "report", "verify", bundle)
    assert done.returncode == 0, done.stdout + done.stderr
    (raw,) = (bundle / "raw-scans").iterdir()
    document = json.loads(raw.read_text())
    report = bundle / "scanner-reports" / f"{document['original']['digest'].removeprefix('sha256:')}.json"
    assert report.read_bytes() == imported.read_bytes() and len(list(report.parent.iterdir())) == 1
    assert pushed.encode() in report.read_bytes() and UAI in raw.read_text()


def relisted(package, name, change):
    """A file of the package with other bytes, under the name and in the manifest as they are now."""
    path, manifest = package / name, json.loads((package / "manifest.json").read_text())
    data = change(path.read_bytes())
    digest = hashlib.sha256(data).hexdigest()
    path.unlink()
    moved = f"{path.parent.name}/{digest}.json"
    (package / moved).write_bytes(data)
    entry = manifest["files"].pop(name)
    manifest["files"][moved] = {**entry, "sha256": f"sha256:{digest}", "size_bytes": len(data)}
    (package / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("folder, change, word", [
    ("scanner-reports", lambda data: data + b"\n", "is not in the package"),
    ("scanner-reports", lambda data: data + b"\n", "is a report that no raw scan was made of"),
    ("raw-scans", lambda data: data.replace(b'"status":"affected"', b'"status":"suppressed"', 1), "counts 3 findings, its findings are 2"),
    ("raw-scans", lambda data: data.replace(b'"severity":"high"', b'"severity":"low"', 1), "counts 1 high, its findings are 0"),
    ("raw-scans", lambda data: data.replace(b'"original":{', b'"other":{', 1), "names no report")])
def test_a_package_whose_imported_scan_was_touched_is_refused(world, bundle, tmp_path, folder, change, word):
    shutil.copytree(bundle, tmp_path / "package")
    (name,) = (path.name for path in (tmp_path / "package" / folder).iterdir())
    relisted(tmp_path / "package", f"{folder}/{name}", change)
    done = program(world, "report", "verify", tmp_path / "package")
    assert done.returncode == 1 and word in done.stdout, done.stdout


def test_a_report_that_is_not_enough_is_a_failed_scan_with_the_reason(world, imported, pushed, tmp_path):
    report = tmp_path / "cut.json"
    report.write_bytes(imported.read_bytes()[:-100])
    done = submit(world, report, f"{UAI}@{pushed}")
    assert done.returncode == 1 and "report" in done.stderr
    wait_until("failed", lambda: "report_refused" in world.postgres.sql("SELECT failure_code FROM scans") or "not yet")
    digest, message = world.postgres.sql("SELECT evidence_digest, failure_message FROM scans WHERE outcome = 'failed'").split("|", 1)
    document = json.loads(evidence(world, digest))
    valid("raw-scan", document)
    assert document["status"] == "failed" and document["failures"][0]["message"] == message
    assert states(world)["covered"] == 1  # a complete scan still covers


def test_a_report_about_another_image_is_not_taken_for_this_one(world, pushed, tmp_path):
    report = tmp_path / "other.json"
    report.write_text(other_scanners.grype(WEB, "sha256:" + "cd" * 32, other_scanners.instant(1)))
    done = submit(world, report, f"{UAI}@{pushed}")
    assert done.returncode == 1 and "the report is about sha256:cdcd" in done.stderr


def test_nothing_is_published_when_the_evidence_cannot_be_stored(world, imported, pushed, tmp_path):
    before = len(messages(world, "muster.scan-results"))
    report = tmp_path / "new.json"
    report.write_text(other_scanners.grype(WEB, pushed, other_scanners.instant(2)))
    done = program(world, "scanner", "import", report, f"--image={UAI}@{pushed}", "--submit", f"--kafka-brokers={world.kafka.brokers}",
                   "--inventory-url=http://127.0.0.1:1", "--deadline=1s")
    assert done.returncode == 3
    assert len(messages(world, "muster.scan-results")) == before


def test_a_document_that_lacks_the_uai_is_quarantined(world, imported, pushed):
    value = next(message["value"] for message in messages(world, "muster.scan-results") if message["value"]["outcome"] == "complete")
    value = {**value, "request_id": "forged", "uais": [f"{WEB}:9.9"]}
    kcat(world, "-P", "-t", "muster.scan-results", *(part for name, text in {
        "ce_id": "forged", "ce_type": "muster.scan-result.v1", "ce_source": "/muster/scanner", "ce_specversion": "1.0",
        "ce_time": other_scanners.instant(0), "content-type": "application/json"}.items() for part in ("-H", f"{name}={text}")),
        feed=json.dumps(value))
    wait_until("quarantined", lambda: world.postgres.sql("SELECT count(*) FROM ledger WHERE state = 'quarantined'") == "1" or "not yet")
    assert f"does not carry '{WEB}:9.9'" in world.postgres.sql("SELECT reason FROM ledger WHERE state = 'quarantined'")


# ---- as a child of the worker ----

@pytest.fixture(scope="module")
def judged(world, pushed):
    """{kind: (outcome, failure code, failure message, scanner)} of images for which the stand-in does different things."""
    pusher = Pusher(f"http://{world.registry.address}")
    digests = {kind: pusher.push(f"kinds/{kind}", "1.0", kind) for kind in KINDS}
    world.services.start("scanner")
    world.services.wait_ready("scanner")
    known = lambda: dict(line.split("|", 1) for line in world.postgres.sql(
        "SELECT digest, concat_ws('|', outcome, failure_code, scanner_name, failure_message) FROM scans").splitlines())
    wait_until("scanned", lambda: not (left := [kind for kind in KINDS if digests[kind] not in known()]) or left, 120)
    return {kind: known()[digests[kind]] for kind in KINDS}, digests


def test_what_another_scanner_finds_is_the_workers_result(world, judged):
    outcomes, digests = judged
    assert outcomes["good"] == "complete|grype"
    row = world.postgres.sql(f"SELECT evidence_digest, findings, scanner_version FROM scans WHERE digest = '{digests['good']}'")
    digest, findings, version = row.split("|")
    assert (findings, version) == ("3", "0.87.0")
    document = json.loads(evidence(world, digest))
    valid("imported-scan", document)
    assert document["targets"] == [{"uai": f"{REGISTRY_NAME}/kinds/good:1.0", "digest": digests["good"]}]
    assert digests["good"].encode() in evidence(world, document["original"]["digest"])


@pytest.mark.parametrize("kind, code, word", [
    ("garbage", "scanner_output", "report"), ("other", "scanner_output", "the report is about sha256:abab"),
    ("failing", "scanner_failed", "no database"), ("crash", "scanner_crashed", "signal 6"), ("slow", "scanner_timeout", "longer than 5000 ms"),
    ("flood", "limit", "prints more than"), ("hungry", "scanner_failed", "MemoryError")])
def test_what_another_scanner_cannot_do_is_that_images_failed_scan(world, judged, kind, code, word):
    outcome, told, scanner, message = judged[0][kind].split("|", 3)
    assert (outcome, told, scanner) == ("failed", code, "stand-in") and word in message


def test_nothing_of_the_other_scanner_is_left(world, judged):
    assert [path.name for path in world.folder.iterdir() if path.name != "stand-in"] == []
    left = subprocess.run(["pgrep", "-f", "sleep 601"], capture_output=True, text=True, check=False).stdout
    assert left == ""


def test_a_report_that_names_the_index_is_taken_for_its_image_alone(world, judged, tmp_path):
    pusher = Pusher(f"http://{world.registry.address}")
    child = pusher.push("kinds/multi", "amd64", "multi")
    index = pusher.index("kinds/multi", "1.0", {"amd64": child})
    image = f"{REGISTRY_NAME}/kinds/multi"
    wait_until("resolved", lambda: world.postgres.sql(f"SELECT parent FROM digest_edges WHERE child = '{child}'") == index or "not yet")
    report = tmp_path / "index.json"
    report.write_text(other_scanners.grype(image, index, other_scanners.instant(1)))
    of_index, of_child = submit(world, report, f"{image}:1.0@{index}"), submit(world, report, f"{image}:1.0@{child}")
    assert of_index.returncode == 2 and f"is an index of images, not the image that was scanned: name that one's digest, such as {child}" \
        in of_index.stderr
    assert of_child.returncode == 0, of_child.stderr
    wait_until("imported", lambda: world.postgres.sql(
        f"SELECT scanner_name FROM scans WHERE digest = '{child}' AND outcome = 'complete'") == "grype" or "not yet")
