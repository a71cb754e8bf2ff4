"""Pages say what is: links lead somewhere, option tables equal the programs' own."""

import re
import subprocess

import pytest
from tree import ROOT, SERVICE_NAMES, relative

PAGES = sorted(path for path in ROOT.rglob("*.md") if not {"build", ".muster"} & set(path.relative_to(ROOT).parts))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not missing, missing


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_the_page_of_a_service_names_every_option(service):
    program = ROOT / "build/release/bin" / f"muster-{service}"
    if not program.exists():
        pytest.skip("SKIPPED: the release preset is not built, so there is no program to ask")
    overview = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    page = (ROOT / "services" / service / "README.md").read_text()
    commands = re.findall(r"^  ([a-z][a-z-]*)\b", overview, re.MULTILINE)
    assert commands, overview
    options = set()
    for command in commands:
        shown = subprocess.run([program, "help", command], capture_output=True, text=True, check=False).stdout
        options |= set(re.findall(r"^\s+(--[a-z][a-z-]+)", shown, re.MULTILINE))
    missing = sorted(option for option in options - {"--help"} if option not in page)
    assert not missing, f"services/{service}/README.md does not name {missing}"
