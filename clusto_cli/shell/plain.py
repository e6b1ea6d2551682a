"""The shell on Python's own console, with readline."""

from __future__ import annotations

import code
import os
import sys
from typing import Any

from clusto_cli.shell.completing import complete, typed
from clusto_cli.shell.session import HELP, Session
from clusto_core import ClustoError
from clusto_core.config import default_path


class _Prompt:
    """Says whether a change is open, each time that it is shown."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __str__(self) -> str:
        return "clusto*> " if self._session.change is not None else "clusto> "


class _Console(code.InteractiveConsole):
    """Tells what clusto refuses in one line."""

    def showtraceback(self) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, ClustoError):
            from clusto_cli.output import clean

            for line in (f"error: {error}", *error.details):
                self.write(clean(line) + "\n")
        else:
            super().showtraceback()


def interact(session: Session) -> None:
    """Reads and runs lines until the end of input."""
    names = session.names()
    _with_readline(session, names)
    sys.ps1, sys.ps2 = _Prompt(session), "... "
    _Console(names, "<shell>").interact(banner=HELP, exitmsg="")


def _with_readline(session: Session, names: dict[str, Any]) -> None:
    try:
        import readline
        from rlcompleter import Completer
    except ImportError:
        return
    plain = Completer(names)
    found: list[str] = []

    def candidate(text: str, state: int) -> str | None:
        line = readline.get_line_buffer()[: readline.get_endidx()]
        if (quoted := typed(line)) is None:
            return plain.complete(text, state)
        if state == 0:
            # Readline replaces what is behind its last delimiter only.
            kept = len(quoted.text) - len(text)
            found[:] = [each[kept:] for each in complete(session.inventory, line, names)]
        return found[state] if state < len(found) else None

    readline.set_completer(candidate)
    readline.parse_and_bind("tab: complete")
    _remember(readline)


def _remember(readline: Any) -> None:
    """Keeps what is typed for the next time, beside the default store, readable by its owner only."""
    import atexit
    import contextlib

    path = os.path.join(os.path.dirname(default_path()), "shell_history")
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDONLY, 0o600))
        readline.read_history_file(path)
        readline.set_history_length(1000)
        atexit.register(readline.write_history_file, path)
