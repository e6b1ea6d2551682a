"""Property tests on several databases: all of their examples on SQLite, a few on servers, where each takes long."""

from __future__ import annotations

import functools
import inspect
import os
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from clusto_core.inventory import Inventory
from clusto_core.store.database import dialect_of

T = TypeVar("T", bound=Callable[..., None])


def few_on_servers(number: int) -> Callable[[T], T]:
    """Below `given`: on a server the property is tried with so many examples, with CLUSTO_LONG_TESTS=1 with all.

    After an example that failed, all others are tried too, so that hypothesis finds the smallest one.
    """

    def decorated(function: T) -> T:
        tried: Counter[str] = Counter()
        failed: set[str] = set()

        @functools.wraps(function)
        def wrapper(*args: Any, **named: Any) -> None:
            url = _inventory(inspect.signature(function).bind(*args, **named).arguments.values()).settings.url
            tried[url] += 1
            rest = dialect_of(url) != "sqlite" and tried[url] > number and url not in failed
            if rest and "CLUSTO_LONG_TESTS" not in os.environ:
                return
            try:
                function(*args, **named)
            except Exception:
                failed.add(url)
                raise

        return wrapper  # type: ignore[return-value]

    return decorated


def _inventory(given: Any) -> Inventory:
    return next(each for each in given if isinstance(each, Inventory))
