"""Data of the world outside that tests use when it is there: below CLUSTO_TEST_DATA, or in `shared/data` beside the
checkout. It is looked for by what a file is, never by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "data"


def files(*patterns: str) -> list[Path]:
    """The files below the place of recorded data that match one of the patterns; skips the test when there are none."""
    place = Path(os.environ.get("CLUSTO_TEST_DATA") or _BESIDE)
    found = sorted({path for pattern in patterns for path in place.glob(pattern)}) if place.is_dir() else []
    if not found:
        pytest.skip(f"no {' or '.join(patterns)} below CLUSTO_TEST_DATA")
    return found
