#!/usr/bin/env python3
"""Seconds and memory of one scan, as a ratio to `igzip -dc | openssl dgst -sha256` on the same layers in the same run.

    python3 bench/scan.py [ROOT [ROUNDS]]       after ./muster build; needs debootstrap (as root), docker-registry, isal

ROOT is a folder with a root file system; when it is not there it is made with debootstrap (Debian 12 with python3-pip,
openjdk-17-jre-headless and nodejs; about 670 MB). It is pushed as an image of one layer and as one of six, and each is
scanned in turns with the floor, then once more with a warm cache. When `syft` is on PATH it scans the same images.
Memory is the sum over all processes of a scan, looked at every few milliseconds.
"""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "deploy"))

from local import demo  # noqa: E402
from local.registry import Registry  # noqa: E402

BIN = Path(os.environ.get("MUSTER_BIN", REPOSITORY / "build/release/bin")).resolve()
OCI = "application/vnd.oci.image"
PACKAGES = "python3-pip,openjdk-17-jre-headless,nodejs"
PARTS = 6


def make_root(folder):
    if not (folder / "usr").exists():
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder)], check=True,
                       stdout=subprocess.DEVNULL)


def split(folder):
    """The root's files in PARTS lists of about the same size, in the order of a tar of the whole."""
    paths, sizes = [], []
    for top, folders, files in os.walk(folder):
        folders.sort()
        inside = os.path.relpath(top, folder)
        links = [name for name in folders if os.path.islink(os.path.join(top, name))]
        for name in sorted(files) + links:
            path = os.path.join(inside, name)
            paths.append(os.path.normpath(path))
            sizes.append(os.lstat(os.path.join(top, name)).st_size)
    lists, share, total = [[] for _ in range(PARTS)], sum(sizes) / PARTS, 0
    for path, size in zip(paths, sizes):
        lists[min(int(total / share), PARTS - 1)].append(path)
        total += size
    return lists


