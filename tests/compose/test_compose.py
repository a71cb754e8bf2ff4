"""The compose file for real: built, brought up, used and taken down in an engine of the test's own."""

import json
import os
import time
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from engine import Engine, NoEngine, compose_command, last_words, run
from plan import COMPOSE, DEPLOY, LASTING, ROOT, SERVICES

from local import images  # engine.py has put deploy/ on the path
from local.process import free_port

BASE = "muster-test-base"
CACHE = os.environ.get("MUSTER_CACHE", ROOT / ".muster/cache")
UAI = "registry.muster.example/apps/web:1.0"
# Stages of one Dockerfile one after the other, so that its build stage runs once; the two groups side by side.
BUILDS = (("setup", "ingest", "scanner", "inventory", "migrate", "report", "vulnerabilities"), ("kafka", "postgres", "registry"))


def test_compose_accepts_the_file():
    if not compose_command():
        pytest.skip("SKIPPED: neither 'docker compose' nor docker-compose is installed")
    shown = run(*compose_command(), "-f", COMPOSE, "--profile", "report", "config")
    assert shown.returncode == 0, shown.stderr
    config = yaml.safe_load(shown.stdout)
    assert set(config["services"]) == set(SERVICES)
    assert all(service["user"] == "10001:10001" and service["read_only"] for service in config["services"].values())


@pytest.fixture(scope="module")
def engine():
    if not compose_command():
        pytest.skip("SKIPPED: neither 'docker compose' nor docker-compose is installed")
    if not (DEPLOY / "docker/config/sources.yaml").stat().st_mode & 0o004:
        pytest.skip("SKIPPED: this checkout (umask?) hides deploy/docker/config from the containers' user")
    own = None
    try:
        own = Engine()
        own.start()
        own.try_out()
        own.import_base(BASE)
        own.try_build(BASE)
    except NoEngine as error:
        if own:
            own.stop()
        pytest.skip(f"SKIPPED: no container engine can work here: {error}")
    yield own
    own.stop()


