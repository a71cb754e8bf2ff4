"""The table of hostile images: how each is made, and what a scan of it has to end in.

Every image has an honest layer of a small Debian below the hostile one, so that a scan also shows what is kept of the rest.
"""

import gzip
import hashlib
import json
import os
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import hostile_bytes as h
from layouts import DEBIAN, OCI, STATUS, digest_of, tar_of

DEEP = b"d/" * 100
KIB, MIB = 1024, 1024 * 1024


@dataclass
class Case:
    name: str
    make: Callable  # (empty folder) -> path to scan
    outcome: str    # "complete", the code of the first failure, or "exit 2", "exit 3"
    says: str = ""  # part of a failure's or note's message, or of what is said on standard error
    options: tuple = ()
    keeps: bool = True  # the honest layer's package is among the packages
    memory_mib: int = 128


# ---- images ----

class Blobs:
    """A layout under construction."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "blobs/sha256").mkdir(parents=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def path(self, digest):
        return self.folder / "blobs/sha256" / digest.removeprefix("sha256:")

    def put(self, data, media_type, **more):
        digest = digest_of(data)
        self.path(digest).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def put_json(self, value, media_type, **more):
        return self.put(value if isinstance(value, bytes) else json.dumps(value).encode(), media_type, **more)

    def index_json(self, *entries):
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
        return self.folder


BASE_TAR = tar_of({"etc/os-release": DEBIAN, "var/lib/dpkg/status": STATUS})


def image(folder, layers=(), config=None, manifest=None, base=True, edit=None):
    """layers: [(blob, diff_id)]. `config` and `manifest` are members to set, or bytes in their place; `edit` changes the descriptors."""
    blobs = Blobs(folder)
    layers = ([(gzip.compress(BASE_TAR, 1, mtime=0), digest_of(BASE_TAR))] if base else []) + list(layers)
    descriptors = [blobs.put(blob, f"{OCI}.layer.v1.tar+gzip") for blob, _ in layers]
    if edit:
        edit(descriptors)
    own = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]}}
    own = config if isinstance(config, bytes) else json.dumps(own | (config or {})).encode()
    whole = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": blobs.put(own, f"{OCI}.config.v1+json"),
             "layers": descriptors}
    whole = manifest if isinstance(manifest, bytes) else json.dumps(whole | (manifest or {})).encode()
    return blobs.index_json(blobs.put(whole, f"{OCI}.manifest.v1+json"))


def packed(blob, unpacked=b"", **more):
    """An image whose second layer is this blob."""
    return lambda folder: image(folder, [(blob() if callable(blob) else blob, digest_of(unpacked))], **more)


def tar(content, **more):
    """An image whose second layer is this tar, packed as is usual."""
    def make(folder):
        data = content() if callable(content) else content
        return image(folder, [(h.gzip_member(data), digest_of(data))], **more)
    return make


def layers_of(content, count):
    """An image with so many layers more, each the tar content(number)."""
    def make(folder):
        return image(folder, [(h.gzip_member(data), digest_of(data)) for data in map(content, range(count))])
    return make


def many_packages(number, count):
    return b"".join(h.entry(b"app/%d/node_modules/p%d-%d/package.json" % (number, number, n), b'{"name":"p%d-%d","version":"1.0.%d","license":"MIT"}' % (number, n, n))
                    for n in range(count)) + h.END


def sparse_database(folder):
    """A package database whose tar leaves the hole behind it out."""
    head = h.header(b"var/lib/dpkg/status", h.GNU_SPARSE, len(STATUS), magic=b"ustar  \0", tail=bytes(41) + b"00000000000\0%011o\0" % len(STATUS) + bytes(72) + b"\0"
                    + h.base256(1 << 20))
    return tar(head + h.padded(STATUS) + h.END)(folder)


def holds(path, data):
    """An image whose second layer has this file."""
    return tar(lambda: h.long_name(path.encode()) * (len(path) > 100) + h.entry(path.encode(), data() if callable(data) else data) + h.END)


def manifest_with(**members):
    return lambda folder: image(folder, manifest=members)


# ---- kinds that need more than a line ----

def zstd_of(data, **more):
    return h.zstd_frame([data], **more)


def gzip_of_zeros(size):
    """A tar with one file of so many zeros, in members of 16 MiB: (blob, diff_id)."""
    head, piece = h.header(b"zeros", size=size), bytes(16 * MIB)
    hashed = hashlib.sha256(head)
    for _ in range(size // len(piece)):
        hashed.update(piece)
    hashed.update(h.END)
    return h.gzip_repeated(head, piece, size // len(piece)) + h.gzip_member(h.END), "sha256:" + hashed.hexdigest()


def many_layers(count, same=False):
    def make(folder):
        layers = []
        for number in range(count):
            data = h.entry(b"same" if same else b"f%d" % number, b"x") + h.END
            layers.append((h.gzip_member(data), digest_of(data)))
        return image(folder, layers)
    return make


def index_cycle(folder):
    """Two indexes cannot hold each other's digest: the second blob is not what its name says."""
    blobs = Blobs(folder)
    fake = "sha256:" + "ab" * 32
    inner = blobs.put_json({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [
        {"mediaType": f"{OCI}.index.v1+json", "digest": fake, "size": 300}]}, f"{OCI}.index.v1+json")
    blobs.path(fake).write_text(json.dumps({"schemaVersion": 2, "manifests": [inner]}))
    return blobs.index_json(inner)


