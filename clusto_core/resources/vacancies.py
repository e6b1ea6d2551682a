"""What is free: the parts of a Thing that nothing is joined to, by kind, and the addresses of a Network.

What makes a part free is the test `free` of expressions; what makes an address free is `ipam`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from clusto_core.drivers import registry
from clusto_core.drivers.resources import Network
from clusto_core.model import wiring
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
    size: int
    parts: tuple[Thing, ...] = ()

    def names(self) -> Iterator[str]:
        """The name of each, as other verbs take it."""
        if self.parts:
            yield from (part.name for part in self.parts)
            return
        first = ip_address(self.first)
        yield from (str(type(first)(int(first) + step)) for step in range(self.size))


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
    def size(self) -> int:
        """How many are free."""
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
