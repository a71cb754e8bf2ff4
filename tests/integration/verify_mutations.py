"""What can be wrong with a package, as a table: how to make it so, and what verify must name.

A mutation is (name, spoil(folder), subject, says): `subject` and `says` are parts of the difference that must be named. Those of
FORGED put the file's present SHA-256 into the manifest, as who forges a package would: only what it says gives it away.
"""

import csv
import hashlib
import io
import json
import os
import re

import openpyxl

WORKBOOK, CONTAINERS, FINDINGS, CLOSED = "integrated-inventory-workbook.xlsx", "running-containers.csv", "findings.csv", "closed-findings.csv"
DETAIL, GAPS, NOT_RUNNING, MANIFEST = "vulnerability-detail-report.json", "coverage-gaps.json", "scan-targets-not-running.json", "manifest.json"
WEB, TOOLS, GONE = "registry.example/apps/web:1.0", "registry.example/apps/tools:2.0", "registry.example/apps/gone:3"
OTHER = "sha256:" + "9" * 64


# ---- means ----

def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def edit_manifest(folder, change):
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")))


def relist(folder, name):
    data = (folder / name).read_bytes()
    edit_manifest(folder, lambda m: m["files"].__setitem__(name, {"sha256": sha256(data), "size_bytes": len(data), "title": ""}))


def put(folder, name, text):
    (folder / name).write_text(text)
    relist(folder, name)


def edit_json(folder, name, change):
    value = json.loads((folder / name).read_text())
    put(folder, name, json.dumps(change(value) or value, sort_keys=True))


def raw_of(folder, uai):
    return next(path for path in sorted((folder / "raw-scans").iterdir()) if f'"{uai}"' in path.read_text())


def edit_raw(folder, uai, change):
    """The raw scan under its new name, listed."""
    path = raw_of(folder, uai)
    scan = json.loads(path.read_text())
    change(scan)
    data = json.dumps(scan).encode()
    path.unlink()
    edit_manifest(folder, lambda m: m["files"].pop(f"raw-scans/{path.name}"))
    name = f"raw-scans/{sha256(data)[7:]}.json"
    (folder / name).write_bytes(data)
    relist(folder, name)


def edit_sheet(folder, change):
    book = openpyxl.load_workbook(folder / WORKBOOK)
    change(book["Inventory"])
    book.save(folder / WORKBOOK)
    relist(folder, WORKBOOK)


def row_of(sheet, uai):
    return next(cell.row for cell in sheet["A"] if cell.value == uai)


def set_cell(uai, column, value):
    def change(sheet):
        sheet[f"{column}{row_of(sheet, uai)}"] = value
    return lambda folder: edit_sheet(folder, change)


def edit_csv(folder, name, change):
    rows = list(csv.reader(io.StringIO((folder / name).read_text())))
    rows = change(rows) or rows
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    put(folder, name, out.getvalue())


def replace(name, old, new):
    def spoil(folder):
        text = (folder / name).read_text()
        assert old in text, old
        put(folder, name, text.replace(old, new, 1))
    return spoil


def digest_of(letter):
    return "sha256:" + letter * 64


# ---- any file, unlisted ----

def flip(name):
    def spoil(folder):
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
    return spoil


