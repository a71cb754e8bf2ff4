"""No function is visible that nobody elsewhere calls, and none lives on for its tests alone."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from tree import ROOT, SERVICES, code_only, sources

RELEASE, FUZZ = ROOT / "build/release", ROOT / "build/fuzz"


def _objects(folder):
    return sorted((folder).rglob("*.o"))


def symbols(objects):
    """({name: objects that define it}, {name: objects that want it}) of functions and variables."""
    defined, wanted = defaultdict(set), defaultdict(set)
    done = subprocess.run(["nm", "-A", "-g", "--format=posix", *map(str, objects)], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        path, name, kind = line.split()[:3]
        (wanted if kind == "U" else defined)[name].add(path.rstrip(":"))
    return defined, wanted


def _source_of(path):
    """The .c of an object CMake made: .../CMakeFiles/TARGET.dir/common/base/buf.c.o"""
    return SERVICES / re.search(r"\.dir/(.*)\.o$", path)[1]


def _used_in(source, name):
    """By name, or as what MU_AUTO of the header's MU_DEFINE_AUTO calls."""
    text, header = code_only(source.read_text()), source.with_suffix(".h")
    auto = re.search(rf"MU_DEFINE_AUTO\((\w+),[^)]*\b{name}\)", header.read_text()) if header.exists() else None
    return len(re.findall(rf"\b{name}\b", text)) > 1 or bool(auto and f"MU_AUTO({auto[1]})" in text)


def dead(defined, wanted, used_at_home):
    """[(name, why)]; `used_at_home(object, name)` says whether the defining file uses it too."""
    found = []
    for name, places in sorted(defined.items()):
        home = next(iter(places))
        others = wanted[name] - places
        if not others:
            found.append((name, "is called from no other file: make it static or remove it"))
        elif not used_at_home(home, name) and all("/unit_" in other or "/bench/" in other for other in others):
            found.append((name, "is called by its unit tests alone: remove both"))
    return found


def test_every_visible_function_has_a_caller():
    libraries = [path for path in _objects(RELEASE / "services") if not path.name.startswith("main.c")]
    built = {str(_source_of(str(path)).resolve()) for path in libraries}
    fuzzers = {f"{path.name}.o" for path in (ROOT / "tests/fuzz").rglob("fuzz_*.c")}
    if (not {str(path) for path in sources(".c") if path.name != "main.c"} <= built
            or not fuzzers <= {path.name for path in _objects(FUZZ / "tests")}):
        pytest.skip("SKIPPED: the presets release and fuzz are not built, so there are no objects to look into")
    known = [path for path in libraries if _source_of(str(path)).exists()]
    callers = [*known, *(RELEASE / "services").rglob("main.c.o"), *_objects(RELEASE / "tests"), *_objects(RELEASE / "bench"),
               *_objects(FUZZ / "tests")]
    defined, _ = symbols(known)
    _, wanted = symbols(callers)
    wrong = [f"{Path(next(iter(defined[name]))).name}: {name} {why}"
             for name, why in dead(defined, wanted, lambda path, name: _used_in(_source_of(path), name))]
    assert not wrong, "\n".join(wrong)


def test_what_is_dead_is_told_from_what_is_not():
    defined = {"lonely": {"a.o"}, "tested": {"a.o"}, "shown_to_tests": {"a.o"}, "alive": {"a.o"}}
    wanted = defaultdict(set, {"tested": {"/unit_t.dir/t.o"}, "shown_to_tests": {"/unit_t.dir/t.o"}, "alive": {"b.o"}})
    found = dead(defined, wanted, lambda path, name: name == "shown_to_tests")
    assert [name for name, _ in found] == ["lonely", "tested"]
