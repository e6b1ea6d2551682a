"""Data of the world outside that tests use when it is there: below CLUSTO_TEST_DATA, or in `shared/data` beside the
checkout. It is looked for by what a file is, never by its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "data"


def files(what: str, suffixes: tuple[str, ...], fits: Callable[[Path], bool]) -> list[Path]:
    """The files with such endings that are what is looked for; skips the test, saying `what`, when there are none."""
    place = Path(os.environ.get("CLUSTO_TEST_DATA") or _BESIDE)
    found = sorted(path for path in place.rglob("*") if path.name.endswith(suffixes) and path.is_file() and fits(path))
    if not found:
        pytest.skip(f"no {what} below CLUSTO_TEST_DATA")
    return found
