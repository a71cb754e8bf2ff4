"""What start-postgres makes of roles, run here without an engine: who may do what with the tables that `migrate` makes."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from plan import DEPLOY, ROOT

sys.path.insert(0, str(ROOT / "deploy"))

from local.postgres import _as_postgres, reaches  # noqa: E402
from local.process import Process, free_port  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve()
# As the script made them before services had logins of their own.
OLD_ROLES = "CREATE ROLE muster LOGIN\nCREATE ROLE muster_report LOGIN\nCREATE DATABASE muster OWNER muster\n"


class Database:
    """The container's script with folders of the test's own, and the secrets that make-secrets makes."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), Process(folder, "start-postgres")
        for name in ("webhook", "evidence", "database", "inventory", "report"):
            (folder / "secrets" / name).mkdir(parents=True)
        subprocess.run([DEPLOY / "docker/make-secrets"], cwd=folder / "secrets", check=True, capture_output=True)
        script = (DEPLOY / "docker/start-postgres").read_text()
        for path, own in (("/var/lib/muster/postgres", folder), ("/run/secrets", folder / "secrets"), ("/etc/muster", DEPLOY / "docker"),
                          ("='*'", "=127.0.0.1"), ("directories=/tmp", "directories=")):
            assert path in script
            script = script.replace(path, str(own))
        (folder / "start-postgres").write_text(script)
        if _as_postgres():
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, "postgres", "postgres")

    def start(self):
        self.process.start([*_as_postgres(), "sh", str(self.folder / "start-postgres")], cwd="/", env={"PGPORT": str(self.port)})
        ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        self.process.wait_ready(lambda: subprocess.run(ready, check=False).returncode == 0, 60, "accepting connections")

    def as_user(self, user, *command):
        secret = {"muster": "database", "muster_app": "inventory", "muster_report": "report"}[user]
        password = (self.folder / "secrets" / secret / "pgpass").read_text().split(":")[4]
        return subprocess.run([*command, f"host=127.0.0.1 port={self.port} dbname=muster user={user}"], text=True, capture_output=True,
                              check=False, env={**os.environ, "PGPASSWORD": password})

    def sql(self, user, text):
        return self.as_user(user, "psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", text, "-d")

    def migrate(self):
        done = subprocess.run([BIN / "muster-inventory", "migrate", f"--postgres=host=127.0.0.1 port={self.port} dbname=muster user=muster"],
                              env={**os.environ, "PGPASSWORD": (self.folder / "secrets/database/pgpass").read_text().split(":")[4]},
                              text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr


@pytest.fixture
def database():
    if not Path("/usr/lib/postgresql/15/bin/postgres").exists():
        pytest.skip("SKIPPED: PostgreSQL 15, which the container has, is not installed")
    if not (BIN / "muster-inventory").exists():
        pytest.skip(f"SKIPPED: {BIN}/muster-inventory is not built, so nothing can migrate")
    folder = Path(tempfile.mkdtemp(prefix="muster-start-postgres-", dir="/var/tmp"))
    folder.chmod(0o755)
    if not reaches(DEPLOY / "docker"):
        pytest.skip("SKIPPED: PostgreSQL's user cannot read this checkout")
    own = Database(folder)
    yield own
    own.process.stop()
    shutil.rmtree(folder, ignore_errors=True)


def has_least_rights(database):
    for user in ("muster_app", "muster_report"):
        refused = database.sql(user, "DELETE FROM audit_log")
        assert refused.returncode != 0 and "permission denied" in refused.stderr, refused.stderr
    for user, may in (("muster_app", "SELECT count(*) FROM audit_log"), ("muster_app", "SELECT ledger_tick()"),
                      ("muster_report", "SELECT count(*) FROM report_v1.totals(now(), 'infinity')")):
        done = database.sql(user, may)
        assert done.returncode == 0, done.stderr
    assert database.sql("muster_report", "SELECT count(*) FROM ledger").returncode != 0
    assert database.sql("muster", "DELETE FROM audit_log").returncode == 0  # that it is the login which is refused


def test_a_service_that_is_broken_into_cannot_remove_an_audit_record(database):
    database.start()
    assert database.migrate() == ""
    has_least_rights(database)


def test_a_database_from_before_there_were_logins_gets_them_at_its_next_start(database):
    script = database.folder / "start-postgres"
    now = script.read_text()
    made = now[now.index("single \"$data.new\" <<SQL\n") + len("single \"$data.new\" <<SQL\n"):now.index("    mv ")]
    script.write_text(now.replace(made, OLD_ROLES + "SQL\n").replace(now[now.index("$(role "):now.index("ALTER ROLE muster PASSWORD")], "")
                      .replace("ALTER ROLE muster_app PASSWORD '$(password inventory)'\n", ""))
    database.start()
    assert "roles are missing: muster_inventory, muster_read" in database.migrate()
    database.process.stop()
    script.write_text(now)
    database.start()
    assert database.migrate() == ""
    has_least_rights(database)
