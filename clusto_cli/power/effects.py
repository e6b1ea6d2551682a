"""What becomes of Things when power goes, as lines for people and as records for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from clusto_core.answers.feeding import drawn_from, legs
from clusto_core.answers.power import Effect
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader


class Telling:
    """How some effects are told: each outlet with its leg and what is drawn from it, in watts, where that is
    recorded."""

    def __init__(self, reader: Reader, effects: Sequence[Effect]) -> None:
        self._effects = effects
        every = {outlet for effect in effects for outlet in (*effect.lost, *effect.left)}
        self._legs, self._drawn = legs(reader, every), drawn_from(reader, every)

    def lines(self) -> Iterator[str]:
        """A line an effect: `server1 dark`, `server2 loses pdu3:7 (leg A), keeps pdu4:7`."""
        for effect in self._effects:
            lost, kept = (", ".join(map(self._outlet, outlets)) for outlets in (effect.lost, effect.left))
            yield f"{effect.thing.name} dark" if effect.dark else f"{effect.thing.name} loses {lost}, keeps {kept}"

    def _outlet(self, outlet: Thing) -> str:
        details = [f"leg {self._legs[outlet.id]}"] if outlet.id in self._legs else []
        details += [f"{self._drawn[outlet.id]:g} W"] if outlet.id in self._drawn else []
        return outlet.name + (f" ({', '.join(details)})" if details else "")

    def records(self) -> Iterator[dict[str, Any]]:
        """A record an effect."""
        for effect in self._effects:
            every = (*effect.lost, *effect.left)
            yield {
                "name": effect.thing.name,
                "dark": effect.dark,
                "loses": [outlet.name for outlet in effect.lost],
                "keeps": [outlet.name for outlet in effect.left],
                "legs": {each.name: self._legs[each.id] for each in every if each.id in self._legs},
                "draws": {each.name: self._drawn[each.id] for each in every if each.id in self._drawn},
            }
