"""Tars, packings, archives and databases that no honest writer makes: bytes, always the same, with the standard library alone."""

import io
import json
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

BLOCK = 512
FILE, HARD, SYM, DIRECTORY, FIFO = b"0", b"1", b"2", b"5", b"6"
GNU_LINK, GNU_NAME, GNU_SPARSE, PAX, PAX_GLOBAL = b"K", b"L", b"S", b"x", b"g"


# ---- tar ----

def _octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def base256(number):
    return b"\x80" + struct.pack(">3xQ", number)


def header(name, kind=FILE, size=0, link=b"", mode=0o644, magic=b"ustar\x0000", checksum=None, tail=b""):
    """One block. `size` may be the field's raw bytes; `tail` is what stands behind the device numbers."""
    size = size if isinstance(size, bytes) else _octal(size, 12)
    block = bytearray(name[:100].ljust(100, b"\0") + _octal(mode, 8) + _octal(0, 8) + _octal(0, 8) + size.ljust(12, b"\0") + _octal(0, 12)
                      + b" " * 8 + kind + link[:100].ljust(100, b"\0") + magic + bytes(64) + bytes(16) + tail)
    block = block.ljust(BLOCK, b"\0")
    block[148:156] = b"%06o\0 " % (sum(block) if checksum is None else checksum)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def entry(name, data=b"", kind=FILE, **more):
    return header(name, kind, **{"size": len(data), **more}) + padded(data)


def pax(records, kind=PAX):
    """Extended header of [(key, value)] for what follows."""
    out = b""
    for key, value in records:
        body = b" " + key + b"=" + value + b"\n"
        length = len(body) + 1
        while len(b"%d" % length) + len(body) != length:
            length = len(b"%d" % length) + len(body)
        out += b"%d" % length + body
    return entry(b"PaxHeader", out, kind)


def symlink(name, target):
    return entry(name, kind=SYM, link=target)


def hard_link(name, target):
    return entry(name, kind=HARD, link=target)


def long_name(name, kind=GNU_NAME):
    return entry(b"././@LongLink", name + b"\0", kind, magic=b"ustar  \0")


END = bytes(2 * BLOCK)


def many_files(count):
    """A tar of so many empty files, one block each: names differ in eight digits, and so does the checksum."""
    model = header(b"many/00000000")
    total = int(model[148:154], 8)
    out = bytearray()
    for number in range(count):
        digits = b"%08d" % number
        block = bytearray(model)
        block[5:13] = digits
        block[148:154] = b"%06o" % (total + sum(digits) - 8 * 48)
        out += block
    return bytes(out) + END


def many_deep(count, depth, kind=FILE):
    """So many entries, each in `depth` folders of its own."""
    model = header(b"00000000/" + b"d/" * depth + b"f", kind, link=b"x" if kind == SYM else b"")
    total = int(model[148:154], 8)
    out = bytearray()
    for number in range(count):
        digits = b"%08d" % number
        block = bytearray(model)
        block[0:8] = digits
        block[148:154] = b"%06o" % (total + sum(digits) - 8 * 48)
        out += block
    return bytes(out) + END


# ---- packings ----

def gzip_member(data, level=1, trailer=None):
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    packed = packer.compress(data) + packer.flush()
    return packed if trailer is None else packed[:-8] + trailer


def gzip_repeated(head, piece, times):
    """`head`, then `piece` over and over, each time a member."""
    return gzip_member(head) + gzip_member(piece, 9) * times


ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def zstd_frame(parts, window=0x50, checksum=None):
    """A frame of raw blocks and of runs; parts are bytes or (byte, times). `window` is the window descriptor: 0x50 is 1 MiB."""
    blocks = []
    for part in parts:
        if isinstance(part, tuple):
            for at in range(0, part[1], 128 * 1024):
                blocks.append((1, min(128 * 1024, part[1] - at), part[0]))
        else:
            blocks += [(0, len(piece), piece) for piece in (part[at:at + 128 * 1024] for at in range(0, len(part), 128 * 1024))]
    out = bytearray(ZSTD_MAGIC + bytes([0x04 if checksum is not None else 0, window]))
    for place, (kind, size, content) in enumerate(blocks):
        out += struct.pack("<I", (place == len(blocks) - 1) | kind << 1 | size << 3)[:3] + content
    return bytes(out) + (checksum or b"")


