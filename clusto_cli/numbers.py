"""Numbers on the command line: what is beyond 64 bits, or is none, is a slip of whoever wrote it, and fits nowhere."""

from __future__ import annotations

import math
from typing import Any

import click

MOST = 2**63 - 1


class Whole(click.IntRange):
    """A whole number of at most 64 bits; `any_size` is for one that is only looked for."""

    name = "integer"

    def __init__(self, low: int | None = None, high: int | None = None, *, any_size: bool = False) -> None:
        super().__init__(low, high)
        self.any_size = any_size

    def _describe_range(self) -> str:
        return "" if self.min is self.max is None else super()._describe_range()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; a usage error for what is none, or none of that size."""
        found = super().convert(value, param, ctx)
        if not self.any_size and not -MOST <= found <= MOST:
            self.fail(f"{value} has more than 64 bits.", param, ctx)
        return found


class Real(click.FloatRange):
    """A number, without `inf` and `nan`."""

    name = "number"

    def _describe_range(self) -> str:
        return "" if self.min is self.max is None else super()._describe_range()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; a usage error for what is none."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is not a number one can reach.", param, ctx)
        return found
