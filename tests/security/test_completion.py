"""What the shell completes comes from the inventory: nothing of it is run when the line is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run

COMMANDS = ["a;touch owned", "$(touch owned)", "`touch owned`", "a&touch owned", "a|touch owned", "a>owned"]
VALUES = [*COMMANDS, "x\ntouch owned"]
LINES = [
    "clusto find attr:status,",
    "clusto attr set status ",
    'clusto find "attr:status,',
    "clusto find 'attr:status,",
]


@pytest.mark.parametrize("line", LINES)
def test_no_value_is_run_by_the_line_that_it_completes(clusto: Run, tmp_path: Path, line: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    clusto("add", "Server", *(f"server{number}" for number in range(len(VALUES))))
    for number, value in enumerate(VALUES):
        assert clusto("attr", "set", "status", value, "-t", f"server{number}").code == 0
    quote = next((each for each in "'\"" if each in line), "")
    head = line.rpartition(" ")[0]
    for word in clusto("completion", "bash", "--line", line).out.splitlines()[1:]:
        typed = f"{head} {word}{quote}".replace("clusto", "echo", 1)
        subprocess.run([bash, "-c", typed], cwd=tmp_path, capture_output=True, check=False)
        assert list(tmp_path.glob("owned*")) == [], typed
