"""The main job: pushed images become rows of a workbook that proves itself."""

import gzip
import hashlib
import json
import shutil
import subprocess
import time
import urllib.request

from . import images, kafka
from .process import StackError
from .services import REGISTRY_NAME
from .stack import REPOSITORY

FACTS = REPOSITORY / "deploy/demo/facts.tsv"
SYSTEM = REPOSITORY / "deploy/demo/system.yaml"


def this_month():
    return time.strftime("%Y-%m", time.gmtime())


def write_osv(folder):
    """The demo's own small OSV set, from the table of facts; real ones come from osv.dev's zips."""
    folder.mkdir(parents=True, exist_ok=True)
    for line in FACTS.read_text().splitlines():
        cve, source, fixed, urgency, vector, summary = line.split("\t")
        events = [{"introduced": "0"}] + ([{"fixed": fixed}] if fixed else [])
        record = {"schema_version": "1.7.0", "id": f"DEBIAN-{cve}", "modified": "2026-11-01T00:00:00Z", "upstream": [cve],
                  "summary": f"{source}: {summary}",
                  "affected": [{"package": {"ecosystem": "Debian:12", "name": source},
                                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                                "ecosystem_specific": {"urgency": urgency}}]}
        if vector:
            record["severity"] = [{"type": "CVSS_V3", "score": vector}]
        (folder / f"DEBIAN-{cve}.json").write_text(json.dumps(record))
    return folder


def build_images(stack):
    """Pushes the demo's images; {name: digest}."""
    debs = {name: images.fetch_deb(stack.cache, name) for name in ("curl", "libssl3", "zlib1g", "tzdata", "busybox-static")}
    layout = images.Layout(stack.state / "images")
    web = layout.image([images.layer([debs["curl"], debs["libssl3"], debs["zlib1g"]])],
                       labels={"org.opencontainers.image.title": "web", "org.opencontainers.image.version": "1.0",
                               "org.opencontainers.image.vendor": "Example Agency"})
    web_again = layout.image([images.layer([debs["libssl3"], debs["zlib1g"]]), images.layer(files={"etc/motd": b"rebuilt\n"})],
                             labels={"org.opencontainers.image.title": "web", "org.opencontainers.image.version": "1.0"})
    tools = {arch: layout.image([images.layer([debs["tzdata"]], {"etc/arch": arch.encode()})], arch) for arch in ("amd64", "arm64")}
    index = layout.index([*tools.values(), layout.attestation(tools["amd64"])])
    push = lambda what, name: layout.push(what, f"{stack.registry.address}/{name}")
    digests = {"web:1.0 first": push(web, "apps/web:1.0"), "web:1.0": push(web_again, "apps/web:1.0"),
               "tools:2.0": push(index, "apps/tools:2.0")}
    digests |= {f"tools:2.0 {arch}": tools[arch]["digest"] for arch in tools}
    digests["shell:0.9"] = _umoci_image(stack, debs["busybox-static"])
    return digests


def _umoci_image(stack, deb):
    """One image made by umoci from scratch and a Debian package."""
    layout, tar = stack.state / "images-umoci", stack.state / "shell-layer.tar"
    shutil.rmtree(layout, ignore_errors=True)
    tar.write_bytes(gzip.decompress(images.layer([deb])))
    for step in (["init", "--layout", layout], ["new", "--image", f"{layout}:shell"],
                 ["raw", "add-layer", "--image", f"{layout}:shell", tar],
                 ["config", "--image", f"{layout}:shell", "--config.label", "org.opencontainers.image.title=shell"]):
        images.run_tool("umoci", *map(str, step))
    images.run_tool("skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:shell",
                f"docker://{stack.registry.address}/apps/shell:0.9")
    shown = images.run_tool("skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{stack.registry.address}/apps/shell:0.9")
    return "sha256:" + hashlib.sha256(shown).hexdigest()


def pod(number, name, image, image_id, node="node-amd64-1"):
    started = "2026-11-20T08:00:00Z"
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "prod", "uid": f"00000000-0000-4000-8000-{number:012d}",
                         "resourceVersion": str(1000 + number), "creationTimestamp": started,
                         "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name.rsplit("-", 1)[0],
                                              "uid": f"00000000-0000-4000-9000-{number:012d}", "controller": True}]},
            "spec": {"nodeName": node, "containers": [{"name": "app", "image": image}]},
            "status": {"phase": "Running", "startTime": started,
                       "containerStatuses": [{"name": "app", "image": image, "imageID": image_id, "ready": True, "restartCount": 0,
                                              "containerID": f"containerd://{number:064x}",
                                              "state": {"running": {"startedAt": started}}}]}}


