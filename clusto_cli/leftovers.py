"""Telling of the cables that stay when others go."""

from __future__ import annotations

from collections.abc import Iterable

from clusto_cli.context import App
from clusto_core.model.things import Thing


def say_left(app: App, cables: Iterable[tuple[Thing, Thing]]) -> None:
    """Says on stderr which cables behind patch panels lead nowhere from now on, and how they would be taken out."""
    for one, other in cables:
        app.say(f"note: the cable from {one.name} to {other.name} stays (clusto disconnect {one.name})")
