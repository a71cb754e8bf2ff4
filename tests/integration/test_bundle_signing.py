"""Signed packages of muster-report: keys from files and from PKCS#11, a time-stamp authority, archives, and what openssl says of them."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from bundle_keys import Keys, TimestampAuthority, openssl
from report_world import report_world  # noqa: F401
from test_report import files_of, world  # noqa: F401

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
ENGINE = Path("/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def authority(keys):
    made = TimestampAuthority(keys)
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def signed(world, keys, authority, tmp_path_factory):  # noqa: F811
    out = tmp_path_factory.mktemp("signed") / "package"
    done = world.run(out, *keys.run_options, f"--timestamp-url={authority.url}")
    assert done.returncode == 0, done.stderr
    return out


def test_a_signed_package_verifies_and_says_by_whom(world, signed, keys):  # noqa: F811
    done = world.verify(signed, *keys.verify_options, f"--timestamp-ca={keys.folder}/ca.pem")
    assert done.returncode == 0, done.stdout
    assert "CN=Example signer" in done.stdout and done.stdout.count("holds") == 3
    done = world.verify(signed)
    assert done.returncode == 0 and done.stdout.count("not checked: give --") == 3


def test_openssl_itself_verifies_each_signature(signed, keys):
    manifest = signed / "manifest.json"
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", keys.folder / "ed25519.pub", "-rawin", "-in", manifest, "-sigfile", signed / "manifest.json.sig")
    openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", signed / "manifest.json.p7s", "-content", manifest, "-CAfile",
            keys.folder / "ca.pem", "-out", os.devnull)
    openssl("ts", "-verify", "-data", manifest, "-in", signed / "manifest.json.tsr", "-CAfile", keys.folder / "ca.pem")


def test_a_time_stamp_of_something_else_is_named(world, signed, keys, tmp_path):  # noqa: F811
    spoiled = tmp_path / "package"
    shutil.copytree(signed, spoiled)
    data = (spoiled / "manifest.json").read_text().replace('"month":"2026-10"', '"month":"2026-09"')
    (spoiled / "manifest.json").write_text(data)
    done = world.verify(spoiled, f"--timestamp-ca={keys.folder}/ca.pem")
    assert done.returncode == 1 and "is no time stamp of manifest.json" in done.stdout


def test_an_authority_that_grants_nothing_fails_the_run_and_leaves_nothing(world, authority, tmp_path):  # noqa: F811
    authority.refuse = True
    try:
        done = world.run(tmp_path / "package", f"--timestamp-url={authority.url}")
    finally:
        authority.refuse = False
    assert done.returncode == 3 and "--timestamp-url: the authority granted no time stamp" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["zip", "tar.zst"])
def test_the_same_month_gives_the_same_archive_in_any_zone_and_locale(world, keys, tmp_path, kind):  # noqa: F811
    first, again = tmp_path / f"first.{kind}", tmp_path / f"again.{kind}"
    assert world.run(first, *keys.run_options).returncode == 0
    environment = {**os.environ, "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "TMPDIR": str(tmp_path)}
    done = subprocess.run(world.command(again, *keys.run_options), env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(again.read_bytes()).digest()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, again.name])
    assert world.verify(first, *keys.verify_options).returncode == 0


def test_an_archive_unpacks_to_what_the_folder_holds(world, keys, tmp_path):  # noqa: F811
    assert world.run(tmp_path / "folder").returncode == 0
    for kind, command in (("zip", ["python3", "-m", "zipfile", "-e"]), ("tar.zst", ["tar", "--zstd", "-xf"])):
        assert world.run(tmp_path / f"package.{kind}").returncode == 0
        (tmp_path / kind).mkdir()
        place = [str(tmp_path / kind)] if kind == "zip" else ["-C", str(tmp_path / kind)]
        subprocess.run([*command, str(tmp_path / f"package.{kind}"), *place], check=True)
        assert files_of(tmp_path / kind) == files_of(tmp_path / "folder")


@pytest.mark.parametrize("spoil, says", [
    (lambda k: ["--sign-key=/none"], "--sign-key: '/none': No such file"),
    (lambda k: [f"--sign-key={k.folder}/signer.key"], "--sign-key: is no Ed25519 key"),
    (lambda k: [f"--cms-key={k.folder}/signer.key"], "--cms-key and --cms-certificate go together"),
    (lambda k: [f"--cms-key={k.folder}/signer.key", f"--cms-certificate={k.folder}/tsa.pem"], "is not the key's"),
    (lambda k: [f"--cms-key={k.folder}/ed25519.key", f"--cms-certificate={k.folder}/signer.pem"], "signs by --sign-key"),
    (lambda k: [f"--sign-key={k.folder}/open.key"], "chmod 600")])
def test_a_key_that_cannot_sign_is_wrong_usage_before_any_work(world, keys, tmp_path, spoil, says):  # noqa: F811
    shutil.copy(keys.folder / "ed25519.key", keys.folder / "open.key")
    (keys.folder / "open.key").chmod(0o644)
    done = world.run(tmp_path / "package", *spoil(keys))
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def token(keys):
    """A PKCS#11 token that holds the signer's key; its environment."""
    if not SOFTHSM.exists() or not ENGINE.exists():
        pytest.skip("SKIPPED: softhsm2 and libengine-pkcs11-openssl are not installed")
    (keys.folder / "tokens").mkdir()
    (keys.folder / "softhsm.conf").write_text(f"directories.tokendir = {keys.folder}/tokens\nlog.level = ERROR\n")
    environment = {**os.environ, "SOFTHSM2_CONF": f"{keys.folder}/softhsm.conf", "PKCS11_MODULE_PATH": str(SOFTHSM)}
    for arguments in (["--init-token", "--free", "--label", "muster", "--so-pin", "5678", "--pin", "1234"],
                      ["--import", f"{keys.folder}/signer.key", "--token", "muster", "--label", "signer", "--id", "01", "--pin", "1234"]):
        subprocess.run(["softhsm2-util", *arguments], env=environment, check=True, capture_output=True)
    return environment


