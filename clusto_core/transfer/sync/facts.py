"""What a source says of one object, with Things named by their ids: so another name of something is no change of what
names it. Kept as compact JSON until the source is read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clusto_core.model.attributes import Key, Value

Said = dict[str, tuple[Value, ...]]
"""Values by the spelling of their key, relations with the id alone."""


_NOTHING: Said = {}
"""The values of most parts, of which there may be a million: never changed."""


@dataclass(slots=True)
class PartFacts:
    """What is said of a part. id: the part that it is, 0 while there is none. driver: empty where it is not said that
    there is such a part, only what one has."""

    id: int
    name: str
    driver: str = ""
    attrs: Said = field(default_factory=lambda: _NOTHING)
    addresses: tuple[str, ...] = ()

    @property
    def says(self) -> bool:
        """Whether anything is said that outlives the reading; cables are the Thing's."""
        return bool(self.driver or self.attrs or self.addresses)


@dataclass(slots=True)
class Facts:
    """What is said of a Thing.

    called: what the source calls it. name: what it is to be called here. parents, at, cables: ids of Things; at is a
    rack, the lowest and the highest half of its units, and 1 for the rear; cables are pairs of an own part and a part,
    or a whole Thing, at the far end. addresses: as text, with the id of a VRF that is said: see `addresses.Assigned`.

    parts: by the source's identity of them, or by their name behind `=`. made: the Thing was made because the source
    had it, so that all its parts are those that the source means.
    """

    called: str = ""
    name: str = ""
    driver: str = ""
    parents: tuple[int, ...] = ()
    at: tuple[int, int, int, int] | None = None
    attrs: Said = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    parts: dict[str, PartFacts] = field(default_factory=dict)
    cables: tuple[tuple[int, int], ...] = ()
    made: bool = False

    def dump(self) -> str:
        """As text, what is empty left out."""
        data = {
            "c": self.called, "n": self.name, "d": self.driver, "in": self.parents, "at": self.at,
            "a": _plain(self.attrs), "ip": self.addresses, "x": self.cables, "m": int(self.made),
            "p": {key: _trimmed(part) for key, part in self.parts.items() if part.says},
        }  # fmt: skip
        filled = {key: content for key, content in data.items() if content}
        return json.dumps(filled, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Facts:
        """What `dump` wrote, read as JSON."""
        at = data.get("at")
        return cls(
            data.get("c", ""),
            data.get("n", ""),
            data.get("d", ""),
            tuple(data.get("in", ())),
            (at[0], at[1], at[2], at[3]) if at else None,
            _said(data.get("a", {})),
            tuple(data.get("ip", ())),
            {
                key: PartFacts(id, name, driver, _said(more[0]) if more else {}, tuple(more[1]) if more[1:] else ())
                for key, (id, name, driver, *more) in data.get("p", {}).items()
            },
            tuple((one, other) for one, other in data.get("x", ())),
            bool(data.get("m")),
        )

    def without_joins(self) -> Facts:
        """The same of something that is nowhere: in no cable, no rack unit, without addresses."""
        parts = {key: PartFacts(part.id, part.name, part.driver, part.attrs) for key, part in self.parts.items()}
        return Facts(self.called, self.name, self.driver, self.parents, None, self.attrs, (), parts, (), self.made)


def canonical(values: Iterable[Value]) -> tuple[Value, ...]:
    """Values as they are compared: relations by the id alone."""
    return tuple(value._replace(text="") if value.type == "relation" else value for value in values)


def shown(key: str, values: Iterable[Value]) -> str:
    """Values for people; what is secret is masked."""
    spelled = Key.parse(key)
    return (
        ", ".join(value.shown(spelled) if value.type != "relation" else f"#{value.ref}" for value in values) or "none"
    )


def _trimmed(part: PartFacts) -> list[object]:
    if part.addresses:
        return [part.id, part.name, part.driver, _plain(part.attrs), part.addresses]
    return [part.id, part.name, part.driver, *([_plain(part.attrs)] if part.attrs else ())]


def _plain(said: Said) -> dict[str, list[list[object]]]:
    return {key: [[each for each in value if each is not None] for value in values] for key, values in said.items()}


def _said(data: Mapping[str, Any]) -> Said:
    return {key: tuple(Value(*each) for each in values) for key, values in data.items()}
