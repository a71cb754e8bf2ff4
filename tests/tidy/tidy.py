"""clang-tidy over every file, one run a file: several in one run make it see va_lists that are not there.

What was found clean is remembered in a folder of the build, under a hash of all that the verdict rests on: the file, every
project file it may include, its compile command, .clang-tidy, and the versions of clang-tidy and the -dev packages. A finding
is never remembered.
"""

import hashlib
import json
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

QUOTED = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# What gcc knows and clang does not; -Werror would make errors of it.
FLAGS = ["--quiet", "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-ignored-optimization-argument",
         "--extra-arg=-fno-caret-diagnostics"]


def commands(*builds):
    """{file: (build folder, command)} of compile_commands.json; the first build that knows a file has it."""
    found = {}
    for build in builds:
        listing = build / "compile_commands.json"
        for entry in json.loads(listing.read_text()) if listing.exists() else ():
            found.setdefault(Path(entry["file"]), (build, entry["command"]))
    return found


class Includes:
    """Which project files a file may include. A name is looked up by its end, so that no include path is needed."""

    def __init__(self, files):
        self.by_name = {}
        for path in files:
            self.by_name.setdefault(path.name, []).append(path)
        self.direct = cache(self._direct)

    def _direct(self, path):
        names = QUOTED.findall(path.read_text(errors="replace"))
        return [other for name in names for other in self.by_name.get(name.split("/")[-1], ())
                if str(other).endswith("/" + name)]

    def closure(self, path):
        """`path` and all it includes, sorted."""
        seen, todo = {path}, [path]
        while todo:
            fresh = set(self.direct(todo.pop())) - seen
            seen |= fresh
            todo += fresh
        return sorted(seen)


def key(closure, command, ground):
    """Hash of everything a verdict rests on."""
    whole = hashlib.sha256()
    for part in (ground, command, *(f"{path}\0{path.read_text(errors='replace')}" for path in closure)):
        whole.update(hashlib.sha256(part.encode()).digest())
    return whole.hexdigest()


def ground(configuration):
    """The configuration and the tools, as text."""
    run = lambda line: subprocess.run(shlex.split(line), capture_output=True, text=True, check=False).stdout
    return configuration.read_text() + run("clang-tidy --version") + run("dpkg-query -W '*-dev' 'clang-tidy*'")


def check(path, build, program="clang-tidy"):
    """Its findings as text; empty: none."""
    done = subprocess.run([program, "-p", str(build), *FLAGS, str(path)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout.strip() or done.stderr.strip() or f"exit code {done.returncode}"


def check_all(work, includes, ground_text, memory, program="clang-tidy"):
    """(findings, how many were checked, how many were known to be clean); `work` as `commands` gives it."""
    memory.mkdir(parents=True, exist_ok=True)
    keys = {path: key(includes.closure(path), command, ground_text) for path, (_, command) in work.items()}
    todo = [path for path in work if not (memory / keys[path]).exists()]
    with ThreadPoolExecutor(2) as pool:
        findings = dict(zip(todo, pool.map(lambda path: check(path, work[path][0], program), todo)))
    for path, finding in findings.items():
        if not finding:
            (memory / keys[path]).touch()
    for stale in memory.iterdir():
        if stale.name not in keys.values():
            stale.unlink()
    return [finding for finding in findings.values() if finding], len(todo), len(work) - len(todo)
