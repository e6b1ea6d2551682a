"""Python's cycle collector, kept away from records that live until the work that made them is done."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """No collection meanwhile: looking through all records again and again would take as long as the work itself."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # All that was made meanwhile joins the oldest generation, and is not looked through the moment this ends.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def seldom() -> None:
    """Collection after some hundred times as many new objects as Python thinks: a command is over before it has
    garbage. Those that run for hours are still collected, of some tens of MiB at a time.
    """
    gc.set_threshold(200_000, 10, 10)


def leave() -> None:
    """Before the process ends: what there is now is not looked through once more, which takes longer than the end."""
    gc.freeze()