def index_nested(depth):
    def make(folder):
        image(folder)
        blobs = Blobs.__new__(Blobs)
        blobs.folder = Path(folder)
        at = json.loads((blobs.folder / "index.json").read_text())["manifests"][0] | {"platform": {"os": "linux", "architecture": "amd64"}}
        for _ in range(depth):
            at = blobs.put_json({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [at]}, f"{OCI}.index.v1+json")
        return blobs.index_json(at)
    return make


def blob_is(what):
    """The second layer's blob is something else than a file of the folder."""
    def make(folder):
        data = h.entry(b"f", b"x") + h.END
        path = image(folder, [(h.gzip_member(data), digest_of(data))])
        blob = path / "blobs/sha256" / digest_of(h.gzip_member(data)).removeprefix("sha256:")
        content = blob.read_bytes()
        blob.unlink()
        what(blob, content)
        return path
    return make


def link_out(blob, content):
    outside = blob.parents[3] / "outside"
    outside.write_bytes(content)
    blob.symlink_to(outside)


def saved(entries, names, more=b""):
    """What `docker save` might write: `names` are (name, bytes) or raw entries of a tar."""
    def make(folder):
        out = b"".join(name if isinstance(name, bytes) else h.entry(*name) for name in names)
        path = Path(folder) / "saved.tar"
        path.write_bytes(out + h.entry(b"manifest.json", entries if isinstance(entries, bytes) else json.dumps(entries).encode()) + more + h.END)
        return path
    return make


SAVED_CONFIG = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [digest_of(BASE_TAR)]}}).encode()
SAVED_BASE = [(b"config.json", SAVED_CONFIG), (b"base/layer.tar", BASE_TAR)]


def saved_entry(config="config.json", layers=("base/layer.tar",)):
    return [{"Config": config, "RepoTags": ["app:1.0"], "Layers": list(layers)}]


def whole_file(name, data):
    def make(folder):
        path = Path(folder) / name
        path.write_bytes(data() if callable(data) else data)
        return path
    return make


def status_with_line(size):
    return STATUS + b"Package: long\nStatus: install ok installed\nVersion: 1\nDescription: " + b"x" * size + b"\n\n" + STATUS.replace(
        b"libssl3", b"after")


CROWD = b"".join(h.entry(b"etc/passwd", b"root:x:0:0::/:/bin/sh\n") for _ in range(5000))
JAR = "app/app.jar"
DEP_BOMB = h.cargo_bomb(7 * MIB)
DIST = "usr/lib/python3/dist-packages/x-1.0.dist-info/METADATA"
NODE = "app/node_modules/deep/package.json"
RPM = "var/lib/rpm/"


PACKING = [
    Case("gzip bomb, larger than a layer may be", lambda folder: image(folder, [gzip_of_zeros(512 * MIB)]), "limit", "",
         ("--max-layer-unpacked-bytes=256MiB",)),
    Case("gzip bomb, larger than an image may be", lambda folder: image(folder, [gzip_of_zeros(512 * MIB)]), "limit", "",
         ("--max-image-unpacked-bytes=256MiB",)),
    Case("gzip at its best ratio, 512 MiB", lambda folder: image(folder, [gzip_of_zeros(512 * MIB)]), "complete"),
    Case("zstd bomb, 32768:1, 16 GiB", packed(lambda: h.zstd_frame([h.header(b"zeros", size=h.base256(1 << 34)), (b"\0", 1 << 34)])), "limit"),
    Case("zstd bomb of many frames", packed(lambda: h.zstd_frame([h.header(b"z", size=h.base256(1 << 33))]) + h.zstd_frame([(b"\0", 1 << 26)]) * 64), "limit"),
    Case("gzip cut off", packed(lambda: h.gzip_member(BASE_TAR)[:-40], BASE_TAR), "unsupported"),
    Case("gzip without its trailer", packed(lambda: h.gzip_member(BASE_TAR)[:-8], BASE_TAR), "unsupported"),
    Case("gzip with a wrong CRC", packed(lambda: h.gzip_member(BASE_TAR, trailer=bytes(4) + struct.pack("<I", len(BASE_TAR))), BASE_TAR), "unsupported"),
    Case("gzip followed by garbage", packed(lambda: h.gzip_member(BASE_TAR) + b"garbage", BASE_TAR), "unsupported"),
    Case("gzip of several members", packed(lambda: b"".join(h.gzip_member(BASE_TAR[at:at + 700]) for at in range(0, len(BASE_TAR), 700)), BASE_TAR), "complete"),
    Case("gzip of 100,000 empty members", packed(lambda: h.gzip_member(b"") * 100000 + h.gzip_member(BASE_TAR), BASE_TAR), "complete"),
    Case("gzip with a header's name of 8 MiB", packed(lambda: (lambda m: m[:3] + b"\x08" + m[4:10] + b"n" * (8 * MIB) + b"\0" + m[10:])(h.gzip_member(BASE_TAR)), BASE_TAR), "complete"),
    Case("zstd cut off", packed(lambda: zstd_of(BASE_TAR)[:-100], BASE_TAR), "unsupported"),
    Case("zstd with a window of 2 GiB", packed(lambda: zstd_of(BASE_TAR, window=0xa8), BASE_TAR), "limit"),
    Case("zstd with a window of 128 MiB", packed(lambda: zstd_of(BASE_TAR, window=0x88), BASE_TAR), "complete"),
    Case("zstd that fills its window of 128 MiB", packed(lambda: h.zstd_frame([h.header(b"f", size=160 * MIB), (b"\0", 8 * MIB), hashlib.shake_128(b"seed").digest(MIB),
                                                                              (b"\0", 151 * MIB), h.END], window=0x88)), "digest_mismatch"),
    Case("zstd with a wrong checksum", packed(lambda: zstd_of(BASE_TAR, checksum=b"\1\2\3\4"), BASE_TAR), "unsupported"),
    Case("zstd behind a skippable frame", packed(lambda: b"\x50\x2a\x4d\x18" + struct.pack("<I", 5) + b"skip!" + zstd_of(BASE_TAR), BASE_TAR), "complete"),
    Case("zstd skippable frame that claims 4 GiB", packed(lambda: b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + bytes(900), BASE_TAR), "unsupported"),
    Case("xz, which is not read", packed(b"\xfd7zXZ\0" + bytes(100)), "unsupported", "xz"),
    Case("an empty blob", packed(b""), "complete"),
    Case("one byte", packed(b"\x1f"), "unsupported"),
    Case("random bytes", packed(lambda: hashlib.shake_128(b"seed").digest(MIB)), "unsupported"),
]

