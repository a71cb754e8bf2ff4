"""The main job: pushed images become rows of a workbook that proves itself."""

import json
import shutil
import subprocess

import openpyxl
import pytest
from local import demo
from local.services import REGISTRY_NAME

UAI_WEB, UAI_TOOLS, UAI_LEGACY = (f"{REGISTRY_NAME}/apps/{name}" for name in ("web:1.0", "tools:2.0", "legacy:3.1"))


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def chain(stack):
    """The demo's images and pods, correlated; digests by name."""
    digests = demo.build_images(stack)
    demo.wait_until("scanned", lambda: demo.scans_settled(stack, digests))
    count = demo.deploy_pods(stack, digests)
    demo.wait_until("correlated", lambda: demo.correlated(stack, count))
    return digests


def write_bundle(stack, out, *more):
    return run(stack.services.program("report"), "run", f"--month={demo.this_month()}", f"--system={demo.SYSTEM}", f"--out={out}",
               f"--postgres={stack.postgres.conninfo()}", f"--inventory-url={stack.services.url('inventory')}", *more)


def verify(stack, folder, *more):
    return run(stack.services.program("report"), "verify", *more, folder)


@pytest.fixture(scope="module")
def bundle(stack, chain, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "package"
    wrote = write_bundle(stack, out)
    assert wrote.returncode == 0, wrote.stderr
    return out


@pytest.fixture
def copy(bundle, tmp_path):
    """A bundle to spoil."""
    shutil.copytree(bundle, tmp_path / "package")
    return tmp_path / "package"


def rows_of(folder):
    sheet = openpyxl.load_workbook(folder / "integrated-inventory-workbook.xlsx")["Inventory"]
    heads = [cell.value for cell in sheet[2]]
    return {row[0].value: {head: cell.value for head, cell in zip(heads, row)} for row in sheet.iter_rows(min_row=3)}


def test_every_running_container_has_one_state_and_the_uncovered_one_is_named(stack, chain):
    done = run(stack.services.program("inventory"), "coverage", f"--postgres={stack.postgres.conninfo()}")
    assert done.returncode == 1, done.stderr
    states = {row["state"]: int(row["containers"]) for row in demo.coverage(stack)}
    assert states == {"covered": 5, "scan_expired": 0, "scan_failed": 0, "never_scanned": 0, "unresolved": 0, "not_in_registry": 1,
                      "excluded": 0}
    assert "legacy-1a2b-a" in done.stdout


def test_an_index_reaches_its_platform_manifests_and_the_attestation_is_never_scanned(stack, chain):
    kinds = dict(line.split("|") for line in stack.postgres.sql("SELECT digest, kind FROM digests").splitlines())
    assert kinds[chain["tools:2.0"]] == "index"
    assert kinds[chain["tools:2.0 amd64"]] == kinds[chain["tools:2.0 arm64"]] == "manifest"
    attested = [digest for digest, kind in kinds.items() if kind == "attestation"]
    assert len(attested) == 1
    assert stack.postgres.sql(f"SELECT count(*) FROM scans WHERE digest = '{attested[0]}' AND outcome = 'complete'") == "0"


def test_a_pushed_again_tag_keeps_one_asset_with_both_digests_and_notifies(stack, chain):
    rows = stack.postgres.sql(f"SELECT d.digest FROM assets a JOIN asset_digests d USING (asset_id) WHERE a.uai = '{UAI_WEB}'").split()
    assert {chain["web:1.0"], chain["web:1.0 first"]} == set(rows)
    assert stack.postgres.sql(f"SELECT kind FROM notifications WHERE subject = '{UAI_WEB}'") == "tag_moved"


def test_real_vulnerable_packages_are_found(stack, chain):
    found = stack.postgres.sql("SELECT DISTINCT f.vulnerability_id FROM findings f JOIN scans s USING (evidence_digest) "
                               f"WHERE s.digest = '{chain['web:1.0 first']}'").split()
    assert "CVE-2025-10148" in found  # curl in Debian 12 has no fix for it


def test_a_trace_runs_through_the_whole_chain(stack, chain):
    pushed, scanned = (stack.postgres.sql(
        f"SELECT DISTINCT substr(l.traceparent, 4, 32) FROM ledger l JOIN {table} t ON t.{column} = l.event_id "
        f"WHERE t.digest = '{chain['shell:0.9']}'") for table, column in (("tag_observations", "event_id"), ("scans", "scan_id")))
    assert len(pushed) == 32 and pushed == scanned


def test_the_ledger_adds_up(stack, chain):
    received, duplicates, ledger = (int(stack.postgres.sql(f"SELECT {what}")) for what in (
        "sum(received) FROM positions", "sum(duplicates) FROM positions",
        "count(*) FROM ledger WHERE state IN ('applied', 'quarantined')"))
    assert received == ledger + duplicates


@pytest.mark.parametrize("subject", [UAI_WEB, "legacy-1a2b-a", "digest"])
def test_explain_tells_the_trail(stack, chain, subject):
    subject = chain["web:1.0"] if subject == "digest" else subject
    done = run(stack.services.program("inventory"), "explain", f"--postgres={stack.postgres.conninfo()}", "--format=json", subject)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["runs"] and told["coverage"] and told["events"]


def test_explain_of_nothing_says_so(stack, chain):
    done = run(stack.services.program("inventory"), "explain", f"--postgres={stack.postgres.conninfo()}", "registry.example/none:1")
    assert done.returncode == 1 and "nothing is known" in done.stderr


def test_the_workbook_follows_the_rules_column_by_column(bundle, chain):
    rows = rows_of(bundle)
    assert set(rows) == {UAI_WEB, UAI_TOOLS, UAI_LEGACY, f"{REGISTRY_NAME}/apps/shell:0.9"}
    web = rows[UAI_WEB]
    assert set(web["IPv4 or IPv6 Address"].split("\n")) == {chain["web:1.0"], chain["web:1.0 first"]}
    assert web["Software/ Database Vendor"] == "Example Agency" and web["Public"] == "Yes"
    for uai, row in rows.items():
        assert row["Virtual"] == "Yes" and row["Authenticated Scan"] == "Yes" and row["Asset Type"] == "Container"
        assert row["In Latest Scan"] == ("No" if uai == UAI_LEGACY else "Yes")
        for mandatory in ("Baseline Configuration Name", "OS Name and Version", "Diagram Label", "Function",
                          "Software/ Database Name & Version"):
            assert row[mandatory], (uai, mandatory)
        for blank in ("Location", "Hardware Make/Model", "Serial #/Asset Tag#", "VLAN/\nNetwork ID", "Application Administrator/ Owner",
                      "NetBIOS Name", "MAC Address", "End-of-Life "):
            assert row[blank] is None, (uai, blank)
    assert "not_in_registry" in rows[UAI_LEGACY]["Comments"]


def test_the_workbook_has_the_submitted_layout(bundle):
    workbook = openpyxl.load_workbook(bundle / "integrated-inventory-workbook.xlsx")
    assert workbook.sheetnames == ["INSTRUCTIONS ", "Inventory", "Record of Changes"]
    sheet = workbook["Inventory"]
    assert {str(merge) for merge in sheet.merged_cells.ranges} == {"A1:E1", "F1:N1", "O1:Q1", "R1:Y1"}
    assert [sheet[cell].value for cell in ("A1", "F1", "O1", "R1")] == [
        "All Inventories", "OS/Infrastructure Inventory", "Software and Database Inventories", "Any Inventory"]
    assert sheet.freeze_panes == "B3" and sheet.sheet_view.showGridLines is False
    assert sheet["Y2"].value == "End-of-Life " and sheet["U2"].value == "VLAN/\nNetwork ID"


def test_a_bundle_verifies_and_names_the_uncovered_pod(stack, bundle):
    done = verify(stack, bundle)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "legacy-1a2b-a" in done.stdout and "no unexplained difference" in done.stdout
    assert verify(stack, bundle, "--no-gaps").returncode == 1


def test_two_runs_give_the_same_bytes(stack, bundle, tmp_path):
    assert write_bundle(stack, tmp_path / "again").returncode == 0
    assert (tmp_path / "again/manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()
    for path in bundle.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(bundle)).read_bytes(), path.name


def test_an_existing_folder_is_not_touched(stack, bundle):
    done = write_bundle(stack, bundle)
    assert done.returncode == 3 and "exists already" in done.stderr


@pytest.mark.parametrize("uai", [UAI_WEB, UAI_TOOLS, UAI_LEGACY, f"{REGISTRY_NAME}/apps/shell:0.9"])
def test_deleting_any_row_fails_by_name(stack, copy, uai):
    path = copy / "integrated-inventory-workbook.xlsx"
    workbook = openpyxl.load_workbook(path)
    sheet = workbook["Inventory"]
    sheet.delete_rows(next(row[0].row for row in sheet.iter_rows(min_row=3) if row[0].value == uai))
    workbook.save(path)
    done = verify(stack, copy, "--format=json")
    assert done.returncode == 1
    named = [row for row in json.loads(done.stdout) if row["check"] in ("scan -> row", "gaps")]
    assert uai in [row["subject"] for row in named]


def test_deleting_any_scan_fails_by_name(stack, bundle, tmp_path):
    for scan in sorted((bundle / "raw-scans").iterdir()):
        spoiled = tmp_path / scan.stem[:8]
        shutil.copytree(bundle, spoiled)
        targets = {target["uai"] for target in json.loads(scan.read_text())["targets"]}
        (spoiled / "raw-scans" / scan.name).unlink()
        done = verify(stack, spoiled, "--format=json")
        assert done.returncode == 1
        told = json.loads(done.stdout)
        assert scan.name in " ".join(row["subject"] for row in told)
        assert targets == {UAI_LEGACY} or targets & {row["subject"] for row in told if row["check"] == "row -> scan"}


def test_a_changed_byte_in_a_scan_is_found(stack, copy):
    scan = sorted((copy / "raw-scans").iterdir())[0]
    scan.write_text(scan.read_text().replace('"muster-scanner"', '"other-scanner"'))
    done = verify(stack, copy, "--format=json")
    assert done.returncode == 1 and f"raw-scans/{scan.name}" in done.stdout


def test_a_file_that_nobody_listed_is_found(stack, copy):
    (copy / "raw-scans/extra.json").write_text("{}")
    assert "extra.json" in verify(stack, copy).stdout


def test_the_report_role_may_read_report_v1_and_nothing_else(stack, chain):
    stack.postgres.sql("GRANT muster_report TO CURRENT_USER")
    assert stack.postgres.sql("SET ROLE muster_report; SELECT count(*) FROM report_v1.totals(now(), 'infinity')") == "7"
    with pytest.raises(Exception, match="permission denied"):
        stack.postgres.sql("SET ROLE muster_report; SELECT count(*) FROM ledger")
