"""muster-report as a process: what it asks, what it says, what it leaves behind, and the workbook against its table."""

import json
import os
import signal
import subprocess
from pathlib import Path

import openpyxl
import pytest
from local.process import free_port
from report_world import AS_OF, GONE, HOSTILE, TOOLS, WEB, report_world as world  # noqa: F401

TABLE = json.loads((Path(__file__).parents[1] / "data/workbook-v3.1.json").read_text())
WORKBOOK = "integrated-inventory-workbook.xlsx"


@pytest.fixture(scope="module")
def bundle(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "package"
    done = world.run(out)
    assert done.returncode == 0, done.stderr
    assert f"as of {AS_OF}" in done.stdout and "4 rows, 3 raw scans, 4 running containers, 1 assets" in done.stdout
    return out


@pytest.fixture(scope="module")
def sheet(bundle):
    return openpyxl.load_workbook(bundle / WORKBOOK)["Inventory"]


# ---- the workbook against tests/data/workbook-v3.1.json ----

def test_sheets_groups_and_panes_are_those_of_the_template(bundle, sheet):
    workbook = openpyxl.load_workbook(bundle / WORKBOOK)
    assert workbook.sheetnames == TABLE["sheets"] and workbook.active.title == "Inventory"
    assert {str(merge): sheet[str(merge).split(":")[0]].value for merge in sheet.merged_cells.ranges} == TABLE["groups"]
    assert sheet.freeze_panes == TABLE["frozen"] and sheet.sheet_view.showGridLines is TABLE["gridlines"]
    assert len(sheet.data_validations.dataValidation) == TABLE["data_validations"]
    assert [sheet.row_dimensions[row].height for row in (1, 2)] == pytest.approx(TABLE["row_heights"], abs=0.5)
    assert sheet.auto_filter.ref is None and not sheet.protection.sheet


@pytest.mark.parametrize("column", TABLE["columns"], ids=lambda column: column["column"])
def test_every_column_has_header_width_and_font_of_the_template(sheet, column):
    cell = sheet[f"{column['column']}2"]
    assert cell.value == column["header"]
    assert sheet.column_dimensions[column["column"]].width == pytest.approx(column["width"], abs=0.1)
    assert [cell.font.name, cell.font.sz] == TABLE["font"] and cell.font.b and cell.alignment.wrap_text
    assert cell.alignment.horizontal == "center"


def test_nothing_stands_beyond_the_last_column(sheet):
    assert sheet.max_column == len(TABLE["columns"]) and sheet.max_row == 2 + 4


@pytest.mark.parametrize("column", TABLE["columns"], ids=lambda column: column["column"])
def test_every_container_row_keeps_the_rule_of_the_column(sheet, column):
    for row in range(3, sheet.max_row + 1):
        value, rule = sheet[f"{column['column']}{row}"].value, column["container"].split()
        assert value is None or (isinstance(value, str) and value.lower() not in ("n/a", "na"))
        if rule == ["mandatory"] or "yes-no" in rule:
            assert value and value.strip()
        if "yes-no" in rule:
            assert value in ("Yes", "No")
        if rule == ["blank"]:
            assert value is None


def test_a_row_says_what_the_snapshot_says(sheet):
    rows = {row[0].value: {head.value: cell.value for head, cell in zip(sheet[2], row)} for row in sheet.iter_rows(min_row=3)}
    assert list(rows) == sorted([WEB, TOOLS, GONE, HOSTILE])
    assert rows[WEB]["IPv4 or IPv6 Address"] == "sha256:" + "1" * 64 and rows[WEB]["OS Name and Version"] == "Debian GNU/Linux 12"
    assert rows[WEB]["Software/ Database Vendor"] == "Example Agency" and rows[WEB]["Software/ Database Name & Version"] == "web 1.0.3"
    assert rows[TOOLS]["Software/ Database Name & Version"] == "tools 2.0" and rows[TOOLS]["Comments"] is None
    assert rows[GONE]["In Latest Scan"] == "No" and rows[GONE]["Comments"] == "not_in_registry: the registry deleted it"


def test_texts_that_would_run_are_texts_in_text_format(sheet):
    row = next(row for row in sheet.iter_rows(min_row=3) if row[0].value == HOSTILE)
    hostile = [cell for cell in row if str(cell.value)[:1] in ("=", "+", "@")]
    assert [cell.value for cell in hostile] == ["+1+1", "=cmd|' /C calc'!A0", "@SUM(1,1) x 4"]
    assert all(cell.data_type == "s" and cell.number_format == "@" for cell in hostile)


def test_pages_print_in_landscape_with_headers(sheet):
    assert sheet.page_setup.orientation == "landscape" and sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (2, 0)
    assert sheet.print_title_rows == "$1:$2" and sheet.print_title_cols == "$A:$A"


def test_rows_are_high_enough_for_their_checksums(sheet):
    assert all(sheet.row_dimensions[row].height >= 2 * 14 for row in range(3, sheet.max_row + 1))


# ---- same question, same bytes ----

def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_bundle_verifies(world, bundle):
    done = world.verify(bundle)
    assert done.returncode == 0, done.stdout
    assert "not_in_registry" in done.stdout and world.verify(bundle, "--no-gaps").returncode == 1


def test_two_runs_in_two_time_zones_give_the_same_bytes(world, bundle, tmp_path):
    environment = {**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PGTZ": "Asia/Kathmandu", "PGDATESTYLE": "German"}
    done = subprocess.run(world.command(tmp_path / "again"), env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "again") == files_of(bundle)


def test_late_facts_leave_a_known_month_as_it_was(world, bundle, tmp_path):
    known_at = json.loads((bundle / "manifest.json").read_text())["known_at"]
    world.postgres.sql("INSERT INTO facts VALUES ('2026-11-20')")
    world.insert("inventory", uai="registry.example/apps/late:1", manifest_digest="sha256:" + "9" * 64, state="never_scanned",
                 running_containers=1, floating="false", known_at="2026-11-20")
    try:
        assert world.run(tmp_path / "now").returncode == 0
        assert world.run(tmp_path / "then", f"--known-at={known_at}").returncode == 0
        assert b"late:1" in (tmp_path / "now/coverage-gaps.json").read_bytes()
        assert files_of(tmp_path / "then") == files_of(bundle)
    finally:
        world.postgres.sql("DELETE FROM facts WHERE known_at > '2026-11-15'; DELETE FROM inventory WHERE known_at > '2026-11-15'")


def test_a_known_at_beyond_the_newest_fact_is_the_newest_fact(world, bundle, tmp_path):
    assert world.run(tmp_path / "future", "--known-at=2030-01-01T00:00:00Z").returncode == 0
    assert files_of(tmp_path / "future") == files_of(bundle)


# ---- what it says when it cannot ----

@pytest.mark.parametrize("change, code, says", [
    ({"month": "2026-13"}, 2, "--month"),
    ({"month": "october"}, 2, "--month"),
    ({"system": "/nonexistent/system.yaml"}, 2, "/nonexistent/system.yaml"),
    ({"month": "2030-01"}, 3, "no fact reaches into that month yet"),
    ({"user": "nobody_special"}, 3, "permission denied"),
    ({"user": "who"}, 3, "PostgreSQL"),
])
def test_what_cannot_be_asked_is_said(world, tmp_path, change, code, says):
    done = world.run(tmp_path / "none", **change)
    assert (done.returncode, done.stdout) == (code, "") and says in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argument, says", [("--known-at=yesterday", "--known-at"), ("--colour=red", "colour"), ("extra", "extra")])
def test_wrong_usage_exits_2(world, tmp_path, argument, says):
    done = world.run(tmp_path / "none", argument)
    assert done.returncode == 2 and says in done.stderr


def test_a_database_that_is_down_is_named(world, tmp_path):
    command = [part if not part.startswith("--postgres") else f"--postgres=host=127.0.0.1 port={free_port()} dbname=x" for part in
               world.command(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3 and "PostgreSQL" in done.stderr


@pytest.mark.parametrize("arguments, says", [
    (["--help"], "Exit codes"), (["run", "--help"], "--known-at"), (["verify", "--help"], "--no-gaps")])
def test_help_is_help(world, arguments, says):
    done = subprocess.run([str(world.program), *arguments], capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 0 and says in done.stdout and done.stderr == ""


@pytest.mark.parametrize("arguments", [["verify"], ["verify", "/a", "/b"], ["verify", "/nonexistent"], ["verify", "--format=xml", "/tmp"]])
def test_verify_of_nothing_is_wrong_usage(world, arguments):
    done = subprocess.run([str(world.program), *arguments], capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 2 and done.stderr.startswith("muster-report: ")


def test_an_interrupted_run_leaves_nothing(world, tmp_path):
    world.evidence.asked.clear()
    world.evidence.answer = lambda body: (503, b"")
    try:
        child = subprocess.Popen(world.command(tmp_path / "none"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert world.evidence.asked.wait(20)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=10)
    finally:
        world.evidence.answer = None
    assert child.returncode == 3 and "evidence sha256:" in told
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_leaves_is_no_bundle_and_the_next_run_clears_it(world, bundle, tmp_path):
    world.evidence.asked.clear()
    world.evidence.answer = lambda body: (503, b"")
    try:
        child = subprocess.Popen(world.command(tmp_path / "package"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert world.evidence.asked.wait(20)
        beside = world.run(tmp_path / "package")
        child.kill()
        child.wait(10)
    finally:
        world.evidence.answer = None
    assert beside.returncode == 3 and "another run writes" in beside.stderr
    assert not (tmp_path / "package").exists()
    assert world.run(tmp_path / "package").returncode == 0
    assert files_of(tmp_path / "package") == files_of(bundle) and len(list(tmp_path.iterdir())) == 1


def test_evidence_that_lies_fails_the_run(world, tmp_path):
    world.evidence.answer = lambda body: (200, body + b" ")
    try:
        done = world.run(tmp_path / "none")
    finally:
        world.evidence.answer = None
    assert done.returncode == 3 and "Raw scan of registry.example/apps/" in done.stderr and "the bytes hash to sha256:" in done.stderr
    assert list(tmp_path.iterdir()) == []