TARS = [
    Case("300,000 small files", tar(lambda: h.many_files(300000)), "complete"),
    Case("30,000 setuid files", tar(lambda: h.many_files(30000, mode=0o4777)), "limit", "issues"),
    Case("more files than a layer may have", tar(lambda: h.many_files(3000)), "limit", "", ("--max-layer-entries=2999",)),
    Case("5,000 times the same file", tar(CROWD + h.END), "complete"),
    Case("folders 100 deep", tar(lambda: b"".join(h.entry(DEEP[:2 * n], kind=h.DIRECTORY) for n in range(1, 50)) + h.long_name(DEEP + b"etc/passwd") +
                                 h.entry(b"x", b"x") + h.END), "complete"),
    Case("folders 2,000 deep", tar(lambda: h.long_name(b"d/" * 2000 + b"f") + h.entry(b"x", b"x") + h.END), "complete"),
    Case("folders 2,000 deep, 2,000 times", tar(lambda: b"".join(h.long_name(b"%d/" % n + b"d/" * 2000 + b"f") + h.entry(b"x") for n in range(2000)) + h.END), "complete"),
    Case("a path of 5,000 bytes", tar(lambda: h.pax([(b"path", b"p" * 5000)]) + h.entry(b"x", b"x") + h.END), "limit", "4096"),
    Case("a link of 5,000 bytes", tar(lambda: h.pax([(b"linkpath", b"p" * 5000)]) + h.symlink(b"x", b"y") + h.END), "limit", "4096"),
    Case("a path with NUL", tar(lambda: h.pax([(b"path", b"etc/passwd\0.txt")]) + h.entry(b"x", b"x") + h.END), "unsupported"),
    Case("paths that climb", tar(lambda: h.entry(b"../../../../etc/passwd", b"root::0:0::/:/bin/sh\n") + h.entry(b"a/../../b", b"x") + h.END), "complete"),
    Case("absolute paths", tar(lambda: h.entry(b"//var/lib/dpkg/status.d/x", STATUS) + h.END), "complete"),
    Case("paths with bidi marks", tar(lambda: h.entry("app/\u202egpj.exe\u2066".encode(), b"x") + h.entry("\u202e/node_modules/a/package.json".encode(), b'{"name":"a","version":"1"}') + h.END), "complete"),
    Case("paths that are not UTF-8", tar(lambda: h.entry(b"\xff\xfe/node_modules/a/package.json", b'{"name":"a","version":"1"}') + h.END), "complete"),
    Case("a path with line feeds and escapes", tar(lambda: h.entry(b"a\n\x1b[31m/node_modules/a/package.json", b'{"name":"a","version":"1"}') + h.END), "complete"),
    Case("a symbolic link to itself", tar(h.symlink(b"var", b"var") + h.entry(b"var/x", b"x") + h.END), "unsupported", "no package database", keeps=False),
    Case("symbolic links in a ring", tar(h.symlink(b"a", b"b") + h.symlink(b"b", b"c/x") + h.symlink(b"c", b"a") + h.entry(b"a/x", b"x") + h.END), "complete"),
    Case("a chain of 5,000 symbolic links", tar(lambda: b"".join(h.symlink(b"l%d" % n, b"l%d" % (n + 1)) for n in range(5000)) + h.symlink(b"etc/os-release", b"/l0") + h.END), "unsupported", "without os-release"),
    Case("symbolic links that double", tar(lambda: b"".join(h.symlink(b"l%d" % n, b"l%d/l%d" % (n + 1, n + 1)) for n in range(60)) + h.symlink(b"usr/lib/os-release", b"/l0") + h.END), "complete"),
    Case("a symbolic link for the package database", tar(h.symlink(b"var/lib/dpkg/status", b"../../../../../../etc/shadow") + h.END), "unsupported", "no package database", keeps=False),
    Case("a hard link to itself", tar(h.hard_link(b"a", b"a") + h.END), "complete"),
    Case("a hard link to outside", tar(h.hard_link(b"a", b"../../../etc/passwd") + h.END), "complete"),
    Case("a hard link to nothing", tar(h.hard_link(b"usr/lib/node_modules/a/package.json", b"missing") + h.END), "complete"),
    Case("hard links in a ring", tar(h.hard_link(b"a", b"b") + h.hard_link(b"b", b"a") + h.END), "complete"),
    Case("100,000 hard links to one database", tar(lambda: h.entry(b"var/lib/dpkg/status.d/a", STATUS) + b"".join(h.hard_link(b"var/lib/dpkg/status.d/a%d" % n, b"var/lib/dpkg/status.d/a") for n in range(100000)) + h.END), "complete"),
    Case("whiteouts of nothing", tar(h.entry(b".wh.") + h.entry(b"etc/.wh.") + h.entry(b".wh..") + h.entry(b".wh...") + h.END), "complete"),
    Case("a whiteout of the root", tar(h.entry(b".wh..wh..opq") + h.END), "complete", keeps=False),
    Case("a whiteout inside a whiteout", tar(h.entry(b".wh.a/.wh.b") + h.entry(b".wh..wh.a") + h.entry(b".wh..wh.plnk/x") + h.END), "complete"),
    Case("a whiteout that is a folder with files", tar(h.entry(b"etc/.wh.x", kind=h.DIRECTORY) + h.entry(b"etc/.wh.x/f", b"x") + h.END), "complete"),
    Case("11 million folders", tar(lambda: h.many_deep(250000, 46)), "limit", "paths"),
    Case("100,000 links, each 40 folders deep", tar(lambda: h.many_deep(100000, 40, h.SYM)), "limit", "folders above"),
    Case("twice ten million folders", layers_of(lambda n: h.many_deep(220000 + n, 46), 2), "complete"),
    Case("700,000 links with long targets", layers_of(lambda n: b"".join(h.symlink(b"%d/%d" % (n, m), b"x" * 90) for m in range(140000)) + h.END, 5), "limit", "links of more than"),
    Case("600,000 packages in 20 layers", layers_of(lambda n: many_packages(n, 30000), 20), "limit", "more than"),
    Case("20,000 packages behind 40 links", tar(lambda: b"".join(h.symlink(b"l%d" % n, b"l%d" % (n + 1)) for n in range(39)) + b"".join(h.entry(b"l0/node_modules/a%d/package.json" % n, b'{"name":"a","version":"1"}') for n in range(20000)) + h.END), "complete"),
    Case("100,000 whiteouts", tar(lambda: b"".join(h.entry(b"w/.wh.%d" % n) for n in range(100000)) + h.END), "complete"),
    Case("GNU sparse that claims 2^62 bytes", tar(h.header(b"var/lib/dpkg/status", h.GNU_SPARSE, 512, magic=b"ustar  \0", tail=bytes(41) + b"%011o\0" % 0 + b"%011o\0" % 512 + bytes(72) + b"\0" + b"\x80" + struct.pack(">3xQ", 1 << 62)) + bytes(512) + h.END), "limit", "67108864", keeps=False),
    Case("GNU sparse with an endless map", tar(lambda: h.header(b"s", h.GNU_SPARSE, 0, magic=b"ustar  \0", tail=bytes(41) + b"00000000000\0" * 8 + b"\1" + b"00000000000\0") + (b"00000000000\0" * 42 + b"\1").ljust(512, b"\0") * 20000 + h.END), "limit", "parts"),
    Case("PAX sparse 0.0", tar(h.pax([(b"GNU.sparse.size", b"999999999999"), (b"GNU.sparse.numblocks", b"1"), (b"GNU.sparse.offset", b"0"), (b"GNU.sparse.numbytes", b"1")]) + h.entry(b"f", b"x") + h.END), "complete"),
    Case("PAX sparse 0.1", tar(h.pax([(b"GNU.sparse.size", b"9"), (b"GNU.sparse.map", b"0,99999999999999999999,x")]) + h.entry(b"var/lib/dpkg/status", b"x") + h.END), "unsupported", "map"),
    Case("1,000 sparse jars of 4 GiB", tar(lambda: b"".join(h.header(b"app/%d.jar" % n, h.GNU_SPARSE, 0, magic=b"ustar  \0", tail=bytes(41) + bytes(96) + b"\0" + h.base256(1 << 32)) for n in range(1000)) + h.END), "limit", "times its size"),
    Case("a sparse database that is read", sparse_database, "complete"),
    Case("PAX sparse 1.0", tar(h.pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"f"), (b"GNU.sparse.realsize", b"1099511627776")]) + h.entry(b"f", b"1\n0\n512\n".ljust(512, b"\0") + bytes(512)) + h.END), "complete"),
    Case("a size of base-256 that overflows", tar(h.header(b"f", size=b"\x80" + b"\xff" * 11) + h.END), "unsupported"),
    Case("a size of base-256 that is negative", tar(h.header(b"f", size=b"\xff" * 12) + h.END), "unsupported"),
    Case("a size that is no octal number", tar(h.header(b"f", size=b"12z45678901\0") + h.END), "unsupported"),
    Case("a PAX size of 2^64", tar(h.pax([(b"size", b"18446744073709551616")]) + h.entry(b"f", b"x") + h.END), "unsupported"),
    Case("a PAX size that is negative", tar(h.pax([(b"size", b"-1")]) + h.entry(b"f", b"x") + h.END), "unsupported"),
    Case("a file that claims 8 EiB", tar(h.header(b"f", size=h.base256((1 << 63) - 1)) + h.END), "unsupported"),
    Case("a tar that is cut off", tar((h.entry(b"f", bytes(5000)) + h.END)[:2000]), "unsupported"),
    Case("a tar that is cut off in a header", tar(h.entry(b"f", b"x") + h.header(b"g")[:100]), "unsupported"),
    Case("a header with a wrong checksum", tar(h.header(b"f", checksum=1) + h.END), "unsupported"),
    Case("a PAX header of 16 MiB", tar(lambda: h.pax([(b"comment", b"x" * (16 * MIB))]) + h.entry(b"f") + h.END), "limit"),
    Case("30,000 PAX records", tar(lambda: h.pax([(b"SCHILY.xattr.%d" % n, b"") for n in range(30000)]) + h.entry(b"f") + h.END), "complete"),
    Case("PAX records with lying lengths", tar(h.entry(b"P", b"99999999999999999999 path=x\n", h.PAX) + h.entry(b"f") + h.END), "unsupported"),
    Case("PAX headers upon PAX headers", tar(lambda: h.pax([(b"path", b"p" * 4000)]) * 3000 + h.entry(b"f") + h.END), "complete"),
    Case("a PAX header and nothing behind it", tar(h.pax([(b"path", b"x")])), "unsupported"),
    Case("global headers that rename all", tar(h.pax([(b"path", b"var/lib/dpkg/status"), (b"size", b"99999999")], h.PAX_GLOBAL) * 100 + h.entry(b"f", b"x") + h.END), "complete"),
    Case("devices and fifos at evidence's place", tar(h.entry(b"etc/os-release", kind=h.FIFO) + h.entry(b"etc/passwd", kind=b"3") + h.END), "unsupported", "without os-release"),
    Case("a folder for the package database", tar(h.entry(b"var/lib/dpkg/status", kind=h.DIRECTORY) + h.entry(b"var/lib/dpkg/status/x", b"x") + h.END), "unsupported", "no package database", keeps=False),
]

