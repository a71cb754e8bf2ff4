"""Two closed months side by side, and containers drawn from one: every difference once with its cause, every draw followed to its bytes."""

import json
import re
import tempfile
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from report_world import BIN, ReportWorld
from test_close import SYSTEM, run

STAYS, REBUILT, RETIRED, NEW, OTHER = (f"registry.example/apps/{name}" for name in ("stays:1", "rebuilt:1", "retired:1", "new:1", "other:1"))
PUBLISHED, CORRECTED, VEXED, UNSEEN, ADJUSTED, AGAIN, KEPT = (f"CVE-2026-000{number}" for number in range(1, 8))
PACKAGES = ["openssl", "zlib"]
EXPECTED = {
    ("asset", "removed", "retired", RETIRED, None), ("asset", "added", "new_image", NEW, None), ("asset", "changed", "rebuilt", REBUILT, None),
    ("asset", "changed", "coverage", OTHER, None),
    ("finding", "removed", "retired", RETIRED, KEPT), ("finding", "added", "new_image", NEW, KEPT),
    ("finding", "removed", "rebuilt", REBUILT, VEXED), ("finding", "added", "rebuilt", REBUILT, PUBLISHED),
    ("finding", "added", "cve_published", STAYS, PUBLISHED), ("finding", "added", "database_correction", STAYS, CORRECTED),
    ("finding", "removed", "vex", STAYS, VEXED), ("finding", "added", "analyzer_change", STAYS, UNSEEN),
    ("finding", "changed", "deviation", STAYS, ADJUSTED), ("finding", "changed", "reopened", STAYS, AGAIN),
}


class Months(ReportWorld):
    def __init__(self, state):
        super().__init__(state, BIN / "muster-report")
        self.store, self.system = state / "store", state / "system.yaml"
        self.system.write_text(SYSTEM)

    def image(self, name, digit, packages=PACKAGES, vexed=(), also=(), **more):
        """The image as it is this month, instead of what it was. Its own name is the last in the raw scan."""
        self.retire(name)
        told = {"number": digit, "packages": [{"type": "deb", "name": package, "version": "1"} for package in packages],
                "suppressed": [{"id": one, "suppressed_reason": "vex", "severity": "low"} for one in vexed],
                "targets": [{"uai": uai, "digest": "sha256:" + digit * 64} for uai in (*also, name)]}
        self.add_image(name, digit, also=also, scan=told, os_name="Debian GNU/Linux 12", **more)

    def retire(self, name):
        self.postgres.sql("".join(f"DELETE FROM {table} WHERE uai = '{name}';" for table in ("inventory", "instances", "not_running", "findings")))

    def finding(self, uai, vulnerability, package="openssl", suffix="", **more):
        self.insert("findings", item=f"V-{vulnerability}{suffix}", uai=uai, repository=uai.rpartition(":")[0], vulnerability=vulnerability,
                    reported_as=vulnerability, packages=f"{package} 1", severity="high", effective_severity="high", severity_source="scanner",
                    scanner_name="muster-scanner", detected_at="2026-09-20", first_detected_at="2026-09-20", item_detected_at="2026-09-20",
                    episode=1, instances=1, forensic="false", due_at="2026-12-20", due_by="rev5", status="open", **more)

    def close(self, month):
        self.agree()
        done = run([str(self.program), "close", f"--month={month}", f"--store={self.store}", f"--postgres={self.postgres.conninfo()}",
                    f"--inventory-url=http://127.0.0.1:{self.evidence.server_port}", f"--system={self.system}", "--accept-incomplete",
                    "--reason=the months of a test"])
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, verb, *options):
        done = run([str(self.program), verb, f"--store={self.store}", *options])
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def months(state_root):
    """September and October, closed."""
    state = Path(tempfile.mkdtemp(prefix="months-", dir=state_root))
    state.chmod(0o755)
    world = Months(state)
    for digit, name in enumerate((STAYS, REBUILT, RETIRED, OTHER), 1):
        world.image(name, str(digit))
    for uai, vulnerability in ((STAYS, VEXED), (STAYS, ADJUSTED), (STAYS, AGAIN), (STAYS, KEPT), (REBUILT, VEXED), (REBUILT, KEPT), (RETIRED, KEPT),
                               (OTHER, CORRECTED)):
        world.finding(uai, vulnerability)
    world.close("2026-09")
    world.retire(RETIRED)
    world.image(NEW, "5", also=[f"{NEW}0", f"{NEW}00"])
    world.image(REBUILT, "6")
    world.image(STAYS, "1", packages=[*PACKAGES, "left"], vexed=[VEXED])
    world.image(OTHER, "4", state="scan_expired", reason="the last complete scan is older than 30 days")
    for uai, vulnerability in ((STAYS, KEPT), (STAYS, PUBLISHED), (STAYS, CORRECTED), (REBUILT, PUBLISHED), (REBUILT, KEPT), (NEW, KEPT),
                               (OTHER, CORRECTED)):
        world.finding(uai, vulnerability)
    world.finding(STAYS, UNSEEN, package="left")
    world.finding(STAYS, ADJUSTED, suffix="-DR-1", deviations="DR-1")
    world.finding(STAYS, AGAIN, suffix=".2")
    world.close("2026-10")
    yield world
    world.evidence.shutdown()
    world.postgres.process.stop()


