"""The machine-readable deliverables of one month: VER JSON, OSCAL, CSV, CycloneDX; valid, and of one mind.

The schemas are in our own words (tests/data/report-json.schema.json): what FedRAMP's and NIST's ask of the members that are written.
"""

import csv
import json
import re
import uuid
from pathlib import Path

import jsonschema
import openpyxl
import pytest
from report_world import ReportWorld, report_world as world  # noqa: F401

SCHEMA = json.loads((Path(__file__).parents[1] / "data/report-json.schema.json").read_text())
FEDRAMP = "http://fedramp.gov/ns/oscal"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:muster:oscal")
APP, IDLE, OLD = "registry.example/apps/app:1", "registry.example/apps/idle:1", "registry.example/apps/old:1"
FAILURE, ENDED = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
LONG_AGO = "2026-02-01T00:00:00Z"
HOSTILE = "=cmd|' /C calc'!A0 \u2028 <script>alert(1)</script> \x01\u202e\n  "

PACKAGES = [
    {"type": "deb", "name": "openssl", "version": "3.0.1", "purl": "pkg:deb/debian/openssl@3.0.1?distro=debian-12", "source_name": "openssl",
     "source_version": "3.0.1", "architecture": "amd64", "layer": 0, "path": "var/lib/dpkg/status", "license": "Apache-2.0"},
    {"type": "npm", "name": "@scope/left", "version": "1.0.0", "purl": "pkg:npm/%40scope/left@1.0.0", "source_name": None,
     "source_version": None, "path": "app/node_modules/left/package.json", "layer": 0, "owner": {"type": "deb", "name": "left"}},
]
FINDING = {
    "id": "CVE-2026-0001", "advisory": "DSA-1-1", "package": "openssl", "package_version": "3.0.1", "package_type": "deb", "severity": "critical",
    "severity_source": "cvss_v3", "scores": [{"type": "CVSS_V3", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "score": 9.8,
                                              "source": "nvd"}],
    "references": ["https://example.com/1", "not an address"], "summary": HOSTILE, "fixed_version": "3.0.2", "status": "affected", "kev": None,
    "epss": None, "path": "var/lib/dpkg/status", "layer": 0,
}
SCAN = {
    "image": {"repository": "registry.example/apps/app", "manifest_digest": "sha256:" + "a" * 64, "config_digest": "sha256:" + "c" * 64,
              "media_type": "application/vnd.oci.image.manifest.v1+json", "platform": "linux/amd64",
              "os": {"id": "debian", "version_id": "12", "pretty_name": "Debian GNU/Linux 12"},
              "layers": [{"digest": "sha256:" + "b" * 64, "size_bytes": 1, "diff_id": "sha256:" + "d" * 64, "scanned": True}]},
    "scanner": {"name": "muster-scanner", "version": "1.0", "configuration_checksum": "sha256:" + "e" * 64},
    "database": {"version": "sha256:" + "f" * 64, "built_at": "2026-10-19T12:00:00.000000Z", "newest_record_at": None, "records": 1},
    "authentication": {"method": "basic", "authorized": True}, "started_at": "2026-10-20T00:00:00.000000Z",
    "finished_at": "2026-10-20T00:01:00.000000Z", "failures": [], "findings": [FINDING], "packages": PACKAGES,
}
SYSTEM = """
name: Example Cloud
fedramp_id: FR0000000000
impact_level: Moderate
baseline_configuration_name: CIS Level 2
diagram_label: Cluster
function: Application
deliverables: both
certification_class: C
package_overview_uri: https://trust.example/package.json
system_administrator: Ops
configuration_checksum: sha256:%s
ver_statements: judged.yaml
""" % ("e" * 64)
JUDGED = """
- {vulnerability: CVE-2026-0003, rating: 4, likely_exploitable: No, by: isso@example.com, at: 2026-10-12T00:00:00Z}
- {item: V-CVE-2026-0003, rating: 2, internet_reachable: No, potential_agency_impact: One report is late, by: isso@example.com,
   at: 2026-10-13T00:00:00Z}
- {item: V-CVE-2026-0003, rating: 1, by: later@example.com, at: 2026-11-13T00:00:00Z}
"""


