"""Variables of tables asked by rows: a device is told where rows begin and how many there are, and fills the answer.

The outlets of a PDU are rows 1 to 24 of some columns. Named one by one they take a request for each 484 octets, all
that RFC 1157 obliges an agent to take; as rows (GetBulkRequest, RFC 3416 section 4.2.3) the request is short, and it is
the device that ends an answer which it cannot make longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from clusto_cli.backends.snmp.message import Oid, Varbind

_SHORTEST = 4
"""Rows that are worth a request of their own."""


class Rows(NamedTuple):
    """Some rows of columns: `many` from row `first` on."""

    columns: Sequence[Oid]
    first: int
    many: int

    @property
    def before(self) -> list[Varbind]:
        """What the device is asked to go on from."""
        row = (self.first - 1,) if self.first else ()
        return [Varbind(column + row) for column in self.columns]

    @property
    def oids(self) -> list[Oid]:
        """All variables, in the order of an answer."""
        return [(*column, self.first + row) for row in range(self.many) for column in self.columns]


def by_rows(oids: Iterable[Oid], octets: Callable[[Oid], int], room: int) -> tuple[list[Rows], list[Oid]]:
    """Requests for rows, whose answers take at most `room` octets, and the variables that are in none; `octets` is what
    a variable takes in an answer."""
    wanted: dict[Oid, list[int]] = {}
    for oid in oids:
        wanted.setdefault(oid[:-1], []).append(oid[-1])
    alike: dict[tuple[int, int], list[Oid]] = {}
    rest: list[Oid] = []
    for column, numbers in wanted.items():
        first, last = min(numbers), max(numbers)
        if len(numbers) >= _SHORTEST and last - first + 1 == len(numbers):
            alike.setdefault((first, last), []).append(column)
        else:
            rest += [(*column, number) for number in numbers]
    found: list[Rows] = []
    for (first, last), columns in alike.items():
        count = last - first + 1
        most = room // sum(octets((*column, last)) for column in columns)
        if most < _SHORTEST:
            rest += Rows(columns, first, count).oids
            continue
        requests = -(-count // most)
        share = -(-count // requests)
        found += [Rows(columns, start, min(share, last + 1 - start)) for start in range(first, last + 1, share)]
    return found, rest


def taken(rows: Rows, answer: Sequence[Varbind]) -> tuple[list[Varbind], list[Oid]] | None:
    """What an answer has of these rows, and the variables of which it says nothing; one that it passes over is not
    there. None for what is no answer: rows that do not advance, columns one after the other."""
    last = [varbind.oid for varbind in rows.before]
    ended = [False] * len(last)
    found: dict[Oid, Varbind] = {}
    for place, varbind in enumerate(answer):
        column = place % len(last)
        if varbind.exists and varbind.oid <= last[column]:
            return None
        if not varbind.exists or varbind.oid[:-1] != rows.columns[column]:
            ended[column] = True
        elif not ended[column]:
            last[column] = varbind.oid
            found[varbind.oid] = varbind
    silent = [
        oid
        for place, oid in enumerate(rows.oids)
        if oid not in found and not ended[place % len(last)] and oid > last[place % len(last)]
    ]
    return list(found.values()), silent
