"""IP addresses: given out of Networks to Things and parts, and taken back.

A Network has the attributes `cidr` (10.2.1.0/24 or 2001:db8::/64), `gateway` (addresses) and `reserved` (addresses,
blocks or spans as 10.2.1.1-10.2.1.20, which are given to nobody unless they are asked for by name).
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from clusto_core.drivers.resources import Network
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.model import addresses
from clusto_core.model.attributes import IP, Key
from clusto_core.model.things import Thing, in_order
from clusto_core.query.parser import span
from clusto_core.rules import claims, kinds
from clusto_core.store.reader import Reader

CIDR = Key("cidr")
GATEWAY = Key("gateway")
RESERVED = Key("reserved")
IP_KEY = Key(IP)

Address = IPv4Address | IPv6Address

_HELD = """
    SELECT a.claim, a.thing_id FROM attributes a WHERE a.claim >= :low AND a.claim <= :high ORDER BY a.claim"""


class Block(NamedTuple):
    """A Network as it is recorded; `kept` are the numbers of the first and last address of what is not given out."""

    thing: Thing
    network: IPv4Network | IPv6Network
    kept: list[tuple[int, int]]

    @property
    def claims(self) -> tuple[str, str]:
        """The claims of its first and last address."""
        return addresses.claim(self.network.network_address), addresses.claim(self.network.broadcast_address)


class Held(NamedTuple):
    """An address and the Thing or part that holds it."""

    address: str
    holder: Thing


def blocks(reader: Reader) -> list[Block]:
    """All Networks, in natural order of their names; those whose attributes make no sense stand in nobody's way, and
    `db check` tells of them."""
    found = []
    for thing, values in _recorded(reader, in_order(reader.all([Network.__name__]))):
        with contextlib.suppress(Malformed):
            found.append(_block(thing, values))
    return [block for block in found if block is not None]


def _recorded(reader: Reader, things: list[Thing]) -> Iterator[tuple[Thing, dict[Key, list[str]]]]:
    found: dict[int, dict[Key, list[str]]] = {thing.id: {} for thing in things}
    for attribute in reader.attributes(*found):
        found[attribute.thing_id].setdefault(attribute.key, []).append(attribute.value.text)
    return ((thing, found[thing.id]) for thing in things)


def _block(thing: Thing, values: dict[Key, list[str]]) -> Block | None:
    if CIDR not in values:
        return None
    text = values[CIDR][0]
    try:
        network = ip_network(text)
    except ValueError as error:
        raise Malformed(f"{thing.name} has no sensible cidr: {text[:60]} ({error})") from None
    kept = []
    for key in (GATEWAY, RESERVED):
        for each in values.get(key, ()):
            try:
                low, high = span(each)
            except Malformed as error:
                raise Malformed(f"{thing.name} has no sensible {key}: {error}") from None
            kept.append((_number(low), _number(high)))
    first, last = int(network.network_address), int(network.broadcast_address)
    # A link of two addresses (RFC 3021, RFC 6164) and a single one have none to spare. IPv6 has no broadcast address,
    # but its first one is every router's (RFC 4291, 2.6.1).
    if last - first > 1:
        kept.append((first, first))
        if network.version == 4:
            kept.append((last, last))
    return Block(thing, network, kept)


def block_of(reader: Reader, thing: Thing) -> Block:
    """A Network as it is recorded. Raises Malformed for another kind of Thing, one without `cidr`, and one whose
    attributes make no sense."""
    kinds.checked(thing, Network)
    [(_, values)] = _recorded(reader, [thing])
    found = _block(thing, values)
    if found is None:
        raise Malformed(f"{thing.name} has no cidr: clusto attr set cidr 10.2.0.0/24 -t {thing.name}")
    return found


def around(reader: Reader, network: IPv4Network | IPv6Network) -> Block:
    """The smallest Network that a block is or lies in. Raises NotFound when there is none."""
    found = [
        each
        for each in blocks(reader)
        if each.network.version == network.version
        and int(each.network[0]) <= int(network[0])
        and int(network[-1]) <= int(each.network[-1])
    ]
    if not found:
        raise NotFound(f"{network} is in no Network (clusto add Network NAME --attr cidr={network})")
    return min(found, key=lambda each: each.network.num_addresses)


def spans(reader: Reader, block: Block, within: IPv4Network | IPv6Network | None = None) -> Iterator[tuple[int, int]]:
    """The first and last numbers of the addresses of a Network, or of a block `within` it, that may be given out,
    lowest first: those that nothing holds, without what is kept and without Networks within it."""
    first, last = (int(each) for each in ((within or block.network)[0], (within or block.network)[-1]))
    low, high = block.claims
    held = (_number(row[0]) for row in reader.database.iterate(_HELD, {"low": low, "high": high}))
    number = first
    for start, end in heapq.merge(_kept(reader, block), ((each, each) for each in held)):
        if start > last:
            break
        if start > number:
            yield number, start - 1
        number = max(number, end + 1)
    if number <= last:
        yield number, last


def _kept(reader: Reader, block: Block) -> list[tuple[int, int]]:
    """What is not given out of a Network, lowest first: what it keeps, and the Networks within it."""
    kept = list(block.kept)
    for other in blocks(reader):
        inner = other.network
        smaller = inner.num_addresses < block.network.num_addresses
        if other.thing != block.thing and smaller and inner.network_address in block.network:
            kept.append((int(inner[0]), int(inner[-1])))
    return sorted(kept)


def kind_of(block: Block) -> type[Address]:
    """What its addresses are."""
    return IPv4Address if block.network.version == 4 else IPv6Address


def free(reader: Reader, block: Block) -> Iterator[Address]:
    """The addresses of a Network that may be given out, lowest first: see `spans`."""
    return (kind_of(block)(number) for first, last in spans(reader, block) for number in range(first, last + 1))


def allocate(change: Transaction, network: Thing, holder: Thing) -> str:
    """Gives a Thing or part the lowest free address of a Network. Raises Refused when there is none left, Malformed."""
    block = block_of(change.unit.reader, network)
    address = next(free(change.unit.reader, block), None)
    if address is None:
        raise Refused(f"not enough: no address of {network.name} ({block.network}) is free")
    claims.hold(change.unit, holder, str(address))
    return str(address)


def give(change: Transaction, text: str, holder: Thing) -> bool:
    """Gives a Thing or part that address; False when it holds it already.

    Raises Malformed for no address, Refused for one that is taken, outside every Network, or the first or last one of
    its Network.
    """
    address = ip_address(addresses.canonical(text))
    if not claims.check_free(change.unit, holder, str(address)):
        return False
    around = [block for block in blocks(change.unit.reader) if address in block.network]
    if not around:
        raise Refused(f"{address} is outside every Network (clusto add Network NAME --attr cidr=...)")
    block = min(around, key=lambda each: each.network.num_addresses)
    if block.network.num_addresses > 2:
        if address == block.network.network_address:
            raise Refused(f"{address} is the address of {block.thing.name} ({block.network}) itself")
        if address.version == 4 and address == block.network.broadcast_address:
            raise Refused(f"{address} is the broadcast address of {block.thing.name} ({block.network})")
    return claims.hold(change.unit, holder, str(address))


def release(change: Transaction, text: str) -> list[Held]:
    """Takes an address back, or all that a Thing and its parts hold. Raises NotFound when there is none."""
    if addresses.parse(text) is not None:
        address = ip_address(addresses.canonical(text))
        holder = change.unit.claimant(addresses.claim(address))
        if holder is None:
            raise NotFound(f"nothing holds {address}")
        holders = [holder]
    else:
        thing = change.resolve(text)
        holders = [thing, *(change.unit.parts(thing) if not thing.is_part else ())]
    found = []
    for holder in holders:
        for attribute in list(change.unit.attributes(holder)):
            own = attribute.key == IP_KEY
            if own and (addresses.parse(text) is None or attribute.value.text == addresses.canonical(text)):
                change.unit.delete_attribute(attribute)
                found.append(Held(attribute.value.text, holder))
    if not found:
        raise NotFound(f"{text} holds no address")
    return found


def held(reader: Reader, block: Block | None = None) -> list[Held]:
    """The addresses of a Network, or all, that something holds, in their order."""
    low, high = block.claims if block is not None else ("ip", "iq")
    rows = reader.database.rows(_HELD, {"low": low, "high": high})
    things = reader.by_ids({row[1] for row in rows})
    return [Held(_address(row[0]), things[row[1]]) for row in rows]


def _number(claim: str) -> int:
    return int(claim.partition(":")[2], 16)


def _address(claim: str) -> str:
    return str((IPv4Address if claim.startswith("ip4:") else IPv6Address)(_number(claim)))
