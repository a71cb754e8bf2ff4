"""clang-tidy finds nothing; and what is remembered as clean hides nothing."""

import sys
from pathlib import Path

import pytest
import tidy

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / name for name in ("services", "tests", "bench")]
RELEASE, FUZZ = ROOT / "build/release", ROOT / "build/fuzz"


def ours(*suffixes):
    return [path for folder in FOLDERS for path in sorted(folder.rglob("*")) if path.suffix in suffixes]


def test_clang_tidy_finds_nothing(capsys):
    if not (RELEASE / "build.ninja").exists():
        pytest.skip("SKIPPED: the release preset is not configured, so there are no compile commands")
    known = tidy.commands(RELEASE, FUZZ)
    work = {path: known[path] for path in ours(".c") if path in known}
    memory = RELEASE / "tidy-clean"
    findings, checked, clean = tidy.check_all(work, tidy.Includes(ours(".c", ".h", ".def")), tidy.ground(ROOT / ".clang-tidy"), memory)
    with capsys.disabled():
        print(f"clang-tidy: {checked} files checked, {clean} unchanged since they were clean")
    assert not findings, "\n".join(findings)


def test_every_c_file_is_built_by_some_target():
    if not all((build / "build.ninja").exists() for build in (RELEASE, FUZZ)):
        pytest.skip("SKIPPED: the presets release and fuzz are not configured, so there are no compile commands")
    known = tidy.commands(RELEASE, FUZZ)
    named = "".join(path.read_text() for path in sorted((ROOT / "toolchain").glob("*.cmake")))  # of presets that are not configured here
    strays = [str(path.relative_to(ROOT)) for path in ours(".c") if path not in known and str(path.relative_to(ROOT)) not in named]
    assert not strays, f"no target builds {strays}; configure again, or remove them"


# ---- of the memory, with a program that finds the word BAD in a file or in what it includes ----

PROGRAM = """#!{python}
import pathlib, sys
path = pathlib.Path(sys.argv[-1])
with open(path.parent / "runs", "a") as runs:
    runs.write(path.name + "\\n")
bad = [other.name for other in sorted(path.parent.rglob("*.[ch]")) if "BAD" in other.read_text()]
print(*bad)
sys.exit(1 if bad else 0)
"""


class Tree:
    def __init__(self, folder):
        self.folder, self.memory = folder, folder / "memory"
        self.program = folder / "tidy"
        self.program.write_text(PROGRAM.format(python=sys.executable))
        self.program.chmod(0o755)
        self.file, self.header = folder / "a.c", folder / "deep" / "b.h"
        self.header.parent.mkdir()
        self.file.write_text('#include "between.h"\n')
        (folder / "between.h").write_text('  #  include "deep/b.h"\n')
        self.header.write_text("int b;\n")

    def check(self, ground="", command="cc"):
        files = [path for path in self.folder.rglob("*") if path.suffix in (".c", ".h")]
        return tidy.check_all({self.file: (self.folder, command)}, tidy.Includes(files), ground, self.memory, str(self.program))


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_what_is_clean_and_unchanged_is_not_checked_again(tree):
    assert tree.check() == ([], 1, 0)
    assert tree.check() == ([], 0, 1)


def test_a_finding_is_found_again(tree):
    tree.file.write_text("BAD\n")
    for _ in range(2):
        assert tree.check() == (["a.c"], 1, 0)


def test_a_change_in_an_included_file_is_seen(tree):
    tree.check()
    tree.header.write_text("int BAD;\n")
    assert tree.check() == (["b.h"], 1, 0)


def test_a_new_include_is_followed(tree):
    (tree.folder / "new.h").write_text("int fine;\n")
    tree.check()
    tree.file.write_text('#include "new.h"\n')
    assert tree.check()[1:] == (1, 0)
    (tree.folder / "new.h").write_text("BAD\n")
    assert tree.check() == (["new.h"], 1, 0)


@pytest.mark.parametrize("changed", [{"ground": "other checks"}, {"command": "cc -O2"}])
def test_other_checks_or_another_command_count(tree, changed):
    tree.check()
    assert tree.check(**changed)[1:] == (1, 0)


def test_what_is_gone_is_forgotten(tree):
    tree.check()
    tree.file.write_text("int changed;\n")
    tree.check()
    assert len(list(tree.memory.iterdir())) == 1
