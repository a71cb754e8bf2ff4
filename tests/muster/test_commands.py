"""What `./muster` says and does when nothing runs, a word is wrong or a package is missing."""

import os

import pytest
from local import packages
from local.process import StackError
from muster_command import EVERYTHING_INSTALLED


@pytest.mark.parametrize("words", [["help"], ["--help"], ["-h"], ["test", "--help"], ["demo", "-h"]])
def test_help_teaches_every_command_and_kind_of_test(muster, script, words):
    done = muster(*words)
    assert done.returncode == 0
    for word in (*script.COMMANDS, *(suite[1] for suite in script.SUITES), "MUSTER_STATE", "MUSTER_CACHE"):
        assert word in done.stdout, word


def test_no_words_show_the_help_and_are_wrong_usage(muster):
    done = muster()
    assert done.returncode == 2
    assert "./muster demo" in done.stdout


@pytest.mark.parametrize("words, named", [
    (["dance"], ["'dance'", "demo", "clean"]),
    (["status", "now"], ["'status'"]),
    (["demo", "--fast"], ["'demo'"]),
    (["test", "unti"], ["'unti'", "unit", "integration"]),
    (["build", "quick"], ["'quick'", "release", "tsan"]),
    (["build", "release", "more"], ["'build'"]),
    (["logs", "kafak"], ["'kafak'"]),
    (["clean", "--al"], ["'--al'", "--all"]),
])
def test_a_wrong_word_is_named_with_those_that_are_right(muster, words, named):
    done = muster(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("muster: ") and "Traceback" not in done.stderr
    for text in (*named, "./muster help"):
        assert text in done.stderr


def test_status_and_logs_of_nothing_say_so(muster):
    done = muster("status")
    assert done.returncode == 0
    assert "nothing was started here" in done.stdout
    assert muster("logs").returncode == 0
    assert not muster.state.exists()


def test_down_may_come_twice(muster):
    for _ in range(2):
        done = muster("down")
        assert (done.returncode, done.stderr) == (0, "")
        assert "everything is stopped" in done.stdout


def test_clean_of_nothing_leaves_nothing(muster):
    assert muster("clean").returncode == 0
    assert not muster.state.exists()


@pytest.mark.parametrize("command", ["clean", "up", "demo"])
def test_a_folder_that_is_not_a_state_is_never_emptied(muster, command):
    muster.tool("cmake", "exit 0")
    muster.tool("dpkg-query", EVERYTHING_INSTALLED)
    muster.state.mkdir()
    precious = muster.state / "thesis.txt"
    precious.write_text("years of work")
    done = muster(command)
    assert done.returncode == 1
    assert str(muster.state) in done.stderr and "MUSTER_STATE" in done.stderr
    assert precious.read_text() == "years of work"


def test_clean_empties_a_state_of_ours(muster, script):
    (muster.state / "kafka").mkdir(parents=True)
    (muster.state / "kafka" / "old").write_text("old")
    (muster.state / script.MARK).touch()
    assert muster("clean").returncode == 0
    assert [entry.name for entry in muster.state.iterdir()] == [script.MARK]


def test_a_stale_record_of_a_process_is_not_believed(muster, script):
    (muster.state / "run").mkdir(parents=True)
    (muster.state / script.MARK).touch()
    (muster.state / "run" / "kafka.json").write_text(f'{{"pid": {os.getpid()}, "ticks": "1"}}')
    (muster.state / "run" / "torn.json").write_text('{"pid": 1')
    assert muster("status").stdout.count("not running") == 2
    assert muster("down").returncode == 0  # and this test goes on


def test_a_second_command_on_the_same_state_is_refused(muster, script, monkeypatch):
    monkeypatch.setenv("MUSTER_STATE", str(muster.state))
    script.claim_state()
    try:
        done = muster("clean")
    finally:
        script.claim_state.lock.close()
        del script.claim_state.lock
    assert done.returncode == 1
    assert "another './muster'" in done.stderr
    assert muster("clean").returncode == 0


# ---- packages ----

LACKS_TWO = 'shift 3; for name; do case $name in ninja-build|skopeo) ;; *) echo "$name installed";; esac; done'


def test_an_ordinary_user_is_told_the_missing_packages(muster, monkeypatch):
    muster.tool("dpkg-query", LACKS_TWO)
    monkeypatch.setenv("PATH", muster.environment["PATH"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StackError, match="missing: ninja-build skopeo\n.*apt-get install .* ninja-build skopeo"):
        packages.ensure(packages.BUILD + packages.RUN, print)


def test_root_installs_what_is_missing_and_only_that(muster, monkeypatch, tmp_path):
    asked = tmp_path / "asked"
    muster.tool("dpkg-query", f'[ -e {asked}.done ] || {{ {LACKS_TWO}; exit; }}; shift 3; for n; do echo "$n installed"; done')
    muster.tool("dpkg", f'echo dpkg "$@" >>{asked}')
    muster.tool("apt-get", f'echo "$@" >>{asked}; case "$*" in *install*) touch {asked}.done;; esac')
    monkeypatch.setenv("PATH", muster.environment["PATH"])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    packages.ensure(packages.BUILD + packages.RUN, print)
    mend, update, install = asked.read_text().splitlines()
    assert mend == "dpkg --configure -a"
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends ninja-build skopeo")


def test_what_apt_says_when_it_fails_is_shown(muster, monkeypatch):
    muster.tool("dpkg-query", LACKS_TWO)
    muster.tool("dpkg", "exit 0")
    muster.tool("apt-get", "echo 'E: the mirror is asleep' >&2; exit 100")
    monkeypatch.setenv("PATH", muster.environment["PATH"])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(StackError, match="apt-get .*failed:\nE: the mirror is asleep"):
        packages.ensure(packages.BUILD + packages.RUN, print)


def test_another_system_than_debian_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="no Debian"):
        packages.missing(["cmake"])