def _finding(world, item, uai, detected="2026-10-10T00:00:00Z", **more):
    vulnerability = more.pop("vulnerability", "-".join(item.removeprefix("V-").split("-")[:3]))
    world.insert("findings", **{
        "item": item, "uai": uai, "repository": uai.partition(":")[0], "vulnerability": vulnerability, "reported_as": vulnerability,
        "packages": "openssl 3.0.1", "severity": "critical", "effective_severity": "critical", "severity_source": "nvd_cvss3", "cvss": "9.8",
        "scanner_name": "muster-scanner", "detected_at": detected, "first_detected_at": detected, "item_detected_at": detected, "episode": 1,
        "instances": 1, "forensic": "false", "status": "open", "due_by": "rev5", "due_at": "2026-11-09T00:00:00Z", **more})


def _deviation(world, number, kind, vulnerability, state="approved"):
    world.insert("deviations", deviation=number, state=state, kind=kind, vulnerability=vulnerability, rationale=f"{kind}: {HOSTILE}",
                 requested_by="isso@example.com", requested_at="2026-10-11T00:00:00Z", decided_by="ao@agency.example", decided_role="AO",
                 decided_at="2026-10-12T00:00:00Z")


def fill(world):
    """Items of every standing: late and in KEV, judged by a person, accepted, old enough to be, a false positive, on an idle asset."""
    world.add_image(APP, "a", scan=SCAN, os_name="Debian GNU/Linux 12", image_title="app", image_version="1.2.3", platform="linux/amd64")
    world.insert("not_running", uai=IDLE, manifest_digest="sha256:" + "5" * 64)
    for uai in (APP, WEB := "registry.example/apps/web:1.0"):
        _finding(world, "V-CVE-2026-0001", uai, kev_added="2026-10-01", kev_due="2026-10-15", kev_due_at="2026-10-16T00:00:00Z",
                 fixed_versions="openssl 3.0.2", public="yes")
    _finding(world, "V-CVE-2026-0002-DR-1", APP, deviations="DR-1", status="accepted")
    _finding(world, "V-CVE-2026-0003", WEB, severity="high", effective_severity="moderate", deviations="DR-3")
    _finding(world, "V-CVE-2026-0004-DR-2", WEB, deviations="DR-2", status="false_positive")
    _finding(world, "V-CVE-2026-0005", APP, detected=LONG_AGO)
    _finding(world, "V-CVE-2026-0006", IDLE, instances=0, cvss=None, severity="unknown", effective_severity="unknown")
    _deviation(world, "DR-1", "accepted", "CVE-2026-0002")
    _deviation(world, "DR-2", "false_positive", "CVE-2026-0004")
    _deviation(world, "DR-3", "risk_adjustment", "CVE-2026-0003")
    for month, item in (("2026-10", "V-CVE-2025-0001"), ("2026-08", "V-CVE-2025-0002")):
        world.insert("closed_findings", item=item, uai=OLD, repository=OLD.partition(":")[0], vulnerability=item[2:], episode=1,
                     detected_at=LONG_AGO, first_detected_at=LONG_AGO, item_detected_at=LONG_AGO, closed_at=f"{month}-05T00:00:00Z",
                     closed_by="scan", item_closed_at=f"{month}-05T00:00:00Z", severity="low", cvss="3.1")
    for failure, closed in ((FAILURE, None), (ENDED, "2026-10-20T00:00:00Z")):
        world.insert("failures", failure=failure, state="closed" if closed else "open", code="registry_denied", message=HOSTILE,
                     repository="registry.example/apps/web", attempts=5, opened_at="2026-10-18T00:00:00Z", closed_at=closed)
    world.agree()


@pytest.fixture(scope="module")
def bundle(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("json")
    (folder / "system.yaml").write_text(SYSTEM)
    (folder / "judged.yaml").write_text(JUDGED)
    fill(world)
    done = world.run(folder / "package", system=folder / "system.yaml")
    assert done.returncode == 0, done.stderr
    return folder / "package"


def read(bundle, name):
    return json.loads((bundle / name).read_text())


def check(document, definition):
    validator = jsonschema.Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{definition}"}, format_checker=jsonschema.FormatChecker())
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(document)]
    assert not errors, "\n".join(errors[:20])


def rows(bundle, name):
    with open(bundle / name, newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text, strict=True))


def details(report, *members):
    found = [entry.get("vulnerabilityDetail", entry) for member in members for entry in report[member]]
    ids = [entry["providerTrackingId"] for entry in found]
    assert len(ids) == len(set(ids))
    return dict(zip(ids, found))


