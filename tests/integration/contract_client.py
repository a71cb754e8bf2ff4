"""A property-based client that tries every operation of a running server by its OpenAPI contract.

It is schemathesis, pinned, in an environment of its own in the download cache.
"""

import os
import re
import subprocess
import sys

import pytest
from conftest import CACHE

CLIENT = "schemathesis==4.32.5"
EXAMPLES = int(os.environ.get("MUSTER_API_EXAMPLES", "25"))


def client():
    """The program, installed once; a reason when it cannot be had."""
    folder = CACHE / CLIENT.replace("==", "-")
    program = folder / "bin/schemathesis"
    if program.exists():
        return str(program)
    for command in ([sys.executable, "-m", "venv", folder], [folder / "bin/pip", "install", "--quiet", CLIENT]):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"SKIPPED: {CLIENT} cannot be installed: {(done.stderr or done.stdout).strip()[-200:]}")
    return str(program)


def try_contract(folder, contract, url, token, lenient, operations, *options):
    """No 5xx, no status, header or body that is not described, no wrong request taken, no right one refused but of the `lenient` operations,
    no way around the credentials."""
    program = client()
    (folder / "schemathesis.toml").write_text("".join(f"""
[[operations]]
include-operation-id = "{operation}"
checks.positive_data_acceptance.enabled = false
""" for operation in lenient))
    done = subprocess.run(
        [program, "run", str(contract), f"--url={url}", "--header", f"Authorization: Bearer {token}", "--mode=all", f"--max-examples={EXAMPLES}",
         "--seed=1", "--generation-database=none", "--no-color", "--warnings=off", "--continue-on-failure", *options],
        capture_output=True, text=True, check=False, cwd=folder, timeout=1500)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    assert re.search(rf"Tested: {operations}\b", done.stdout), done.stdout[-2000:]
