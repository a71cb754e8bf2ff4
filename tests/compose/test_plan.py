"""What can be said of the compose file and its Dockerfiles without an engine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from plan import (COMPOSE, DEPLOY, DOCKERFILES, JOBS, LASTING, PLAN, ROOT, SERVICES, defaults, dockerfile, instructions,
                  packages, stages)

BIN = Path(os.environ.get("MUSTER_BIN", ROOT / "build/release/bin")).resolve()
PROGRAMS = ("ingest", "scanner", "inventory", "report")
# What a library reads at run time without linking it: the certificates of https.
NOT_LINKED = {"libcurl4": {"ca-certificates"}}

all_services = pytest.mark.parametrize("name", sorted(SERVICES))


def program(name):
    path = BIN / f"muster-{name}"
    if not path.exists():
        pytest.skip(f"SKIPPED: {path} is not built, so there is no program to ask")
    return path


@all_services
def test_a_service_is_not_root_and_cannot_become_it(name):
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service and "privileged" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    last_user = [rest for word, rest in stages(dockerfile(name))[service["build"]["target"]] if word == "USER"][-1]
    assert last_user == service["user"]


@all_services
def test_a_service_that_stays_has_a_health_check_and_comes_back(name):
    service = SERVICES[name]
    if name in JOBS:
        assert "restart" not in service and "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", sorted(LASTING))
def test_the_health_check_runs_something_the_image_has(name):
    stage = stages(dockerfile(name))[SERVICES[name]["build"]["target"]]
    tool = SERVICES[name]["healthcheck"]["test"][1]
    copied = any(word == "COPY" and f"/{tool} " in rest + " " for word, rest in stage)
    debian = {"bash": True, "pg_isready": "postgresql-15" in packages(stage)}.get(tool, False)
    assert copied or debian, f"{tool} is not in the image"


def test_a_health_check_asks_for_readiness_on_the_port_the_service_listens_on():
    for name in ("ingest", "scanner", "inventory"):
        _, tool, port, path = SERVICES[name]["healthcheck"]["test"]
        assert (tool, path) == ("http-ready", "/readyz")
        assert f"--listen=0.0.0.0:{port}" in SERVICES[name]["command"]


def test_ports_on_the_host_are_loopback_and_do_not_collide():
    published = [defaults(port).split(":") for service in SERVICES.values() for port in service.get("ports", [])]
    assert {address for address, _, _ in published} == {"127.0.0.1"}
    assert len({host for _, host, _ in published}) == len(published) == 3
    for name, service in SERVICES.items():
        exposed = [rest for word, rest in stages(dockerfile(name))[service["build"]["target"]] if word == "EXPOSE"]
        assert {defaults(port).split(":")[2] for port in service.get("ports", [])} <= set(exposed)


@all_services
def test_the_dockerfile_and_its_stage_are_there(name):
    build = SERVICES[name]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert build["target"] in stages(dockerfile(name))
    assert defaults(build["args"]["BASE"]) == "debian:12-slim"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_is_built_on_the_base_alone_and_leaves_nothing_behind(path):
    found = instructions(path)
    assert found[0] == ("ARG", "BASE=debian:12-slim")
    for name, stage in stages(path).items():
        assert stage[0][1] == "${BASE}" or stage[0][1] in stages(path), name
    for word, rest in found:
        assert word in ("ARG", "FROM", "ENV", "WORKDIR", "RUN", "COPY", "USER", "EXPOSE", "ENTRYPOINT", "CMD", "STOPSIGNAL")
        if "apt-get install" in rest:
            assert "--no-install-recommends" in rest and "rm -rf /var/lib/apt/lists/*" in rest, rest
    secret = re.compile(r"passw|secret.*=|token.*=", re.IGNORECASE)
    assert not [rest for word, rest in found if word in ("ENV", "ARG") and secret.search(rest)]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_a_dockerfile_copies_is_committed_and_sent_to_the_engine(path):
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for word, rest in instructions(path):
        if word != "COPY" or rest.startswith("--from="):
            continue
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source == "." or f"!{source.split('/')[0]}" in ignored, f"{source} is not sent"
            assert source not in ignored, f"{source} is not sent"


def test_scripts_are_executable_and_parse():
    scripts = [path for path in (DEPLOY / "docker").iterdir() if path.is_file() and path.read_text().startswith("#!")]
    assert len(scripts) >= 7
    for path in scripts:
        shell = path.read_text().splitlines()[0].removeprefix("#!")
        assert os.access(path, os.X_OK), path
        done = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def _given(text):
    return set(re.findall(r"--[a-z][a-z-]+(?==)", text))


def _options_of(service):
    shown = "".join(subprocess.run([program(service), "help", command], capture_output=True, text=True, check=False).stdout
                    for command in ("run", "db"))
    return set(re.findall(r"--[a-z][a-z-]+(?==)", shown)), shown


@pytest.mark.parametrize("service", PROGRAMS)
def test_options_given_to_a_program_are_its_own(service):
    known, shown = _options_of(service)
    given = _given(" ".join(SERVICES[service].get("command", [])))
    for path in (DEPLOY / "docker").iterdir():
        if path.is_file() and (found := re.findall(rf"^exec muster-{service} (.*)$", path.read_text(), re.MULTILINE)):
            given |= _given(found[0])
    assert given <= known, given - known
    assert given or service == "report"
    for variable in SERVICES[service].get("environment", {}):
        if variable not in ("PGPASSFILE", "MUSTER_REGISTRY_PORT"):
            option = "--" + variable.removeprefix("MUSTER_").lower().replace("_", "-")
            assert option in known or f"{variable.removesuffix('_FILE')}[_FILE]" in shown, variable


def _owner(library):
    """Debian package of a library the loader finds."""
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    path = Path(re.search(rf"^\s*{re.escape(library)} .*=> (\S+)", listed, re.MULTILINE)[1])
    for candidate in (path, path.resolve(), Path("/usr" + str(path)), Path(str(path).removeprefix("/usr"))):
        asked = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return asked.stdout.split(":")[0]
    raise AssertionError(f"no package has {library}")


@pytest.mark.parametrize("service", PROGRAMS)
def test_an_image_has_the_libraries_its_program_needs_and_no_others(service):
    if not shutil.which("dpkg-query") or "VERSION_CODENAME=bookworm" not in Path("/etc/os-release").read_text():
        pytest.skip("SKIPPED: package names are those of Debian 12, which this machine is not")
    dynamic = subprocess.run(["readelf", "-d", program(service)], capture_output=True, text=True, check=True).stdout
    needed = {_owner(library) for library in re.findall(r"NEEDED.*\[(\S+)\]", dynamic)} - {"libc6"}
    needed |= {more for name in needed for more in NOT_LINKED.get(name, ())}
    assert packages(stages(dockerfile(service))[service]) == needed


def test_every_volume_and_network_is_declared_and_used():
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])
            if not volume.startswith("$")}
    assert used == set(PLAN["volumes"])
    assert {network for service in SERVICES.values() for network in service.get("networks", [])} == set(PLAN["networks"])


def test_a_secret_is_mounted_only_by_those_who_share_it():
    holders = {}
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source, _, mode = (volume.split(":") + [""])[:3]
            if source.startswith("secret-"):
                holders.setdefault(source, set()).add(name)
                assert mode == "ro" or name == "setup", volume
    assert holders == {"secret-webhook": {"setup", "registry", "ingest"},
                       "secret-evidence": {"setup", "scanner", "inventory"},
                       "secret-database": {"setup", "postgres", "migrate"},
                       "secret-inventory": {"setup", "postgres", "inventory"},
                       "secret-report": {"setup", "postgres", "report"}}


def test_only_those_who_may_reach_the_database_and_the_brokers():
    members = {network: {name for name, service in SERVICES.items() if network in service.get("networks", [])}
               for network in PLAN["networks"]}
    assert members["database"] == {"postgres", "migrate", "inventory", "report"}
    assert members["bus"] == {"kafka", "ingest", "scanner", "inventory"}
    assert all(PLAN["networks"][network].get("internal") for network in ("bus", "database"))


def test_only_what_migrates_logs_in_as_the_owner():
    logins = {name: re.search(r"\buser=(\w+)", service["environment"]["MUSTER_POSTGRES"])[1] for name, service in SERVICES.items()
              if "MUSTER_POSTGRES" in service.get("environment", {})}
    assert logins == {"migrate": "muster", "inventory": "muster_app", "report": "muster_report"}
    assert "migrate" in JOBS


def test_files_mounted_from_the_tree_are_there():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            if volume.startswith("$"):
                assert (DEPLOY / defaults(volume).split(":")[0]).exists(), volume


def test_the_sources_and_registries_name_the_same_registry():
    sources = yaml.safe_load((DEPLOY / "docker/config/sources.yaml").read_text())["sources"]
    known = {one["host"] for one in yaml.safe_load((DEPLOY / "docker/config/registries.json").read_text())["registries"]}
    assert {name for source in sources for name in source.get("repository_aliases", {}).values()} == known
    secrets = {source["auth"]["bearer_file"] for source in sources}
    assert secrets == {"/run/secrets/webhook/bearer"}


def test_every_setting_of_the_compose_file_is_described_with_its_default():
    text, described = COMPOSE.read_text(), (DEPLOY / ".env").read_text()
    for name, value in set(re.findall(r"\$\{(\w+):-([^}]*)\}", text)):
        assert re.search(rf"^# {name}={re.escape(value)}(\s|$)", described, re.MULTILINE), name


def test_the_chain_starts_in_an_order_that_loses_nothing():
    """Who tells waits for who listens: a push that nobody hears would be found by nobody."""
    waits = {name: {other for other, how in service.get("depends_on", {}).items() if how["condition"] == "service_healthy"}
             for name, service in SERVICES.items()}
    assert waits["registry"] == {"ingest"} and waits["ingest"] == {"kafka"}
    assert waits["inventory"] == {"kafka", "postgres"} and waits["scanner"] == {"kafka", "inventory"}
    assert SERVICES["inventory"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert LASTING == {"kafka", "postgres", "registry", "ingest", "scanner", "inventory"}
