"""Numbers on the command line: what is beyond 64 bits, or is none, is a slip of whoever wrote it, and fits nowhere."""

from __future__ import annotations

import math
from typing import Any

import click

MOST = 2**63 - 1


class Whole(click.IntRange):
    """A whole number of at most 64 bits; without `high`, of any size, for one that is only looked for."""

    def __init__(self, low: int | None = None, high: int | None = MOST) -> None:
        super().__init__(low, high)

    def _describe_range(self) -> str:
        if self.max != MOST:
            return super()._describe_range()
        return "a number of 64 bits" if self.min is None else f"x>={self.min}, of 64 bits"


class Real(click.FloatRange):
    """A number, without `inf` and `nan`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; a usage error for what is none."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is not a number one can reach.", param, ctx)
        return found
