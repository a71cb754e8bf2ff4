"""OCI image layouts on disk, written by hand; skopeo makes everything else of them."""

import gzip
import hashlib
import io
import json
import random
import tarfile

OCI = "application/vnd.oci.image"
DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
STATUS = b"Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.11-1~deb12u1\n\n"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


class Layout:
    """A folder with images of a small Debian; `large` is a file of that many bytes that cannot be compressed."""

    def __init__(self, folder, large=0):
        self.folder, self.large = folder, random.Random(5).randbytes(large)
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.entries = []

    def blob(self, data, media_type, **more):
        digest = digest_of(data)
        (self.folder / "blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def image(self, architecture="amd64"):
        """The descriptor of a new image."""
        layers, diff_ids = [], []
        for files in ({"etc/os-release": DEBIAN, "var/lib/dpkg/status": STATUS}, {"arch": architecture.encode(), "large": self.large}):
            tar = tar_of(files)
            diff_ids.append(digest_of(tar))
            layers.append(self.blob(gzip.compress(tar, 1, mtime=0), f"{OCI}.layer.v1.tar+gzip"))
        config = json.dumps({"os": "linux", "architecture": architecture, "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}})
        manifest = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json",
                    "config": self.blob(config.encode(), f"{OCI}.config.v1+json"), "layers": layers}
        return self.blob(json.dumps(manifest).encode(), f"{OCI}.manifest.v1+json", platform={"os": "linux", "architecture": architecture})

    def index(self, *entries):
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": list(entries)}
        return self.blob(json.dumps(index).encode(), f"{OCI}.index.v1+json")

    def tag(self, name, entry):
        self.entries.append({**entry, "annotations": {"org.opencontainers.image.ref.name": name}})
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.entries}))
