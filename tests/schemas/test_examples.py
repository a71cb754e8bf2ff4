"""Every schema is one, and its examples are what their folder says, by a JSON Schema validator."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
FILES = sorted(SCHEMAS.glob("*.v1.schema.json"))
EXAMPLES = sorted((SCHEMAS / "examples").glob("*.v1/*/*.json"))


def validator_of(example):
    schema = json.loads((SCHEMAS / f"{example.parent.parent.name}.schema.json").read_text())
    return Draft202012Validator(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_schema_is_well_formed_and_named(path):
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    name = path.name.removesuffix(".v1.schema.json")
    assert schema["$id"] == f"urn:muster:schema:{name}:v1"
    assert schema["title"] and schema["description"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_schema_of_a_message_has_examples_both_ways(path):
    folder = SCHEMAS / "examples" / path.name.removesuffix(".schema.json")
    if not folder.exists():
        assert path.name.startswith("bundle-manifest"), f"{path.name} has no examples"
        return
    assert list((folder / "valid").glob("*.json")) and list((folder / "invalid").glob("*.json"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}/{path.stem}")
def test_an_example_is_what_its_folder_says(example):
    errors = list(validator_of(example).iter_errors(json.loads(example.read_text())))
    if example.parent.name == "valid":
        assert not errors, errors[0].message
    else:
        assert errors, "the validator accepts it"
        assert example.with_suffix(".reason").exists(), "no .reason beside it"