def make_layer(folder, paths, out):
    """One gzip layer of the paths (None: all); (file, digest, diff_id)."""
    names = [] if paths is None else ["--no-recursion", "--files-from=-"]
    tar = subprocess.Popen(["tar", "-C", str(folder), "--sort=name", "--numeric-owner", "-cf", "-", *names,
                            *(["."] if paths is None else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    feeder = threading.Thread(target=lambda: (tar.stdin.write("\n".join(paths or []).encode()), tar.stdin.close()))
    feeder.start()
    diff_id = hashlib.sha256()
    with open(out, "wb") as packed, subprocess.Popen(["gzip", "-6", "-n"], stdin=subprocess.PIPE, stdout=packed) as gzip:
        while piece := tar.stdout.read(1 << 20):
            diff_id.update(piece)
            gzip.stdin.write(piece)
        gzip.stdin.close()
    feeder.join()
    if tar.wait() != 0 or gzip.returncode != 0:
        sys.exit("tar or gzip failed")
    digest = hashlib.sha256(Path(out).read_bytes()).hexdigest()
    return out, f"sha256:{digest}", f"sha256:{diff_id.hexdigest()}"


def put_blob(address, name, data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    begun = urllib.request.urlopen(urllib.request.Request(f"http://{address}/v2/{name}/blobs/uploads/", data=b"", method="POST"))
    place = begun.headers["Location"]
    urllib.request.urlopen(urllib.request.Request(f"{place}{'&' if '?' in place else '?'}digest={digest}", data=data, method="PUT",
                                                  headers={"Content-Type": "application/octet-stream"})).close()
    return {"digest": digest, "size": len(data)}


def push(address, name, layers):
    described = [{"mediaType": f"{OCI}.layer.v1.tar+gzip", **put_blob(address, name, Path(path).read_bytes())} for path, _, _ in layers]
    config = json.dumps({"os": "linux", "architecture": "amd64",
                         "rootfs": {"type": "layers", "diff_ids": [diff_id for _, _, diff_id in layers]}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json",
                           "config": {"mediaType": f"{OCI}.config.v1+json", **put_blob(address, name, config)},
                           "layers": described}).encode()
    urllib.request.urlopen(urllib.request.Request(f"http://{address}/v2/{name}/manifests/1", data=manifest, method="PUT",
                                                  headers={"Content-Type": f"{OCI}.manifest.v1+json"})).close()


def family_rss(pid):
    """Bytes of a process and those below it."""
    total, waiting = 0, [pid]
    while waiting:
        at = waiting.pop()
        try:
            total += int(Path(f"/proc/{at}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in os.listdir(f"/proc/{at}/task"):
                waiting += map(int, Path(f"/proc/{at}/task/{task}/children").read_text().split())
        except (OSError, IndexError):
            continue
    return total


def measured(command, environment=None):
    """(seconds, peak bytes, output)"""
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        child = subprocess.Popen(command, stdout=out, env={**os.environ, **(environment or {})})
        peak = 0
        while child.poll() is None:
            peak = max(peak, family_rss(child.pid))
            time.sleep(0.01)
        seconds = time.monotonic() - began
        out.seek(0)
        text = out.read().decode(errors="replace")
    if child.returncode != 0:
        sys.exit(f"{command[0]} ended with {child.returncode}:\n{text[-2000:]}")
    return seconds, peak, text


def floor(layers):
    files = " ".join(f"'{path}'" for path, _, _ in layers)
    return measured(["sh", "-c", f"for f in {files}; do igzip -dc $f | openssl dgst -sha256; done"])[0]


class Bench:
    def __init__(self, state, rounds):
        self.state, self.rounds = state, rounds
        self.registry = Registry(state)
        self.registry.start()
        self.registry.wait_ready()
        self.database, self.book = state / "v.db", state / "book.json"
        subprocess.run([str(BIN / "muster-scanner"), "db", "build", f"--out={self.database}", str(demo.write_osv(state / "osv"))],
                       check=True, stdout=subprocess.DEVNULL)
        self.book.write_text(json.dumps({"registries": [{"host": "registry.example", "url": f"http://{self.registry.address}"}]}))

    def scan(self, name, *options):
        return measured([str(BIN / "muster-scanner"), "scan", f"--database={self.database}", f"--registries={self.book}",
                         "--format=json", *options, f"registry.example/{name}:1"])

    def syft(self, name):
        if not shutil.which("syft"):
            return None
        return measured(["syft", "-q", "-o", "json", f"registry:{self.registry.address}/{name}:1"],
                        {"SYFT_REGISTRY_INSECURE_USE_HTTP": "true", "SYFT_CHECK_FOR_APP_UPDATE": "false"})

    def compare(self, name, layers):
        push(self.registry.address, name, layers)
        ours, floors, peaks, syfts, syft_peaks = [], [], [], [], []
        for _ in range(self.rounds):
            seconds, peak, text = self.scan(name)
            ours.append(seconds)
            peaks.append(peak)
            floors.append(floor(layers))
            if found := self.syft(name):
                syfts.append(found[0])
                syft_peaks.append(found[1])
        cache = self.state / f"cache-{name}"
        cold = self.scan(name, f"--cache-dir={cache}")[0]
        warm = min(self.scan(name, f"--cache-dir={cache}")[0] for _ in range(self.rounds))
        mine, bare = min(ours), min(floors)
        print(f"scan of {len(layers)} layer(s): {mine:.2f} s (median {statistics.median(ours):.2f}), {max(peaks) / 2**20:.0f} MiB, "
              f"{json.loads(text)['counts']['packages']} packages; floor igzip -dc | openssl dgst -sha256: {bare:.2f} s; "
              f"ratio to the floor {bare / mine:.2f}")
        print(f"  second scan from the cache: {warm:.3f} s, {100 * warm / cold:.1f} % of the first ({cold:.2f} s)")
        if syfts:
            print(f"  syft: {min(syfts):.2f} s, {max(syft_peaks) / 2**20:.0f} MiB; ratio ours/syft {mine / min(syfts):.2f}")
        else:
            print("  SKIPPED: syft is not on PATH (go install github.com/anchore/syft/cmd/syft@latest)")


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "/var/tmp/muster-bench-root")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    make_root(root)
    with tempfile.TemporaryDirectory(prefix="muster-bench-", dir="/var/tmp") as folder:
        state = Path(folder)
        one = [make_layer(root, None, state / "one.tar.gz")]
        six = [make_layer(root, paths, state / f"six-{i}.tar.gz") for i, paths in enumerate(split(root))]
        bench = Bench(state, rounds)
        try:
            bench.compare("one", one)
            bench.compare("six", six)
        finally:
            bench.registry.process.stop()


if __name__ == "__main__":
    main()
