"""Headless Chromium, and axe-core in it.

axe-core comes once into the download cache: with npm where there is one, else inside a wheel from PyPI that carries it; each pinned by the
SHA-256 of its script.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("MUSTER_CACHE", ROOT / ".muster/cache"))
AXE = [
    ("npm", ["npm", "pack", "axe-core@4.14.1", "--pack-destination"], "axe-core-4.14.1.tgz", "package/axe.min.js",
     "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"),
    (sys.executable, [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "axe-playwright-python==0.1.8", "--dest"],
     "axe_playwright_python-0.1.8-py3-none-any.whl", "axe_playwright_python/axe.min.js",
     "84494fec757e4710dc751c8d7a636e457f4532f08f85c86dc9070133fbff53bc"),
]
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--window-size=1280,1000")


def missing():
    """What Debian packages are not there, in words; "" when all are."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "python3-selenium is not installed"
    absent = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"{' and '.join(absent)} are not installed (packages chromium, chromium-driver)" if absent else ""


def _member(archive, name):
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return opened.read(name)
    with tarfile.open(archive) as opened:
        return opened.extractfile(name).read()


def axe_script():
    """(the script, "") or (None, why not)."""
    folder, why = CACHE / "axe-core", "there is neither npm nor pip"
    folder.mkdir(parents=True, exist_ok=True)
    for program, command, archive, member, digest in AXE:
        if not shutil.which(program):
            continue
        if not (folder / archive).exists():
            done = subprocess.run([*command, str(folder)], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
            if done.returncode != 0:
                why = (done.stderr or done.stdout).strip()[-200:]
                continue
        script = _member(folder / archive, member)
        assert hashlib.sha256(script).hexdigest() == digest, f"{archive} holds another script than was pinned"
        return script.decode(), ""
    return None, why


class Browser:
    """A window; what it shows is told by DevTools, so that scripts may be off."""

    def __init__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service
        options = Options()
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        for switch in SWITCHES:
            options.add_argument(switch)
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(60)

    def tell(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def show(self, path, scheme="light", media="", width=1280):
        self.tell("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
        self.driver.get(path.as_uri())

    def ask(self, expression):
        return self.driver.execute_script(f"return {expression}")

    def axe(self, script):
        self.driver.execute_script(script)
        return self.driver.execute_async_script("axe.run(document).then(arguments[0], error => arguments[0]({error: String(error)}))")

    def picture(self, path, height=2000, scale=0.75):
        width, whole = self.ask("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, whole), "scale": scale}
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]))

    def print(self, path, width, height):
        made = self.tell("Page.printToPDF", paperWidth=width, paperHeight=height, printBackground=True)
        path.write_bytes(base64.b64decode(made["data"]))

    def close(self):
        self.driver.quit()
