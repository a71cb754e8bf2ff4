"""Files that package managers and builds leave in an image, small and made on the fly."""

import importlib.util
import io
import shutil
import struct
import tempfile
import zipfile
from pathlib import Path

RPM = Path(__file__).resolve().parents[1] / "data/rpm"
TIME = (2026, 11, 1, 0, 0, 0)


def os_release(distribution, version, pretty):
    return f'ID={distribution}\nVERSION_ID="{version}"\nPRETTY_NAME="{pretty}"\n'.encode()


def dpkg(name, version, source=None, architecture="amd64"):
    """A package as dpkg's status file and distroless's status.d have it."""
    origin = f"Source: {source}\n" if source else ""
    return f"Package: {name}\nStatus: install ok installed\nArchitecture: {architecture}\n{origin}Version: {version}\n\n".encode()


def apk(name, version, origin=None, files=()):
    """A package as apk's installed database has it, with the files it owns."""
    lines = [f"P:{name}", f"V:{version}", "A:x86_64", "L:MIT", f"o:{origin or name}"]
    for path in files:
        folder, _, base = path.rpartition("/")
        lines += [f"F:{folder}", f"R:{base}"]
    return ("\n".join(lines) + "\n\n").encode()


def rpm_database(vendor):
    """rpmdb.sqlite, by Debian's rpm where it is installed, else the one that it wrote for the units. `vendor` has 13 letters."""
    if shutil.which("rpmbuild"):
        spec = importlib.util.spec_from_file_location("make_databases", RPM / "make_databases.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        with tempfile.TemporaryDirectory() as folder:
            data = module.written_by_rpm(Path(folder))[0]
    else:
        data = (RPM / "rpmdb.sqlite").read_bytes()
    assert len(vendor) == len("Example Linux")
    return data.replace(b"Example Linux", vendor.encode())


def python(site, name, version):
    return {f"{site}/{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n".encode()}


def npm(folder, name, version):
    return {f"{folder}/node_modules/{name}/package.json": f'{{"name":"{name}","version":"{version}","license":"MIT"}}'.encode()}


def archive(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(zipfile.ZipInfo(name, TIME), data)
    return out.getvalue()


def jar(group, artifact, version):
    return archive({"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n",
                    f"META-INF/maven/{group}/{artifact}/pom.properties": f"version={version}\ngroupId={group}\nartifactId={artifact}\n"})


def _text(text):
    head, size = b"", len(text)
    while size >= 0x80:
        head, size = head + bytes([size & 0x7f | 0x80]), size >> 7
    return head + bytes([size]) + text


def go_program(module, toolchain, dependencies):
    """An ELF of nothing but Go's build information: `dependencies` {path: version}."""
    lines = f"path\t{module}\nmod\t{module}\tv1.0.0\t\n" + "".join(f"dep\t{path}\t{version}\th1:x=\n" for path, version in dependencies.items())
    modules = bytes(16) + lines.encode() + bytes(16)
    record = (b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + _text(toolchain.encode()) + _text(modules)).ljust(4096, b"\0")
    names = b"\0.go.buildinfo\0.shstrtab\0"
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, 0, 0, 64 + len(record) + len(names), 0, 64, 56, 0, 64, 3, 2)
    section = lambda name, kind, flags, address, offset, size: struct.pack("<IIQQQQIIQQ", name, kind, flags, address, offset, size, 0, 0, 16, 0)
    table = section(0, 0, 0, 0, 0, 0) + section(1, 1, 3, 0x400040, 64, len(record)) + section(15, 3, 0, 0, 64 + len(record), len(names))
    return header + record + names + table
