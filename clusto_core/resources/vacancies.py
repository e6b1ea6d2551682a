"""What is free: the parts of a Thing that nothing is joined to, by kind, and the addresses of a Network.

What makes a part free is the test `free` of expressions; what makes an address free is `ipam`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import groupby, repeat
from operator import or_
from typing import NamedTuple

from clusto_core.answers.overview import elevation
from clusto_core.drivers import registry
from clusto_core.drivers.parts import RackUnit
from clusto_core.drivers.resources import Network
from clusto_core.model import mounting, wiring
from clusto_core.model.things import Thing
from clusto_core.query import tree
from clusto_core.query.parser import parse
from clusto_core.query.patterns import Literal
from clusto_core.query.search import find
from clusto_core.resources import ipam
from clusto_core.store.reader import Reader

ADDRESS = "address"


class Run(NamedTuple):
    """Free parts or addresses without a gap between them: the first and last one's names, and how many they are.

    `parts` are the parts, none for addresses.
    """

    first: str
    last: str
    size: float
    parts: tuple[Thing, ...] = ()
    halves: tuple[str, ...] = ()
    """The names of halves of rack units, two to a unit, where those are told."""

    def names(self) -> Iterator[str]:
        """The name of each, as other verbs take it."""
        if self.halves:
            yield from self.halves
            return
        if self.parts:
            yield from (part.name for part in self.parts)
            return
        first = ip_address(self.first)
        yield from (str(type(first)(int(first) + step)) for step in range(int(self.size)))


class Vacancy(NamedTuple):
    """What is free of one kind in a Thing.

    `kind` is that of its parts as `--parts` has it (`port`, `outlet`, `ru`), or `address`; `joins` the kind of
    connection that they are for, `address` for addresses.
    """

    thing: Thing
    kind: str
    joins: str
    runs: list[Run]

    @property
    def size(self) -> float:
        """How many are free: of rack units perhaps some and a half."""
        return sum(run.size for run in self.runs)


def vacancies(reader: Reader, thing: Thing) -> list[Vacancy]:
    """What is free in a Thing, a kind after the other in the order of its parts; one that has nothing free has none.

    Raises Malformed for a Network without a block.
    """
    if thing.is_a(Network):
        return _addresses(reader, ipam.block_of(reader, thing))
    by_driver: dict[str, list[Thing]] = {}
    for part in find(reader, _free_of(thing)).things:
        by_driver.setdefault(part.driver, []).append(part)
    return [
        Vacancy(thing, driver.kind, wiring.taken_by(driver) or "", list(_runs(parts)))
        for name, parts in by_driver.items()
        for driver in (registry.part(name),)
    ]


def in_halves(reader: Reader, rack: Thing, tall: int) -> list[Vacancy]:
    """Where in a rack so many halves of units are free, one above the other, through both faces."""
    whole = {part.number for part in find(reader, _free_of(rack)).things if part.is_a(RackUnit)}
    taken = {
        unit.number: reduce(or_, (cells for _, cells in unit.mounted), 0)
        if unit.mounted or unit.number in whole
        else mounting.WHOLE
        for unit in elevation(reader, rack)
    }
    free = list(mounting.free_runs(taken, 1))
    runs = [run for run in map(_halves, _adjoining(free), repeat(rack)) if len(run.halves) >= tall]
    return [Vacancy(rack, RackUnit.kind, wiring.POSITION, runs)] if runs else []


def _adjoining(halves: list[int]) -> Iterator[list[int]]:
    """Halves in order, those together that have no gap between them."""
    for _, run in groupby(enumerate(halves), lambda each: each[1] - each[0]):
        yield [half for _, half in run]


def _halves(run: list[int], rack: Thing) -> Run:
    names = [mounting.spelled_half(half) for half in run]
    size = len(run) / 2 if len(run) % 2 else len(run) // 2
    return Run(names[0], names[-1], size, halves=tuple(f"{rack.name}:{name}" for name in names))


def in_block(reader: Reader, block: IPv4Network | IPv6Network) -> list[Vacancy]:
    """The free addresses in a block that is a Network, or in the smallest that it lies in. Raises NotFound."""
    return _addresses(reader, ipam.around(reader, block), block)


def block(text: str) -> IPv4Network | IPv6Network | None:
    """The block of addresses that a text is (`10.2.0.0/24`), None for any other text."""
    try:
        return ip_network(text) if "/" in text else None
    except ValueError:
        return None


def _free_of(thing: Thing) -> tree.Node:
    name = tree.Name(Literal(thing.name)) if thing.is_part else parse(f"name:{thing.name}:*")
    return tree.And(tree.Free(), name)


def _runs(parts: Iterable[Thing]) -> Iterator[Run]:
    """The parts, all of one kind and in natural order, as runs of numbers behind the same beginning of a name."""
    run: list[Thing] = []
    for part in parts:
        if run and not _adjacent(run[-1], part):
            yield _run(run)
            run = []
        run.append(part)
    if run:
        yield _run(run)


def _adjacent(one: Thing, other: Thing) -> bool:
    if one.number is None or other.number is None or other.number != one.number + 1:
        return False
    return one.part_name.rstrip("0123456789") == other.part_name.rstrip("0123456789")


def _run(parts: list[Thing]) -> Run:
    return Run(parts[0].part_name, parts[-1].part_name, len(parts), tuple(parts))


def _addresses(reader: Reader, around: ipam.Block, within: IPv4Network | IPv6Network | None = None) -> list[Vacancy]:
    runs = [
        Run(str(ipam.kind_of(around)(first)), str(ipam.kind_of(around)(last)), last - first + 1)
        for first, last in ipam.spans(reader, around, within)
    ]
    return [Vacancy(around.thing, ADDRESS, ADDRESS, runs)] if runs else []
