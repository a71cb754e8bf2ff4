"""A throwaway PostgreSQL cluster in the state folder, reached by a Unix socket and loopback."""

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .process import Process, StackError, free_port


def _binary(name):
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    if not found:
        raise StackError(f"PostgreSQL's '{name}' is not installed (package: postgresql)")
    return found


def _as_postgres():
    """Command prefix that drops root to the package's user; empty for an ordinary user."""
    if os.geteuid() != 0:
        return []
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError:
        raise StackError("there is no user 'postgres' (package: postgresql)") from None
    return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]


def reaches(folder):
    """Whether PostgreSQL's user can enter the folder."""
    try:
        return subprocess.run([*_as_postgres(), "test", "-x", str(folder)], check=False).returncode == 0
    except StackError:
        return True


class Postgres:
    """PostgreSQL refuses to run as root, so root runs it as the package's own user."""

    def __init__(self, state, name="postgres"):
        self.process = Process(state, name)
        self.data = Path(state) / name
        self.port = free_port()
        self.as_user = _as_postgres()
        self.user = "postgres" if self.as_user else getpass.getuser()

    def conninfo(self, database="muster", user=None):
        return f"host=127.0.0.1 port={self.port} dbname={database} user={user or self.user}"

    def _create(self):
        self.data.mkdir(parents=True, exist_ok=True)
        if self.as_user:
            shutil.chown(self.data, "postgres", "postgres")
            if not reaches(self.data):
                raise StackError(f"user 'postgres' cannot reach {self.data}: give the state folder another place "
                                 "with MUSTER_STATE=/var/tmp/muster")
        made = subprocess.run([*self.as_user, _binary("initdb"), "-D", str(self.data), "-A", "trust", "-U", self.user,
                               "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
                              cwd="/", capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise StackError(f"initdb failed:\n{made.stderr}")

    def start(self):
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self.process.start([*self.as_user, _binary("postgres"), "-D", str(self.data), "-p", str(self.port),
                            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=50"],
                           cwd="/", stop_signal=signal.SIGINT)  # does not wait for clients

    def wait_ready(self):
        ready = [_binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        self.process.wait_ready(lambda: subprocess.run(ready, check=False).returncode == 0, 60, "accepting connections")
        have = self.sql("SELECT count(*) FROM pg_database WHERE datname = 'muster'", database="postgres")
        if have == "0":
            self.sql("CREATE DATABASE muster", database="postgres")

    def _of_this_cluster(self):
        """Pids of the server and all of its backends: they work in the data folder."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(folder / "cwd") == str(self.data):
                    found.append(int(folder.name))
        return found

    def kill(self):
        """kill -9 of the server and of its backends, which are groups of their own and would keep the data from the next server."""
        self.process.kill()
        while left := self._of_this_cluster():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def sql(self, text, database="muster"):
        """Runs SQL with psql; the unaligned answer as text."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(database),
                               "-c", text], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()
