"""POA&M and deviation requests as somebody else's reader (openpyxl) sees them: new, and in a template."""

import os
import subprocess
import zipfile
from xml.etree import ElementTree

import openpyxl
import pytest
from local.demo import SYSTEM
from report_findings import CLOSED, CONFIGURATION, DR, OPEN, POAM, add_findings, day, dr_template, due_rule, poam_template
from report_world import TOOLS, WEB, report_world as world  # noqa: F401

OPEN_ITEMS = ["V-CVE-2026-0001", "V-CVE-2026-0002", "V-CVE-2026-0004-DR-2", "V-CVE-2026-0005-DR-3", "V-CVE-2026-0006-DR-4", "V-GHSA-x", "V-CM-6"]
CLOSED_ITEMS = ["V-CVE-2026-0003-DR-1", "V-CVE-2025-0008", "V-CVE-2025-0009"]
CHECKS = ["V-CM-6-CIS-DI-0001", "V-CM-6-CIS-DI-0006"]


@pytest.fixture(scope="module")
def found(world):
    add_findings(world)
    return world


@pytest.fixture(scope="module")
def run(found, tmp_path_factory):
    """A package; `keys` are added to the system file."""
    def package(*options, env=None, **keys):
        folder = tmp_path_factory.mktemp("workbooks")
        system = folder / "system.yaml"
        kept = [line for line in SYSTEM.read_text().splitlines(keepends=True) if line.partition(":")[0] not in keys]
        system.write_text("".join([*kept, *(f"{key}: {value}\n" for key, value in keys.items())]))
        done = subprocess.run(found.command(folder / "package", *options, system=system), env={**os.environ, **(env or {})}, capture_output=True,
                              text=True, check=False, timeout=120)
        return done, folder / "package"
    return package


@pytest.fixture(scope="module")
def new(run):
    done, package = run(point_of_contact="isso@example.com", provider="Example Provider")
    assert done.returncode == 0, done.stderr
    return package


