"""The package of a real database of scans in which names, scanners and times cross: true, so verify must not find a difference.

One image under two repositories, scanned under either by another scanner at another time; tags that were given after the scan;
an index of two platforms; advisories that are one vulnerability; what a rule suppressed; a tag that moved.
"""

import csv
import json
import subprocess

import other_scanners
import pytest
from local import demo
from local.demo import REGISTRY_NAME, pod, wait_until
from pushes import Pusher
from test_close import files_of
from test_imported_scans import program, replay, submit

WEB, PROMOTED, MULTI = (f"{REGISTRY_NAME}/{name}" for name in ("stage/web", "prod/web", "prod/multi"))
FIRST = [("CVE-2026-1000", "libssl3", "High"), ("CVE-2026-1001", "zlib1g", "Low"), ("GHSA-aaaa-bbbb-cccc", "zlib1g", "Medium")]
LATER = [("CVE-2026-1000", "libssl3", "High"), ("CVE-2026-2000", "zlib1g", "Negligible")]  # published since, and one taken back


@pytest.fixture(scope="module")
def world(new_stack, tmp_path_factory):
    stack = new_stack("truth", {"inventory": {"untagged-grace": "1s", "retry-min": "500ms", "retry-max": "1s", "max-attempts": "1"}})
    for name in ("inventory", "ingest"):
        stack.services.start(name)
    for name in ("inventory", "ingest"):
        stack.services.wait_ready(name)
    stack.folder = tmp_path_factory.mktemp("reports")
    return stack


def scan(world, image, hours_ago, matches):
    """Another scanner's report of the image, as the scan of record of that name."""
    name, _, digest = image.partition("@")
    report = world.folder / f"{len(list(world.folder.iterdir()))}.json"
    report.write_text(other_scanners.grype(name.rpartition(":")[0], digest, other_scanners.instant(hours_ago), matches))
    done = submit(world, report, image)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def crossed(world):
    pusher = Pusher(f"http://{world.registry.address}")
    web, moved = pusher.push("stage/web", "1.0", "web"), pusher.push("prod/web", "moving", "moved")
    assert pusher.push("prod/web", "1.0", "web") == web
    parts = {name: pusher.push("prod/multi", name, name) for name in ("amd64", "arm64")}
    pusher.index("prod/multi", "3.0", parts)
    replay(world, pod(1, "stage-1", f"{WEB}:1.0", f"{WEB}@{web}"), pod(2, "prod-1", f"{PROMOTED}:1.0", f"{PROMOTED}@{web}"),
           pod(3, "moving-1", f"{PROMOTED}:moving", f"{PROMOTED}@{moved}"), pod(4, "multi-1", f"{MULTI}:3.0", f"{MULTI}@{parts['amd64']}"))
    scan(world, f"{PROMOTED}:1.0@{web}", 9, FIRST)
    scan(world, f"{WEB}:1.0@{web}", 2, LATER)
    scan(world, f"{PROMOTED}:moving@{moved}", 3, FIRST[:1])
    for number, (name, digest) in enumerate(parts.items()):
        scan(world, f"{MULTI}:{name}@{digest}", 3, FIRST[number:])
        scan(world, f"{MULTI}:3.0@{digest}", 2, FIRST[number:])
    wait_until("scanned", lambda: world.postgres.sql("SELECT count(*) FROM scans WHERE outcome = 'complete'") == "7"
               or world.postgres.sql("SELECT digest, outcome FROM scans"))
    assert pusher.push("prod/web", "later", "web") == web  # nobody scanned it under this name
    pusher.push("prod/web", "moving", "moved on")
    wait_until("told", lambda: world.postgres.sql(f"SELECT count(*) FROM assets WHERE uai IN ('{PROMOTED}:later', '{PROMOTED}:moving')") == "2"
               or "not yet")
    return world


def report(world, out, *more):
    done = program(world, "report", "run", f"--month={demo.this_month()}", f"--system={demo.SYSTEM}", f"--out={out}",
                   f"--postgres={world.postgres.conninfo()}", f"--inventory-url={world.services.url('inventory')}", *more)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def package(crossed):
    return report(crossed, crossed.folder / "package")


def findings(package):
    with open(package / "findings.csv", newline="", encoding="utf-8") as text:
        return {(row["uai"], row["vulnerability"]) for row in csv.DictReader(text)}


def test_findings_are_of_the_newest_scan_of_the_image_whatever_its_name(package):
    found = findings(package)
    for name in (f"{WEB}:1.0", f"{PROMOTED}:1.0", f"{PROMOTED}:later"):
        assert {vulnerability for uai, vulnerability in found if uai == name} == {name for name, _, _ in LATER}, name


def test_a_true_package_raises_no_alarm(crossed, package):
    done = program(crossed, "report", "verify", package)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("vulnerability", ["CVE-2026-2000", "CVE-2026-1000"])
def test_a_finding_taken_out_is_named_all_the_same(crossed, package, tmp_path, vulnerability):
    subprocess.run(["cp", "-r", package, tmp_path / "package"], check=True)
    lines = (tmp_path / "package/findings.csv").read_text().splitlines(keepends=True)
    (tmp_path / "package/findings.csv").write_text("".join(line for line in lines if f'"{WEB}:1.0"' not in line or vulnerability not in line))
    done = program(crossed, "report", "verify", tmp_path / "package", "--format=json")
    assert done.returncode == 1
    assert [row for row in json.loads(done.stdout) if row["check"] == "findings" and row["subject"] == f"{WEB}:1.0" and vulnerability in
            row["difference"]], done.stdout


def start(world, number, name, started=None):
    """A container of an image that nobody scanned, known when this returns."""
    one = pod(number, name, f"{WEB}:{name}", f"{WEB}@sha256:{number:064x}")
    if started:
        one["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = started
    replay(world, one)
    wait_until("known", lambda: world.postgres.sql(f"SELECT count(*) FROM pod_facts WHERE pod = '{name}'") == "1" or "not yet")


def test_an_event_of_2036_and_what_comes_later_leave_a_package_as_it_was(crossed, tmp_path):
    start(crossed, 2036, "ahead-1", "2036-11-20T08:00:00Z")
    first = report(crossed, tmp_path / "first")
    known_at = json.loads((first / "manifest.json").read_text())["known_at"]
    start(crossed, 2026, "late-1")
    assert files_of(report(crossed, tmp_path / "again", f"--known-at={known_at}")) == files_of(first)
    assert b"late-1" in (report(crossed, tmp_path / "now") / "coverage-gaps.json").read_bytes()


def test_a_deviation_that_was_approved_is_in_the_next_report(crossed, tmp_path):
    for verb, *more in (("add", "--kind=false_positive", "--vulnerability=CVE-2026-1000", f"--asset={WEB}:1.0", "--rationale=not called", "--by=ann"),
                        ("approve", "--by=bob", "--role=AO", "--evidence=letter")):
        done = program(crossed, "inventory", "deviation", verb, "--deviation=DR-7", *more, f"--postgres={crossed.postgres.conninfo()}")
        assert done.returncode == 0, done.stderr
    with open(report(crossed, tmp_path / "package") / "deviations.csv", newline="", encoding="utf-8") as text:
        assert [(row["deviation"], row["state"]) for row in csv.DictReader(text)] == [("DR-7", "approved")]