ARCHIVES = [
    Case("jars nested 50 deep", holds(JAR, lambda: h.nested_jar(50)), "complete"),
    Case("a jar of 200 jars of 200 jars", holds(JAR, lambda: h.zip_of([(f"{n}.jar", h.zip_of([(f"{m}.jar", h.zip_of([(h.POM, h.POM_TEXT)])) for m in range(200)])) for n in range(200)])), "complete"),
    Case("zip members that overlap", holds(JAR, lambda: h.overlapping_zip(5000, 8 * MIB)), "complete"),
    Case("zip that lies of unpacked sizes", holds(JAR, h.patched_zip(b"PK\1\2", 24, struct.pack("<I", 0xfffffff0))), "complete"),
    Case("zip that lies of packed sizes", holds(JAR, h.patched_zip(b"PK\1\2", 20, struct.pack("<I", 0x7fffffff))), "complete"),
    Case("zip whose directory is elsewhere", holds(JAR, h.patched_zip(b"PK\5\6", 16, struct.pack("<I", 0x7fffffff))), "complete"),
    Case("zip that claims 65535 members", holds(JAR, h.patched_zip(b"PK\5\6", 8, b"\xff\xff\xff\xff")), "complete"),
    Case("zip64 that claims 2^63 members", holds(JAR, h.zip64_lies()), "complete"),
    Case("zip that is encrypted", holds(JAR, h.patched_zip(b"PK\1\2", 8, b"\1\0")), "complete"),
    Case("zip with a member packed a million to one", holds(JAR, lambda: h.zip_of([(h.POM, b"#" * (64 * MIB))])), "complete"),
    Case("zip of 100,000 names", holds(JAR, lambda: h.zip_of([(f"{n}/pom.properties", b"") for n in range(100000)], zipfile.ZIP_STORED)), "complete"),
    Case("two layers, in each a jar of 57 MiB packed in a war", layers_of(lambda n: h.entry(b"app/%d.war" % n, h.zip_of([("WEB-INF/lib/x.jar", h.zip_of(
        [("x", hashlib.shake_128(b"%d" % n).digest(57 * MIB)), (h.POM, h.POM_TEXT)], zipfile.ZIP_STORED))])) + h.END, 2), "complete"),
    Case("zip that is cut off", holds(JAR, lambda: h.nested_jar(3)[:-30]), "complete"),
]

