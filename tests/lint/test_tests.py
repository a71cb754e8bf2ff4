"""Tests have names that say a behaviour, run, and every parser of outside bytes has its fuzz target and seeds."""

import re
import subprocess

import pytest
from tree import ROOT, code_only, relative, sources

UNITS, FUZZ, CORPORA = ROOT / "tests/unit", ROOT / "tests/fuzz", ROOT / "tests/fuzz/corpus"
REGISTERED = re.compile(r"cmocka_unit_test\w*\(\s*(\w+)|\bCASE\w*\(\s*(\w+)\s*[,)]")
TEST_FUNCTION = re.compile(r"^static void (\w+)\(void \*\*\w+\)", re.MULTILINE)


def c_tests():
    """[(file, functions that look like tests, names handed to cmocka)]"""
    found = []
    for path in sources(".c", under=UNITS):
        text = code_only(path.read_text())
        text_without_macros = re.sub(r"^\s*#\s*define(?:.*\\\n)*.*", "", text, flags=re.MULTILINE)
        handed = {first or second for first, second in REGISTERED.findall(text_without_macros)}
        found.append((path, set(TEST_FUNCTION.findall(text)), handed))
    return found


def test_every_unit_test_is_handed_to_cmocka():
    wrong = [f"{relative(path)}: {name}" for path, functions, _ in c_tests() for name in sorted(functions)
             if len(re.findall(rf"\b{name}\b", code_only(path.read_text()))) < 2]
    assert not wrong, "these are written but never run:\n" + "\n".join(wrong)


def test_every_unit_test_is_named_as_a_sentence():
    wrong = [f"{relative(path)}: {name}" for path, _, handed in c_tests() for name in sorted(handed)
             if len(name.split("_")) < 3 or name.startswith("test_") or name != name.lower()]
    assert not wrong, "\n".join(wrong)


def test_every_program_of_units_has_tests():
    wrong = [relative(path) for path, functions, _ in c_tests() if path.name.startswith("test_") and not functions]
    assert not wrong, wrong


def test_every_pytest_is_named_as_a_sentence():
    wrong = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        wrong += [f"{relative(path)}: {name}" for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
                  if len(name.split("_")) < 4]
    assert not wrong, "\n".join(wrong)


# ---- fuzz ----

TARGETS = {path.stem.removeprefix("fuzz_"): path for path in FUZZ.rglob("fuzz_*.c")}
# A function of a header that turns (bytes, length) into something.
TAKES_BYTES = re.compile(r"\b((?:\w+_)?(?:parse|decode|read|split|feed|walk|load|understand)(?:_\w+)?)\s*\(([^;{}]*)\)[^;{}()]*;")
BYTES_AND_LENGTH = re.compile(r"(?:const (?:char|void|uint8_t|unsigned char) \*\w*),\s*size_t \w*")


@pytest.mark.parametrize("parser", sorted(TARGETS))
def test_every_fuzz_target_has_seeds_in_git(parser):
    tracked = subprocess.run(["git", "ls-files", f"tests/fuzz/corpus/{parser}"], cwd=ROOT, capture_output=True, text=True,
                             check=False).stdout.split()
    assert tracked, f"tests/fuzz/corpus/{parser}/ has no file"


def test_every_corpus_has_its_target():
    strays = sorted({path.name for path in CORPORA.iterdir()} - set(TARGETS))
    assert not strays, strays


def parsers():
    """{function: header} of the services' headers."""
    found = {}
    for path in sources(".h"):
        for name, parameters in TAKES_BYTES.findall(code_only(path.read_text())):
            if BYTES_AND_LENGTH.search(parameters):
                found[name] = path
    return found


def test_every_parser_is_fuzzed():
    """By a target that calls it, or one that calls a function whose file calls it."""
    called = "\n".join(code_only(path.read_text()) for path in TARGETS.values())
    all_parsers = parsers()
    assert len(all_parsers) > 10, "the pattern finds no parsers any more"
    reached = {name for name in all_parsers if re.search(rf"\b{name}\b", called)}
    bodies = {path: code_only(path.read_text()) for path in sources(".c")}
    headers = {path.with_suffix(".c") for path in sources(".h")
               if any(re.search(rf"\b{name}\b", called) for name in re.findall(r"\b(\w+)\(", code_only(path.read_text())))}
    reached |= {name for name in all_parsers for path in headers & set(bodies) if re.search(rf"\b{name}\s*\(", bodies[path])}
    wrong = [f"{relative(path)}: {name}" for name, path in sorted(all_parsers.items()) if name not in reached]
    assert not wrong, "no fuzz target reaches these:\n" + "\n".join(wrong)
