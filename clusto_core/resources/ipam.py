"""IP addresses: given out of Networks to Things and parts, and taken back.

A Network has the attributes `cidr` (10.2.1.0/24 or 2001:db8::/64), `gateway` (addresses) and `reserved` (addresses,
blocks or spans as 10.2.1.1-10.2.1.20, which are given to nobody unless they are asked for by name), `cooldown` (how
long what came back is not given again), and `vrf` when it is in an address space of its own.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from clusto_core.drivers.resources import Network
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Transaction
from clusto_core.model import addresses
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import IP, Key, Value
from clusto_core.model.things import Thing, in_order
from clusto_core.query.parser import span
from clusto_core.records import returned
from clusto_core.resources.naming import COOLDOWN, cooldown_of
from clusto_core.rules import claims, kinds
from clusto_core.rules.spaces import CIDR, SPACE, Spaces
from clusto_core.store.reader import Held, Reader

GATEWAY = Key("gateway")
RESERVED = Key("reserved")

Address = IPv4Address | IPv6Address

_TAKEN = """
    SELECT a.claim FROM attributes a WHERE a.claim >= :low AND a.claim < :high AND COALESCE(a.space_id, 0) = :space
    ORDER BY a.claim"""

_COUNT = """
    SELECT count(*) FROM attributes a
    WHERE a.claim >= :low AND a.claim < :high AND COALESCE(a.space_id, 0) = :space"""


class Block(NamedTuple):
    """A Network as it is recorded; `kept` are the numbers of the first and last address of what is not given out."""

    thing: Thing
    network: IPv4Network | IPv6Network
    kept: list[tuple[int, int]]
    space: int | None
    """The id of its VRF."""
    cooldown: int = 0
    """For so many seconds an address that came back is not given again, unless it is asked for by name."""

    @property
    def claims(self) -> tuple[str, str]:
        """The claims of its first and last address."""
        return addresses.claim(self.network.network_address), addresses.claim(self.network.broadcast_address)


def blocks(reader: Reader) -> list[Block]:
    """All Networks, in natural order of their names; those whose attributes make no sense stand in nobody's way, and
    `db check` tells of them."""
    found = []
    for thing, values in _recorded(reader, in_order(reader.all([Network.__name__]))):
        with contextlib.suppress(Malformed):
            found.append(_block(thing, values))
    return [block for block in found if block is not None]


def _recorded(reader: Reader, things: list[Thing]) -> Iterator[tuple[Thing, dict[Key, list[Value]]]]:
    found: dict[int, dict[Key, list[Value]]] = {thing.id: {} for thing in things}
    for attribute in reader.attributes(*found):
        found[attribute.thing_id].setdefault(attribute.key, []).append(attribute.value)
    return ((thing, found[thing.id]) for thing in things)


def _block(thing: Thing, values: dict[Key, list[Value]]) -> Block | None:
    if CIDR not in values:
        return None
    text = values[CIDR][0].text
    try:
        network = ip_network(text)
    except ValueError as error:
        raise Malformed(f"{thing.name} has no sensible cidr: {text[:60]} ({error})") from None
    kept = []
    for key in (GATEWAY, RESERVED):
        for each in values.get(key, ()):
            try:
                low, high = span(each.text)
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
    space = next((each.ref for each in values.get(SPACE, ())), None)
    return Block(thing, network, kept, space, cooldown_of(values.get(COOLDOWN, ())))


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
    known = {"low": low, "high": addresses.last_claim(high), "space": block.space or 0}
    resting = sorted((each, each) for each in _resting(reader, block))
    held = (_number(row[0]) for row in reader.database.iterate(_TAKEN, known))
    number = first
    for start, end in heapq.merge(_kept(reader, block), resting, ((each, each) for each in held)):
        if start > last:
            break
        if start > number:
            yield number, start - 1
        number = max(number, end + 1)
    if number <= last:
        yield number, last


class Usage(NamedTuple):
    """How many addresses of a Network something holds, and how many may be given out."""

    held: int
    free: int


def usage(reader: Reader, block: Block) -> Usage:
    """How much of a Network is used, without who holds it."""
    low, high = block.claims
    known = {"low": low, "high": addresses.last_claim(high), "space": block.space or 0}
    count = reader.database.rows(_COUNT, known)[0][0]
    return Usage(count, sum(last - first + 1 for first, last in spans(reader, block)))


class Unused(NamedTuple):
    """Addresses of a Network that may be given out, without a gap between them; `space` is its VRF."""

    block: Block
    first: str
    last: str
    size: int
    space: Thing | None

    def __str__(self) -> str:
        span = self.first if self.size == 1 else f"{self.first}-{self.last}"
        return f"{span}@{self.space.name}" if self.space is not None else span


def unused(reader: Reader, block: Block) -> Iterator[Unused]:
    """All that may be given out of a Network, lowest first: see `spans`."""
    space = reader.by_ids([block.space])[block.space] if block.space is not None else None
    kind = kind_of(block)
    for first, last in spans(reader, block):
        yield Unused(block, str(kind(first)), str(kind(last)), last - first + 1, space)


def _kept(reader: Reader, block: Block) -> list[tuple[int, int]]:
    """What is not given out of a Network, lowest first: what it keeps, and the Networks within it."""
    kept = list(block.kept)
    for other in blocks(reader):
        inner = other.network
        smaller = inner.num_addresses < block.network.num_addresses
        same = other.space == block.space and other.thing != block.thing
        if same and smaller and inner.network_address in block.network:
            kept.append((int(inner[0]), int(inner[-1])))
    return sorted(kept)


def _resting(reader: Reader, block: Block) -> set[int]:
    """The numbers of the addresses in the space of a Network that came back too recently to be given again."""
    if not block.cooldown:
        return set()
    since = reader.now - timedelta(seconds=block.cooldown)
    back = returned.taken_out(reader, IP, since)
    return {int(ip_address(each.value.text)) for each in back if each.value.ref == block.space}


def kind_of(block: Block) -> type[Address]:
    """What its addresses are."""
    return IPv4Address if block.network.version == 4 else IPv6Address


def free(reader: Reader, block: Block) -> Iterator[Address]:
    """The addresses of a Network that may be given out, lowest first: see `spans`."""
    return (kind_of(block)(number) for first, last in spans(reader, block) for number in range(first, last + 1))


def allocate(
    change: Transaction, network: Thing, holder: Thing, shared: str | None = None, *, cooldown: int | None = None
) -> str:
    """Gives a Thing or part the lowest free address of a Network, in its address space, and none that came back in the
    last `cooldown` seconds: by default what the Network says. `shared` says as what others may hold it too. Raises
    Refused when there is none left, Malformed."""
    return allocate_to(change, network, [holder], shared, cooldown=cooldown).address


def allocate_to(
    change: Transaction,
    network: Thing,
    holders: list[Thing],
    shared: str | None = None,
    *,
    cooldown: int | None = None,
) -> Assigned:
    """As `allocate`, the one address for all of these."""
    block = heeding(block_of(change.unit.reader, network), cooldown)
    back = _taken_out(change, block)
    address = next((each for each in free(change.unit.reader, block) if each not in back), None)
    if address is None:
        later = ", or it came back too recently" if block.cooldown else ""
        raise Refused(f"not enough: no address of {network.name} ({block.network}) is free{later}")
    space = change.unit.by_id(block.space).name if block.space is not None else None
    for holder in holders:
        claims.give(change.unit, holder, str(address), block.space, _role(shared))
    return Assigned(str(address), space, shared)


def heeding(block: Block, cooldown: int | None) -> Block:
    """A Network with another cooldown, in seconds, than it says itself; None for its own."""
    return block if cooldown is None else block._replace(cooldown=cooldown)


def _taken_out(change: Transaction, block: Block) -> set[Address]:
    """What came back within this change, where that is too recently."""
    keys = [Key(IP), *(Key(IP, None, role) for role in addresses.SHARED)]
    gone = change.unit.changed_under(keys)[1] if block.cooldown else []
    return {ip_address(each.value.text) for each in gone if each.value.ref == block.space}


def _role(shared: str | None) -> str | None:
    if shared is not None and shared not in addresses.SHARED:
        raise Malformed(f"an address is shared as one of {', '.join(addresses.SHARED)}, not as {shared[:20]!a}")
    return shared


def give(change: Transaction, text: str, holder: Thing, shared: str | None = None) -> bool:
    """Gives a Thing or part that address (`10.2.0.7`, `10.2.0.7@VRF`); False when it holds it already.

    Raises Malformed for no address, and for one whose address space nobody can tell; Refused for one that is taken,
    outside every Network, or the first or last one of its Network.
    """
    reader = change.unit.reader
    spaces = Spaces(reader)
    said = addresses.assigned(text)
    wanted = said._replace(shared=_role(shared) or said.shared)
    space = spaces.of(wanted)
    if not claims.check_free(change.unit, holder, wanted, space):
        return False
    address = ip_address(wanted.address)
    number = space.id if space is not None else None
    around = [block for block in blocks(reader) if block.space == number and address in block.network]
    if not around:
        where = f" in the address space {space.name}" if space is not None else ""
        raise Refused(f"{address} is outside every Network{where} (clusto add Network NAME --attr cidr=...)")
    block = min(around, key=lambda each: each.network.num_addresses)
    if block.network.num_addresses > 2:
        if address == block.network.network_address:
            raise Refused(f"{address} is the address of {block.thing.name} ({block.network}) itself")
        if address.version == 4 and address == block.network.broadcast_address:
            raise Refused(f"{address} is the broadcast address of {block.thing.name} ({block.network})")
    claims.give(change.unit, holder, wanted.address, number, wanted.shared)
    return True


def release(change: Transaction, text: str) -> list[Held]:
    """Takes an address back, from all that share it, or all addresses that a Thing and its parts hold.

    Raises NotFound when there is none, Malformed for an address that is held in several address spaces.
    """
    reader = change.unit.reader
    wanted = addresses.sought(text)
    if wanted is not None:
        found = reader.holders(wanted)
        if not found:
            raise NotFound(f"nothing holds {wanted}")
        if len({each.space for each in found}) > 1:
            told = sorted({str(Assigned(each.address, each.space_name)) for each in found})
            raise Malformed(f"{text} is held in {len(told)} address spaces: write {' or '.join(told)}")
    else:
        thing = change.resolve(text)
        whole = [thing, *(change.unit.parts(thing) if not thing.is_part else ())]
        spaces = reader.spaces()
        found = [
            Held(each.value.text, holder, spaces.get(each.value.ref or 0), each.key.subkey)
            for holder in whole
            for each in claims.held(change.unit, holder)
        ]
        if not found:
            raise NotFound(f"{text} holds no address")
    for held in found:
        _take(change, held)
    return found


def _take(change: Transaction, held: Held) -> None:
    holder = change.unit.by_id(held.holder.id)
    space = held.space.id if held.space is not None else None
    for attribute in claims.held(change.unit, holder):
        if (attribute.value.text, attribute.value.ref) == (held.address, space):
            change.unit.delete_attribute(attribute)


def held(reader: Reader, block: Block | None = None, limit: int | None = None) -> list[Held]:
    """The addresses of a Network, or all, that something holds, in their order; with a limit, those among the first so
    many of all address spaces."""
    low, high = block.claims if block is not None else ("ip", "ip")
    return [each for each in reader.held(low, high, limit) if _is_in(block, each)]


def all_held(reader: Reader, block: Block | None = None) -> Iterator[Held]:
    """The same as they are read, however many there are: nothing may be written meanwhile, nor the reader closed."""
    low, high = block.claims if block is not None else ("ip", "ip")
    return (each for each in reader.all_held(low, high) if _is_in(block, each))


def _is_in(block: Block | None, held: Held) -> bool:
    return block is None or (held.space.id if held.space else None) == block.space


def _number(claim: str) -> int:
    return int(claim.partition(":")[2].partition("@")[0].partition("+")[0], 16)
