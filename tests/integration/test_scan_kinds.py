"""Images of every kind, from the push to the evidence: packages, layers of origin, notes, issues, findings, and layers read once."""

import json
import subprocess
import urllib.request

import contents
import pytest
from conftest import ROOT
from jsonschema import Draft202012Validator
from local import demo, images
from local.demo import wait_until
from local.services import REGISTRY_NAME
from probes import metric

OPTIONS = {"untagged-grace": "1s", "retry-min": "500ms", "retry-max": "2s"}
WAR_PLACE = "WEB-INF/lib/all.jar!/lib/log4j-core-2.14.1.jar"


def record(identity, ecosystem, name, fixed, kind="ECOSYSTEM"):
    return {"schema_version": "1.7.0", "id": identity, "modified": "2026-11-01T00:00:00Z", "summary": f"a fault of {name}",
            "affected": [{"package": {"ecosystem": ecosystem, "name": name},
                          "ranges": [{"type": kind, "events": [{"introduced": "0"}, {"fixed": fixed}]}]}]}


ADVISORIES = [record("ALPINE-CVE-2026-0001", "Alpine:v3.20", "openssl", "3.3.3-r0"),
              record("RLSA-2026:0002", "Rocky Linux:9", "alpha", "0:1.1-1.ex9"),
              record("GHSA-0003-0003-0003", "npm", "lodash", "4.17.21", "SEMVER"),
              record("PYSEC-2026-4", "PyPI", "requests", "2.32.0"),
              record("GHSA-0005-0005-0005", "Maven", "org.apache.logging.log4j:log4j-core", "2.15.0"),
              record("GO-2026-0006", "Go", "stdlib", "1.22.9", "SEMVER")]


def write_advisories(folder):
    folder.mkdir(parents=True)
    for one in ADVISORIES:
        (folder / f"{one['id'].replace(':', '-')}.json").write_text(json.dumps(one))
    return folder


SITE = "usr/lib/python3.12/site-packages"
ALPINE = images.layer(files={
    "etc/os-release": contents.os_release("alpine", "3.20.3", "Alpine Linux v3.20"),
    "lib/apk/db/installed": contents.apk("libcrypto3", "3.3.2-r0", "openssl", ["usr/lib/libcrypto.so.3"])
                            + contents.apk("py3-requests", "2.31.0-r0", files=[f"{SITE}/requests-2.31.0.dist-info/METADATA"]),
    **contents.python(SITE, "requests", "2.31.0"), **contents.python(SITE, "wheel", "0.40.0"),
    **contents.npm("app", "lodash", "4.17.20"), **contents.npm("app", "left-pad", "1.3.0"), **contents.npm("app/old", "lodash", "4.17.20")})
LANGUAGES = images.layer(files={
    f"{SITE}/.wh.wheel-0.40.0.dist-info": b"", "app/.wh.old": b"",
    **contents.python(SITE, "flask", "3.0.0"), **contents.npm("app", "left-pad", "1.2.0"),
    "app/app.war": contents.archive({"WEB-INF/lib/all.jar": contents.archive(
        {"lib/log4j-core-2.14.1.jar": contents.jar("org.apache.logging.log4j", "log4j-core", "2.14.1")})}),
    "app/cut.jar": b"no archive at all",
    "usr/bin/server": contents.go_program("registry.example/server", "go1.22.1", {"golang.org/x/net": "v0.17.0"}),
    "root/.netrc": b"machine registry.example login reader password k3Jq9vX2pLmT8wRz\n"})
EXTRA = images.layer(files=contents.npm("srv", "lodash", "4.17.20"))