# ---- VER ----

REPORTS = {"vulnerability-detail-report.json": "vdt", "accepted-vulnerability-info.json": "avi", "historical-ver-activity.json": "mrh"}


@pytest.mark.parametrize("name, definition", REPORTS.items(), ids=REPORTS.values())
def test_a_ver_report_is_valid_and_carries_the_fedramp_id(bundle, name, definition):
    report = read(bundle, name)
    check(report, definition)
    assert report["fedRampId"] == "FR0000000000"


def test_the_schema_refuses_what_is_wrong(bundle):
    report = read(bundle, "vulnerability-detail-report.json")
    report["vulnerabilities"][0]["currentRating"] = 6
    with pytest.raises(AssertionError):
        check(report, "vdt")
    report = read(bundle, "oscal/poam.json")
    report["plan-of-action-and-milestones"]["risks"][0]["surplus"] = 1
    with pytest.raises(AssertionError):
        check(report, "poam")


def test_accepted_is_exactly_what_was_accepted_or_is_too_old(bundle):
    accepted = details(read(bundle, "accepted-vulnerability-info.json"), "acceptedVulnerabilities")
    assert set(accepted) == {"V-CVE-2026-0002-DR-1", "V-CVE-2026-0005"}
    active = details(read(bundle, "vulnerability-detail-report.json"), "vulnerabilities")
    assert set(active) == {"V-CVE-2026-0001", "V-CVE-2026-0003", "V-CVE-2026-0004-DR-2", "V-CVE-2026-0006", "V-CVE-2025-0001", FAILURE, ENDED}
    history = read(bundle, "historical-ver-activity.json")
    assert set(details(history, "activeVulnerabilities")) == set(active) | {"V-CVE-2025-0002"}
    assert set(details(history, "acceptedVulnerabilities")) == set(accepted)


def test_a_person_goes_before_the_table_and_only_who_spoke_by_then(bundle):
    judged = details(read(bundle, "vulnerability-detail-report.json"), "vulnerabilities")["V-CVE-2026-0003"]
    assert (judged["currentRating"], judged["isLikelyExploitable"], judged["isInternetReachable"]) == (2, False, False)
    assert judged["evaluationCompletedAt"] == "2026-10-12T00:00:00.000000Z" and judged["potentialAgencyImpact"] == "One report is late"
    assert [(one["rating"], one["reducedAt"]) for one in judged["completedReductions"]] == [(2, "2026-10-13T00:00:00.000000Z")]
    assert not judged["overdueStatus"]["isOverdue"] and "Derived" not in judged["supplementaryRiskInformation"]
    late = details(read(bundle, "vulnerability-detail-report.json"), "vulnerabilities")["V-CVE-2026-0001"]
    assert late["overdueStatus"]["isOverdue"] and "VDR-TFR-KEV" in late["overdueStatus"]["explanation"]
    assert "Derived by rule" in late["supplementaryRiskInformation"]


# ---- OSCAL ----

def props(thing, name):
    return [prop["value"] for prop in thing.get("props", []) if prop["name"] == name]


@pytest.fixture(scope="module")
def poam(bundle):
    return read(bundle, "oscal/poam.json")["plan-of-action-and-milestones"]


@pytest.fixture(scope="module")
def components(bundle):
    return read(bundle, "oscal/component-definition.json")["component-definition"]


def test_oscal_is_valid(bundle):
    check(read(bundle, "oscal/component-definition.json"), "component_definition")
    check(read(bundle, "oscal/poam.json"), "poam")


def images_of(document):
    return [one for one in document["components"] if props(one, "asset-type") == ["image"]]


def test_every_asset_and_image_has_one_asset_id_of_its_own(poam, components):
    things = poam["local-definitions"]["inventory-items"] + images_of(poam["local-definitions"])
    ids = [one for thing in things for one in props(thing, "asset-id")]
    assert all(len(props(thing, "asset-id")) == 1 for thing in things) and len(ids) == len(set(ids)) == len(things)
    ids = [one for thing in components["components"] for one in props(thing, "asset-id")]
    assert len(ids) == len(set(ids)) == len(components["components"])


def test_every_image_has_one_checksum(poam, components):
    for one in images_of(poam["local-definitions"]) + components["components"]:
        assert [prop["ns"] for prop in one["props"] if prop["name"] == "checksum"] == [FEDRAMP]
        assert props(one, "checksum")[0].startswith("sha256:") and props(one, "asset-id")[0].endswith(props(one, "checksum")[0])


