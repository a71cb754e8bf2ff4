"""A real Nomad agent drives ingest, with its containers in a real engine; where there is a `nomad`."""

import json
import shutil
import sys
import urllib.request

import pytest
from conftest import ROOT
from local import demo, images
from local.process import Process, free_port, http_ok

sys.path.insert(0, str(ROOT / "tests/compose"))

from engine import Engine, NoEngine, last_words  # noqa: E402


class Nomad:
    def __init__(self, engine):
        self.engine, self.port = engine, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Process(engine.folder, "nomad")
        self.config = engine.folder / "nomad.hcl"
        self.config.write_text(f"""
            ports {{ http = {self.port} rpc = {free_port()} serf = {free_port()} }}
            data_dir = "{engine.folder}/nomad"
            bind_addr = "127.0.0.1"
            advertise {{ http = "127.0.0.1" rpc = "127.0.0.1" serf = "127.0.0.1" }}
            server {{ enabled = true bootstrap_expect = 1 }}
            client {{ enabled = true options = {{
                "driver.allowlist" = "docker", "fingerprint.denylist" = "env_aws,env_azure,env_gce,env_digitalocean,consul,vault" }} }}
            plugin "docker" {{ config {{ endpoint = "{engine.address}" }} }}""")

    def start(self):
        self.process.start(["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "nomad", "agent", f"-config={self.config}"])
        self.process.wait_ready(lambda: http_ok(f"{self.url}/v1/agent/health"), 60, "healthy")

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode() if body else None, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def run(self, job, image, seconds="600"):
        self.call("PUT", "/v1/jobs", {"Job": {
            "ID": job, "Name": job, "Type": "service", "Datacenters": ["dc1"], "TaskGroups": [{
                "Name": "g", "Count": 1, "RestartPolicy": {"Attempts": 3, "Interval": 600 * 10**9, "Delay": 10**9, "Mode": "fail"},
                "Tasks": [{"Name": "web", "Driver": "docker", "KillTimeout": 10**9, "Resources": {"CPU": 50, "MemoryMB": 32}, "Config": {
                    "image": image, "command": "/bin/busybox", "args": ["sleep", seconds], "network_mode": "none"}}]}]}})


@pytest.fixture(scope="module")
def nomad():
    if not shutil.which("nomad"):
        pytest.skip("SKIPPED: there is no `nomad` on the PATH")
    engine = None
    try:
        engine = Engine()
        engine.start()
        engine.try_out()
    except NoEngine as error:
        if engine:
            engine.stop()
        pytest.skip(f"SKIPPED: no container engine can work here: {error}")
    own = Nomad(engine)
    try:
        own.start()
        yield own
    finally:
        own.process.stop(timeout_s=30)
        engine.stop()


@pytest.fixture(scope="module")
def stack(nomad, new_stack):
    config = nomad.engine.folder / "sources.yaml"
    config.write_text(json.dumps({"sources": [{"name": "nomad", "kind": "nomad", "cluster": "dc1", "url": nomad.url}]}))
    own = new_stack("nomad", {"ingest": {"config": config}})
    layout = images.Layout(nomad.engine.folder / "image")
    shell = layout.image([images.layer([images.fetch_deb(own.cache, "busybox-static")])])
    nomad.references = [f"{own.registry.address}/apps/box:{tag}" for tag in ("1.0", "2.0")]
    for reference in nomad.references:
        layout.push(shell, reference)
        pulled = nomad.engine.docker("pull", reference)
        assert pulled.returncode == 0, last_words(pulled.stderr)
    for name in ("inventory", "ingest"):
        own.services.start(name)
        own.services.wait_ready(name)
    return own


def runs(stack, job):
    """'1.0:ended 2.0:running': every run of a job, oldest first."""
    return stack.postgres.sql(
        "SELECT COALESCE(string_agg(r.tag || ':' || CASE WHEN r.ended_at IS NULL THEN 'running' ELSE 'ended' END, ' ' "
        "ORDER BY r.started_at), '') FROM runs r JOIN instances i USING (instance_id) "
        f"JOIN pods p ON p.cluster = i.cluster AND p.pod_uid = i.pod_uid WHERE p.owner_name = '{job}'")


def wait(stack, job, expected):
    demo.wait_until(f"{job}: {expected}", lambda: runs(stack, job) == expected, 60)


def test_a_job_runs_is_updated_and_stops(nomad, stack):
    nomad.run("shop", nomad.references[0])
    wait(stack, "shop", "1.0:running")
    nomad.run("shop", nomad.references[1])
    wait(stack, "shop", "1.0:ended 2.0:running")
    nomad.call("DELETE", "/v1/job/shop")
    wait(stack, "shop", "1.0:ended 2.0:ended")


def test_what_happens_while_ingest_is_dead_is_told_afterwards(nomad, stack):
    nomad.run("stays", nomad.references[0])
    nomad.run("changes", nomad.references[0])
    wait(stack, "stays", "1.0:running")
    wait(stack, "changes", "1.0:running")
    stack.services.process["ingest"].kill()
    nomad.run("changes", nomad.references[1])
    demo.wait_until("updated", lambda: [alloc["ClientStatus"] for alloc in nomad.call("GET", "/v1/job/changes/allocations")
                                        if alloc["JobVersion"] == 1] == ["running"], 60)
    stack.services.start("ingest")
    stack.services.wait_ready("ingest")
    wait(stack, "changes", "1.0:ended 2.0:running")
    wait(stack, "stays", "1.0:running")


def test_each_start_of_a_task_is_a_run_of_its_own(nomad, stack):
    nomad.run("again", nomad.references[0])
    wait(stack, "again", "1.0:running")
    container = nomad.engine.docker("ps", "-q", "--filter", "name=web-" + nomad.call(
        "GET", "/v1/job/again/allocations")[0]["ID"]).stdout.strip()
    assert nomad.engine.docker("kill", container).returncode == 0
    wait(stack, "again", "1.0:ended 1.0:running")


def test_nothing_was_told_that_is_not_understood(stack):
    assert stack.postgres.sql("SELECT count(*) FROM ledger WHERE state = 'quarantined'") == "0"
    assert '"level":"error"' not in stack.services.process["ingest"].log.read_text()
