"""Processes that outlive the command that started them: pid file, log file, readiness, stop."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path


class StackError(Exception):
    """Something could not be started; the text says what and where to look."""


_reserved = []  # sockets that keep their ports from everybody else until this process ends


def free_port():
    """A port of loopback that nobody else is given, nor takes as the near end of a connection.

    It stays bound here without listening; a server that sets SO_REUSEADDR, as all of ours do, may listen on it.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _reserved.append(holder)
    return holder.getsockname()[1]


@contextlib.contextmanager
def uninterrupted():
    """Holds Ctrl-C and the like back until the block is done, so that what it starts is also written down."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived = []
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda got, _: arrived.append(got)) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])


def run_group(command, **options):
    """Like subprocess.run, but Ctrl-C waits until the command and all below it have ended."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True, start_new_session=True, **options) as child:
        try:
            said = child.communicate()[0]
        except KeyboardInterrupt:
            for number, deadline in ((signal.SIGINT, time.monotonic() + 30), (signal.SIGKILL, time.monotonic() + 40)):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, number)
                    while time.monotonic() < deadline:
                        child.poll()
                        os.killpg(child.pid, 0)
                        time.sleep(0.05)
            raise
    return subprocess.CompletedProcess(command, child.returncode, said)


def _start_ticks(pid):
    """Start time of a process, which with its pid is unique; None when it is gone or a zombie.

    While a thread of a killed process lives, so do its ports and locks, though its first thread is a zombie already.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2:].split()
    return None if fields[0] == "Z" and threads <= 1 else fields[19]


class Process:
    """One named background process of a state folder."""

    def __init__(self, state, name):
        self.name = name
        self.record = Path(state) / "run" / f"{name}.json"
        self.log = Path(state) / "logs" / f"{name}.log"
        self.child = None

    def _known(self):
        try:
            return json.loads(self.record.read_text())
        except (OSError, ValueError):
            return {}

    def pid(self):
        """The running pid, or None. A recycled pid does not count."""
        if self.child is not None:
            self.child.poll()
        known = self._known()
        return known["pid"] if known.get("ticks") and _start_ticks(known["pid"]) == known["ticks"] else None

    def start(self, argv, env=None, cwd=None, stop_signal=signal.SIGTERM):
        if self.pid():
            raise StackError(f"{self.name} runs already (pid {self.pid()}); stop it with './muster down'")
        for folder in (self.record.parent, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log, uninterrupted():
            try:
                self.child = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                    env={**os.environ, **(env or {})}, start_new_session=True)
            except OSError as error:
                raise StackError(f"{self.name}: cannot run '{argv[0]}': {error.strerror}") from error
            self.record.write_text(json.dumps({"pid": self.child.pid, "ticks": _start_ticks(self.child.pid),
                                               "stop_signal": int(stop_signal)}))

    def wait_ready(self, check, timeout_s, what):
        """Calls `check` until it is true; fails at once when the process has ended."""
        deadline = time.monotonic() + timeout_s
        while not check():
            if not self.pid():
                raise StackError(f"{self.name} ended before {what}; its last words in {self.log}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name}: not {what} after {timeout_s} s; see {self.log}")
            time.sleep(0.05)

    def tail(self, lines=8):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def signal(self, number):
        pid = self.pid()
        if not pid:
            return
        with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
            try:
                os.killpg(pid, number)
            except PermissionError as error:
                raise StackError(f"{self.name} (pid {pid}) belongs to another user, who has to stop it") from error

    def kill(self):
        """kill -9 of the whole group, and waits until it is gone."""
        self.signal(signal.SIGKILL)
        self._wait_gone(10)

    def stop(self, timeout_s=15):
        """The polite signal, then SIGKILL; True when it ended by itself."""
        self.signal(self._known().get("stop_signal", signal.SIGTERM))
        graceful = self._wait_gone(timeout_s)
        if not graceful:
            self.kill()
        self.record.unlink(missing_ok=True)
        return graceful

    def _wait_gone(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while self.pid():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def http_ok(url, timeout_s=1):
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            return 200 <= answer.status < 300
    except (OSError, urllib.error.URLError):
        return False


def tcp_ok(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
