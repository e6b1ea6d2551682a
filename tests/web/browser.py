"""Debian's chromium, driven by selenium, and axe-core's rules; what is missing is said."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.console.lab import find

_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars")
AXE = "axe-core@4.14.1"


@contextmanager
def browsing() -> Iterator[Any]:
    """A browser; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (PyPI: selenium)")
    options = webdriver.ChromeOptions()
    options.binary_location = find("chromium", "chromium")
    for option in _OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(find("chromedriver", "chromium-driver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()


def axe(folder: Path) -> str:
    """The program of axe-core's rules, as npm has it; the test is skipped where that cannot be had."""
    npm = find("npm", "npm")
    done = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm does not give {AXE} here: {done.stderr.decode(errors='replace')[-200:]}")
    with tarfile.open(next(folder.glob("axe-core-*.tgz"))) as archive:
        file = archive.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()
