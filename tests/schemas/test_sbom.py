"""The bills of materials that the scanner's units write byte for byte are valid by the official schemas.

The schemas are no part of this tree: they come with the Go modules below, when those lie in Go's module cache.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, FormatChecker, RefResolver

DATA = Path(__file__).resolve().parents[1] / "data/sbom"
CYCLONEDX = ("github.com/CycloneDX/cyclonedx-go", "schema/bom-1.6.schema.json")
SPDX = ("github.com/anchore/syft", "schema/spdx-json/spdx-schema-2.3.json")


def _module_cache():
    if shutil.which("go"):
        told = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=False).stdout.strip()
        if told:
            return Path(told)
    return Path(os.environ.get("GOMODCACHE", Path.home() / "go/pkg/mod"))


def _schema(module, inner):
    """The schema's path in the newest cached version of the module; capital letters are "!x" there."""
    escaped = "".join(f"!{c.lower()}" if c.isupper() else c for c in module)
    folder, name = os.path.split(escaped)
    found = sorted((_module_cache() / folder).glob(f"{name}@*/{inner}"))
    if not found:
        pytest.skip(f"SKIPPED: {inner} is not here; 'go mod download {module}@latest' brings it")
    return found[-1]


def _errors(schema_path, document):
    schema = json.loads(schema_path.read_text())
    store = {}
    for other in schema_path.parent.glob("*.schem*.json"):
        text = json.loads(other.read_text())
        store[text.get("$id", other.name)] = text
        store[f"http://cyclonedx.org/schema/{other.name.replace('schemax', 'schema')}"] = text
    validator = Draft7Validator(schema, resolver=RefResolver(schema.get("$id", ""), schema, store), format_checker=FormatChecker())
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("schema, name", [(CYCLONEDX, "image.cyclonedx.json"), (SPDX, "image.spdx.json")], ids=["cyclonedx", "spdx"])
def test_a_written_bill_of_materials_is_valid(schema, name):
    document = json.loads((DATA / name).read_text())
    errors = _errors(_schema(*schema), document)
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("schema, name, member", [(CYCLONEDX, "image.cyclonedx.json", "bomFormat"), (SPDX, "image.spdx.json", "SPDXID")],
                         ids=["cyclonedx", "spdx"])
def test_the_schema_does_refuse_what_is_wrong(schema, name, member):
    document = json.loads((DATA / name).read_text())
    del document[member]
    assert _errors(_schema(*schema), document)


def test_every_reference_leads_to_an_element():
    document = json.loads((DATA / "image.spdx.json").read_text())
    known = {package["SPDXID"] for package in document["packages"]} | {document["SPDXID"]}
    assert len(known) == len(document["packages"]) + 1
    assert {end for row in document["relationships"] for end in (row["spdxElementId"], row["relatedSpdxElement"])} == known
    document = json.loads((DATA / "image.cyclonedx.json").read_text())
    refs = [component["bom-ref"] for component in document["components"]]
    assert len(set(refs)) == len(refs)
