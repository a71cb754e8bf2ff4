"""The workbooks in somebody else's hands: LibreOffice opens them, prints them, exports them and saves them again."""

import csv
import hashlib
import json
import shutil
import subprocess

import openpyxl
import pytest
from report_findings import CLOSED, OPEN, add_findings, dr_template, poam_template
from report_world import GONE, HOSTILE, TOOLS, WEB, report_world as world  # noqa: F401

WORKBOOK = "integrated-inventory-workbook"
UAIS = sorted([GONE, HOSTILE, TOOLS, WEB])

pytestmark = pytest.mark.skipif(not (shutil.which("soffice") and shutil.which("pdftotext")),
                                reason="SKIPPED: LibreOffice or pdftotext is not installed (packages: libreoffice-calc-nogui, poppler-utils)")


@pytest.fixture(scope="module")
def bundle(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("libreoffice") / "package"
    done = world.run(out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def convert_file(tmp_path_factory):
    """Converts a workbook; a profile of its own, so that a running LibreOffice is not asked."""
    home = tmp_path_factory.mktemp("profile")

    def to(kind, path):
        out = tmp_path_factory.mktemp("converted")
        done = subprocess.run(["soffice", f"-env:UserInstallation={home.as_uri()}", "--headless", "--convert-to", kind, "--outdir", str(out),
                               str(path)], capture_output=True, text=True, check=False, timeout=180)
        made = list(out.iterdir())
        assert done.returncode == 0 and len(made) == 1, done.stdout + done.stderr
        return made[0]
    return to


@pytest.fixture(scope="module")
def convert(bundle, convert_file):
    return lambda kind: convert_file(kind, bundle / f"{WORKBOOK}.xlsx")


@pytest.fixture(scope="module")
def rows(convert):
    """The sheet Inventory as CSV: comma, quote, UTF-8, texts as they are, formulas as what they give; sheet 2."""
    path = convert("csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2")
    with open(path, newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))


def test_the_printed_workbook_shows_every_asset_and_header(convert):
    pdf = convert("pdf")
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True, timeout=60).stdout
    pages = text.split("\f")
    inventory = [page for page in pages if "UNIQUE ASSET IDENTIFIER" in page and UAIS[0] in page]
    assert len(inventory) == 2  # two pages wide, identifiers and headers on both
    for page in inventory:
        assert all(uai in page for uai in UAIS)
    for words in ("Baseline Configuration Name", "In Latest Scan", "Diagram Label", "End-of-Life", "the registry deleted it", "1 of 4"):
        assert words in text, words


def test_the_exported_cells_are_those_of_the_snapshot(rows):
    assert [row[0] for row in rows[2:]] == UAIS and {len(row) for row in rows} == {25}
    assert rows[1][0] == "UNIQUE ASSET IDENTIFIER" and rows[1][20] == "VLAN/\nNetwork ID" and rows[1][24] == "End-of-Life "
    assert [row[1] for row in rows[2:]] == ["sha256:" + digit * 64 for digit in "3421"]


def test_no_cell_is_run(rows):
    hostile = next(row for row in rows if row[0] == HOSTILE)
    assert hostile[9] == "+1+1" and hostile[14] == "=cmd|' /C calc'!A0" and hostile[15] == "@SUM(1,1) x 4"


def test_what_libreoffice_saves_can_be_verified(world, bundle, convert, tmp_path):
    saved = convert("xlsx").read_bytes()
    shutil.copytree(bundle, tmp_path / "package")
    (tmp_path / "package" / f"{WORKBOOK}.xlsx").write_bytes(saved)
    assert f"{WORKBOOK}.xlsx" in world.verify(tmp_path / "package").stdout  # not the bytes that the manifest lists
    manifest = json.loads((tmp_path / "package/manifest.json").read_text())
    manifest["files"][f"{WORKBOOK}.xlsx"].update(sha256="sha256:" + hashlib.sha256(saved).hexdigest(), size_bytes=len(saved))
    (tmp_path / "package/manifest.json").write_text(json.dumps(manifest))
    done = world.verify(tmp_path / "package")
    assert done.returncode == 0, done.stdout


# ---- POA&M and deviation requests, new and in a template ----

@pytest.fixture(scope="module")
def forms(world, bundle, tmp_path_factory):
    """[(POA&M, deviation requests)]; after the bundle above, which has no findings."""
    folder = tmp_path_factory.mktemp("forms")
    add_findings(world)
    templates = (f"--template-poam={poam_template(folder / 'poam.xlsx')}", f"--template-dr={dr_template(folder / 'dr.xlsx')}")
    made = []
    for name, options in (("new", ()), ("filled", templates)):
        done = world.run(folder / name, *options)
        assert done.returncode == 0, done.stderr
        made.append((folder / name / "poam.xlsx", folder / name / "deviation-requests.xlsx"))
    return made


def test_libreoffice_calculates_the_dates_that_are_written(forms, convert_file):
    for poam, _ in forms:
        saved = convert_file("xlsx", poam)  # it calculates formulas anew
        for sheet, header in ((OPEN, 5), (CLOSED, 2)):
            due = [next(cell.column for cell in openpyxl.load_workbook(path)[sheet][header] if cell.value == "Scheduled Completion Date")
                   for path in (poam, saved)]
            values = [[row[0].value for row in openpyxl.load_workbook(path, data_only=True)[sheet].iter_rows(
                min_row=header + 1, max_row=header + 12, min_col=column, max_col=column)] for path, column in zip((poam, saved), due)]
            assert [value or None for value in values[0]] == [value or None for value in values[1]] and any(values[0])
        lists = [len([rule for rule in openpyxl.load_workbook(path)[OPEN].data_validations.dataValidation if rule.type == "list"])
                 for path in (poam, saved)]
        assert lists[0] == 6 and lists[1] >= 4  # it joins those that are alike


def test_the_printed_forms_show_items_and_headers(forms, convert_file):
    for number, (poam, requests) in enumerate(forms):
        for path, words in ((poam, ("POAM ID", "V-CVE-2026-0001", "V-CM-6", "Vendor Dependency")), (requests, ("DR Number", "DR-4", "Type of DR"))):
            pdf = convert_file("pdf", path)
            text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True, timeout=60).stdout
            assert all(word in text for word in words), (number, path.name)
