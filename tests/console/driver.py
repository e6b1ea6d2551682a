"""Reading from and typing on a ConsoleLine, as tests do it."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.line import Line
from clusto_cli.backends.console.profile import load
from clusto_cli.backends.console.values import Values


def access(profile: str, method: str | None = None, **values: object) -> Access:
    """A way through a profile; `values` are those of Values, or its texts."""
    own = {key: values.pop(key) for key in ("number", "tcp_port", "base", "secret") if key in values}
    known = load(profile)
    return Access(known, known.method(method), Values(texts={k: str(v) for k, v in values.items()}, **own))  # type: ignore[arg-type]


def attach(way: Access, mode: Attach = Attach.NORMAL, *, interactive: bool = False) -> Line:
    return way.open(mode, rows=33, columns=101, interactive=interactive)


def step(line: Line, seconds: float = 0.05) -> bytes:
    """What comes within a moment."""
    poll = select.poll()
    for fd, events in line.waits_for().items():
        poll.register(fd, events)
    poll.poll(seconds * 1000)
    return line.read()


def read_until(line: Line, wanted: bytes | Callable[[bytes], object], seconds: float = 10.0) -> bytes:
    """Everything up to and including the read in which the wanted bytes came."""
    heard = bytearray()
    deadline = time.monotonic() + seconds
    while not (wanted(bytes(heard)) if callable(wanted) else wanted in heard):
        assert time.monotonic() < deadline, f"{wanted!r} has not come, but {bytes(heard[-400:])!r}"
        heard += step(line)
    return bytes(heard)


def wait_ready(line: Line, seconds: float = 10.0) -> bytes:
    return read_until(line, lambda _: line.ready, seconds)
