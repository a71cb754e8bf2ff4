"""The release programs carry the hardening that toolchain/Warnings.cmake asks for."""

import re
import subprocess

import pytest
from tree import ROOT, SERVICE_NAMES

PROGRAMS = [ROOT / "build/release/bin" / f"muster-{service}" for service in SERVICE_NAMES]


def _readelf(program, *flags):
    return subprocess.run(["readelf", "-W", *flags, str(program)], capture_output=True, text=True, check=True).stdout


def weaknesses(program):
    """What is missing, one line each."""
    header, segments = _readelf(program, "-h"), _readelf(program, "-l")
    dynamic, symbols = _readelf(program, "-d"), _readelf(program, "--dyn-syms")
    flags = " ".join(line for line in dynamic.splitlines() if "(FLAGS" in line)
    stack = re.search(r"GNU_STACK.*", segments)
    checks = {
        "not position independent": "DYN (" in header and "PIE" in flags,
        "no read-only relocations": "GNU_RELRO" in segments,
        "binds lazily": "BIND_NOW" in flags or "NOW" in flags,
        "its stack can be executed": stack and " RW " in stack[0],
        "a segment is writable and executable": not re.search(r"LOAD.* RWE ", segments),
        "no stack protector": "__stack_chk_fail" in symbols,
        "nothing is fortified": set(re.findall(r"\b__\w+_chk\b", symbols)) - {"__stack_chk_fail"},
        "it looks for libraries in a folder of its own": "RPATH" not in dynamic and "RUNPATH" not in dynamic,
        "relocations in its text": "TEXTREL" not in dynamic,
    }
    return [weakness for weakness, holds in checks.items() if not holds]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_a_release_program_is_hardened(program):
    if not program.exists():
        pytest.skip("SKIPPED: the release preset is not built, so there is no program to look into")
    assert not weaknesses(program)


def test_an_unhardened_program_is_seen(tmp_path):
    source, program = tmp_path / "weak.c", tmp_path / "weak"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["gcc", "-O0", "-no-pie", "-fno-stack-protector", "-Wl,-z,norelro", "-Wl,-z,lazy", "-Wl,-z,execstack",
                    "-Wl,-rpath,/nowhere", "-Wl,--enable-new-dtags", "-o", str(program), str(source)], check=True)
    found = weaknesses(program)
    assert len(found) == 7, found