class Chain:
    """`docker compose -f deploy/docker-compose.yml ...` in the test's engine, on free ports."""

    def __init__(self, engine):
        self.engine = engine
        self.ports = {name: free_port() for name in ("registry", "ingest", "inventory")}
        # In the test's engine nothing but the machine's own network leads to the mirrors.
        override = engine.folder / "build-network.yml"
        override.write_text(json.dumps({"services": {name: {"build": {"network": "host"}} for name in SERVICES}}))
        self.command = [*compose_command(), "-p", "musterchain", "-f", COMPOSE, "-f", override]
        self.environment = {**engine.environment, "MUSTER_BASE_IMAGE": BASE,
                            **{f"MUSTER_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}}

    def compose(self, *arguments, **options):
        return run(*self.command, *arguments, env=self.environment, **options)

    def must(self, *arguments):
        done = self.compose(*arguments)
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{' '.join(arguments)}: {last_words(said)}\n{said[-3000:]}"
        return done.stdout

    def build(self):
        with ThreadPoolExecutor(len(BUILDS)) as pool:
            list(pool.map(lambda names: self.must("build", *names), BUILDS))

    def inspect(self, name):
        container = self.must("ps", "-q", name).split()[0]
        return json.loads(self.engine.docker("inspect", container).stdout)[0]

    def health(self):
        return {name: self.inspect(name)["State"].get("Health", {}).get("Status") for name in sorted(LASTING)}

    def up(self):
        self.must("up", "-d")
        self.wait_healthy()

    def wait_healthy(self):
        wait_for("every service is healthy", lambda: set(self.health().values()) == {"healthy"} or self.health(), 90)

    def coverage(self):
        """{state: containers}; exit code 1 says that something is not covered."""
        shown = self.compose("exec", "-T", "inventory", "muster-inventory", "coverage", "--format=json")
        assert shown.returncode in (0, 1), shown.stderr
        return {row["state"]: int(row["containers"]) for row in json.loads(shown.stdout) if int(row["containers"])}

    def secret(self, service, path):
        return self.must("exec", "-T", service, "cat", f"/run/secrets/{path}")


def wait_for(what, check, timeout_s):
    deadline = time.monotonic() + timeout_s
    while (seen := check()) is not True:
        assert time.monotonic() < deadline, f"not so after {timeout_s} s: {what}; last seen: {seen}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def chain(engine):
    own = Chain(engine)
    own.build()
    own.up()
    yield own
    own.compose("down", "-v", "--remove-orphans", "-t", "20")


@pytest.fixture(scope="module")
def pushed(chain):
    """The digest of a real image with real findings, pushed to the chain's registry."""
    layout = images.Layout(chain.engine.folder / "image")
    image = layout.image([images.layer([images.fetch_deb(CACHE, "curl")])])
    return layout.push(image, f"127.0.0.1:{chain.ports['registry']}/apps/web:1.0")


@pytest.fixture(scope="module")
def running(chain, pushed):
    """A container of that image, told by hand as deploy/README.md says."""
    body = (DEPLOY / "docker/workload.json").read_text().replace("DIGEST", pushed)
    request = urllib.request.Request(f"http://127.0.0.1:{chain.ports['ingest']}/v1/sources/events", body.encode(), headers={
        "Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {chain.secret('ingest', 'webhook/bearer')}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202
    return pushed


@pytest.mark.parametrize("name", sorted(LASTING))
def test_a_container_is_as_locked_as_the_file_says(chain, name):
    settings = chain.inspect(name)
    assert settings["HostConfig"]["ReadonlyRootfs"] and settings["HostConfig"]["CapDrop"] == ["ALL"]
    assert chain.must("exec", "-T", name, "id", "-u").strip() == "10001"
    assert chain.compose("exec", "-T", name, "touch", "/usr/local/made").returncode != 0
    processes = chain.must("exec", "-T", name, "sh", "-c", "cat /proc/1/status")
    assert "CapEff:\t0000000000000000" in processes and "NoNewPrivs:\t1" in processes


def test_secrets_are_random_private_and_nowhere_else(chain):
    bearer, password = chain.secret("ingest", "webhook/bearer"), chain.secret("inventory", "inventory/pgpass")
    assert len(set(bearer)) > 4 and len(bearer) == 48 and len(password.split(":")[4]) == 48
    assert chain.must("exec", "-T", "ingest", "stat", "-c", "%a %u", "/run/secrets/webhook/bearer").split() == ["600", "10001"]
    for name in LASTING:
        assert bearer not in json.dumps(chain.inspect(name)) and password.split(":")[4] not in json.dumps(chain.inspect(name))
    for name in ("scanner", "inventory"):
        assert chain.compose("exec", "-T", name, "ls", "/run/secrets/database").returncode != 0


def test_the_database_wants_a_password(chain):
    asked = chain.compose("exec", "-T", "postgres", "psql", "-w", "-h", "127.0.0.1", "-U", "muster", "muster", "-c", "SELECT 1")
    assert asked.returncode != 0 and "password" in asked.stderr


def test_the_services_cannot_remove_an_audit_record(chain):
    for user, secret in (("muster_app", "inventory"), ("muster_report", "report")):
        asked = chain.compose("exec", "-T", "postgres", "sh", "-c", f"PGPASSWORD=$(cut -d: -f5 /run/secrets/{secret}/pgpass) "
                              f"psql -h 127.0.0.1 -U {user} muster -c 'DELETE FROM audit_log'")
        assert asked.returncode != 0 and "permission denied" in asked.stderr


def test_a_pushed_image_that_runs_becomes_covered(chain, running):
    wait_for("the container is covered", lambda: (seen := chain.coverage()) == {"covered": 1} or seen, 60)
    trail = chain.must("exec", "-T", "inventory", "muster-inventory", "explain", UAI)
    assert running in trail and "complete" in trail


def test_the_package_is_written_by_the_read_only_role_and_verifies(chain, running):
    wait_for("the container is covered", lambda: (seen := chain.coverage()) == {"covered": 1} or seen, 60)
    month, name = time.strftime("%Y-%m", time.gmtime()), "musterchain-report"
    chain.must("run", "-T", "--name", name, "report", "run", f"--month={month}", "--out=/packages/it")
    copied = chain.engine.docker("cp", f"{name}:/packages/it", chain.engine.folder / "package")
    assert copied.returncode == 0, copied.stderr
    manifest = json.loads((chain.engine.folder / "package/manifest.json").read_text())
    assert manifest["files"], manifest
    verified = chain.compose("run", "--rm", "-T", "report", "verify", "--no-gaps", "/packages/it")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    chain.engine.docker("rm", name)


def test_osv_files_that_somebody_puts_there_become_the_database(chain):
    first = DEPLOY.joinpath("demo/facts.tsv").read_text().splitlines()[0].split("\t")
    record = {"schema_version": "1.7.0", "id": f"DEBIAN-{first[0]}", "modified": "2026-11-01T00:00:00Z", "affected": [
        {"package": {"ecosystem": "Debian:12", "name": first[1]}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}
    folder = chain.engine.folder / "osv"
    folder.mkdir()
    with zipfile.ZipFile(folder / "Debian.zip", "w") as packed:
        packed.writestr(f"{record['id']}.json", json.dumps(record))
    built = run(*chain.command, "run", "--rm", "-T", "vulnerabilities", env={**chain.environment, "MUSTER_OSV_DIR": str(folder)})
    assert built.returncode == 0, built.stderr
    assert "records        1 " in built.stdout + built.stderr and "WARNING" not in built.stdout + built.stderr
    chain.must("restart", "scanner")
    chain.wait_healthy()


def test_a_new_start_keeps_facts_and_secrets_but_for_one_that_was_removed(chain, running):
    bearer, password = chain.secret("ingest", "webhook/bearer"), chain.secret("inventory", "inventory/pgpass")
    chain.must("run", "--rm", "-T", "--entrypoint", "rm", "setup", "inventory/pgpass")
    chain.must("down", "-t", "20")
    chain.up()
    assert chain.secret("ingest", "webhook/bearer") == bearer
    assert chain.secret("inventory", "inventory/pgpass") != password
    assert chain.coverage() == {"covered": 1}
    trail = chain.must("exec", "-T", "inventory", "muster-inventory", "explain", running)
    assert UAI in trail
