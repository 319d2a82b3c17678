"""Find a Chromium for the browser tests, or install one.

The system's comes first, then one that Playwright has already, then the distribution's package
(it brings the libraries it needs; Playwright's download does not), then Playwright's download.
"""

import os
import shutil
import subprocess
from pathlib import Path

import install

UI_TESTS = install.ROOT / "ui-tests"
NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]


class NoBrowserError(Exception):
    """No browser was found and none could be installed."""


def works(path: str) -> bool:
    """Tell whether a browser starts: Ubuntu's `chromium-browser` may be a stub for a snap."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def system_browser() -> str | None:
    """Return the named browser (`GLASSBLOCK_CHROMIUM`) or the system's."""
    named = os.environ.get("GLASSBLOCK_CHROMIUM")
    if named and not works(named):
        raise NoBrowserError(f"GLASSBLOCK_CHROMIUM is {named}, which does not start")
    paths = [named] if named else [shutil.which(name) for name in NAMES]
    return next((path for path in paths if path and works(path)), None)


def playwright_browser() -> str | None:
    """Return the browser that Playwright downloaded for itself, if it did."""
    script = "console.log(require('@playwright/test').chromium.executablePath())"
    answer = subprocess.run(
        ["node", "-e", script],
        cwd=UI_TESTS,
        env=install.ENV,
        capture_output=True,
        text=True,
        check=False,
    )
    path = answer.stdout.strip()
    return path if path and Path(path).exists() and works(path) else None


def download_with_playwright() -> None:
    """Ask Playwright to download its Chromium."""
    subprocess.run(["npx", "playwright", "install", "chromium"], cwd=UI_TESTS, env=install.ENV, check=False)


def find() -> str:
    """Return the path of a Chromium that starts, installing one where that is allowed."""
    found = system_browser() or playwright_browser()
    if not found:
        print("No Chromium on this machine: installing the distribution's package.", flush=True)
        install.apt_install("chromium", "fonts-dejavu-core")
        found = system_browser()
    if not found:
        print("No package either: asking Playwright for its own.", flush=True)
        download_with_playwright()
        found = playwright_browser()
    if not found:
        raise NoBrowserError(
            "The browser tests need Chromium and none was found or could be installed. "
            "Install it (Debian: apt install chromium) or set GLASSBLOCK_CHROMIUM to its path."
        )
    return found
