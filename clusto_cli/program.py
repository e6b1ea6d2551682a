"""What the program `clusto` does: as little as can be before click is loaded, and after all is said."""

from __future__ import annotations

import sys
from typing import NoReturn

from clusto_cli import streams
from clusto_core.store import collector

_UNTIDY = ("asyncio", "multiprocessing", "subprocess", "tempfile")
"""Modules of which Python's own end tidies up after something."""


def run() -> NoReturn:
    """Runs the command line of this process, and ends it."""
    collector.seldom()
    streams.prepare()
    from clusto_cli.main import EXIT_INTERRUPTED, invoke

    code = invoke(sys.argv[1:])
    if code == EXIT_INTERRUPTED and _has_threads():
        _leave(code)  # a thread still waits for its device, and Python would wait with it
    if not any(name in sys.modules for name in _UNTIDY) and not _has_threads() and not _has_last_words():
        _leave(code)
    collector.leave()
    sys.exit(code)


def _has_threads() -> bool:
    import threading

    return any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())


def _has_last_words() -> bool:
    """Whether something is to be called when Python ends."""
    import atexit

    return bool(getattr(atexit, "_ncallbacks", lambda: 1)())


def _leave(code: int) -> NoReturn:
    """Ends the process at once. Python takes apart first what goes with the process anyway, object by object, for
    as long as a quick command takes to be parsed."""
    import contextlib
    import os

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