@pytest.fixture(scope="module")
def filled(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    done, package = run(f"--template-poam={poam_template(folder / 'poam.xlsx')}", f"--template-dr={dr_template(folder / 'dr.xlsx')}",
                        point_of_contact="isso@example.com", provider="Example Provider")
    assert done.returncode == 0, done.stderr
    return folder, package


def rows_of(path, sheet, header_row, data_row, key="POAM ID", values=False):
    """{key: {header: value}} in the order of the rows."""
    cells = openpyxl.load_workbook(path, data_only=values)[sheet]
    heads = {cell.value: cell.column for cell in cells[header_row] if cell.value}
    return {cells.cell(row, heads[key]).value: {name: cells.cell(row, column).value for name, column in heads.items()}
            for row in range(data_row, cells.max_row + 1) if cells.cell(row, heads[key]).value}


def open_items(path, **more):
    return rows_of(path, OPEN, 5, 9, **more)


@pytest.fixture(scope="module", params=["new", "filled"])
def poam(request, new, filled):
    return (new if request.param == "new" else filled[1]) / "poam.xlsx"


@pytest.fixture(scope="module", params=["new", "filled"])
def requests(request, new, filled):
    return (new if request.param == "new" else filled[1]) / "deviation-requests.xlsx"


# ---- the form ----

def test_the_new_workbook_has_the_sheets_and_headers_of_the_form(new):
    book = openpyxl.load_workbook(new / "poam.xlsx")
    assert book.sheetnames == POAM["sheets"]
    sheet = book[OPEN]
    assert sheet["A1"].value == POAM["title"] and [str(merge) for merge in sheet.merged_cells.ranges] == ["A1:F1"]
    assert [sheet.cell(2, column).value for column in range(2, 6)] == POAM["fields"]
    assert [[sheet.cell(5, column).value, sheet.cell(8, column).value] for column in range(2, 29)] == POAM["columns"]
    assert {str(row): sheet.cell(row, 1).value for row in (6, 7, 8)} == POAM["labels"]
    assert sheet.freeze_panes == "A6" and book[CLOSED].freeze_panes == "A3"
    assert [sheet.column_dimensions[letter].width for letter in "ABC"] == pytest.approx(POAM["widths"], abs=0.1)
    for name in (CLOSED, CONFIGURATION):
        plain = [header for header, _ in POAM["columns"]]
        plain[plain.index("Remediation Plan")] = POAM["closed_plan"]
        assert [book[name].cell(2, column).value for column in range(1, 28)] == plain
    assert [book[POAM["sheets"][4]].cell(1, column).value for column in range(2, 7)] == POAM["deficiencies"]


def test_the_new_workbook_has_the_choices_of_the_form(new):
    sheet = openpyxl.load_workbook(new / "poam.xlsx")[OPEN]
    heads = {cell.value: cell.column_letter for cell in sheet[5] if cell.value}
    lists = {str(rule.sqref).split(":")[0]: rule.formula1 for rule in sheet.data_validations.dataValidation if rule.type == "list"}
    assert {f"{heads[name]}9": f'"{words}"' for name, words in POAM["lists"].items()} == lists
    assert len([rule for rule in sheet.data_validations.dataValidation if rule.type == "date"]) == 5


def test_the_new_deviation_form_has_headers_and_merges_of_the_form(new):
    sheet = openpyxl.load_workbook(new / "deviation-requests.xlsx")[DR["sheet"]]
    assert [sheet.cell(10, column).value for column in range(1, 58)] == DR["columns"] and sheet.max_column == 57
    assert sorted(str(merge) for merge in sheet.merged_cells.ranges) == sorted(DR["merges"])
    assert sheet["AO9"].value == "Additional Information" and sheet["A1"].value == "FedRAMP DR Request Form"


# ---- the items ----

def test_every_item_stands_on_its_sheet_once(poam):
    assert list(open_items(poam)) == OPEN_ITEMS
    assert list(rows_of(poam, CLOSED, 2, 3)) == CLOSED_ITEMS
    assert list(rows_of(poam, CONFIGURATION, 2, 3)) == CHECKS


def test_the_head_says_whose_and_when(poam):
    sheet = openpyxl.load_workbook(poam)[OPEN]
    assert [sheet.cell(3, column).value for column in range(2, 6)] == [
        "Example Provider", "Example Cloud Service", "Moderate", day("2026-10-31")]


def test_mandatory_cells_are_filled_and_nothing_says_not_applicable(poam):
    for sheet, header, first in ((OPEN, 5, 9), (CLOSED, 2, 3), (CONFIGURATION, 2, 3)):
        for item, row in rows_of(poam, sheet, header, first).items():
            for name, rule in POAM["columns"]:
                value = row[POAM["closed_plan"] if sheet != OPEN and name == "Remediation Plan" else name]
                assert value is not None or rule == "Situational", (item, name)
                assert str(value).lower() not in ("n/a", "na", "none") or value is None


def test_an_item_says_what_the_snapshot_says(poam):
    row = open_items(poam)["V-CVE-2026-0001"]
    assert row["Asset Identifier"].split("\n") == sorted([WEB, TOOLS])
    assert row["Original Detection Date"] == day("2026-09-20") and row["CVE"] == "CVE-2026-0001"
    assert row["Original Risk Rating"] == "High" and "Critical" in row["Comments"] and row["Adjusted Risk Rating"] is None
    assert row["Binding Operational Directive 22-01 tracking"] == "Yes"
    assert row["Binding Operational Directive 22-01 Due Date"] == day("2026-10-22")
    assert row["Weakness Source Identifier"] == "CVE-2026-0001" and row["Controls"] == "RA-5, SI-2"
    assert "Late since 2026-10-20" in row["Remediation Plan"] and "openssl 3.0.2" in row["Remediation Plan"]
    other = open_items(poam)["V-CVE-2026-0002"]
    assert other["Binding Operational Directive 22-01 tracking"] is other["Binding Operational Directive 22-01 Due Date"] is None


def test_deviations_stand_in_their_columns(poam):
    items = open_items(poam)
    answers = lambda row: [row[name] for name in ("Risk Adjustment", "False Positive", "Operational Requirement")]  # noqa: E731
    adjusted, dependent, asked = (items[f"V-CVE-2026-000{n}"] for n in ("4-DR-2", "5-DR-3", "6-DR-4"))
    assert answers(adjusted) == ["Yes", "No", "No"] and adjusted["Adjusted Risk Rating"] == "Moderate"
    assert "externally facing" in adjusted["Deviation Rationale"].lower() and adjusted["Supporting Documents"] == "evidence/DR-2.pdf\nevidence/ao.pdf"
    assert answers(asked) == ["No", "No", "Pending"]
    assert [dependent[name] for name in ("Vendor Dependency", "Last Vendor Check-in Date", "Vendor Dependent Product Name")] == [
        "Yes", day("2026-10-20"), "openssl"]
    assert items["V-CVE-2026-0002"]["Vendor Dependency"] == "No" and items["V-CVE-2026-0002"]["Deviation Rationale"] is None
    closed = rows_of(poam, CLOSED, 2, 3)
    assert answers(closed["V-CVE-2026-0003-DR-1"]) == ["No", "Yes", "No"]
    assert closed["V-CVE-2025-0008"]["Status Date"] == day("2026-10-08")


def test_completion_dates_follow_the_rule_and_are_formulas_among_the_open(poam):
    due = {item: row["Scheduled Completion Date"] for item, row in open_items(poam, values=True).items()}
    assert due["V-CVE-2026-0001"] == day("2026-10-20") and due["V-CVE-2026-0002"] == day("2026-12-19")
    assert due["V-CVE-2026-0004-DR-2"] == day("2026-12-19")  # adjusted to Moderate, approved
    assert due["V-CVE-2026-0006-DR-4"] == day("2026-10-20") and due["V-GHSA-x"] == day("2026-10-20")
    assert all(str(row["Scheduled Completion Date"]).startswith("=IF(") for row in open_items(poam).values())
    assert rows_of(poam, CLOSED, 2, 3)["V-CVE-2025-0008"]["Scheduled Completion Date"] == day("2026-08-31")


def test_dates_are_dates_and_hostile_texts_are_texts(poam):
    sheet = openpyxl.load_workbook(poam, data_only=True)[OPEN]
    heads = {cell.value: cell.column for cell in sheet[5] if cell.value}
    for row in range(9, 9 + len(OPEN_ITEMS)):
        for name in ("Original Detection Date", "Scheduled Completion Date", "Status Date"):
            assert sheet.cell(row, heads[name]).is_date, (row, name)
    hostile = sheet.cell(9 + OPEN_ITEMS.index("V-CVE-2026-0006-DR-4"), heads["Deviation Rationale"])
    assert hostile.data_type in ("s", "inlineStr") and "\u202e" not in hostile.value and "\x1b" not in hostile.value
    assert "cmd|" in hostile.value


def test_one_configuration_item_stands_for_all(poam):
    summary = open_items(poam)["V-CM-6"]
    assert summary["Controls"] == "CM-6" and summary["Asset Identifier"] == WEB and summary["Weakness Source Identifier"] is None
    single = rows_of(poam, CONFIGURATION, 2, 3)["V-CM-6-CIS-DI-0001"]
    assert [single[name] for name in ("Controls", "Weakness Name", "Weakness Source Identifier", "Original Risk Rating", "Asset Identifier")] == [
        "CM-6", "Runs as root", "CIS-DI-0001", "Moderate", WEB]
    assert single["Original Detection Date"] == day("2026-09-10")


def test_only_late_items_when_the_system_file_says_so(run):
    done, package = run(poam_items="late")
    assert done.returncode == 0, done.stderr
    assert list(open_items(package / "poam.xlsx")) == [item for item in OPEN_ITEMS if "0001" in item or "-DR-" in item or item == "V-CM-6"]
    assert list(rows_of(package / "poam.xlsx", CLOSED, 2, 3)) == CLOSED_ITEMS  # one was closed late, as was the other


# ---- deviation requests ----

def test_a_request_is_prefilled(requests):
    rows = rows_of(requests, DR["sheet"], 10, 12, key="DR Number")
    assert list(rows) == ["DR-4"]
    row = rows["DR-4"]
    assert [row[name] for name in DR["columns"][1:8]] == [
        "V-CVE-2026-0006-DR-4", "CVE-2026-0006", "CVE-2026-0006", WEB, "CVE-2026-0006 in openssl 3.0.1", "muster-scanner", "High"]
    assert row["CVSS Base Score"] == "5.0" and row["Original Detection Date"] == day("2026-09-20")
    assert row["Type of DR"] == "OR" and row["DR Submission Date"] == day("2026-10-05")
    assert row["Tool-Provided Recommeded Action"] == "Update to openssl 3.0.2."
    assert row["DR Rationale"].startswith("=cmd|") and row["Adjusted CVSS Score"] is None
    sheet = openpyxl.load_workbook(requests)[DR["sheet"]]
    assert [sheet[cell].value for cell in ("A3", "C3", "E3", "D7")] == ["Example Provider", "Moderate", day("2026-10-31"), "isso@example.com"]
    assert sheet.cell(12, DR["columns"].index("DR Rationale") + 1).number_format == "@"


# ---- the template ----

def parts(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_is_not_filled_is_the_same_byte_for_byte(filled):
    folder, package = filled
    for template, made, changed in (("poam.xlsx", "poam.xlsx", {2, 3, 4}), ("dr.xlsx", "deviation-requests.xlsx", {2})):
        before, after = parts(folder / template), parts(package / made)
        assert list(before) == list(after)
        different = {name for name in before if before[name] != after[name]}
        assert different == {f"xl/worksheets/sheet{number}.xml" for number in changed} | {"xl/styles.xml"}


def test_validations_formats_and_formulas_of_the_template_live(filled):
    folder, package = filled
    before, after = (openpyxl.load_workbook(path)[OPEN] for path in (folder / "poam.xlsx", package / "poam.xlsx"))
    rules = lambda sheet: [(rule.type, rule.formula1, str(rule.sqref)) for rule in sheet.data_validations.dataValidation]  # noqa: E731
    assert rules(before) == rules(after) and len(rules(after)) == len(POAM["lists"])
    zebra = lambda sheet: [(str(area.sqref), [rule.formula for rule in area.rules]) for area in sheet.conditional_formatting]  # noqa: E731
    assert zebra(before) == zebra(after) and after.freeze_panes == "A6"
    letters = {cell.value: cell.column_letter for cell in after[5] if cell.value}
    due = letters["Scheduled Completion Date"]
    assert [after[f"{due}{row}"].value for row in (10, 15, 40)] == [due_rule(row, letters) for row in (10, 15, 40)]
    assert after[f"{due}9"].value.startswith("=IF(AND(") and after["B9"].font.name == "Arial" and after["B9"].font.sz == 9
    assert [after.cell(6, column).value for column in (1, 2)] == ["Guidance", "What stands here"]


def test_columns_are_found_by_their_headers_wherever_they_stand(run, tmp_path):
    order = [["Ticket", None], *reversed(POAM["columns"])]
    done, package = run(f"--template-poam={poam_template(tmp_path / 'moved.xlsx', order=order)}")
    assert done.returncode == 0, done.stderr
    items = open_items(package / "poam.xlsx")
    assert list(items) == OPEN_ITEMS and items["V-CVE-2026-0001"]["CVE"] == "CVE-2026-0001"
    assert all(row["Ticket"] is None for row in items.values())
    due = open_items(package / "poam.xlsx", values=True)["V-CVE-2026-0004-DR-2"]["Scheduled Completion Date"]
    assert due == day("2026-12-19")


def test_a_short_template_grows_with_its_validations(run, tmp_path):
    done, package = run(f"--template-poam={poam_template(tmp_path / 'short.xlsx', rows=10)}")
    assert done.returncode == 0, done.stderr
    sheet = openpyxl.load_workbook(package / "poam.xlsx")[OPEN]
    last = 8 + len(OPEN_ITEMS)
    assert list(open_items(package / "poam.xlsx")) == OPEN_ITEMS and sheet[f"B{last}"].font.name == "Arial"
    assert all(str(rule.sqref).endswith(str(last)) for rule in sheet.data_validations.dataValidation)
    assert [str(area.sqref) for area in sheet.conditional_formatting] == [f"A9:AB{last}"]
    assert sheet[f"M{last}"].value.startswith("=IF(")


def encrypted(path):
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4096))
    return path