def file_mutations(names):
    for name in names:
        yield f"a bit of {name}", flip(name), name, ""
        yield f"half of {name}", lambda folder, n=name: os.truncate(folder / n, (folder / n).stat().st_size // 2), name, ""
        yield f"{name} deleted", lambda folder, n=name: (folder / n).unlink(), name, ""
        yield f"a byte behind {name}", lambda folder, n=name: (folder / n).open("ab").write(b" "), name, ""


def _linked(folder):
    (folder / GAPS).unlink()
    (folder / GAPS).symlink_to("/etc/hostname")


ADDED = [
    ("a file", lambda f: (f / "notes.txt").write_text("x"), "notes.txt", "not in the manifest"),
    ("a raw scan", lambda f: (f / "raw-scans" / ("0" * 64 + ".json")).write_text("{}"), "raw-scans/" + "0" * 64, "not in the manifest"),
    ("a folder", lambda f: (f / "more").mkdir(), "more", "not in the manifest"),
    ("a hidden file", lambda f: (f / ".hidden").write_text("x"), ".hidden", "not in the manifest"),
    ("a link for a file", _linked, GAPS, "is no plain file"),
]


def swap_raw_scans(folder):
    one, other = raw_of(folder, WEB), raw_of(folder, TOOLS)
    left, right = one.read_bytes(), other.read_bytes()
    one.write_bytes(right)
    other.write_bytes(left)


# ---- manifests, unsigned anew: the signature tells ----

MANIFESTS = [
    ("the month", lambda m: m.update(month="2026-09")),
    ("the instant", lambda m: m.update(as_of="2026-10-30T00:00:00.000000Z")),
    ("what was known", lambda m: m.update(known_at="2026-10-30T00:00:00.000000Z")),
    ("the system's name", lambda m: m["system"].update(name="Another")),
    ("the impact level", lambda m: m["system"].update(impact_level="Low")),
    ("a title", lambda m: m["files"][GAPS].update(title="Nothing")),
    ("the generator", lambda m: m["generator"].update(version="9")),
]
SIGNED = [(name, lambda folder, c=change: edit_manifest(folder, c), "manifest.json.sig", "no signature of manifest.json")
          for name, change in MANIFESTS]
SIGNATURES = [
    ("a bit of the Ed25519 signature", flip("manifest.json.sig"), "manifest.json.sig", "no signature"),
    ("no Ed25519 signature", lambda f: (f / "manifest.json.sig").unlink(), "manifest.json.sig", "is not there"),
    ("an Ed25519 signature too long", lambda f: (f / "manifest.json.sig").open("ab").write(b"x"), "manifest.json.sig", "no signature"),
    ("a bit of the CMS signature", flip("manifest.json.p7s"), "manifest.json.p7s", "no signature"),
    ("no CMS signature", lambda f: (f / "manifest.json.p7s").unlink(), "manifest.json.p7s", "is not there"),
    ("an empty CMS signature", lambda f: (f / "manifest.json.p7s").write_bytes(b""), "manifest.json.p7s", "no signature"),
]

# ---- what is forged, listed with its new SHA-256 ----

BLANKS = [("blank " + column, set_cell(WEB, column, None), WEB, "is mandatory and blank") for column in "CDHIJLORXN"]
FORBIDDEN = [("filled " + column, set_cell(WEB, column, "x"), WEB, "must be blank for containers") for column in ("K", "M", "T", "U", "W")]
WORKBOOKS = [
    ("a row deleted", lambda f: edit_sheet(f, lambda s: s.delete_rows(row_of(s, WEB))), WEB, "was scanned"),
    ("a row twice", lambda f: edit_sheet(f, lambda s: s.append([c.value for c in s[row_of(s, WEB)]])), WEB, "stands in two rows"),
    ("a row invented", lambda f: edit_sheet(f, lambda s: s.append(["x.example/y:1"] + [c.value for c in s[row_of(s, WEB)]][1:])),
     "x.example/y:1", "occurs with it in no raw scan"),
    ("a name", set_cell(WEB, "A", "registry.example/apps/web:1.1"), WEB, "was scanned"),
    ("a checksum", set_cell(WEB, "B", OTHER), WEB, OTHER + " occurs with it in no raw scan"),
    ("a checksum more", set_cell(WEB, "B", digest_of("1") + "\n" + OTHER), WEB, OTHER),
    ("no checksum", set_cell(WEB, "B", None), WEB, "without checksum"),
    ("Yes for No", set_cell(GONE, "N", "Yes"), GONE, "its row says Yes"),
    ("No for Yes", set_cell(WEB, "N", "No"), WEB, "does not explain it"),
    ("neither Yes nor No", set_cell(WEB, "D", "Maybe"), WEB, "not Yes or No"),
    ("not applicable", set_cell(WEB, "S", "N/A"), WEB, "blanks stay blank"),
    ("a header", lambda f: edit_sheet(f, lambda s: s.__setitem__("J2", "OS")), "OS Name and Version", "is headed 'OS'"),
    ("a group", lambda f: edit_sheet(f, lambda s: s.__setitem__("A1", "All")), "All Inventories", "says 'All'"),
    ("a column more", lambda f: edit_sheet(f, lambda s: s.__setitem__("Z2", "More")), "More", "is headed"),
    ("another sheet's name", lambda f: edit_sheet(f, lambda s: setattr(s, "title", "Assets")), WORKBOOK, "no sheet 'Inventory'"),
]
RAW_SCANS = [
    ("a target's name", lambda f: edit_raw(f, WEB, lambda s: s["targets"][0].update(uai=WEB + "x")), WEB, "occurs with it in no raw scan"),
    ("a target's digest", lambda f: edit_raw(f, WEB, lambda s: s["targets"][0].update(digest=OTHER)), WEB, "occurs with it in no raw scan"),
    ("a target less", lambda f: edit_raw(f, TOOLS, lambda s: s["targets"].pop(0)), TOOLS, "occurs with it in no raw scan"),
    ("no target", lambda f: edit_raw(f, WEB, lambda s: s.update(targets=[])), "raw-scans/", "names no target"),
    ("a scan that failed", lambda f: edit_raw(f, WEB, lambda s: s.update(status="failed")), WEB, "is not complete"),
    ("a count", lambda f: edit_raw(f, WEB, lambda s: s["counts"].update(high=7)), "raw-scans/", "counts 7 high"),
    ("a count of all", lambda f: edit_raw(f, WEB, lambda s: s["counts"].update(findings=0)), "raw-scans/", "counts 0 findings"),
    ("a finding less", lambda f: edit_raw(f, WEB, lambda s: s["findings"].pop()), "raw-scans/", "its findings are"),
    ("a finding less, counted",
     lambda f: edit_raw(f, WEB, lambda s: (s["findings"].pop(), s["counts"].update(findings=1, high=0))), "V-CVE-2026-0002", "none of its raw scans"),
    ("a finding's name",
     lambda f: edit_raw(f, WEB, lambda s: s["findings"][0].update(id="CVE-2026-7777")), WEB, "CVE-2026-7777 was found"),
    ("a severity", lambda f: edit_raw(f, WEB, lambda s: s["findings"][0].update(severity="low")), "raw-scans/", "counts"),
    ("a severity of no word", lambda f: edit_raw(f, WEB, lambda s: s["findings"][0].update(severity="bad")), "raw-scans/", "findings[0].severity"),
    ("an old scan", lambda f: edit_raw(f, WEB, lambda s: s.update(finished_at="2026-09-01T00:00:00.000000Z")), WEB, "more than 30 days before"),
    ("a date that is none", lambda f: edit_raw(f, WEB, lambda s: s.update(finished_at="yesterday")), "raw-scans/", "'finished_at' is no"),
    ("no scanner", lambda f: edit_raw(f, WEB, lambda s: s.pop("scanner")), "raw-scans/", "'scanner' is missing"),
    ("no configuration checksum", lambda f: edit_raw(f, WEB, lambda s: s["scanner"].pop("configuration_checksum")), "raw-scans/",
     "configuration_checksum' is missing"),
    ("a database without its time", lambda f: edit_raw(f, WEB, lambda s: s["database"].pop("built_at")), "raw-scans/", "database.built_at"),
    ("another schema", lambda f: edit_raw(f, WEB, lambda s: s.update(schema="x")), "raw-scans/", "is of no schema"),
    ("two raw scans swapped", lambda f: (swap_raw_scans(f), [relist(f, f"raw-scans/{p.name}") for p in (f / "raw-scans").iterdir()]),
     "raw-scans/", "is not named by its SHA-256"),
]
LISTS = [
    ("no gap", lambda f: put(f, GAPS, "[]"), GONE, "does not explain it"),
    ("a gap twice", lambda f: edit_json(f, GAPS, lambda g: g + g), GONE, "is declared twice"),
    ("a gap's name", lambda f: edit_json(f, GAPS, lambda g: g[0].update(uai="x")), "x", "has no row"),
    ("a gap's digest", lambda f: edit_json(f, GAPS, lambda g: g[0]["images"][0].update(digest=OTHER)), GONE, OTHER),
    ("a gap's state", lambda f: edit_json(f, GAPS, lambda g: g[0]["images"][0].update(state="covered")), GONE, "without an image that is not covered"),
    ("a gap without images", lambda f: edit_json(f, GAPS, lambda g: g[0].pop("images")), GAPS, "images' is missing"),
    ("no target that does not run", lambda f: put(f, NOT_RUNNING, "[]"), "registry.example/apps/tools:old", "was scanned"),
    ("a row declared away", lambda f: put(f, NOT_RUNNING, json.dumps([{"uai": WEB, "digest": digest_of("1")}])), WEB, "declared as not running"),
    ("a container less", lambda f: edit_csv(f, CONTAINERS, lambda r: r[:1] + [x for x in r[1:] if x[6] != WEB]), WEB, "no container runs it"),
    ("a container's asset", replace(CONTAINERS, f'"{WEB}","{digest_of("1")}', f'"x:1","{digest_of("1")}'), "x:1", "has no row"),
    ("a container's digest", replace(CONTAINERS, f'"{WEB}","{digest_of("1")}', f'"{WEB}","{OTHER}'), WEB, OTHER),
    ("a container's state", replace(CONTAINERS, f'{digest_of("1")}","covered"', f'{digest_of("1")}","scan_expired"'), WEB, "is scan_expired"),
    ("a column's name", replace(CONTAINERS, ",namespace,", ",place,"), CONTAINERS, "is headed 'place'"),
    ("a torn list", lambda f: put(f, CONTAINERS, '"cluster'), CONTAINERS, "is torn"),
    ("a finding deleted", lambda f: edit_csv(f, FINDINGS, lambda r: [x for x in r if x[0] != "V-CVE-2026-0001"]), WEB, "CVE-2026-0001 was found"),
    ("a finding invented", lambda f: edit_csv(f, FINDINGS, lambda r: r + [["V-CVE-2020-1", WEB, "CVE-2020-1", "CVE-2020-1"]]), "V-CVE-2020-1",
     "none of its raw scans"),
    ("a finding's asset", replace(FINDINGS, WEB, "registry.example/apps/none:1"), "registry.example/apps/none:1", "has no row"),
    ("a finding's column", replace(FINDINGS, '"item"', '"number"'), FINDINGS, "no column 'item'"),
    ("an item of the VER report", replace(DETAIL, "V-CVE-2026-0001", "V-CVE-2026-9999"), "V-CVE-2026-9999", DETAIL),
    ("a date of the VER report", replace(DETAIL, "2026-09-20T10:00:00Z", "20 September"), DETAIL, "detectedAt' is no RFC 3339 time"),
    ("a rating of the VER report", replace(DETAIL, '"currentRating": 4', '"currentRating": 6'), DETAIL, "rating from 1 to 5"),
    ("a member of the VER report", replace(DETAIL, '"certificationPackageOverviewUri"', '"uri"'), DETAIL, "certificationPackageOverviewUri' is missing"),
]
COUNTED = [
    ("rows counted", lambda f: edit_manifest(f, lambda m: m["counts"].update(rows=9)), MANIFEST, "counts 9 rows"),
    ("raw scans counted", lambda f: edit_manifest(f, lambda m: m["counts"].update(raw_scans=9)), MANIFEST, "counts 9 raw_scans"),
    ("gaps counted", lambda f: edit_manifest(f, lambda m: m["counts"].update(gaps=9)), MANIFEST, "counts 9 gaps"),
    ("containers counted", lambda f: edit_manifest(f, lambda m: m["counts"].update(containers=99)), CONTAINERS, "counts 99 containers"),
    ("a state counted", lambda f: edit_manifest(f, lambda m: m["running_containers"].update(covered=8)), CONTAINERS, "counts 8"),
    ("a size", lambda f: edit_manifest(f, lambda m: m["files"][GAPS].update(size_bytes=1)), GAPS, "another size"),
    ("a hash", lambda f: edit_manifest(f, lambda m: m["files"][GAPS].update(sha256=OTHER)), GAPS, "SHA-256 is"),
    ("a file unlisted", lambda f: edit_manifest(f, lambda m: m["files"].pop(GAPS)), GAPS, "not in the manifest"),
    ("a file listed that is not there", lambda f: edit_manifest(f, lambda m: m["files"].update({"x.csv": m["files"][GAPS]})), "x.csv", "No such file"),
    ("a name that leads out", lambda f: edit_manifest(f, lambda m: m["files"].update({"../x": m["files"][GAPS]})), "../x", "not usable"),
    ("no month", lambda f: edit_manifest(f, lambda m: m.pop("month")), MANIFEST, "'month' is missing"),
    ("a month that is none", lambda f: edit_manifest(f, lambda m: m.update(month="2026-13")), MANIFEST, "'month' is no month"),
    ("an instant that is none", lambda f: edit_manifest(f, lambda m: m.update(as_of="then")), MANIFEST, "'as_of' is no"),
    ("another schema", lambda f: edit_manifest(f, lambda m: m.update(schema="muster.bundle-manifest.v2")), MANIFEST, "is not of schema"),
]
FORGED = BLANKS + FORBIDDEN + WORKBOOKS + RAW_SCANS + LISTS + COUNTED


# ---- a good package that has everything these speak of ----

def add_documents(folder):
    """The deliverables that a run does not write yet, or wrote without these findings."""
    findings = [("V-CVE-2026-0001", WEB, "CVE-2026-0001"), ("V-CVE-2026-0002", WEB, "CVE-2026-0002")]
    put(folder, FINDINGS, '"item","uai","vulnerability","reported_as"\n' + "".join(f'"{i}","{u}","{v}","{v}"\n' for i, u, v in findings))
    put(folder, CLOSED, '"item","uai","vulnerability"\n')
    put(folder, DETAIL, json.dumps({
        "certificationPackageOverviewUri": "https://trust.example/package.json",
        "reportPeriod": {"from": "2026-10-01T00:00:00Z", "to": "2026-10-31T00:00:00Z"},
        "vulnerabilities": [{"providerTrackingId": item, "vulnerabilityDescription": vulnerability, "currentRating": 4,
                             "detection": {"detectedAt": "2026-09-20T10:00:00Z", "detectionSource": "muster-scanner"}}
                            for item, _, vulnerability in findings]}))


def names(differences, subject, says):
    return any(subject in found["subject"] and says in found["difference"] for found in differences)


def plain(name):
    return re.sub(r"\W+", "-", name)
