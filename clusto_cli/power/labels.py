"""Does the label that a PDU has for an outlet say the same as the cable?"""

from __future__ import annotations

import re

from clusto_cli.backends.base import OutletReading
from clusto_cli.power.targets import Point, Target
from clusto_core.drivers import Equipment
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader

_INLET = r"(?i)[-_.]?(?:psu|ps|feed|inlet)[-_ ]?\w*$"


class Labels:
    """Looks labels up in the inventory, each once.

    A label names a Thing when it is its name, or begins with it: `server2`, `server2 PSU1`, `server2-psu1`,
    `server2:psu1`. It contradicts a cable when the Thing that it names is equipment, and not what the cable feeds.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._named: dict[str, Thing | None] = {}

    def contradiction(self, target: Target, point: Point, reading: OutletReading) -> str | None:
        """Why the label of a target's outlet contradicts its cable."""
        fed = None if target.thing.name == point.part else target.thing.owner_name
        return self.other_than(fed, reading.label)

    def other_than(self, fed: str | None, label: str | None) -> str | None:
        """The contradiction between a label and the name of what the cable feeds; None for either is none."""
        if not label or fed is None or label.lower().startswith(fed.lower()):
            return None
        named = self.named(label)
        if named is None or named.name == fed:
            return None
        return f"its label on the device is {label!r}, and {named.name} is another Thing"

    def named(self, label: str) -> Thing | None:
        """The equipment that a label names."""
        if label not in self._named:
            self._named[label] = self._look_up(label)
        return self._named[label]

    def _look_up(self, label: str) -> Thing | None:
        for candidate in possible_names(label):
            found = self._reader.get(candidate)
            if found is not None and found.is_a(Equipment):
                return found
        return None


def possible_names(label: str) -> list[str]:
    """The names that a label may mean, the likeliest first."""
    candidates = [label, re.split(r"[\s:/,;]", label)[0], re.sub(_INLET, "", label)]
    return list(dict.fromkeys(text for each in candidates for text in (each, each.lower()) if text))
