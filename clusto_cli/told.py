"""What a user has been told once and need not hear again: a line each in a file of the user's state directory."""

from __future__ import annotations

import os

_said: set[str] = set()


def first_time(what: str) -> bool:
    """Whether this user has not been told yet; from now on it is told. Where that cannot be kept, once a process."""
    if what in _said:
        return False
    _said.add(what)
    path = _path()
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            file.seek(0)
            if what in file.read().splitlines():
                return False
            file.write(what + "\n")
    except OSError:
        pass
    return True


def _path() -> str:
    """`$XDG_STATE_HOME/clusto/told`, by default below `~/.local/state` (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "clusto", "told")
