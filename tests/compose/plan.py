"""deploy/docker-compose.yml and its Dockerfiles as the tests see them."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "docker-compose.yml"
DOCKERFILES = sorted((DEPLOY / "docker").glob("*.Dockerfile"))
PLAN = yaml.safe_load(COMPOSE.read_text())
SERVICES = PLAN["services"]
# Those that others wait for to end, and those somebody asks for: they do their work and go.
JOBS = {name for service in SERVICES.values() for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"} | {name for name, s in SERVICES.items() if "profiles" in s}
LASTING = set(SERVICES) - JOBS


def defaults(text):
    """The text with every ${NAME:-default} as it is when nobody sets NAME."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def dockerfile(service):
    build = SERVICES[service]["build"]
    return (DEPLOY / build["context"] / build["dockerfile"]).resolve()


def instructions(path):
    """[(word, rest)] of a Dockerfile, continued lines joined, comments dropped."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stages(path):
    """{stage: [(word, rest)]}, each with the instructions of the stage it is built from first."""
    found, name = {}, None
    for word, rest in instructions(path):
        if word == "FROM":
            base, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()
            found[name] = [("BASE", base), *found.get(base, [])]
        elif name:
            found[name].append((word, rest))
    return found


def packages(stage):
    """Debian packages that a stage's RUN lines install."""
    runs = " && ".join(rest for word, rest in stage if word == "RUN")
    return {name for step in re.split(r"&&|;", runs) if "apt-get install" in step
            for name in step.split("apt-get install")[1].split() if not name.startswith("-")}