def test_there_are_two_inventory_items_or_more_with_what_is_mandatory(poam):
    items = poam["local-definitions"]["inventory-items"]
    assert len(items) >= 2
    for item in items:
        for name in ("virtual", "public", "allows-authenticated-scan", "is-scanned"):
            assert props(item, name) in (["yes"], ["no"]), (name, item)
        for name in ("asset-type", "function", "diagram-label", "scan-type", "baseline-configuration-name"):
            assert len(props(item, name)) == 1, (name, item)
        assert [link["rel"] for link in item["links"]] == ["baseline"]


def test_metadata_says_what_fedramp_wants(poam, components):
    for document in (poam, components):
        metadata = document["metadata"]
        assert metadata["published"] and props(metadata, "marking")
        assert props(metadata, "fedramp-version") == ["fedramp-3.0.0rc1-oscal-1.1.2"]


def test_every_reference_leads_to_something(poam):
    local = poam["local-definitions"]
    known = {one["uuid"] for member in ("components", "inventory-items") for one in local[member]}
    assets = {one["uuid"] for one in local["inventory-items"]}
    assert {subject["subject-uuid"] for one in poam["observations"] for subject in one.get("subjects", [])} <= assets
    actors = {actor["actor-uuid"] for one in poam["observations"] for origin in one["origins"] for actor in origin["actors"]}
    assert actors <= known
    assert {part["component-uuid"] for item in local["inventory-items"] for part in item.get("implemented-components", [])} <= known
    observations, risks = ({one["uuid"] for one in poam[member]} for member in ("observations", "risks"))
    assert [item["related-observations"][0]["observation-uuid"] in observations and item["related-risks"][0]["risk-uuid"] in risks
            for item in poam["poam-items"]] == [True] * len(poam["poam-items"])
    parties = {party["uuid"] for party in poam["metadata"]["parties"]}
    assert {one for item in local["inventory-items"] for role in item["responsible-parties"] for one in role["party-uuids"]} <= parties
    resources = {f"#{one['uuid']}" for one in poam["back-matter"]["resources"]}
    assert {link["href"] for item in local["inventory-items"] for link in item["links"]} <= resources


def test_identifiers_are_version_5_of_the_names_that_the_header_tells(poam):
    item = next(one for one in poam["poam-items"] if props(one, "POAM-ID") == ["V-CVE-2026-0001"])
    assert item["uuid"] == str(uuid.uuid5(NAMESPACE, "FR0000000000\npoam-item\nV-CVE-2026-0001"))
    asset = next(one for one in poam["local-definitions"]["inventory-items"] if props(one, "asset-id") == [APP])
    assert asset["uuid"] == str(uuid.uuid5(NAMESPACE, f"FR0000000000\nasset\n{APP}"))


def test_a_risk_tells_its_deviations_and_kev(poam):
    risks = {props(one, "vulnerability-id")[0]: one for one in poam["risks"] if props(one, "vulnerability-id")}
    assert props(risks["CVE-2026-0001"], "kev-catalog") == ["yes"] and props(risks["CVE-2026-0001"], "kev-due-date") == ["2026-10-15"]
    assert risks["CVE-2026-0001"]["status"] == "open" and risks["CVE-2026-0004"]["status"] == "deviation-approved"
    assert props(risks["CVE-2026-0004"], "false-positive") == ["approved"]
    facets = risks["CVE-2026-0003"]["characterizations"][0]["facets"]
    assert [(one["value"], props(one, "state")) for one in facets if one["name"] == "impact"] == [("high", ["initial"]), ("moderate", ["adjusted"])]


# ---- raw scans and bills of materials ----

def test_the_index_of_raw_scans_tells_configuration_and_database(bundle):
    found = {row["unique_asset_identifier"]: row for row in rows(bundle, "raw-scans.csv")}
    row = found[APP]
    assert (bundle / row["file_name"]).is_file() and row["file_name"] == f"raw-scans/{row['sha256'][7:]}.json"
    assert row["title"] == f"Raw scan of {APP}" == read(bundle, "manifest.json")["files"][row["file_name"]]["title"]
    assert (row["scanner"], row["configuration_as_validated"], row["authorized"], row["status"]) == ("muster-scanner", "yes", "yes", "complete")
    assert (row["database_age_hours_at_scan_start"], row["database_within_24_hours"]) == ("12.0", "yes")
    assert {row["file_name"] for row in found.values()} == {f"raw-scans/{path.name}" for path in (bundle / "raw-scans").iterdir()}
    assert "registry.example/apps/tools:old" in found  # a target from which nothing runs is one too


