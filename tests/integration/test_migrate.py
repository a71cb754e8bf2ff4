"""`migrate` of a database of an earlier version, beside somebody who reads a table that it must change."""

import hashlib
import subprocess

import pytest
from conftest import BIN, ROOT
from local.postgres import Postgres

MIGRATIONS = sorted((ROOT / "services/inventory/sql/migrations").glob("*.sql"))
FIRST, TABLE = "0064_given_up_again", "scan_jobs"  # the first that is missing, and what it changes
RECORDS = ("CREATE TABLE muster_schema_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
           "applied_at timestamptz NOT NULL DEFAULT now());")


def applied(file):
    """The script that a migration's transaction is."""
    text = file.read_text()
    return (f"BEGIN;\n{text}\nINSERT INTO muster_schema_migrations (version, name, checksum) "
            f"VALUES ({int(file.name[:4])}, '{file.stem}', 'sha256:{hashlib.sha256(text.encode()).hexdigest()}');\nCOMMIT;\n")


@pytest.fixture
def postgres(state_root):
    own = Postgres(state_root / "migrate", "postgres-migrate")
    own.start()
    own.wait_ready()
    script = RECORDS + "".join(applied(file) for file in MIGRATIONS if file.stem < FIRST)
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", own.conninfo()], input=script, text=True, check=True, capture_output=True)
    yield own
    own.process.stop()


class Reader:
    """A transaction that has read the table and does not end, until it is let go."""

    def __init__(self, postgres):
        self.psql = subprocess.Popen(["psql", "-X", "-qAt", "-d", postgres.conninfo()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.psql.stdin.write(f"BEGIN;\nSELECT pg_backend_pid() FROM (SELECT count(*) FROM {TABLE}) n;\n")
        self.psql.stdin.flush()
        self.pid = self.psql.stdout.readline().strip()

    def let_go(self):
        self.psql.stdin.close()
        self.psql.wait()


def migrate(postgres, *more):
    return subprocess.Popen([BIN / "muster-inventory", "migrate", f"--postgres={postgres.conninfo()}", *more], stderr=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


def test_migrate_says_who_holds_it_up_and_goes_on_when_they_end(postgres):
    reader = Reader(postgres)
    given_up = migrate(postgres, "--wait=0s")
    assert f"pid {reader.pid} (" in given_up.communicate()[1] and given_up.returncode == 3
    waiting = migrate(postgres)
    said = waiting.stderr.readline()
    assert "trying again" in said and f"pid {reader.pid} (" in said and "pg_terminate_backend" in said
    assert postgres.sql(f"SELECT count(*) FROM {TABLE}") == "0"  # others read on
    reader.let_go()
    out, err = waiting.communicate()
    assert waiting.returncode == 0, err
    assert f"{sum(file.stem >= FIRST for file in MIGRATIONS)} migrations applied" in out
