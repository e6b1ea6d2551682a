"""Which addresses Things and parts hold: in each address space each is one holder's alone, unless it is shared.

An address space is a VRF; the one without a name has whatever is in no VRF. `_ip` has the address, `_ip.ROLE` one that
several hold at once: see `addresses.SHARED`.
"""

from __future__ import annotations

from collections.abc import Iterable

from clusto_core.errors import Refused
from clusto_core.model import addresses
from clusto_core.model.addresses import Assigned
from clusto_core.model.attributes import IP, Key, Value
from clusto_core.model.things import Attribute, Thing
from clusto_core.store.unit import UnitOfWork


def held(unit: UnitOfWork, thing: Thing) -> list[Attribute]:
    """The addresses that a Thing or part holds itself."""
    return [each for each in unit.attributes(thing) if each.key.key == IP]


def release(unit: UnitOfWork, thing: Thing, keep: Iterable[tuple[Assigned, Thing | None]] = ()) -> bool:
    """Takes all addresses but those to keep, each with its address space, from a Thing or part; False when it had no
    other."""
    kept = {(each.address, space.id if space else None, each.shared) for each, space in keep}
    gone = [each for each in held(unit, thing) if (each.value.text, each.value.ref, each.key.subkey) not in kept]
    for attribute in gone:
        unit.delete_attribute(attribute)
    return bool(gone)


def hold(unit: UnitOfWork, thing: Thing, wanted: str | Assigned, space: Thing | None = None) -> bool:
    """Gives an address to a Thing or part, in an address space (see `spaces.Spaces`); False when it held it.

    Raises Malformed, Refused when another one holds it.
    """
    said = addresses.assigned(wanted) if isinstance(wanted, str) else wanted
    if not check_free(unit, thing, said, space):
        return False
    give(unit, thing, said.address, space.id if space is not None else None, said.shared)
    return True


def give(unit: UnitOfWork, thing: Thing, address: str, space: int | None, shared: str | None) -> None:
    """Writes that a Thing or part holds an address that is free for it."""
    value = Value("string", address, space)
    unit.insert_attribute(Attribute(unit.new_id(), thing.id, Key(IP, None, shared), value))


def check_free(unit: UnitOfWork, thing: Thing, wanted: Assigned, space: Thing | None) -> bool:
    """Whether a Thing or part may be given an address; False when it holds it.

    Raises Refused when another holds it, or it is shared and to be one's alone, or shared otherwise.
    """
    claim = addresses.claimed(addresses.claim_of(wanted.address) or "", space.id if space is not None else None)
    return check_claim(unit, thing, wanted.address, claim, wanted.shared, space.name if space is not None else "")


def check_claim(unit: UnitOfWork, thing: Thing, address: str, claim: str, shared: str | None, space: str) -> bool:
    """As `check_free`, for a claim within its address space."""
    holder = unit.claimant(claim)
    sharers = unit.sharers(claim)
    where = f" in the address space {space}" if space else ""
    if holder is not None and (holder != thing or shared):
        raise Refused(f"{address} is taken{where}: {holder.name} holds it{' alone' if shared else ''}")
    if other := next((each for each in sharers if each.key.subkey != shared), None):
        raise Refused(
            f"{address} is shared{where} as {other.key.subkey}: {unit.by_id(other.thing_id).name} holds it"
            f" (clusto ip allocate --shared {other.key.subkey} {address} {thing.name})"
        )
    return holder is None and all(each.thing_id != thing.id for each in sharers)
