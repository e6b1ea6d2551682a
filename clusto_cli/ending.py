"""How the program ends: at once, where nothing waits for it."""

from __future__ import annotations

import sys
from typing import NoReturn

from clusto_core.store import collector

_UNTIDY = ("asyncio", "multiprocessing", "subprocess", "tempfile")
"""Modules of which Python's own end tidies up after something."""


def end(code: int, *, interrupted: bool) -> NoReturn:
    """Ends the process with that exit code. An interrupted one does not wait for threads, each of which still waits
    for its device."""
    if _has_threads():
        if interrupted:
            _leave(code)
    elif not _has_last_words() and not any(name in sys.modules for name in _UNTIDY):
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
