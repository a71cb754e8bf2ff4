"""The schema of ingest's configuration and its reader know the same options (tests/unit/ingest runs the examples through the reader)."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "schemas/ingest-sources.v1.schema.json").read_text())
CONFIG = ROOT / "services/ingest/src/config"


def options_of_the_reader():
    """First texts of the rows of every table of keys."""
    names = set()
    for path in CONFIG.glob("*.c"):
        for table in re.findall(r"static const struct yaml_key \w+\[\] = \{(.*?)\};", path.read_text(), re.DOTALL):
            names |= set(re.findall(r'\{\s*"(\w+)"', table))
            for name in re.findall(r'SECRET\("(\w+)"', table):
                names |= {f"{previous}{name}_{kind}" for previous in ("", "previous_") for kind in ("file", "env")}
    return names


def options_of_the_schema(node):
    """Names of all properties with a description below a node; `false` only forbids."""
    names = set()
    for name, value in node.get("properties", {}).items():
        if isinstance(value, dict) and "description" in value:
            names |= {name} | options_of_the_schema(value) | options_of_the_schema(value.get("items", {}))
    for value in node.get("$defs", {}).values():
        names |= options_of_the_schema(value)
    return names


def test_the_schema_and_the_reader_have_the_same_options():
    reader, schema = options_of_the_reader(), options_of_the_schema(SCHEMA)
    assert len(reader) > 30, "the pattern finds no options any more"
    assert reader == schema, f"only the reader has {sorted(reader - schema)}, only the schema {sorted(schema - reader)}"
