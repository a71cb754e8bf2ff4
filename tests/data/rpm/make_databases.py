#!/usr/bin/python3
"""Writes the rpm databases beside this file: the same packages in each form that rpm has had.

rpm itself builds the packages and writes rpmdb.sqlite, so the headers are real ones; its other two forms, which it no longer
writes, are laid out here. Run by hand, with Debian's packages rpm and sqlite3 (python's module), when a case is added:

    tests/data/rpm/make_databases.py
"""

import sqlite3
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMON = """Summary: A package for tests
License: MIT
Vendor: Example Linux
%description
What a package is for.
"""
SPECS = {
    "alpha": """Name: alpha
Version: 1.0
Release: 1.ex9
BuildArch: noarch
""" + COMMON + """
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/share/alpha %{buildroot}/var/log
echo a > %{buildroot}/usr/bin/alpha
echo b > %{buildroot}/usr/share/alpha/data
echo c > %{buildroot}/var/log/alpha.log
%files
/usr/bin/alpha
%dir /usr/share/alpha
/usr/share/alpha/data
%ghost /var/log/alpha.log
""",
    "beta": """Name: beta
Epoch: 2
Version: 3.1~rc1
Release: 4.module_ex9
BuildArch: noarch
ModularityLabel: beta:stable:1:abcdef
""" + COMMON + """
%package libs
Summary: Another of the same source
Epoch: 2
%description libs
""" + "Long enough to need more than one page. " * 40 + """
%install
mkdir -p %{buildroot}/usr/lib/beta
echo a > %{buildroot}/usr/lib/beta/libbeta.so
%files libs
/usr/lib/beta/libbeta.so
""",
    "gpg-pubkey": """Name: gpg-pubkey
Version: 0123abcd
Release: 5f6e7d8c
BuildArch: noarch
""" + COMMON + """
%files
""",
}


def written_by_rpm(folder):
    """The bytes of rpmdb.sqlite with all packages, on small pages and in write-ahead mode as rpm leaves it."""
    define = ["--define", f"_topdir {folder}", "--define", "_buildhost build.example", "--define", "source_date_epoch_from_changelog 0",
              "--define", "use_source_date_epoch_as_buildtime 1", "--define", "clamp_mtime_to_source_date_epoch 1"]
    for name, text in SPECS.items():
        spec = folder / f"{name}.spec"
        spec.write_text(text)
        subprocess.run(["rpmbuild", "-bb", "--quiet", *define, str(spec)], check=True, env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "1700000000"})
    database = folder / "database"
    subprocess.run(["rpm", "--dbpath", str(database), "--define", "_db_backend sqlite", "-i", "--justdb", "--nodeps", "--noscripts",
                    *map(str, sorted(folder.glob("RPMS/*/*.rpm")))], check=True)
    path = database / "rpmdb.sqlite"
    with sqlite3.connect(path, isolation_level=None) as connection:
        for step in ("PRAGMA journal_mode=DELETE", "PRAGMA page_size=1024", "VACUUM", "PRAGMA journal_mode=WAL"):
            connection.execute(step).fetchall()
        blobs = connection.execute("SELECT hnum, blob FROM Packages ORDER BY hnum").fetchall()
    connection.close()
    return path.read_bytes(), blobs


def ndb(blobs):
    """rpm's lib/backend/ndb/rpmpkg.c: a page of slots, then blobs in blocks of 16 bytes."""
    slots, body, block = b"", b"", 4096 // 16
    for number, blob in blobs:
        size = -(-(16 + len(blob) + 12) // 16) * 16
        head = struct.pack("<4sIII", b"BlbS", number, 1, len(blob)) + blob
        head += bytes(size - 12 - len(head))
        body += head + struct.pack("<II4s", zlib.adler32(head), len(blob), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", number, block, size // 16)
        block += size // 16
    header = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, len(blobs) + 1, 0, 0, 0)
    empty = struct.pack("<4sIII", b"Slot", 0, 0, 0)
    return header + slots + empty * ((4096 - 32 - len(slots)) // 16) + body


def bdb(blobs, order, page_size):
    """A Berkeley DB hash of one bucket, a page for each package, in byte order "<" or ">"; large values on overflow pages."""
    pages, buckets = [b""], []

    def head(next_page, entries, offset, kind):
        return struct.pack(order + "QIIIHHBB", 1, len(pages), 0, next_page, entries, offset, 0, kind)

    def bucket(items):
        index, contents = b"", b""
        for item in items:
            contents = item + contents
            index += struct.pack(order + "H", page_size - len(contents))
        gap = page_size - 26 - len(index) - len(contents)
        buckets.append(len(pages))
        pages.append(head(0, len(items), page_size - len(contents), 13) + index + bytes(gap) + contents)

    bucket([b"\1" + struct.pack(order + "I", 0), b"\1" + struct.pack(order + "I", len(blobs))])
    for number, blob in blobs:
        key = b"\1" + struct.pack(order + "I", number)
        if 1 + len(blob) <= page_size // 2:
            bucket([key, b"\1" + blob])
            continue
        bucket([key, b"\3\0\0\0" + struct.pack(order + "II", len(pages) + 1, len(blob))])
        for at in range(0, len(blob), page_size - 26):
            part = blob[at:at + page_size - 26]
            last = at + len(part) == len(blob)
            pages.append((head(0 if last else len(pages) + 1, 1, len(part), 7) + part).ljust(page_size, b"\0"))
    for before, after in zip(buckets, buckets[1:]):
        pages[before] = pages[before][:16] + struct.pack(order + "I", after) + pages[before][20:]
        pages[after] = pages[after][:12] + struct.pack(order + "I", before) + pages[after][16:]
    count = len(blobs) + 1
    meta = struct.pack(order + "QIIIIBBBBIIIIII20s", 1, 0, 0x061561, 9, page_size, 0, 8, 0, 0, 0, len(pages) - 1, 0, count, count, 0,
                       bytes(20))
    meta += struct.pack(order + "IIIIIII", 0, 1, 0, 0, count, 0, 1)  # one bucket, which begins on page 1
    pages[0] = meta.ljust(page_size, b"\0")
    return b"".join(pages)


def main():
    with tempfile.TemporaryDirectory() as folder:
        sqlite, blobs = written_by_rpm(Path(folder))
    (HERE / "rpmdb.sqlite").write_bytes(sqlite)
    (HERE / "Packages.db").write_bytes(ndb(blobs))
    (HERE / "Packages").write_bytes(bdb(blobs, "<", 512))
    (HERE / "Packages.big-endian").write_bytes(bdb(blobs, ">", 4096))


if __name__ == "__main__":
    main()
