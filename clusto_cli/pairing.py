"""Showing what goes together, one to one, before it is done."""

from __future__ import annotations

from collections.abc import Sequence

from clusto_cli.confirm import ask_person
from clusto_cli.context import App

_SHOWN = 3


def show_pairs(app: App, verb: str, by: str, pairs: Sequence[tuple[str, str]], *, yes: bool, dry_run: bool) -> None:
    """Tells how many pairs a range makes, and which; a person on the terminal is asked. One pair is done as it is
    said."""
    if len(pairs) < 2 or dry_run:
        return
    told = [f"{one} {by} {other}" for one, other in pairs]
    shown = told if len(told) <= _SHOWN else [*told[: _SHOWN - 1], "...", told[-1]]
    app.say(f"{len(pairs)} pairs: {', '.join(shown)}")
    ask_person(f"{verb} {len(pairs)} pairs?", yes)