def test_every_scanned_image_has_a_bill_of_materials(bundle):
    names = {path.name for path in (bundle / "sbom").iterdir()}
    assert names == {row["digest"][7:] + ".cdx.json" for row in rows(bundle, "raw-scans.csv")}
    bom = read(bundle, f"sbom/{'a' * 64}.cdx.json")
    assert {"pkg:deb/debian/openssl@3.0.1?distro=debian-12", "pkg:npm/%40scope/left@1.0.0"} <= {one.get("purl") for one in bom["components"]}
    refs = {one["bom-ref"]: one["name"] for one in bom["components"]}
    affected = {one["id"]: [refs[part["ref"]] for part in one["affects"]] for one in bom["vulnerabilities"]}
    assert affected == {row["vulnerability"]: ["openssl"] for row in rows(bundle, "findings.csv") if row["uai"] == APP} and len(affected) == 3
    assert [one["url"] for one in bom["vulnerabilities"][0]["advisories"]] == ["https://example.com/1"]


def test_without_bills_of_materials_when_the_system_file_says_so(world, bundle, tmp_path):
    (tmp_path / "system.yaml").write_text(SYSTEM.replace("ver_statements: judged.yaml", "sboms: No"))
    assert world.run(tmp_path / "package", system=tmp_path / "system.yaml").returncode == 0
    assert not (tmp_path / "package/sbom").exists() and (tmp_path / "package/raw-scans.csv").exists()
    assert world.verify(tmp_path / "package").returncode == 0


# ---- of one mind ----

def test_every_deliverable_speaks_of_the_same_items(bundle, poam):
    findings = {row["item"] for row in rows(bundle, "findings.csv")}
    failures = {row["failure"]: row["closed_at"] for row in rows(bundle, "detection-failures.csv")}
    open_now = findings | {failure for failure, closed in failures.items() if not closed}
    assert {props(one, "POAM-ID")[0] for one in poam["poam-items"]} == open_now and len(poam["poam-items"]) == len(open_now)
    reported = {**details(read(bundle, "vulnerability-detail-report.json"), "vulnerabilities"),
                **details(read(bundle, "accepted-vulnerability-info.json"), "acceptedVulnerabilities")}
    assert {name for name, entry in reported.items() if "remediatedAt" not in entry} == open_now
    closed = {row["item"] for row in rows(bundle, "closed-findings.csv") if row["item_closed_at"] >= "2026-10"}
    assert {name for name, entry in reported.items() if "remediatedAt" in entry} == closed | (set(failures) - open_now)


def test_every_deliverable_names_the_same_assets_of_an_item(bundle, poam):
    assets = {}
    for row in rows(bundle, "findings.csv"):
        assets.setdefault(row["item"], set()).add(row["uai"])
    history = read(bundle, "historical-ver-activity.json")
    told = details(history, "activeVulnerabilities") | details(history, "acceptedVulnerabilities")
    entries = {entry.get("vulnerabilityDetail", entry)["providerTrackingId"]: entry for member in ("activeVulnerabilities", "acceptedVulnerabilities")
               for entry in history[member]}
    ids = {one["uuid"]: props(one, "asset-id")[0] for one in poam["local-definitions"]["inventory-items"]}
    observed = {one["uuid"]: {ids[subject["subject-uuid"]] for subject in one.get("subjects", [])} for one in poam["observations"]}
    for item, expected in assets.items():
        detail = entries[item].get("vulnerabilityDetail", entries[item])
        assert item in told and set(detail["affectedAssets"]) == expected
        assert observed[str(uuid.uuid5(NAMESPACE, f"FR0000000000\nobservation\n{item}"))] == expected


def items_of_workbook(bundle):
    """{item: assets} of the sheets of vulnerabilities, but for what no image has any more."""
    found = {}
    for name in ("Open POA&M Items", "Closed POA&M Items"):
        cells = list(openpyxl.load_workbook(bundle / "poam.xlsx")[name].iter_rows(values_only=True))
        heads = next(row for row in cells if "POAM ID" in row)
        found |= {row[heads.index("POAM ID")]: set(row[heads.index("Asset Identifier")].split("\n")) for row in cells
                  if str(row[heads.index("POAM ID")]).startswith("V-")}
    return found


