"""Showing what goes together, one to one, before it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clusto_cli.confirm import ask_person
from clusto_cli.context import App
from clusto_core.inventory import Transaction
from clusto_core.rules.pairs import is_written_as_range

_SHOWN = 3


def show_pairs(
    app: App,
    verb: str,
    by: str,
    ends: Sequence[str],
    plan: Callable[[Transaction], Sequence[tuple[str, str]]],
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    """Tells how many pairs the ranges among `ends` make, and which; a person on the terminal is asked. What would be
    refused is refused before. Nothing without a range: what is named one by one is done as it is said."""
    if dry_run or not any(map(is_written_as_range, ends)):
        return
    pairs = app.try_out(plan)
    if pairs is None or len(pairs) < 2:
        return
    told = [f"{one} {by} {other}" for one, other in pairs]
    shown = told if len(told) <= _SHOWN else [*told[: _SHOWN - 1], "...", told[-1]]
    app.say(f"{len(pairs)} pairs: {', '.join(shown)}")
    ask_person(f"{verb} {len(pairs)} pairs?", yes)
