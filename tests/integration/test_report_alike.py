"""The same month is the same bytes: wherever it is rendered, whatever is set there, whichever compiler options made the program."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from report_findings import add_findings, dr_template, poam_template
from report_world import BIN, ReportWorld
from test_close import files_of, run

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = {"tr_TR.UTF-8": "tr_TR", "de_DE.UTF-8": "de_DE"}  # i is not I in capitals; 1,5
PLACES = [
    {},
    {"TZ": "Pacific/Auckland", "LC_ALL": "tr_TR.UTF-8"},
    {"TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "PGTZ": "Asia/Kathmandu", "LANG": "de_DE.UTF-8"},
    {"TZ": ":/nonexistent", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1", "PGDATESTYLE": "German"},
]
PROGRAMS = {"here": [BIN / "muster-report"], "unoptimised": [ROOT / f"build/{preset}/bin/muster-report" for preset in ("asan-ubsan", "dev")]}


@pytest.fixture(scope="module")
def locales(tmp_path_factory):
    """LOCPATH with the languages, as far as their sources are installed."""
    folder = tmp_path_factory.mktemp("locales")
    for name, source in LANGUAGES.items():
        if Path("/usr/share/i18n/locales", source).exists():
            subprocess.run(["localedef", "-i", source, "-f", "UTF-8", folder / name], check=True)
    return folder


@pytest.fixture(scope="module")
def closed(state_root, tmp_path_factory):
    """A closed month with findings of every kind, both sorts of deliverables and templates."""
    state = Path(tempfile.mkdtemp(prefix="alike-", dir=state_root))
    state.chmod(0o755)
    made = ReportWorld(state, BIN / "muster-report")
    names = ("registry.example/apps/web:1.0", "registry.example/apps/tools:2.0", "registry.example/apps/Ünïcode-ıİ:1,5")
    for digit, name in enumerate(names, 1):
        made.add_image(name, str(digit), os_name="Debian GNU/Linux 12", image_title="TITLE ıİ")
    add_findings(made)
    system = state / "system.yaml"
    system.write_text(
        "name: Example Cloud\nfedramp_id: FR0000000000\nbaseline_configuration_name: CIS\ndiagram_label: Cluster\nfunction: Application\n"
        "point_of_contact: isso@example.com\ndeliverables: both\npackage_overview_uri: https://trust.example/package.json\n"
        f"unique_vulnerability_baseline: 10\ntemplate_poam: {poam_template(state / 'poam-template.xlsx')}\n"
        f"template_dr: {dr_template(state / 'dr-template.xlsx')}\n")
    done = run([str(made.program), "close", "--month=2026-10", f"--store={state / 'store'}", f"--system={system}",
                f"--postgres={made.postgres.conninfo(user='muster_report')}", f"--inventory-url=http://127.0.0.1:{made.evidence.server_port}",
                "--accept-incomplete", "--reason=a test"])
    assert done.returncode == 0, done.stdout + done.stderr
    made.store, made.system = state / "store", system
    yield made
    made.evidence.shutdown()
    made.postgres.process.stop()


def rendered(out, options, program, place, locales):
    """{name: bytes} of the package, written there."""
    cwd = out.parent / "elsewhere"
    cwd.mkdir(mode=0o700, parents=True)
    known = out.parent / "lsan.supp"
    known.write_text("leak:__argz_add_sep\n")  # glibc's newlocale() keeps its copy of LOCPATH
    environment = {"PATH": os.environ["PATH"], "LOCPATH": str(locales), "LSAN_OPTIONS": f"suppressions={known}:print_suppressions=0", **place}
    done = subprocess.run([str(program), "run", "--month=2026-10", *options, "--out=../package"], cwd=cwd, env=environment,
                          umask=0o077 if place else 0o022, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return files_of(out)


@pytest.fixture(scope="module")
def expected(closed, locales, tmp_path_factory):
    """Of the store, and of the database."""
    live = [f"--system={closed.system}", f"--postgres={closed.postgres.conninfo(user='muster_report')}",
            f"--inventory-url=http://127.0.0.1:{closed.evidence.server_port}"]
    ways = {"closed": [f"--store={closed.store}"], "preview": live}
    return {name: (way, rendered(tmp_path_factory.mktemp(name) / "package", way, BIN / "muster-report", PLACES[0], locales))
            for name, way in ways.items()}


@pytest.mark.parametrize("way", ["closed", "preview"])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.get("TZ", "here"))
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_file_is_the_same_byte_for_byte(closed, expected, locales, tmp_path, program, place, way):
    sources = max(path.stat().st_mtime for path in (ROOT / "services/report/src").rglob("*.c"))
    built = [path for path in PROGRAMS[program] if path.exists() and (program == "here" or path.stat().st_mtime >= sources)]
    if not built:
        pytest.skip("SKIPPED: no program without optimisation is as new as its sources: './muster build dev' makes one")
    way, files = expected[way]
    found = rendered(tmp_path / "package", way, built[0], place, locales)
    assert len(files) > 20 and {"poam.xlsx", "oscal/poam.json", "report.html", "vulnerability-detail-report.json"} <= set(files)
    assert sorted(found) == sorted(files) and [name for name in files if found[name] != files[name]] == []


def test_the_package_that_is_the_same_everywhere_is_a_true_one(closed, expected, tmp_path, locales):
    way, _ = expected["closed"]
    rendered(tmp_path / "package", way, BIN / "muster-report", {}, locales)
    done = closed.verify(tmp_path / "package")
    assert done.returncode == 0, done.stdout
