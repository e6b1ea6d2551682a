"""What adapters tell the person beside their results: a setting that is not quite right, a secret that went in clear.

An adapter calls `tell`; whoever runs the command has said with `listen` what becomes of it. Each line is passed on
once in a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Remark(NamedTuple):
    """`topic` is what it is about (`plaintext`, `setting`), `device` whom it concerns, `text` the whole line."""

    topic: str
    device: str
    text: str


_told: dict[Remark, None] = {}
_listeners: list[Callable[[Remark], None]] = []


def tell(topic: str, device: str, text: str) -> None:
    """Passes a remark on, or keeps it for the first who listens."""
    remark = Remark(topic, device, text)
    if remark in _told:
        return
    _told[remark] = None
    for listener in _listeners:
        listener(remark)


def listen(listener: Callable[[Remark], None]) -> None:
    """From now on, and for what was told before, `listener` hears every remark."""
    _told.clear()
    _listeners[:] = [listener]
