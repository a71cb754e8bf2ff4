"""The report for people, as people meet it: in a browser, light and dark, narrow and on paper, with scripts off, read by a machine for accessibility.

The pictures are under MUSTER_PICTURES when that names a folder.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import browser
import pytest
from html_world import HOSTILE, RTL, HtmlWorld
from local.demo import wait_until
from jsonschema import Draft202012Validator
from report_world import BIN, ReportWorld

ROOT = Path(__file__).resolve().parents[2]
PAPERS = {"A4": (8.27, 11.69), "Letter": (8.5, 11)}
CHECKSUM = "sha256:" + "a" * 64
SYSTEM = f"""name: Example Cloud
fedramp_id: FR0000000000
impact_level: Moderate
baseline_configuration_name: CIS Level 2
diagram_label: Cluster
function: Application
provider: Example Provider
offering: Example Cloud
certification_class: C
point_of_contact: isso@example.com
unique_vulnerability_baseline: "24"
configuration_checksum: {CHECKSUM}
"""


class Made:
    """A world, and the packages written of it."""

    def __init__(self, state):
        self.state, self.world = state, ReportWorld(state, BIN / "muster-report")
        self.filled = HtmlWorld(self.world).fill()
        self.system = state / "system.yaml"
        self.system.write_text(SYSTEM)
        self.package = self.write("package")

    def write(self, name, *options):
        done = self.world.run(self.state / name, *options, system=self.system)
        assert done.returncode == 0, done.stderr
        return self.state / name

    def stop(self):
        self.world.evidence.shutdown()
        self.world.postgres.process.stop()


@pytest.fixture(scope="module")
def made(state_root):
    state = Path(tempfile.mkdtemp(prefix="html-", dir=state_root))
    state.chmod(0o755)
    made = Made(state)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def page(made):
    return made.package / "report.html"


@pytest.fixture(scope="module")
def numbers(made):
    return json.loads((made.package / "numbers.json").read_text())


@pytest.fixture(scope="module")
def window():
    if reason := browser.missing():
        pytest.skip(f"SKIPPED: {reason}")
    window = browser.Browser()
    yield window
    window.close()


@pytest.fixture(scope="module")
def axe():
    script, why = browser.axe_script()
    if not script:
        pytest.skip(f"SKIPPED: axe-core cannot be had: {why}")
    return script


def keep_picture(window, name):
    if folder := os.environ.get("MUSTER_PICTURES"):
        window.picture(Path(folder) / f"{name}.png")


# ---- what it says ----

class Tables(HTMLParser):
    """{id of the caption: rows of cell texts}, and every id."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.ids, self.rows, self.cell = {}, [], None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        name = dict(attrs).get("id")
        if name:
            self.ids.append(name)
        if tag == "caption":
            self.rows = self.tables.setdefault(name, [])
        elif tag == "tr" and self.rows is not None:
            self.rows.append([])
        elif tag in ("td", "th") and self.rows is not None:
            self.cell = []
        elif tag in ("br", "span") and self.cell is not None:
            self.cell.append("\n")

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell is not None:
            self.rows[-1].append("".join(self.cell).strip())
            self.cell = None
        elif tag == "table":
            self.rows = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.append(data)


def test_every_item_of_the_database_is_one_row_in_the_table_of_its_state(made, page):
    tables = Tables(page.read_text()).tables
    shown = {row[0]: (table, row) for table in ("t-late", "t-due", "t-other") for row in tables[table][1:]}
    assert set(shown) == set(made.filled.items)
    for item, state in made.filled.items.items():
        table, row = shown[item]
        assert table == {"Late": "t-late", "Due": "t-due"}.get(state, "t-other"), item
        assert row[-1].splitlines()[0].split(" KEV")[0].strip() == state, item


