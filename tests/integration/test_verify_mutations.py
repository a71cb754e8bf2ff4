"""verify against a table of more than 100 spoiled packages, each to be caught and named, and 100 good ones of random fleets."""

import json
import random
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import verify_mutations as table
from bundle_keys import Keys
from report_world import raw_scan, report_world  # noqa: F401
from test_report import world  # noqa: F401

FLEETS = 100


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def good(world, keys, tmp_path_factory):  # noqa: F811
    """The package of four images, two findings among them, signed."""
    evidence = world.evidence.add(json.dumps(raw_scan("sha256:" + "1" * 64, (table.WEB,), [("CVE-2026-0001", "critical"), ("CVE-2026-0002", "high")])).encode())
    world.postgres.sql(f"UPDATE inventory SET evidence_digest = '{evidence}' WHERE uai = '{table.WEB}'")
    out = tmp_path_factory.mktemp("good") / "package"
    done = world.run(out)
    assert done.returncode == 0, done.stderr
    table.add_documents(out)
    keys.sign(out)
    assert asked(world, out, *keys.verify_options) == (0, [])
    return out


def asked(world, path, *options):  # noqa: F811
    done = subprocess.run([str(world.program), "verify", "--format=json", *options, str(path)], capture_output=True, text=True, check=False,
                          timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def assert_all_are_named(world, good, folder, mutations, *options):  # noqa: F811
    """In parallel: a mutation is a copy, a change and a process."""
    def look(mutation):
        name, spoil, subject, says = mutation
        spoiled = folder / table.plain(name)
        shutil.copytree(good, spoiled, symlinks=True)
        spoil(spoiled)
        code, differences = asked(world, spoiled, *options)
        shutil.rmtree(spoiled)
        return None if code == 1 and table.names(differences, subject, says) else f"{name}: {code} {differences[:5]}"
    with ThreadPoolExecutor(2) as pool:
        missed = [said for said in pool.map(look, mutations) if said]
    assert not missed, "\n".join(missed)


def test_the_table_has_a_hundred_mutations(good):
    every = [*table.file_mutations(files_of(good)), *table.ADDED, *table.SIGNED, *table.SIGNATURES, *table.FORGED]
    assert len(every) >= 140 and len({(name, subject) for name, _, subject, _ in every}) >= 140, len(every)


def files_of(good):
    return sorted(str(path.relative_to(good)) for path in good.rglob("*")
                  if path.is_file() and not path.name.startswith("manifest.json"))


def test_every_spoiled_file_is_caught_and_named(world, good, tmp_path):  # noqa: F811
    assert_all_are_named(world, good, tmp_path, table.file_mutations(files_of(good)))


def test_every_added_file_is_caught_and_named(world, good, tmp_path):  # noqa: F811
    assert_all_are_named(world, good, tmp_path, table.ADDED)


def test_every_change_of_what_is_signed_is_caught_and_named(world, good, keys, tmp_path):  # noqa: F811
    assert_all_are_named(world, good, tmp_path, table.SIGNED + table.SIGNATURES, *keys.verify_options)


def test_every_forged_content_is_caught_and_named(world, good, tmp_path):  # noqa: F811
    assert_all_are_named(world, good, tmp_path, table.FORGED)


def test_keys_and_authorities_of_others_are_named(world, good, keys):  # noqa: F811
    code, differences = asked(world, good, f"--key={keys.folder}/other-ed25519.pub")
    assert code == 1 and table.names(differences, "manifest.json.sig", "no signature of manifest.json by that key")
    code, differences = asked(world, good, f"--ca={keys.folder}/other-ca.pem")
    assert code == 1 and table.names(differences, "manifest.json.p7s", "no signature of manifest.json under --ca")
    code, differences = asked(world, good, f"--ca={keys.folder}/ca.pem", "--at=2020-01-01T00:00:00Z")
    assert code == 1 and table.names(differences, "manifest.json.p7s", "not yet valid")
    code, differences = asked(world, good, "--require-signature")
    assert code == 1 and table.names(differences, "manifest.json", "no signature that was checked")


# ---- archives ----

def zipped(folder, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(folder.rglob("*")):
            out.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar.zst"])
def test_a_repacked_archive_verifies_and_a_truncated_one_is_named(world, good, keys, tmp_path, kind):  # noqa: F811
    path = tmp_path / f"package.{kind}"
    if kind == "zip":
        zipped(good, path)
    else:
        subprocess.run(["tar", "--zstd", "-C", str(good), "-cf", str(path), "."], check=True)
    assert asked(world, path, *keys.verify_options) == (0, [])
    data = path.read_bytes()
    for share in (0.1, 0.5, 0.99):
        path.write_bytes(data[:int(len(data) * share)])
        code, differences = asked(world, path)
        assert code == 1 and differences[0]["check"] == "archive", differences


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_zips_are_refused_by_name(world, good, tmp_path):  # noqa: F811
    for name, entry, says in (("out", "../../etc/cron.d/x", "leads out"), ("twice", "manifest.json", "comes twice"), ("slash", "/x", "leads out")):
        path = zipped(good, tmp_path / f"{name}.zip")
        with zipfile.ZipFile(path, "a") as out:
            out.writestr(zipfile.ZipInfo(entry), b"x")
        code, differences = asked(world, path)
        assert code == 1 and entry.lstrip("/") in differences[0]["subject"] and says in differences[0]["difference"], differences
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("manifest.json", b"\0" * (64 << 20))
    code, differences = asked(world, bomb, "--max-unpacked=32MiB")
    assert code == 1 and "unpacks to more than 33554432 bytes" in differences[0]["difference"]


# ---- good ones ----

STATES = ("covered", "covered", "covered", "covered", "scan_expired", "scan_failed", "never_scanned", "unresolved", "not_in_registry")
PODS = ("web-7d9", "=cmd|' /C calc'!A0", 'with "quotes"', "with, comma", "-dash", "ünïcode")


def _row(table_name, values):
    texts = ", ".join("NULL" if value is None else "'" + str(value).replace("'", "''") + "'" for value in values.values())
    return f"INSERT INTO {table_name} ({', '.join(values)}) VALUES ({texts});"


def found_rows(pick, found):
    """SQL of what the scans found, {(asset, name): severity}: under another name, held by a deviation, or as it is; and of what is closed."""
    held = {name: pick.choice((None, None, "DR-1", "DR-1+DR-2")) for _, name in found}
    known = {name: pick.choice((name, name, f"GHSA-{name[-4:]}")) for name in held}
    for (uai, name), severity in found.items():
        item = f"V-{known[name]}" + (f"-{held[name]}" if held[name] else "")
        yield _row("findings", {
            "item": item, "uai": uai, "repository": uai.rpartition(":")[0], "vulnerability": known[name], "reported_as": name, "severity": severity,
            "effective_severity": severity, "severity_source": "scanner", "packages": pick.choice(("openssl 3.0.1", "=1+1 1.0")),
            "detected_at": "2026-10-10", "first_detected_at": "2026-10-10", "item_detected_at": "2026-10-10", "episode": 1, "instances": 1,
            "deviations": (held[name] or "").replace("+", "\n"), "forensic": "false", "due_at": "2026-11-09", "due_by": "rev5",
            "status": pick.choice(("open", "late", "at_risk"))})
        if pick.random() < 0.2:
            yield _row("closed_findings", {
                "item": f"V-CVE-2025-{name[-4:]}", "uai": uai, "repository": uai.rpartition(":")[0], "vulnerability": f"CVE-2025-{name[-4:]}",
                "episode": 1, "detected_at": "2026-08-01", "first_detected_at": "2026-08-01", "item_detected_at": "2026-08-01",
                "closed_at": "2026-10-09", "closed_by": "scan", "item_closed_at": "2026-10-09", "severity": severity})


def random_fleet(world, seed):  # noqa: F811
    """SQL of images in every state, several digests an asset, scans shared by names, hostile texts; what was found."""
    pick = random.Random(seed)
    script, made, found = ["TRUNCATE inventory, instances, not_running, findings, closed_findings;"], [], {}
    for number in range(pick.randrange(0, 9)):
        name = f"registry.example/{pick.choice(('apps', 'team/long/path', 'a'))}/image{number}"
        tag = pick.choice(("1.0", "latest", "v2-rc.1"))
        for _ in range(pick.choice((1, 1, 1, 2, 3))):
            made.append((f"{name}:{tag}", name, tag, "sha256:%064x" % pick.getrandbits(256), pick.choice(STATES)))
    for uai, repository, tag, digest, state in made:
        old = f"{repository}:old-{digest[-4:]}" if pick.random() < 0.2 else None
        evidence = None
        if state in ("covered", "scan_expired"):
            findings = [(f"CVE-2026-{n:04}", pick.choice(("critical", "high", "moderate", "low", "unknown"))) for n in range(pick.randrange(4))]
            scan = raw_scan(digest, [uai, old] if old else [uai], findings,
                            "2026-10-20T00:00:00.000000Z" if state == "covered" else "2026-08-01T00:00:00.000000Z")
            evidence = world.evidence.add(json.dumps(scan).encode())
            found |= {(name, found_name): severity for name in ([uai, old] if old else [uai]) for found_name, severity in findings}
            if old:
                script.append(_row("not_running", {"uai": old, "manifest_digest": digest}))
        pods = pick.randrange(1, 4)
        script.append(_row("inventory", {
            "uai": uai, "manifest_digest": digest, "repository": repository, "tag": tag, "running_containers": pods, "state": state,
            "reason": None if state == "covered" else f"because of {pick.choice(PODS)}", "evidence_digest": evidence, "floating": "false",
            "os_name": pick.choice(("Debian GNU/Linux 12", "+1", None)), "image_title": pick.choice((None, "=1+1", "N/A", "web"))}))
        script += [_row("instances", {
            "cluster": "production", "namespace": "prod", "pod": f"{pick.choice(PODS)}-{digest[-6:]}-{pod}", "container": "app",
            "container_kind": "container", "image": uai, "uai": uai, "manifest_digest": digest, "state": state,
            "reason": None if state == "covered" else "x", "started_at": "2026-10-02", "node": "node-1"}) for pod in range(pods)]
    return "\n".join([*script, *found_rows(pick, found)])


def test_a_hundred_good_packages_of_random_fleets_raise_no_alarm(world, good, keys, tmp_path):  # noqa: F811
    kinds, alarms = ("package", "package.zip", "package.tar.zst"), []
    for seed in range(FLEETS):
        world.postgres.sql(random_fleet(world, seed))
        out = tmp_path / f"{seed}-{kinds[seed % len(kinds)]}"
        done = world.run(out, *keys.run_options)
        assert done.returncode == 0, f"seed {seed}: {done.stderr}"
        code, differences = asked(world, out, *keys.verify_options)
        if code != 0:
            alarms.append(f"seed {seed}: {differences}")
    assert not alarms, "\n".join(alarms)