FILES = [
    Case("rpmdb.sqlite cut off", holds(RPM + "rpmdb.sqlite", lambda: h.rpm_sqlite()[:9000]), "unsupported"),
    Case("rpmdb.sqlite with pages overwritten", holds(RPM + "rpmdb.sqlite", h.rpm_sqlite_overwritten), "unsupported"),
    Case("rpmdb.sqlite whose tree is a ring", holds(RPM + "rpmdb.sqlite", h.rpm_sqlite_cyclic), "unsupported"),
    Case("rpmdb.sqlite that is text", holds(RPM + "rpmdb.sqlite", b"SQLite format 3\0" + b"x" * 4096), "unsupported"),
    Case("ndb whose slots lead to one blob", holds(RPM + "Packages.db", lambda: h.rpm_ndb(100000)), "unsupported"),
    Case("Berkeley DB whose chains are a ring", holds(RPM + "Packages", h.rpm_bdb), "unsupported"),
    Case("dpkg status of more than 64 MiB", holds("var/lib/dpkg/status", lambda: status_with_line(64 * MIB)), "limit", "67108864", keeps=False),
    Case("dpkg status with a line of 60 MiB", holds("var/lib/dpkg/status", lambda: status_with_line(60 * MIB)), "complete"),
    Case("dpkg status with NUL", holds("var/lib/dpkg/status", STATUS + STATUS.replace(b"libssl3", b"lib\0ssl")), "unsupported"),
    Case("dpkg status with a package of 300,000 fields", holds("var/lib/dpkg/status", STATUS + b"Package: p\nStatus: install ok installed\nVersion: 1\n" + b"".join(b"X-%d: y\n" % n for n in range(300000)) + b"\n"), "complete"),
    Case("dpkg status with a name of 100 KB", holds("var/lib/dpkg/status", STATUS + STATUS.replace(b"libssl3", b"n" * 100000)), "unsupported"),
    Case("dpkg status with 100,000 packages", holds("var/lib/dpkg/status", lambda: STATUS + b"".join(STATUS.replace(b"libssl3", b"p%d" % n) for n in range(100000))), "complete"),
    Case("dpkg status with more packages than may be", holds("var/lib/dpkg/status", lambda: STATUS + b"".join(STATUS.replace(b"libssl3", b"p%d" % n) for n in range(3000))), "limit", "", ("--max-packages=2000",)),
    Case("dpkg status of escapes and bad UTF-8", holds("var/lib/dpkg/status", STATUS + STATUS.replace(b"libssl3", b"\xc0\xaf\x1b[2J")), "unsupported"),
    Case("apk installed of endless fields", holds("lib/apk/db/installed", b"P:a\nV:1\n" + b"F:x\nR:y\n" * 300000 + b"\n"), "unsupported", "type apk"),
    Case("package.json 100,000 deep", holds(NODE, h.package_json(100000)), "complete"),
    Case("package.json with a name of 1 MiB", holds(NODE, b'{"name":"' + b"n" * MIB + b'","version":"1"}'), "complete"),
    Case("package.json with a number of 1 MiB", holds(NODE, b'{"name":"n","version":"1","x":' + b"9" * MIB + b"}"), "complete"),
    Case("installed.json of 300,000 packages", holds("app/vendor/composer/installed.json", lambda: h.installed_json(300000)), "complete"),
    Case("METADATA with a header of 7 MiB", holds(DIST, lambda: b"Metadata-Version: 2.1\nSummary: " + b"x" * (7 * MIB) + b"\nName: x\nVersion: 1.0\n\n"), "complete"),
    Case("METADATA with 400,000 fields", holds(DIST, lambda: b"Metadata-Version: 2.1\n" + b"Requires-Dist: y\n" * 400000 + b"Name: x\nVersion: 1.0\n\n"), "complete"),
    Case("ELF cut off", holds("usr/bin/p", h.elf([(b".text", bytes(100))])[:100]), "complete"),
    Case("ELF whose sections lie outside", holds("usr/bin/p", h.elf([(b".text", bytes(100))], shoff=1 << 62)), "complete"),
    Case("ELF with 65,535 sections", holds("usr/bin/p", h.elf([(b".text", bytes(100))], shnum=65535)), "complete"),
    Case("Go build information, lengths of 2^63", holds("usr/bin/p", h.go_inline(b"\xff" * 9 + b"\1", b"\x80" * 20)), "complete"),
    Case("Go build information, pointers astray", holds("usr/bin/p", h.go_pointers()), "complete"),
    Case(".dep-v0 that unpacks to 512 MiB", holds("usr/bin/p", lambda: h.cargo_bomb(512 * MIB)), "complete"),
    Case("1,000 programs with .dep-v0 of 7 MiB", tar(lambda: b"".join([h.entry(b"bin/%d" % n, DEP_BOMB) for n in range(1000)]) + h.entry(NODE.encode(), b'{"name":"after","version":"1"}') + h.END), "limit", "times its size"),
    Case("1,000 jars, each with a packed jar of 8 MiB", tar(lambda: (lambda jar: b"".join([h.entry(b"app/%d.jar" % n, jar) for n in range(1000)]))(h.zip_of([("lib/x.jar", h.zip_of([("x", bytes(8 * MIB))], zipfile.ZIP_STORED))])) + h.END), "limit", "times its size"),
    Case("os-release of 32 MiB", holds("etc/os-release", lambda: DEBIAN + b"X=" + b"y" * (32 * MIB) + b"\n"), "limit", "65536"),
    Case("os-release of shell and escapes", holds("etc/os-release", b'ID="$(reboot)"\nVERSION_ID="\x1b[2J"\nID=\xff\nPRETTY_NAME=\'' + b"x" * 5000), "unsupported"),
    Case("passwd of 64 MiB", holds("etc/passwd", lambda: b"u:x:0:0::/:/bin/sh\n" * (64 * MIB // 19)), "complete"),
    Case("passwd with a line of 16 MiB", holds("etc/passwd", lambda: b"u:x:0:0:" + b"g" * (16 * MIB)), "complete"),
    Case("a private key of 16 MiB", holds("etc/ssl/private/k.pem", lambda: b"-----BEGIN PRIVATE KEY-----\n" + b"QUFB\n" * (16 * MIB // 5)), "complete"),
    Case("a script of regular expressions' worst", holds("app/.env", lambda: b"AWS_SECRET_ACCESS_KEY=" + b"A" * MIB + b"\n" + b"ghp_" * 200000), "complete"),
]

MANIFESTS = [
    Case("a layer's digest that is wrong", packed(h.gzip_member(BASE_TAR), BASE_TAR, edit=lambda layers: layers[1].update(digest=layers[0]["digest"][:-4] + "0000")), "layer_missing"),
    Case("a layer that is not what its digest says", lambda folder: _spoilt(folder), "digest_mismatch"),
    Case("a layer's size that is too small", packed(h.gzip_member(BASE_TAR), BASE_TAR, edit=lambda layers: layers[1].update(size=10)), "digest_mismatch"),
    Case("a layer's size that is huge", packed(h.gzip_member(BASE_TAR), BASE_TAR, edit=lambda layers: layers[1].update(size=1 << 60)), "limit"),
    Case("a layer's size that is negative", packed(h.gzip_member(BASE_TAR), BASE_TAR, edit=lambda layers: layers[1].update(size=-5)), "unsupported", keeps=False),
    Case("a diff_id that is wrong", packed(h.gzip_member(BASE_TAR), b"other"), "digest_mismatch"),
    Case("diff_ids that are missing", tar(h.END, config={"rootfs": {"type": "layers", "diff_ids": []}}), "unsupported"),
    Case("the same layer 500 times", many_layers(500, same=True), "complete"),
    Case("10,000 layers", many_layers(10000), "limit", keeps=False),
    Case("1,000 layers", many_layers(1000), "limit", keeps=False),
    Case("a foreign layer", tar(h.END, edit=lambda layers: layers[1].update(mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=["file:///etc/passwd"], digest="sha256:" + "5a" * 32)), "unsupported", "kept elsewhere"),
    Case("layers of unknown media types", tar(h.END, edit=lambda layers: [layer.update(mediaType="application/x-whatever") for layer in layers]), "complete"),
    Case("an image that calls itself an artifact", tar(h.END, manifest={"artifactType": "application/vnd.in-toto+json"}), "complete"),
    Case("a digest that climbs", tar(h.END, edit=lambda layers: layers[1].update(digest="sha256:../../../../etc/passwd")), "unsupported", keeps=False),
    Case("a digest of another algorithm", tar(h.END, edit=lambda layers: layers[1].update(digest="md5:d41d8cd98f00b204e9800998ecf8427e")), "unsupported", keeps=False),
    Case("a manifest 50,000 deep", tar(h.END, manifest=h.deep_json(50000)), "limit", "nested deeper", keeps=False),
    Case("a manifest of 8 MiB", tar(h.END, manifest=b'{"schemaVersion":2,"x":"' + b"y" * (8 * MIB) + b'"}'), "limit", keeps=False),
    Case("a manifest of schema 1", tar(h.END, manifest=b'{"schemaVersion":1,"name":"a","fsLayers":[],"history":[]}'), "unsupported", keeps=False),
    Case("a manifest that is an array", tar(h.END, manifest=b"[[]]"), "unsupported", keeps=False),
    Case("a manifest with a member twice", tar(h.END, manifest=b'{"schemaVersion":2,"layers":[],"layers":[]}'), "unsupported", keeps=False),
    Case("a manifest that is cut off", tar(h.END, manifest=b'{"schemaVersion":2,"layers":[{'), "unsupported", keeps=False),
    Case("a manifest that is index too", tar(h.END, manifest={"manifests": []}), "unsupported", keeps=False),
    Case("a config that is an array", tar(h.END, config=b"[]"), "unsupported"),
    Case("a config 50,000 deep", tar(h.END, config=h.deep_json(50000)), "limit", "nested deeper"),
    Case("a config of 9 MiB", tar(h.END, config=b'{"x":"' + b"y" * (9 * MIB) + b'"}'), "limit"),
    Case("a config with 40,000 steps of history", tar(h.END, config={"history": [{"created_by": f"RUN step {n}"} for n in range(40000)]}), "complete"),
    Case("a config of 2.7 million arrays", tar(h.END, config=b'{"x":[' + b"[]," * 2700000 + b"[]]}"), "limit", "values"),
    Case("a config of 50,000 secrets", tar(h.END, config={"config": {"Env": [f"DB_PASSWORD{n}=hunter2x{n}" for n in range(50000)]}}), "complete"),
    Case("a manifest of 1.3 million arrays", tar(h.END, manifest=b'{"schemaVersion":2,"x":[' + b"[]," * 1300000 + b"[]]}"), "limit", "values", keeps=False),
    Case("a config of NULs and surrogates", tar(h.END, config=b'{"os":"linux\\u0000","architecture":"\\ud800"}'), "unsupported"),
    Case("an index that is its own child", index_cycle, "digest_mismatch", keeps=False),
    Case("indexes 20 deep", index_nested(20), "exit 3", "deep"),
    Case("indexes 3 deep", index_nested(3), "complete"),
    Case("an index of 15,000 children", lambda folder: _wide_index(folder), "limit", "256", keeps=False),
    Case("a manifest of unknown media type", lambda folder: _media_type(folder, "application/x-unknown"), "complete"),
]

PLACES = [
    Case("a blob that is a link to outside", blob_is(link_out), "complete"),
    Case("a blob that is a link to a device", blob_is(lambda blob, _: blob.symlink_to("/dev/zero")), "unsupported", "no regular file"),
    Case("a blob that is a fifo", blob_is(lambda blob, _: os.mkfifo(blob)), "unsupported", "no regular file"),
    Case("a blob that is a folder", blob_is(lambda blob, _: blob.mkdir()), "unsupported", "no regular file"),
    Case("a blob that is a link to itself", blob_is(lambda blob, _: blob.symlink_to(blob.name)), "unsupported"),
    Case("a blob that is missing", blob_is(lambda blob, _: None), "layer_missing"),
    Case("index.json that is a fifo", lambda folder: _index_fifo(folder), "exit 2"),
    Case("index.json of 9 MiB", lambda folder: _index_text(folder, '{"x":"' + "y" * (9 * MIB) + '"}'), "exit 3"),
    Case("index.json of 2.7 million objects", lambda folder: _index_text(folder, '{"x":[' + "{}," * 2700000 + "{}]}"), "exit 3", "values"),
    Case("docker save, manifest.json of 2.7 million arrays", saved(b"[" + b"[]," * 2700000 + b"[]]", SAVED_BASE), "exit 3", "values"),
    Case("index.json 50,000 deep", lambda folder: _index_text(folder, "[" * 50000), "exit 3", "nested deeper"),
    Case("index.json with a digest that climbs", lambda folder: _index_text(folder, '{"schemaVersion":2,"manifests":[{"mediaType":"x","size":1,"digest":"sha256:../../../index.json"}]}'), "exit 2"),
    Case("docker save, sound", saved(saved_entry(), SAVED_BASE), "complete"),
    Case("docker save, paths that climb", saved(saved_entry(config="../../etc/passwd"), SAVED_BASE), "exit 2", "leads out"),
    Case("docker save, absolute layer", saved(saved_entry(layers=["/etc/passwd"]), SAVED_BASE), "exit 2", "leads out"),
    Case("docker save, a layer that is missing", saved(saved_entry(layers=["gone/layer.tar"]), SAVED_BASE), "exit 3", "gone/layer.tar"),
    Case("docker save, a layer that is a link out", saved(saved_entry(layers=["l/layer.tar"]), [*SAVED_BASE, h.symlink(b"l/layer.tar", b"../../etc/passwd")]), "exit 3"),
    Case("docker save, a layer that is a link inside", saved(saved_entry(layers=["l/layer.tar"]), [*SAVED_BASE, h.symlink(b"l/layer.tar", b"../base/layer.tar")]), "complete"),
    Case("docker save, links in a ring", saved(saved_entry(layers=["a"]), [*SAVED_BASE, h.symlink(b"a", b"b"), h.symlink(b"b", b"a")]), "exit 3"),
    Case("docker save, config as its own layer", saved(saved_entry(layers=["config.json"]), SAVED_BASE), "digest_mismatch", keeps=False),
    Case("docker save, 3,000 layers", saved(saved_entry(layers=["base/layer.tar"] * 3000), SAVED_BASE), "exit 3"),
    Case("docker save, manifest.json that is no list", saved(b'{"Config":1}', SAVED_BASE), "exit 2"),
    Case("docker save, manifest.json twice", saved(saved_entry(), SAVED_BASE, h.entry(b"manifest.json", b"[]")), "exit 3", "holds no image"),
    Case("an archive of 200,001 entries", whole_file("many.tar", lambda: h.many_files(200001)), "exit 3"),
    Case("an archive that claims 8 EiB", whole_file("huge.tar", h.header(b"manifest.json", size=h.base256((1 << 63) - 1)) + h.END), "exit 2"),
    Case("an archive that is packed", whole_file("packed.tar", gzip.compress(BASE_TAR)), "exit 2", "gunzip"),
    Case("an archive that is no tar", whole_file("no.tar", b"PK\3\4" + bytes(5000)), "exit 2"),
    Case("an archive of nothing", whole_file("empty.tar", b""), "exit 2"),
    Case("a tar with another image's parts only", whole_file("part.tar", lambda: tar_of({"oci-layout": b"{}", "blobs/x": b""})), "exit 2"),
]

CASES = [*PACKING, *TARS, *ARCHIVES, *FILES, *MANIFESTS, *PLACES]


def _spoilt(folder):
    data = h.entry(b"f", b"x") + h.END
    path = image(folder, [(h.gzip_member(data), digest_of(data))])
    blob = path / "blobs/sha256" / digest_of(h.gzip_member(data)).removeprefix("sha256:")
    other = bytearray(blob.read_bytes())
    other[4] ^= 1  # gzip's time: unpacks as before
    blob.write_bytes(other)
    return path


def _wide_index(folder):
    image(folder)
    blobs = Blobs.__new__(Blobs)
    blobs.folder = Path(folder)
    one = json.loads((blobs.folder / "index.json").read_text())["manifests"][0]
    return blobs.index_json(blobs.put_json({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [one] * 15000},
                                           f"{OCI}.index.v1+json"))


def _media_type(folder, media_type):
    path = image(folder)
    index = json.loads((path / "index.json").read_text())
    index["manifests"][0]["mediaType"] = media_type
    (path / "index.json").write_text(json.dumps(index))
    return path


def _index_text(folder, text):
    path = image(folder)
    (path / "index.json").write_text(text)
    return path


def _index_fifo(folder):
    path = image(folder)
    (path / "index.json").unlink()
    os.mkfifo(path / "index.json")
    return path
