"""Address spaces: which one an address is in, and that each block of addresses is one Network's there.

A Network names its VRF under `vrf`; without one it is in the space that has no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clusto_core.drivers.resources import Network
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.model import addresses
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import Key, Value
from clusto_core.model.things import Attribute, Thing, in_order
from clusto_core.rules import claims
from clusto_core.store.reader import Reader
from clusto_core.store.unit import UnitOfWork
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    Block = IPv4Network | IPv6Network

CIDR = Key("cidr")
SPACE = Key("vrf")
_KEYS = frozenset((CIDR, SPACE))
_NONE = Value("none", "")


class Placed(NamedTuple):
    """A Network: its block, and the id of its VRF."""

    thing: Thing
    block: Block
    space: int | None


def placed(reader: Reader) -> list[Placed]:
    """All Networks that have a block, in natural order."""
    things = {thing.id: thing for thing in in_order(reader.all([Network.__name__]))}
    texts: dict[int, str] = {}
    spaces: dict[int, int | None] = {}
    for each in reader.attributes(*things):
        if each.key == CIDR:
            texts.setdefault(each.thing_id, each.value.text)
        elif each.key == SPACE:
            spaces[each.thing_id] = each.value.ref
    found = ((things[id], _block(texts[id]), spaces.get(id)) for id in things if id in texts)
    return [Placed(thing, block, space) for thing, block, space in found if block is not None]


def _block(text: str) -> Block | None:
    from ipaddress import ip_network

    try:
        return ip_network(text)
    except ValueError:
        return None


class Spaces:
    """Finds the address space of an address where nobody says it: that of the Networks around it."""

    def __init__(self, reader: Reader) -> None:
        self.known = reader.spaces()
        self._by_name = {thing.name: thing for thing in self.known.values()}
        # By version and length of prefix, so that an address is looked for among few, however many Networks there are.
        self._blocks: dict[tuple[int, int], dict[int, set[int | None]]] = {}
        for _, block, space in placed(reader):
            blocks = self._blocks.setdefault((block.version, block.prefixlen), {})
            blocks.setdefault(int(block.network_address), set()).add(space)

    def of(self, wanted: Assigned) -> Thing | None:
        """The VRF that an address says, or that the Networks around it are in; None for the space without a name.

        Raises NotFound for a VRF that is not there, Malformed where Networks of several spaces are around the address.
        """
        if wanted.space is not None:
            return self.named(wanted.space)
        around = self._around(wanted.address)
        if len(around) > 1:
            told = sorted(str(wanted._replace(space=self.known[id].name if id else "")) for id in around)
            raise Malformed(f"{wanted} is in {len(told)} address spaces: write {' or '.join(told)}")
        return next((self.known[id] for id in around if id is not None), None)

    def named(self, name: str) -> Thing | None:
        """The VRF of that name; None for the empty one. Raises NotFound."""
        if not name:
            return None
        if name not in self._by_name:
            raise NotFound(f"no such VRF: {name[:60]} (clusto add VRF {name[:60]})")
        return self._by_name[name]

    def _around(self, text: str) -> set[int | None]:
        if not self.known:
            return set()
        from ipaddress import ip_address

        address = ip_address(text)
        number, bits = int(address), address.max_prefixlen
        found: set[int | None] = set()
        for (version, length), blocks in self._blocks.items():
            if version == address.version:
                found |= blocks.get(number >> (bits - length) << (bits - length), set())
        return found


def check(unit: UnitOfWork) -> None:
    """Holds the Networks that a transaction has changed against all others, and lets their addresses follow them into
    another address space. Raises Refused for a block that two Networks have in one space."""
    for _, refusal in violated(unit):
        raise refusal
    new, gone = unit.changed_under(_KEYS)
    moved = sorted({each.thing_id for each in [*new, *gone] if each.key == SPACE and each.thing_id < unit.first_id})
    every = placed(unit.reader) if moved else []
    for id in moved:
        if (network := unit.find(id)) is not None and network.is_a(Network):
            _follow(unit, network, every, gone)


def violated(unit: UnitOfWork) -> Iterator[tuple[Thing, Refused]]:
    """The Networks changed in a transaction that have the block of another one in one space."""
    new, gone = unit.changed_under(_KEYS)
    touched = {each.thing_id for each in [*new, *gone]}
    first: dict[tuple[Block, int | None], Placed] = {}
    for each in sorted(placed(unit.reader) if touched else [], key=lambda each: each.thing.id in touched):
        other = first.setdefault((each.block, each.space), each)
        if other is not each and each.thing.id in touched:
            yield (
                each.thing,
                Refused(
                    f"{other.thing.name} and {each.thing.name} are both {each.block}: one that is of another address "
                    f"space is in a VRF (clusto add VRF NAME; clusto attr set vrf @NAME -t {each.thing.name})"
                ),
            )


def _follow(unit: UnitOfWork, network: Thing, every: list[Placed], gone: list[Attribute]) -> None:
    """Takes the addresses of a Network that has changed its address space with it: those that no Network is nearer to
    in the space where they were."""
    from ipaddress import ip_address

    before = {each.key: each.value for each in gone if each.thing_id == network.id}
    now = {each.key: each.value for each in unit.attributes(network)}
    block = _block(before.get(CIDR, now.get(CIDR, _NONE)).text)
    old = before.get(SPACE, _NONE).ref
    new = now.get(SPACE, _NONE).ref
    if block is None or old == new:
        return
    inner = [
        each.block
        for each in every
        if each.space == old and each.block.version == block.version and _within(each.block, block)
    ]
    low, high = addresses.claim(block.network_address), addresses.claim(block.broadcast_address)
    for held in unit.reader.held(low, high):
        if (held.space.id if held.space else None) != old:
            continue
        if any(ip_address(held.address) in each for each in inner):
            continue
        _move(unit, held.holder, held.address, old, new)


def _within(inner: Block, outer: Block) -> bool:
    return inner.prefixlen > outer.prefixlen and inner.network_address in outer


def _move(unit: UnitOfWork, holder: Thing, address: str, old: int | None, new: int | None) -> None:
    for attribute in claims.held(unit, holder):
        if attribute.value.text == address and attribute.value.ref == old:
            unit.delete_attribute(attribute)
            space = unit.by_id(new) if new is not None else None
            if claims.check_free(unit, holder, Assigned(address, None, attribute.key.subkey), space):
                claims.give(unit, holder, address, new, attribute.key.subkey)