@pytest.fixture(scope="module")
def world(new_stack, tmp_path_factory):
    """The images, pushed and scanned; {name: evidence}."""
    cache = tmp_path_factory.mktemp("layers")
    stack = new_stack("kinds", {"inventory": OPTIONS, "scanner": {"cache-dir": cache, "workers": 1}})
    built = stack.build_database([demo.write_osv(stack.state / "osv"), write_advisories(stack.state / "osv-kinds")])
    assert built.returncode == 0, built.stderr
    stack.start_services()
    layout = images.Layout(stack.state / "kinds-images")
    distroless = images.layer(files={
        "etc/os-release": contents.os_release("debian", "12", "Distroless"), "var/lib/dpkg/status.d/curl": contents.dpkg("curl", "7.88.1-10"),
        "var/lib/dpkg/status.d/libssl3": contents.dpkg("libssl3", "3.0.11-1~deb12u1", "openssl")})
    rocky = images.layer(files={"etc/os-release": contents.os_release("rocky", "9.4", "Rocky Linux 9.4"),
                                "var/lib/rpm/rpmdb.sqlite": contents.rpm_database("Rocky Linux 9")})
    foreign = images.layer(files={"etc/os-release": contents.os_release("rocky", "9.4", "Rocky Linux 9.4"),
                                  "var/lib/rpm/rpmdb.sqlite": contents.rpm_database("Example Linux")})
    static = images.layer(files={"server": contents.go_program("registry.example/server", "go1.22.1", {})})
    made = {"alpine": [ALPINE, LANGUAGES], "rocky": [rocky], "foreign": [foreign], "distroless": [distroless], "static": [static]}
    digests = push(stack, layout, made)
    read_before = metric(stack, "scanner", 'muster_scanner_layers_total{from="image"}')
    cached_before = metric(stack, "scanner", 'muster_scanner_layers_total{from="cache"}')
    digests |= push(stack, layout, {"sibling": [ALPINE, LANGUAGES, EXTRA]})
    return {"stack": stack, "digests": digests, "before": (read_before, cached_before), "distinct": 6,
            **{name: evidence(stack, digest) for name, digest in digests.items()}}


def push(stack, layout, made):
    digests = {name: layout.push(layout.image(layers), f"{stack.registry.address}/kinds/{name}:1") for name, layers in made.items()}
    wait_until("scanned", lambda: demo.scans_settled(stack, digests))
    return digests


def evidence(stack, digest):
    name = stack.postgres.sql(f"SELECT evidence_digest FROM scans WHERE digest = '{digest}' AND evidence_digest IS NOT NULL")
    with urllib.request.urlopen(f"{stack.services.url('inventory')}/v1/evidence/{name}", timeout=10) as answer:
        return json.load(answer)


def packages(raw, *members):
    return sorted(tuple(package.get(member) for member in ("type", "name", "version", *members)) for package in raw["packages"])


def found(raw, what="findings"):
    return sorted((finding["id"], finding["package"], finding["path"]) for finding in raw[what])


IMAGES = ("alpine", "rocky", "foreign", "distroless", "static", "sibling")


@pytest.mark.parametrize("name", IMAGES)
def test_evidence_of_every_kind_is_complete_and_as_its_schema_says(world, name):
    schema = json.loads((ROOT / "schemas/raw-scan.v1.schema.json").read_text())
    errors = list(Draft202012Validator(schema).iter_errors(world[name]))
    assert not errors, errors[0].message
    assert world[name]["status"] == "complete", world[name]["failures"]
    assert world[name]["targets"][0]["uai"] == f"{REGISTRY_NAME}/kinds/{name}:1"


def test_packages_name_the_layer_they_come_from_and_hidden_ones_are_gone(world):
    assert packages(world["alpine"], "layer", "path") == sorted([
        ("apk", "libcrypto3", "3.3.2-r0", 0, "lib/apk/db/installed"), ("apk", "py3-requests", "2.31.0-r0", 0, "lib/apk/db/installed"),
        ("golang", "golang.org/x/net", "v0.17.0", 1, "usr/bin/server"), ("golang", "registry.example/server", "v1.0.0", 1, "usr/bin/server"),
        ("golang", "stdlib", "1.22.1", 1, "usr/bin/server"),
        ("maven", "org.apache.logging.log4j:log4j-core", "2.14.1", 1, "app/app.war"),
        ("npm", "left-pad", "1.2.0", 1, "app/node_modules/left-pad/package.json"),
        ("npm", "lodash", "4.17.20", 0, "app/node_modules/lodash/package.json"),
        ("pypi", "flask", "3.0.0", 1, f"{SITE}/flask-3.0.0.dist-info/METADATA"),
        ("pypi", "requests", "2.31.0", 0, f"{SITE}/requests-2.31.0.dist-info/METADATA")])


def test_a_jar_in_a_jar_is_found_by_its_place_and_so_is_its_fault(world):
    log4j, = [package for package in world["alpine"]["packages"] if package["type"] == "maven"]
    assert log4j["inner_path"].startswith(WAR_PLACE)
    finding, = [finding for finding in world["alpine"]["findings"] if finding["package_type"] == "maven"]
    assert (finding["path"], finding["inner_path"]) == (log4j["path"], log4j["inner_path"])
    assert finding["purl"] == log4j["purl"] == "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"


def test_findings_are_of_the_os_and_of_every_language(world):
    assert found(world["alpine"]) == [
        ("CVE-2026-0001", "libcrypto3", "lib/apk/db/installed"),
        ("GHSA-0003-0003-0003", "lodash", "app/node_modules/lodash/package.json"),
        ("GHSA-0005-0005-0005", "org.apache.logging.log4j:log4j-core", "app/app.war"), ("GO-2026-0006", "stdlib", "usr/bin/server")]


