"""The month's close as a process: what it refuses, what it keeps, and that nothing of it moves afterwards."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import termios
import time
from datetime import datetime, timezone
from pathlib import Path

import openpyxl
import pytest
from local.process import free_port
from report_findings import dr_template, poam_template
from report_world import BIN, ReportWorld

APP, JOB = "registry.example/apps/app:1.0", "registry.example/apps/job:2.0"
CHECKSUM = "sha256:" + "c" * 64
SYSTEM = f"""name: Example Cloud
fedramp_id: FR0000000000
baseline_configuration_name: CIS Level 2
diagram_label: Cluster
function: Application
point_of_contact: isso@example.com
configuration_checksum: {CHECKSUM}
unique_vulnerability_baseline: 10
"""
SCAN = {"scan_finished_at": "2026-10-30T01:00:00Z", "database_built_at": "2026-10-29T12:00:00Z", "configuration_checksum": CHECKSUM,
        "scanner_name": "muster-scanner", "scanner_version": "1", "os_name": "Debian GNU/Linux 12", "image_vendor": "Example"}


class CloseWorld(ReportWorld):
    def __init__(self, state, program):
        super().__init__(state, program)
        self.system = state / "system.yaml"
        self.system.write_text(SYSTEM)
        self.add_image(APP, "1", **SCAN)
        self.add_image(JOB, "2", **SCAN)

    def source(self):
        return [f"--postgres={self.postgres.conninfo(user='muster_report')}", f"--inventory-url=http://127.0.0.1:{self.evidence.server_port}",
                f"--system={self.system}"]

    def command_of(self, verb, store, *more, month="2026-10"):
        return [str(self.program), verb, f"--month={month}", f"--store={store}", *self.source(), *more]

    def tell(self, verb, store, *more, **changes):
        return run(self.command_of(verb, store, *more, **changes))

    def close(self, store, *more, **changes):
        done = self.tell("close", store, *more, **changes)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def render(self, store, out, *more, month="2026-10", environment=None):
        done = run([str(self.program), "run", f"--month={month}", f"--store={store}", f"--out={out}", *more], env=environment)
        assert done.returncode == 0, done.stderr
        return files_of(out)

    def months(self, store, *more):
        done = run([str(self.program), "months", f"--store={store}", "--format=json", *more])
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **more)


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def record_of(store, month="2026-10", revision=1):
    return json.loads((store / f"months/{month}-r{revision}/close.json").read_text())


@pytest.fixture(scope="module")
def world(state_root):
    state = Path(tempfile.mkdtemp(prefix="close-", dir=state_root))
    state.chmod(0o755)
    made = CloseWorld(state, BIN / "muster-report")
    yield made
    made.evidence.shutdown()
    made.postgres.process.stop()


@pytest.fixture(scope="module")
def closed(world, tmp_path_factory):
    """A store with October closed."""
    store = tmp_path_factory.mktemp("closed") / "store"
    done = world.close(store)
    assert "2026-10 is closed: revision 1, number 1" in done.stdout and "0 would get the package rejected, 0 warn" in done.stdout
    return store


@pytest.fixture
def late(world):
    """What arrives after the close, within October: another image, and a scan that changes its mind."""
    def arrive():
        world.postgres.sql("INSERT INTO facts VALUES ('2026-11-20')")
        world.insert("inventory", uai="registry.example/apps/late:1", manifest_digest="sha256:" + "9" * 64, running_containers=1,
                     state="never_scanned", floating="false", known_at="2026-11-20")
        world.insert("instances", cluster="production", namespace="prod", pod="late", container="app", container_kind="container",
                     uai="registry.example/apps/late:1", state="never_scanned", reason="nobody scanned it", known_at="2026-11-20")
    yield arrive
    world.postgres.sql("DELETE FROM facts WHERE known_at > '2026-11-15'; DELETE FROM inventory WHERE known_at > '2026-11-15';"
                       "DELETE FROM instances WHERE known_at > '2026-11-15'")


# ---- what a closed month is ----

def test_the_record_names_what_was_frozen(closed):
    record = record_of(closed)
    assert (record["month"], record["revision"], record["serial"], record["schema"]) == ("2026-10", 1, 1, "muster.month-close.v1")
    assert record["as_of"] == "2026-10-31T23:59:59.999999Z" and record["known_at"] == "2026-11-05T00:00:00.000000Z"
    assert record["findings"] == [] and "previous" not in record and record["evidence_files"] == 2
    folder = closed / "months/2026-10-r1"
    for member, name in (("snapshot", "snapshot.jsonl"), ("system", "system.yaml"), ("evidence", "evidence.sha256"), ("numbers", "numbers.json")):
        held = (folder / name).read_bytes()
        assert record[member] == {"sha256": "sha256:" + hashlib.sha256(held).hexdigest(), "size_bytes": len(held)}
    assert (folder / "system.yaml").read_text() == SYSTEM


def test_the_evidence_is_checked_by_what_everybody_has(closed):
    done = run(["sha256sum", "--strict", "-c", "months/2026-10-r1/evidence.sha256"], cwd=closed)
    assert done.returncode == 0 and done.stdout.count(": OK") == 2


def test_the_store_holds_nothing_else(closed):
    assert sorted(path.name for path in closed.iterdir()) == ["evidence", "lock", "months"]
    assert [path.name for path in (closed / "months").iterdir()] == ["2026-10-r1"]


def test_two_stores_of_the_same_month_have_the_same_snapshot(world, closed, tmp_path):
    environment = {**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "PGTZ": "Asia/Kathmandu"}
    done = run(world.command_of("close", tmp_path / "store"), env=environment)
    assert done.returncode == 0, done.stderr
    assert record_of(tmp_path / "store")["snapshot"] == record_of(closed)["snapshot"]


def test_a_closed_month_renders_the_same_years_later(world, closed, late, tmp_path):
    first = world.render(closed, tmp_path / "first")
    late()
    assert b"late:1" not in first["running-containers.csv"]
    environment = {"PATH": os.environ["PATH"], "TZ": "Pacific/Kiritimati", "LC_ALL": "de_DE.UTF-8"}
    assert world.render(closed, tmp_path / "again", environment=environment) == first
    moved = tmp_path / "elsewhere" / "store"
    shutil.copytree(closed, moved)
    assert world.render(moved, tmp_path / "third") == first
    assert json.loads(first["close.json"]) == record_of(closed)


def test_a_closed_month_needs_neither_database_nor_evidence_api(world, closed, tmp_path):
    nowhere = [f"--inventory-url=http://127.0.0.1:{free_port()}"]
    assert world.render(closed, tmp_path / "package", *nowhere)
    done = run([str(world.program), "verify", str(tmp_path / "package")])
    assert done.returncode == 0, done.stdout


def test_the_package_of_the_store_is_that_of_the_preview_but_for_its_record(world, closed, tmp_path):
    done = world.run(tmp_path / "preview", system=world.system)
    assert done.returncode == 0 and "preview: the month is not closed" in done.stdout
    stored, preview = world.render(closed, tmp_path / "stored"), files_of(tmp_path / "preview")
    assert set(stored) - set(preview) == {"close.json"}
    assert all(stored[name] == preview[name] for name in preview if name != "manifest.json")


# ---- the files that the system file names, and the months before ----

HOSTS = """UNIQUE ASSET IDENTIFIER,IPv4 or IPv6 Address,Virtual,Public,Authenticated Scan,Baseline Configuration Name,OS Name and Version,Asset Type,In Latest Scan,\
Diagram Label,Function
host-1,10.0.0.1,Yes,No,Yes,CIS Level 2,Debian 12,Server,Yes,Node,Runs pods
"""
STATEMENTS = "- {vulnerability: CVE-2026-0001, rating: 3, likely_exploitable: 'Yes', by: isso@example.com, at: 2026-10-04T00:00:00Z}\n"
NAMED = """ver_statements: judged/statements.yaml
template_poam: forms/poam.xlsx
template_dr: forms/dr.xlsx
other_assets: hosts.csv
"""
FOUND = "2026-10-03T10:00:00Z"
COPIES = ["ver_statements.yaml", "template_poam.xlsx", "template_dr.xlsx", "other_assets.csv"]


@pytest.fixture
def named(world, tmp_path):
    """A system file that names all four, relative to its folder."""
    folder = tmp_path / "system"
    for name in ("judged", "forms"):
        (folder / name).mkdir(parents=True)
    (folder / "system.yaml").write_text(SYSTEM + NAMED + "deliverables: both\npackage_overview_uri: https://example.com/overview\n")
    (folder / "judged/statements.yaml").write_text(STATEMENTS)
    (folder / "hosts.csv").write_text(HOSTS)
    poam_template(folder / "forms/poam.xlsx")
    dr_template(folder / "forms/dr.xlsx")
    world.insert("findings", item="V-CVE-2026-0001", uai=APP, repository=APP.rpartition(":")[0], vulnerability="CVE-2026-0001",
                 reported_as="CVE-2026-0001", scanner_name="muster-scanner", detected_at=FOUND, first_detected_at=FOUND, item_detected_at=FOUND,
                 episode=1, instances=1, forensic="false", packages="openssl 3.0.1", fixed_versions="openssl 3.0.2", severity="moderate",
                 severity_source="nvd_cvss3", cvss="5.0", effective_severity="moderate", public="yes", status="open", due_by="rev5",
                 due_at="2026-12-19T10:00:00Z")
    before, world.system = world.system, folder / "system.yaml"
    yield folder
    world.system = before
    world.postgres.sql("DELETE FROM findings")


def test_a_closed_month_has_its_own_templates_assets_and_statements(world, named, tmp_path):
    store, before = tmp_path / "store", files_of(named)
    world.close(store)
    record, folder = record_of(store), store / "months/2026-10-r1"
    assert [kept["name"] for kept in record["companions"]] == COPIES
    for kept, original in zip(record["companions"], ("judged/statements.yaml", "forms/poam.xlsx", "forms/dr.xlsx", "hosts.csv")):
        held = (folder / kept["name"]).read_bytes()
        assert held == before[original] and kept["name"].startswith(kept["key"] + ".")
        assert (kept["sha256"], kept["size_bytes"]) == ("sha256:" + hashlib.sha256(held).hexdigest(), len(held))
    preview = world.run(tmp_path / "preview", system=world.system)
    assert preview.returncode == 0, preview.stderr
    first, previewed = world.render(store, tmp_path / "first"), files_of(tmp_path / "preview")
    assert all(first[name] == previewed[name] for name in previewed if name != "manifest.json"), "the copies are not the originals"
    assert b"host-1" in first["other-assets.json"]
    judged = json.loads(first["vulnerability-detail-report.json"])["vulnerabilities"]
    assert [(row["currentRating"], row["isLikelyExploitable"]) for row in judged] == [(3, True)]
    (named / "hosts.csv").write_text(HOSTS.replace("host-1", "host-2"))
    (named / "judged/statements.yaml").write_text("not even a list")
    shutil.rmtree(named / "forms")
    environment = {"PATH": os.environ["PATH"], "TZ": "Pacific/Kiritimati", "LC_ALL": "de_DE.UTF-8"}
    assert world.render(store, tmp_path / "again", environment=environment) == first
    shutil.rmtree(named)
    moved = tmp_path / "else,where" / "store"
    shutil.move(store, moved)
    assert world.render(moved, tmp_path / "third") == first


@pytest.mark.parametrize("name", [*COPIES, "numbers.json"])
def test_a_tampered_copy_is_named(world, named, tmp_path, name):
    store = tmp_path / "store"
    world.close(store)
    spoil(store / "months/2026-10-r1" / name)
    code, rows = world.months(store, "--evidence")
    assert code == 1 and f"{name} was changed" in rows[0]["says"]
    if name != "numbers.json":  # which the later months read
        done = run([str(world.program), "run", "--month=2026-10", f"--store={store}", f"--out={tmp_path / 'none'}"])
        assert done.returncode == 3 and f"{name}' is not what was closed" in done.stderr and not (tmp_path / "none").exists()


@pytest.mark.parametrize("name, spoiled, says", [
    ("hosts.csv", b"Colour\nred\n", "'other_assets'"),
    ("judged/statements.yaml", b"- {}\n", "'ver_statements'"),
    ("forms/poam.xlsx", b"no workbook", "'template_poam'"),
    ("forms/dr.xlsx", None, "'template_dr'"),
])
def test_a_file_that_cannot_be_used_is_refused_before_the_close(world, named, tmp_path, name, spoiled, says):
    if spoiled is None:
        (named / name).unlink()
    else:
        (named / name).write_bytes(spoiled)
    done = world.tell("close", tmp_path / "store")
    assert done.returncode == 2 and says in done.stderr and Path(name).name in done.stderr, done.stderr
    assert not (tmp_path / "store").exists()


def test_a_closed_month_takes_its_trend_from_the_store(world, tmp_path, late):
    store = tmp_path / "store"
    for month in ("2026-08", "2026-09"):
        world.close(store, month=month)
    late()
    world.close(store, "--accept-incomplete", "--reason=late", month="2026-10")
    done = world.tell("reopen", store, "--by=Ann", "--reason=late", "--accept-incomplete", month="2026-09")
    assert done.returncode == 0, done.stderr
    october, amended = world.render(store, tmp_path / "october"), world.render(store, tmp_path / "september", month="2026-09")
    for package, folder in ((october, "2026-10-r1"), (amended, "2026-09-r2")):
        assert package["numbers.json"] == (store / "months" / folder / "numbers.json").read_bytes()
    assert all(month in october["report.html"].decode() for month in ("2026-08", "2026-09"))
    told = [str(store / f"months/{month}-r1/numbers.json") for month in ("2026-09", "2026-08")]
    preview = world.run(tmp_path / "preview", f"--previous={','.join(told)}", system=world.system)
    assert preview.returncode == 0, preview.stderr
    assert (tmp_path / "preview/report.html").read_bytes() == october["report.html"], "not the revisions of then"
    spoil(store / "months/2026-08-r1/numbers.json")
    done = run([str(world.program), "run", "--month=2026-10", f"--store={store}", f"--out={tmp_path / 'none'}"])
    assert done.returncode == 3 and "2026-08-r1/numbers.json' is not what was closed" in done.stderr
    assert world.tell("reopen", store, "--by=Ann", "--reason=x", "--accept-incomplete", month="2026-10").returncode == 3


def forge(package, name, change):
    """Changes a JSON file of a package, and the manifest so that it fits."""
    path, manifest = package / name, json.loads((package / "manifest.json").read_text())
    held = json.loads(path.read_text())
    change(held)
    body = json.dumps(held, sort_keys=True, separators=(",", ":")).encode()
    path.chmod(0o640)
    path.write_bytes(body)
    manifest["files"][name].update(sha256="sha256:" + hashlib.sha256(body).hexdigest(), size_bytes=len(body))
    (package / "manifest.json").chmod(0o640)
    (package / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def packages(world, tmp_path):
    """September and October, closed in that order."""
    for month in ("2026-09", "2026-10"):
        world.close(tmp_path / "store", month=month)
        world.render(tmp_path / "store", tmp_path / month, month=month)
    return tmp_path / "2026-09", tmp_path / "2026-10"


def test_last_months_package_is_the_one_that_is_named(world, packages, tmp_path):
    before, now = packages
    archive = shutil.make_archive(str(tmp_path / "before"), "zip", before)
    for previous in (before, before / "close.json", archive):
        done = world.verify(now, f"--previous={previous}")
        assert done.returncode == 0, done.stdout
    done = world.verify(before, f"--previous={now}")
    assert done.returncode == 1 and "names no close before it" in done.stdout
    preview = world.run(tmp_path / "preview", system=world.system)
    assert preview.returncode == 0
    done = world.verify(tmp_path / "preview", f"--previous={before}")
    assert done.returncode == 1 and "a preview names no month before it" in done.stdout
    assert world.verify(now, "--previous=/nonexistent").returncode == 2


@pytest.mark.parametrize("member, value", [("closed_by", "Somebody else"), ("known_at", "2026-11-06T00:00:00.000000Z")])
def test_a_forged_record_of_last_month_is_caught(world, packages, member, value):
    before, now = packages
    forge(before, "close.json", lambda record: record.update({member: value}))
    done = world.verify(now, f"--previous={before}")
    assert done.returncode == 1 and "but that of --previous is sha256:" in done.stdout and "of 2026-09 revision 1" in done.stdout


@pytest.mark.parametrize("change, says", [
    (lambda record: record["previous_month"].update(sha256=CHECKSUM) or record["previous"].update(sha256=CHECKSUM), f"names {CHECKSUM}"),
    (lambda record: record.update(month="2026-11"), "is of month 2026-11"),
    (lambda record: record.update(as_of="2026-10-30T00:00:00.000000Z"), "is of as_of 2026-10-30"),
    (lambda record: record.update(serial=0), "is no record of a close"),
])
def test_a_forged_record_of_this_month_is_caught(world, packages, change, says):
    before, now = packages
    forge(now, "close.json", change)
    done = world.verify(now, f"--previous={before}")
    assert done.returncode == 1 and says in done.stdout.replace("\n", " "), done.stdout


# ---- order ----

def test_months_close_once_in_order_and_only_when_they_are_over(world, tmp_path):
    store = tmp_path / "store"
    world.close(store, month="2026-09")
    again = world.tell("close", store, month="2026-09")
    assert again.returncode == 5 and "reopen --month=2026-09" in again.stderr
    before = world.tell("close", store, month="2026-08")
    assert before.returncode == 2 and "2026-08 is before 2026-10" in before.stderr
    present = datetime.now(timezone.utc).strftime("%Y-%m")
    early = world.tell("close", store, month=present)
    assert early.returncode == 2 and "is not over" in early.stderr and "--early" in early.stderr
    gap = world.tell("close", store, "--early", month=present)
    assert gap.returncode == 2 and "muster-report close --month=2026-10 first" in gap.stderr
    assert world.tell("close", store, month="2999-01").returncode == 2
    assert world.tell("reopen", store, "--by=Ann", "--reason=x", month="2026-10").returncode == 2
    assert len(list((store / "months").iterdir())) == 1


def test_a_month_that_is_not_over_closes_with_early(world, tmp_path):
    present = datetime.now(timezone.utc).strftime("%Y-%m")
    world.postgres.sql("INSERT INTO facts VALUES (now())")
    try:
        done = world.tell("close", tmp_path / "store", "--early", "--accept-incomplete", "--reason=handover", month=present)
    finally:
        world.postgres.sql("DELETE FROM facts WHERE known_at > '2026-11-15'")
    assert done.returncode == 0, done.stderr
    assert record_of(tmp_path / "store", present)["as_of"] < datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + "z"


# ---- amendments and the chain ----

@pytest.fixture
def chain(world, tmp_path, late):
    """August to October, then September amended, with what came late."""
    store = tmp_path / "store"
    for month in ("2026-08", "2026-09", "2026-10"):
        world.close(store, month=month)
    before = files_of(store)
    late()
    done = world.tell("reopen", store, "--by=Ann", "--reason=a cluster was missing", month="2026-09")
    assert done.returncode == 1 and "containers-not-covered" in done.stdout
    done = world.tell("reopen", store, "--by=Ann", "--reason=a cluster was missing", "--accept-incomplete", month="2026-09")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 close of later months rests on the revision before this amendment" in done.stdout
    after = files_of(store)
    assert all(after[name] == before[name] for name in before if name != "lock"), "an amendment changed what was closed"
    return store


def test_an_amendment_stands_beside_what_it_replaces(world, chain, tmp_path):
    amended, replaced, later = record_of(chain, "2026-09", 2), record_of(chain, "2026-09"), record_of(chain, "2026-10")
    assert (amended["reason"], amended["closed_by"], amended["serial"]) == ("a cluster was missing", "Ann", 4)
    assert amended["accepted_reason"] == "a cluster was missing" and amended["findings"][0]["check"] == "containers-not-covered"
    assert amended["findings"][0]["subjects"] == ["production/prod/late/app"]
    assert amended["replaces"]["revision"] == 1 and later["previous_month"]["sha256"] == amended["replaces"]["sha256"]
    assert amended["previous"]["month"] == "2026-10" and amended["previous_month"]["month"] == "2026-08" and "reason" not in replaced
    newest = world.render(chain, tmp_path / "newest", month="2026-09")
    assert b"late:1" in newest["coverage-gaps.json"]
    first = world.render(chain, tmp_path / "first", "--revision=1", month="2026-09")
    assert b"late:1" not in first["coverage-gaps.json"]
    done = run([str(world.program), "run", "--month=2026-09", f"--store={chain}", "--revision=3", f"--out={tmp_path / 'none'}"])
    assert done.returncode == 2 and "no revision 3" in done.stderr


def test_months_lists_the_chain(world, chain):
    code, rows = world.months(chain, "--evidence")
    assert code == 0
    assert [(row["month"], row["revision"], row["state"]) for row in rows] == [
        ("2026-08", "1", "whole"), ("2026-09", "1", "whole"), ("2026-10", "1", "whole"), ("2026-09", "2", "whole")]
    assert rows[3]["says"].startswith("amends revision 1: a cluster")
    assert world.months(chain, f"--head={rows[3]['sha256']}")[0] == 0 and world.months(chain, f"--head={rows[2]['sha256']}")[0] == 1
    shutil.rmtree(chain / "months/2026-09-r2")  # what was taken off at the end shows only to who kept its hash
    assert world.months(chain)[0] == 0 and world.months(chain, f"--head={rows[3]['sha256']}")[0] == 1


def spoil(path, at=-3):
    held = bytearray(path.read_bytes())
    held[at] ^= 1
    path.chmod(0o640)
    path.write_bytes(held)


@pytest.mark.parametrize("name, says", [
    ("months/2026-08-r1/snapshot.jsonl", "snapshot.jsonl was changed"),
    ("months/2026-09-r1/system.yaml", "system.yaml was changed"),
    ("months/2026-10-r1/evidence.sha256", "evidence.sha256 was changed"),
])
def test_a_changed_file_of_a_month_is_named(world, chain, name, says):
    spoil(chain / name)
    code, rows = world.months(chain)
    broken = [row for row in rows if row["state"] == "broken"]
    assert code == 1 and len(broken) == 1 and says in broken[0]["says"] and broken[0]["month"] in name


def test_a_changed_record_is_named_by_its_neighbours(world, chain, tmp_path):
    path = chain / "months/2026-08-r1/close.json"
    path.write_text(path.read_text().replace('"closed_by":"', '"closed_by":"not '))
    code, rows = world.months(chain)
    assert code == 1 and "its close.json was changed" in rows[0]["says"] and rows[1]["state"] == "broken"
    done = run([str(world.program), "run", "--month=2026-08", f"--store={chain}", f"--out={tmp_path / 'none'}"])
    assert done.returncode == 3 and "the chain is broken" in done.stderr and not (tmp_path / "none").exists()


def test_a_month_taken_out_is_named(world, chain):
    shutil.rmtree(chain / "months/2026-09-r1")
    code, rows = world.months(chain)
    assert code == 1 and all("missing" in row["says"] for row in rows if row["state"] == "broken") and rows[0]["state"] == "whole"
    assert len(rows) == 3


def test_a_record_of_another_month_is_refused(world, chain):
    shutil.copytree(chain / "months/2026-08-r1", chain / "months/2026-07-r1")
    done = run([str(world.program), "months", f"--store={chain}"])
    assert done.returncode == 1 and "is of 2026-08-r1" in done.stderr


def test_damaged_and_missing_evidence_is_named(world, chain, tmp_path):
    scans = sorted((chain / "evidence").rglob("*"))
    scan = next(path for path in scans if path.is_file())
    spoil(scan)
    assert world.months(chain)[0] == 0, "not read unless asked"
    code, rows = world.months(chain, "--evidence")
    assert code == 1 and all(f"evidence sha256:{scan.name} was changed" in row["says"] for row in rows)
    done = run([str(world.program), "run", "--month=2026-10", f"--store={chain}", f"--out={tmp_path / 'none'}"])
    assert done.returncode == 3 and "is damaged" in done.stderr and list(tmp_path.iterdir()) == [chain]
    done = world.tell("reopen", chain, "--by=Ann", "--reason=x", month="2026-08")
    assert done.returncode == 3 and "remove it to have it fetched again" in done.stderr
    scan.unlink()
    code, rows = world.months(chain)
    assert code == 1 and "No such file" in rows[0]["says"]


# ---- completeness ----

@pytest.fixture
def incomplete(world):
    world.insert("sources", source="cluster/production", kind="kubernetes", state="silent", since="2026-10-30", last_event_at="2026-10-29")
    world.insert("deviations", deviation="DR-7", state="approved", kind="vendor_dependency", vulnerability="CVE-2026-1", rationale="no fix",
                 checked_in_at="2026-09-01")
    world.insert("quarantine", reason_code="invalid", source="registry", reason="no digest", events=3, first_known_at="2026-10-04",
                 last_known_at="2026-10-05")
    world.insert("ledger", topic="muster.workload-events", received=10, applied=8, quarantined=0, duplicates=1)
    yield
    world.postgres.sql("DELETE FROM sources; DELETE FROM deviations; DELETE FROM quarantine; DELETE FROM ledger")


def test_what_would_be_rejected_is_listed_with_fix_and_rule(world, incomplete, tmp_path):
    done = run([str(world.program), "check-month", "--month=2026-10", *world.source()])
    assert done.returncode == 1 and done.stderr == "reading the month from PostgreSQL\nraw scans: 2 of 2 (100%)\n"
    assert "3 would get the package rejected, 1 warn" in done.stdout
    for said in ("source-silent", "CM-8(3)", "Fix: repair the source", "ledger-unbalanced", "1 unexplained", "vendor-check-in-old", "DR-7",
                 "events-quarantined", "3 of invalid"):
        assert said in done.stdout, said
    asked = run([str(world.program), "check-month", "--month=2026-10", "--format=json", *world.source()])
    told = json.loads(asked.stdout)
    assert (told["rejects"], told["warns"], told["outcome"]) == (3, 1, "incomplete")
    assert all(check["fix"] and check["rule"] and check["count"] == len(check["subjects"]) for check in told["checks"])


def test_a_baseline_that_holds_no_more_is_named_and_leaves_the_workbook(world, tmp_path):
    said = "CIS Docker 1.6.0: expired, by assessor at 2026-01-02T00:00:00Z, drift none, until 2026-10-01T00:00:00Z"
    world.insert("asset_statements", uai=JOB, hardening=said)
    try:
        world.close(tmp_path / "store", "--accept-incomplete", "--reason=the assessor comes in May")
    finally:
        world.postgres.sql("DELETE FROM asset_statements")
    assert [(found["check"], found["subjects"]) for found in record_of(tmp_path / "store")["findings"]] == [
        ("baseline-not-valid", [JOB])]
    files = world.render(tmp_path / "store", tmp_path / "out")
    sheet = openpyxl.load_workbook(tmp_path / "out/integrated-inventory-workbook.xlsx")["Inventory"]
    rows = {row[0].value: {head.value: cell.value for head, cell in zip(sheet[2], row)} for row in sheet.iter_rows(min_row=3)}
    assert {uai: row["Baseline Configuration Name"] for uai, row in rows.items()} == {APP: "CIS Level 2", JOB: None}
    assert rows[JOB]["Comments"] == f"No valid baseline: {said}" and said in files["assets.csv"].decode()


def test_what_is_told_fits_a_terminal_with_a_bar(world, incomplete):
    primary, secondary = os.openpty()
    termios.tcsetwinsize(secondary, (24, 80))
    child = subprocess.Popen([str(world.program), "check-month", "--month=2026-10", *world.source()], stdout=secondary, stderr=secondary)
    os.close(secondary)
    told = b""
    try:
        while part := os.read(primary, 65536):
            told += part
    except OSError:  # the other end is closed
        pass
    os.close(primary)
    assert child.wait(20) == 1
    text = told.decode()
    assert "[##############################] 2 of 2" in text and "source-silent" in text
    tables = text[text.index("SEVERITY"):]
    assert max(len(line) for line in re.split(r"[\r\n]+", tables) if not line.startswith("Fix: ")) <= 80


def test_an_incomplete_month_is_refused_unless_accepted_with_a_reason(world, incomplete, tmp_path):
    store = tmp_path / "store"
    refused = world.tell("close", store)
    assert refused.returncode == 1 and "2026-10 is not closed" in refused.stdout
    assert list((store / "months").iterdir()) == [] and not (store / "building").exists()
    assert world.tell("close", store, "--accept-incomplete").returncode == 2
    world.close(store, "--accept-incomplete", "--reason=the cluster is being replaced", "--by=Bob")
    record = record_of(store)
    assert record["accepted_reason"] == "the cluster is being replaced" and record["closed_by"] == "Bob"
    assert {found["check"]: found["severity"] for found in record["findings"]} == {
        "source-silent": "rejects", "ledger-unbalanced": "rejects", "vendor-check-in-old": "rejects", "events-quarantined": "warns"}
    asked = run([str(world.program), "check-month", "--month=2026-10", f"--store={store}"])
    assert asked.returncode == 1 and "source-silent" in asked.stdout, "a closed month can be asked again"


def test_a_dry_run_writes_nothing(world, tmp_path):
    done = world.tell("close", tmp_path / "store", "--dry-run")
    assert done.returncode == 0 and "would be closed as revision 1" in done.stdout and list(tmp_path.iterdir()) == []


# ---- two at once, kills, full disks ----

def test_two_closes_never_run_at_once(world, tmp_path):
    store = tmp_path / "store"
    world.evidence.asked.clear()
    world.evidence.answer = lambda body: (503, b"")
    try:
        child = subprocess.Popen(world.command_of("close", store), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert world.evidence.asked.wait(20)
        beside = world.tell("close", store)
        code, rows = world.months(store)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=10)
    finally:
        world.evidence.answer = None
    assert beside.returncode == 4 and f"process {child.pid} on " in beside.stderr and "(close 2026-10)" in beside.stderr
    assert (code, rows) == (0, []), "reading needs no lock"
    assert child.returncode == 3 and not (store / "building").exists()
    world.close(store)


def test_a_close_killed_at_any_time_is_whole_or_not_there(world, closed, tmp_path):
    started = time.monotonic()
    world.close(tmp_path / "measure")
    lasts, rounds = time.monotonic() - started, int(os.environ.get("MUSTER_KILL_ROUNDS", "16"))
    draw = random.Random(7)
    expected, outcomes = record_of(closed)["snapshot"], set()
    for number in range(rounds):
        store = tmp_path / f"store-{number}"
        child = subprocess.Popen(world.command_of("close", store), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(lasts * (number + draw.random()) / rounds)
        child.kill()
        child.wait(10)
        if store.exists():
            code, rows = world.months(store, "--evidence")
            assert code == 0 and len(rows) <= 1, rows
        else:
            rows = []
        outcomes.add(len(rows))
        done = world.tell("close", store)
        assert done.returncode == (5 if rows else 0), done.stderr
        assert record_of(store)["snapshot"] == expected and sorted(path.name for path in store.iterdir()) == ["evidence", "lock", "months"]
        assert world.months(store, "--evidence")[0] == 0
    assert 0 in outcomes


def test_a_close_killed_while_it_fetches_leaves_what_the_next_one_clears(world, closed, tmp_path):
    store = tmp_path / "store"
    first = []

    def only_one(body):
        first.append(body)
        return (200, body) if len(first) == 1 else (503, b"")

    world.evidence.answer = only_one
    try:
        child = subprocess.Popen(world.command_of("close", store), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while len(first) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        child.kill()
        child.wait(10)
    finally:
        world.evidence.answer = None
    assert len(list((store / "building/evidence").iterdir())) == 1 and world.months(store) == (0, [])
    world.close(store)
    assert record_of(store)["snapshot"] == record_of(closed)["snapshot"] and not (store / "building").exists()


def fill(path):
    with open(path, "ab", buffering=0) as out:
        try:
            while True:
                out.write(b"x" * 4096)
        except OSError:
            pass


def test_a_full_disk_fails_the_close_and_leaves_the_store_whole(world, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0755", "none", str(disk)])
    if mounted.returncode != 0:
        pytest.skip(f"SKIPPED: no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        store, filler = disk / "store", disk / "filler"
        world.close(store, month="2026-09")
        fill(filler)
        full = filler.stat().st_size
        for pages in range(3):  # no room at all, for a folder, for a file
            os.truncate(filler, full - pages * 4096)
            done = world.tell("close", store)
            assert done.returncode == 3 and "No space left on device" in done.stderr, done.stderr
            assert world.months(store, "--evidence")[0] == 0 and len(list((store / "months").iterdir())) == 1
        filler.unlink()
        world.close(store)
        assert world.months(store, "--evidence")[0] == 0
    finally:
        run(["umount", str(disk)])


def test_evidence_that_lies_is_never_kept(world, tmp_path):
    world.evidence.answer = lambda body: (200, body + b" ")
    try:
        done = world.tell("close", tmp_path / "store")
    finally:
        world.evidence.answer = None
    assert done.returncode == 3 and "the bytes hash to sha256:" in done.stderr
    assert [path for path in (tmp_path / "store/evidence").rglob("*") if path.is_file()] == []


# ---- the command line ----

@pytest.mark.parametrize("arguments, code, says", [
    (["close"], 2, "--month"),
    (["close", "--month=2026-13", "--store=s", "--system=x", "--postgres=x"], 2, "--month"),
    (["close", "--month=2026-10", "--store=s", "--system=/nonexistent", "--postgres=x"], 2, "/nonexistent"),
    (["close", "--month=2026-10", "--store=s", "--system=x", "--postgres=x", "more"], 2, "more"),
    (["reopen", "--month=2026-10", "--store=s", "--system=x", "--postgres=x"], 2, "--by"),
    (["check-month", "--month=2026-10"], 2, "--postgres and --system, or --store"),
    (["check-month", "--month=2026-10", "--store=/nonexistent"], 2, "/nonexistent"),
    (["months", "--store=/nonexistent"], 2, "/nonexistent"),
    (["months"], 2, "--store"),
    (["run", "--month=2026-10", "--out=x"], 2, "run needs --store, or --postgres and --system"),
    (["run", "--month=2026-10", "--out=x", "--store=/nonexistent"], 2, "/nonexistent"),
    (["run", "--month=2026-10", "--out=x", "--store=s", "--known-at=2026-10-01T00:00:00Z"], 2, "--known-at"),
    *((["run", "--month=2026-10", "--out=x", "--store=s", f"--{option}=x"], 2, f"--{option}: a closed month has its own")
      for option in ("template-poam", "template-dr", "other-assets", "previous")),
    (["check"], 2, "check takes one system file"),
    (["check", "/nonexistent/system.yaml"], 2, "/nonexistent/system.yaml"),
])
def test_wrong_usage_is_named(world, tmp_path, arguments, code, says):
    done = run([str(world.program), *arguments], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "") and says in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_check_lists_a_system_file_and_names_a_mistake_with_its_line(world, tmp_path):
    done = run([str(world.program), "check", str(world.system)])
    assert done.returncode == 0 and "isso@example.com" in done.stdout
    wrong = tmp_path / "system.yaml"
    wrong.write_text(SYSTEM.replace("baseline: 10", "baseline: ten"))
    done = run([str(world.program), "check", str(wrong)])
    assert done.returncode == 2 and f"{wrong}:8: 'unique_vulnerability_baseline' must be a whole number" in done.stderr


@pytest.mark.parametrize("verb", ["close", "reopen", "check-month", "months", "check", "run"])
def test_help_is_help(world, verb):
    done = run([str(world.program), verb, "--help"])
    assert done.returncode == 0 and "--" in done.stdout and done.stderr == ""