def items_of_page(bundle):
    page = re.findall(r'<tr><th scope="row" class="c"><span id="i-([^"]+)">([^<]+)</span></th>.*?<td class="c">(.*?)<span', (bundle / "report.html").read_text())
    assert [name for anchor, name, _ in page if anchor != name] == [] and len({name for name, *_ in page}) == len(page)
    return {name: set(assets.split("<br>")) for _, name, assets in page}


def test_workbook_reports_oscal_csv_and_page_have_the_same_items_on_the_same_assets(bundle, poam):
    assets = {}
    for row in rows(bundle, "findings.csv"):
        assets.setdefault(row["item"], set()).add(row["uai"])
    closed = {row["item"]: {row["uai"]} for row in rows(bundle, "closed-findings.csv")}
    failures = {row["failure"] for row in rows(bundle, "detection-failures.csv")}
    reports = details(read(bundle, "vulnerability-detail-report.json"), "vulnerabilities") | \
        details(read(bundle, "accepted-vulnerability-info.json"), "acceptedVulnerabilities")
    names = {one["uuid"]: props(one, "asset-id")[0] for one in poam["local-definitions"]["inventory-items"]}
    observed = {one["uuid"]: {names[subject["subject-uuid"]] for subject in one.get("subjects", [])} for one in poam["observations"]}
    told = {
        "poam.xlsx": items_of_workbook(bundle), "report.html": items_of_page(bundle),
        "VER": {name: set(one.get("affectedAssets", [])) for name, one in reports.items()},
        "OSCAL": {props(one, "POAM-ID")[0]: observed[one["related-observations"][0]["observation-uuid"]] for one in poam["poam-items"]}}
    history = {"poam.xlsx": closed, "VER": {name: closed[name] for name in closed if name in reports}}
    for name, items in told.items():
        assert {item: found for item, found in items.items() if item not in failures} == assets | history.get(name, {}), name


def test_a_spreadsheet_runs_nothing_of_a_csv(bundle):
    for name in ("findings", "closed-findings", "deviations", "detection-failures", "assets", "raw-scans", "running-containers"):
        for row in rows(bundle, f"{name}.csv"):
            assert None not in row and not [field for field in row.values() if field[:1] in ("=", "+", "-", "@", "\t", "\r")], (name, row)
    assert any(row["message"].startswith("'=cmd") for row in rows(bundle, "detection-failures.csv"))
    raw = (bundle / "findings.csv").read_bytes()
    assert raw.count(b"\r\n") == 1 + len(rows(bundle, "findings.csv"))


def test_the_bundle_with_them_verifies_and_is_written_alike_again(world, bundle, tmp_path):
    assert world.verify(bundle).returncode == 0
    done = world.run(tmp_path / "again", system=bundle.parent / "system.yaml")
    assert done.returncode == 0, done.stderr
    names = sorted(path.relative_to(bundle) for path in bundle.rglob("*.json"))
    assert names and all((tmp_path / "again" / name).read_bytes() == (bundle / name).read_bytes() for name in names)


# ---- what it refuses ----

@pytest.mark.parametrize("statements, says", [
    ("- {item: V-1, rating: 9, by: me, at: 2026-10-12T00:00:00Z}", "judged.yaml:1: 'rating' must be a number from 1 to 5"),
    ("rating: 3", "judged.yaml: must be a list of statements"),
    (None, "judged.yaml"),
])
def test_wrong_statements_are_refused_at_the_start(world, tmp_path, statements, says):
    (tmp_path / "system.yaml").write_text(SYSTEM)
    if statements:
        (tmp_path / "judged.yaml").write_text(statements)
    done = world.run(tmp_path / "package", system=tmp_path / "system.yaml")
    assert done.returncode == 2 and says in done.stderr and "'ver_statements'" in done.stderr and not (tmp_path / "package").exists()


def test_the_address_of_the_overview_is_needed_for_cr26(world, tmp_path):
    (tmp_path / "system.yaml").write_text(SYSTEM.replace("package_overview_uri: https://trust.example/package.json", ""))
    done = world.run(tmp_path / "package", system=tmp_path / "system.yaml")
    assert done.returncode == 2 and "'package_overview_uri' must be" in done.stderr
