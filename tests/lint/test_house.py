"""Sizes, banned functions, formatting, self-contained headers, and names that must not be in the tree."""

import re
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import (BANNED, MAX_COMPLEXITY, MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_MEDIAN_LINES, ROOT, SERVICES, code_only, component,
                  functions, relative, sources)

C_FOLDERS = ("services", "tests", "bench")


def all_c():
    return [path for folder in C_FOLDERS for path in sources(under=ROOT / folder)]


def test_no_file_is_too_long():
    wrong = {relative(path): lines for path in all_c()
             if (lines := len(path.read_text().splitlines())) > MAX_FILE_LINES}
    assert not wrong, wrong


def test_no_function_is_too_long_and_the_median_is_short():
    found = functions()
    wrong = [f"{name} in {path}: {lines} lines" for path, name, lines in found if lines > MAX_FUNCTION_LINES]
    assert not wrong, "\n".join(wrong)
    median = statistics.median(lines for _, _, lines in found)
    assert median <= MAX_MEDIAN_LINES, f"median function is {median} lines over {len(found)} functions"


def test_no_function_branches_too_much():
    """McCabe's number, each case of a switch counted."""
    out = subprocess.run(["pmccabe", *map(str, sources(".c")), *map(str, sources(".c", under=ROOT / "tests"))],
                         capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in out.splitlines()]
    assert len(rows) > len(sources(".c")), "pmccabe did not read the tree"
    wrong = [f"{row[5]}: {row[1]}" for row in rows if int(row[1]) > MAX_COMPLEXITY]
    assert not wrong, "\n".join(wrong)


def test_banned_functions_are_not_called():
    banned = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    wrong = [f"{relative(path)}:{number}: {found[1]}" for path in all_c()
             for number, line in enumerate(code_only(path.read_text()).splitlines(), 1) if (found := banned.search(line))]
    assert not wrong, "\n".join(wrong)


def test_nothing_returns_before_what_it_owns_is_begun():
    """What goes out of scope is ended: it must have a value on every way out."""
    owned = re.compile(r"MU_AUTO(?:_DONE)?\(\w+\)\s+struct \w+ \*?(\w+);")
    wrong = []
    for path in all_c():
        code = code_only(path.read_text())
        for found in owned.finditer(code):
            before_use = re.split(rf"\b{found[1]}\b", code[found.end():], maxsplit=1)[0]
            if re.search(r"\b(return|goto)\b", before_use):
                wrong.append(f"{relative(path)}:{code.count(chr(10), 0, found.start()) + 1}: {found[1]}")
    assert not wrong, "\n".join(wrong)


def test_only_the_backoff_helper_sleeps():
    sleeps = re.compile(r"(?<![\w.>])(sleep|usleep|nanosleep|clock_nanosleep)\s*\(")
    wrong = [relative(path) for path in sources() if sleeps.search(code_only(path.read_text())) and path.name != "stop.c"]
    assert not wrong, wrong


def test_sql_stays_with_its_store():
    """Statement text is in statements.def or a migration: no SQL is put together elsewhere."""
    wrong = [f"{relative(path)}" for path in sources() if component(path) not in ("pg",)
             and re.search(r'printf\([^;]*"[^"]*\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b', path.read_text())]
    assert not wrong, wrong


def test_every_file_is_formatted():
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, all_c())], capture_output=True, text=True,
                          cwd=ROOT, check=False)
    files = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line})
    assert done.returncode == 0, "clang-format -i these: " + " ".join(files)


def _compiles_alone(header):
    system = subprocess.run(["pkg-config", "--cflags", "libpq", "libmicrohttpd"], capture_output=True, text=True, check=True)
    roots = ["-I", str(SERVICES / "common"), *system.stdout.split()]
    if "common" not in header.relative_to(SERVICES).parts:
        roots += ["-I", str(SERVICES / component(header) / "src")]
    done = subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                           *roots, "-x", "c", str(header)], capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if "pragma once" not in line]
    return f"{relative(header)}: {errors[0]}" if done.returncode else None


def test_every_header_compiles_alone():
    with ThreadPoolExecutor(2) as pool:
        wrong = [found for found in pool.map(_compiles_alone, sources(".h")) if found]
    assert not wrong, "\n".join(wrong)


def test_every_header_says_what_it_is():
    wrong = [relative(path) for path in sources(".h") if not path.read_text().lstrip().startswith("/*")]
    assert not wrong, wrong


def test_nothing_private_is_named():
    """No path of somebody's machine, and no unfinished work, in what is committed."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    private = re.compile(r"/home/\w+|/wor" + r"k/|/roo" + r"t/|\bTO" + r"DO\b|\bFIX" + r"ME\b|\bXX" + r"X\b|^(?:<{7}|>{7}) ")
    wrong = []
    for name in files:
        path = ROOT / name
        if not path.is_file() or name.startswith("tests/fuzz/corpus") or path.suffix in (".gz", ".zip", ".zst", ".bin", ".tar"):
            continue
        text = path.read_text(errors="ignore")
        wrong += [f"{name}:{number}: {line.strip()[:100]}" for number, line in enumerate(text.splitlines(), 1)
                  if private.search(line)]
    assert not wrong, "\n".join(wrong)