@pytest.fixture(scope="module")
def difference(months):
    return json.loads(months.ask("diff", "--from=2026-09", "--to=2026-10", "--format=json"))


def test_every_difference_is_told_once_with_its_cause(difference):
    told = [(one["what"], one["change"], one["cause"], one["unique_asset_identifier"], one["vulnerability"]) for one in difference["differences"]]
    assert len(told) == len(set(told)) and set(told) == EXPECTED
    items = {(one["unique_asset_identifier"], one["vulnerability"]): (one["before"], one["after"]) for one in difference["differences"]}
    assert items[STAYS, ADJUSTED] == (f"V-{ADJUSTED}", f"V-{ADJUSTED}-DR-1") and items[STAYS, AGAIN] == (f"V-{AGAIN}", f"V-{AGAIN}.2")
    assert (difference["from"]["month"], difference["to"]["month"]) == ("2026-09", "2026-10")


def test_the_sums_reconcile_with_the_months_and_with_the_lines(difference):
    sums = {row["what"]: {name: int(row[name]) for name in ("before", "added", "removed", "after")} for row in difference["sums"]}
    assert all(one["before"] + one["added"] - one["removed"] == one["after"] for one in sums.values())
    assert (sums["asset"]["before"], sums["asset"]["after"], sums["finding"]["before"], sums["finding"]["after"]) == (4, 4, 8, 10)
    lines = Counter((what, change, cause) for what, change, cause, *_ in EXPECTED)
    assert {(row["what"], change, row["cause"]): int(row[change]) for row in difference["causes"] for change in ("added", "removed", "changed")
            if int(row[change])} == lines


def test_the_text_says_the_same(months, difference):
    text = months.ask("diff", "--from=2026-09-r1", "--to=2026-10")
    assert f"\n{len(EXPECTED)} differences\n" in text and "2026-09 revision 1" in text
    for what, change, cause, uai, vulnerability in EXPECTED:
        assert re.search(rf"^{what} +{change} +{cause} +{re.escape(uai)}" + (rf" +{vulnerability} " if vulnerability else ""), text, re.M), cause
    assert "The months are equal." in months.ask("diff", "--from=2026-10", "--to=2026-10")


def test_backwards_what_came_goes(months):
    back = json.loads(months.ask("diff", "--from=2026-10", "--to=2026-09", "--format=json"))
    assert Counter((one["what"], one["change"]) for one in back["differences"]) == Counter(
        (what, {"added": "removed", "removed": "added"}.get(change, change)) for what, change, *_ in EXPECTED)


def test_a_month_that_is_not_closed_is_named(months):
    done = run([str(months.program), "diff", f"--store={months.store}", "--from=2026-08", "--to=2026-10"])
    assert done.returncode == 2 and "--from" in done.stderr and "2026-08" in done.stderr and done.stdout == ""


# ---- sample ----

def sample(months, *options):
    return json.loads(months.ask("sample", "--month=2026-10", "--format=json", *options))


def test_a_seed_draws_the_same_again_and_another_one_something_else(months):
    assert months.ask("sample", "--month=2026-10", "--seed=x", "--n=3") == months.ask("sample", "--month=2026-10-r1", "--seed=x", "--n=3")
    drawn = {tuple(row["unique_asset_identifier"] for row in sample(months, f"--seed={seed}", "--n=2")) for seed in range(20)}
    assert len(drawn) > 3 and all(len(set(one)) == 2 for one in drawn)


def test_each_draw_is_followed_to_its_row_and_its_bytes(months, tmp_path):
    run([str(months.program), "run", "--month=2026-10", f"--store={months.store}", f"--out={tmp_path / 'package'}"])
    sheet = openpyxl.load_workbook(tmp_path / "package/integrated-inventory-workbook.xlsx")["Inventory"]
    rows = sample(months, "--seed=all", "--n=100")
    assert {row["unique_asset_identifier"] for row in rows} == {STAYS, REBUILT, NEW, OTHER}
    for row in rows:
        assert sheet[f"A{row['workbook_row']}"].value == row["unique_asset_identifier"]
        held = (tmp_path / "package" / row["raw_scan"]).read_bytes()
        for text, offset in ((row["unique_asset_identifier"], row["identifier_offset"]), (row["digest"], row["digest_offset"])):
            assert held[int(offset) - 1:int(offset) + len(text) + 1].decode() == f'"{text}"', (row, text)
        assert held[:int(row["identifier_offset"])].count(b"\n") + 1 == int(row["raw_scan_line"])
        assert row["pod"].startswith("pod-") and row["coverage"] in ("covered", "scan_expired")
    text = months.ask("sample", "--month=2026-10", "--seed=all", "--n=100")
    assert all(f"identifier at byte {row['identifier_offset']}," in text for row in rows) and "NOT FOUND" not in text


def test_the_packages_of_both_months_verify(months, tmp_path):
    for month in ("2026-09", "2026-10"):
        done = run([str(months.program), "run", f"--month={month}", f"--store={months.store}", f"--out={tmp_path / month}"])
        assert done.returncode == 0, done.stderr
        done = months.verify(tmp_path / month)
        assert done.returncode == 0, done.stdout
