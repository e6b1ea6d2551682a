"""Standard streams that are others in each thread: for verbs that run side by side in one process.

`install` makes them so, once; until then `diverted` has them changed for the whole process, as contextlib does.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

_NAMES = ("stdin", "stdout", "stderr")


class _Each:
    """A standard stream: the one that was put in its place in this context, else the process's own."""

    def __init__(self, name: str, usual: Any) -> None:
        self._usual = usual
        self.instead: ContextVar[Any] = ContextVar(name, default=None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.instead.get() or self._usual, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.instead.get() or self._usual)


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Meanwhile `diverted` is of the thread that calls it."""
    usual = {name: getattr(sys, name) for name in _NAMES}
    for name, stream in usual.items():
        setattr(sys, name, _Each(name, stream))
    try:
        yield
    finally:
        for name, stream in usual.items():
            setattr(sys, name, stream)


@contextlib.contextmanager
def diverted(**streams: Any) -> Iterator[None]:
    """What is written and read meanwhile by `stdout`, `stderr`, `stdin` goes to, and comes from, these."""
    with contextlib.ExitStack() as stack:
        for name, stream in streams.items():
            stack.enter_context(_put(name, stream))
        yield


@contextlib.contextmanager
def _put(name: str, stream: Any) -> Iterator[None]:
    usual = getattr(sys, name)
    if isinstance(usual, _Each):
        token = usual.instead.set(stream)
        try:
            yield
        finally:
            usual.instead.reset(token)
        return
    setattr(sys, name, stream)
    try:
        yield
    finally:
        setattr(sys, name, usual)
