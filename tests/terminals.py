"""clusto at a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import pexpect

CLUSTO = os.path.join(os.path.dirname(sys.executable), "clusto")


def open_terminal(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    rows: int = 24,
    columns: int = 80,
    program: str = CLUSTO,
) -> pexpect.spawn:
    """A program that runs at a terminal of that size."""
    settings = {"TERM": "xterm", "LC_ALL": "C.UTF-8", **environment}
    given = {name: text for name, text in os.environ.items() if name not in ("PAGER", "LESS", "COLUMNS", "NO_COLOR")}
    return pexpect.spawn(
        program, list(words), env={**given, **settings}, dimensions=(rows, columns), encoding="utf-8", timeout=30
    )


def at_terminal(
    words: Sequence[str], environment: Mapping[str, str], *, rows: int = 24, columns: int = 80
) -> tuple[int, str]:
    """The exit code of a command that asks nothing, and all that it wrote on a terminal."""
    child = open_terminal(words, environment, rows=rows, columns=columns)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus if child.exitstatus is not None else -1, child.before or ""
