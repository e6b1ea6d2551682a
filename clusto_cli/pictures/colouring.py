"""What the devices of a picture are coloured by: their drivers, what a column says of them, or expressions.

driver                                     each driver its colour
status   attr:KEY   in:Pool   rack ...     each value its colour: a key, in force or its own, or another column
attr:status,broken=red,driver:PDU=orange   what satisfies an expression; the first one that does counts
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from clusto_cli.pictures import palette
from clusto_cli.pictures.description import Meaning
from clusto_core.errors import Malformed
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader

DRIVER = "driver"
COLOURS = tuple(name for name in palette.PAINTS if name != palette.OTHER)
_RULE = re.compile(rf"(?P<expression>.+?)=(?P<colour>{'|'.join(COLOURS)}|gray)(?:,|$)", re.IGNORECASE | re.DOTALL)


class Rule(NamedTuple):
    """An expression, and the paint of what satisfies it."""

    expression: str
    paint: str


class Coloured(NamedTuple):
    """The paints of Things, by their ids, and what they mean."""

    paints: Mapping[int, str]
    legend: tuple[Meaning, ...]

    def paint(self, thing: Thing) -> str:
        """The paint of one of them."""
        return self.paints.get(thing.id, palette.OTHER)


def coloured(reader: Reader, things: Iterable[Thing], by: str = DRIVER) -> Coloured:
    """The paints of some Things. Raises Malformed, NotFound for what is no column and no expression."""
    every = in_order(set(things))
    if by == DRIVER:
        return _by_value(every, [thing.driver for thing in every], {each.driver: each for each in every})
    if "=" in by:
        return _by_rules(reader, every, list(rules(by)))
    return _by_column(reader, every, by)


def rules(text: str) -> Iterator[Rule]:
    """The rules of `EXPR=colour,...`. Raises Malformed."""
    place = 0
    while place < len(text):
        found = _RULE.match(text, place)
        if found is None:
            raise Malformed(f"no colour for {text[place : place + 60]!r}: write EXPR=colour, of {', '.join(COLOURS)}")
        colour = found["colour"].lower()
        yield Rule(found["expression"].strip(), "grey" if colour == "gray" else colour)
        place = found.end()


def _by_value(things: Sequence[Thing], values: Sequence[str], drivers: Mapping[str, Thing] | None = None) -> Coloured:
    if drivers is not None:
        paints = {name: palette.of_driver(thing.kind) for name, thing in drivers.items()}
    else:
        paints = {**palette.of_values(value for value in values if value), "": palette.OTHER}
    count = Counter(values)
    legend = (Meaning(paints[value], f"{value or 'nothing'} ({count[value]})") for value in sorted(count, key=_last))
    return Coloured({thing.id: paints[value] for thing, value in zip(things, values, strict=True)}, tuple(legend))


def _last(value: str) -> tuple[bool, str]:
    """Sorts nothing behind all else."""
    return (not value, value)


def _by_column(reader: Reader, things: Sequence[Thing], by: str) -> Coloured:
    from clusto_core.query import columns

    known = by in columns.WORDS or by.startswith(columns.PREFIXES)
    column = columns.parse(by if known else f"inherited:{by}")
    table = columns.Table(reader, things)
    table.check([column])
    values = [", ".join(cell.text for cell in cells) for cells in table.column(column)]
    return _by_value(things, values)


def _by_rules(reader: Reader, things: Sequence[Thing], given: Sequence[Rule]) -> Coloured:
    from clusto_core.query.search import find

    paints: dict[int, str] = {}
    for rule in given:
        for thing in find(reader, rule.expression).things:
            paints.setdefault(thing.entity_id, rule.paint)
    legend = [Meaning(rule.paint, rule.expression) for rule in given]
    rest = any(thing.id not in paints for thing in things)
    return Coloured(paints, (*legend, *[Meaning(palette.OTHER, "all else")] * rest))
