"""The unit of systemd that the package has keeps the server from what it has no use for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "packaging" / "debian" / "clusto-serve.service"


def test_the_unit_exposes_little() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    words = ["security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT)]
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False)
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("systemd-analyze is too old to look at a file")
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
