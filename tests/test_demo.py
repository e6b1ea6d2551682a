"""The demo runs from end to end, and shows what the README promises."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.terminals import open_terminal

ROOT = Path(__file__).parent.parent


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A copy of the examples; what the demo leaves running there is ended."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    yield tmp_path
    for left in tmp_path.glob(".demo*/lab.pid"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(left.read_text()), signal.SIGTERM)


def start(place: Path, **more: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        "HOME": str(place),
        "LC_ALL": "C.UTF-8",
        "LAB_PORT": "0",
        **more,
    }
    return subprocess.Popen(
        [place / "examples" / "demo.sh"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def says(demo: subprocess.Popen[str], line: str) -> None:
    """Ends a demo that has printed a line among its first."""
    assert demo.stdout is not None
    try:
        assert line in (demo.stdout.readline() for _ in range(5))
    finally:
        os.killpg(demo.pid, signal.SIGTERM)
        demo.communicate(timeout=60)


def test_the_demo(place: Path) -> None:
    """From end to end, where its lab's ports are taken; beside another, and after one that has left its consoles."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        demo = start(place, LAB_PORT=str(port))
        while not (place / ".demo").exists():
            assert demo.poll() is None
            time.sleep(0.05)
        says(start(place), "# A demo is running in .demo; this one goes into .demo-2.\n")
        out, err = demo.communicate(timeout=300)
    assert demo.returncode == 0, out[-2000:] + err[-2000:]
    assert f"# Another lab has UDP ports from {port} up: this one takes free ports.\n" in out
    _, _, answer = out.partition("\n$ clusto locate server1\n")
    assert answer.splitlines()[:2] == [
        "server1 -> connected to port 4 on switch2a",
        "server1 -> connected to RU13 in rack101",
    ]
    assert "\nthe store is sound\n" in out
    assert "Traceback" not in out + err
    says(start(place), "# The consoles that the last demo had left running are ended.\n")


def test_what_takes_its_time_says_so() -> None:
    telling = str(ROOT / ".ci" / "telling")
    done = subprocess.run([telling, "Waiting", "sh", "-c", "echo done; exit 3"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "done\n", "Waiting ...\n")
    child = open_terminal(["Waiting", "sh", "-c", "read line; exit 3"], {}, program=telling)
    child.expect_exact("Waiting, 0 s")
    child.expect_exact("Waiting, 1 s")
    child.sendline("")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3
