"""The count of `./muster test`: whatever goes wrong in a program of tests is counted as failed."""

import os
import subprocess

import pytest

CMOCKA_PROGRAM = """
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void passes(void **state) { (void)state; }
static void fails(void **state) { (void)state; fail(); }
static void skips(void **state) { (void)state; skip(); }
static int cannot_set_up(void **state) { (void)state; return -1; }

int main(int argc, char **argv)
{
    const struct CMUnitTest good[] = {cmocka_unit_test(passes), cmocka_unit_test(passes)};
    const struct CMUnitTest mixed[] = {cmocka_unit_test(passes), cmocka_unit_test(fails), cmocka_unit_test(skips),
                                       cmocka_unit_test(fails)};
    const char *how = argc > 1 ? argv[1] : "good";

    if (strcmp(how, "setup") == 0)
        return cmocka_run_group_tests(good, cannot_set_up, NULL);
    if (cmocka_run_group_tests(good, NULL, NULL) != 0)
        return 1;
    if (strcmp(how, "mixed") == 0)
        return cmocka_run_group_tests(mixed, NULL, NULL);
    if (strcmp(how, "crash") == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        (void)raise(SIGSEGV);
    }
    if (strcmp(how, "abort") == 0)
        abort();
    return strcmp(how, "leak") == 0 ? 23 : 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A cmocka program that ends as its argument says, after a group that passed."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "p.c").write_text(CMOCKA_PROGRAM)
    subprocess.run(["cc", "-o", str(folder / "p"), str(folder / "p.c"), "-lcmocka"], check=True)
    return folder / "p"


@pytest.fixture
def counted(script, tmp_path):
    """Runs commands as tests of a real ctest, side by side; what `count` makes of the log."""
    def run(commands, *properties):
        lines = [f"add_test([=[some/{name}]=] {' '.join(f'[=[{word}]=]' for word in command)})\n"
                 for name, command in commands.items()]
        lines += [f"set_tests_properties([=[some/{name}]=] PROPERTIES {' '.join(properties)})\n" for name in commands if properties]
        (tmp_path / "CTestTestfile.cmake").write_text("".join(lines))
        done = subprocess.run(["ctest", "-V", "-j", "8"], cwd=tmp_path, capture_output=True, text=True, check=False)
        counts, failures = script.counting.count(done.stdout)
        return (counts["passed"], counts["failed"], counts["skipped"]), failures
    return run


@pytest.mark.parametrize("how, expected", [
    ("good", (2, 0, 0)),
    ("mixed", (3, 2, 1)),  # two groups in one program
    ("crash", (2, 1, 0)),
    ("abort", (2, 1, 0)),
    ("leak", (2, 1, 0)),  # a sanitizer's exit code after all passed
])
def test_a_cmocka_program_is_counted(counted, program, how, expected):
    counts, failures = counted({how: [program, how]})
    assert counts == expected
    assert len(failures) == bool(expected[1])


def test_a_group_that_cannot_set_up_is_a_failure(counted, program):
    (_, failed, _), failures = counted({"setup": [program, "setup"]})
    assert failed >= 1 and list(failures)


def test_a_program_that_cannot_be_run_is_a_failure(counted):
    assert counted({"missing": ["/nowhere/program"]})[0] == (0, 1, 0)


def test_a_program_over_its_time_is_a_failure(counted):
    counts, failures = counted({"endless": ["tail", "-f", "/dev/null"]}, "TIMEOUT", "1")
    assert counts == (0, 1, 0)
    assert list(failures) == ["some/endless (Timeout)"]


def test_a_program_without_a_count_is_one_test(counted):
    assert counted({"quiet": ["true"], "sour": ["false"]})[0] == (1, 1, 0)


def test_programs_side_by_side_are_not_mixed_up(counted, program):
    commands = {f"p{number}": [program, how] for number, how in enumerate(["good", "crash", "good", "mixed", "abort"] * 3)}
    counts, failures = counted(commands)
    assert counts == (3 * (2 + 2 + 2 + 3 + 2), 3 * (1 + 2 + 1), 3)
    assert len(failures) == 9


@pytest.mark.parametrize("text, expected", [
    ("def test_a(): pass\ndef test_b(): pass\n", (2, 0, 0)),
    ("def test_a(): pass\ndef test_b(): assert 0\n", (1, 1, 0)),
    ("import pytest\ndef test_a(): pytest.skip('SKIPPED: why')\n", (0, 0, 1)),
    ("import pytest\n@pytest.fixture\ndef f(): raise ValueError\ndef test_a(f): pass\ndef test_b(f): pass\n", (0, 2, 0)),
    ("import no_such_module\n", (0, 1, 0)),
    ("this is no python\n", (0, 1, 0)),
    ("", (0, 1, 0)),  # nothing collected: somebody renamed the tests away
    ("import os\ndef test_a(): os.abort()\n", (0, 1, 0)),
    ("def test_a(): print('3 passed in 0.1s'); assert 0\n", (0, 1, 0)),
])
def test_pytest_is_counted(counted, script, tmp_path, text, expected):
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "test_it.py").write_text(text)
    counts, _ = counted({"it": ["/usr/bin/python3", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", folder]})
    assert counts == expected


FLAKY = """
import pathlib
import pytest

@pytest.mark.parametrize("fails", ["never", "once", {third!r}])
def test_it_fails_so_often(fails):
    mark = pathlib.Path(__file__).with_name(fails)
    before = mark.exists()
    mark.touch()
    assert fails == "never" or (fails == "once" and before)
"""


@pytest.mark.parametrize("third, expected", [("never", (3, 0, 0)), ("always", (2, 1, 0))])
def test_a_second_try_of_the_failed_ones_adds_to_the_first(script, tmp_path, third, expected):
    (tmp_path / "test_it.py").write_text(FLAKY.format(third=third))
    (tmp_path / "CTestTestfile.cmake").write_text(f"add_test(it /usr/bin/python3 -m pytest -q -o cache_dir={tmp_path}/memory "
                                                  f"$ENV{{AGAIN}} {tmp_path})\n")
    tries = [script.counting.programs(subprocess.run(["ctest", "-V"], cwd=tmp_path, capture_output=True, text=True, check=False,
                                                     env={**os.environ, "AGAIN": again}).stdout)
             for again in ("-rs", "--last-failed")]
    counts = script.counting.total(script.counting.after_again(*tries))
    assert tuple(counts.values()) == expected


def test_the_output_of_a_failed_program_is_kept_and_no_other(counted, program):
    _, failures = counted({"fine": ["echo", "all is well"], "wrong": ["sh", "-c", "echo so it is; exit 1"]})
    assert failures == {"some/wrong (Failed)": ["so it is"]} or list(failures.values())[0][-1] == "so it is"


def test_nothing_at_all_counts_nothing(script):
    assert script.counting.count("") == ({"passed": 0, "failed": 0, "skipped": 0}, {})
