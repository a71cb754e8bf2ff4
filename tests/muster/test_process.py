"""Background processes: ports kept, records written, stops that reach everybody."""

import json
import signal
import socket
import sys

import pytest
from local.process import Process, StackError, free_port, run_group
from muster_command import wait_for

# Ignores SIGTERM, says so in its log, ends on nothing but SIGKILL.
STUBBORN = [sys.executable, "-c", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\nsignal.pause()"]
PATIENT = ["tail", "-f", "/dev/null"]


@pytest.fixture
def process(tmp_path):
    one = Process(tmp_path, "one")
    yield one
    one.kill()


def test_a_port_is_given_once_and_to_nobody_else():
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    with socket.socket() as other, pytest.raises(OSError):
        other.bind(("127.0.0.1", ports[0]))


def test_a_server_may_listen_on_its_port():
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
        pass
    with socket.create_server(("127.0.0.1", port)):  # and again, as after kill -9
        pass


def test_a_process_is_found_again_by_its_record(process, tmp_path):
    process.start(PATIENT)
    assert Process(tmp_path, "one").pid() == process.child.pid
    assert Process(tmp_path, "one").stop()
    wait_for(lambda: process.pid() is None)
    assert not process.record.exists()


def test_a_second_start_is_refused_while_the_first_runs(process):
    process.start(PATIENT)
    with pytest.raises(StackError, match="one runs already"):
        process.start(PATIENT)


def test_a_program_that_is_not_there_is_named(process):
    with pytest.raises(StackError, match="one: cannot run '/nowhere/at/all'"):
        process.start(["/nowhere/at/all"])


def test_one_that_does_not_listen_to_reason_is_killed(process):
    process.start(STUBBORN)
    wait_for(lambda: "deaf" in process.tail())
    assert process.stop(timeout_s=0.1) is False
    assert process.pid() is None


def test_its_own_stop_signal_is_used_by_whoever_stops_it(process, tmp_path):
    process.start([sys.executable, "-c", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                   "signal.signal(signal.SIGINT, signal.SIG_DFL)\nprint('deaf', flush=True)\nsignal.pause()"],
                  stop_signal=signal.SIGINT)
    wait_for(lambda: "deaf" in process.tail())
    assert Process(tmp_path, "one").stop()


def test_one_that_ends_before_it_is_ready_is_told_with_its_last_words(process):
    process.start(["sh", "-c", "echo the port is taken; exit 1"])
    with pytest.raises(StackError, match="(?s)one ended before listening.*the port is taken"):
        process.wait_ready(lambda: False, 20, "listening")


def test_a_recycled_pid_is_not_ours(process):
    process.start(PATIENT)
    record = json.loads(process.record.read_text())
    process.record.write_text(json.dumps({**record, "ticks": "1"}))
    assert process.pid() is None
    process.record.write_text(json.dumps(record))


def test_a_signal_between_start_and_record_loses_no_process(process, monkeypatch):
    import local.process as module
    real = module.subprocess.Popen

    def popen_then_signal(*words, **options):
        child = real(*words, **options)
        signal.raise_signal(signal.SIGINT)
        return child

    monkeypatch.setattr(module.subprocess, "Popen", popen_then_signal)
    with pytest.raises(KeyboardInterrupt):
        process.start(PATIENT)
    monkeypatch.undo()
    assert process.pid()


def test_a_group_gives_back_output_and_code():
    done = run_group(["sh", "-c", "echo out; exit 3"], stdout=-1)
    assert (done.returncode, done.stdout) == (3, "out\n")