def test_what_a_package_of_the_os_brought_is_its_vendors_to_judge(world):
    requests, = [package for package in world["alpine"]["packages"] if package["name"] == "requests"]
    assert requests["owner"] == {"type": "apk", "name": "py3-requests"}
    suppressed, = world["alpine"]["suppressed"]
    assert (suppressed["id"], suppressed["suppressed_reason"], suppressed["suppressed_by"]) == ("PYSEC-2026-4", "owned_by", "py3-requests")


def test_two_of_one_name_are_two_findings_with_their_places(world):
    assert [row for row in found(world["sibling"]) if row[1] == "lodash"] == [
        ("GHSA-0003-0003-0003", "lodash", "app/node_modules/lodash/package.json"),
        ("GHSA-0003-0003-0003", "lodash", "srv/node_modules/lodash/package.json")]


def test_an_rpm_database_tells_epoch_module_and_vendor(world):
    assert packages(world["rocky"], "source_name", "module", "vendor") == [
        ("rpm", "alpha", "1.0-1.ex9", "alpha", None, "Rocky Linux 9"),
        ("rpm", "beta-libs", "2:3.1~rc1-4.module_ex9", "beta", "beta:stable:1:abcdef", "Rocky Linux 9")]
    assert found(world["rocky"]) == [("RLSA-2026:0002", "alpha", "var/lib/rpm/rpmdb.sqlite")]


def test_a_third_partys_package_is_not_judged_by_the_distributions_feed(world):
    assert not world["foreign"]["findings"]
    assert [(row["package"], row["suppressed_reason"], row["suppressed_by"]) for row in world["foreign"]["suppressed"]] == [
        ("alpha", "third_party", "Example Linux")]


def test_distroless_has_packages_and_findings(world):
    assert packages(world["distroless"], "path") == [("deb", "curl", "7.88.1-10", "var/lib/dpkg/status.d/curl"),
                                                     ("deb", "libssl3", "3.0.11-1~deb12u1", "var/lib/dpkg/status.d/libssl3")]
    assert ("CVE-2023-5363", "libssl3", "var/lib/dpkg/status.d/libssl3") in found(world["distroless"])


def test_an_image_without_a_distribution_is_scanned(world):
    assert world["static"]["ecosystem"] is None
    assert found(world["static"]) == [("GO-2026-0006", "stdlib", "server")]


def test_what_could_not_be_read_is_noted_and_what_is_wrong_is_an_issue(world):
    assert [note["path"] for note in world["alpine"]["notes"]] == ["app/cut.jar"]
    issues = {(issue["check"], issue["path"], issue["layer"]) for issue in world["alpine"]["issues"]}
    assert ("MUSTER-IMG-0001", None, None) in issues and ("MUSTER-IMG-0011", "root/.netrc", 1) in issues
    assert "k3Jq9vX2pLmT8wRz" not in json.dumps(world["alpine"])


def test_a_layer_that_images_share_is_read_once(world):
    stack, (read_before, cached_before) = world["stack"], world["before"]
    assert (read_before, cached_before) == (world["distinct"], 0)
    assert metric(stack, "scanner", 'muster_scanner_layers_total{from="image"}') == read_before + 1
    assert metric(stack, "scanner", 'muster_scanner_layers_total{from="cache"}') == 2


def test_inventory_knows_findings_by_ecosystem_and_package_url(world):
    rows = world["stack"].postgres.sql("SELECT DISTINCT f.package_ecosystem, f.package_purl FROM findings f JOIN scans s USING (evidence_digest) "
                                       f"WHERE s.digest = '{world['digests']['alpine']}'").splitlines()
    assert sorted(rows) == sorted([
        "Alpine:v3.20|pkg:apk/alpine/libcrypto3@3.3.2-r0?arch=x86_64&distro=alpine-3.20.3&upstream=openssl", "Go|pkg:golang/stdlib@1.22.1",
        "Maven|pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "npm|pkg:npm/lodash@4.17.20"])


def test_a_package_with_every_kind_of_image_verifies(world, tmp_path):
    stack, out = world["stack"], tmp_path / "package"
    run = lambda *command: subprocess.run([stack.services.program("report"), *command], capture_output=True, text=True, check=False, timeout=60)
    wrote = run("run", f"--month={demo.this_month()}", f"--system={demo.SYSTEM}", f"--out={out}", f"--postgres={stack.postgres.conninfo()}",
                f"--inventory-url={stack.services.url('inventory')}")
    assert wrote.returncode == 0, wrote.stderr
    done = run("verify", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
