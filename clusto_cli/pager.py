"""The pager: what is longer than a screen is read in it, as git does.

Only where a person sees standard output. What fits on the screen is printed, and no pager is started.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator

import click

from clusto_cli import children, streams
from clusto_cli.visible import clean

CHOICES = ("CLUSTO_PAGER", "PAGER")
DEFAULT = "less"
LESS = "FRX"
"""Ends when all fits, shows colours, leaves what was read on the screen."""
_STYLE = re.compile(rb"\x1b\[[0-9;]*m")


def program() -> str | None:
    """The command line of the pager; None where there is none, or none is wanted: an empty one, or cat."""
    if os.environ.get("TERM") == "dumb" or click.get_current_context().find_root().params.get("no_pager"):
        return None
    named = next((name for name in CHOICES if name in os.environ), None)
    line = (os.environ[named] if named else DEFAULT).strip()
    if line in ("", "cat") or _there(line):
        return line if line not in ("", "cat") else None
    if named:
        print(f"clusto: there is no pager {clean(ascii(line[:200]))}, which {clean(named)} names", file=sys.stderr)
    return None


def _there(line: str) -> bool:
    try:
        words = [word for word in shlex.split(line) if "=" not in word]
    except ValueError:
        return False
    return bool(words) and (os.access(words[0], os.X_OK) if "/" in words[0] else children.find(words[0]) is not None)


@contextlib.contextmanager
def paging() -> Iterator[None]:
    """Has what is written to standard output go through the pager."""
    line = program()
    output = streams.output()
    if line is None or output is None or output.pager is not None:
        yield
        return
    pager = Pager(line)
    output.pager = pager.write
    try:
        yield
        sys.stdout.flush()
    finally:
        output.pager = None
        pager.end()


class Pager:
    """Holds what is written until it is longer than the screen; then the pager is started, and reads it all.

    Whoever leaves the pager before the end has read enough: the rest goes nowhere, and nothing has failed.
    """

    def __init__(self, line: str) -> None:
        self._line = line
        size = os.get_terminal_size(1)
        self._columns, self._room = max(size.columns, 1), size.lines - 1
        self._held = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self._left = False

    def write(self, data: bytes) -> None:
        """Takes bytes, all of them."""
        if self._process is None:
            self._held += data
            if self._lines() <= self._room:
                return
            self._start()
            data = bytes(self._held)
        self._pass_on(data)

    def _lines(self) -> int:
        """How many lines of the screen are taken."""
        lines = _STYLE.sub(b"", self._held).decode(errors="replace").splitlines()
        return sum(max(1, -(-len(line) // self._columns)) for line in lines)

    def _start(self) -> None:
        defaults = {"LESS": LESS, "LV": "-c"}
        given = {name: text for name, text in defaults.items() if name not in os.environ}
        # By a shell, as git does: operators put options and pipes there.
        command = ["/bin/sh", "-c", self._line]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=children.environment(given))

    def _pass_on(self, data: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        rest = memoryview(data)
        while rest and not self._left:
            try:
                rest = rest[os.write(self._process.stdin.fileno(), rest) :]
            except BrokenPipeError:
                self._left = True

    def end(self) -> None:
        """Prints what was held, or waits until the pager is left; an interrupt is the pager's own meanwhile."""
        if self._process is None:
            sys.stdout.buffer.write(self._held)
            sys.stdout.flush()
            return
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
