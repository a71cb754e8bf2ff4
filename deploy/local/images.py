"""Real images for the demo and the tests: Debian packages put into OCI layers, without root.

A layer is the unpacked .deb files plus the dpkg status file that dpkg itself would have written.
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

from .process import StackError

OS_RELEASE = ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'
              'VERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n')


def run_tool(*argv, **options):
    done = subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise StackError(f"{' '.join(map(str, argv))}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def package_versions(name):
    """Versions Debian's mirrors offer now, oldest first."""
    lines = run_tool("apt-cache", "madison", name).decode().splitlines()
    versions = list(dict.fromkeys(line.split("|")[1].strip() for line in lines if "Sources" not in line))
    if not versions:
        raise StackError(f"apt knows no package '{name}': run 'apt-get update' as root once")
    return versions[::-1]


def fetch_deb(cache, name, version=None):
    """The .deb in the cache; downloads it when it is not there. `version` None: the oldest offered."""
    folder = Path(cache) / "debs"
    folder.mkdir(parents=True, exist_ok=True)
    have = sorted(folder.glob(f"{name}_{(version or '*').replace(':', '%3a')}_*.deb"))
    if not have:
        version = version or package_versions(name)[0]
        run_tool("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", f"{name}={version}", cwd=folder)
        have = sorted(folder.glob(f"{name}_{version.replace(':', '%3a')}_*.deb"))
    return have[0]


def _status_of(deb):
    control = run_tool("dpkg-deb", "-f", deb).decode()
    name, rest = control.split("\n", 1)
    return f"{name}\nStatus: install ok installed\n{rest.rstrip()}\n\n"


def _entry(name, data=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, len(data), 0o644 if kind == tarfile.REGTYPE else 0o755
    return info, io.BytesIO(data)


def layer(debs=(), files=None):
    """Bytes of a gzip layer: the packages, their dpkg status, os-release, and `files` {path: bytes}."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=1) as packed, \
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        if debs:
            status = "".join(_status_of(deb) for deb in debs)
            tar.addfile(*_entry("usr/lib/os-release", OS_RELEASE.encode()))
            tar.addfile(*_entry("etc/os-release", kind=tarfile.SYMTYPE, link="../usr/lib/os-release"))
            tar.addfile(*_entry("var/lib/dpkg/status", status.encode()))
        for deb in debs:
            with tarfile.open(fileobj=io.BytesIO(run_tool("dpkg-deb", "--fsys-tarfile", deb))) as content:
                for member in content:
                    member.name = member.name.removeprefix("./")
                    if member.name not in ("", "."):
                        tar.addfile(member, content.extractfile(member) if member.isreg() else None)
        for path, data in (files or {}).items():
            tar.addfile(*_entry(path, data))
    return out.getvalue()


DPKG = "Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: amd64\nMaintainer: nobody\nDescription: none\n\n"


def debian(*packages):
    """A layer of a Debian system with these (name, version)."""
    status = "".join(DPKG.format(name, version) for name, version in packages)
    return layer(files={"etc/os-release": OS_RELEASE.encode(), "var/lib/dpkg/status": status.encode()})


class Layout:
    """An OCI image layout on disk, to push with skopeo."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data, media_type, **more):
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}

    def _json(self, value, media_type, **more):
        return self.blob(json.dumps(value, sort_keys=True).encode(), media_type, **more)

    def image(self, layers, architecture="amd64", labels=None):
        """Descriptor of a platform manifest."""
        oci = "application/vnd.oci.image"
        descriptors = [self.blob(data, f"{oci}.layer.v1.tar+gzip") for data in layers]
        config = self._json({
            "architecture": architecture, "os": "linux", "created": "2026-11-01T00:00:00Z",
            "config": {"Labels": labels or {}, "Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(gzip.decompress(data)).hexdigest()
                                                      for data in layers]}}, f"{oci}.config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": f"{oci}.manifest.v1+json", "config": config, "layers": descriptors}
        return self._json(manifest, manifest["mediaType"], platform={"os": "linux", "architecture": architecture})

    def attestation(self, subject):
        """What BuildKit puts into an index beside each image: no image, never to be scanned."""
        oci = "application/vnd.oci.image"
        config = self._json({"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": []}},
                            f"{oci}.config.v1+json")
        statement = self.blob(b'{"_type":"https://in-toto.io/Statement/v0.1"}', "application/vnd.in-toto+json")
        manifest = {"schemaVersion": 2, "mediaType": f"{oci}.manifest.v1+json", "config": config, "layers": [statement]}
        return self._json(manifest, manifest["mediaType"], platform={"os": "unknown", "architecture": "unknown"},
                          annotations={"vnd.docker.reference.type": "attestation-manifest",
                                       "vnd.docker.reference.digest": subject["digest"]})

    def index(self, manifests):
        value = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
        return self._json(value, value["mediaType"])

    def push(self, descriptor, destination):
        """Copies the image or index to "host:port/path:tag" and returns its digest."""
        top = {k: v for k, v in descriptor.items() if k in ("mediaType", "digest", "size")}
        top["annotations"] = {"org.opencontainers.image.ref.name": "it"}
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
        run_tool("skopeo", "--insecure-policy", "copy", "-q", "--all", "--preserve-digests", "--dest-tls-verify=false",
             f"oci:{self.folder}:it", f"docker://{destination}",
             env={**os.environ, "TMPDIR": str(self.folder)})
        return descriptor["digest"]