def test_the_page_and_the_numbers_agree(page, numbers):
    tables = Tables(page.read_text()).tables
    ratings = {row[0]: row[1:] for row in tables["t-ratings"][1:]}
    for name, shown in (("all", "All"), ("critical", "Critical"), ("high", "High"), ("moderate", "Moderate"), ("low", "Low")):
        figures = numbers["figures"]["ratings"][name]
        assert ratings[shown] == [str(figures[key]) for key in ("unique", "per_asset", "per_instance", "items", "late", "due", "open", "held")]
    late = numbers["figures"]["ratings"]["all"]["late"]
    assert len(tables["t-late"]) - 1 == late == sum(row[-1].startswith("Late") for row in tables["t-late"])
    states = {trigger["title"]: trigger for trigger in numbers["triggers"]}
    for row in tables["t-triggers"][1:]:
        trigger = states[row[0]]
        assert row[-1] == ("Reached" if trigger["reached_now"] else "Will be reached" if trigger["reached_next"] else "Not reached")
    assert [row[-1] for row in tables["t-triggers"][1:]] == ["Not reached", "Reached", "Reached", "Will be reached", "Will be reached", "Not reached"]


def test_the_numbers_are_those_of_the_rows_and_of_their_schema(made, numbers):
    Draft202012Validator(json.loads((ROOT / "schemas/numbers.v1.schema.json").read_text())).validate(numbers)
    figures, findings = numbers["figures"], [dict(zip(names, row)) for (table, names), rows in made.filled.rows.items()
                                             if table == "findings" for row in rows]
    counted = [row for row in findings if row["status"] != "false_positive"]
    assert figures["ratings"]["all"]["unique"] == len({row["vulnerability"] for row in counted})
    assert figures["ratings"]["all"]["per_asset"] == len(counted)
    assert figures["ratings"]["all"]["per_instance"] == sum(row["instances"] for row in counted)
    assert figures["coverage"]["containers_in"] == json.loads((made.package / "manifest.json").read_text())["running_containers"]
    assert figures["scans"] | {"unauthenticated_per_mille": 2000 // 13} == figures["scans"] | {"raw": 13, "unauthenticated": 2, "authenticated": 11}
    assert (figures["scans"]["database_stale"], figures["scans"]["configuration_differs"]) == (1, 1)
    assert figures["baseline"] == {"at_authorization": 24, "limit": 34}


def test_the_page_is_a_file_of_the_manifest_and_verify_accepts_the_package(made):
    files = json.loads((made.package / "manifest.json").read_text())["files"]
    assert {"report.html", "numbers.json"} <= set(files)
    done = made.world.verify(made.package)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_same_month_gives_the_same_page_whatever_the_place(made):
    options = {"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo"}
    done = subprocess.run(made.world.command(made.state / "again", system=made.system), env={**os.environ, **options}, capture_output=True,
                          text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    for name in ("report.html", "numbers.json"):
        assert (made.state / "again" / name).read_bytes() == (made.package / name).read_bytes()


def test_earlier_months_give_a_trend_and_make_triggers_recur(made, numbers):
    earlier = []
    for month, unique in (("2026-08", 20), ("2026-09", 27)):
        document = json.loads(json.dumps(numbers)) | {"month": month}
        document["figures"]["ratings"]["all"]["unique"] = unique
        earlier.append(made.state / f"{month}.json")
        earlier[-1].write_text(json.dumps(document))
    package = made.write("trend", f"--previous={','.join(map(str, earlier))}")
    found = json.loads((package / "numbers.json").read_text())
    assert [(month["month"], month["unique"]) for month in found["history"]] == [("2026-08", 20), ("2026-09", 27)]
    assert {trigger["trigger"]: (trigger["level"], trigger["recurrences"]) for trigger in found["triggers"]}["high_over_30_days"] == ("CAP", 2)
    text = (package / "report.html").read_text()
    assert "2026-08: 20. 2026-09: 27. 2026-10: 32. " in text and "reached in 2 of the five months before" in text


# ---- the command ----

def test_the_command_says_the_same_of_a_package_and_of_the_database(made, numbers):
    program = str(made.world.program)
    of_package = subprocess.run([program, "numbers", str(made.package), "--format=json"], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(of_package.stdout) == numbers
    of_database = subprocess.run([program, "numbers", "--month=2026-10", f"--system={made.system}", "--format=json",
                                  f"--postgres={made.world.postgres.conninfo(user='muster_report')}"],
                                 capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(of_database.stdout)
    assert {key: value for key, value in found["figures"].items() if key != "scans"} == \
        {key: value for key, value in numbers["figures"].items() if key != "scans"}
    assert found["figures"]["scans"]["unauthenticated_per_mille"] is None  # only the raw scans tell
    table = subprocess.run([program, "numbers", str(made.package)], capture_output=True, text=True, check=True, timeout=60).stdout
    assert re.search(r"High, older than 30 days +5 +7 +13 +DFR +reached", table) and "15.3 %" in table


@pytest.mark.parametrize("arguments, code, says", [
    ([], 2, "numbers takes the folder of a package, or --month, --system and --postgres"),
    (["/nonexistent"], 2, "/nonexistent/numbers.json"),
    (["a", "b"], 2, "one folder, not 'b' too"),
    (["--format=xml", "a"], 2, "--format"),
])
def test_the_command_says_what_is_wrong(arguments, code, says):
    done = subprocess.run([str(BIN / "muster-report"), "numbers", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code and says in done.stderr and not done.stdout


# ---- in a browser ----

@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("media, width", [("screen", 1280), ("screen", 390), ("print", 680)])
def test_nothing_is_inaccessible(window, axe, page, scheme, media, width):
    window.show(page, scheme, media, width)
    keep_picture(window, f"{scheme}-{media}-{width}")
    found = window.axe(axe)
    assert "error" not in found and len(found["passes"]) > 20
    assert [(violation["id"], violation["nodes"][0]["target"]) for violation in found["violations"]] == []
    known = {"shortTextContent"} | ({"elmPartiallyObscured"} if width < 600 else set())  # one digit; tables that scroll in a narrow page
    unsure = [(node["any"][0]["data"]["messageKey"], node["target"]) for check in found["incomplete"] for node in check["nodes"]
              if "<text" not in node["html"]]
    assert [(reason, target) for reason, target in unsure if reason not in known] == []
    assert window.ask("document.documentElement.scrollWidth") <= width
    beyond = window.ask("[...document.querySelectorAll('.scroll')].filter(e => e.firstElementChild.scrollWidth > e.clientWidth + 1)"
                        ".map(e => e.getAttribute('aria-labelledby'))")
    assert beyond == [] or media == "screen" and width < 600


def luminance(colour):
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme, media", [("light", "screen"), ("dark", "screen"), ("dark", "print")])
def test_charts_can_be_told_from_their_ground(window, page, scheme, media):
    """axe-core does not judge what is inside an image."""
    window.show(page, scheme, media)
    ground = window.ask("getComputedStyle(document.body).backgroundColor")
    fills = window.ask("[...document.querySelectorAll('svg text, svg rect, svg circle')].map(e => [e.tagName, getComputedStyle(e).fill])")
    assert len(fills) > 80
    for tag, fill in {tuple(pair) for pair in fills}:
        assert contrast(fill, ground) >= (4.5 if tag == "text" else 3), (tag, fill, ground)
    assert luminance(ground) > 0.9 or scheme == "dark" and media == "screen"


def test_a_chart_says_its_numbers_in_words(window, page, numbers):
    window.show(page)
    charts = window.ask("[...document.querySelectorAll('svg')].map(e => [e.getAttribute('role'), e.querySelector('title').textContent, "
                        "e.querySelector('desc').textContent])")
    assert len(charts) == 4 and all(role == "img" for role, _, _ in charts)
    assert charts[0][1] == "Running containers by coverage" and "Covered: 30. " in charts[0][2] and "Never scanned: 3. " in charts[0][2]
    assert "Moderate: 13 (late 9, due before next 3, due later 1, held by deviation 0)." in charts[2][2]


def test_headings_go_down_one_level_at_a_time_and_every_section_is_in_the_contents(window, page):
    window.show(page)
    levels = window.ask("[...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    sections = window.ask("[...document.querySelectorAll('main > section')].map(e => '#' + e.id)")
    assert window.ask("[...document.querySelectorAll('nav a')].map(e => e.getAttribute('href'))") == sections
    links = window.ask("[...document.querySelectorAll('a')].map(e => e.getAttribute('href'))")
    ids = Tables(page.read_text()).ids
    assert {link[1:] for link in links} <= set(ids) and len(ids) == len(set(ids))


def test_hostile_text_is_shown_and_runs_nowhere(window, page):
    window.show(page)
    assert window.ask("document.title") == "Example Cloud, 2026-10: monthly vulnerability and inventory report"
    assert window.ask("document.querySelectorAll('script, img, iframe, object, embed, link, form, [onload], [onerror], [onclick], [style]').length") == 0
    text = window.ask("document.body.innerText")
    for name in ("reason", "message", "package"):
        assert HOSTILE[name].replace(RTL, "[U+202E]") in text, name
    assert "no[U+0001] [U+001B][31mharm</a> [U+200B]here[U+2066]" in text and RTL not in text


def test_the_page_asks_for_nothing_and_forbids_what_it_does_not_need(window, page):
    window.driver.get_log("performance"), window.driver.get_log("browser")
    window.show(page)
    asked = [json.loads(entry["message"])["message"] for entry in window.driver.get_log("performance")]
    urls = {message["params"]["request"]["url"] for message in asked if message["method"] == "Network.requestWillBeSent"}
    assert urls == {page.as_uri()}
    assert window.driver.get_log("browser") == []  # a style that its policy refuses would be here
    refused = window.ask("(() => { const s = document.createElement('script'); s.textContent = \"document.title = 'ran'\"; document.body.append(s); "
                         "return document.title; })()")
    assert refused != "ran" and "Content Security Policy" in window.driver.get_log("browser")[0]["message"]


def test_without_scripts_it_looks_the_same(window, page):
    clip = {"x": 0, "y": 0, "width": 1280, "height": 3000, "scale": 0.5}

    def picture():
        return window.tell("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
    seen = [""]

    def stays():  # a busy machine paints in steps
        seen.append(picture())
        return seen[-1] == seen[-2]
    window.show(page)
    wait_until("a picture that stays", stays)
    with_scripts = seen[-1]
    window.tell("Emulation.setScriptExecutionDisabled", value=True)
    window.show(page)
    wait_until("the same picture", lambda: picture() == with_scripts)
    window.tell("Emulation.setScriptExecutionDisabled", value=False)
    assert len(with_scripts) > 50000


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="SKIPPED: pdftotext is not installed (package poppler-utils)")
@pytest.mark.parametrize("paper", PAPERS)
def test_it_prints_whole_on_paper(window, made, page, tmp_path, paper):
    window.show(page, "dark")
    pdf = Path(os.environ.get("MUSTER_PICTURES", tmp_path)) / f"{paper}.pdf"
    window.print(pdf, *PAPERS[paper])
    pages = subprocess.run(["pdftotext", "-raw", str(pdf), "-"], capture_output=True, text=True, check=True, timeout=60).stdout.split("\f")[:-1]
    assert 5 < len(pages) < 25
    assert all(f"Page {number} of {len(pages)}" in text for number, text in enumerate(pages, 1))
    words = "".join("".join(pages).split())
    for item in made.filled.items:
        assert item in words, item
    assert "FR0000000000" in pages[0] and "thingsneedactionnow" in "".join(pages[0].split())
    boxes = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True, timeout=60).stdout
    assert re.search(r"Page size: +(59[45]|612)", boxes)


# ---- a large month ----

def test_a_long_table_says_how_many_rows_are_only_in_the_file(made):
    made.world.postgres.sql(
        "INSERT INTO findings (item, uai, repository, vulnerability, reported_as, severity, effective_severity, severity_source, detected_at, "
        "first_detected_at, item_detected_at, episode, instances, rev5_due_at, due_at, due_by, forensic, status, known_at) "
        "SELECT 'V-CVE-2027-' || n, 'registry.example/apps/ledger:5.4.0', 'registry.example/apps/ledger', 'CVE-2027-' || n, 'CVE-2027-' || n, 'low', "
        "'low', 'scanner', '2026-10-01', '2026-10-01', '2026-10-01', 1, 1, '2027-03-30', '2027-03-30', 'rev5', false, 'open', '2026-11-04' "
        "FROM generate_series(10000, 12999) n")
    before = made.write("before", "--known-at=2026-11-03T00:00:00Z")
    large = made.write("large")
    assert (before / "numbers.json").read_text().count("CVE-2027") == 0
    assert json.loads((large / "numbers.json").read_text())["figures"]["ratings"]["low"]["items"] == 3006
    text = (large / "report.html").read_text()
    assert "2,008 more in <code>findings.csv</code>: this page shows the first 1000." in text
    assert len(text) < 2000000 and text.count("<tr>") < 1200
