"""The Chromium of the browser tests: found, or installed by `python -m tests.browser.chromium --install`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"]
MAC_APPS = ["Google Chrome", "Chromium", "Microsoft Edge"]
DOWNLOAD_SECONDS = 300
ADVICE = """\
No Chromium for the browser tests. Any of these helps:
  install the package `chromium` (Debian: apt-get install chromium) or Google Chrome
  CHROMIUM=/path/to/chrome make test
  .venv/bin/python -m playwright install chromium"""


def executable_path() -> str | None:
    """A Chromium that runs, or None."""
    return next((str(path) for path in _candidates() if _runs(path)), None)


def launch_args() -> list[str]:
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    arguments = [*quiet, "--no-first-run", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"]
    # Chromium's sandbox refuses root. The tests open our own pages only.
    return [*arguments, "--no-sandbox"] if os.geteuid() == 0 else arguments


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("CHROMIUM"):
        yield Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found)
    for app in MAC_APPS:
        yield Path(f"/Applications/{app}.app/Contents/MacOS/{app}")
    yield from _downloaded()


def _downloaded() -> Iterator[Path]:
    """Playwright's own, newest first."""
    home = Path("~").expanduser() if os.environ.get("HOME") else Path()
    caches = [home / ".cache/ms-playwright", home / "Library/Caches/ms-playwright"]
    if named := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        caches.insert(0, Path(named))
    for cache in caches:
        for pattern in ("chrome-linux*/chrome", "chrome-mac*/*.app/Contents/MacOS/*"):
            yield from sorted(cache.glob(f"chromium-*/{pattern}"), reverse=True)


def _runs(path: Path) -> bool:
    """Ubuntu's `chromium` may be a stub that asks for a snap, so a file that exists is not enough."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def install() -> str | None:
    """Tries Playwright's download, then Debian's package. Returns the path, or None."""
    tell("Chromium is missing; trying Playwright's download …")
    attempt([sys.executable, "-m", "playwright", "install", "chromium"])
    if not executable_path() and os.geteuid() == 0 and shutil.which("apt-get"):
        tell("No luck; trying the package `chromium` …")
        attempt(["apt-get", "update", "-q"])
        attempt(["apt-get", "install", "-qy", "--no-install-recommends", "chromium"])
    return executable_path()


def attempt(command: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DOWNLOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        tell(f"{command[0]}: no end after {DOWNLOAD_SECONDS} s")
        return
    if done.returncode:
        tell(f"{' '.join(command)} failed (exit {done.returncode})")


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    path = executable_path() or (install() if "--install" in sys.argv else None)
    if path is None:
        sys.exit(ADVICE)
    tell(f"Chromium: {path}")


if __name__ == "__main__":
    main()