def _with_token(world, keys, token, out, pin):  # noqa: F811
    command = world.command(out, "--cms-key=pkcs11:token=muster;object=signer;type=private", f"--cms-certificate={keys.folder}/signer.pem")
    return subprocess.run(command, env={**token, "MUSTER_SIGN_SECRET": pin}, capture_output=True, text=True, check=False, timeout=120)


def test_a_key_behind_pkcs11_signs_the_same_bytes(world, signed, keys, token, tmp_path):  # noqa: F811
    done = _with_token(world, keys, token, tmp_path / "package", "1234")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "package/manifest.json.p7s").read_bytes() == (signed / "manifest.json.p7s").read_bytes()
    assert world.verify(tmp_path / "package", f"--ca={keys.folder}/ca.pem", "--require-signature").returncode == 0


def test_a_wrong_pin_is_wrong_usage(world, keys, token, tmp_path):  # noqa: F811
    done = _with_token(world, keys, token, tmp_path / "package", "9999")
    assert done.returncode == 2 and "--cms-key: 'pkcs11:token=muster" in done.stderr, done.stderr


# ---- the static program ----

def test_the_static_program_says_the_same_in_an_empty_root(world, signed, keys, tmp_path):  # noqa: F811
    program = world.program.parent / "muster-report-verify"
    if not program.exists():
        pytest.skip("SKIPPED: muster-report-verify was not built: a static library is missing")
    segments = subprocess.run(["readelf", "-lW", str(program)], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in segments
    if os.geteuid() != 0:
        pytest.skip("SKIPPED: only root may change the root")
    shutil.copy(program, tmp_path / "verify")
    shutil.copytree(signed, tmp_path / "package")
    shutil.copy(keys.folder / "ed25519.pub", tmp_path / "key.pub")
    shutil.copy(keys.folder / "ca.pem", tmp_path / "ca.pem")
    subprocess.run(["python3", "-c", "import shutil,sys; shutil.make_archive(sys.argv[1], 'zip', sys.argv[2])", str(tmp_path / "p"), str(signed)],
                   check=True)
    for package in ("/package", "/p.zip"):
        done = subprocess.run([shutil.which("chroot"), str(tmp_path), "/verify", "verify", "--key=/key.pub", "--ca=/ca.pem", "--timestamp-ca=/ca.pem",
                               "--require-signature", package], env={}, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0 and "no unexplained difference" in done.stdout, done.stdout + done.stderr
