"""What adapters tell the person beside their results: a setting that is not quite right, and that did all the same."""

from __future__ import annotations

from collections.abc import Callable

_told: set[str] = set()
_listeners: list[Callable[[str], None]] = []


def tell(text: str) -> None:
    """Tells whoever runs the command, each line once in a run."""
    if text not in _told:
        _told.add(text)
        for listener in _listeners:
            listener(text)


def listen(listener: Callable[[str], None]) -> None:
    """From now on `listener` hears what is told."""
    _told.clear()
    _listeners[:] = [listener]