def with_part(path, name, body):
    poam_template(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return path


def with_item(book):
    book[OPEN]["B9"] = "V-1"


def with_formula(book):
    book[OPEN]["D12"] = "=1+1"


def twice(book):
    book[OPEN]["AD5"] = "CVE"


@pytest.mark.parametrize("make, says", [
    (encrypted, "encrypted or an old .xls"),
    (lambda path: with_part(path, "xl/vbaProject.bin", b"x"), "macros"),
    (lambda path: with_part(path, "bomb.bin", bytes(300 << 20)), "unpacks to more than"),
    (lambda path: poam_template(path, without=["CVE"]), "lacks the column 'CVE'"),
    (lambda path: poam_template(path, change=twice), "has the column 'CVE' twice"),
    (lambda path: poam_template(path, change=with_item), "row 9 of sheet 'Open POA&M Items' holds the item 'V-1' already"),
    (lambda path: poam_template(path, change=with_formula), "cell D12 holds a formula"),
    (lambda path: poam_template(path, change=lambda book: book.remove(book[CLOSED])), "no sheet 'Closed POA&M Items'"),
    (dr_template, "no sheet 'Open POA&M Items'"),
    (lambda path: (path.write_bytes(b"hello"), path)[1], "no .xlsx workbook"),
    (lambda path: path, "no such file"),
], ids=["encrypted", "macros", "bomb", "missing column", "column twice", "filled already", "formula", "missing sheet", "another form",
        "no workbook", "no file"])
def test_a_template_that_does_not_fit_is_refused_by_name(run, tmp_path, make, says):
    path = make(tmp_path / "template.xlsx")
    done, package = run(f"--template-poam={path}")
    assert done.returncode == 3 and says.lower() in done.stderr.lower() and "template.xlsx" in done.stderr, done.stderr
    assert not package.exists() and not list(package.parent.glob(".*partial*"))


def test_templates_of_the_system_file_are_used(run, filled):
    folder, package = filled
    done, other = run(template_poam=folder / "poam.xlsx", template_dr=folder / "dr.xlsx", point_of_contact="isso@example.com",
                      provider="Example Provider")
    assert done.returncode == 0, done.stderr
    for name in ("poam.xlsx", "deviation-requests.xlsx"):
        assert (other / name).read_bytes() == (package / name).read_bytes()


# ---- other assets of the inventory ----

HOSTS = """UNIQUE ASSET IDENTIFIER,IPv4 or IPv6 Address,Virtual,Public,Authenticated Scan,Baseline Configuration Name,OS Name and Version,\
Asset Type,In Latest Scan,Diagram Label,Function,End-of-Life,VLAN/Network ID
registry.example/apps/h-node,10.0.0.1,Yes,No,Yes,CIS Level 2,Debian 12,=Server,Yes,Node,Runs pods,6/30/2028,7
a-sensor,10.0.0.2,Yes,No,Yes,CIS Level 2,Debian 12,Sensor,No,Node,Looks,,
"""


def test_hosts_stand_among_the_images_and_the_package_verifies(found, run, tmp_path):
    (tmp_path / "hosts.csv").write_text(HOSTS)
    done, package = run(f"--other-assets={tmp_path / 'hosts.csv'}")
    assert done.returncode == 0 and "6 rows" in done.stdout, done.stderr
    sheet = openpyxl.load_workbook(package / "integrated-inventory-workbook.xlsx")["Inventory"]
    rows = {row[0].value: {head.value: cell for head, cell in zip(sheet[2], row)} for row in sheet.iter_rows(min_row=3)}
    assert list(rows) == sorted(rows) and len(rows) == 6
    node = rows["registry.example/apps/h-node"]
    assert [node[name].value for name in ("IPv4 or IPv6 Address", "End-of-Life ", "VLAN/\nNetwork ID")] == ["10.0.0.1", "6/30/2028", "7"]
    assert node["Asset Type"].value == "=Server" and node["Asset Type"].data_type == "s" and node["Asset Type"].number_format == "@"
    assert found.verify(package).returncode == 0, found.verify(package).stdout


@pytest.mark.parametrize("change, says", [
    (lambda text: text.replace("a-sensor", WEB), f"hosts.csv:3: 'UNIQUE ASSET IDENTIFIER' '{WEB}' is that of an image"),
    (lambda text: text.replace("6/30/2028", "2028-06-30"), "hosts.csv:2: 'End-of-Life ' must be a date"),
    (lambda text: text.replace("Public", "Publik"), "hosts.csv:1: 'Publik' is no column"),
])
def test_a_mistake_in_the_file_of_hosts_is_named(run, tmp_path, change, says):
    (tmp_path / "hosts.csv").write_text(change(HOSTS))
    done, package = run(other_assets=tmp_path / "hosts.csv")
    assert done.returncode == 3 and says in done.stderr and not package.exists(), done.stderr


# ---- the parts, by the rules of the format ----

def test_parts_keep_the_rules_of_strings_dates_and_order(new, filled):
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    for path in (folder / name for folder in (new, filled[1]) for name in ("poam.xlsx", "deviation-requests.xlsx")):
        archive = parts(path)
        strings = ElementTree.fromstring(archive["xl/sharedStrings.xml"]).findall(f"{space}si") if "xl/sharedStrings.xml" in archive else []
        formats = ElementTree.fromstring(archive["xl/styles.xml"]).find(f"{space}cellXfs")
        assert int(formats.get("count")) == len(formats)
        for name in (name for name in archive if name.startswith("xl/worksheets/sheet")):
            last = 0
            for row in ElementTree.fromstring(archive[name]).find(f"{space}sheetData"):
                assert int(row.get("r")) > last
                last, column = int(row.get("r")), 0
                for cell in row:
                    at = openpyxl.utils.cell.coordinate_from_string(cell.get("r"))
                    assert at[1] == last and openpyxl.utils.column_index_from_string(at[0]) > column, (path, name, cell.get("r"))
                    column = openpyxl.utils.column_index_from_string(at[0])
                    assert int(cell.get("s") or 0) < len(formats)
                    value, kind = cell.findtext(f"{space}v"), cell.get("t", "n")
                    if kind == "s":
                        assert int(value) < len(strings)
                    elif kind == "inlineStr":
                        assert cell.find(f"{space}is") is not None and value is None
                        assert len("".join(cell.itertext()).encode("utf-16-le")) // 2 <= 32767
                    elif kind == "n" and value:
                        float(value)


def test_two_runs_in_other_places_give_the_same_bytes(run, filled, new):
    folder, package = filled
    done, other = run(f"--template-poam={folder / 'poam.xlsx'}", f"--template-dr={folder / 'dr.xlsx'}", point_of_contact="isso@example.com",
                      provider="Example Provider", env={"TZ": "Pacific/Kiritimati", "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    done, again = run(point_of_contact="isso@example.com", provider="Example Provider", env={"TZ": "Asia/Kathmandu"})
    assert done.returncode == 0, done.stderr
    for name in ("poam.xlsx", "deviation-requests.xlsx"):
        assert (other / name).read_bytes() == (package / name).read_bytes() and (again / name).read_bytes() == (new / name).read_bytes()