def deploy_pods(stack, digests):
    """Pods as a cluster's watch would tell them."""
    ref = lambda name: f"{REGISTRY_NAME}/apps/{name}"
    never = "sha256:" + "5e" * 32
    pods = [pod(1, "web-7d9f-a", ref("web:1.0"), f"{ref('web')}@{digests['web:1.0']}"),
            pod(2, "web-7d9f-b", ref("web:1.0"), f"{ref('web')}@{digests['web:1.0 first']}"),
            pod(3, "tools-5c4d-a", ref("tools:2.0"), f"{ref('tools')}@{digests['tools:2.0']}"),
            pod(4, "tools-5c4d-b", ref("tools:2.0"), f"{ref('tools')}@{digests['tools:2.0 arm64']}", "node-arm64-1"),
            pod(5, "shell-6b8c-a", ref("shell:0.9"), f"{ref('shell')}@{digests['shell:0.9']}"),
            pod(6, "legacy-1a2b-a", ref("legacy:3.1"), f"{ref('legacy')}@{never}")]
    lines = "".join(json.dumps({"type": "ADDED", "object": one}) + "\n" for one in pods)
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{stack.kube_port}/replay", lines.encode(), method="POST"),
                           timeout=10).close()
    return len(pods)


def wait_until(what, check, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while True:
        seen = check()
        if seen is True:
            return
        if time.monotonic() > deadline:
            raise StackError(f"not {what} after {timeout_s} s (last seen: {seen}); './muster logs' shows what the services say")
        time.sleep(0.2)


def coverage(stack, *more):
    """`muster-inventory coverage` as rows."""
    done = subprocess.run([stack.services.program("inventory"), "coverage", f"--postgres={stack.postgres.conninfo()}",
                           "--format=json", *more], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise StackError(f"muster-inventory coverage: {done.stderr.strip()}")
    return json.loads(done.stdout)


def scans_settled(stack, digests):
    """True when every pushed digest has an outcome."""
    known = stack.postgres.sql("SELECT DISTINCT digest FROM scans").split()
    missing = [name for name, digest in digests.items() if digest not in known]
    return not missing or f"no scan yet of {', '.join(missing)}"


def show(*command):
    """Runs a program for the reader to see; its exit code."""
    return subprocess.run([str(part) for part in command], check=False).returncode


def run(stack, say):
    month, out = this_month(), stack.state / "bundle"
    say("Kafka's jars: checking, or fetching with Maven")
    kafka.fetch_jars(stack.cache)
    say("starting PostgreSQL, Kafka, the registry and a stand-in for a cluster")
    stack.start_backing()
    built = stack.build_database([write_osv(stack.state / "osv")])
    if built.returncode != 0:
        raise StackError(f"muster-scanner db build: {built.stderr}")
    say("starting inventory, ingest and scanner")
    stack.start_services()
    say("building images from Debian packages and pushing them with skopeo")
    digests = build_images(stack)
    for name, digest in digests.items():
        say(f"  {name:<18} {digest}")
    say("waiting for the registry's notifications to become scans")
    wait_until("scanned", lambda: scans_settled(stack, digests))
    count = deploy_pods(stack, digests)
    say(f"{count} pods start in cluster 'production'; waiting until every one has a coverage state")
    wait_until("correlated", lambda: correlated(stack, count))
    say("coverage now:")
    show(stack.services.program("inventory"), "coverage", f"--postgres={stack.postgres.conninfo()}")
    say(f"writing the package for {month}")
    _report(stack, month, out)
    say("done. Look at:")
    for line in (f"{out}/ (workbooks, JSON, raw scans, manifest.json; open report.html in a browser)", f"{stack.state}/logs/ (one log per process)",
                 f"{stack.services.program('inventory')} explain --postgres='{stack.postgres.conninfo()}' {REGISTRY_NAME}/apps/web:1.0",
                 "./muster status · ./muster down (stop) · ./muster clean (remove)"):
        say(f"  {line}")


def correlated(stack, count):
    """True when all pods are there and the six states will not change any more."""
    rows = {row["state"]: int(row["containers"]) for row in coverage(stack)}
    open_jobs = stack.postgres.sql("SELECT count(*) FROM scan_jobs WHERE state IN ('pending', 'issued')")
    return (sum(rows.values()) == count and open_jobs == "0") or f"{rows}, {open_jobs} open scan jobs"


def _report(stack, month, out):
    report = stack.services.program("report")
    shutil.rmtree(out, ignore_errors=True)
    wrote = show(report, "run", f"--month={month}", f"--system={SYSTEM}", f"--out={out}",
                 f"--postgres={stack.postgres.conninfo(user='muster_report')}", f"--inventory-url={stack.services.url('inventory')}")
    if wrote != 0:
        raise StackError("muster-report run failed; its message stands above")
    verified = show(report, "verify", out)
    if verified != 0:
        raise StackError(f"the package does not verify (exit code {verified}); its message stands above")