# ---- zips ----

def zip_of(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


POM = "META-INF/maven/g/a/pom.properties"
POM_TEXT = b"groupId=org.example\nartifactId=inner\nversion=1.0\n"


def nested_jar(depth):
    jar = zip_of([(POM, POM_TEXT)])
    for number in range(depth):
        jar = zip_of([(f"lib/level-{number}.jar", jar)])
    return jar


def overlapping_zip(count, unpacked):
    """One packed member of `unpacked` zeros that `count` names of the directory lead to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bytes(unpacked)
    packed, crc = packer.compress(data) + packer.flush(), zlib.crc32(data)
    name = b"a/pom.properties"
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0x21, crc, len(packed), unpacked, len(name), 0) + name
    directory = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0x21, crc, len(packed), unpacked, len(each), 0, 0, 0, 0, 0, 0) + each
        for each in (b"META-INF/maven/g/a%d/pom.properties" % number for number in range(count)))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, min(count, 65535), min(count, 65535), len(directory), len(local) + len(packed), 0)
    return local + packed + directory + end


def patched_zip(signature, offset, value, base=None):
    """A sound jar with bytes changed at `offset` behind a signature's last occurrence."""
    jar = bytearray(base or zip_of([(POM, POM_TEXT), ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n")]))
    at = jar.rfind(signature) + offset
    jar[at:at + len(value)] = value
    return bytes(jar)


def zip64_lies():
    """All fields of the directory's end refer to a zip64 record that claims 2^63 members."""
    jar = zip_of([(POM, POM_TEXT)])
    body, end = jar[:-22], bytearray(jar[-22:])
    at = len(body)
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1 << 63, 1 << 63, (1 << 64) - 1, (1 << 64) - 16)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
    end[8:20] = b"\xff" * 12
    return body + record + locator + bytes(end)


# ---- package databases ----

def rpm_header(number):
    """A header of rpm's database: name, version, release."""
    texts, index, store = ((1000, b"package-%d" % number), (1001, b"1.0"), (1002, b"1")), b"", b""
    for tag, text in texts:
        index += struct.pack(">4I", tag, 6, len(store), 1)
        store += text + b"\0"
    return struct.pack(">2I", len(texts), len(store)) + index + store


def rpm_sqlite(count=400, page=1024):
    """rpmdb.sqlite whose table has inner pages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rpmdb.sqlite"
        database = sqlite3.connect(path)
        database.execute(f"PRAGMA page_size={page}")
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", ((rpm_header(number),) for number in range(count)))
        database.commit()
        database.close()
        return path.read_bytes()


def rpm_sqlite_cyclic(page=1024):
    """Every cell of the table's root leads back to the root."""
    data = bytearray(rpm_sqlite(page=page))
    for at in range(page, len(data), page):
        if data[at] == 5:  # an inner page of a table
            number = at // page + 1
            cells, = struct.unpack(">H", data[at + 3:at + 5])
            data[at + 8:at + 12] = struct.pack(">I", number)
            for cell in range(cells):
                place, = struct.unpack(">H", data[at + 12 + 2 * cell:at + 14 + 2 * cell])
                data[at + place:at + place + 4] = struct.pack(">I", number)
    return bytes(data)


def rpm_sqlite_overwritten(page=1024):
    data = bytearray(rpm_sqlite(page=page))
    for at in range(4 * page, len(data), 3 * page):
        data[at:at + page] = b"\xa5" * page
    return bytes(data)


def rpm_ndb(slots):
    """Packages.db with one blob and so many slots that all lead to it."""
    blob = rpm_header(1)
    size = (16 + len(blob) + 12 + 15) // 16 * 16
    body = (struct.pack("<4s3I", b"BlbS", 1, 1, len(blob)) + blob).ljust(size - 12, b"\0")
    body += struct.pack("<2I4s", zlib.adler32(body), len(blob), b"BlbE")
    pages = (32 + 16 * slots + 4095) // 4096
    head = struct.pack("<4s7I", b"RpmP", 0, 1, pages, 2, 0, 0, 0)
    table = head + struct.pack("<4s3I", b"Slot", 1, pages * 4096 // 16, size // 16) * slots
    table += struct.pack("<4s3I", b"Slot", 0, 0, 0) * ((pages * 4096 - len(table)) // 16)
    return table + body


def rpm_bdb(pages=200, page=512):
    """Packages whose hash pages all hold a value on the same chain of overflow pages, which runs in a ring."""
    meta = bytearray(page)
    meta[12:16], meta[16:20], meta[20:24] = struct.pack("<I", 0x61561), struct.pack("<I", 9), struct.pack("<I", page)
    meta[25], meta[32:36] = 8, struct.pack("<I", pages - 1)
    out = bytes(meta)
    for number in range(1, pages):
        here = bytearray(page)
        here[8:12] = struct.pack("<I", number)
        if number % 2:
            key, value = b"\1" + struct.pack("<I", number), b"\3\0\0\0" + struct.pack("<2I", 2, page * pages // 2)
            at = page - len(key)
            here[20:22], here[25] = struct.pack("<H", 2), 13
            here[26:30] = struct.pack("<2H", at, at - len(value))
            here[at - len(value):] = value + key
        else:
            here[16:20] = struct.pack("<I", number + 2 if number + 2 < pages else 2)
            here[22:24], here[25] = struct.pack("<H", page - 26), 7
            here[26:] = b"x" * (page - 26)
        out += bytes(here)
    return out


# ---- programs ----

def elf(sections, shoff=None, shnum=None, entsize=64):
    """ELF64 with [(name, bytes)]; where its table of sections lies can be a lie."""
    names = b"\0" + b"".join(name + b"\0" for name, _ in sections) + b".shstrtab\0"
    body, places = b"", []
    for _, data in [*sections, (b"", names)]:
        places.append((64 + len(body), len(data)))
        body += data + bytes(-len(data) % 8)
    table, at = bytes(64), 1
    for (name, _), (offset, size) in zip([*sections, (b".shstrtab", names)], places):
        table += struct.pack("<2I4Q2I2Q", at, 1, 2, 0x400000 + offset, offset, size, 0, 0, 8, 0)
        at += len(name) + 1
    count = len(sections) + 2
    head = struct.pack("<16s2HI3QI6H", b"\x7fELF\2\1\1", 2, 62, 1, 0x400000, 0, 64 + len(body) if shoff is None else shoff, 0, 64, 56, 0,
                       entsize, count if shnum is None else shnum, count - 1)
    return head + body + table


GO_MAGIC = b"\xff Go buildinf:"


def go_inline(version_len, module_len):
    """Go's build information of 1.18 and later, whose lengths are given as they are."""
    return elf([(b".go.buildinfo", (GO_MAGIC + bytes([8, 2])).ljust(32, b"\0") + version_len + b"go1.22.1" + module_len + b"path\tx\n")])


def go_pointers():
    """The older form: pointers at each other and far outside."""
    return elf([(b".go.buildinfo", GO_MAGIC + bytes([8, 0]) + struct.pack("<2Q", 0x400050, 0xffffffffffffff00))])


def cargo_bomb(unpacked):
    return elf([(b".dep-v0", zlib.compress(b'{"packages":[' + b" " * unpacked + b"]}", 9))])


# ---- text ----

def deep_json(depth, inner="1"):
    return ('{"a":' * depth + inner + "}" * depth).encode()


def package_json(depth):
    return b'{"name":"deep","version":"1.0.0","x":' + b"[" * depth + b"]" * depth + b"}"


def installed_json(count):
    return json.dumps({"packages": [{"name": f"v/p{number}", "version": "1.0"} for number in range(count)]}).encode()
