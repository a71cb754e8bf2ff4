"""verify of what others made: any inventory workbook against a folder of Trivy, Grype, CycloneDX and Muster scans."""

import json
import subprocess

import openpyxl
import pytest
from report_world import BIN, raw_scan

V31 = ["UNIQUE ASSET IDENTIFIER", "IPv4 or IPv6 Address", "Virtual", "Public", "DNS Name or URL", "NetBIOS Name", "MAC Address",
       "Authenticated Scan", "Baseline Configuration Name", "OS Name and Version", "Location", "Asset Type", "Hardware Make/Model",
       "In Latest Scan", "Software/ Database Vendor", "Software/ Database Name & Version", "Patch Level", "Diagram Label", "Comments",
       "Serial #/Asset Tag#", "VLAN/\nNetwork ID", "System Administrator/ Owner", "Application Administrator/ Owner", "Function", "End-of-Life "]
V23 = [*V31[:17], "Function", "Comments", *V31[19:23]]
AS_OF, TIME, OLD = "2026-11-30T00:00:00Z", "2026-11-20T10:00:00Z", "2026-10-01T10:00:00Z"
WEB, TOOLS, CACHE, DB = (f"registry.example/apps/{name}" for name in ("web:1.0", "tools:2.0", "cache:7", "db:16"))
DIGEST = {name: "sha256:" + digit * 64 for name, digit in ((WEB, "1"), (TOOLS, "2"), (CACHE, "3"), (DB, "4"))}


def filled(uai, headers, **changes):
    row = {"UNIQUE ASSET IDENTIFIER": uai, "IPv4 or IPv6 Address": DIGEST.get(uai), "Virtual": "Yes", "Public": "No", "Authenticated Scan": "Yes",
           "Baseline Configuration Name": "CIS", "OS Name and Version": "Debian 12", "Asset Type": "Container", "In Latest Scan": "Yes",
           "Diagram Label": "Cluster", "Function": "Application"}
    row.update(changes)
    return [row.get(header) for header in headers]


def trivy(name, time=TIME, **metadata):
    repository = name.rpartition(":")[0]
    return {"SchemaVersion": 2, "CreatedAt": time, "ArtifactName": name, "ArtifactType": "container_image",
            "Metadata": {"RepoTags": [name], "RepoDigests": [f"{repository}@{DIGEST[name]}"], **metadata},
            "Results": [{"Target": "x", "Vulnerabilities": [{"VulnerabilityID": "CVE-2026-1"}]}]}


def grype(name, time=TIME):
    return {"matches": [], "source": {"type": "image", "target": {"userInput": name, "manifestDigest": DIGEST[name], "imageID": "sha256:" + "a" * 64,
                                                                  "tags": [], "repoDigests": []}},
            "descriptor": {"name": "grype", "version": "0.80.0", "timestamp": time}}


def cyclonedx(name, time=TIME, vulnerabilities=True):
    repository, _, tag = name.rpartition(":")
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [],
                "metadata": {"timestamp": time, "tools": {"components": [{"name": "scan"}]},
                             "component": {"type": "container", "name": repository, "version": tag,
                                           "purl": f"pkg:oci/x@sha256%3A{DIGEST[name][7:]}?repository_url={repository}&tag={tag}"}}}
    return {**document, "vulnerabilities": []} if vulnerabilities else document


