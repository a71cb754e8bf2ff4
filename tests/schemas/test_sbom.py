"""The bills of materials that the units of scanner and report write byte for byte are valid by the official schemas.

The schemas are no part of this tree: they are inside the Java libraries of `official/pom.xml`, which Maven fetches once into the download
cache (MUSTER_CACHE, default .muster/cache).
"""

import hashlib
import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, FormatChecker, RefResolver

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data/sbom"
JARS = Path(os.environ.get("MUSTER_CACHE", HERE.parents[1] / ".muster/cache")) / "official-schemas"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
CYCLONEDX = ("cyclonedx-core-java", "bom-1.6.schema.json", ("spdx.schema.json", "jsf-0.82.schema.json"))
SPDX = ("tools-java", "resources/spdx-schema-v2.3.json", ())


def _unverified():
    """Names of jars that are missing or whose SHA-256 is not the pinned one."""
    rows = (line.split() for line in (HERE / "official/SHA256SUMS").read_text().splitlines())
    return [name for digest, name in rows
            if not (JARS / name).is_file() or hashlib.sha256((JARS / name).read_bytes()).hexdigest() != digest]


@pytest.fixture(scope="module")
def official():
    """A function that gives a schema and those it refers to, by their $id and name."""
    if _unverified():
        done = subprocess.run(["mvn", "-q", "-B", "-f", str(HERE / "official/pom.xml"), COPY, "-DexcludeTransitive=true",
                               f"-DoutputDirectory={JARS}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and not _unverified(), \
            f"Maven did not bring the schemas of {_unverified()} (it needs the package maven and a repository):\n{done.stdout[-2000:]}"

    def read(library, name, others):
        with zipfile.ZipFile(next(JARS.glob(f"{library}-*.jar"))) as jar:
            schema, store = json.loads(jar.read(name)), {}
            for other in others:
                text = json.loads(jar.read(other))
                store[text.get("$id", other)] = store[f"http://cyclonedx.org/schema/{other}"] = text
        return schema, store
    return read


def _errors(official, which, document):
    schema, store = official(*which)
    validator = Draft7Validator(schema, resolver=RefResolver(schema.get("$id", ""), schema, store), format_checker=FormatChecker())
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("schema, name", [(CYCLONEDX, "image.cyclonedx.json"), (CYCLONEDX, "scan.cyclonedx.json"), (SPDX, "image.spdx.json")],
                         ids=["cyclonedx", "cyclonedx of a scan", "spdx"])
def test_a_written_bill_of_materials_is_valid(official, schema, name):
    document = json.loads((DATA / name).read_text())
    errors = _errors(official, schema, document)
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("schema, name, member", [(CYCLONEDX, "image.cyclonedx.json", "bomFormat"), (SPDX, "image.spdx.json", "SPDXID")],
                         ids=["cyclonedx", "spdx"])
def test_the_schema_does_refuse_what_is_wrong(official, schema, name, member):
    document = json.loads((DATA / name).read_text())
    del document[member]
    assert _errors(official, schema, document)


def test_every_reference_leads_to_an_element():
    document = json.loads((DATA / "image.spdx.json").read_text())
    known = {package["SPDXID"] for package in document["packages"]} | {document["SPDXID"]}
    assert len(known) == len(document["packages"]) + 1
    assert {end for row in document["relationships"] for end in (row["spdxElementId"], row["relatedSpdxElement"])} == known
    for name in ("image", "scan"):
        document = json.loads((DATA / f"{name}.cyclonedx.json").read_text())
        refs = [component["bom-ref"] for component in document["components"]]
        assert len(set(refs)) == len(refs)
        assert {one["ref"] for found in document.get("vulnerabilities", []) for one in found["affects"]} <= set(refs)
