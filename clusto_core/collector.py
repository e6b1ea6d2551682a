"""Python's cycle collector, kept away from work that makes millions of records which all live until its end."""

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