class Others:
    """A workbook and scans of four images by four scanners; `change` them before `verify`."""

    def __init__(self, folder):
        self.folder, self.headers, self.rows_before = folder, V31, 0
        self.rows = {name: {} for name in DIGEST}
        self.scans = {"trivy/web.json": trivy(WEB), "grype/tools.json": grype(TOOLS), "bom/cache.json": cyclonedx(CACHE),
                      "muster/db.json": raw_scan(DIGEST[DB], (DB,), (), "2026-11-20T10:00:00.000000Z")}
        self.more_rows = []

    def verify(self, *options):
        book = openpyxl.Workbook()
        book.active.title = "INSTRUCTIONS "
        sheet = book.create_sheet("Our assets")
        for _ in range(self.rows_before):
            sheet.append([None, "System name"])
        sheet.append(self.headers)
        for name, changes in self.rows.items():
            sheet.append(filled(name, self.headers, **changes))
        for row in self.more_rows:
            sheet.append(row)
        book.save(self.folder / "inventory.xlsx")
        for name, scan in self.scans.items():
            path = self.folder / "scans" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(scan if isinstance(scan, str) else json.dumps(scan))
        done = subprocess.run([str(BIN / "muster-report"), "verify", f"--inventory={self.folder}/inventory.xlsx", f"--scans={self.folder}/scans",
                               f"--as-of={AS_OF}", "--format=json", *options], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        return {(found["subject"], found["difference"]) for found in json.loads(done.stdout)}


@pytest.fixture
def others(tmp_path):
    return Others(tmp_path)


@pytest.mark.parametrize("headers, before", [(V31, 0), (V31, 4), (V23, 1), ([h.upper().replace(" ", "  ") for h in V31], 0)])
def test_scans_of_four_scanners_match_rows_of_any_release(others, headers, before):
    others.rows_before, others.headers = before, V31 if headers[0] != V23[0] else headers
    assert others.verify() == set()


@pytest.mark.parametrize("spelled", ["registry.example/apps/web/1.0", "registry.example/apps/web:1.0"])
def test_a_name_with_a_slash_before_the_version_is_the_same(others, spelled):
    del others.rows[WEB]
    others.more_rows.append(filled(spelled, V31, **{"IPv4 or IPv6 Address": DIGEST[WEB]}))
    assert others.verify() == set()


def test_what_runtimes_complete_is_the_same_name(others):
    scan = trivy(WEB)
    scan.update(ArtifactName="nginx:1.25", Metadata={"RepoTags": ["nginx:1.25"], "RepoDigests": ["nginx@sha256:" + "5" * 64]})
    others.scans["nginx.json"] = scan
    others.more_rows.append(filled("docker.io/library/nginx:1.25", V31, **{"IPv4 or IPv6 Address": "5" * 64}))
    assert others.verify() == set()


def _no_scan(o):
    del o.scans["trivy/web.json"]


def _no_row(o):
    del o.rows[TOOLS]


def _renamed(o):
    o.rows.pop(WEB)
    o.more_rows.append(filled("registry.example/apps/web2:1.0", V31, **{"IPv4 or IPv6 Address": DIGEST[WEB]}))


CASES = [
    ("a row without a scan", _no_scan, WEB, DIGEST[WEB] + " occurs in no scan, nor does the name"),
    ("a scan without a row", _no_row, TOOLS, "was scanned by grype 0.80.0 (grype/tools.json) but is in no row"),
    ("another name", _renamed, "registry.example/apps/web2:1.0", "as registry.example/apps/web:1.0, not as this asset"),
    ("another checksum", lambda o: o.rows[WEB].update({"IPv4 or IPv6 Address": "sha256:" + "9" * 64}), WEB, "that of the name (trivy/web.json) is of"),
    ("an old scan", lambda o: o.scans.update({"bom/cache.json": cyclonedx(CACHE, OLD)}), CACHE, "more than 30 days before"),
    ("a blank mandatory cell", lambda o: o.rows[DB].update({"Function": None}), DB, "'Function' is mandatory and blank"),
    ("no checksum", lambda o: o.rows[DB].update({"IPv4 or IPv6 Address": None}), DB, "'IPv4 or IPv6 Address' is mandatory and blank"),
    ("a missing column", lambda o: setattr(o, "headers", [h for h in V31 if h != "Public"]), "Public", "no such column"),
    ("a row twice", lambda o: o.more_rows.append(filled(WEB, V31)), WEB, "stands in two rows"),
    ("not applicable", lambda o: o.rows[WEB].update({"Location": "N/A"}), WEB, "blanks stay blank"),
    ("an SBOM alone", lambda o: o.scans.update({"bom/cache.json": cyclonedx(CACHE, vulnerabilities=False)}), "bom/cache.json", "it is no scan"),
    ("a scan that failed", lambda o: o.scans["muster/db.json"].update(status="failed"), "muster/db.json", "is not complete"),
    ("a scan of no time", lambda o: o.scans["trivy/web.json"].pop("CreatedAt"), "trivy/web.json", "does not tell when"),
    ("another document", lambda o: o.scans.update({"x.json": {"a": 1}}), "x.json", "is no image report"),
    ("a torn scan", lambda o: o.scans.update({"x.json": '{"ArtifactName":"x"'}), "x.json", "is torn"),
    ("another file", lambda o: o.scans.update({"notes.txt": "x"}), "notes.txt", "is no JSON file"),
    ("guidance left in", lambda o: (setattr(o, "headers", ["Label", *V31]), o.more_rows.append(["GUIDANCE", "must be unique"])), "row 6", "delete column A"),
]


@pytest.mark.parametrize("name, spoil, subject, says", CASES, ids=[case[0] for case in CASES])
def test_a_difference_is_named(others, name, spoil, subject, says):
    spoil(others)
    assert any(found == subject and says in text for found, text in others.verify()), (name, others.verify())


def test_a_row_that_says_no_is_listed_and_needs_no_scan(others):
    others.rows[WEB]["In Latest Scan"] = "No"
    _no_scan(others)
    assert others.verify() == set()
    done = subprocess.run([str(BIN / "muster-report"), "verify", f"--inventory={others.folder}/inventory.xlsx", f"--scans={others.folder}/scans",
                           f"--as-of={AS_OF}"], capture_output=True, text=True, check=False, timeout=60)
    assert "Rows that say No" in done.stdout and WEB in done.stdout


def test_hosts_are_left_alone(others):
    others.more_rows.append(filled("host-1", V31, **{"IPv4 or IPv6 Address": "10.0.0.1", "Asset Type": "Server", "Diagram Label": None}))
    assert others.verify() == set()


@pytest.mark.parametrize("arguments, says", [
    (["--inventory=x.xlsx"], "go together"), (["--inventory=x.xlsx", "--scans=y", "package"], "there is no package"),
    (["--inventory=/none.xlsx", "--scans=/tmp"], "--inventory: '/none.xlsx'"), (["--at=then", "/tmp"], "--at:")])
def test_wrong_usage_of_verify_is_named(arguments, says):
    done = subprocess.run([str(BIN / "muster-report"), "verify", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and says in done.stderr, done.stderr
