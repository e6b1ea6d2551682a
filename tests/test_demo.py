"""The demo runs from end to end, and shows what the README promises."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A copy of the examples; what the demo leaves running there is ended."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    yield tmp_path
    left = tmp_path / ".demo" / "lab.pid"
    if left.exists() and left.read_text().strip():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(left.read_text()), signal.SIGTERM)


def test_the_demo(place: Path) -> None:
    done = subprocess.run(
        [place / "examples" / "demo.sh"],
        env={
            "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
            "HOME": str(place),
            "LC_ALL": "C.UTF-8",
            "LAB_PORT": "0",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    _, _, answer = done.stdout.partition("\n$ clusto locate server1\n")
    assert answer.splitlines()[:2] == [
        "server1 -> connected to port 4 on switch2a",
        "server1 -> connected to RU13 in rack101",
    ]
    assert "\nthe store is sound\n" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
